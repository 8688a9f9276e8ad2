// Which rules of loss recovery are on, and how many copies travel unasked: settings of a session.

/// The rules by which a sender finds out about losses and repairs them; each can be switched off,
/// so that what it is worth can be measured.
public struct RecoveryRules: OptionSet, Hashable, Sendable {
    /// One bit for each rule.
    public let rawValue: UInt16

    /// Creates the set with these bits.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// In a thin flow the first packet that overtakes another starts a short timer.
    public static let thinTimer = RecoveryRules(rawValue: 1 << 0)
    /// Verdicts that prove wrong make the thresholds more patient.
    public static let adaptiveThresholds = RecoveryRules(rawValue: 1 << 1)
    /// After a pause another round trip counts: that of a radio that slept.
    public static let coldRoundTrip = RecoveryRules(rawValue: 1 << 2)
    /// In a thin flow each packet has a probe timeout of its own, which later ones do not put off.
    public static let ownTimeouts = RecoveryRules(rawValue: 1 << 3)
    /// Probes of a thin flow grow apart by half, not to the double.
    public static let gentleBackoff = RecoveryRules(rawValue: 1 << 4)
    /// While somebody waits, a silent link is asked at least every 250 ms for the first 10 s.
    public static let probeCap = RecoveryRules(rawValue: 1 << 5)
    /// Where losses are frequent, a second probe follows the first.
    public static let secondProbe = RecoveryRules(rawValue: 1 << 6)
    /// A message that was repaired once travels again in packets that go out anyway.
    public static let bundling = RecoveryRules(rawValue: 1 << 7)
    /// Long messages are followed by parity of their fragments, where copies are wanted.
    public static let parity = RecoveryRules(rawValue: 1 << 8)
    /// Where next to nothing is lost, the peer is asked to let acknowledgements ride in its data.
    public static let patience = RecoveryRules(rawValue: 1 << 9)

    /// All rules: the default.
    public static let all = RecoveryRules(rawValue: (1 << 10) - 1)
}

/// Whether small messages travel more than once before anything is known to be lost.
public enum Redundancy: Sendable, Hashable, CaseIterable {
    /// Never.
    case none
    /// As much as the losses measured on the path ask for, within a budget.
    case auto
}

// How long an acknowledgement may wait for a packet to ride in: what each side asks of the other.

internal import PetrelBase
internal import PetrelWire

/// The patience with acknowledgements of messages, in both directions.
///
/// Where next to nothing is lost, an acknowledgement that comes at once is a packet for nothing:
/// two people who write, or a server that commits, send something anyway soon. Where losses are to
/// be found out, it is not. Only who sends knows; so the sender asks.
struct AckPolicy: Sendable {
    /// What is asked for while the path loses next to nothing.
    static let patience = Interval.milliseconds(60)
    /// Packets of known fate before a path is trusted.
    private static let packetsMin = 64
    /// Packets lost of a thousand, from which on the patience ends, and below which it begins.
    private static let losses = (ends: 5, begins: 2)

    /// How long the peer lets us hold the acknowledgement of a message, beyond the usual.
    var granted = Interval.zero
    /// What the peer was asked for last.
    private(set) var asked = Interval.zero
    /// The longest that it may hold one, as far as is known: what it was asked for, or before.
    private(set) var inForce = Interval.zero
    private var wanted = Interval.zero

    /// What is remembered while nothing is under way, in milliseconds.
    struct Dormant: Sendable {
        var granted: UInt8
        var inForce: UInt8
        var wanted: UInt8
    }

    init() {}

    init(_ dormant: Dormant) {
        granted = .milliseconds(Int64(dormant.granted))
        inForce = .milliseconds(Int64(dormant.inForce))
        asked = inForce
        wanted = .milliseconds(Int64(dormant.wanted))
    }

    var dormant: Dormant {
        Dormant(
            granted: Self.milliseconds(granted), inForce: Self.milliseconds(inForce),
            wanted: Self.milliseconds(wanted))
    }

    private static func milliseconds(_ interval: Interval) -> UInt8 {
        UInt8(clamping: interval.nanoseconds / 1_000_000)
    }

    /// Whether the peer is to be asked for something else.
    var isDue: Bool { wanted != asked }

    /// Decides anew, before a packet with a message.
    mutating func update(losses: LossEstimate, isThin: Bool) {
        if !isThin || losses.isAtLeast(perMille: Self.losses.ends) {
            wanted = .zero
        } else if losses.isKnown(packetsMin: Self.packetsMin),
            !losses.isAtLeast(perMille: Self.losses.begins)
        {
            wanted = Self.patience
        }
    }

    /// Returns what to ask for, which then counts as asked; probes wait longer at once.
    mutating func takeAsked() -> Interval {
        asked = wanted
        inForce = max(inForce, asked)
        return asked
    }

    /// The peer knows what was asked last.
    mutating func arrived(_ patience: Interval) {
        guard patience == asked else { return }
        inForce = asked
    }

    /// What was asked may not have arrived: it is asked again, if it is still wanted.
    mutating func lost(_ patience: Interval) {
        guard patience == asked, wanted == asked else { return }
        // Unequal to whatever is wanted, so that the next packet asks.
        asked = .infinite
    }
}

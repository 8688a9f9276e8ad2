// How long a client may be silent in each network, and what it learnt of that (transport.md §8.3).

public import PetrelBase

/// How a client looks for the longest pause that its NAT bears; a plain value with defaults.
public struct KeepaliveConfiguration: Equatable, Sendable {
    /// What is assumed of a network of which nothing is known.
    public var start = Interval.seconds(25)
    /// The shortest and the longest pause.
    public var bounds = Interval.seconds(15)...Interval.seconds(600)
    /// What is tried, in whole seconds, shortest first.
    public var steps: [Interval] = [45, 60, 90, 120, 180, 300, 600].map { .seconds($0) }
    /// Whether anything is tried.
    public var isSearching = true
    /// Keepalives in the background that ask for nothing, between two that do.
    public var quietMax = 3
    /// How long a session must have been there before something is tried.
    public var settlesFor = Interval.seconds(10)
    /// From the first PROBE of a measurement to the last: NATs take a flow for a lasting one then.
    public var probeSpacing = Interval.milliseconds(2_500)

    /// Creates the defaults.
    public init() {}
}

/// What measurements say of a network.
extension BindingLifetime {
    /// What to try next: of the steps that are still possible the middle one; `nil` if none is.
    func nextStep(_ configuration: KeepaliveConfiguration) -> Interval? {
        let open = configuration.steps.filter { $0 > proven && $0 < refuted }
        return open.isEmpty ? nil : open[open.count / 2]
    }

    /// A pause was survived: four fifths of it are safe.
    mutating func proved(_ pause: Interval, _ configuration: KeepaliveConfiguration) {
        proven = max(proven, pause)
        safe = Self.clamp(max(safe, pause * 4 / 5), configuration)
    }

    /// A pause was not survived, twice, in a flow that nothing depends on.
    mutating func failed(_ pause: Interval) {
        refuted = min(refuted, pause)
        if proven >= refuted { proven = .zero }
    }

    /// The session's own binding died in a pause: seven tenths of that must do, from now on.
    mutating func died(after pause: Interval, _ configuration: KeepaliveConfiguration) {
        failed(pause)
        safe = Self.clamp(min(safe, pause * 7 / 10), configuration)
    }

    private static func clamp(
        _ pause: Interval, _ configuration: KeepaliveConfiguration
    ) -> Interval {
        min(max(pause, configuration.bounds.lowerBound), configuration.bounds.upperBound)
    }
}

/// What is known of all networks, and which of them the client is in.
struct KeepalivePlan: Sendable {
    let configuration: KeepaliveConfiguration
    /// The present network, then the others, the latest first.
    private(set) var networks: [BindingLifetime]
    /// Whether something is known that is not stored yet.
    private(set) var isUnsaved = false
    /// Whether somebody looks at the application.
    var isInForeground = true

    init(_ configuration: KeepaliveConfiguration, stored: [BindingLifetime]) {
        self.configuration = configuration
        networks = [BindingLifetime(label: 0, safe: configuration.start)] + stored
    }

    /// The network that the client is in.
    var present: BindingLifetime { networks[0] }

    /// What is worth storing: a network without a name may be any.
    var named: [BindingLifetime] { networks.filter { $0.label != 0 } }

    /// The pause to keep with a session that would pause for `foreground` by itself.
    func pause(foreground: Interval) -> (interval: Interval, quietMax: Int) {
        guard !isInForeground else { return (min(present.safe, foreground), 0) }
        return (present.safe, configuration.quietMax)
    }

    /// The client is in that network now; of one without a name nothing is known.
    mutating func enter(_ label: UInt64, wall: WallTime) {
        var record = networks.first { $0.label == label && label != 0 }
        // Networks change. What failed long ago may be tried again.
        if let old = record, wall.milliseconds - old.learnt.milliseconds > Self.staleMilliseconds {
            record?.refuted = .infinite
        }
        networks.removeAll { $0.label == label || $0.label == 0 }
        networks.insert(
            record ?? BindingLifetime(label: label, safe: configuration.start, learnt: wall), at: 0)
        if networks.count > Self.networksMax { networks.removeLast() }
    }

    /// Something was learnt of the present network.
    mutating func learn(wall: WallTime, _ what: (inout BindingLifetime) -> Void) {
        let before = networks[0]
        what(&networks[0])
        guard networks[0] != before else { return }
        networks[0].learnt = wall
        isUnsaved = networks[0].label != 0
    }

    mutating func saved() { isUnsaved = false }

    private static let networksMax = 16
    private static let staleMilliseconds: Int64 = 7 * 24 * 3_600 * 1_000
}

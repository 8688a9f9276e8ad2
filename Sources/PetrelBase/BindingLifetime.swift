// What is known of how long a network's NAT remembers a flow (transport.md §8.3).

/// How long the NAT of a network remembers a flow, as far as is known.
public struct BindingLifetime: Equatable, Sendable {
    /// Names the network; 0 if the application gave it no name.
    public var label: UInt64
    /// The longest pause that was survived in a measurement; zero if none was.
    public var proven = Interval.zero
    /// The shortest pause that was not survived; `.infinite` if all were.
    public var refuted = Interval.infinite
    /// The pause to use.
    public var safe: Interval
    /// When something was learnt.
    public var learnt: WallTime

    /// Creates the description of a network of which nothing is known but `safe`.
    public init(label: UInt64, safe: Interval, learnt: WallTime = WallTime(milliseconds: 0)) {
        self.label = label
        self.safe = safe
        self.learnt = learnt
    }
}

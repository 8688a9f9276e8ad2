// What a session must learn of its path, as seen from the path.

internal import PetrelBase

/// Counts packets that a session goes on to send though its path does not carry them, and marks
/// though the path spoils them.
struct PathWatch {
    /// How long a session may take to notice that large packets vanish.
    private static let patience = Interval.seconds(4)
    /// Packets that may vanish after that: probes of later searches.
    private static let vanishedMax = 30
    /// Packets that may be marked in vain: those that test the path.
    private static let markedMax = 10

    private var countsFrom = Instant.distantFuture
    private var vanished = 0
    private var marked = 0

    /// The path has come to carry less.
    mutating func narrows(at now: Instant) {
        if countsFrom == .distantFuture { countsFrom = now + Self.patience }
    }

    /// Nothing at all gets through for a while: nobody can learn anything.
    mutating func isDark(until end: Instant) {
        if countsFrom != .distantFuture { countsFrom = max(countsFrom, end + Self.patience) }
    }

    /// Notes a packet that is sent; returns what is wrong with that, if anything.
    mutating func sent(_ byteCount: Int, ecn: ECN, over link: Link, now: Instant) -> String? {
        if now >= countsFrom, !link.carries(byteCount, now: now) { vanished += 1 }
        switch link.plan.marks {
        case .wiped, .remarked, .dropped: if ecn != .notECT { marked += 1 }
        case .congested, nil: break
        }
        if vanished > Self.vanishedMax {
            return "\(vanished) packets are too large for a path that was narrow before"
        }
        if marked > Self.markedMax { return "\(marked) packets are marked, and the path spoils it" }
        return nil
    }
}

// What happens to a link at which time: blackouts and NAT rebinds, once or again and again.

import PetrelBase

/// Events of a link, in time since its first packet.
struct Timeline: Equatable, Sendable {
    /// When nothing gets through.
    var blackouts: [Blackout] = []
    /// When all NAT mappings are forgotten.
    var rebinds: [Moment] = []

    /// A time in which nothing gets through.
    struct Blackout: Equatable, Sendable {
        /// How long it lasts.
        var duration: Interval
        /// When it begins.
        var beginning: Moment
    }

    /// A point in time that may come back periodically.
    struct Moment: Equatable, Sendable {
        /// The first time.
        var start: Interval
        /// The time from one to the next, which is positive; `nil` means once.
        var period: Interval?
    }

    /// Whether `elapsed` is inside a blackout.
    func isBlackedOut(at elapsed: Interval) -> Bool {
        blackouts.contains { blackout in
            guard let latest = blackout.beginning.latest(by: elapsed) else { return false }
            return elapsed - latest < blackout.duration
        }
    }

    /// How many blackouts have begun by `elapsed`.
    func blackoutsBegun(by elapsed: Interval) -> Int {
        blackouts.reduce(0) { $0 + $1.beginning.occurrences(by: elapsed) }
    }

    /// How many rebinds are due by `elapsed`.
    func rebindsDue(by elapsed: Interval) -> Int {
        rebinds.reduce(0) { $0 + $1.occurrences(by: elapsed) }
    }

    /// When the first rebind after `elapsed` happens; `nil` if there is none.
    func nextRebind(after elapsed: Interval) -> Interval? {
        rebinds.compactMap { $0.next(after: elapsed) }.min()
    }
}

extension Timeline.Moment {
    /// How often the moment has come by `elapsed`, that instant included.
    func occurrences(by elapsed: Interval) -> Int {
        guard elapsed >= start else { return 0 }
        guard let period else { return 1 }
        return 1 + Int((elapsed - start).nanoseconds / period.nanoseconds)
    }

    /// When it came last, that instant included; `nil` if it has not come yet.
    func latest(by elapsed: Interval) -> Interval? {
        let count = occurrences(by: elapsed)
        guard count > 0 else { return nil }
        return start + (period ?? .zero) * Int64(count - 1)
    }

    /// When it comes next; `nil` if never again.
    func next(after elapsed: Interval) -> Interval? {
        guard let latest = latest(by: elapsed) else { return start }
        return period.map { latest + $0 }
    }
}

extension Timeline.Blackout {
    /// Reads `duration@start` or `duration@start/period`, such as `3s@8s/20s`.
    init(parsing text: String) throws(QuantityError) {
        let error = QuantityError(
            text: text,
            expected: "a blackout; write duration@start or duration@start/period, like 3s@8s/20s; "
                + "the period is longer than the duration")
        guard let at = text.firstIndex(of: "@"),
            let duration = try? Interval(parsing: String(text[..<at])),
            let beginning = try? Timeline.Moment(parsing: String(text[at...])),
            duration > .zero, duration < beginning.period ?? .infinite
        else { throw error }
        self.init(duration: duration, beginning: beginning)
    }
}

extension Timeline.Moment {
    /// Reads `@start` or `@start/period`, such as `@12s/30s`; the period is at least 10 ms.
    init(parsing text: String) throws(QuantityError) {
        let error = QuantityError(
            text: text, expected: "a moment; write @start or @start/period, like @12s/30s")
        let parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard text.first == "@", parts.count <= 2,
            let start = try? Interval(parsing: String(parts[0]))
        else { throw error }
        self.init(start: start, period: nil)
        guard parts.count == 2 else { return }
        guard let period = try? Interval(parsing: String(parts[1])), period >= .milliseconds(10)
        else { throw error }
        self.period = period
    }
}

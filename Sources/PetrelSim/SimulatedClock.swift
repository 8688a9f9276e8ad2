// The clocks of one process: they drift, start anywhere, and the calendar jumps.

internal import PetrelBase

/// Turns true time into what a process reads, and its deadlines back into true time.
struct SimulatedClock {
    /// True time at which the process's monotonic clock was read as `origin`.
    private var started: Instant
    private var origin: Instant
    private let driftPPM: Int64
    /// How far the calendar is ahead.
    private(set) var wallOffset: Interval

    /// Starts a clock at `origin`, which says nothing about the calendar.
    init(plan: ClockPlan, origin: Int64, now: Instant) {
        started = now
        self.origin = Instant(nanoseconds: origin)
        driftPPM = Int64(plan.driftPPM)
        wallOffset = .seconds(Int64(plan.wallOffset))
    }

    /// The machine was started again: the monotonic clock begins anew, the calendar goes on.
    mutating func reboot(origin: Int64, now: Instant) {
        started = now
        self.origin = Instant(nanoseconds: origin)
    }

    /// The calendar is set.
    mutating func jump(_ interval: Interval) { wallOffset = wallOffset + interval }

    /// What the monotonic clock shows at a true moment.
    func local(_ now: Instant) -> Instant {
        let elapsed = now - started
        return origin + elapsed + drift(elapsed)
    }

    /// The first true moment at which the monotonic clock has reached `local`.
    func moment(showing local: Instant) -> Instant {
        guard local != .distantFuture else { return .distantFuture }
        guard local > origin else { return started }
        let shown = local - origin
        // No run lasts so long, and the arithmetic below would overflow.
        guard shown < .seconds(1_000_000) else { return started + shown }
        // Close to it from below, then the few nanoseconds that rounding took.
        var elapsed = shown - drift(shown) - Interval(nanoseconds: 2 + abs(drift(shown)) / 50)
        while elapsed + drift(elapsed) < shown {
            let missing = shown - (elapsed + drift(elapsed))
            elapsed = elapsed + Interval(nanoseconds: max(1, missing.nanoseconds / 2))
        }
        return started + elapsed
    }

    /// What the calendar shows.
    func wall(_ now: Instant) -> WallTime {
        let elapsed = Interval(nanoseconds: now.nanoseconds) + wallOffset
        return WallTime(milliseconds: 1_700_000_000_000 + elapsed.nanoseconds / 1_000_000)
    }

    private func drift(_ elapsed: Interval) -> Interval {
        // In parts: a day of nanoseconds times a million would not fit. Exact, so that the clock
        // never goes back.
        let (whole, rest) = elapsed.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return Interval(nanoseconds: whole * driftPPM + rest * driftPPM / 1_000_000)
    }

    private func abs(_ interval: Interval) -> Int64 { Swift.abs(interval.nanoseconds) }
}

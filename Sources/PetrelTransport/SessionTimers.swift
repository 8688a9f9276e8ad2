// The timers of a session, each with a name, and the earliest of them.

internal import PetrelBase

/// Why a session wants to be woken.
enum SessionTimer: Int, CaseIterable, Sendable {
    /// An acknowledgement has been held back for long enough.
    case acknowledge
    /// A packet that was overtaken counts as lost.
    case loss
    /// Nothing was acknowledged: probe.
    case probe
    /// The second of two spaced probes.
    case secondProbe
    /// The pacer lets the next packet through.
    case pace
    /// Small messages have waited for company for long enough.
    case coalesce
    /// A message comes near its deadline, or is late.
    case expire
    /// A path challenge was not answered.
    case validate
    /// The client says that it is alive.
    case keepalive
    /// Nothing was heard for too long.
    case silence
}

/// When each timer is due; `.distantFuture` for those that are not running.
struct SessionTimers: Sendable {
    private var instants = InlineArray<16, Instant>(repeating: .distantFuture)

    /// Accesses the instant at which a timer is due.
    subscript(timer: SessionTimer) -> Instant {
        get { instants[timer.rawValue] }
        set { instants[timer.rawValue] = newValue }
    }

    /// Whether a timer is due; it is stopped then.
    mutating func expired(_ timer: SessionTimer, now: Instant) -> Bool {
        guard instants[timer.rawValue] <= now else { return false }
        instants[timer.rawValue] = .distantFuture
        return true
    }

    /// The earliest instant.
    var deadline: Instant {
        var earliest = instants[0]
        for i in 1..<instants.count { earliest = min(earliest, instants[i]) }
        return earliest
    }
}

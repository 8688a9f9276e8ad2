// Time as a value: the clock is the caller's, and no sum of times can overflow.

/// A length of time in nanoseconds, from 292 years back to 292 years ahead.
///
/// Arithmetic saturates: an interval that would not fit becomes the longest there is.
public struct Interval: Hashable, Comparable, Sendable {
    /// The length in nanoseconds.
    public var nanoseconds: Int64

    /// Creates an interval of that many nanoseconds.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// No time at all.
    public static let zero = Interval(nanoseconds: 0)
    /// Longer than anything that is waited for.
    public static let infinite = Interval(nanoseconds: .max)

    /// Creates an interval of that many microseconds.
    public static func microseconds(_ count: Int64) -> Interval {
        Interval(nanoseconds: 1_000) * count
    }
    /// Creates an interval of that many milliseconds.
    public static func milliseconds(_ count: Int64) -> Interval {
        Interval(nanoseconds: 1_000_000) * count
    }
    /// Creates an interval of that many seconds.
    public static func seconds(_ count: Int64) -> Interval {
        Interval(nanoseconds: 1_000_000_000) * count
    }

    /// The length in milliseconds, for people and reports.
    public var milliseconds: Double { Double(nanoseconds) / 1_000_000 }

    public static func < (a: Interval, b: Interval) -> Bool { a.nanoseconds < b.nanoseconds }
    public static func + (a: Interval, b: Interval) -> Interval {
        let (sum, overflow) = a.nanoseconds.addingReportingOverflow(b.nanoseconds)
        return Interval(nanoseconds: overflow ? (a.nanoseconds < 0 ? .min : .max) : sum)
    }
    public static func - (a: Interval, b: Interval) -> Interval {
        let (difference, overflow) = a.nanoseconds.subtractingReportingOverflow(b.nanoseconds)
        return Interval(nanoseconds: overflow ? (a.nanoseconds < 0 ? .min : .max) : difference)
    }
    public static func * (a: Interval, factor: Int64) -> Interval {
        let (product, overflow) = a.nanoseconds.multipliedReportingOverflow(by: factor)
        guard overflow else { return Interval(nanoseconds: product) }
        return Interval(nanoseconds: (a.nanoseconds < 0) == (factor < 0) ? .max : .min)
    }
    /// Divides by a positive count.
    public static func / (a: Interval, divisor: Int64) -> Interval {
        precondition(divisor > 0)
        return Interval(nanoseconds: a.nanoseconds / divisor)
    }
}

/// A moment on the monotonic clock of whoever drives the core.
///
/// The core never asks what time it is. Every entry point takes `now`; the event loop passes
/// `CLOCK_MONOTONIC`, once per batch, and a test passes whatever it likes.
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since an arbitrary origin.
    public var nanoseconds: Int64

    /// Creates the instant that many nanoseconds after the origin.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// A moment that never comes.
    public static let distantFuture = Instant(nanoseconds: .max)

    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
    public static func + (a: Instant, b: Interval) -> Instant {
        Instant(nanoseconds: (Interval(nanoseconds: a.nanoseconds) + b).nanoseconds)
    }
    public static func - (a: Instant, b: Instant) -> Interval {
        Interval(nanoseconds: a.nanoseconds) - Interval(nanoseconds: b.nanoseconds)
    }
    public static func - (a: Instant, b: Interval) -> Instant {
        Instant(nanoseconds: (Interval(nanoseconds: a.nanoseconds) - b).nanoseconds)
    }
}

/// A moment on the calendar, in milliseconds since 1970 (UTC); for people, never for timers.
public struct WallTime: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    public var milliseconds: Int64

    /// Creates the moment that many milliseconds after the start of 1970.
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static func < (a: WallTime, b: WallTime) -> Bool { a.milliseconds < b.milliseconds }
}

// Dates as people read them, and spans of time up to years as they type them.

import Foundation
import PetrelBase

/// Moments for people.
enum HumanTime {
    /// A moment in the zone of this machine, to the minute; empty for none (0).
    static func text(_ milliseconds: Int64, zone: TimeZone = .current) -> String {
        guard milliseconds > 0 else { return "" }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let parts = calendar.dateComponents(
            [.year, .month, .day, .hour, .minute],
            from: Date(timeIntervalSince1970: Double(milliseconds) / 1_000))
        func two(_ number: Int?) -> String {
            let digits = String(number ?? 0)
            return digits.count < 2 ? "0\(digits)" : digits
        }
        return "\(two(parts.year))-\(two(parts.month))-\(two(parts.day)) "
            + "\(two(parts.hour)):\(two(parts.minute))"
    }

    /// How long something lasts, for people: `45 s`, `90 min`, `12 h`, `7 days`.
    static func text(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        for (unit, size) in [("days", Int64(86_400)), ("h", 3_600), ("min", 60)]
        where seconds >= size && seconds % size == 0 {
            return unit == "days" && seconds == size ? "1 day" : "\(seconds / size) \(unit)"
        }
        return "\(seconds) s"
    }
}

/// A span of time of whole seconds, such as `90s`, `12h` or `7d`.
struct LongTime: Equatable, Sendable {
    /// The seconds.
    var seconds: Int64

    /// So many days.
    static func days(_ count: Int64) -> LongTime { LongTime(seconds: count * 86_400) }

    /// Creates it from seconds.
    init(seconds: Int64) { self.seconds = seconds }

    /// Reads it.
    init(parsing text: String) throws(QuantityError) {
        guard let (number, unit) = splitQuantity(text),
            let factor = ["s": 1.0, "min": 60, "h": 3_600, "d": 86_400][unit],
            number * factor >= 1, number * factor <= 1e9
        else {
            throw QuantityError(
                text: text, expected: "a duration; write a number and s, min, h or d, like 12h")
        }
        seconds = Int64(number * factor)
    }

    /// The same as a duration.
    var duration: Duration { .seconds(seconds) }
}

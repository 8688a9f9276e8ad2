// Times as a chat shows them: hours, days, and how long ago.

import Foundation
import PetrelBase

/// Times of a place on Earth, for people.
struct ChatTime: Sendable {
    private var calendar: Calendar

    /// Creates the times of a time zone.
    init(zone: TimeZone = .current) {
        calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
    }

    /// Hours and minutes of a moment in milliseconds since 1970: `14:02`.
    func clock(_ milliseconds: Int64) -> String {
        let parts = calendar.dateComponents([.hour, .minute], from: Self.date(milliseconds))
        return "\(Self.twoDigits(parts.hour)):\(Self.twoDigits(parts.minute))"
    }

    /// The day of a moment: `Tue 24 Nov 2026`.
    func day(_ milliseconds: Int64) -> String {
        let parts = calendar.dateComponents(
            [.weekday, .day, .month, .year], from: Self.date(milliseconds))
        let weekday = Self.weekdays[((parts.weekday ?? 1) - 1) % 7]
        let month = Self.months[((parts.month ?? 1) - 1) % 12]
        return "\(weekday) \(parts.day ?? 0) \(month) \(parts.year ?? 0)"
    }

    /// How long ago something was: `just now`, `12 s ago`, `3 min ago`, `2 h ago`, `4 days ago`.
    static func ago(_ milliseconds: Int64, now: Int64) -> String {
        let seconds = max(0, now - milliseconds) / 1_000
        return switch seconds {
        case ..<2: "just now"
        case ..<60: "\(seconds) s ago"
        case ..<3_600: "\(seconds / 60) min ago"
        case ..<172_800: "\(seconds / 3_600) h ago"
        default: "\(seconds / 86_400) days ago"
        }
    }

    /// How long something takes: `48 ms`, `1.9 s`.
    static func length(_ interval: Interval) -> String {
        let milliseconds = Int64(interval.milliseconds.rounded())
        guard milliseconds >= 1_000 else { return "\(milliseconds) ms" }
        let tenths = (milliseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10) s"
    }

    private static func date(_ milliseconds: Int64) -> Date {
        Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
    }

    private static func twoDigits(_ number: Int?) -> String {
        let number = number ?? 0
        return number < 10 ? "0\(number)" : "\(number)"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}

extension UInt64 {
    /// The number with commas between thousands: `1,240`.
    var grouped: String {
        var text = ""
        for (index, digit) in String(self).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }
}

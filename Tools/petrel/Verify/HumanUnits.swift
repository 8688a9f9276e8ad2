// Counts, bytes and spans of time as people read them.

/// Numbers in human units.
enum HumanUnits {
    /// A count with its thousands apart: `12,034`.
    static func count(_ number: some BinaryInteger) -> String {
        var digits = String(number)[...]
        var groups: [Substring] = []
        while digits.count > 3 {
            groups.insert(digits.suffix(3), at: 0)
            digits = digits.dropLast(3)
        }
        groups.insert(digits, at: 0)
        return groups.joined(separator: ",")
    }

    /// A count with its noun: `1 event`, `12,034 events`, `no events`.
    static func count(_ number: some BinaryInteger, _ noun: String, _ plural: String? = nil)
        -> String
    {
        switch number {
        case 0: "no \(plural ?? noun + "s")"
        case 1: "1 \(noun)"
        default: "\(count(number)) \(plural ?? noun + "s")"
        }
    }

    /// Bytes: `312 B`, `1.21 MiB`.
    static func bytes(_ count: UInt64) -> String {
        guard count >= 1_024 else { return "\(count) B" }
        var value = Double(count)
        var unit = ""
        for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1_024 || unit.isEmpty {
            value /= 1_024
            unit = next
        }
        let hundredths = Int((value * 100).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) \(unit)"
    }

    /// How long after something: `+48 ms`, `-1.9 s`, `+3 min`, `+2 h`, `+4 days`.
    static func offset(milliseconds: Int64) -> String {
        let sign = milliseconds < 0 ? "-" : "+"
        let length = milliseconds.magnitude
        let text =
            switch length {
            case ..<1_000: "\(length) ms"
            case ..<60_000: "\(length / 1_000).\(length / 100 % 10) s"
            case ..<3_600_000: "\(length / 60_000) min"
            case ..<172_800_000: "\(length / 3_600_000) h"
            default: "\(count(length / 86_400_000)) days"
            }
        return sign + text
    }

    /// Text of others, with nothing in it that would steer a terminal.
    static func printable(_ text: String) -> String {
        String(
            text.unicodeScalars.map { scalar in
                scalar.value < 32 || (127..<160).contains(scalar.value)
                    ? "\u{FFFD}" : Character(scalar)
            })
    }
}

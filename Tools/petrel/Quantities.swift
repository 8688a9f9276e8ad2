// Durations, rates and probabilities as people type them on a command line.

import PetrelBase

/// Text that is not the quantity that was asked for.
struct QuantityError: Error, Equatable, CustomStringConvertible {
    /// What was typed.
    var text: String
    /// What would have been right, with an example.
    var expected: String

    var description: String { "'\(text)' is not \(expected)" }
}

extension Interval {
    /// Reads a duration such as `40ms`, `1.9s`, `250us`, `2min` or `1h`; never negative.
    init(parsing text: String) throws(QuantityError) {
        let units: [String: Double] = ["us": 1e3, "ms": 1e6, "s": 1e9, "min": 6e10, "h": 3.6e12]
        let error = QuantityError(
            text: text, expected: "a duration; write a number and us, ms, s, min or h, like 40ms")
        guard let (number, unit) = splitQuantity(text), let factor = units[unit] else {
            throw error
        }
        let nanoseconds = (number * factor).rounded()
        // A century is enough, and leaves room for sums.
        guard nanoseconds <= 3.2e18 else { throw error }
        self.init(nanoseconds: Int64(nanoseconds))
    }

    /// The shortest way to write it: `3s`, `40ms`, `1.9s`, `250us`.
    var text: String {
        for (unit, size) in [("s", 1e9), ("ms", 1e6)] where Double(nanoseconds) >= size {
            let value = Double(nanoseconds) / size
            return (value == value.rounded() ? "\(Int64(value))" : "\(value)") + unit
        }
        return nanoseconds == 0 ? "0s" : "\(nanoseconds / 1_000)us"
    }
}

/// How fast a link is; at least one bit per second.
struct BitRate: Equatable, Sendable {
    /// Bits that the link carries in a second.
    var bitsPerSecond: Int64

    /// Creates a rate from a positive number of bits per second.
    init(bitsPerSecond: Int64) {
        precondition(bitsPerSecond > 0)
        self.bitsPerSecond = bitsPerSecond
    }

    /// Reads a rate such as `1mbit`, `300kbit`, `2.5gbit` or `9600bit`.
    init(parsing text: String) throws(QuantityError) {
        let units: [String: Double] = ["bit": 1, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9]
        guard let (number, unit) = splitQuantity(text), let factor = units[unit],
            (1...1e12).contains((number * factor).rounded())
        else {
            throw QuantityError(
                text: text,
                expected: "a rate; write a number and bit, kbit, mbit or gbit, like 300kbit")
        }
        self.init(bitsPerSecond: Int64((number * factor).rounded()))
    }

    /// How long the link is busy with that many bytes.
    func time(for byteCount: Int) -> Interval {
        .seconds(Int64(byteCount) * 8) / bitsPerSecond
    }
}

/// How likely something is, from 0 to 1.
struct Probability: Equatable, Sendable {
    /// In `0...1`.
    var value: Double

    /// Reads a probability, `0.3` or `30%`.
    init(parsing text: String) throws(QuantityError) {
        let isPercentage = text.hasSuffix("%")
        guard let (number, _) = splitQuantity(isPercentage ? String(text.dropLast()) : text, ""),
            (0...1).contains(isPercentage ? number / 100 : number)
        else {
            throw QuantityError(
                text: text, expected: "a probability; write a number from 0 to 1, like 0.3, or 30%")
        }
        value = isPercentage ? number / 100 : number
    }
}

/// Cuts text into a plain decimal number and its unit; `nil` if there is no such number.
///
/// Signs, exponents and spaces are refused, and so is any other unit than `wanted`, if given.
func splitQuantity(_ text: String, _ wanted: String? = nil) -> (number: Double, unit: String)? {
    let digits = text.prefix { ("0"..."9").contains($0) || $0 == "." }
    let unit = text[digits.endIndex...]
    guard digits.first != ".", digits.last != ".", let number = Double(digits),
        wanted == nil || unit == wanted ?? ""
    else { return nil }
    return (number, String(unit))
}

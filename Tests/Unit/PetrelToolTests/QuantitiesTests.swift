// Durations, rates and probabilities: what is accepted, and what is refused with a reason.

import PetrelBase
import Testing

@testable import PetrelCommand

@Suite struct QuantitiesTests {
    @Test(
        arguments: [
            ("40ms", 40_000_000), ("1.9s", 1_900_000_000), ("3s", 3_000_000_000), ("0s", 0),
            ("250us", 250_000), ("2min", 120_000_000_000), ("1h", 3_600_000_000_000),
            ("0.5ms", 500_000), ("007s", 7_000_000_000),
        ] as [(String, Int64)])
    func durationsAreRead(text: String, nanoseconds: Int64) throws {
        #expect(try Interval(parsing: text).nanoseconds == nanoseconds)
    }

    @Test(arguments: [
        "", "s", "5", "-5s", "+5s", " 5s", "5 s", "5sec", "1e3s", ".5s", "5.s", "1.2.3s", "5S",
        "nans", "infs", "9999999999h", "０s",
    ])
    func otherDurationsAreRefused(text: String) {
        let error = #expect(throws: QuantityError.self) { try Interval(parsing: text) }
        #expect(error?.text == text)
        #expect(error?.description.contains("40ms") == true)
    }

    @Test(
        arguments: [
            ("1mbit", 1_000_000), ("300kbit", 300_000), ("2.5gbit", 2_500_000_000),
            ("9600bit", 9_600),
        ] as [(String, Int64)])
    func ratesAreRead(text: String, bits: Int64) throws {
        #expect(try BitRate(parsing: text).bitsPerSecond == bits)
    }

    @Test(arguments: ["", "1", "0mbit", "0.1bit", "-1mbit", "1MBit", "1mb", "5000gbit", "kbit"])
    func otherRatesAreRefused(text: String) {
        let error = #expect(throws: QuantityError.self) { try BitRate(parsing: text) }
        #expect(error?.description.contains("300kbit") == true)
    }

    @Test func aRateTakesItsTime() {
        #expect(BitRate(bitsPerSecond: 1_000_000).time(for: 1_250) == .milliseconds(10))
        #expect(BitRate(bitsPerSecond: 1).time(for: 1) == .seconds(8))
    }

    @Test(arguments: [("0", 0), ("1", 1), ("0.3", 0.3), ("30%", 0.3), ("100%", 1), ("0%", 0)])
    func probabilitiesAreRead(text: String, value: Double) throws {
        #expect(abs(try Probability(parsing: text).value - value) < 1e-12)
    }

    @Test(arguments: ["", "%", "1.1", "101%", "-0.1", "0,3", "half", "1e-3", "0.3%%", ".3"])
    func otherProbabilitiesAreRefused(text: String) {
        #expect(throws: QuantityError.self) { try Probability(parsing: text) }
    }

    @Test(arguments: [
        (Interval.seconds(3), "3s"), (.milliseconds(40), "40ms"), (.milliseconds(1_900), "1.9s"),
        (.microseconds(250), "250us"), (.zero, "0s"), (.seconds(120), "120s"),
    ])
    func durationsAreWrittenSoThatTheyCanBeRead(interval: Interval, text: String) throws {
        #expect(interval.text == text)
        #expect(try Interval(parsing: text) == interval)
    }
}

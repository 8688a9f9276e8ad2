// Whatever somebody pastes as an address, a handle or a quantity is refused or means itself.

import PetrelBase
import PetrelMessaging
import PetrelWire

/// Reads text as everything that people type, and writes it again.
enum AddressTarget {
    static func feed(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        try address(text)
        try handle(text)
        try quantities(text)
        try timeline(text)
    }

    private static func address(_ text: String) throws {
        do {
            let address = try ServerAddress(text)
            try hold(address.port > 0 && !address.host.isEmpty, "an address that leads nowhere")
            try hold((try? ServerAddress(address.text)) == address, "\(address.text) is another")
        } catch let error as ServerAddressError {
            try hold(!error.description.isEmpty, "an error without words")
        }
    }

    private static func handle(_ text: String) throws {
        guard let handle = AccountHandle(text) else { return }
        try hold(AccountHandle(handle.text) == handle, "the normal form is not normal")
        try hold(
            MessagingLimits.handleBytes.contains(handle.text.utf8.count), "a handle out of bounds")
    }

    private static func quantities(_ text: String) throws {
        if let interval = try? Interval(parsing: text) {
            try hold(interval >= .zero, "\(text) lies in the past")
            let again = try? Interval(parsing: interval.text)
            // The text form rounds to microseconds or to what a Double holds.
            try hold(again != nil || interval.text.contains("e"), "\(interval.text) is unreadable")
        }
        if let rate = try? BitRate(parsing: text) {
            try hold(rate.bitsPerSecond > 0, "a rate of nothing")
            try hold(rate.time(for: 1_500) >= .zero, "a packet that arrives before it leaves")
        }
        if let probability = try? Probability(parsing: text) {
            try hold((0...1).contains(probability.value), "a probability out of bounds")
        }
    }

    private static func timeline(_ text: String) throws {
        for elapsed in [Interval.zero, .milliseconds(1), .seconds(100), .infinite] {
            if let moment = try? Timeline.Moment(parsing: text) {
                try hold(moment.occurrences(by: elapsed) >= 0, "a moment that never was")
                let next = moment.next(after: elapsed) ?? .infinite
                try hold(next > elapsed || next == .infinite, "\(text) does not go on")
            }
            if let blackout = try? Timeline.Blackout(parsing: text) {
                let timeline = Timeline(blackouts: [blackout], rebinds: [blackout.beginning])
                try hold(timeline.blackoutsBegun(by: elapsed) >= 0, "blackouts below zero")
                _ = timeline.isBlackedOut(at: elapsed)
            }
        }
    }
}

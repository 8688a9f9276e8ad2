// What the relay did, counted: as JSON for programs, as a table for people.

import Foundation

/// What happened to the packets of one direction.
///
/// Fates are counted when they are decided, deliveries when they happen; what is still in flight
/// at the end was not delivered.
struct LinkCounters: Codable, Equatable, Sendable {
    /// Packets that did not arrive, by reason.
    struct Dropped: Codable, Equatable, Sendable {
        /// Lost by chance.
        var loss: UInt64 = 0
        /// Came in a blackout.
        var blackout: UInt64 = 0
        /// Too many packets in flight, or the kernel's buffer was full.
        var overflow: UInt64 = 0
        /// Came when the queue of a link with a rate was full.
        var queue: UInt64 = 0
        /// The client's mapping was gone, or the kernel refused to send.
        var refused: UInt64 = 0
    }

    /// Packets that came in.
    var packets: UInt64 = 0
    /// Their bytes.
    var bytes: UInt64 = 0
    /// Packets that went out, second copies included.
    var delivered: UInt64 = 0
    /// Packets that did not.
    var dropped = Dropped()
    /// Packets with flipped bits.
    var corrupted: UInt64 = 0
    /// Packets that got a second copy.
    var duplicated: UInt64 = 0
    /// Packets that were held back.
    var reordered: UInt64 = 0
}

/// The account of one run.
struct NetemStatistics: Codable, Equatable, Sendable {
    /// The name of the profile.
    var profile: String
    /// Repeats the run's fates.
    var seed: UInt64
    /// Since the first packet, in milliseconds.
    var elapsedMilliseconds: Double
    /// From the clients to the server.
    var up: LinkCounters
    /// From the server to the clients.
    var down: LinkCounters
    /// Times that all mappings were forgotten.
    var rebinds: Int
    /// Blackouts that have begun.
    var blackouts: Int
    /// Clients that got a mapping.
    var mappings: Int
    /// Mappings that were dropped for a newer client.
    var mappingsEvicted: Int
    /// Datagrams to a mapping that did not come from the server, or were too long to relay.
    var strays: UInt64

    /// The account as JSON, keys in alphabetical order.
    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// The account as a table of a few lines.
    var table: String {
        let rows: [(String, (LinkCounters) -> UInt64)] = [
            ("packets", \.packets), ("bytes", \.bytes), ("delivered", \.delivered),
            ("lost", \.dropped.loss), ("in blackouts", \.dropped.blackout),
            ("queue full", \.dropped.queue), ("overflow", \.dropped.overflow),
            ("refused", \.dropped.refused), ("corrupted", \.corrupted),
            ("duplicated", \.duplicated), ("held back", \.reordered),
        ]
        let lines = rows.map { name, count in
            pad(name, to: 13, .left) + pad("\(count(up))", to: 12, .right)
                + pad("\(count(down))", to: 12, .right)
        }
        let head =
            pad("", to: 13, .left) + pad("up", to: 12, .right) + pad("down", to: 12, .right)
        let seconds = (elapsedMilliseconds / 100).rounded() / 10
        let tail =
            "profile \(profile), seed \(seed), \(seconds) s: \(blackouts) blackouts, "
            + "\(rebinds) rebinds, \(mappings) mappings"
        return ([head] + lines + [tail]).joined(separator: "\n") + "\n"
    }

    private enum Side { case left, right }

    private func pad(_ text: String, to width: Int, _ side: Side) -> String {
        let gap = String(repeating: " ", count: max(0, width - text.count))
        return side == .left ? text + gap : gap + text
    }
}

// Transfers: exactly the bytes, from where they are wanted, and never in the way of a chat.

import PetrelBase
import PetrelTransport
import PetrelWire
import Testing

@Suite struct BulkTests {
    private static func file(_ byteCount: Int) -> [UInt8] {
        (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 1_024) }
    }

    private func connected(seed: UInt64 = 1, faults: LinkFaults = LinkFaults()) throws -> Pair {
        let pair = try Pair(seed: seed, faults: faults)
        #expect(pair.run(for: .seconds(60)) { $0.atServer.confirmed == 1 })
        pair.run(for: .seconds(1))
        return pair
    }

    /// Sends `file` from the client; the server wants it from `offset` on.
    private func transfer(
        _ file: [UInt8], on pair: Pair, from offset: UInt64 = 0, for limit: Interval,
        until done: (Pair) -> Bool = { _ in false }
    ) throws -> Bool {
        try pair.client?.offerTransfer(9, byteCount: UInt64(file.count))
        var isAccepted = false
        var supplied: Int?
        var heard = 0
        return pair.run(for: limit) { pair in
            if !isAccepted, pair.atServer.bulk.first?.hasPrefix("offered") == true {
                isAccepted = true
                _ = try? pair.server?.acceptTransfer(9, from: offset)
            }
            for event in pair.atClient.bulk[heard...] where event.hasPrefix("wanted") {
                supplied = Int(offset) / 128 * 128
            }
            let isNews = pair.atClient.bulk.count > heard
            heard = pair.atClient.bulk.count
            if isNews, let start = supplied, start < file.count {
                let rest = Array(file[start...])
                supplied = start + (pair.client?.supplyTransfer(9, rest.span.bytes) ?? 0)
            }
            if isNews || pair.atServer.bulk.count == 1 { pair.pump() }
            return done(pair) || pair.atClient.bulk.last == "sent(transfer: 9)"
        }
    }

    @Test(arguments: [1, 127, 128, 129, 1_025, 65_536, 1_200_000])
    func everyByteArrives(byteCount: Int) throws {
        let pair = try connected()
        let file = Self.file(byteCount)
        #expect(try transfer(file, on: pair, for: .seconds(60)))
        #expect(pair.atServer.transfers[9] == file)
        #expect(pair.atServer.rangeBytes == byteCount, "no byte twice")
        #expect(pair.atServer.bulk.last == "received(transfer: 9)")
    }

    @Test(arguments: UInt64(1)...20)
    func badLinksChangeNothing(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "bulk")
        var faults = LinkFaults()
        faults.delay = .milliseconds(1) + random.interval(below: .milliseconds(80))
        faults.jitter = random.interval(below: .milliseconds(60))
        faults.loss = random.fraction() * 0.3
        faults.duplication = random.fraction() * 0.2
        let pair = try connected(seed: seed, faults: faults)
        let file = Self.file(1 + Int(random.below(100_000)))
        #expect(try transfer(file, on: pair, for: .seconds(300)), "seed \(seed)")
        #expect(pair.atServer.transfers[9] == file, "seed \(seed)")
        #expect(pair.atServer.rangeBytes == file.count, "seed \(seed)")
        #expect(pair.atServer.closed == nil && pair.atClient.closed == nil, "seed \(seed)")
    }

    /// What came in an earlier session is not sent again.
    @Test func goesOnWhereItWas() throws {
        let file = Self.file(50_000)
        let rows: [(offset: UInt64, bytes: Int)] = [
            (20_480, 29_520), (20_481, 29_520), (49_999, 80), (50_000, 0),
        ]
        for row in rows {
            let pair = try connected()
            #expect(try transfer(file, on: pair, from: row.offset, for: .seconds(20)))
            #expect(pair.atServer.rangeBytes == row.bytes, "from \(row.offset)")
        }
    }

    /// Whoever writes during a transfer waits for no queue of it.
    @Test func chatDoesNotWaitForTransfers() throws {
        let pair = try connected(faults: LinkFaults(delay: .milliseconds(50)))
        var sent = 0
        var waits: [Interval] = []
        var started = pair.now
        _ = try transfer(Self.file(1_500_000), on: pair, for: .seconds(15)) { pair in
            if waits.count < sent, pair.atServer.messages.count == sent {
                waits.append(pair.now - started)
            }
            guard waits.count == sent, pair.now >= started + .milliseconds(70),
                pair.atServer.rangeBytes > 20_000
            else { return false }
            started = pair.now
            sent += 1
            _ = try? pair.send([UInt8](repeating: 1, count: 200), as: .durable)
            pair.pump()
            return false
        }
        #expect(pair.atServer.rangeBytes == 1_500_000)
        #expect(waits.count >= 10, "\(waits.count)")
        // The trip, and a wait for room in the congestion window; no queue of chunks before it.
        let worst = (waits.max() ?? .infinite).milliseconds
        let mean = waits.reduce(Interval.zero, +).milliseconds / Double(waits.count)
        #expect(worst < 100 && mean < 70, "\(worst) ms, \(mean) ms on average")
    }

    @Test func eitherSideMayStop() throws {
        for isMine in [true, false] {
            let pair = try connected()
            _ = try transfer(Self.file(600_000), on: pair, for: .seconds(60)) {
                $0.atServer.rangeBytes > 100_000
            }
            if isMine {
                try pair.client?.stopTransfer(9, isMine: true, code: 7)
            } else {
                try pair.server?.stopTransfer(9, isMine: false, code: 7)
            }
            pair.run(for: .seconds(3))
            let heard = isMine ? pair.atServer.bulk : pair.atClient.bulk
            #expect(heard.last == "stopped(transfer: 9, isMine: \(!isMine), code: 7)")
            #expect(pair.atServer.closed == nil && pair.atClient.closed == nil)
            // The place is free: four more can be offered.
            for number in UInt64(20)..<24 {
                try pair.client?.offerTransfer(number, byteCount: 10)
            }
            #expect(throws: SendRefusal.queueFull) {
                try pair.client?.offerTransfer(24, byteCount: 10)
            }
            pair.run(for: .seconds(1))
            #expect(pair.atServer.bulk.filter { $0.hasPrefix("offered") }.count == 5)
        }
    }

    @Test func boundsOfAnOffer() throws {
        let pair = try connected()
        #expect(throws: SendRefusal.classUnknown) {
            try pair.client?.offerTransfer(1, byteCount: 10, as: .durable)
        }
        #expect(throws: SendRefusal.classUnknown) { try pair.send([1], as: .bulk) }
        #expect(throws: SendRefusal.tooLarge(byteCount: 0, max: 1 << 40)) {
            try pair.client?.offerTransfer(1, byteCount: 0)
        }
        try pair.client?.offerTransfer(1, byteCount: 10)
        #expect(throws: SendRefusal.queueFull) { try pair.client?.offerTransfer(1, byteCount: 10) }
        #expect(pair.client?.supplyTransfer(1, [1].span.bytes) == 0, "nobody wants it yet")
        #expect(try pair.server?.acceptTransfer(1, from: 0) == .some(nil), "not offered yet")
    }
}

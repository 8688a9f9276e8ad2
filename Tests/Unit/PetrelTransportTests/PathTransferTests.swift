// Sessions on paths of many sizes, which change under them, and with marks: what arrives, and when.

import PetrelBase
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct PathTransferTests {
    private static func connected(
        _ faults: LinkFaults, seed: UInt64 = 1,
        adjust: (inout SessionConfiguration) -> Void = { _ in }
    ) throws -> Pair {
        var configuration = SessionConfiguration()
        adjust(&configuration)
        let pair = try Pair(seed: seed, faults: faults, configuration: configuration)
        #expect(pair.run(for: .seconds(60)) { $0.atServer.confirmed == 1 })
        pair.run(for: .seconds(1))
        return pair
    }

    /// Sends a file from the client; `during` is asked after each step.
    private static func transfer(
        _ byteCount: Int, on pair: Pair, for limit: Interval, as number: UInt64 = 9,
        during: (Pair) -> Void = { _ in }
    ) throws -> Bool {
        let file = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 1_024) }
        try pair.client?.offerTransfer(number, byteCount: UInt64(byteCount))
        pair.pump()
        var supplied: Int?
        var heard = pair.atClient.bulk.count
        let offers = pair.atServer.bulk.count
        var isAccepted = false
        let isDone = pair.run(for: limit) { pair in
            if !isAccepted, pair.atServer.bulk.count > offers {
                isAccepted = true
                _ = try? pair.server?.acceptTransfer(number, from: 0)
                pair.pump()
            }
            during(pair)
            guard pair.atClient.bulk.count > heard else { return false }
            heard = pair.atClient.bulk.count
            let start = supplied ?? 0
            if start < file.count {
                let rest = Array(file[start...])
                supplied = start + (pair.client?.supplyTransfer(number, rest.span.bytes) ?? 0)
                pair.pump()
            }
            return pair.atClient.bulk.last == "sent(transfer: \(number))"
        }
        #expect(pair.atServer.transfers[number] == file || !isDone)
        return isDone
    }

    /// Large messages now and then, so that a search goes on.
    private static func chat(on pair: Pair) throws {
        for _ in 0..<100 {
            try pair.send([UInt8](repeating: 1, count: 1_000), as: .durable)
            pair.run(for: .milliseconds(100))
        }
    }

    // MARK: Size

    /// Whatever the path carries, everything arrives, and most of it in packets of about that size.
    @Test(arguments: [1_200, 1_232, 1_280, 1_372, 1_400, 1_452, 1_500])
    func transfersUseWhatThePathCarries(carries: Int) throws {
        let pair = try Self.connected(LinkFaults(byteCountMax: carries))
        #expect(try Self.transfer(400_000, on: pair, for: .seconds(60)))
        let sent = pair.client?.statistics.bytesSent ?? 0
        let packets = pair.client?.statistics.packetsSent ?? 0
        try Self.chat(on: pair)
        let size = pair.client?.datagramByteCountMax ?? 0
        let best = min(carries, 1_452)
        #expect(size <= best && best - size < PathMTU.step)
        // Bytes on the wire, with the headers of UDP and IPv4, for each byte of the file.
        let cost = Double(sent + 28 * packets) / 400_000
        #expect(cost < (carries < 1_300 ? 1.085 : carries < 1_452 ? 1.08 : 1.055), "\(cost)")
        #expect(pair.server?.datagramByteCountMax == 1_200, "it has sent nothing to speak of")
        #expect(pair.client?.audit() == nil)
    }

    /// The path comes to carry less in the middle of a transfer: it goes on, in smaller packets.
    @Test(arguments: [(1_200, UInt64(1)), (1_300, 2), (1_400, 3), (1_200, 4)])
    func aPathThatShrinks(carries: Int, seed: UInt64) throws {
        let pair = try Self.connected(LinkFaults(delay: .milliseconds(25)), seed: seed)
        var shrunk: Instant?
        var wasLarge = false
        #expect(
            try Self.transfer(800_000, on: pair, for: .seconds(60)) { pair in
                guard shrunk == nil, pair.atServer.rangeBytes > 300_000 else { return }
                wasLarge = pair.client?.datagramByteCountMax == 1_452
                shrunk = pair.now
                pair.faults.byteCountMax = carries
            })
        let took = pair.now - (shrunk ?? pair.now)
        #expect(wasLarge)
        #expect(took < .seconds(8), "\(took.milliseconds) ms")
        let size = pair.client?.datagramByteCountMax ?? 0
        #expect(1_200...carries ~= size)
        #expect(pair.client?.pathMTU.blackHoles == 1)
    }

    /// Outages and losses are no black hole for long: afterwards the size is what it was.
    @Test(arguments: UInt64(1)...8)
    func outagesDoNotCostTheSize(seed: UInt64) throws {
        var faults = LinkFaults(delay: .milliseconds(20), jitter: .milliseconds(10), loss: 0.05)
        faults.blackout = 2_600..<4_100
        let pair = try Self.connected(faults, seed: seed)
        #expect(try Self.transfer(600_000, on: pair, for: .seconds(120)))
        #expect(pair.now > Instant(nanoseconds: 2_500_000_000))
        #expect(try Self.transfer(600_000, on: pair, for: .seconds(120), as: 10))
        try Self.chat(on: pair)
        #expect(pair.client?.datagramByteCountMax == 1_452, "seed \(seed)")
    }

    /// Chat in small messages never sends a probe; 64 KiB messages do.
    @Test func onlyWhoSendsMuchSearches() throws {
        let pair = try Self.connected(LinkFaults())
        for _ in 0..<300 {
            try pair.send([UInt8](repeating: 1, count: 200), as: .durable)
            pair.run(for: .milliseconds(50))
        }
        #expect(pair.client?.statistics.sizeProbes == 0)
        for _ in 0..<4 {
            try pair.send([UInt8](repeating: 1, count: 60_000), as: .durable)
            pair.run(for: .seconds(2))
        }
        #expect(pair.client?.statistics.sizeProbes == 1)
        #expect(pair.client?.datagramByteCountMax == 1_452)
        #expect(pair.atServer.messages.count == 304)
    }

    @Test func theSearchCanBeSwitchedOff() throws {
        let pair = try Self.connected(LinkFaults()) { $0.datagramByteCountMax = 1_200 }
        #expect(try Self.transfer(300_000, on: pair, for: .seconds(30)))
        #expect(pair.client?.statistics.sizeProbes == 0)
        #expect(pair.captured.allSatisfy { $0.bytes.count <= 1_200 })
    }

    /// Another host is another path: the first size is that which every path carries.
    @Test func anotherNetworkIsAnotherPath() throws {
        let pair = try Self.connected(LinkFaults())
        #expect(try Self.transfer(300_000, on: pair, for: .seconds(30)))
        #expect(pair.client?.datagramByteCountMax == 1_452)
        pair.clientAddress = Address(v4: 0x0A00_0099, port: 4_000)
        pair.client?.networkChanged(now: pair.now)
        #expect(pair.client?.datagramByteCountMax == 1_200)
    }

    // MARK: Marks

    /// The share of packets of the client that were marked, from the one with that place on.
    private static func marked(_ pair: Pair, from start: Int) -> Double {
        var counts = (marked: 0, all: 0)
        for i in start..<pair.captured.count where pair.captured[i].toServer {
            counts.all += 1
            if pair.capturedMarks[i] == .ect0 { counts.marked += 1 }
        }
        return Double(counts.marked) / Double(max(counts.all, 1))
    }

    @Test(arguments: [
        (LinkFaults.Marks.kept, 1.0), (.congested(every: 50), 1.0), (.wiped, 0), (.remarked, 0),
        (.dropped, 0),
    ])
    func pathsThatSpoilMarksAreNotMarked(marks: LinkFaults.Marks, share: Double) throws {
        let pair = try Self.connected(LinkFaults(marks: marks))
        #expect(try Self.transfer(60_000, on: pair, for: .seconds(60)))
        let start = pair.captured.count
        try pair.send([UInt8](repeating: 1, count: 20_000), as: .durable)
        pair.run(for: .seconds(3))
        // Packets with nothing but an acknowledgement are never marked.
        let markedShare = Self.marked(pair, from: start)
        #expect(share == 0 ? markedShare == 0 : markedShare > 0.8, "\(markedShare)")
        #expect(pair.atServer.messages.count == 1)
        let state: ECNValidator.State = share == 1 ? .capable : .failed
        #expect(pair.client?.ecn.state == state)
        // The server sends little that is marked.
        #expect(share == 1 || pair.server?.ecn.state != .capable)
    }

    @Test func markingCanBeSwitchedOff() throws {
        let pair = try Self.connected(LinkFaults()) { $0.marksPackets = false }
        #expect(try Self.transfer(60_000, on: pair, for: .seconds(60)))
        #expect(pair.capturedMarks.allSatisfy { $0 == .notECT })
    }

    /// Handshakes are not marked: a network that drops marks must not hide the server.
    @Test func handshakesAreNotMarked() throws {
        let pair = try Self.connected(LinkFaults())
        #expect(pair.captured.count > 3)
        for (captured, mark) in zip(pair.captured, pair.capturedMarks) {
            let isData = captured.bytes[0] & 0xC0 == 0x40
            #expect(isData || mark == .notECT)
        }
    }

    /// A mark is answered at once, and no copies are made while they come.
    @Test func marksStopCopies() throws {
        var copies: [Bool: Int] = [:]
        for isMarked in [false, true] {
            var faults = LinkFaults(delay: .milliseconds(50), loss: 0.08)
            faults.marks = isMarked ? .congested(every: 5) : .kept
            let pair = try Self.connected(faults) { $0.redundancy = .auto }
            for _ in 0..<600 {
                try pair.send([UInt8](repeating: 1, count: 200), as: .durable)
                pair.run(for: .milliseconds(50))
            }
            copies[isMarked] = pair.client?.statistics.copies
            #expect(pair.client?.ecn.state == .capable)
        }
        #expect(copies[false, default: 0] > 100 && copies[true, default: 0] < 20)
    }
}

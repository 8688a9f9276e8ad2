// A peer that holds the keys and breaks the protocol: each way ends the session with its code.

import PetrelBase
import PetrelCrypto
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct ViolationTests {
    private func connected() throws -> Pair {
        let pair = try Pair()
        #expect(pair.run(for: .seconds(2)) { $0.atServer.confirmed == 1 })
        pair.run(for: .seconds(1))
        return pair
    }

    /// A packet with that payload, sealed as the client would seal it.
    private func packet(_ payload: [UInt8], number: UInt64, _ pair: Pair) throws -> [UInt8] {
        let header = DataHeader(
            keyPhase: 0, connectionID: .server(0x0102_0304_0506_0708),
            packetNumber: TruncatedPacketNumber(value: UInt32(number), byteCount: 4))
        var bytes = try written { writer in
            try header.write(to: &writer)
            try writer.writeBytes(payload.span.bytes)
            try writer.writeZeros(16)
        }
        let byteCount = bytes.count
        var span = bytes.mutableSpan
        var room = span.mutableBytes
        guard pair.client != nil else { throw VectorError(reason: "no session") }
        _ = pair.client?.keys.seal(
            &room, headerByteCount: 13, payloadByteCount: byteCount - 29,
            packetNumber: number)
        let sample = copy(room.bytes.extracting(13..<29))
        guard let mask = pair.client?.keys.writeHeader.mask(sample: sample.span.bytes) else {
            throw VectorError(reason: "no session")
        }
        room.mask(at: 0, with: mask[0] & DataHeader.protectedBits)
        for i in 0..<4 { room.mask(at: 9 + i, with: mask[1 + i]) }
        return bytes
    }

    static let large = [UInt8](repeating: 3, count: 1_024)

    static let rows: [(payload: [UInt8], code: ErrorCode, because: String)] = [
        ([], .frameMalformed, "no frame"),
        ([0x3E], .frameMalformed, "an unassigned type"),
        ([0x0A, 1, 4, 0, 0, 0, 0], .frameMalformed, "an ID of no value"),
        (
            [0x0A, 1, 8, 0, 0, 0, 0, 0, 0, 0, 1] + Array(repeating: 7, count: 16),
            .frameMalformed, "an ID that the server chooses"
        ),
        ([0x0B, 9], .frameMalformed, "an ID retired that was never given"),
        ([0x01, 0x40], .frameMalformed, "a type cut short behind a good frame"),
        ([0x05, 0x01], .frameForbidden, "KEEPALIVE_ANSWER from a client"),
        (
            [0x0E, 0, 0, 0, 0, 0, 0, 0, 7, 1], .frameForbidden, "NAT_PROBE_ANSWER from a client"
        ),
        ([0x02, 0x80, 0x01, 0, 0, 0, 1, 0], .acknowledgedUnsent, "a number never sent"),
        ([0x10, 2, 0x42, 0x00, 1, 7], .limitExceeded, "512 messages ahead"),
        (
            [0x11, 2, 40, 0x44, 0x01, 1, 7, 0x11, 2, 40, 0x44, 0x01, 1, 8], .fragmentConflict,
            "two contents of a fragment"
        ),
    ]

    @Test(arguments: rows.indices)
    func eachHasItsCode(row: Int) throws {
        let row = Self.rows[row]
        let pair = try connected()
        let bytes = try packet(row.payload, number: 50, pair)
        pair.deliver(bytes, toServer: true)
        #expect(pair.atServer.closed == .violation(row.code), "\(row.because)")
        pair.run(for: .seconds(1))
        #expect(pair.atClient.closed == .closedByPeer(code: row.code.rawValue), "\(row.because)")
    }

    @Test func unknownFramesOfLaterVersionsAreSkipped() throws {
        let pair = try connected()
        let payload: [UInt8] = [0x40, 0x41, 2, 9, 9, 0x10, 1, 0, 2, 0x68, 0x69]
        let bytes = try packet(payload, number: 50, pair)
        pair.deliver(bytes, toServer: true)
        #expect(pair.atServer.messages == [Array("hi".utf8)])
        #expect(pair.atServer.closed == nil)
    }

    @Test func moreThanTheCreditIsAViolation() throws {
        let pair = try connected()
        // Three messages of 64 KiB are all of it.
        let start: [UInt8] = [0x80, 1, 0, 0, 0]
        for number in UInt8(0)..<3 {
            let bytes = try packet(
                [0x11, 1, number] + start + Self.large, number: 50 + UInt64(number), pair)
            pair.deliver(bytes, toServer: true)
        }
        #expect(pair.atServer.closed == nil)
        pair.deliver(try packet([0x10, 1, 3, 1, 7], number: 60, pair), toServer: true)
        #expect(pair.atServer.closed == .violation(.limitExceeded))
    }

    /// A flood of questions makes neither a queue nor more answers than packets.
    @Test func challengesWithoutEndGetOneAnswerAtATime() throws {
        let pair = try connected()
        let payload = (0..<100).flatMap { [0x06, 0, 0, 0, 0, 0, 0, 0, UInt8($0)] as [UInt8] }
        let before = pair.server?.statistics.packetsSent ?? 0
        for number in UInt64(50)..<60 {
            pair.deliver(try packet(payload, number: number, pair), toServer: true)
        }
        pair.pump()
        // 1,000 questions; the newest is answered.
        #expect((pair.server?.statistics.packetsSent ?? 0) - before == 1)
        #expect(pair.atServer.closed == nil)
        #expect(pair.server?.control.isEmpty == true)
    }

    /// Whoever acknowledges nothing holds what is in flight, and gets no more.
    @Test func withheldAcknowledgementsBoundWhatIsSent() throws {
        let pair = try connected()
        pair.loses = { toServer, _ in toServer }
        for _ in 0..<200 { _ = try? pair.send(Self.large, as: .durable, fromClient: false) }
        let before = pair.server?.statistics.packetsSent ?? 0
        pair.run(for: .seconds(30))
        let sent = (pair.server?.statistics.packetsSent ?? 0) - before
        // A window at the start, and probes: at most one each 250 ms, two packets each.
        #expect(sent < 10 + 4 + 2 * 120)
        #expect((pair.server?.detector.packets.bytesInFlight ?? .max) <= 256 * 1_024)
    }

    /// Whatever an authenticated peer puts into a packet, nothing traps.
    @Test(arguments: UInt64(1)...30)
    func payloadsOfChanceNeverTrap(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "payload")
        let golden = try vectors("frames.json", as: FrameFile.self).frames
        let pair = try connected()
        for number in UInt64(50)..<120 {
            var payload: [UInt8] = []
            while payload.count < 900 && random.chance(0.8) {
                payload += try hex(golden[Int(random.below(UInt64(golden.count)))].hex).prefix(300)
                guard random.chance(0.3) else { continue }
                let bit = Int(random.below(UInt64(payload.count * 8)))
                payload[bit / 8] ^= 1 << UInt8(bit % 8)
            }
            guard pair.atClient.closed == nil else { return }
            pair.deliver(try packet(payload, number: number, pair), toServer: true)
            pair.run(for: .milliseconds(5))
        }
    }

    struct FrameFile: Decodable { var frames: [FrameVector] }
    struct FrameVector: Decodable { var hex: String }

    @Test func keysAreGivenUpAfterTooManyForgeries() throws {
        let pair = try connected()
        pair.server?.failedOpens = Session.failedOpensMax - 2
        var packet = [UInt8](repeating: 0x40, count: 60)
        packet.replaceSubrange(1..<9, with: [1, 2, 3, 4, 5, 6, 7, 8])
        for byte in UInt8.min...UInt8.max {
            // It is sampled for the mask: most are dropped for bits that must be zero.
            packet[20] = byte
            let isLast = pair.server?.failedOpens == Session.failedOpensMax - 1
            pair.deliver(packet, toServer: true)
            let isReached = pair.server?.failedOpens == Session.failedOpensMax
            #expect((pair.atServer.closed != nil) == isReached)
            guard isLast, isReached else { continue }
            break
        }
        #expect(pair.atServer.closed == .violation(.keysExhausted))
    }
}

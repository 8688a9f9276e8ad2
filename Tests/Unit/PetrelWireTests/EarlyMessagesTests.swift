// The messages in a HELLO: what decodes and what does not, bit by bit.

import Foundation
import PetrelBase
import PetrelWire
import Testing

@Suite struct EarlyMessagesTests {
    static let empty = HelloPayload(
        counter: 7, connectionID: .client(1), parameters: TransportParameters())

    private func read(_ bytes: [UInt8]) throws -> HelloPayload {
        var reader = ByteReader(bytes.span.bytes)
        return try HelloPayload(&reader)
    }

    /// A payload in which `frames` stand where the messages do.
    private func payload(_ frames: [UInt8]) throws -> [UInt8] {
        let start = try written { writer in
            try writer.writeUInt64(7)
            try writer.writeUInt32(1)
            try TransportParameters().write(to: &writer)
        }
        let bytes = start + frames
        return bytes + [UInt8](repeating: 0, count: max(0, HelloPayload.byteCount - bytes.count))
    }

    @Test func whatWasWrittenIsRead() throws {
        var hello = Self.empty
        for (size, byteCount) in [(0, 123), (5, 123), (100, 146), (261, 412)] {
            let isTaken = hello.early.append([UInt8](repeating: 9, count: size).span.bytes)
            #expect(isTaken)
            let bytes = try written { writer in try hello.write(to: &writer) }
            #expect(bytes.count == byteCount, "\(size)")
            #expect(try read(bytes) == hello)
            #expect(try read(bytes + [0, 0]) == hello)
        }
        #expect(hello.early.count == 4)
        #expect(hello.early.messageByteCount == 366)
    }

    @Test func aMessageThatDoesNotFitIsLeftOut() throws {
        var early = EarlyMessages()
        let isFirstTaken = early.append([UInt8](repeating: 1, count: 372).span.bytes)
        #expect(isFirstTaken)
        let before = early
        for size in [4, 380, 1_024, 1_025, 70_000] {
            let isTaken = early.append([UInt8](repeating: 1, count: size).span.bytes)
            #expect(!isTaken, "\(size)")
            #expect(early == before)
        }
        let isTaken = early.append([UInt8](repeating: 1, count: 3).span.bytes)
        #expect(isTaken)
        #expect(early.frames.count == 384)
        // The most of them are empty.
        var most = EarlyMessages()
        let empty: [UInt8] = []
        while most.append(empty.span.bytes) {}
        #expect(most.count <= WireLimits.earlyMessagesMax)
        #expect(most.frames.count > 380)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var frames: [UInt8]
        var isRead: Bool
        var testDescription: String

        init(_ testDescription: String, _ frames: [UInt8], isRead: Bool = false) {
            (self.testDescription, self.frames, self.isRead) = (testDescription, frames, isRead)
        }
    }

    static let first: [UInt8] = [0x10, 2, 0, 1, 7]
    static let rows = [
        Row("one", first, isRead: true),
        Row("two", first + [0x10, 2, 1, 0], isRead: true),
        Row("longer forms of numbers", [0x40, 0x10, 2, 0x40, 0, 0x40, 1, 7], isRead: true),
        Row("number 1 first", [0x10, 2, 1, 1, 7]),
        Row("number 0 twice", first + first),
        Row("a gap", first + [0x10, 2, 2, 1, 7]),
        Row("reliable", [0x10, 1, 0, 1, 7]),
        Row("an operator's durable class", [0x10, 10, 0, 1, 7]),
        Row("ordered", [0x10, 4, 0, 0, 0, 1, 7]),
        Row("ephemeral", [0x12, 0, 1, 1, 7]),
        Row("PING", [0x01]),
        Row("KEEPALIVE", [0x04, 20]),
        Row("ACK", [0x02, 0, 0, 1, 0]),
        Row("CLOSE", [0x03, 0, 0]),
        Row("a fragment", [0x11, 2, 0, 0x44, 1, 0] + [UInt8](repeating: 7, count: 1_024)),
        Row("a frame of a later version", [0x40, 0x41, 1, 7]),
        Row("a message behind a zero", [0] + first),
        Row("zero in a longer form", first + [0x40, 0]),
        Row("cut within the length", [0x10, 2, 0, 0x40] + [UInt8](repeating: 255, count: 20)),
        Row(
            "384 bytes", [0x10, 2, 0, 0x41, 0x7B] + [UInt8](repeating: 7, count: 379), isRead: true),
        Row("385 bytes", [0x10, 2, 0, 0x41, 0x7C] + [UInt8](repeating: 7, count: 380)),
        Row("more than a fragment", [0x10, 2, 0, 0x44, 1] + [UInt8](repeating: 7, count: 1_025)),
    ]

    @Test(arguments: rows)
    func rulesAreKept(row: Row) throws {
        let hello = try? read(payload(row.frames))
        #expect((hello != nil) == row.isRead)
    }

    /// Cut or flipped anywhere, a payload is refused or means what it says, and never more.
    @Test func damagedPayloadsAreRefusedOrMeanWhatTheySay() throws {
        struct File: Decodable { var handshakes: [Vector] }
        struct Vector: Decodable {
            var name, hello_payload: String
            var early_messages: [String]
        }
        let file = protocolFolder.appendingPathComponent("vectors/handshake.json")
        let decoded = try JSONDecoder().decode(File.self, from: Data(contentsOf: file))
        let vectors = decoded.handshakes.filter { !$0.early_messages.isEmpty }
        #expect(vectors.count == 2)
        for vector in vectors {
            let golden = try hex(vector.hello_payload)
            let hello = try read(golden)
            #expect(hello.early.count == vector.early_messages.count, "\(vector.name)")
            var refused = 0
            for damaged in damages(of: golden) {
                guard let other = try? read(damaged) else {
                    refused += 1
                    continue
                }
                #expect(other.early.frames.count <= 384)
                let again = try written { writer in try other.write(to: &writer) }
                #expect(try read(again) == other)
                let isCut = damaged.count < golden.count
                #expect(isCut || other != hello, "a flipped bit means nothing")
            }
            #expect(refused > golden.count, "\(vector.name)")
        }
    }

    private func damages(of golden: [UInt8]) -> [[UInt8]] {
        (0..<golden.count).map { Array(golden.prefix($0)) }
            + (0..<golden.count * 8).map { bit in
                var flipped = golden
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                return flipped
            }
    }
}

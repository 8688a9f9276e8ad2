// Payloads of chance: whatever the bytes are, the walk over them ends and nothing traps.

import PetrelBase
import PetrelWire
import Testing

@Suite struct FrameWalkTests {
    /// Returns how many frames were read before the end or the first error.
    private func walk(_ bytes: [UInt8]) -> (frames: Int, error: DecodeError?) {
        var reader = ByteReader(bytes.span.bytes)
        var frames = 0
        while reader.remaining > 0 {
            let before = reader.offset
            do {
                _ = try Frame(&reader)
            } catch {
                return (frames, error)
            }
            guard reader.offset > before else {
                Issue.record("a frame of no bytes at \(before): \(text(bytes))")
                return (frames, nil)
            }
            frames += 1
        }
        return (frames, nil)
    }

    @Test(arguments: UInt64(1)...64)
    func randomBytesNeverTrap(seed: UInt64) {
        var random = RandomStream(seed: seed, label: "walk")
        for _ in 0..<500 {
            let bytes = (0..<random.below(120)).map { _ in
                // Small bytes are types and lengths that go further.
                random.chance(0.6)
                    ? UInt8(random.below(24)) : UInt8(truncatingIfNeeded: random.next())
            }
            let (frames, error) = walk(bytes)
            #expect(frames <= bytes.count)
            switch error {
            case .truncated(let offset), .malformed(let offset): #expect(offset <= bytes.count)
            case nil: break
            }
        }
    }

    /// Golden frames in a row, with one bit wrong somewhere.
    @Test(arguments: UInt64(1)...40)
    func damagedFramesNeverTrap(seed: UInt64) throws {
        let golden = try specified("vectors/frames.json", as: FrameVectorTests.File.self).frames
        var random = RandomStream(seed: seed, label: "damage")
        for _ in 0..<50 {
            var bytes: [UInt8] = []
            for _ in 0..<4 {
                bytes += try hex(golden[Int(random.below(UInt64(golden.count)))].hex)
            }
            #expect(walk(bytes).frames == 4)
            #expect(walk(bytes).error == nil)
            let bit = Int(random.below(UInt64(bytes.count * 8)))
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            _ = walk(bytes)
        }
    }

    /// Every length of every integer in a frame is read, the shortest is written.
    @Test func integersOfEveryLength() throws {
        for value in [0, 63, 64, 16_383, 16_384, 1 << 30 - 1, 1 << 30, 1 << 62 - 1] as [UInt64] {
            let bytes = try written { writer in
                try ControlFrame.credit(limit: value).write(to: &writer)
            }
            #expect(bytes.count == 1 + varIntByteCount(value))
            #expect(bytes.count == ControlFrame.credit(limit: value).byteCount)
            var reader = ByteReader(bytes.span.bytes)
            guard case .credit(value) = try Frame(&reader) else {
                Issue.record("\(value)")
                continue
            }
        }
    }

    @Test func keepaliveIntervalsAreWholeSeconds() throws {
        let rows: [(Interval, Int64)] = [
            (.zero, 0), (.milliseconds(-5), 0), (.milliseconds(1), 1), (.seconds(20), 20),
            (.milliseconds(20_001), 21), (.seconds(70_000), 65_535), (.infinite, 65_535),
        ]
        for (interval, seconds) in rows {
            let bytes = try written { writer in
                try ControlFrame.keepalive(interval: interval).write(to: &writer)
            }
            var reader = ByteReader(bytes.span.bytes)
            guard case .keepalive(let read) = try Frame(&reader) else {
                Issue.record("\(interval)")
                continue
            }
            #expect(read == .seconds(seconds), "\(interval)")
        }
    }

    @Test func onlyFramesThatNeedNoAnswerAreNotAckEliciting() throws {
        let golden = try specified("vectors/frames.json", as: FrameVectorTests.File.self).frames
        for vector in golden {
            let bytes = try hex(vector.hex)
            var reader = ByteReader(bytes.span.bytes)
            let isAckEliciting = try Frame(&reader).isAckEliciting
            let isQuiet = ["PADDING", "ACK", "ACK_ECN", "CLOSE"].contains(vector.type)
            #expect(isAckEliciting == !isQuiet, "\(vector.name)")
        }
    }
}

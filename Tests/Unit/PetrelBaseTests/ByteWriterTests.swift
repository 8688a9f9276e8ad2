// Writing either stores the whole field or throws and stores nothing.

import PetrelBase
import Testing

@Suite struct ByteWriterTests {
    @Test(arguments: ByteReaderTests.varInts.dropLast(2))
    func writesVarIntsInTheFewestBytes(expected: [UInt8], value: UInt64) throws {
        let bytes = try filled(8, from: 0) { writer throws(NoRoom) in
            try writer.writeVarInt(value)
        }
        #expect(Array(bytes.prefix(expected.count)) == expected)
        #expect(bytes.dropFirst(expected.count).allSatisfy { $0 == 0xEE })
        #expect(varIntByteCount(value) == expected.count)
    }

    /// Every field, with one byte too little room.
    @Test(arguments: [
        Field.uint8(1), .uint16(2), .uint32(3), .uint64(4), .bytes([1, 2, 3]), .varInt(63),
        .varInt(64), .varInt(16_384), .varInt(1 << 61),
    ])
    func refusesWithoutRoomAndStoresNothing(field: Field) throws {
        let size = field.byteCount + 1
        let bytes = try filled(size, from: 0) { writer throws(NoRoom) in
            try writer.writeUInt16(0xABCD)
            var refused = false
            do throws(NoRoom) { try field.write(&writer) } catch { refused = true }
            let offset = writer.offset
            let remaining = writer.remaining
            #expect(refused)
            #expect(offset == 2 && remaining == size - 2)
        }
        #expect(bytes == [0xAB, 0xCD] + Array(repeating: 0xEE, count: size - 2))
    }

    @Test func writesZerosAndNothingBehindThem() throws {
        let bytes = try filled(5, from: 0) { writer throws(NoRoom) in
            try writer.writeZeros(3)
            var refusals = 0
            for count in [3, -1, Int.max] {
                do throws(NoRoom) { try writer.writeZeros(count) } catch { refusals += 1 }
            }
            #expect(refusals == 3)
            try writer.writeZeros(0)
        }
        #expect(bytes == [0, 0, 0, 0xEE, 0xEE])
    }

    @Test func replacesWhatWasWritten() throws {
        let bytes = try filled(4, from: 0) { writer throws(NoRoom) in
            try writer.writeUInt16(0x0102)
            writer.replaceUInt8(at: 0, with: 0xFF)
            try writer.writeUInt8(3)
        }
        #expect(bytes == [0xFF, 0x02, 0x03, 0xEE])
    }

    @Test func writesIntoTheMiddleOfSomethingLarger() throws {
        let bytes = try filled(6, from: 2) { writer throws(NoRoom) in
            try writer.writeUInt32(0x0102_0304)
            let remaining = writer.remaining
            #expect(remaining == 0)
        }
        #expect(bytes == [0xEE, 0xEE, 1, 2, 3, 4])
    }

    /// Returns room of that many bytes 0xEE, written to from that byte on.
    private func filled(
        _ count: Int, from start: Int, _ write: (inout ByteWriter) throws(NoRoom) -> Void
    ) throws(NoRoom) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: count)
        var span = bytes.mutableSpan
        var whole = span.mutableBytes
        var room = whole._mutatingExtracting(start..<count)
        var writer = ByteWriter(&room)
        try write(&writer)
        return bytes
    }
}

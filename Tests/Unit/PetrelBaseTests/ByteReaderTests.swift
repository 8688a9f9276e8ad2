// Reading either gives the whole field or throws and consumes nothing.

import PetrelBase
import Testing

/// A field of the wire, as one value, so that tables and seeds can name it.
enum Field: Equatable, Sendable {
    case uint8(UInt8), uint16(UInt16), uint32(UInt32), uint64(UInt64), varInt(UInt64)
    case bytes([UInt8])

    /// Reads a field of the same kind and length as this one.
    func readSame(_ reader: inout ByteReader) throws(DecodeError) -> Field {
        switch self {
        case .uint8: return .uint8(try reader.readUInt8())
        case .uint16: return .uint16(try reader.readUInt16())
        case .uint32: return .uint32(try reader.readUInt32())
        case .uint64: return .uint64(try reader.readUInt64())
        case .varInt: return .varInt(try reader.readVarInt())
        case .bytes(let expected):
            let span = try reader.readBytes(expected.count)
            return .bytes(
                (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) })
        }
    }

    /// Writes the field.
    func write(_ writer: inout ByteWriter) throws(NoRoom) {
        switch self {
        case .uint8(let value): try writer.writeUInt8(value)
        case .uint16(let value): try writer.writeUInt16(value)
        case .uint32(let value): try writer.writeUInt32(value)
        case .uint64(let value): try writer.writeUInt64(value)
        case .varInt(let value): try writer.writeVarInt(value)
        case .bytes(let bytes): try writer.writeBytes(bytes.span.bytes)
        }
    }

    /// The bytes that it takes.
    var byteCount: Int {
        switch self {
        case .uint8: 1
        case .uint16: 2
        case .uint32: 4
        case .uint64: 8
        case .varInt(let value): varIntByteCount(value)
        case .bytes(let bytes): bytes.count
        }
    }

    /// A field of any kind, of small and large values alike.
    static func random(_ stream: inout RandomStream) -> Field {
        let value = stream.next() >> stream.below(64)
        switch stream.below(6) {
        case 0: return .uint8(UInt8(truncatingIfNeeded: value))
        case 1: return .uint16(UInt16(truncatingIfNeeded: value))
        case 2: return .uint32(UInt32(truncatingIfNeeded: value))
        case 3: return .uint64(value)
        case 4: return .varInt(value >> 2)
        default:
            let count = stream.below(20)
            return .bytes((0..<count).map { _ in UInt8(truncatingIfNeeded: stream.next()) })
        }
    }
}

@Suite struct ByteReaderTests {
    /// RFC 9000 §A.1, and the ends of each length; the last two are longer than they need be.
    static let varInts: [(bytes: [UInt8], value: UInt64)] = [
        ([0xC2, 0x19, 0x7C, 0x5E, 0xFF, 0x14, 0xE8, 0x8C], 151_288_809_941_952_652),
        ([0x9D, 0x7F, 0x3E, 0x7D], 494_878_333),
        ([0x7B, 0xBD], 15_293),
        ([0x25], 37),
        ([0x00], 0),
        ([0x3F], 63),
        ([0x40, 0x40], 64),
        ([0x7F, 0xFF], 16_383),
        ([0x80, 0x00, 0x40, 0x00], 16_384),
        ([0xBF, 0xFF, 0xFF, 0xFF], 1_073_741_823),
        ([0xC0, 0, 0, 0, 0x40, 0, 0, 0], 1_073_741_824),
        ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], 4_611_686_018_427_387_903),
        ([0x40, 0x25], 37),
        ([0x80, 0, 0, 0], 0),
    ]

    @Test(arguments: varInts)
    func readsVarInts(bytes: [UInt8], value: UInt64) throws {
        var reader = ByteReader(bytes.span.bytes)
        let read = try reader.readVarInt()
        let remaining = reader.remaining
        #expect(read == value)
        #expect(remaining == 0)
    }

    @Test func readsNetworkByteOrder() throws {
        let bytes: [UInt8] = Array(1...15)
        var reader = ByteReader(bytes.span.bytes)
        #expect(try reader.readUInt8() == 0x01)
        #expect(try reader.readUInt16() == 0x0203)
        #expect(try reader.readUInt32() == 0x0405_0607)
        #expect(try reader.readUInt64() == 0x0809_0A0B_0C0D_0E0F)
        let offset = reader.offset
        #expect(offset == 15)
    }

    /// Cuts the bytes of each field anywhere before its end.
    @Test(arguments: [
        Field.uint8(1), .uint16(2), .uint32(3), .uint64(4), .bytes([1, 2, 3]), .varInt(63),
        .varInt(64), .varInt(16_384), .varInt(1 << 61),
    ])
    func everyTruncationThrowsAndConsumesNothing(field: Field) throws {
        let prefix: [UInt8] = [9]
        let whole = try written([field])
        for length in 0..<whole.count {
            let bytes = prefix + whole.prefix(length)
            var reader = ByteReader(bytes.span.bytes)
            _ = try reader.readUInt8()
            var thrown: DecodeError?
            do throws(DecodeError) { _ = try field.readSame(&reader) } catch { thrown = error }
            let offset = reader.offset
            let remaining = reader.remaining
            #expect(thrown == .truncated(offset: 1), "\(length) bytes")
            #expect(offset == 1 && remaining == length)
        }
    }

    @Test(arguments: [-1, 4, Int.max, Int.min])
    func refusesImpossibleCounts(count: Int) {
        let bytes: [UInt8] = [1, 2, 3]
        var reader = ByteReader(bytes.span.bytes)
        var thrown: DecodeError?
        do throws(DecodeError) { _ = try reader.readBytes(count) } catch { thrown = error }
        #expect(thrown == .truncated(offset: 0))
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func readsBackWhatWasWritten(seed: UInt64) throws {
        var stream = RandomStream(seed: seed, label: "fields")
        let fields = (0..<40).map { _ in Field.random(&stream) }
        let bytes = try written(fields)
        #expect(bytes.count == fields.reduce(0) { $0 + $1.byteCount })
        var reader = ByteReader(bytes.span.bytes)
        for field in fields { #expect(try field.readSame(&reader) == field) }
        let remaining = reader.remaining
        #expect(remaining == 0)
    }

    private func written(_ fields: [Field]) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: 2_000)
        var span = bytes.mutableSpan
        var room = span.mutableBytes
        var writer = ByteWriter(&room)
        for field in fields { try field.write(&writer) }
        let count = writer.offset
        return Array(bytes.prefix(count))
    }
}

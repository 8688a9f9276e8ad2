// CRC-32C gives the published values, whole or in pieces.

import PetrelBase
import Testing

@Suite struct ChecksumTests {
    /// RFC 3720 §B.4, whose bytes on the wire are these numbers in little-endian order.
    @Test(
        arguments: [
            (Array(repeating: UInt8(0), count: 32), 0x8A91_36AA),
            (Array(repeating: UInt8(0xFF), count: 32), 0x62A8_AB43),
            (Array(UInt8(0)..<32), 0x46DD_794E),
            (Array((UInt8(0)..<32).reversed()), 0x113F_DB5C),
            (readCommand, 0xD996_3A56),
            (Array("123456789".utf8), 0xE306_9283),
            ([], 0),
        ] as [([UInt8], UInt32)])
    func publishedValues(bytes: [UInt8], expected: UInt32) {
        #expect(Checksum.crc32c(bytes.span.bytes) == expected)
        for cut in 0...bytes.count {
            var pieces = Checksum()
            pieces.add(bytes.span.bytes.extracting(0..<cut))
            pieces.add(bytes.span.bytes.extracting(cut..<bytes.count))
            #expect(pieces.value == expected)
        }
    }

    @Test func everyFlippedBitShows() {
        var bytes = Self.readCommand
        let whole = Checksum.crc32c(bytes.span.bytes)
        for bit in 0..<bytes.count * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(Checksum.crc32c(bytes.span.bytes) != whole)
            bytes[bit / 8] ^= 1 << (bit % 8)
        }
    }

    /// The iSCSI read command of RFC 3720 §B.4.
    private static let readCommand: [UInt8] = [
        0x01, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00,
        0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18, 0x28, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ]
}

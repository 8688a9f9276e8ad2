// Datagrams in a byte stream: whole whatever pieces they come in, and never more than announced.

import PetrelBase
import Testing

@Suite struct StreamDecoderTests {
    private func framed(_ datagrams: [[UInt8]]) -> [UInt8] {
        datagrams.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 255)] + $0 }
    }

    /// Feeds `bytes` in pieces of these lengths, round and round.
    private func decode(_ bytes: [UInt8], pieces: [Int]) throws -> [[UInt8]] {
        var decoder = StreamDecoder(byteCountMax: 1_500)
        var found: [[UInt8]] = []
        var offset = 0
        var round = 0
        while offset < bytes.count {
            let end = min(bytes.count, offset + pieces[round % pieces.count])
            round += 1
            while offset < end {
                offset += try decoder.take(bytes.span.bytes.extracting(offset..<end))
                guard decoder.isWhole else { continue }
                decoder.withDatagram { datagram in
                    found.append(datagram.bytes.withUnsafeBytes { Array($0) })
                }
                decoder.removeDatagram()
            }
        }
        #expect(!decoder.isInside)
        return found
    }

    @Test(arguments: [[1], [2], [3], [1, 2, 5], [7, 1_000], [4_096]])
    func piecesDoNotMatter(pieces: [Int]) throws {
        var random = RandomStream(seed: UInt64(pieces.count), label: "pieces")
        let datagrams = (0..<40).map { i -> [UInt8] in
            let count = i == 0 ? 1 : i == 1 ? 1_500 : 1 + Int(random.below(1_500))
            return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        }
        #expect(try decode(framed(datagrams), pieces: pieces) == datagrams)
    }

    @Test func lengthsThatCannotBeEndTheStream() {
        for length in [0, 1_501, 65_535] {
            var decoder = StreamDecoder(byteCountMax: 1_500)
            let bytes = [UInt8(length >> 8), UInt8(length & 255), 1, 2, 3]
            #expect(throws: StreamMalformed(length: length)) {
                _ = try decoder.take(bytes.span.bytes)
            }
        }
    }

    @Test func whatHasBegunIsInside() throws {
        var decoder = StreamDecoder(byteCountMax: 9)
        #expect(!decoder.isInside && !decoder.isWhole)
        var taken = try decoder.take([0].span.bytes)
        #expect(taken == 1 && decoder.isInside)
        taken = try decoder.take([2, 7].span.bytes)
        #expect(taken == 2 && decoder.isInside && !decoder.isWhole)
        taken = try decoder.take([8, 0, 1, 5].span.bytes)
        #expect(taken == 1 && decoder.isWhole && !decoder.isInside)
    }
}

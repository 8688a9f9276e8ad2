// A byte stream of datagrams, in pieces, against a parser that has all of it at once.

import PetrelBase

/// Cuts bytes into pieces, and compares what a `StreamDecoder` finds with what is there.
enum StreamTarget {
    static func feed(_ bytes: [UInt8]) throws {
        var tape = Tape(bytes)
        let byteCountMax = 1 + tape.below(1_500)
        let piece = 1 + tape.below(64)
        let input = tape.rest()
        let expected = parse(input, byteCountMax: byteCountMax)
        var decoder = StreamDecoder(byteCountMax: byteCountMax)
        var found: [[UInt8]] = []
        var isBroken = false
        var offset = 0
        reading: while offset < input.count {
            let end = min(input.count, offset + piece)
            while offset < end {
                do {
                    let taken = try decoder.take(input.span.bytes.extracting(offset..<end))
                    try hold(taken > 0, "nothing was taken")
                    offset += taken
                } catch is StreamMalformed {
                    isBroken = true
                    break reading
                }
                guard decoder.isWhole else { continue }
                decoder.withDatagram { found.append($0.bytes.withUnsafeBytes { Array($0) }) }
                decoder.removeDatagram()
            }
        }
        try hold(found == expected.datagrams, "other datagrams")
        try hold(isBroken == expected.isBroken, "another end")
        try hold(found.allSatisfy { 1...byteCountMax ~= $0.count }, "a datagram out of bounds")
    }

    private static func parse(
        _ bytes: [UInt8], byteCountMax: Int
    ) -> (datagrams: [[UInt8]], isBroken: Bool) {
        var datagrams: [[UInt8]] = []
        var offset = 0
        while offset + 2 <= bytes.count {
            let length = Int(bytes[offset]) * 256 + Int(bytes[offset + 1])
            guard length > 0, length <= byteCountMax else { return (datagrams, true) }
            guard offset + 2 + length <= bytes.count else { break }
            datagrams.append(Array(bytes[offset + 2..<offset + 2 + length]))
            offset += 2 + length
        }
        return (datagrams, false)
    }
}

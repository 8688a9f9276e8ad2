// 32 public bytes as a value: what a public key and a digest have in common.

/// 32 bytes in memory order, four words at a time.
struct Words256: BitwiseCopyable, Sendable {
    static let byteCount = 32

    private var words: InlineArray<4, UInt64>

    /// - Precondition: `source.byteCount == Words256.byteCount`.
    init(_ source: RawSpan) {
        precondition(source.byteCount == Self.byteCount)
        words = InlineArray { index in
            source.unsafeLoadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
        }
    }

    /// The bytes that `fill` writes, zero where it does not.
    init(filling fill: (UnsafeMutablePointer<UInt8>) -> Void) {
        words = InlineArray(repeating: 0)
        var span = words.mutableSpan
        span.withUnsafeMutableBytes { room in
            guard let start = room.baseAddress else { return }
            fill(start.assumingMemoryBound(to: UInt8.self))
        }
    }

    /// The bytes that 64 hexadecimal digits of either case spell, or nil.
    init?(hexadecimal text: String) {
        let digits = text.utf8
        guard digits.count == Self.byteCount * 2 else { return nil }
        var bytes = InlineArray<32, UInt8>(repeating: 0)
        var position = 0
        for digit in digits {
            guard let value = Self.value(ofDigit: digit) else { return nil }
            bytes[position / 2] = bytes[position / 2] << 4 | value
            position += 1
        }
        self.init(bytes.span.bytes)
    }

    var bytes: RawSpan {
        @_lifetime(borrow self)
        get { words.span.bytes }
    }

    /// 64 lower-case digits.
    var hexadecimal: String {
        let digits: StaticString = "0123456789abcdef"
        return String(unsafeUninitializedCapacity: Self.byteCount * 2) { room in
            for index in 0..<Self.byteCount {
                let byte = bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
                room[index * 2] = digits.utf8Start[Int(byte >> 4)]
                room[index * 2 + 1] = digits.utf8Start[Int(byte & 15)]
            }
            return Self.byteCount * 2
        }
    }

    private static func value(ofDigit digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Words256: Hashable {
    static func == (a: Words256, b: Words256) -> Bool {
        a.words[0] == b.words[0] && a.words[1] == b.words[1] && a.words[2] == b.words[2]
            && a.words[3] == b.words[3]
    }

    func hash(into hasher: inout Hasher) {
        for index in 0..<4 { hasher.combine(words[index]) }
    }
}

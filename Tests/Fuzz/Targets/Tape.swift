// The bytes of a fuzzer read as decisions.

import PetrelBase

/// A list of decisions; after its end every number is 0.
struct Tape {
    private let bytes: [UInt8]
    private var at = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Whether all is read.
    var isAtEnd: Bool { at >= bytes.count }

    /// The next byte.
    mutating func byte() -> UInt8 {
        guard at < bytes.count else { return 0 }
        defer { at += 1 }
        return bytes[at]
    }

    /// A number in `0..<bound`, of at most two bytes.
    mutating func below(_ bound: Int) -> Int {
        bound <= 256 ? Int(byte()) % max(bound, 1) : Int(number16()) % bound
    }

    /// The next two bytes.
    mutating func number16() -> UInt16 { UInt16(byte()) << 8 | UInt16(byte()) }

    /// A number of any size: small ones, and those next to the powers of two.
    mutating func number() -> UInt64 {
        let kind = byte()
        let near = UInt64(byte())
        switch kind >> 6 {
        case 0: return near
        case 1: return (1 << UInt64(kind & 63)) &+ near
        case 2: return (1 << UInt64(kind & 63)) &- near
        default: return (0..<7).reduce(near) { number, _ in number << 8 | UInt64(byte()) }
        }
    }

    /// Up to `count` of the next bytes.
    mutating func take(_ count: Int) -> [UInt8] {
        let end = min(bytes.count, at + count)
        defer { at = end }
        return Array(bytes[at..<end])
    }

    /// A length byte or two, and so many bytes.
    mutating func counted(max: Int) -> [UInt8] { take(below(max + 1)) }

    /// A short text.
    mutating func text() -> String { String(decoding: counted(max: 40), as: UTF8.self) }

    /// All that is left.
    mutating func rest() -> [UInt8] { take(bytes.count) }
}

/// What `body` writes; `nil` if there was no room for it.
func written(room byteCount: Int = 2_048, _ body: (inout ByteWriter) throws -> Void) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    var span = bytes.mutableSpan
    var room = span.mutableBytes
    var writer = ByteWriter(&room)
    guard (try? body(&writer)) != nil else { return nil }
    let count = writer.offset
    return Array(bytes.prefix(count))
}

/// A copy of what a span shows.
func copy(_ span: RawSpan) -> [UInt8] { span.withUnsafeBytes { Array($0) } }

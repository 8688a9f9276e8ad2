// Codes that people copy by hand: invitations and recovery codes, in one spelling.

/// The alphabet of codes, Crockford's base 32: no letter that is taken for a digit.
enum CodeAlphabet {
    /// The symbols by value.
    static let symbols = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    /// Draws that many symbols of five bits each.
    static func draw(_ count: Int, _ random: inout some RandomNumberGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 59) }
    }

    /// The values of what somebody typed; `nil` if another character is in it.
    ///
    /// Case, spaces and hyphens do not matter, I and L are taken for 1, and O for 0.
    static func values(of typed: String, count: Int) -> [UInt8]? {
        var values: [UInt8] = []
        for byte in typed.utf8 {
            var upper = byte
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "-"): continue
            case UInt8(ascii: "a")...UInt8(ascii: "z"): upper = byte & ~0x20
            default: break
            }
            switch upper {
            case UInt8(ascii: "I"), UInt8(ascii: "L"): upper = UInt8(ascii: "1")
            case UInt8(ascii: "O"): upper = UInt8(ascii: "0")
            default: break
            }
            guard values.count < count, let value = symbols.firstIndex(of: upper) else {
                return nil
            }
            values.append(UInt8(value))
        }
        return values.count == count ? values : nil
    }

    /// The text of values.
    static func text(_ values: [UInt8]) -> String {
        String(decoding: values.map { symbols[Int($0)] }, as: UTF8.self)
    }

    /// The symbol that shows a mistyped one: the values, weighed by odd numbers, modulo 32 [I-3-1].
    ///
    /// Odd weights have inverses modulo 32, so every single wrong symbol is found.
    static func check(of values: [UInt8]) -> UInt8 {
        var sum = 0
        for (i, value) in values.enumerated() { sum += (2 * i + 1) * Int(value) }
        return UInt8(sum % 32)
    }

    /// The text in groups of five, with hyphens between them.
    static func grouped(_ text: String) -> String {
        var shown = ""
        for (i, character) in text.enumerated() {
            if i > 0, i.isMultiple(of: 5) { shown += "-" }
            shown.append(character)
        }
        return shown
    }
}

/// What opens an account whose password is lost: 130 bits of chance, and a symbol that shows a slip
/// of the pen.
public struct RecoveryCode: Hashable, Sendable {
    /// Symbols without the one that checks them.
    public static let chanceCount = 26

    /// The normal form, of which the server knows the BLAKE2b-256: 27 symbols.
    public let text: String

    /// Draws a code; `random` must be a source of secrets.
    public init(random: inout some RandomNumberGenerator) {
        let values = CodeAlphabet.draw(Self.chanceCount, &random)
        text = CodeAlphabet.text(values + [CodeAlphabet.check(of: values)])
    }

    /// Reads what somebody typed; `nil` if it is no code, or has a slip in it.
    public init?(_ typed: String) {
        guard let values = CodeAlphabet.values(of: typed, count: Self.chanceCount + 1),
            let check = values.last, check == CodeAlphabet.check(of: Array(values.dropLast()))
        else { return nil }
        text = CodeAlphabet.text(values)
    }

    /// The code as it is shown, in groups of five.
    public var shown: String { CodeAlphabet.grouped(text) }
    /// What is digested.
    public var bytes: [UInt8] { Array(text.utf8) }
}

/// What lets one account be registered: 100 bits of chance.
public struct InvitationCode: Hashable, Sendable {
    /// Symbols of a code.
    public static let symbolsCount = 20

    /// The normal form, of which the server keeps the BLAKE2b-256.
    public let text: String

    /// Draws a code; `random` must be a source of secrets.
    public init(random: inout some RandomNumberGenerator) {
        text = CodeAlphabet.text(CodeAlphabet.draw(Self.symbolsCount, &random))
    }

    /// Reads what somebody typed; `nil` if it is no code.
    public init?(_ typed: String) {
        guard let values = CodeAlphabet.values(of: typed, count: Self.symbolsCount) else {
            return nil
        }
        text = CodeAlphabet.text(values)
    }

    /// The code as it is shown, in groups of five.
    public var shown: String { CodeAlphabet.grouped(text) }
    /// What is digested.
    public var bytes: [UInt8] { Array(text.utf8) }
}

// Base64 without padding: the examples of RFC 4648, and exactly one text for each bytes.

import PetrelBase
import Testing

@testable import PetrelWire

@Suite struct Base64URLTests {
    static let vectors: [(String, String)] = [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
        ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
    ]

    @Test func examplesOfRFC4648() {
        for (plain, text) in Self.vectors {
            #expect(Base64URL.encode(Array(plain.utf8)) == text)
            #expect(Base64URL.decode(text) == Array(plain.utf8))
        }
        #expect(Base64URL.encode([0xFB, 0xFF, 0xBF]) == "-_-_")
    }

    @Test func foreignTextIsRefused() {
        for text in ["Z", "Zm9vY", "Zg==", "Zh", "Zm9", "Zm 9", "+/+/", "Zm9v\n", "Zmö"] {
            #expect(Base64URL.decode(text) == nil, "\(text)")
        }
    }

    @Test(arguments: UInt64(1)...50)
    func roundTrips(seed: UInt64) {
        var random = RandomStream(seed: seed, label: "base64")
        let bytes = (0..<random.below(70)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let text = Base64URL.encode(bytes)
        #expect(Base64URL.decode(text) == bytes)
        #expect(text.utf8.count == (bytes.count * 8 + 5) / 6)
    }
}

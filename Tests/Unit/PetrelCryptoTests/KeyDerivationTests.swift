// HKDF against RFC 5869, header masks against RFC 9001, digests and MAC1.

import PetrelBase
import Testing

@testable import PetrelCrypto

@Suite struct KeyDerivationTests {
    struct Case: Sendable {
        var input: [UInt8]
        var salt: [UInt8]
        var info: [UInt8]
        var extracted: String
        var expanded: String
    }

    /// RFC 5869, appendix A, the cases with SHA-256.
    static let cases = [
        Case(
            input: [UInt8](repeating: 0x0B, count: 22), salt: Array(0x00...0x0C),
            info: Array(0xF0...0xF9),
            extracted: "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
            expanded: """
                3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865
                """),
        Case(
            input: Array(0x00...0x4F), salt: Array(0x60...0xAF), info: Array(0xB0...0xFF),
            extracted: "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
            expanded: """
                b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
                59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
                cc30c58179ec3e87c14c01d5c1f3434f1d87
                """),
        Case(
            input: [UInt8](repeating: 0x0B, count: 22), salt: [], info: [],
            extracted: "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
            expanded: """
                8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8
                """),
    ]

    @Test(arguments: cases)
    func extractsAndExpandsAsTheRFCSays(_ vector: Case) throws {
        let key = KeyDerivation.extract(
            salt: vector.salt.span.bytes, input: vector.input.span.bytes)
        #expect(copy(key) == (try hex(vector.extracted)))
        let whole = try hex(vector.expanded)
        // Shorter outputs are prefixes of longer ones, to the byte.
        for count in 0...whole.count {
            var output = [UInt8](repeating: 0, count: count)
            withMutableBytes(of: &output) {
                KeyDerivation.expand(key, info: vector.info.span.bytes, into: &$0)
            }
            #expect(output == Array(whole.prefix(count)))
        }
    }

    @Test func expandsToItsLimit() {
        let key = SecretKey()
        var output = [UInt8](repeating: 0, count: KeyDerivation.expandedByteCountMax)
        withMutableBytes(of: &output) { KeyDerivation.expand(key, info: RawSpan(), into: &$0) }
        let last = Array(output.suffix(32))
        #expect(last != [UInt8](repeating: 0, count: 32))
        #expect(last != Array(output.prefix(32)))
    }

    @Test func derivesOneBlockOfExpand() {
        let secret = SecretKey()
        let derived = KeyDerivation.derive(from: secret, label: "petrel key")
        var expanded = [UInt8](repeating: 0, count: 32)
        let label = Array("petrel key".utf8)
        withMutableBytes(of: &expanded) {
            KeyDerivation.expand(secret, info: label.span.bytes, into: &$0)
        }
        #expect(copy(derived) == expanded)
    }

    @Test func masksAsTheRFCSays() throws {
        // RFC 9001, appendix A.5.
        let protector = HeaderProtector(
            key: try secretKey(
                "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4"))
        let sample = try hex("5e5cd55c41f69080575d7999c25a5bfb")
        let mask = protector.mask(sample: sample.span.bytes)
        #expect(copy(mask.span.bytes) == (try hex("aefefe7d03")))
    }

    @Test func digestsAreTheStandardOnes() {
        let text = Array("abc".utf8)
        #expect(
            Digest.sha256(text.span.bytes).hexadecimal
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            Digest.sha256(RawSpan()).hexadecimal
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            Digest.blake2b256(text.span.bytes).hexadecimal
                == "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319")
        #expect(
            Digest.blake2b256(RawSpan()).hexadecimal
                == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8")
    }

    /// Made by Python's `hashlib.blake2b(bytes, digest_size=16, key=blake2b(b"petrel mac1" +
    /// bytes(range(32)), digest_size=32).digest())`.
    static let codes = [
        ("", "376b52a751166a76f3cabc709706de12"),
        ("68656c6c6f", "7a51eb8b48ee540c7b7e69202040e8bd"),
        (String(repeating: "a5", count: 300), "18315c2d65b1c1176752a95b18aed12a"),
    ]

    @Test(arguments: codes)
    func mac1IsKeyedWithTheServersKey(bytes: String, code: String) throws {
        let serverKey = Array(0..<32 as Range<UInt8>)
        let key = Mac1Key(serverKey: PublicKey(serverKey.span.bytes))
        let message = try hex(bytes)
        let expected = try hex(code)
        let mac = key.mac(message.span.bytes)
        #expect(copy(mac.bytes) == expected)
        let isVerified = key.verify(message.span.bytes, tag: expected.span.bytes)
        #expect(isVerified)
        for bit in 0..<128 {
            var wrong = expected
            wrong[bit / 8] ^= 1 << (bit % 8)
            let isWrongVerified = key.verify(message.span.bytes, tag: wrong.span.bytes)
            #expect(!isWrongVerified)
        }
        let isShortVerified = key.verify(
            message.span.bytes, tag: expected.span.bytes.extracting(first: 15))
        #expect(!isShortVerified)
        let other = Mac1Key(serverKey: KeyPair().publicKey)
        let isOtherVerified = other.verify(message.span.bytes, tag: expected.span.bytes)
        #expect(!isOtherVerified)
    }

    @Test func constantTimeEqualityIsEquality() {
        let values: [[UInt8]] = [[], [0], [1], [0, 0], [0, 1], [1, 0]]
        for a in values {
            for b in values {
                #expect(constantTimeEqual(a.span.bytes, b.span.bytes) == (a == b))
            }
        }
    }
}

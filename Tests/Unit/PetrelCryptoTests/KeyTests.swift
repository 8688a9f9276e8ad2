// X25519 against RFC 7748, points of small order, and keys as values.

import PetrelBase
import Testing

@testable import PetrelCrypto

@Suite struct KeyTests {
    static let products: [(secret: String, point: String, product: String)] = [
        // RFC 7748 §5.2, both; the second point has its unused top bit set.
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
        ),
        (
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"
        ),
    ]

    @Test(arguments: products)
    func agreesAsTheRFCSays(secret: String, point: String, product: String) throws {
        let pair = KeyPair(secret: try secretKey(secret))
        let agreed = try pair.agree(with: publicKey(point))
        #expect(copy(agreed) == (try hex(product)))
    }

    @Test func iteratesAsTheRFCSays() throws {
        var scalar = try secretKey("09" + String(repeating: "00", count: 31))
        var point = PublicKey(scalar.bytes)
        for round in 1...1_000 {
            let product = try KeyPair(secret: scalar.duplicate()).agree(with: point)
            point = PublicKey(scalar.bytes)
            scalar = product
            if round == 1 {
                let expected = "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
                #expect(copy(scalar) == (try hex(expected)))
            }
        }
        let expected = "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"
        #expect(copy(scalar) == (try hex(expected)))
    }

    @Test func exchangesAsTheRFCSays() throws {
        // RFC 7748 §6.1.
        let alice = KeyPair(
            secret: try secretKey(
                "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
        let bob = KeyPair(
            secret: try secretKey(
                "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
        #expect(
            alice.publicKey.hexadecimal
                == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
        #expect(
            bob.publicKey.hexadecimal
                == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
        let expected = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
        let ofAlice = try alice.agree(with: bob.publicKey)
        let ofBob = try bob.agree(with: alice.publicKey)
        #expect(copy(ofAlice) == (try hex(expected)))
        #expect(copy(ofBob) == (try hex(expected)))
    }

    /// The points of order 1, 2, 4 and 8, canonical or not; the top bit does not count.
    static let lowOrderPoints = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ]

    @Test(arguments: lowOrderPoints, [0, 0x80] as [UInt8])
    func refusesLowOrderPoints(point: String, topBit: UInt8) throws {
        var bytes = try hex(point)
        bytes[31] |= topBit
        let peer = PublicKey(bytes.span.bytes)
        let pair = KeyPair()
        #expect(throws: CryptoError.lowOrderPoint) {
            _ = try pair.agree(with: peer)
        }
    }

    @Test func secretsCompareByTheirBytes() throws {
        let key = SecretKey()
        let same = key.duplicate()
        let isSame = key.isEqual(to: same)
        #expect(isSame)
        for bit in 0..<256 {
            var bytes = copy(key)
            bytes[bit / 8] ^= 1 << (bit % 8)
            let other = SecretKey(copying: bytes.span.bytes)
            let isEqual = key.isEqual(to: other)
            #expect(!isEqual)
        }
        let fresh = SecretKey()
        let isFreshSame = key.isEqual(to: fresh)
        #expect(!isFreshSame)
    }

    @Test func publicKeysAreValues() throws {
        let text = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"
        let key = try publicKey(text)
        #expect(key.hexadecimal == text)
        #expect(PublicKey(hexadecimal: text.uppercased()) == key)
        #expect(copy(key.bytes) == (try hex(text)))
        #expect(key.withBytes { copy($0) } == (try hex(text)))
        var bytes = try hex(text)
        #expect(PublicKey(exactly: bytes.span.bytes) == key)
        bytes[31] ^= 1
        #expect(PublicKey(exactly: bytes.span.bytes) != key)
        bytes.append(0)
        #expect(PublicKey(exactly: bytes.span.bytes) == nil)
        #expect(PublicKey(exactly: RawSpan()) == nil)
        for wrong in ["", "00", text + "00", "g" + text.dropFirst(), "+" + text.dropFirst()] {
            #expect(PublicKey(hexadecimal: wrong) == nil)
        }
        #expect(_isPOD(PublicKey.self) && _isPOD(Digest256.self) && _isPOD(MessageCode.self))
        #expect(MemoryLayout<PublicKey>.size == 32 && MemoryLayout<Digest256>.size == 32)
        #expect(MemoryLayout<PacketCipher>.size == 8 && MemoryLayout<TrafficKeys>.size == 16)
    }

    @Test func publicKeysAreWrittenWholeOrNotAtAll() throws {
        let key = KeyPair().publicKey
        var bytes = [UInt8](repeating: 0, count: 40)
        let second = withMutableBytes(of: &bytes) { room -> Bool in
            var writer = ByteWriter(&room)
            do {
                try key.write(to: &writer)
                try key.write(to: &writer)
            } catch {
                return writer.offset == 32
            }
            return false
        }
        #expect(second)
        #expect(Array(bytes.prefix(32)) == copy(key.bytes))
        #expect(Array(bytes.suffix(8)) == [UInt8](repeating: 0, count: 8))
    }

    @Test func freshKeysDiffer() {
        let generator = SecureRandom()
        var seen = Set<UInt64>()
        for _ in 0..<100 { seen.insert(generator.next()) }
        #expect(seen.count == 100)
        #expect(KeyPair().publicKey != KeyPair().publicKey)
    }
}

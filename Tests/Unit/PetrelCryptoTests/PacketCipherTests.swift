// Sealed packets: RFC 8439, and no changed bit, byte count, number or path gets through.

import PetrelBase
import Testing

@testable import PetrelCrypto

@Suite struct PacketCipherTests {
    @Test func sealsAsTheRFCSays() throws {
        // RFC 8439 §2.8.2; its constant is our path, its IV our packet number.
        let key: [UInt8] = Array(0x80...0x9F)
        let cipher = PacketCipher(key: SecretKey(copying: key.span.bytes))
        let header = try hex("50515253c0c1c2c3c4c5c6c7")
        let payload = Array(
            """
            Ladies and Gentlemen of the class of '99: If I could offer you only one tip for \
            the future, sunscreen would be it.
            """.utf8)
        let sealed = try hex(
            """
            d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
            3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
            92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
            3ff4def08e4b7a9de576d26586cec64b6116
            1ae10b594f09e26a7e902ecbd0600691
            """)
        var datagram = header + payload + [UInt8](repeating: 0, count: 16)
        let byteCount = withMutableBytes(of: &datagram) {
            cipher.seal(
                &$0, headerByteCount: header.count, payloadByteCount: payload.count,
                pathID: 0x0700_0000, packetNumber: 0x4041_4243_4445_4647)
        }
        #expect(byteCount == datagram.count)
        #expect(datagram == header + sealed)
        let opened = open(
            cipher, &datagram, header: header.count, path: 0x0700_0000,
            number: 0x4041_4243_4445_4647)
        #expect(opened == payload.count)
        #expect(Array(datagram.dropFirst(header.count).prefix(payload.count)) == payload)
    }

    @Test(arguments: [0, 1, 15, 16, 17, 63, 64, 65, 1_200], [0, 1, 13])
    func opensWhatItSealed(payloadByteCount: Int, headerByteCount: Int) {
        let cipher = PacketCipher(key: SecretKey())
        var random = RandomStream(
            seed: UInt64(payloadByteCount * 100 + headerByteCount), label: "datagram")
        // Room behind the tag, which must stay as it is.
        let clear = (0..<headerByteCount + payloadByteCount + 16 + 9).map { _ in
            UInt8(truncatingIfNeeded: random.next())
        }
        var datagram = clear
        let sealedByteCount = withMutableBytes(of: &datagram) {
            cipher.seal(
                &$0, headerByteCount: headerByteCount, payloadByteCount: payloadByteCount,
                pathID: 3, packetNumber: 1 << 40)
        }
        #expect(sealedByteCount == headerByteCount + payloadByteCount + 16)
        #expect(Array(datagram.prefix(headerByteCount)) == Array(clear.prefix(headerByteCount)))
        #expect(Array(datagram.suffix(9)) == Array(clear.suffix(9)))
        let opened = withMutableBytes(of: &datagram) {
            cipher.open(
                &$0, headerByteCount: headerByteCount, byteCount: sealedByteCount, pathID: 3,
                packetNumber: 1 << 40)
        }
        #expect(opened == payloadByteCount)
        let openedByteCount = headerByteCount + payloadByteCount
        #expect(Array(datagram.prefix(openedByteCount)) == Array(clear.prefix(openedByteCount)))
    }

    @Test func refusesEveryFlippedBitAndLeavesTheDatagram() {
        let cipher = PacketCipher(key: SecretKey())
        let genuine = sealed(by: cipher)
        for bit in 0..<genuine.count * 8 {
            var datagram = genuine
            datagram[bit / 8] ^= 1 << (bit % 8)
            let before = datagram
            let opened = open(cipher, &datagram)
            #expect(opened == nil, "bit \(bit)")
            #expect(datagram == before, "bit \(bit)")
        }
    }

    @Test func refusesEveryTruncationAndExtension() {
        let cipher = PacketCipher(key: SecretKey())
        let genuine = sealed(by: cipher)
        for count in 0..<genuine.count {
            var datagram = Array(genuine.prefix(count))
            let opened = open(cipher, &datagram)
            #expect(opened == nil, "\(count) bytes")
        }
        var longer = genuine + [0]
        let opened = open(cipher, &longer)
        #expect(opened == nil)
    }

    @Test func bindsKeyPathNumberAndHeader() {
        let cipher = PacketCipher(key: SecretKey())
        let other = PacketCipher(key: SecretKey())
        var datagram = sealed(by: cipher)
        let wrong = [
            open(other, &datagram),
            open(cipher, &datagram, path: 8),
            open(cipher, &datagram, path: 7 << 8),
            open(cipher, &datagram, number: 10),
            open(cipher, &datagram, number: 9 | 1 << 32),
            open(cipher, &datagram, number: 9 | 1 << 63),
            open(cipher, &datagram, header: 12),
            open(cipher, &datagram, header: 14),
        ]
        #expect(wrong.allSatisfy { $0 == nil })
        // None of them harmed it.
        let opened = open(cipher, &datagram)
        #expect(opened == 20)
    }

    @Test func trafficKeysAreDerivedByLabel() throws {
        let secret = SecretKey()
        let keys = TrafficKeys(secret: secret)
        let cipher = PacketCipher(key: KeyDerivation.derive(from: secret, label: "petrel key"))
        let header = HeaderProtector(key: KeyDerivation.derive(from: secret, label: "petrel hp"))
        #expect(sealed(by: keys.cipher) == sealed(by: cipher))
        let sample = Array(0..<16 as Range<UInt8>)
        let mask = keys.header.mask(sample: sample.span.bytes)
        let expected = header.mask(sample: sample.span.bytes)
        #expect(copy(mask.span.bytes) == copy(expected.span.bytes))
    }

    private func sealed(by cipher: borrowing PacketCipher) -> [UInt8] {
        var datagram = Array(0..<13 + 20 as Range<UInt8>) + [UInt8](repeating: 0, count: 16)
        _ = withMutableBytes(of: &datagram) {
            cipher.seal(
                &$0, headerByteCount: 13, payloadByteCount: 20, pathID: 7, packetNumber: 9)
        }
        return datagram
    }

    private func open(
        _ cipher: borrowing PacketCipher, _ datagram: inout [UInt8], header: Int = 13,
        path: UInt32 = 7, number: UInt64 = 9
    ) -> Int? {
        let byteCount = datagram.count
        return withMutableBytes(of: &datagram) {
            cipher.open(
                &$0, headerByteCount: header, byteCount: byteCount, pathID: path,
                packetNumber: number)
        }
    }
}

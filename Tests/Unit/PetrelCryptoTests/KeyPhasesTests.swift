// Key updates as the second implementation makes them, and which key is tried for which packet.

import PetrelBase
import Testing

@testable import PetrelCrypto

@Suite struct KeyPhasesTests {
    struct File: Decodable {
        var updates: [Update]
        var renewed: [Renewed]
    }

    struct Update: Decodable {
        var towards: String
        var generations: [Generation]
    }

    struct Generation: Decodable { var secret, key: String }

    struct Renewed: Decodable {
        var name, secret, packet_number, payload, header, datagram: String
        var generation: Int
    }

    @Test func secretsFollowFromEachOther() throws {
        let file = try vectors("packets.json", as: File.self)
        for update in file.updates {
            var secret = try secretKey(update.generations[0].secret)
            for generation in update.generations {
                #expect(copy(secret) == (try hex(generation.secret)))
                let key = KeyDerivation.derive(from: secret, label: "petrel key")
                #expect(copy(key) == (try hex(generation.key)))
                secret = KeyDerivation.derive(from: secret, label: "petrel update")
            }
        }
    }

    @Test func renewedPacketsAreTheSame() throws {
        let file = try vectors("packets.json", as: File.self)
        #expect(file.renewed.count == 5)
        for vector in file.renewed {
            let secret = try secretKey(vector.secret)
            var writer = KeyPhases(reading: SecretKey(), writing: secret)
            for _ in 0..<vector.generation { writer.renewWriting() }
            let header = try hex(vector.header)
            #expect(header[0] >> 4 & 3 == writer.writePhase, "\(vector.name)")
            let payload = try hex(vector.payload)
            let number = try #require(UInt64(vector.packet_number, radix: 16))
            var sealed = header + payload + [UInt8](repeating: 0, count: 16)
            _ = withMutableBytes(of: &sealed) {
                writer.seal(
                    &$0, headerByteCount: header.count, payloadByteCount: payload.count,
                    packetNumber: number)
            }
            let mask = writer.writeHeader.mask(sample: sealed[13..<29].span.bytes)
            sealed[0] ^= mask[0] & 0x3F
            for i in 0..<3 { sealed[9 + i] ^= mask[1 + i] }
            #expect(sealed == (try hex(vector.datagram)), "\(vector.name)")
        }
    }

    /// One packet under each key, tried with each choice.
    @Test func eachChoiceOpensItsGenerationOnly() throws {
        let secret = SecretKey(copying: [UInt8](repeating: 3, count: 32).span.bytes)
        var writer = KeyPhases(reading: SecretKey(), writing: secret)
        var reader = KeyPhases(reading: secret, writing: SecretKey())
        var packets: [[UInt8]] = []
        for _ in 0..<4 {
            var packet = [UInt8](repeating: 7, count: 40)
            _ = withMutableBytes(of: &packet) {
                writer.seal(&$0, headerByteCount: 4, payloadByteCount: 20, packetNumber: 5)
            }
            packets.append(packet)
            writer.renewWriting()
        }
        func opens(_ generation: Int, _ choice: KeyPhases.Choice) -> Bool {
            var packet = packets[generation]
            return withMutableBytes(of: &packet) {
                reader.open(
                    &$0, with: choice, headerByteCount: 4, byteCount: 40, packetNumber: 5)
            } == 20
        }
        #expect(opens(0, .current) && opens(1, .next) && !opens(1, .current) && !opens(2, .next))
        #expect(!opens(0, .previous), "there was none before")
        #expect(reader.choice(of: 0) == .current && reader.choice(of: 1) == .next)
        #expect(reader.choice(of: 2) == nil && reader.choice(of: 3) == nil)
        reader.renewReading()
        #expect(opens(0, .previous) && opens(1, .current) && opens(2, .next))
        #expect(reader.choice(of: 0) == .previous && reader.choice(of: 3) == nil)
        reader.forgetPrevious()
        #expect(!opens(0, .previous) && reader.choice(of: 0) == nil)
        reader.renewReading()
        #expect(opens(1, .previous) && opens(2, .current) && opens(3, .next))
        #expect(reader.readGeneration == 2 && reader.choice(of: 3) == .next)
    }
}

// Data packets as the second implementation makes them (Protocol/vectors/packets.json).

import PetrelBase
import Testing

@testable import PetrelCrypto

@Suite struct PacketVectorTests {
    struct File: Decodable { var packets: [Vector] }

    struct Vector: Decodable {
        var name, towards, secret, destination_id, packet_number, payload: String
        var key_phase, packet_number_length: Int
        var path_id: UInt32
        var key, header_key, header, sealed, sample, mask, datagram: String
    }

    @Test func packetsAreTheSameAsTheSecondImplementations() throws {
        let file = try vectors("packets.json", as: File.self)
        #expect(file.packets.count >= 12)
        for vector in file.packets {
            try protects(vector)
            try opens(vector)
        }
    }

    private func protects(_ vector: Vector) throws {
        let secret = try secretKey(vector.secret)
        let key = KeyDerivation.derive(from: secret, label: "petrel key")
        #expect(copy(key) == (try hex(vector.key)), "\(vector.name)")
        let headerKey = KeyDerivation.derive(from: secret, label: "petrel hp")
        #expect(copy(headerKey) == (try hex(vector.header_key)), "\(vector.name)")
        let keys = TrafficKeys(secret: secret)
        let header = try header(of: vector)
        #expect(header == (try hex(vector.header)), "\(vector.name)")
        let payload = try hex(vector.payload)
        var datagram = header + payload + [UInt8](repeating: 0, count: 16)
        let number = try packetNumber(of: vector)
        let byteCount = withMutableBytes(of: &datagram) {
            keys.cipher.seal(
                &$0, headerByteCount: header.count, payloadByteCount: payload.count,
                pathID: vector.path_id, packetNumber: number)
        }
        #expect(byteCount == datagram.count, "\(vector.name)")
        #expect(datagram == (try hex(vector.sealed)), "\(vector.name)")
        let mask = try self.mask(keys.header, datagram, vector)
        apply(mask, to: &datagram, vector)
        #expect(datagram == (try hex(vector.datagram)), "\(vector.name)")
    }

    private func opens(_ vector: Vector) throws {
        let keys = TrafficKeys(secret: try secretKey(vector.secret))
        var datagram = try hex(vector.datagram)
        // The sample lies behind the longest packet number, hence outside of what is hidden.
        let mask = try self.mask(keys.header, datagram, vector)
        apply(mask, to: &datagram, vector)
        let header = try hex(vector.header)
        #expect(Array(datagram.prefix(header.count)) == header, "\(vector.name)")
        #expect(Int(datagram[0] >> 2 & 3) + 1 == vector.packet_number_length, "\(vector.name)")
        let number = try packetNumber(of: vector)
        let byteCount = datagram.count
        let opened = withMutableBytes(of: &datagram) {
            keys.cipher.open(
                &$0, headerByteCount: header.count, byteCount: byteCount, pathID: vector.path_id,
                packetNumber: number)
        }
        let payload = try hex(vector.payload)
        #expect(opened == payload.count, "\(vector.name)")
        #expect(
            Array(datagram.dropFirst(header.count).prefix(payload.count)) == payload,
            "\(vector.name)")
    }

    private func header(of vector: Vector) throws -> [UInt8] {
        let length = vector.packet_number_length
        let first = UInt8(0x40 | vector.key_phase << 4 | (length - 1) << 2)
        let number = try packetNumber(of: vector)
        let truncated = (0..<length).reversed().map {
            UInt8(truncatingIfNeeded: number >> UInt64(8 * $0))
        }
        return [first] + (try hex(vector.destination_id)) + truncated
    }

    private func packetNumber(of vector: Vector) throws -> UInt64 {
        guard let number = UInt64(vector.packet_number, radix: 16) else {
            throw VectorError(reason: "packet number of \(vector.name)")
        }
        return number
    }

    private func mask(
        _ protector: borrowing HeaderProtector, _ datagram: [UInt8], _ vector: Vector
    ) throws -> [UInt8] {
        let start = 1 + vector.destination_id.count / 2 + 4
        let sample = Array(datagram[start..<start + 16])
        #expect(sample == (try hex(vector.sample)), "\(vector.name)")
        let mask = protector.mask(sample: sample.span.bytes)
        let bytes = copy(mask.span.bytes)
        #expect(bytes == (try hex(vector.mask)), "\(vector.name)")
        return bytes
    }

    /// Hides the header, or shows it again: exclusive or is its own inverse.
    private func apply(_ mask: [UInt8], to datagram: inout [UInt8], _ vector: Vector) {
        let start = 1 + vector.destination_id.count / 2
        datagram[0] ^= mask[0] & 0x3F
        for index in 0..<vector.packet_number_length { datagram[start + index] ^= mask[1 + index] }
    }
}

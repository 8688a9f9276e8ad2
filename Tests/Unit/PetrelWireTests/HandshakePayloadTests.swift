// The payloads of HELLO and ACCEPT: fixed sizes, and nothing left over.

import PetrelBase
import PetrelWire
import Testing

@Suite struct HandshakePayloadTests {
    static let hello = HelloPayload(
        counter: 0x0102_0304_0506_0708, connectionID: .client(0xC11E_0001),
        parameters: TransportParameters())
    static let accept = AcceptPayload(
        connectionID: .server(0x00A1_A2A3_A4A5_A6A7), parameters: TransportParameters())

    @Test func helloFillsItsPlace() throws {
        let bytes = try written { writer in try Self.hello.write(to: &writer) }
        #expect(bytes.count == 123)
        #expect(bytes.count == HelloPayload.byteCount)
        #expect(Array(bytes.prefix(12)) == [1, 2, 3, 4, 5, 6, 7, 8, 0xC1, 0x1E, 0, 1])
        var reader = ByteReader(bytes.span.bytes)
        #expect(try HelloPayload(&reader) == Self.hello)
    }

    @Test func helloWithAnythingButZerosAtTheEndIsRefused() throws {
        let bytes = try written { writer in try Self.hello.write(to: &writer) }
        var parameterBytes = try written { writer in
            try Self.hello.parameters.write(to: &writer)
        }
        parameterBytes = Array(bytes.prefix(12)) + parameterBytes
        for place in parameterBytes.count..<bytes.count {
            var damaged = bytes
            damaged[place] = 1
            #expect(throws: DecodeError.malformed(offset: place)) {
                var reader = ByteReader(damaged.span.bytes)
                _ = try HelloPayload(&reader)
            }
        }
    }

    @Test func helloCutShortIsRefused() throws {
        let bytes = try written { writer in try Self.hello.write(to: &writer) }
        for count in 0..<13 {
            let cut = Array(bytes.prefix(count))
            #expect(throws: DecodeError.self) {
                var reader = ByteReader(cut.span.bytes)
                _ = try HelloPayload(&reader)
            }
        }
    }

    @Test func helloDoesNotFitIntoLess() {
        #expect(throws: NoRoom.self) {
            _ = try written(122) { writer in try Self.hello.write(to: &writer) }
        }
    }

    @Test func acceptHasNothingBehindIt() throws {
        let bytes = try written { writer in try Self.accept.write(to: &writer) }
        var reader = ByteReader(bytes.span.bytes)
        #expect(try AcceptPayload(&reader) == Self.accept)
        let longer = bytes + [0]
        #expect(throws: DecodeError.malformed(offset: bytes.count)) {
            var reader = ByteReader(longer.span.bytes)
            _ = try AcceptPayload(&reader)
        }
        for count in 0..<bytes.count {
            let cut = Array(bytes.prefix(count))
            #expect(throws: DecodeError.self) {
                var reader = ByteReader(cut.span.bytes)
                _ = try AcceptPayload(&reader)
            }
        }
        // Header, Noise overhead and payload: never more than the HELLO that it answers.
        #expect(WireLimits.acceptHeaderByteCount + 48 + bytes.count <= WireLimits.helloByteCount)
    }
}

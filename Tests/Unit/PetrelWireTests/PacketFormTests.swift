// The first bytes of datagrams, and headers of data packets.

import PetrelBase
import PetrelWire
import Testing

@Suite struct PacketFormTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var bytes: [UInt8]
        var side: ConnectionID.Side
        var form: PacketForm?
        var testDescription: String
    }

    static let hello: [UInt8] = [0xC4, 0, 0, 0, 1] + [UInt8](repeating: 7, count: 251)
    static let accept: [UInt8] = [0xC8, 0, 0, 0, 1, 0xC1, 0x1E, 0, 1]
    static let retry: [UInt8] = [0xCC, 0, 0, 0, 1] + [UInt8](repeating: 7, count: 56)
    static let toServer: [UInt8] =
        [0x7F, 1, 2, 3, 4, 5, 6, 7, 8] + [UInt8](repeating: 9, count: 20)
    static let toClient: [UInt8] = [0x40, 0xC1, 0x1E, 0, 1] + [UInt8](repeating: 9, count: 20)
    static let client = ConnectionID.client(0xC11E_0001)
    static let server = ConnectionID.server(0x0102_0304_0506_0708)

    static let rows = [
        Row(bytes: [], side: .server, form: nil, testDescription: "nothing"),
        Row(bytes: hello, side: .server, form: .hello, testDescription: "HELLO"),
        Row(bytes: hello, side: .client, form: nil, testDescription: "HELLO to a client"),
        Row(bytes: hello + [0], side: .server, form: .hello, testDescription: "longer HELLO"),
        Row(
            bytes: hello + [UInt8](repeating: 0, count: 944), side: .server, form: .hello,
            testDescription: "the longest HELLO"),
        Row(
            bytes: hello + [UInt8](repeating: 0, count: 945), side: .server, form: nil,
            testDescription: "too long a HELLO"),
        Row(bytes: hello.dropLast(), side: .server, form: nil, testDescription: "short HELLO"),
        Row(
            bytes: [0xC4, 0, 0, 0, 2] + hello.dropFirst(5), side: .server, form: nil,
            testDescription: "HELLO of version 2"),
        Row(bytes: accept, side: .client, form: .accept(client), testDescription: "ACCEPT"),
        Row(bytes: accept, side: .server, form: nil, testDescription: "ACCEPT to a server"),
        Row(bytes: accept.dropLast(), side: .client, form: nil, testDescription: "short ACCEPT"),
        Row(
            bytes: [0xC8, 1, 0, 0, 1, 0, 0, 0, 0], side: .client, form: nil,
            testDescription: "ACCEPT of another version"),
        Row(bytes: retry, side: .client, form: .retry, testDescription: "RETRY"),
        Row(bytes: retry, side: .server, form: nil, testDescription: "RETRY to a server"),
        Row(bytes: retry + [0], side: .client, form: nil, testDescription: "long RETRY"),
        Row(bytes: retry.dropLast(), side: .client, form: nil, testDescription: "short RETRY"),
        Row(
            bytes: [0xCC, 0, 0, 0, 2] + retry.dropFirst(5), side: .client, form: nil,
            testDescription: "RETRY of version 2"),
        Row(bytes: toServer, side: .server, form: .data(server), testDescription: "data, server"),
        Row(
            bytes: toServer.dropLast(), side: .server, form: nil, testDescription: "28 bytes"),
        Row(bytes: toClient, side: .client, form: .data(client), testDescription: "data, client"),
        Row(
            bytes: toClient.dropLast(), side: .client, form: nil, testDescription: "24 bytes"),
        Row(
            bytes: [0x3F] + toServer.dropFirst(), side: .server, form: nil,
            testDescription: "fixed bit missing"),
        Row(
            bytes: [0x80] + toServer.dropFirst(), side: .server, form: nil,
            testDescription: "an unassigned long form"),
        Row(
            bytes: [0xD0] + hello.dropFirst(), side: .server, form: nil,
            testDescription: "a form of a later version"),
    ]

    @Test(arguments: rows)
    func forms(_ row: Row) {
        #expect(PacketForm(row.bytes.span.bytes, receivedBy: row.side) == row.form)
    }

    @Test func headersRoundTrip() throws {
        for id in [Self.client, Self.server] {
            for byteCount in 1...4 {
                for phase in UInt8(0)...3 {
                    let number = TruncatedPacketNumber(
                        value: 0xA1B2_C3D4 >> UInt32(32 - 8 * byteCount), byteCount: byteCount)
                    let header = DataHeader(
                        keyPhase: phase, connectionID: id, packetNumber: number)
                    let bytes = try written { writer in try header.write(to: &writer) }
                    #expect(bytes.count == header.byteCount)
                    var reader = ByteReader(bytes.span.bytes)
                    #expect(try DataHeader(&reader, receivedBy: id.side) == header)
                    for count in 0..<bytes.count {
                        let cut = Array(bytes.prefix(count))
                        #expect(throws: DecodeError.self) {
                            var reader = ByteReader(cut.span.bytes)
                            _ = try DataHeader(&reader, receivedBy: id.side)
                        }
                    }
                }
            }
        }
    }

    @Test func forbiddenBitsAreRefused() {
        for first in UInt8.min...UInt8.max {
            let bytes = [first] + Self.toServer.dropFirst()
            var reader = ByteReader(bytes.span.bytes)
            let header = try? DataHeader(&reader, receivedBy: .server)
            #expect((header != nil) == (first & 0xC3 == 0x40), "\(first)")
        }
    }
}

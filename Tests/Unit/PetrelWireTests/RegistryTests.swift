// The registry of the specification and the sources name the same numbers, both ways.

import PetrelBase
import PetrelWire
import Testing

@Suite struct RegistryTests {
    struct File: Decodable {
        var version: UInt32
        var frame_types: [FrameRow]
        var message_classes: [Row]
        var transport_parameters, transport_parameters_of_servers: [ParameterRow]
        var transport_parameters_in_bytes: [BytesRow]
        var transport_parameters_optional: [OptionalRow]
        var packet_forms: [FormRow]
        var transport_errors: [Row]
    }

    struct Row: Decodable {
        var name: String
        var number: UInt64
    }

    struct FrameRow: Decodable {
        var name: String
        var number: UInt8
        var sender: String
        var ack_eliciting: Bool
    }

    struct ParameterRow: Decodable {
        var name: String
        var number: UInt64
        var `default`: UInt64
        var min: UInt64
        var max: UInt64
    }

    struct OptionalRow: Decodable {
        var name, sender: String
        var number, min, max: UInt64
    }

    struct BytesRow: Decodable {
        var name, sender: String
        var number: UInt64
        var byte_count: Int
    }

    struct FormRow: Decodable {
        var name, receiver: String
        var first_byte: UInt8
        var min, max: Int
    }

    private func registry() throws -> File { try specified("registry.json", as: File.self) }

    @Test func versionIsTheOneSpoken() throws {
        #expect(try registry().version == WireLimits.version)
    }

    @Test func frameTypesAgree() throws {
        let listed = try registry().frame_types
        #expect(listed.map(\.number) == FrameType.allCases.map(\.rawValue))
        let vectors = try specified("vectors/frames.json", as: FrameVectorTests.File.self).frames
        for row in listed {
            let vector = try #require(vectors.first { $0.type == row.name }, "\(row.name)")
            let bytes = try hex(vector.hex)
            #expect(bytes.first == row.number, "\(row.name)")
            var reader = ByteReader(bytes.span.bytes)
            let isAckEliciting = try Frame(&reader).isAckEliciting
            #expect(isAckEliciting == row.ack_eliciting, "\(row.name)")
            #expect(["both", "client", "server"].contains(row.sender))
        }
    }

    /// A parameter that is not always there has its number and its bounds.
    @Test func optionalParametersAgree() throws {
        let listed = try registry().transport_parameters_optional
        let port = try #require(listed.first { $0.name == "tcp_port" })
        #expect(port.number == 11 && port.min == 1 && port.max == UInt64(UInt16.max))
        #expect(port.sender == "server")
        var parameters = TransportParameters()
        parameters.tcpPort = UInt16(port.max)
        let bytes = try written { writer in try parameters.write(to: &writer) }
        #expect(bytes.suffix(6) == [UInt8(port.number), 4, 0x80, 0, 0xFF, 0xFF])
    }

    @Test func messageClassesAgree() throws {
        let listed = try registry().message_classes.map { "\($0.name) \($0.number)" }
        #expect(listed == DeliveryClass.builtIn.map { "\($0) \($0.rawValue)" })
    }

    @Test func errorCodesAgree() throws {
        let listed = try registry().transport_errors.map { "\($0.name) \($0.number)" }
        #expect(listed == ErrorCode.allCases.map { "\($0) \($0.rawValue)" })
    }

    /// What is written names exactly the identifiers listed, and each keeps its bounds.
    @Test func transportParametersAgree() throws {
        let listed = try registry().transport_parameters
        let bytes = try written { writer in try TransportParameters().write(to: &writer) }
        var reader = ByteReader(bytes.span.bytes)
        #expect(Int(try reader.readUInt8()) == listed.count)
        for row in listed {
            #expect(try reader.readVarInt() == row.number, "\(row.name)")
            _ = try reader.readVarInt()
            #expect(try reader.readVarInt() == row.default, "\(row.name)")
            #expect(try takes(row.number, row.min) && takes(row.number, row.max), "\(row.name)")
            #expect(try !takes(row.number, row.max + 1), "\(row.name)")
            if row.min > 0 { #expect(try !takes(row.number, row.min - 1), "\(row.name)") }
        }
    }

    /// Parameters of servers alone are written only if they are there.
    @Test func parametersOfServersAgree() throws {
        let listed = try registry().transport_parameters_of_servers
        #expect(listed.map(\.name) == ["early_messages"])
        for row in listed {
            #expect(try takes(row.number, row.min) && takes(row.number, row.max), "\(row.name)")
            #expect(try !takes(row.number, row.max + 1), "\(row.name)")
            let bytes = try written { writer in
                try writer.writeUInt8(1)
                try writer.writeVarInt(row.number)
                try writer.writeVarInt(1)
                try writer.writeVarInt(3)
            }
            var reader = ByteReader(bytes.span.bytes)
            let parameters = try TransportParameters(&reader)
            #expect(parameters.earlyMessages == 3)
            let again = try written { writer in try parameters.write(to: &writer) }
            var second = ByteReader(again.span.bytes)
            #expect(try TransportParameters(&second) == parameters)
        }
    }

    @Test func parametersInBytesAgree() throws {
        let listed = try registry().transport_parameters_in_bytes
        #expect(listed.map(\.name) == ["reset_token"])
        let row = try #require(listed.first)
        #expect(row.byte_count == ResetToken.byteCount)
        let value = (0..<row.byte_count).map { UInt8($0 + 1) }
        for count in [0, row.byte_count - 1, row.byte_count, row.byte_count + 1] {
            let bytes = try written { writer in
                try writer.writeUInt8(1)
                try writer.writeVarInt(row.number)
                try writer.writeVarInt(UInt64(count))
                try writer.writeBytes((value + [0]).span.bytes.extracting(first: count))
            }
            var reader = ByteReader(bytes.span.bytes)
            let parameters = try? TransportParameters(&reader)
            #expect((parameters != nil) == (count == row.byte_count), "\(count) bytes")
            guard let parameters else { continue }
            #expect(parameters.resetToken == ResetToken(exactly: value.span.bytes))
            let again = try written { writer in try parameters.write(to: &writer) }
            var second = ByteReader(again.span.bytes)
            #expect(try TransportParameters(&second) == parameters)
        }
        let twice = try written { writer in
            try writer.writeUInt8(2)
            for _ in 0..<2 {
                try writer.writeVarInt(row.number)
                try writer.writeVarInt(UInt64(value.count))
                try writer.writeBytes(value.span.bytes)
            }
        }
        var reader = ByteReader(twice.span.bytes)
        #expect((try? TransportParameters(&reader)) == nil)
    }

    /// A datagram of the sizes listed, and of no other, has the form listed.
    @Test func packetFormsAgree() throws {
        let listed = try registry().packet_forms
        #expect(listed.map(\.name) == ["HELLO", "ACCEPT", "RETRY", "RESET"])
        let noise = 48
        let acceptMin = WireLimits.acceptHeaderByteCount + noise + 9
        let sizes = [
            WireLimits.helloByteCount...WireLimits.helloByteCountMax,
            acceptMin...WireLimits.helloByteCount,
            WireLimits.retryByteCount...WireLimits.retryByteCount,
            WireLimits.resetByteCountMin...WireLimits.resetByteCountMax,
        ]
        #expect(listed.map { $0.min...$0.max } == sizes)
        for row in listed {
            for count in [row.min, row.max] {
                var bytes = [UInt8](repeating: 0, count: count)
                (bytes[0], bytes[4]) = (row.first_byte, 1)
                let side: ConnectionID.Side = row.receiver == "server" ? .server : .client
                #expect(PacketForm(bytes.span.bytes, receivedBy: side) != nil, "\(row.name)")
            }
        }
    }

    private func takes(_ identifier: UInt64, _ value: UInt64) throws -> Bool {
        let bytes = try written { writer in
            try writer.writeUInt8(1)
            try writer.writeVarInt(identifier)
            try writer.writeVarInt(UInt64(varIntByteCount(value)))
            try writer.writeVarInt(value)
        }
        var reader = ByteReader(bytes.span.bytes)
        return (try? TransportParameters(&reader)) != nil
    }
}

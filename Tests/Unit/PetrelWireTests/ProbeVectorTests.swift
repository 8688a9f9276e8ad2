// PROBE and PROBE_ANSWER as the second implementation makes them (Protocol/vectors/probes.json).

import PetrelBase
import PetrelWire
import Testing

@Suite struct ProbeVectorTests {
    struct File: Decodable {
        var measurements: [Measurement]
        var bad: [Bad]
    }

    struct Measurement: Decodable {
        var name, token, number, proof, connection_id, probe, at_once, after_delay: String
    }

    struct Bad: Decodable { var name, receiver, hex: String }

    private func bytes(
        _ write: (inout MutableRawSpan) throws -> Int
    ) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: 64)
        var span = bytes.mutableSpan
        var room = span.mutableBytes
        let count = try write(&room)
        return Array(bytes[..<count])
    }

    @Test func datagramsAreWrittenAndReadAsTheSecondImplementationDoes() throws {
        let file = try specified("vectors/probes.json", as: File.self)
        #expect(file.measurements.count >= 3)
        for vector in file.measurements {
            let token = try #require(UInt64(vector.token))
            let number = try #require(UInt8(vector.number))
            let id = try #require(UInt64(vector.connection_id, radix: 16))
            let probe = ProbeDatagram(connectionID: id, token: token, number: number)
            let written = try bytes { try probe.write(into: &$0) }
            #expect(text(written) == vector.probe, "\(vector.name)")
            #expect(PacketForm(written.span.bytes, receivedBy: .server) == .probe(probe))
            #expect(PacketForm(written.span.bytes, receivedBy: .client) == nil)
            let proof = try #require(UInt64(vector.proof))
            for (value, expected) in [
                (token &+ UInt64(number), vector.at_once), (proof, vector.after_delay),
            ] {
                let answer = ProbeAnswerDatagram(value: value)
                let written = try bytes { try answer.write(into: &$0) }
                #expect(text(written) == expected, "\(vector.name)")
                #expect(ProbeAnswerDatagram(written.span.bytes) == answer, "\(vector.name)")
                #expect(PacketForm(written.span.bytes, receivedBy: .server) == nil)
            }
        }
    }

    /// Three answers, the most that one PROBE can cause, are no more than it.
    @Test func answersAreNeverLarger() {
        #expect(3 * ProbeAnswerDatagram.byteCount <= ProbeDatagram.byteCount)
    }

    @Test func whatIsNoneIsRefused() throws {
        let file = try specified("vectors/probes.json", as: File.self)
        #expect(file.bad.count >= 8)
        for vector in file.bad {
            let datagram = try hex(vector.hex)
            if vector.receiver == "server" {
                #expect(ProbeDatagram(datagram.span.bytes) == nil, "\(vector.name)")
                let form = PacketForm(datagram.span.bytes, receivedBy: .server)
                #expect(form == nil, "\(vector.name)")
            } else {
                #expect(ProbeAnswerDatagram(datagram.span.bytes) == nil, "\(vector.name)")
            }
        }
    }
}

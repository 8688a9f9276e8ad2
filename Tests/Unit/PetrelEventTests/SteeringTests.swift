// What the kernel drops before anybody reads it, and how much it keeps waiting.

import Glibc
import PetrelBase
import PetrelEvent
import Testing

@Suite struct SteeringTests {
    /// A datagram, and whether the door for packets of worker 3, or that for HELLOs, lets it in.
    struct Case: Sendable {
        var bytes: [UInt8]
        var isPacket = false
        var isHello = false

        init(_ start: [UInt8], count: Int, isPacket: Bool = false, isHello: Bool = false) {
            bytes = start + Array(repeating: 0, count: max(0, count - start.count))
            self.isPacket = isPacket
            self.isHello = isHello
        }
    }

    static let cases: [Case] = [
        Case([0x40, 3], count: 29, isPacket: true),
        Case([0x7F, 3], count: 1_500, isPacket: true),
        Case([0xD0, 3], count: 32, isPacket: true),
        Case([0xD0, 2], count: 32),
        Case([0x40, 3], count: 28),
        Case([0x40, 2], count: 29),
        Case([0x80, 3], count: 29),
        Case([0xC0, 3], count: 29),
        Case([0x40], count: 1),
        Case([0xC4, 0, 0, 0, 1], count: 256, isHello: true),
        Case([0xC4, 0, 0, 0, 1], count: 300, isHello: true),
        Case([0xC4, 0, 0, 0, 1], count: 255),
        Case([0xC4, 0, 0, 0, 1], count: 301),
        Case([0xC4, 0, 0, 0, 2], count: 256),
        Case([0xC8, 0, 0, 0, 1], count: 256),
        Case([0xC4], count: 1),
    ]

    @Test(arguments: [false, true]) func junkIsDroppedByTheKernel(isV6: Bool) throws {
        let host = isV6 ? Address(high: 0, low: 1, port: 0) : Address(v4: 0x7F00_0001, port: 0)
        var packets = try UDPSocket(boundTo: host)
        var hellos = try UDPSocket(boundTo: host)
        var sender = try UDPSocket(boundTo: host)
        let isPacketsFiltered = packets.admitPackets(of: 3, byteCountMin: 29)
        let isHellosFiltered = hellos.admitHellos(version: 1, byteCounts: 256...300)
        #expect(isPacketsFiltered && isHellosFiltered)
        var batch = DatagramBatch()
        for datagram in Self.cases {
            for address in [packets.localAddress, hellos.localAddress] {
                _ = batch.append(copying: datagram.bytes.span.bytes, to: address)
            }
        }
        let sent = sender.send(&batch)
        #expect(sent == Self.cases.count * 2)
        let letIn = try [Self.texts(on: &packets), Self.texts(on: &hellos)]
        #expect(letIn[0] == Self.cases.filter(\.isPacket).map(\.bytes))
        #expect(letIn[1] == Self.cases.filter(\.isHello).map(\.bytes))
    }

    private static func texts(on socket: inout UDPSocket) throws -> [[UInt8]] {
        var batch = DatagramBatch()
        let count = try socket.receive(into: &batch)
        return (0..<count).map { i in
            batch.withDatagram(i) { bytes, _ in bytes.bytes.withUnsafeBytes { Array($0) } }
        }
    }

    @Test func aSmallBufferKeepsWhatCameFirst() throws {
        let host = Address(v4: 0x7F00_0001, port: 0)
        var receiver = try UDPSocket(boundTo: host)
        var sender = try UDPSocket(boundTo: host)
        let isSet = receiver.setArrivalBuffer(bytes: 16_384)
        #expect(isSet)
        var batch = DatagramBatch()
        for i in 0..<64 {
            _ = batch.append(to: receiver.localAddress) { room in
                room.storeBytes(of: UInt8(i), as: UInt8.self)
                return 1_200
            }
        }
        let sent = sender.send(&batch)
        #expect(sent == 64)
        let numbers = try Self.texts(on: &receiver).map { $0[0] }
        #expect(1..<64 ~= numbers.count)
        #expect(numbers == (0..<numbers.count).map { UInt8($0) })
    }
}

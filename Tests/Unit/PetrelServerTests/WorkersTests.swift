// A server of several workers on loopback: the kernel's steering, and messages between workers.

import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelMessaging
import PetrelServer
import PetrelWire
import Testing

struct WorkersTests {
    @Test(arguments: [2, 3, 5]) func theKernelDividesAsTheRuleSays(_ count: Int) throws {
        let probe = try UDPSocket(boundTo: Address(v4: 0x7F00_0001, port: 0)).localAddress
        let group = SocketGroup()
        for _ in 0..<count * 2 { try group.join(probe) }
        let isSteered = group.members[0].socket.steer(among: count)
        try #require(isSteered)
        var sender = try UDPSocket(boundTo: Address(v4: 0x7F00_0001, port: 0))
        var outgoing = DatagramBatch()
        var random = RandomStream(seed: 5, label: "steering")
        var expected = Array(repeating: 0, count: count * 2)
        for i in 0..<60 {
            var bytes = (0..<[256, 20, 9][i % 3]).map { _ in
                UInt8(truncatingIfNeeded: random.next())
            }
            bytes[0] =
                [
                    PacketForm.helloByte, 0x40 | bytes[0] & 0x3F, 0xFF, PacketForm.probeByte,
                ][i % 7 % 4]
            bytes[1] %= UInt8(count + 1)
            expected[Self.door(bytes.span.bytes, count)] += 1
            _ = outgoing.append(copying: bytes.span.bytes, to: probe)
        }
        let sent = sender.send(&outgoing)
        #expect(sent == 60)
        #expect(expected[1] > 0)
        for (index, member) in group.members.enumerated() {
            var incoming = DatagramBatch()
            let received = try member.socket.receive(into: &incoming)
            #expect(received == expected[index])
            for i in 0..<incoming.count {
                let door = incoming.withDatagram(i) { datagram, _ in
                    Self.door(datagram.bytes, count)
                }
                #expect(door == index)
            }
        }
    }

    /// The first of a pair for data packets, the second for HELLOs; junk goes to worker 0's.
    private static func door(_ datagram: RawSpan, _ count: Int) -> Int {
        guard let owner = Steering.worker(of: datagram, among: count) else { return 1 }
        let first = datagram.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
        return owner * 2 + (first == PacketForm.helloByte ? 1 : 0)
    }

    @Test func workersServeTogether() throws {
        let folder = TemporaryFolder()
        let server = try RunningServer(folder.path, workers: 4)
        var people: [LoopbackClient] = []
        for number in 0..<6 {
            let client = try LoopbackClient(server, identity: KeyPair(), counter: 1)
            #expect(try client.next().kind == .stranger(Stranger()))
            var form = LoopbackClient.form
            form.handle = "user\(number)"
            try client.ask(.register(form))
            guard case .welcome = try client.next().kind else {
                Issue.record("not welcome")
                return
            }
            people.append(client)
        }
        for (number, sender) in people.enumerated() {
            let other = (number + 1) % people.count
            let message = OutgoingMessage(
                clientMessageID: .init(
                    high: UInt64(clamping: WallTime.now.milliseconds) << 16, low: UInt64(number)),
                target: .handle("user\(other)"),
                event: .message(Content(contentType: "", body: [UInt8(number)])))
            try sender.ask(.send(message))
            guard case .verdict = try sender.next().kind,
                case .message(let pushed) = try people[other].next().kind
            else {
                Issue.record("no verdict or no push")
                return
            }
            #expect(pushed.record.content?.body == [UInt8(number)])
            #expect(pushed.record.senderHandle == "user\(number)")
        }
        #expect(server.stop() == .stopped)
        for client in people { #expect(try client.waitForClose() == 1) }
    }

    @Test func aPortInUseIsSaidSoBySeveralWorkers() throws {
        let folder = TemporaryFolder()
        let other = TemporaryFolder()
        let server = try RunningServer(folder.path, workers: 2)
        var settings = RunningServer.settings(other.path)
        settings.workers = 2
        settings.listen = server.address
        do {
            _ = try Server(settings)
            Issue.record("started twice")
        } catch {
            #expect(error.kind == .addressInUse)
        }
        #expect(server.stop() == .stopped)
    }
}

/// Sockets that share a port.
private final class SocketGroup {
    final class Member {
        var socket: UDPSocket
        init(_ socket: consuming UDPSocket) { self.socket = socket }
    }

    private(set) var members: [Member] = []

    func join(_ address: Address) throws {
        members.append(Member(try UDPSocket(boundTo: address, sharing: .acrossWorkers)))
    }
}

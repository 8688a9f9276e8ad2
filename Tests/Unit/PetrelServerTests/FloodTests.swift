// A server before which strangers crowd: they wait their turn, and everybody gets it.

import Glibc
import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelServer
import PetrelTransport
import PetrelWire
import Testing

struct FloodTests {
    /// More than one turn of the door takes, so that it must be shut and opened again.
    @Test func everyHelloOfACrowdIsAnswered() throws {
        let folder = TemporaryFolder()
        let server = try RunningServer(folder.path)
        var socket = try UDPSocket(boundTo: Address(v4: 0x7F00_0001, port: 0))
        var left = Set(UInt32(0)..<200)
        var retries = 0
        var batch = DatagramBatch()
        let now = EventLoop.now
        for number in left.sorted() {
            var handshake = try ClientHandshake(
                identity: KeyPair(), server: server.publicKey, counter: 1, connectionID: number,
                configuration: SessionConfiguration(), lifetime: .seconds(10), now: now)
            if batch.isFull { _ = socket.send(&batch) }
            let isAdded = batch.append(to: server.address) {
                handshake.transmit(into: &$0, now: now) ?? 0
            }
            #expect(isAdded)
        }
        _ = socket.send(&batch)
        let end = EventLoop.now + .seconds(10)
        while left.count > retries, EventLoop.now < end {
            var watched = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
            poll(&watched, 1, 100)
            let count = try socket.receive(into: &batch)
            for i in 0..<count {
                let form = batch.withDatagram(i) { datagram, _ in
                    PacketForm(datagram.bytes, receivedBy: .client)
                }
                switch form {
                case .accept(let id): left.remove(UInt32(truncatingIfNeeded: id.value))
                case .retry: retries += 1
                default: Issue.record("neither ACCEPT nor RETRY")
                }
            }
        }
        #expect(left.count == retries)
        // The first ones were let in, until so many waited that cookies were demanded.
        #expect(left.count < 200 && retries > 0)
        #expect(server.stop() == .stopped)
    }
}

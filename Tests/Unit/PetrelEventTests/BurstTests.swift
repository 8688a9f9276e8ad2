// Bursts: what goes to one peer in a row, as one message to the kernel and from it.

import PetrelBase
import PetrelEvent
import Testing

private let loopback = Address(v4: 0x7F00_0001, port: 0)

/// A data packet, as far as its form tells.
private func packet(_ number: Int, session: UInt8 = 7, byteCount: Int) -> [UInt8] {
    let start = [0x40 | UInt8(number % 64), 0, 1, session, session]
    return (0..<byteCount).map { $0 < 5 ? start[$0] : UInt8(truncatingIfNeeded: $0 + number) }
}

/// What waits at the socket, read by batches of that kind until nothing is left.
private func texts(on socket: inout UDPSocket, _ batch: inout DatagramBatch) throws -> [[UInt8]] {
    var found: [[UInt8]] = []
    while try socket.receive(into: &batch) > 0 {
        for i in 0..<batch.count {
            found.append(
                batch.withDatagram(i) { bytes, _ in bytes.bytes.withUnsafeBytes { Array($0) } })
        }
    }
    return found
}

@Suite struct BurstTests {
    @Test(arguments: [false, true], [false, true])
    func datagramsStaySingleAndInOrder(isSentSo: Bool, isReceivedSo: Bool) throws {
        var sender = try UDPSocket(boundTo: loopback)
        let receivers = [
            Receiver(try UDPSocket(boundTo: loopback)), Receiver(try UDPSocket(boundTo: loopback)),
        ]
        sender.sendsBursts = sender.sendsBursts && isSentSo
        if isReceivedSo {
            for receiver in receivers {
                let receives = receiver.socket.receiveBursts()
                #expect(receives)
            }
        }
        var batch = DatagramBatch()
        var expected: [[[UInt8]]] = [[], []]
        let plan: [(to: Int, bytes: Int)] = [
            (0, 100), (0, 100), (0, 100), (0, 100), (0, 100), (0, 60), (0, 100), (1, 1_200),
            (1, 1_200), (0, 7), (0, 0), (0, 7), (1, 3), (1, 4), (1, 4), (1, 1), (1, 1), (0, 2_048),
            (0, 2_048), (0, 2_048), (0, 1),
        ]
        for (number, (to, byteCount)) in plan.enumerated() {
            let text = packet(number, byteCount: byteCount)
            expected[to].append(text)
            let isAdded = batch.append(
                copying: text.span.bytes, to: receivers[to].socket.localAddress)
            #expect(isAdded)
        }
        let sent = sender.send(&batch)
        #expect(sent == plan.count)
        let counters = sender.counters
        #expect(counters.refused == 0)
        for (index, receiver) in receivers.enumerated() {
            var incoming = DatagramBatch(takesBursts: isReceivedSo)
            let found = try texts(on: &receiver.socket, &incoming)
            #expect(found == expected[index])
            let counters = receiver.socket.counters
            #expect(counters.truncated == 0)
        }
    }

    /// One message holds four datagrams, so a batch with room for one message shows it.
    @Test func theKernelPutsFourTogetherAndNoMore() throws {
        var sender = try UDPSocket(boundTo: loopback)
        var receiver = try UDPSocket(boundTo: loopback)
        let receives = receiver.receiveBursts()
        let sends = sender.sendsBursts
        try #require(receives && sends)
        var batch = DatagramBatch()
        for i in 0..<6 {
            let text = packet(i, byteCount: 50)
            _ = batch.append(copying: text.span.bytes, to: receiver.localAddress)
        }
        let sent = sender.send(&batch)
        #expect(sent == 6)
        var incoming = DatagramBatch(capacity: 1, takesBursts: true)
        let counts = try [
            receiver.receive(into: &incoming), receiver.receive(into: &incoming),
            receiver.receive(into: &incoming),
        ]
        #expect(counts == [4, 2, 0])
        // Neither two sessions go together, nor what is no data packet.
        for text in [
            packet(0, session: 1, byteCount: 50), packet(1, session: 2, byteCount: 50),
            [UInt8](repeating: 0xC4, count: 50), [UInt8](repeating: 0xC4, count: 50),
        ] {
            _ = batch.append(copying: text.span.bytes, to: receiver.localAddress)
        }
        _ = sender.send(&batch)
        for _ in 0..<4 {
            let count = try receiver.receive(into: &incoming)
            #expect(count == 1)
        }
    }

    @Test func whatCameInBurstsIsEchoedInPlace() throws {
        var near = try UDPSocket(boundTo: loopback)
        var far = try UDPSocket(boundTo: loopback)
        let (isNear, isFar) = (near.receiveBursts(), far.receiveBursts())
        #expect(isNear && isFar)
        var batch = DatagramBatch(takesBursts: true)
        for i in 0..<DatagramBatch.datagramsMax {
            let text = packet(i, byteCount: i % 5 == 4 ? 20 : 30)
            let isAdded = batch.append(copying: text.span.bytes, to: far.localAddress)
            #expect(isAdded)
        }
        let sent = near.send(&batch)
        #expect(sent == 64)
        let count = try far.receive(into: &batch)
        #expect(count == 64)
        let (isFull, isEmpty) = (batch.isFull, batch.isEmpty)
        #expect(isFull && !isEmpty)
        let port = near.localAddress.port
        for i in 0..<count {
            batch.truncate(i, to: batch.byteCount(of: i) - 1)
            batch.withDatagram(i) { bytes, address in
                #expect(address.port == port)
                let first = bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
                bytes.storeBytes(of: first + 100, as: UInt8.self)
            }
        }
        let echoed = far.send(&batch)
        #expect(echoed == 64)
        let isFree = !batch.isFull
        #expect(isFree)
        let answers = try texts(on: &near, &batch)
        let expected = (0..<64).map { UInt8($0 + 164) }
        #expect(answers.map { $0[0] } == expected)
        #expect(answers.map(\.count) == (0..<64).map { $0 % 5 == 4 ? 19 : 29 })
    }

    @Test func aRefusedBurstCostsNobodyElse() throws {
        var sender = try UDPSocket(boundTo: loopback)
        var receiver = try UDPSocket(boundTo: loopback)
        let bad = Address(v4: 0x7F00_0001, port: 0)
        let couldSend = sender.sendsBursts
        var batch = DatagramBatch()
        for address in [bad, bad, bad, receiver.localAddress, receiver.localAddress, bad] {
            _ = batch.append(copying: packet(1, byteCount: 6).span.bytes, to: address)
        }
        let sent = sender.send(&batch)
        #expect(sent == 2)
        let (counters, canSend) = (sender.counters, sender.sendsBursts)
        #expect(counters.refused == 4)
        #expect(canSend == couldSend)
        var incoming = DatagramBatch()
        let found = try texts(on: &receiver, &incoming)
        #expect(found == [packet(1, byteCount: 6), packet(1, byteCount: 6)])
    }
}

/// A socket that an array can hold.
private final class Receiver {
    var socket: UDPSocket
    init(_ socket: consuming UDPSocket) { self.socket = socket }
}

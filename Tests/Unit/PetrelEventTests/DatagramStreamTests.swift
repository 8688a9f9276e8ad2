// Datagrams over connections: byte by byte, beyond what a peer reads, over loopback, and to nobody.

import Glibc
import PetrelBase
import PetrelEvent
import Testing

private let peer = Address(v4: 0x7F00_0001, port: 9)

/// The two ends of a connection, ours and a bare descriptor.
private struct Ends: ~Copyable {
    var stream: DatagramStream
    let other: Int32
    var batch = DatagramBatch()

    init() throws {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue)
        try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
        stream = DatagramStream(adopting: ends[0], byteCountMax: 1_500)
        other = ends[1]
    }

    func write(_ bytes: [UInt8]) -> Bool {
        Glibc.write(other, bytes, bytes.count) == bytes.count
    }

    mutating func receive() -> DatagramStream.Arrival {
        stream.receive(into: &batch, from: peer)
    }
}

private func texts(_ batch: inout DatagramBatch) -> [[UInt8]] {
    var found: [[UInt8]] = []
    for i in 0..<batch.count {
        found.append(
            batch.withDatagram(i) { bytes, _ in bytes.bytes.withUnsafeBytes { Array($0) } })
    }
    return found
}

private func isReady(_ descriptor: Int32, for events: Int32 = POLLIN) -> Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    return poll(&waiting, 1, 10_000) == 1
}

@Suite struct DatagramStreamTests {
    @Test func bytesMayComeOneByOne() throws {
        var ends = try Ends()
        var found: [[UInt8]] = []
        for byte in [0, 3, 1, 2, 3, 0, 1, 9, 0, 2, 7] as [UInt8] {
            let before = ends.receive()
            let isWritten = ends.write([byte])
            let after = ends.receive()
            #expect(before == .none && isWritten && after == .some)
            for i in 0..<ends.batch.count {
                let from = ends.batch.address(of: i)
                #expect(from == peer)
            }
            found += texts(&ends.batch)
        }
        let isInside = ends.stream.isInsideDatagram
        #expect(found == [[1, 2, 3], [9]] && isInside)
        close(ends.other)
    }

    @Test func aBatchOfTheShortestPacketsIsTakenWhole() throws {
        var ends = try Ends()
        var bytes: [UInt8] = []
        for i in 0..<60 { bytes += [0, 32] + [UInt8](repeating: UInt8(i), count: 32) }
        var isWritten = ends.write(bytes)
        var arrival = ends.receive()
        var (count, dropped) = (ends.batch.count, ends.stream.dropped)
        #expect(isWritten && arrival == .some && count == 60 && dropped == 0)
        // Shorter ones are junk: what does not fit the batch is dropped.
        bytes = []
        for _ in 0..<600 { bytes += [0, 1, 5] }
        isWritten = ends.write(bytes)
        arrival = ends.receive()
        (count, dropped) = (ends.batch.count, ends.stream.dropped)
        #expect(isWritten && arrival == .some && count == 64 && dropped == 600 - 64)
        close(ends.other)
    }

    @Test func lengthsThatCannotBeAndEndsAreTold() throws {
        let cases: [([UInt8], DatagramStream.Arrival)] = [
            ([0, 0], .malformed), ([0x05, 0xDD], .malformed), ([], .ended),
        ]
        for (bytes, expected) in cases {
            var ends = try Ends()
            let isWritten = ends.write(bytes)
            close(ends.other)
            let arrival = ends.receive()
            #expect(isWritten && arrival == expected)
        }
    }

    /// A peer that does not read costs one queue; what it gets later is whole and in order.
    @Test func aPeerThatDoesNotReadCostsOneQueue() throws {
        var ends = try Ends()
        var kept: [UInt8] = []
        var progress = DatagramStream.Progress.sent
        for i in 0..<2_000 {
            let datagram = [UInt8](repeating: UInt8(i % 251), count: 1_000)
            if ends.stream.append(datagram.span.bytes) { kept.append(UInt8(i % 251)) }
            progress = ends.stream.flush()
        }
        let (hasQueue, dropped) = (ends.stream.hasQueue, ends.stream.dropped)
        #expect(progress == .blocked && hasQueue)
        #expect(dropped == UInt64(2_000 - kept.count) && dropped > 0)
        var reader = DatagramStream(adopting: ends.other, byteCountMax: 1_500)
        var batch = DatagramBatch()
        var found: [UInt8] = []
        var quiet = 0
        while quiet < 3 {
            quiet = reader.receive(into: &batch, from: peer) == .none ? quiet + 1 : 0
            for text in texts(&batch) {
                #expect(text.count == 1_000)
                found.append(text[0])
            }
            progress = ends.stream.flush()
        }
        #expect(found == kept && progress == .sent)
    }

    @Test func aConnectionOverLoopbackCarriesBothWays() throws {
        let listener = try StreamListener(boundTo: Address(v4: 0x7F00_0001, port: 0))
        let address = Address(v4: 0x7F00_0001, port: listener.port)
        var client = try DatagramStream(connectingTo: address, byteCountMax: 1_500)
        try #require(isReady(listener.descriptor))
        let accepted = try listener.accept()
        let (descriptor, other) = try #require(accepted)
        #expect(other.carrier == .stream && other.v4 == 0x7F00_0001)
        let isConnected = client.isConnected
        #expect(isConnected)
        var server = DatagramStream(adopting: descriptor, byteCountMax: 1_500)
        let isTaken = client.append([1, 2].span.bytes) && server.append([3].span.bytes)
        let progress = [client.flush(), server.flush()]
        #expect(isTaken && progress == [.sent, .sent])
        var batch = DatagramBatch()
        try #require(isReady(server.descriptor))
        var arrival = server.receive(into: &batch, from: other)
        let atServer = texts(&batch)
        #expect(arrival == .some && atServer == [[1, 2]])
        try #require(isReady(client.descriptor))
        arrival = client.receive(into: &batch, from: address)
        let atClient = texts(&batch)
        #expect(arrival == .some && atClient == [[3]])
    }

    @Test func nobodyListens() throws {
        let port: UInt16
        do { port = try StreamListener(boundTo: Address(v4: 0x7F00_0001, port: 0)).port }
        let address = Address(v4: 0x7F00_0001, port: port)
        guard let client = try? DatagramStream(connectingTo: address, byteCountMax: 1_500) else {
            return
        }
        try #require(isReady(client.descriptor, for: POLLOUT))
        let isConnected = client.isConnected
        #expect(!isConnected)
    }
}

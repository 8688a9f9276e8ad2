// UDP over loopback: batches there and back, truncation, refusals that are not fatal.

import Glibc
import PetrelBase
import PetrelEvent
import Testing

private let loopback4 = Address(v4: 0x7F00_0001, port: 0)
private let loopback6 = Address(high: 0, low: 1, port: 0)

/// Receives until `wanted` datagrams have come or patience ends; returns their texts, with senders.
private func collect(
    _ wanted: Int, on socket: inout UDPSocket
) throws -> [(text: [UInt8], from: Address)] {
    let loop = try EventLoop()
    let handler = ClosureHandler()
    handler.onReadable = { _, _ in loop.stop() }
    handler.onDue = { _ in loop.stop() }
    try loop.watch(socket.descriptor, with: handler)
    let end = EventLoop.now + patience
    var batch = DatagramBatch()
    var found: [(text: [UInt8], from: Address)] = []
    while found.count < wanted && EventLoop.now < end {
        loop.wake(handler, at: end)
        try loop.run()
        let count = try socket.receive(into: &batch)
        for i in 0..<count {
            found.append(
                batch.withDatagram(i) { bytes, address in
                    (bytes.bytes.withUnsafeBytes { Array($0) }, address)
                })
        }
    }
    loop.forgetAll()
    return found
}

@Suite struct UDPSocketTests {
    @Test(arguments: [
        (loopback4, loopback4), (loopback6, loopback6), (loopback4, Address.none),
        (loopback6, Address.none),
    ])
    func batchIsEchoedInPlace(host: Address, serverAddress: Address) throws {
        var server = try UDPSocket(boundTo: serverAddress)
        var client = try UDPSocket(boundTo: host)
        var target = host
        target.port = server.localAddress.port
        #expect(target.port != 0)

        var batch = DatagramBatch()
        for i in 0..<DatagramBatch.datagramsMax {
            let isAdded = batch.append(to: target) { room in
                #expect(room.byteCount == DatagramBatch.roomBytes)
                for k in 0...i { room.storeBytes(of: UInt8(k), toByteOffset: k, as: UInt8.self) }
                return i + 1
            }
            #expect(isAdded)
        }
        let isOverfilled = batch.append(to: target) { _ in 1 }
        #expect(!isOverfilled)
        let sent = client.send(&batch)
        #expect(sent == 64)
        let left = batch.count
        #expect(left == 0)

        var echoed = 0
        while echoed < 64 {
            let count = try server.receive(into: &batch)
            guard count > 0 else { break }
            for i in 0..<count {
                let from = batch.address(of: i)
                #expect(from.port == client.localAddress.port && from.hasSameHost(as: host))
                batch.withDatagram(i) { bytes, _ in
                    let first = bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
                    bytes.storeBytes(of: first + 100, as: UInt8.self)
                }
            }
            echoed += server.send(&batch)
        }
        #expect(echoed == 64)

        let answers = try collect(64, on: &client)
        #expect(answers.count == 64)
        for (i, answer) in answers.enumerated() {
            #expect(answer.text == [100] + (1..<i + 1).map { UInt8($0) })
            #expect(answer.from.port == target.port)
        }
    }

    /// Marks travel with each datagram by itself, over both families, and stay with it.
    @Test(arguments: [
        (loopback4, loopback4), (loopback6, loopback6), (loopback4, Address.none),
        (loopback6, Address.none),
    ])
    func marksTravel(host: Address, serverAddress: Address) throws {
        var server = try UDPSocket(boundTo: serverAddress)
        var client = try UDPSocket(boundTo: host)
        var target = host
        target.port = server.localAddress.port
        let marks: [ECN] = [.notECT, .ect0, .ce, .ect1, .notECT, .ect0]
        var batch = DatagramBatch()
        for round in 0..<2 {
            for (i, mark) in marks.enumerated() {
                _ = batch.append(to: target) { room in
                    room.storeBytes(of: UInt8(i), as: UInt8.self)
                    return 10
                }
                batch.mark(i, mark)
            }
            #expect(client.send(&batch) == marks.count)
            var seen: [Int: ECN] = [:]
            while seen.count < marks.count {
                let count = try server.receive(into: &batch)
                guard count > 0 else { break }
                for i in 0..<count {
                    let first = batch.bytes(of: i).unsafeLoad(fromByteOffset: 0, as: UInt8.self)
                    seen[Int(first)] = batch.ecn(of: i)
                }
            }
            #expect((0..<marks.count).map { seen[$0] } == marks, "round \(round)")
            batch.removeAll()
        }
    }

    /// What is larger than the interface carries is refused, and costs that datagram only.
    @Test(arguments: [loopback4, loopback6])
    func tooLargeADatagramIsLost(host: Address) throws {
        var server = try UDPSocket(boundTo: host)
        var client = try UDPSocket(boundTo: host)
        var discovery: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        let isV6 = host.v4 == nil
        let outcome = getsockopt(
            client.descriptor, Int32(isV6 ? IPPROTO_IPV6 : Int(IPPROTO_IP)),
            isV6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &discovery, &size)
        #expect(outcome == 0 && discovery == 3, "fragments are never sent")
        var target = host
        target.port = server.localAddress.port
        var batch = DatagramBatch()
        for byteCount in [100, 1_452, 200] {
            _ = batch.append(to: target) { _ in byteCount }
            batch.mark(batch.count - 1, .ect0)
        }
        #expect(client.send(&batch) == 3)
        let count = try server.receive(into: &batch)
        #expect((0..<count).map { batch.byteCount(of: $0) } == [100, 1_452, 200])
    }

    @Test func truncatedDatagramsAreDroppedAndTheRestKeepTheirOrder() throws {
        var server = try UDPSocket(boundTo: loopback4)
        let sender = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(sender) }
        for (value, size) in [(1, 10), (2, 2_049), (3, 2_048), (4, 3_000), (5, 1)] {
            let bytes = [UInt8](repeating: UInt8(value), count: size)
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = server.localAddress.port.bigEndian
            name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let outcome = withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    sendto(sender, bytes, size, 0, address, 16)
                }
            }
            #expect(outcome == size)
        }
        let found = try collect(3, on: &server)
        #expect(found.map { $0.text[0] } == [1, 3, 5])
        #expect(found.map(\.text.count) == [10, 2_048, 1])
        let counters = server.counters
        #expect(counters.truncated == 2)
    }

    @Test func nothingWaitingIsZero() throws {
        var server = try UDPSocket(boundTo: loopback4)
        var batch = DatagramBatch(capacity: 1)
        let count = try server.receive(into: &batch)
        #expect(count == 0)
    }

    @Test func portInUseNamesTheReason() throws {
        let first = try UDPSocket(boundTo: loopback4)
        let address = first.localAddress
        #expect(throws: SystemError(call: "bind", code: EADDRINUSE)) {
            _ = try UDPSocket(boundTo: address)
        }
    }

    @Test func workersShareAPort() throws {
        let first = try UDPSocket(boundTo: loopback4, sharing: .acrossWorkers)
        let second = try UDPSocket(boundTo: first.localAddress, sharing: .acrossWorkers)
        let (a, b) = (first.localAddress, second.localAddress)
        #expect(a == b)
    }

    @Test func whatTheKernelRefusesIsSkippedAndCounted() throws {
        var client = try UDPSocket(boundTo: loopback4)
        var server = try UDPSocket(boundTo: loopback4)
        let good = server.localAddress
        var batch = DatagramBatch()
        // An IPv6 address on an IPv4 socket, no port, and a network that loopback does not reach.
        let bad = [
            Address(high: 0x2001_0DB8_0000_0000, low: 1, port: 9),
            Address(v4: 0x7F00_0001, port: 0),
            Address(v4: 0xC000_0201, port: 9),
        ]
        let text: [UInt8] = [7, 8]
        for address in [good, bad[0], good, bad[1], bad[2], good] {
            let isAdded = batch.append(copying: text.span.bytes, to: address)
            #expect(isAdded)
        }
        let sent = client.send(&batch)
        let counters = client.counters
        #expect(sent == 3)
        #expect(counters.refused == 3)
        let left = batch.count
        #expect(left == 0)
        let found = try collect(3, on: &server)
        #expect(found.map(\.text) == [text, text, text])
    }

    @Test func aDeadPeerDoesNotBreakTheSocket() throws {
        var client = try UDPSocket(boundTo: loopback4)
        let dead: Address
        do {
            let gone = try UDPSocket(boundTo: loopback4)
            dead = gone.localAddress
        }
        var batch = DatagramBatch()
        let text: [UInt8] = [1]
        for _ in 0..<3 {
            _ = batch.append(copying: text.span.bytes, to: dead)
            _ = client.send(&batch)
            let left = batch.count
            #expect(left == 0)
            let count = try client.receive(into: &batch)
            #expect(count == 0)
        }
    }

    @Test func writableIsToldOnce() throws {
        let client = try UDPSocket(boundTo: loopback4)
        let loop = try EventLoop()
        let handler = ClosureHandler()
        var calls = 0
        handler.onWritable = { _, now in
            calls += 1
            loop.wake(handler, at: now + .milliseconds(2))
        }
        handler.onDue = { _ in loop.stop() }
        try loop.watch(client.descriptor, with: handler)
        for expected in 1...2 {
            try loop.awaitRoom(client.descriptor)
            try loop.run()
            #expect(calls == expected)
        }
        loop.forgetAll()
    }
}

@Suite struct DatagramBatchTests {
    @Test func appendMayChooseTheAddressOrNothing() {
        var batch = DatagramBatch(capacity: 2)
        let to = Address(high: 1, low: 2, port: 3)
        let none = batch.append { _ in nil }
        let empty = batch.append(to: to) { _ in 0 }
        let count = batch.count
        #expect(!none && !empty && count == 0)
        let some = batch.append { room in
            room.storeBytes(of: 9, as: UInt8.self)
            return (byteCount: 3, to: to)
        }
        #expect(some)
        batch.truncate(0, to: 1)
        let (address, length) = (batch.address(of: 0), batch.byteCount(of: 0))
        #expect(address == to && length == 1)
        let first = batch.bytes(of: 0).unsafeLoad(fromByteOffset: 0, as: UInt8.self)
        #expect(first == 9)
    }
}

@Suite struct ResolveTests {
    @Test(arguments: [
        ("127.0.0.1:7700", Address(v4: 0x7F00_0001, port: 7_700)),
        ("[::1]:1", Address(high: 0, low: 1, port: 1)),
        ("[2001:db8::5]:65535", Address(high: 0x2001_0DB8_0000_0000, low: 5, port: 65_535)),
        ("0.0.0.0:0", Address(v4: 0, port: 0)),
    ])
    func numbersAreRead(text: String, address: Address) throws {
        #expect(try Address.resolve(endpoint: text) == [address])
    }

    @Test(arguments: ["", "host", ":1", "::1:7", "a:b", "a:65536", "a:-1", "[]:1"])
    func otherTextIsMalformed(text: String) {
        #expect(throws: ResolutionError.malformed(text)) {
            try Address.resolve(endpoint: text)
        }
    }

    @Test func localhostIsLoopback() throws {
        let found = try Address.resolve(endpoint: "localhost:5")
        #expect(found.contains(Address(v4: 0x7F00_0001, port: 5)) || found.contains { $0.low == 1 })
        #expect(found.allSatisfy { $0.port == 5 })
    }

    @Test func unknownNameSaysSo() {
        #expect(throws: ResolutionError.self) {
            try Address.resolve(host: "no-such-host.invalid", port: 1)
        }
    }
}

// A server that takes TCP connections: sessions over them, and peers who only cost.

import Glibc
import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelMessaging
import PetrelServer
import Testing

struct StreamTests {
    private func connect(_ address: Address) throws -> DatagramStream {
        let stream = try DatagramStream(connectingTo: address, byteCountMax: 1_500)
        var opened = pollfd(fd: stream.descriptor, events: Int16(POLLOUT), revents: 0)
        let isOpened = poll(&opened, 1, 10_000) == 1 && stream.isConnected
        #expect(isOpened)
        return stream
    }

    /// Waits until the server has closed the connection; `false` if it has not within that time.
    private func isClosed(_ stream: inout DatagramStream, within milliseconds: Int32) -> Bool {
        var batch = DatagramBatch()
        var closed = pollfd(fd: stream.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&closed, 1, milliseconds) == 1 else { return false }
        return stream.receive(into: &batch, from: .none) == .ended
    }

    /// A session begins over TCP, goes on over UDP, and comes back; whatever worker it belongs to.
    @Test(arguments: [1, 3]) func aSessionMovesBetweenTCPAndUDP(workers: Int) throws {
        let folder = TemporaryFolder()
        let server = try RunningServer(folder.path, workers: workers) { $0.tcpPort = 0 }
        let tcp = try #require(server.tcpAddress)
        for round in 0..<3 {
            let client = try LoopbackClient(server, identity: KeyPair(), counter: 1)
            try client.useTCP(at: tcp)
            #expect(try client.next().kind == .stranger(Stranger()))
            #expect(client.announcedPort == tcp.port)
            var form = LoopbackClient.form
            form.handle = "anna\(round)"
            try client.ask(.register(form))
            guard case .welcome = try client.next().kind else {
                Issue.record("not welcome")
                return
            }
            for step in 0..<3 {
                if step == 0 { client.useUDP() }
                if step == 1 { try client.useTCP(at: tcp) }
                try client.ask(.sync(SyncRequest(incarnation: 0, cursor: .init(0), limit: 5)))
                guard case .syncPage = try client.next().kind else {
                    Issue.record("no page")
                    return
                }
            }
        }
        #expect(server.stop() == .stopped)
    }

    @Test func aConnectionThatAnnouncesNonsenseIsClosed() throws {
        let folder = TemporaryFolder()
        let server = try RunningServer(folder.path) { $0.tcpPort = 0 }
        let tcp = try #require(server.tcpAddress)
        for bytes in [[0, 0], [0x05, 0xDD]] as [[UInt8]] {
            var stream = try connect(tcp)
            let written = write(stream.descriptor, bytes, bytes.count)
            #expect(written == bytes.count)
            let isStreamClosed = isClosed(&stream, within: 10_000)
            #expect(isStreamClosed)
        }
        #expect(server.stop() == .stopped)
    }

    /// Who only connects, or never ends a datagram, is closed after a while.
    @Test func whoOnlyConnectsIsClosed() throws {
        let folder = TemporaryFolder()
        let server = try RunningServer(folder.path) { settings in
            settings.tcpPort = 0
            settings.streams.unprovenLifetime = .milliseconds(100)
        }
        let tcp = try #require(server.tcpAddress)
        var silent = try connect(tcp)
        var slow = try connect(tcp)
        let written = write(slow.descriptor, [1, 0, 7] as [UInt8], 3)
        #expect(written == 3)
        let isSilentClosed = isClosed(&silent, within: 10_000)
        #expect(isSilentClosed)
        let isSlowClosed = isClosed(&slow, within: 10_000)
        #expect(isSlowClosed)
        #expect(server.stop() == .stopped)
    }

    /// A newer connection takes the place of one on which nothing has happened.
    @Test func connectionsAreBounded() throws {
        let folder = TemporaryFolder()
        let server = try RunningServer(folder.path) { settings in
            settings.tcpPort = 0
            settings.streams.connectionsMax = 2
        }
        let tcp = try #require(server.tcpAddress)
        let client = try LoopbackClient(server, identity: KeyPair(), counter: 1)
        try client.useTCP(at: tcp)
        #expect(try client.next().kind == .stranger(Stranger()))
        var first = try connect(tcp)
        var second = try connect(tcp)
        let isFirstClosed = isClosed(&first, within: 10_000)
        #expect(isFirstClosed)
        var third = try connect(tcp)
        let isSecondClosed = isClosed(&second, within: 10_000)
        #expect(isSecondClosed)
        try client.ask(.register(LoopbackClient.form))
        guard case .welcome = try client.next().kind else {
            Issue.record("the session had to give way")
            return
        }
        #expect(server.stop() == .stopped)
        let isThirdClosed = isClosed(&third, within: 10_000)
        #expect(isThirdClosed)
    }

    @Test func aHostHasItsShare() throws {
        let folder = TemporaryFolder()
        let server = try RunningServer(folder.path) { settings in
            settings.tcpPort = 0
            settings.streams.connectionsPerHostMax = 1
        }
        let tcp = try #require(server.tcpAddress)
        var first = try connect(tcp)
        var second = try connect(tcp)
        let isSecondClosed = isClosed(&second, within: 10_000)
        #expect(isSecondClosed)
        let isFirstClosed = isClosed(&first, within: 0)
        #expect(!isFirstClosed)
        #expect(server.stop() == .stopped)
    }
}

// The load of an echo server: each session keeps a window of messages on their way.

import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelTransport
import PetrelWire

/// Clients that keep a fixed number of messages on their way, one in each datagram.
struct EchoClient: ~Copyable {
    /// Sessions.
    static let sessionsCount = 16
    /// Messages of each session that have not come back.
    static let window = 16

    private let kind: DeliveryClass
    private let message: [UInt8]
    private var sessions: LoadSessions
    private var incoming: DatagramBatch
    private var keys = [UInt64](repeating: 0, count: sessionsCount)
    /// Messages that were given up because nothing came back for a while; ephemeral ones may be.
    private(set) var givenUp = 0

    /// Connects all sessions.
    init(
        to server: Address, key: PublicKey, messages kind: DeliveryClass, messageByteCount: Int,
        usesBursts: Bool
    ) throws {
        var sessions = try LoadSessions(
            to: server, key: key, capacity: Self.sessionsCount, usesBursts: usesBursts)
        for _ in 0..<Self.sessionsCount { try sessions.connect(KeyPair()) }
        self.sessions = sessions
        incoming = DatagramBatch(takesBursts: usesBursts)
        self.kind = kind
        message = [UInt8](repeating: 0x61, count: messageByteCount)
    }

    /// Keeps the window full until `end`.
    mutating func run(until end: Instant) throws {
        var underWay = [Int](repeating: 0, count: Self.sessionsCount)
        var now = EventLoop.now
        var heard = now
        while now < end {
            for number in underWay.indices {
                while underWay[number] < Self.window {
                    // A key for each message under way: none takes the place of another.
                    keys[number] = (keys[number] + 1) % UInt64(Self.window)
                    try sessions.send(message, as: kind, key: keys[number], over: number, now: now)
                    underWay[number] += 1
                }
            }
            sessions.flush(now: now)
            sessions.wait(until: now + .milliseconds(1))
            try sessions.receive(into: &incoming, now: now) { number, _ in
                underWay[number] = max(0, underWay[number] - 1)
                heard = now
            }
            now = EventLoop.now
            // Ephemeral messages may be lost; reliable ones only wait, for a slow machine too.
            if now - heard > (kind == .ephemeral ? .milliseconds(50) : .seconds(3)) {
                givenUp += underWay.reduce(0, +)
                underWay = underWay.map { _ in 0 }
                heard = now
            }
        }
    }
}

// How many clients a server's core lets in, beside the key agreements that each of them needs.

import CBench
import PetrelBase
import PetrelCrypto
import PetrelServerCore
import PetrelServices
import PetrelTransport
import PetrelWire

/// Full handshakes in memory: HELLO opened, ACCEPT made, first packet opened and answered.
enum HandshakeBenchmark {
    /// Handshakes under way at once: as many as a core opens in a wakeup.
    private static let crowd = ServerLimits.hellosPerWakeupMax
    private static let start = Instant(nanoseconds: 1_000_000_000)
    private static let wall = WallTime(milliseconds: 1)
    /// X25519 of the bound: es, ss, ee and se of the Noise pattern.
    private static let agreements = 4

    /// Measures `rounds` of `count` handshakes, each in turns with the bound.
    static func run(rounds: Int, count: Int) throws -> Report.Section {
        var handshakes: [Double] = []
        var bounds: [Double] = []
        for _ in 0..<rounds {
            let nanoseconds = bench_agreement(Int32(count * agreements))
            bounds.append(1e9 / (nanoseconds * Double(agreements)))
            handshakes.append(try rate(count))
        }
        var section = Report.Section(title: "Handshakes in memory, one server core")
        let bound = Figure.Peer(name: "\(agreements) X25519 alone", value: median(bounds))
        section.figures = [
            Figure(
                name: "Clients let in", value: median(handshakes), unit: "handshakes/CPU second",
                peers: [bound])
        ]
        section.notes = [
            "a handshake also makes an ephemeral key, which the bound does not count",
            "of the server's side only; the store is in memory and knows no device",
        ]
        return section
    }

    /// Handshakes that a core serves in a CPU second.
    private static func rate(_ count: Int) throws -> Double {
        var configuration = ServerCoreConfiguration(seed: 1)
        configuration.sessionsMax = count
        let identity = KeyPair()
        var core = ServerCore(
            configuration: configuration, identity: identity.duplicate(), store: MemoryStore(),
            now: start)
        var seconds = 0.0
        var number = 0
        while number < count {
            // A moment of its own, so that the core counts it as one wakeup.
            let now = start + .milliseconds(Int64(number))
            var newcomers = Slab<Newcomer>(capacity: crowd)
            for _ in 0..<min(crowd, count - number) {
                guard
                    newcomers.insert(
                        try Newcomer(number, server: identity.publicKey, now: now)) != nil
                else { throw BenchFailure("too many newcomers") }
                number += 1
            }
            // HELLO and ACCEPT, first packet and answer.
            for _ in 0..<2 {
                var letters = Letters()
                collect(from: &newcomers, into: &letters, now: now)
                seconds += serve(&core, &letters, now: now)
                distribute(letters, to: &newcomers, now: now)
            }
        }
        guard core.sessionsCount - core.halfOpenCount == count else {
            throw BenchFailure("\(core.sessionsCount) sessions instead of \(count)")
        }
        return Double(count) / seconds
    }

    /// Has the core take in all letters and write its own; returns the CPU seconds.
    private static func serve(
        _ core: inout ServerCore, _ letters: inout Letters, now: Instant
    ) -> Double {
        let start = bench_thread_seconds()
        for i in 0..<letters.incoming.count {
            let address = letters.incoming[i].address
            var span = letters.incoming[i].bytes.mutableSpan
            var datagram = span.mutableBytes
            core.receive(&datagram, from: address, now: now, wall: wall)
        }
        while letters.answers < letters.outgoing.count {
            var span = letters.outgoing[letters.answers].bytes.mutableSpan
            var room = span.mutableBytes
            guard let sent = core.transmit(into: &room, now: now) else { break }
            letters.outgoing[letters.answers].address = sent.destination
            letters.outgoing[letters.answers].count = sent.byteCount
            letters.answers += 1
        }
        return bench_thread_seconds() - start
    }

    private static func collect(
        from newcomers: inout Slab<Newcomer>, into letters: inout Letters, now: Instant
    ) {
        for slot in 0..<newcomers.capacity {
            guard let handle = newcomers.handle(slot: slot) else { continue }
            var letter = Letter(address: newcomers[handle].address)
            guard let count = newcomers[handle].transmit(into: &letter.bytes, now: now) else {
                continue
            }
            letter.bytes.removeLast(letter.bytes.count - count)
            letters.incoming.append(letter)
        }
    }

    private static func distribute(
        _ letters: Letters, to newcomers: inout Slab<Newcomer>, now: Instant
    ) {
        for letter in letters.outgoing.prefix(letters.answers) {
            for slot in 0..<newcomers.capacity {
                guard let handle = newcomers.handle(slot: slot),
                    newcomers[handle].address == letter.address
                else { continue }
                newcomers[handle].receive(Array(letter.bytes.prefix(letter.count)), now: now)
            }
        }
    }
}

/// A datagram on its way, and whose it is.
private struct Letter {
    var address = Address.none
    var bytes = [UInt8](repeating: 0, count: 2_048)
    var count = 0
}

/// What goes to the core, and what it writes into memory that is there already.
private struct Letters {
    var incoming: [Letter] = []
    var outgoing = Array(repeating: Letter(), count: 64)
    /// Letters in `outgoing`.
    var answers = 0

    init() {
        // Each gets bytes of its own before the clock runs.
        for i in outgoing.indices { outgoing[i].bytes[0] = 1 }
    }
}

/// A client until it is let in.
private struct Newcomer: ~Copyable {
    private static let server = Address(v4: 0x7F00_0001, port: 7_700)

    let address: Address
    private var handshake: ClientHandshake
    private var session: Session?

    init(_ number: Int, server: PublicKey, now: Instant) throws {
        address = Address(v4: 0x0A00_0000 | UInt32(number), port: 5_000)
        handshake = try ClientHandshake(
            identity: KeyPair(), server: server, counter: 1, connectionID: 1,
            configuration: SessionConfiguration(), lifetime: .seconds(5), now: now)
    }

    mutating func transmit(into room: inout [UInt8], now: Instant) -> Int? {
        var span = room.mutableSpan
        var view = span.mutableBytes
        guard session == nil else {
            return session?.transmit(into: &view, now: now)?.byteCount
        }
        return handshake.transmit(into: &view, now: now)
    }

    mutating func receive(_ datagram: [UInt8], now: Instant) {
        guard session == nil else { return }
        var bytes = datagram
        var span = bytes.mutableSpan
        var view = span.mutableBytes
        session = handshake.receive(&view, from: Self.server, now: now)
    }
}

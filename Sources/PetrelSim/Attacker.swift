// Who attacks from outside: garbage, replays, forged sources, floods of HELLOs.

internal import PetrelBase
internal import PetrelCrypto
internal import PetrelServerCore
internal import PetrelTransport
internal import PetrelWire

/// What the attackers know and have going.
struct Attacker {
    /// Chance of the attackers' own.
    var random: RandomStream
    /// Datagrams that reached the server, the latest ones.
    private(set) var overheard: [Flight] = []
    private var overheardNext = 0
    /// HELLOs that reached the server, the latest ones.
    private var hellos: [Flight] = []
    /// Whose packets are copied now, and how many more.
    var spoofed = 0
    var spoofsLeft = 0
    /// Authenticated clients that do not play by the rules.
    var intruders: [Intruder] = []

    /// Whether copies are sent over TCP connections as well.
    var usesStreams = false
    /// Whether the intruders have gone, without a word.
    var haveLeft = false

    init(random: RandomStream) { self.random = random }

    /// Remembers what reached the server as it was made: damaging what is damaged may mend it.
    mutating func overhear(_ flight: Flight) {
        guard case .client = flight.maker, flight.isWhole else { return }
        if flight.bytes.first == PacketForm.helloByte {
            if hellos.count == Self.hellosMax { hellos.removeFirst() }
            hellos.append(flight)
        }
        if overheard.count < Self.overheardMax {
            overheard.append(flight)
        } else {
            overheard[overheardNext] = flight
            overheardNext = (overheardNext + 1) % Self.overheardMax
        }
    }

    /// A datagram that nobody can have made; half of them are damaged copies of real ones.
    mutating func garbage() -> [UInt8] {
        if random.chance(0.5), !overheard.isEmpty {
            var bytes = overheard[Int(random.below(UInt64(overheard.count)))].bytes
            guard !bytes.isEmpty else { return [] }
            if random.chance(0.3) { return Array(bytes.dropLast(1 + Int(random.below(32)))) }
            bytes[Int(random.below(UInt64(bytes.count)))] ^= 1 << UInt8(random.below(8))
            return bytes
        }
        let first: [UInt8] = [PacketForm.helloByte, PacketForm.acceptByte, 0x40, 0x7F, 0]
        let count = [0, 1, 12, 40, 256, 1_200, 1_500][Int(random.below(7))]
        var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        if count > 0, random.chance(0.8) { bytes[0] = first[Int(random.below(5))] }
        return bytes
    }

    /// Something that the server has seen already.
    mutating func replay() -> Flight? {
        guard !overheard.isEmpty else { return nil }
        return overheard[Int(random.below(UInt64(overheard.count)))]
    }

    /// A HELLO that the server has seen already.
    mutating func hello() -> Flight? {
        guard !hellos.isEmpty else { return nil }
        return hellos[Int(random.below(UInt64(hellos.count)))]
    }

    /// The intruder at an address.
    func intruder(at address: Address) -> Int? {
        guard let v4 = address.v4, v4 >> 16 == 0xC633 else { return nil }
        let index = Int(v4 & 0xFFFF)
        return index < intruders.count ? index : nil
    }

    func receive(_ flight: Flight, _ index: Int, at now: Instant) {
        intruders[index].receive(flight, now: now)
    }

    /// An address that nobody has.
    mutating func victim() -> Address {
        Address(v4: 0xCB00_7100 | UInt32(random.below(256)), port: UInt16(1 + random.below(60_000)))
    }

    /// Where a copy comes from: an address that nobody has, or a connection of the attacker's.
    mutating func copyist() -> Address {
        let address = victim()
        guard usesStreams, random.chance(0.5) else { return address }
        return address.over(.stream, port: address.port)
    }

    /// How far away intruders are.
    static func delay(_ index: Int) -> Interval { .milliseconds(10 + Int64(index % 7)) }
    private static let overheardMax = 256
    private static let hellosMax = 32
}

/// What the server looked like before something reached it that must change nothing.
struct ServerProbe {
    var digest: UInt64
    var confirmed: Int
    var operations: Int
}

extension Simulation {
    /// Looks at the server, if the datagram is one that must leave no trace.
    func probe(for flight: Flight) -> ServerProbe? {
        guard case .attack(let attack) = flight.maker else { return nil }
        switch attack {
        case .garbage, .replay, .stolenCookie, .forgedEarly: break
        case .hello:
            // Under load none of these leaves a trace, for they show no cookie.
            guard server.isUnderLoad(now: server.clock.local(now)) else { return nil }
        case .spoof, .reset: return nil
        }
        return ServerProbe(
            digest: server.stateDigest, confirmed: server.confirmedCount,
            operations: server.operationsCount)
    }

    /// A copy of a HELLO may be answered again, of a stranger's even anew, and so may one that was
    /// forged with the server's key; nothing else happens.
    func judge(_ flight: Flight, _ before: ServerProbe) {
        let isHello = flight.bytes.first == PacketForm.helloByte
        let mayBeAnswered =
            flight.maker == .attack(.replay) || flight.maker == .attack(.forgedEarly)
        let isSame =
            if isHello, mayBeAnswered {
                server.confirmedCount == before.confirmed
                    && server.operationsCount == before.operations
            } else {
                server.stateDigest == before.digest
            }
        guard !isSame else { return }
        oracle.fail(
            .garbageInert,
            "the server's state changed by a datagram of an attacker: \(describe(flight.bytes)), "
                + "\(flight.maker)")
    }

    /// Puts a datagram of an attacker on its way.
    func attack(_ bytes: [UInt8], from source: Address, as attack: Flight.Attack) {
        let after = Interval.microseconds(Int64(attacker.random.below(2_000_000)))
        let flight = Flight(
            bytes: bytes, source: source, destination: Self.serverAddress, maker: .attack(attack),
            sent: now + after)
        queue.insert(.arrival(flight), at: now + after)
    }

    /// A copy of what a client sends overtakes it, from another address.
    func spoof(_ flight: Flight) {
        attacker.spoofsLeft -= 1
        var copy = flight
        copy.source = attacker.copyist()
        copy.stream = nil
        copy.maker = .attack(.spoof)
        note("attacker: sends a copy of client \(attacker.spoofed)'s packet from \(copy.source)")
        queue.insert(.arrival(copy), at: now + .microseconds(100))
    }

    func floodWithGarbage(count: Int, toClient index: Int?) {
        for _ in 0..<count {
            let bytes = attacker.garbage()
            guard let index else {
                attack(bytes, from: attacker.victim(), as: .garbage)
                continue
            }
            let flight = Flight(
                bytes: bytes, source: Self.serverAddress,
                destination: clients[index].nat.external, maker: .attack(.garbage), sent: now)
            queue.insert(.arrival(flight), at: now + .milliseconds(1))
        }
    }

    func replay(count: Int) {
        for _ in 0..<count {
            guard let flight = attacker.replay() else { return }
            let source = attacker.random.chance(0.5) ? flight.source : attacker.copyist()
            attack(flight.bytes, from: source, as: .replay)
        }
    }

    func floodWithHellos(count: Int, isProved: Bool) {
        for i in 0..<count {
            var bytes = strangersHello(counter: UInt64(i + 1))
            if !isProved, !bytes.isEmpty { bytes[bytes.count - 17] ^= 0x10 }
            attack(bytes, from: attacker.victim(), as: isProved ? .hello : .garbage)
        }
    }

    /// The HELLO of a device that is heard once.
    func strangersHello(counter: UInt64, cookie: Cookie? = nil) -> [UInt8] {
        hello(of: KeyPair(), counter: counter, cookie: cookie)
    }

    /// A HELLO made with that key.
    func hello(
        of identity: borrowing KeyPair, counter: UInt64, cookie: Cookie? = nil,
        early: EarlyMessages = EarlyMessages()
    ) -> [UInt8] {
        let attempt = try? ClientHandshake(
            identity: identity, server: server.publicKey, counter: counter,
            connectionID: UInt32(truncatingIfNeeded: attacker.random.next()), cookie: cookie,
            early: early, configuration: SessionConfiguration(), lifetime: .seconds(1), now: now)
        guard var attempt else { return [] }
        var bytes = [UInt8](repeating: 0, count: 1_452)
        var span = bytes.mutableSpan
        var mutable = span.mutableBytes
        let byteCount = attempt.transmit(into: &mutable, now: now) ?? 0
        return Array(bytes[..<byteCount])
    }
}

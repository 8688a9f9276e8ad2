// Datagrams on their way: through links and NATs, to whoever is behind an address now.

internal import PetrelBase
internal import PetrelWire

/// A datagram in the air.
struct Flight {
    /// Who made it.
    enum Maker: Equatable {
        case server
        case client(Int)
        case intruder(Int)
        case attack(Attack)
    }

    /// What an attacker wants with it.
    enum Attack: Equatable {
        /// Anything; no party can have made it.
        case garbage
        /// A copy of something that the server has processed.
        case replay
        /// A copy of something under way, from another address.
        case spoof
        /// A HELLO that opens, or does not.
        case hello
        /// A HELLO with a cookie of another address, or an old one.
        case stolenCookie
        /// What looks like the end of a session.
        case reset
        /// A HELLO with messages that nobody will confirm.
        case forgedEarly
    }

    var bytes: [UInt8]
    var source: Address
    var destination: Address
    var maker: Maker
    var sent: Instant
    /// The connection that it goes over, if it is one's.
    var stream: StreamTag?
    /// Whether it arrives as it was made.
    var isWhole = true
    /// Its congestion mark.
    var ecn = ECN.notECT
    /// Its place among all that came to its link.
    var place = 0
}

extension Simulation {
    /// Packets that may overtake another: the number of that is cut short, to what is unambiguous
    /// among as many.
    static let overtakingMax = 100

    /// Sends what the client's core gave, through its NAT and uplink.
    func post(fromClient index: Int, _ bytes: [UInt8], ecn: ECN = .notECT) {
        let client = clients[index]
        if client.nat.isExpired(now: now) {
            note("client \(index): its NAT forgot the port")
            rebind(index)
        }
        client.nat.lastUsed = now
        client.counts.sent += 1
        let flight = Flight(
            bytes: bytes, source: client.nat.external, destination: Self.serverAddress,
            maker: .client(index), sent: now, ecn: ecn)
        digest.add(bytes[...])
        oracle.clientSends(bytes, index)
        ledger.spoken(by: index)
        send(flight, over: &client.up, of: client)
        if attacker.spoofsLeft > 0, attacker.spoofed == index { spoof(flight) }
    }

    /// Sends what the server's core gave, over the downlink of whoever is at the address.
    func postFromServer(_ bytes: [UInt8], to destination: Address, ecn: ECN = .notECT) {
        let flight = Flight(
            bytes: bytes, source: Self.serverAddress, destination: destination, maker: .server,
            sent: now, ecn: ecn)
        digest.add(bytes[...])
        digest.add(destination.low ^ UInt64(destination.port))
        if let sentence = ledger.sent(bytes.count, to: destination) {
            oracle.fail(.noAmplification, sentence)
        }
        if destination.carrier == .stream {
            postStreamedFromServer(flight)
        } else if let index = holders[destination] {
            send(flight, over: &clients[index].down, of: clients[index])
        } else if let index = attacker.intruder(at: destination) {
            queue.insert(.arrival(flight), at: now + Attacker.delay(index))
        } else {
            note("server -> \(destination): \(describe(bytes)), nobody is there")
        }
    }

    func send(_ flight: Flight, over link: inout Link, of client: SimulatedClient) {
        var copies = link.copies(byteCount: flight.bytes.count, ecn: flight.ecn, now: now)
        if client.udpDarkUntil > now { copies.removeAll() }
        digest.add(UInt64(copies.count))
        if copies.isEmpty {
            note("\(flight.source) -> \(flight.destination): \(describe(flight.bytes)), lost")
        }
        for copy in copies {
            var arriving = flight
            arriving.ecn = copy.ecn
            arriving.place = link.offered
            damage(&arriving, as: copy)
            note(
                "\(flight.source) -> \(flight.destination): \(describe(flight.bytes)), "
                    + "arrives at\(Self.stamp(copy.due - Self.start))"
                    + (arriving.isWhole ? "" : ", damaged"))
            queue.insert(.arrival(arriving), at: copy.due)
        }
    }

    private func damage(_ flight: inout Flight, as copy: Link.Copy) {
        for bit in copy.flippedBits { flight.bytes[bit / 8] ^= 1 << UInt8(bit % 8) }
        if let byteCount = copy.byteCount {
            flight.bytes.removeLast(flight.bytes.count - byteCount)
        }
        flight.isWhole = copy.flippedBits.isEmpty && copy.byteCount == nil
    }

    /// A datagram is where it was sent to.
    func arrive(_ flight: Flight) {
        if let tag = flight.stream, !mayArrive(flight, over: tag) { return }
        if flight.destination == Self.serverAddress {
            ledger.received(flight)
            arriveAtServer(flight)
        } else if let tag = flight.stream {
            ledger.heard(at: flight.destination, by: tag.client, now: now)
            arriveAtClient(tag.client, flight)
        } else if let index = attacker.intruder(at: flight.destination) {
            ledger.heard(at: flight.destination, now: now)
            attacker.receive(flight, index, at: now)
            pumpIntruder(index)
        } else if let index = holders[flight.destination] {
            let client = clients[index]
            let isSide = client.side?.external == flight.destination
            let binding = client.side.flatMap { isSide ? $0 : nil } ?? client.nat
            guard binding.external == flight.destination, !binding.isExpired(now: now) else {
                if !isSide { client.counts.dropped += 1 }
                return note("client \(index): its NAT drops what comes for a forgotten port")
            }
            if isSide { client.counts.measuring += 1 } else { client.counts.received += 1 }
            ledger.heard(at: flight.destination, by: index, now: now)
            arriveAtClient(index, flight)
        }
    }

    /// The device gets another port.
    func rebind(_ index: Int) {
        var address = clients[index].nat.external
        repeat { address.port = 1_024 + (address.port &+ 7) % 60_000 } while holders[address] != nil
        give(index, address)
    }

    /// The device gets that external address, whoever had it before.
    func give(_ index: Int, _ address: Address) {
        let old = clients[index].nat.external
        if !old.hasSameHost(as: address) { killStream(index) }
        if holders[old] == index { holders[old] = nil }
        clients[index].nat.external = address
        clients[index].nat.lastUsed = now
        holders[address] = index
        rebindSide(index)
        note("client \(index): is at \(address) now")
    }

    /// What a datagram is, for the story.
    func describe(_ bytes: [UInt8]) -> String {
        guard let first = bytes.first else { return "empty" }
        let kind =
            switch first {
            case PacketForm.helloByte: "HELLO"
            case PacketForm.acceptByte: "ACCEPT"
            case PacketForm.retryByte: "RETRY"
            case PacketForm.probeByte: "PROBE"
            case PacketForm.probeAnswerByte: "PROBE_ANSWER"
            default: "data"
            }
        return "\(kind) \(bytes.count) B"
    }
}

/// What the server received from each address and sent there, from the outside.
struct AddressLedger {
    private struct Entry {
        var received = 0
        var sent = 0
        /// When somebody there first got something from the server.
        var heard: Instant?
        /// Whether that somebody has spoken since: the address is real.
        var isProven = false
    }

    private var entries: [Address: Entry] = [:]
    /// Where devices heard something since they last said anything.
    private var listening: [Int: Set<Address>] = [:]

    mutating func received(_ flight: Flight) {
        var entry = entries[flight.source] ?? Entry()
        entry.received += flight.bytes.count
        if let heard = entry.heard, flight.sent >= heard, case .intruder = flight.maker {
            entry.isProven = true
        }
        entries[flight.source] = entry
    }

    /// A device sends something, from wherever it is now: it can say what it heard elsewhere, and a
    /// copy of that may be faster than itself.
    mutating func spoken(by client: Int) {
        for address in listening.removeValue(forKey: client) ?? [] {
            entries[address]?.isProven = true
        }
    }

    mutating func heard(at address: Address, by client: Int? = nil, now: Instant) {
        guard let entry = entries[address] else { return }
        if entry.heard == nil { entries[address]?.heard = now }
        if !entry.isProven, let client { listening[client, default: []].insert(address) }
    }

    /// Notes what goes to an address; returns what is wrong with that, if anything.
    mutating func sent(_ byteCount: Int, to address: Address) -> String? {
        var entry = entries[address] ?? Entry()
        entry.sent += byteCount
        entries[address] = entry
        guard !entry.isProven, entry.sent > entry.received else { return nil }
        return "\(entry.sent) bytes went to \(address), which is not proven and sent "
            + "\(entry.received)"
    }
}

// The relay: sockets, a clock and packets in flight around the link model.

import PetrelBase
import PetrelEvent

/// Relays datagrams between clients and one server, over a bad link and through a NAT.
///
/// Each client address has its own socket towards the server, as behind a NAT. A rebind closes
/// these and opens others: the server sees new ports, and what it sends to the old ones is lost.
final class Relay: EventHandler {
    /// What keeps a relay from growing.
    struct Limits: Sendable {
        /// The most clients at a time; a further one takes the mapping of the longest idle.
        var mappingsMax = 1_024
        /// The most packets in flight; further ones are dropped.
        var inFlightMax = 16_384
    }

    /// A client and the socket that speaks for it.
    private final class Mapping {
        let client: Address
        var socket: UDPSocket
        var lastUsed: Instant
        var isOpen = true

        init(client: Address, socket: consuming UDPSocket, now: Instant) {
            self.client = client
            self.socket = socket
            lastUsed = now
        }
    }

    private enum Destination {
        case server(by: Mapping)
        case client(Address)
    }

    private struct Packet {
        var bytes: [UInt8]
        var destination: Destination
    }

    private let loop: EventLoop
    private let server: Address
    private let profile: LinkProfile
    private let profileName: String
    private let seed: UInt64
    private let limits: Limits
    private var listener: UDPSocket
    private var up: LinkModel
    private var down: LinkModel
    private var batch = DatagramBatch()
    private var outgoing = DatagramBatch(capacity: 1)

    private var mappings: [Address: Mapping] = [:]
    private var mappingsByDescriptor: [Int32: Mapping] = [:]
    private var deadlines: DeadlineQueue
    private var packets: [Packet?]
    private var freeSlots: [Int]

    private var firstPacket: Instant?
    private var rebinds = 0
    private var mappingsCreated = 0
    private var mappingsEvicted = 0
    private var strays: UInt64 = 0

    /// Starts to listen on `address` for clients of `server`.
    ///
    /// - Throws: `SystemError` if the address cannot be bound.
    /// - Precondition: the profile has no contradiction.
    init(
        loop: EventLoop, listeningOn address: Address, server: Address, profile: LinkProfile,
        profileName: String, seed: UInt64, limits: Limits = Limits()
    ) throws(SystemError) {
        self.loop = loop
        self.server = server
        self.profile = profile
        self.profileName = profileName
        self.seed = seed
        self.limits = limits
        deadlines = DeadlineQueue(capacity: limits.inFlightMax)
        packets = Array(repeating: nil, count: limits.inFlightMax)
        freeSlots = Array((0..<limits.inFlightMax).reversed())
        up = LinkModel(profile: profile, seed: seed, direction: .up)
        down = LinkModel(profile: profile, seed: seed, direction: .down)
        listener = try UDPSocket(boundTo: address)
        try loop.watch(listener.descriptor, with: self)
    }

    /// Where clients send to.
    var localAddress: Address { listener.localAddress }

    /// The account so far.
    func statistics(now: Instant) -> NetemStatistics {
        let elapsed = firstPacket.map { now - $0 }
        return NetemStatistics(
            profile: profileName, seed: seed, elapsedMilliseconds: elapsed?.milliseconds ?? 0,
            up: up.counters, down: down.counters, rebinds: rebinds,
            blackouts: elapsed.map { profile.timeline.blackoutsBegun(by: $0) } ?? 0,
            mappings: mappingsCreated, mappingsEvicted: mappingsEvicted,
            strays: strays + listener.counters.truncated)
    }

    func readable(_ descriptor: Int32, now: Instant) {
        // No more than 8 batches, so that packets in flight get their turn.
        for _ in 0..<8 {
            if descriptor == listener.descriptor {
                guard receiveFromClients(now: now) else { break }
            } else {
                guard let mapping = mappingsByDescriptor[descriptor],
                    receiveFromServer(mapping, now: now)
                else { break }
            }
        }
        // What takes no time is due already; the clock has moved on since.
        advance(now: EventLoop.now)
    }

    func due(now: Instant) { advance(now: now) }
}

extension Relay {
    /// Receives one batch from clients; returns whether there was anything.
    private func receiveFromClients(now: Instant) -> Bool {
        guard let count = try? listener.receive(into: &batch), count > 0 else { return false }
        for i in 0..<count {
            guard let mapping = mapping(for: batch.address(of: i), now: now) else {
                up.counters.packets += 1
                up.counters.bytes += UInt64(batch.byteCount(of: i))
                up.counters.dropped.refused += 1
                continue
            }
            mapping.lastUsed = now
            let fate = up.fate(byteCount: batch.byteCount(of: i), now: now, elapsed: elapsed(now))
            if !launch(i, fate, .server(by: mapping)) { up.counters.dropped.overflow += 1 }
        }
        return true
    }

    /// Receives one batch from the server to a client; returns whether there was anything.
    private func receiveFromServer(_ mapping: Mapping, now: Instant) -> Bool {
        let truncatedBefore = mapping.socket.counters.truncated
        guard let count = try? mapping.socket.receive(into: &batch) else { return false }
        strays += mapping.socket.counters.truncated - truncatedBefore
        guard count > 0 else { return false }
        for i in 0..<count {
            guard batch.address(of: i) == server else {
                strays += 1
                continue
            }
            mapping.lastUsed = now
            let fate = down.fate(
                byteCount: batch.byteCount(of: i), now: now, elapsed: elapsed(now))
            if !launch(i, fate, .client(mapping.client)) { down.counters.dropped.overflow += 1 }
        }
        return true
    }

    /// The time of the timeline, which starts with the first packet.
    private func elapsed(_ now: Instant) -> Interval {
        let first = firstPacket ?? now
        firstPacket = first
        return now - first
    }

    /// Puts datagram `i` on its way, if its fate is to arrive; `false` if too many are under way.
    private func launch(_ i: Int, _ fate: Fate, _ destination: Destination) -> Bool {
        guard case .delivered(let at, let corruption, let again) = fate else { return true }
        var bytes = batch.withDatagram(i) { span, _ in span.bytes.withUnsafeBytes { [UInt8]($0) } }
        let intact = bytes
        for bit in corruption?.bits(byteCount: bytes.count) ?? [] {
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        guard fly(Packet(bytes: bytes, destination: destination), until: at) else { return false }
        guard let again else { return true }
        return fly(Packet(bytes: intact, destination: destination), until: again)
    }

    private func fly(_ packet: Packet, until instant: Instant) -> Bool {
        guard let slot = freeSlots.popLast() else { return false }
        packets[slot] = packet
        deadlines.set(slot, to: instant)
        return true
    }
}

extension Relay {
    /// Does everything that is due by `now`, and asks to be woken for what comes next.
    private func advance(now: Instant) {
        rebindIfDue(now: now)
        while let (slot, deadline) = deadlines.first, deadline <= now {
            deadlines.remove(slot)
            if let packet = packets[slot] { land(packet) }
            packets[slot] = nil
            freeSlots.append(slot)
        }
        var next = deadlines.first?.deadline ?? .distantFuture
        if let firstPacket, let rebind = profile.timeline.nextRebind(after: now - firstPacket) {
            next = min(next, firstPacket + rebind)
        }
        loop.wake(self, at: next)
    }

    /// Gives a packet that has arrived to the kernel.
    private func land(_ packet: Packet) {
        switch packet.destination {
        case .server(let mapping):
            guard mapping.isOpen else {
                up.counters.dropped.refused += 1
                return
            }
            Relay.send(packet.bytes, to: server, &mapping.socket, &outgoing, &up.counters)
        case .client(let address):
            Relay.send(packet.bytes, to: address, &listener, &outgoing, &down.counters)
        }
    }

    private static func send(
        _ bytes: [UInt8], to address: Address, _ socket: inout UDPSocket,
        _ outgoing: inout DatagramBatch, _ counters: inout LinkCounters
    ) {
        outgoing.removeAll()
        _ = outgoing.append(copying: bytes.span.bytes, to: address)
        if socket.send(&outgoing) == 1 {
            counters.delivered += 1
        } else if outgoing.isEmpty {
            counters.dropped.refused += 1
        } else {
            counters.dropped.overflow += 1
        }
    }
}

extension Relay {
    /// The mapping of `client`, made if there is none; `nil` if the system has no socket left.
    private func mapping(for client: Address, now: Instant) -> Mapping? {
        if let mapping = mappings[client] { return mapping }
        if mappings.count >= limits.mappingsMax { evictLongestIdle() }
        guard let socket = try? makeUpstreamSocket() else { return nil }
        let mapping = Mapping(client: client, socket: socket, now: now)
        guard (try? loop.watch(mapping.socket.descriptor, with: self)) != nil else { return nil }
        mappings[client] = mapping
        mappingsByDescriptor[mapping.socket.descriptor] = mapping
        mappingsCreated += 1
        return mapping
    }

    private func makeUpstreamSocket() throws(SystemError) -> UDPSocket {
        let isV4 = server.v4 != nil
        return try UDPSocket(
            boundTo: isV4 ? Address(v4: 0, port: 0) : .none, family: isV4 ? .v4 : .v6)
    }

    private func evictLongestIdle() {
        guard let idle = mappings.values.min(by: { $0.lastUsed < $1.lastUsed }) else { return }
        loop.forget(idle.socket.descriptor)
        mappingsByDescriptor[idle.socket.descriptor] = nil
        mappings[idle.client] = nil
        idle.isOpen = false
        mappingsEvicted += 1
    }

    /// Replaces the sockets of all mappings, once for all rebinds that are due.
    private func rebindIfDue(now: Instant) {
        guard let firstPacket else { return }
        let due = profile.timeline.rebindsDue(by: now - firstPacket)
        guard due > rebinds else { return }
        rebinds = due
        for mapping in mappings.values {
            // Without another socket the mapping keeps its old one; the NAT is merely kinder.
            guard let socket = try? makeUpstreamSocket() else { continue }
            loop.forget(mapping.socket.descriptor)
            mappingsByDescriptor[mapping.socket.descriptor] = nil
            mapping.socket = socket
            mappingsByDescriptor[mapping.socket.descriptor] = mapping
            try? loop.watch(mapping.socket.descriptor, with: self)
        }
    }
}

// Devices measure how long their NATs remember them, and somebody forges the datagrams of that.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelTransport
internal import PetrelWire

extension Simulation {
    /// Opens and closes the flow of a device's measurement, and sends what goes over it.
    func measure(_ client: SimulatedClient, _ local: Instant, _ room: inout [UInt8]) {
        let needsFlow = client.core?.needsSideFlow == true
        if !needsFlow, let side = client.side {
            if holders[side.external] == client.index { holders[side.external] = nil }
            client.side = nil
            client.measuredAt = now
        } else if needsFlow, client.side == nil {
            client.side = bind(client)
        }
        while let sent = nextOnSide(of: client, local, &room) {
            postOnSide(of: client, Array(room[..<sent.byteCount]))
            guard oracle.breach == nil else { return }
        }
    }

    private func nextOnSide(
        of client: SimulatedClient, _ local: Instant, _ room: inout [UInt8]
    ) -> Transmission? {
        var span = room.mutableSpan
        var mutable = span.mutableBytes
        return client.core?.transmitSide(into: &mutable, now: local)
    }

    /// A binding for a new flow: a port that nobody has.
    private func bind(_ client: SimulatedClient) -> SimulatedNAT {
        var external = client.nat.external
        repeat {
            client.sidesCount += 1
            external.port = 20_000 + UInt16(client.sidesCount % 20_000)
        } while holders[external] != nil
        holders[external] = client.index
        note("client \(client.index): measures from \(external)")
        return SimulatedNAT(external: external, expiry: client.nat.expiry, lastUsed: now)
    }

    /// The device is elsewhere, or its NAT forgot everything: so it is with the flow beside.
    func rebindSide(_ index: Int) {
        guard let side = clients[index].side else { return }
        if holders[side.external] == index { holders[side.external] = nil }
        clients[index].side = bind(clients[index])
    }

    private func postOnSide(of client: SimulatedClient, _ bytes: [UInt8]) {
        if client.side?.isExpired(now: now) == true { rebindSide(client.index) }
        client.side?.lastUsed = now
        client.counts.measuring += 1
        guard let source = client.side?.external else { return }
        let flight = Flight(
            bytes: bytes, source: source, destination: Self.serverAddress,
            maker: .client(client.index), sent: now)
        digest.add(bytes[...])
        send(flight, over: &client.up, of: client)
    }

    /// PROBEs come that nobody asked for, some with a token that somebody did ask for, and answers
    /// that the server did not give.
    func forgeProbes(count: Int, against index: Int) {
        for i in 0..<count {
            var probe = ProbeDatagram(
                connectionID: attacker.random.next() & 0x00FF_FFFF_FFFF_FFFF,
                token: attacker.random.next(), number: UInt8(1 + attacker.random.below(6)))
            if i % 2 == 0, let seen = overheardProbe() {
                probe = ProbeDatagram(
                    connectionID: seen.connectionID, token: seen.token, number: seen.number + 1)
            }
            var bytes = [UInt8](repeating: 0, count: ProbeDatagram.byteCount)
            var span = bytes.mutableSpan
            var room = span.mutableBytes
            _ = try? probe.write(into: &room)
            attack(bytes, from: attacker.victim(), as: .garbage)
            if i % 4 == 0 { forgeAnswer(probe, against: index) }
        }
    }

    /// A PROBE that the server has had for a while.
    private func overheardProbe() -> ProbeDatagram? {
        let seen = attacker.overheard.last {
            $0.bytes.first == PacketForm.probeByte && now - $0.sent > .milliseconds(500)
        }
        return seen.flatMap { ProbeDatagram($0.bytes.span.bytes) }
    }

    private func forgeAnswer(_ probe: ProbeDatagram, against index: Int) {
        guard let side = clients[index].side else { return }
        var bytes = [UInt8](repeating: 0, count: ProbeAnswerDatagram.byteCount)
        var span = bytes.mutableSpan
        var room = span.mutableBytes
        _ = try? ProbeAnswerDatagram(value: probe.token &+ UInt64(probe.number)).write(into: &room)
        let flight = Flight(
            bytes: bytes, source: Self.serverAddress, destination: side.external,
            maker: .attack(.garbage), sent: now)
        queue.insert(.arrival(flight), at: now + .milliseconds(1))
    }
}

extension Oracle {
    /// I22: what a client takes for proven is no longer than its NAT remembers.
    func binding(of client: SimulatedClient) {
        let expiry = client.nat.expiry
        guard expiry > .zero, let lifetime = client.core?.bindingLifetime else { return }
        // The server's clock measures, and may be wrong by a hundredth.
        let most = expiry * 103 / 100
        if lifetime.proven > most {
            fail(
                .bindingLives,
                "client \(client.index) takes \(lifetime.proven.milliseconds / 1_000) s for "
                    + "proven, its NAT forgets after \(expiry.milliseconds / 1_000) s")
        }
    }
}

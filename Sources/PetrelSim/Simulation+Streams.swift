// TCP in the run: connections are opened, carry datagrams, and break.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientNetwork

extension Simulation {
    /// Opens and closes the device's connection as its core wants it.
    func tendStream(of client: SimulatedClient) {
        let wanted = client.core?.wantedStream
        guard wanted != client.connection?.wanted else { return }
        if let old = client.connection {
            note("client \(client.index): closes its connection \(old.number)")
            streams[old.external] = nil
            client.connection = nil
        }
        guard let wanted else { return }
        client.streamsCount += 1
        let number = client.streamsCount
        let external = client.nat.external.over(
            .stream, port: UInt16(50_000 + client.index % 15 * 1_000 + number % 1_000))
        client.connection = SimulatedStream(number: number, wanted: wanted, external: external)
        note("client \(client.index): opens connection \(number) to \(wanted)")
        let due = max(now, client.up.darkUntil, client.down.darkUntil) + roundTrip(client)
        queue.insert(
            scenario.tcp?.isOffered == true
                ? .streamOpens(client: client.index, number: number)
                : .streamEnds(client: client.index, number: number), at: due)
    }

    private func roundTrip(_ client: SimulatedClient) -> Interval {
        .milliseconds(Int64(client.up.plan.delay + client.down.plan.delay))
    }

    /// The server's system has taken a connection.
    func openStream(_ index: Int, number: Int) {
        let client = clients[index]
        guard let stream = client.connection, stream.number == number, !stream.isDead else {
            return
        }
        guard server.isUp else { return endStream(index, number: number) }
        guard !client.isPaused else {
            return queue.insert(
                .streamOpens(client: index, number: number), at: now + .milliseconds(100))
        }
        client.connection?.isOpen = true
        client.connection?.serverLife = server.life
        streams[stream.external] = index
        note("client \(index): its connection \(number) is open")
        client.core?.streamOpened(now: client.clock.local(now))
        settleClient(index)
    }

    /// The device learns that its connection is no more.
    func endStream(_ index: Int, number: Int) {
        let client = clients[index]
        guard let stream = client.connection, stream.number == number else { return }
        guard !client.isPaused else {
            return queue.insert(
                .streamEnds(client: index, number: number), at: now + .milliseconds(100))
        }
        note("client \(index): its connection \(number) has ended")
        streams[stream.external] = nil
        client.connection = nil
        client.core?.streamClosed(now: client.clock.local(now))
        settleClient(index)
    }

    /// Somebody between resets the connection.
    func breakStream(_ index: Int) {
        guard let stream = clients[index].connection else { return }
        queue.insert(.streamEnds(client: index, number: stream.number), at: now)
    }

    /// The device is elsewhere: its connection is silent, and it learns so late.
    func killStream(_ index: Int) {
        guard let stream = clients[index].connection else { return }
        clients[index].connection?.isDead = true
        queue.insert(.streamEnds(client: index, number: stream.number), at: now + .seconds(8))
    }

    /// The server's process is gone, and its system says so to all who are connected.
    func breakAllStreams() {
        for client in clients {
            guard let stream = client.connection, stream.isOpen, !stream.isDead else { continue }
            queue.insert(
                .streamEnds(client: client.index, number: stream.number),
                at: max(now, client.down.darkUntil)
                    + .milliseconds(Int64(client.down.plan.delay)))
        }
    }

    /// Sends what the client's core has for its connection.
    func postStreamed(fromClient index: Int, _ bytes: [UInt8], to destination: Address) {
        let client = clients[index]
        digest.add(bytes[...])
        oracle.clientSends(bytes, index)
        guard let stream = client.connection, stream.isOpen, !stream.isDead,
            stream.wanted == destination
        else { return note("client \(index): \(describe(bytes)), its connection takes nothing") }
        let due = client.up.carry(byteCount: bytes.count, after: stream.lastUp, now: now)
        client.connection?.lastUp = due
        giveUp(stream, of: client, ifLate: due)
        var flight = Flight(
            bytes: bytes, source: stream.external, destination: Self.serverAddress,
            maker: .client(index), sent: now)
        flight.stream = StreamTag(
            client: index, number: stream.number, serverLife: stream.serverLife)
        ledger.spoken(by: index)
        launch(flight, due: due)
        if attacker.spoofsLeft > 0, attacker.spoofed == index { spoof(flight) }
    }

    /// Sends what the server's core has for a connection.
    func postStreamedFromServer(_ flight: Flight) {
        guard let index = streams[flight.destination], let stream = clients[index].connection,
            stream.external == flight.destination, stream.isOpen, !stream.isDead,
            stream.serverLife == server.life
        else { return note("server -> \(flight.destination): nobody is there") }
        let client = clients[index]
        let due = client.down.carry(
            byteCount: flight.bytes.count, after: stream.lastDown, now: now)
        client.connection?.lastDown = due
        giveUp(stream, of: client, ifLate: due)
        var flight = flight
        flight.source = stream.wanted
        flight.stream = StreamTag(
            client: index, number: stream.number, serverLife: stream.serverLife)
        launch(flight, due: due)
    }

    /// A system gives a connection up whose bytes are not acknowledged for 10 s.
    private func giveUp(_ stream: SimulatedStream, of client: SimulatedClient, ifLate due: Instant)
    {
        guard due - now > .seconds(10) else { return }
        queue.insert(
            .streamEnds(client: client.index, number: stream.number), at: now + .seconds(10))
    }

    private func launch(_ flight: Flight, due: Instant) {
        note(
            "\(flight.source) -> \(flight.destination): \(describe(flight.bytes)), arrives at"
                + Self.stamp(due - Self.start))
        queue.insert(.arrival(flight), at: due)
    }

    /// Whether a datagram of a connection still finds its other end.
    func mayArrive(_ flight: Flight, over tag: StreamTag) -> Bool {
        let stream = clients[tag.client].connection
        if flight.destination == Self.serverAddress {
            // What was sent before the device closed it arrives; a new process never had it.
            guard server.life == tag.serverLife, server.isUp else {
                endStream(tag.client, number: tag.number)
                return false
            }
            return stream?.number != tag.number || stream?.isDead == false
        }
        return stream?.number == tag.number && stream?.isDead == false
    }
}

// The clients' processes in the run: what reaches them, what they send, how they die.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelMessaging
internal import PetrelTransport

extension Simulation {
    func startClient(_ index: Int) {
        let client = clients[index]
        guard !client.isUp else { return }
        client.start(now: now)
        note("client \(index): starts, installation \(client.install)")
        guard client.isUp else {
            return oracle.fail(.noLeak, "client \(index) cannot read its own store")
        }
        oracle.clientStarted(client)
        settleClient(index)
    }

    func crashClient(_ index: Int, downFor: Interval) {
        guard clients[index].isUp else { return }
        note("client \(index): dies")
        clients[index].end()
        queue.insert(.clientStarts(index), at: now + downFor)
    }

    /// The device loses its store and its key, and is used again, if it was.
    func reinstall(_ index: Int, after pause: Interval) {
        let wasUp = clients[index].isUp
        note("client \(index): is installed anew")
        clients[index].reinstall(for: oracle.nowadays(clients[index].account))
        oracle.reinstalled(clients[index])
        guard wasUp else { return }
        queue.insert(.clientStarts(index), at: now + pause)
    }

    func resumeClient(_ index: Int) {
        let client = clients[index]
        guard client.isPaused else { return }
        note("client \(index): wakes up")
        client.isPaused = false
        let backlog = client.backlog
        client.backlog.removeAll()
        for flight in backlog { arriveAtClient(index, flight) }
        runClient(index)
    }

    func arriveAtClient(_ index: Int, _ flight: Flight) {
        let client = clients[index]
        guard client.isUp else { return }
        guard !client.isPaused else {
            if client.backlog.count < Self.socketBuffer { client.backlog.append(flight) }
            return
        }
        var before: UInt64?
        switch flight.maker {
        case .attack(.garbage), .attack(.reset): before = client.core?.stateDigest
        case .attack, .client, .intruder, .server: break
        }
        var bytes = flight.bytes
        if client.down.offered - flight.place < Self.overtakingMax {
            oracle.arriving = (flight, client.clock.local(now))
        }
        defer { oracle.arriving = nil }
        feed(client, &bytes, of: flight)
        if let before, before != client.core?.stateDigest {
            oracle.fail(.garbageInert, "garbage changed the state of client \(index)")
        }
        settleClient(index)
    }

    private func feed(_ client: SimulatedClient, _ bytes: inout [UInt8], of flight: Flight) {
        let (local, wall) = (client.clock.local(now), client.clock.wall(now))
        if client.side?.external == flight.destination {
            client.core?.receiveSide(
                bytes.span.bytes, from: flight.source, now: local, wall: wall)
            return
        }
        var span = bytes.mutableSpan
        var datagram = span.mutableBytes
        client.core?.receive(
            &datagram, from: flight.source, ecn: flight.ecn, now: local, wall: wall)
    }

    func wakeClient(_ index: Int) {
        guard clients[index].wakeAt == now else { return }  // planned earlier, for another time
        runClient(index)
    }

    private func runClient(_ index: Int) {
        let client = clients[index]
        guard client.isUp, !client.isPaused else { return }
        client.wakeAt = .distantFuture
        enrol(client)
        let local = client.clock.local(now)
        guard let deadline = client.core?.deadline, deadline <= local else {
            return settleClient(index)
        }
        wakes[index] += 1
        client.core?.advance(now: local, wall: client.clock.wall(now))
        settleClient(index)
    }

    /// Asks for an account, or for a place in it, until the device has one.
    private func enrol(_ client: SimulatedClient) {
        guard !client.isEnrolled, let at = client.enrolAt, at <= now else { return }
        // Whose account was ended meanwhile makes another one.
        if oracle.enrolled[oracle.current[client.index]] == nil, client.core?.isEnrolling != true {
            client.belongs(to: oracle.nowadays(client.account))
        }
        let exists = oracle.exists(account: client.account)
        guard exists || client.index == client.account % Oracle.generation else {
            // Its owner registers on the other device first.
            client.enrolAt = now + .seconds(1)
            return
        }
        client.enrolAt = nil
        let password = oracle.password(of: client.account)
        do throws(ClientRefusal) {
            if !exists {
                let isInvited = client.draw(below: 4) != 0
                try client.core?.register(
                    handle: client.handle, password: password, deviceName: "phone",
                    invitation: isInvited ? oracle.takeInvitation() : "",
                    recovery: oracle.writeDownCode(client))
            } else if client.recovers, let code = oracle.recoveryCode(of: client.account) {
                try client.core?.recover(
                    handle: client.handle, code: code.shown,
                    password: Array("recovered \(client.install)".utf8), deviceName: "found",
                    recovery: oracle.writeDownCode(client))
            } else {
                try client.core?.logIn(
                    handle: client.handle, password: password, deviceName: "tablet")
            }
        } catch {
            guard error != .enrolmentUnderWay else { return }
            oracle.fail(.noLeak, "client \(client.index) may not enrol: \(error)")
        }
    }

    /// Writes a message; the oracle remembers it if the client took it.
    func write(client index: Int, account: Int, byteCount: Int) {
        let client = clients[index]
        guard client.isUp, !client.isPaused else { return }
        let body = oracle.body(client: client, byteCount: byteCount)
        do throws(ClientRefusal) {
            let sent = try client.core?.send(
                to: oracle.target(client, account: account), body: body,
                wall: client.clock.wall(now))
            guard let sent else { return }
            note("client \(index): writes event \(sent.index) to user\(account), \(byteCount) B")
            oracle.sent(
                client, .account(account), index: sent.index, id: sent.id,
                .message(Content(contentType: "", body: body)))
        } catch {
            note("client \(index): cannot write: \(error)")
        }
        settleClient(index)
    }

    /// Takes everything that the core has, after whatever was done with it.
    func settleClient(_ index: Int) {
        let client = clients[index]
        guard client.isUp, !client.isPaused else { return }
        let local = client.clock.local(now)
        client.core?.finishBatch(now: local, wall: client.clock.wall(now))
        if let downFor = client.diesAfterWrite, client.disk.writes != client.writesSeen {
            oracle.stored(client, client.disk.takeWritten())
            return crashClient(index, downFor: downFor)
        }
        client.writesSeen = client.disk.writes
        var room: [UInt8] = []
        swap(&room, &self.room)
        defer { swap(&room, &self.room) }
        while let sent = next(from: client, local, &room) {
            let bytes = Array(room[..<sent.byteCount])
            if sent.destination.carrier == .stream {
                postStreamed(fromClient: index, bytes, to: sent.destination)
            } else {
                post(fromClient: index, bytes, ecn: sent.ecn)
            }
            guard oracle.breach == nil else { return }
        }
        tendStream(of: client)
        measure(client, local, &room)
        listen(to: client)
        oracle.binding(of: client)
        plan(client)
    }

    private func next(
        from client: SimulatedClient, _ local: Instant, _ room: inout [UInt8]
    ) -> Transmission? {
        var span = room.mutableSpan
        var mutable = span.mutableBytes
        return client.core?.transmit(into: &mutable, now: local)
    }

    private func listen(to client: SimulatedClient) {
        oracle.stored(client, client.disk.takeWritten())
        var told: [ClientEvent] = []
        client.core?.takeEvents(into: &told)
        for event in told {
            note("client \(client.index): \(describe(event))")
            digest.add(UInt64(client.index) << 32 | UInt64(truncatingIfNeeded: told.count))
            digest.add(UInt64(truncatingIfNeeded: now.nanoseconds))
            switch event {
            case .enrolled: client.isEnrolled = true
            case .enrolmentRefused(_, _, let retryAfter, _):
                client.recovers = false
                client.enrolAt = now + max(.seconds(1), retryAfter)
            case .stranger where !client.isEnrolled && client.core?.isEnrolling == false:
                client.enrolAt = client.enrolAt ?? now
            case .revoked:
                let pause = client.draw(below: isHealed ? 200 : 3_000)
                queue.insert(
                    .clientReinstalls(client.index, install: client.install),
                    at: now + .milliseconds(Int64(pause)))
            default: break
            }
            oracle.told(client, event)
        }
        oracle.transport(of: client, events: events)
    }

    private func describe(_ event: ClientEvent) -> String {
        guard case .message(let record) = event else { return "\(event)" }
        return "is told event \(record.sequence.number) of conversation "
            + "\(record.conversation.number): \(record.event.title)"
    }

    private func plan(_ client: SimulatedClient) {
        guard let deadline = client.core?.deadline else { return }
        var moment = max(client.clock.moment(showing: deadline), now)
        if !client.isEnrolled, let at = client.enrolAt { moment = min(moment, max(at, now)) }
        guard moment < client.wakeAt else { return }
        client.wakeAt = moment
        queue.insert(.clientWakes(client.index), at: moment)
    }
}

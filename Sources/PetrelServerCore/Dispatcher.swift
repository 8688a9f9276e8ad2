// What sessions tell becomes what services are asked: one event, one call.

internal import PetrelBase
internal import PetrelMessaging
internal import PetrelServices
internal import PetrelTransport
internal import PetrelWire

/// A command of a device that is known, and where its answer goes.
struct Asked {
    var handle: Handle
    var request: UInt64
    var principal: Principal
    var now: Instant
    var wall: WallTime
}

extension ServerCore {
    /// Acts on what the session has just told, and lets `transmit` ask it.
    mutating func settle(_ handle: Handle, now: Instant, wall: WallTime) {
        if !events.list.isEmpty {
            // Taken out, so that the bytes of messages can be read while the core changes.
            var told = SessionEvents()
            swap(&told, &events)
            for i in told.list.indices {
                guard sessions.contains(handle) else { break }
                act(on: told.list[i], told, from: handle, now: now, wall: wall)
            }
            told.removeAll()
            swap(&told, &events)
        }
        guard sessions.contains(handle) else { return }
        exchangeConnectionIDs(handle)
        touch(handle)
    }

    private mutating func act(
        on event: SessionEvent, _ told: borrowing SessionEvents, from handle: Handle,
        now: Instant, wall: WallTime
    ) {
        switch event {
        case .confirmed: confirm(handle, now: now, wall: wall)
        case .message(_, _, let range):
            guard sessions[handle].state.phase != .over else { return }
            do throws(MalformedMessage) {
                let command = try Command(decoding: told.bytes(range))
                metrics.commandsReceived += 1
                dispatch(command, from: handle, now: now, wall: wall)
            } catch {
                receiveGarbage(error, from: handle, now: now)
            }
        case .probeAsked(let frame): grantProbe(frame, to: handle, now: now)
        case .ordered, .acknowledged, .outcome, .bulk, .keepaliveAnswered, .goingAway,
            .bindingDied, .probeAnswered:
            break
        case .addressMoved(let address):
            hosts.remove(Host(sessions[handle].state.address))
            hosts.insert(Host(address))
            sessions[handle].state.address = address
        case .closed: retire(handle, now: now)
        }
    }

    private mutating func receiveGarbage(
        _ error: MalformedMessage, from handle: Handle, now: Instant
    ) {
        metrics.commandsMalformed += 1
        sessions[handle].state.garbage += 1
        guard sessions[handle].state.garbage < configuration.garbageMax else {
            return close(handle, .applicationViolation, now: now)
        }
        refuse(Refused(.malformed), request: error.request, to: handle, now: now)
    }

    private mutating func dispatch(
        _ command: Command, from handle: Handle, now: Instant, wall: WallTime
    ) {
        let request = command.request
        do throws(Refused) {
            switch (command.kind, sessions[handle].state.phase) {
            case (.register, .stranger), (.logIn, .stranger), (.recover, .stranger):
                try enrol(command.kind, request, from: handle, now: now, wall: wall)
            case (.register, .enrolling), (.logIn, .enrolling), (.recover, .enrolling):
                throw Refused(.busy, retryAfter: .seconds(1))
            case (.register, _), (.logIn, _), (.recover, _): throw Refused(.alreadyEnrolled)
            case (.activity(let activity), .enrolled(let principal)):
                heed(activity, of: principal, from: handle, now: now, wall: wall)
            case (.activity, _): break
            case (let kind, .enrolled(let principal)):
                let asked = Asked(
                    handle: handle, request: request, principal: principal, now: now,
                    wall: wall)
                try answer(kind, asked)
            case (.send(let message), _):
                refuse(
                    Refused(.notEnrolled), request: request, cmid: message.clientMessageID,
                    to: handle, now: now)
            case (_, _): throw Refused(.notEnrolled)
            }
        } catch {
            refuse(error, request: request, to: handle, now: now)
        }
    }

    private mutating func answer(_ kind: Command.Kind, _ asked: Asked) throws(Refused) {
        switch kind {
        case .send(let message): send(message, asked)
        case .sync(let request): try answerSync(request, asked)
        case .pull(let conversation, let from, let to, let newestFirst):
            try answerPull(
                conversation, from: from, to: to,
                order: newestFirst ? .newestFirst : .oldestFirst, asked)
        case .acknowledge(let feed, let delivered, let read):
            let operation = SyncService.acknowledgement(
                feed: feed, delivered: delivered, read: read, by: asked.principal)
            try submit(
                .acknowledge(operation), .acknowledgement(asked.handle, request: asked.request))
        case .changeAccount(let change): try changeAccount(change, asked)
        case .changeContact(let person, let change):
            try changeContact(person, change, asked)
        case .changeConversation(let conversation, let change):
            try submit(
                SettingsService.change(conversation, change, by: asked.principal),
                .change(asked.handle, request: asked.request))
        case .invite(let lifetime): try invite(lifetimeSeconds: lifetime, asked)
        case .lookUp(let typed): try lookUp(typed, asked)
        case .listMembers(let conversation, let after):
            try answerMembers(conversation, after: after, asked)
        case .register, .logIn, .recover, .activity: throw Refused(.malformed)
        }
    }
}

// What sessions tell becomes what services are asked: one event, one call.

internal import PetrelBase
internal import PetrelCrypto
internal import PetrelMessaging
internal import PetrelServices
internal import PetrelTransport
internal import PetrelWire

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
        case .closed: retire(handle)
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
            case (.register(let form), .stranger):
                try beginEnrolment(.register, form, request, from: handle, now: now, wall: wall)
            case (.logIn(let form), .stranger):
                try beginEnrolment(.logIn, form, request, from: handle, now: now, wall: wall)
            case (.register, .enrolling), (.logIn, .enrolling):
                throw Refused(.busy, retryAfter: .seconds(1))
            case (.register, _), (.logIn, _): throw Refused(.alreadyEnrolled)
            case (.send(let message), .enrolled(let principal)):
                send(message, request, by: principal, from: handle, now: now, wall: wall)
            case (let kind, .enrolled(let principal)):
                try answer(kind, request, principal, from: handle, now: now)
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

    /// Answers what needs no place in the order of the device's messages.
    private mutating func answer(
        _ kind: Command.Kind, _ request: UInt64, _ principal: Principal, from handle: Handle,
        now: Instant
    ) throws(Refused) {
        switch kind {
        case .sync(let incarnation, let cursor, let limit):
            try requireRoom(handle)
            let page = try SyncService.changes(
                since: cursor, incarnation: incarnation, limit: limit, for: principal,
                store: store)
            tell(.syncPage(page), request: request, to: handle, as: .reliable, now: now)
        case .pull(let conversation, let from, let to, let newestFirst):
            try requireRoom(handle)
            let page = try SyncService.page(
                of: conversation, from: from, to: to,
                order: newestFirst ? .newestFirst : .oldestFirst, for: principal, store: store)
            tell(.page(page), request: request, to: handle, as: .reliable, now: now)
        case .acknowledge(let feed, let delivered):
            let operation = SyncService.acknowledgement(
                feed: feed, delivered: delivered, by: principal)
            try submit(.acknowledge(operation), .acknowledgement(handle, request: request))
        case .send, .register, .logIn: throw Refused(.malformed)
        }
    }

    /// Pages are large: a client that does not take them gets no more of them.
    private func requireRoom(_ handle: Handle) throws(Refused) {
        guard hasRoom(handle) else { throw Refused(.busy, retryAfter: .milliseconds(500)) }
    }

    // MARK: Messages

    /// Submits a message, unless an earlier one of the device must come first.
    private mutating func send(
        _ message: OutgoingMessage, _ request: UInt64, by principal: Principal,
        from handle: Handle, now: Instant, wall: WallTime
    ) {
        let cmid = message.clientMessageID
        do throws(Refused) {
            if let blocking = sessions[handle].state.blockedBy, blocking.cmid != cmid {
                throw Refused(StoreFailure.busy)
            }
            let digest = InlineWords4(Digest.blake2b256(message.identityBytes().span.bytes).bytes)
            let admitted = try MessageService.admit(
                message, from: principal, digest: digest,
                newConversation: ConversationID(random.next()), wall: wall, store: store)
            try submit(
                .appendMessage(admitted.operation),
                .message(handle, request: request, principal, admitted))
            #if PETREL_PLANTED
                if PlantedBug.verdictBeforeCommit.isActive {
                    tellEarly(admitted, principal, request, to: handle, now: now)
                }
            #endif
            sessions[handle].state.blockedBy = nil
        } catch {
            block(handle, cmid, request, after: error)
            refuse(error, request: request, cmid: cmid, to: handle, now: now)
        }
    }

    #if PETREL_PLANTED
        private mutating func tellEarly(
            _ admitted: MessageService.Admitted, _ sender: Principal, _ request: UInt64,
            to handle: Handle, now: Instant
        ) {
            guard case .conversation(let id) = admitted.operation.target,
                let conversation = try? store.conversation(id)
            else { return }
            let verdict = Verdict(
                clientMessageID: admitted.operation.clientMessageID, conversation: id,
                sequence: ConversationSequence(conversation.last.number + 1),
                time: admitted.operation.time, feed: .init(0), previousFeed: .init(0),
                peer: admitted.peer, peerHandle: admitted.peerHandle)
            tell(.verdict(verdict), request: request, to: handle, as: .durable, now: now)
        }
    #endif

    /// Lets later messages follow one that is committed.
    ///
    /// The refusal of an earlier copy may come after a later copy was taken in, while the disk is
    /// slow; nobody repeats the message then.
    mutating func unblock(_ handle: Handle, _ cmid: ClientMessageID) {
        guard sessions.contains(handle), sessions[handle].state.blockedBy?.cmid == cmid else {
            return
        }
        sessions[handle].state.blockedBy = nil
    }

    /// Keeps later messages of the session behind one that was refused for now.
    ///
    /// Of several, the client begins again with the one that it sent first. That may be one whose
    /// refusal comes last: it waited for the disk, while a later one was refused at the door.
    mutating func block(
        _ handle: Handle, _ cmid: ClientMessageID, _ request: UInt64, after refusal: Refused
    ) {
        #if PETREL_PLANTED
            if PlantedBug.orderLostAfterRefusal.isActive { return }
        #endif
        let blocking = sessions[handle].state.blockedBy
        switch refusal.error {
        case .busy, .storageFull:
            #if PETREL_PLANTED
                if PlantedBug.laterRefusalBlocks.isActive, blocking != nil { return }
            #endif
            if request < blocking?.request ?? .max {
                sessions[handle].state.blockedBy = .init(cmid: cmid, request: request)
            }
        default:
            if blocking?.cmid == cmid { sessions[handle].state.blockedBy = nil }
        }
    }
}

// Notices go to sessions: answers to the one that asked, news to all that must hear of it.

internal import PetrelBase
internal import PetrelMessaging
internal import PetrelServices
internal import PetrelTransport
internal import PetrelWire

extension ServerCore {
    /// Tells the sender its verdict, and the live devices of the members the message.
    ///
    /// Called in the order of commits, and durable messages keep their order within a session, so
    /// every device hears of a conversation in its order.
    mutating func deliver(
        _ message: AppendedMessage, _ admitted: MessageService.Admitted,
        from sender: Principal, _ handle: Handle, request: UInt64, now: Instant
    ) {
        let own = message.feeds.first { $0.account == sender.account }
        if message.isDuplicate {
            metrics.messagesRepeated += 1
        } else {
            metrics.messagesCommitted += 1
        }
        if isEnrolled(handle) {
            let verdict = Verdict(
                clientMessageID: admitted.operation.clientMessageID,
                conversation: message.conversation, sequence: message.sequence,
                time: message.time, feed: own?.feed ?? .init(0),
                previousFeed: own?.previous ?? .init(0), peer: admitted.peer,
                peerHandle: admitted.peerHandle)
            tell(.verdict(verdict), request: request, to: handle, as: .durable, now: now)
        }
        guard !message.isDuplicate else { return }
        spread(message, admitted.operation, by: sender.handle, except: handle, now: now)
    }

    /// Tells the live devices of the members a message.
    mutating func spread(
        _ message: AppendedMessage, _ operation: AppendMessage, by senderHandle: String,
        except asking: Handle?, now: Instant
    ) {
        let record = MessageRecord(
            conversation: message.conversation, sequence: message.sequence,
            sender: operation.account, senderDevice: operation.device,
            senderHandle: senderHandle, clientMessageID: operation.clientMessageID,
            time: message.time, contentType: operation.contentType, body: operation.body)
        for step in message.feeds {
            let pushed = PushedMessage(
                record: record, feed: step.feed, previousFeed: step.previous)
            push(.message(pushed), step, except: asking, now: now)
        }
    }

    /// Tells all live devices of the other members what one has received.
    mutating func deliver(_ mark: RaisedMark, now: Instant) {
        for step in mark.feeds {
            let receipt = Receipt(
                conversation: mark.conversation, account: mark.account, sequence: mark.sequence,
                feed: step.feed, previousFeed: step.previous)
            push(.receipt(receipt), step, except: nil, now: now)
        }
    }

    /// Pushes a notice to the live sessions of an account.
    ///
    /// A session whose queue is too full is passed over: once the queue is empty, a hint tells the
    /// client that it missed something, and it syncs.
    private mutating func push(
        _ kind: Notice.Kind, _ step: FeedStep, except asking: Handle?, now: Instant
    ) {
        #if PETREL_PLANTED
            let devices =
                PlantedBug.pushedToEverybody.isActive
                ? live.all : live.sessions(of: step.account)
        #else
            let devices = live.sessions(of: step.account)
        #endif
        guard !devices.isEmpty else { return }
        var bytes: [UInt8] = []
        for device in devices {
            // Asked anew, because waking one may put another to sleep.
            let place = live.place(of: device.device, account: step.account) ?? device.place
            guard let handle = awake(place, now: now) else { continue }
            raiseHint(handle, step.feed)
            guard handle != asking else { continue }
            guard hasRoom(handle) else {
                metrics.pushesSkipped += 1
                sessions[handle].state.hasMissed = true
                continue
            }
            if bytes.isEmpty { bytes = Notice(request: 0, kind: kind).encoded() }
            if queue(bytes, to: handle, as: .durable, now: now) {
                metrics.pushesQueued += 1
            }
        }
    }

    /// Refuses a command; a send in its turn among the verdicts, anything else at once.
    mutating func refuse(
        _ refusal: Refused, request: UInt64, cmid: ClientMessageID? = nil, to handle: Handle,
        now: Instant
    ) {
        metrics.commandsRefused += 1
        let notice = Refusal(
            code: refusal.error.rawValue, reason: refusal.error.sentence,
            retryAfter: refusal.retryAfter, clientMessageID: cmid)
        tell(
            .refusal(notice), request: request, to: handle,
            as: cmid == nil ? .reliable : .durable, now: now)
    }

    /// Tells one session something.
    mutating func tell(
        _ kind: Notice.Kind, request: UInt64 = 0, to handle: Handle,
        as deliveryClass: DeliveryClass,
        now: Instant
    ) {
        let bytes = Notice(request: request, kind: kind).encoded()
        _ = queue(bytes, to: handle, as: deliveryClass, now: now)
    }

    /// Puts a notice into a session's queue; returns whether it is in there.
    ///
    /// An answer must not get lost while the session lives, so a session that cannot take it ends:
    /// the client connects again and asks again.
    private mutating func queue(
        _ bytes: [UInt8], to handle: Handle, as deliveryClass: DeliveryClass, now: Instant
    ) -> Bool {
        guard sessions.contains(handle) else { return false }
        do throws(SendRefusal) {
            _ = try sessions[handle].session.send(bytes.span.bytes, as: deliveryClass, now: now)
            touch(handle)
            return true
        } catch {
            switch error {
            case .queueFull: close(handle, .limitExceeded, now: now)
            case .classUnknown, .tooLarge: close(handle, .internalError, now: now)
            case .closed: break
            }
            return false
        }
    }

    /// Whether a session's queue is short enough for what can also be asked for later.
    func hasRoom(_ handle: Handle) -> Bool {
        sessions[handle].session.queuedMessages < configuration.pushMessagesMax
            && sessions[handle].session.queuedByteCount <= configuration.pushBytesMax
    }

    /// Makes answers to keepalives name the newest entry of the account's feed.
    mutating func raiseHint(_ handle: Handle, _ feed: FeedSequence) {
        #if PETREL_PLANTED
            if PlantedBug.hintNotRaised.isActive { return }
        #endif
        if sessions[handle].session.keepaliveHint < feed.number {
            sessions[handle].session.keepaliveHint = feed.number
        }
    }

    private func isEnrolled(_ handle: Handle) -> Bool {
        sessions.contains(handle) && sessions[handle].state.principal != nil
    }

    /// Closes a session; it goes when its CLOSE is sent.
    mutating func close(_ handle: Handle, _ code: ErrorCode, now: Instant) {
        guard sessions.contains(handle), sessions[handle].state.phase != .over else { return }
        var told = SessionEvents()
        sessions[handle].session.close(code, now: now, into: &told)
        retire(handle)
        touch(handle)
    }

    /// The session is over: nobody finds it any more, and it goes when nothing is left to send.
    mutating func retire(_ handle: Handle) {
        guard sessions[handle].state.phase != .over else { return }
        if let principal = sessions[handle].state.principal {
            live.remove(.awake(handle), account: principal.account)
        }
        sessions[handle].state.phase = .over
        metrics.sessionsEnded += 1
    }
}

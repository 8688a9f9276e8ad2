// Notices go to sessions: answers to the one that asked, news to all that must hear of it.

internal import PetrelBase
internal import PetrelMessaging
internal import PetrelServices
internal import PetrelTransport
internal import PetrelWire

extension ServerCore {
    /// Tells the sender its verdict, and the live devices of the members the event.
    ///
    /// Called in the order of commits, and durable messages keep their order within a session, so
    /// every device hears of a conversation in its order.
    mutating func deliver(
        _ message: AppendedMessage, _ cmid: ClientMessageID, from sender: Principal,
        _ handle: Handle, request: UInt64, now: Instant
    ) {
        let own = message.feeds.first { $0.account == sender.account }
        if message.isDuplicate {
            metrics.messagesRepeated += 1
        } else {
            metrics.messagesCommitted += 1
        }
        if isEnrolled(handle) {
            let verdict = Verdict(
                clientMessageID: cmid, conversation: message.conversation,
                sequence: message.sequence, time: message.time, feed: own?.feed ?? .init(0),
                previousFeed: own?.previous ?? .init(0),
                peer: message.peer?.account ?? .init(0), peerHandle: message.peer?.handle ?? "")
            tell(.verdict(verdict), request: request, to: handle, as: .durable, now: now)
        }
        guard !message.isDuplicate else { return }
        spread(message, by: sender.handle, except: handle, now: now)
    }

    /// Tells the live devices of the members an event.
    mutating func spread(
        _ message: AppendedMessage, by senderHandle: String?, except asking: Handle?, now: Instant
    ) {
        // Who has left may look at what it has, and hears nothing more.
        for account in message.group?.departed ?? [] {
            viewers.remove(account, from: message.conversation)
        }
        let isLarge = message.group?.isLarge == true
        guard isLarge || message.feeds.contains(where: { live.isLive($0.account) }) else { return }
        var record = message.record
        do throws(StoreFailure) {
            if let senderHandle {
                record.senderHandle = senderHandle
            } else {
                record.senderHandle = try store.account(record.sender)?.handle ?? ""
            }
        } catch {
            return noteFailure(error)
        }
        for step in message.feeds {
            let pushed = PushedMessage(
                record: record, feed: step.feed, previousFeed: step.previous)
            push(.message(pushed), step, except: asking, now: now)
            // The event does not say who inherits the group; the heir's head does.
            if step.account == message.group?.heir {
                deliver(
                    AccountChanges.Step(
                        feed: step, subject: .conversation(message.conversation)), now: now)
            }
        }
        if let group = message.group, isLarge {
            spreadWidely(message, record, group: group, except: asking, now: now)
        }
    }

    /// Tells events that nobody who is here asked for.
    mutating func deliver(_ events: [AppendedMessage], now: Instant) {
        for event in events { spread(event, by: nil, except: nil, now: now) }
    }

    /// Tells what one has received and read: its own devices, and those who may know.
    mutating func deliver(_ mark: RaisedMark, now: Instant) {
        for step in mark.feeds {
            guard step.account != mark.account else {
                deliver(
                    AccountChanges.Step(feed: step, subject: .conversation(mark.conversation)),
                    now: now)
                continue
            }
            push(.receipt(Receipt(mark, step)), step, except: nil, now: now)
        }
        guard mark.group != nil, mark.delivered != nil || mark.read != nil else { return }
        tellMembers(mark, now: now)
    }

    /// Tells the members of a group what one of them has received, and those who look what it has
    /// read.
    private mutating func tellMembers(_ mark: RaisedMark, now: Instant) {
        let id = mark.conversation
        do throws(StoreFailure) {
            let members = try store.members(
                of: id, after: .init(0), limit: MessagingLimits.receiptsGroupMembersMax)
            let looking = Set(viewers.accounts(of: id))
            let reader = mark.read == nil ? nil : try store.account(mark.account)
            for member in members.map(\.account)
            where member != mark.account && live.isLive(member) {
                if mark.delivered != nil {
                    var delivered = mark
                    delivered.read = nil
                    push(.receipt(Receipt(delivered, nil)), to: member, now: now)
                }
                guard mark.read != nil, looking.contains(member),
                    try Visibility.receipts(of: reader, to: member, store: store)
                else { continue }
                var read = mark
                read.delivered = nil
                push(
                    .receipt(Receipt(read, nil)), to: member, lookingAt: id, now: now)
            }
        } catch {
            noteFailure(error)
        }
    }

    /// Pushes what made no entry and is not missed: the next one says it as well.
    private mutating func push(
        _ kind: Notice.Kind, to account: AccountID, lookingAt conversation: ConversationID? = nil,
        now: Instant
    ) {
        let bytes = Notice(request: 0, kind: kind).encoded()
        for device in live.sessions(of: account) {
            if let conversation,
                !viewers.isViewing(conversation, device.device, of: account)
            {
                continue
            }
            let place = live.place(of: device.device, account: account) ?? device.place
            guard let handle = awake(place, now: now), hasRoom(handle) else { continue }
            if queue(bytes, to: handle, as: .durable, now: now) { metrics.pushesQueued += 1 }
        }
    }

    /// Tells accounts what has changed for them besides events and marks.
    mutating func deliver(_ changes: AccountChanges, introduces: Bool, now: Instant) {
        for step in changes.steps {
            deliver(step, now: now)
            switch step.subject {
            case .contact(let peer):
                if introduces { introduce(step.feed.account, to: peer, now: now) }
            case .account: presence.gather(step.feed.account, now: now)
            case .conversation: break
            }
        }
    }

    /// Pushes a subject of an account's feed, as it is now, under the entry that it made.
    ///
    /// What it is may be younger than the entry; the number must not be, or the client would take
    /// entries between the two for known.
    private mutating func deliver(_ step: AccountChanges.Step, now: Instant) {
        let account = step.feed.account
        guard live.isLive(account) else { return }
        do throws(StoreFailure) {
            guard var item = try store.item(step.subject, of: account) else {
                // Gone again: a sync tells.
                return missed(account, step.feed, now: now)
            }
            item.feed = step.feed.feed
            push(
                .change(PushedChange(item: item, previousFeed: step.feed.previous)), step.feed,
                except: nil, now: now)
        } catch {
            noteFailure(error)
        }
    }

    private mutating func missed(_ account: AccountID, _ step: FeedStep, now: Instant) {
        for device in live.sessions(of: account) {
            let place = live.place(of: device.device, account: account) ?? device.place
            guard let handle = awake(place, now: now) else { continue }
            raiseHint(handle, step.feed)
            sessions[handle].state.hasMissed = true
            touch(handle)
        }
    }

    /// Ends the sessions here of devices that were shut out; the one that asked a little later, so
    /// that it gets its answer.
    mutating func revoke(_ devices: [DeviceName], asking: Handle?, now: Instant) {
        #if PETREL_PLANTED
            if PlantedBug.revokedSessionKept.isActive { return }
        #endif
        for device in devices {
            guard let place = live.place(of: device.device, account: device.account),
                let handle = awake(place, now: now)
            else {
                if case .asleep(let asleep)? = live.place(
                    of: device.device, account: device.account)
                {
                    forget(asleep, now: now)
                }
                continue
            }
            metrics.sessionsRevoked += 1
            guard handle == asking else {
                close(handle, .revoked, now: now)
                continue
            }
            leave(handle, now: now)
            sessions[handle].state.phase = .stranger
            departing.append((handle, now + configuration.revokedGrace))
        }
    }

    /// Closes the sessions that were shut out by themselves, and have had time for their answer.
    mutating func closeRevoked(now: Instant) {
        while let (handle, at) = departing.first, at <= now {
            departing.removeFirst()
            close(handle, .revoked, now: now)
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
            retryAfter: refusal.retryAfter, clientMessageID: cmid, limit: refusal.limit)
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
    mutating func queue(
        _ bytes: [UInt8], to handle: Handle, as deliveryClass: DeliveryClass, key: UInt64 = 0,
        now: Instant
    ) -> Bool {
        guard sessions.contains(handle) else { return false }
        do throws(SendRefusal) {
            _ = try sessions[handle].session.send(
                bytes.span.bytes, as: deliveryClass, key: key, now: now)
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
        retire(handle, now: now)
        touch(handle)
    }

    /// The session is over: nobody finds it any more, and it goes when nothing is left to send.
    mutating func retire(_ handle: Handle, now: Instant) {
        guard sessions[handle].state.phase != .over else { return }
        leave(handle, now: now)
        sessions[handle].state.phase = .over
        metrics.sessionsEnded += 1
    }

    /// The session is no longer that of its device.
    private mutating func leave(_ handle: Handle, now: Instant) {
        guard let principal = sessions[handle].state.principal else { return }
        leave(.awake(handle), principal, now: now)
    }

    /// A session is no longer that of its device: what belonged to it ends.
    mutating func leave(_ place: SessionPlace, _ principal: Principal, now: Instant) {
        let (account, device) = (principal.account, principal.device)
        guard live.place(of: device, account: account) == place else { return }
        live.remove(place, account: account)
        viewers.set(nil, device, of: account)
        if !live.isLive(account) { largeGroups.remove(account) }
        report(account, device, nil, now: now)
    }
}

extension Receipt {
    /// What a mark says to others, under an entry if it made one.
    fileprivate init(_ mark: RaisedMark, _ step: FeedStep?) {
        self.init(
            conversation: mark.conversation, account: mark.account,
            delivered: mark.delivered ?? .init(0), read: mark.read ?? .init(0),
            feed: step?.feed ?? .init(0), previousFeed: step?.previous ?? .init(0))
    }
}

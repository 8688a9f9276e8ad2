// What the server says: notices go to the outbox and the sync engine.

internal import PetrelBase
internal import PetrelClientData
internal import PetrelClientNetwork
internal import PetrelMessaging

extension ClientCore {
    /// Does with a notice what it says; `wall` is the device's calendar.
    mutating func received(_ notice: Notice, now: Instant, wall: WallTime) {
        let request = notice.request
        switch notice.kind {
        case .welcome(let welcome):
            received(welcome, isAnswer: request != 0, now: now, wall: wall)
        case .stranger(let stranger): received(stranger, now: now)
        case .refusal(let refusal):
            #if PETREL_PLANTED
                let now =
                    PlantedBug.pauseByCalendar.isActive
                    ? Instant(nanoseconds: wall.milliseconds * 1_000_000) : now
            #endif
            received(refusal, request: request, now: now)
        case .verdict(let verdict):
            noteServerTime(verdict.time, wall: wall)
            received(verdict, now: now)
        case .message, .receipt, .change, .digest:
            // What is pushed may overtake the welcome. Until that has come, it is not known whose
            // messages these are; the sync that follows it brings them.
            #if PETREL_PLANTED
                let standing =
                    PlantedBug.pushBeforeWelcome.isActive ? .known : self.standing
            #endif
            guard standing == .known else { return }
            if case .message(let push) = notice.kind {
                noteServerTime(push.record.time, wall: wall)
            }
            receivedPush(notice.kind, now: now)
        case .syncPage(let page): sync.received(page, request: request, now: now)
        case .page(let page):
            for record in page.records {
                noteServerTime(record.time, wall: wall)
                settle(record)
            }
            sync.received(page, request: request, now: now)
        case .done: answered(request, .done)
        case .invitation(let code, let expires):
            answered(request, .invitation(code: code, expires: expires))
        case .card(let card): answered(request, .card(card))
        case .members(let page): answered(request, .members(page))
        case .presences, .typing: receivedPassing(notice.kind, now: now)
        }
    }

    /// The server's clock showed `time` already: a welcome that was long on its way says less.
    private mutating func noteServerTime(_ time: WallTime, wall: WallTime) {
        guard standing == .known else { return }
        clockOffset = max(clockOffset, time.milliseconds &- wall.milliseconds)
    }

    private mutating func receivedPassing(_ kind: Notice.Kind, now: Instant) {
        guard standing == .known else { return }
        switch kind {
        case .presences(let presences):
            surroundings.received(presences)
            pendingEvents.append(.presencesChanged(presences))
        case .typing(let notice):
            guard let news = surroundings.received(notice, now: now) else { return }
            pendingEvents.append(.typing(news))
        default: break
        }
    }

    private mutating func received(_ stranger: Stranger, now: Instant) {
        standing = .stranger
        if stranger.isRevoked {
            giveUpQuestions(isRevoked: true)
            pendingEvents.append(.revoked)
            link.suspend(now: now)
            return sessionIsOver()
        }
        giveUpQuestions(isRevoked: false)
        pendingEvents.append(.stranger(needsInvitation: stranger.needsInvitation))
    }

    private mutating func receivedPush(_ kind: Notice.Kind, now: Instant) {
        switch kind {
        case .message(let push):
            settle(push.record)
            sync.received(push, now: now)
            let silence = TypingNotice(
                conversation: push.record.conversation, account: push.record.sender,
                isStopped: true)
            if let news = surroundings.received(silence, now: now) {
                pendingEvents.append(.typing(news))
            }
        case .change(let change): sync.received(change, now: now)
        case .digest(let id, let last): sync.receivedDigest(id, last: last, now: now)
        case .receipt(let receipt): sync.received(receipt, now: now)
        default: break
        }
    }

    private mutating func received(
        _ welcome: Welcome, isAnswer: Bool, now: Instant, wall: WallTime
    ) {
        let identity = ClientIdentity(
            account: welcome.account, device: welcome.device, handle: welcome.handle)
        standing = .known
        clockOffset = welcome.time.milliseconds &- wall.milliseconds
        if known != identity {
            known = identity
            changes.append(.identity(identity))
        }
        pendingEvents.append(.enrolled(identity))
        if enrolment != nil { enrolmentAnswered(identity, isAnswer: isAnswer) }
        sync.sessionOpened(welcome, now: now)
        surroundings.sessionOpened()
        let verdicts = earlyVerdicts
        earlyVerdicts.removeAll()
        for verdict in verdicts { received(verdict, now: now) }
    }

    /// The device is enrolled, whether by the wish that is open or, its answer lost, before.
    mutating func enrolmentAnswered(_ identity: ClientIdentity, isAnswer: Bool) {
        guard let enrolment else { return }
        let handle: String
        switch enrolment.command {
        case .register(let registration), .logIn(let registration): handle = registration.handle
        case .recover(let recovery): handle = recovery.handle
        default: return
        }
        self.enrolment = nil
        guard !isAnswer, AccountHandle(handle)?.text != identity.handle else { return }
        pendingEvents.append(
            .enrolmentRefused(
                code: MessagingError.alreadyEnrolled.rawValue,
                reason: "this device belongs to the account \(identity.handle)",
                retryAfter: .zero, limit: 0))
    }

    private mutating func received(_ refusal: Refusal, request: UInt64, now: Instant) {
        if let enrolment, enrolment.request == request {
            self.enrolment = nil
            pendingEvents.append(
                .enrolmentRefused(
                    code: refusal.code, reason: refusal.reason, retryAfter: refusal.retryAfter,
                    limit: refusal.limit))
            return
        }
        if let ticket = questions.answered(request) {
            return pendingEvents.append(.answered(ticket, .refused(refusal)))
        }
        if sync.refused(request: request, retryAfter: refusal.retryAfter, now: now) { return }
        let outcome = outbox.refused(
            request: request, code: refusal.code, retryAfter: refusal.retryAfter, now: now)
        switch outcome {
        case .again:
            pendingEvents.append(
                .sendingRefused(
                    code: refusal.code, reason: refusal.reason, retryAfter: refusal.retryAfter,
                    limit: refusal.limit))
        case .failed(let entry):
            changes.append(
                .fail(
                    index: entry.index, code: refusal.code, reason: refusal.reason,
                    limit: refusal.limit))
            pendingEvents.append(
                .deliveryChanged(
                    index: entry.index, id: entry.clientMessageID,
                    state: .failed(
                        code: refusal.code, reason: refusal.reason, limit: refusal.limit)))
        case .committed(let entry, let conversation, let sequence):
            committed(entry, conversation, sequence)
        case .ignored: break
        }
    }

    private mutating func received(_ verdict: Verdict, now: Instant) {
        guard standing == .known else {
            // It has overtaken the welcome, without which its place in the feed says nothing.
            if earlyVerdicts.count < Outbox.windowMax { earlyVerdicts.append(verdict) }
            return
        }
        var own: MessageRecord?
        if let known, let entry = outbox.committed(verdict.clientMessageID) {
            if !entry.event.namesPeople {
                own = MessageRecord(
                    conversation: verdict.conversation, sequence: verdict.sequence,
                    sender: known.account, senderDevice: known.device,
                    senderHandle: known.handle, clientMessageID: entry.clientMessageID,
                    time: verdict.time, event: entry.event)
            }
            committed(entry, verdict.conversation, verdict.sequence)
        }
        sync.received(verdict, own: own, now: now)
    }

    /// Takes a message as the verdict on itself, if it is an own one whose verdict was lost.
    ///
    /// Deduplication does not reach back for ever: without this a message committed before a long
    /// absence would be shown as refused.
    private mutating func settle(_ record: MessageRecord) {
        guard let known, record.sender == known.account, record.senderDevice == known.device,
            let entry = outbox.settled(
                record.clientMessageID, at: record.conversation, record.sequence)
        else { return }
        committed(entry, record.conversation, record.sequence)
    }

    private mutating func committed(
        _ entry: OutboxEntry, _ conversation: ConversationID, _ sequence: ConversationSequence
    ) {
        changes.append(.dequeue(index: entry.index))
        pendingEvents.append(
            .deliveryChanged(
                index: entry.index, id: entry.clientMessageID,
                state: .committed(conversation, sequence)))
        awaited.insert(
            .init(
                index: entry.index, clientMessageID: entry.clientMessageID,
                conversation: conversation, sequence: sequence))
        guard let local = sync.conversation(conversation) else { return }
        if local.peerDelivered >= sequence {
            tellDelivered(conversation, upTo: local.peerDelivered)
        }
        if local.peerRead >= sequence { tellRead(conversation, upTo: local.peerRead) }
    }

    /// Own messages up to there have been received by the other side.
    mutating func tellDelivered(
        _ conversation: ConversationID, upTo sequence: ConversationSequence
    ) {
        for entry in awaited.received(conversation, upTo: sequence) {
            pendingEvents.append(
                .deliveryChanged(
                    index: entry.index, id: entry.clientMessageID, state: .delivered))
        }
    }

    /// Own messages up to there have been read by the other side.
    mutating func tellRead(_ conversation: ConversationID, upTo sequence: ConversationSequence) {
        for entry in awaited.read(conversation, upTo: sequence) {
            pendingEvents.append(
                .deliveryChanged(index: entry.index, id: entry.clientMessageID, state: .read))
        }
    }
}

extension ConversationEvent {
    /// Whether the server completes it: it names people as the client happens to know them.
    fileprivate var namesPeople: Bool {
        switch self {
        case .created, .added, .removed, .role, .muted: true
        case .message, .edit, .recall, .reaction, .joined, .left, .changed, .retention,
            .dissolved, .gone:
            false
        }
    }
}

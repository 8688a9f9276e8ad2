// What the brain tells: each event to whoever follows it in the application.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelClientNetwork
internal import PetrelMessaging

extension Runner {
    /// What changed of conversations since the last telling.
    private struct News {
        var arrivals: [ConversationID] = []
        var changes: [ConversationID] = []
        var contactsChanged = false
    }

    /// Tells the application what the brain told since the last call.
    func tell(now: Instant) {
        var news = News()
        let carrier = core.carrier.map { Carrier($0) }
        let isMoved = shared.carrier.value != carrier
        if isMoved { shared.carrier.publish(carrier) }
        for event in events { tell(event, &news, now: now) }
        events.removeAll(keepingCapacity: true)
        // The state is the same; what can be read beside it is not.
        if isMoved, carrier != nil { shared.states.publish(shared.states.value) }
        if !news.arrivals.isEmpty { shared.arrivals.update { $0.note(news.arrivals) } }
        let changes = news.arrivals + news.changes
        if news.contactsChanged {
            shared.contactChanges.update { $0 += 1 }
            shared.changes.update { $0.noteAll() }
        }
        if !changes.isEmpty { shared.changes.update { $0.note(changes) } }
        let isCaughtUp = core.isCaughtUp
        if shared.caughtUp.value != isCaughtUp { shared.caughtUp.publish(isCaughtUp) }
        let progress = SyncProgress(core.syncProgress)
        if shared.progress.value != progress { shared.progress.publish(progress) }
    }

    /// Notes what a status line shows.
    func showLink() {
        var roundTrip: Interval?
        if case .connected(let measured) = core.state { roundTrip = measured }
        shared.note(roundTrip: roundTrip, heard: core.lastHeard)
    }

    private func tell(_ event: ClientEvent, _ news: inout News, now: Instant) {
        switch event {
        case .connectionChanged(let state): connectionChanged(state, now: now)
        case .enrolled(let identity): enrolled(identity)
        case .enrolmentRefused(let code, let reason, let retryAfter, let limit):
            let error = PetrelError(
                refusal: code, reason: reason, retryAfter: retryAfter, limit: limit)
            enrolment?.answer.resume(returning: .failure(error))
            enrolment = nil
        case .stranger: shared.account.publish(nil)
        case .revoked:
            shared.account.publish(nil)
            enrolment?.answer.resume(returning: .failure(.revoked))
            enrolment = nil
            core.abandonEnrolment()
            isRevoked = true
            shared.states.publish(.revoked)
        case .sendingRefused(let code, let reason, let retryAfter, let limit):
            // A busy server only asks for a moment.
            guard code != MessagingError.busy.rawValue else { return }
            shared.obstacle.publish(
                PetrelError(refusal: code, reason: reason, retryAfter: retryAfter, limit: limit))
        case .answered(let ticket, let answer): answered(ticket, answer)
        case .deliveryChanged(let index, _, let state): changed(index, state)
        case .message(let record): shared.learn(record.sender, record.senderHandle)
        case .messagesArrived(let conversation): news.arrivals.append(conversation)
        case .conversationChanged(let conversation): news.changes.append(conversation)
        case .contactChanged(let contact):
            shared.learn(contact.person.account, contact.person.handle)
            news.contactsChanged = true
        case .accountChanged(let state): showDetails(state)
        case .presencesChanged(let presences):
            shared.presences.update { known in
                for presence in presences { known[presence.account] = presence }
            }
        case .presencesForgotten:
            shared.presences.publish([:])
            news.changes += shared.typing.value.keys.sorted()
            shared.typing.publish([:])
        case .typing(let notice):
            shared.typing.update { $0.note(notice) }
            news.changes.append(notice.conversation)
        case .synced, .storeFailed: return
        }
    }

    private func connectionChanged(_ state: PetrelClientCore.ConnectionState, now: Instant) {
        if case .connected = state {
            shared.classes.publish(core.classes.map { ServiceClass($0) })
        } else {
            clearObstacle()
        }
        // A device that was shut out stays idle; why, is more than that.
        if case .idle = state, isRevoked {
            shared.states.publish(.revoked)
        } else {
            shared.states.publish(ConnectionState(state, now: now))
        }
        // Who cannot be reached for long may have moved.
        if case .waiting(_, .unreachable) = state { resolve() }
    }

    private func enrolled(_ identity: ClientIdentity) {
        let account = Account(identity)
        if shared.account.value != account {
            shared.account.publish(account)
            // Which device is this one, and whose messages are own ones, shows only now.
            if let state = try? core.accountState() { showDetails(state) }
            shared.changes.update { $0.noteAll() }
        }
        guard !core.isEnrolling else { return }
        enrolment?.answer.resume(returning: .success(account))
        enrolment = nil
    }

    /// Shows what is known of the own account.
    func showDetails(_ state: AccountState) {
        let details = AccountDetails(state, device: shared.account.value?.device)
        if shared.details.value != details { shared.details.publish(details) }
    }

    private func answered(_ ticket: Ticket, _ answer: PetrelClientCore.Answer) {
        guard let open = asked.removeValue(forKey: ticket) else { return }
        switch answer {
        case .members(let page):
            for member in page.members {
                shared.learn(member.person.account, member.person.handle)
            }
        case .card(let card): shared.learn(card.person.account, card.person.handle)
        case .done, .invitation, .refused: break
        }
        open.answer.resume(returning: .success(answer))
    }

    private func changed(_ index: UInt64, _ state: DeliveryState) {
        if case .committed = state { clearObstacle() }
        guard let latest = followed[index]?.latest else {
            if case .committed = state { followed[index] = nil }
            return
        }
        switch state {
        case .queued: return
        case .sent: latest.advance(to: .sent)
        case .committed(let conversation, let sequence):
            let place = Place(conversation: conversation, number: sequence.number)
            followed[index]?.place = place
            latest.advance(to: .committed(place))
        case .delivered:
            if let place = followed[index]?.place { latest.advance(to: .delivered(place)) }
        case .read:
            if let place = followed[index]?.place { latest.advance(to: .read(place)) }
        case .failed(let code, let reason, let limit):
            latest.advance(
                to: .failed(
                    PetrelError(refusal: code, reason: reason, retryAfter: .zero, limit: limit)))
        }
        if latest.value.isFinal { followed[index] = nil }
    }

    private func clearObstacle() {
        if shared.obstacle.value != nil { shared.obstacle.publish(nil) }
    }
}

extension [ConversationID: [AccountID]] {
    /// Somebody types, or stopped.
    mutating func note(_ notice: TypingNotice) {
        self[notice.conversation, default: []].removeAll { $0 == notice.account }
        if !notice.isStopped { self[notice.conversation, default: []].append(notice.account) }
        if self[notice.conversation]?.isEmpty == true { self[notice.conversation] = nil }
    }
}

extension Runner {
    /// Shows what the store holds, before the thread begins.
    func showStored() throws(ClientStoreError) {
        if let state = try core.accountState() { showDetails(state) }
        for contact in try core.contacts() {
            shared.learn(contact.person.account, contact.person.handle)
        }
        for local in try core.conversations() { shared.learn(local.peer, local.peerHandle) }
        shared.progress.publish(SyncProgress(core.syncProgress))
    }
}

// What the brain tells: each event to whoever follows it in the application.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelClientNetwork
internal import PetrelMessaging

extension Runner {
    /// Tells the application what the brain told since the last call.
    func tell(now: Instant) {
        var arrivals: [ConversationID] = []
        let carrier = core.carrier.map { Carrier($0) }
        let isMoved = shared.carrier.value != carrier
        if isMoved { shared.carrier.publish(carrier) }
        for event in events {
            switch event {
            case .connectionChanged(let state):
                if case .connected = state {
                    shared.classes.publish(core.classes.map { ServiceClass($0) })
                }
                shared.states.publish(ConnectionState(state, now: now))
                if case .connected = state {} else { clearObstacle() }
                // Who cannot be reached for long may have moved.
                if case .waiting(_, .unreachable) = state { resolve() }
            case .enrolled(let identity): enrolled(identity)
            case .enrolmentRefused(let code, let reason, let retryAfter, _):
                let error = PetrelError(refusal: code, reason: reason, retryAfter: retryAfter)
                enrolment?.answer.resume(returning: .failure(error))
                enrolment = nil
            case .sendingRefused(let code, let reason, let retryAfter, _):
                // A busy server only asks for a moment.
                guard code != MessagingError.busy.rawValue else { continue }
                shared.obstacle.publish(
                    PetrelError(refusal: code, reason: reason, retryAfter: retryAfter))
            case .deliveryChanged(let index, _, let state): changed(index, state)
            case .messagesArrived(let conversation): arrivals.append(conversation)
            case .stranger, .revoked: shared.account.publish(nil)
            case .synced, .message, .storeFailed, .answered, .conversationChanged,
                .contactChanged, .accountChanged, .presencesChanged, .presencesForgotten, .typing:
                continue
            }
        }
        events.removeAll(keepingCapacity: true)
        // The state is the same; what can be read beside it is not.
        if isMoved, carrier != nil { shared.states.publish(shared.states.value) }
        if !arrivals.isEmpty { shared.arrivals.update { $0.note(arrivals) } }
        let isCaughtUp = core.isCaughtUp
        if shared.caughtUp.value != isCaughtUp { shared.caughtUp.publish(isCaughtUp) }
    }

    private func enrolled(_ identity: ClientIdentity) {
        let account = Account(identity)
        if shared.account.value != account { shared.account.publish(account) }
        guard !core.isEnrolling else { return }
        enrolment?.answer.resume(returning: .success(account))
        enrolment = nil
    }

    private func changed(_ index: UInt64, _ state: DeliveryState) {
        if case .committed = state { clearObstacle() }
        guard let outgoing = followed[index]?.outgoing else {
            if case .committed = state { followed[index] = nil }
            return
        }
        switch state {
        case .queued: return
        case .sent: outgoing.latest.publish(.sent)
        case .committed(let conversation, let sequence):
            let place = Place(conversation: conversation, number: sequence.number)
            followed[index]?.place = place
            outgoing.latest.publish(.committed(place))
        case .delivered:
            if let place = followed[index]?.place { outgoing.latest.publish(.delivered(place)) }
            finish(index, outgoing)
        case .read: return
        case .failed(let code, let reason, _):
            outgoing.latest.publish(
                .failed(PetrelError(refusal: code, reason: reason, retryAfter: .zero)))
            finish(index, outgoing)
        }
    }

    func clearObstacle() {
        if shared.obstacle.value != nil { shared.obstacle.publish(nil) }
    }

    private func finish(_ index: UInt64, _ outgoing: Outgoing) {
        outgoing.latest.finish()
        followed[index] = nil
    }
}

extension Account {
    init(_ identity: ClientIdentity) {
        self.init(
            number: identity.account.number, device: identity.device.number,
            handle: identity.handle)
    }
}

// What the client's thread does when a task asks it to.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelEvent
internal import PetrelMessaging

extension Runner {
    /// Does what was asked since the last call.
    func obey(now: Instant) {
        shared.mailbox.drain(into: &requests)
        for request in requests { obey(request, now: now) }
        requests.removeAll(keepingCapacity: true)
    }

    private func obey(_ request: Request, now: Instant) {
        guard closeBy == .distantFuture else { return refuse(request) }
        switch request {
        case .enrol(let enrolment, let ticket, let name, let answer):
            enrol(enrolment, ticket, name, answer)
        case .abandonEnrolment(let ticket): abandonEnrolment(ticket)
        case .send(let target, let event, let answer): send(to: target, event, answer)
        case .ask(let command, let ticket, let answer): ask(command, ticket, answer)
        case .abandonQuestion(let ticket): abandonQuestion(ticket)
        case .read(let place):
            core.read(
                place.conversation, upTo: ConversationSequence(place.number), now: now)
        case .fetch(let conversation, let number):
            core.fetch(conversation, before: ConversationSequence(number), now: now)
        case .typing(let conversation, let isStopped):
            core.setTyping(in: conversation, isStopped: isStopped, now: now)
        case .viewing(let conversation): core.setViewing(conversation)
        case .networkChanged(let label): core.networkChanged(to: label, now: now)
        case .visibilityChanged(let visibility):
            core.setForeground(visibility == .foreground)
        case .networkLost: core.networkLost()
        case .resolved(let result): resolved(result, now: now)
        case .close:
            core.prepareToClose(now: now)
            closeBy = now + Self.farewellMax
        }
    }

    /// Answers what comes too late.
    func refuse(_ request: Request) {
        switch request {
        case .enrol(_, _, _, let answer): answer.resume(returning: .failure(.closed))
        case .send(_, _, let answer): answer.resume(returning: .failure(.closed))
        case .ask(_, _, let answer): answer.resume(returning: .failure(.closed))
        case .abandonEnrolment, .abandonQuestion, .read, .fetch, .typing, .viewing,
            .networkChanged, .visibilityChanged, .networkLost, .resolved, .close:
            return
        }
    }

    /// The longest that a close waits for the server to hear what was received.
    private static let farewellMax = Interval.milliseconds(300)
}

extension Runner {
    private func enrol(
        _ kind: Request.Enrolment, _ ticket: UInt64, _ deviceName: String,
        _ answer: Answer<Account>
    ) {
        guard !isRevoked else { return answer.resume(returning: .failure(.revoked)) }
        do throws(ClientRefusal) {
            switch kind {
            case .register(let handle, let password, let invitation, let recovery):
                try core.register(
                    handle: handle, password: password, deviceName: deviceName,
                    invitation: invitation, recovery: recovery)
            case .logIn(let handle, let password):
                try core.logIn(handle: handle, password: password, deviceName: deviceName)
            case .recover(let handle, let code, let password, let recovery):
                try core.recover(
                    handle: handle, code: code, password: password, deviceName: deviceName,
                    recovery: recovery)
            }
            enrolment = (ticket, answer)
        } catch {
            answer.resume(returning: .failure(PetrelError(error)))
        }
    }

    private func abandonEnrolment(_ ticket: UInt64) {
        guard enrolment?.ticket == ticket else { return }
        core.abandonEnrolment()
        enrolment?.answer.resume(returning: .failure(.cancelled))
        enrolment = nil
    }

    private func send(
        to target: OutgoingTarget, _ event: ConversationEvent, _ answer: Answer<Outgoing>
    ) {
        do throws(ClientRefusal) {
            let (index, id) = try core.send(to: target, event: event, wall: WallTime.now)
            let outgoing = Outgoing(id: id.text, index: index, body: event.body)
            if followed.count >= Self.followedMax {
                followed = followed.filter { $0.value.latest != nil }
            }
            followed[index] = Waiting(latest: outgoing.latest)
            answer.resume(returning: .success(outgoing))
        } catch {
            answer.resume(returning: .failure(PetrelError(error)))
        }
    }

    private func ask(
        _ command: Command.Kind, _ ticket: UInt64, _ answer: Answer<PetrelClientCore.Answer>
    ) {
        guard !isRevoked else { return answer.resume(returning: .failure(.revoked)) }
        do throws(ClientRefusal) {
            asked[try core.ask(command)] = (ticket, answer)
        } catch {
            answer.resume(returning: .failure(PetrelError(error)))
        }
    }

    private func abandonQuestion(_ ticket: UInt64) {
        guard let open = asked.first(where: { $0.value.ticket == ticket }) else { return }
        core.cancel(open.key)
        asked[open.key] = nil
        open.value.answer.resume(returning: .failure(.cancelled))
    }

    /// How many own messages are followed before those that nobody holds are looked for.
    private static let followedMax = 1_024
}

extension ConversationEvent {
    /// What is said; empty if nothing is.
    var body: [UInt8] {
        switch self {
        case .message(let content), .edit(_, let content): content.body
        default: []
        }
    }
}

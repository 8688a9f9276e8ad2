// Operations go to the store and come back durable; only then is anybody told.

public import PetrelBase
internal import PetrelMessaging
internal import PetrelServices
internal import PetrelTransport
internal import PetrelWire

/// An operation that was submitted, and what to do when it is durable.
struct PendingOperation {
    /// For whom the operation is.
    enum Purpose {
        case housekeeping
        case deletions
        case enrolment(Handle, request: UInt64, name: String, usesInvitation: Bool)
        case message(Handle, request: UInt64, Principal, ClientMessageID)
        case acknowledgement(Handle, request: UInt64)
        case change(Handle, request: UInt64)
        case invitation(Handle, request: UInt64, code: String, expires: WallTime)

        /// The session that waits for it.
        var handle: Handle? {
            switch self {
            case .housekeeping, .deletions: nil
            case .enrolment(let handle, _, _, _), .message(let handle, _, _, _),
                .acknowledgement(let handle, _), .change(let handle, _),
                .invitation(let handle, _, _, _):
                handle
            }
        }
    }

    var ticket: UInt64
    var purpose: Purpose
    /// Whether it changes who is whose contact.
    var changesRelations = false
}

extension ServerCore {
    /// Acts on the operations that are durable now, in the order of their commits.
    ///
    /// Those of other workers are among them: this worker's sessions hear of them in their turn.
    public mutating func collectCommits(now: Instant, wall: WallTime) {
        var durable: [StoreCompletion] = []
        swap(&durable, &completions)
        store.takeCompletions(of: worker, into: &durable)
        for completion in durable {
            if case .another(let operation) = completion.submitter {
                hear(operation, completion.result, now: now)
                continue
            }
            // The store completes in order; one that does not cannot be trusted with anything.
            guard let operation = operations.popFirst(), operation.ticket == completion.ticket
            else {
                hasFailed = true
                break
            }
            switch completion.result {
            case .success(.refused(let error)):
                refused(error, operation.purpose, now: now, wall: wall)
            case .success(let outcome):
                succeeded(outcome, operation, now: now, wall: wall)
            case .failure(let failure):
                noteFailure(failure)
                refused(Refused(failure), operation.purpose, now: now, wall: wall)
            }
        }
        durable.removeAll(keepingCapacity: true)
        swap(&durable, &completions)
    }

    /// Tells the sessions here what another worker has had committed.
    private mutating func hear(
        _ operation: StoreOperation, _ result: Result<StoreOutcome, StoreFailure>, now: Instant
    ) {
        switch result {
        case .failure(let failure): noteFailure(failure)
        case .success(.appended(let message)): spread(message, by: nil, except: nil, now: now)
        case .success(.acknowledged(let marks)):
            for mark in marks { deliver(mark, now: now) }
        case .success(.enrolled(_, _, let changes)), .success(.changed(let changes)):
            deliver(changes, introduces: operation.changesRelations, now: now)
            #if PETREL_PLANTED
                if PlantedBug.revocationStaysWithWorker.isActive { return }
            #endif
            revoke(changes.revoked, asking: nil, now: now)
        case .success(.expired(let events)): deliver(events, now: now)
        case .success(.done), .success(.refused): break
        }
    }

    private mutating func succeeded(
        _ outcome: StoreOutcome, _ operation: PendingOperation, now: Instant, wall: WallTime
    ) {
        switch (outcome, operation.purpose) {
        case (
            .enrolled(let account, let device, let changes),
            .enrolment(let handle, let request, let name, _)
        ):
            // Before the device is one of the account: its Welcome says it all.
            deliver(changes, introduces: operation.changesRelations, now: now)
            revoke(changes.revoked, asking: nil, now: now)
            enrolled(
                Principal(account: account, device: device, handle: name), request: request,
                handle, now: now, wall: wall)
        case (.appended(let message), .message(let handle, let request, let sender, let cmid)):
            unblock(handle, cmid)
            deliver(message, cmid, from: sender, handle, request: request, now: now)
        case (.acknowledged(let marks), .acknowledgement):
            for mark in marks { deliver(mark, now: now) }
        case (.changed(let changes), .change(let handle, let request)):
            deliver(changes, introduces: operation.changesRelations, now: now)
            answer(handle, .done, request: request, now: now)
            revoke(changes.revoked, asking: handle, now: now)
            // Who was deleted leaves its groups from now on.
            if !changes.revoked.isEmpty { nextDeletions = min(nextDeletions, now) }
        case (.changed, .invitation(let handle, let request, let code, let expires)):
            answer(handle, .invitation(code: code, expires: expires), request: request, now: now)
        case (.expired(let events), let purpose):
            deliver(events, now: now)
            // What was left is gone on with at once.
            if case .deletions = purpose, !events.isEmpty { nextDeletions = now }
        default: break
        }
    }

    /// Answers the session that asked, if it is still there.
    private mutating func answer(
        _ handle: Handle, _ kind: Notice.Kind, request: UInt64, now: Instant
    ) {
        guard sessions.contains(handle), sessions[handle].state.principal != nil else { return }
        tell(kind, request: request, to: handle, as: .durable, now: now)
    }

    private mutating func refused(
        _ refusal: Refused, _ purpose: PendingOperation.Purpose, now: Instant, wall: WallTime
    ) {
        switch purpose {
        case .housekeeping: break
        case .deletions: nextDeletions = now + configuration.expiryInterval
        case .enrolment(let handle, let request, _, let usesInvitation):
            if refusal.error == .invitationInvalid, usesInvitation { countWrong(handle, now: now) }
            // A random identifier that was taken is drawn anew when the client tries again.
            let retried = refusal.error == .busy ? Refused(StoreFailure.busy) : refusal
            refuseEnrolment(retried, request: request, to: handle, now: now, wall: wall)
        case .message(let handle, let request, _, let cmid):
            guard sessions.contains(handle) else { return }
            let retried = refusal.error == .busy ? Refused(StoreFailure.busy) : refusal
            // If a newer copy is under way, the client has begun again and waits for that one.
            if !isUnderWay(cmid, from: handle) { block(handle, cmid, request, after: retried) }
            refuse(retried, request: request, cmid: cmid, to: handle, now: now)
        case .acknowledgement(let handle, let request), .change(let handle, let request),
            .invitation(let handle, let request, _, _):
            guard sessions.contains(handle) else { return }
            refuse(refusal, request: request, to: handle, now: now)
        }
    }

    private func isUnderWay(_ cmid: ClientMessageID, from handle: Handle) -> Bool {
        operations.contains { operation in
            guard case .message(let sender, _, _, let other) = operation.purpose else {
                return false
            }
            return sender == handle && other == cmid
        }
    }

    /// Hands an operation to the store.
    mutating func submit(
        _ operation: StoreOperation, _ purpose: PendingOperation.Purpose
    ) throws(Refused) {
        guard !hasFailed else { throw Refused(StoreFailure.failed) }
        guard !operations.isFull else { throw Refused(StoreFailure.busy) }
        let ticket = takeTicket()
        do throws(StoreFailure) {
            try store.submit(operation, ticket: ticket, by: worker)
        } catch {
            noteFailure(error)
            throw Refused(error)
        }
        _ = operations.append(
            PendingOperation(
                ticket: ticket, purpose: purpose, changesRelations: operation.changesRelations))
        if let handle = purpose.handle, sessions.contains(handle) {
            sessions[handle].state.lastTicket = ticket
        }
    }

    /// Hands an operation to the store that nobody waits for; what is not done now is done later.
    mutating func submitHousekeeping(
        _ operation: StoreOperation, _ purpose: PendingOperation.Purpose = .housekeeping
    ) {
        do throws(Refused) { try submit(operation, purpose) } catch {}
    }

    mutating func takeTicket() -> UInt64 {
        defer { nextTicket += 1 }
        return nextTicket
    }

    /// Remembers that the store failed, if that is what it says.
    mutating func noteFailure(_ failure: StoreFailure) {
        #if PETREL_PLANTED
            if PlantedBug.diskErrorIgnored.isActive { return }
        #endif
        if failure == .failed { hasFailed = true }
    }
}

extension StoreOperation {
    /// Whether it may make two accounts contacts of each other.
    fileprivate var changesRelations: Bool {
        switch self {
        case .createAccount, .changeContact: true
        default: false
        }
    }
}

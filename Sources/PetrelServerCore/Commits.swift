// Operations go to the store and come back durable; only then is anybody told.

public import PetrelBase
internal import PetrelMessaging
internal import PetrelServices
internal import PetrelTransport

/// An operation that was submitted, and what to do when it is durable.
struct PendingOperation {
    /// For whom the operation is.
    enum Purpose {
        case housekeeping
        case enrolment(Handle, request: UInt64, name: String)
        case message(Handle, request: UInt64, Principal, MessageService.Admitted)
        case acknowledgement(Handle, request: UInt64)

        /// The session that waits for it.
        var handle: Handle? {
            switch self {
            case .housekeeping: nil
            case .enrolment(let handle, _, _), .message(let handle, _, _, _),
                .acknowledgement(let handle, _):
                handle
            }
        }
    }

    var ticket: UInt64
    var purpose: Purpose
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
                refused(Refused(error), operation.purpose, now: now, wall: wall)
            case .success(let outcome):
                succeeded(outcome, operation.purpose, now: now, wall: wall)
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
        switch (operation, result) {
        case (.appendMessage(let append), .success(.appended(let message))):
            guard message.feeds.contains(where: { live.isLive($0.account) }) else { return }
            do throws(StoreFailure) {
                let handle = try store.account(append.account)?.handle ?? ""
                spread(message, append, by: handle, except: nil, now: now)
            } catch {
                noteFailure(error)
            }
        case (_, .success(.acknowledged(let marks))):
            for mark in marks { deliver(mark, now: now) }
        case (_, .failure(let failure)): noteFailure(failure)
        default: break
        }
    }

    private mutating func succeeded(
        _ outcome: StoreOutcome, _ purpose: PendingOperation.Purpose, now: Instant,
        wall: WallTime
    ) {
        switch (outcome, purpose) {
        case (.enrolled(let account, let device), .enrolment(let handle, let request, let name)):
            enrolled(
                Principal(account: account, device: device, handle: name), request: request,
                handle, now: now, wall: wall)
        case (.appended(let message), .message(let handle, let request, let sender, let admitted)):
            unblock(handle, admitted.operation.clientMessageID)
            deliver(
                message, admitted, from: sender, handle, request: request, now: now)
        case (.acknowledged(let marks), .acknowledgement):
            for mark in marks { deliver(mark, now: now) }
        default: break
        }
    }

    private mutating func refused(
        _ refusal: Refused, _ purpose: PendingOperation.Purpose, now: Instant, wall: WallTime
    ) {
        switch purpose {
        case .housekeeping: break
        case .enrolment(let handle, let request, _):
            // A random identifier that was taken is drawn anew when the client tries again.
            let retried = refusal.error == .busy ? Refused(StoreFailure.busy) : refusal
            refuseEnrolment(retried, request: request, to: handle, now: now, wall: wall)
        case .message(let handle, let request, _, let admitted):
            guard sessions.contains(handle) else { return }
            let retried = refusal.error == .busy ? Refused(StoreFailure.busy) : refusal
            let cmid = admitted.operation.clientMessageID
            // If a newer copy is under way, the client has begun again and waits for that one.
            if !isUnderWay(cmid, from: handle) { block(handle, cmid, request, after: retried) }
            refuse(retried, request: request, cmid: cmid, to: handle, now: now)
        case .acknowledgement(let handle, let request):
            guard sessions.contains(handle) else { return }
            refuse(refusal, request: request, to: handle, now: now)
        }
    }

    private func isUnderWay(_ cmid: ClientMessageID, from handle: Handle) -> Bool {
        operations.contains { operation in
            guard case .message(let sender, _, _, let admitted) = operation.purpose else {
                return false
            }
            return sender == handle && admitted.operation.clientMessageID == cmid
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
        _ = operations.append(PendingOperation(ticket: ticket, purpose: purpose))
        if let handle = purpose.handle, sessions.contains(handle) {
            sessions[handle].state.lastTicket = ticket
        }
    }

    /// Hands an operation to the store that nobody waits for; what is not done now is done later.
    mutating func submitHousekeeping(_ operation: StoreOperation) {
        do throws(Refused) { try submit(operation, .housekeeping) } catch {}
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

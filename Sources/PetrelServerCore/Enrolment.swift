// From a confirmed key to a known device: welcome, or stranger, password, enrolment, welcome.

public import PetrelBase
internal import PetrelMessaging
public import PetrelServices
internal import PetrelTransport
internal import PetrelWire

/// A piece of hashing with the number under which its result is expected.
public struct HashJobTicketed: Equatable, Sendable {
    /// The number to hand back with the result.
    public var ticket: UInt64
    /// What to do.
    public var job: HashJob
}

/// Something of a session here, whose password is being judged.
struct PendingJudgement {
    var handle: Handle
    var request: UInt64
    /// Whether the session wants to be enrolled; otherwise its device is.
    var isEnrolment: Bool
}

/// A password that is being hashed for a session of any worker.
struct PendingAttempt {
    /// The worker of the session, and what it calls the judgement.
    var worker: Int
    var ticket: UInt64
    var pending: AccountService.Pending
}

extension ServerCore {
    /// Moves the passwords that are to be hashed to the end of `jobs`.
    public mutating func takeHashJobs(into jobs: inout [HashJobTicketed]) {
        jobs.append(contentsOf: hashJobs)
        hashJobs.removeAll(keepingCapacity: true)
    }

    /// Goes on with something whose password was hashed; `.notDone` if it could not be.
    public mutating func hashed(
        _ ticket: UInt64, _ result: HashResult, now: Instant, wall: WallTime
    ) {
        guard var attempt = attempts.removeValue(forKey: ticket) else { return }
        let judgement: Result<AccountService.Grant, Refused>
        do throws(Refused) {
            let step = try accounts.finish(
                attempt.pending, result, now: now, wall: wall, random: &random)
            switch step {
            case .write(let grant): judgement = .success(grant)
            case .hash(let pending, let job):
                attempt.pending = pending
                return hash(job, attempt)
            }
        } catch {
            judgement = .failure(error)
        }
        guard attempt.worker == worker else {
            return write(.judged(ticket: attempt.ticket, judgement), to: attempt.worker)
        }
        judged(attempt.ticket, judgement, now: now, wall: wall)
    }

    /// Begins to judge a password, which may be that of another worker's session.
    mutating func judge(_ request: WorkerLetter.JudgementRequest, now: Instant) {
        do throws(Refused) {
            try attempt(request, now: now)
        } catch {
            write(.judged(ticket: request.ticket, .failure(error)), to: request.worker)
        }
    }

    private mutating func attempt(
        _ request: WorkerLetter.JudgementRequest, now: Instant
    ) throws(Refused) {
        guard attempts.count < configuration.hashJobsMax else {
            throw Refused(.busy, retryAfter: .seconds(1))
        }
        let (pending, job) = try accounts.begin(
            request.wish, by: request.applicant, store: store, now: now)
        hash(
            job,
            PendingAttempt(worker: request.worker, ticket: request.ticket, pending: pending))
    }

    private mutating func hash(_ job: HashJob, _ attempt: PendingAttempt) {
        let ticket = takeTicket()
        attempts[ticket] = attempt
        hashJobs.append(HashJobTicketed(ticket: ticket, job: job))
    }

    /// Asks for a password to be judged, here or by worker 0.
    mutating func beginJudgement(
        _ wish: AccountService.Wish, _ request: UInt64, from handle: Handle, now: Instant
    ) throws(Refused) {
        guard judgements.count < configuration.hashJobsMax else {
            throw Refused(.busy, retryAfter: .seconds(1))
        }
        let state = sessions[handle].state
        let applicant = AccountService.Applicant(
            key: state.key, helloCounter: state.helloCounter, address: state.address)
        let asked = WorkerLetter.JudgementRequest(
            worker: worker, ticket: takeTicket(), wish: wish, applicant: applicant)
        if worker == 0 { try attempt(asked, now: now) } else { write(.judgement(asked), to: 0) }
        judgements[asked.ticket] = PendingJudgement(
            handle: handle, request: request, isEnrolment: wish.isEnrolment)
    }

    /// Goes on with what a session here asked for.
    mutating func judged(
        _ ticket: UInt64, _ judgement: Result<AccountService.Grant, Refused>, now: Instant,
        wall: WallTime
    ) {
        guard let pending = judgements.removeValue(forKey: ticket) else { return }
        let (handle, request) = (pending.handle, pending.request)
        do throws(Refused) {
            let next = try judgement.get()
            guard pending.isEnrolment else {
                return try submit(next.operation, .change(handle, request: request))
            }
            // Whoever left meanwhile asks again.
            guard isEnrolling(handle) else { return }
            try submit(
                next.operation,
                .enrolment(
                    handle, request: request, name: next.handle,
                    usesInvitation: next.operation.usesInvitation))
            if let renewal = next.renewal { submitHousekeeping(renewal) }
        } catch {
            if pending.isEnrolment {
                return refuseEnrolment(
                    error, request: request, to: handle, now: now, wall: wall)
            }
            guard sessions.contains(handle), sessions[handle].state.principal != nil else {
                return
            }
            refuse(error, request: request, to: handle, now: now)
        }
    }

    /// Counts a wrong invitation as a failure of its address.
    mutating func countWrong(_ handle: Handle, now: Instant) {
        guard sessions.contains(handle) else { return }
        let address = sessions[handle].state.address
        if worker == 0 {
            accounts.fail(address, now: now)
        } else {
            write(.invitationWrong(address), to: 0)
        }
    }

    /// The peer holds its key: welcomes the device, or tells it that it is a stranger.
    mutating func confirm(_ handle: Handle, now: Instant, wall: WallTime) {
        guard sessions[handle].state.phase == .halfOpen else { return }
        metrics.sessionsConfirmed += 1
        let key = sessions[handle].state.key
        do throws(StoreFailure) {
            let device = try store.device(key: key)
            guard let device, !device.isRevoked,
                let account = try store.account(device.account)
            else {
                sessions[handle].state.phase = .stranger
                let stranger = Stranger(
                    isRevoked: device?.isRevoked == true,
                    needsInvitation: store.limits.needsInvitation)
                return tell(.stranger(stranger), to: handle, as: .reliable, now: now)
            }
            submitHousekeeping(
                .raiseHelloCounter(
                    account: device.account, device: device.device,
                    counter: sessions[handle].state.helloCounter, time: wall))
            let principal = Principal(
                account: device.account, device: device.device, handle: account.handle)
            try welcome(principal, request: 0, handle, now: now, wall: wall)
        } catch {
            noteFailure(error)
            close(handle, .internalError, now: now)
        }
    }

    /// The session is that device's from now on; an older one gives way.
    mutating func welcome(
        _ principal: Principal, request: UInt64, _ handle: Handle, now: Instant, wall: WallTime
    ) throws(StoreFailure) {
        let feed = try store.newestFeed(principal.account)
        if !live.isLive(principal.account) { try joinLargeGroups(principal.account) }
        sessions[handle].state.phase = .enrolled(principal)
        let older = live.insert(handle, of: principal.device, account: principal.account)
        #if PETREL_PLANTED
            let isKept = PlantedBug.olderSessionKept.isActive
        #else
            let isKept = false
        #endif
        viewers.set(nil, principal.device, of: principal.account)
        if let older, !isKept { replace(older, now: now) }
        announce(handle, of: principal)
        raiseHint(handle, feed)
        let welcome = Welcome(
            account: principal.account, device: principal.device, handle: principal.handle,
            incarnation: store.incarnation, feed: feed, time: wall)
        tell(.welcome(welcome), request: request, to: handle, as: .reliable, now: now)
        report(principal.account, principal.device, .online, now: now)
        tellContacts(to: handle, of: principal, isAnew: true, now: now)
    }

    /// Ends a session that a newer one of the same device took the place of.
    mutating func replace(_ older: SessionPlace, now: Instant) {
        metrics.sessionsReplaced += 1
        if let handle = awake(older, now: now) { return close(handle, .replaced, now: now) }
        if case .asleep(let handle) = older { forget(handle, now: now) }
    }

    /// Welcomes a stranger whose key has become that of a device, by another session's enrolment
    /// that was under way; returns whether it has.
    ///
    /// It proved the key, so it is owed what it would be told if it connected now: a client whose
    /// session was told nothing would ask for ever. Whether this is the account that it wishes for,
    /// it can see from the handle.
    mutating func welcomeKnown(
        _ handle: Handle, now: Instant, wall: WallTime
    ) throws(Refused) -> Bool {
        #if PETREL_PLANTED
            if PlantedBug.strangerForEver.isActive { return false }
        #endif
        do throws(StoreFailure) {
            guard let device = try store.device(key: sessions[handle].state.key),
                !device.isRevoked, let account = try store.account(device.account)
            else { return false }
            let principal = Principal(
                account: device.account, device: device.device, handle: account.handle)
            try welcome(principal, request: 0, handle, now: now, wall: wall)
            return true
        } catch {
            noteFailure(error)
            throw Refused(error)
        }
    }

    /// The enrolment is durable: the device is known now.
    mutating func enrolled(
        _ principal: Principal, request: UInt64, _ handle: Handle, now: Instant, wall: WallTime
    ) {
        guard isEnrolling(handle) else { return }
        do throws(StoreFailure) {
            try welcome(principal, request: request, handle, now: now, wall: wall)
        } catch {
            noteFailure(error)
            refuseEnrolment(Refused(error), request: request, to: handle, now: now, wall: wall)
        }
    }

    /// Tells a stranger that it stays one, unless its key is that of a device by now.
    mutating func refuseEnrolment(
        _ refusal: Refused, request: UInt64, to handle: Handle, now: Instant, wall: WallTime
    ) {
        guard isEnrolling(handle) else { return }
        sessions[handle].state.phase = .stranger
        if refusal.error == .alreadyEnrolled,
            (try? welcomeKnown(handle, now: now, wall: wall)) == true
        {
            return
        }
        refuse(refusal, request: request, to: handle, now: now)
    }

    private func isEnrolling(_ handle: Handle) -> Bool {
        sessions.contains(handle) && sessions[handle].state.phase == .enrolling
    }
}

extension StoreOperation {
    /// Whether it uses an invitation.
    fileprivate var usesInvitation: Bool {
        guard case .createAccount(let create) = self else { return false }
        return create.invitation != nil
    }
}

// Whatever needs a password or a code, in steps: between them a password is hashed elsewhere.

public import PetrelBase
public import PetrelMessaging

/// Judges what needs a password or a code, and slows down whoever guesses.
///
/// `begin` judges the form and asks for a hash; `finish` turns its result into operations, or asks
/// for another hash.
public struct AccountService: Sendable {
    /// Who asks: what the session has proved.
    public struct Applicant: Equatable, Sendable {
        /// The device's key.
        public var key: DeviceKey
        /// The counter of its handshake.
        public var helloCounter: UInt64
        /// Where it is.
        public var address: Address

        /// Creates the applicant.
        public init(key: DeviceKey, helloCounter: UInt64, address: Address) {
            self.key = key
            self.helloCounter = helloCounter
            self.address = address
        }
    }

    /// Something whose password is being hashed.
    public struct Pending: Equatable, Sendable {
        /// What is asked for.
        var wish: Wish
        /// Who asks.
        var applicant: Applicant
        /// The normalised handle.
        var handle: String
        /// The account that it is about; `nil` when registering, or if there is none.
        var account: AccountID?
        /// The password record that is verified; empty when there is none.
        var record: [UInt8] = []
        /// Whether the code of a recovery is right.
        var isProved = false
        /// Whether the old password was right, and the new one is being hashed.
        var isVerified = false
    }

    /// What to write once the hash is there.
    public struct Grant: Equatable, Sendable {
        /// The operation that does what was asked for.
        public var operation: StoreOperation
        /// An operation that may be submitted besides: the password record at today's cost.
        public var renewal: StoreOperation?
        /// The normalised handle.
        public var handle: String
    }

    /// What comes after a hash.
    public enum Step: Equatable, Sendable {
        /// Something is to be written.
        case write(Grant)
        /// Another hash is needed.
        case hash(Pending, HashJob)
    }

    /// The part of an address that a subscriber cannot change at will: IPv4 whole, IPv6 half.
    private struct Host: Hashable {
        var high: UInt64
        var low: UInt64

        init(_ address: Address) {
            high = address.high
            low = address.v4 == nil ? 0 : address.low
        }
    }

    private var handleAttempts: AttemptTable<String>
    private var hostAttempts: AttemptTable<Host>

    /// Creates a service that remembers the failures of so many handles, and of so many hosts.
    public init(attemptsMax: Int = 4_096) {
        handleAttempts = AttemptTable(capacity: attemptsMax)
        hostAttempts = AttemptTable(capacity: attemptsMax)
    }

    /// Judges what can be judged without hashing, and says what to hash.
    ///
    /// What proves itself by a password or a code counts as a failure of its handle until it
    /// succeeds, so that many at once are not cheaper than one after the other.
    public mutating func begin(
        _ wish: Wish, by applicant: Applicant, store: any Store, now: Instant
    ) throws(Refused) -> (Pending, HashJob) {
        guard let handle = AccountHandle(wish.handle)?.text else {
            throw Refused(.handleInvalid)
        }
        try Self.judge(wish)
        if let wait = hostAttempts.begin(Host(applicant.address), now: now) {
            throw Refused(.tooManyAttempts, retryAfter: wait)
        }
        let device: DeviceRecord?
        let known: AccountRecord?
        do throws(StoreFailure) {
            device = try store.device(key: applicant.key)
            known = try store.account(handle: handle)
        } catch {
            throw Refused(error)
        }
        if wish.isEnrolment, let device {
            throw Refused(device.isRevoked ? .deviceRevoked : .alreadyEnrolled)
        }
        var pending = Pending(wish: wish, applicant: applicant, handle: handle)
        let usable = known?.isDeleted == false ? known : nil
        pending.account = usable?.id
        pending.record = usable?.password ?? []
        if case .register(_, let invitation, _) = wish {
            guard known == nil else {
                hostAttempts.fail(Host(applicant.address), now: now)
                throw Refused(.handleTaken)
            }
            guard invitation != nil || !store.limits.needsInvitation else {
                throw Refused(.invitationInvalid)
            }
        } else {
            if let wait = handleAttempts.begin(handle, now: now) {
                throw Refused(.tooManyAttempts, retryAfter: wait)
            }
            handleAttempts.fail(handle, now: now)
        }
        if case .recover(_, let proof, _) = wish {
            pending.isProved = Self.isEqual(proof, usable?.recovery)
        }
        return (pending, Self.job(wish, usable))
    }

    /// Turns the result of the hash into what is to be written, or into another hash.
    public mutating func finish(
        _ pending: Pending, _ result: HashResult, now: Instant, wall: WallTime,
        random: inout some RandomNumberGenerator
    ) throws(Refused) -> Step {
        switch (pending.wish, result) {
        case (.register(let form, let invitation, let recovery), .made(let record)):
            let create = CreateAccount(
                account: AccountID(random.next()), handle: pending.handle, password: record,
                key: pending.applicant.key, deviceName: form.deviceName,
                helloCounter: pending.applicant.helloCounter, time: wall,
                invitation: invitation, recovery: recovery)
            return .write(Grant(operation: .createAccount(create), handle: pending.handle))
        case (.recover(let form, let proof, let next), .made(let record)):
            guard pending.isProved, let proof, let account = pending.account else {
                throw wrong(pending, now: now)
            }
            handleAttempts.forgive(pending.handle, now: now)
            let recover = RecoverAccount(
                proof: proof, password: record, recovery: next,
                device: enrol(account, form, pending, wall))
            return .write(Grant(operation: .recoverAccount(recover), handle: pending.handle))
        case (.logIn(let form), .right(let renewed)):
            handleAttempts.forgive(pending.handle, now: now)
            guard let account = pending.account else { throw Refused(.credentialsWrong) }
            return .write(
                Grant(
                    operation: .enrolDevice(enrol(account, form, pending, wall)),
                    renewal: renewed.map {
                        .replacePassword(account: account, old: pending.record, record: $0)
                    },
                    handle: pending.handle))
        case (.changePassword(_, _, let new, _), .right) where !pending.isVerified:
            handleAttempts.forgive(pending.handle, now: now)
            var verified = pending
            verified.isVerified = true
            return .hash(verified, .make(password: new))
        case (.changePassword(let principal, _, _, let recovery), .made(let record))
        where pending.isVerified:
            return .write(
                change(principal, .password(record: record, recovery: recovery), wall))
        case (.delete(let principal, _), .right):
            handleAttempts.forgive(pending.handle, now: now)
            return .write(change(principal, .delete, wall))
        case (.logIn, .wrong), (.changePassword, .wrong), (.delete, .wrong):
            throw wrong(pending, now: now)
        case (_, .notDone):
            if pending.isCounted { handleAttempts.withdraw(pending.handle, now: now) }
            throw Refused(.busy, retryAfter: .seconds(1))
        case (_, .made), (_, .right), (_, .wrong):
            // Only a shell that mixes up its tickets gets here; nothing is done by it.
            throw Refused(.busy, retryAfter: .seconds(1))
        }
    }

    /// Counts a failure of an address that was found out elsewhere: a wrong invitation.
    public mutating func fail(_ address: Address, now: Instant) {
        hostAttempts.fail(Host(address), now: now)
    }

    private mutating func wrong(_ pending: Pending, now: Instant) -> Refused {
        hostAttempts.fail(Host(pending.applicant.address), now: now)
        return Refused(.credentialsWrong)
    }

    private func enrol(
        _ account: AccountID, _ form: Form, _ pending: Pending, _ wall: WallTime
    ) -> EnrolDevice {
        EnrolDevice(
            account: account, key: pending.applicant.key, deviceName: form.deviceName,
            helloCounter: pending.applicant.helloCounter, time: wall)
    }

    private func change(
        _ principal: Principal, _ change: ChangeAccount.Change, _ wall: WallTime
    ) -> Grant {
        Grant(
            operation: .changeAccount(
                ChangeAccount(
                    account: principal.account, device: principal.device, change: change,
                    time: wall)), handle: principal.handle)
    }

    // MARK: Forms

    private static func judge(_ wish: Wish) throws(Refused) {
        for password in wish.passwords {
            guard MessagingLimits.passwordBytes.contains(password.count) else {
                throw Refused(.passwordUnacceptable)
            }
        }
        guard let form = wish.form else { return }
        try TextRules.requireLine(form.deviceName, atMost: MessagingLimits.deviceNameBytesMax)
    }

    private static func job(_ wish: Wish, _ known: AccountRecord?) -> HashJob {
        switch wish {
        case .register(let form, _, _), .recover(let form, _, _):
            .make(password: form.password)
        case .logIn(let form): .verify(password: form.password, record: known?.password)
        case .changePassword(_, let old, _, _):
            .verify(password: old, record: known?.password)
        case .delete(_, let password): .verify(password: password, record: known?.password)
        }
    }

    /// Compares in the same time wherever two digests differ.
    private static func isEqual(_ a: RecoveryDigest?, _ b: RecoveryDigest?) -> Bool {
        let none = InlineWords4(0, 0, 0, 0)
        let (x, y) = (a?.words ?? none, b?.words ?? none)
        let difference = (x.a ^ y.a) | (x.b ^ y.b) | (x.c ^ y.c) | (x.d ^ y.d)
        return difference == 0 && a != nil && b != nil
    }
}

extension AccountService.Pending {
    /// Whether it counted as a failure of its handle that is not judged yet.
    fileprivate var isCounted: Bool {
        if case .register = wish { return false }
        return !isVerified
    }
}

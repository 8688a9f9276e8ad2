// Registering and logging in: in two steps, because between them a password is hashed elsewhere.

public import PetrelBase
public import PetrelMessaging

/// Enrols devices, and slows down whoever guesses.
///
/// `begin` judges the form and asks for a hash; `finish` turns its result into operations.
public struct AccountService: Sendable {
    /// What a device asks for.
    public enum Wish: Equatable, Sendable {
        /// A new account.
        case register
        /// A place in an existing account.
        case logIn
    }

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

    /// An enrolment whose password is being hashed.
    public struct Pending: Equatable, Sendable {
        /// What is asked for.
        public var wish: Wish
        /// Who asks.
        public var applicant: Applicant
        /// The normalised handle.
        public var handle: String
        /// What the owner calls the device.
        public var deviceName: String
        /// The account to log in to; `nil` when registering, or if there is none.
        public var account: AccountID?
    }

    /// What to write once the hash is there.
    public struct Enrolment: Equatable, Sendable {
        /// The operation whose outcome is `enrolled`.
        public var operation: StoreOperation
        /// An operation that may be submitted besides: the password record at today's cost.
        public var renewal: StoreOperation?
        /// The normalised handle.
        public var handle: String
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
    /// A log-in counts as a failure of its handle until it succeeds, so that many at once are not
    /// cheaper than one after the other.
    public mutating func begin(
        _ wish: Wish, _ registration: Registration, by applicant: Applicant, store: any Store,
        now: Instant
    ) throws(Refused) -> (Pending, HashJob) {
        guard let handle = AccountHandle(registration.handle)?.text else {
            throw Refused(.handleInvalid)
        }
        guard MessagingLimits.passwordBytes.contains(registration.password.count) else {
            throw Refused(.passwordUnacceptable)
        }
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
        guard device == nil else { throw Refused(.alreadyEnrolled) }
        let pending = Pending(
            wish: wish, applicant: applicant, handle: handle, deviceName: registration.deviceName,
            account: known?.id)
        switch wish {
        case .register:
            guard known == nil else {
                hostAttempts.fail(Host(applicant.address), now: now)
                throw Refused(.handleTaken)
            }
            return (pending, .make(password: registration.password))
        case .logIn:
            if let wait = handleAttempts.begin(handle, now: now) {
                throw Refused(.tooManyAttempts, retryAfter: wait)
            }
            handleAttempts.fail(handle, now: now)
            return (pending, .verify(password: registration.password, record: known?.password))
        }
    }

    /// Turns the result of the hash into what is to be written.
    public mutating func finish(
        _ pending: Pending, _ result: HashResult, now: Instant, wall: WallTime,
        random: inout some RandomNumberGenerator
    ) throws(Refused) -> Enrolment {
        switch (pending.wish, result) {
        case (.register, .made(let record)):
            let create = CreateAccount(
                account: AccountID(random.next()), handle: pending.handle, password: record,
                key: pending.applicant.key, deviceName: pending.deviceName,
                helloCounter: pending.applicant.helloCounter, time: wall)
            return Enrolment(
                operation: .createAccount(create), renewal: nil, handle: pending.handle)
        case (.logIn, .right(let renewed)):
            handleAttempts.forgive(pending.handle, now: now)
            guard let account = pending.account else { throw Refused(.credentialsWrong) }
            let enrol = EnrolDevice(
                account: account, key: pending.applicant.key, deviceName: pending.deviceName,
                helloCounter: pending.applicant.helloCounter, time: wall)
            return Enrolment(
                operation: .enrolDevice(enrol),
                renewal: renewed.map { .replacePassword(account: account, record: $0) },
                handle: pending.handle)
        case (.logIn, .wrong):
            hostAttempts.fail(Host(pending.applicant.address), now: now)
            throw Refused(.credentialsWrong)
        case (_, .notDone):
            if pending.wish == .logIn { handleAttempts.withdraw(pending.handle, now: now) }
            throw Refused(.busy, retryAfter: .seconds(1))
        case (.register, .right), (.register, .wrong), (.logIn, .made):
            // Only a shell that mixes up its tickets gets here; nothing is enrolled by it.
            throw Refused(.busy, retryAfter: .seconds(1))
        }
    }
}

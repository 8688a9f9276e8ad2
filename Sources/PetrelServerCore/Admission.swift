// Whether a HELLO gets in: load, cookies, rates of hosts, and how much of a wakeup it may take.

import PetrelBase
import PetrelCrypto
import PetrelTransport
import PetrelWire

/// A HELLO with the right MAC1, to be opened when the sessions had their turn.
struct WaitingHello {
    var bytes: [UInt8]
    var tag: HelloTag
    var address: Address
}

/// What a stranger is to be sent.
enum StrangerAnswer {
    /// The ACCEPT of a session.
    case accept([UInt8])
    /// A cookie for the HELLO with that MAC1.
    case retry(mac1: InlineArray<16, UInt8>)
    /// The end of the session with that connection ID, for a packet of so many bytes.
    case reset(id: UInt64, trigger: Int)
}

/// The door for strangers: everything is bounded, and the dear things come last.
struct Admission: ~Copyable {
    /// What a HELLO still has to do to be let in.
    enum Verdict {
        case welcome
        /// It must come again with a cookie.
        case cookieDemanded
        /// Its host asks too often.
        case tooOften
        /// Too many wait.
        case full
    }

    private let configuration: ServerCoreConfiguration
    private var cookies: CookieSecrets
    private var buckets: HostBuckets
    private var resets: TokenBucket
    private var waiting: RingBuffer<WaitingHello>
    /// Bytes of those HELLOs.
    private var waitingByteCount = 0
    private var answers: RingBuffer<(StrangerAnswer, to: Address)>
    private let retryKey: RetryKey
    let resetKey: ResetKey
    private var random = SecureRandom()

    /// Until when a cookie is demanded whatever the tables say.
    private var loadUntil: Instant
    /// What may still be done in the wakeup at that moment.
    private var wakeup: Instant
    private var hellosLeft: Int
    private var failuresLeft: Int

    init(
        configuration: ServerCoreConfiguration, identity: borrowing KeyPair, secret: UInt64,
        now: Instant
    ) {
        cookies = CookieSecrets(lifetime: configuration.cookieLifetime, now: now)
        buckets = HostBuckets(capacity: configuration.hostsMax, secret: secret)
        resets = TokenBucket(now: now)
        waiting = RingBuffer(capacity: configuration.hellosWaitingMax)
        answers = RingBuffer(capacity: configuration.answersMax)
        retryKey = RetryKey(serverKey: identity.publicKey)
        resetKey = ResetKey(identity: identity)
        loadUntil = now
        wakeup = now
        hellosLeft = configuration.hellosPerWakeupMax
        failuresLeft = configuration.failedConfirmationsPerWakeupMax
        self.configuration = configuration
    }

    /// HELLOs that wait to be opened.
    var waitingCount: Int { waiting.count }

    /// When the next of them may be opened.
    var deadline: Instant {
        waiting.isEmpty ? .distantFuture : wakeup + Self.wakeupSpacing
    }

    /// Bytes of HELLOs that may wait.
    private var waitingByteCountMax: Int {
        configuration.hellosWaitingMax * ServerLimits.helloBytesMean
    }

    /// Whether HELLOs must show a cookie.
    func isUnderLoad(halfOpenCount: Int, now: Instant) -> Bool {
        now < loadUntil
            || waiting.count * ServerLimits.loadShare >= configuration.hellosWaitingMax
            || waitingByteCount * ServerLimits.loadShare >= waitingByteCountMax
            || halfOpenCount * ServerLimits.loadShare >= configuration.halfOpenMax
    }

    /// The event loop woke up that much too late.
    mutating func noteLag(_ lag: Interval, now: Instant) {
        if lag > ServerLimits.lagMax { loadUntil = max(loadUntil, now + ServerLimits.loadHold) }
    }

    /// Looks at a HELLO that is no copy; `.welcome` means that it waits now.
    ///
    /// A bucket is charged only for an address that is proven: nobody can empty another's.
    mutating func receive(
        _ datagram: RawSpan, tag: HelloTag, from address: Address, halfOpenCount: Int,
        hosts: LiveHosts, now: Instant
    ) -> Verdict {
        if isUnderLoad(halfOpenCount: halfOpenCount, now: now) {
            // A load that ends and begins again would ask the same client twice.
            loadUntil = max(loadUntil, now + ServerLimits.loadHold)
            guard isProven(datagram, from: address, now: now) else { return .cookieDemanded }
            let host = Host(address)
            let rate = hosts.contains(host) ? ServerLimits.residents : ServerLimits.strangers
            guard buckets.take(host, rate, now: now) else { return .tooOften }
        }
        let byteCount = waitingByteCount + datagram.byteCount
        guard !waiting.isFull, byteCount <= waitingByteCountMax else {
            return .full
        }
        waitingByteCount = byteCount
        let bytes = datagram.withUnsafeBytes { Array($0) }
        _ = waiting.append(WaitingHello(bytes: bytes, tag: tag, address: address))
        return .welcome
    }

    private mutating func isProven(
        _ datagram: RawSpan, from address: Address, now: Instant
    ) -> Bool {
        #if PETREL_PLANTED
            if PlantedBug.cookieNotAsked.isActive { return true }
        #endif
        // A connection has shown already that its other end receives what is sent there.
        if address.carrier == .stream { return true }
        return Hello.showsCookie(datagram, from: address, secrets: &cookies, now: now)
    }

    /// The next HELLO to open, if this wakeup may open one more.
    mutating func nextHello(now: Instant) -> WaitingHello? {
        guard !waiting.isEmpty else { return nil }
        refill(now: now)
        guard hellosLeft > 0 else { return nil }
        hellosLeft -= 1
        let hello = waiting.popFirst()
        waitingByteCount -= hello?.bytes.count ?? 0
        return hello
    }

    /// Whether one more packet to a half-open session may be tried.
    mutating func mayTryConfirmation(now: Instant) -> Bool {
        refill(now: now)
        return failuresLeft > 0
    }

    /// A packet to a half-open session did not open.
    mutating func noteFailedConfirmation() { failuresLeft -= 1 }

    /// One clock reading is one wakeup.
    private mutating func refill(now: Instant) {
        guard now != wakeup else { return }
        wakeup = now
        hellosLeft = configuration.hellosPerWakeupMax
        failuresLeft = configuration.failedConfirmationsPerWakeupMax
    }

    /// Whether a RESET may be sent for a packet of that size to that connection ID.
    mutating func mayReset(_ id: UInt64, trigger: Int, now: Instant) -> Bool {
        // Another worker may know the session: only that one may end it.
        guard trigger >= WireLimits.serverDatagramByteCountMin,
            UInt8(truncatingIfNeeded: id >> 56) == configuration.worker,
            resetKey.recognises(id)
        else { return false }
        return resets.take(ServerLimits.resets, now: now)
    }

    /// Has something sent to a stranger; of too many the one that waited longest is left out.
    mutating func answer(_ answer: StrangerAnswer, to address: Address) {
        if answers.isFull { _ = answers.popFirst() }
        _ = answers.append((answer, to: address))
    }

    /// Forgets everybody who waits; returns how many HELLOs that were.
    mutating func clear() -> Int {
        let count = waiting.count
        while waiting.popFirst() != nil {}
        waitingByteCount = 0
        while answers.popFirst() != nil {}
        return count
    }

    /// Writes the next answer into `room`, if there is one.
    mutating func transmit(into room: inout MutableRawSpan, now: Instant) -> Transmission? {
        while let (answer, address) = answers.popFirst() {
            guard let byteCount = write(answer, to: address, into: &room, now: now) else {
                continue
            }
            return Transmission(byteCount: byteCount, destination: address)
        }
        return nil
    }

    private mutating func write(
        _ answer: StrangerAnswer, to address: Address, into room: inout MutableRawSpan,
        now: Instant
    ) -> Int? {
        switch answer {
        case .accept(let bytes):
            var writer = ByteWriter(&room)
            return (try? writer.writeBytes(bytes.span.bytes)) == nil ? nil : bytes.count
        case .retry(let mac1):
            let cookie = cookies.cookie(for: address, now: now)
            return Retry.write(
                answering: mac1.span.bytes, cookie: cookie, key: retryKey, into: &room)
        case .reset(let id, let trigger):
            let token = resetKey.token(of: id)
            return Reset.write(
                token: token.bytes, trigger: trigger, random: &random, into: &room)
        }
    }

    /// When the budget is spent, the loop looks at its sockets first, and comes back at once.
    private static let wakeupSpacing = Interval.microseconds(100)
}

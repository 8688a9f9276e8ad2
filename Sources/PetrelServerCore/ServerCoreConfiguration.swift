// How one worker's brain is set up, and how much all peers together may cost it.

public import PetrelBase
public import PetrelTransport

/// The settings and limits of a `ServerCore`; those of one session are in its configuration.
public struct ServerCoreConfiguration: Sendable {
    /// The number of this worker, which is the first byte of its connection IDs.
    public var worker: UInt8 = 0
    /// Workers that share the store, 64 at most; all the limits below are of each.
    public var workers = 1
    /// The second byte: which generation of routing the IDs belong to.
    public var generation: UInt8 = 1
    /// What identifiers are drawn from; a secret of the process, or a simulation's seed.
    public var seed: UInt64
    /// Sessions that are confirmed and awake; a HELLO beyond them is passed over in silence.
    public var sessionsMax = ServerLimits.sessionsMax
    /// Sessions that sleep, besides, of which the one whose time is up first gives way; 0: none.
    public var dormantMax = ServerLimits.dormantMax
    /// How long a session has had no message, keepalives aside, when it falls asleep.
    public var dormantAfter = ServerLimits.dormantAfter
    /// How long nothing at all must have come or gone then.
    public var dormantSettled = ServerLimits.dormantSettled
    /// Sessions that wait for the client's first packet; the oldest gives way.
    public var halfOpenMax = ServerLimits.halfOpenMax
    /// How long such a session waits after the last copy of its HELLO.
    public var halfOpenLifetime = ServerLimits.halfOpenLifetime
    /// Device keys whose handshake counter is remembered beside the store's.
    public var countersMax = ServerLimits.countersMax
    /// HELLOs that wait to be opened.
    public var hellosWaitingMax = ServerLimits.hellosWaitingMax
    /// HELLOs opened in one wakeup.
    public var hellosPerWakeupMax = ServerLimits.hellosPerWakeupMax
    /// Packets to half-open sessions in one wakeup that may fail to open.
    public var failedConfirmationsPerWakeupMax = ServerLimits.failedConfirmationsPerWakeupMax
    /// Datagrams that wait to be sent to strangers.
    public var answersMax = ServerLimits.answersMax
    /// How long a secret makes cookies; it is accepted as long again.
    public var cookieLifetime = ServerLimits.cookieLifetime
    /// Measurements of NATs under way; more are refused.
    public var probesMax = ServerLimits.probesMax
    /// Hosts whose HELLOs are counted.
    public var hostsMax = ServerLimits.hostsMax
    /// Datagrams of other workers that wait to be handed over.
    public var forwardedMax = ServerLimits.forwardedMax
    /// Operations that were submitted and are not durable yet.
    public var operationsMax = ServerLimits.operationsMax
    /// Passwords that are being hashed, or wait for it.
    public var hashJobsMax = ServerLimits.hashJobsMax
    /// Messages in a session's queue from which on pushes are skipped: the client will sync.
    public var pushMessagesMax = ServerLimits.pushMessagesMax
    /// Bytes in a session's queue from which on pushes are skipped.
    public var pushBytesMax = ServerLimits.pushBytesMax
    /// Messages that are no commands after which a session is closed.
    public var garbageMax = ServerLimits.garbageMax
    /// How often old deduplication rows are forgotten.
    public var purgeInterval = Interval.seconds(600)
    /// Rows that one purge forgets.
    public var purgeRowsMax = ServerLimits.purgeRowsMax
    /// How often messages whose lifetime is over are erased.
    public var expiryInterval = Interval.seconds(10)
    /// Events that are erased at once.
    public var expiredEventsMax = ServerLimits.expiredEventsMax
    /// Groups that deleted accounts leave at once.
    public var deletionsMax = ServerLimits.deletionsMax
    /// Sends of an account.
    public var sends = ServerLimits.sends
    /// Look-ups, requests to become contacts and invitations of an account.
    public var questions = ServerLimits.questions
    /// Accounts whose sends and questions are counted.
    public var accountsCountedMax = ServerLimits.accountsCountedMax
    /// How often typing of a device is passed on.
    public var typingSpacing = Interval.seconds(1)
    /// How long a session that shut out its own device has for its answer.
    public var revokedGrace = Interval.milliseconds(500)
    /// Within which the clients of a server that stops are to come back.
    public var departureWindow = Interval.seconds(5)
    /// Where they are to come back; `nil`: to the same address.
    public var departureAddress: Address?
    /// How long a server that stops goes on, so that all its clients hear of it.
    public var departureGrace = Interval.milliseconds(300)
    /// The settings of each session.
    public var session = SessionConfiguration()

    /// Creates the defaults.
    public init(seed: UInt64) {
        self.seed = seed
        session.restlessTimeout = ServerLimits.restlessTimeout
    }
}

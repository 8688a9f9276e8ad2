// What all peers together may cost a worker: every cap of the server, its unit and its reason.

public import PetrelBase

/// The caps of one worker, as they ship; `ServerCoreConfiguration` starts from them.
///
/// Those of one session are in `SessionConfiguration`, those that the protocol fixes in
/// `WireLimits`.
public enum ServerLimits {
    // MARK: Sessions

    /// Confirmed sessions of a worker that are awake, some 4 KiB each.
    public static let sessionsMax = 4_096
    /// Sessions of a worker that sleep, less than 1 KiB each; memory grows with them.
    public static let dormantMax = 262_144
    /// How long a session has had no message when it falls asleep.
    public static let dormantAfter = Interval.seconds(30)
    /// How long nothing at all must have come or gone then: what is late has arrived by now.
    public static let dormantSettled = Interval.seconds(1)
    /// Silence after which a session is over that cannot sleep, because something is under way or
    /// missing: it takes the room of one that is used.
    public static let restlessTimeout = Interval.seconds(180)
    /// Sessions that wait for the client's first packet, each of at most 1 KiB; the one whose time
    /// is up first gives way.
    public static let halfOpenMax = 4_096
    /// How long such a session waits after the last copy of its HELLO: two repetitions at the
    /// slowest pace that a client has.
    public static let halfOpenLifetime = Interval.seconds(5)
    /// Device keys whose handshake counter is remembered beside the store's.
    public static let countersMax = 16_384

    /// Measurements of NATs under way, 80 bytes each: a client makes six when it comes into a new
    /// network, of ten minutes at most.
    public static let probesMax = 1_024

    /// Datagrams for other workers that wait to be handed over.
    public static let forwardedMax = 1_024

    // MARK: Handshakes

    /// HELLOs that wait to be opened.
    public static let hellosWaitingMax = 256
    /// Their bytes, for each of them: twice what a HELLO without messages has.
    public static let helloBytesMean = 512
    /// HELLOs opened in one wakeup, some 0.2 ms each: sessions wait for no more than these.
    public static let hellosPerWakeupMax = 16
    /// Packets to half-open sessions in one wakeup that may fail to open, some 10 us each.
    public static let failedConfirmationsPerWakeupMax = 64
    /// Datagrams that wait to be sent to strangers: ACCEPT, RETRY and RESET.
    public static let answersMax = 512
    /// The share of waiting HELLOs, or of half-open sessions, from which on a cookie is demanded.
    public static let loadShare = 8
    /// How late a wakeup may be before a cookie is demanded.
    public static let lagMax = Interval.milliseconds(20)
    /// How long a cookie is demanded after the last sign of load.
    public static let loadHold = Interval.seconds(1)
    /// How long a secret makes cookies; it is accepted as long again.
    public static let cookieLifetime = Interval.seconds(120)

    // MARK: Addresses

    /// Hosts whose HELLOs are counted, 32 bytes each; the one that asked for least gives way.
    public static let hostsMax = 8_192
    /// HELLOs of a proven host without sessions: 20 a second, 5 at once.
    public static let strangers = BucketRate(spacing: .milliseconds(50), burst: 5)
    /// HELLOs of a proven host with sessions, which may stand before a thousand phones: 200 a
    /// second, 1,000 at once.
    public static let residents = BucketRate(spacing: .milliseconds(5), burst: 1_000)
    /// RESETs of a worker: 500 a second, 250 at once.
    public static let resets = BucketRate(spacing: .milliseconds(2), burst: 250)

    // MARK: Work

    /// Operations that were submitted and are not durable yet.
    public static let operationsMax = 8_192
    /// Passwords that are being hashed, or wait for it.
    public static let hashJobsMax = 64
    /// Messages in a session's queue from which on pushes are skipped: the client will sync.
    public static let pushMessagesMax = 256
    /// Bytes in a session's queue from which on pushes are skipped.
    public static let pushBytesMax = 512 * 1_024
    /// Messages that are no commands after which a session is closed.
    public static let garbageMax = 16
    /// Events that are erased at once.
    public static let expiredEventsMax = 512
    /// Deleted accounts that leave a group at once.
    public static let deletionsMax = 64
    /// Sends of an account: 50 a second, 500 at once.
    public static let sends = BucketRate(spacing: .milliseconds(20), burst: 500)
    /// Look-ups, requests to become contacts and invitations of an account: one a second, 20 at
    /// once, so that nobody lists who there is.
    public static let questions = BucketRate(spacing: .seconds(1), burst: 20)
    /// Accounts whose sends and questions are counted, some 64 bytes each.
    public static let accountsCountedMax = 65_536
    /// Rows that one purge forgets: huge transactions slow all later ones.
    public static let purgeRowsMax = 1_024
}

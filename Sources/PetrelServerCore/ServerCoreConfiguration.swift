// How one worker's brain is set up, and how much all peers together may cost it.

public import PetrelBase
public import PetrelTransport

/// The settings and limits of a `ServerCore`; those of one session are in its configuration.
public struct ServerCoreConfiguration: Sendable {
    /// The first byte of this worker's connection IDs.
    public var worker: UInt8 = 0
    /// The second byte: which generation of routing the IDs belong to.
    public var generation: UInt8 = 1
    /// What identifiers are drawn from; a secret of the process, or a simulation's seed.
    public var seed: UInt64
    /// Sessions that are confirmed; a HELLO beyond them is passed over in silence.
    public var sessionsMax = 4_096
    /// Sessions that wait for the client's first packet; the oldest gives way.
    public var halfOpenMax = 4_096
    /// How long such a session waits after the last copy of its HELLO.
    public var halfOpenLifetime = Interval.seconds(10)
    /// Device keys whose handshake counter is remembered beside the store's.
    public var countersMax = 16_384
    /// Operations that were submitted and are not durable yet.
    public var operationsMax = 8_192
    /// Passwords that are being hashed, or wait for it.
    public var hashJobsMax = 64
    /// Messages in a session's queue from which on pushes are skipped: the client will sync.
    public var pushMessagesMax = 256
    /// Bytes in a session's queue from which on pushes are skipped.
    public var pushBytesMax = 512 * 1_024
    /// Messages that are no commands after which a session is closed.
    public var garbageMax = 16
    /// How often old deduplication rows are forgotten.
    public var purgeInterval = Interval.seconds(600)
    /// Rows that one purge forgets: huge transactions slow all later ones.
    public var purgeRowsMax = 1_024
    /// Within which the clients of a server that stops are to come back.
    public var departureWindow = Interval.seconds(5)
    /// Where they are to come back; `nil`: to the same address.
    public var departureAddress: Address?
    /// How long a server that stops goes on, so that all its clients hear of it.
    public var departureGrace = Interval.milliseconds(300)
    /// The settings of each session.
    public var session = SessionConfiguration()

    /// Creates the defaults.
    public init(seed: UInt64) { self.seed = seed }
}

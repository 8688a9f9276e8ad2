// What a core counts: plain numbers, one for each reason to drop a datagram.

internal import PetrelTransport

/// Counters of one core since its start.
public struct CoreMetrics: Equatable, Sendable {
    /// Datagrams handed in; equal to those accepted, those forwarded, all those dropped, and HELLOs
    /// that wait.
    ///
    /// One that another worker forwarded counts again here.
    public var datagramsReceived: UInt64 = 0
    /// Datagrams that were passed to the worker that they belong to.
    public var datagramsForwarded: UInt64 = 0
    /// Datagrams that a session took in, and HELLOs that were answered.
    public var datagramsAccepted: UInt64 = 0
    /// Datagrams handed out.
    public var datagramsSent: UInt64 = 0
    /// Bytes handed in.
    public var bytesReceived: UInt64 = 0
    /// Bytes handed out.
    public var bytesSent: UInt64 = 0

    /// Dropped: of another worker, for which too many wait already.
    public var droppedNotForwarded: UInt64 = 0
    /// Dropped: no packet of this version.
    public var droppedUnrecognised: UInt64 = 0
    /// Dropped: of no session that exists.
    public var droppedUnknownSession: UInt64 = 0
    /// Dropped by the session: not authentic, a replay, or broken.
    public var droppedBySession: UInt64 = 0
    /// Dropped: of a measurement that is not granted, or a copy.
    public var droppedProbe: UInt64 = 0
    /// Dropped: a HELLO of somebody who does not know the server's key.
    public var droppedHelloUnproved: UInt64 = 0
    /// Dropped: a HELLO that does not open.
    public var droppedHelloUnopened: UInt64 = 0
    /// Dropped: a HELLO whose counter was used before.
    public var droppedHelloReplayed: UInt64 = 0
    /// Dropped: a HELLO for which there is no room, or while the server stops.
    public var droppedHelloRefused: UInt64 = 0

    /// Dropped: a HELLO without a cookie under load; it was answered with one.
    public var droppedHelloUncookied: UInt64 = 0
    /// Dropped: a HELLO of a host that says it too often.
    public var droppedHelloTooOften: UInt64 = 0

    /// RESETs for packets of sessions that are not known any more.
    public var resetsSent: UInt64 = 0
    /// HELLOs answered with a new session.
    public var hellosAccepted: UInt64 = 0
    /// Copies of a HELLO answered with the same ACCEPT.
    public var hellosRepeated: UInt64 = 0
    /// Half-open sessions given up after their time.
    public var halfOpenExpired: UInt64 = 0
    /// Half-open sessions given up for newer ones.
    public var halfOpenEvicted: UInt64 = 0
    /// Sessions confirmed.
    public var sessionsConfirmed: UInt64 = 0
    /// Messages that came in HELLOs of sessions that were confirmed.
    public var messagesEarly: UInt64 = 0
    /// Sessions that a newer one of the same device replaced.
    public var sessionsReplaced: UInt64 = 0
    /// Sessions that ended because their device was revoked.
    public var sessionsRevoked: UInt64 = 0
    /// Sessions that ended, for whatever reason.
    public var sessionsEnded: UInt64 = 0

    /// Sessions that fell asleep, each time.
    public var sessionsSlept: UInt64 = 0
    /// Sessions that woke, for a packet or for something to tell.
    public var sessionsWoken: UInt64 = 0
    /// Dormant sessions given up for newer ones.
    public var dormantEvicted: UInt64 = 0
    /// Dormant sessions that were silent for too long.
    public var dormantExpired: UInt64 = 0

    /// Commands taken in.
    public var commandsReceived: UInt64 = 0
    /// Messages of clients that were no commands.
    public var commandsMalformed: UInt64 = 0
    /// What was said of presence, typing and looking.
    public var activities: UInt64 = 0
    /// Commands refused.
    public var commandsRefused: UInt64 = 0
    /// Messages committed for the first time.
    public var messagesCommitted: UInt64 = 0
    /// Messages that had been committed before.
    public var messagesRepeated: UInt64 = 0
    /// Pushes put into a session's queue.
    public var pushesQueued: UInt64 = 0
    /// Pushes left out because the session's queue was too full.
    public var pushesSkipped: UInt64 = 0

    /// Creates counters at zero.
    public init() {}

    /// All datagrams dropped.
    public var datagramsDropped: UInt64 {
        droppedUnrecognised + droppedUnknownSession + droppedBySession + droppedProbe
            + droppedHelloUnproved + droppedHelloUnopened + droppedHelloReplayed
            + droppedHelloRefused
            + droppedHelloUncookied + droppedHelloTooOften + droppedNotForwarded
    }

    /// The counters of two workers together.
    public static func + (a: CoreMetrics, b: CoreMetrics) -> CoreMetrics {
        // All counters are words, so a new one cannot be forgotten here.
        var sum = a
        withUnsafeMutableBytes(of: &sum) { sums in
            let sums = sums.assumingMemoryBound(to: UInt64.self)
            withUnsafeBytes(of: b) { addends in
                for (i, addend) in addends.assumingMemoryBound(to: UInt64.self).enumerated() {
                    sums[i] &+= addend
                }
            }
        }
        return sum
    }
}

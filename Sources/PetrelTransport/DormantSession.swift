// A session that sleeps: what it needs to go on, and to know its peer's packets by.

public import PetrelBase
public import PetrelCrypto
internal import PetrelWire

/// What remains of a server's session while nothing waits, is under way, or is missing.
///
/// Some 400 bytes in place and 192 bytes of keys. What is not here may be forgotten: the load of
/// the path, lost packets, and which of the numbers up to the largest opened were received, as all
/// of them count as received (Protocol/transport.md §8.5).
public struct DormantSession: ~Copyable {
    /// The ID of the handshake, which names the session.
    public let connectionID: UInt64
    /// The key that the peer proved.
    public let peerKey: PublicKey
    /// Where the peer is; proven.
    public let address: Address
    /// When the peer was last heard.
    public let lastHeard: Instant
    /// A number that the session's owner gives out with each answer to a keepalive.
    public let keepaliveHint: UInt64
    let keys: DormantKeys
    let keyUpdate: KeyUpdate.Dormant
    let localIDs: LocalIDs.Dormant
    let remoteIDs: RemoteIDs.Dormant
    let sending: SendQueue.Dormant
    let receiving: Reassembler.Dormant
    let nextVersion: UInt32
    let versionFloor: UInt32
    let movesSince: Instant
    private let largest: UInt32
    private let acknowledged: UInt32
    private let next: UInt32
    let nextSkip: UInt32
    private(set) var failedOpens: UInt32
    let peerIdleTimeout: UInt32
    /// Microseconds; 0: unknown.
    private let smoothedRTT: UInt32
    private let varianceRTT: UInt32
    private let minRTT: UInt32
    let ackDelayMax: UInt16
    private let idleSeconds: UInt32
    private let announcedSeconds: UInt16
    let ackPolicy: AckPolicy.Dormant
    let ecn: ECNValidator.Dormant
    private let marks: (ect0: UInt32, ect1: UInt32, ce: UInt32)
    let moves: UInt8
    /// Which of our IDs the newest packet carried.
    private let inUse: UInt8

    /// Keeps what is needed of `session`, which can then be dropped.
    ///
    /// - Precondition: `session.sleepsAt` was at or before now.
    public init(_ session: borrowing Session) {
        connectionID = session.localID.value
        peerKey = session.peerKey
        address = session.path.address
        lastHeard = session.lastHeard
        keepaliveHint = session.keepaliveHint
        keys = DormantKeys(session.keys)
        keyUpdate = session.keyUpdate.dormant
        localIDs = session.localIDs.dormant
        remoteIDs = session.remoteIDs.dormant
        sending = Self.sending(of: session)
        receiving = session.reassembler.dormant
        nextVersion = UInt32(truncatingIfNeeded: session.ephemeral.version)
        versionFloor = UInt32(truncatingIfNeeded: session.ephemeralReceiver.highest)
        largest = UInt32(truncatingIfNeeded: session.largestReceived ?? 0)
        let detector = session.detector
        // No number is 2^32 - 1 or more, so that this one can stand for none.
        acknowledged = UInt32(truncatingIfNeeded: detector.largestAcknowledged ?? .max)
        next = UInt32(truncatingIfNeeded: detector.packets.next)
        nextSkip = UInt32(clamping: session.nextSkip)
        failedOpens = UInt32(truncatingIfNeeded: session.failedOpens)
        let rtt = detector.rtt
        smoothedRTT = rtt.hasSample ? Self.microseconds(rtt.smoothed) : 0
        varianceRTT = Self.microseconds(rtt.variance)
        minRTT = Self.microseconds(rtt.min)
        let parameters = session.peerParameters
        peerIdleTimeout = UInt32(clamping: parameters.idleTimeout.nanoseconds / 1_000_000)
        ackDelayMax = UInt16(clamping: parameters.ackDelayMax.nanoseconds / 1_000_000)
        idleSeconds = UInt32(clamping: session.idleTimeout.nanoseconds / 1_000_000_000)
        ackPolicy = session.ackPolicy.dormant
        ecn = ECNValidator.Dormant(session.ecn)
        marks = ECNValidator.Dormant.narrowed(session.marksReceived)
        announcedSeconds = UInt16(clamping: session.binding.announced.nanoseconds / 1_000_000_000)
        let moved = session.path.recentMoves
        moves = UInt8(clamping: moved.count)
        inUse = Self.place(of: session.localIDInUse, among: session.localIDs)
        movesSince = moved.since
    }

    /// When the session is over, if the peer is not heard before.
    public var deadline: Instant { lastHeard + .seconds(Int64(idleSeconds)) }

    /// Whether the peer was heard within the interval that it announced.
    public func isReachable(now: Instant) -> Bool {
        BindingWatch.isReachable(announced, lastHeard: lastHeard, now: now)
    }

    /// How long the peer may be silent, as it announced.
    var announced: Interval { .seconds(Int64(announcedSeconds)) }

    /// How many IDs the peer may use.
    public var connectionIDsCount: Int { Int(localIDs.count) }

    /// One of the IDs that the peer may use.
    public func connectionID(at index: Int) -> UInt64 { localIDs.values[index] }

    /// Whether a datagram is a packet of the session; nothing but a counter changes.
    ///
    /// If it is, the session is to be woken and to take it in. Nothing is allocated, and the
    /// datagram is as it was.
    ///
    /// - Returns: why it is to be dropped; `nil` if it is not.
    public mutating func examine(_ datagram: inout MutableRawSpan) -> DropReason? {
        let byteCount = datagram.byteCount
        let numberOffset = 1 + WireLimits.serverConnectionIDByteCount
        guard byteCount >= numberOffset + DataHeader.byteCountMinAfterID,
            byteCount <= WireLimits.receivedDatagramByteCountMax
        else { return .formUnknown }
        let sample = numberOffset + WireLimits.packetNumberByteCountMax
        let mask = keys.readMask(
            sample: datagram.bytes.extracting(sample..<sample + WireLimits.sampleByteCount))
        datagram.mask(at: 0, with: mask[0] & DataHeader.protectedBits)
        let numberByteCount = Int(datagram.byte(at: 0) >> 2 & 3) + 1
        for i in 0..<numberByteCount { datagram.mask(at: numberOffset + i, with: mask[1 + i]) }
        let verdict = examineUnmasked(datagram.bytes)
        datagram.mask(at: 0, with: mask[0] & DataHeader.protectedBits)
        for i in 0..<numberByteCount { datagram.mask(at: numberOffset + i, with: mask[1 + i]) }
        return verdict
    }

    private mutating func examineUnmasked(_ datagram: RawSpan) -> DropReason? {
        var reader = ByteReader(datagram)
        guard let header = try? DataHeader(&reader, receivedBy: .server), knows(header) else {
            return .headerMalformed
        }
        let number = header.packetNumber.expanded(largest: largestReceived)
        guard isNew(number) else { return .replayed }
        let isGenuine = keys.isGenuine(
            datagram, phase: header.keyPhase, headerByteCount: header.byteCount,
            packetNumber: number)
        switch isGenuine {
        case true?: return nil
        case nil: return .keyUnknown
        case false?:
            // So many failures are for the whole session to count on.
            guard failedOpens < .max else { return nil }
            failedOpens += 1
            return .forged
        }
    }

    private func knows(_ header: DataHeader) -> Bool {
        for i in 0..<Int(localIDs.count) where localIDs.values[i] == header.connectionID.value {
            return true
        }
        return false
    }

    private func isNew(_ number: UInt64) -> Bool {
        #if PETREL_PLANTED
            if PlantedBug.windowForgottenAsleep.isActive { return true }
        #endif
        return number > largestReceived
    }

    private static func place(of id: UInt64, among ids: LocalIDs) -> UInt8 {
        for i in 0..<ids.count where ids[i] == id { return UInt8(i) }
        return .max
    }

    private static func microseconds(_ interval: Interval) -> UInt32 {
        UInt32(clamping: interval.nanoseconds / 1_000)
    }

    private static func sending(of session: borrowing Session) -> SendQueue.Dormant {
        let kept = session.queue.dormant
        #if PETREL_PLANTED
            if PlantedBug.messageForgottenAsleep.isActive, kept.numbers[1] > 0 {
                var wrong = kept
                wrong.numbers[1] -= 1
                return wrong
            }
        #endif
        return kept
    }
}

extension DormantSession {
    /// Which numbers the session that goes on takes in: none up to the largest that was opened.
    var replayWindow: ReplayWindow {
        #if PETREL_PLANTED
            if PlantedBug.windowForgottenAsleep.isActive { return ReplayWindow() }
        #endif
        return ReplayWindow(acceptedUpTo: largestReceived)
    }

    var largestReceived: UInt64 { UInt64(largest) }

    /// What the peer's packets were marked with.
    var marksReceived: ECNCounts { ECNValidator.Dormant.widened(marks) }

    /// A fold of the state that garbage must not change; counters are left out.
    public var stateDigest: UInt64 {
        var digest = StateDigest()
        digest.add(connectionID)
        digest.add(largest)
        digest.add(next)
        digest.add(lastHeard.nanoseconds)
        digest.add(address.low ^ UInt64(address.port))
        return digest.value
    }

    /// Which of our IDs the newest packet carried; 0 if that was retired since.
    var localIDInUse: UInt64 { inUse < localIDs.count ? localIDs.values[Int(inUse)] : 0 }

    /// The number of the next packet.
    var nextNumber: UInt64 {
        #if PETREL_PLANTED
            if PlantedBug.numberForgottenAsleep.isActive, next > 2 { return UInt64(next) - 1 }
        #endif
        return UInt64(next)
    }

    var largestAcknowledged: UInt64? { acknowledged == .max ? nil : UInt64(acknowledged) }

    var roundTrip: RTTEstimator {
        RTTEstimator(
            smoothed: .microseconds(Int64(smoothedRTT)),
            variance: .microseconds(Int64(varianceRTT)), min: .microseconds(Int64(minRTT)))
    }
}

// What can be seen of a session from inside, for traces; off unless the configuration asks.

public import PetrelBase
public import PetrelWire

/// One observation, in the vocabulary of qlog (draft-ietf-quic-qlog-quic-events).
public enum TraceEvent: Equatable, Sendable {
    /// A packet was handed to the network.
    case packetSent(number: UInt64, byteCount: Int, frameCount: Int, isProbe: Bool)
    /// A packet was opened.
    case packetReceived(number: UInt64, byteCount: Int)
    /// A datagram was dropped.
    case packetDropped(DropReason, byteCount: Int)
    /// The peer has a packet.
    case packetAcknowledged(number: UInt64)
    /// A packet was declared lost.
    case packetLost(number: UInt64)
    /// A packet that was declared lost arrived after all.
    case lossSpurious(number: UInt64)
    /// Recovery's figures after an acknowledgement.
    case metricsUpdated(smoothedRTT: Interval, congestionWindow: Int, bytesInFlight: Int)
    /// Packets may have another size from now on.
    case datagramSizeChanged(byteCount: Int)
    /// Packets are sealed with a new key from now on.
    case keyUpdated(generation: UInt64)
    /// The peer is told that our packets carry that connection ID no more.
    case connectionIDRetired(UInt64)
    /// The peer moved.
    case addressMoved(Address)
    /// A message was taken in, towards the peer.
    case messageQueued(DeliveryClass, number: UInt64, byteCount: Int)
    /// The peer has a whole message.
    case messageAcknowledged(DeliveryClass, number: UInt64)
    /// A message came in and was handed to the owner.
    case messageReceived(DeliveryClass, number: UInt64, byteCount: Int)
    /// The session has nothing to say, and keeps only what it needs to go on.
    case slept
    /// The session goes on after that time.
    case woken(after: Interval)
    /// The session is over.
    case closed(CloseReason)
}

/// Why a datagram was dropped without effect.
public enum DropReason: UInt8, Error, CaseIterable, Sendable {
    /// It has no form of this version, or is too short or too long for it.
    case formUnknown
    /// It belongs to no session.
    case connectionUnknown
    /// Its header has forbidden bits.
    case headerMalformed
    /// Its packet number was received before, or is too old.
    case replayed
    /// Its key phase is one for which there is no key, or none for its number.
    case keyUnknown
    /// It could not be opened: not by the peer, or damaged.
    case forged
    /// The session is over.
    case sessionClosed
    /// A HELLO whose MAC1 is wrong: not by somebody who knows the server's key.
    case macWrong
    /// A HELLO that could not be opened, or whose payload is malformed.
    case helloMalformed
    /// A HELLO that was answered before, or is older than one that was.
    case helloReplayed
    /// A HELLO beyond the sessions that there is room for.
    case helloRefused
}

/// An observation and when it was made.
public struct TimedTraceEvent: Equatable, Sendable {
    /// When.
    public var time: Instant
    /// What.
    public var event: TraceEvent
}

/// Collects observations until the owner takes them; bounded, and free when off.
struct TraceLog: Sendable {
    private static let eventsMax = 8_192

    private let isOn: Bool
    private var events: [TimedTraceEvent] = []

    init(isOn: Bool) { self.isOn = isOn }

    mutating func note(_ event: @autoclosure () -> TraceEvent, _ now: Instant) {
        guard isOn, events.count < Self.eventsMax else { return }
        events.append(TimedTraceEvent(time: now, event: event()))
    }

    mutating func take(into list: inout [TimedTraceEvent]) {
        guard !events.isEmpty else { return }
        list.append(contentsOf: events)
        events.removeAll(keepingCapacity: true)
    }
}

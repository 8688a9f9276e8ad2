// What a session tells its owner.

public import PetrelBase
public import PetrelWire

/// Something that happened in a session; plain data, bytes are in `SessionEvents`.
public enum SessionEvent: Equatable, Sendable {
    /// The peer holds the keys: what it says now is live. Server: the client's first packet was
    /// opened; client: the ACCEPT was.
    case confirmed
    /// A message, to be read with `SessionEvents.bytes(_:)`.
    case message(DeliveryClass, number: UInt64, bytes: Range<Int>)
    /// A message of a stream, in the order of that stream.
    case ordered(DeliveryClass, stream: UInt64, number: UInt64, bytes: Range<Int>)
    /// The peer's transport has the whole message.
    case acknowledged(DeliveryClass, number: UInt64)
    /// A message that was sent has come that far; the last word on it, if it is over.
    ///
    /// `.sent` and `.lostSuspect` are told only if the configuration asks for them.
    case outcome(DeliveryClass, number: UInt64, MessageState)
    /// Something about a transfer of the bulk kind.
    case bulk(BulkEvent)
    /// The peer is now reached at another address.
    case addressMoved(Address)
    /// The server answered a keepalive, with its owner's number.
    case keepaliveAnswered(hint: UInt64)
    /// The client's NAT has forgotten it in a pause of that length.
    case bindingDied(after: Interval)
    /// The client wants to measure: `answerProbe` it.
    case probeAsked(NATProbeFrame)
    /// The server takes part in a measurement, or not.
    case probeAnswered(NATProbeAnswerFrame)
    /// The server is about to stop: say HELLO again at a random moment within that interval, to
    /// that address or, if there is none, to the same.
    case goingAway(within: Interval, to: Address?)
    /// The session is over; what was not acknowledged may or may not have arrived.
    case closed(CloseReason)
}

/// What an owner is told of transfers; they are named by the number that their sender chose.
public enum BulkEvent: Equatable, Sendable {
    /// The peer has a transfer for this side: `acceptTransfer` or `stopTransfer` it.
    case offered(DeliveryClass, transfer: UInt64, byteCount: UInt64)
    /// The peer wants a transfer of this side: `supplyTransfer` its bytes from there on.
    case wanted(transfer: UInt64, offset: UInt64)
    /// There is room for more bytes of a transfer of this side.
    case room(transfer: UInt64)
    /// Bytes of a transfer, once, in any order; to be read with `SessionEvents.bytes(_:)`.
    case range(transfer: UInt64, offset: UInt64, bytes: Range<Int>)
    /// All bytes of a transfer from the peer were handed over.
    case received(transfer: UInt64)
    /// The peer has all bytes of a transfer of this side.
    case sent(transfer: UInt64)
    /// The peer gave a transfer up; `isMine`: one that this side sends.
    case stopped(transfer: UInt64, isMine: Bool, code: UInt64)
}

/// Why a session is over.
public enum CloseReason: Equatable, Sendable {
    /// The peer closed it; the code is an `ErrorCode` or one of a later version.
    case closedByPeer(code: UInt64)
    /// This side closed it.
    case closedLocally(ErrorCode)
    /// The server proved that it knows the session no more.
    case reset
    /// Nothing was heard for the idle time-out.
    case silent
    /// The peer broke the protocol.
    case violation(ErrorCode)
}

/// The events of one or more calls, with the bytes of their messages; made to be reused.
public struct SessionEvents: Sendable {
    /// The events, oldest first.
    public private(set) var list: [SessionEvent] = []
    private var arena: [UInt8] = []

    /// Creates an empty list.
    public init() {}

    /// Forgets all events; keeps the memory.
    public mutating func removeAll() {
        list.removeAll(keepingCapacity: true)
        if arena.capacity > 1 << 20 { arena = [] } else { arena.removeAll(keepingCapacity: true) }
    }

    /// The bytes of a message event.
    @_lifetime(borrow self)
    public func bytes(_ range: Range<Int>) -> RawSpan {
        unsafe arena.span.bytes.extracting(range)
    }

    mutating func append(_ event: SessionEvent) { list.append(event) }

    mutating func append(_ message: RawSpan, _ name: MessageName) {
        let range = store(message)
        if let place = name.place {
            list.append(
                .ordered(
                    name.deliveryClass, stream: place.stream, number: name.number, bytes: range))
        } else {
            list.append(.message(name.deliveryClass, number: name.number, bytes: range))
        }
    }

    /// Copies bytes in; returns where they are.
    mutating func store(_ bytes: RawSpan) -> Range<Int> {
        let start = arena.count
        unsafe bytes.withUnsafeBytes { unsafe arena.append(contentsOf: $0) }
        return start..<arena.count
    }
}

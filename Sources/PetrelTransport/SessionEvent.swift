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
    /// The peer's transport has the whole message.
    case acknowledged(DeliveryClass, number: UInt64)
    /// The peer is now reached at another address.
    case addressMoved(Address)
    /// The server answered a keepalive, with its owner's number.
    case keepaliveAnswered(hint: UInt64)
    /// The server is about to stop: say HELLO again at a random moment within that interval, to
    /// that address or, if there is none, to the same.
    case goingAway(within: Interval, to: Address?)
    /// The session is over; what was not acknowledged may or may not have arrived.
    case closed(CloseReason)
}

/// Why a session is over.
public enum CloseReason: Equatable, Sendable {
    /// The peer closed it; the code is an `ErrorCode` or one of a later version.
    case closedByPeer(code: UInt64)
    /// This side closed it.
    case closedLocally(ErrorCode)
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

    mutating func append(_ message: RawSpan, _ deliveryClass: DeliveryClass, number: UInt64) {
        let start = arena.count
        unsafe message.withUnsafeBytes { unsafe arena.append(contentsOf: $0) }
        list.append(.message(deliveryClass, number: number, bytes: start..<arena.count))
    }
}

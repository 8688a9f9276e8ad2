// What the link tells its owner, in order.

public import PetrelTransport
public import PetrelWire

/// Something that happened on the link; plain data, bytes are read with `ClientLink.bytes(_:)`.
public enum LinkEvent: Equatable, Sendable {
    /// A session began; the server took that many messages of its HELLO in.
    ///
    /// If there was one before, that is over: what was not acknowledged in it may or may not have
    /// arrived. Numbers of messages count anew.
    case opened(earlyTaken: Int)
    /// A message came.
    case message(DeliveryClass, number: UInt64, bytes: Range<Int>)
    /// The server's transport has the whole message.
    case acknowledged(DeliveryClass, number: UInt64)
    /// The server answered a keepalive, with its own number.
    case keepaliveAnswered(hint: UInt64)
    /// The session is over, and its owner did not ask for that.
    case ended(CloseReason)
}

// What the owner asks of a session.

public import PetrelBase
public import PetrelWire

/// Why a message was not taken in; nothing of it is kept.
public enum SendRefusal: Error, Equatable, Sendable {
    /// It has more bytes than a message of its class may have.
    case tooLarge(byteCount: Int, max: Int)
    /// Too many messages or bytes wait already: try again when some are acknowledged.
    case queueFull
    /// The session is over.
    case closed
    /// Nobody defined the class, or messages cannot be sent as it.
    case classUnknown
}

extension Session {
    /// Takes a message in for the peer.
    ///
    /// - Parameters:
    ///   - message: up to 64 KiB; up to 1 KiB if ephemeral.
    ///   - deliveryClass: what it may count on.
    ///   - key: for ephemeral messages, what they are the newest value of; for ordered ones, their
    ///     stream.
    ///   - deadline: for expiring messages, how long they may take; that of the class if `nil`.
    ///   - now: the time.
    /// - Returns: the number that `.acknowledged` will carry; the version if ephemeral.
    /// - Throws: `SendRefusal`, having kept nothing.
    public mutating func send(
        _ message: RawSpan, as deliveryClass: DeliveryClass, key: UInt64 = 0,
        deadline: Interval? = nil, now: Instant
    ) throws(SendRefusal) -> UInt64 {
        guard !isEnding else { throw .closed }
        guard let policy = queue.classes.policy(of: deliveryClass), deliveryClass.kind != .bulk
        else { throw .classUnknown }
        let byteCountMax =
            deliveryClass.kind == .ephemeral
            ? WireLimits.fragmentByteCount : WireLimits.messageByteCountMax
        guard message.byteCount <= byteCountMax else {
            throw .tooLarge(byteCount: message.byteCount, max: byteCountMax)
        }
        lastMessage = now
        if deliveryClass.kind == .ephemeral { return ephemeral.set(message, key: key, now: now) }
        let end = now + (deadline ?? policy.deadline)
        guard let number = queue.append(message, as: policy, key: key, deadline: end) else {
            throw .queueFull
        }
        timers[.expire] = min(timers[.expire], end)
        trace.note(
            .messageQueued(deliveryClass, number: number, byteCount: message.byteCount), now)
        return number
    }

    /// Takes a message back, if the peer does not have it; `.outcome` tells, or `.acknowledged`.
    ///
    /// - Returns: whether it was under way.
    public mutating func cancel(
        _ deliveryClass: DeliveryClass, number: UInt64, into events: inout SessionEvents
    ) -> Bool {
        guard !isEnding else { return false }
        queue.progress.take(into: &events)
        return queue.cancel(deliveryClass.kind, number: number, into: &events)
    }

    /// Tells the client `keepaliveHint` with the next packet, though it did not ask.
    public mutating func announceHint() { control.keepaliveAnswer = true }

    /// Ends the session: `.closed` is told at once, and a CLOSE goes out with the next `transmit`.
    public mutating func close(
        _ code: ErrorCode, now: Instant, into events: inout SessionEvents
    ) {
        announceEnd(code, as: .closedLocally(code), now: now, into: &events)
    }

    mutating func announceEnd(
        _ code: ErrorCode, as reason: CloseReason, now: Instant, into events: inout SessionEvents
    ) {
        guard !isEnding else { return }
        phase = .closing(code)
        queue.failAll(into: &events)
        trace.note(.closed(reason), now)
        events.append(.closed(reason))
    }
}

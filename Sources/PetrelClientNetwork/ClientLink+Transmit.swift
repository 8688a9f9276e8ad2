// What goes to the network: messages into the session, datagrams out of it.

public import PetrelBase
public import PetrelTransport
public import PetrelWire

extension ClientLink {
    /// Fills `room`, of 1,452 bytes or more, with a datagram to send; call it until it gives none.
    public mutating func transmit(
        into room: inout MutableRawSpan, now: Instant
    ) -> Transmission? {
        guard !isOffline else { return nil }
        if let byteCount = handshake?.transmit(into: &room, now: now) {
            isHelloCopyDue = race.isOpen
            return Transmission(byteCount: byteCount, destination: handshakeAddress)
        }
        if isHelloCopyDue {
            isHelloCopyDue = false
            if let byteCount = handshake?.copyHello(into: &room) {
                return Transmission(byteCount: byteCount, destination: race.address)
            }
        }
        return session?.transmit(into: &room, now: now)
    }

    /// Takes a message in for the server; a session that is old is renewed because of it.
    ///
    /// - Parameters:
    ///   - message: up to 64 KiB; up to 1 KiB if ephemeral.
    ///   - deliveryClass: what it may count on within this session.
    ///   - key: for ephemeral messages, what they are the newest value of; for ordered ones, their
    ///     stream.
    ///   - now: the time.
    /// - Returns: the number that `.acknowledged` will carry; the version if ephemeral.
    /// - Throws: `SendRefusal`, having kept nothing; `isBlocked` from then until the next event.
    public mutating func send(
        _ message: RawSpan, as deliveryClass: DeliveryClass, key: UInt64 = 0, now: Instant
    ) throws(SendRefusal) -> UInt64 {
        guard isOpen else { throw .closed }
        do throws(SendRefusal) {
            guard
                let number = try session?.send(message, as: deliveryClass, key: key, now: now)
            else { throw .closed }
            renewIfOld(now: now)
            return number
        } catch {
            isBlocked = true
            throw error
        }
    }
}

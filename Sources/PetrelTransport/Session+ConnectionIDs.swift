// Which connection IDs the packets of a session carry, and how they change (transport.md §5.10).

internal import PetrelBase
public import PetrelWire

extension Session {
    /// Whether the owner should give another ID to `offer`; a client's session has its own.
    public var wantsConnectionID: Bool {
        phase == .active && side == .server
            && localIDs.hasRoom(upTo: configuration.connectionIDsMax)
    }

    /// Adds an ID under which the peer may write, unique at the owner; announced with a packet
    /// that goes out anyway.
    ///
    /// `resetToken` is what will end a RESET for packets with that ID.
    ///
    /// - Precondition: `wantsConnectionID`.
    public mutating func offer(connectionID: UInt64, resetToken: ResetToken) {
        localIDs.add(connectionID, resetToken: resetToken)
    }

    /// Returns each ID that the peer has retired once: its packets carry it no more.
    public mutating func takeRetiredConnectionID() -> UInt64? { localIDs.takeRetired() }

    /// How many IDs the peer may use now.
    public var connectionIDsCount: Int { localIDs.count }

    /// One of the IDs that the peer may use now.
    public func connectionID(at index: Int) -> UInt64 { localIDs[index] }

    /// A client gives out IDs as long as it has room; they are unique to it by chance.
    mutating func offerOwnIDs() {
        guard side == .client else { return }
        while localIDs.takeRetired() != nil {}
        while localIDs.hasRoom(upTo: configuration.connectionIDsMax) {
            let value = UInt64(UInt32(truncatingIfNeeded: random.next() as UInt64))
            if value != 0, !localIDs.contains(value) { localIDs.add(value) }
        }
    }

    /// Goes on to a spare ID, so that who watches both networks cannot tell that it is us.
    mutating func rotateID(now: Instant) {
        guard remoteIDs.canRotate else { return }
        remoteIDs.rotate(keptFor: probeInterval * 3, now: now)
        statistics.connectionIDsUsed += 1
    }

    /// A client that was silent for long may have another address by now without knowing.
    mutating func rotateIDAfterIdling(now: Instant) {
        guard side == .client, now - lastSent >= configuration.rotatesIDAfter else { return }
        rotateID(now: now)
    }

    /// The peer uses another ID: it wants not to be followed, and is answered likewise.
    mutating func noteLocalID(_ value: UInt64, now: Instant) {
        guard value != localIDInUse else { return }
        localIDInUse = value
        if side == .server { rotateID(now: now) }
    }

    mutating func receive(
        _ frame: NewIDFrame, now: Instant, into events: inout SessionEvents
    ) {
        guard frame.id.side != side, frame.id.value != 0 else {
            return violate(.frameMalformed, now: now, into: &events)
        }
        guard
            remoteIDs.add(
                frame.sequence, value: frame.id.value, resetToken: frame.resetToken)
        else {
            return violate(.limitExceeded, now: now, into: &events)
        }
    }

    mutating func receiveRetirement(
        of sequence: UInt64, now: Instant, into events: inout SessionEvents
    ) {
        guard localIDs.retire(sequence) else {
            return violate(.frameMalformed, now: now, into: &events)
        }
        offerOwnIDs()
    }

    /// Adds what is to be said of IDs to a packet that asks for an acknowledgement anyway.
    mutating func writeIDs(to writer: inout ByteWriter, packet: inout SentPacket, now: Instant) {
        guard packet.state == .inFlight, phase == .active else { return }
        while Int(packet.frameCount) < SentPacket.framesMax,
            let (sequence, value, resetToken) = localIDs.nextToAnnounce
        {
            let id: ConnectionID =
                side == .server
                ? .server(value) : .client(UInt32(truncatingIfNeeded: value))
            let frame = ControlFrame.newID(
                NewIDFrame(sequence: sequence, id: id, resetToken: resetToken))
            guard (try? frame.write(to: &writer)) != nil else { return }
            localIDs.mark(sequence, isAnnounced: true)
            packet.append(.newID(sequence: sequence))
        }
        while Int(packet.frameCount) < SentPacket.framesMax,
            let (sequence, value) = remoteIDs.nextToRetire(now: now)
        {
            let frame = ControlFrame.retireID(sequence: sequence)
            guard (try? frame.write(to: &writer)) != nil else { return }
            remoteIDs.markRetired(sequence)
            packet.append(.retireID(sequence: sequence))
            trace.note(.connectionIDRetired(value), now)
        }
    }
}

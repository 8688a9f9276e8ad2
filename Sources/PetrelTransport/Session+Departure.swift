// A server that is about to stop says so, and when its clients are to come back (§5.11).

public import PetrelBase
internal import PetrelWire

extension Session {
    /// Tells the client to say HELLO again at a moment of its own within `window`.
    ///
    /// - Parameters:
    ///   - window: up to an hour.
    ///   - address: where to; `nil`: to the same address.
    public mutating func announceDeparture(within window: Interval, to address: Address?) {
        guard side == .server, phase == .active else { return }
        departure = GoAwayFrame(window: window, address: address)
        control.goAway = departure
    }

    mutating func writeDeparture(to writer: inout ByteWriter, packet: inout SentPacket) {
        guard let frame = control.goAway, Int(packet.frameCount) < SentPacket.framesMax,
            (try? ControlFrame.goAway(frame).write(to: &writer)) != nil
        else { return }
        control.goAway = nil
        packet.append(.goAway)
        packet.state = .inFlight
    }

    mutating func receive(
        _ frame: GoAwayFrame, now: Instant, into events: inout SessionEvents
    ) {
        guard side == .client else { return violate(.frameForbidden, now: now, into: &events) }
        events.append(.goingAway(within: frame.window, to: frame.address))
    }
}

// What the owner tells the link and may look at there: networks, carriers, sockets, classes.

public import PetrelBase
internal import PetrelClientNetwork
internal import PetrelMessaging
public import PetrelTransport
public import PetrelWire

/// What the owner's system says.
extension ClientCore {
    /// The operating system says that the network is another one: the session asks over it at once,
    /// and if nothing is heard for one and a half probe timeouts, HELLO is said beside it.
    ///
    /// `label` names the network, so that what is learnt of it is known when it comes again; of one
    /// without a name nothing is known.
    public mutating func networkChanged(to label: UInt64 = 0, now: Instant) {
        link.networkChanged(to: label, now: now)
    }

    /// The operating system says that there is no network: nothing is sent, and no time-out runs,
    /// until `networkChanged` is called.
    public mutating func networkLost() { link.networkLost() }

    /// Whether somebody looks at the application: then pauses are short, and others see it.
    public mutating func setForeground(_ isInForeground: Bool) {
        link.setForeground(isInForeground)
        surroundings.does(isInForeground ? .online : .away)
    }

    /// The wanted connection was opened; call `finishBatch` afterwards.
    public mutating func streamOpened(now: Instant) { link.streamOpened(now: now) }

    /// The wanted connection could not be opened, or is broken; call `finishBatch` afterwards.
    public mutating func streamClosed(now: Instant) { link.streamClosed(now: now) }
}

/// What the owner sends, over which sockets.
extension ClientCore {
    /// Fills `room`, of 1,452 bytes or more, with a datagram to send; call it until it gives none.
    public mutating func transmit(
        into room: inout MutableRawSpan, now: Instant
    ) -> Transmission? {
        link.transmit(into: &room, now: now)
    }

    /// The TCP connection that the owner should have, to be opened and closed as this changes,
    /// once `transmit` has given everything.
    ///
    /// Datagrams whose destination it is go over it, each behind its length, and those that come
    /// over it are received from it. While it is not there they are thrown away.
    public var wantedStream: Address? { link.wantedStream }

    /// Whether the owner should have a socket open to measure with; it must be a new one each time.
    public var needsSideFlow: Bool { link.needsSideFlow }

    /// Fills `room` with a datagram to send over that socket; call it until it gives none.
    public mutating func transmitSide(
        into room: inout MutableRawSpan, now: Instant
    ) -> Transmission? {
        link.transmitSide(into: &room, now: now)
    }

    /// Takes a datagram in that came to that socket; call `finishBatch` after the last of a batch.
    public mutating func receiveSide(
        _ datagram: RawSpan, from address: Address, now: Instant, wall: WallTime
    ) {
        link.receiveSide(datagram, from: address, now: now, wall: wall)
    }
}

/// What the owner may look at.
extension ClientCore {
    /// Over what the session goes; `nil` without one.
    public var carrier: Address.Carrier? { link.carrier }

    /// The built-in classes, and those that the server described in the present session.
    public var classes: [ClassPolicy] {
        mutating get { link.classes }
    }

    /// What is known of the present network.
    public var bindingLifetime: BindingLifetime { link.bindingLifetime }

    /// The longest that the client is silent now.
    public var keepaliveInterval: Interval { link.keepaliveInterval }

    /// Measurements begun since the client exists.
    public var probesCount: Int { link.probesCount }

    /// Datagrams that belonged to nothing here.
    public var strayDatagrams: UInt64 { link.strayDatagrams }
}

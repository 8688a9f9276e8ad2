// Keeping the binding of a NAT alive, and noticing for free that it died (transport.md §8.3).

public import PetrelBase
internal import PetrelWire

extension Session {
    /// The longest that a client sends nothing from now on, and how many keepalives in a row may
    /// ask for nothing; the server is told with the next one that asks.
    public mutating func setKeepalive(_ interval: Interval, quietMax: Int) {
        guard side == .client, !isEnding else { return }
        guard interval != binding.interval || quietMax != binding.quietMax else { return }
        binding.interval = interval
        binding.quietMax = quietMax
        timers[.keepalive] = min(timers[.keepalive], lastSent + binding.pause)
        timers[.silence] = max(timers[.silence], lastHeard + silenceMax)
    }

    /// Whether the peer was heard within the interval that it announced, by a server's judgement.
    ///
    /// A little more is allowed for, because packets take their time and get lost.
    public func isReachable(now: Instant) -> Bool {
        !isEnding && BindingWatch.isReachable(binding.announced, lastHeard: lastHeard, now: now)
    }

    /// Silence after which the session is over, whether it sleeps or not.
    var idleTimeout: Interval {
        max(min(configuration.idleTimeout, peerParameters.idleTimeout), pauses)
    }

    /// Silence after which the session, as it is, is over.
    var silenceMax: Interval { max(min(configuration.restlessTimeout, idleTimeout), pauses) }

    /// A peer that announced long pauses gets several of them.
    private var pauses: Interval {
        side == .server ? binding.announced * 3 : binding.pause * Int64(binding.quietMax + 2)
    }

    /// The client has sent nothing for long.
    mutating func keepAlive() {
        if binding.takeQuiet() { control.quiet = true } else { control.keepalive = true }
    }

    /// The client says when it will be heard again.
    mutating func noteAnnounced(_ interval: Interval, now: Instant) {
        binding.announced = min(interval, BindingWatch.announcedMax)
        timers[.silence] = now + silenceMax
    }

    /// A packet is about to be sent: after a pause the NAT may have forgotten the client.
    mutating func watchBinding(now: Instant) {
        guard side == .client else { return }
        let pause = now - lastSent
        binding.pauseLongest = max(binding.pauseLongest, pause)
        if pause >= binding.asksAfter { askForAddress() }
    }

    /// The next packet that asks for an answer anyway asks for the address as well.
    mutating func askForAddress() {
        if binding.asksAfter < .infinite { binding.wantsAddress = true }
    }

    /// The server challenges the client: it saw the client move, and the client may not know why.
    mutating func askWhatMoved() {
        if side == .client { askForAddress() }
    }

    /// Puts the question behind what asks for an answer anyway: some bytes, and no packet.
    mutating func writeAddressQuestion(to writer: inout ByteWriter, packet: SentPacket) {
        guard binding.wantsAddress, packet.state == .inFlight else { return }
        let data: UInt64 = random.next()
        guard writeControlFrame(.pathChallenge(data: data), to: &writer) else { return }
        binding.wantsAddress = false
        addressQuestion = data
    }

    /// A keepalive that asks for nothing is a packet without any content.
    mutating func writeQuiet(to writer: inout ByteWriter, header: DataHeader) {
        guard control.quiet else { return }
        control.quiet = false
        if writer.offset == header.byteCount { try? writer.writeZeros(1) }
    }

    mutating func noteObserved(
        _ address: Address, answering data: UInt64, into events: inout SessionEvents
    ) {
        guard let addressQuestion, addressQuestion == data else { return }
        self.addressQuestion = nil
        observedAddress = address
        guard let pause = binding.observed(address) else { return }
        events.append(.bindingDied(after: pause))
    }
}

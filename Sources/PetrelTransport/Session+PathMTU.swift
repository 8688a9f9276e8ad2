// What a session learns of its path from the fate of packets: largest size, and marks (§7.10).

internal import PetrelBase
internal import PetrelWire

extension Session {
    /// The largest datagram that the path is known to carry, in bytes.
    public var datagramByteCountMax: Int { pathMTU.byteCount }

    /// What the next packet may have, in bytes.
    ///
    /// A probe of a silent peer has the size that every path carries,
    /// so that a path that has come to carry less is not taken for a dead one.
    var datagramByteCountLimit: Int {
        #if PETREL_PLANTED
            if PlantedBug.blackHoleUnseen.isActive { return pathMTU.byteCount }
        #endif
        return detector.probeCount > 0 ? PathMTU.base : pathMTU.byteCount
    }

    /// The path is another one: what was learnt of the one before does not hold.
    mutating func forgetPath() {
        congestion = Congestion(configuration.congestionAlgorithm)
        pacer = Pacer()
        pathMTU.restart(next: detector.packets.next)
        ecn.restart(next: detector.packets.next)
    }

    // MARK: Size

    /// Puts a probe of a larger size into `room`, if one is worth it now.
    mutating func transmitSizeProbe(
        into room: inout MutableRawSpan, now: Instant
    ) -> Transmission? {
        guard phase == .active, path.validator.isProven, detector.rtt.hasSample,
            detector.probeCount == 0, mayGrowFlight, path.address.carrier == .datagram
        else { return nil }
        let next = detector.packets.next
        pathMTU.forgot(before: detector.packets.oldest, next: next, now: now)
        let isWorthwhile = queue.bulk.unsentByteCount >= PathMTU.worthwhileByteCount
        guard let byteCount = pathMTU.probeByteCount(isWorthwhile: isWorthwhile, now: now),
            byteCount <= room.byteCount
        else { return nil }
        makeRoomForPacket(now: now)
        let number = detector.packets.next
        let header = header(number)
        do {
            var view = room._mutatingExtracting(0..<byteCount - WireLimits.tagByteCount)
            var writer = ByteWriter(&view)
            guard (try? header.write(to: &writer)) != nil,
                (try? ControlFrame.ping.write(to: &writer)) != nil,
                (try? writer.writeZeros(writer.remaining)) != nil
            else { return nil }
        }
        var packet = SentPacket()
        packet.state = .inFlight
        packet.isSizeProbe = true
        _ = seal(
            &room, header: header, number: number,
            payloadEnd: byteCount - WireLimits.tagByteCount)
        note(&packet, number, byteCount: byteCount, isProbe: false, now: now)
        pathMTU.probeSent(number, byteCount: byteCount)
        path.sent(byteCount: byteCount)
        statistics.sizeProbes += 1
        return Transmission(byteCount: byteCount, destination: path.address, ecn: packet.ecn)
    }

    // MARK: Fates

    /// Notes what the arrival of a packet says of the path.
    mutating func noteArrived(_ packet: SentPacket, _ number: UInt64, now: Instant) {
        let before = pathMTU.byteCount
        pathMTU.arrived(
            number, byteCount: Int(packet.byteCount), isProbe: packet.isSizeProbe,
            next: detector.packets.next, now: now)
        ecn.arrived(number, isMarked: packet.isMarked)
        noteSize(before: before, now: now)
    }

    /// Notes what the loss of a packet says of the path.
    mutating func noteLost(_ packet: SentPacket, _ number: UInt64, now: Instant) {
        let before = pathMTU.byteCount
        pathMTU.lost(
            number, byteCount: Int(packet.byteCount), isProbe: packet.isSizeProbe,
            next: detector.packets.next, now: now)
        ecn.lost(number, isMarked: packet.isMarked)
        noteSize(before: before, now: now)
    }

    private mutating func noteSize(before: Int, now: Instant) {
        guard pathMTU.byteCount != before else { return }
        trace.note(.datagramSizeChanged(byteCount: pathMTU.byteCount), now)
    }

    // MARK: Marks

    /// Marks the next packet, unless the path may be one that drops what is marked.
    ///
    /// The first packets of a session must not be lost for that. What is not acknowledged stays
    /// unmarked (RFC 3168 §6.1.4), as nobody would learn of its fate.
    mutating func mark(_ packet: inout SentPacket, now: Instant) {
        guard ecn.mark != .notECT, packet.state == .inFlight, detector.rtt.hasSample,
            detector.probeCount < 2, path.address.carrier == .datagram
        else { return }
        packet.isMarked = true
        ecn.sentMarked(probeTimeout: probeInterval, now: now)
    }

    /// Looks at the counts of an ACK, after its packets were settled.
    mutating func noteCounts(
        _ ack: borrowing AckFrame, largestBefore: UInt64?, now: Instant
    ) {
        // An ACK that was overtaken counts less than is known.
        guard largestBefore.map({ ack.largest > $0 }) ?? true else { return }
        var arrived = 0
        for number in detector.acknowledgedNow where isMarked(number) { arrived += 1 }
        for number in detector.spuriousNow where isMarked(number) { arrived += 1 }
        guard ecn.check(ack.ecn, arrived: arrived, now: now) > 0 else { return }
        guard detector.packets.remembers(ack.largest) else { return }
        let packet = detector.packets[ack.largest]
        congestion.marked(mark: packet.mark, sent: packet.sent, now: now)
    }

    private func isMarked(_ number: UInt64) -> Bool {
        number >= ecn.since && detector.packets[number].isMarked
    }

    /// Whether the network has told of congestion lately.
    func isMarkedLately(now: Instant) -> Bool {
        guard let congestedAt = ecn.congestedAt else { return false }
        return now - congestedAt < max(.seconds(1), detector.rtt.smoothed * 4)
    }
}

// The send path: queues become frames, frames a packet, a packet a sealed datagram.

public import PetrelBase
internal import PetrelCrypto
internal import PetrelWire

/// A datagram that was put into the room given.
public struct Transmission: Equatable, Sendable {
    /// Its bytes, from the start of the room.
    public var byteCount: Int
    /// Where it goes.
    public var destination: Address
    /// What its IP header says of congestion marks.
    public var ecn: ECN

    /// Creates a transmission.
    public init(byteCount: Int, destination: Address, ecn: ECN = .notECT) {
        self.byteCount = byteCount
        self.destination = destination
        self.ecn = ecn
    }
}

extension Session {
    /// Puts the next datagram into `room`, if there is one to send now; call until `nil`.
    ///
    /// `room` has at least `configuration.datagramByteCountMax` bytes.
    public mutating func transmit(
        into room: inout MutableRawSpan, now: Instant
    ) -> Transmission? {
        switch phase {
        case .closed: return nil
        case .closing(let code): return transmitClose(code, into: &room, now: now)
        case .unconfirmed, .active: break
        }
        if control.challengeToPrevious != nil, let previous = path.previous {
            return transmitChallenge(to: previous, into: &room, now: now)
        }
        if let probe = transmitSideProbe(into: &room, now: now) { return probe }
        pacer.refill(rate: pacingRate, now: now)
        urgency.refill(smoothedRTT: detector.rtt.smoothed, now: now)
        ephemeral.dropStale(ageMax: configuration.ephemeralAgeMax, now: now)
        leaveOverdueOut(now: now)
        queue.backgroundWaits = ephemeral.hasWaiting
        let hasParity = hasParity(now: now)
        let last = hasParity || hasData(now) ? lastBand(now) : nil
        if last != nil, let probe = transmitSizeProbe(into: &room, now: now) { return probe }
        let isReady =
            last != nil && (queue.backgroundWaits || queue.isReady(now: now))
            || hasParity && last == Band.count - 1
        let isDue =
            acks.isDue(now) || !control.isEmpty || reassembler.owesStatus
            || bulkControls.hasWaiting || isReady || probesPending > 0 || mustCopy(now: now)
        guard isDue, path.allowance >= Self.datagramByteCountMin(side) else {
            runTimers(now: now)
            return nil
        }
        return transmitPacket(last: last, into: &room, now: now)
    }

    var mayGrowFlight: Bool {
        detector.packets.inFlightCount < configuration.packetsInFlightMax
            && mayFillWindow && pacer.mayProceed
    }

    /// Whether one more packet fits into the window.
    var mayFillWindow: Bool {
        let window = min(congestion.window, configuration.bytesInFlightMax)
        return detector.packets.bytesInFlight + pathMTU.byteCount <= window
    }

    /// Bytes per second that leave.
    var pacingRate: Int { congestion.pacingRate(smoothedRTT: detector.rtt.smoothed) }

    /// The lowest band that may send now: window and pacer do not hold back two packets a round
    /// trip of those before bulk; `nil` if none may.
    private func lastBand(_ now: Instant) -> Int? {
        if probesPending > 0 || mayGrowFlight { return Band.count - 1 }
        guard urgency.mayProceed,
            detector.packets.inFlightCount < configuration.packetsInFlightMax,
            queue.hasSendable(now: now, last: Band.count - 2)
        else { return nil }
        return Band.count - 2
    }

    private func hasData(_ now: Instant) -> Bool {
        queue.hasSendable(now: now) || ephemeral.hasWaiting
    }

    private mutating func transmitPacket(
        last: Int?, into room: inout MutableRawSpan, now: Instant
    ) -> Transmission? {
        makeRoomForPacket(now: now)
        rotateIDAfterIdling(now: now)
        watchBinding(now: now)
        #if PETREL_PLANTED
            let isReused =
                PlantedBug.numberReused.isActive && statistics.addressMoves > 0
                && detector.packets.next % 4 == 3
            let number = detector.packets.next - (isReused ? 1 : 0)
        #else
            let number = detector.packets.next
        #endif
        let header = header(number)
        let sizeMax = min(datagramByteCountLimit, room.byteCount, path.allowance)
        var packet = SentPacket()
        var payloadEnd: Int
        do {
            var view = room._mutatingExtracting(0..<sizeMax - WireLimits.tagByteCount)
            var writer = ByteWriter(&view)
            guard (try? header.write(to: &writer)) != nil else { return nil }
            writeFrames(to: &writer, packet: &packet, number: number, last: last, now: now)
            writeQuiet(to: &writer, header: header)
            guard writer.offset > header.byteCount else {
                // What waits does not fit into what an unproven address may be sent: only hearing
                // from there changes that.
                stopSendTimers()
                return nil
            }
            pad(&writer, header: header)
            asksFromNewAddress = false
            payloadEnd = writer.offset
        }
        let isProbe = probesPending > 0
        if isProbe {
            probesPending = queue.hasSendable(now: now) ? probesPending - 1 : 0
            statistics.probes += 1
        }
        let byteCount = seal(
            &room, header: header, number: number, payloadEnd: payloadEnd)
        note(&packet, number, byteCount: byteCount, isProbe: isProbe, now: now)
        path.sent(byteCount: byteCount)
        return Transmission(byteCount: byteCount, destination: path.address, ecn: packet.ecn)
    }

    // MARK: Frames

    /// All that the packet says, in the order of its importance.
    private mutating func writeFrames(
        to writer: inout ByteWriter, packet: inout SentPacket, number: UInt64, last: Int?,
        now: Instant
    ) {
        writeChallenge(to: &writer, packet: &packet)
        let asksForAnswer = last != nil || probesPending > 0
        writeAck(to: &writer, packet: &packet, asksForAnswer: asksForAnswer, now: now)
        writeControl(to: &writer, packet: &packet)
        if let last {
            writeData(to: &writer, packet: &packet, number: number, last: last, now: now)
            if last == Band.count - 1 {
                writeParity(to: &writer, packet: &packet, number: number, now: now)
            }
        }
        writeIDs(to: &writer, packet: &packet, now: now)
        writeAckPolicy(to: &writer, packet: &packet)
        writeCopies(to: &writer, packet: &packet, number: number, now: now)
        writeAddressQuestion(to: &writer, packet: packet)
        let needsPing = probesPending > 0 && packet.state != .inFlight
        if needsPing || control.ping {
            if writeControlFrame(.ping, to: &writer) { packet.state = .inFlight }
            control.ping = false
        }
    }

    private mutating func writeAck(
        to writer: inout ByteWriter, packet: inout SentPacket, asksForAnswer: Bool, now: Instant
    ) {
        // Only packets that ask for an answer let the reports grow shorter.
        guard acks.isPending || asksForAnswer && acks.hasGaps, let largest = acks.received.highest
        else { return }
        let written: Void? = try? AckFrame.write(
            acks.received, delay: acks.delay(now),
            ecn: marksReceived.isZero ? nil : marksReceived, to: &writer)
        guard written != nil else { return }
        packet.reported = largest
        acks.reported()
    }

    /// The challenge goes first: before an address is proven a packet may have little room, and an
    /// ACK of many ranges must not take it.
    private mutating func writeChallenge(to writer: inout ByteWriter, packet: inout SentPacket) {
        guard let data = control.challenge,
            writeControlFrame(.pathChallenge(data: data), to: &writer)
        else { return }
        control.challenge = nil
        packet.state = .inFlight
    }

    private mutating func writeControl(to writer: inout ByteWriter, packet: inout SentPacket) {
        if let (data, observed) = control.response,
            writeControlFrame(.pathResponse(data: data, observed: observed), to: &writer)
        {
            control.response = nil
            packet.state = .inFlight
        }
        if control.keepalive,
            writeControlFrame(.keepalive(interval: binding.interval), to: &writer)
        {
            control.keepalive = false
            binding.announced = binding.interval
            packet.append(.keepalive)
            packet.state = .inFlight
        }
        if control.keepaliveAnswer,
            writeControlFrame(.keepaliveAnswer(hint: keepaliveHint), to: &writer)
        {
            control.keepaliveAnswer = false
            packet.append(.keepaliveAnswer)
            packet.state = .inFlight
        }
        #if PETREL_PLANTED
            if PlantedBug.creditNotAnnounced.isActive { control.credit = false }
        #endif
        if control.credit,
            writeControlFrame(.credit(limit: reassembler.announceCredit()), to: &writer)
        {
            control.credit = false
            packet.append(.credit)
            packet.state = .inFlight
        }
        writeDeparture(to: &writer, packet: &packet)
        writeProbes(to: &writer, packet: &packet)
        if queue.shouldReportBlocked(),
            writeControlFrame(.blocked(limit: queue.credit), to: &writer)
        {
            packet.state = .inFlight
        }
        writeStatuses(to: &writer, packet: &packet)
        while Int(packet.frameCount) < SentPacket.framesMax - 1,
            let frame = bulkControls.writeNext(to: &writer)
        {
            packet.append(frame)
            packet.state = .inFlight
        }
    }

    /// What became of messages that the peer gave up; some of them, so that there is room for more.
    private mutating func writeStatuses(to writer: inout ByteWriter, packet: inout SentPacket) {
        while Int(packet.frameCount) < SentPacket.framesMax - 2, reassembler.owesStatus {
            guard writer.remaining >= StatusFrame.byteCountMax,
                let status = reassembler.takeStatus(),
                (try? status.write(to: &writer)) != nil
            else { return }
            packet.append(.status(status.kind, number: status.number))
            packet.state = .inFlight
        }
    }

    /// What is asked of the peer rides in packets that go out anyway.
    private mutating func writeAckPolicy(to writer: inout ByteWriter, packet: inout SentPacket) {
        guard detector.rules.contains(.patience), packet.state == .inFlight,
            Int(packet.frameCount) < SentPacket.framesMax
        else { return }
        ackPolicy.update(losses: detector.losses, isThin: detector.isThin)
        guard ackPolicy.isDue, writer.remaining >= 2 else { return }
        let patience = ackPolicy.takeAsked()
        guard writeControlFrame(.ackPolicy(patience: patience), to: &writer) else { return }
        packet.append(.ackPolicy(patience))
    }

    func writeControlFrame(_ frame: ControlFrame, to writer: inout ByteWriter) -> Bool {
        (try? frame.write(to: &writer)) != nil
    }

    /// Urgent and interactive messages, then ephemeral values, then the rest.
    private mutating func writeData(
        to writer: inout ByteWriter, packet: inout SentPacket, number: UInt64, last: Int,
        now: Instant
    ) {
        if queue.owesBackground { writeEphemeral(to: &writer, packet: &packet) }
        writeMessages(to: &writer, packet: &packet, number: number, last: 1, now: now)
        guard last > 1 else { return }
        writeEphemeral(to: &writer, packet: &packet)
        writeMessages(to: &writer, packet: &packet, number: number, last: 2, now: now)
    }

    private mutating func writeEphemeral(to writer: inout ByteWriter, packet: inout SentPacket) {
        let start = writer.offset
        while Int(packet.frameCount) < SentPacket.framesMax,
            let frame = ephemeral.writeNext(to: &writer)
        {
            packet.append(frame)
            packet.state = .inFlight
        }
        queue.sentBackground(writer.offset - start)
    }

    private mutating func writeMessages(
        to writer: inout ByteWriter, packet: inout SentPacket, number: UInt64, last: Int,
        now: Instant
    ) {
        while Int(packet.frameCount) < SentPacket.framesMax,
            let pick = queue.next(room: writer.remaining, packet: number, now: now, last: last)
        {
            guard let frame = queue.write(pick, to: &writer) else { return }
            packet.append(frame)
            packet.state = .inFlight
            noteSent(frame, now: now)
        }
    }

    /// A header needs a full sample behind it, and the server must be able to answer at least with
    /// a challenge of no more bytes.
    private func pad(_ writer: inout ByteWriter, header: DataHeader) {
        let payload = writer.offset - header.byteCount
        var missing = WireLimits.packetNumberByteCountMax - header.packetNumber.byteCount - payload
        let sealed = writer.offset + WireLimits.tagByteCount
        let least =
            asksFromNewAddress ? WireLimits.helloByteCount : Self.datagramByteCountMin(side)
        missing = max(missing, least - sealed, 0)
        try? writer.writeZeros(min(missing, writer.remaining))
    }

    static func datagramByteCountMin(_ side: ConnectionID.Side) -> Int {
        side == .client ? WireLimits.serverDatagramByteCountMin : 32
    }

    // MARK: Packets

    func header(_ number: UInt64) -> DataHeader {
        DataHeader(
            keyPhase: keys.writePhase, connectionID: remoteID,
            packetNumber: TruncatedPacketNumber(
                number, largestAcknowledged: detector.largestAcknowledged))
    }

    mutating func makeRoomForPacket(now: Instant) {
        renewKeysIfDue(now: now)
        if detector.packets.next == nextSkip {
            detector.makeRoom(now: now)
            repairLost(now: now)
            detector.skipNumber()
            nextSkip = detector.packets.next + 128 + random.next() % 256
        }
        detector.makeRoom(now: now)
        repairLost(now: now)
    }

    mutating func note(
        _ packet: inout SentPacket, _ number: UInt64, byteCount: Int, isProbe: Bool, now: Instant
    ) {
        packet.byteCount = UInt16(byteCount)
        packet.sent = now
        lastSent = now
        keyUpdate.sent(now: now)
        let isAckEliciting = packet.state == .inFlight
        if isAckEliciting {
            if !mayFillWindow || !pacer.mayProceed { urgency.used() }
            packet.mark = congestion.sent(
                bytesInFlight: detector.packets.bytesInFlight, now: now)
            if !packet.isSizeProbe { pathMTU.sent(byteCount: byteCount) }
        }
        mark(&packet, now: now)
        detector.sent(packet, now: now)
        statistics.packetsSent += 1
        statistics.bytesSent += byteCount
        if isAckEliciting {
            pacer.sent(byteCount: byteCount)
            if unansweredSince == nil { unansweredSince = now }
            quietInARow = 0
        } else {
            quietInARow += 1
            if quietInARow >= 16, acks.received.count > 4 { control.ping = true }
        }
        if side == .client { timers[.keepalive] = now + binding.pause }
        trace.note(
            .packetSent(
                number: number, byteCount: byteCount, frameCount: Int(packet.frameCount),
                isProbe: isProbe), now)
    }

    // MARK: Special packets

    /// The address before the last move is asked too: a forger may have moved a copy of a packet.
    private mutating func transmitChallenge(
        to previous: Address, into room: inout MutableRawSpan, now: Instant
    ) -> Transmission? {
        guard let data = control.challengeToPrevious else { return nil }
        control.challengeToPrevious = nil
        return transmitAlone(
            .pathChallenge(data: data), to: previous, allowance: room.byteCount, into: &room,
            now: now)
    }

    private mutating func transmitClose(
        _ code: ErrorCode, into room: inout MutableRawSpan, now: Instant
    ) -> Transmission? {
        phase = .closed
        return transmitAlone(
            .close(code: code.rawValue), to: path.address, allowance: path.allowance, into: &room,
            now: now)
    }

    /// A packet with one frame, which nobody acknowledges.
    mutating func transmitAlone(
        _ frame: ControlFrame, to destination: Address, allowance: Int,
        into room: inout MutableRawSpan, now: Instant
    ) -> Transmission? {
        let sizeMax = min(room.byteCount, allowance)
        guard sizeMax >= Self.datagramByteCountMin(side) else { return nil }
        makeRoomForPacket(now: now)
        let number = detector.packets.next
        let header = header(number)
        var payloadEnd: Int
        do {
            var view = room._mutatingExtracting(0..<sizeMax - WireLimits.tagByteCount)
            var writer = ByteWriter(&view)
            guard (try? header.write(to: &writer)) != nil,
                (try? frame.write(to: &writer)) != nil
            else { return nil }
            pad(&writer, header: header)
            payloadEnd = writer.offset
        }
        var packet = SentPacket()
        let byteCount = seal(&room, header: header, number: number, payloadEnd: payloadEnd)
        note(&packet, number, byteCount: byteCount, isProbe: false, now: now)
        return Transmission(byteCount: byteCount, destination: destination, ecn: packet.ecn)
    }
}

// The receive path: a datagram becomes a packet, a packet frames, frames state and events.

public import PetrelBase
internal import PetrelCrypto
internal import PetrelWire

extension Session {
    /// Takes a datagram in; what it means to the owner is appended to `events`.
    ///
    /// `datagram` is decrypted in place; `ecn` is what its IP header said. Before a packet is
    /// opened nothing of the session changes but counters.
    ///
    /// - Returns: why the datagram was dropped; `nil` if it was accepted.
    public mutating func receive(
        _ datagram: inout MutableRawSpan, from address: Address, ecn mark: ECN = .notECT,
        now: Instant, into events: inout SessionEvents
    ) -> DropReason? {
        guard !isEnding else { return .sessionClosed }
        let byteCount = datagram.byteCount
        let opened: OpenedPacket
        switch open(&datagram, now: now) {
        case .success(let packet): opened = packet
        case .failure(let reason):
            // Only its last bytes are compared, which opening leaves as they were.
            if isReset(datagram.bytes) {
                end(.reset, now: now, into: &events)
                return nil
            }
            trace.note(.packetDropped(reason, byteCount: byteCount), now)
            if failedOpens >= Self.failedOpensMax {
                violate(.keysExhausted, now: now, into: &events)
            }
            return reason
        }
        queue.progress.take(into: &events)
        accept(opened, byteCount: byteCount, from: address, now: now, into: &events)
        let payload = datagram.bytes.extracting(opened.payload)
        let isAckEliciting = walk(
            payload, key: opened.key, from: address, now: now, into: &events)
        #if PETREL_PLANTED
            tellEarlyLate(now: now, into: &events)
        #endif
        acknowledgeLater(opened.number, isAckEliciting: isAckEliciting, payload, now: now)
        marksReceived.count(mark)
        if mark == .ce, isAckEliciting { acks.hurry(now: now) }
        queue.progress.take(into: &events)
        return nil
    }

    private mutating func accept(
        _ packet: OpenedPacket, byteCount: Int, from address: Address, now: Instant,
        into events: inout SessionEvents
    ) {
        statistics.packetsReceived += 1
        statistics.bytesReceived += byteCount
        trace.note(.packetReceived(number: packet.number, byteCount: byteCount), now)
        lastHeard = now
        unansweredSince = nil
        let isNewest = largestReceived.map { packet.number > $0 } ?? true
        if isNewest {
            largestReceived = packet.number
            noteLocalID(packet.connectionID, now: now)
        }
        timers[.silence] = now + silenceMax
        if address == path.address {
            path.received(byteCount: byteCount)
            proveAgain(now: now)
        } else if isNewest, side == .server {
            move(to: address, byteCount: byteCount, now: now, into: &events)
        }
        guard phase == .unconfirmed else { return }
        phase = .active
        // The keys come from an ACCEPT that was received where it was sent.
        if address == path.address, statistics.addressMoves == 0 {
            path.validator.provenByHandshake()
        }
        events.append(.confirmed)
        takeEarly(from: address, now: now, into: &events)
    }

    /// The newest packet shows where the peer is now; until that is proven, little is sent there.
    private mutating func move(
        to address: Address, byteCount: Int, now: Instant, into events: inout SessionEvents
    ) {
        let isSameHost =
            address.hasSameHost(as: path.address) && address.carrier == path.address.carrier
        let movesMax = configuration.addressMovesPerMinuteMax
        guard path.move(to: address, byteCount: byteCount, movesMax: movesMax, now: now) else {
            return
        }
        statistics.addressMoves += 1
        if !isSameHost { forgetPath() }
        if path.validator.isProven {
            control.challenge = nil
            control.challengeToPrevious = nil
            follow(.adopt, now: now)
        } else {
            if path.previous != nil { control.challengeToPrevious = random.next() }
            let action = path.validator.begin(now: now, timeout: probeInterval, random: &random)
            follow(action, now: now)
        }
        resendInFlight(now: now)
        trace.note(.addressMoved(address), now)
        events.append(.addressMoved(address))
    }

    /// Who still speaks from an address that could not be proven gets another chance.
    private mutating func proveAgain(now: Instant) {
        let validator = path.validator
        guard phase == .active, !validator.isProven, !validator.isProbing else { return }
        let action = path.validator.begin(now: now, timeout: probeInterval, random: &random)
        follow(action, now: now)
    }

    /// Walks over the frames; returns whether the packet asks for an acknowledgement.
    private mutating func walk(
        _ payload: RawSpan, key: KeyPhases.Choice, from address: Address, now: Instant,
        into events: inout SessionEvents
    ) -> Bool {
        var reader = ByteReader(payload)
        guard reader.remaining > 0 else {
            violate(.frameMalformed, now: now, into: &events)
            return false
        }
        var isAckEliciting = false
        while reader.remaining > 0, !isEnding {
            do {
                let frame = try Frame(&reader)
                isAckEliciting = isAckEliciting || frame.isAckEliciting
                if case .ack(let ack) = frame, isBehind(key),
                    !keyUpdate.mayBeAcknowledgedByEarlier(ack.largest)
                {
                    violate(.acknowledgedUnsent, now: now, into: &events)
                }
                receive(frame, from: address, now: now, into: &events)
            } catch {
                violate(.frameMalformed, now: now, into: &events)
            }
        }
        return isAckEliciting
    }

    var isEnding: Bool {
        switch phase {
        case .closing, .closed: true
        case .unconfirmed, .active: false
        }
    }

    mutating func receive(
        _ frame: borrowing Frame, from address: Address, now: Instant,
        into events: inout SessionEvents
    ) {
        switch frame {
        case .padding, .ping, .unknown: break
        case .ack(let ack): receive(ack, now: now, into: &events)
        case .close(let close): end(.closedByPeer(code: close.code), now: now, into: &events)
        case .keepalive(let interval):
            guard side == .server else { return violate(.frameForbidden, now: now, into: &events) }
            control.keepaliveAnswer = true
            noteAnnounced(interval, now: now)
        case .keepaliveAnswer(let hint):
            guard side == .client else { return violate(.frameForbidden, now: now, into: &events) }
            events.append(.keepaliveAnswered(hint: hint))
        case .pathChallenge(let data):
            control.response = (data, address)
            askWhatMoved()
        case .pathResponse(let data, let observed):
            noteObserved(observed, answering: data, into: &events)
            noteAnswer(to: data, from: address)
            follow(path.validator.received(response: data), now: now)
        case .goAway(let frame): receive(frame, now: now, into: &events)
        case .probe(let frame): receive(frame, now: now, into: &events)
        case .probeAnswer(let frame): receive(frame, now: now, into: &events)
        case .newID(let frame): receive(frame, now: now, into: &events)
        case .retireID(let sequence):
            receiveRetirement(of: sequence, now: now, into: &events)
        case .credit(let limit): queue.raiseCredit(to: limit)
        case .blocked: control.credit = true
        case .ackPolicy(let patience): ackPolicy.granted = patience
        case .message(let fragment): receive(fragment, now: now, into: &events)
        case .ephemeral(let value):
            guard ephemeralReceiver.accept(key: value.key, version: value.version) else { return }
            deliver(
                value.bytes, MessageName(.ephemeral, value.key), now: now, into: &events)
        case .skip(let skip):
            if case .violation(let code) = reassembler.skip(skip, now: now) {
                return violate(code, now: now, into: &events)
            }
            deliverHeld(now: now, into: &events)
        case .status(let status): queue.received(status, into: &events)
        case .bulk(let chunk): receive(chunk, now: now, into: &events)
        case .parity(let parity): receive(parity, now: now, into: &events)
        case .bulkControl(let frame): receive(frame, now: now, into: &events)
        }
    }

    private mutating func receive(
        _ fragment: borrowing MessageFragment, now: Instant, into events: inout SessionEvents
    ) {
        switch reassembler.receive(fragment, now: now) {
        case .none, .held: return
        case .violation(let code): return violate(code, now: now, into: &events)
        case .whole: deliver(fragment.bytes, fragment.name, now: now, into: &events)
        case .assembled:
            let message = reassembler.assembled
            unsafe deliver(message.span.bytes, fragment.name, now: now, into: &events)
        }
        deliverHeld(now: now, into: &events)
    }

    /// Hands over the messages that waited for the one before.
    mutating func deliverHeld(now: Instant, into events: inout SessionEvents) {
        statistics.paritiesUseful = reassembler.rebuiltCount
        while let name = reassembler.releaseHeld() {
            let message = reassembler.assembled
            unsafe deliver(message.span.bytes, name, now: now, into: &events)
        }
        if reassembler.creditToAnnounce != nil { control.credit = true }
    }

    mutating func deliver(
        _ message: RawSpan, _ name: MessageName, now: Instant, into events: inout SessionEvents
    ) {
        statistics.messagesReceived += 1
        lastMessage = now
        trace.note(
            .messageReceived(
                name.deliveryClass, number: name.number, byteCount: message.byteCount), now)
        events.append(message, name)
    }

    private mutating func acknowledgeLater(
        _ number: UInt64, isAckEliciting: Bool, _ payload: RawSpan, now: Instant
    ) {
        acks.received(
            number, isAckEliciting: isAckEliciting, byteCount: payload.byteCount,
            holdBack: AckTracker.HoldBack(
                message: max(configuration.messageAckDelay, ackPolicy.granted),
                other: max(configuration.ackDelayMax, ackPolicy.granted)),
            now: now)
    }

    // MARK: Acknowledgements

    private mutating func receive(
        _ ack: borrowing AckFrame, now: Instant, into events: inout SessionEvents
    ) {
        let largestBefore = detector.largestAcknowledged
        guard
            detector.received(ack, ackDelayMax: peerAckDelayMax, now: now)
        else { return violate(.acknowledgedUnsent, now: now, into: &events) }
        var latest: Interval?
        for number in detector.acknowledgedNow {
            let packet = detector.packets[number]
            if number == ack.largest {
                latest = detector.rtt.adjusted(now - packet.sent, ack.delay)
            }
            congestion.acknowledged(
                byteCount: Int(packet.byteCount), mark: packet.mark, sent: packet.sent, now: now)
            settle(packet, number, now: now, into: &events)
        }
        for number in detector.spuriousNow {
            statistics.lossesSpurious += 1
            trace.note(.lossSpurious(number: number), now)
            let packet = detector.packets[number]
            congestion.lossWasSpurious(
                byteCount: Int(packet.byteCount), mark: packet.mark, sent: packet.sent, now: now)
            settle(packet, number, now: now, into: &events)
        }
        noteCounts(ack, largestBefore: largestBefore, now: now)
        detectLoss(now: now)
        congestion.update(
            rtt: detector.rtt, latest: latest, bytesInFlight: detector.packets.bytesInFlight,
            now: now)
        trace.note(
            .metricsUpdated(
                smoothedRTT: detector.rtt.smoothed, congestionWindow: congestion.window,
                bytesInFlight: detector.packets.bytesInFlight), now)
    }

    /// What was in a packet that arrived is done.
    private mutating func settle(
        _ packet: SentPacket, _ number: UInt64, now: Instant, into events: inout SessionEvents
    ) {
        trace.note(.packetAcknowledged(number: number), now)
        noteArrived(packet, number, now: now)
        if packet.reported != .max { acks.reportArrived(upTo: packet.reported) }
        if packet.isRepaired, packet.state != .lost { statistics.probesNeedless += 1 }
        for i in 0..<Int(packet.frameCount) {
            noteUse(packet.frames[i], in: number)
            settleBulk(packet.frames[i], into: &events)
            if case .retireID(let sequence) = packet.frames[i] {
                remoteIDs.retirementArrived(sequence)
            }
            if case .ackPolicy(let patience) = packet.frames[i] { ackPolicy.arrived(patience) }
            guard case .fragment(let slot, let index, let kind, let number) = packet.frames[i]
            else { continue }
            let isComplete = queue.acknowledged(
                slot: slot, index: index, deliveryClass: kind, number: number)
            guard isComplete else { continue }
            trace.note(.messageAcknowledged(kind, number: number), now)
            events.append(.acknowledged(kind, number: number))
        }
    }

    // MARK: Endings

    /// The peer broke the protocol: tell it, and end.
    mutating func violate(
        _ code: ErrorCode, now: Instant, into events: inout SessionEvents
    ) {
        announceEnd(code, as: .violation(code), now: now, into: &events)
    }

    mutating func end(_ reason: CloseReason, now: Instant, into events: inout SessionEvents) {
        guard !isEnding else { return }
        phase = .closed
        queue.failAll(into: &events)
        trace.note(.closed(reason), now)
        events.append(.closed(reason))
    }

    /// Whether the server proves with this datagram that it has forgotten the session.
    private func isReset(_ datagram: RawSpan) -> Bool {
        #if PETREL_PLANTED
            if PlantedBug.resetUnchecked.isActive, side == .client {
                return datagram.byteCount <= WireLimits.resetByteCountMax
            }
        #endif
        return side == .client && remoteIDs.resetToken?.ends(datagram) == true
    }
}

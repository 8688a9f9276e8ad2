// Opening and sealing of packets, and the renewal of the keys that this is done with.

internal import PetrelBase
internal import PetrelCrypto
internal import PetrelWire

/// A packet that was opened where it lies.
struct OpenedPacket {
    var number: UInt64
    var payload: Range<Int>
    /// Which of our connection IDs it carried.
    var connectionID: UInt64
    /// Which of the peer's keys it was sealed with.
    var key: KeyPhases.Choice
}

extension Session {
    /// Opens a datagram in place; nothing but counters changes if that fails.
    mutating func open(
        _ datagram: inout MutableRawSpan, now: Instant
    ) -> Result<OpenedPacket, DropReason> {
        let byteCount = datagram.byteCount
        let numberOffset = 1 + localID.byteCount
        guard byteCount >= numberOffset + DataHeader.byteCountMinAfterID,
            byteCount <= WireLimits.receivedDatagramByteCountMax
        else { return .failure(.formUnknown) }
        unmask(&datagram, numberOffset: numberOffset)
        var reader = ByteReader(datagram.bytes)
        guard let header = try? DataHeader(&reader, receivedBy: side),
            localIDs.contains(header.connectionID.value)
        else { return .failure(.headerMalformed) }
        let number = header.packetNumber.expanded(largest: largestReceived)
        guard replay.mayAccept(number) else { return .failure(.replayed) }
        #if PETREL_PLANTED
            if PlantedBug.markedBeforeOpened.isActive { _ = replay.accept(number) }
        #endif
        forgetPreviousKey(now: now)
        guard let key = keys.choice(of: header.keyPhase), mayUse(key, for: number) else {
            return .failure(.keyUnknown)
        }
        guard
            let count = keys.open(
                &datagram, with: key, headerByteCount: header.byteCount, byteCount: byteCount,
                packetNumber: number)
        else {
            failedOpens += 1
            return .failure(.forged)
        }
        #if PETREL_PLANTED
            let isMarked = PlantedBug.markedBeforeOpened.isActive || replay.accept(number)
        #else
            let isMarked = replay.accept(number)
        #endif
        guard isMarked else { return .failure(.replayed) }
        noteOpened(number, with: key, now: now)
        let start = header.byteCount
        return .success(
            OpenedPacket(
                number: number, payload: start..<start + count,
                connectionID: header.connectionID.value, key: key))
    }

    private func unmask(_ datagram: inout MutableRawSpan, numberOffset: Int) {
        let sample = numberOffset + WireLimits.packetNumberByteCountMax
        let mask = keys.readHeader.mask(
            sample: datagram.bytes.extracting(sample..<sample + WireLimits.sampleByteCount))
        datagram.mask(at: 0, with: mask[0] & DataHeader.protectedBits)
        for i in 0...Int(datagram.byte(at: 0) >> 2 & 3) {
            datagram.mask(at: numberOffset + i, with: mask[1 + i])
        }
    }

    /// Numbers and keys go up together: who holds an old key cannot speak for the present.
    private func mayUse(_ key: KeyPhases.Choice, for number: UInt64) -> Bool {
        switch key {
        case .current: true
        case .previous: keyUpdate.lowestRead.map { number < $0 } ?? true
        case .next: largestReceived.map { number > $0 } ?? true
        }
    }

    /// Whether the sender of a packet did not have our present key yet, as far as it shows.
    func isBehind(_ key: KeyPhases.Choice) -> Bool {
        key == .previous || keys.readGeneration < keys.writeGeneration
    }

    private mutating func noteOpened(_ number: UInt64, with key: KeyPhases.Choice, now: Instant) {
        switch key {
        case .previous: break
        case .current: keyUpdate.opened(number)
        case .next:
            keys.renewReading()
            keyUpdate.renewedReading(at: number, keepingPrevious: probeInterval * 3, now: now)
            #if PETREL_PLANTED
                if PlantedBug.oldKeyForgottenAtOnce.isActive { keys.forgetPrevious() }
            #endif
            if keys.writeGeneration < keys.readGeneration { renewWriting(now: now) }
        }
    }

    /// Wipes the key before the last update, if its time is up.
    mutating func forgetPreviousKey(now: Instant) {
        guard keyUpdate.previousUntil <= now else { return }
        keys.forgetPrevious()
        keyUpdate.forgotPrevious()
    }

    /// Gives our packets a new key, if the present one was used enough.
    ///
    /// Asked only when a packet goes out: an idle session is not woken for it.
    mutating func renewKeysIfDue(now: Instant) {
        forgetPreviousKey(now: now)
        guard isConfirmed, keys.writeGeneration == keys.readGeneration,
            keyUpdate.isDue(
                next: detector.packets.next, largestAcknowledged: detector.largestAcknowledged,
                failedOpens: failedOpens, configuration: configuration, now: now)
        else { return }
        renewWriting(now: now)
    }

    private mutating func renewWriting(now: Instant) {
        keys.renewWriting()
        keyUpdate.renewedWriting(next: detector.packets.next, failedOpens: failedOpens)
        statistics.keyUpdates += 1
        trace.note(.keyUpdated(generation: keys.writeGeneration), now)
    }

    /// Seals what was written into `room`; returns the bytes of the datagram.
    mutating func seal(
        _ room: inout MutableRawSpan, header: DataHeader, number: UInt64, payloadEnd: Int
    ) -> Int {
        let byteCount = keys.seal(
            &room, headerByteCount: header.byteCount,
            payloadByteCount: payloadEnd - header.byteCount, packetNumber: number)
        let numberOffset = 1 + remoteID.byteCount
        let sample = numberOffset + WireLimits.packetNumberByteCountMax
        let mask = keys.writeHeader.mask(
            sample: room.bytes.extracting(sample..<sample + WireLimits.sampleByteCount))
        room.mask(at: 0, with: mask[0] & DataHeader.protectedBits)
        for i in 0..<header.packetNumber.byteCount {
            room.mask(at: numberOffset + i, with: mask[1 + i])
        }
        return byteCount
    }
}

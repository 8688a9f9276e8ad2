// Transfers of any length: offered, wanted from somewhere on, supplied bit by bit (§5.8).

internal import PetrelBase
public import PetrelWire

extension Session {
    /// Offers a transfer to the peer; `.bulk(.wanted)` asks for its bytes, and from where on.
    ///
    /// - Parameters:
    ///   - transfer: names it for both sides, also in later sessions in which it goes on.
    ///   - byteCount: 1 byte to 1 TiB.
    ///   - deliveryClass: one of the bulk kind.
    /// - Throws: `SendRefusal`; `.queueFull` if four transfers are under way, or it is.
    public mutating func offerTransfer(
        _ transfer: UInt64, byteCount: UInt64, as deliveryClass: DeliveryClass = .bulk
    ) throws(SendRefusal) {
        guard !isEnding else { throw .closed }
        guard deliveryClass.kind == .bulk, queue.classes.policy(of: deliveryClass) != nil,
            transfer < 1 << 62
        else { throw .classUnknown }
        guard 1...WireLimits.transferByteCountMax ~= byteCount else {
            throw .tooLarge(
                byteCount: Int(clamping: byteCount), max: Int(WireLimits.transferByteCountMax))
        }
        guard bulkControls.hasRoom,
            queue.bulk.open(transfer, total: byteCount, as: deliveryClass) != nil
        else { throw .queueFull }
        bulkControls.append(.offer(deliveryClass, transfer: transfer, total: byteCount))
    }

    /// Takes the next bytes of a transfer that the peer wants, as many as there is room for.
    ///
    /// The bytes follow those that were taken before, the first ones begin at the offset of
    /// `.bulk(.wanted)`. Whole chunks of 128 bytes are taken only, but for the end.
    ///
    /// - Returns: how many bytes were taken; if not all, `.bulk(.room)` tells when to go on.
    public mutating func supplyTransfer(_ transfer: UInt64, _ bytes: RawSpan) -> Int {
        guard !isEnding, let place = queue.bulk.place(of: transfer),
            queue.bulk.transfers[place].isWanted
        else { return 0 }
        let taken = queue.bulk.supply(place, bytes)
        queue.standInFlow(transfer: place)
        return taken
    }

    /// Wants a transfer that the peer offered, but for the bytes before `offset`.
    ///
    /// - Returns: from where on it will come, which is at most `offset`; `nil` if it was not
    ///   offered. If nothing is missing, `.bulk(.received)` does not come any more.
    public mutating func acceptTransfer(
        _ transfer: UInt64, from offset: UInt64
    ) throws(SendRefusal) -> UInt64? {
        guard !isEnding else { throw .closed }
        guard bulkControls.hasRoom else { throw .queueFull }
        guard let first = bulk.accept(transfer, from: offset) else { return nil }
        bulkControls.append(.want(transfer: transfer, index: first))
        return min(offset, first * UInt64(WireLimits.chunkByteCount))
    }

    /// Gives a transfer up and tells the peer; `isMine`: one that this side sends.
    ///
    /// - Throws: `.queueFull` if too much of this kind was not heard yet.
    public mutating func stopTransfer(
        _ transfer: UInt64, isMine: Bool, code: UInt64 = 0
    ) throws(SendRefusal) {
        guard !isEnding else { throw .closed }
        guard bulkControls.hasRoom else { throw .queueFull }
        guard forget(transfer, isMine: isMine) else { return }
        bulkControls.append(.stop(transfer: transfer, bySender: isMine, code: min(code, 1 << 61)))
    }

    private mutating func forget(_ transfer: UInt64, isMine: Bool) -> Bool {
        guard isMine else { return bulk.close(transfer) }
        guard let place = queue.bulk.place(of: transfer) else { return false }
        queue.bulk.close(place)
        bulkControls.forgetOffer(transfer)
        return true
    }

    // MARK: Frames

    mutating func receive(
        _ chunks: borrowing BulkFrame, now: Instant, into events: inout SessionEvents
    ) {
        switch bulk.check(chunks) {
        case .none: return
        case .violation(let code): return violate(code, now: now, into: &events)
        case .new: break
        }
        let transfer = chunks.transfer
        let size = WireLimits.chunkByteCount
        let end = chunks.index + chunks.count
        var next = chunks.index
        while let run = bulk.takeRun(of: transfer, in: next..<end) {
            next = run.upperBound
            let start = Int(run.lowerBound - chunks.index) * size
            let byteCount = min(run.count * size, chunks.bytes.byteCount - start)
            let range = events.store(chunks.bytes.extracting(start..<start + byteCount))
            let offset = run.lowerBound * UInt64(size)
            events.append(.bulk(.range(transfer: transfer, offset: offset, bytes: range)))
        }
        if bulk.moveOn(transfer) { events.append(.bulk(.received(transfer: transfer))) }
    }

    mutating func receive(
        _ frame: BulkControlFrame, now: Instant, into events: inout SessionEvents
    ) {
        switch frame {
        case .offer(let deliveryClass, let transfer, let total):
            switch bulk.offered(transfer, total: total) {
            case .none: break
            case .violation(let code): violate(code, now: now, into: &events)
            case .new:
                events.append(
                    .bulk(.offered(deliveryClass, transfer: transfer, byteCount: total)))
            }
        case .want(let transfer, let index):
            bulkControls.forgetOffer(transfer)
            wanted(transfer, from: index, now: now, into: &events)
        case .stop(let transfer, let bySender, let code):
            if forget(transfer, isMine: !bySender) {
                events.append(.bulk(.stopped(transfer: transfer, isMine: !bySender, code: code)))
            }
        }
    }

    private mutating func wanted(
        _ transfer: UInt64, from index: UInt64, now: Instant, into events: inout SessionEvents
    ) {
        guard let place = queue.bulk.place(of: transfer), !queue.bulk.transfers[place].isWanted
        else { return }
        guard queue.bulk.want(place, from: index) else {
            return violate(.limitExceeded, now: now, into: &events)
        }
        if index == queue.bulk.transfers[place].count {
            queue.bulk.close(place)
            events.append(.bulk(.sent(transfer: transfer)))
        } else {
            let offset = index * UInt64(WireLimits.chunkByteCount)
            events.append(.bulk(.wanted(transfer: transfer, offset: offset)))
        }
    }

    /// What was in a packet that arrived, as far as it belongs to a transfer.
    mutating func settleBulk(_ frame: SentFrame, into events: inout SessionEvents) {
        switch frame {
        case .bulkControl(let ticket): bulkControls.acknowledged(ticket)
        case .chunks(let place, let count, let generation, let index):
            let transfer = queue.bulk.transfers[Int(place)].transfer
            let chunks = index..<index + UInt64(count)
            switch queue.bulk.acknowledged(Int(place), generation: generation, chunks) {
            case .none: break
            case .room: events.append(.bulk(.room(transfer: transfer)))
            case .complete:
                queue.bulk.close(Int(place))
                events.append(.bulk(.sent(transfer: transfer)))
            }
        default: break
        }
    }
}

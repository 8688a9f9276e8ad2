// Transfers towards the peer: a window of chunks of each, supplied by the owner bit by bit (§5.8).

internal import PetrelBase
internal import PetrelWire

/// One transfer, from its offer until the peer has all of it.
struct OutgoingTransfer: Sendable {
    /// Words of a bit for each chunk of the window.
    private static let words = Int(WireLimits.chunkWindow / 64)

    var transfer: UInt64 = 0
    var total: UInt64 = 0
    var deliveryClass = DeliveryClass.bulk
    var isUsed = false
    /// Tells a reference to an earlier transfer in the same place from one to this.
    var generation: UInt16 = 0
    /// Whether the peer said from where on it wants the transfer.
    var isWanted = false
    /// Whether the owner was told that there is no room, and waits to hear that there is.
    var isAwaitingRoom = false
    /// The lowest chunk that the peer does not have.
    var base: UInt64 = 0
    /// The first chunk that was never sent, and the first that the owner did not supply.
    var fresh: UInt64 = 0
    var supplied: UInt64 = 0
    var lostCount = 0
    /// By chunk modulo the window, received by the peer; empty until wanted.
    var received: [UInt64] = []
    /// The same, to be sent again.
    var lost: [UInt64] = []
    /// Chunks from `base` on, each at its number modulo the capacity.
    var bytes: [UInt8] = []

    var count: UInt64 { BulkFrame.count(total: total) }
    var capacity: UInt64 { UInt64(bytes.count / WireLimits.chunkByteCount) }
    var hasChunk: Bool { isUsed && (lostCount > 0 || fresh < supplied) }

    /// Bytes that were never sent.
    var unsentByteCount: UInt64 {
        isWanted ? total - min(total, fresh * UInt64(WireLimits.chunkByteCount)) : 0
    }

    /// The peer wants the chunks from `index` on.
    mutating func begin(at index: UInt64) {
        isWanted = true
        base = index
        fresh = index
        supplied = index
        received = [UInt64](repeating: 0, count: Self.words)
        lost = received
    }

    /// The chunks to send next, `most` at most: lost ones, or else new ones.
    func nextRun(most: UInt64) -> Range<UInt64>? {
        guard isUsed else { return nil }
        if lostCount > 0, let first = firstLost {
            let end = min(first + most, first + capacity - first % capacity, fresh)
            var next = first + 1
            while next < end, isLost(next) { next += 1 }
            return first..<next
        }
        guard fresh < supplied else { return nil }
        // What lies apart in the ring is not written at once.
        return fresh..<min(fresh + most, fresh + capacity - fresh % capacity, supplied)
    }

    private var firstLost: UInt64? {
        var start = base
        while start < fresh {
            // The bits of this word from `start` on; those of the next window are in the last word.
            let bits = lost[word(start)] >> (start % 64)
            if bits != 0 { return start + UInt64(bits.trailingZeroBitCount) }
            start = (start / 64 + 1) * 64
        }
        return nil
    }

    func isLost(_ chunk: UInt64) -> Bool { lost[word(chunk)] & bit(chunk) != 0 }

    /// Whether the fate of a chunk matters.
    func isUnderWay(_ chunk: UInt64) -> Bool { base <= chunk && chunk < fresh }

    /// Takes a chunk out of those to be sent again; returns whether it was one.
    @discardableResult
    mutating func clearLost(_ chunk: UInt64) -> Bool {
        guard isLost(chunk) else { return false }
        lost[word(chunk)] &= ~bit(chunk)
        lostCount -= 1
        return true
    }

    /// Notes that a chunk is to be sent again, unless the peer has it; returns whether it will be.
    mutating func markLost(_ chunk: UInt64) -> Bool {
        guard isUnderWay(chunk), received[word(chunk)] & bit(chunk) == 0 else { return false }
        if isLost(chunk) { return true }
        lost[word(chunk)] |= bit(chunk)
        lostCount += 1
        return true
    }

    /// Notes that the peer has a chunk.
    mutating func markReceived(_ chunk: UInt64) {
        guard isUnderWay(chunk) else { return }
        received[word(chunk)] |= bit(chunk)
        clearLost(chunk)
    }

    /// Goes on to the lowest chunk that the peer does not have.
    mutating func moveBase() {
        while base < fresh, received[word(base)] & bit(base) != 0 {
            received[word(base)] &= ~bit(base)
            base += 1
        }
    }

    private func word(_ chunk: UInt64) -> Int { Int(chunk / 64) % Self.words }
    private func bit(_ chunk: UInt64) -> UInt64 { 1 << (chunk % 64) }
}

/// The transfers of one session towards the peer.
struct BulkSender: Sendable {
    /// Chunks of which there must be room for, before a packet with something else takes any.
    private static let runMin: UInt64 = 4

    private(set) var transfers: [OutgoingTransfer] = []

    /// The place of a transfer.
    func place(of transfer: UInt64) -> Int? {
        transfers.firstIndex { $0.isUsed && $0.transfer == transfer }
    }

    /// Takes a transfer in that was not offered yet; `nil` if there are too many.
    mutating func open(
        _ transfer: UInt64, total: UInt64, as deliveryClass: DeliveryClass
    ) -> Int? {
        let free = transfers.firstIndex { !$0.isUsed } ?? transfers.count
        guard free < WireLimits.transfersMax, place(of: transfer) == nil else { return nil }
        if free == transfers.count { transfers.append(OutgoingTransfer()) }
        let generation = transfers[free].generation &+ 1
        transfers[free] = OutgoingTransfer(
            transfer: transfer, total: total, deliveryClass: deliveryClass, isUsed: true,
            generation: generation)
        return free
    }

    /// Forgets a transfer.
    mutating func close(_ place: Int) {
        let generation = transfers[place].generation
        transfers[place] = OutgoingTransfer(generation: generation)
    }

    /// Whether a transfer has something to send.
    func hasChunk(_ place: Int) -> Bool { transfers[place].hasChunk }

    /// Whether any transfer has something to send.
    var hasChunks: Bool {
        for i in transfers.indices where transfers[i].hasChunk { return true }
        return false
    }

    /// Bytes of transfers that the peer wants and that were never sent.
    var unsentByteCount: UInt64 {
        var byteCount: UInt64 = 0
        for i in transfers.indices { byteCount += transfers[i].unsentByteCount }
        return byteCount
    }

    /// The peer wants the chunks from `index` on; `false` if there is no such chunk.
    mutating func want(_ place: Int, from index: UInt64) -> Bool {
        guard index <= transfers[place].count else { return false }
        transfers[place].begin(at: index)
        return true
    }

    /// Takes as many of the bytes as there is room for, in whole chunks.
    ///
    /// - Returns: how many bytes were taken.
    mutating func supply(_ place: Int, _ bytes: RawSpan) -> Int {
        let size = WireLimits.chunkByteCount
        var taken = 0
        let end = min(transfers[place].base + WireLimits.chunkWindow, transfers[place].count)
        while transfers[place].supplied < end {
            let chunk = transfers[place].supplied
            if chunk - transfers[place].base >= transfers[place].capacity { grow(place) }
            let byteCount = BulkFrame.byteCount(chunk, total: transfers[place].total)
            guard taken + byteCount <= bytes.byteCount else { break }
            let start = Int(chunk % transfers[place].capacity) * size
            let source = bytes.extracting(taken..<taken + byteCount)
            var span = transfers[place].bytes.mutableSpan
            var room = unsafe span.mutableBytes
            var view = room._mutatingExtracting(start..<start + byteCount)
            var writer = ByteWriter(&view)
            guard (try? writer.writeBytes(source)) != nil else { break }
            transfers[place].supplied += 1
            taken += byteCount
        }
        if transfers[place].supplied < transfers[place].count {
            transfers[place].isAwaitingRoom = true
        }
        return taken
    }

    /// The chunks that go into a packet with that much room, and the bytes of their frame.
    ///
    /// If there is too little room, the frame is larger than it.
    func nextRun(_ place: Int, room: Int) -> (chunks: Range<UInt64>, frameByteCount: Int)? {
        let (transfer, total) = (transfers[place].transfer, transfers[place].total)
        let size = WireLimits.chunkByteCount
        let index = max(transfers[place].fresh, transfers[place].base)
        let most = BulkFrame.headByteCount(transfer: transfer, total: total, index: index)
        let fitting = UInt64(max(0, room - most) / size)
        guard
            let chunks = transfers[place].nextRun(most: min(max(fitting, Self.runMin), 255))
        else { return nil }
        let head = BulkFrame.headByteCount(
            transfer: transfer, total: total, index: chunks.lowerBound)
        let byteCount = BulkFrame.byteCount(
            chunks.lowerBound, UInt64(chunks.count), total: total)
        return (chunks, head + byteCount)
    }

    /// Notes that chunks go out, which `nextRun` gave.
    mutating func take(_ place: Int, _ chunks: Range<UInt64>) {
        if chunks.lowerBound == transfers[place].fresh {
            transfers[place].fresh = chunks.upperBound
        } else {
            for chunk in chunks { transfers[place].clearLost(chunk) }
        }
    }

    /// Writes chunks that `take` noted.
    func write(_ place: Int, _ chunks: Range<UInt64>, to writer: inout ByteWriter) -> SentFrame? {
        let (transfer, total) = (transfers[place].transfer, transfers[place].total)
        let first = chunks.lowerBound
        let start = Int(first % transfers[place].capacity) * WireLimits.chunkByteCount
        let end = start + BulkFrame.byteCount(first, UInt64(chunks.count), total: total)
        let bytes = transfers[place].bytes
        let written: Void? = unsafe try? BulkFrame.write(
            bytes.span.bytes.extracting(start..<end), transfer: transfer, total: total,
            index: first, count: UInt64(chunks.count), to: &writer)
        guard written != nil else { return nil }
        return .chunks(
            place: UInt8(place), count: UInt8(chunks.count),
            generation: transfers[place].generation, index: first)
    }

    /// What an acknowledgement of chunks means to the owner.
    enum Progress {
        case none
        /// There is room for more bytes again.
        case room
        /// The peer has all.
        case complete
    }

    /// Notes that the peer has chunks.
    mutating func acknowledged(
        _ place: Int, generation: UInt16, _ chunks: Range<UInt64>
    ) -> Progress {
        guard isOpen(place, generation) else { return .none }
        let before = transfers[place].base
        for chunk in chunks { transfers[place].markReceived(chunk) }
        transfers[place].moveBase()
        guard transfers[place].base > before else { return .none }
        if transfers[place].base == transfers[place].count { return .complete }
        let waiting = transfers[place].supplied - transfers[place].base
        guard transfers[place].isAwaitingRoom, waiting <= WireLimits.chunkWindow * 3 / 4 else {
            return .none
        }
        transfers[place].isAwaitingRoom = false
        return .room
    }

    /// Notes that chunks were lost; returns how many will be sent again.
    mutating func lost(_ place: Int, generation: UInt16, _ chunks: Range<UInt64>) -> Int {
        guard isOpen(place, generation) else { return 0 }
        var count = 0
        for chunk in chunks where transfers[place].markLost(chunk) { count += 1 }
        return count
    }

    private func isOpen(_ place: Int, _ generation: UInt16) -> Bool {
        place < transfers.count && transfers[place].isWanted
            && transfers[place].generation == generation
    }

    /// The buffer grows with what is under way, up to the window.
    private mutating func grow(_ place: Int) {
        let size = WireLimits.chunkByteCount
        let old = transfers[place].capacity
        let new = min(max(128, old * 4), WireLimits.chunkWindow)
        var bytes = [UInt8](repeating: 0, count: Int(new) * size)
        if old > 0 {
            for chunk in transfers[place].base..<transfers[place].supplied {
                let from = Int(chunk % old) * size
                let to = Int(chunk % new) * size
                for i in 0..<size { bytes[to + i] = transfers[place].bytes[from + i] }
            }
        }
        transfers[place].bytes = bytes
    }
}

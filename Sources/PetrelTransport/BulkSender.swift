// Transfers towards the peer: a window of chunks of each, supplied by the owner bit by bit (§5.8).

internal import PetrelBase
internal import PetrelWire

/// One transfer, from its offer until the peer has all of it.
struct OutgoingTransfer: Sendable {
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
    /// By chunk modulo the window: received by the peer; to be sent again.
    var received = InlineArray<16, UInt64>(repeating: 0)
    var lost = InlineArray<16, UInt64>(repeating: 0)
    /// Chunks from `base` on, each at its number modulo the capacity.
    var bytes: [UInt8] = []

    var count: UInt64 { BulkFrame.count(total: total) }
    var capacity: UInt64 { UInt64(bytes.count / WireLimits.fragmentByteCount) }
    var hasChunk: Bool { isUsed && (lostCount > 0 || fresh < supplied) }

    /// The next chunk to send: a lost one, or else a new one.
    var nextChunk: UInt64? {
        guard isUsed else { return nil }
        if lostCount > 0, let chunk = firstLost { return chunk }
        return fresh < supplied ? fresh : nil
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

    func word(_ chunk: UInt64) -> Int { Int(chunk / 64 % 16) }
    func bit(_ chunk: UInt64) -> UInt64 { 1 << (chunk % 64) }
}

/// The transfers of one session towards the peer.
struct BulkSender: Sendable {
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

    /// The peer wants the chunks from `index` on; `false` if there is no such chunk.
    mutating func want(_ place: Int, from index: UInt64) -> Bool {
        guard index <= transfers[place].count else { return false }
        transfers[place].isWanted = true
        transfers[place].base = index
        transfers[place].fresh = index
        transfers[place].supplied = index
        return true
    }

    /// Takes as many of the bytes as there is room for, in whole chunks.
    ///
    /// - Returns: how many bytes were taken.
    mutating func supply(_ place: Int, _ bytes: RawSpan) -> Int {
        let room = transfers[place].base + WireLimits.chunkWindow - transfers[place].supplied
        var taken = 0
        for _ in 0..<room where transfers[place].supplied < transfers[place].count {
            let chunk = transfers[place].supplied
            let size = BulkFrame.byteCount(chunk, total: transfers[place].total)
            guard taken + size <= bytes.byteCount else { break }
            if chunk - transfers[place].base >= transfers[place].capacity { grow(place) }
            let start =
                Int(chunk % transfers[place].capacity) * WireLimits.fragmentByteCount
            for i in 0..<size {
                transfers[place].bytes[start + i] = unsafe bytes.unsafeLoad(
                    fromByteOffset: taken + i, as: UInt8.self)
            }
            transfers[place].supplied += 1
            taken += size
        }
        if transfers[place].supplied < transfers[place].count {
            transfers[place].isAwaitingRoom = true
        }
        return taken
    }

    /// Notes that a chunk goes out.
    mutating func take(_ place: Int, _ chunk: UInt64) {
        if chunk == transfers[place].fresh {
            transfers[place].fresh += 1
            return
        }
        let (word, bit) = (transfers[place].word(chunk), transfers[place].bit(chunk))
        guard transfers[place].lost[word] & bit != 0 else { return }
        transfers[place].lost[word] &= ~bit
        transfers[place].lostCount -= 1
    }

    /// Writes a chunk that `take` noted.
    func write(_ place: Int, _ chunk: UInt64, to writer: inout ByteWriter) -> SentFrame? {
        let transfer = transfers[place].transfer
        let total = transfers[place].total
        let start = Int(chunk % transfers[place].capacity) * WireLimits.fragmentByteCount
        let end = start + BulkFrame.byteCount(chunk, total: total)
        let bytes = transfers[place].bytes
        let written: Void? = unsafe try? BulkFrame.write(
            bytes.span.bytes.extracting(start..<end), transfer: transfer, total: total,
            index: chunk, to: &writer)
        guard written != nil else { return nil }
        return .chunk(
            place: UInt8(place), generation: transfers[place].generation, index: UInt32(chunk))
    }

    /// What an acknowledgement of a chunk means to the owner.
    enum Progress {
        case none
        /// There is room for more bytes again.
        case room
        /// The peer has all.
        case complete
    }

    /// Notes that the peer has a chunk.
    mutating func acknowledged(_ place: Int, generation: UInt16, _ chunk: UInt64) -> Progress {
        guard isOpen(place, generation, chunk) else { return .none }
        let (word, bit) = (transfers[place].word(chunk), transfers[place].bit(chunk))
        transfers[place].received[word] |= bit
        if transfers[place].lost[word] & bit != 0 {
            transfers[place].lost[word] &= ~bit
            transfers[place].lostCount -= 1
        }
        while transfers[place].base < transfers[place].fresh {
            let base = transfers[place].base
            let (word, bit) = (transfers[place].word(base), transfers[place].bit(base))
            guard transfers[place].received[word] & bit != 0 else { break }
            transfers[place].received[word] &= ~bit
            transfers[place].base += 1
        }
        if transfers[place].base == transfers[place].count { return .complete }
        let waiting = transfers[place].supplied - transfers[place].base
        guard transfers[place].isAwaitingRoom, waiting <= WireLimits.chunkWindow * 3 / 4 else {
            return .none
        }
        transfers[place].isAwaitingRoom = false
        return .room
    }

    /// Notes that a chunk was lost; returns whether it will be sent again.
    mutating func lost(_ place: Int, generation: UInt16, _ chunk: UInt64) -> Bool {
        guard isOpen(place, generation, chunk) else { return false }
        let (word, bit) = (transfers[place].word(chunk), transfers[place].bit(chunk))
        guard transfers[place].received[word] & bit == 0 else { return false }
        guard transfers[place].lost[word] & bit == 0 else { return true }
        transfers[place].lost[word] |= bit
        transfers[place].lostCount += 1
        return true
    }

    private func isOpen(_ place: Int, _ generation: UInt16, _ chunk: UInt64) -> Bool {
        guard place < transfers.count, transfers[place].isUsed,
            transfers[place].generation == generation
        else { return false }
        return transfers[place].base <= chunk && chunk < transfers[place].fresh
    }

    /// The buffer grows with what is under way, up to the window.
    private mutating func grow(_ place: Int) {
        let size = WireLimits.fragmentByteCount
        let old = transfers[place].capacity
        let new = min(max(16, old * 4), WireLimits.chunkWindow)
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

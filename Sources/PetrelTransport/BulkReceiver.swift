// Transfers from the peer: which chunks came; their bytes go straight to the owner (§5.8).

internal import PetrelBase
internal import PetrelWire

/// The transfers of one session from the peer.
struct BulkReceiver: Sendable {
    private struct Incoming: Sendable {
        var transfer: UInt64
        var total: UInt64
        var isAccepted = false
        /// The lowest chunk that is missing.
        var base: UInt64 = 0
        /// By chunk modulo the window; empty until accepted.
        var bits: [UInt64] = []

        var count: UInt64 { BulkFrame.count(total: total) }
    }

    /// Words of a bit for each chunk of the window.
    private static let words = Int(WireLimits.chunkWindow / 64)

    /// What becomes of an offer or of chunks.
    enum Outcome: Equatable {
        /// Nothing: it came before, or nobody wants it.
        case none
        /// An offer that the owner does not know, or chunks of which some may be new.
        case new
        /// The peer broke a rule.
        case violation(ErrorCode)
    }

    private var transfers: [Incoming] = []

    /// Whether there is none.
    var isEmpty: Bool { transfers.isEmpty }

    /// Takes an offer in.
    mutating func offered(_ transfer: UInt64, total: UInt64) -> Outcome {
        if let place = place(of: transfer) {
            return transfers[place].total == total ? .none : .violation(.fragmentConflict)
        }
        guard transfers.count < WireLimits.transfersMax else { return .violation(.limitExceeded) }
        transfers.append(Incoming(transfer: transfer, total: total))
        return .new
    }

    /// The owner wants a transfer, but for the bytes before `offset`.
    ///
    /// - Returns: the chunk to ask for; `nil` if it was not offered, or is wanted already.
    mutating func accept(_ transfer: UInt64, from offset: UInt64) -> UInt64? {
        guard let place = place(of: transfer), !transfers[place].isAccepted else { return nil }
        let isEnd = offset >= transfers[place].total
        let chunk = offset / UInt64(WireLimits.chunkByteCount)
        let first = isEnd ? transfers[place].count : chunk
        transfers[place].isAccepted = true
        transfers[place].base = first
        transfers[place].bits = [UInt64](repeating: 0, count: Self.words)
        if first == transfers[place].count { transfers.remove(at: place) }
        return first
    }

    /// Looks at chunks that came; what is new of them `takeRun` tells.
    func check(_ chunks: borrowing BulkFrame) -> Outcome {
        guard let place = place(of: chunks.transfer), transfers[place].isAccepted else {
            return .none
        }
        guard chunks.total == transfers[place].total else { return .violation(.fragmentConflict) }
        let end = chunks.index + chunks.count
        guard end > transfers[place].base else { return .none }
        guard end - transfers[place].base <= WireLimits.chunkWindow else {
            return .violation(.limitExceeded)
        }
        return .new
    }

    /// Takes in the first new chunks in a row of those given, which `check` has passed.
    mutating func takeRun(of transfer: UInt64, in chunks: Range<UInt64>) -> Range<UInt64>? {
        guard let place = place(of: transfer) else { return nil }
        var first = max(chunks.lowerBound, transfers[place].base)
        while first < chunks.upperBound, has(place, first) { first += 1 }
        var end = first
        while end < chunks.upperBound, !has(place, end) {
            transfers[place].bits[Self.word(end)] |= Self.bit(end)
            end += 1
        }
        return first < end ? first..<end : nil
    }

    /// Goes on to the lowest chunk that is missing; returns whether there is none.
    mutating func moveOn(_ transfer: UInt64) -> Bool {
        guard let place = place(of: transfer) else { return false }
        while has(place, transfers[place].base) {
            let base = transfers[place].base
            transfers[place].bits[Self.word(base)] &= ~Self.bit(base)
            transfers[place].base += 1
        }
        guard transfers[place].base == transfers[place].count else { return false }
        transfers.remove(at: place)
        return true
    }

    /// Forgets a transfer; returns whether there was one.
    mutating func close(_ transfer: UInt64) -> Bool {
        guard let place = place(of: transfer) else { return false }
        transfers.remove(at: place)
        return true
    }

    private func has(_ place: Int, _ chunk: UInt64) -> Bool {
        transfers[place].bits[Self.word(chunk)] & Self.bit(chunk) != 0
    }

    private func place(of transfer: UInt64) -> Int? {
        transfers.firstIndex { $0.transfer == transfer }
    }

    private static func word(_ chunk: UInt64) -> Int { Int(chunk / 64) % words }
    private static func bit(_ chunk: UInt64) -> UInt64 { 1 << (chunk % 64) }
}

/// BULK_OFFER, BULK_WANT and BULK_STOP until the peer has them.
struct BulkControls: Sendable {
    private struct Entry: Sendable {
        var frame: BulkControlFrame
        var ticket: UInt16
        var isWaiting: Bool
    }

    /// The most that are under way.
    private static let entriesMax = 32

    private var entries: [Entry] = []
    private var nextTicket: UInt16 = 0

    /// Whether no frame waits or is under way.
    var isEmpty: Bool { entries.isEmpty }

    /// Whether a frame waits to be sent.
    var hasWaiting: Bool {
        for i in entries.indices where entries[i].isWaiting { return true }
        return false
    }

    /// Whether another frame can be taken in.
    var hasRoom: Bool { entries.count < Self.entriesMax }

    /// Takes a frame in.
    mutating func append(_ frame: BulkControlFrame) {
        entries.append(Entry(frame: frame, ticket: nextTicket, isWaiting: true))
        nextTicket &+= 1
    }

    /// Writes one frame that waits; `nil` if none waits or fits.
    mutating func writeNext(to writer: inout ByteWriter) -> SentFrame? {
        for i in entries.indices where entries[i].isWaiting {
            guard (try? entries[i].frame.write(to: &writer)) != nil else { continue }
            entries[i].isWaiting = false
            return .bulkControl(ticket: entries[i].ticket)
        }
        return nil
    }

    /// Notes that the peer has a frame.
    mutating func acknowledged(_ ticket: UInt16) { entries.removeAll { $0.ticket == ticket } }

    /// Notes that a frame was lost.
    mutating func lost(_ ticket: UInt16) {
        for i in entries.indices where entries[i].ticket == ticket { entries[i].isWaiting = true }
    }

    /// The peer has answered an offer: if it is repeated now, it may be taken for another.
    mutating func forgetOffer(_ transfer: UInt64) {
        entries.removeAll { entry in
            if case .offer(_, transfer, _) = entry.frame { true } else { false }
        }
    }
}

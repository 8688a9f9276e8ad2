// Transfers from client to server: what was offered, wanted and supplied, and what arrives.

import PetrelTransport
import PetrelWire

/// Each byte of a transfer arrives once, unchanged, and none before the offset that was wanted.
struct TransferBooks {
    private struct Book {
        var total: UInt64
        /// From where on the receiver wants it.
        var first: UInt64?
        /// How far the sender has supplied it, once it knows that it is wanted.
        var supplied: UInt64?
        var arrived: Set<UInt64> = []
    }

    private var open: [UInt64: Book] = [:]
    /// Offered at the receiver and not answered.
    private(set) var acceptable: [UInt64] = []

    mutating func offered(_ transfer: UInt64, total: UInt64) {
        open[transfer] = Book(total: total)
    }

    mutating func accepted(_ transfer: UInt64, from offset: UInt64) {
        acceptable.removeAll { $0 == transfer }
        open[transfer]?.first = offset
    }

    mutating func stopped(_ transfer: UInt64) {
        open[transfer] = nil
        acceptable.removeAll { $0 == transfer }
    }

    /// What the sender can supply next, by number.
    var suppliable: [(UInt64, UInt64, [UInt8])] {
        open.keys.sorted().compactMap { transfer in
            guard let book = open[transfer], let offset = book.supplied, offset < book.total else {
                return nil
            }
            let end = min(book.total, offset + 20_000)
            return (transfer, offset, (offset..<end).map { Self.byte(transfer, $0) })
        }
    }

    mutating func supplied(_ transfer: UInt64, upTo offset: UInt64) {
        open[transfer]?.supplied = offset
    }

    mutating func heard(_ event: BulkEvent, _ bytes: [UInt8]) throws {
        switch event {
        case .offered(_, let transfer, let byteCount):
            // What was stopped meanwhile may still be offered by a late packet.
            if open[transfer]?.total == byteCount { acceptable.append(transfer) }
        case .wanted(let transfer, let offset):
            guard open[transfer] != nil else { return }
            open[transfer]?.supplied = offset
        case .range(let transfer, let offset, _):
            guard let book = open[transfer] else { return }
            try hold(book.first.map { offset >= $0 / 128 * 128 } ?? false, "not wanted")
            for chunk in stride(from: offset, to: offset + UInt64(bytes.count), by: 128) {
                try hold(
                    open[transfer]?.arrived.insert(chunk).inserted == true,
                    "\(chunk) of transfer \(transfer) comes twice")
            }
            for (i, byte) in bytes.enumerated() {
                try hold(byte == Self.byte(transfer, offset + UInt64(i)), "another byte")
            }
        case .received(let transfer), .sent(let transfer):
            guard let book = open[transfer], let first = book.first, first < book.total else {
                return
            }
            let chunks = (book.total + 127) / 128 - first / 128
            try hold(
                UInt64(book.arrived.count) == chunks, "complete with \(book.arrived.count) chunks")
            if case .sent = event { open[transfer] = nil }
        case .room, .stopped: break
        }
    }

    private static func byte(_ transfer: UInt64, _ offset: UInt64) -> UInt8 {
        UInt8(truncatingIfNeeded: offset &* 7 &+ offset / 1_024 &+ transfer)
    }
}

// A transfer beside the messages: what one's own picture does to one's own chat.

import PetrelBase

/// The bytes of a transfer that begins some time after the messages do.
struct Beside {
    /// How long there are messages alone, from connecting on.
    private static let quiet = Interval.seconds(5)
    private static let piece = [UInt8](repeating: 0x5A, count: 65_536)

    private let byteCount: Int
    private var begins = Instant.distantFuture
    private var supplied = 0

    init(byteCount: Int) { self.byteCount = byteCount }

    /// When the transfer is to be offered.
    var due: Instant { begins }

    /// Notes that the session is there.
    mutating func connect(now: Instant) {
        if byteCount > 0 { begins = now + Self.quiet }
    }

    /// Bytes of the transfer to offer, once.
    mutating func begin(now: Instant) -> Int? {
        guard begins <= now else { return nil }
        begins = .distantFuture
        return byteCount
    }

    /// Hands on what is left, piece by piece, until `supply` takes less than it was given.
    mutating func hand(to supply: (RawSpan) -> Int) {
        while supplied < byteCount {
            let count = min(Self.piece.count, byteCount - supplied)
            let taken = supply(Self.piece.span.bytes.extracting(first: count))
            supplied += taken
            if taken < count { return }
        }
    }
}

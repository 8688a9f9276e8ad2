// The address at which the peer is reached, and how much may be sent there before it is proven.

internal import PetrelBase

/// The peer's address in use, the one before it, and the proof.
///
/// Until an address is proven, no more bytes go there than came from it (RFC 9000 §8.1).
struct Path: Sendable {
    /// Where packets go.
    private(set) var address: Address
    /// The address before the last move, if it was proven; where to go back to.
    private(set) var previous: Address?
    /// The proof of `address`.
    var validator = PathValidator()
    /// The address that could not be proven last, if nothing came from the one in use since then.
    private var unanswered: Address?
    private var bytesReceived = 0
    private var bytesSent = 0
    private var moves = 0
    private var movesSince = Instant(nanoseconds: 0)

    init(address: Address) { self.address = address }

    /// A proven address, and how often the peer moved within the minute that began at `since`.
    init(proven address: Address, moves: Int, since: Instant) {
        self.address = address
        validator.provenByHandshake()
        self.moves = moves
        movesSince = since
    }

    /// Whether the address is proven and the one before it forgotten.
    var isSettled: Bool { validator.isProven && previous == nil }

    /// How often the peer moved, in the minute that began then.
    var recentMoves: (count: Int, since: Instant) { (moves, movesSince) }

    /// Bytes that may go to `address` now.
    var allowance: Int {
        #if PETREL_PLANTED
            if PlantedBug.amplificationUnlimited.isActive { return Int.max }
        #endif
        #if PETREL_PLANTED
            if PlantedBug.streamNotProven.isActive, address.carrier == .stream { return Int.max }
        #endif
        return validator.isProven ? Int.max : bytesReceived - bytesSent
    }

    /// Notes a datagram from `address`.
    mutating func received(byteCount: Int) {
        bytesReceived += byteCount
        unanswered = nil
    }

    /// Notes a datagram to `address`.
    mutating func sent(byteCount: Int) { bytesSent += byteCount }

    /// Follows the peer to `new`; returns `false`, changing nothing, if it moves too often.
    ///
    /// A peer that comes back to the address before needs no new proof: what is proven stays so.
    mutating func move(to new: Address, byteCount: Int, movesMax: Int, now: Instant) -> Bool {
        if now - movesSince > .seconds(60) {
            movesSince = now
            moves = 0
        }
        // Who sends from there and from nowhere else may hear nothing at the moment.
        if new != unanswered {
            guard moves < movesMax else { return false }
            moves += 1
        }
        unanswered = nil
        if new == previous { return goBack() }
        if validator.isProven { previous = address }
        address = new
        validator = PathValidator()
        bytesReceived = byteCount
        bytesSent = 0
        return true
    }

    /// Goes back to the address before, because nobody answered at this one.
    mutating func goBack() -> Bool {
        guard let previous else { return false }
        address = previous
        self.previous = nil
        validator = PathValidator()
        validator.provenByHandshake()
        return true
    }

    /// Nobody answered at the address in use: goes back to the one before, if there is one.
    mutating func abandon() {
        let left = address
        if goBack() { unanswered = left }
    }

    /// Forgets the address before: the new one is proven.
    mutating func settle() { previous = nil }
}

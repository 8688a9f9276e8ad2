// Datagrams and their addresses in one block of memory, as the kernel takes and gives them.

import CPetrelLinux
import Glibc
public import PetrelBase

/// Up to 64 datagrams, received or about to be sent, in memory that is allocated once.
///
/// A received batch can be changed in place and sent back: each datagram keeps its address.
///
/// One made for bursts takes up to 64 messages, in each of which the kernel may have put together
/// several datagrams of one peer; it gives them one by one.
public struct DatagramBatch: ~Copyable, @unchecked Sendable {
    /// The most messages of one batch, hence of one system call.
    public static let datagramsMax = 64
    /// Room for each datagram; more than any path with Ethernet in it carries.
    public static let roomBytes = 2_048
    /// Room for what the kernel puts together.
    ///
    /// Not a power of two, so that the rooms do not compete for the same lines of a cache.
    static let burstRoomBytes = 65_536 + 2_112
    /// The most datagrams that the kernel puts together.
    static let burstMax = 64

    /// A datagram, in the room of the message that it came in or goes out with.
    private struct Piece {
        var start: UnsafeMutableRawPointer
        var byteCount: Int
        var message: Int
        /// The mark that it came with, and the one that it leaves with.
        var arrived = ECN.notECT
        var leaving = ECN.notECT
    }

    /// Messages that fit, and datagrams of our own.
    public let capacity: Int
    /// Datagrams in the batch, numbered from 0.
    public private(set) var count = 0

    private let takesBursts: Bool
    private let roomBytes: Int
    /// Whether datagrams share messages, so that there is no room for our own.
    private var isShared = false
    private let bytes: UnsafeMutableRawPointer
    private let names: UnsafeMutablePointer<sockaddr_in6>
    private let vectors: UnsafeMutablePointer<iovec>
    /// Each message points to its own name, vector and control buffer for ever.
    private let messages: UnsafeMutablePointer<petrel_message>
    private let controls: ControlMessages
    private let pieces: UnsafeMutablePointer<Piece>
    private let pieceMax: Int
    private var bursts: Bursts

    /// Creates an empty batch.
    ///
    /// - Parameters:
    ///   - capacity: the most messages, and datagrams of our own.
    ///   - takesBursts: whether a socket may fill it that receives bursts.
    /// - Precondition: `capacity` is in `1...datagramsMax`.
    public init(capacity: Int = DatagramBatch.datagramsMax, takesBursts: Bool = false) {
        precondition((1...DatagramBatch.datagramsMax).contains(capacity))
        self.capacity = capacity
        self.takesBursts = takesBursts
        roomBytes = takesBursts ? DatagramBatch.burstRoomBytes : DatagramBatch.roomBytes
        // Pages that no datagram ever reaches are never made.
        guard let zeroed = calloc(capacity, roomBytes) else {
            preconditionFailure("no memory for a batch")
        }
        bytes = zeroed
        names = .allocate(capacity: capacity)
        names.initialize(repeating: sockaddr_in6(), count: capacity)
        vectors = .allocate(capacity: capacity)
        messages = .allocate(capacity: capacity)
        controls = ControlMessages(capacity: capacity)
        pieceMax = takesBursts ? capacity * DatagramBatch.burstMax : capacity
        pieces = .allocate(capacity: pieceMax)
        pieces.initialize(
            repeating: Piece(start: bytes, byteCount: 0, message: 0), count: pieceMax)
        bursts = Bursts(capacity: DatagramBatch.datagramsMax)
        for i in 0..<capacity {
            (vectors + i).initialize(
                to: iovec(iov_base: bytes + i * roomBytes, iov_len: roomBytes))
            var message = petrel_message()
            message.header.msg_name = UnsafeMutableRawPointer(names + i)
            message.header.msg_iov = vectors + i
            message.header.msg_iovlen = 1
            (messages + i).initialize(to: message)
        }
        separate()
    }

    deinit {
        free(bytes)
        names.deallocate()
        vectors.deallocate()
        messages.deallocate()
        pieces.deallocate()
    }

    /// Whether there is no datagram.
    public var isEmpty: Bool { count == 0 }
    /// Whether no further datagram fits.
    public var isFull: Bool { count >= capacity || isShared }

    /// Empties the batch.
    public mutating func removeAll() {
        count = 0
        if isShared { separate() }
    }

    /// The address that datagram `i` came from or goes to.
    public func address(of i: Int) -> Address {
        precondition(i >= 0 && i < count)
        return Address(socketName: names + pieces[i].message)
    }

    /// The length of datagram `i` in bytes.
    public func byteCount(of i: Int) -> Int {
        precondition(i >= 0 && i < count)
        return pieces[i].byteCount
    }

    /// The mark that datagram `i`, which was received, came with.
    public func ecn(of i: Int) -> ECN {
        precondition(i >= 0 && i < count)
        return pieces[i].arrived
    }

    /// Has datagram `i` leave with a mark; one that was added has none.
    public mutating func mark(_ i: Int, _ ecn: ECN) {
        precondition(i >= 0 && i < count)
        pieces[i].leaving = ecn
    }

    /// The bytes of datagram `i`, in place.
    @_lifetime(&self)
    public mutating func bytes(of i: Int) -> MutableRawSpan {
        precondition(i >= 0 && i < count)
        return span(i, byteCount: pieces[i].byteCount)
    }

    /// Lends the bytes of datagram `i`, to be read or changed in place, and its address.
    @inlinable
    public mutating func withDatagram<Result, Failure: Error>(
        _ i: Int, _ body: (inout MutableRawSpan, Address) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let address = address(of: i)
        var bytes = bytes(of: i)
        return try body(&bytes, address)
    }

    /// Shortens datagram `i` to its first `byteCount` bytes.
    public mutating func truncate(_ i: Int, to byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= self.byteCount(of: i))
        pieces[i].byteCount = byteCount
    }

    /// Adds a datagram that `fill` writes into `roomBytes` bytes, returning its length.
    ///
    /// A length of 0 adds nothing. Returns whether a datagram was added; `fill` is not called when
    /// the batch is full.
    @inlinable
    public mutating func append<Failure: Error>(
        to address: Address, _ fill: (inout MutableRawSpan) throws(Failure) -> Int
    ) throws(Failure) -> Bool {
        try append { (room) throws(Failure) in
            let byteCount = try fill(&room)
            return byteCount == 0 ? nil : (byteCount, address)
        }
    }

    /// Adds a datagram that `fill` writes into `roomBytes` bytes, returning its length and address.
    ///
    /// `nil` adds nothing. Returns whether a datagram was added; `fill` is not called when the
    /// batch is full.
    @inlinable
    public mutating func append<Failure: Error>(
        _ fill: (inout MutableRawSpan) throws(Failure) -> (byteCount: Int, to: Address)?
    ) throws(Failure) -> Bool {
        guard !isFull else { return false }
        var room = nextRoom()
        guard let (byteCount, address) = try fill(&room) else { return false }
        added(byteCount: byteCount, to: address)
        return true
    }

    /// Adds a datagram with a copy of `datagram`; returns `false` if the batch is full.
    ///
    /// - Precondition: it is not longer than `roomBytes`.
    public mutating func append(copying datagram: RawSpan, to address: Address) -> Bool {
        guard !isFull else { return false }
        precondition(datagram.byteCount <= DatagramBatch.roomBytes)
        let target = pieces[count].start
        datagram.withUnsafeBytes { source in
            guard let first = source.baseAddress else { return }
            target.copyMemory(from: first, byteCount: source.count)
        }
        added(byteCount: datagram.byteCount, to: address)
        return true
    }

    @usableFromInline
    @_lifetime(&self)
    mutating func nextRoom() -> MutableRawSpan {
        span(count, byteCount: DatagramBatch.roomBytes)
    }

    @usableFromInline
    mutating func added(byteCount: Int, to address: Address) {
        precondition(byteCount >= 0 && byteCount <= DatagramBatch.roomBytes)
        pieces[count].byteCount = byteCount
        pieces[count].leaving = .notECT
        let message = pieces[count].message
        messages[message].header.msg_namelen = address.write(to: names + message)
        count += 1
    }

    @_lifetime(&self)
    private mutating func span(_ i: Int, byteCount: Int) -> MutableRawSpan {
        let span = MutableRawSpan(_unsafeStart: pieces[i].start, byteCount: byteCount)
        return _overrideLifetime(span, mutating: &self)
    }

    /// Gives each datagram a message of its own.
    private mutating func separate() {
        for i in 0..<capacity {
            pieces[i] = Piece(start: bytes + i * roomBytes, byteCount: 0, message: i)
        }
        isShared = false
    }
}

extension DatagramBatch {
    /// Fills the batch by one system call; returns the call's result and how many were cut off.
    ///
    /// Datagrams that did not fit their room are left out.
    mutating func fill(from descriptor: Int32) -> (outcome: Int32, truncated: Int) {
        removeAll()
        for i in 0..<capacity {
            messages[i].header.msg_namelen = socklen_t(MemoryLayout<sockaddr_in6>.size)
            messages[i].header.msg_flags = 0
            controls.lend(i, to: &messages[i].header)
        }
        let outcome = petrel_receive_batch(descriptor, messages, UInt32(capacity))
        guard outcome > 0 else { return (outcome, 0) }
        var truncated = 0
        if takesBursts { isShared = true } else { separate() }
        for i in 0..<Int(outcome) {
            let isWhole = messages[i].header.msg_flags & Int32(MSG_TRUNC) == 0
            guard isWhole, take(i) else {
                truncated += 1
                continue
            }
        }
        return (outcome, truncated)
    }

    /// Takes what came with message `i`; returns whether there was room for all of it.
    private mutating func take(_ i: Int) -> Bool {
        let byteCount = Int(messages[i].byte_count)
        let ecn = ECN(rawValue: UInt8(truncatingIfNeeded: petrel_received_ecn(messages + i)))
        guard takesBursts else {
            exchange(i, count)
            pieces[count].byteCount = byteCount
            pieces[count].arrived = ecn ?? .notECT
            pieces[count].leaving = .notECT
            count += 1
            return true
        }
        let segment = Int(petrel_segment_size(&messages[i].header))
        var offset = 0
        repeat {
            guard count < pieceMax else { return false }
            let rest = byteCount - offset
            let length = segment > 0 ? min(segment, rest) : rest
            pieces[count] = Piece(
                start: bytes + i * roomBytes + offset, byteCount: length, message: i,
                arrived: ecn ?? .notECT)
            count += 1
            offset += length
        } while offset < byteCount
        return true
    }

    /// Offers datagrams to the kernel from number `first` on, by one system call.
    ///
    /// Those before number `alone` go as messages of their own, later ones to the same peer
    /// together. Returns how many were taken, or -1, `errno` being about the first message.
    mutating func offer(from first: Int, alone: Int, to descriptor: Int32) -> Int {
        bursts.removeAll()
        for i in first..<count {
            guard !bursts.isFull else { break }
            let piece = pieces[i]
            bursts.add(
                iovec(iov_base: piece.start, iov_len: piece.byteCount), to: names + piece.message,
                nameBytes: messages[piece.message].header.msg_namelen, ecn: piece.leaving,
                mayJoin: i > alone)
        }
        return bursts.offer(to: descriptor)
    }

    /// Datagrams of the message that was first in the last `offer`.
    var firstBurstCount: Int { bursts.firstCount }

    /// Takes the first `sent` datagrams out; the others keep their order.
    mutating func removeFirst(_ sent: Int) {
        guard sent < count else { return removeAll() }
        for i in sent..<count { exchange(i, i - sent) }
        count -= sent
    }

    private func exchange(_ i: Int, _ j: Int) {
        guard i != j else { return }
        (pieces[i], pieces[j]) = (pieces[j], pieces[i])
    }
}

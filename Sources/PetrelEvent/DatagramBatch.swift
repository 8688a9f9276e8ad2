// Datagrams and their addresses in one block of memory, as the kernel takes and gives them.

import CPetrelLinux
import Glibc
public import PetrelBase

/// Up to 64 datagrams, received or about to be sent, in memory that is allocated once.
///
/// A received batch can be changed in place and sent back: each datagram keeps its address.
public struct DatagramBatch: ~Copyable, @unchecked Sendable {
    /// The most datagrams of one batch, hence of one system call.
    public static let datagramsMax = 64
    /// Room for each datagram; more than any path with Ethernet in it carries.
    public static let roomBytes = 2_048

    /// Datagrams that fit.
    public let capacity: Int
    /// Datagrams in the batch, numbered from 0.
    public private(set) var count = 0

    private let bytes: UnsafeMutableRawPointer
    private let names: UnsafeMutablePointer<sockaddr_in6>
    private let vectors: UnsafeMutablePointer<iovec>
    /// Each message points to its own name and vector for ever; only messages change places.
    private let messages: UnsafeMutablePointer<petrel_message>
    /// Room for ancillary data of each message.
    private let ancillary: UnsafeMutableRawPointer

    /// Creates an empty batch.
    ///
    /// - Precondition: `capacity` is in `1...datagramsMax`.
    public init(capacity: Int = DatagramBatch.datagramsMax) {
        precondition((1...DatagramBatch.datagramsMax).contains(capacity))
        self.capacity = capacity
        let room = DatagramBatch.roomBytes
        bytes = .allocate(byteCount: capacity * room, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: capacity * room)
        names = .allocate(capacity: capacity)
        names.initialize(repeating: sockaddr_in6(), count: capacity)
        vectors = .allocate(capacity: capacity)
        messages = .allocate(capacity: capacity)
        let ancillaryRoom = petrel_ancillary_room
        ancillary = .allocate(byteCount: capacity * ancillaryRoom, alignment: 16)
        ancillary.initializeMemory(as: UInt8.self, repeating: 0, count: capacity * ancillaryRoom)
        for i in 0..<capacity {
            (vectors + i).initialize(to: iovec(iov_base: bytes + i * room, iov_len: room))
            var message = petrel_message()
            message.header.msg_name = UnsafeMutableRawPointer(names + i)
            message.header.msg_iov = vectors + i
            message.header.msg_iovlen = 1
            message.header.msg_control = ancillary + i * ancillaryRoom
            (messages + i).initialize(to: message)
        }
    }

    deinit {
        bytes.deallocate()
        names.deallocate()
        vectors.deallocate()
        messages.deallocate()
        ancillary.deallocate()
    }

    /// Whether there is no datagram.
    public var isEmpty: Bool { count == 0 }
    /// Whether no further datagram fits.
    public var isFull: Bool { count == capacity }

    /// Empties the batch.
    public mutating func removeAll() { count = 0 }

    /// The address that datagram `i` came from or goes to.
    public func address(of i: Int) -> Address {
        precondition(i >= 0 && i < count)
        return Address(socketName: messages[i].header.msg_name)
    }

    /// The length of datagram `i` in bytes.
    public func byteCount(of i: Int) -> Int {
        precondition(i >= 0 && i < count)
        return messages[i].header.msg_iov.pointee.iov_len
    }

    /// The mark that datagram `i`, which was received, came with.
    public func ecn(of i: Int) -> ECN {
        precondition(i >= 0 && i < count)
        return ECN(rawValue: UInt8(truncatingIfNeeded: messages[i].header.msg_flags)) ?? .notECT
    }

    /// Has datagram `i` leave with a mark; one that was added has none.
    public mutating func mark(_ i: Int, _ ecn: ECN) {
        precondition(i >= 0 && i < count)
        petrel_mark(messages + i, Int32(ecn.rawValue))
    }

    /// The bytes of datagram `i`, in place.
    @_lifetime(&self)
    public mutating func bytes(of i: Int) -> MutableRawSpan {
        precondition(i >= 0 && i < count)
        return span(i, byteCount: messages[i].header.msg_iov.pointee.iov_len)
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
        messages[i].header.msg_iov.pointee.iov_len = byteCount
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
        let target = messages[count].header.msg_iov.pointee.iov_base
        datagram.withUnsafeBytes { source in
            guard let first = source.baseAddress else { return }
            target?.copyMemory(from: first, byteCount: source.count)
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
        messages[count].header.msg_iov.pointee.iov_len = byteCount
        messages[count].header.msg_namelen = address.write(to: messages[count].header.msg_name)
        messages[count].header.msg_controllen = 0
        messages[count].header.msg_flags = 0
        count += 1
    }

    @_lifetime(&self)
    private mutating func span(_ i: Int, byteCount: Int) -> MutableRawSpan {
        guard let start = messages[i].header.msg_iov.pointee.iov_base else {
            preconditionFailure("every message has its room")
        }
        let span = MutableRawSpan(_unsafeStart: start, byteCount: byteCount)
        return _overrideLifetime(span, mutating: &self)
    }
}

extension DatagramBatch {
    /// Fills the batch by one system call; returns the call's result and how many were cut off.
    ///
    /// Datagrams that did not fit their room are left out.
    mutating func fill(from descriptor: Int32) -> (outcome: Int32, truncated: Int) {
        count = 0
        for i in 0..<capacity {
            messages[i].header.msg_namelen = socklen_t(MemoryLayout<sockaddr_in6>.size)
            messages[i].header.msg_flags = 0
            messages[i].header.msg_controllen = petrel_ancillary_room
            messages[i].header.msg_iov.pointee.iov_len = DatagramBatch.roomBytes
        }
        let outcome = petrel_receive_batch(descriptor, messages, UInt32(capacity))
        guard outcome > 0 else { return (outcome, 0) }
        for i in 0..<Int(outcome)
        where messages[i].header.msg_flags & Int32(MSG_TRUNC) == 0 {
            messages[i].header.msg_iov.pointee.iov_len = Int(messages[i].byte_count)
            // Nobody else reads the flags, and a batch that is sent back leaves unmarked.
            messages[i].header.msg_flags = petrel_received_ecn(messages + i)
            messages[i].header.msg_controllen = 0
            exchange(i, count)
            count += 1
        }
        return (outcome, Int(outcome) - count)
    }

    /// Offers the datagrams from number `first` to the kernel by one system call.
    mutating func offer(from first: Int, to descriptor: Int32) -> Int32 {
        petrel_send_batch(descriptor, messages + first, UInt32(count - first))
    }

    /// Takes the first `sent` datagrams out; the others keep their order.
    mutating func removeFirst(_ sent: Int) {
        for i in sent..<count { exchange(i, i - sent) }
        count -= sent
    }

    private func exchange(_ i: Int, _ j: Int) {
        guard i != j else { return }
        (messages[i], messages[j]) = (messages[j], messages[i])
    }
}

// How a batch is handed to the kernel: what goes to one peer in a row as one message.

import CPetrelLinux
import Glibc
import PetrelBase

/// The messages of one system call, each of up to 4 data packets of one session.
///
/// Only these go together, because what the kernel puts together it also steers together
/// (Protocol/transport.md §3.1). The datagrams of a message have the same length, but for the last,
/// which may be shorter: the kernel, or the network card, divides the message by that length. They
/// leave with the same mark.
struct Bursts: ~Copyable {
    /// The most datagrams of a message: what pacing lets out at once.
    static let datagramsMax = 4

    private let messages: UnsafeMutablePointer<petrel_message>
    private let vectors: UnsafeMutablePointer<iovec>
    private let controls: ControlMessages
    private let capacity: Int
    /// Messages, and datagrams in all of them.
    private var messageCount = 0
    private var datagramCount = 0
    /// The length of all datagrams of the last message, and whether one more may follow.
    private var segment = 0
    private var session: UInt32?
    private var ecn = ECN.notECT
    private var isOpen = false

    init(capacity: Int) {
        self.capacity = capacity
        messages = .allocate(capacity: capacity)
        messages.initialize(repeating: petrel_message(), count: capacity)
        vectors = .allocate(capacity: capacity)
        vectors.initialize(repeating: iovec(), count: capacity)
        controls = ControlMessages(capacity: capacity)
    }

    deinit {
        messages.deallocate()
        vectors.deallocate()
    }

    /// Whether no further datagram fits.
    var isFull: Bool { datagramCount == capacity }

    /// Datagrams of the first message.
    var firstCount: Int { messageCount > 0 ? Int(messages[0].header.msg_iovlen) : 0 }

    /// Forgets all messages.
    mutating func removeAll() {
        messageCount = 0
        datagramCount = 0
        isOpen = false
    }

    /// Adds a datagram: to the last message if it may join, as a message of its own otherwise.
    ///
    /// - Precondition: it is not full.
    mutating func add(
        _ datagram: iovec, to name: UnsafeMutableRawPointer, nameBytes: socklen_t, ecn: ECN,
        mayJoin: Bool
    ) {
        precondition(!isFull)
        vectors[datagramCount] = datagram
        datagramCount += 1
        let session = Bursts.session(of: datagram)
        if mayJoin, isOpen, session == self.session, ecn == self.ecn, datagram.iov_len <= segment {
            let last = messageCount - 1
            if messages[last].header.msg_namelen == nameBytes,
                memcmp(messages[last].header.msg_name, name, Int(nameBytes)) == 0
            {
                return join(last, byteCount: datagram.iov_len)
            }
        }
        var header = msghdr()
        header.msg_name = name
        header.msg_namelen = nameBytes
        header.msg_iov = vectors + (datagramCount - 1)
        header.msg_iovlen = 1
        controls.clear(messageCount, of: &header)
        messages[messageCount].header = header
        petrel_mark(messages + messageCount, Int32(ecn.rawValue))
        messageCount += 1
        segment = datagram.iov_len
        self.session = session
        self.ecn = ecn
        isOpen = session != nil
    }

    /// What tells the sessions of one peer apart, at either side; `nil` if it is no data packet.
    private static func session(of datagram: iovec) -> UInt32? {
        guard datagram.iov_len >= 5, let start = datagram.iov_base,
            start.load(as: UInt8.self) & 0xC0 == 0x40
        else { return nil }
        return start.loadUnaligned(fromByteOffset: 1, as: UInt32.self)
    }

    private mutating func join(_ last: Int, byteCount: Int) {
        if messages[last].header.msg_iovlen == 1 {
            petrel_add_segment_size(&messages[last].header, UInt16(segment))
        }
        messages[last].header.msg_iovlen += 1
        isOpen = byteCount == segment && messages[last].header.msg_iovlen < Bursts.datagramsMax
    }

    /// Offers all messages by one system call.
    ///
    /// - Returns: the datagrams that were taken, or -1 and `errno` for the first message.
    func offer(to descriptor: Int32) -> Int {
        let outcome = petrel_send_batch(descriptor, messages, UInt32(messageCount))
        guard outcome > 0 else { return Int(outcome) }
        var taken = 0
        for i in 0..<Int(outcome) { taken += Int(messages[i].header.msg_iovlen) }
        return taken
    }
}

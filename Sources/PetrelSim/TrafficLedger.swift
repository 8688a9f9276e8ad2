// What the client of the traffic sent, and what must be true of what becomes of it.

internal import PetrelBase
internal import PetrelTransport
internal import PetrelWire

/// Every message of the traffic, from its sending to its end.
struct TrafficLedger {
    private struct Name: Hashable {
        var kind: DeliveryClass
        var number: UInt64
    }

    private struct Entry {
        var bytes: [UInt8]
        var stream: UInt64
        var until: Instant?
        /// Packets that the client may have sent when this one goes out for the first time.
        var packetsMax: Int
        var hasArrived = false
        var isAcknowledged = false
        var outcome = MessageState.queued
    }

    /// Packets that may go out between a message and its first copy: a burst, and probes.
    private static let packetsBeforeMax = 48
    /// What of other messages fills a packet, repairs of as much included.
    private static let bytesPerPacket = 500

    private(set) var breach: (Invariant, String)?
    private let longest: Interval
    private var entries: [Name: Entry] = [:]
    /// In the order of sending.
    private var names: [Name] = []
    /// By stream: numbers sent and not arrived, oldest first.
    private var streams: [UInt64: [UInt64]] = [:]
    private var drafts = 0
    var transferByteCount: UInt64 = 0
    var transferSupplied = 0
    var transferIsReceived = false
    var transferIsSent = false
    private var chunks: Set<UInt64> = []

    init(longest: Interval) { self.longest = longest }

    mutating func fail(_ invariant: Invariant, _ sentence: String) {
        if breach == nil { breach = (invariant, "traffic: " + sentence) }
    }

    // MARK: Messages

    mutating func draft(_ byteCount: Int) -> [UInt8] {
        drafts += 1
        return (0..<byteCount).map { UInt8(truncatingIfNeeded: drafts &* 31 &+ $0) }
    }

    /// A message was queued, after that many packets, and behind so many bytes of others.
    mutating func sent(
        _ kind: DeliveryClass, _ number: UInt64, stream: UInt64, _ bytes: [UInt8],
        until: Instant?, packets: Int, queuedByteCount: Int
    ) {
        let packetsMax = packets + Self.packetsBeforeMax + queuedByteCount / Self.bytesPerPacket
        let name = Name(kind: kind, number: number)
        entries[name] = Entry(bytes: bytes, stream: stream, until: until, packetsMax: packetsMax)
        names.append(name)
        if kind == .ordered { streams[stream, default: []].append(number) }
    }

    /// One of the latest messages whose end is not known.
    func anyUnderWay(_ random: inout RandomStream) -> (DeliveryClass, UInt64)? {
        let open = names.suffix(20).filter { name in
            guard let entry = entries[name] else { return false }
            return !entry.isAcknowledged && entry.outcome < .expired
        }
        guard !open.isEmpty else { return nil }
        let name = open[Int(random.below(UInt64(open.count)))]
        return (name.kind, name.number)
    }

    mutating func arrived(
        _ kind: DeliveryClass, _ number: UInt64, stream: UInt64?, _ bytes: [UInt8], now: Instant
    ) {
        let name = Name(kind: kind, number: number)
        guard let entry = entries[name], entry.bytes == bytes, entry.stream == stream ?? 0 else {
            return fail(.intact, "\(kind) \(number) arrives, but was not sent like that")
        }
        if entry.hasArrived { fail(.onceOnly, "\(kind) \(number) arrives twice") }
        if entry.outcome >= .expired {
            fail(.honestLedger, "\(kind) \(number) arrives after it was \(entry.outcome)")
        }
        if let until = entry.until, now > until + longest {
            let late = (now - until).milliseconds
            fail(.liveness, "\(kind) \(number) arrives \(late) ms after its deadline")
        }
        entries[name]?.hasArrived = true
        guard let stream else { return }
        guard let place = streams[stream, default: []].firstIndex(of: number) else {
            return fail(.inOrder, "message \(number) of stream \(stream) comes too late")
        }
        // Those before it never come: they were taken back, or the order is broken.
        streams[stream]?.removeFirst(place + 1)
    }

    mutating func acknowledged(_ kind: DeliveryClass, _ number: UInt64) {
        let name = Name(kind: kind, number: number)
        guard let entry = entries[name] else {
            return fail(.honestLedger, "\(kind) \(number) was never sent, and is acknowledged")
        }
        if entry.isAcknowledged || entry.outcome >= .expired {
            fail(.honestLedger, "\(kind) \(number) is over, and is acknowledged")
        }
        entries[name]?.isAcknowledged = true
    }

    mutating func reached(
        _ kind: DeliveryClass, _ number: UInt64, _ state: MessageState, packets: Int
    ) {
        let name = Name(kind: kind, number: number)
        guard let entry = entries[name] else { return }
        if state <= entry.outcome || entry.isAcknowledged {
            fail(.honestLedger, "\(kind) \(number) goes from \(entry.outcome) to \(state)")
        }
        if state >= .expired, entry.hasArrived {
            fail(.honestLedger, "\(kind) \(number) is \(state), but has arrived")
        }
        if state == .sent, kind == .durable, packets > entry.packetsMax {
            fail(
                .fair,
                "\(packets - entry.packetsMax) packets too many go out before message \(number)")
        }
        entries[name]?.outcome = state
    }

    /// What the receiver holds back must wait for a message of its own stream.
    mutating func checkHeld(_ held: [(stream: UInt64, number: UInt64)]) {
        for (stream, number) in held {
            let before = streams[stream, default: []].prefix { $0 < number }
            let waits = before.contains { earlier in
                let entry = entries[Name(kind: .ordered, number: earlier)]
                return entry.map { !$0.hasArrived } ?? false
            }
            if !waits { fail(.inOrder, "message \(number) waits for another stream") }
        }
    }

    // MARK: The transfer

    /// The bytes that follow those supplied.
    func nextOfTransfer() -> [UInt8] {
        let end = min(Int(transferByteCount), transferSupplied + 100_000)
        return (transferSupplied..<end).map(Self.byte)
    }

    mutating func arrived(offset: UInt64, _ bytes: [UInt8]) {
        for chunk in stride(from: offset, to: offset + UInt64(bytes.count), by: 128)
        where !chunks.insert(chunk).inserted {
            fail(.onceOnly, "bytes at \(chunk) come twice")
        }
        for (i, byte) in bytes.enumerated() where byte != Self.byte(Int(offset) + i) {
            return fail(.intact, "byte \(Int(offset) + i) of the transfer is another")
        }
    }

    private static func byte(_ offset: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: offset &* 3 &+ offset / 1_024)
    }

    // MARK: The end

    /// Long after all was healed, nothing is open.
    mutating func checkEnd(waiting: Int) {
        if waiting > 0 { fail(.liveness, "\(waiting) messages are still under way") }
        for name in names {
            guard let entry = entries[name] else { continue }
            let isOver = entry.outcome >= .expired
            if entry.isAcknowledged != entry.hasArrived || entry.isAcknowledged == isOver {
                fail(
                    .neverLost,
                    "\(name.kind) \(name.number): arrived \(entry.hasArrived), acknowledged "
                        + "\(entry.isAcknowledged), \(entry.outcome)")
            }
        }
        guard transferByteCount > 0 else { return }
        let expected = (Int(transferByteCount) + 127) / 128
        if chunks.count != expected || !transferIsSent || !transferIsReceived {
            fail(.neverLost, "\(chunks.count) of \(expected) chunks of the transfer arrived")
        }
    }
}

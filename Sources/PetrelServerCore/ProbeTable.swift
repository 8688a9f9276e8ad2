// Measurements that clients asked for: who is answered, when, and how often (transport.md §5.13).

internal import PetrelBase
internal import PetrelWire

/// What is answered to datagrams of measurements: nothing, unless a session asked for it before.
///
///     granted ── first PROBE ──▶ running ── delay after the last PROBE ──▶ proved, twice ──▶ gone
///        └── 30 s ──▶ gone
///
/// Each PROBE is answered at once, so that NATs take the flow for one in both directions; after
/// the delay the proof is sent, twice, for one datagram may get lost. All of it goes to where the
/// first PROBE came from, and has no more bytes than came from there.
struct ProbeTable {
    private struct Measurement {
        var frame: NATProbeFrame
        /// Where the first PROBE came from.
        var source: Address?
        /// That of the newest PROBE.
        var number: UInt8 = 0
        var proofsLeft = Self.proofs

        static let proofs = 2
    }

    private var measurements: [UInt64: Int] = [:]
    private var slots: [Measurement?]
    private var free: [Int]
    private var deadlines: DeadlineQueue
    private var answers: RingBuffer<(ProbeAnswerDatagram, to: Address)>

    init(capacity: Int) {
        slots = Array(repeating: nil, count: capacity)
        free = Array((0..<capacity).reversed())
        deadlines = DeadlineQueue(capacity: capacity)
        answers = RingBuffer(capacity: max(1, capacity))
    }

    /// Measurements that are granted.
    var count: Int { measurements.count }

    /// Whether the measurement with that token is granted, and not over.
    func contains(_ token: UInt64) -> Bool { measurements[token] != nil }

    /// When `transmit` has something more to say.
    var deadline: Instant { deadlines.first?.deadline ?? .distantFuture }

    /// Grants a measurement, if there is room; a repeated question changes nothing.
    mutating func grant(_ frame: NATProbeFrame, now: Instant) -> Bool {
        if let slot = measurements[frame.token] { return slots[slot]?.frame == frame }
        guard let slot = free.popLast() else { return false }
        measurements[frame.token] = slot
        slots[slot] = Measurement(frame: frame)
        deadlines.set(slot, to: now + Self.patience)
        return true
    }

    /// Forgets a measurement, if it is there.
    mutating func remove(_ token: UInt64) {
        guard let slot = measurements.removeValue(forKey: token) else { return }
        slots[slot] = nil
        deadlines.remove(slot)
        free.append(slot)
    }

    /// Takes a datagram of a measurement; returns whether it is one that counts.
    mutating func receive(
        _ probe: ProbeDatagram, from address: Address, now: Instant
    ) -> Bool {
        guard let slot = measurements[probe.token], let measurement = slots[slot] else {
            return false
        }
        #if PETREL_PLANTED
            let isCopy =
                !PlantedBug.probeReplayed.isActive
                && (probe.number <= measurement.number
                    || measurement.source.map { $0 != address } == true)
        #else
            // A copy must not draw the answers elsewhere, nor move them.
            let isCopy =
                probe.number <= measurement.number
                || measurement.source.map { $0 != address } == true
        #endif
        guard !isCopy, measurement.proofsLeft == Measurement.proofs else { return false }
        slots[slot]?.source = address
        slots[slot]?.number = probe.number
        deadlines.set(slot, to: now + measurement.frame.delay)
        _ = answers.append(
            (ProbeAnswerDatagram(value: probe.token &+ UInt64(probe.number)), to: address))
        return true
    }

    /// Queues the proofs that are due, and forgets what nobody began.
    mutating func advance(now: Instant) {
        // Ends: each turn removes a deadline, or sets one that lies ahead.
        while let (slot, deadline) = deadlines.first, deadline <= now {
            deadlines.remove(slot)
            guard let measurement = slots[slot] else { continue }
            if let source = measurement.source {
                let proof = ProbeAnswerDatagram(value: measurement.frame.proof)
                _ = answers.append((proof, to: source))
                slots[slot]?.proofsLeft -= 1
                if measurement.proofsLeft > 1 {
                    deadlines.set(slot, to: now + Self.proofSpacing)
                    continue
                }
            }
            remove(measurement.frame.token)
        }
    }

    /// Writes the next answer into `room`, if there is one.
    mutating func transmit(into room: inout MutableRawSpan) -> (byteCount: Int, to: Address)? {
        guard let (answer, address) = answers.popFirst(),
            let byteCount = try? answer.write(into: &room)
        else { return nil }
        return (byteCount, address)
    }

    /// How long the client may take for its first PROBE.
    private static let patience = Interval.seconds(30)
    /// Between the two proofs.
    private static let proofSpacing = Interval.seconds(1)
}

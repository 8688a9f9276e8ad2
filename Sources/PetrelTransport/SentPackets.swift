// What was sent, when, and with which frames, until it is acknowledged or given up.

internal import PetrelBase
internal import PetrelWire

/// A frame in a packet, as far as its loss or arrival matters.
enum SentFrame: Equatable, Sendable {
    case none
    /// A fragment of the message in that slot of the send queue.
    case fragment(slot: UInt16, index: UInt8, deliveryClass: DeliveryClass, number: UInt64)
    /// A MSG_SKIP for the message in that slot of the send queue.
    case skip(slot: UInt16, number: UInt64)
    /// A MSG_STATUS.
    case status(DeliveryClass.Kind, number: UInt64)
    /// Chunks of the transfer in that place, from `index` on.
    case chunks(place: UInt8, count: UInt8, generation: UInt16, index: UInt64)
    /// A BULK_OFFER, BULK_WANT or BULK_STOP.
    case bulkControl(ticket: UInt16)
    /// A value in that slot of the ephemeral table.
    case ephemeral(slot: UInt16, version: UInt64)
    /// A CREDIT.
    case credit
    /// A KEEPALIVE.
    case keepalive
    /// A KEEPALIVE_ANSWER.
    case keepaliveAnswer
    /// A GOAWAY.
    case goAway
    /// An ACK_POLICY.
    case ackPolicy(Interval)
    /// A NAT_PROBE.
    case probe
    /// A NAT_PROBE_ANSWER.
    case probeAnswer
    /// A NEW_CID.
    case newID(sequence: UInt64)
    /// A RETIRE_CID.
    case retireID(sequence: UInt64)
}

/// One packet on its way.
struct SentPacket: Sendable {
    /// The most frames remembered; a packet carries no more.
    static let framesMax = 8

    /// What is known of a packet's fate.
    enum State: Sendable {
        /// The number was passed over on purpose: nobody can have received it.
        case skipped
        /// Sent, and not to be acknowledged by itself.
        case quiet
        /// Counted as in flight.
        case inFlight
        /// Overdue: no longer counted as in flight, and not lost before it was overtaken.
        case suspected
        /// The peer has it.
        case acknowledged
        /// Declared lost; remembered for a while, because it may be late only.
        case lost
    }

    var state = State.quiet
    var byteCount: UInt16 = 0
    var frameCount: UInt8 = 0
    /// Whether it was sent after a long pause (its round trip is that of a sleeping radio).
    var isCold = false
    var sent = Instant(nanoseconds: 0)
    /// Whether its content was put back in line on suspicion.
    var isRepaired = false
    /// Whether it asks only whether the path carries its size.
    var isSizeProbe = false
    /// Whether it left with ECT(0).
    var isMarked = false
    /// What to measure the rate of delivery with.
    var mark = DeliveryMark()
    /// When a later packet was first acknowledged, or when it was declared lost.
    var overtaken = Instant.distantFuture
    /// The largest number that an ACK frame in it reported; `.max` if it held none.
    var reported = UInt64.max
    var frames = InlineArray<8, SentFrame>(repeating: .none)

    /// Its mark.
    var ecn: ECN { isMarked ? .ect0 : .notECT }

    mutating func append(_ frame: SentFrame) {
        precondition(Int(frameCount) < Self.framesMax)
        frames[Int(frameCount)] = frame
        frameCount += 1
    }
}

/// The packets from the oldest whose fate matters to the newest, in a ring that grows on demand.
struct SentPackets: Sendable {
    /// The most packets remembered.
    static let capacityMax: UInt64 = 1_024

    private var ring = [SentPacket](repeating: SentPacket(), count: 4)
    /// The lowest number remembered.
    private(set) var oldest: UInt64 = 0
    /// The number that the next packet gets.
    private(set) var next: UInt64 = 0
    /// Bytes of all packets in flight.
    private(set) var bytesInFlight = 0
    /// Packets in flight.
    private(set) var inFlightCount = 0

    /// Packets that are suspected and not repaired.
    private(set) var unrepairedCount = 0

    init() {}

    /// Nothing is remembered of the packets before `next`.
    init(next: UInt64) {
        oldest = next
        self.next = next
    }

    /// Whether a packet may still need a repair: one is in flight, or suspected and not repaired.
    var hasUnsettled: Bool { inFlightCount + unrepairedCount > 0 }

    /// Whether `number` is remembered.
    func remembers(_ number: UInt64) -> Bool { number >= oldest && number < next }

    /// Accesses a packet that is remembered.
    subscript(number: UInt64) -> SentPacket {
        get { ring[slot(number)] }
        _modify {
            precondition(remembers(number))
            yield &ring[slot(number)]
        }
    }

    /// Whether another packet can be remembered; if not, the oldest must be forgotten first.
    var isFull: Bool { next - oldest >= Self.capacityMax }

    /// Appends a packet under the next number.
    mutating func append(_ packet: SentPacket) {
        precondition(!isFull)
        if next - oldest == UInt64(ring.count) { grow() }
        ring[slot(next)] = packet
        next += 1
        guard packet.state == .inFlight else { return }
        bytesInFlight += Int(packet.byteCount)
        inFlightCount += 1
    }

    /// Changes the state of a packet, and counts what is in flight.
    mutating func mark(_ number: UInt64, _ state: SentPacket.State) {
        let index = slot(number)
        #if PETREL_PLANTED
            if PlantedBug.lostStaysInFlight.isActive, state == .lost {
                ring[index].state = state
                return
            }
        #endif
        switch ring[index].state {
        case .inFlight:
            bytesInFlight -= Int(ring[index].byteCount)
            inFlightCount -= 1
        case .suspected where !ring[index].isRepaired: unrepairedCount -= 1
        case .skipped, .quiet, .suspected, .acknowledged, .lost: break
        }
        ring[index].state = state
        if state == .suspected, !ring[index].isRepaired { unrepairedCount += 1 }
    }

    /// Notes that the content of a suspected packet is back in line.
    mutating func noteRepaired(_ number: UInt64) {
        let index = slot(number)
        guard ring[index].state == .suspected, !ring[index].isRepaired else { return }
        ring[index].isRepaired = true
        unrepairedCount -= 1
    }

    /// Forgets the oldest packets whose fate is settled: lost ones once `lostBefore` is reached.
    mutating func forgetSettled(lostBefore: Instant) {
        while oldest < next {
            switch ring[slot(oldest)].state {
            case .inFlight: return
            case .suspected where !ring[slot(oldest)].isRepaired: return
            case .suspected where ring[slot(oldest)].sent > lostBefore: return
            case .lost where ring[slot(oldest)].overtaken > lostBefore: return
            default: oldest += 1
            }
        }
    }

    private func slot(_ number: UInt64) -> Int { Int(number & UInt64(ring.count - 1)) }

    private mutating func grow() {
        var larger = [SentPacket](repeating: SentPacket(), count: ring.count * 2)
        for number in oldest..<next {
            larger[Int(number & UInt64(larger.count - 1))] = ring[slot(number)]
        }
        ring = larger
    }
}

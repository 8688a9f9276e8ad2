// What must add up inside a session, for simulations and tests that look after each step.

internal import PetrelBase
internal import PetrelWire

/// Something inside that is not as it must be.
public enum AuditFinding: Equatable, Sendable {
    /// More is kept than the limits allow.
    case unbounded(String)
    /// Two counts of the same thing differ.
    case unbalanced(String)
}

extension Session {
    /// Counts again what is counted as it goes; returns the first thing that is wrong.
    ///
    /// - Complexity: O(packets and messages under way); not for the packet path.
    public func audit() -> AuditFinding? {
        var bytesInFlight = 0
        var inFlight = 0
        let packets = detector.packets
        for number in packets.oldest..<packets.next where packets[number].state == .inFlight {
            bytesInFlight += Int(packets[number].byteCount)
            inFlight += 1
        }
        guard bytesInFlight == packets.bytesInFlight, inFlight == packets.inFlightCount else {
            return .unbalanced(
                "\(packets.bytesInFlight) bytes are counted as in flight, \(bytesInFlight) are")
        }
        let waiting = queue.slots.filter(\.isUsed)
        guard waiting.count == queue.count,
            waiting.reduce(0, { $0 + $1.byteCount }) == queue.byteCount
        else { return .unbalanced("\(queue.count) messages are counted as queued") }
        guard queue.count <= configuration.queuedMessagesMax,
            queue.byteCount <= configuration.queuedByteCountMax
        else { return .unbounded("\(queue.count) messages are queued") }
        guard reassembler.heldByteCount <= configuration.receiveCredit else {
            return .unbounded("\(reassembler.heldByteCount) bytes of messages wait for others")
        }
        return nil
    }

    /// A fold of the state that garbage must not change; counters are left out.
    public var stateDigest: UInt64 {
        var digest = StateDigest()
        digest.add(localID.value)
        digest.add(largestReceived ?? .max)
        replay.add(to: &digest)
        digest.add(detector.packets.next)
        digest.add(detector.largestAcknowledged ?? .max)
        digest.add(detector.packets.bytesInFlight)
        digest.add(queue.count)
        digest.add(queue.byteCount)
        digest.add(path.address.low ^ UInt64(path.address.port))
        digest.add(lastHeard.nanoseconds)
        digest.add(timers.deadline.nanoseconds)
        digest.add(isEnding ? 1 : 0)
        digest.add(isConfirmed ? 1 : 0)
        digest.add(control.isEmpty ? 1 : 0)
        digest.add(reassembler.heldByteCount)
        return digest.value
    }
}

/// Folds numbers into one (FNV-1a over words).
public struct StateDigest: Sendable {
    /// The fold of what was added.
    public private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// Creates the digest of nothing.
    public init() {}

    /// Adds a number.
    public mutating func add(_ number: some BinaryInteger) {
        value = (value ^ UInt64(truncatingIfNeeded: number)) &* 0x0000_0100_0000_01B3
        value ^= value >> 32
    }
}

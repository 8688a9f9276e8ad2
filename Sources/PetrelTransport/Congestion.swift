// How much may be in flight: the protocol of controllers, and the simple one in use.

internal import PetrelBase
internal import PetrelWire

/// Decides how many bytes may be in flight, from what becomes of packets.
protocol CongestionController: Sendable {
    /// Bytes that may be in flight.
    var window: Int { get }
    /// Notes that a packet arrived; `isLimited` says whether the window was what held sending back.
    mutating func acknowledged(byteCount: Int, sent: Instant, isLimited: Bool)
    /// Notes that a packet sent at `sent` was lost.
    mutating func lost(sent: Instant, now: Instant)
    /// Notes that the last loss was none: the packet arrived late.
    mutating func lossWasSpurious()
    /// Notes that nothing got through for several probe timeouts.
    mutating func collapsed()
}

/// NewReno (RFC 9002 §7) with a softer decrease and a floor that a thin flow never feels.
///
/// Radio links lose packets without being full; a window under ten packets would punish a chat for
/// that and relieve nobody.
struct NewReno: CongestionController {
    private static let datagram = WireLimits.datagramByteCountMax
    /// The window at the start (RFC 9002 §7.2).
    static let windowInitial = 10 * datagram
    /// The least window after losses.
    static let windowMin = 10 * datagram
    /// The window after a collapse (RFC 9002 §7.6.2 has 2 packets).
    static let windowCollapsed = 4 * datagram
    /// The most that is ever in flight.
    static let windowMax = 512 * datagram

    private(set) var window = windowInitial
    private var slowStartThreshold = Int.max
    private var recoveryStart = Instant(nanoseconds: .min)
    private var before: (window: Int, threshold: Int)?

    mutating func acknowledged(byteCount: Int, sent: Instant, isLimited: Bool) {
        guard isLimited, sent > recoveryStart, window < Self.windowMax else { return }
        window +=
            window < slowStartThreshold ? byteCount : max(1, Self.datagram * byteCount / window)
        window = min(window, Self.windowMax)
    }

    mutating func lost(sent: Instant, now: Instant) {
        guard sent > recoveryStart else { return }
        before = (window, slowStartThreshold)
        recoveryStart = now
        window = max(Self.windowMin, window * 7 / 10)
        slowStartThreshold = window
    }

    mutating func lossWasSpurious() {
        guard let before else { return }
        window = max(window, before.window)
        slowStartThreshold = before.threshold
        self.before = nil
    }

    mutating func collapsed() {
        slowStartThreshold = max(Self.windowMin, window / 2)
        window = Self.windowCollapsed
        before = nil
    }
}

// A session that comes to another network: what is under way goes out again at once (§8.4).

public import PetrelBase
internal import PetrelWire

extension Session {
    /// The system says that the client's network is another one: asks the server at once.
    ///
    /// The question carries another connection ID than before, if there is one, and asks for the
    /// address under which the server sees the client, which `observedAddress` will tell.
    public mutating func networkChanged(now: Instant) {
        guard side == .client, !isEnding else { return }
        rotateID(now: now)
        forgetPath()
        detector.forgetBackoff()
        let data: UInt64 = random.next()
        addressQuestion = data
        control.challenge = data
        binding.networkChanged()
        asksFromNewAddress = true
        resendInFlight(now: now)
    }

    /// What is under way was sent over the path before: most likely it is lost.
    ///
    /// Sent again are the oldest messages, which somebody waits for longest, and no more of them
    /// than a path without history may carry at once.
    mutating func resendInFlight(now: Instant) {
        var byteCount = 0
        var number = detector.packets.oldest
        while number < detector.packets.next, byteCount < Self.resentByteCountMax {
            let packet = detector.packets[number]
            if packet.state == .inFlight { byteCount += repair(packet, number, now: now) }
            number += 1
        }
        if byteCount > 0 { probesPending = max(probesPending, 2) }
    }

    private static let resentByteCountMax = 4 * WireLimits.fragmentByteCount
}

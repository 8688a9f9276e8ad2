// A TCP connection of a device in the run: reliable and in order, until it breaks.

internal import PetrelBase

/// A connection from a device to the server, being opened or open.
struct SimulatedStream {
    /// Tells the connections of a device apart.
    let number: Int
    /// Where the device's core wants it to lead.
    let wanted: Address
    /// What the server sees as its other end.
    let external: Address
    var isOpen = false
    /// Whether the device has left the network that it belongs to: nothing gets through any more.
    var isDead = false
    /// Which life of the server took it.
    var serverLife = 0
    /// When the last datagram arrives in each direction: none overtakes another.
    var lastUp = Instant(nanoseconds: 0)
    var lastDown = Instant(nanoseconds: 0)
}

/// Over which connection a datagram flies.
struct StreamTag: Equatable {
    var client: Int
    var number: Int
    var serverLife: Int
}

extension Link {
    /// When bytes of a connection arrive: late rather than never.
    mutating func carry(byteCount: Int, after last: Instant, now: Instant) -> Instant {
        var due = leaves(byteCount, now: now) + .milliseconds(Int64(plan.delay))
        due = due + chance.interval(below: .milliseconds(Int64(max(1, plan.jitter))))
        // Sent again after a time-out, as often as it is lost.
        for _ in 0..<8 where chance.chance(min(plan.loss, 0.5)) { due = due + .milliseconds(250) }
        if darkUntil > now {
            due = max(due, darkUntil) + chance.interval(below: .milliseconds(500))
        }
        return max(due, last)
    }
}

// What a session knows of the NAT between its ends, and how often it keeps the binding alive.

internal import PetrelBase

/// The pauses of a client, and the address under which it is seen behind them (transport.md §8.3).
///
/// A NAT keeps a binding, an address and a port, for each flow, and forgets it when nothing was
/// sent for a while. After that the client is seen at another port, and until it sends something
/// nobody reaches it.
struct BindingWatch: Sendable {
    /// The longest announcement that counts: longer ones would only keep dead sessions.
    static let announcedMax = Interval.seconds(600)

    /// The longest that a client sends nothing.
    var interval: Interval
    /// What the server was told of that.
    var announced: Interval
    /// Keepalives that ask for nothing between two that do.
    var quietMax = 0
    var quietCount = 0
    /// The pause from which on the address is asked for.
    let asksAfter: Interval
    /// Whether the next packet that asks for an answer anyway also asks for the address.
    var wantsAddress = false
    /// The longest pause since the address was last confirmed.
    var pauseLongest = Interval.zero
    /// The address under which the server saw the client last.
    var seen: Address?

    init(_ configuration: SessionConfiguration) {
        interval = configuration.keepaliveInterval
        announced = configuration.keepaliveInterval
        asksAfter = configuration.asksAddressAfter
    }

    /// Whether a client that announced that interval was heard within it, by a server's judgement.
    static func isReachable(_ announced: Interval, lastHeard: Instant, now: Instant) -> Bool {
        now <= lastHeard + announced * 6 / 5 + reachableSlack
    }

    private static let reachableSlack = Interval.seconds(5)

    /// When to be heard again: a longer pause counts from when the server was told of it.
    var pause: Interval { min(interval, announced) }

    /// Whether the next keepalive may be one that asks for nothing; counts it then.
    mutating func takeQuiet() -> Bool {
        guard quietCount < quietMax, announced == interval else {
            quietCount = 0
            return false
        }
        quietCount += 1
        return true
    }

    /// The address is another one for a good reason.
    mutating func networkChanged() {
        seen = nil
        pauseLongest = .zero
        wantsAddress = false
    }

    /// Takes in where the server sees the client; returns the pause in which the NAT forgot it.
    mutating func observed(_ address: Address) -> Interval? {
        defer {
            seen = address
            pauseLongest = .zero
        }
        // Another host is another network of which the system said nothing.
        guard let seen, seen.hasSameHost(as: address), seen.port != address.port,
            pauseLongest >= asksAfter
        else { return nil }
        return pauseLongest
    }
}

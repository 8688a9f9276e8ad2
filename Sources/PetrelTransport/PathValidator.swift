// Path validation: proves that the peer can be reached at an address (RFC 9000 §8.2).

internal import PetrelBase

/// Sends challenges to one address until the peer echoes one, or until it has had its chance.
///
///     unproven ── begin ──▶ probing ── response to any challenge ──▶ proven
///                            │ ▲
///                            │ └── timer: another challenge
///                            └──── timer, none left ──▶ failed
///
/// `begin` is legal in every state and starts over, as after a change of address. Sans I/O: the
/// caller feeds the data of responses and the time, and does what is returned.
struct PathValidator: Sendable {
    /// Challenges sent before the path is given up.
    static let challengesMax = 4

    /// What the caller must do next.
    enum Action: Equatable {
        /// Send a challenge with this data; call `timedOut` at the instant given.
        case challenge(data: UInt64, until: Instant)
        /// The peer is reachable: lift the amplification limit.
        case adopt
        /// Nobody there: drop the path.
        case abandon
        /// Nothing to do.
        case none
    }

    private enum State: Sendable {
        case unproven
        case probing(InlineArray<4, UInt64>, count: Int)
        case proven
        case failed
    }

    private var state = State.unproven

    /// Whether the address is proven to be the peer's.
    var isProven: Bool { if case .proven = state { true } else { false } }

    /// Whether a challenge waits for its answer.
    var isProbing: Bool { if case .probing = state { true } else { false } }

    /// Notes that the handshake has proven the address.
    mutating func provenByHandshake() { state = .proven }

    /// Sends the first challenge, with data that nobody can guess from `random`.
    mutating func begin(
        now: Instant, timeout: Interval, random: inout some RandomNumberGenerator
    ) -> Action {
        let none = InlineArray<4, UInt64>(repeating: 0)
        return challenge(after: none, count: 0, now: now, timeout: timeout, random: &random)
    }

    /// Handles the data of a response; ignores what is repeated or forged.
    mutating func received(response: UInt64) -> Action {
        guard case .probing(let challenges, let count) = state else { return .none }
        for i in 0..<count where challenges[i] == response {
            state = .proven
            return .adopt
        }
        return .none
    }

    /// Handles the timer that the last `.challenge` asked for.
    mutating func timedOut(
        now: Instant, timeout: Interval, random: inout some RandomNumberGenerator
    ) -> Action {
        guard case .probing(let challenges, let count) = state else { return .none }
        guard count < Self.challengesMax else {
            state = .failed
            return .abandon
        }
        return challenge(
            after: challenges, count: count, now: now, timeout: timeout, random: &random)
    }

    private mutating func challenge(
        after earlier: InlineArray<4, UInt64>, count: Int,
        now: Instant, timeout: Interval, random: inout some RandomNumberGenerator
    ) -> Action {
        var challenges = earlier
        challenges[count] = random.next()
        state = .probing(challenges, count: count + 1)
        return .challenge(data: challenges[count], until: now + timeout)
    }
}

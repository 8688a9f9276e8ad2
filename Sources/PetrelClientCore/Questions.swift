// What was asked of the server and has no answer yet: asked again in each session.

public import PetrelBase
public import PetrelMessaging

/// Names a question, so that its answer is known when it comes.
public struct Ticket: Hashable, Sendable {
    /// The number, counted from 1 by each client.
    public var number: UInt64

    /// Creates the ticket with that number.
    public init(number: UInt64) { self.number = number }
}

/// What the server said to a question.
public enum Answer: Equatable, Sendable {
    /// The change is made.
    case done
    /// An invitation, and when it ends.
    case invitation(code: String, expires: WallTime)
    /// Who has a handle.
    case card(Card)
    /// Members of a conversation.
    case members(MembersPage)
    /// The server refuses; nothing was changed.
    case refused(Refusal)
}

/// Questions, in the order of asking; a session that ends leaves them to the next.
struct Questions: Sendable {
    private struct Question: Sendable {
        var ticket: Ticket
        var command: Command.Kind
        /// The request that it travels in; `nil` while it waits.
        var request: UInt64?
        /// When its answer counts as lost.
        var lostAt = Instant.distantFuture
    }

    private var open: [Question] = []
    private var last: UInt64 = 0

    /// Whether no more may be asked for now.
    var isFull: Bool { open.count >= Self.questionsMax }

    /// When a question is to be asked again.
    var deadline: Instant { open.map(\.lostAt).min() ?? .distantFuture }

    /// Asks one more.
    mutating func append(_ command: Command.Kind) -> Ticket {
        last += 1
        let ticket = Ticket(number: last)
        open.append(Question(ticket: ticket, command: command))
        return ticket
    }

    /// Nobody waits for that answer any more; the question may have been answered all the same.
    mutating func cancel(_ ticket: Ticket) { open.removeAll { $0.ticket == ticket } }

    /// The next question that is to be sent.
    var next: (ticket: Ticket, command: Command.Kind)? {
        open.first { $0.request == nil }.map { ($0.ticket, $0.command) }
    }

    /// A question travels in that request.
    mutating func sent(_ ticket: Ticket, in request: UInt64, now: Instant) {
        guard let i = open.firstIndex(where: { $0.ticket == ticket }) else { return }
        open[i].request = request
        open[i].lostAt = now + Self.answerMax
    }

    /// An answer came; returns whose it is, if it belongs here.
    mutating func answered(_ request: UInt64) -> Ticket? {
        guard request != 0, let i = open.firstIndex(where: { $0.request == request }) else {
            return nil
        }
        return open.remove(at: i).ticket
    }

    /// Answers that are too late were lost with a server that restarted.
    mutating func advance(now: Instant) {
        for i in open.indices where open[i].lostAt <= now {
            open[i].request = nil
            open[i].lostAt = .distantFuture
        }
    }

    /// The session is over, and nobody knows which questions it answered.
    mutating func sessionEnded() {
        for i in open.indices {
            open[i].request = nil
            open[i].lostAt = .distantFuture
        }
    }

    /// No question will be answered any more; returns all of them.
    mutating func giveUp() -> [Ticket] {
        defer { open.removeAll() }
        return open.map(\.ticket)
    }

    static let questionsMax = 64
    private static let answerMax = Interval.seconds(15)
}

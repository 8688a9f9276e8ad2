// How far an own message has come, and what `send` returns to follow it.

/// How far an own message has come; it only moves forward.
///
///     queued ──▶ sent ──▶ committed ──▶ delivered ──▶ read
///        └─────────┴────▶ failed
public enum Delivery: Equatable, Sendable {
    /// It is on this device's disk and will be sent.
    case queued
    /// It is on its way.
    case sent
    /// The server has stored it at its place, for good.
    case committed(Place)
    /// A device of the other side has it; in a group, of at least one other member.
    case delivered(Place)
    /// The other side has read it; in a group, at least one other member. Whoever does not show
    /// what it reads never lets it come so far.
    case read(Place)
    /// The server will never take it; it is kept among the failed ones.
    case failed(PetrelError)

    /// Where it stands; `nil` before it was committed.
    public var place: Place? {
        switch self {
        case .committed(let place), .delivered(let place), .read(let place): place
        case .queued, .sent, .failed: nil
        }
    }

    /// Whether nothing will change any more.
    public var isFinal: Bool {
        switch self {
        case .read, .failed: true
        case .queued, .sent, .committed, .delivered: false
        }
    }

    /// How far that is; a higher one never becomes a lower one.
    var step: Int {
        switch self {
        case .queued: 0
        case .sent: 1
        case .committed: 2
        case .delivered: 3
        case .read: 4
        case .failed: 5
        }
    }
}

/// A message that `send` put into the outbox, and its way from there.
public final class Outgoing: Sendable {
    /// What can be waited for.
    public enum Stage: Sendable {
        /// The server has stored it.
        case committed
        /// A device of the other side has it.
        case delivered
        /// The other side has read it.
        case read
    }

    /// What the message is called, as a UUID.
    public let id: String
    /// Its number in the outbox: messages are sent in this order.
    public let index: UInt64
    /// What was said; empty for what says nothing, such as a reaction.
    public let body: [UInt8]
    let latest = Latest(Delivery.queued)

    init(id: String, index: UInt64, body: [UInt8]) {
        self.id = id
        self.index = index
        self.body = body
    }

    /// How far it has come.
    public var delivery: Delivery { latest.value }

    /// How far it has come, the present state first; ends with a final one or with the client.
    public var deliveries: Deliveries { Deliveries(latest: latest) }

    /// Waits until the message has reached `stage`; returns where it stands.
    ///
    /// - Throws: `refused` if it never will, `closed` if the client is closed before, when it stays
    ///   in the outbox, or `cancelled`.
    @discardableResult
    public func reached(_ stage: Stage) async throws(PetrelError) -> Place {
        var version: UInt64?
        while let (delivery, current) = await latest.next(after: version) {
            version = current
            if case .failed(let error) = delivery { throw error }
            if let place = delivery.place, delivery.step >= stage.step { return place }
        }
        throw Task.isCancelled ? .cancelled : .closed
    }
}

extension Outgoing.Stage {
    fileprivate var step: Int {
        switch self {
        case .committed: 2
        case .delivered: 3
        case .read: 4
        }
    }
}

extension Latest<Delivery> {
    /// Tells of a step, unless it is none forward; ends with the last one.
    func advance(to delivery: Delivery) {
        guard delivery.step > value.step, !value.isFinal else { return }
        publish(delivery)
        if delivery.isFinal { finish() }
    }
}

/// The steps of one message; ends with a final one as well.
public typealias Deliveries = Updates<Delivery>

/// What waits in the outbox for the server.
public struct WaitingMessage: Equatable, Sendable {
    /// Where it goes.
    public enum Target: Equatable, Sendable {
        /// A conversation.
        case conversation(ConversationID)
        /// The 1:1 conversation with the account of that handle.
        case handle(String)
        /// A group that it begins.
        case newGroup
    }

    /// What it is called, as a UUID.
    public var id: String
    /// Its number in the outbox.
    public var index: UInt64
    /// Where it goes.
    public var target: Target
    /// What was said; empty for what says nothing, such as a reaction.
    public var body: [UInt8]
    /// When it was written, by this device's clock, in milliseconds since 1970.
    public var writtenMilliseconds: Int64
}

/// What the server refused for good: a message or any other event.
public struct FailedMessage: Equatable, Sendable {
    /// What it was called, as a UUID.
    public var id: String
    /// What was said; empty for what says nothing, such as a reaction.
    public var body: [UInt8]
    /// Why it was refused.
    public var error: PetrelError
}

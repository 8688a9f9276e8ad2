// How far an own message has come, and what `send` returns to follow it.

/// How far an own message has come; it only moves forward.
public enum Delivery: Equatable, Sendable {
    /// It is on this device's disk and will be sent.
    case queued
    /// It is on its way.
    case sent
    /// The server has stored it at its place, for good.
    case committed(Place)
    /// A device of the other side has it.
    case delivered(Place)
    /// The server will never take it; it is kept among the failed ones.
    case failed(PetrelError)

    /// Where it stands; `nil` before it was committed.
    public var place: Place? {
        switch self {
        case .committed(let place), .delivered(let place): place
        case .queued, .sent, .failed: nil
        }
    }

    /// Whether nothing will change any more.
    public var isFinal: Bool {
        switch self {
        case .delivered, .failed: true
        case .queued, .sent, .committed: false
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
    }

    /// What the message is called, as a UUID.
    public let id: String
    /// Its number in the outbox: messages are sent in this order.
    public let index: UInt64
    /// What was said.
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
    public func reached(_ stage: Stage) async throws(PetrelError) -> Place {
        var version: UInt64?
        while let (delivery, current) = await latest.next(after: version) {
            version = current
            switch (delivery, stage) {
            case (.delivered(let place), _), (.committed(let place), .committed): return place
            case (.failed(let error), _): throw error
            case (.queued, _), (.sent, _), (.committed, .delivered): continue
            }
        }
        throw Task.isCancelled ? .cancelled : .closed
    }
}

/// The steps of one message; ends with a final one as well.
public typealias Deliveries = Updates<Delivery>

/// A message that the server refused for good.
public struct FailedMessage: Equatable, Sendable {
    /// What it was called, as a UUID.
    public var id: String
    /// What was said.
    public var body: [UInt8]
    /// Why it was refused.
    public var error: PetrelError
}

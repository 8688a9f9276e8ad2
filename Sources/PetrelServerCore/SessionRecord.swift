// What the core knows of a session besides the session itself.

import PetrelBase
import PetrelMessaging
import PetrelServices
import PetrelTransport

/// A session in the core's slab.
struct SessionRecord: ~Copyable {
    var session: Session
    var state: SessionState
}

/// Who is behind a session, and how it stands.
struct SessionState {
    /// How far the peer has come.
    enum Phase: Equatable {
        /// Granted, not confirmed: nothing it caused has had an effect.
        case halfOpen
        /// The key belongs to no account.
        case stranger
        /// The key belongs to no account yet: a password is being hashed or an enrolment written.
        case enrolling
        /// The key belongs to a device.
        case enrolled(Principal)
        /// Closed; goes as soon as nothing is left to send.
        case over
    }

    var phase = Phase.halfOpen
    /// What the packets carry.
    var connectionID: UInt64
    /// The key that the peer has proved, or will have with its first packet.
    var key: DeviceKey
    /// The counter of its HELLO.
    var helloCounter: UInt64
    /// Where the peer is.
    var address: Address
    /// Messages that were no commands.
    var garbage = 0
    /// The last operation submitted for the session.
    var lastTicket: UInt64 = 0
    /// Whether a push was left out that the client was not told of yet.
    var hasMissed = false
    /// Large groups of which pushes were left out.
    var missedGroups: [ConversationID] = []
    /// Whether a notice of presence was left out.
    var missesPresence = false
    /// When typing is passed on again.
    var typesAgain = Instant(nanoseconds: .min)
    /// The send that must be repeated before any other is taken in.
    ///
    /// A device's messages are applied in its own order. When one is refused because the store is
    /// busy or full, those sent behind it are already under way; taken in, they would overtake it.
    /// So they are refused likewise, until the client begins again with this one, as it does by
    /// sending its outbox from the front. A client that gave it up must begin a new session.
    var blockedBy: Blocking?

    /// A send that was refused for now, and the request in which it came.
    struct Blocking: Equatable {
        var cmid: ClientMessageID
        var request: UInt64
    }

    /// Whether something was left out that the client is still to be told of.
    ///
    /// Who is no device any more is owed nothing: nothing could be told, and the debt never paid.
    var isOwed: Bool {
        principal != nil && (hasMissed || missesPresence || !missedGroups.isEmpty)
    }

    /// Notes that a push without an entry was left out.
    mutating func miss(_ group: ConversationID) {
        if !missedGroups.contains(group) { missedGroups.append(group) }
    }

    var principal: Principal? {
        guard case .enrolled(let principal) = phase else { return nil }
        return principal
    }
}

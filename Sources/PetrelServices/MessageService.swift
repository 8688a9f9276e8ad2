// A client's event becomes an operation: of the right shape, young enough, with people who exist.

public import PetrelBase
public import PetrelMessaging

/// Judges events before they are submitted; what depends on the state of a conversation is left to
/// the rules of the store, which give them their place.
public enum MessageService {
    /// Judges `message`, taken in at `wall`.
    ///
    /// `digest` is that of `message.identityBytes()`; `newConversation` is a random identifier,
    /// should the event begin a conversation.
    public static func admit(
        _ message: OutgoingMessage, from sender: Principal, digest: InlineWords4,
        newConversation: ConversationID, wall: WallTime, store: any Store
    ) throws(Refused) -> AppendMessage {
        try judge(message.event)
        try judge(message.clientMessageID, wall: wall)
        var isCreation = false
        if case .created = message.event { isCreation = true }
        guard isCreation == (message.target == .newGroup) else { throw Refused(.malformed) }
        let event = try PeopleResolver.find(message.event, store: store)
        let target: AppendMessage.Target
        switch message.target {
        case .conversation(let id): target = .conversation(id)
        case .newGroup: target = .newGroup(newConversation)
        case .handle(let typed):
            let peer = try PeopleResolver.find(Person(handle: typed), store: store)
            target = .peer(peer.account, ifNew: newConversation)
        }
        return AppendMessage(
            account: sender.account, device: sender.device,
            clientMessageID: message.clientMessageID, target: target, event: event,
            digest: digest, time: wall)
    }

    /// An identifier older than deduplication reaches could double its message; one from the future
    /// could become that unnoticed.
    private static func judge(_ id: ClientMessageID, wall: WallTime) throws(Refused) {
        let minted = Interval.milliseconds(id.time.milliseconds)
        let now = Interval.milliseconds(wall.milliseconds)
        guard now - minted <= MessagingLimits.deduplication,
            minted - now <= MessagingLimits.futureTolerance
        else { throw Refused(.identifierExpired) }
    }

    // MARK: Shape

    /// Refuses an event of a wrong shape, whatever it is meant for.
    static func judge(_ event: ConversationEvent) throws(Refused) {
        switch event {
        case .message(let content): try judge(content)
        case .edit(let place, let content):
            try require(
                place.number > 0 && content.replyTo.number == 0 && content.lifetimeSeconds == 0)
            try judge(content)
        case .recall(let place): try require(place.number > 0)
        case .reaction(let reaction):
            try require(reaction.sequence.number > 0)
            try TextRules.requireLine(
                reaction.text, atLeast: 1, atMost: MessagingLimits.reactionBytesMax)
        case .created(let creation):
            try require(creation.members.count <= MessagingLimits.peopleMax)
            try TextRules.requireLine(
                creation.name, atLeast: 1, atMost: MessagingLimits.nameBytesMax)
        case .added(let people):
            try require(!people.isEmpty && people.count <= MessagingLimits.peopleMax)
        case .muted(_, let seconds):
            try require(Interval.seconds(Int64(seconds)) <= MessagingLimits.muteMax)
        case .changed(let change):
            try require(!change.name.isEmpty || change.isOpen != nil)
            try TextRules.requireLine(change.name, atMost: MessagingLimits.nameBytesMax)
        case .retention(let seconds):
            try require(seconds == 0 || MessagingLimits.retentionSeconds.contains(seconds))
        case .joined, .left, .removed, .role, .dissolved: break
        case .gone: throw Refused(.malformed)
        }
    }

    private static func judge(_ content: Content) throws(Refused) {
        guard content.contentType.utf8.count <= MessagingLimits.contentTypeBytesMax else {
            throw Refused(.tooLarge, limit: MessagingLimits.contentTypeBytesMax)
        }
        // Eight bytes for each mention: they share the room of the body.
        guard
            content.body.count + 8 * content.mentions.count <= MessagingLimits.bodyBytesMax
        else { throw Refused(.tooLarge, limit: MessagingLimits.bodyBytesMax) }
        try require(
            content.mentions.count <= MessagingLimits.mentionsMax
                && content.lifetimeSeconds <= MessagingLimits.lifetimeSecondsMax)
    }

    private static func require(_ isRight: Bool) throws(Refused) {
        guard isRight else { throw Refused(.malformed) }
    }
}

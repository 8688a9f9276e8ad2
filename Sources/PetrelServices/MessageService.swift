// A client's message becomes an operation: authorised, within limits, with a target that exists.

public import PetrelBase
public import PetrelMessaging

/// Judges messages before they are submitted; the store gives them their place.
public enum MessageService {
    /// Judges `message`, taken in at `wall`.
    ///
    /// `digest` is that of `message.identityBytes()`; `newConversation` is a random identifier,
    /// should this be the first message between two accounts.
    public static func admit(
        _ message: OutgoingMessage, from sender: Principal, digest: InlineWords4,
        newConversation: ConversationID, wall: WallTime, store: any Store
    ) throws(Refused) -> AppendMessage {
        guard message.event.bodyByteCount <= MessagingLimits.bodyBytesMax else {
            throw Refused(.tooLarge, limit: MessagingLimits.bodyBytesMax)
        }
        try judge(message.clientMessageID, wall: wall)
        let target: AppendMessage.Target
        switch message.target {
        case .conversation(let id): target = .conversation(id)
        case .newGroup: target = .newGroup(newConversation)
        case .handle(let typed):
            guard let handle = AccountHandle(typed)?.text,
                let account = try found({ () throws(StoreFailure) in
                    try store.account(handle: handle)
                })
            else { throw Refused(.unknownRecipient) }
            target = .peer(account.id, ifNew: newConversation)
        }
        return AppendMessage(
            account: sender.account, device: sender.device,
            clientMessageID: message.clientMessageID, target: target, event: message.event,
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

    private static func found(
        _ read: () throws(StoreFailure) -> AccountRecord?
    ) throws(Refused) -> AccountRecord? {
        do throws(StoreFailure) { return try read() } catch { throw Refused(error) }
    }
}

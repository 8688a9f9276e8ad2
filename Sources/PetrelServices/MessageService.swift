// A client's message becomes an operation: authorised, within limits, with a target that exists.

public import PetrelBase
public import PetrelMessaging

/// Judges messages before they are submitted; the store gives them their place.
public enum MessageService {
    /// A message that may be submitted, and what its verdict will need.
    public struct Admitted: Equatable, Sendable {
        /// The operation.
        public var operation: AppendMessage
        /// The other member of the conversation.
        public var peer: AccountID
        /// The other member's handle.
        public var peerHandle: String
    }

    /// Judges `message`, taken in at `wall`.
    ///
    /// `digest` is that of `message.identityBytes()`; `newConversation` is a random identifier,
    /// should this be the first message between two accounts.
    public static func admit(
        _ message: OutgoingMessage, from sender: Principal, digest: InlineWords4,
        newConversation: ConversationID, wall: WallTime, store: any Store
    ) throws(Refused) -> Admitted {
        guard message.body.count <= MessagingLimits.bodyBytesMax,
            message.contentType.utf8.count <= MessagingLimits.contentTypeBytesMax
        else { throw Refused(.tooLarge) }
        try judge(message.clientMessageID, wall: wall)
        let target: AppendMessage.Target
        let peer: AccountRecord
        switch message.target {
        case .conversation(let id):
            let conversation = try Authority.conversation(
                id, for: .write, by: sender, store: store)
            guard let member = conversation.peer(of: sender.account),
                let account = try found({ () throws(StoreFailure) in
                    try store.account(member.account)
                })
            else { throw Refused(.unknownConversation) }
            target = .conversation(id)
            peer = account
        case .handle(let typed):
            guard let handle = AccountHandle(typed)?.text,
                let account = try found({ () throws(StoreFailure) in
                    try store.account(handle: handle)
                })
            else { throw Refused(.unknownRecipient) }
            target = .peer(account.id, ifNew: newConversation)
            peer = account
        }
        let operation = AppendMessage(
            account: sender.account, device: sender.device,
            clientMessageID: message.clientMessageID, target: target,
            contentType: message.contentType, body: message.body, digest: digest, time: wall)
        return Admitted(operation: operation, peer: peer.id, peerHandle: peer.handle)
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

// Who may do what: the only place where that is decided.

public import PetrelMessaging

#if PETREL_PLANTED
    internal import PetrelBase
#endif

/// The account and device that a session has proved to be: the only subject of authorisation.
public struct Principal: Equatable, Sendable {
    /// The account.
    public var account: AccountID
    /// The device.
    public var device: DeviceID
    /// The account's handle.
    public var handle: String

    /// Creates the principal.
    public init(account: AccountID, device: DeviceID, handle: String) {
        self.account = account
        self.device = device
        self.handle = handle
    }
}

/// Decides what a principal may do.
public enum Authority {
    /// What somebody wants to do in a conversation.
    public enum Action: Equatable, Sendable {
        /// Read messages of it.
        case read
        /// Write a message into it.
        case write
    }

    /// Returns the conversation if `principal` may do that in it: its members may read and write.
    ///
    /// To others an existing conversation looks like one that does not exist.
    ///
    /// - Throws: `unknownConversation`, or what the store says.
    public static func conversation(
        _ id: ConversationID, for action: Action, by principal: Principal, store: any Store
    ) throws(Refused) -> ConversationRecord {
        let found: ConversationRecord?
        do throws(StoreFailure) { found = try store.conversation(id) } catch {
            throw Refused(error)
        }
        guard let found else { throw Refused(.unknownConversation) }
        #if PETREL_PLANTED
            if PlantedBug.memberCheckSkipped.isActive { return found }
        #endif
        switch action {
        case .read, .write:
            guard found.members.contains(where: { $0.account == principal.account }) else {
                throw Refused(.unknownConversation)
            }
        }
        return found
    }
}

extension ConversationRecord {
    /// The member who is not `account`; in notes to oneself, `account`.
    public func peer(of account: AccountID) -> Member? {
        members.first { $0.account != account } ?? members.first
    }
}

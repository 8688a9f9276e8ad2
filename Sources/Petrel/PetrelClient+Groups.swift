// Groups: each change is an event of the conversation, and goes through the outbox.

internal import PetrelClientCore
internal import PetrelClientData
public import PetrelMessaging

extension PetrelClient {
    /// Creates a group that this account owns; returns when the outbox has that on disk.
    ///
    ///     let begun = try await client.createGroup("Hiking", members: ["bob", "carol"])
    ///     let group = try await begun.reached(.committed).conversation
    ///
    /// - Parameters:
    ///   - name: what it is called, in 1 to 64 bytes.
    ///   - handles: the other members, 256 at most, all of them contacts.
    ///   - isOpen: whether everybody who knows its number may join.
    /// - Returns: the event, to be followed; its place names the group.
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func createGroup(
        _ name: String, members handles: [String], isOpen: Bool = false
    ) async throws(PetrelError) -> Outgoing {
        let form = GroupCreation(name: name, members: try people(handles), isOpen: isOpen)
        return try await commit(.created(form), to: .newGroup)
    }

    /// Takes contacts into a group, 256 at a time at most.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func addMembers(
        _ handles: [String], to group: ConversationID
    ) async throws(PetrelError) -> Outgoing {
        try await commit(.added(try people(handles)), to: .conversation(group))
    }

    /// Comes into an open group.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func joinGroup(_ group: ConversationID) async throws(PetrelError) -> Outgoing {
        try await commit(.joined, to: .conversation(group))
    }

    /// Leaves a group; what was said in it until then stays readable here.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func leaveGroup(_ group: ConversationID) async throws(PetrelError) -> Outgoing {
        try await commit(.left, to: .conversation(group))
    }

    /// Puts a member out of a group.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func removeMember(
        _ handle: String, from group: ConversationID
    ) async throws(PetrelError) -> Outgoing {
        try await commit(.removed(try person(handle)), to: .conversation(group))
    }

    /// Gives a member another role; a new owner makes the old one an admin.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func setRole(
        _ role: Role, of handle: String, in group: ConversationID
    ) async throws(PetrelError) -> Outgoing {
        try await commit(.role(try person(handle), role), to: .conversation(group))
    }

    /// Lets a member not speak for a while, a year at most; `nil`: the member may speak again.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func silenceMember(
        _ handle: String, in group: ConversationID, for time: Duration?
    ) async throws(PetrelError) -> Outgoing {
        let seconds = time.map { max(1, $0.wholeSeconds) } ?? 0
        return try await commit(
            .muted(try person(handle), seconds: seconds), to: .conversation(group))
    }

    /// Gives a group another name of 1 to 64 bytes.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func renameGroup(
        _ group: ConversationID, to name: String
    ) async throws(PetrelError) -> Outgoing {
        try await commit(.changed(GroupChange(name: name)), to: .conversation(group))
    }

    /// Says whether everybody who knows its number may join a group.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func setOpen(
        _ isOpen: Bool, _ group: ConversationID
    ) async throws(PetrelError) -> Outgoing {
        try await commit(.changed(GroupChange(isOpen: isOpen)), to: .conversation(group))
    }

    /// Says how long a conversation keeps messages, from a minute to ten years; `nil` for ever.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func setRetention(
        _ time: Duration?, of conversation: ConversationID
    ) async throws(PetrelError) -> Outgoing {
        let seconds = time.map { UInt64(max(1, $0.wholeSeconds)) } ?? 0
        return try await commit(.retention(seconds: seconds), to: .conversation(conversation))
    }

    /// Ends a group: its members read it, and nobody writes.
    ///
    /// - Throws: `inputInvalid`, `busy`, `storeFull`, `storeFailed` or `closed`; nothing is sent.
    @discardableResult
    public func dissolveGroup(_ group: ConversationID) async throws(PetrelError) -> Outgoing {
        try await commit(.dissolved, to: .conversation(group))
    }

    private func people(_ handles: [String]) throws(PetrelError) -> [Person] {
        var people: [Person] = []
        for handle in handles { people.append(try person(handle)) }
        return people
    }

    private func person(_ handle: String) throws(PetrelError) -> Person {
        guard let normal = AccountHandle(handle) else {
            throw PetrelError(ClientRefusal.handleInvalid(handle))
        }
        return Person(handle: normal.text)
    }
}

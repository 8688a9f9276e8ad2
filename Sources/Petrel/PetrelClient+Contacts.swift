// Other people: contacts, requests, blocking, and who is here now.

internal import PetrelClientCore
internal import PetrelClientData
public import PetrelMessaging
internal import PetrelStore

/// Contacts.
extension PetrelClient {
    /// Contacts, requests and blocked accounts, by the name that is shown.
    ///
    /// - Throws: `storeFailed`.
    public func contacts() throws(PetrelError) -> [Contact] {
        try read { () throws(ClientStoreError) in try reader.contacts() }
    }

    /// Contacts, requests and blocked accounts: the present ones first.
    public var contactUpdates: Updates<[Contact]> {
        let reader = reader
        return Updates(of: shared.contactChanges) { _, _ in try? reader.contacts() }
    }

    /// Tells who has a handle; waits for the server, however long.
    ///
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`.
    public func lookUp(_ handle: String) async throws(PetrelError) -> Card {
        guard case .card(let card) = try await askServer(.lookUp(handle: handle)) else {
            throw .answerUnknown
        }
        return card
    }

    /// Asks an account to become contacts, or accepts its request; waits for the server.
    ///
    /// - Parameters:
    ///   - handle: whom.
    ///   - greeting: a line that comes with the request, of 256 bytes at most.
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`.
    public func addContact(
        _ handle: String, greeting: String = ""
    ) async throws(PetrelError) {
        try await change(handle, .request(greeting: greeting))
    }

    /// Accepts a request; waits for the server.
    ///
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`.
    public func acceptContact(_ handle: String) async throws(PetrelError) {
        try await change(handle, .accept)
    }

    /// Declines a request, of which the other is not told; waits for the server.
    ///
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`.
    public func declineContact(_ handle: String) async throws(PetrelError) {
        try await change(handle, .decline)
    }

    /// Ends the relation, or takes an own request back; waits for the server.
    ///
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`.
    public func removeContact(_ handle: String) async throws(PetrelError) {
        try await change(handle, .remove)
    }

    /// Takes nothing from an account any more, and ends the relation; waits for the server.
    ///
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`.
    public func block(_ handle: String) async throws(PetrelError) {
        try await change(handle, .block)
    }

    /// Takes messages of an account again; waits for the server.
    ///
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`.
    public func unblock(_ handle: String) async throws(PetrelError) {
        try await change(handle, .unblock)
    }

    /// Calls an account something, in 64 bytes at most, empty for nothing; waits for the server.
    ///
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`.
    public func setAlias(_ alias: String, of handle: String) async throws(PetrelError) {
        try await change(handle, .alias(alias))
    }

    private func change(_ handle: String, _ change: ContactChange) async throws(PetrelError) {
        try await self.change(.changeContact(Person(handle: handle), change))
    }
}

/// Who is here now.
extension PetrelClient {
    /// What the devices of an account do now; `nil` where that is not known or not shown.
    public func presence(of account: AccountID) -> Presence? { shared.presences.value[account] }

    /// What the devices of others do now, by account; empty while the server is not reached.
    public var presences: [AccountID: Presence] { shared.presences.value }

    /// What the devices of others do now: the present state first.
    public var presenceUpdates: Updates<[AccountID: Presence]> {
        Updates(latest: shared.presences)
    }
}

extension Reader {
    /// Contacts, requests and blocked accounts, by the name that is shown.
    func contacts() throws(ClientStoreError) -> [Contact] {
        try store.contacts().sorted { a, b in
            let (first, second) = (a.displayName, b.displayName)
            return first == second ? a.person.account < b.person.account : first < second
        }
    }
}

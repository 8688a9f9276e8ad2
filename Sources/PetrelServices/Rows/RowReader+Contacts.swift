// What is read of the relations between accounts.

public import PetrelMessaging

extension RowReader where Self: ~Copyable {
    /// Returns the relation of an account to another; `nil` if there never was one.
    public func contact(
        _ peer: AccountID, of account: AccountID
    ) throws(Trouble) -> Contact? {
        guard let row: ContactRow = try find(.contact(peer, of: account), in: .contact),
            let other: AccountRow = try find(.account(peer), in: .account)
        else { return nil }
        let relation = row.relation
        // Who was blocked without ever having been known is not told of when it is deleted.
        let isGone = other.isDeleted && relation.exists
        let state = isGone ? .gone : relation.state
        // Whose changes make no entry for the account is not shown: it would be what it was once.
        let isShown = state == .requested || state == .asked || state == .contact
        return Contact(
            person: Person(account: peer, handle: other.handle), state: state,
            isBlocked: relation.isBlocked, alias: relation.alias, greeting: relation.greeting,
            profile: isShown ? other.profile : Profile())
    }

    /// Returns the accounts that have each other as contacts and block neither way, by number.
    public func presentContacts(of account: AccountID) throws(Trouble) -> [AccountID] {
        var contacts: [AccountID] = []
        for key in try list(.contact, from: .account(account), prefix: 8, limit: .max) {
            let peer = AccountID(key.second)
            guard let own: ContactRow = try find(key, in: .contact), own.isContact,
                let other: ContactRow = try find(.contact(account, of: peer), in: .contact),
                other.isContact
            else { continue }
            contacts.append(peer)
        }
        return contacts
    }
}

extension ContactRow {
    /// Whether the account has the other as a contact, and takes what it says.
    fileprivate var isContact: Bool { state == .contact && !isBlocked }
}

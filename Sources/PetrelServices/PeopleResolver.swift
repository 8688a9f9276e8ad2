// People as clients name them become accounts with their handles.

public import PetrelMessaging

/// Finds who is meant by a number, by a handle, or by both.
public enum PeopleResolver {
    /// Returns who is meant, with account and handle; where both are given, the account counts.
    ///
    /// Refused with `unknownRecipient` if there is nobody, or nobody any more.
    public static func resolve(
        _ person: Person, store: any Store
    ) throws(Refused) -> Person {
        let account: AccountRecord?
        do throws(StoreFailure) {
            if person.account.number != 0 {
                account = try store.account(person.account)
            } else if let handle = AccountHandle(person.handle)?.text {
                account = try store.account(handle: handle)
            } else {
                account = nil
            }
        } catch {
            throw Refused(error)
        }
        guard let account, !account.isDeleted else { throw Refused(.unknownRecipient) }
        return Person(account: account.id, handle: account.handle)
    }

    /// Returns whom a message is about; who cannot be found gets account 0, which nobody has.
    ///
    /// The rules of the store refuse such a message, but for a repetition of one that was taken in
    /// before the account went: that is answered as the first time ([M-2.2-9]).
    static func find(_ person: Person, store: any Store) throws(Refused) -> Person {
        do throws(Refused) {
            return try resolve(person, store: store)
        } catch {
            guard error.error == .unknownRecipient else { throw error }
            return Person(account: AccountID(0), handle: person.handle)
        }
    }

    /// Returns an event with account and handle of everybody whom it names, doubles left out.
    static func find(
        _ event: ConversationEvent, store: any Store
    ) throws(Refused) -> ConversationEvent {
        switch event {
        case .created(var creation):
            creation.members = try find(creation.members, store: store)
            return .created(creation)
        case .added(let people): return .added(try find(people, store: store))
        case .removed(let person): return .removed(try find(person, store: store))
        case .role(let person, let role):
            return .role(try find(person, store: store), role)
        case .muted(let person, let seconds):
            return .muted(try find(person, store: store), seconds: seconds)
        case .message, .edit, .recall, .reaction, .joined, .left, .changed, .retention,
            .dissolved, .gone:
            return event
        }
    }

    private static func find(
        _ people: [Person], store: any Store
    ) throws(Refused) -> [Person] {
        var known: Set<AccountID> = []
        var resolved: [Person] = []
        for person in people {
            let found = try find(person, store: store)
            if known.insert(found.account).inserted { resolved.append(found) }
        }
        return resolved
    }
}

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

    /// Returns an event with account and handle of everybody whom it names, doubles left out.
    static func resolve(
        _ event: ConversationEvent, store: any Store
    ) throws(Refused) -> ConversationEvent {
        switch event {
        case .created(var creation):
            creation.members = try resolve(creation.members, store: store)
            return .created(creation)
        case .added(let people): return .added(try resolve(people, store: store))
        case .removed(let person): return .removed(try resolve(person, store: store))
        case .role(let person, let role):
            return .role(try resolve(person, store: store), role)
        case .muted(let person, let seconds):
            return .muted(try resolve(person, store: store), seconds: seconds)
        case .message, .edit, .recall, .reaction, .joined, .left, .changed, .retention,
            .dissolved, .gone:
            return event
        }
    }

    private static func resolve(
        _ people: [Person], store: any Store
    ) throws(Refused) -> [Person] {
        var known: Set<AccountID> = []
        var resolved: [Person] = []
        for person in people {
            let found = try resolve(person, store: store)
            if known.insert(found.account).inserted { resolved.append(found) }
        }
        return resolved
    }
}

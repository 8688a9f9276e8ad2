// Does what commands ask of the client, and says how that went.

import Petrel
import PetrelBase
import PetrelMessaging

/// What came of an order.
enum ChatOutcome: Equatable, Sendable {
    /// A sentence about it.
    case said(String)
    /// A group was begun.
    case opened(ConversationID)
    /// It shows by itself.
    case shown
}

/// Does what commands ask of a client.
struct ChatErrands: Sendable {
    let client: PetrelClient

    /// Puts an order into the outbox; `nil` if it is none that is kept there.
    func keep(
        _ order: ChatOrder, in conversation: ConversationID?
    ) async throws(PetrelError) -> Outgoing? {
        switch (order, conversation) {
        case (.group(let name, let handles), _):
            let others = handles.filter { $0 != client.account?.handle }
            return try await client.createGroup(name, members: others)
        case (.change(let deed), let group?): return try await keep(deed, group)
        case (.message(let number, let deed), let id?):
            return try await keep(deed, at: Place(conversation: id, number: number))
        default: return nil
        }
    }

    /// Waits until what was kept is done.
    func outcome(
        of order: ChatOrder, _ outgoing: Outgoing
    ) async throws(PetrelError) -> ChatOutcome {
        let place = try await outgoing.reached(.committed)
        if case .group = order { return .opened(place.conversation) }
        return .shown
    }

    /// Asks the server for what an order wants; waits for its answer.
    func ask(
        _ order: ChatOrder, in conversation: ConversationID?, now: Int64
    ) async throws(PetrelError) -> ChatOutcome {
        switch (order, conversation) {
        case (.contact(let deed, let handle?), _): return try await ask(deed, handle)
        case (.setting(let deed), let id?): return try await ask(deed, id, now: now)
        case (.message(let number, .delete), let id?):
            try await client.deleteForMe(Place(conversation: id, number: number))
            return .said("message \(number) is hidden, for you alone")
        default: return .shown
        }
    }

    /// All members of a conversation.
    func members(of conversation: ConversationID) async throws(PetrelError) -> [Member] {
        var page = try await client.members(of: conversation)
        var members = page.members
        while let next = page.next {
            page = try await client.members(of: conversation, after: next)
            members += page.members
        }
        return members
    }

    private func keep(
        _ deed: ChatOrder.GroupDeed, _ group: ConversationID
    ) async throws(PetrelError) -> Outgoing {
        switch deed {
        case .invite(let handles): try await client.addMembers(handles, to: group)
        case .leave: try await client.leaveGroup(group)
        case .kick(let handle): try await client.removeMember(handle, from: group)
        case .silence(let handle, let time):
            try await client.silenceMember(
                handle, in: group, for: time.map { .milliseconds(Int64($0.milliseconds)) })
        case .role(let handle, let role): try await client.setRole(role, of: handle, in: group)
        case .rename(let name): try await client.renameGroup(group, to: name)
        case .dissolve: try await client.dissolveGroup(group)
        }
    }

    private func keep(
        _ deed: ChatOrder.MessageDeed, at place: Place
    ) async throws(PetrelError) -> Outgoing? {
        switch deed {
        case .edit(let text): return try await client.edit(place, to: text)
        case .recall: return try await client.recall(place)
        case .react(let sign):
            let own = try client.message(at: place)?.reactions.contains { reaction in
                reaction.text == sign
                    && reaction.people.contains { $0.account.number == client.account?.number }
            }
            return own == true
                ? try await client.withdrawReaction(sign, from: place)
                : try await client.react(to: place, with: sign)
        case .delete: return nil
        }
    }

    private func ask(
        _ deed: ChatOrder.ContactDeed, _ handle: String
    ) async throws(PetrelError) -> ChatOutcome {
        switch deed {
        case .add(let greeting):
            try await client.addContact(handle, greeting: greeting)
            return .said("\(handle) was asked; /contacts shows the answer")
        case .accept:
            try await client.acceptContact(handle)
            return .said("\(handle) is a contact now")
        case .decline:
            try await client.declineContact(handle)
            return .said("declined; \(handle) is not told")
        case .block:
            try await client.block(handle)
            return .said("nothing is taken from \(handle) any more; /unblock \(handle) ends that")
        case .unblock:
            try await client.unblock(handle)
            return .said("messages of \(handle) are taken again")
        }
    }

    private func ask(
        _ deed: ChatOrder.SettingDeed, _ id: ConversationID, now: Int64
    ) async throws(PetrelError) -> ChatOutcome {
        switch deed {
        case .pin(let isPinned): try await client.setPinned(isPinned, id)
        case .mute(nil): try await client.mute(id, untilMilliseconds: nil)
        case .mute(let time?):
            try await client.mute(id, untilMilliseconds: now + Int64(time.milliseconds))
        case .clear:
            guard let newest = try client.conversation(id)?.newest, newest > 0 else {
                return .shown
            }
            try await client.clear(upTo: Place(conversation: id, number: newest))
            return .said("what was said up to now is hidden, for you alone")
        }
        return .shown
    }
}

// Why a command cannot be followed as things stand, in a sentence that says what to do.

import Petrel

extension ChatModel {
    /// Why a command cannot be followed now; `nil` if it can.
    func refusal(of command: SlashCommand) -> String? {
        switch command {
        case .reply(let number, _): refusal(ofNumber: number)
        case .members: refusalWithoutConversation
        case .order(let order): refusal(of: order)
        case .to, .contacts, .net, .why, .help, .quit: nil
        }
    }

    /// Whom an order about a contact means that names nobody: the other member of the conversation
    /// that is shown, else whoever asks, if only one does.
    func meant(by deed: ChatOrder.ContactDeed) -> String? {
        let isAnswer = deed == .accept || deed == .decline
        if case .handle(let handle) = open,
            !isAnswer || requests.contains(where: { $0.handle == handle })
        {
            return handle
        }
        return isAnswer && requests.count == 1 ? requests[0].handle : nil
    }

    private func refusal(of order: ChatOrder) -> String? {
        switch order {
        case .contact(let deed, let handle): refusal(of: deed, handle)
        case .group(_, let handles):
            handles == [self.handle] ? "name others: you are in it anyway" : nil
        case .change(let deed): refusal(of: deed)
        case .message(let number, let deed): refusal(of: deed, number)
        case .setting: refusalWithoutConversation
        }
    }

    private func refusal(of deed: ChatOrder.ContactDeed, _ handle: String?) -> String? {
        if handle == self.handle { return "\(self.handle) is you; name somebody else" }
        guard handle == nil, meant(by: deed) == nil else { return nil }
        switch deed {
        case .accept, .decline:
            let names = requests.map(\.handle).joined(separator: ", ")
            return requests.isEmpty
                ? "nobody asks to become contacts; /add and a handle asks somebody"
                : "name one of those who ask: \(names)"
        case .add, .block, .unblock: return "name a handle, or open a conversation with somebody"
        }
    }

    private var refusalWithoutConversation: String? {
        guard open != nil else { return "no conversation is open; Tab opens one" }
        return openConversation?.id == nil ? "nothing was said here yet; send a message first" : nil
    }

    private func refusal(of deed: ChatOrder.GroupDeed) -> String? {
        guard open != nil, let conversation = openConversation, conversation.kind == .group else {
            return "this is for groups; open one with Tab, or begin one with /group NAME HANDLE..."
        }
        switch deed {
        case .kick(handle): return "\(handle) is you; /leave leaves the group"
        case .silence(handle, _): return "\(handle) is you; name another member"
        case .invite([handle]): return "\(handle) is you, and in the group; name others"
        default: return nil
        }
    }

    private func refusal(of deed: ChatOrder.MessageDeed, _ number: UInt64) -> String? {
        if let reason = refusal(ofNumber: number) { return reason }
        guard let message = message(number) else { return nil }
        switch (deed, message.content) {
        case (.delete, _): return nil
        case (_, .recalled), (_, .expired):
            return "of message \(number) nothing is left; choose another one"
        case (_, .event): return "\(number) is no message; choose one that somebody wrote"
        case (.edit, _) where !message.isOwn:
            return "message \(number) is of \(message.author); only its author can edit it"
        case (.recall, _) where !message.isOwn && openConversation?.kind != .group:
            return "message \(number) is of \(message.author); /delete hides it for you alone"
        default: return nil
        }
    }

    private func refusal(ofNumber number: UInt64) -> String? {
        if let reason = refusalWithoutConversation { return reason }
        guard message(number) != nil else {
            return "there is no message \(number) among those shown; numbers stand at the right, "
                + "and PageUp shows older ones"
        }
        return nil
    }

    private func message(_ number: UInt64) -> ChatMessage? {
        for case .message(let message) in timeline.items where message.number == number {
            return message
        }
        return nil
    }
}

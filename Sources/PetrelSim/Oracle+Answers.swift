// What owners are told besides messages: answers to what they asked, and what others do.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelMessaging
internal import PetrelServices

extension Oracle {
    /// A client has taken a question from its owner.
    func asked(_ client: SimulatedClient, _ ticket: Ticket, _ command: Command.Kind) {
        client.questions[ticket] = command
    }

    /// A question has its answer, which must be true.
    func answered(_ client: SimulatedClient, _ ticket: Ticket, _ answer: Answer) {
        guard let command = client.questions.removeValue(forKey: ticket) else {
            return fail(.onceOnly, "client \(client.index) is answered what nobody asked")
        }
        switch answer {
        case .done:
            guard let key = key(of: command, client.account), !people.done.contains(key) else {
                return
            }
            fail(
                .neverLost,
                "client \(client.index) is told that it is done, and the disk does not have it: "
                    + key)
        case .invitation(let code, _): people.invitationCodes.append(code)
        case .members(let page): judge(page, of: client)
        case .card, .refused: return
        }
    }

    /// What becomes durable when a question is answered with done.
    private func key(of command: Command.Kind, _ index: Int) -> String? {
        guard let account = accountIDs[index]?.number else { return nil }
        switch command {
        case .changeAccount(let change):
            switch change {
            case .password: return "\(account) password"
            case .delete: return "\(account) delete"
            case .profile(let profile): return "\(account) \(ChangeAccount.Change.profile(profile))"
            case .privacy(let privacy): return "\(account) \(ChangeAccount.Change.privacy(privacy))"
            case .deviceName(let device, let name):
                return "\(account) \(ChangeAccount.Change.deviceName(device, name))"
            case .revokeDevice(let device):
                return "\(account) \(ChangeAccount.Change.revokeDevice(device))"
            }
        case .changeContact(let person, let change):
            guard let peer = Int(person.handle.dropFirst(4)).flatMap({ accountIDs[$0] }) else {
                return nil
            }
            return "\(account) \(peer.number) \(change)"
        case .changeConversation(let id, let change): return "\(account) \(id.number) \(change)"
        default: return nil
        }
    }

    private func judge(_ page: MembersPage, of client: SimulatedClient) {
        guard let conversation = model[page.conversation], conversation.knows(client.account)
        else {
            return fail(
                .private_, "client \(client.index) is told members of a conversation of others")
        }
        for member in page.members where !conversation.knows(accounts[member.person.account] ?? -1)
        {
            fail(.private_, "client \(client.index) is told of a member that never was one")
        }
    }

    /// What others do is told to those whom it concerns, and to nobody else.
    func toldOfOthers(_ client: SimulatedClient, _ event: ClientEvent) {
        let who = "client \(client.index) is told"
        switch event {
        case .contactChanged(let contact):
            let peer = accounts[contact.person.account] ?? -1
            let name = OraclePeople.SideName(of: client.account, about: peer)
            guard people.sides[name] == nil, !people.isGone(client.account) else { return }
            fail(.private_, "\(who) of user\(peer), who is nothing to it")
        case .accountChanged(let state):
            guard let account = accountIDs[client.account] else { return }
            for device in state.devices
            where !enrolled.values.contains(.init(account: account, device: device.device)) {
                fail(.private_, "\(who) of device \(device.device.number), which it never had")
            }
        case .presencesChanged(let presences):
            for presence in presences {
                let peer = accounts[presence.account] ?? -1
                let name = OraclePeople.SideName(of: client.account, about: peer)
                guard !people.everContacts.contains(name) else { continue }
                fail(.private_, "\(who) that user\(peer) is here, who is no contact")
            }
        case .typing(let notice):
            let account = accounts[notice.account] ?? -1
            guard let conversation = model[notice.conversation], conversation.knows(client.account),
                conversation.knows(account), account != client.account
            else { return fail(.private_, "\(who) that user\(account) types to others") }
        case .revoked:
            guard let name = enrolled[current[client.index]], people.revoked[name] != nil else {
                return fail(.neverLost, "\(who) that it was shut out, and it was not")
            }
        default: break
        }
    }
}

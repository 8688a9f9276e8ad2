// What owners do with the messenger is done: each act becomes an event, a question or a wish.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelMessaging
internal import PetrelServices

extension Simulation {
    /// Has the owner of a device do something; without what it would need, nothing happens.
    func act(_ index: Int, _ act: Act) {
        let client = clients[index]
        guard client.isUp, !client.isPaused else { return }
        switch act {
        case .request, .answer, .part, .block, .alias, .lookUp: relate(client, act)
        case .create, .add, .join, .leave, .remove, .role, .mute, .change, .dissolve, .members:
            group(client, act)
        case .speak, .speakUp, .edit, .recall, .react, .retain: say(client, act)
        case .read, .pin, .hush, .clear, .hide: arrange(client, act)
        case .profile, .privacy, .nameDevice, .revoke, .password, .recover, .invite, .endAccount:
            manage(client, act)
        case .presence, .type, .view: pass(client, act)
        }
        settleClient(index)
    }

    // MARK: How it is done

    private func cause(
        _ client: SimulatedClient, _ target: OutgoingTarget, _ goal: Oracle.Goal,
        _ event: ConversationEvent
    ) {
        do throws(ClientRefusal) {
            let sent = try client.core?.send(
                to: target, event: event, wall: client.clock.wall(now))
            guard let sent else { return }
            note("client \(client.index): causes event \(sent.index), \(event.title)")
            oracle.sent(client, goal, index: sent.index, id: sent.id, event)
        } catch {
            note("client \(client.index): cannot cause \(event.title): \(error)")
        }
    }

    private func cause(
        _ client: SimulatedClient, in id: ConversationID, _ event: ConversationEvent
    ) {
        cause(client, .conversation(id), .conversation(id), event)
    }

    private func ask(_ client: SimulatedClient, _ command: Command.Kind) {
        do throws(ClientRefusal) {
            guard let ticket = try client.core?.ask(command) else { return }
            note("client \(client.index): asks \(ticket.number), \(command)")
            oracle.asked(client, ticket, command)
        } catch {
            note("client \(client.index): cannot ask: \(error)")
        }
    }

    private func handle(_ account: Int) -> String { "user\(oracle.nowadays(account))" }
    private func person(_ account: Int) -> Person { Person(handle: handle(account)) }

    private func group(_ number: Int) -> ConversationID? {
        let groups = oracle.groups
        return groups.isEmpty ? nil : groups[number % groups.count]
    }

    private func conversation(
        _ client: SimulatedClient, _ number: Int
    ) -> LocalConversation? {
        let known = (try? client.disk.conversations()) ?? []
        return known.isEmpty ? nil : known[number % known.count]
    }

    private func message(
        _ client: SimulatedClient, _ id: ConversationID, _ number: Int, isOwn: Bool
    ) -> MessageRecord? {
        let account = oracle.accountIDs[client.account]
        let known = (try? client.disk.messages(id, from: .init(1), limit: .max)) ?? []
        var messages = known.filter { $0.content != nil }
        if isOwn { messages = messages.filter { $0.sender == account } }
        return messages.isEmpty ? nil : messages[number % messages.count]
    }

    // MARK: People

    private func relate(_ client: SimulatedClient, _ act: Act) {
        switch act {
        case .request(let account):
            ask(client, .changeContact(person(account), .request(greeting: "hello")))
        case .answer(let account, let accepts):
            ask(client, .changeContact(person(account), accepts ? .accept : .decline))
        case .part(let account): ask(client, .changeContact(person(account), .remove))
        case .block(let account, let isBlocked):
            ask(client, .changeContact(person(account), isBlocked ? .block : .unblock))
        case .alias(let account, let number):
            let alias = number == 0 ? "" : "alias \(number)"
            ask(client, .changeContact(person(account), .alias(alias)))
        case .lookUp(let account): ask(client, .lookUp(handle: handle(account)))
        default: break
        }
    }

    // MARK: Groups

    private func group(_ client: SimulatedClient, _ act: Act) {
        switch act {
        case .create(let accounts, let isOpen):
            let form = GroupCreation(
                name: "group of \(client.handle)", members: accounts.map(person), isOpen: isOpen)
            cause(client, .newGroup, .newGroup, .created(form))
        case .add(let number, let account):
            with(number) { cause(client, in: $0, .added([person(account)])) }
        case .join(let number): with(number) { cause(client, in: $0, .joined) }
        case .leave(let number): with(number) { cause(client, in: $0, .left) }
        case .remove(let number, let account):
            with(number) { cause(client, in: $0, .removed(person(account))) }
        case .role(let number, let account, let role):
            let role = Role(rawValue: UInt8(clamping: role)) ?? .member
            with(number) { cause(client, in: $0, .role(person(account), role)) }
        case .mute(let number, let account, let seconds):
            with(number) {
                cause(client, in: $0, .muted(person(account), seconds: UInt32(seconds)))
            }
        case .change(let number, let isOpen):
            let name = isOpen == nil ? "renamed by \(client.handle)" : ""
            with(number) {
                cause(client, in: $0, .changed(GroupChange(name: name, isOpen: isOpen)))
            }
        case .dissolve(let number): with(number) { cause(client, in: $0, .dissolved) }
        case .members(let number):
            with(number) { ask(client, .listMembers($0, after: AccountID(0))) }
        default: break
        }
    }

    private func with(_ number: Int, _ body: (ConversationID) -> Void) {
        if let id = group(number) { body(id) }
    }

    // MARK: What is said

    private func say(_ client: SimulatedClient, _ act: Act) {
        switch act {
        case .speak(let number, let byteCount, let isReply, let mentions, let lifetime):
            guard let local = conversation(client, number) else { return }
            var content = Content(
                contentType: "", body: oracle.body(client: client, byteCount: byteCount))
            content.lifetimeSeconds = UInt32(lifetime)
            if isReply, let record = message(client, local.id, number, isOwn: false) {
                content.replyTo = record.sequence
            }
            if let account = mentions.flatMap({ oracle.accountIDs[oracle.nowadays($0)] }) {
                content.mentions = [account]
            }
            cause(client, in: local.id, .message(content))
        case .speakUp(let number, let byteCount):
            let body = oracle.body(client: client, byteCount: byteCount)
            with(number) {
                cause(client, in: $0, .message(Content(contentType: "", body: body)))
            }
        case .edit(let number, let which, let byteCount, let isOwn):
            guard let record = said(client, number, which, isOwn) else { return }
            let body = oracle.body(client: client, byteCount: byteCount)
            let content = Content(contentType: "", body: body)
            cause(client, in: record.conversation, .edit(sequence: record.sequence, content))
        case .recall(let number, let which, let isOwn):
            guard let record = said(client, number, which, isOwn) else { return }
            cause(client, in: record.conversation, .recall(sequence: record.sequence))
        case .react(let number, let which, let text, let isWithdrawn):
            guard let record = said(client, number, which, false) else { return }
            let reaction = Reaction(
                sequence: record.sequence, text: "+\(text)", isWithdrawn: isWithdrawn)
            cause(client, in: record.conversation, .reaction(reaction))
        case .retain(let number, let seconds):
            guard let local = conversation(client, number) else { return }
            cause(client, in: local.id, .retention(seconds: UInt64(seconds)))
        default: break
        }
    }

    private func said(
        _ client: SimulatedClient, _ number: Int, _ which: Int, _ isOwn: Bool
    ) -> MessageRecord? {
        conversation(client, number).flatMap { message(client, $0.id, which, isOwn: isOwn) }
    }

    // MARK: What a conversation is for the account alone

    private func arrange(_ client: SimulatedClient, _ act: Act) {
        switch act {
        case .read(let number, let left):
            guard let local = conversation(client, number), local.head.number > UInt64(left) else {
                return
            }
            let place = ConversationSequence(local.head.number - UInt64(left))
            client.core?.read(local.id, upTo: place, now: client.clock.local(now))
        case .pin(let number, let isPinned):
            guard let local = conversation(client, number) else { return }
            ask(client, .changeConversation(local.id, .pinned(isPinned)))
        case .hush(let number, let seconds):
            guard let local = conversation(client, number) else { return }
            let time = client.clock.wall(now).milliseconds + Int64(seconds) * 1_000
            ask(client, .changeConversation(local.id, .mutedUntil(.init(milliseconds: time))))
        case .clear(let number, let left):
            guard let local = conversation(client, number), local.head.number > UInt64(left) else {
                return
            }
            let place = ConversationSequence(local.head.number - UInt64(left))
            ask(client, .changeConversation(local.id, .cleared(upTo: place)))
        case .hide(let number, let which):
            guard let local = conversation(client, number), local.head.number > 0 else { return }
            let place = ConversationSequence(1 + UInt64(which) % local.head.number)
            ask(client, .changeConversation(local.id, .hidden(place)))
        default: break
        }
    }

    // MARK: The account

    private func manage(_ client: SimulatedClient, _ act: Act) {
        switch act {
        case .profile(let number):
            let profile = Profile(name: "name \(number)", about: "about \(client.index)")
            ask(client, .changeAccount(.profile(profile)))
        case .privacy(let presence, let lastSeen, let receipts):
            func audience(_ number: Int) -> Audience {
                Audience(rawValue: UInt8(clamping: number)) ?? .contacts
            }
            let privacy = Privacy(
                presence: audience(presence), lastSeen: audience(lastSeen),
                receipts: audience(receipts))
            ask(client, .changeAccount(.privacy(privacy)))
        case .nameDevice(let number, let name):
            guard let device = device(client, number) else { return }
            ask(client, .changeAccount(.deviceName(device, "device \(name)")))
        case .revoke(let number):
            guard let device = device(client, number) else { return }
            ask(client, .changeAccount(.revokeDevice(device)))
        case .password(let number, let isRight):
            let old = isRight ? oracle.password(of: client.account) : Array("guessed it".utf8)
            let new = Array("password \(number) of \(client.handle)".utf8)
            ask(client, .changeAccount(.password(old: old, new: new, recovery: nil)))
        case .recover:
            guard oracle.recoveryCode(of: client.account) != nil else { return }
            reinstall(client.index, after: .milliseconds(100))
            client.recovers = true
        case .invite: ask(client, .invite(lifetimeSeconds: 0))
        case .endAccount(let isRight):
            let password =
                isRight ? oracle.password(of: client.account) : Array("guessed it".utf8)
            ask(client, .changeAccount(.delete(password: password)))
        default: break
        }
    }

    private func device(_ client: SimulatedClient, _ number: Int) -> DeviceID? {
        guard let account = oracle.accountIDs[client.account] else { return nil }
        let devices = oracle.devices(of: account)
        return devices.isEmpty ? nil : devices[number % devices.count].device
    }

    // MARK: What is not stored

    private func pass(_ client: SimulatedClient, _ act: Act) {
        switch act {
        case .presence(let state):
            client.core?.setPresence(PresenceState(rawValue: UInt8(clamping: state)) ?? .online)
        case .type(let number):
            guard let local = conversation(client, number) else { return }
            client.core?.setTyping(in: local.id, now: client.clock.local(now))
        case .view(let number):
            client.core?.setViewing(number.flatMap { conversation(client, $0)?.id })
        default: break
        }
    }
}

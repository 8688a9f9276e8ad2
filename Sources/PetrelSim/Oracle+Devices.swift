// At quiescence: whether each device holds exactly what its account may see, and knows how it is.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelMessaging
internal import PetrelServices

extension Oracle {
    /// Compares a device with the model, and with what the server would tell it: so all devices of
    /// an account hold the same.
    func compare(_ client: SimulatedClient, _ disk: SimulatedDisk, wall: WallTime) {
        guard let account = accountIDs[client.account] else { return }
        let who = "client \(client.index)"
        for local in (try? client.disk.conversations()) ?? [] {
            guard let conversation = model[local.id], conversation.knows(client.account) else {
                return fail(.private_, "\(who) knows a conversation of others")
            }
            compareEvents(client, local, conversation, wall: wall)
            compareHead(client, local, disk)
            guard breach == nil else { return }
        }
        compareContacts(client, account, disk)
        compareAccount(client, account, disk)
    }

    private func compareEvents(
        _ client: SimulatedClient, _ local: LocalConversation, _ conversation: ModelConversation,
        wall: WallTime
    ) {
        let who = "client \(client.index)"
        guard let view = conversation.view(of: client.account) else { return }
        let records =
            (try? client.disk.messages(local.id, from: .init(1), limit: .max)) ?? []
        var byPlace: [UInt64: MessageRecord] = [:]
        for record in records {
            byPlace[record.sequence.number] = record
            judge(record, at: client, "keeps")
        }
        let cleared = conversation.cleared[client.account, default: 0]
        guard conversation.last > 0 else { return }
        for place in view where place > cleared {
            guard let record = byPlace[place] else {
                guard !conversation.mayBeTrimmed else { continue }
                return fail(
                    .neverLost,
                    "\(who) does not have event \(place) of conversation \(local.id.number), which "
                        + "has \(conversation.last)")
            }
            compare(record, client, conversation, wall: wall)
        }
        let visible = (try? client.core?.messages(local.id, from: .init(1), limit: .max)) ?? []
        for record in visible where conversation.hides(client.account, record.sequence.number) {
            return fail(
                .private_, "\(who) shows event \(record.sequence.number), which was hidden")
        }
        compareOverlays(client, local, conversation, byPlace)
    }

    /// What must be gone is gone.
    private func compare(
        _ record: MessageRecord, _ client: SimulatedClient, _ conversation: ModelConversation,
        wall: WallTime
    ) {
        let place = record.sequence.number
        guard let event = conversation.event(place) else { return }
        guard case .gone = record.event else {
            // Who hides a recall keeps its other devices from hearing of it.
            let isHeard =
                conversation.sees(client.account, event.recall)
                && !conversation.hides(client.account, event.recall)
            if event.isRecalled, isHeard {
                fail(
                    .private_,
                    "client \(client.index) keeps event \(place) of conversation "
                        + "\(record.conversation.number), which was taken back")
            }
            let end = event.time.milliseconds + Int64(event.lifetime) * 1_000
            if event.lifetime > 0, !clocksJump, end + Self.expiredWithin < wall.milliseconds {
                fail(
                    .private_,
                    "client \(client.index) keeps event \(place), \(wall.milliseconds - end) ms "
                        + "after its lifetime")
            }
            return
        }
    }

    /// Milliseconds by clocks that differ.
    private static let expiredWithin: Int64 = 5_000

    /// What became of messages: the newest edit, and the reactions that stand.
    private func compareOverlays(
        _ client: SimulatedClient, _ local: LocalConversation, _ conversation: ModelConversation,
        _ held: [UInt64: MessageRecord]
    ) {
        let overlays =
            (try? client.disk.overlays(local.id, from: .init(1), limit: .max)) ?? []
        var byTarget: [UInt64: Overlay] = [:]
        for overlay in overlays { byTarget[overlay.target.number] = overlay }
        let expected = becoming(conversation, client.account, held)
        for (place, record) in held.sorted(by: { $0.key < $1.key }) {
            guard record.content != nil, !conversation.hides(client.account, place),
                conversation.view(of: client.account)?.contains(place) == true
            else { continue }
            let overlay = byTarget[place]
            let wanted = expected[place]
            guard overlay?.edit?.sequence.number ?? 0 == wanted?.edit ?? 0 else {
                return fail(
                    .storeIsModel,
                    "client \(client.index) shows message \(place) as edited at "
                        + "\(overlay?.edit?.sequence.number ?? 0) instead of \(wanted?.edit ?? 0)")
            }
            let marks = Set((overlay?.reactions ?? []).map { "\($0.account.number) \($0.text)" })
            // A device that held a reaction before it was hidden goes on to count it.
            guard marks == wanted?.marks ?? [] || wanted?.isVague == true else {
                return fail(
                    .storeIsModel,
                    "client \(client.index) shows \(marks.count) reactions at message \(place) "
                        + "instead of \(wanted?.marks.count ?? 0)")
            }
        }
    }

    private struct Becoming {
        var edit: UInt64 = 0
        var marks: Set<String> = []
        /// Whether the account hides a reaction.
        var isVague = false
    }

    private func becoming(
        _ conversation: ModelConversation, _ account: Int, _ held: [UInt64: MessageRecord]
    ) -> [UInt64: Becoming] {
        var all: [UInt64: Becoming] = [:]
        for (index, event) in conversation.events.enumerated() {
            let place = UInt64(index + 1)
            // What expired, or was hidden, says nothing any more.
            guard conversation.view(of: account)?.contains(place) == true,
                let record = held[place]
            else { continue }
            switch event.event {
            case .edit(let target, _):
                guard case .edit = record.event else { continue }
                all[target.number, default: Becoming()].edit = place
            case .reaction(let reaction):
                guard case .reaction = record.event else {
                    all[reaction.sequence.number, default: Becoming()].isVague = true
                    continue
                }
                let mark = "\(accountIDs[event.sender]?.number ?? 0) \(reaction.text)"
                if reaction.isWithdrawn {
                    all[reaction.sequence.number]?.marks.remove(mark)
                } else {
                    all[reaction.sequence.number, default: Becoming()].marks.insert(mark)
                }
            default: continue
            }
        }
        return all
    }

    // MARK: What the server says

    private func compareHead(
        _ client: SimulatedClient, _ local: LocalConversation, _ disk: SimulatedDisk
    ) {
        guard let account = accountIDs[client.account],
            let head = (try? disk.memory.head(of: local.id, for: account)) ?? nil
        else {
            return fail(.private_, "client \(client.index) knows a conversation without a head")
        }
        let isIn = model[local.id]?.since[client.account] != nil
        let pairs: [(String, String, String)] = [
            ("members", text(local.kind), text(head.kind)),
            ("settings", "\(local.settings)", "\(head.settings)"),
            ("read mark", "\(local.read.number)", "\(head.read.number)"),
            (
                "retention", isIn ? "\(local.retentionSeconds)" : "",
                isIn ? "\(head.retentionSeconds)" : ""
            ),
            ("last place", "\(local.head.number)", "\(head.last.number)"),
        ]
        for (what, here, there) in pairs where here != there {
            return fail(
                .storeIsModel,
                "client \(client.index) has another \(what) of conversation \(local.id.number): "
                    + "\(here) instead of \(there)")
        }
        // Who lets others see less or more, or blocks, makes no entry for what was read before.
        let isMarked =
            people.isPrivate || model[local.id]?.isGroup == true
            || local.peerRead >= head.readByPeer
        guard !isMarked else { return }
        fail(
            .liveness,
            "client \(client.index) knows that \(local.peerRead.number) events are read; it is "
                + "\(head.readByPeer.number)")
    }

    /// Who is in a conversation; of a group that the account has left, only that.
    private func text(_ kind: ConversationHead.Kind?) -> String {
        guard case .group(let group)? = kind,
            group.standing == .left || group.standing == .removed
        else { return "\(String(describing: kind))" }
        return "\(group.standing)"
    }

    private func compareContacts(
        _ client: SimulatedClient, _ account: AccountID, _ disk: SimulatedDisk
    ) {
        let here = (try? client.disk.contacts()) ?? []
        for id in accounts.keys.sorted() where id != account {
            let there = ((try? disk.memory.contact(id, of: account)) ?? nil)
                .flatMap { $0.isWorthKeeping ? $0 : nil }
            let local = here.first { $0.person.account == id }
            guard local != there else { continue }
            return fail(
                .storeIsModel,
                "client \(client.index) knows user\(accounts[id] ?? -1) as "
                    + "\(text(local)) instead of \(text(there))")
        }
    }

    private func text(_ contact: Contact?) -> String {
        guard let contact else { return "nobody" }
        return "\(contact.state), blocked \(contact.isBlocked), alias '\(contact.alias)', greeting "
            + "'\(contact.greeting)', \(contact.person.handle), profile '\(contact.profile.name)', "
            + "'\(contact.profile.about)'"
    }

    private func compareAccount(
        _ client: SimulatedClient, _ account: AccountID, _ disk: SimulatedDisk
    ) {
        guard let there = ((try? disk.memory.accountState(account)) ?? nil)?.lasting else { return }
        let here = ((try? client.disk.accountState()) ?? nil)?.lasting
        guard here != there else { return }
        fail(
            .storeIsModel,
            "client \(client.index) knows its account as \(String(describing: here)) instead of "
                + "\(there)")
    }
}

extension AccountState {
    /// What of it makes an entry in the feed.
    fileprivate var lasting: AccountState {
        var state = self
        state.bytesUsed = 0
        for i in state.devices.indices { state.devices[i].connected = .init(milliseconds: 0) }
        return state
    }
}

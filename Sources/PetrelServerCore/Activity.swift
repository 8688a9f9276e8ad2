// What is only true now: presence, typing, and who looks at what; never stored, never answered.

internal import PetrelBase
internal import PetrelMessaging
internal import PetrelServices
internal import PetrelWire

extension ServerCore {
    /// Acts on what the person at a device does.
    mutating func heed(
        _ activity: Activity, of principal: Principal, from handle: Handle, now: Instant,
        wall: WallTime
    ) {
        metrics.activities += 1
        switch activity {
        case .presence(let state):
            report(principal.account, principal.device, state, now: now)
        case .viewing(let conversation):
            var seen = conversation
            if let conversation, !isMember(principal.account, of: conversation) { seen = nil }
            viewers.set(seen, principal.device, of: principal.account)
        case .typing(let conversation, let isStopped):
            guard now >= sessions[handle].state.typesAgain else { return }
            sessions[handle].state.typesAgain = now + configuration.typingSpacing
            passOn(
                TypingNotice(
                    conversation: conversation, account: principal.account,
                    isStopped: isStopped), now: now, wall: wall)
        }
    }

    private mutating func isMember(
        _ account: AccountID, of conversation: ConversationID
    ) -> Bool {
        do throws(StoreFailure) {
            guard let head = try store.head(of: conversation, for: account) else { return false }
            guard case .group(let group) = head.kind else { return true }
            return group.standing == .member
        } catch {
            noteFailure(error)
            return false
        }
    }

    // MARK: Typing

    /// Tells those who may know that somebody types, here and at other workers.
    private mutating func passOn(_ typing: TypingNotice, now: Instant, wall: WallTime) {
        do throws(StoreFailure) {
            guard let head = try store.head(of: typing.conversation, for: typing.account) else {
                return
            }
            var audience: [AccountID]?
            switch head.kind {
            case .peer(let peer):
                guard peer.account != typing.account else { return }
                audience = [peer.account]
            case .group(let group):
                guard group.standing == .member, group.mutedUntil <= wall else { return }
                if !group.isLarge {
                    let members = try store.members(
                        of: typing.conversation, after: .init(0),
                        limit: Int(group.membersCount))
                    audience = members.map(\.account)
                }
            }
            tellTyping(typing, to: audience, now: now)
            for other in 0..<configuration.workers where other != worker {
                write(.typing(typing, to: audience), to: other)
            }
        } catch {
            noteFailure(error)
        }
    }

    /// Tells sessions here that somebody types; without an audience, those who look.
    mutating func tellTyping(_ typing: TypingNotice, to audience: [AccountID]?, now: Instant) {
        let id = typing.conversation
        for account in audience ?? viewers.accounts(of: id) {
            guard account != typing.account, live.isLive(account) else { continue }
            do throws(StoreFailure) {
                guard
                    try !Visibility.isBlocked(between: typing.account, and: account, store: store)
                else { continue }
            } catch {
                return noteFailure(error)
            }
            let bytes = Notice(request: 0, kind: .typing(typing)).encoded()
            for device in live.sessions(of: account) {
                guard audience != nil || viewers.isViewing(id, device.device, of: account) else {
                    continue
                }
                let place = live.place(of: device.device, account: account) ?? device.place
                guard let handle = awake(place, now: now), hasRoom(handle) else { continue }
                _ = queue(
                    bytes, to: handle, as: .ephemeral, key: typing.ephemeralKey, now: now)
            }
        }
    }

    // MARK: Presence

    /// Notes what a device does, here and at other workers; `nil`: its session has ended.
    mutating func report(
        _ account: AccountID, _ device: DeviceID, _ state: PresenceState?, now: Instant
    ) {
        let report = PresenceService.Report(
            account: account, device: device, worker: worker, state: state)
        guard presence.note(report, now: now) else { return }
        for other in 0..<configuration.workers where other != worker {
            write(.presence(report), to: other)
        }
    }

    /// Tells the contacts of accounts who are here what has changed of them.
    mutating func tellPresence(now: Instant, wall: WallTime) {
        guard presence.deadline <= now else { return }
        var waiting: [AccountID: [Presence]] = [:]
        var order: [AccountID] = []
        do throws(StoreFailure) {
            for account in presence.takeDue(now: now) {
                guard let record = try store.account(account),
                    let news = presence.tell(account, privacy: record.privacy, now: now, wall: wall)
                else { continue }
                for viewer in try store.presentContacts(of: account) where live.isLive(viewer) {
                    if waiting[viewer] == nil { order.append(viewer) }
                    waiting[viewer, default: []].append(news)
                }
            }
        } catch {
            noteFailure(error)
        }
        for viewer in order { tell(waiting[viewer] ?? [], to: viewer, now: now) }
    }

    /// Tells all sessions of an account who is here.
    mutating func tell(_ entries: [Presence], to account: AccountID, now: Instant) {
        for device in live.sessions(of: account) {
            let place = live.place(of: device.device, account: account) ?? device.place
            guard let handle = awake(place, now: now) else { continue }
            guard hasRoom(handle) else {
                sessions[handle].state.missesPresence = true
                continue
            }
            tell(entries, to: handle, now: now)
        }
    }

    /// Tells a session of its account's contacts: anew only those who are not offline.
    mutating func tellContacts(
        to handle: Handle, of principal: Principal, isAnew: Bool, now: Instant
    ) {
        do throws(StoreFailure) {
            let entries = try store.presentContacts(of: principal.account).compactMap { account in
                presence.known(account)
                    ?? (isAnew ? nil : Presence(account: account, state: .offline))
            }
            tell(entries, to: handle, now: now)
        } catch {
            noteFailure(error)
        }
    }

    /// Tells both of two new contacts whether the other is here.
    mutating func introduce(_ account: AccountID, to peer: AccountID, now: Instant) {
        guard live.isLive(account), let entry = presence.known(peer) else { return }
        do throws(StoreFailure) {
            guard let contact = try store.contact(peer, of: account), contact.state == .contact,
                try !Visibility.isBlocked(between: account, and: peer, store: store)
            else { return }
        } catch {
            return noteFailure(error)
        }
        tell([entry], to: account, now: now)
    }

    private mutating func tell(_ entries: [Presence], to handle: Handle, now: Instant) {
        var rest = entries[...]
        while !rest.isEmpty {
            let page = rest.prefix(MessagingLimits.presencesMax)
            rest = rest.dropFirst(page.count)
            // Durable: a state is told once, and holds until the next, which it must not overtake.
            tell(.presences(Array(page)), to: handle, as: .durable, now: now)
        }
    }
}

extension TypingNotice {
    /// What it is the newest value of: who else types, or elsewhere, rarely takes its place.
    fileprivate var ephemeralKey: UInt64 {
        let mixed = (conversation.number ^ account.number) &* 0x9E37_79B9_7F4A_7C15
        return mixed >> 59
    }
}

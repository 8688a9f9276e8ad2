// Large groups: who is concerned gets the event, of a burst the others get the first and a digest.

internal import PetrelBase
internal import PetrelMessaging
internal import PetrelServices
internal import PetrelWire

extension ServerCore {
    /// Tells those members of a large group of an event for whom it made no entry.
    mutating func spreadWidely(
        _ message: AppendedMessage, _ record: MessageRecord, group: AppendedMessage.Audience,
        except asking: Handle?, now: Instant
    ) {
        let id = record.conversation
        for account in group.joined where live.isLive(account) {
            largeGroups.insert(account, in: id)
        }
        defer { for account in group.departed { largeGroups.remove(account, from: id) } }
        let isFirst = bursts.begin(id, now: now)
        let isPushed = group.membersCount <= store.limits.pushedGroupMembersMax
        if isPushed, !isFirst { return bursts.gather(id, record.sequence) }
        let told = Set(message.feeds.map(\.account))
        let kind = Notice.Kind.message(
            PushedMessage(record: record, feed: .init(0), previousFeed: .init(0)))
        if isPushed {
            for account in largeGroups.live(in: id) where !told.contains(account) {
                push(kind, to: account, of: id, except: asking, now: now)
            }
            return
        }
        for account in viewers.accounts(of: id) where !told.contains(account) {
            push(kind, to: account, of: id, except: asking, onlyViewers: true, now: now)
        }
        bursts.gather(id, record.sequence)
    }

    /// Tells all members of large groups who are here of the bursts that are over.
    mutating func tellBursts(now: Instant) {
        while let (id, last) = bursts.takeDue(now: now) {
            guard last.number > 0 else { continue }
            #if PETREL_PLANTED
                if PlantedBug.burstUntold.isActive { continue }
            #endif
            for account in largeGroups.live(in: id) {
                push(.digest(id, last: last), to: account, of: id, except: nil, now: now)
            }
        }
    }

    /// Pushes what made no entry to the live sessions of an account.
    ///
    /// A session whose queue is too full is passed over: once it is empty, a digest makes up for
    /// it, because no hint speaks of a push without an entry.
    mutating func push(
        _ kind: Notice.Kind, to account: AccountID, of conversation: ConversationID,
        except asking: Handle?, onlyViewers: Bool = false, now: Instant
    ) {
        var bytes: [UInt8] = []
        for device in live.sessions(of: account) {
            guard !onlyViewers || viewers.isViewing(conversation, device.device, of: account)
            else { continue }
            let place = live.place(of: device.device, account: account) ?? device.place
            guard let handle = awake(place, now: now), handle != asking else { continue }
            guard hasRoom(handle) else {
                metrics.pushesSkipped += 1
                sessions[handle].state.miss(conversation)
                continue
            }
            if bytes.isEmpty { bytes = Notice(request: 0, kind: kind).encoded() }
            if queue(bytes, to: handle, as: .durable, now: now) { metrics.pushesQueued += 1 }
        }
    }

    /// Makes up for what was left out of large groups and of presence; returns whether anything
    /// was.
    mutating func makeUp(_ handle: Handle, now: Instant) -> Bool {
        let missed = sessions[handle].state.missedGroups
        let missesPresence = sessions[handle].state.missesPresence
        guard !missed.isEmpty || missesPresence,
            let principal = sessions[handle].state.principal
        else { return false }
        sessions[handle].state.missedGroups = []
        sessions[handle].state.missesPresence = false
        for id in missed {
            do throws(StoreFailure) {
                guard let head = try store.head(of: id, for: principal.account) else { continue }
                tell(.digest(id, last: head.last), to: handle, as: .durable, now: now)
            } catch {
                noteFailure(error)
            }
        }
        if missesPresence { tellContacts(to: handle, of: principal, isAnew: false, now: now) }
        return true
    }

    /// Notes which large groups an account is in whose first session has begun here.
    mutating func joinLargeGroups(_ account: AccountID) throws(StoreFailure) {
        var after = ConversationID(0)
        while true {
            let heads = try store.largeGroups(of: account, after: after, limit: 64)
            for head in heads {
                guard case .group(let group) = head.kind, group.standing == .member else {
                    continue
                }
                largeGroups.insert(account, in: head.conversation)
            }
            guard let last = heads.last else { return }
            after = last.conversation
        }
    }
}

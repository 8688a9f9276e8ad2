// What a conversation is for one account alone: pinned, silent, cleared, hidden in places.

import PetrelMessaging

#if PETREL_PLANTED
    internal import PetrelBase
#endif

extension RowWriter where Self: ~Copyable {
    mutating func change(_ change: ChangeConversation) throws(Trouble) -> StoreOutcome {
        let (account, id) = (change.account, change.conversation)
        try requireDevice(change.device, of: account)
        guard let conversation: ConversationRow = try find(.conversation(id), in: .conversation),
            var row: MemberRow = try find(.member(account, of: id), in: .member)
        else { throw .refused(Refused(.unknownConversation)) }
        var head = try accountHead(account)
        let last = row.until.number > 0 ? min(row.until, conversation.last) : conversation.last
        switch change.change {
        case .pinned(let isPinned):
            guard row.isPinned != isPinned else { return .changed(AccountChanges()) }
            row.isPinned = isPinned
        case .mutedUntil(let time):
            guard row.mutedUntil != time else { return .changed(AccountChanges()) }
            row.mutedUntil = time
        case .cleared(let place):
            let cleared = min(place, last)
            guard cleared > row.cleared else { return .changed(AccountChanges()) }
            let places = try hiddenPlaces(of: id, row, account)
            row.cleared = cleared
            try write(places.filter { $0 > cleared }, of: id, &row, account)
        case .hidden(let place):
            let first = max(row.from, conversation.first, .init(row.cleared.number + 1))
            guard place >= first, place <= last else { return .changed(AccountChanges()) }
            // What is not kept any longer needs no hiding.
            var places = try hiddenPlaces(of: id, row, account).filter { $0 >= first }
            guard !places.contains(place) else { return .changed(AccountChanges()) }
            guard places.count < MessagingLimits.hiddenMax else {
                throw .refused(Refused(.tooManyHidden, limit: MessagingLimits.hiddenMax))
            }
            places.insert(place, at: places.firstIndex { $0 > place } ?? places.endIndex)
            try write(places, of: id, &row, account)
        }
        #if PETREL_PLANTED
            if PlantedBug.settingsUntold.isActive {
                try set(row, at: .member(account, of: id), in: .member)
                return .changed(AccountChanges())
            }
        #endif
        let subject = FeedSubject.conversation(id)
        let feed = try step(subject, of: account, replacing: row.feed, head: &head)
        row.feed = feed.feed
        try set(row, at: .member(account, of: id), in: .member)
        return .changed(
            AccountChanges(steps: [AccountChanges.Step(feed: feed, subject: subject)]))
    }

    /// Returns the places that an account hides of a conversation, lowest first.
    private func hiddenPlaces(
        of id: ConversationID, _ row: MemberRow, _ account: AccountID
    ) throws(Trouble) -> [ConversationSequence] {
        guard row.hiddenCount > 0 else { return [] }
        let hidden: HiddenRow? = try find(.member(account, of: id), in: .hidden)
        return hidden?.places ?? []
    }

    /// Writes the places that an account hides, and how many they are.
    private mutating func write(
        _ places: [ConversationSequence], of id: ConversationID, _ row: inout MemberRow,
        _ account: AccountID
    ) throws(Trouble) {
        let key = Key.member(account, of: id)
        if !places.isEmpty {
            try set(HiddenRow(places), at: key, in: .hidden)
        } else if row.hiddenCount > 0 {
            try delete(key, in: .hidden)
        }
        row.hiddenCount = UInt32(places.count)
    }
}

// Telling the story of a message from the rows of a store.

import PetrelBase
public import PetrelMessaging

extension RowReader where Self: ~Copyable {
    /// Returns the stories of a client's identifier, one for each account that used it.
    ///
    /// If no account's use of it is remembered any longer, all events are looked through, which
    /// takes as long as it takes to read them.
    public func stories(of id: ClientMessageID) throws(Trouble) -> [MessageStory] {
        var stories: [MessageStory] = []
        try each(.account) { key throws(Trouble) in
            let account = AccountID(key.number(at: 0))
            let row: DeduplicationRow? = try find(
                .deduplication(id, of: account), in: .deduplication)
            guard let row else { return }
            var story = try story(of: id, by: account, at: row.sequence, of: row.conversation)
            story.isRemembered = true
            story.committed = row.time
            try complete(&story)
            stories.append(story)
        }
        guard stories.isEmpty else { return stories }
        try each(.message) { key throws(Trouble) in
            let row: MessageRow? = try find(key, in: .message)
            guard let event = row?.message, event.clientMessageID == id else { return }
            var story = try story(
                of: id, by: event.sender, at: .init(key.second), of: .init(key.number(at: 0)))
            story.committed = event.time
            try complete(&story)
            stories.append(story)
        }
        return stories
    }

    private func story(
        of id: ClientMessageID, by account: AccountID, at sequence: ConversationSequence,
        of conversation: ConversationID
    ) throws(Trouble) -> MessageStory {
        MessageStory(
            id: id, isRemembered: false, sender: try person(account), senderDeviceName: "",
            committed: WallTime(milliseconds: 0), conversation: conversation, sequence: sequence,
            state: .damaged, changes: [], readers: [])
    }

    /// Adds what the place and its conversation say.
    private func complete(_ story: inout MessageStory) throws(Trouble) {
        let id = story.conversation
        let head: ConversationRow? = try find(.conversation(id), in: .conversation)
        guard let head else { return }
        if head.isGroup { story.group = head.name }
        if story.sequence < head.first {
            story.state = .forgotten
        } else {
            let row: MessageRow? = try find(.message(story.sequence, of: id), in: .message)
            if let row { try tell(row, &story) }
        }
        story.changes = try changes(of: story)
        story.readers = try readers(of: story, head)
    }

    private func tell(_ row: MessageRow, _ story: inout MessageStory) throws(Trouble) {
        let event = row.message
        if let kind = MessageStory.Kind(event.event) {
            story.state = .kept(kind, bytesCount: event.bodyByteCount)
        } else if case .gone(let reason) = event.event {
            story.state = .gone(reason)
        }
        if let seconds = event.content?.lifetimeSeconds, seconds > 0 {
            story.expires = event.time.adding(seconds: UInt64(seconds))
        }
        story.senderDevice = event.senderDevice
        let device: DeviceRow? = try find(
            .device(event.senderDevice, of: event.sender), in: .device)
        story.senderDeviceName = device?.name ?? ""
    }

    /// Returns what later events did to the message.
    ///
    /// An edit that was erased says no longer what it edited; the message itself knows where its
    /// edits are.
    private func changes(of story: MessageStory) throws(Trouble) -> [MessageStory.Change] {
        let id = story.conversation
        let erased = try edits(of: story)
        var changes: [MessageStory.Change] = []
        let start = Key.message(.init(story.sequence.number + 1), of: id)
        try each(.message, from: start, prefix: 8) { key throws(Trouble) in
            let place = ConversationSequence(key.second)
            let row: MessageRow? = try find(key, in: .message)
            guard let event = row?.message else { return }
            let kind: MessageStory.Kind
            switch event.event {
            case .edit(let target, _) where target == story.sequence: kind = .edit
            case .recall(let target) where target == story.sequence: kind = .recall
            case .reaction(let reaction) where reaction.sequence == story.sequence: kind = .reaction
            case .gone where erased.contains(place): kind = .edit
            default: return
            }
            changes.append(
                MessageStory.Change(
                    kind: kind, sequence: place, person: try person(event.sender),
                    time: event.time))
        }
        return changes
    }

    /// Returns where the edits of the message are, erased ones included.
    private func edits(of story: MessageStory) throws(Trouble) -> Set<ConversationSequence> {
        let id = story.conversation
        var edits: Set<ConversationSequence> = []
        var row: MessageRow? = try find(.message(story.sequence, of: id), in: .message)
        // Of an edit, the row names the one before it, which is none of its own.
        while let next = row?.edit, next > story.sequence, edits.count < MessagingLimits.editsMax {
            edits.insert(next)
            row = try find(.message(next, of: id), in: .message)
        }
        return edits
    }

    /// Returns who may see the place.
    private func readers(
        of story: MessageStory, _ head: ConversationRow
    ) throws(Trouble) -> [MessageStory.Reader] {
        let place = story.sequence
        var readers: [MessageStory.Reader] = []
        try each(.member, from: .conversation(story.conversation), prefix: 8) {
            key throws(Trouble) in
            let account = AccountID(key.second)
            guard let row: MemberRow = try find(key, in: .member), place >= row.from,
                row.until.number == 0 || place <= row.until
            else { return }
            let hidden: HiddenRow? =
                row.hiddenCount == 0 ? nil : try find(key, in: .hidden)
            readers.append(
                MessageStory.Reader(
                    person: try person(account),
                    isPresent: row.standing == .member && !head.isDissolved,
                    isDelivered: row.delivered >= place, hasRead: row.read >= place,
                    isHidden: place <= row.cleared || hidden?.places.contains(place) == true,
                    devices: try devices(of: account, entry: row.feed, isTold: !head.isLarge)))
        }
        return readers
    }

    private func devices(
        of account: AccountID, entry: FeedSequence, isTold: Bool
    ) throws(Trouble) -> [MessageStory.Device] {
        var devices: [MessageStory.Device] = []
        try each(.device, from: .account(account), prefix: 8) { key throws(Trouble) in
            guard let row: DeviceRow = try find(key, in: .device) else { return }
            let mark: NumberRow? = try find(key, in: .watermark)
            let cursor = FeedSequence(mark?.number ?? 0)
            let progress: MessageStory.Device.Progress =
                if row.isRevoked {
                    .revoked
                } else if !isTold {
                    .untold
                } else if cursor >= entry {
                    .past
                } else {
                    .waiting(cursor: cursor, entry: entry)
                }
            devices.append(
                MessageStory.Device(
                    device: key.device, name: row.name, connected: row.connected,
                    progress: progress))
        }
        return devices
    }

    private func person(_ account: AccountID) throws(Trouble) -> Person {
        let row: AccountRow? = try find(.account(account), in: .account)
        return Person(account: account, handle: row?.handle ?? "")
    }
}

// Reading the store of a server: one snapshot a call.

public import PetrelMessaging
public import PetrelServices

extension LocalStore {
    private static let damagedPlacesMax = 1_000

    public func account(handle: String) throws(StoreFailure) -> AccountRecord? {
        // No key is empty or that long, and the database would take the question for a mistake.
        guard !handle.isEmpty, handle.utf8.count <= StoreLimits.handleBytesMax else { return nil }
        return try read { reader throws(StoreError) in
            let row: NumberRow? = try reader.find(.text(handle), in: .handle)
            guard let row else { return nil }
            return try reader.account(AccountID(row.number))
        }
    }

    public func account(_ id: AccountID) throws(StoreFailure) -> AccountRecord? {
        try read { reader throws(StoreError) in try reader.account(id) }
    }

    public func device(key: DeviceKey) throws(StoreFailure) -> DeviceRecord? {
        try read { reader throws(StoreError) in
            guard let name: DeviceNameRow = try reader.find(.deviceKey(key), in: .deviceKey)
            else { return nil }
            let deviceKey = Key.device(name.device, of: name.account)
            guard let row: DeviceRow = try reader.find(deviceKey, in: .device) else { return nil }
            let feed: NumberRow? = try reader.find(deviceKey, in: .watermark)
            return DeviceRecord(
                account: name.account, device: name.device, key: row.key, name: row.name,
                helloCounter: row.helloCounter, feed: .init(feed?.number ?? 0))
        }
    }

    public func newestFeed(_ account: AccountID) throws(StoreFailure) -> FeedSequence {
        try read { reader throws(StoreError) in try reader.newestFeed(account) }
    }

    public func feed(
        _ account: AccountID, after cursor: FeedSequence, limit: Int
    ) throws(StoreFailure) -> FeedSlice {
        try read { reader throws(StoreError) in
            let newest = try reader.newestFeed(account)
            guard cursor < newest else {
                return FeedSlice(entries: [], newest: newest, remaining: 0)
            }
            let start = Key.feed(.init(cursor.number + 1), of: account)
            let (entries, rest) = try reader.snapshot.collect(
                in: .feed, from: start, prefix: 8, limit: limit
            ) { key throws(StoreError) -> FeedSlice.Entry? in
                guard let row: NumberRow = try reader.find(key, in: .feed),
                    let conversation = try reader.conversation(.init(row.number))
                else { return nil }
                return .init(feed: .init(key.second), conversation: conversation)
            }
            let remaining = try reader.snapshot.count(in: .feed, from: rest, prefix: 8)
            return FeedSlice(entries: entries, newest: newest, remaining: remaining)
        }
    }

    public func conversation(_ id: ConversationID) throws(StoreFailure) -> ConversationRecord? {
        try read { reader throws(StoreError) in try reader.conversation(id) }
    }

    public func messages(_ request: MessageRequest) throws(StoreFailure) -> MessageSlice {
        try read { reader throws(StoreError) in
            var slice = MessageSlice(messages: [], damaged: [], isComplete: true)
            let id = request.conversation
            guard let row: ConversationRow = try reader.find(.conversation(id), in: .conversation)
            else { return slice }
            let low = max(request.range.lowerBound, row.first.number, 1)
            let high = min(request.range.upperBound, row.last.number)
            guard low <= high else { return slice }
            var bytes = 0
            for step in 0...(high - low) {
                // Damaged places do not count against the limit, but a read must end soon.
                guard slice.messages.count < request.limit,
                    slice.damaged.count < Self.damagedPlacesMax
                else {
                    slice.isComplete = false
                    return slice
                }
                let place = ConversationSequence(
                    request.order == .oldestFirst ? low + step : high - step)
                guard let message = try reader.message(place, of: id) else {
                    slice.damaged.append(place)
                    continue
                }
                bytes += message.body.count
                guard bytes <= request.byteLimit || slice.messages.isEmpty else {
                    slice.isComplete = false
                    return slice
                }
                slice.messages.append(message)
            }
            return slice
        }
    }

    private func read<R>(
        _ body: (borrowing Reader) throws(StoreError) -> R
    ) throws(StoreFailure) -> R {
        do throws(StoreError) {
            let reader = Reader(
                snapshot: try ReadTransaction(environment), environment: environment)
            return try body(reader)
        } catch {
            throw StoreFailure(error)
        }
    }
}

/// Looks rows up in one snapshot; a damaged one is reported and taken for none.
private struct Reader: ~Copyable {
    let snapshot: ReadTransaction
    let environment: Environment

    func find<R: Record>(_ key: Key, in table: TableName) throws(StoreError) -> R? {
        do throws(StoreError) {
            return try snapshot.row(key, in: table)
        } catch {
            guard case .damaged(let record) = error.kind else { throw error }
            environment.report(record)
            return nil
        }
    }

    func account(_ id: AccountID) throws(StoreError) -> AccountRecord? {
        guard let row: AccountRow = try find(.account(id), in: .account) else { return nil }
        return AccountRecord(
            id: id, handle: row.handle, password: row.password, created: row.created)
    }

    func newestFeed(_ account: AccountID) throws(StoreError) -> FeedSequence {
        let row: NumberRow? = try find(.account(account), in: .feedHead)
        return FeedSequence(row?.number ?? 0)
    }

    func conversation(_ id: ConversationID) throws(StoreError) -> ConversationRecord? {
        let key = Key.conversation(id)
        guard let row: ConversationRow = try find(key, in: .conversation) else { return nil }
        var conversation = ConversationRecord(
            id: id, last: row.last, first: row.first, members: [])
        for key in try snapshot.keys(in: .member, from: key, prefix: 8, limit: .max) {
            guard let row: MemberRow = try find(key, in: .member) else { continue }
            conversation.members.append(
                .init(account: .init(key.second), delivered: row.delivered))
        }
        return conversation
    }

    /// Returns a message that must be there; `nil` if it is damaged or missing.
    func message(
        _ place: ConversationSequence, of conversation: ConversationID
    ) throws(StoreError) -> MessageRecord? {
        let key = Key.message(place, of: conversation)
        let row: MessageRow? = try find(key, in: .message)
        guard let message = row?.message, message.conversation == conversation,
            message.sequence == place
        else {
            environment.report(DamagedRecord(table: "\(TableName.message)", key: key.bytes))
            return nil
        }
        return message
    }
}

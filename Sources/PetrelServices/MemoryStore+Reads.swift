// Reading the store in memory.

public import PetrelMessaging

extension MemoryStore {
    public func account(handle: String) throws(StoreFailure) -> AccountRecord? {
        try readable()
        guard let id = durable.handles[handle] else { return nil }
        return durable.accounts[id]?.record
    }

    public func account(_ id: AccountID) throws(StoreFailure) -> AccountRecord? {
        try readable()
        return durable.accounts[id]?.record
    }

    public func device(key: DeviceKey) throws(StoreFailure) -> DeviceRecord? {
        try readable()
        guard let name = durable.keys[key] else { return nil }
        return durable.accounts[name.account]?.devices.first { $0.device == name.device }
    }

    public func newestFeed(_ account: AccountID) throws(StoreFailure) -> FeedSequence {
        try readable()
        return durable.accounts[account]?.newestFeed ?? .init(0)
    }

    public func feed(
        _ account: AccountID, after cursor: FeedSequence, limit: Int
    ) throws(StoreFailure) -> FeedSlice {
        try readable()
        guard let account = durable.accounts[account] else {
            return FeedSlice(entries: [], newest: .init(0), remaining: 0)
        }
        let later = account.feed.filter { $0.feed > cursor }
        let entries: [FeedSlice.Entry] = later.prefix(max(0, limit)).compactMap { entry in
            durable.conversations[entry.conversation].map {
                FeedSlice.Entry(feed: entry.feed, conversation: $0)
            }
        }
        return FeedSlice(
            entries: entries, newest: account.newestFeed, remaining: later.count - entries.count)
    }

    public func conversation(_ id: ConversationID) throws(StoreFailure) -> ConversationRecord? {
        try readable()
        return durable.conversations[id]
    }

    public func messages(_ request: MessageRequest) throws(StoreFailure) -> MessageSlice {
        try readable()
        var slice = MessageSlice(messages: [], damaged: [], isComplete: true)
        guard let messages = durable.messages[request.conversation] else { return slice }
        let low = max(request.range.lowerBound, 1)
        let high = min(request.range.upperBound, UInt64(messages.count))
        guard low <= high else { return slice }
        var bytes = 0
        for step in 0...(high - low) {
            let place = request.order == .oldestFirst ? low + step : high - step
            let message = messages[Int(place - 1)]
            bytes += message.body.count
            let isPastBytes = bytes > request.byteLimit && !slice.messages.isEmpty
            guard slice.messages.count < request.limit, !isPastBytes else {
                slice.isComplete = false
                return slice
            }
            slice.messages.append(message)
        }
        return slice
    }

    private func readable() throws(StoreFailure) {
        guard !isFailed else { throw .failed }
    }
}

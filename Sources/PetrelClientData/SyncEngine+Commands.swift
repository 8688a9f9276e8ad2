// What the sync engine asks of the server, when, and what it makes of the answers.

public import PetrelBase
public import PetrelMessaging

extension SyncEngine {
    /// When `nextCommand` has something that it has not now, or a request counts as lost.
    public var deadline: Instant {
        guard isOpen else { return .distantFuture }
        var earliest =
            acknowledgementsOpen < Self.acknowledgementsMax
            ? acknowledgeAt : .distantFuture
        if let sync {
            earliest = min(earliest, sync.lostAt)
        } else if mustSync || cursor < newest {
            earliest = min(earliest, syncAt)
        }
        for id in wanted {
            guard let conversation = conversations[id] else { continue }
            if let pull = conversation.pull {
                earliest = min(earliest, pull.lostAt)
            } else if pullsOpen < Self.pullsMax {
                earliest = min(earliest, conversation.pullAt)
            }
        }
        return earliest
    }

    /// Gives up requests that were not answered in a time that no server takes.
    public mutating func advance(now: Instant) {
        if let lost = sync, lost.lostAt <= now {
            sync = nil
            mustSync = true
            syncAt = now
        }
        for id in wanted {
            guard let pull = conversations[id]?.pull, pull.lostAt <= now else { continue }
            conversations[id]?.pull = nil
            conversations[id]?.pullAt = now
            pullsOpen -= 1
        }
    }

    /// Returns what to ask now, most urgent first; tell with `issued` once it is on its way.
    ///
    /// Call it only when the last output is stored: acknowledgements speak of what is durable.
    public func nextCommand(now: Instant) -> Command.Kind? {
        guard isOpen else { return nil }
        if sync == nil, syncAt <= now, mustSync || cursor < newest {
            let limit = UInt32(MessagingLimits.syncHeadsMax)
            return .sync(
                SyncRequest(
                    incarnation: incarnation, cursor: cursor, limit: limit,
                    largeAfter: largeAfter))
        }
        if acknowledgeAt <= now, acknowledgementsOpen < Self.acknowledgementsMax,
            let acknowledgement
        {
            return acknowledgement
        }
        guard pullsOpen < Self.pullsMax else { return nil }
        return nextPull(now: now)
    }

    /// The most urgent pull: newest hole first, and small conversations before large ones.
    private func nextPull(now: Instant) -> Command.Kind? {
        var best: (rank: Int, id: ConversationID)?
        for id in wanted {
            guard let conversation = conversations[id], conversation.pull == nil,
                conversation.pullAt <= now
            else { continue }
            let rank = conversation.rank
            if rank < best?.rank ?? .max { best = (rank, id) }
        }
        guard let id = best?.id, let hole = wantedHole(id) else { return nil }
        return .pull(
            conversation: id, from: hole.lowerBound, to: hole.upperBound, newestFirst: true)
    }

    /// The command travels as that request.
    public mutating func issued(_ command: Command.Kind, as number: UInt64, now: Instant) {
        var request = Request(number: number, lostAt: now + Self.answerMax)
        switch command {
        case .sync(let asked):
            if asked.largeAfter.number == 0 { isOutdated = false }
            sync = request
            syncAt = .distantFuture
        case .pull(let id, let from, let to, _):
            request.range = from...max(from, to)
            conversations[id]?.pull = request
            pullsOpen += 1
        case .acknowledge(let feed, let delivered, let read):
            toldFeed = feed
            for watermark in delivered { noteTold(watermark, now: now) }
            for watermark in read { noteReadTold(watermark) }
            forgetTold(before: now - Self.commitMax)
            untold.removeAll { conversations[$0]?.isUntold == false }
            unsaidReads.removeAll { conversations[$0]?.isReadUnsaid == false }
            acknowledgementRequests.append(
                TellingRequest(
                    number: number, delivered: delivered.map(\.conversation),
                    read: read.map(\.conversation)))
            if acknowledgementRequests.count > Self.acknowledgementRequestsMax {
                acknowledgementRequests.removeFirst()
            }
            acknowledgementsOpen += 1
            acknowledgedLast = now
            acknowledgeAt = .distantFuture
            noteAcknowledgement(now: now)
        case .register, .logIn, .recover, .send, .changeAccount, .changeContact,
            .changeConversation, .invite, .lookUp, .listMembers, .activity:
            return
        }
    }

    /// Whether the server is still to be told of something that was received.
    public var owesAcknowledgement: Bool {
        isOpen && (!untold.isEmpty || !unsaidReads.isEmpty || acknowledgementsOpen > 0)
    }

    /// Tells of what was received without waiting for more of it.
    public mutating func hurryAcknowledgement(now: Instant) {
        if isOpen, !untold.isEmpty || !unsaidReads.isEmpty { acknowledgeAt = now }
    }

    /// The server has the acknowledgement, though perhaps not on its disk yet.
    public mutating func acknowledgementArrived(_ watermarks: [Watermark]) {
        acknowledgementsOpen = max(0, acknowledgementsOpen - 1)
        for watermark in watermarks {
            guard let arrived = conversations[watermark.conversation]?.arrived else { continue }
            conversations[watermark.conversation]?.arrived = max(arrived, watermark.sequence)
            #if PETREL_PLANTED
                if PlantedBug.arrivedTakenAsStored.isActive {
                    change(watermark.conversation) { $0.acknowledged = watermark.sequence }
                }
            #endif
        }
    }

    /// Changes since the cursor.
    public mutating func received(_ page: SyncPage, request: UInt64, now: Instant) {
        guard let asked = sync, asked.number == request else { return }
        sync = nil
        guard page.incarnation == incarnation else {
            // The store was replaced under the session: nothing of the old cursor holds.
            incarnation = page.incarnation
            cursor = FeedSequence(0)
            newest = page.snapshot
            largeAfter = ConversationID(0)
            itemFeeds.removeAll()
            cursorIsDirty = true
            mustSync = true
            return scheduleSync(at: now)
        }
        for item in page.items { take(item, now: now) }
        for head in page.large { take(head, now: now) }
        let hasProgress = page.cursor > cursor
        if hasProgress {
            cursor = page.cursor
            cursorIsDirty = true
        }
        // A page without progress is the server's word that nothing newer exists.
        newest = hasProgress || page.remaining > 0 ? max(newest, page.snapshot) : cursor
        let last = page.large.last?.conversation ?? ConversationID(0)
        let goesOn = page.remaining == 0 && page.largeRemain && last > largeAfter
        largeAfter = goesOn ? last : ConversationID(0)
        mustSync = page.remaining > 0 || goesOn || isOutdated
        if mustSync || cursor < newest {
            scheduleSync(at: hasProgress || goesOn || isOutdated ? now : now + Self.pause)
        }
        noteAcknowledgement(now: now)
    }

    /// Messages that were asked for.
    public mutating func received(_ page: Page, request: UInt64, now: Instant) {
        let id = page.conversation
        let before = conversations[id]?.local.held
        for record in page.records where record.conversation == id { take(record) }
        let head = conversations[id]?.local.head ?? ConversationSequence(0)
        let gone = page.unavailable.filter { $0.number > 0 && $0 <= head }
        if !gone.isEmpty {
            change(id) { for place in gone { $0.held.insert(place) } }
            conversations[id]?.hasArrivals = true  // what stands behind them can be read now
        }
        noteNotKept(page, request: request)
        noteUntold(id)
        noteHoles(id, at: now)
        let hasProgress = conversations[id]?.local.held != before
        if let pull = conversations[id]?.pull, pull.number == request {
            pullsOpen -= 1
            conversations[id]?.pull = nil
            let fruitless = hasProgress ? 0 : (conversations[id]?.fruitless ?? 0) + 1
            conversations[id]?.fruitless = fruitless
            // A server that promises messages and does not have them is not asked in a loop.
            let pause = hasProgress ? .zero : Self.pause * Int64(1 << min(fruitless, 6))
            conversations[id]?.pullAt = now + pause
        }
        noteAcknowledgement(now: now)
    }

    /// Where nothing of what was asked for is left, the front that did not come is kept no longer:
    /// that it went made no entry in the feed [C-5-3].
    private mutating func noteNotKept(_ page: Page, request: UInt64) {
        let id = page.conversation
        #if PETREL_PLANTED
            if PlantedBug.frontAwaited.isActive { return }
        #endif
        guard page.isComplete, let pull = conversations[id]?.pull, pull.number == request,
            let range = pull.range
        else { return }
        let places = page.records.map(\.sequence.number) + page.unavailable.map(\.number)
        let end = places.min() ?? range.upperBound + 1
        guard end > range.lowerBound else { return }
        change(id) { $0.held.insert(range.lowerBound...end - 1) }
        // What stands behind it can be read now.
        conversations[id]?.hasArrivals = true
    }

    /// The server refused `request`; returns whether it was one of the engine's.
    public mutating func refused(request: UInt64, retryAfter: Interval, now: Instant) -> Bool {
        let pause = max(retryAfter, Self.pause)
        if let asked = sync, asked.number == request {
            sync = nil
            mustSync = true
            scheduleSync(at: now + pause)
            return true
        }
        #if PETREL_PLANTED
            if PlantedBug.refusedReceiptLost.isActive { acknowledgementRequests.removeAll() }
        #endif
        if let i = acknowledgementRequests.firstIndex(where: { $0.number == request }) {
            let request = acknowledgementRequests.remove(at: i)
            for id in request.delivered {
                conversations[id]?.told = ConversationSequence(0)
                noteUntold(id)
            }
            for id in request.read {
                conversations[id]?.readTold = ConversationSequence(0)
                noteUnsaid(id)
            }
            toldFeed = FeedSequence(0)
            acknowledgeAt = min(acknowledgeAt, now + pause)
            return true
        }
        guard let id = wanted.first(where: { conversations[$0]?.pull?.number == request }) else {
            return false
        }
        pullsOpen -= 1
        conversations[id]?.pull = nil
        // Final: whatever it is, this session will not change it.
        conversations[id]?.pullAt = retryAfter > .zero ? now + pause : .distantFuture
        return true
    }
}

extension SyncEngine {
    /// Pulls under way at the same time, each for another conversation.
    static let pullsMax = 4
    /// After this long an answer will not come: it was lost with a server that restarted.
    static let answerMax = Interval.seconds(15)
    /// The pause after an answer that brought nothing.
    static let pause = Interval.seconds(1)
    /// Acknowledgements of messages are at least so far apart.
    static let acknowledgePause = Interval.milliseconds(100)
    /// Acknowledgements of the feed alone are at least so far apart.
    static let feedPause = Interval.seconds(1)
    /// Longer than a message to the server and its commit may take in a session that lives.
    static let commitMax = Interval.seconds(120)
    /// Acknowledgements that may still be refused.
    static let acknowledgementRequestsMax = 64
    /// Acknowledgements under way; what grows meanwhile is told by the next one.
    static let acknowledgementsMax = 2
}

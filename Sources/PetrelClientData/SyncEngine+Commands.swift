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
            return .sync(incarnation: incarnation, cursor: cursor, limit: limit)
        }
        if acknowledgeAt <= now, acknowledgementsOpen < Self.acknowledgementsMax,
            let acknowledgement
        {
            return acknowledgement
        }
        guard pullsOpen < Self.pullsMax else { return nil }
        for id in wanted {
            guard let conversation = conversations[id], conversation.pull == nil,
                conversation.pullAt <= now
            else { continue }
            let local = conversation.local
            guard let hole = local.held.holes(from: 1, to: local.head.number).last else { continue }
            return .pull(
                conversation: id, from: hole.lowerBound, to: hole.upperBound, newestFirst: true)
        }
        return nil
    }

    /// The command travels as that request.
    public mutating func issued(_ command: Command.Kind, as number: UInt64, now: Instant) {
        let request = Request(number: number, lostAt: now + Self.answerMax)
        switch command {
        case .sync:
            sync = request
            syncAt = .distantFuture
        case .pull(let id, _, _, _):
            conversations[id]?.pull = request
            pullsOpen += 1
        case .acknowledge(let feed, let watermarks):
            toldFeed = feed
            for watermark in watermarks { noteTold(watermark, now: now) }
            forgetTold(before: now - Self.commitMax)
            untold.removeAll { conversations[$0]?.isUntold == false }
            acknowledgementRequests.append((number, watermarks.map(\.conversation)))
            if acknowledgementRequests.count > Self.acknowledgementRequestsMax {
                acknowledgementRequests.removeFirst()
            }
            acknowledgementsOpen += 1
            acknowledgedLast = now
            acknowledgeAt = .distantFuture
            noteAcknowledgement(now: now)
        case .register, .logIn, .send: return
        }
    }

    /// Whether the server is still to be told of something that was received.
    public var owesAcknowledgement: Bool {
        isOpen && (!untold.isEmpty || acknowledgementsOpen > 0)
    }

    /// Tells of what was received without waiting for more of it.
    public mutating func hurryAcknowledgement(now: Instant) {
        if isOpen, !untold.isEmpty { acknowledgeAt = now }
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
            cursorIsDirty = true
            mustSync = true
            return scheduleSync(at: now)
        }
        for head in page.heads { take(head, now: now) }
        let hasProgress = page.cursor > cursor
        if hasProgress {
            cursor = page.cursor
            cursorIsDirty = true
        }
        // A page without progress is the server's word that nothing newer exists.
        newest = hasProgress || page.remaining > 0 ? max(newest, page.snapshot) : cursor
        mustSync = page.remaining > 0
        if mustSync || cursor < newest {
            scheduleSync(at: hasProgress ? now : now + Self.pause)
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
            for id in acknowledgementRequests.remove(at: i).conversations {
                conversations[id]?.told = ConversationSequence(0)
                noteUntold(id)
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
    /// What the server should know of what is here.
    private var acknowledgement: Command.Kind? {
        let watermarks = untold.prefix(MessagingLimits.watermarksMax).compactMap { id in
            conversations[id].map {
                Watermark(conversation: id, sequence: $0.local.held.contiguous)
            }
        }
        guard !watermarks.isEmpty || cursor > toldFeed else { return nil }
        return .acknowledge(feed: cursor, delivered: watermarks)
    }

    /// The server is told of a watermark.
    private mutating func noteTold(_ watermark: Watermark, now: Instant) {
        let id = watermark.conversation
        guard conversations[id] != nil else { return }
        if conversations[id]?.toldAt == nil { recentlyTold.append(id) }
        conversations[id]?.told = watermark.sequence
        conversations[id]?.toldAt = now
        conversations[id]?.isUntold = false
    }

    /// What was told so long ago in this session is on the server's disk, and need not be told
    /// again after a restart.
    private mutating func forgetTold(before moment: Instant) {
        var kept = 0
        for id in recentlyTold {
            guard let conversation = conversations[id], let told = conversation.toldAt,
                told < moment
            else {
                recentlyTold[kept] = id
                kept += 1
                continue
            }
            conversations[id]?.toldAt = nil
            change(id) { $0.acknowledged = max($0.acknowledged, conversation.arrived) }
        }
        recentlyTold.removeLast(recentlyTold.count - kept)
    }

    /// Lists the conversation if the prefix received grew over somebody else's message.
    mutating func noteUntold(_ id: ConversationID) {
        guard let conversation = conversations[id], !conversation.isUntold else { return }
        let contiguous = conversation.local.held.contiguous
        guard min(conversation.foreign, contiguous) > conversation.told else { return }
        conversations[id]?.isUntold = true
        untold.append(id)
    }

    /// Plans the next acknowledgement, if there is something to acknowledge.
    mutating func noteAcknowledgement(now: Instant) {
        guard isOpen, !untold.isEmpty || cursor > toldFeed else { return }
        let pause = untold.isEmpty ? Self.feedPause : Self.acknowledgePause
        let earliest = acknowledgedLast.map { $0 + pause } ?? now
        acknowledgeAt = min(acknowledgeAt, max(now, earliest))
    }

    /// Where a conversation stands, as a sync page tells it.
    private mutating func take(_ head: ConversationHead, now: Instant) {
        let id = head.conversation
        change(id) { local in
            local.head = max(local.head, head.last)
            local.first = max(local.first, head.first)
            local.peer = head.peer
            local.peerHandle = head.peerHandle
            // What the server no longer keeps is not missing.
            let first = head.first.number
            if first > 1, first - 1 <= head.last.number { local.held.insert(1...first - 1) }
        }
        raiseDelivered(id, to: head.delivered)
        noteUntold(id)
        noteHoles(id, at: now)
    }

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

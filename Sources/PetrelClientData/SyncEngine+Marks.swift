// Watermarks: what the server is told of what was received and read here, and what others did.

public import PetrelBase
public import PetrelMessaging

extension SyncEngine {
    /// The account has read all up to a place; told to the server until it is known to know.
    public mutating func read(
        _ id: ConversationID, upTo sequence: ConversationSequence, now: Instant
    ) {
        guard let local = conversations[id]?.local else { return }
        let sequence = min(sequence, local.head)
        guard sequence > local.read else { return }
        change(id, isNews: true) { raiseOwnRead(&$0, to: sequence) }
        noteUnsaid(id)
        noteAcknowledgement(now: now)
    }

    /// Lists the conversation if the server does not know how far it was read.
    mutating func noteUnsaid(_ id: ConversationID) {
        guard let conversation = conversations[id], !conversation.isReadUnsaid else { return }
        let known = max(conversation.local.readConfirmed, conversation.readTold)
        guard conversation.local.read > known else { return }
        conversations[id]?.isReadUnsaid = true
        unsaidReads.append(id)
    }

    /// The server is told of a read mark.
    mutating func noteReadTold(_ watermark: Watermark) {
        let id = watermark.conversation
        guard conversations[id] != nil else { return }
        if conversations[id]?.readTold.number == 0 { toldReads.append(id) }
        conversations[id]?.readTold = watermark.sequence
        conversations[id]?.isReadUnsaid = false
    }

    mutating func raiseDelivered(_ id: ConversationID, to sequence: ConversationSequence) {
        guard let local = conversations[id]?.local, sequence > local.peerDelivered else { return }
        change(id, isNews: true) { $0.peerDelivered = sequence }
        output.received.append(Watermark(conversation: id, sequence: sequence))
    }

    mutating func raiseRead(_ id: ConversationID, to sequence: ConversationSequence) {
        guard let local = conversations[id]?.local, sequence > local.peerRead else { return }
        // Who has read it has received it, whichever of the two is told first.
        raiseDelivered(id, to: sequence)
        change(id, isNews: true) { $0.peerRead = sequence }
        output.read.append(Watermark(conversation: id, sequence: sequence))
    }
}

/// Raises the own read mark, and counts what is unread after it.
func raiseOwnRead(_ local: inout LocalConversation, to sequence: ConversationSequence) {
    guard sequence > local.read else { return }
    local.read = sequence
    local.unread = local.unread.dropping(upTo: sequence)
}

extension SyncEngine {
    /// What the server should know of what is here.
    var acknowledgement: Command.Kind? {
        let delivered = untold.prefix(MessagingLimits.watermarksMax).compactMap { id in
            conversations[id].map { Watermark(conversation: id, sequence: reached($0.local)) }
        }
        let read = unsaidReads.prefix(MessagingLimits.watermarksMax).compactMap { id in
            conversations[id].map { Watermark(conversation: id, sequence: $0.local.read) }
        }
        guard !delivered.isEmpty || !read.isEmpty || cursor > toldFeed else { return nil }
        return .acknowledge(feed: cursor, delivered: delivered, read: read)
    }

    /// All up to there was received, but for what is not fetched without being asked for.
    private func reached(_ local: LocalConversation) -> ConversationSequence {
        let contiguous = local.held.contiguous
        let floor = rules.floor(of: local)
        guard floor > local.first.number, floor > contiguous.number + 1 else { return contiguous }
        let hole = local.held.holes(from: floor, to: local.head.number).first
        guard let hole else { return local.head }
        return hole.lowerBound > floor ? ConversationSequence(hole.lowerBound - 1) : contiguous
    }

    /// The server is told of a watermark.
    mutating func noteTold(_ watermark: Watermark, now: Instant) {
        let id = watermark.conversation
        guard conversations[id] != nil else { return }
        if conversations[id]?.toldAt == nil { recentlyTold.append(id) }
        conversations[id]?.told = watermark.sequence
        conversations[id]?.toldAt = now
        conversations[id]?.isUntold = false
    }

    /// What was told so long ago in this session is on the server's disk, and need not be told
    /// again after a restart.
    mutating func forgetTold(before moment: Instant) {
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
        guard min(conversation.foreign, reached(conversation.local)) > conversation.told else {
            return
        }
        conversations[id]?.isUntold = true
        untold.append(id)
    }

    /// Plans the next acknowledgement, if there is something to acknowledge.
    mutating func noteAcknowledgement(now: Instant) {
        let isUrgent = !untold.isEmpty || !unsaidReads.isEmpty
        guard isOpen, isUrgent || cursor > toldFeed else { return }
        let pause = !isUrgent ? Self.feedPause : Self.acknowledgePause
        let earliest = acknowledgedLast.map { $0 + pause } ?? now
        acknowledgeAt = min(acknowledgeAt, max(now, earliest))
    }
}

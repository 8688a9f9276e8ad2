// Reading a conversation tail first: the newest page at once, with what is missing marked.

internal import PetrelClientData
internal import PetrelMessaging
internal import PetrelStore

/// A stretch of a conversation, oldest first.
public struct HistoryPage: Equatable, Sendable {
    /// What stands in a stretch.
    public enum Item: Equatable, Sendable {
        /// A message, or something that happened to the conversation.
        case message(Message)
        /// Events of these numbers are not here; `fetchOlder` asks for them where that is not done
        /// without being asked.
        case hole(ClosedRange<UInt64>)
    }

    /// What stands in it.
    public var items: [Item]
    /// Its first number: what to ask for the page before with.
    public var start: UInt64
    /// Whether there is a page before.
    public var hasOlder: Bool

    /// The messages alone.
    public var messages: [Message] {
        items.compactMap { if case .message(let message) = $0 { message } else { nil } }
    }
}

extension Reader {
    /// The last `limit` items before the number `end` (`nil`: at the end).
    func history(
        _ id: ConversationID, before end: UInt64?, limit: Int
    ) throws(ClientStoreError) -> HistoryPage {
        guard let local = try store.conversation(id) else {
            return HistoryPage(items: [], start: 1, hasOlder: false)
        }
        let newest = max(local.head, local.held.highest).number
        let (next, isOver) = local.settings.cleared.number.addingReportingOverflow(1)
        let floor = max(1, local.first.number, isOver ? .max : next)
        var cursor = min(end ?? .max, newest == .max ? .max : newest + 1)
        var items: [HistoryPage.Item] = []
        var chunks = 0
        while items.count < limit, cursor > floor, chunks < Self.chunksMax {
            chunks += 1
            let place = cursor - 1
            let below = local.held.ranges.last { $0.lowerBound <= place }
            guard let held = below, held.contains(place) else {
                cursor = max(floor, (below?.upperBound ?? 0) + 1)
                items.append(.hole(cursor...place))
                continue
            }
            let start = max(held.lowerBound, floor, cursor - min(cursor, Self.chunk))
            let shown = try stretch(local, from: start, to: place)
            let room = limit - items.count
            items += shown.suffix(room).reversed().map { .message($0) }
            cursor = shown.count > room ? shown[shown.count - room].place.number : start
        }
        return HistoryPage(items: items.reversed(), start: cursor, hasOlder: cursor > floor)
    }

    private func stretch(
        _ local: LocalConversation, from start: UInt64, to end: UInt64
    ) throws(ClientStoreError) -> [Message] {
        let records = try store.messages(
            local.id, from: ConversationSequence(start), limit: Int(end - start) + 1)
        return view(records.filter { $0.sequence.number <= end }, in: local)
            .filter(\.kind.isShown)
    }

    /// Events that are read at a time.
    private static let chunk: UInt64 = 64
    /// Stretches that one page looks through at most: a page of nothing but reactions ends, too.
    private static let chunksMax = 64
}

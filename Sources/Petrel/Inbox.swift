// Reading messages from the disk by cursor: a slow reader costs no memory and loses nothing.

internal import PetrelBase
internal import PetrelClientData
public import PetrelMessaging
internal import PetrelStore

/// Where an inbox begins.
public enum InboxStart: Sendable {
    /// With the first message of each conversation.
    case beginning
    /// With what arrives after this moment.
    case now
    /// After these numbers; conversations that are not named are read from their beginning.
    case after([ConversationID: UInt64])
}

/// The messages of one conversation in order, without a gap: those on disk, then those to come.
///
/// Waits at a hole until it is filled. Ends when the client is closed.
public struct Messages: AsyncSequence, Sendable {
    public typealias Element = Message
    public typealias Failure = Never

    let reader: Reader
    let conversation: ConversationID
    let after: UInt64
    let withChanges: Bool

    /// Reads for one loop.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let reader: Reader
        let conversation: ConversationID
        let withChanges: Bool
        var position: UInt64
        var version: UInt64?
        var batch: ArraySlice<Message> = []

        public mutating func next() async -> Message? {
            while batch.isEmpty {
                // The version first: what arrives after the look at the disk wakes again.
                guard let (_, current) = await reader.shared.arrivals.next(after: version) else {
                    return nil
                }
                let read = reader.strict(
                    conversation, after: position, withChanges: withChanges)
                batch = read.messages[...]
                if batch.isEmpty { (version, position) = (current, read.end) }
            }
            let message = batch.removeFirst()
            position = message.place.number
            return message
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(
            reader: reader, conversation: conversation, withChanges: withChanges, position: after)
    }
}

/// What others say, and what this account says on its other devices, in all conversations.
///
/// In order and without a gap within a conversation; what happens to a group is told as well.
/// Between conversations there is no certain order.
/// The reader keeps the last `place` of each conversation if it wants to go on there after a
/// restart. Ends when the client is closed.
public struct Inbox: AsyncSequence, Sendable {
    public typealias Element = Message
    public typealias Failure = Never

    let reader: Reader
    let positions: [ConversationID: UInt64]
    let withChanges: Bool

    /// Reads for one loop.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let reader: Reader
        let withChanges: Bool
        var positions: [ConversationID: UInt64]
        var version: UInt64?
        /// Changes that were looked at; `nil` before the first look, at everything.
        var seen: UInt64?
        /// Conversations that may have more.
        var pending: [ConversationID] = []
        var batch: ArraySlice<Message> = []

        public mutating func next() async -> Message? {
            while true {
                while let message = batch.popFirst() {
                    positions[message.place.conversation] = message.place.number
                    if message.origin != .thisDevice { return message }
                }
                if let conversation = pending.first {
                    let position = positions[conversation] ?? 0
                    let read = reader.strict(
                        conversation, after: position, withChanges: withChanges)
                    batch = read.messages[...]
                    if batch.isEmpty {
                        positions[conversation] = read.end
                        pending.removeFirst()
                    }
                    continue
                }
                guard let next = await reader.shared.arrivals.next(after: version) else {
                    return nil
                }
                version = next.version
                if let seen {
                    pending = next.value.since(seen)
                } else {
                    pending = (try? reader.store.conversations())?.map(\.id) ?? []
                }
                seen = next.value.count
            }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(reader: reader, withChanges: withChanges, positions: positions)
    }
}

// The records of what a client holds of its account: conversations, events, contacts.

import PetrelBase
import PetrelClientData
import PetrelMessaging
import PetrelServices

/// A conversation as the client knows it.
struct KnownRow: Record {
    var conversation: LocalConversation

    init(_ conversation: LocalConversation) { self.conversation = conversation }

    init(from reader: inout ByteReader) throws(DecodeError) {
        conversation = LocalConversation(id: ConversationID(try reader.readUInt64()))
        if try reader.readUInt8() != 0 {
            let offset = reader.offset
            guard case .conversation(let head) = try ItemRow(from: &reader).item else {
                throw .malformed(offset: offset)
            }
            conversation.kind = head.kind
            conversation.settings = head.settings
        }
        conversation.retentionSeconds = try reader.readUInt64()
        conversation.head = ConversationSequence(try reader.readUInt64())
        conversation.first = ConversationSequence(try reader.readUInt64())
        conversation.heldBytes = try reader.readUInt64()
        conversation.byteCount = try reader.readUInt64()
        conversation.peerDelivered = ConversationSequence(try reader.readUInt64())
        conversation.peerRead = ConversationSequence(try reader.readUInt64())
        conversation.acknowledged = ConversationSequence(try reader.readUInt64())
        conversation.read = ConversationSequence(try reader.readUInt64())
        conversation.readConfirmed = ConversationSequence(try reader.readUInt64())
        conversation.held = try reader.readRanges()
        conversation.unread = try reader.readRanges()
    }

    func write(to writer: inout RecordWriter) {
        let local = conversation
        writer.add(local.id.number)
        writer.add(UInt8(local.kind == nil ? 0 : 1))
        if let kind = local.kind {
            let head = ConversationHead(
                conversation: local.id, last: local.head, first: local.first,
                settings: local.settings, kind: kind)
            ItemRow(.conversation(head)).write(to: &writer)
        }
        writer.add(local.retentionSeconds)
        writer.add(local.head.number)
        writer.add(local.first.number)
        writer.add(local.heldBytes)
        writer.add(local.byteCount)
        writer.add(local.peerDelivered.number)
        writer.add(local.peerRead.number)
        writer.add(local.acknowledged.number)
        writer.add(local.read.number)
        writer.add(local.readConfirmed.number)
        writer.add(local.held)
        writer.add(local.unread)
    }
}

/// A contact or the account itself, in the form in which the server tells it.
struct ItemRow: Record {
    var item: SyncItem.Kind

    init(_ item: SyncItem.Kind) { self.item = item }

    init(from reader: inout ByteReader) throws(DecodeError) {
        let offset = reader.offset
        let bytes = try reader.readCounted()
        do throws(MalformedMessage) {
            guard case .change(let change) = try Notice(decoding: bytes.span.bytes).kind else {
                throw MalformedMessage(request: 0, reason: .undecodable)
            }
            item = change.item.kind
        } catch {
            throw .malformed(offset: offset)
        }
    }

    func write(to writer: inout RecordWriter) {
        let zero = FeedSequence(0)
        let change = PushedChange(item: SyncItem(feed: zero, kind: item), previousFeed: zero)
        writer.addCounted(Notice(request: 0, kind: .change(change)).encoded())
    }
}

/// An event; its place is in the key, and repeated here so that a misplaced record is noticed.
struct EventRow: Record {
    var record: MessageRecord

    init(_ record: MessageRecord) { self.record = record }

    init(from reader: inout ByteReader) throws(DecodeError) {
        record = MessageRecord(
            conversation: ConversationID(try reader.readUInt64()),
            sequence: ConversationSequence(try reader.readUInt64()),
            sender: AccountID(try reader.readUInt64()),
            senderDevice: DeviceID(try reader.readUInt32()),
            senderHandle: try reader.readText(),
            clientMessageID: try ClientMessageID(from: &reader),
            time: WallTime(milliseconds: try reader.readSigned()),
            event: try ConversationEvent(from: &reader))
    }

    func write(to writer: inout RecordWriter) {
        writer.add(record.conversation.number)
        writer.add(record.sequence.number)
        writer.add(record.sender.number)
        writer.add(record.senderDevice.number)
        writer.addCounted(record.senderHandle)
        record.clientMessageID.write(to: &writer)
        writer.add(record.time.milliseconds)
        writer.addCounted(record.event.encoded())
    }
}

/// What became of a message.
struct OverlayRow: Record {
    var overlay: Overlay

    init(_ overlay: Overlay) { self.overlay = overlay }

    init(from reader: inout ByteReader) throws(DecodeError) {
        overlay = Overlay(
            conversation: ConversationID(try reader.readUInt64()),
            target: ConversationSequence(try reader.readUInt64()))
        overlay.recall = ConversationSequence(try reader.readUInt64())
        let edit = ConversationSequence(try reader.readUInt64())
        if edit.number > 0 {
            let offset = reader.offset
            guard case .message(let content) = try ConversationEvent(from: &reader) else {
                throw .malformed(offset: offset)
            }
            overlay.edit = Overlay.Edit(sequence: edit, content: content)
        }
        for _ in 0..<(try reader.readUInt32()) {
            overlay.edits.append(ConversationSequence(try reader.readUInt64()))
        }
        while reader.remaining > 0 {
            overlay.marks.append(
                Overlay.Mark(
                    account: AccountID(try reader.readUInt64()), text: try reader.readText(),
                    sequence: ConversationSequence(try reader.readUInt64()),
                    isWithdrawn: try reader.readUInt8() != 0))
        }
    }

    func write(to writer: inout RecordWriter) {
        writer.add(overlay.conversation.number)
        writer.add(overlay.target.number)
        writer.add(overlay.recall.number)
        writer.add(overlay.edit?.sequence.number ?? 0)
        if let edit = overlay.edit {
            writer.addCounted(ConversationEvent.message(edit.content).encoded())
        }
        writer.add(UInt32(overlay.edits.count))
        for edit in overlay.edits { writer.add(edit.number) }
        for mark in overlay.marks {
            writer.add(mark.account.number)
            writer.addCounted(mark.text)
            writer.add(mark.sequence.number)
            writer.add(UInt8(mark.isWithdrawn ? 1 : 0))
        }
    }
}

/// Nothing but a key.
struct MarkRow: Record {
    init() {}
    init(from reader: inout ByteReader) throws(DecodeError) {}
    func write(to writer: inout RecordWriter) {}
}

extension ConversationEvent {
    init(from reader: inout ByteReader) throws(DecodeError) {
        let offset = reader.offset
        let bytes = try reader.readCounted()
        do throws(MalformedMessage) {
            try self.init(decoding: bytes.span.bytes)
        } catch {
            throw .malformed(offset: offset)
        }
    }
}

extension ByteReader {
    fileprivate mutating func readRanges() throws(DecodeError) -> HeldRanges {
        var ranges: [ClosedRange<UInt64>] = []
        for _ in 0..<(try readUInt32()) {
            let offset = offset
            let (low, high) = (try readUInt64(), try readUInt64())
            guard low <= high else { throw .malformed(offset: offset) }
            ranges.append(low...high)
        }
        return HeldRanges(ranges)
    }
}

extension RecordWriter {
    fileprivate mutating func add(_ held: HeldRanges) {
        add(UInt32(held.ranges.count))
        for range in held.ranges {
            add(range.lowerBound)
            add(range.upperBound)
        }
    }
}

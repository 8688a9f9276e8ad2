// The records of a client's tables, field by field.

import PetrelBase
import PetrelClientData
import PetrelMessaging
import PetrelServices

struct IdentityRow: Record {
    var identity: ClientIdentity

    init(_ identity: ClientIdentity) { self.identity = identity }

    init(from reader: inout ByteReader) throws(DecodeError) {
        identity = ClientIdentity(
            account: AccountID(try reader.readUInt64()),
            device: DeviceID(try reader.readUInt32()),
            handle: try reader.readText())
    }

    func write(to writer: inout RecordWriter) {
        writer.add(identity.account.number)
        writer.add(identity.device.number)
        writer.addCounted(identity.handle)
    }
}

struct CursorRow: Record {
    var incarnation: UInt64
    var feed: FeedSequence

    init(incarnation: UInt64, feed: FeedSequence) {
        self.incarnation = incarnation
        self.feed = feed
    }

    init(from reader: inout ByteReader) throws(DecodeError) {
        incarnation = try reader.readUInt64()
        feed = FeedSequence(try reader.readUInt64())
    }

    func write(to writer: inout RecordWriter) {
        writer.add(incarnation)
        writer.add(feed.number)
    }
}

struct NetworksRow: Record {
    var networks: [BindingLifetime] = []

    init(_ networks: [BindingLifetime]) { self.networks = networks }

    init(from reader: inout ByteReader) throws(DecodeError) {
        while reader.remaining > 0 {
            let label = try reader.readUInt64()
            let proven = Interval(nanoseconds: try reader.readSigned())
            let refuted = Interval(nanoseconds: try reader.readSigned())
            let safe = Interval(nanoseconds: try reader.readSigned())
            let learnt = WallTime(milliseconds: try reader.readSigned())
            var network = BindingLifetime(label: label, safe: safe, learnt: learnt)
            network.proven = proven
            network.refuted = refuted
            networks.append(network)
        }
    }

    func write(to writer: inout RecordWriter) {
        for network in networks {
            writer.add(network.label)
            writer.add(network.proven.nanoseconds)
            writer.add(network.refuted.nanoseconds)
            writer.add(network.safe.nanoseconds)
            writer.add(network.learnt.milliseconds)
        }
    }
}

struct OutboxRow: Record {
    var entry: OutboxEntry

    init(_ entry: OutboxEntry) { self.entry = entry }

    init(from reader: inout ByteReader) throws(DecodeError) {
        entry = OutboxEntry(
            index: try reader.readUInt64(),
            clientMessageID: try ClientMessageID(from: &reader),
            target: try OutgoingTarget(from: &reader),
            event: try ConversationEvent(from: &reader),
            written: WallTime(milliseconds: try reader.readSigned()))
    }

    func write(to writer: inout RecordWriter) {
        writer.add(entry.index)
        entry.clientMessageID.write(to: &writer)
        entry.target.write(to: &writer)
        writer.addCounted(entry.event.encoded())
        writer.add(entry.written.milliseconds)
    }
}

extension OutgoingTarget {
    init(from reader: inout ByteReader) throws(DecodeError) {
        let offset = reader.offset
        switch try reader.readUInt8() {
        case 0: self = .conversation(ConversationID(try reader.readUInt64()))
        case 1: self = .handle(try reader.readText())
        case 2: self = .newGroup
        default: throw .malformed(offset: offset)
        }
    }

    func write(to writer: inout RecordWriter) {
        switch self {
        case .conversation(let id):
            writer.add(UInt8(0))
            writer.add(id.number)
        case .handle(let handle):
            writer.add(UInt8(1))
            writer.addCounted(handle)
        case .newGroup: writer.add(UInt8(2))
        }
    }
}

struct FailedRow: Record {
    var failed: FailedEntry

    init(_ failed: FailedEntry) { self.failed = failed }

    init(from reader: inout ByteReader) throws(DecodeError) {
        failed = FailedEntry(
            entry: try OutboxRow(from: &reader).entry,
            code: try reader.readUInt32(),
            reason: try reader.readText(), limit: try reader.readUInt64())
    }

    func write(to writer: inout RecordWriter) {
        OutboxRow(failed.entry).write(to: &writer)
        writer.add(failed.code)
        writer.addCounted(failed.reason)
        writer.add(failed.limit)
    }
}

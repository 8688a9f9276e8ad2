// The bytes of a store's records, right checksums and wrong contents included.

import PetrelBase
import PetrelClientData
import PetrelMessaging
import PetrelServices

@testable import PetrelStore

/// Reads bytes as each kind of record; what is accepted is written as it was understood.
enum RecordsTarget {
    static func feed(_ bytes: [UInt8]) throws {
        var tape = Tape(bytes)
        let kind = tape.byte()
        let fields = tape.rest()
        switch kind % 16 {
        case 0: try check(NumberRow.self, fields)
        case 1: try check(TextRow.self, fields)
        case 2: try check(EmptyRow.self, fields)
        case 3: try check(AccountRow.self, fields)
        case 4: try check(DeviceRow.self, fields)
        case 5: try check(DeviceNameRow.self, fields)
        case 6: try check(ConversationRow.self, fields)
        case 7: try check(MemberRow.self, fields)
        case 8: try check(DeduplicationRow.self, fields)
        case 9: try check(MessageRow.self, fields)
        case 10: try check(IdentityRow.self, fields)
        case 11: try check(CursorRow.self, fields)
        case 12: try check(OutboxRow.self, fields)
        case 13: try check(FailedRow.self, fields)
        case 14:
            if let row = try check(KnownRow.self, fields) { try held(row.conversation.held) }
        default:
            if let head = try check(ChunkedHead.self, fields, version: ChunkedHead.version) {
                let room = head.chunksCount * Chunk.bytesMax
                try hold(room >= Int(head.bytesCount), "too few chunks")
                try hold(room < ChunkedHead.recordBytesMax + Chunk.bytesMax, "too many chunks")
            }
            try check(Chunk.self, fields)
        }
        _ = Key(fields).second
        _ = Key(fields).deduplication
    }

    /// Reads `fields` bare and under a right checksum.
    @discardableResult
    private static func check<Row: Record>(
        _ type: Row.Type, _ fields: [UInt8], version: UInt8 = recordVersion
    ) throws -> Row? {
        let damaged = try? Row(sealed: fields.span.bytes, version: version)
        try hold(damaged == nil || fields.count > 4, "a record without a checksum")
        var writer = RecordWriter(capacity: fields.count + 5)
        writer.add(version)
        writer.add(fields.span.bytes)
        writer.add(Checksum.crc32c(writer.bytes.span.bytes))
        guard let row = try? Row(sealed: writer.bytes.span.bytes, version: version) else {
            return nil
        }
        // Text that is no UTF-8 is repaired once, and stays as it is from then on.
        let sealed = row.sealed(version: version)
        let again = try? Row(sealed: sealed.span.bytes, version: version)
        try hold(again?.sealed(version: version) == sealed, "\(type) becomes another")
        return row
    }

    /// Whatever ranges a disk says, they are in order, and asking about them is safe.
    private static func held(_ held: HeldRanges) throws {
        let ranges = held.ranges
        for i in 1..<max(ranges.count, 1) {
            try hold(
                ranges[i - 1].upperBound < ranges[i].lowerBound
                    && ranges[i].lowerBound - ranges[i - 1].upperBound > 1, "ranges out of order")
        }
        try hold(ranges.isEmpty || held.count > 0, "ranges of nothing")
        try hold(held.contiguous <= held.highest, "what is contiguous is not held")
        for range in ranges.prefix(2) {
            let holes = held.holes(from: range.lowerBound, to: range.upperBound)
            try hold(holes.isEmpty, "a hole in a range")
        }
        let holes = held.holes(from: 1, to: .max)
        try hold(holes.count <= ranges.count + 1, "more holes than ranges")
        var filled = held
        for hole in holes { filled.insert(hole) }
        try hold(filled.holes(from: 1, to: .max).isEmpty, "a hole that cannot be filled")
    }
}

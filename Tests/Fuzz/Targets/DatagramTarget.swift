// Bytes as they come off the network, before and after decryption.

import PetrelBase
import PetrelWire

/// Reads bytes as everything that a datagram can hold; what is accepted can be written again.
enum DatagramTarget {
    static func feed(_ bytes: [UInt8]) throws {
        for side in [ConnectionID.Side.client, .server] { try header(bytes, side) }
        try frames(bytes)
        try parameters(bytes)
        try payloads(bytes)
        for number in stride(from: 0, to: bytes.count, by: 9).prefix(4) {
            try packetNumber(Tape(Array(bytes[number...])))
        }
    }

    private static func header(_ bytes: [UInt8], _ side: ConnectionID.Side) throws {
        if case .data(let id)? = PacketForm(bytes.span.bytes, receivedBy: side) {
            try hold(id.side == side, "a connection ID of the other side")
            try hold(
                bytes.count >= 1 + id.byteCount + DataHeader.byteCountMinAfterID,
                "a data packet too short to sample")
        }
        if case .probe(let probe)? = PacketForm(bytes.span.bytes, receivedBy: side) {
            try hold(side == .server, "a PROBE for a client")
            var room = [UInt8](repeating: 0xEE, count: ProbeDatagram.byteCount)
            var span = room.mutableSpan
            var mutable = span.mutableBytes
            let byteCount = try probe.write(into: &mutable)
            try hold(byteCount == bytes.count && room == bytes, "another PROBE: \(probe)")
        }
        var reader = ByteReader(bytes.span.bytes)
        guard let header = try? DataHeader(&reader, receivedBy: side) else { return }
        try hold(reader.offset == header.byteCount, "a header of another size")
        let again = written { try header.write(to: &$0) }
        try hold(again == Array(bytes.prefix(header.byteCount)), "another header: \(header)")
    }

    private static func packetNumber(_ start: Tape) throws {
        var tape = start
        // Before the first acknowledgement a sender is not far from 0; later, not far from that.
        let isFirst = tape.byte() & 1 == 0
        let number = tape.number() >> (isFirst ? 34 : 2)
        let acknowledged = isFirst ? nil : number - min(number, tape.number() >> 34)
        let sent = TruncatedPacketNumber(number, largestAcknowledged: acknowledged)
        let largest = acknowledged.map { $0 + (number - $0) / 2 }
        try hold(sent.expanded(largest: largest) == number, "\(number) becomes another number")
        _ = TruncatedPacketNumber(value: UInt32(truncatingIfNeeded: number), byteCount: 1)
            .expanded(largest: tape.number() >> 2)
    }

    private static func frames(_ bytes: [UInt8]) throws {
        var reader = ByteReader(bytes.span.bytes)
        while reader.remaining > 0 {
            let start = reader.offset
            guard let frame = try? Frame(&reader) else { return }
            try hold(reader.offset > start, "a frame of no bytes")
            switch frame {
            case .padding, .ping, .unknown: break
            case .ack(let ack): try AckRangesTarget.check(ack)
            case .close(let close): try rewrite(.close(code: close.code))
            case .keepalive(let interval): try rewrite(.keepalive(interval: interval))
            case .keepaliveAnswer(let hint): try rewrite(.keepaliveAnswer(hint: hint))
            case .ackPolicy(let patience): try rewrite(.ackPolicy(patience: patience))
            case .pathChallenge(let data): try rewrite(.pathChallenge(data: data))
            case .pathResponse(let data, let observed):
                try rewrite(.pathResponse(data: data, observed: observed))
            case .credit(let limit): try rewrite(.credit(limit: limit))
            case .blocked(let limit): try rewrite(.blocked(limit: limit))
            case .newID(let frame): try rewrite(.newID(frame))
            case .retireID(let sequence): try rewrite(.retireID(sequence: sequence))
            case .goAway(let frame): try rewrite(.goAway(frame))
            case .probe(let frame): try rewrite(.probe(frame))
            case .probeAnswer(let frame): try rewrite(.probeAnswer(frame))
            case .message(let fragment): try check(fragment)
            case .ephemeral(let value): try check(value)
            case .skip(let skip):
                try rewrite(skip.byteCount, { try skip.write(to: &$0) }) {
                    guard case .skip(skip)? = try? Frame(&$0) else { return false }
                    return true
                }
            case .status(let status):
                try rewrite(status.byteCount, { try status.write(to: &$0) }) {
                    guard case .status(status)? = try? Frame(&$0) else { return false }
                    return true
                }
            case .bulk(let chunk): try check(chunk)
            case .bulkControl(let control):
                try rewrite(control.byteCount, { try control.write(to: &$0) }) {
                    guard case .bulkControl(control)? = try? Frame(&$0) else { return false }
                    return true
                }
            case .parity(let parity): try check(parity)
            }
        }
    }

    private static func check(_ parity: borrowing ParityFrame) throws {
        let fragments = MessageFragment.count(total: parity.total)
        try hold(parity.bytes.byteCount == WireLimits.fragmentByteCount, "a parity of other size")
        try hold(2...8 ~= parity.group.count, "a group of \(parity.group.count) fragments")
        try hold(parity.group.upperBound <= fragments, "a group beyond the message")
    }

    private static func check(_ fragment: borrowing MessageFragment) throws {
        let range = MessageFragment.range(fragment.index, total: fragment.total)
        try hold(fragment.deliveryClass != .ephemeral, "a fragment of an ephemeral message")
        try hold(fragment.bytes.byteCount == range.count, "a fragment of another size")
        try hold(fragment.total <= WireLimits.messageByteCountMax, "too long a message")
        // The whole message, to cut the same fragment from it.
        var message = [UInt8](repeating: 0, count: fragment.total)
        message.replaceSubrange(range, with: copy(fragment.bytes))
        let again = written {
            try MessageFragment.write(
                message.span.bytes, index: fragment.index, of: fragment.name, to: &$0)
        }
        guard let again else { throw Finding(description: "a fragment that cannot be written") }
        var reader = ByteReader(again.span.bytes)
        guard case .message(let other)? = try? Frame(&reader) else {
            throw Finding(description: "a fragment that cannot be read")
        }
        try hold(
            other.name == fragment.name && other.index == fragment.index
                && other.total == fragment.total && copy(other.bytes) == copy(fragment.bytes)
                && reader.remaining == 0, "another fragment")
    }

    private static func check(_ value: borrowing EphemeralFrame) throws {
        let again = written {
            try EphemeralFrame.write(value.bytes, key: value.key, version: value.version, to: &$0)
        }
        guard let again else { throw Finding(description: "a value that cannot be written") }
        try hold(
            again.count
                == EphemeralFrame.frameByteCount(
                    key: value.key, version: value.version, byteCount: value.bytes.byteCount),
            "an ephemeral frame of another size")
        var reader = ByteReader(again.span.bytes)
        guard case .ephemeral(let other)? = try? Frame(&reader) else {
            throw Finding(description: "a value that cannot be read")
        }
        try hold(
            other.key == value.key && other.version == value.version
                && copy(other.bytes) == copy(value.bytes), "another value")
    }

    private static func check(_ chunk: borrowing BulkFrame) throws {
        let again = written {
            try BulkFrame.write(
                chunk.bytes, transfer: chunk.transfer, total: chunk.total, index: chunk.index,
                count: chunk.count, to: &$0)
        }
        guard let again else { throw Finding(description: "a chunk that cannot be written") }
        try hold(
            again.count
                == chunk.bytes.byteCount
                + BulkFrame.headByteCount(
                    transfer: chunk.transfer, total: chunk.total, index: chunk.index),
            "a chunk of another size")
        var reader = ByteReader(again.span.bytes)
        guard case .bulk(let other)? = try? Frame(&reader) else {
            throw Finding(description: "a chunk that cannot be read")
        }
        try hold(
            other.transfer == chunk.transfer && other.total == chunk.total
                && other.index == chunk.index && other.count == chunk.count
                && copy(other.bytes) == copy(chunk.bytes),
            "another chunk")
    }

    private static func rewrite(
        _ byteCount: Int, _ write: (inout ByteWriter) throws -> Void,
        _ isSame: (inout ByteReader) -> Bool
    ) throws {
        guard let bytes = written(write) else {
            throw Finding(description: "a frame that cannot be written")
        }
        try hold(bytes.count == byteCount, "a frame of another size")
        var reader = ByteReader(bytes.span.bytes)
        try hold(isSame(&reader), "a frame becomes another")
    }

    /// What was read must be written in the announced size and read as the same.
    private static func rewrite(_ frame: ControlFrame) throws {
        guard let bytes = written({ try frame.write(to: &$0) }) else {
            throw Finding(description: "\(frame) cannot be written")
        }
        try hold(bytes.count == frame.byteCount, "\(frame) of another size")
        var reader = ByteReader(bytes.span.bytes)
        let again: ControlFrame? =
            switch try? Frame(&reader) {
            case .close(let close): .close(code: close.code)
            case .keepalive(let interval): .keepalive(interval: interval)
            case .keepaliveAnswer(let hint): .keepaliveAnswer(hint: hint)
            case .ackPolicy(let patience): .ackPolicy(patience: patience)
            case .pathChallenge(let data): .pathChallenge(data: data)
            case .pathResponse(let data, let observed):
                .pathResponse(data: data, observed: observed)
            case .credit(let limit): .credit(limit: limit)
            case .blocked(let limit): .blocked(limit: limit)
            case .newID(let frame): .newID(frame)
            case .retireID(let sequence): .retireID(sequence: sequence)
            case .goAway(let frame): .goAway(frame)
            case .probe(let frame): .probe(frame)
            case .probeAnswer(let frame): .probeAnswer(frame)
            default: nil
            }
        try hold(again == frame, "\(frame) becomes another")
    }

    private static func parameters(_ bytes: [UInt8]) throws {
        var reader = ByteReader(bytes.span.bytes)
        guard let parameters = try? TransportParameters(&reader) else { return }
        let again = written { try parameters.write(to: &$0) } ?? []
        var second = ByteReader(again.span.bytes)
        try hold((try? TransportParameters(&second)) == parameters, "other parameters")
    }

    private static func payloads(_ bytes: [UInt8]) throws {
        var reader = ByteReader(bytes.span.bytes)
        if let hello = try? HelloPayload(&reader) {
            let again = written { try hello.write(to: &$0) } ?? []
            try hold(again.count >= HelloPayload.byteCount, "a HELLO that is too short")
            try hold(again.count <= HelloPayload.byteCountMax, "a HELLO that is too long")
            var second = ByteReader(again.span.bytes)
            try hold((try? HelloPayload(&second)) == hello, "another HELLO")
        }
        reader = ByteReader(bytes.span.bytes)
        if let accept = try? AcceptPayload(&reader) {
            let again = written { try accept.write(to: &$0) } ?? []
            var second = ByteReader(again.span.bytes)
            try hold((try? AcceptPayload(&second)) == accept, "another ACCEPT")
        }
    }
}

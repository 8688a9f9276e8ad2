// Operations on a live pair of sessions: sending, a bad link, time, moves, and a hostile peer.

import PetrelBase
import PetrelTransport
import PetrelWire

/// Reads bytes as a story of two sessions, and heals the link at its end.
enum SessionTarget {
    static func feed(_ bytes: [UInt8]) throws {
        var tape = Tape(bytes)
        let pair = SessionPair()
        for _ in 0..<400 where !tape.isAtEnd { try step(pair, &tape) }
        try pair.heal()
    }

    private static func step(_ pair: SessionPair, _ tape: inout Tape) throws {
        let choice = tape.byte()
        let toServer = choice & 1 == 0
        switch choice >> 1 & 15 {
        case 0: try pair.send(.durable, byteCount: tape.below(1_500), toServer: toServer)
        case 1: try pair.send(.reliable, byteCount: tape.below(1_500), toServer: toServer)
        case 2:
            try pair.send(
                tape.byte() & 1 == 0 ? .durable : .reliable,
                byteCount: tape.below(WireLimits.messageByteCountMax + 1), toServer: toServer)
        case 3:
            try pair.send(
                .ephemeral, byteCount: tape.below(1_024), toServer: toServer,
                key: UInt64(tape.below(3)))
        case 4, 5, 6, 7: try pair.deliver(place: tape.below(4), keeping: false)
        case 8: try pair.deliver(place: tape.below(16), keeping: true)
        case 9: pair.drop(place: tape.below(16))
        case 10: try pair.deliver(place: tape.below(4), keeping: true, flipping: tape.number16())
        case 11: try pair.wait(.milliseconds(Int64(tape.byte())))
        case 12: try pair.wait(.milliseconds(Int64(tape.byte()) * 200))
        case 13:
            switch tape.byte() & 7 {
            case 0:
                try pair.send(
                    .ordered, byteCount: tape.below(3_000), toServer: toServer,
                    key: UInt64(tape.below(4)))
            case 1:
                try pair.send(
                    .expiring, byteCount: tape.below(2_500), toServer: toServer,
                    deadline: .milliseconds(20 + Int64(tape.byte()) * 8))
            case 2:
                let kinds = [DeliveryClass.ordered, .expiring, .durable, .reliable]
                try pair.cancel(
                    kinds[tape.below(4)], number: UInt64(tape.below(24)), fromClient: toServer)
            case 3: try pair.transfer(tape.byte(), byteCount: tape.below(60_000))
            default: try pair.advanceToDeadline()
            }
        case 14: pair.move(port: 4_000 + UInt16(tape.byte() & 15))
        default:
            if tape.byte() < 250 {
                try pair.inject(frames(&tape), ahead: tape.byte(), toServer: toServer)
            } else {
                try pair.close(fromClient: toServer)
            }
        }
    }

    /// Frames as a peer that holds the keys could send them.
    private static func frames(_ tape: inout Tape) -> [UInt8] {
        var payload: [UInt8] = []
        for _ in 0..<(1 + tape.below(6)) where payload.count < 1_100 && !tape.isAtEnd {
            payload += frame(&tape) ?? []
        }
        return Array(payload.prefix(1_100))
    }

    private static func frame(_ tape: inout Tape) -> [UInt8]? {
        switch tape.byte() & 7 {
        case 0: return tape.counted(max: 64)
        case 1: return acknowledgement(&tape)
        case 2, 3:
            let total = tape.below(4_000)
            let message = [UInt8](repeating: tape.byte(), count: total)
            let index = tape.below(MessageFragment.count(total: total))
            let number = tape.byte() < 128 ? UInt64(tape.byte()) : tape.number() >> 2
            let kinds = [DeliveryClass.durable, .reliable, .expiring, .ordered]
            let kind = kinds[tape.below(4)]
            let place = StreamPlace(stream: number % 3, distance: UInt64(tape.byte() & 3))
            let name = MessageName(kind, number, place: kind == .ordered ? place : nil)
            switch tape.byte() & 7 {
            case 2: return bulk(&tape, message)
            case 0: return written { try SkipFrame(name, charged: total).write(to: &$0) }
            case 1:
                let status = StatusFrame(kind.kind, number, wasWhole: index & 1 == 0)
                return written { try status.write(to: &$0) }
            default:
                return written {
                    try MessageFragment.write(message.span.bytes, index: index, of: name, to: &$0)
                }
            }
        case 4:
            let value = tape.counted(max: 32)
            let (key, version) = (tape.number() >> 2, tape.number() >> 2)
            return written {
                try EphemeralFrame.write(value.span.bytes, key: key, version: version, to: &$0)
            }
        case 5:
            let code = tape.number() >> 2
            return written { try ControlFrame.close(code: code).write(to: &$0) }
        default:
            let number = tape.number() >> 2
            let frames: [ControlFrame] = [
                .ping, .keepalive(interval: .seconds(Int64(number >> 40))),
                .keepaliveAnswer(hint: number), .pathChallenge(data: number),
                .pathResponse(data: number, observed: .none), .credit(limit: number),
                .blocked(limit: number),
                .ackPolicy(patience: .milliseconds(Int64(number >> 54))),
            ]
            let frame = frames[tape.below(frames.count)]
            return written { try frame.write(to: &$0) }
        }
    }

    private static func bulk(_ tape: inout Tape, _ bytes: [UInt8]) -> [UInt8]? {
        let transfer = UInt64(tape.byte() & 3)
        let total = tape.byte() < 200 ? UInt64(tape.below(60_000) + 1) : tape.number() >> 24
        let index = tape.byte() < 200 ? UInt64(tape.byte() & 63) : tape.number() >> 30
        let frames: [BulkControlFrame] = [
            .offer(.bulk, transfer: transfer, total: total),
            .want(transfer: transfer, index: index),
            .stop(transfer: transfer, bySender: bytes.count & 1 == 0, code: index),
        ]
        let choice = tape.below(frames.count + 1)
        guard choice == frames.count else {
            return written { try frames[choice].write(to: &$0) }
        }
        guard index < BulkFrame.count(total: total) else { return nil }
        let count = min(UInt64(tape.byte() & 7) + 1, BulkFrame.count(total: total) - index)
        let chunks = [UInt8](
            repeating: 5, count: BulkFrame.byteCount(index, count, total: max(total, 1)))
        return written {
            try BulkFrame.write(
                chunks.span.bytes, transfer: transfer, total: total, index: index, count: count,
                to: &$0)
        }
    }

    /// ACK with any ranges, by bytes: what a `RangeSet` holds is too well-behaved.
    private static func acknowledgement(_ tape: inout Tape) -> [UInt8]? {
        written { writer in
            let hasCounts = tape.byte() & 3 == 0
            try writer.writeUInt8((hasCounts ? FrameType.ackECN : .ack).rawValue)
            try writer.writeVarInt(tape.byte() < 200 ? UInt64(tape.byte()) : tape.number() >> 2)
            try writer.writeVarInt(tape.number() >> 2)
            let count = 1 + tape.byte() % 4
            try writer.writeUInt8(count)
            try writer.writeVarInt(UInt64(tape.byte()))
            for _ in 1..<count {
                try writer.writeVarInt(UInt64(tape.byte() & 7))
                try writer.writeVarInt(tape.byte() < 200 ? UInt64(tape.byte() & 7) : 1 << 60)
            }
        }
    }
}

// The reassembler against a model that keeps everything and is not clever.

import PetrelBase
import PetrelWire

@testable import PetrelTransport

/// Sends fragments of messages in any order, also again and with other contents.
enum ReassemblerTarget {
    static func feed(_ bytes: [UInt8]) throws {
        var tape = Tape(bytes)
        let credit = 1_024 * (1 + tape.below(200))
        var tested = Reassembler(credit: credit)
        var model = Model(credit: credit)
        for _ in 0..<2_000 where !tape.isAtEnd {
            if tape.byte() < 24 {
                try hold(tested.announceCredit() == model.announceCredit(), "another credit")
                continue
            }
            let piece = Piece(&tape)
            let expected = model.receive(piece)
            try hold(expected == (try receive(piece, &tested)), "\(piece) is not \(expected)")
            switch expected {
            case .violation: return
            case .whole: break
            case .assembled: try hold(tested.assembled == model.assembled, "other bytes: \(piece)")
            case .none, .held: break
            }
            while let number = model.releaseHeld() {
                try hold(tested.releaseHeld() == number, "message \(number) stays in line")
                try hold(tested.assembled == model.assembled, "other bytes of message \(number)")
            }
            try hold(tested.releaseHeld() == nil, "a message that is not there")
            try hold(tested.granted == model.granted, "another limit")
        }
    }

    /// By way of the wire, as the session does it.
    private static func receive(
        _ piece: Piece, _ tested: inout Reassembler
    ) throws -> Reassembler.Outcome {
        let bytes = written {
            try MessageFragment.write(
                piece.message.span.bytes, index: piece.index, as: piece.kind,
                number: piece.number, to: &$0)
        }
        guard let bytes else { throw Finding(description: "\(piece) cannot be written") }
        var reader = ByteReader(bytes.span.bytes)
        guard case .message(let fragment)? = try? Frame(&reader) else {
            throw Finding(description: "\(piece) cannot be read")
        }
        return tested.receive(fragment)
    }

    /// A fragment of a message whose size and contents follow from its number, mostly.
    private struct Piece: CustomStringConvertible {
        var kind: DeliveryClass
        var number: UInt64
        var index: Int
        var message: [UInt8]

        init(_ tape: inout Tape) {
            let choice = tape.byte()
            kind = choice & 1 == 0 ? .durable : .reliable
            number = UInt64(tape.byte() & 31)
            if choice & 0xC0 == 0xC0 { number = tape.number() >> 2 }
            var total = Int(number % 16) * 500
            if choice & 0x38 == 0x38 { total = tape.below(WireLimits.messageByteCountMax + 1) }
            let first = UInt8(truncatingIfNeeded: number) &+ (choice & 0x3E == 0x3E ? 1 : 0)
            message = (0..<total).map { first &+ UInt8(truncatingIfNeeded: $0 / 7) }
            index = tape.below(MessageFragment.count(total: total))
        }

        var range: Range<Int> { MessageFragment.range(index, total: message.count) }

        var description: String {
            "fragment \(index) of \(kind) message \(number) of \(message.count) bytes"
        }
    }

    private struct Model {
        private struct Name: Hashable {
            var kind: DeliveryClass
            var number: UInt64
        }
        private struct Partial {
            var total: Int
            var pieces: [Int: [UInt8]] = [:]
        }

        private let credit: UInt64
        private var begun: UInt64 = 0
        private var finished: UInt64 = 0
        private var complete: Set<Name> = []
        private var bases: [DeliveryClass: UInt64] = [:]
        private var partials: [Name: Partial] = [:]
        private var held: [UInt64: [UInt8]] = [:]
        private var next: UInt64 = 0
        private(set) var granted: UInt64
        private(set) var assembled: [UInt8] = []

        init(credit: Int) {
            self.credit = UInt64(credit)
            granted = UInt64(credit)
        }

        mutating func receive(_ piece: Piece) -> Reassembler.Outcome {
            let name = Name(kind: piece.kind, number: piece.number)
            let base = bases[piece.kind] ?? 0
            guard piece.number < base + WireLimits.messageWindow else {
                return .violation(.limitExceeded)
            }
            guard !complete.contains(name) else { return .none }
            let bytes = Array(piece.message[piece.range])
            let count = MessageFragment.count(total: piece.message.count)
            if partials[name] == nil || count == 1 {
                guard count == 1 || partials.count < WireLimits.partialMessagesMax,
                    begun + UInt64(piece.message.count) <= granted
                else { return .violation(.limitExceeded) }
                begun += UInt64(piece.message.count)
            }
            guard count > 1 else { return finish(name, bytes, as: .whole) }
            var partial = partials[name] ?? Partial(total: piece.message.count)
            guard partial.total == piece.message.count,
                partial.pieces[piece.index] ?? bytes == bytes
            else { return .violation(.fragmentConflict) }
            partial.pieces[piece.index] = bytes
            partials[name] = partial
            guard partial.pieces.count == count else { return .none }
            partials[name] = nil
            return finish(name, (0..<count).flatMap { partial.pieces[$0] ?? [] }, as: .assembled)
        }

        private mutating func finish(
            _ name: Name, _ message: [UInt8], as outcome: Reassembler.Outcome
        ) -> Reassembler.Outcome {
            complete.insert(name)
            while complete.contains(Name(kind: name.kind, number: bases[name.kind] ?? 0)) {
                bases[name.kind, default: 0] += 1
            }
            if name.kind == .durable, name.number != next {
                held[name.number] = message
                return .held
            }
            finished += UInt64(message.count)
            if name.kind == .durable { next += 1 }
            if outcome == .assembled { assembled = message }
            return outcome
        }

        mutating func releaseHeld() -> UInt64? {
            guard let message = held.removeValue(forKey: next) else { return nil }
            assembled = message
            finished += UInt64(message.count)
            next += 1
            return next - 1
        }

        mutating func announceCredit() -> UInt64 {
            granted = max(granted, finished + credit)
            return granted
        }
    }
}

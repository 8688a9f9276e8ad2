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
            let choice = tape.byte()
            if choice < 24 {
                try hold(tested.announceCredit() == model.announceCredit(), "another credit")
                continue
            }
            let piece = Piece(&tape)
            let expected: Reassembler.Outcome
            if choice < 64 {
                let frame = SkipFrame(piece.name, charged: piece.message.count)
                expected = model.skip(piece)
                try hold(
                    expected == tested.skip(frame, now: .init(nanoseconds: 0)),
                    "skipped \(piece) is not \(expected)")
            } else if choice >= 224, MessageFragment.count(total: piece.message.count) > 1 {
                let group = piece.group(&tape)
                expected = model.receive(piece, parityOf: group)
                try hold(
                    expected == (try receive(piece, parityOf: group, &tested)),
                    "parity of \(group), \(piece) is not \(expected)")
            } else {
                expected = model.receive(piece)
                try hold(expected == (try receive(piece, &tested)), "\(piece) is not \(expected)")
            }
            switch expected {
            case .violation: return
            case .whole: break
            case .assembled: try hold(tested.assembled == model.assembled, "other bytes: \(piece)")
            case .none, .held: break
            }
            while let number = model.releaseHeld() {
                try hold(
                    tested.releaseHeld()?.number == number, "message \(number) stays in line")
                try hold(tested.assembled == model.assembled, "other bytes of message \(number)")
            }
            try hold(tested.releaseHeld() == nil, "a message that is not there")
            try hold(tested.granted == model.granted, "another limit")
            while let status = tested.takeStatus() {
                try hold(
                    model.owed.removeValue(forKey: .init(status.kind, status.number))
                        == status.wasWhole, "another outcome of \(status.kind) \(status.number)")
            }
            try hold(model.owed.isEmpty, "nobody says what became of a message")
        }
    }

    /// By way of the wire, as the session does it.
    private static func receive(
        _ piece: Piece, _ tested: inout Reassembler
    ) throws -> Reassembler.Outcome {
        let bytes = written {
            try MessageFragment.write(
                piece.message.span.bytes, index: piece.index, of: piece.name, to: &$0)
        }
        guard let bytes else { throw Finding(description: "\(piece) cannot be written") }
        var reader = ByteReader(bytes.span.bytes)
        guard case .message(let fragment)? = try? Frame(&reader) else {
            throw Finding(description: "\(piece) cannot be read")
        }
        return tested.receive(fragment, now: .init(nanoseconds: 0))
    }

    private static func receive(
        _ piece: Piece, parityOf group: Range<Int>, _ tested: inout Reassembler
    ) throws -> Reassembler.Outcome {
        let bytes = written {
            try ParityFrame.write(piece.message.span.bytes, group: group, of: piece.name, to: &$0)
        }
        guard let bytes else { throw Finding(description: "\(piece) cannot be written") }
        var reader = ByteReader(bytes.span.bytes)
        guard case .parity(let parity)? = try? Frame(&reader) else {
            throw Finding(description: "parity of \(piece) cannot be read")
        }
        return tested.receive(parity)
    }

    /// A fragment of a message whose size and contents follow from its number, mostly.
    private struct Piece: CustomStringConvertible {
        var kind: DeliveryClass.Kind
        var number: UInt64
        var place: StreamPlace?
        var index: Int
        var message: [UInt8]

        init(_ tape: inout Tape) {
            let choice = tape.byte()
            let kinds: [DeliveryClass.Kind] = [.durable, .reliable, .ordered, .expiring]
            kind = kinds[Int(choice & 3)]
            number = UInt64(tape.byte() & 31)
            if choice & 0xC0 == 0xC0 { number = tape.number() >> 2 }
            var total = Int(number % 16) * 500
            if choice & 0x38 == 0x38 { total = tape.below(WireLimits.messageByteCountMax + 1) }
            let first = UInt8(truncatingIfNeeded: number) &+ (choice & 0x3E == 0x3E ? 1 : 0)
            message = (0..<total).map { first &+ UInt8(truncatingIfNeeded: $0 / 7) }
            index = tape.below(MessageFragment.count(total: total))
            guard kind == .ordered else { return }
            // Three streams that take turns; sometimes a message says that it is of another.
            let distance: UInt64 = choice & 0x7C == 0x7C ? 1 : 3
            place = StreamPlace(stream: number % 3, distance: number < distance ? 0 : distance)
        }

        var name: MessageName { MessageName(DeliveryClass(kind), number, place: place) }

        /// Two to eight fragments in a row.
        func group(_ tape: inout Tape) -> Range<Int> {
            let fragments = MessageFragment.count(total: message.count)
            let count = 2 + tape.below(min(fragments, WireLimits.parityGroupMax) - 1)
            let first = tape.below(fragments - count + 1)
            return first..<first + count
        }

        /// The exclusive or of fragments, filled up with zeros.
        func parity(_ group: Range<Int>) -> [UInt8] {
            (0..<WireLimits.fragmentByteCount).map { place in
                group.reduce(0) { sum, index in
                    let at = index * WireLimits.fragmentByteCount + place
                    return sum ^ (at < message.count ? message[at] : 0)
                }
            }
        }

        var range: Range<Int> { MessageFragment.range(index, total: message.count) }

        var description: String {
            "fragment \(index) of \(kind) message \(number) of \(message.count) bytes"
        }
    }

    private struct Model {
        struct Name: Hashable {
            var kind: DeliveryClass.Kind
            var number: UInt64

            init(_ kind: DeliveryClass.Kind, _ number: UInt64) {
                self.kind = kind
                self.number = number
            }

            init(_ name: MessageName) { self.init(name.deliveryClass.kind, name.number) }
        }
        private struct Partial {
            var name: MessageName
            var total: Int
            var pieces: [Int: [UInt8]] = [:]
        }

        private struct Parity {
            var name: MessageName
            var total: Int
            var group: Range<Int>
            var bytes: [UInt8]
        }

        private let credit: UInt64
        private var begun: UInt64 = 0
        private var finished: UInt64 = 0
        private var complete: Set<Name> = []
        private var bases: [DeliveryClass.Kind: UInt64] = [:]
        private var highest: [DeliveryClass.Kind: UInt64] = [:]
        private var partials: [Name: Partial] = [:]
        private var parities: [Parity] = []
        private var skipped: Set<Name> = []
        private var passed: Set<Name> = []
        /// By the message before it.
        private var held: [Name: (number: UInt64, message: [UInt8]?, charged: Int)] = [:]
        private var last: Name?
        /// Whether each message that was given up was whole before.
        var owed: [Name: Bool] = [:]
        private(set) var granted: UInt64
        private(set) var assembled: [UInt8] = []

        init(credit: Int) {
            self.credit = UInt64(credit)
            granted = UInt64(credit)
        }

        mutating func receive(_ piece: Piece) -> Reassembler.Outcome {
            last = nil
            let name = Name(piece.kind, piece.number)
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
            guard count > 1 else { return finish(piece.name, bytes, as: .whole) }
            var partial =
                partials[name] ?? Partial(name: piece.name, total: piece.message.count)
            guard partial.total == piece.message.count, partial.name == piece.name,
                partial.pieces[piece.index] ?? bytes == bytes
            else { return .violation(.fragmentConflict) }
            partial.pieces[piece.index] = bytes
            partials[name] = partial
            return makeUp(name)
        }

        mutating func receive(_ piece: Piece, parityOf group: Range<Int>) -> Reassembler.Outcome {
            last = nil
            let name = Name(piece.kind, piece.number)
            guard piece.number < (bases[piece.kind] ?? 0) + WireLimits.messageWindow else {
                return .violation(.limitExceeded)
            }
            guard !complete.contains(name) else { return .none }
            let bytes = piece.parity(group)
            for known in parities where Name(known.name) == name {
                guard known.name == piece.name, known.total == piece.message.count,
                    known.group != group || known.bytes == bytes
                else { return .violation(.fragmentConflict) }
                if known.group == group { return .none }
            }
            parities = parities.suffix(WireLimits.paritiesMax - 1)
            parities.append(
                Parity(
                    name: piece.name, total: piece.message.count, group: group, bytes: bytes))
            return partials[name] == nil ? .none : makeUp(name)
        }

        /// Until nothing follows any more.
        private mutating func makeUp(_ name: Name) -> Reassembler.Outcome {
            guard var partial = partials[name] else { return .none }
            var isNews = true
            while isNews {
                isNews = false
                for i in parities.indices where Name(parities[i].name) == name {
                    let parity = parities[i]
                    guard parity.name == partial.name, parity.total == partial.total else {
                        return .violation(.fragmentConflict)
                    }
                    let missing = parity.group.filter { partial.pieces[$0] == nil }
                    guard missing.count < 2 else { continue }
                    parities.remove(at: i)
                    var sum = parity.bytes
                    for index in parity.group {
                        for (at, byte) in (partial.pieces[index] ?? []).enumerated() {
                            sum[at] ^= byte
                        }
                    }
                    let count = missing.reduce(0) {
                        $0 + MessageFragment.range($1, total: partial.total).count
                    }
                    guard sum[count...].allSatisfy({ $0 == 0 }) else {
                        return .violation(.fragmentConflict)
                    }
                    for index in missing { partial.pieces[index] = Array(sum[..<count]) }
                    isNews = true
                    break
                }
            }
            partials[name] = partial
            let count = MessageFragment.count(total: partial.total)
            guard partial.pieces.count == count else { return .none }
            partials[name] = nil
            return finish(
                partial.name, (0..<count).flatMap { partial.pieces[$0] ?? [] }, as: .assembled)
        }

        mutating func skip(_ piece: Piece) -> Reassembler.Outcome {
            last = nil
            let name = Name(piece.kind, piece.number)
            let base = bases[piece.kind] ?? 0
            guard piece.number < base + WireLimits.messageWindow else {
                return .violation(.limitExceeded)
            }
            guard !complete.contains(name) else {
                owe(name)
                return .none
            }
            var charged = piece.message.count
            if let partial = partials.removeValue(forKey: name) {
                charged = partial.total
            } else {
                guard begun + UInt64(charged) <= granted else { return .violation(.limitExceeded) }
                begun += UInt64(charged)
            }
            skipped.insert(name)
            let outcome = settle(piece.name, nil, charged: charged, as: .none)
            if case .violation = outcome { return outcome }
            owe(name)
            return outcome
        }

        private mutating func owe(_ name: Name) {
            guard highest[name.kind, default: 0] < name.number + WireLimits.messageWindow else {
                return
            }
            owed[name] = !skipped.contains(name)
        }

        private mutating func finish(
            _ name: MessageName, _ message: [UInt8], as outcome: Reassembler.Outcome
        ) -> Reassembler.Outcome {
            let settled = settle(name, message, charged: message.count, as: outcome)
            if settled == .assembled { assembled = message }
            return settled
        }

        private mutating func settle(
            _ full: MessageName, _ message: [UInt8]?, charged: Int, as outcome: Reassembler.Outcome
        ) -> Reassembler.Outcome {
            let name = Name(full)
            complete.insert(name)
            parities.removeAll { Name($0.name) == name }
            highest[name.kind] = max(highest[name.kind] ?? 0, name.number)
            while complete.contains(Name(name.kind, bases[name.kind] ?? 0)) {
                bases[name.kind, default: 0] += 1
            }
            if let before = before(full), !passed.contains(before) {
                guard held[before] == nil else { return .violation(.fragmentConflict) }
                held[before] = (full.number, message, charged)
                return .held
            }
            pass(name, charged)
            return outcome
        }

        private func before(_ name: MessageName) -> Name? {
            switch name.deliveryClass.kind {
            case .durable: return name.number > 0 ? Name(.durable, name.number - 1) : nil
            case .ordered:
                guard let place = name.place, place.distance > 0 else { return nil }
                return Name(.ordered, name.number - place.distance)
            default: return nil
            }
        }

        private mutating func pass(_ name: Name, _ charged: Int) {
            passed.insert(name)
            finished += UInt64(charged)
            last = name
        }

        mutating func releaseHeld() -> UInt64? {
            while let name = last, let next = held.removeValue(forKey: name) {
                pass(Name(name.kind, next.number), next.charged)
                guard let message = next.message else { continue }
                assembled = message
                return next.number
            }
            last = nil
            return nil
        }

        mutating func announceCredit() -> UInt64 {
            granted = max(granted, finished + credit)
            return granted
        }
    }
}

// Fragments that are made up for by PARITY frames: kept until they help, and checked (§5.12).

internal import PetrelBase
internal import PetrelWire

extension Reassembler {
    /// A PARITY frame of a message that is unfinished.
    struct Parity: Sendable {
        var name: MessageName
        var total: Int
        var group: Range<Int>
        var bytes: [UInt8]
    }

    /// Takes a PARITY frame in: it helps at once, or later, or not at all.
    ///
    /// It begins no message, so it costs no credit; the oldest gives way when there are too many.
    mutating func receive(_ frame: borrowing ParityFrame) -> Outcome {
        forgetLast()
        let lane = Self.lane(frame.name)
        let number = frame.name.number
        guard lanes[lane].seen.reaches(number) else { return .violation(.limitExceeded) }
        guard !lanes[lane].seen.contains(number) else { return .none }
        let parity = Parity(
            name: frame.name, total: frame.total, group: frame.group,
            bytes: Self.copy(frame.bytes))
        for i in parities.indices where Self.isSameMessage(parities[i].name, parity.name) {
            guard parities[i].name == parity.name, parities[i].total == parity.total else {
                return .violation(.fragmentConflict)
            }
            guard parities[i].group == parity.group else { continue }
            return parities[i].bytes == parity.bytes ? .none : .violation(.fragmentConflict)
        }
        if parities.count >= WireLimits.paritiesMax { parities.removeFirst() }
        parities.append(parity)
        guard let place = partialIndex(parity.name) else { return .none }
        return rebuild(place)
    }

    /// Rebuilds what follows from the parities of an unfinished message.
    mutating func rebuild(_ place: Int) -> Outcome {
        let name = partials[place].name
        var i = 0
        while i < parities.count {
            guard Self.isSameMessage(parities[i].name, name) else {
                i += 1
                continue
            }
            guard parities[i].name == name, parities[i].total == partials[place].total else {
                return .violation(.fragmentConflict)
            }
            let group = parities[i].group
            let missing = group.filter { partials[place].received & 1 << UInt64($0) == 0 }
            guard missing.count <= 1 else {
                i += 1
                continue
            }
            guard apply(parities.remove(at: i), missing: missing.first, place) else {
                return .violation(.fragmentConflict)
            }
            i = 0  // groups that overlap may help each other
        }
        guard partials[place].received.nonzeroBitCount == partials[place].count else {
            return .none
        }
        return complete(partials.remove(at: place))
    }

    /// Nothing more is to be rebuilt of a message.
    mutating func forgetParities(_ name: MessageName) {
        guard !parities.isEmpty else { return }
        parities.removeAll { Self.isSameMessage($0.name, name) }
    }

    /// Adds the fragment that is missing, or checks the parity if none is; `false` if it cannot be
    /// of these fragments.
    private mutating func apply(_ parity: Parity, missing: Int?, _ place: Int) -> Bool {
        var rest = parity.bytes
        for index in parity.group where index != missing {
            #if PETREL_PLANTED
                if PlantedBug.parityOfOthers.isActive, index == parity.group.upperBound - 1 {
                    continue
                }
            #endif
            let byteCount = MessageFragment.range(index, total: parity.total).count
            let start = Int(partials[place].starts[index])
            for k in 0..<byteCount { rest[k] ^= partials[place].bytes[start + k] }
        }
        let byteCount = missing.map { MessageFragment.range($0, total: parity.total).count } ?? 0
        #if PETREL_PLANTED
            let isFilledUp =
                PlantedBug.parityOfOthers.isActive || rest[byteCount...].allSatisfy { $0 == 0 }
        #else
            let isFilledUp = rest[byteCount...].allSatisfy { $0 == 0 }
        #endif
        guard isFilledUp else { return false }
        guard let missing else { return true }
        partials[place].received |= 1 << UInt64(missing)
        partials[place].starts[missing] = UInt16(partials[place].bytes.count)
        partials[place].bytes.append(contentsOf: rest[..<byteCount])
        rebuiltCount += 1
        return true
    }

    private static func isSameMessage(_ a: MessageName, _ b: MessageName) -> Bool {
        a.number == b.number && a.deliveryClass.kind == b.deliveryClass.kind
    }
}

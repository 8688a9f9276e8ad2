// The tables of the store in memory, beside a dictionary that is sorted when it is asked.

import PetrelBase
import Testing

@testable import PetrelServices

@Suite struct OrderedRowsTests {
    private func number(_ row: (any Record)?) -> UInt64? { (row as? NumberRow)?.number }

    private func keys(
        _ rows: OrderedRows, from start: Key = Key([]), prefix: Int = 0, limit: Int = .max
    ) -> [Key] {
        var keys: [Key] = []
        rows.walk(from: start, prefix: prefix) { key in
            keys.append(key)
            return keys.count < limit
        }
        return keys
    }

    /// Keys of one to three bytes, so that they collide, and some begin with others.
    private func key(_ random: inout RandomStream) -> Key {
        Key((0...random.below(3)).map { _ in UInt8(random.below(6)) })
    }

    @Test(arguments: UInt64(0)..<20)
    func chanceMeetsADictionary(_ seed: UInt64) {
        var random = RandomStream(seed: seed, label: "rows")
        var rows = OrderedRows()
        var model: [Key: UInt64] = [:]
        // Odd seeds remove as much as they add, even ones fill many runs.
        let removal = seed % 2 == 0 ? 0.2 : 0.5
        for step in UInt64(0)..<2_000 {
            let key = seed < 10 ? key(&random) : Key(random.below(1_000))
            if random.chance(removal) {
                rows.remove(key)
                model[key] = nil
            } else {
                rows.set(NumberRow(step), at: key)
                model[key] = step
            }
            let asked = seed < 10 ? self.key(&random) : Key(random.below(1_000))
            #expect(number(rows[asked]) == model[asked])
            #expect(rows.contains(asked) == (model[asked] != nil))
        }
        let sorted = model.keys.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        #expect(keys(rows) == sorted)
        for _ in 0..<50 {
            let start = seed < 10 ? key(&random) : Key(random.below(1_000))
            let prefix = Int(random.below(UInt64(start.bytes.count + 1)))
            let limit = 1 + Int(random.below(100))
            let expected = sorted.filter {
                !$0.bytes.lexicographicallyPrecedes(start.bytes)
                    && $0.bytes.prefix(prefix) == start.bytes.prefix(prefix)
            }
            #expect(keys(rows, from: start, prefix: prefix) == expected)
            let few = keys(rows, from: start, prefix: prefix, limit: limit)
            #expect(few == Array(expected.prefix(limit)))
        }
        for key in sorted { rows.remove(key) }
        #expect(keys(rows) == [])
    }

    @Test func aCopyStaysAsItWas() {
        var rows = OrderedRows()
        for number in UInt64(0)..<200 { rows.set(NumberRow(number), at: .number(number)) }
        let copy = rows
        for number in UInt64(0)..<200 { rows.set(NumberRow(0), at: .number(number)) }
        for number in UInt64(100)..<150 { rows.remove(.number(number)) }
        for number in UInt64(200)..<300 { rows.set(NumberRow(number), at: .number(number)) }
        #expect(keys(copy) == (0..<200).map { Key.number($0) })
        #expect((0..<200).allSatisfy { number(copy[.number($0)]) == $0 })
        #expect(keys(rows).count == 250)
    }
}

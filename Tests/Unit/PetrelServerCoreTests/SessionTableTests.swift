// The table of connection IDs against a dictionary.

import PetrelBase
import Testing

@testable import PetrelServerCore

struct SessionTableTests {
    @Test(arguments: 0..<8 as Range<UInt64>)
    func behavesLikeADictionary(seed: UInt64) {
        var random = RandomStream(seed: seed, label: "session table")
        var slab = Slab<Int>(capacity: 64)
        var table = SessionTable(capacity: 64)
        var model: [UInt64: Handle] = [:]
        var ids: [UInt64] = []
        for _ in 0..<600 {
            if ids.count < 64, random.chance(0.55) {
                let id = 1 + random.below(200)
                guard model[id] == nil, let handle = slab.insert(0) else { continue }
                table.insert(id, handle)
                model[id] = handle
                ids.append(id)
            } else if !ids.isEmpty {
                let id = ids.remove(at: Int(random.below(UInt64(ids.count))))
                table.remove(id)
                if let handle = model.removeValue(forKey: id) { _ = slab.remove(handle) }
            }
            #expect(table.count == ids.count)
            for id in 0...200 as ClosedRange<UInt64> {
                if table.handle(of: id) != model[id] { Issue.record("\(id) is wrong") }
            }
        }
    }
}

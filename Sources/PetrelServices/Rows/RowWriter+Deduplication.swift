// Forgetting what was committed so long ago that no client repeats it.

import PetrelBase
import PetrelMessaging

extension RowWriter where Self: ~Copyable {
    mutating func purge(before: WallTime, limit: Int) throws(Trouble) -> StoreOutcome {
        let limit = min(max(0, limit), StoreLimits.purgedRowsMax)
        let end = Key.deduplicated(from: before)
        for key in try list(.deduplicated, from: .number(0), prefix: 0, limit: limit) {
            guard key < end else { break }
            try delete(key, in: .deduplicated)
            try delete(key.deduplication, in: .deduplication)
        }
        return .done
    }
}

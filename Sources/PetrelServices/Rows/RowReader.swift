// What the rules need of a store that keeps rows: looking them up, and walking tables in order.

internal import PetrelMessaging

/// A row that cannot be read, or is missing where it must be.
public struct DamagedRow: Equatable, Sendable {
    /// The table.
    public var table: TableName
    /// The key.
    public var key: Key

    /// Names the row.
    public init(table: TableName, key: Key) {
        self.table = table
        self.key = key
    }
}

/// Why a rule gives no result; nothing was changed.
public enum RowTrouble<Failure: Error>: Error {
    /// What was asked for must not be done.
    case refused(Refused)
    /// There is no room for it.
    case full
    /// A damaged row is in its way; it concerns nothing else.
    case damaged(DamagedRow)
    /// The store does not work, and nothing goes on.
    case failed(Failure)
}

/// A consistent view of a server's tables.
///
/// All that services ask of a store is answered by extensions of this, the same for every store. A
/// reader decides what a damaged row is: to one that only looks, it is reported and taken for none;
/// to one that writes, it is `damaged`, and refuses what needs it.
public protocol RowReader: ~Copyable {
    /// What happens when the store does not work; `Never` if it always does.
    associatedtype Failure: Error
    /// Why there is no answer.
    typealias Trouble = RowTrouble<Failure>

    /// Returns the row under `key`; `nil` if there is none.
    func find<R: Record>(_ key: Key, in table: TableName) throws(Trouble) -> R?
    /// Whether anything stands under `key`, damaged or not.
    func has(_ key: Key, in table: TableName) throws(Trouble) -> Bool
    /// Returns keys from `start` on that share its first `prefix` bytes, in order, `limit` at most.
    func list(
        _ table: TableName, from start: Key, prefix: Int, limit: Int
    ) throws(Trouble) -> [Key]
    /// Counts the keys from `start` on that share its first `prefix` bytes.
    func count(_ table: TableName, from start: Key, prefix: Int) throws(Trouble) -> Int
    /// The limits that the rules go by.
    var limits: ServiceLimits { get }
    /// Takes note of a damaged row that is passed over.
    func report(_ row: DamagedRow)
}

extension RowReader where Self: ~Copyable {
    /// Collects what `body` makes of the keys from `start` on that share its first `prefix` bytes,
    /// until there are `limit` items; also returns where to go on.
    ///
    /// Keys that `body` makes nothing of do not count, so that damaged records hide no others.
    public func collect<Item>(
        _ table: TableName, from start: Key, prefix: Int, limit: Int,
        _ body: (Key) throws(Trouble) -> Item?
    ) throws(Trouble) -> (items: [Item], rest: Key) {
        var items: [Item] = []
        var rest = start
        while items.count < limit {
            let wanted = limit - items.count
            let keys = try list(table, from: rest, prefix: prefix, limit: wanted)
            guard let last = keys.last else { break }
            for key in keys {
                if let item = try body(key) { items.append(item) }
            }
            rest = last.successor
        }
        return (items, rest)
    }
}

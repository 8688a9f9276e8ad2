// A server's tables in memory: what a `MemoryStore` has on its disk.

/// Rows as they are, without bytes; never damaged, and always there.
struct MemoryRows: RowWriter, Sendable {
    typealias Failure = Never

    /// The limits that the rules go by.
    var limits = ServiceLimits()
    /// By the numbers of the tables.
    private var tables = [OrderedRows](repeating: OrderedRows(), count: TableName.numbersCount)

    func find<R: Record>(_ key: Key, in table: TableName) throws(Trouble) -> R? {
        tables[Int(table.number)][key].flatMap { $0 as? R }
    }

    func has(_ key: Key, in table: TableName) throws(Trouble) -> Bool {
        tables[Int(table.number)].contains(key)
    }

    func list(
        _ table: TableName, from start: Key, prefix: Int, limit: Int
    ) throws(Trouble) -> [Key] {
        var keys: [Key] = []
        guard limit > 0 else { return keys }
        tables[Int(table.number)].walk(from: start, prefix: prefix) { key in
            keys.append(key)
            return keys.count < limit
        }
        return keys
    }

    func count(_ table: TableName, from start: Key, prefix: Int) throws(Trouble) -> Int {
        var count = 0
        tables[Int(table.number)].walk(from: start, prefix: prefix) { _ in
            count += 1
            return true
        }
        return count
    }

    /// Nothing is ever damaged here, but what the rules miss has no other place to be told.
    func report(_ row: DamagedRow) {}

    mutating func set(_ row: some Record, at key: Key, in table: TableName) throws(Trouble) {
        tables[Int(table.number)].set(row, at: key)
    }

    mutating func delete(_ key: Key, in table: TableName) throws(Trouble) {
        tables[Int(table.number)].remove(key)
    }

    /// Forgets all rows of a table.
    mutating func removeAll(in table: TableName) { tables[Int(table.number)] = OrderedRows() }
}

// The tables of a server on its disk, to be changed by the rules of PetrelServices.

import PetrelServices

extension WriteTransaction: RowWriter {
    typealias Failure = StoreError

    mutating func set(_ row: some Record, at key: Key, in table: TableName) throws(Trouble) {
        do throws(StoreError) {
            try put(row, at: key, in: table)
        } catch {
            throw .failed(error)
        }
    }

    mutating func delete(_ key: Key, in table: TableName) throws(Trouble) {
        do throws(StoreError) {
            try remove(key, in: table)
        } catch {
            throw .failed(error)
        }
    }

    func report(_ row: DamagedRow) { damageMet(DamagedRecord(row)) }
}

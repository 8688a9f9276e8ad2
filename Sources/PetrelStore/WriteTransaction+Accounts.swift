// What an operation does to the tables; first the accounts and devices.
//
// Every operation reads all that it needs before it writes anything, so that a refusal, or a
// damaged record in its way, leaves the batch as it was.

import PetrelBase
import PetrelMessaging
import PetrelServices

/// Which operations a batch may take in.
enum Admission {
    case all
    /// The map is nearly full: nothing that adds accounts, devices or messages.
    case acknowledgementsOnly
}

/// Why an operation changes nothing.
enum Verdict: Error {
    case refused(MessagingError)
    case full
    case store(StoreError)
}

extension WriteTransaction {
    /// Decides what becomes of `operation` and does it.
    ///
    /// Damaged records that need not stop it are passed over and told to `report`.
    mutating func apply(
        _ operation: StoreOperation, _ admission: Admission, report: (DamagedRecord) -> Void
    ) throws(Verdict) -> StoreOutcome {
        if let refusal = operation.shapeRefusal { throw .refused(refusal) }
        switch operation {
        case .createAccount(let create): return try add(create, admission)
        case .enrolDevice(let enrol): return try add(enrol, admission)
        case .appendMessage(let append): return try add(append, admission)
        case .acknowledge(let acknowledge): return try raise(acknowledge, report: report)
        case .raiseHelloCounter(let account, let device, let counter):
            return try raise(counter, of: device, of: account)
        case .replacePassword(let account, let record):
            return try replacePassword(of: account, with: record)
        case .purgeDeduplication(let before, let limit):
            return try purge(before: before, limit: limit)
        }
    }

    private mutating func add(
        _ create: CreateAccount, _ admission: Admission
    ) throws(Verdict) -> StoreOutcome {
        let accountKey = Key.account(create.account)
        let handleKey = Key.text(create.handle)
        guard try !has(.deviceKey(create.key), in: .deviceKey) else {
            throw .refused(.alreadyEnrolled)
        }
        guard try !has(handleKey, in: .handle) else { throw .refused(.handleTaken) }
        // The identifier was drawn at random; whoever asks again draws another one.
        guard try !has(accountKey, in: .account) else { throw .refused(.busy) }
        guard admission == .all else { throw .full }
        let row = AccountRow(
            handle: create.handle, password: create.password, created: create.time,
            lastDevice: .init(0))
        try set(NumberRow(create.account.number), at: handleKey, in: .handle)
        return try addDevice(
            DeviceRow(
                key: create.key, name: create.deviceName, helloCounter: create.helloCounter,
                created: create.time),
            to: create.account, row)
    }

    private mutating func add(
        _ enrol: EnrolDevice, _ admission: Admission
    ) throws(Verdict) -> StoreOutcome {
        guard let row: AccountRow = try find(.account(enrol.account), in: .account) else {
            throw .refused(.notEnrolled)
        }
        guard try !has(.deviceKey(enrol.key), in: .deviceKey) else {
            throw .refused(.alreadyEnrolled)
        }
        guard row.lastDevice.number < StoreLimits.devicesMax else {
            throw .refused(.tooManyDevices)
        }
        guard admission == .all else { throw .full }
        return try addDevice(
            DeviceRow(
                key: enrol.key, name: enrol.deviceName, helloCounter: enrol.helloCounter,
                created: enrol.time),
            to: enrol.account, row)
    }

    /// Writes the device under the next number, and the account that remembers the number.
    private mutating func addDevice(
        _ row: DeviceRow, to account: AccountID, _ accountRow: AccountRow
    ) throws(Verdict) -> StoreOutcome {
        var accountRow = accountRow
        let device = DeviceID(accountRow.lastDevice.number + 1)
        accountRow.lastDevice = device
        try set(accountRow, at: .account(account), in: .account)
        try set(row, at: .device(device, of: account), in: .device)
        let name = DeviceNameRow(account: account, device: device)
        try set(name, at: .deviceKey(row.key), in: .deviceKey)
        return .enrolled(account: account, device: device)
    }

    private mutating func raise(
        _ counter: UInt64, of device: DeviceID, of account: AccountID
    ) throws(Verdict) -> StoreOutcome {
        let key = Key.device(device, of: account)
        guard var row: DeviceRow = try find(key, in: .device) else { throw .refused(.notEnrolled) }
        if counter > row.helloCounter {
            row.helloCounter = counter
            try set(row, at: key, in: .device)
        }
        return .done
    }

    private mutating func replacePassword(
        of account: AccountID, with record: [UInt8]
    ) throws(Verdict) -> StoreOutcome {
        let key = Key.account(account)
        guard var row: AccountRow = try find(key, in: .account) else {
            throw .refused(.notEnrolled)
        }
        row.password = record
        try set(row, at: key, in: .account)
        return .done
    }
}

/// The same as in `Transaction` and `WriteTransaction`, with the errors of an operation.
extension WriteTransaction {
    func has(_ key: Key, in table: TableName) throws(Verdict) -> Bool {
        do throws(StoreError) {
            return try contains(key, in: table)
        } catch {
            throw .store(error)
        }
    }

    func find<R: Record>(_ key: Key, in table: TableName) throws(Verdict) -> R? {
        do throws(StoreError) {
            return try row(key, in: table)
        } catch {
            throw .store(error)
        }
    }

    func list(
        _ table: TableName, from start: Key, prefix: Int, limit: Int = .max
    ) throws(Verdict) -> [Key] {
        do throws(StoreError) {
            return try keys(in: table, from: start, prefix: prefix, limit: limit)
        } catch {
            throw .store(error)
        }
    }

    mutating func set(_ record: some Record, at key: Key, in table: TableName) throws(Verdict) {
        do throws(StoreError) {
            try put(record, at: key, in: table)
        } catch {
            throw .store(error)
        }
    }

    mutating func delete(_ key: Key, in table: TableName) throws(Verdict) {
        do throws(StoreError) {
            try remove(key, in: table)
        } catch {
            throw .store(error)
        }
    }
}

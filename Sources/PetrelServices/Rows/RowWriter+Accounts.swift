// What accounts and devices do to the tables.

import PetrelBase
import PetrelMessaging

extension RowWriter where Self: ~Copyable {
    mutating func add(
        _ create: CreateAccount, _ admission: Admission
    ) throws(Trouble) -> StoreOutcome {
        let accountKey = Key.account(create.account)
        let handleKey = Key.text(create.handle)
        guard try !has(.deviceKey(create.key), in: .deviceKey) else {
            throw .refused(Refused(.alreadyEnrolled))
        }
        guard try !has(handleKey, in: .handle) else { throw .refused(Refused(.handleTaken)) }
        // The identifier was drawn at random; whoever asks again draws another one.
        guard try !has(accountKey, in: .account) else { throw .refused(Refused(.busy)) }
        guard admission == .all else { throw .full }
        let row = AccountRow(
            handle: create.handle, password: create.password, created: create.time,
            lastDevice: .init(0))
        try set(NumberRow(create.account.number), at: handleKey, in: .handle)
        return try addDevice(
            DeviceRow(
                key: create.key, name: create.deviceName, helloCounter: create.helloCounter,
                created: create.time, connected: create.time),
            to: create.account, row)
    }

    mutating func add(
        _ enrol: EnrolDevice, _ admission: Admission
    ) throws(Trouble) -> StoreOutcome {
        guard let row: AccountRow = try find(.account(enrol.account), in: .account) else {
            throw .refused(Refused(.notEnrolled))
        }
        guard try !has(.deviceKey(enrol.key), in: .deviceKey) else {
            throw .refused(Refused(.alreadyEnrolled))
        }
        guard row.lastDevice.number < StoreLimits.devicesMax else {
            throw .refused(Refused(.tooManyDevices))
        }
        guard admission == .all else { throw .full }
        return try addDevice(
            DeviceRow(
                key: enrol.key, name: enrol.deviceName, helloCounter: enrol.helloCounter,
                created: enrol.time, connected: enrol.time),
            to: enrol.account, row)
    }

    /// Writes the device under the next number, and the account that remembers the number.
    private mutating func addDevice(
        _ row: DeviceRow, to account: AccountID, _ accountRow: AccountRow
    ) throws(Trouble) -> StoreOutcome {
        var accountRow = accountRow
        let device = DeviceID(accountRow.lastDevice.number + 1)
        accountRow.lastDevice = device
        try set(accountRow, at: .account(account), in: .account)
        try set(row, at: .device(device, of: account), in: .device)
        let name = DeviceNameRow(account: account, device: device)
        try set(name, at: .deviceKey(row.key), in: .deviceKey)
        return .enrolled(account: account, device: device, AccountChanges())
    }

    mutating func raise(
        _ counter: UInt64, of device: DeviceID, of account: AccountID, at time: WallTime
    ) throws(Trouble) -> StoreOutcome {
        let key = Key.device(device, of: account)
        guard var row: DeviceRow = try find(key, in: .device) else { throw .refused(Refused(.notEnrolled)) }
        if counter > row.helloCounter {
            row.helloCounter = counter
            try set(row, at: key, in: .device)
        }
        return .done
    }

    mutating func replacePassword(
        of account: AccountID, with record: [UInt8]
    ) throws(Trouble) -> StoreOutcome {
        let key = Key.account(account)
        guard var row: AccountRow = try find(key, in: .account) else {
            throw .refused(Refused(.notEnrolled))
        }
        row.password = record
        try set(row, at: key, in: .account)
        return .done
    }
}

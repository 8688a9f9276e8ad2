// What is read of accounts and devices.

public import PetrelMessaging

extension RowReader where Self: ~Copyable {
    /// Returns the account with that normalised handle, deleted ones included.
    public func account(handle: String) throws(Trouble) -> AccountRecord? {
        // No key is empty or that long, and a database would take the question for a mistake.
        guard !handle.isEmpty, handle.utf8.count <= StoreLimits.handleBytesMax else { return nil }
        let row: NumberRow? = try find(.text(handle), in: .handle)
        guard let row else { return nil }
        return try account(AccountID(row.number))
    }

    /// Returns the account with that identifier, deleted ones included.
    public func account(_ id: AccountID) throws(Trouble) -> AccountRecord? {
        guard let row: AccountRow = try find(.account(id), in: .account) else { return nil }
        return AccountRecord(
            id: id, handle: row.handle, password: row.password, created: row.created,
            profile: row.profile, privacy: row.privacy, recovery: row.recovery,
            bytesUsed: try accountHead(id).bytesUsed, isDeleted: row.isDeleted)
    }

    /// Returns the device with that key, revoked ones included.
    public func device(key: DeviceKey) throws(Trouble) -> DeviceRecord? {
        guard let name: DeviceNameRow = try find(.deviceKey(key), in: .deviceKey)
        else { return nil }
        let deviceKey = Key.device(name.device, of: name.account)
        guard let row: DeviceRow = try find(deviceKey, in: .device) else { return nil }
        let feed: NumberRow? = try find(deviceKey, in: .watermark)
        return DeviceRecord(
            account: name.account, device: name.device, key: row.key, name: row.name,
            helloCounter: row.helloCounter, feed: .init(feed?.number ?? 0),
            isRevoked: row.isRevoked)
    }

    /// Returns what an account's own devices know of it; `nil` if there is none, or no longer.
    public func accountState(_ account: AccountID) throws(Trouble) -> AccountState? {
        guard let row: AccountRow = try find(.account(account), in: .account), !row.isDeleted
        else { return nil }
        let devices = try presentDevices(of: account).map { device, row in
            DeviceState(
                device: device, name: row.name, created: row.created, connected: row.connected)
        }
        return AccountState(
            profile: row.profile, privacy: row.privacy, devices: devices,
            bytesUsed: try accountHead(account).bytesUsed, bytesMax: limits.accountBytesMax,
            hasRecovery: row.recovery != nil)
    }

    /// Returns the devices of an account that are not revoked, by number.
    func presentDevices(
        of account: AccountID
    ) throws(Trouble) -> [(device: DeviceID, row: DeviceRow)] {
        var devices: [(device: DeviceID, row: DeviceRow)] = []
        for key in try list(.device, from: .account(account), prefix: 8, limit: .max) {
            guard let row: DeviceRow = try find(key, in: .device), !row.isRevoked
            else { continue }
            devices.append((key.device, row))
        }
        return devices
    }
}

extension Key {
    /// The device that a key of `device` names; 0 if it is too short.
    var device: DeviceID {
        guard bytes.count >= 12 else { return DeviceID(0) }
        return DeviceID(bytes[8..<12].reduce(0) { $0 << 8 | UInt32($1) })
    }
}

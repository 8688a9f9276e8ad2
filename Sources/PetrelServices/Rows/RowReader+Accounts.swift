// What is read of accounts and devices.

public import PetrelMessaging

extension RowReader where Self: ~Copyable {
    /// Returns the account with that normalised handle.
    public func account(handle: String) throws(Trouble) -> AccountRecord? {
        // No key is empty or that long, and a database would take the question for a mistake.
        guard !handle.isEmpty, handle.utf8.count <= StoreLimits.handleBytesMax else { return nil }
        let row: NumberRow? = try find(.text(handle), in: .handle)
        guard let row else { return nil }
        return try account(AccountID(row.number))
    }

    /// Returns the account with that identifier.
    public func account(_ id: AccountID) throws(Trouble) -> AccountRecord? {
        guard let row: AccountRow = try find(.account(id), in: .account) else { return nil }
        return AccountRecord(
            id: id, handle: row.handle, password: row.password, created: row.created)
    }

    /// Returns the device with that key.
    public func device(key: DeviceKey) throws(Trouble) -> DeviceRecord? {
        guard let name: DeviceNameRow = try find(.deviceKey(key), in: .deviceKey)
        else { return nil }
        let deviceKey = Key.device(name.device, of: name.account)
        guard let row: DeviceRow = try find(deviceKey, in: .device) else { return nil }
        let feed: NumberRow? = try find(deviceKey, in: .watermark)
        return DeviceRecord(
            account: name.account, device: name.device, key: row.key, name: row.name,
            helloCounter: row.helloCounter, feed: .init(feed?.number ?? 0))
    }
}

// What happens to devices after they were enrolled: names, revocation, recovery.

import PetrelMessaging

extension RowWriter where Self: ~Copyable {
    mutating func recover(
        _ recover: RecoverAccount, _ admission: Admission
    ) throws(Trouble) -> StoreOutcome {
        let account = recover.device.account
        try requireNewKey(recover.device.key)
        // The digest is compared here, so that of two who show the same code only one gets in.
        guard var row: AccountRow = try find(.account(account), in: .account), !row.isDeleted,
            row.recovery == recover.proof
        else { throw .refused(Refused(.credentialsWrong)) }
        let devices = try presentDevices(of: account)
        var head = try accountHead(account)
        guard admission == .all else { throw .full }
        row.password = recover.password
        row.recovery = recover.recovery
        let revoked = try revoke(devices, of: account)
        let step = try add(DeviceRow(recover.device), to: account, &row, &head)
        return .enrolled(
            account: account, device: row.lastDevice,
            AccountChanges(steps: [step], revoked: revoked))
    }

    /// Shuts a device out for good; one that is shut out already stays so.
    mutating func revoke(
        _ device: DeviceID, of account: AccountID, _ row: inout AccountRow,
        _ head: inout AccountHeadRow
    ) throws(Trouble) -> AccountChanges {
        let key = Key.device(device, of: account)
        guard let deviceRow: DeviceRow = try find(key, in: .device) else {
            throw .refused(Refused(.unknownDevice))
        }
        guard !deviceRow.isRevoked else { return AccountChanges() }
        let revoked = try revoke([(device, deviceRow)], of: account)
        let step = try write(&row, of: account, &head)
        return AccountChanges(steps: [step], revoked: revoked)
    }

    /// Shuts devices out for good; their keys stay known, so that nobody enrols them again.
    mutating func revoke(
        _ devices: [(device: DeviceID, row: DeviceRow)], of account: AccountID
    ) throws(Trouble) -> [DeviceName] {
        for (device, row) in devices {
            let key = Key.device(device, of: account)
            var row = row
            row.isRevoked = true
            try set(row, at: key, in: .device)
            try delete(key, in: .watermark)
        }
        return devices.map { DeviceName(account: account, device: $0.device) }
    }

    mutating func rename(
        _ device: DeviceID, _ name: String, of account: AccountID, _ row: inout AccountRow,
        _ head: inout AccountHeadRow
    ) throws(Trouble) -> AccountChanges {
        let key = Key.device(device, of: account)
        guard var deviceRow: DeviceRow = try find(key, in: .device), !deviceRow.isRevoked else {
            throw .refused(Refused(.unknownDevice))
        }
        guard deviceRow.name != name else { return AccountChanges() }
        deviceRow.name = name
        try set(deviceRow, at: key, in: .device)
        return AccountChanges(steps: [try write(&row, of: account, &head)])
    }
}

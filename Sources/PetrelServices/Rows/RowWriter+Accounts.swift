// How accounts and devices come to be, and what changes with every session.

import PetrelBase
import PetrelMessaging

extension RowWriter where Self: ~Copyable {
    mutating func add(
        _ create: CreateAccount, _ admission: Admission
    ) throws(Trouble) -> StoreOutcome {
        let accountKey = Key.account(create.account)
        let handleKey = Key.text(create.handle)
        try requireNewKey(create.key)
        guard try !has(handleKey, in: .handle) else { throw .refused(Refused(.handleTaken)) }
        // The identifier was drawn at random; whoever asks again draws another one.
        guard try !has(accountKey, in: .account) else { throw .refused(Refused(.busy)) }
        let invitation = try invitation(for: create)
        var inviter: ContactSide?
        if let invitation {
            inviter = try side(of: invitation.row.account, about: create.account)
        }
        guard admission == .all else { throw .full }

        var row = AccountRow(
            handle: create.handle, password: create.password, created: create.time,
            lastDevice: DeviceID(0))
        row.recovery = create.recovery
        var head = AccountHeadRow()
        let device = DeviceRow(
            key: create.key, name: create.deviceName, helloCounter: create.helloCounter,
            created: create.time, connected: create.time)
        try set(NumberRow(create.account.number), at: handleKey, in: .handle)
        let enrolled = try add(device, to: create.account, &row, &head)
        var changes = AccountChanges(steps: [enrolled])
        if let invitation, var inviter {
            try use(invitation)
            inviter.head.invitationsCount -= min(1, inviter.head.invitationsCount)
            // Who knows as many as it may know invited a stranger.
            guard inviter.head.contactsCount < limits.contactsMax else {
                try set(inviter.head, at: .account(inviter.account), in: .accountHead)
                return .enrolled(account: create.account, device: row.lastDevice, changes)
            }
            inviter.relation.become(.contact)
            var invited = ContactSide(of: create.account, toward: inviter.account, head: head)
            invited.relation.become(.contact)
            changes.steps.append(try write(invited))
            changes.steps.append(try write(inviter))
        }
        return .enrolled(account: create.account, device: row.lastDevice, changes)
    }

    mutating func add(
        _ enrol: EnrolDevice, _ admission: Admission
    ) throws(Trouble) -> StoreOutcome {
        guard var row: AccountRow = try find(.account(enrol.account), in: .account) else {
            throw .refused(Refused(.notEnrolled))
        }
        try requireNewKey(enrol.key)
        // It was deleted while the password was being looked at.
        guard !row.isDeleted else { throw .refused(Refused(.credentialsWrong)) }
        guard try presentDevices(of: enrol.account).count < MessagingLimits.devicesMax else {
            throw .refused(Refused(.tooManyDevices, limit: MessagingLimits.devicesMax))
        }
        var head = try accountHead(enrol.account)
        guard admission == .all else { throw .full }
        let step = try add(DeviceRow(enrol), to: enrol.account, &row, &head)
        return .enrolled(
            account: enrol.account, device: row.lastDevice, AccountChanges(steps: [step]))
    }

    /// Refuses a key that was ever a device's: one key is one device, for ever.
    func requireNewKey(_ key: DeviceKey) throws(Trouble) {
        guard let name: DeviceNameRow = try find(.deviceKey(key), in: .deviceKey) else { return }
        let row: DeviceRow? = try find(.device(name.device, of: name.account), in: .device)
        throw .refused(Refused(row?.isRevoked == true ? .deviceRevoked : .alreadyEnrolled))
    }

    /// Writes the device under the next number, and the account that remembers the number.
    mutating func add(
        _ device: DeviceRow, to account: AccountID, _ row: inout AccountRow,
        _ head: inout AccountHeadRow
    ) throws(Trouble) -> AccountChanges.Step {
        row.lastDevice = DeviceID(row.lastDevice.number + 1)
        try set(device, at: .device(row.lastDevice, of: account), in: .device)
        let name = DeviceNameRow(account: account, device: row.lastDevice)
        try set(name, at: .deviceKey(device.key), in: .deviceKey)
        return try write(&row, of: account, &head)
    }

    /// Writes an account with the entry in its own feed that tells of it.
    mutating func write(
        _ row: inout AccountRow, of account: AccountID, _ head: inout AccountHeadRow
    ) throws(Trouble) -> AccountChanges.Step {
        let feed = try step(.account, of: account, replacing: row.feed, head: &head)
        row.feed = feed.feed
        try set(row, at: .account(account), in: .account)
        return AccountChanges.Step(feed: feed, subject: .account)
    }

    mutating func raise(
        _ counter: UInt64, of device: DeviceID, of account: AccountID, at time: WallTime
    ) throws(Trouble) -> StoreOutcome {
        try requireDevice(device, of: account)
        let key = Key.device(device, of: account)
        if var row: DeviceRow = try find(key, in: .device), counter > row.helloCounter {
            row.helloCounter = counter
            row.connected = max(row.connected, time)
            try set(row, at: key, in: .device)
        }
        return .done
    }

    mutating func replacePassword(
        of account: AccountID, _ old: [UInt8], with record: [UInt8]
    ) throws(Trouble) -> StoreOutcome {
        let key = Key.account(account)
        guard var row: AccountRow = try find(key, in: .account), !row.isDeleted else {
            throw .refused(Refused(.notEnrolled))
        }
        guard row.password == old else { return .done }
        row.password = record
        try set(row, at: key, in: .account)
        return .done
    }
}

extension ContactSide {
    /// The side of an account that was made just now.
    fileprivate init(of account: AccountID, toward peer: AccountID, head: AccountHeadRow) {
        self.init(
            account: account, peer: peer, before: ContactRelation(),
            relation: ContactRelation(), feed: FeedSequence(0), isNew: true, head: head)
    }
}

extension DeviceRow {
    /// The row of a new device.
    init(_ enrol: EnrolDevice) {
        self.init(
            key: enrol.key, name: enrol.deviceName, helloCounter: enrol.helloCounter,
            created: enrol.time, connected: enrol.time)
    }
}

// What becomes of accounts and devices: enrolment, names, revocation, recovery, deletion.

import PetrelBase
import PetrelMessaging
import Testing

@testable import PetrelServices

@Suite struct AccountRulesTests {
    static let code = RecoveryDigest(words: .init(1, 2, 3, 4))
    static let next = RecoveryDigest(words: .init(5, 6, 7, 8))

    /// The operation is refused, and nothing is changed.
    private func expect(
        _ refusal: Refused, _ operation: StoreOperation, _ town: inout Town,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let before = try town.tables()
        #expect(try town.apply(operation) == .refused(refusal), sourceLocation: location)
        #expect(try town.tables() == before, sourceLocation: location)
    }

    private func state(_ town: Town, _ account: UInt64) throws -> AccountState {
        try #require(try town.store.accountState(.init(account)))
    }

    @Test func aNewAccountIsToldToItself() throws {
        var town = try Town(1...1)
        #expect(try town.store.newestFeed(.init(1)) == .init(1))
        let device = DeviceState(
            device: .init(1), name: "", created: town.now, connected: town.now)
        #expect(
            try state(town, 1)
                == AccountState(
                    profile: .init(), privacy: .init(), devices: [device], bytesUsed: 0,
                    bytesMax: town.store.limits.accountBytesMax, hasRecovery: false))
        let item = try town.store.item(.account, of: .init(1))
        let slice = try town.store.changes(of: .init(1), after: .init(0), limit: 9)
        #expect(slice.items == [try #require(item)])
        town.now = Town.later(town.now, .seconds(5))
        let raise = StoreOperation.raiseHelloCounter(
            account: .init(1), device: .init(1), counter: 7, time: town.now)
        #expect(try town.apply(raise) == .done)
        #expect(try state(town, 1).devices[0].connected == town.now)
        #expect(try town.store.device(key: Town.key(1))?.helloCounter == 7)
        let before = try town.tables()
        #expect(try town.apply(raise) == .done)
        #expect(try town.tables() == before)
        try expect(
            Refused(.notEnrolled),
            .raiseHelloCounter(account: .init(1), device: .init(2), counter: 9, time: town.now),
            &town)
    }

    @Test func anAccountHasTenDevicesAndNumbersAreNeverReused() throws {
        var town = try Town(1...1)
        for number: UInt64 in 2...10 {
            let step = AccountChanges.Step(
                feed: FeedStep(
                    account: .init(1), feed: .init(number), previous: .init(number - 1)),
                subject: .account)
            #expect(
                try town.enrol(1, key: 100 + number)
                    == .enrolled(
                        account: .init(1), device: .init(UInt32(number)),
                        AccountChanges(steps: [step])))
        }
        try expect(
            Refused(.tooManyDevices, limit: 10), .enrolDevice(Town.device(of: 1, key: 111)),
            &town)
        try expect(
            Refused(.alreadyEnrolled), .enrolDevice(Town.device(of: 1, key: 105)), &town)
        try expect(Refused(.notEnrolled), .enrolDevice(Town.device(of: 9, key: 111)), &town)
        guard case .changed(let changes) = try town.account(1, .revokeDevice(.init(10)))
        else { throw Town.Unexpected() }
        #expect(changes.revoked == [DeviceName(account: .init(1), device: .init(10))])
        #expect(changes.steps.map(\.subject) == [.account])
        #expect(try town.store.device(key: Town.key(110))?.isRevoked == true)
        #expect(try state(town, 1).devices.map(\.device.number) == Array(1...9))
        try expect(
            Refused(.deviceRevoked), .enrolDevice(Town.device(of: 1, key: 110)), &town)
        guard case .enrolled(_, let device, _) = try town.enrol(1, key: 111)
        else { throw Town.Unexpected() }
        #expect(device == .init(11))
        try town.audit()
    }

    @Test func aKnownKeyRegistersNoAccount() throws {
        var town = try Town(1...2)
        func create(_ account: UInt64, _ handle: String, key: UInt64) -> StoreOperation {
            .createAccount(
                CreateAccount(
                    account: .init(account), handle: handle, password: [1],
                    key: Town.key(key), deviceName: "", helloCounter: 1, time: Town.start))
        }
        try expect(Refused(.alreadyEnrolled), create(3, "p3", key: 1), &town)
        try expect(Refused(.handleTaken), create(3, "p1", key: 3), &town)
        try expect(Refused(.busy), create(2, "p3", key: 3), &town)
        _ = try town.account(1, .delete)
        try expect(Refused(.deviceRevoked), create(3, "p3", key: 1), &town)
        try expect(Refused(.handleTaken), create(3, "p1", key: 3), &town)
    }

    @Test func devicesAreNamedAndShutOut() throws {
        var town = try Town(1...2)
        _ = try town.enrol(1, key: 12)
        let name = ChangeAccount.Change.deviceName(.init(2), "laptop")
        guard case .changed(let changes) = try town.account(1, name)
        else { throw Town.Unexpected() }
        #expect(changes.steps.map(\.subject) == [.account])
        #expect(try state(town, 1).devices.map(\.name) == ["", "laptop"])
        let before = try town.tables()
        #expect(try town.account(1, name) == .changed(AccountChanges()))
        #expect(try town.account(1, .deviceName(.init(3), "")) == .refused(.init(.unknownDevice)))
        #expect(try town.account(1, .revokeDevice(.init(3))) == .refused(.init(.unknownDevice)))
        #expect(try town.account(1, name, on: 3) == .refused(.init(.notEnrolled)))
        #expect(try town.tables() == before)
        _ = try town.account(1, .revokeDevice(.init(2)))
        let after = try town.tables()
        #expect(try town.account(1, .revokeDevice(.init(2))) == .changed(AccountChanges()))
        #expect(try town.account(1, name) == .refused(.init(.unknownDevice)))
        // What a device that is shut out asks for is done no more, whatever it is.
        #expect(try town.account(1, .profile(.init()), on: 2) == .refused(.init(.deviceRevoked)))
        #expect(
            try town.apply(ContactRulesTests.change(1, 2, .block, on: 2))
                == .refused(.init(.deviceRevoked)))
        #expect(
            try town.apply(
                .raiseHelloCounter(
                    account: .init(1), device: .init(2), counter: 99, time: town.now))
                == .refused(.init(.deviceRevoked)))
        #expect(try town.tables() == after)
        // A device may shut itself out.
        _ = try town.account(1, .revokeDevice(.init(1)))
        #expect(try state(town, 1).devices == [])
    }

    @Test func profilesAreToldToWhoKnowsTheAccount() throws {
        var town = try Town(1...6)
        try town.befriend(1, 2)
        #expect(try town.change(1, 3, .request(greeting: "")) == nil)
        #expect(try town.change(4, 1, .request(greeting: "")) == nil)
        #expect(try town.change(5, 1, .block) == nil)
        let profile = Profile(name: "Anna", about: "there")
        guard case .changed(let changes) = try town.account(1, .profile(profile))
        else { throw Town.Unexpected() }
        #expect(changes.steps.map(\.feed.account.number) == [1, 2, 3, 4])
        #expect(changes.steps.dropFirst().allSatisfy { $0.subject == .contact(.init(1)) })
        #expect(try town.store.contact(.init(1), of: .init(4))?.profile == profile)
        #expect(try town.store.account(.init(1))?.profile == profile)
        let before = try town.tables()
        #expect(try town.account(1, .profile(profile)) == .changed(AccountChanges()))
        #expect(try town.account(1, .privacy(.init())) == .changed(AccountChanges()))
        #expect(try town.tables() == before)
        let privacy = Privacy(presence: .nobody, lastSeen: .contacts, receipts: .contacts)
        guard case .changed(let more) = try town.account(1, .privacy(privacy))
        else { throw Town.Unexpected() }
        #expect(more.steps.map(\.subject) == [.account])
        #expect(try state(town, 1).privacy == privacy)
        try town.audit()
    }

    @Test func recoveryNeedsTheCodeAndShutsAllOthersOut() throws {
        var town = try Town(1...2)
        _ = try town.enrol(1, key: 12)
        func recover(_ proof: RecoveryDigest, key: UInt64 = 13) -> StoreOperation {
            .recoverAccount(
                RecoverAccount(
                    proof: proof, password: [9], recovery: Self.next,
                    device: Town.device(of: 1, key: key, name: "new")))
        }
        try expect(Refused(.credentialsWrong), recover(Self.code), &town)
        _ = try town.account(1, .password(record: [2], recovery: Self.code))
        #expect(try state(town, 1).hasRecovery)
        // A password changes without the code.
        _ = try town.account(1, .password(record: [3], recovery: nil))
        #expect(try town.store.account(.init(1))?.password == [3])
        #expect(try town.store.account(.init(1))?.recovery == Self.code)
        try expect(Refused(.credentialsWrong), recover(Self.next), &town)
        try expect(Refused(.alreadyEnrolled), recover(Self.code, key: 2), &town)
        guard case .enrolled(_, let device, let changes) = try town.apply(recover(Self.code))
        else { throw Town.Unexpected() }
        #expect(device == .init(3))
        #expect(changes.revoked.map(\.device.number) == [1, 2])
        #expect(changes.steps.map(\.subject) == [.account])
        let account = try #require(try town.store.account(.init(1)))
        #expect(account.password == [9])
        #expect(account.recovery == Self.next)
        #expect(try state(town, 1).devices.map(\.device.number) == [3])
        // A code works once; the key that it enrolled is known.
        try expect(Refused(.credentialsWrong), recover(Self.code, key: 14), &town)
        try expect(Refused(.alreadyEnrolled), recover(Self.next), &town)
        try expect(Refused(.deviceRevoked), recover(Self.next, key: 12), &town)
        try town.audit()
    }

    @Test func aFullStoreEnrolsNobody() throws {
        var town = try Town(1...1)
        _ = try town.account(1, .password(record: [2], recovery: Self.code))
        town.store.isFull = true
        let before = try town.tables()
        #expect(throws: StoreFailure.full) { try town.enrol(1, key: 12) }
        #expect(throws: StoreFailure.full) { try town.register(2) }
        #expect(throws: StoreFailure.full) { try town.invite(1, code: 1) }
        #expect(try town.tables() == before)
        // Shutting out is always possible.
        guard case .changed = try town.account(1, .revokeDevice(.init(1)))
        else { throw Town.Unexpected() }
    }

    @Test func aDeletedAccountLeavesOnlyItsHandle() throws {
        var town = try Town(1...5)
        let group = try town.group(1, [2, 3])
        #expect(try town.change(1, 4, .request(greeting: "")) == nil)
        #expect(try town.change(5, 1, .block) == nil)
        #expect(try town.change(2, 1, .alias("boss")) == nil)
        _ = try town.account(
            1, .password(record: [2], recovery: Self.code))
        _ = try town.account(1, .profile(Profile(name: "Anna")))
        _ = try town.invite(1, code: 1)
        _ = try town.enrol(1, key: 12)
        guard case .changed(let changes) = try town.account(1, .delete)
        else { throw Town.Unexpected() }
        #expect(changes.revoked.map(\.device.number) == [1, 2])
        // Who blocks the account without having known it hears of it as well.
        #expect(changes.steps.map(\.feed.account.number) == [2, 3, 4, 5])
        let gone = try #require(try town.store.account(handle: "p1"))
        #expect(gone.isDeleted)
        #expect(gone.password == [])
        #expect(gone.recovery == nil)
        #expect(gone.profile == Profile())
        #expect(try town.store.accountState(.init(1)) == nil)
        for peer: UInt64 in 2...5 {
            let contact = try #require(try town.store.contact(.init(1), of: .init(peer)))
            #expect(contact.state == .gone)
            #expect(contact.isBlocked == (peer == 5))
            #expect(contact.alias == (peer == 2 ? "boss" : ""))
            #expect(try town.store.presentContacts(of: .init(peer)) == [])
        }
        try town.audit()
        let before = try town.tables()
        #expect(try town.account(1, .delete) == .refused(.init(.deviceRevoked)))
        #expect(try town.enrol(1, key: 13) == .refused(.init(.credentialsWrong)))
        #expect(try town.register(6, code: 1) == .refused(.init(.invitationInvalid)))
        for wish in ContactRulesTests.wishes where wish != .remove && wish != .unblock {
            #expect(try town.change(2, 1, wish) == .unknownRecipient)
        }
        #expect(
            try town.apply(.replacePassword(account: .init(1), old: [], record: [7]))
                == .refused(.init(.notEnrolled)))
        #expect(try town.tables() == before)
        #expect(try town.change(2, 1, .remove) == nil)
        #expect(try town.change(5, 1, .unblock) == nil)
        try town.audit()
        #expect(try town.state(group, 2).membersCount == 3)
    }

    @Test func aRehashDoesNotBringAPasswordBackThatWasChangedMeanwhile() throws {
        var town = try Town(1...1)
        let rehash = StoreOperation.replacePassword(account: .init(1), old: [1], record: [8])
        _ = try town.account(1, .password(record: [2], recovery: nil))
        #expect(try town.apply(rehash) == .done)
        #expect(try town.store.account(.init(1))?.password == [2])
        let current = StoreOperation.replacePassword(account: .init(1), old: [2], record: [9])
        #expect(try town.apply(current) == .done)
        #expect(try town.store.account(.init(1))?.password == [9])
    }

    @Test func aDeletedAccountLeavesItsGroupsOneByOne() throws {
        var town = try Town(1...4)
        let groups = [
            try town.group(2, [1]), try town.group(3, [1]), try town.group(4, [1]),
        ]
        _ = try town.account(1, .delete)
        for expected in [2, 1, 0] {
            let outcome = try town.apply(.continueDeletions(at: town.now, limit: 2))
            guard case .expired(let events) = outcome else { throw Town.Unexpected() }
            #expect(events.count == expected)
            #expect(events.allSatisfy { $0.record.event == .left })
            try town.audit()
        }
        for group in groups {
            let owner = UInt64(group.number - 9_000)
            #expect(try town.state(group, owner).membersCount == 1)
        }
    }
}

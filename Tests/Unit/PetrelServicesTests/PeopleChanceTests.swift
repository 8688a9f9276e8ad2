// Whatever people do in whatever order, counts, feeds and both sides of relations fit together.

import PetrelBase
import PetrelMessaging
import Testing

@testable import PetrelServices

@Suite struct PeopleChanceTests {
    @Test(arguments: UInt64(0)..<12)
    func chanceKeepsTheBooks(_ seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "people")
        var limits = ServiceLimits()
        limits.contactsMax = 4
        var town = try Town(1...5, limits: limits)
        var newest: [AccountID: FeedSequence] = [:]
        for number: UInt64 in 1...5 {
            newest[.init(number)] = try town.store.newestFeed(.init(number))
        }
        var kinds: Set<String> = []
        for step in 0..<UInt64(200) {
            town.now = Town.later(town.now, .seconds(1))
            let operation = Self.operation(&random, step, town.now)
            let before = try town.tables()
            let outcome = try town.apply(operation)
            switch outcome {
            case .refused:
                kinds.insert("refused")
                #expect(try town.tables() == before, "\(operation)")
            case .changed(let changes), .enrolled(_, _, let changes):
                kinds.insert("changed")
                for step in changes.steps {
                    let feed = step.feed
                    #expect(feed.previous == newest[feed.account] ?? .init(0), "\(operation)")
                    #expect(feed.previous < feed.feed)
                    newest[feed.account] = feed.feed
                }
            default: kinds.insert("done")
            }
            for (account, feed) in newest {
                #expect(try town.store.newestFeed(account) == feed, "\(operation)")
            }
            try town.audit()
        }
        #expect(kinds == ["refused", "changed", "done"])
    }

    private static func operation(
        _ random: inout RandomStream, _ step: UInt64, _ now: WallTime
    ) -> StoreOperation {
        let account = AccountID(1 + random.below(5))
        let device = DeviceID(1 + UInt32(random.below(3)))
        switch random.below(100) {
        case 0..<60:
            let peer = AccountID(1 + random.below(6))
            let wish = ContactRulesTests.wishes[Int(random.below(7))]
            return .changeContact(
                ChangeContact(
                    account: account, device: .init(1), peer: peer, change: wish))
        case 60..<70:
            return .enrolDevice(Town.device(of: account.number, key: 100 + random.below(60)))
        case 70..<78:
            return .createInvitation(
                CreateInvitation(
                    account: account, device: .init(1), digest: Town.digest(random.below(20)),
                    expires: Town.later(now, .seconds(10 + Int64(random.below(20)))), time: now))
        case 78..<84:
            return .createAccount(
                CreateAccount(
                    account: .init(1_000 + step), handle: "q\(random.below(40))",
                    password: [], key: Town.key(500 + step), deviceName: "", helloCounter: 1,
                    time: now, invitation: Town.digest(random.below(20))))
        case 84..<88: return .expire(at: now, limit: 4)
        default:
            let change: ChangeAccount.Change
            switch random.below(20) {
            case 0: change = .delete
            case 1..<6: change = .revokeDevice(.init(2 + UInt32(random.below(4))))
            case 6..<10: change = .deviceName(device, "n\(random.below(3))")
            case 10..<13:
                change = .privacy(Privacy(presence: Audience.allCases[Int(random.below(3))]))
            default: change = .profile(Profile(name: "n\(random.below(3))"))
            }
            return .changeAccount(
                ChangeAccount(account: account, device: device, change: change, time: now))
        }
    }
}

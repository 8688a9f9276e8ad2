// Whatever people do, the store keeps its promises; and when it does not, the check says so.

import PetrelBase
import PetrelMessaging
import Testing

@testable import PetrelServices

@Suite struct VerificationTests {
    /// Random deeds of people in a town, allowed or not.
    @Test(arguments: 1...24 as ClosedRange<UInt64>)
    func theStoreIsSoundWhateverPeopleDo(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "town")
        var limits = ServiceLimits()
        limits.smallGroupMembersMax = 4
        limits.membersMax = 6
        limits.groupsMax = 3
        limits.contactsMax = 6
        limits.accountBytesMax = 300
        limits.conversationEventsMax = 60
        var town = try Town(1...7, limits: limits)
        var deeds = Deeds(of: 7, random: RandomStream(seed: seed, label: "deeds"))
        for step in 1...400 {
            town.now = WallTime(
                milliseconds: town.now.milliseconds + Int64(random.below(400_000)))
            try deeds.act(in: &town)
            guard step.isMultiple(of: 50) else { continue }
            let report = try town.store.verification(at: town.now)
            #expect(report.isSound, "step \(step): \(report.findings.prefix(3))")
        }
        // All that waits for its time has its time.
        town.now = WallTime(milliseconds: town.now.milliseconds + 90 * 86_400_000)
        for _ in 1...20 {
            _ = try town.apply(.expire(at: town.now, limit: 256))
            _ = try town.apply(.continueDeletions(at: town.now, limit: 64))
            _ = try town.apply(.purgeDeduplication(before: town.now, limit: 512))
        }
        let report = try town.store.verification(at: town.now)
        #expect(report.isSound, "\(report.findings.prefix(3))")
        #expect(report.events > 20)
        #expect(report.invitations == 0)
        #expect(report.identifiers == 0)
    }

    /// A small town in which everything has happened once.
    private func eventfulTown() throws -> (town: Town, group: ConversationID) {
        var town = try Town(1...4)
        let id = try town.group(1, [2, 3])
        for _ in 1...3 { _ = try town.say("hello", from: 1, in: id).get() }
        let content = Content(contentType: "", body: [1])
        _ = try town.act(
            .edit(sequence: .init(2), content), by: 1, to: .conversation(id)
        ).get()
        _ = try town.act(
            .edit(sequence: .init(3), content), by: 1, to: .conversation(id)
        ).get()
        _ = try town.act(.recall(sequence: .init(3)), by: 1, to: .conversation(id)).get()
        _ = try town.act(.left, by: 3, to: .conversation(id)).get()
        let fleeting = Content(contentType: "", body: [2], lifetimeSeconds: 600)
        _ = try town.act(.message(fleeting), by: 1, to: .conversation(id)).get()
        _ = try town.act(.retention(seconds: 3_600), by: 1, to: .conversation(id)).get()
        _ = try town.say("hello", from: 1, to: 2).get()
        _ = try town.apply(
            .changeConversation(
                ChangeConversation(
                    account: .init(2), device: .init(1), conversation: id, change: .hidden(.init(2))
                )))
        _ = try town.apply(
            .createInvitation(
                CreateInvitation(
                    account: .init(1), device: .init(1), digest: .init(1, 2, 3, 4),
                    expires: WallTime(milliseconds: town.now.milliseconds + 1_000), time: town.now
                )))
        _ = try town.apply(
            .acknowledge(
                AcknowledgeDelivery(
                    account: .init(2), device: .init(1), feed: .init(1),
                    delivered: [DeliveredMark(conversation: id, sequence: .init(4))], read: [])))
        return (town, id)
    }

    @Test func anEventfulTownIsSoundAndCounted() throws {
        let (town, _) = try eventfulTown()
        let report = try town.store.verification(at: town.now)
        #expect(report.isSound, "\(report.findings)")
        #expect(report.accounts == 4)
        #expect(report.devices == 4)
        #expect(report.conversations == 2)
        #expect(report.events == 11)
        #expect(report.bytes == 5 + 5 + 1 + 1 + 5)
        #expect(report.identifiers == 11)
        #expect(report.invitations == 1)
    }

    @Test func eachBrokenPromiseIsFound() throws {
        let (town, id) = try eventfulTown()
        for harm in Harm.all(in: id) {
            var store = town.store
            try harm.act(&store.durable)
            let report = try store.verification(at: town.now)
            #expect(
                report.findings.contains {
                    $0.rule == harm.rule && $0.sentence.contains(harm.words)
                }, "\(harm.rule) \(harm.words): \(report.findings)")
            #expect(!report.isSound)
        }
        let rules = Set(Harm.all(in: id).map(\.rule))
        #expect(rules == Set(VerificationReport.Rule.allCases))
    }
}

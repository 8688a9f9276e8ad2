// Invitations: used once, in time, by somebody new.

import PetrelBase
import PetrelMessaging
import Testing

@testable import PetrelServices

@Suite struct InvitationRulesTests {
    private static func closed() -> ServiceLimits {
        var limits = ServiceLimits()
        limits.needsInvitation = true
        return limits
    }

    @Test func whoIsInvitedIsAContactFromTheStart() throws {
        var town = try Town(1...1)
        #expect(try town.invite(1, code: 5) == .changed(AccountChanges()))
        guard case .enrolled(let account, _, let changes) = try town.register(2, code: 5)
        else { throw Town.Unexpected() }
        #expect(account == .init(2))
        #expect(
            changes.steps.map(\.subject)
                == [.account, .contact(.init(1)), .contact(.init(2))])
        #expect(changes.steps.map(\.feed.account.number) == [2, 2, 1])
        #expect(changes.steps.map(\.feed.feed.number) == [1, 2, 2])
        #expect(try town.store.presentContacts(of: .init(1)) == [.init(2)])
        #expect(try town.store.presentContacts(of: .init(2)) == [.init(1)])
        let before = try town.tables()
        #expect(try town.register(3, code: 5) == .refused(.init(.invitationInvalid)))
        #expect(try town.register(3, code: 6) == .refused(.init(.invitationInvalid)))
        #expect(try town.tables() == before)
        try town.audit()
    }

    @Test func anInvitationIsNeededWhereTheServerSaysSo() throws {
        var town = try Town(1...1)
        #expect(
            try town.register(2)
                == .enrolled(
                    account: .init(2), device: .init(1),
                    AccountChanges(steps: [
                        .init(
                            feed: FeedStep(account: .init(2), feed: .init(1), previous: .init(0)),
                            subject: .account)
                    ])))
        town.store.durable.limits = Self.closed()
        #expect(try town.register(3) == .refused(.init(.invitationInvalid)))
        _ = try town.invite(1, code: 1)
        guard case .enrolled = try town.register(3, code: 1) else { throw Town.Unexpected() }
    }

    @Test func invitationsEnd() throws {
        var town = try Town(1...1)
        for code: UInt64 in 1...3 {
            _ = try town.invite(1, code: code, for: .seconds(Int64(code) * 10))
        }
        town.now = Town.later(town.now, .seconds(20))
        #expect(try town.register(2, code: 2) == .refused(.init(.invitationInvalid)))
        guard case .enrolled = try town.register(3, code: 3) else { throw Town.Unexpected() }
        #expect(try town.store.durable.accountHead(.init(1)).invitationsCount == 2)
        #expect(try town.store.durable.expireInvitations(at: town.now, limit: 1) == 1)
        try town.audit()
        #expect(try town.store.durable.expireInvitations(at: town.now, limit: 9) == 1)
        #expect(try town.store.durable.expireInvitations(at: town.now, limit: 9) == 0)
        #expect(try town.store.durable.accountHead(.init(1)).invitationsCount == 0)
        try town.audit()
    }

    @Test func openInvitationsAreCounted() throws {
        var town = try Town(1...2)
        for code in 1...UInt64(MessagingLimits.invitationsMax) {
            #expect(try town.invite(1, code: code) == .changed(AccountChanges()))
        }
        let before = try town.tables()
        #expect(
            try town.invite(1, code: 99)
                == .refused(.init(.tooManyInvitations, limit: MessagingLimits.invitationsMax)))
        // A repetition is one; the same code of somebody else is not.
        #expect(try town.invite(1, code: 1) == .changed(AccountChanges()))
        #expect(try town.invite(2, code: 1) == .refused(.init(.busy)))
        #expect(try town.tables() == before)
        guard case .enrolled = try town.register(3, code: 1) else { throw Town.Unexpected() }
        #expect(try town.invite(1, code: 99) == .changed(AccountChanges()))
        try town.audit()
    }
}

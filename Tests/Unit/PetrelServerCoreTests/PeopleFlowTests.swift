// Groups, receipts, presence and typing as devices see them, at one worker and at several.

import PetrelBase
import PetrelMessaging
import PetrelServerCore
import PetrelServices
import PetrelTransport
import PetrelWire
import Testing

struct PeopleFlowTests {
    private static func large(pushed: Int = 5_000) -> SharedStore {
        var limits = ServiceLimits.forStrangers
        limits.smallGroupMembersMax = 2
        limits.pushedGroupMembersMax = pushed
        return SharedStore(MemoryStore(limits: limits))
    }

    /// Three people in a group that is large, at a bench of its own.
    private static func town(
        pushed: Int = 5_000, _ change: (inout ServerCoreConfiguration) -> Void = { _ in }
    ) throws -> (bench: Bench, people: [Peer], group: ConversationID) {
        let bench = Bench(store: large(pushed: pushed), change)
        let people = try ["anna", "bob", "carol"].map { try bench.member($0) }
        for (peer, name) in zip(people.dropFirst(), ["bob", "carol"]) {
            try bench.befriend(people[0], "anna", peer, name)
        }
        let group = try bench.group(people[0], ["bob", "carol"], 1)
        bench.run(.seconds(1))
        for peer in people { _ = peer.take() }
        return (bench, people, group)
    }

    private static func text(_ text: String) -> ConversationEvent {
        .message(Content(contentType: "", body: Array(text.utf8)))
    }

    @Test func aSmallGroupIsToldOfEverythingWithEntries() throws {
        let bench = Bench()
        let (anna, bob) = (try bench.member("anna"), try bench.member("bob"))
        try bench.befriend(anna, "anna", bob, "bob")
        let group = try bench.group(anna, ["bob"], 1)
        guard
            case .verdict(let verdict) = try bench.ask(
                bob, bench.event(Self.text("hello"), in: group, 2))
        else { throw Bench.Unexpected(what: "no verdict") }
        #expect(verdict.peer == .init(0) && verdict.sequence == .init(2))
        let pushed = anna.take(\.message)
        #expect(pushed.map(\.record.senderHandle) == ["bob"])
        #expect(pushed.allSatisfy { $0.feed > $0.previousFeed })
        guard
            case .members(let page) = try bench.ask(
                bob, .listMembers(group, after: .init(0)))
        else { throw Bench.Unexpected(what: "no members") }
        #expect(Set(page.members.map(\.person.handle)) == ["anna", "bob"])
        #expect(page.isComplete)
    }

    @Test func aBurstInALargeGroupIsOnePushAndOneDigest() throws {
        let (bench, people, group) = try Self.town()
        for number in 2...6 as ClosedRange<UInt64> {
            try people[0].ask(bench.event(Self.text("m"), in: group, number), now: bench.now)
        }
        bench.run(.seconds(1))
        for peer in people.dropFirst() {
            let notices = peer.take().map(\.kind)
            #expect(notices.compactMap(\.message).map(\.record.sequence) == [.init(2)])
            #expect(notices.compactMap(\.message).allSatisfy { $0.feed == .init(0) })
            #expect(notices.compactMap(\.digest) == [.init(6)])
        }
        // Long after a burst the next event is pushed at once again.
        try people[1].ask(bench.event(Self.text("m"), in: group, 7), now: bench.now)
        bench.run(.milliseconds(50))
        #expect(people[0].take(\.message).map(\.record.sequence) == [.init(7)])
    }

    @Test func aVeryLargeGroupIsPushedToWhoLooksAtIt() throws {
        let (bench, people, group) = try Self.town(pushed: 2)
        try people[1].ask(.activity(.viewing(group)), now: bench.now)
        bench.run(.milliseconds(50))
        for number in 2...4 as ClosedRange<UInt64> {
            try people[0].ask(bench.event(Self.text("m"), in: group, number), now: bench.now)
        }
        bench.run(.seconds(1))
        #expect(
            people[1].take(\.message).map(\.record.sequence.number) == [2, 3, 4])
        let told = people[2].take().map(\.kind)
        #expect(told.compactMap(\.message).isEmpty)
        #expect(told.compactMap(\.digest) == [.init(4)])
    }

    @Test func whatWasLeftOutOfALargeGroupIsMadeUpForByADigest() throws {
        let (bench, people, group) = try Self.town { $0.pushMessagesMax = 4 }
        people[1].isDeaf = true
        for number in 2...12 as ClosedRange<UInt64> {
            try people[0].ask(bench.event(Self.text("m"), in: group, number), now: bench.now)
            bench.run(.milliseconds(300))
        }
        #expect(bench.metrics.pushesSkipped > 0)
        people[1].isDeaf = false
        bench.run(.seconds(20))
        #expect(people[1].take(\.digest).last == .init(12))
        #expect(bench.finding == nil)
    }

    @Test func whoIsPutOutHearsNoMore() throws {
        let (bench, people, group) = try Self.town()
        let removal = ConversationEvent.removed(Person(handle: "carol"))
        _ = try bench.ask(people[0], bench.event(removal, in: group, 2))
        #expect(people[2].take(\.message).map(\.record.sequence) == [.init(2)])
        bench.run(.seconds(1))
        _ = try bench.ask(people[0], bench.event(Self.text("m"), in: group, 3))
        bench.run(.seconds(1))
        #expect(people[2].take().isEmpty)
        #expect(
            try bench.refusal(people[2], bench.event(Self.text("m"), in: group, 4))?.error
                == .notMember)
        #expect(
            try bench.refusal(people[2], .listMembers(group, after: .init(0)))?.error
                == .notMember)
    }

    @Test func whatIsReadOnOneDeviceIsReadOnAllAndToldToTheOther() throws {
        let bench = Bench()
        let (anna, bob) = (try bench.member("anna"), try bench.member("bob"))
        let tablet = try bench.device(of: "bob")
        _ = try bench.ask(anna, .send(bench.message(1, "hi", to: .handle("bob"))))
        let push = try #require(bob.take(\.message).first)
        for peer in [anna, tablet] { _ = peer.take() }
        let mark = Watermark(conversation: push.record.conversation, sequence: .init(1))
        try bob.ask(.acknowledge(feed: push.feed, delivered: [], read: [mark]), now: bench.now)
        bench.run(.milliseconds(50))
        let receipt = try #require(anna.take(\.receipt).first)
        #expect(receipt.read == .init(1) && receipt.delivered == .init(1))
        let change = try #require(tablet.take(\.change).first)
        guard case .conversation(let head) = change.item.kind else {
            throw Bench.Unexpected(what: "\(change)")
        }
        #expect(head.read == .init(1) && change.previousFeed < change.item.feed)
    }

    @Test func readMarksOfAGroupAreForWhoLooks() throws {
        let bench = Bench()
        let people = try ["anna", "bob", "carol"].map { try bench.member($0) }
        for (peer, name) in zip(people.dropFirst(), ["bob", "carol"]) {
            try bench.befriend(people[0], "anna", peer, name)
        }
        let group = try bench.group(people[0], ["bob", "carol"], 1)
        try people[2].ask(.activity(.viewing(group)), now: bench.now)
        bench.run(.milliseconds(50))
        for peer in people { _ = peer.take() }
        let mark = Watermark(conversation: group, sequence: .init(1))
        try people[1].ask(
            .acknowledge(feed: .init(0), delivered: [], read: [mark]), now: bench.now)
        bench.run(.milliseconds(50))
        let heard = people.map { $0.take(\.receipt) }
        #expect(heard[0].allSatisfy { $0.read == .init(0) && $0.feed == .init(0) })
        #expect(heard[2].contains { $0.read == .init(1) })
        #expect(heard[1].isEmpty)
    }

    // MARK: Presence

    @Test func contactsSeeWhoIsHereAsFarAsTheyMay() throws {
        let bench = Bench()
        let (anna, bob) = (try bench.member("anna"), try bench.member("bob"))
        let eve = try bench.member("eve")
        try bench.befriend(anna, "anna", bob, "bob")
        bench.run(.seconds(1))
        for peer in [anna, bob, eve] { _ = peer.take() }
        // Flicker is told once, and to contacts only.
        for state in [PresenceState.away, .online, .away] {
            try anna.ask(.activity(.presence(state)), now: bench.now)
        }
        bench.run(.seconds(1))
        #expect(bob.take(\.presences).flatMap { $0 }.map(\.state) == [.away])
        // A later state must not be overtaken by an earlier one.
        #expect(bob.presenceClasses == [.durable])
        // Who hides is told as offline.
        let hidden = Privacy(presence: .nobody)
        _ = try bench.ask(anna, .changeAccount(.privacy(hidden)))
        bench.run(.seconds(1))
        let told = bob.take(\.presences).flatMap { $0 }
        #expect(told.map(\.state) == [.offline])
        #expect(told.first?.lastSeen == WallTime(milliseconds: 0))
        _ = try bench.ask(anna, .changeAccount(.privacy(Privacy())))
        bench.run(.seconds(1))
        #expect(bob.take(\.presences).flatMap { $0 }.map(\.state) == [.away])
        // Who comes back soon was never gone; who stays away is told once, with when it was here.
        anna.close(now: bench.now)
        bench.run(.seconds(2))
        #expect(bob.take(\.presences).isEmpty)
        let gone = bench.wall
        bench.run(.seconds(10))
        let last = bob.take(\.presences).flatMap { $0 }
        #expect(last.map(\.state) == [.offline])
        #expect(abs((last.first?.lastSeen.milliseconds ?? 0) - gone.milliseconds) < 3_000)
        #expect(eve.take(\.presences).isEmpty)
        // A new session hears of all who are not offline.
        try anna.connect(now: bench.now)
        bench.run(.seconds(1))
        #expect(anna.take(\.presences).flatMap { $0 }.map(\.state) == [.online])
        #expect(bench.finding == nil)
    }

    /// What is owed to a device goes with it: a core that waited for it would never end a call.
    @Test func nothingIsOwedToADeviceThatShutsItselfOut() throws {
        var missedCount = 0
        for lead: Int64 in 0...40 {
            let bench = Bench { $0.pushMessagesMax = 1 }
            let (anna, bob) = (try bench.member("anna"), try bench.member("bob"))
            try bench.befriend(anna, "anna", bob, "bob")
            bench.run(.seconds(1))
            _ = bob.take()
            try anna.ask(.activity(.presence(.away)), now: bench.now)
            bench.run(.milliseconds(501 - lead))
            // If its queue holds much when the presence is to be told, that is left out.
            let much = bench.message(1, String(repeating: "a", count: 60_000), to: .handle("bob"))
            try anna.ask(.send(much), now: bench.now)
            bench.run(.milliseconds(lead))
            missedCount += bob.take(\.presences).isEmpty ? 1 : 0
            let number = try bob.ask(.changeAccount(.revokeDevice(.init(1))), now: bench.now)
            bench.run(.seconds(2))
            #expect(bob.notices.contains { $0.request == number && $0.kind == .done })
            #expect(bob.closed == .closedByPeer(code: ErrorCode.revoked.rawValue))
        }
        #expect(missedCount > 0)
    }

    @Test func twoWhoTypeAtOnceAreBothSeen() throws {
        let bench = Bench()
        let (anna, bob) = (try bench.member("anna"), try bench.member("bob"))
        let carol = try bench.member("carol")
        let typists = [anna, carol]
        var talks: [ConversationID] = []
        for (number, peer) in typists.enumerated() {
            let hello = bench.message(UInt64(number + 1), "hi", to: .handle("bob"))
            guard case .verdict(let verdict) = try bench.ask(peer, .send(hello)) else {
                throw Bench.Unexpected(what: "no verdict")
            }
            talks.append(verdict.conversation)
        }
        _ = bob.take()
        for (peer, talk) in zip(typists, talks) {
            try peer.ask(.activity(.typing(talk, isStopped: false)), now: bench.now)
        }
        bench.run(.milliseconds(500))
        #expect(Set(bob.take(\.typing).map(\.conversation)) == Set(talks))
    }

    @Test func typingIsPassedOnOnceASecondAndNotAcrossABlock() throws {
        let bench = Bench()
        let (anna, bob) = (try bench.member("anna"), try bench.member("bob"))
        guard
            case .verdict(let verdict) = try bench.ask(
                anna, .send(bench.message(1, "hi", to: .handle("bob"))))
        else { throw Bench.Unexpected(what: "no verdict") }
        _ = bob.take()
        let typing = Command.Kind.activity(.typing(verdict.conversation, isStopped: false))
        for _ in 0..<5 { try anna.ask(typing, now: bench.now) }
        bench.run(.milliseconds(100))
        #expect(bob.take(\.typing).map(\.conversation) == [verdict.conversation])
        bench.run(.seconds(1))
        try anna.ask(typing, now: bench.now)
        bench.run(.milliseconds(100))
        #expect(bob.take(\.typing).count == 1)
        _ = try bench.ask(bob, .changeContact(Person(handle: "anna"), .block))
        bench.run(.seconds(1))
        _ = bob.take()
        try anna.ask(typing, now: bench.now)
        bench.run(.milliseconds(100))
        #expect(bob.take(\.typing).isEmpty)
        #expect(
            try bench.refusal(anna, .send(bench.message(2, "hi", to: .handle("bob"))))?.error
                == .blocked)
    }

    // MARK: Several workers

    @Test func allWorkersTellOfPeopleAlike() throws {
        let workers = Workers(3)
        let anna = try workers.member("anna", at: 0)
        let bob = try workers.member("bob", at: 1)
        try anna.ask(
            .changeContact(Person(handle: "bob"), .request(greeting: "")), now: workers.now)
        workers.run(.milliseconds(50))
        try bob.ask(.changeContact(Person(handle: "anna"), .accept), now: workers.now)
        workers.run(.seconds(1))
        let heard = anna.take()
        #expect(heard.compactMap(\.kind.change).count == 2)
        #expect(heard.compactMap(\.kind.presences).flatMap { $0 }.map(\.state) == [.online])
        try bob.ask(.activity(.presence(.away)), now: workers.now)
        workers.run(.seconds(1))
        #expect(anna.take(\.presences).flatMap { $0 }.map(\.state) == [.away])
        try anna.ask(.send(workers.message(1, to: "bob")), now: workers.now)
        workers.run(.milliseconds(50))
        let push = try #require(bob.take(\.message).first)
        try bob.ask(
            .activity(.typing(push.record.conversation, isStopped: false)), now: workers.now)
        workers.run(.milliseconds(50))
        #expect(anna.take(\.typing).count == 1)
    }

    @Test func aDeviceRevokedAtOneWorkerIsClosedAtAnother() throws {
        let workers = Workers(3)
        let anna = try workers.member("anna", at: 0)
        let tablet = try workers.stranger(at: 2)
        try tablet.ask(.logIn(workers.form("anna")), now: workers.now)
        workers.run(.milliseconds(50))
        try anna.ask(.changeAccount(.revokeDevice(.init(2))), now: workers.now)
        workers.run(.milliseconds(100))
        #expect(!tablet.isConnected)
        #expect(workers.metrics.sessionsRevoked == 1)
        #expect(workers.boxes.allSatisfy { $0.finding == nil })
    }

    @Test func aPasswordIsChangedAtAnyWorker() throws {
        let workers = Workers(3)
        let anna = try workers.member("anna", at: 2)
        let other = Array("another password".utf8)
        let change = AccountChange.password(
            old: Array("correct horse".utf8), new: other, recovery: nil)
        let request = try anna.ask(.changeAccount(change), now: workers.now)
        workers.run(.milliseconds(50))
        #expect(try anna.answer(request) == .done)
        #expect(try workers.store.account(handle: "anna")?.password == other)
    }
}

// What each wish makes of each relation, on both sides; limits, greetings, and who is told.

import PetrelBase
import PetrelMessaging
import Testing

@testable import PetrelServices

@Suite struct ContactRulesTests {
    typealias Wish = (by: UInt64, change: ContactChange)

    /// How two accounts stand, and what becomes of it by each wish of the first.
    ///
    /// In results `X` is a refusal, `=` no change, `a` a new alias; `!` blocks the other.
    struct Row: CustomStringConvertible {
        var state: String
        var story: [Wish]
        var results: [String]
        var description: String { state }

        init(_ state: String, _ story: [Wish], _ results: String) {
            self.state = state
            self.story = story
            self.results = results.split(separator: " ").map(String.init)
        }
    }

    static let wishes: [ContactChange] = [
        .request(greeting: "hi"), .accept, .decline, .remove, .block, .unblock, .alias("x"),
    ]
    static let ask = ContactChange.request(greeting: "hi")
    static let table: [Row] = [
        // request accept decline remove block unblock alias
        Row("-/-", [], "req/ask X = = !-/- = X"),
        Row("req/ask", [(1, ask)], "= X X -/- !-/- = a"),
        Row("ask/req", [(2, ask)], "con/con con/con -/req -/req !-/req = a"),
        Row("con/con", [(1, ask), (2, .accept)], "= = X -/- !-/- = a"),
        Row("req/-", [(1, ask), (2, .decline)], "= X X -/- !-/- = a"),
        Row("-/req", [(2, ask), (1, .decline)], "con/con X = = !-/req = X"),
        Row("!-/-", [(1, .block)], "X X = = = -/- a"),
        Row("-/!-", [(2, .block)], "req/!- X = = !-/!- = X"),
        Row("!-/!-", [(1, .block), (2, .block)], "X X = = = -/!- a"),
        Row("req/!-", [(2, .block), (1, ask)], "= X X -/!- !-/!- = a"),
        Row("!-/req", [(1, .block), (2, ask)], "X X = = = -/req a"),
    ]

    @Test(arguments: table) func transition(_ row: Row) throws {
        for (wish, result) in zip(Self.wishes, row.results) {
            var town = try Town(1...2)
            for step in row.story {
                #expect(try town.change(step.by, 3 - step.by, step.change) == nil)
            }
            #expect(try Self.state(town) == row.state)
            let before = try town.tables()
            let outcome = try town.apply(Self.change(1, 2, wish))
            let comment = Comment("\(row.state) \(wish)")
            switch result {
            case "X":
                #expect(outcome == .refused(Refused(.relationWrong)), comment)
                #expect(try town.tables() == before, comment)
                continue
            case "=":
                #expect(outcome == .changed(AccountChanges()), comment)
                #expect(try town.tables() == before, comment)
            case "a":
                #expect(try Self.state(town) == row.state, comment)
                #expect(try town.store.contact(.init(2), of: .init(1))?.alias == "x")
                #expect(try Self.told(outcome) == [1], comment)
            default:
                #expect(try Self.state(town) == result, comment)
                let (old, new) = (row.state.split(separator: "/"), result.split(separator: "/"))
                let changed = [UInt64(1), 2].filter { old[Int($0) - 1] != new[Int($0) - 1] }
                #expect(try Self.told(outcome) == changed, comment)
            }
            try town.audit()
            let after = try town.tables()
            #expect(try town.apply(Self.change(1, 2, wish)) == .changed(AccountChanges()), comment)
            #expect(try town.tables() == after, comment)
        }
    }

    @Test func theTableIsWhole() {
        #expect(Self.table.allSatisfy { $0.results.count == Self.wishes.count })
        #expect(Set(Self.table.map(\.state)).count == Self.table.count)
    }

    @Test func greetingsAndProfilesAreForWhoIsAsked() throws {
        var town = try Town(1...2)
        _ = try town.account(1, .profile(Profile(name: "Anna", about: "here")))
        #expect(try town.change(1, 2, .request(greeting: "it is me")) == nil)
        let asked = try #require(try town.store.contact(.init(1), of: .init(2)))
        #expect(
            asked
                == Contact(
                    person: Town.person(1), state: .asked, greeting: "it is me",
                    profile: Profile(name: "Anna", about: "here")))
        #expect(try town.store.contact(.init(2), of: .init(1))?.greeting == "")
        #expect(try town.store.presentContacts(of: .init(1)) == [])
        #expect(try town.change(2, 1, .accept) == nil)
        #expect(try town.store.contact(.init(1), of: .init(2))?.greeting == "")
        #expect(try town.store.presentContacts(of: .init(1)) == [.init(2)])
        #expect(try town.store.contact(.init(9), of: .init(1)) == nil)
        #expect(try town.change(2, 1, .alias("friend")) == nil)
        #expect(try town.change(1, 2, .remove) == nil)
        #expect(try town.store.contact(.init(1), of: .init(2))?.alias == "")
        #expect(try town.store.presentContacts(of: .init(2)) == [])
        // The end of a relation is told like its beginning.
        let slice = try town.store.changes(of: .init(2), after: .init(0), limit: 9)
        let contacts = slice.items.compactMap { item -> Contact? in
            if case .contact(let contact) = item.kind { contact } else { nil }
        }
        #expect(contacts.map(\.state) == [.none])
    }

    @Test(arguments: Self.wishes) func nobodyAndOneselfAreNoContacts(_ wish: ContactChange) throws {
        var town = try Town(1...1)
        let before = try town.tables()
        #expect(try town.change(1, 1, wish) == .relationWrong)
        #expect(try town.change(1, 9, wish) == .unknownRecipient)
        #expect(
            try town.apply(Self.change(1, 9, wish, on: 2)) == .refused(Refused(.notEnrolled)))
        #expect(try town.tables() == before)
    }

    @Test func contactsAreCounted() throws {
        var limits = ServiceLimits()
        limits.contactsMax = 2
        var town = try Town(1...5, limits: limits)
        for peer: UInt64 in 2...3 { #expect(try town.change(1, peer, Self.ask) == nil) }
        let before = try town.tables()
        for wish in [Self.ask, .block] {
            let full = StoreOutcome.refused(Refused(.tooManyContacts, limit: 2))
            #expect(try town.apply(Self.change(1, 4, wish)) == full)
            // Nor may strangers fill what others have room for.
            if wish == Self.ask { #expect(try town.apply(Self.change(4, 1, wish)) == full) }
        }
        #expect(try town.tables() == before)
        // Blocking somebody known adds nobody, and who is forgotten makes room.
        #expect(try town.change(1, 2, .block) == nil)
        #expect(try town.change(1, 4, Self.ask) == .tooManyContacts)
        #expect(try town.change(1, 2, .unblock) == nil)
        #expect(try town.change(1, 4, Self.ask) == nil)
        try town.audit()
    }

    @Test func aFullStoreTakesInNoNewRelations() throws {
        var town = try Town(1...3)
        try town.befriend(1, 2)
        town.store.isFull = true
        let before = try town.tables()
        #expect(throws: StoreFailure.full) { try town.apply(Self.change(1, 3, Self.ask)) }
        #expect(try town.tables() == before)
        #expect(try town.change(1, 2, .block) == nil)
        #expect(try Self.state(town) == "!-/-")
    }

    static func change(
        _ account: UInt64, _ peer: UInt64, _ change: ContactChange, on device: UInt32 = 1
    ) -> StoreOperation {
        .changeContact(
            ChangeContact(
                account: .init(account), device: .init(device), peer: .init(peer),
                change: change))
    }

    /// How accounts 1 and 2 stand to each other.
    static func state(_ town: Town) throws -> String {
        let names = ["-", "req", "ask", "con", "gone"]
        return try [(1, 2), (2, 1)].map { (pair: (UInt64, UInt64)) in
            let contact = try town.store.contact(.init(pair.1), of: .init(pair.0))
            let name = names[Int((contact?.state ?? .none).rawValue)]
            return (contact?.isBlocked == true ? "!" : "") + name
        }.joined(separator: "/")
    }

    /// Who got an entry about the other.
    static func told(_ outcome: StoreOutcome) throws -> [UInt64] {
        guard case .changed(let changes) = outcome else { throw Town.Unexpected() }
        for step in changes.steps {
            let other = AccountID(3 - step.feed.account.number)
            #expect(step.subject == .contact(other))
        }
        return changes.steps.map(\.feed.account.number)
    }
}

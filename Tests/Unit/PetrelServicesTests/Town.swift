// People, conversations and a store, for the tests of the store's rules.

import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

/// A town whose people are known by their numbers; person 1 is called `p1`.
struct Town {
    static let start = WallTime(milliseconds: 1_800_000_000_000)

    var store: MemoryStore
    /// What the clock shows.
    var now = Town.start
    private var names: UInt64 = 0

    init(_ people: ClosedRange<UInt64>, limits: ServiceLimits = .init()) throws {
        store = MemoryStore(limits: limits)
        for number in people {
            try #require(
                refusal(
                    .createAccount(
                        CreateAccount(
                            account: .init(number), handle: "p\(number)", password: [1],
                            key: .init(.init(number, 0, 0, 0)), deviceName: "",
                            helloCounter: 1, time: now))) == nil)
        }
    }

    /// Submits and returns the outcome.
    mutating func apply(_ operation: StoreOperation) throws -> StoreOutcome {
        try store.outcome(operation)
    }

    /// Submits and returns why it was refused; `nil` if it was not.
    mutating func refusal(_ operation: StoreOperation) throws -> MessagingError? {
        guard case .refused(let refusal) = try apply(operation) else { return nil }
        return refusal.error
    }

    mutating func befriend(_ a: UInt64, _ b: UInt64) throws {
        #expect(try change(a, b, .request(greeting: "")) == nil)
        #expect(try change(b, a, .accept) == nil)
    }

    mutating func change(
        _ account: UInt64, _ peer: UInt64, _ change: ContactChange
    ) throws -> MessagingError? {
        try refusal(
            .changeContact(
                ChangeContact(
                    account: .init(account), device: .init(1), peer: .init(peer), change: change)))
    }

    func append(
        _ event: ConversationEvent, by account: UInt64, to target: AppendMessage.Target,
        named name: UInt64
    ) -> AppendMessage {
        AppendMessage(
            account: .init(account), device: .init(1),
            clientMessageID: ClientMessageID(high: 7, low: name), target: target, event: event,
            digest: .init(name, 0, 0, 0), time: now)
    }

    /// Lets an account do something; returns what came of it.
    mutating func act(
        _ event: ConversationEvent, by account: UInt64, to target: AppendMessage.Target
    ) throws -> Result<AppendedMessage, Refused> {
        names += 1
        switch try apply(.appendMessage(append(event, by: account, to: target, named: names))) {
        case .appended(let message): return .success(message)
        case .refused(let refusal): return .failure(refusal)
        default: throw Unexpected()
        }
    }

    /// Says something to another account.
    mutating func say(
        _ text: String = "hello", from account: UInt64, to peer: UInt64
    ) throws -> Result<AppendedMessage, Refused> {
        let id = ConversationID(1_000 + min(account, peer) * 100 + max(account, peer))
        return try act(
            .message(Content(contentType: "", body: Array(text.utf8))), by: account,
            to: .peer(.init(peer), ifNew: id))
    }

    /// Says something in a group.
    mutating func say(
        _ text: String = "hello", from account: UInt64, in group: ConversationID,
        mentions: [UInt64] = []
    ) throws -> Result<AppendedMessage, Refused> {
        let content = Content(
            contentType: "", body: Array(text.utf8), mentions: mentions.map { AccountID($0) })
        return try act(.message(content), by: account, to: .conversation(group))
    }

    /// Makes a group of `owner` and its contacts `others`.
    mutating func group(
        _ owner: UInt64, _ others: [UInt64], isOpen: Bool = false
    ) throws -> ConversationID {
        for other in others { try befriend(owner, other) }
        let id = ConversationID(9_000 + owner)
        let creation = GroupCreation(
            name: "us", members: others.map { Town.person($0) }, isOpen: isOpen)
        _ = try act(.created(creation), by: owner, to: .newGroup(id)).get()
        return id
    }

    func head(_ id: ConversationID, _ account: UInt64) throws -> ConversationHead {
        try #require(try store.head(of: id, for: .init(account)))
    }

    func state(_ id: ConversationID, _ account: UInt64) throws -> GroupState {
        guard case .group(let state) = try head(id, account).kind else { throw Unexpected() }
        return state
    }

    /// The events of a conversation as an account reads them.
    func events(_ id: ConversationID, _ account: UInt64) throws -> [ConversationEvent] {
        try store.messages(
            MessageRequest(
                conversation: id, reader: .init(account), range: 1...10_000, order: .oldestFirst,
                limit: 10_000, byteLimit: .max)
        ).messages.map(\.event)
    }

    static func person(_ number: UInt64) -> Person {
        Person(account: .init(number), handle: "p\(number)")
    }

    struct Unexpected: Error {}
}

extension Result {
    /// Why it failed; `nil` if it did not.
    var failure: Failure? {
        guard case .failure(let failure) = self else { return nil }
        return failure
    }
}

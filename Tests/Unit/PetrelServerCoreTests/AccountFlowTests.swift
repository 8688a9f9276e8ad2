// Accounts as devices see them: recovery, passwords, revoked devices, invitations, contacts.

import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelServerCore
import PetrelServices
import PetrelTransport
import PetrelWire
import Testing

struct AccountFlowTests {
    private static let other = Array("another password".utf8)

    private static func digest(_ code: RecoveryCode) throws -> RecoveryDigest {
        let bytes = PetrelCrypto.Digest.blake2b256(code.bytes.span.bytes)
        var array: [UInt8] = []
        bytes.bytes.withUnsafeBytes { array = Array($0) }
        return RecoveryDigest(words: try #require(InlineWords4(array: array)))
    }

    @Test func whoHasTheCodeGetsTheAccountBackAndNobodyElse() throws {
        let bench = Bench()
        var random = RandomStream(seed: 1, label: "codes")
        let code = RecoveryCode(random: &random)
        let phone = try bench.stranger()
        var form = bench.form("anna")
        form.recovery = try Self.digest(code)
        _ = try bench.ask(phone, .register(form))
        let tablet = try bench.stranger()
        func recovery(_ handle: String, _ typed: String) -> Command.Kind {
            .recover(
                Recovery(handle: handle, code: typed, password: Self.other, deviceName: "new"))
        }
        let wrong = RecoveryCode(random: &random)
        for (handle, typed) in [
            ("anna", wrong.shown), ("nobody", code.shown), ("anna", "what code?"),
        ] {
            #expect(
                try bench.refusal(tablet, recovery(handle, typed))?.error == .credentialsWrong)
        }
        guard
            case .welcome(let welcome) = try bench.ask(
                tablet, recovery("Anna", code.shown.lowercased()))
        else { throw Bench.Unexpected(what: "not recovered") }
        #expect(welcome.handle == "anna")
        #expect(phone.closed == .closedByPeer(code: ErrorCode.revoked.rawValue))
        // The code is used up, and the password is the new one.
        let third = try bench.stranger()
        #expect(try bench.refusal(third, recovery("anna", code.shown))?.error == .credentialsWrong)
        #expect(try bench.refusal(third, .logIn(bench.form("anna")))?.error == .credentialsWrong)
        let right = bench.form("anna", password: Self.other)
        guard case .welcome = try bench.ask(third, .logIn(right)) else {
            throw Bench.Unexpected(what: "the new password does not fit")
        }
    }

    @Test func aRevokedKeyIsToldSoAndStaysOutside() throws {
        let bench = Bench()
        let phone = try bench.member("anna")
        let tablet = try bench.device(of: "anna")
        #expect(try bench.ask(phone, .changeAccount(.revokeDevice(.init(2)))) == .done)
        bench.run(.milliseconds(50))
        #expect(tablet.closed == .closedByPeer(code: ErrorCode.revoked.rawValue))
        _ = tablet.take()
        try tablet.connect(now: bench.now)
        bench.run(.milliseconds(50))
        #expect(tablet.take().map(\.kind) == [.stranger(Stranger(isRevoked: true))])
        #expect(try bench.refusal(tablet, .logIn(bench.form("anna")))?.error == .deviceRevoked)
        #expect(try bench.refusal(tablet, .lookUp(handle: "anna"))?.error == .notEnrolled)
        #expect(bench.finding == nil)
    }

    @Test func whoRevokesItselfGetsItsAnswerFirst() throws {
        let bench = Bench()
        let phone = try bench.member("anna")
        #expect(try bench.ask(phone, .changeAccount(.revokeDevice(.init(1)))) == .done)
        #expect(try bench.refusal(phone, .lookUp(handle: "anna"))?.error == .notEnrolled)
        bench.run(.seconds(1))
        #expect(phone.closed == .closedByPeer(code: ErrorCode.revoked.rawValue))
        #expect(bench.finding == nil)
    }

    @Test func passwordsAreChangedByWhoKnowsThem() throws {
        let bench = Bench()
        let phone = try bench.member("anna")
        func change(_ old: [UInt8], _ new: [UInt8]) -> Command.Kind {
            .changeAccount(.password(old: old, new: new, recovery: nil))
        }
        #expect(
            try bench.refusal(phone, change(Self.other, Self.other))?.error == .credentialsWrong)
        #expect(
            try bench.refusal(phone, change(Bench.password, [1]))?.error == .passwordUnacceptable)
        #expect(try bench.ask(phone, change(Bench.password, Self.other)) == .done)
        #expect(
            try bench.refusal(phone, .changeAccount(.delete(password: Bench.password)))?.error
                == .credentialsWrong)
        let tablet = try bench.stranger()
        #expect(try bench.refusal(tablet, .logIn(bench.form("anna")))?.error == .credentialsWrong)
        let form = bench.form("anna", password: Self.other)
        guard case .welcome = try bench.ask(tablet, .logIn(form)) else {
            throw Bench.Unexpected(what: "the new password does not fit")
        }
    }

    @Test func guessingAPasswordOnAStolenDeviceIsSlowedDown() throws {
        let bench = Bench()
        let phone = try bench.member("anna")
        var errors: [MessagingError?] = []
        for _ in 0..<6 {
            errors.append(
                try bench.refusal(phone, .changeAccount(.delete(password: Self.other)))?.error)
        }
        #expect(errors == Array(repeating: .credentialsWrong, count: 5) + [.tooManyAttempts])
    }

    @Test func anAccountThatEndsIsGoneForEverybody() throws {
        let bench = Bench()
        let (anna, bob) = (try bench.member("anna"), try bench.member("bob"))
        try bench.befriend(anna, "anna", bob, "bob")
        let group = try bench.group(bob, ["anna"], 1)
        _ = bob.take()
        let delete = Command.Kind.changeAccount(.delete(password: Bench.password))
        #expect(try bench.ask(anna, delete) == .done)
        bench.run(.seconds(2))
        #expect(anna.closed == .closedByPeer(code: ErrorCode.revoked.rawValue))
        var states: [Contact.State] = []
        var hasLeft = false
        for notice in bob.take() {
            switch notice.kind {
            case .change(let change):
                if case .contact(let contact) = change.item.kind { states.append(contact.state) }
            case .message(let push):
                hasLeft = push.record.event == .left && push.record.conversation == group
            default: break
            }
        }
        #expect(states == [.gone])
        #expect(hasLeft)
        #expect(try bench.refusal(bob, .lookUp(handle: "anna"))?.error == .unknownRecipient)
        let stranger = try bench.stranger()
        #expect(try bench.refusal(stranger, .register(bench.form("anna")))?.error == .handleTaken)
        #expect(try bench.refusal(stranger, .logIn(bench.form("anna")))?.error == .credentialsWrong)
    }

    @Test func anInvitationLetsOneIn() throws {
        var limits = ServiceLimits.forStrangers
        limits.needsInvitation = true
        let store = SharedStore(MemoryStore(limits: limits))
        let open = Bench(store: SharedStore())
        let anna = try open.member("anna")
        guard case .invitation(let code, _) = try open.ask(anna, .invite(lifetimeSeconds: 60))
        else { throw Bench.Unexpected(what: "no invitation") }
        var form = open.form("bob")
        form.invitation = try #require(InvitationCode(code)).shown.lowercased()
        let bob = try open.stranger()
        guard case .welcome = try open.ask(bob, .register(form)) else {
            throw Bench.Unexpected(what: "bob is not welcome")
        }
        form.handle = "carol"
        let carol = try open.stranger()
        #expect(try open.refusal(carol, .register(form))?.error == .invitationInvalid)
        form.invitation = "no code"
        #expect(try open.refusal(carol, .register(form))?.error == .invitationInvalid)
        // Where one is demanded, nobody is let in without.
        let bench = Bench(store: store)
        let peer = bench.newPeer()
        try peer.connect(now: bench.now)
        bench.run(.milliseconds(50))
        #expect(peer.take().map(\.kind) == [.stranger(Stranger(needsInvitation: true))])
        #expect(
            try bench.refusal(peer, .register(bench.form("dave")))?.error == .invitationInvalid)
    }

    @Test func aRequestBecomesAContactOnBothSides() throws {
        let bench = Bench()
        let (anna, bob) = (try bench.member("anna"), try bench.member("bob"))
        let tablet = try bench.device(of: "anna")
        _ = anna.take()
        let request = Command.Kind.changeContact(
            Person(handle: "BOB"), .request(greeting: "it is me"))
        #expect(try bench.ask(anna, request) == .done)
        func contact(_ peer: Peer) -> Contact? {
            peer.take(\.change).compactMap { change in
                if case .contact(let contact) = change.item.kind { contact } else { nil }
            }.last
        }
        for peer in [anna, tablet] { #expect(contact(peer)?.state == .requested) }
        let asked = try #require(contact(bob))
        #expect(asked.state == .asked && asked.greeting == "it is me")
        #expect(try bench.ask(bob, .changeContact(asked.person, .accept)) == .done)
        for peer in [anna, tablet, bob] { #expect(contact(peer)?.state == .contact) }
        let long = String(repeating: "x", count: 257)
        #expect(
            try bench.refusal(
                anna, .changeContact(Person(handle: "bob"), .request(greeting: long)))
                == Refusal(
                    code: MessagingError.textInvalid.rawValue,
                    reason: MessagingError.textInvalid.sentence, retryAfter: .zero,
                    clientMessageID: nil, limit: 256))
    }

    @Test func lookUpsAreLimitedByTime() throws {
        let bench = Bench { $0.questions = BucketRate(spacing: .seconds(1), burst: 3) }
        let anna = try bench.member("anna")
        var errors: [MessagingError?] = []
        var wait = Interval.zero
        for _ in 0..<4 {
            let refusal = try bench.refusal(anna, .lookUp(handle: "anna"))
            errors.append(refusal?.error)
            wait = refusal?.retryAfter ?? .zero
        }
        #expect(errors == [nil, nil, nil, .tooFast])
        #expect(wait > .zero)
        bench.run(wait)
        guard case .card(let card) = try bench.ask(anna, .lookUp(handle: "ANNA")) else {
            throw Bench.Unexpected(what: "no card")
        }
        #expect(card.person.handle == "anna")
    }

    @Test func sendsThatComeTooFastKeepTheirOrder() throws {
        let bench = Bench { $0.sends = BucketRate(spacing: .seconds(1), burst: 2) }
        let anna = try bench.member("anna")
        let sends = (1...4 as ClosedRange<UInt64>).map {
            Command.Kind.send(bench.message($0, "m\($0)", to: .handle("anna")))
        }
        for send in sends { try anna.ask(send, now: bench.now) }
        bench.run(.milliseconds(50))
        let codes = anna.take().compactMap { notice in
            if case .refusal(let refusal) = notice.kind { refusal.error } else { nil }
        }
        #expect(codes == [.tooFast, .busy])
        bench.run(.seconds(1))
        // The last one alone must not overtake the one before it.
        #expect(try bench.refusal(anna, sends[3])?.error == .busy)
        #expect(try bench.refusal(anna, sends[2]) == nil)
        bench.run(.seconds(1))
        #expect(try bench.refusal(anna, sends[3]) == nil)
        #expect(bench.metrics.messagesCommitted == 4)
    }
}

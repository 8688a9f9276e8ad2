// Enrolment in two steps, and how guessing is slowed down.

import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

struct AccountServiceTests {
    private static let start = Instant(nanoseconds: 0)
    private static let password = Array("correct horse".utf8)

    private static func applicant(
        _ number: UInt64, host: UInt32 = 0x7F00_0001
    ) -> AccountService.Applicant {
        .init(key: World.key(number), helloCounter: 5, address: Address(v4: host, port: 9))
    }

    private static func form(
        _ handle: String = "anna", _ password: [UInt8] = password
    ) -> AccountService.Form {
        AccountService.Form(handle: handle, password: password, deviceName: "phone")
    }

    @Test func registeringIsTwoSteps() throws {
        var world = World()
        var service = AccountService()
        var random = RandomStream(seed: 1, label: "accounts")
        let (pending, job) = try service.begin(
            .register(Self.form("Anna"), invitation: nil, recovery: nil), by: Self.applicant(1),
            store: world.store,
            now: Self.start)
        #expect(job == .make(password: Self.password))
        let step = try service.finish(
            pending, .made(record: [1, 2]), now: Self.start, wall: World.wall, random: &random)
        guard case .write(let enrolment) = step,
            case .createAccount(let create) = enrolment.operation
        else {
            Issue.record("not a new account")
            return
        }
        #expect(create.handle == "anna")
        #expect(create.password == [1, 2])
        #expect(create.key == World.key(1))
        #expect(create.helloCounter == 5)
        #expect(create.deviceName == "phone")
        let outcome = try world.apply(enrolment.operation)
        guard case .enrolled(create.account, DeviceID(1), _) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(throws: Refused(.handleTaken)) {
            try service.begin(
                .register(Self.form("ANNA"), invitation: nil, recovery: nil), by: Self.applicant(2),
                store: world.store,
                now: Self.start)
        }
        #expect(throws: Refused(.alreadyEnrolled)) {
            try service.begin(
                .logIn(Self.form("ANNA")), by: Self.applicant(1), store: world.store,
                now: Self.start)
        }
    }

    @Test(arguments: [
        ("", 8, MessagingError.handleInvalid), ("7seven", 8, .handleInvalid),
        ("anna", 7, .passwordUnacceptable), ("anna", 129, .passwordUnacceptable),
    ])
    func formsAreJudged(handle: String, count: Int, error: MessagingError) {
        var service = AccountService()
        let form = Self.form(handle, [UInt8](repeating: 7, count: count))
        for wish in [
            AccountService.Wish.register(form, invitation: nil, recovery: nil), .logIn(form),
            .recover(form, proof: nil, next: nil),
        ] {
            #expect(throws: Refused(error)) {
                try service.begin(
                    wish, by: Self.applicant(1), store: MemoryStore(), now: Self.start)
            }
        }
    }

    @Test func unknownHandlesAreHashedLikeKnownOnes() throws {
        var world = World()
        _ = try world.person("anna", 1)
        var service = AccountService()
        var random = RandomStream(seed: 1, label: "accounts")
        for (handle, record) in [("anna", [1] as [UInt8]?), ("nobody", nil)] {
            let (pending, job) = try service.begin(
                .logIn(Self.form(handle)), by: Self.applicant(2), store: world.store,
                now: Self.start)
            #expect(job == .verify(password: Self.password, record: record))
            #expect(throws: Refused(.credentialsWrong)) {
                try service.finish(
                    pending, .wrong, now: Self.start, wall: World.wall, random: &random)
            }
        }
    }

    @Test func loggingInAddsADeviceAndRenewsTheRecord() throws {
        var world = World()
        let anna = try world.person("anna", 1)
        var service = AccountService()
        var random = RandomStream(seed: 1, label: "accounts")
        let (pending, _) = try service.begin(
            .logIn(Self.form()), by: Self.applicant(2), store: world.store, now: Self.start)
        let step = try service.finish(
            pending, .right(renewed: [9]), now: Self.start, wall: World.wall, random: &random)
        guard case .write(let enrolment) = step else {
            Issue.record("\(step)")
            return
        }
        #expect(enrolment.renewal == .replacePassword(account: anna.account, old: [1], record: [9]))
        let outcome = try world.apply(enrolment.operation)
        guard case .enrolled(anna.account, DeviceID(2), _) = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    /// A story: the seconds at which a guesser's attempts are let through, for one handle from many
    /// places and for many handles from one place.
    @Test(arguments: [true, false])
    func guessingSlowsDown(oneHandle: Bool) throws {
        var world = World()
        _ = try world.person("anna", 1)
        var service = AccountService()
        var random = RandomStream(seed: 1, label: "accounts")
        var admitted: [Int64] = []
        for number in 0..<1_600 as Range<Int64> {
            let now = Self.start + .seconds(number / 8)
            let handle = oneHandle ? "anna" : "guess\(number)"
            let host = oneHandle ? UInt32(number) : 7
            do throws(Refused) {
                let (pending, _) = try service.begin(
                    .logIn(Self.form(handle)), by: Self.applicant(2, host: host),
                    store: world.store, now: now)
                admitted.append(number / 8)
                _ = try service.finish(
                    pending, .wrong, now: now, wall: World.wall, random: &random)
            } catch {
                #expect([.credentialsWrong, .tooManyAttempts].contains(error.error))
                #expect((error.error == .tooManyAttempts) == (error.retryAfter > .zero))
            }
        }
        #expect(admitted == [0, 0, 0, 0, 0, 1, 3, 7, 15, 31, 63, 123, 183])
    }

    @Test func guessesSideBySideGainNothing() throws {
        var world = World()
        _ = try world.person("anna", 1)
        var service = AccountService()
        var admitted = 0
        for number in 0..<100 as Range<UInt32> {
            let begun = try? service.begin(
                .logIn(Self.form()), by: Self.applicant(2, host: number), store: world.store,
                now: Self.start)
            if begun != nil { admitted += 1 }
        }
        #expect(admitted == 5)
    }

    @Test(arguments: [HashResult.notDone, .right(renewed: nil)])
    func successForgivesAndABusyPoolIsNobodysFault(result: HashResult) throws {
        var world = World()
        _ = try world.person("anna", 1)
        var service = AccountService()
        var random = RandomStream(seed: 1, label: "accounts")
        for _ in 0..<20 {
            let (pending, _) = try service.begin(
                .logIn(Self.form()), by: Self.applicant(2), store: world.store, now: Self.start)
            do throws(Refused) {
                _ = try service.finish(
                    pending, result, now: Self.start, wall: World.wall, random: &random)
                #expect(result == .right(renewed: nil))
            } catch {
                #expect(error == Refused(.busy, retryAfter: .seconds(1)))
            }
        }
    }

    @Test func mixedUpResultsEnrolNobody() throws {
        var world = World()
        _ = try world.person("anna", 1)
        var service = AccountService()
        var random = RandomStream(seed: 1, label: "accounts")
        let (register, _) = try service.begin(
            .register(Self.form("bob"), invitation: nil, recovery: nil), by: Self.applicant(2),
            store: world.store,
            now: Self.start)
        let (logIn, _) = try service.begin(
            .logIn(Self.form()), by: Self.applicant(2), store: world.store, now: Self.start)
        for (pending, result) in [
            (register, HashResult.right(renewed: nil)), (register, .wrong),
            (logIn, .made(record: [1])),
        ] {
            #expect(throws: Refused(.busy, retryAfter: .seconds(1))) {
                try service.finish(
                    pending, result, now: Self.start, wall: World.wall, random: &random)
            }
        }
    }

    @Test func theTableOfFailuresIsBounded() throws {
        var service = AccountService(attemptsMax: 4)
        let store = MemoryStore()
        func guess(_ handle: String, host: UInt32) -> MessagingError? {
            do throws(Refused) {
                _ = try service.begin(
                    .logIn(Self.form(handle)), by: Self.applicant(2, host: host), store: store,
                    now: Self.start)
                return nil
            } catch {
                return error.error
            }
        }
        for number in 0..<5 as Range<UInt32> { #expect(guess("anna", host: number) == nil) }
        #expect(guess("anna", host: 100) == .tooManyAttempts)
        for number in 0..<4 as Range<UInt32> { _ = guess("other\(number)", host: 200 + number) }
        #expect(guess("anna", host: 300) == nil)
    }
}

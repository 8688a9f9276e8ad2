// A whole server on loopback: enrolment, messages, restarts, and the reasons not to start.

import Glibc
import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelServer
import PetrelServerCore
import PetrelTransport
import PetrelWire
import Testing

struct ServerTests {
    @Test func messagesSurviveARestart() throws {
        let folder = TemporaryFolder()
        let identity = KeyPair()
        let number = ClientMessageID(high: 0, low: 7)
        let first = try RunningServer(folder.path)
        let client = try LoopbackClient(first, identity: identity.duplicate(), counter: 1)
        #expect(try client.next().kind == .stranger(Stranger()))
        try client.ask(.register(LoopbackClient.form))
        guard case .welcome(let welcome) = try client.next().kind else {
            Issue.record("not welcome")
            return
        }
        var message = OutgoingMessage(
            clientMessageID: number, target: .handle("anna"),
            event: .message(Content(contentType: "", body: Array("note".utf8))))
        message.clientMessageID.high = UInt64(clamping: welcome.time.milliseconds) << 16
        try client.ask(.send(message))
        guard case .verdict(let verdict) = try client.next().kind else {
            Issue.record("no verdict")
            return
        }
        #expect(first.stop() == .stopped)
        #expect(try client.waitForClose() == 1)

        let second = try RunningServer(folder.path)
        #expect(second.publicKey == first.publicKey)
        let again = try LoopbackClient(second, identity: identity.duplicate(), counter: 2)
        guard case .welcome(let known) = try again.next().kind else {
            Issue.record("not known")
            return
        }
        #expect(known.account == welcome.account)
        #expect(known.feed == .init(2))
        try again.ask(.send(message))
        guard case .verdict(let repeated) = try again.next().kind else {
            Issue.record("no verdict")
            return
        }
        #expect(repeated.sequence == verdict.sequence)
        #expect(repeated.conversation == verdict.conversation)
        #expect(second.stop() == .stopped)
    }

    /// What the operator defined is known to clients by ACCEPT, and works in both directions.
    @Test func operatorsClassesAreUsed() throws {
        let folder = TemporaryFolder()
        let alarm = ClassPolicy(
            DeliveryClass(.durable, variant: 1), name: "alarm", priority: 0,
            retention: .seconds(86_400), redundancy: .copy, coalescing: .milliseconds(7))
        let server = try RunningServer(folder.path) { $0.classes = [alarm] }
        let client = try LoopbackClient(server, identity: KeyPair(), counter: 1)
        _ = try client.next()
        #expect(client.policy(named: "alarm") == alarm)
        #expect(client.policy(named: "fire") == nil)
        try client.ask(.register(LoopbackClient.form), as: alarm.deliveryClass)
        guard case .welcome = try client.next().kind else {
            Issue.record("not welcome")
            return
        }
        #expect(throws: SendRefusal.classUnknown) {
            try client.ask(
                .register(LoopbackClient.form), as: DeliveryClass(.durable, variant: 2))
        }
        #expect(server.stop() == .stopped)
    }

    @Test func passwordsAreChecked() throws {
        let folder = TemporaryFolder()
        let server = try RunningServer(folder.path)
        let phone = try LoopbackClient(server, identity: KeyPair(), counter: 1)
        _ = try phone.next()
        try phone.ask(.register(LoopbackClient.form))
        guard case .welcome = try phone.next().kind else {
            Issue.record("not welcome")
            return
        }
        let tablet = try LoopbackClient(server, identity: KeyPair(), counter: 1)
        _ = try tablet.next()
        for (handle, password, isRight) in [
            ("anna", "not the word", false), ("nobody", "correct horse", false),
            ("anna", "correct horse", true),
        ] {
            try tablet.ask(
                .logIn(
                    Registration(
                        handle: handle, password: Array(password.utf8), deviceName: "tablet")))
            switch try tablet.next().kind {
            case .welcome(let welcome):
                #expect(isRight)
                #expect(welcome.device == .init(2))
            case .refusal(let refusal):
                #expect(!isRight)
                #expect(refusal.error == .credentialsWrong)
            default: Issue.record("no answer")
            }
        }
        #expect(server.stop() == .stopped)
    }

    @Test func aPortInUseIsSaidSo() throws {
        let folder = TemporaryFolder()
        let other = TemporaryFolder()
        let server = try RunningServer(folder.path)
        var settings = RunningServer.settings(other.path)
        settings.listen = server.address
        do {
            _ = try Server(settings)
            Issue.record("started twice")
        } catch {
            #expect(error.kind == .addressInUse)
            #expect(error.description.contains("\(server.address)"))
        }
        #expect(server.stop() == .stopped)
    }

    @Test func aDirectoryInUseIsSaidSo() throws {
        let folder = TemporaryFolder()
        let server = try RunningServer(folder.path)
        do {
            _ = try Server(RunningServer.settings(folder.path))
            Issue.record("started twice")
        } catch {
            #expect(error.kind == .directoryInUse)
        }
        #expect(server.stop() == .stopped)
    }

    @Test func settingsOutOfBoundsAreNamed() {
        let changes: [(String, (inout ServerConfiguration) -> Void)] = [
            ("workers", { $0.workers = 0 }), ("workers", { $0.workers = 65 }),
            ("hash threads", { $0.hashThreads = 0 }), ("map bytes", { $0.mapBytes = 1 }),
            ("data directory", { $0.directory = "" }), ("sessions", { $0.core.sessionsMax = 0 }),
            ("half-open", { $0.core.halfOpenMax = 0 }),
            ("idle_timeout", { $0.core.session.idleTimeout = .zero }),
        ]
        for (name, change) in changes {
            var settings = RunningServer.settings("/tmp")
            change(&settings)
            do {
                _ = try settings.validated()
                Issue.record("\(name) is accepted")
            } catch {
                #expect(error.kind == .configuration)
                #expect(error.description.contains(name))
            }
        }
    }
}

// The client without a server: what it refuses, what it keeps, and how its sequences end.

import PetrelCrypto
import PetrelMessaging
import PetrelWire
import Testing

@testable import Petrel

@Suite struct PetrelClientTests {
    private let directory: TemporaryDirectory
    private let server: String

    init() throws {
        directory = try TemporaryDirectory()
        let key = KeyPair().publicKey.withBytes { bytes in
            (0..<bytes.byteCount).map { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        }
        // A port of the loopback where nobody answers.
        server = ServerAddress(host: "127.0.0.1", port: 9, key: key).text
    }

    private var configuration: Configuration {
        Configuration(server: server, directory: "\(directory.path)/client")
    }

    @Test func aDamagedAddressIsRefusedBeforeAnythingIsMade() throws {
        var damaged = configuration
        damaged.server = String(server.dropLast()) + (server.hasSuffix("A") ? "B" : "A")
        var error: PetrelError?
        do throws(PetrelError) { _ = try PetrelClient(damaged) } catch let thrown { error = thrown }
        #expect(error?.code == .addressInvalid)
        // Nothing was made: the same directory can be opened for the first time.
        _ = try PetrelClient(configuration)
    }

    @Test func aDirectoryIsOpenInOnePlaceAtATime() async throws {
        let first = try PetrelClient(configuration)
        var error: PetrelError?
        do throws(PetrelError) { _ = try PetrelClient(configuration) } catch let thrown {
            error = thrown
        }
        #expect(error?.code == .directoryUnusable)
        await first.close()
        let second = try PetrelClient(configuration)
        #expect(second.deviceKey == first.deviceKey)
        await second.close()
    }

    @Test func whatIsSentOfflineIsOnDiskWhenSendReturns() async throws {
        let client = try PetrelClient(configuration)
        let outgoing = try await client.send("hello", to: "bob")
        #expect(outgoing.index == 1 && outgoing.delivery == .queued)
        #expect(try client.waiting() == [outgoing.id])
        await client.close()
        await #expect(throws: PetrelError.closed) { try await outgoing.reached(.committed) }
        let again = try PetrelClient(configuration)
        #expect(try again.waiting() == [outgoing.id])
        let second = try await again.send("later", to: "bob")
        #expect(second.index == 2)
        await again.close()
    }

    @Test func badInputIsAnErrorThatSaysWhatToDo() async throws {
        let client = try PetrelClient(configuration)
        let long = [UInt8](repeating: 0, count: 70_000)
        var error = await #expect(throws: PetrelError.self) {
            try await client.send(long, contentType: "", to: "bob")
        }
        #expect(error?.code == .inputInvalid)
        #expect(error?.sentence.contains("70000") == true)
        error = await #expect(throws: PetrelError.self) { try await client.send("", to: "no one") }
        #expect(error?.code == .inputInvalid)
        error = await #expect(throws: PetrelError.self) {
            try await client.register(handle: "x", password: "long enough")
        }
        #expect(error?.code == .inputInvalid)
        #expect(try client.waiting().isEmpty)
        await client.close()
    }

    @Test func closingEndsAllSequencesAndAllWaiting() async throws {
        let client = try PetrelClient(configuration)
        let inbox = try client.inbox(from: .beginning)
        let states = client.states
        async let messages = inbox.reduce(into: 0) { count, _ in count += 1 }
        async let seen = states.reduce(into: [ConnectionState]()) { $0.append($1) }
        async let registered: Account? = {
            try? await client.register(handle: "anna", password: "long enough")
        }()
        async let caughtUp: Bool = { (try? await client.caughtUp()) != nil }()
        await client.close()
        #expect(await messages == 0)
        #expect(await seen.last == .closed)
        #expect(await registered == nil)
        #expect(await caughtUp == false)
        #expect(client.state == .closed)
        await #expect(throws: PetrelError.closed) { try await client.send("late", to: "bob") }
        await client.close()
    }

    @Test func waitingForAServerThatDoesNotAnswerCanBeCancelled() async throws {
        let client = try PetrelClient(configuration)
        let registering = Task {
            try await client.register(handle: "anna", password: "long enough")
        }
        let connecting = Task { try await client.connected() }
        registering.cancel()
        connecting.cancel()
        await #expect(throws: PetrelError.cancelled) { try await registering.value }
        await #expect(throws: PetrelError.cancelled) { try await connecting.value }
        // The client is as usable as before.
        _ = try await client.send("hello", to: "bob")
        await client.close()
    }
}

@Suite struct LatestTests {
    @Test func aFollowerSeesTheNewestAndTheEnd() async {
        let latest = Latest(0)
        let first = await latest.next(after: nil)
        #expect(first?.value == 0)
        for i in 1...5 { latest.publish(i) }
        latest.finish()
        latest.publish(6)
        let second = await latest.next(after: first?.version)
        #expect(second?.value == 5)
        #expect(await latest.next(after: second?.version) == nil)
    }

    @Test func manyTasksAreWokenByOneValue() async {
        let latest = Latest(0)
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<50 {
                group.addTask { await latest.next(after: 0)?.value ?? -1 }
            }
            group.addTask {
                latest.publish(7)
                return 7
            }
            for await value in group { #expect(value == 7) }
        }
    }

    @Test func identifiersLookAsUUIDsDo() {
        let id = ClientMessageID(high: 0x0190_0000_1234_7ABC, low: 0x8000_0000_0000_0001)
        #expect(id.text == "01900000-1234-7abc-8000-000000000001")
    }
}

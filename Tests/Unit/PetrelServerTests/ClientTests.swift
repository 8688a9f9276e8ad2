// The public client against a whole server on loopback.

import Petrel
import PetrelBase
import PetrelCrypto
import PetrelMessaging
import PetrelServer
import PetrelWire
import Testing

struct ClientTests {
    private let folders = (0..<4).map { _ in TemporaryFolder() }
    private let server: RunningServer
    private let address: String

    init() throws {
        server = try RunningServer(folders[0].path)
        let key = server.publicKey.withBytes { bytes in
            (0..<bytes.byteCount).map { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        }
        address = ServerAddress(host: "127.0.0.1", port: server.address.port, key: key).text
    }

    private func client(_ number: Int, address: String? = nil) throws -> PetrelClient {
        try PetrelClient(
            Configuration(server: address ?? self.address, directory: folders[number].path))
    }

    /// Follows `updates` to the first value that is as wanted.
    private func wait<Value>(
        _ updates: Updates<Value>, _ isWanted: (Value) -> Bool
    ) async throws -> Value {
        for await value in updates where isWanted(value) { return value }
        throw PetrelError(.closed, "it ended before", advice: "look at the test")
    }

    @Test(.timeLimit(.minutes(1)))
    func twoPeopleBecomeContactsTalkAndRead() async throws {
        let anna = try client(1)
        try await anna.register(
            handle: "anna", password: "long enough", recoveryCode: .init())
        let details = try await wait(anna.accountDetailsUpdates) { $0 != nil }
        #expect(details?.hasRecoveryCode == true && anna.devices.count == 1)
        let invitation = try await anna.invite()

        // Whoever is invited is a contact at once.
        let bob = try client(2, address: invitation.address)
        try await bob.register(handle: "bob", password: "long enough")
        let contacts = try await wait(anna.contactUpdates) { !$0.isEmpty }
        #expect(contacts.first?.person.handle == "bob" && contacts.first?.state == .contact)

        let hello = try await anna.send("hello", to: "bob")
        let place = try await hello.reached(.delivered)
        let list = try await wait(bob.conversationUpdates) { list in
            // Who is in a conversation may be told a little later than what is said in it.
            list.first?.unread == 1 && list.first?.title == "anna"
        }
        #expect(list.first?.peer == "anna" && list.first?.preview?.text == "hello")
        bob.markRead(upTo: place)
        try await hello.reached(.read)
        #expect(hello.delivery == .read(place))

        try await bob.react(to: place, with: "👍").reached(.committed)
        try await anna.edit(place, to: "hello Bob").reached(.delivered)
        for client in [anna, bob] {
            _ = try await wait(client.updates(of: place.conversation)) { $0.newest == 3 }
            try await client.caughtUp()
            let shown = try client.message(at: place)
            #expect(shown?.text == "hello Bob" && shown?.isEdited == true)
            #expect(shown?.reactions.first?.people.map(\.handle) == ["bob"])
            #expect(try client.history(of: place.conversation, before: nil).messages.count == 1)
        }
        #expect(anna.linkStatus.sinceLastContact != nil)
        await anna.close()
        await bob.close()
        #expect(server.stop() == .stopped)
    }

    @Test(.timeLimit(.minutes(1)))
    func aGroupAndADeviceThatIsShutOut() async throws {
        let anna = try client(1)
        try await anna.register(handle: "anna", password: "long enough")
        let phone = try client(3)
        try await phone.logIn(handle: "anna", password: "long enough")
        let devices = try await wait(anna.deviceUpdates) { $0.count == 2 }
        #expect(devices.filter(\.isThisDevice).map(\.id.number) == [1])

        let begun = try await anna.createGroup("Hiking", members: [])
        let group = try await begun.reached(.committed).conversation
        let members = try await anna.members(of: group)
        #expect(members.members.map(\.person.handle) == ["anna"] && members.next == nil)
        try await anna.renameGroup(group, to: "Walking").reached(.committed)
        let seen = try await wait(phone.updates(of: group)) { $0.title == "Walking" }
        #expect(seen.preview?.kind == .event(.changed(name: "Walking", isOpen: nil)))
        try await phone.setPinned(true, group)
        _ = try await wait(anna.updates(of: group)) { $0.isPinned }
        let refused = try await anna.addMembers(["nobody"], to: group)
        await #expect(throws: PetrelError.self) { try await refused.reached(.committed) }

        try await anna.revokeDevice(devices[1].id)
        _ = try await wait(phone.states) { $0 == .revoked }
        #expect(phone.account == nil)
        await #expect(throws: PetrelError.self) { try await phone.lookUp("anna") }
        await phone.close()
        await anna.close()
        #expect(server.stop() == .stopped)
    }
}

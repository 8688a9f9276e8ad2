// What may be sent, and what each refusal is: a table.

import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

struct MessageServiceTests {
    private static let hour: Int64 = 3_600_000

    private func admit(
        _ message: OutgoingMessage, from sender: Principal, in world: World
    ) throws(Refused) -> AppendMessage {
        try MessageService.admit(
            message, from: sender, digest: .init(1, 2, 3, 4), newConversation: .init(77),
            wall: World.wall, store: world.store)
    }

    @Test func theTableOfRefusals() throws {
        var world = World()
        let anna = try world.person("anna", 1)
        let bob = try world.person("bob", 2)
        let conversation = try world.say("hi", from: anna, to: "bob", 1).conversation
        let full = [UInt8](repeating: 0, count: MessagingLimits.bodyBytesMax)
        let longType = String(repeating: "t", count: 65)
        let table: [(String, Principal, OutgoingMessage, MessagingError?)] = [
            ("to a handle", anna, World.message(2, to: .handle("bob")), nil),
            ("to a handle, spelled otherwise", anna, World.message(2, to: .handle("BoB")), nil),
            ("to oneself", anna, World.message(2, to: .handle("anna")), nil),
            ("to a conversation", bob, World.message(2, to: .conversation(conversation)), nil),
            ("the largest body", anna, World.message(2, to: .handle("bob"), body: full), nil),
            (
                "a larger body", anna, World.message(2, to: .handle("bob"), body: full + [0]),
                .tooLarge
            ),
            (
                "a long content type", anna,
                World.message(2, to: .handle("bob"), contentType: longType), .tooLarge
            ),
        ]
        for (name, sender, message, error) in table {
            var refusal: MessagingError?
            do throws(Refused) {
                _ = try admit(message, from: sender, in: world)
            } catch {
                refusal = error.error
            }
            #expect(refusal == error, "\(name)")
        }
    }

    @Test(arguments: [
        (-7 * 24 * hour, true), (-7 * 24 * hour - 1, false), (24 * hour, true),
        (24 * hour + 1, false), (0, true),
    ])
    func identifiersHaveAnAge(offset: Int64, isAccepted: Bool) throws {
        var world = World()
        let anna = try world.person("anna", 1)
        let minted = WallTime(milliseconds: World.wall.milliseconds + offset)
        let message = World.message(2, to: .handle("anna"), mintedAt: minted)
        if isAccepted {
            #expect(
                try admit(message, from: anna, in: world).target
                    == .peer(anna.account, ifNew: .init(77)))
        } else {
            #expect(throws: Refused(.identifierExpired)) {
                try admit(message, from: anna, in: world)
            }
        }
    }

    @Test func whatIsSubmittedIsWhole() throws {
        var world = World()
        let anna = try world.person("anna", 1)
        let bob = try world.person("bob", 2)
        let first = try admit(World.message(9, to: .handle("bob")), from: anna, in: world)
        #expect(first.target == .peer(bob.account, ifNew: .init(77)))
        #expect(first.digest == .init(1, 2, 3, 4))
        #expect(first.time == World.wall)
    }

    /// Whom nobody can find is refused behind the look-up of repetitions.
    @Test(arguments: ["nobody", "\n"]) func nobodyIsRefusedByTheStore(handle: String) throws {
        var world = World()
        let anna = try world.person("anna", 1)
        let admitted = try admit(World.message(2, to: .handle(handle)), from: anna, in: world)
        #expect(
            try world.apply(.appendMessage(admitted)) == .refused(Refused(.unknownRecipient)))
    }

    @Test func aFailedStoreIsSaidSo() throws {
        var world = World()
        let anna = try world.person("anna", 1)
        world.store.fail()
        #expect(throws: Refused(.storageFailed)) {
            try admit(World.message(1, to: .handle("anna")), from: anna, in: world)
        }
    }

    @Test func identityTellsMessagesApart() {
        func identity(
            _ target: OutgoingMessage.Target, _ type: String, _ body: String
        ) -> [UInt8] {
            World.message(1, to: target, body: Array(body.utf8), contentType: type).identityBytes()
        }
        let identities = [
            identity(.handle("anna"), "", "x"), identity(.handle("ann"), "", "ax"),
            identity(.handle("anna"), "x", ""), identity(.handle("bob"), "", "x"),
            identity(.conversation(.init(1)), "", "x"), identity(.conversation(.init(2)), "", "x"),
        ]
        #expect(Set(identities).count == identities.count)
        #expect(identity(.handle("ANNA"), "", "x") == identities[0])
        var later = World.message(2, to: .handle("anna"), body: Array("x".utf8))
        later.clientMessageID.low = 9
        #expect(later.identityBytes() == identities[0])
    }
}

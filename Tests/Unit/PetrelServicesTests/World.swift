// A store with people in it, for the tests of the services.

import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

struct World {
    var store = MemoryStore()
    static let wall = WallTime(milliseconds: 1_800_000_000_000)

    /// Submits and returns the outcome.
    mutating func apply(_ operation: StoreOperation) throws -> StoreOutcome {
        try store.outcome(operation)
    }

    /// Adds an account whose key is its number.
    mutating func person(_ handle: String, _ number: UInt64) throws -> Principal {
        let outcome = try apply(
            .createAccount(
                CreateAccount(
                    account: .init(number), handle: handle, password: [1], key: Self.key(number),
                    deviceName: "", helloCounter: 1, time: Self.wall)))
        guard case .enrolled(AccountID(number), DeviceID(1), _) = outcome else {
            throw Unexpected()
        }
        return Principal(account: .init(number), device: .init(1), handle: handle)
    }

    /// Says something; returns where it stands.
    mutating func say(
        _ text: String, from sender: Principal, to handle: String, _ number: UInt64
    ) throws -> AppendedMessage {
        let message = Self.message(number, to: .handle(handle), body: Array(text.utf8))
        let admitted = try MessageService.admit(
            message, from: sender, digest: .init(number, 0, 0, 0),
            newConversation: .init(1_000 + number), wall: Self.wall, store: store)
        guard case .appended(let message) = try apply(.appendMessage(admitted)) else {
            throw Unexpected()
        }
        return message
    }

    struct Unexpected: Error {}

    static func key(_ number: UInt64) -> DeviceKey { DeviceKey(.init(number, 0, 0, 0)) }

    static func message(
        _ number: UInt64, to target: OutgoingMessage.Target, body: [UInt8] = [1],
        contentType: String = "", mintedAt time: WallTime = wall
    ) -> OutgoingMessage {
        OutgoingMessage(
            clientMessageID: ClientMessageID(
                high: UInt64(clamping: time.milliseconds) << 16 | 0x7000, low: number),
            target: target, event: .message(Content(contentType: contentType, body: body)))
    }
}

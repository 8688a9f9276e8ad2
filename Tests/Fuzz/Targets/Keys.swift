// Keys that are the same in each run.

import PetrelCrypto
import PetrelTransport
import PetrelWire

/// The keys and addresses of the targets' world.
enum FuzzKeys {
    /// The key pair of number `number`.
    static func pair(_ number: UInt8) -> KeyPair {
        KeyPair(secret: SecretKey(copying: [UInt8](repeating: number, count: 32).span.bytes))
    }

    /// The server's.
    static func server() -> KeyPair { pair(7) }

    /// The ID that the server chooses.
    static let serverID: UInt64 = 0x0102_0304_0506_0708
    /// The ID that the client chooses.
    static let clientID: UInt32 = 0xC11E_0001
}

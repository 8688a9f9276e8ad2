// The secrets of a session as text, for captures to be decrypted with; only where it is allowed.

internal import PetrelBase
internal import PetrelCrypto
internal import PetrelWire

/// Lines in the manner of NSS key logs: label, the server's connection ID, secret.
enum KeyLog {
    static func lines(_ secrets: borrowing NoiseSecrets, serverID: ConnectionID) -> [String] {
        let id = hexadecimal(serverID.value)
        return [
            "PETREL_CLIENT_TRAFFIC_SECRET \(id) \(hexadecimal(secrets.initiatorToResponder))",
            "PETREL_SERVER_TRAFFIC_SECRET \(id) \(hexadecimal(secrets.responderToInitiator))",
        ]
    }

    /// Sixteen digits, in lower case.
    static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func hexadecimal(_ secret: borrowing SecretKey) -> String {
        var reader = ByteReader(secret.bytes)
        var text = ""
        while let word = try? reader.readUInt64() { text += hexadecimal(word) }
        return text
    }
}

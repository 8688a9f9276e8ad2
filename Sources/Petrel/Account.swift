// Who the client is, and what its own account is like.

internal import PetrelBase
internal import PetrelClientData
internal import PetrelCrypto
public import PetrelMessaging

/// Who the client is.
public struct Account: Equatable, Sendable {
    /// The account's number on its server.
    public var number: UInt64
    /// This device's number in the account.
    public var device: UInt32
    /// The account's handle.
    public var handle: String
}

/// What the own account is like, as the server told last.
public struct AccountDetails: Equatable, Sendable {
    /// What others see of it.
    public var profile: Profile
    /// Who sees what.
    public var privacy: Privacy
    /// Its devices that are not revoked, by number.
    public var devices: [Device]
    /// Bytes of what it said and what is stored.
    public var bytesUsed: UInt64
    /// The most bytes that it may have stored.
    public var bytesMax: UInt64
    /// Whether there is a recovery code.
    public var hasRecoveryCode: Bool
}

/// A device of the account.
public struct Device: Equatable, Sendable, Identifiable {
    /// Its number in the account.
    public var id: DeviceID
    /// What the owner calls it.
    public var name: String
    /// When it was enrolled, in milliseconds since 1970.
    public var createdMilliseconds: Int64
    /// When a session of it last began, in milliseconds since 1970, as known when this was told.
    public var connectedMilliseconds: Int64
    /// Whether it is the one that asks.
    public var isThisDevice: Bool
}

/// What lets one account be registered.
public struct Invitation: Equatable, Sendable {
    /// The code.
    public var code: String
    /// The server's address with the code in it: to be pasted as `Configuration.server`.
    public var address: String
    /// When it ends, in milliseconds since 1970.
    public var expiresMilliseconds: Int64
}

extension Account {
    init(_ identity: ClientIdentity) {
        self.init(
            number: identity.account.number, device: identity.device.number,
            handle: identity.handle)
    }
}

extension AccountDetails {
    init(_ state: AccountState, device: UInt32?) {
        profile = state.profile
        privacy = state.privacy
        devices = state.devices.map { known in
            Device(
                id: known.device, name: known.name,
                createdMilliseconds: known.created.milliseconds,
                connectedMilliseconds: known.connected.milliseconds,
                isThisDevice: known.device.number == device)
        }
        bytesUsed = state.bytesUsed
        bytesMax = state.bytesMax
        hasRecoveryCode = state.hasRecovery
    }
}

/// What opens an account whose password is lost; made on the device, and kept on paper.
///
/// Show it before it is given to `register`, `recover` or `changePassword`: the server never knows
/// it, and nobody can read it afterwards.
public struct RecoveryCode: Hashable, Sendable {
    private let code: PetrelMessaging.RecoveryCode

    /// Draws a new code from the system's randomness.
    public init() {
        var random = SecureRandom()
        code = PetrelMessaging.RecoveryCode(random: &random)
    }

    /// Reads what somebody typed; `nil` if it is no code, or has a slip in it.
    public init?(_ typed: String) {
        guard let code = PetrelMessaging.RecoveryCode(typed) else { return nil }
        self.code = code
    }

    /// The code as people see it, in groups of five.
    public var shown: String { code.shown }

    /// The code as it is sent to recover with.
    var text: String { code.text }

    /// All that the server is told of it before.
    var digest: RecoveryDigest? {
        let digest = Digest.blake2b256(code.bytes.span.bytes)
        let array = digest.withBytes { bytes in
            (0..<bytes.byteCount).map { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        }
        return InlineWords4(array: array).map { RecoveryDigest(words: $0) }
    }
}

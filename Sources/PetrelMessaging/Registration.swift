// Who wants to enrol a device, and how.

/// Who wants to enrol the device.
///
/// Handle and password are as typed: whether they are acceptable is answered with a refusal that
/// says which of them is not, so decoding does not judge them.
public struct Registration: Equatable, Sendable {
    /// The handle as typed.
    public var handle: String
    /// The password.
    public var password: [UInt8]
    /// What the owner calls the device.
    public var deviceName: String
    /// The code of an invitation, when registering; empty for none.
    public var invitation: String
    /// The digest of a recovery code, when registering.
    public var recovery: RecoveryDigest?

    /// Creates it from its parts.
    public init(
        handle: String, password: [UInt8], deviceName: String, invitation: String = "",
        recovery:
            RecoveryDigest? = nil
    ) {
        self.handle = handle
        self.password = password
        self.deviceName = deviceName
        self.invitation = invitation
        self.recovery = recovery
    }
}

/// Who lost the password and has the recovery code.
public struct Recovery: Equatable, Sendable {
    /// The handle as typed.
    public var handle: String
    /// The recovery code as typed.
    public var code: String
    /// The new password.
    public var password: [UInt8]
    /// What the owner calls the device.
    public var deviceName: String
    /// The digest of the next recovery code; `nil` for none.
    public var recovery: RecoveryDigest?

    /// Creates it from its parts.
    public init(
        handle: String, code: String, password: [UInt8], deviceName: String,
        recovery:
            RecoveryDigest? = nil
    ) {
        self.handle = handle
        self.code = code
        self.password = password
        self.deviceName = deviceName
        self.recovery = recovery
    }
}

/// BLAKE2b-256 of a recovery code in its normal form: all that the server knows of it.
public struct RecoveryDigest: Hashable, Sendable {
    /// The digest.
    public var words: InlineWords4

    /// Creates the digest from its words.
    public init(words: InlineWords4) {
        self.words = words
    }
}

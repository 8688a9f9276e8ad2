// Operations on accounts, devices, relations and invitations.

public import PetrelBase
public import PetrelMessaging

/// Creates an account.
///
/// Refused with `handleTaken`, `alreadyEnrolled` or `deviceRevoked` (the key is known), or
/// `invitationInvalid`.
public struct CreateAccount: Equatable, Sendable {
    /// The identifier, drawn at random.
    public var account: AccountID
    /// The normalised handle.
    public var handle: String
    /// The self-describing password record.
    public var password: [UInt8]
    /// The key of the first device.
    public var key: DeviceKey
    /// What the owner calls that device.
    public var deviceName: String
    /// The handshake counter of the session that asks.
    public var helloCounter: UInt64
    /// When this happens.
    public var time: WallTime
    /// The digest of the invitation that is used; `nil` for none.
    public var invitation: InlineWords4?
    /// The digest of the recovery code; `nil` for none.
    public var recovery: RecoveryDigest?

    /// Creates it from its parts.
    public init(
        account: AccountID, handle: String, password: [UInt8], key: DeviceKey,
        deviceName: String, helloCounter: UInt64, time: WallTime,
        invitation: InlineWords4? = nil, recovery: RecoveryDigest? = nil
    ) {
        self.account = account
        self.handle = handle
        self.password = password
        self.key = key
        self.deviceName = deviceName
        self.helloCounter = helloCounter
        self.time = time
        self.invitation = invitation
        self.recovery = recovery
    }
}

/// Adds a device; refused with `tooManyDevices`, `alreadyEnrolled` or `deviceRevoked`.
public struct EnrolDevice: Equatable, Sendable {
    /// The account.
    public var account: AccountID
    /// The key of the new device.
    public var key: DeviceKey
    /// What the owner calls it.
    public var deviceName: String
    /// The handshake counter of the session that asks.
    public var helloCounter: UInt64
    /// When this happens.
    public var time: WallTime

    /// Creates it from its parts.
    public init(
        account: AccountID, key: DeviceKey, deviceName: String, helloCounter: UInt64,
        time: WallTime
    ) {
        self.account = account
        self.key = key
        self.deviceName = deviceName
        self.helloCounter = helloCounter
        self.time = time
    }
}

/// Adds a device in place of all others, with another password.
///
/// Refused with `credentialsWrong` if `proof` is not the digest that the account has by then, with
/// `alreadyEnrolled` or `deviceRevoked` (the key is known).
public struct RecoverAccount: Equatable, Sendable {
    /// The digest of the code that was shown.
    public var proof: RecoveryDigest
    /// The record of the new password.
    public var password: [UInt8]
    /// The digest of the next code; `nil` for none.
    public var recovery: RecoveryDigest?
    /// The new device.
    public var device: EnrolDevice

    /// Creates it from its parts.
    public init(
        proof: RecoveryDigest, password: [UInt8], recovery: RecoveryDigest?, device: EnrolDevice
    ) {
        self.proof = proof
        self.password = password
        self.recovery = recovery
        self.device = device
    }
}

/// Changes an account; refused with `notEnrolled` if the device that asks is not one of it, or with
/// `unknownDevice`.
public struct ChangeAccount: Equatable, Sendable {
    /// What changes.
    public enum Change: Equatable, Sendable {
        /// What others see of it.
        case profile(Profile)
        /// Who sees what.
        case privacy(Privacy)
        /// The password, and the recovery code unless it is `nil`.
        case password(record: [UInt8], recovery: RecoveryDigest?)
        /// What a device is called.
        case deviceName(DeviceID, String)
        /// A device is shut out for good.
        case revokeDevice(DeviceID)
        /// The account ends: all devices are shut out, relations end; its groups are left by
        /// `continueDeletions`.
        case delete
    }

    /// The account.
    public var account: AccountID
    /// The device that asks.
    public var device: DeviceID
    /// What changes.
    public var change: Change
    /// When this happens.
    public var time: WallTime

    /// Creates it from its parts.
    public init(account: AccountID, device: DeviceID, change: Change, time: WallTime) {
        self.account = account
        self.device = device
        self.change = change
        self.time = time
    }
}

/// Changes a relation.
///
/// Refused with `unknownRecipient`, `relationWrong` or `tooManyContacts`. What is so already is
/// `changed` without feeds.
public struct ChangeContact: Equatable, Sendable {
    /// Who asks.
    public var account: AccountID
    /// On which device.
    public var device: DeviceID
    /// The other.
    public var peer: AccountID
    /// What changes.
    public var change: ContactChange

    /// Creates it from its parts.
    public init(account: AccountID, device: DeviceID, peer: AccountID, change: ContactChange) {
        self.account = account
        self.device = device
        self.peer = peer
        self.change = change
    }
}

/// Changes what a conversation is for an account alone.
///
/// Refused with `unknownConversation` or `tooManyHidden`.
public struct ChangeConversation: Equatable, Sendable {
    /// The account.
    public var account: AccountID
    /// On which device.
    public var device: DeviceID
    /// The conversation.
    public var conversation: ConversationID
    /// What changes.
    public var change: ConversationChange

    /// Creates it from its parts.
    public init(
        account: AccountID, device: DeviceID, conversation: ConversationID,
        change: ConversationChange
    ) {
        self.account = account
        self.device = device
        self.conversation = conversation
        self.change = change
    }
}

/// Makes an invitation; refused with `tooManyInvitations`.
public struct CreateInvitation: Equatable, Sendable {
    /// Who invites.
    public var account: AccountID
    /// On which device.
    public var device: DeviceID
    /// The digest of the code.
    public var digest: InlineWords4
    /// Until when it may be used.
    public var expires: WallTime
    /// When this happens.
    public var time: WallTime

    /// Creates it from its parts.
    public init(
        account: AccountID, device: DeviceID, digest: InlineWords4, expires: WallTime,
        time: WallTime
    ) {
        self.account = account
        self.device = device
        self.digest = digest
        self.expires = expires
        self.time = time
    }
}

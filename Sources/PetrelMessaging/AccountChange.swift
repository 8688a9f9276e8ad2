// What a device may change of its own account.

public import PetrelBase

/// A change of the account.
public enum AccountChange: Equatable, Sendable {
    /// What others see of it.
    case profile(Profile)
    /// Who sees what.
    case privacy(Privacy)
    /// Another password, and another recovery code unless it is `nil`.
    case password(old: [UInt8], new: [UInt8], recovery: RecoveryDigest?)
    /// What a device is called.
    case deviceName(DeviceID, String)
    /// A device, this one or another, is shut out for good.
    case revokeDevice(DeviceID)
    /// The account ends.
    case delete(password: [UInt8])
}

/// What others see of an account besides its handle.
public struct Profile: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// A line about it.
    public var about: String

    /// Creates it from its parts.
    public init(name: String = "", about: String = "") {
        self.name = name
        self.about = about
    }
}

/// Whom an account lets see something.
public enum Audience: UInt8, Sendable, CaseIterable {
    /// Its contacts.
    case contacts = 0
    /// Everybody who can see the account in a conversation.
    case everybody = 1
    /// Nobody but its own devices.
    case nobody = 2
}

/// Who may see what of an account.
public struct Privacy: Hashable, Sendable {
    /// Whether it is here now.
    public var presence: Audience
    /// When it was here last.
    public var lastSeen: Audience
    /// What it has read.
    public var receipts: Audience

    /// Creates it from its parts.
    public init(
        presence: Audience = .contacts, lastSeen: Audience = .contacts,
        receipts: Audience =
            .everybody
    ) {
        self.presence = presence
        self.lastSeen = lastSeen
        self.receipts = receipts
    }
}

/// What an account's own devices know of it.
public struct AccountState: Equatable, Sendable {
    /// What others see of it.
    public var profile: Profile
    /// Who sees what.
    public var privacy: Privacy
    /// Its devices, by number.
    public var devices: [DeviceState]
    /// Bytes of bodies that it has sent and that are stored.
    public var bytesUsed: UInt64
    /// The most bytes that it may have stored.
    public var bytesMax: UInt64
    /// Whether there is a recovery code.
    public var hasRecovery: Bool

    /// Creates it from its parts.
    public init(
        profile: Profile, privacy: Privacy, devices: [DeviceState], bytesUsed: UInt64,
        bytesMax:
            UInt64, hasRecovery: Bool
    ) {
        self.profile = profile
        self.privacy = privacy
        self.devices = devices
        self.bytesUsed = bytesUsed
        self.bytesMax = bytesMax
        self.hasRecovery = hasRecovery
    }
}

/// A device of an account, as its other devices see it.
public struct DeviceState: Equatable, Sendable {
    /// Its number.
    public var device: DeviceID
    /// What the owner calls it.
    public var name: String
    /// When it was enrolled.
    public var created: WallTime
    /// When it last began a session.
    public var connected: WallTime

    /// Creates it from its parts.
    public init(device: DeviceID, name: String, created: WallTime, connected: WallTime) {
        self.device = device
        self.name = name
        self.created = created
        self.connected = connected
    }
}

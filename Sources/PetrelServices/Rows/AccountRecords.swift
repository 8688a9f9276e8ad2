// The records of accounts, devices and relations, field by field.

public import PetrelBase
public import PetrelMessaging

/// An account.
public struct AccountRow: Record {
    /// The normalised handle.
    public var handle: String
    /// The self-describing password record.
    public var password: [UInt8]
    /// When it was made.
    public var created: WallTime
    /// The number that the newest device got; numbers are never reused.
    public var lastDevice: DeviceID
    /// What others see of it.
    public var profile: Profile = Profile()
    /// Who sees what.
    public var privacy: Privacy = Privacy()
    /// The digest of its recovery code.
    public var recovery: RecoveryDigest? = nil
    /// Whether it was deleted: only its handle lives on.
    public var isDeleted: Bool = false
    /// The live entry of the account itself in its feed; 0 if there is none.
    public var feed: FeedSequence = FeedSequence(0)

    /// Creates the row; what has a value already may be changed.
    public init(handle: String, password: [UInt8], created: WallTime, lastDevice: DeviceID) {
        self.handle = handle
        self.password = password
        self.created = created
        self.lastDevice = lastDevice
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        handle = try reader.readText()
        password = try reader.readCounted()
        created = WallTime(milliseconds: try reader.readSigned())
        lastDevice = DeviceID(try reader.readUInt32())
        profile = Profile(name: try reader.readText(), about: try reader.readText())
        privacy = Privacy(
            presence: try reader.readCase(), lastSeen: try reader.readCase(),
            receipts: try reader.readCase())
        recovery =
            try reader.readUInt8() == 0
            ? nil : RecoveryDigest(words: try InlineWords4(from: &reader))
        isDeleted = try reader.readUInt8() != 0
        feed = FeedSequence(try reader.readUInt64())
    }

    public func write(to writer: inout RecordWriter) {
        writer.addCounted(handle)
        writer.addCounted(password)
        writer.add(created.milliseconds)
        writer.add(lastDevice.number)
        writer.addCounted(profile.name)
        writer.addCounted(profile.about)
        writer.add(privacy.presence.rawValue)
        writer.add(privacy.lastSeen.rawValue)
        writer.add(privacy.receipts.rawValue)
        writer.add(UInt8(recovery == nil ? 0 : 1))
        recovery?.words.write(to: &writer)
        writer.add(UInt8(isDeleted ? 1 : 0))
        writer.add(feed.number)
    }
}

/// What changes often of an account: the newest entry of its feed, and what it takes up.
public struct AccountHeadRow: Record {
    /// The newest entry of its feed; 0 before the first.
    public var feed: FeedSequence = FeedSequence(0)
    /// Bytes of bodies that it sent and that are stored.
    public var bytesUsed: UInt64 = 0
    /// Groups that it is in.
    public var groupsCount: UInt32 = 0
    /// Relations that are not `none`, and blocked accounts.
    public var contactsCount: UInt32 = 0
    /// Invitations that are neither used nor expired.
    public var invitationsCount: UInt32 = 0

    /// Creates the row; what has a value already may be changed.
    public init() {
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        feed = FeedSequence(try reader.readUInt64())
        bytesUsed = try reader.readUInt64()
        groupsCount = try reader.readUInt32()
        contactsCount = try reader.readUInt32()
        invitationsCount = try reader.readUInt32()
    }

    public func write(to writer: inout RecordWriter) {
        writer.add(feed.number)
        writer.add(bytesUsed)
        writer.add(groupsCount)
        writer.add(contactsCount)
        writer.add(invitationsCount)
    }
}

/// A device.
public struct DeviceRow: Record {
    /// The key that it proves.
    public var key: DeviceKey
    /// What the owner calls it.
    public var name: String
    /// The highest handshake counter accepted from it.
    public var helloCounter: UInt64
    /// When it was enrolled.
    public var created: WallTime
    /// When it last began a session.
    public var connected: WallTime
    /// Whether it was shut out for good.
    public var isRevoked: Bool = false

    /// Creates the row; what has a value already may be changed.
    public init(
        key: DeviceKey, name: String, helloCounter: UInt64, created: WallTime, connected: WallTime
    ) {
        self.key = key
        self.name = name
        self.helloCounter = helloCounter
        self.created = created
        self.connected = connected
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        key = DeviceKey(try InlineWords4(from: &reader))
        name = try reader.readText()
        helloCounter = try reader.readUInt64()
        created = WallTime(milliseconds: try reader.readSigned())
        connected = WallTime(milliseconds: try reader.readSigned())
        isRevoked = try reader.readUInt8() != 0
    }

    public func write(to writer: inout RecordWriter) {
        key.words.write(to: &writer)
        writer.addCounted(name)
        writer.add(helloCounter)
        writer.add(created.milliseconds)
        writer.add(connected.milliseconds)
        writer.add(UInt8(isRevoked ? 1 : 0))
    }
}

/// The device that a key belongs to, for ever.
public struct DeviceNameRow: Record {
    /// The account.
    public var account: AccountID
    /// Its number there.
    public var device: DeviceID

    /// Creates the row; what has a value already may be changed.
    public init(account: AccountID, device: DeviceID) {
        self.account = account
        self.device = device
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        account = AccountID(try reader.readUInt64())
        device = DeviceID(try reader.readUInt32())
    }

    public func write(to writer: inout RecordWriter) {
        writer.add(account.number)
        writer.add(device.number)
    }
}

/// How an account stands to another.
public struct ContactRow: Record {
    /// How they stand.
    public var state: Contact.State = Contact.State.none
    /// Whether the account takes nothing from the other.
    public var isBlocked: Bool = false
    /// What the account calls the other.
    public var alias: String = ""
    /// The line that came with a request.
    public var greeting: String = ""
    /// The live entry of this relation in the account's feed; 0 if there is none.
    public var feed: FeedSequence = FeedSequence(0)

    /// Creates the row; what has a value already may be changed.
    public init() {
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        state = try reader.readCase()
        isBlocked = try reader.readUInt8() != 0
        alias = try reader.readText()
        greeting = try reader.readText()
        feed = FeedSequence(try reader.readUInt64())
    }

    public func write(to writer: inout RecordWriter) {
        writer.add(state.rawValue)
        writer.add(UInt8(isBlocked ? 1 : 0))
        writer.addCounted(alias)
        writer.addCounted(greeting)
        writer.add(feed.number)
    }
}

/// An invitation that is not used.
public struct InvitationRow: Record {
    /// Who invites.
    public var account: AccountID
    /// Until when it may be used.
    public var expires: WallTime

    /// Creates the row; what has a value already may be changed.
    public init(account: AccountID, expires: WallTime) {
        self.account = account
        self.expires = expires
    }

    public init(from reader: inout ByteReader) throws(DecodeError) {
        account = AccountID(try reader.readUInt64())
        expires = WallTime(milliseconds: try reader.readSigned())
    }

    public func write(to writer: inout RecordWriter) {
        writer.add(account.number)
        writer.add(expires.milliseconds)
    }
}

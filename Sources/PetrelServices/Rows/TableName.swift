// The tables of a server, with the layout of their keys, in one picture.

/// A table: its number is part of the keys of long records on the disk and never changes.
///
/// Numbers in keys are big-endian and of fixed width, so that keys sort as their numbers do.
///
/// ```
/// of every store
///   meta            name                                    a number
/// of a server
///   account         account 8                               handle, password, profile, privacy
///   accountHead     account 8                               newest fseq, bytes, counts
///   handle          UTF-8                                   account
///   device          account 8 | device 4                    key, name, counter, times, revoked
///   deviceKey       key 32                                  account, device
///   watermark       account 8 | device 4                    feed
///   contact         account 8 | account 8                   state, blocked, alias, greeting
///   invitation      digest 32                               account, expires
///   invited         time 8 | digest 32                      nothing: the order of expiry
///   pair            lower account 8 | higher 8              conversation
///   conversation    conversation 8                          last, first, settings, group
///   member          conversation 8 | account 8              marks, role, settings, feed entry
///   hidden          conversation 8 | account 8              places
///   memberOf        account 8 | conversation 8              nothing: groups that it is in
///   largeOf         account 8 | conversation 8              nothing: large ones of them
///   message         conversation 8 | cseq 8                 who, when, what
///   expiry          time 8 | conversation 8 | cseq 8        nothing: the order of expiry
///   retention       time 8 | conversation 8                 nothing: when to look next
///   feed            account 8 | fseq 8                      conversation, contact or account
///   deduplication   account 8 | cmid 16                     conversation, cseq, digest, time
///   deduplicated    time 8 | account 8 | cmid 16            nothing: the order of forgetting
///   deleting        account 8                               nothing: has groups to leave
/// ```
///
/// The numbers 1, 15 to 17 and 40 are those of tables that only stores on a disk have; other stores
/// add their names in extensions.
public struct TableName: Hashable, Sendable, CustomStringConvertible {
    /// Above all numbers of tables.
    public static let numbersCount = 64

    /// The number.
    public let number: UInt8
    /// The name that the table has in a database.
    public let description: String
    /// Whether records may be longer than a page holds well.
    public let mayBeLong: Bool

    /// Names a table; once anything was stored in it, neither number nor name may change.
    ///
    /// - Precondition: `number < numbersCount`.
    public init(_ number: UInt8, _ name: String, mayBeLong: Bool = false) {
        precondition(number < Self.numbersCount)
        self.number = number
        description = name
        self.mayBeLong = mayBeLong
    }

    /// Whether both are the same table.
    public static func == (a: TableName, b: TableName) -> Bool { a.number == b.number }

    /// Adds what the table is known by.
    public func hash(into hasher: inout Hasher) { hasher.combine(number) }
}

extension TableName {
    /// What the store says of itself, by name.
    public static let meta = TableName(0, "meta")
    /// Accounts.
    public static let account = TableName(2, "account")
    /// Accounts by their normalised handles.
    public static let handle = TableName(3, "handle")
    /// Devices by account and number.
    public static let device = TableName(4, "device")
    /// Devices by key.
    public static let deviceKey = TableName(5, "deviceKey")
    /// The feed cursors that devices acknowledged.
    public static let watermark = TableName(6, "watermark")
    /// The 1:1 conversations by their members.
    public static let pair = TableName(7, "pair")
    /// Heads of conversations.
    public static let conversation = TableName(8, "conversation")
    /// Members of conversations.
    public static let member = TableName(9, "member")
    /// Messages by their places.
    public static let message = TableName(10, "message", mayBeLong: true)
    /// Feeds: what changed for an account.
    public static let feed = TableName(11, "feed")
    /// The newest entries of feeds, and what accounts take up.
    public static let accountHead = TableName(12, "accountHead")
    /// What was committed, by the identifiers of clients.
    public static let deduplication = TableName(13, "deduplication")
    /// The order in which deduplication forgets.
    public static let deduplicated = TableName(14, "deduplicated")

    /// How accounts stand to each other.
    public static let contact = TableName(18, "contact")
    /// Invitations by the digests of their codes.
    public static let invitation = TableName(19, "invitation")
    /// The order in which invitations expire.
    public static let invited = TableName(20, "invited")
    /// Places that accounts hide.
    public static let hidden = TableName(21, "hidden", mayBeLong: true)
    /// The groups that accounts are in.
    public static let memberOf = TableName(22, "memberOf")
    /// The large groups that accounts are in.
    public static let largeOf = TableName(23, "largeOf")
    /// The order in which messages expire.
    public static let expiry = TableName(24, "expiry")
    /// When conversations that keep messages for a time are looked after.
    public static let retention = TableName(25, "retention")
    /// Deleted accounts that have groups to leave.
    public static let deleting = TableName(26, "deleting")

    /// All tables of a server but those that belong to the way they are stored.
    public static let ofServer: [TableName] = [
        .meta, .account, .accountHead, .handle, .device, .deviceKey, .watermark, .contact,
        .invitation, .invited, .pair, .conversation, .member, .hidden, .memberOf, .largeOf,
        .message, .expiry, .retention, .feed, .deduplication, .deduplicated, .deleting,
    ]
}

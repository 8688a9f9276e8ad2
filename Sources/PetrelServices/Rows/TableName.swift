// The tables of a server, with the layout of their keys, in one picture.

/// A table: its number is part of the keys of long records on the disk and never changes.
///
/// Numbers in keys are big-endian and of fixed width, so that keys sort as their numbers do.
///
/// ```
/// of every store
///   meta            name                                    a number
/// of a server
///   account         account 8                               handle, password, created, devices
///   handle          UTF-8                                   account
///   device          account 8 | device 4                    key, name, hello counter, created
///   deviceKey       key 32                                  account, device
///   watermark       account 8 | device 4                    feed
///   pair            lower account 8 | higher 8              conversation
///   conversation    conversation 8                          last, first
///   member          conversation 8 | account 8              delivered, its live feed entry
///   message         conversation 8 | cseq 8                 who, when, what
///   feed            account 8 | fseq 8                      conversation
///   feedHead        account 8                               newest fseq
///   deduplication   account 8 | cmid 16                     conversation, cseq, digest, time
///   deduplicated    time 8 | account 8 | cmid 16            nothing: the order of forgetting
/// ```
///
/// The numbers 1 and 15 to 17 are those of tables that only stores on a disk have; other stores add
/// their names in extensions.
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
    /// The newest entries of feeds.
    public static let feedHead = TableName(12, "feedHead")
    /// What was committed, by the identifiers of clients.
    public static let deduplication = TableName(13, "deduplication")
    /// The order in which deduplication forgets.
    public static let deduplicated = TableName(14, "deduplicated")

    /// All tables of a server but those that belong to the way they are stored.
    public static let ofServer: [TableName] = [
        .meta, .account, .handle, .device, .deviceKey, .watermark, .pair, .conversation, .member,
        .message, .feed, .feedHead, .deduplication, .deduplicated,
    ]
}

// All tables of both stores, with the layout of their keys, in one picture.

import CLMDB

/// A table: its number is part of the keys in `blob` and never changes.
///
/// Numbers in keys are big-endian and of fixed width, so that keys sort as their numbers do.
///
/// ```
/// of a server
///   meta            name                                    a number
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
/// of a client
///   meta            name                                    identity, counters, cursor, networks
///   outbox          index 8                                 what waits for its verdict
///   failed          index 8                                 what was refused for good
///   known           conversation 8                          what is known of a conversation
///   message         conversation 8 | cseq 8                 who, when, what
/// of both
///   blob            table 1 | key | chunk 2                 a part of a long record
/// ```
enum TableName: UInt8, CaseIterable, Sendable {
    case meta = 0
    case blob = 1
    case account = 2
    case handle = 3
    case device = 4
    case deviceKey = 5
    case watermark = 6
    case pair = 7
    case conversation = 8
    case member = 9
    case message = 10
    case feed = 11
    case feedHead = 12
    case deduplication = 13
    case deduplicated = 14
    case outbox = 15
    case failed = 16
    case known = 17

    /// Whether records may be longer than a page holds well, and then stand in chunks in `blob`.
    var mayChunk: Bool {
        switch self {
        case .message, .outbox, .failed, .known: true
        default: false
        }
    }
}

/// What a store is for; a store of one kind is not opened as the other.
enum Purpose: String, Sendable {
    case server
    case client

    var tables: [TableName] {
        switch self {
        case .server:
            [
                .meta, .blob, .account, .handle, .device, .deviceKey, .watermark, .pair,
                .conversation, .member, .message, .feed, .feedHead, .deduplication, .deduplicated,
            ]
        case .client: [.meta, .blob, .outbox, .failed, .known, .message]
        }
    }
}

/// The database's numbers for the tables that are open.
struct Tables: Sendable {
    private var indices = InlineArray<18, MDB_dbi>(repeating: .max)

    subscript(name: TableName) -> MDB_dbi {
        get { indices[Int(name.rawValue)] }
        set { indices[Int(name.rawValue)] = newValue }
    }
}

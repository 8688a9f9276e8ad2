// The tables that only stores on a disk have, and which store has which.

import CLMDB
import PetrelServices

/// Besides those of `TableName.ofServer`:
///
/// ```
/// of a client
///   meta            name                                    identity, counters, cursor, networks,
///                                                           the account
///   outbox          index 8                                 what waits for its verdict
///   failed          index 8                                 what was refused for good
///   known           conversation 8                          what is known of a conversation
///   message         conversation 8 | cseq 8                 who, when, what
///   overlay         conversation 8 | cseq 8                 edit, recall, reactions
///   expiry          time 8 | conversation 8 | cseq 8        nothing: the order of expiry
///   contact         account 8                               how it stands to this one
/// of both
///   blob            table 1 | key | chunk 2                 a part of a long record
/// ```
extension TableName {
    static let blob = TableName(1, "blob")
    static let outbox = TableName(15, "outbox", mayBeLong: true)
    static let failed = TableName(16, "failed", mayBeLong: true)
    static let known = TableName(17, "known", mayBeLong: true)
    static let overlay = TableName(40, "overlay", mayBeLong: true)
}

/// What a store is for; a store of one kind is not opened as the other.
enum Purpose: String, Sendable {
    case server
    case client

    var tables: [TableName] {
        switch self {
        case .server: TableName.ofServer + [.blob]
        case .client:
            [
                .meta, .blob, .outbox, .failed, .known, .message, .overlay, .expiry, .contact,
            ]
        }
    }
}

/// The database's numbers for the tables that are open.
struct Tables: Sendable {
    private var indices = InlineArray<64, MDB_dbi>(repeating: .max)

    subscript(name: TableName) -> MDB_dbi {
        get { indices[Int(name.number)] }
        set { indices[Int(name.number)] = newValue }
    }
}

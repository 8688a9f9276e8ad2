// What went wrong with a store on disk: what happened, with the values, and what to do about it.

import CLMDB
import Glibc
import PetrelServices

/// Why a store could not be opened, or what its database answered.
public struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What sort of trouble it is.
    public enum Kind: Equatable, Sendable {
        /// The directory cannot be used, or others may read it.
        case unsafeDirectory
        /// Another store has it open, in this process or another one.
        case inUse
        /// It was written by a newer version, or for another purpose.
        case foreign
        /// There is no room on the disk or in the map.
        case full
        /// More readers than the database has slots for.
        case busy
        /// The disk or the database failed.
        case failed
        /// A record is damaged; all others can be used.
        case damaged(DamagedRecord)
        /// The store was closed.
        case closed
    }

    /// What sort of trouble it is.
    public var kind: Kind
    /// The directory of the store.
    public var path: String
    /// The error number of the system (positive) or of LMDB (negative); 0 if there is none.
    public var code: Int32
    /// What happened, a sentence with the values.
    public var happened: String
    /// What to do about it, a sentence.
    public var advice: String

    /// Both sentences.
    public var description: String { "\(happened) \(advice)" }
}

/// A record that cannot be read: its bytes do not match their checksum, or make no sense.
public struct DamagedRecord: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// The table that it stands in.
    public var table: String
    /// Its key.
    public var key: [UInt8]

    /// The table and the key in hexadecimal digits.
    public var description: String {
        let digits = key.map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }
        return "\(table)/\(digits.joined())"
    }
}

extension DamagedRecord {
    init(_ row: DamagedRow) {
        table = row.table.description
        key = row.key.bytes
    }
}

extension StoreError {
    /// Describes `code`, an answer of LMDB or of the system, met while `doing` something at `path`.
    init(code: Int32, doing: String, path: String) {
        self.code = code
        self.path = path
        happened = "Cannot \(doing) in \(path): \(String(cString: mdb_strerror(code))) (\(code))."
        switch code {
        case MDB_MAP_FULL, ENOSPC, EDQUOT:
            kind = .full
            advice = "Free space on that disk, or open the store with a larger map."
        case MDB_READERS_FULL:
            kind = .busy
            advice = "Try again when other reads have ended."
        default:
            kind = .failed
            advice = "Look at the disk and the kernel's log; verify the store before its next use."
        }
    }

    static func closed(_ path: String) -> StoreError {
        StoreError(
            kind: .closed, path: path, code: 0, happened: "The store in \(path) was closed.",
            advice: "Open it again before using it.")
    }

    static func damaged(_ record: DamagedRecord, path: String) -> StoreError {
        StoreError(
            kind: .damaged(record), path: path, code: 0,
            happened: "The record \(record) in \(path) is damaged.",
            advice: "Restore it from a backup; other records are not affected.")
    }

    static func unsafeDirectory(
        _ path: String, code: Int32 = 0, _ happened: String, _ advice: String
    ) -> StoreError {
        StoreError(
            kind: .unsafeDirectory, path: path, code: code, happened: happened, advice: advice)
    }
}

extension StoreFailure {
    /// What services are told of the error.
    init(_ error: StoreError) {
        switch error.kind {
        case .busy: self = .busy
        case .full: self = .full
        case .unsafeDirectory, .inUse, .foreign, .failed, .damaged, .closed: self = .failed
        }
    }
}

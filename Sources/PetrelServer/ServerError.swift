// Why a server does not start or go on: what happened, with the values, and what to do about it.

internal import Glibc
internal import PetrelBase
internal import PetrelEvent
internal import PetrelStore

/// Why a server could not start, or had to end.
public struct ServerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What sort of trouble it is.
    public enum Kind: Equatable, Sendable {
        /// A setting is out of bounds.
        case configuration
        /// Another process has the port.
        case addressInUse
        /// The address cannot be listened on.
        case addressUnusable
        /// A key file is missing, damaged, or others may read it.
        case keyFile
        /// The data directory cannot be used, or others may read it.
        case directoryUnsafe
        /// Another server has the data directory open.
        case directoryInUse
        /// The store was written by a newer version, or for another purpose.
        case storeForeign
        /// There is no room on the disk or in the map.
        case storeFull
        /// The disk or the database failed: verify the store before it is used again.
        case storeFailed
        /// The system has no descriptors, threads or memory left.
        case system
    }

    /// What sort of trouble it is.
    public var kind: Kind
    /// What happened, a sentence with the values.
    public var happened: String
    /// What to do about it, a sentence.
    public var advice: String

    /// Both sentences.
    public var description: String { "\(happened) \(advice)" }

    init(kind: Kind, happened: String, advice: String) {
        self.kind = kind
        self.happened = happened
        self.advice = advice
    }

    init(_ error: StoreError) {
        let kind: Kind
        switch error.kind {
        case .unsafeDirectory: kind = .directoryUnsafe
        case .inUse: kind = .directoryInUse
        case .foreign: kind = .storeForeign
        case .full: kind = .storeFull
        case .busy, .failed, .damaged, .closed: kind = .storeFailed
        }
        self.init(kind: kind, happened: error.happened, advice: error.advice)
    }

    /// The store failed without saying how.
    static let storeFailed = ServerError(
        kind: .storeFailed, happened: "The store failed.",
        advice: "Look at the disk and the kernel's log; verify the store before its next use.")

    init(_ error: SystemError) {
        self.init(
            kind: .system, happened: "A system call failed: \(error).",
            advice: "Raise the limits of the process, or free memory, and start again.")
    }

    /// Describes why nobody can listen on `address`.
    init(_ error: SystemError, listening address: Address) {
        let carrier = address.carrier == .stream ? "TCP" : "UDP"
        let address = address.over(.datagram, port: address.port)
        switch error.code {
        case EADDRINUSE:
            self.init(
                kind: .addressInUse, happened: "The address \(address) is in use (\(carrier)).",
                advice: "Stop the other process, or listen on another port.")
        case EACCES:
            self.init(
                kind: .addressUnusable,
                happened: "The address \(address) is not allowed: \(error).",
                advice: "Choose a port from 1024 on.")
        case EADDRNOTAVAIL:
            self.init(
                kind: .addressUnusable, happened: "No interface has the address \(address).",
                advice: "Listen on one of this machine's addresses, or on 0.0.0.0 or [::].")
        default:
            self.init(
                kind: .addressUnusable, happened: "Cannot listen on \(address): \(error).",
                advice: "Choose another address.")
        }
    }
}

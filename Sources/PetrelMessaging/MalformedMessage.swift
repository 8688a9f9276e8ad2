// Why bytes are no command or notice.

/// Bytes from the peer that do not follow the schema, or break a rule that it cannot say.
public struct MalformedMessage: Error, Equatable, Sendable {
    /// What is wrong.
    public enum Reason: Error, Equatable, Sendable {
        /// The bytes are no encoding of the message at all.
        case undecodable
        /// A part that must be there is not, or is of a kind that this version does not know.
        case missing(String)
        /// A part has a value, a length or a count that is forbidden.
        case forbidden(String)
    }

    /// The request number of the message, if that much could be read; otherwise 0.
    public var request: UInt64
    /// What is wrong, naming the field.
    public var reason: Reason

    /// Creates the error.
    public init(request: UInt64, reason: Reason) {
        self.request = request
        self.reason = reason
    }
}

extension MalformedMessage: CustomStringConvertible {
    /// A sentence for the peer's log.
    public var description: String {
        switch reason {
        case .undecodable: "the bytes do not follow the schema"
        case .missing(let field): "\(field) is missing or unknown"
        case .forbidden(let field): "\(field) is out of bounds"
        }
    }
}

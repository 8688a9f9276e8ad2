// Why a service does not do what was asked, ready to be told to the client.

public import PetrelBase
public import PetrelMessaging

/// A refusal: nothing was changed.
public struct Refused: Error, Equatable, Sendable {
    /// Why.
    public var error: MessagingError
    /// When to try again; zero if retrying does not help.
    public var retryAfter: Interval
    /// The limit that was met, in the unit of the rule; 0 if none was.
    public var limit: UInt64

    /// Creates the refusal.
    public init(_ error: MessagingError, retryAfter: Interval = .zero, limit: UInt64 = 0) {
        self.error = error
        self.retryAfter = retryAfter
        self.limit = limit
    }

    /// Creates the refusal that names a limit.
    public init(_ error: MessagingError, limit: Int) {
        self.init(error, limit: UInt64(clamping: limit))
    }

    /// Creates the refusal that follows from what the store says.
    ///
    /// A busy store has room again after one or two flushes; a full one when somebody made room.
    public init(_ failure: StoreFailure) {
        switch failure {
        case .busy: self.init(.busy, retryAfter: .milliseconds(200))
        case .full: self.init(.storageFull, retryAfter: .seconds(30))
        case .failed: self.init(.storageFailed)
        }
    }
}

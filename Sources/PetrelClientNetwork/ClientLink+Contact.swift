// When the server was heard last: for a status line.

public import PetrelBase
internal import PetrelTransport

extension ClientLink {
    /// When the present session heard the server last; `nil` if there is none.
    public var lastHeard: Instant? {
        switch session {
        case .some(let session): session.lastHeard
        case .none: nil
        }
    }
}

// When the server was heard last: for a status line.

public import PetrelBase
internal import PetrelClientNetwork

extension ClientCore {
    /// When the present session heard the server last; `nil` if there is none.
    public var lastHeard: Instant? { link.lastHeard }
}

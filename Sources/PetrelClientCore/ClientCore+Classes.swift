// Which delivery classes the session knows, for the owner to look at.

internal import PetrelTransport
public import PetrelWire

extension ClientCore {
    /// The built-in classes, and those that the server described in the present session.
    public var classes: [ClassPolicy] {
        mutating get {
            let table = session?.classes ?? ClassTable()
            return ClassPolicy.builtIn + table.defined
        }
    }
}

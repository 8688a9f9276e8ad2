// The relation between two accounts, as one of them sees it.

/// Another account that this one knows.
public struct Contact: Equatable, Sendable {
    /// Who.
    public var person: Person
    /// How they stand.
    public var state: State
    /// Whether this account takes nothing from the other.
    public var isBlocked: Bool
    /// What this account calls the other; empty for nothing.
    public var alias: String
    /// The line that came with a request; empty for none.
    public var greeting: String
    /// What the other shows.
    public var profile: Profile

    /// Creates it from its parts.
    public init(
        person: Person, state: State, isBlocked: Bool = false, alias: String = "",
        greeting: String = "", profile: Profile = .init()
    ) {
        self.person = person
        self.state = state
        self.isBlocked = isBlocked
        self.alias = alias
        self.greeting = greeting
        self.profile = profile
    }

    /// How two accounts stand.
    public enum State: UInt8, Sendable, CaseIterable {
        /// Strangers.
        case none = 0
        /// This account has asked, and has no answer.
        case requested = 1
        /// The other has asked, and has no answer.
        case asked = 2
        /// Contacts of each other.
        case contact = 3
        /// The other account was deleted.
        case gone = 4
    }
}

/// A change of the relation to another account; repeating it changes nothing.
public enum ContactChange: Equatable, Sendable {
    /// Asks the other to become contacts; who was asked by the other accepts by that.
    case request(greeting: String)
    /// Accepts a request.
    case accept
    /// Declines a request; the other is not told.
    case decline
    /// Ends the relation, or takes a request back.
    case remove
    /// Takes nothing from the other any more; ends the relation.
    case block
    /// Takes messages of the other again.
    case unblock
    /// Calls the other something; empty for nothing.
    case alias(String)
}

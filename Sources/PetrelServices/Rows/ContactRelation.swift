// How two accounts stand to each other, and what a wish of one of them makes of it.

import PetrelMessaging

/// One side of how two accounts stand to each other.
struct ContactRelation: Equatable {
    var state = Contact.State.none
    var isBlocked = false
    var alias = ""
    var greeting = ""

    /// Whether the account knows the other; only then it has a name for it, and only that counts.
    var exists: Bool { state != .none || isBlocked }

    /// Stands otherwise; what belonged to the state before goes with it.
    mutating func become(_ state: Contact.State, greeting: String = "") {
        self.state = state
        self.greeting = greeting
        forgetUnlessExisting()
    }

    /// Takes nothing from the other any more, or takes it again.
    mutating func block(_ isBlocked: Bool) {
        self.isBlocked = isBlocked
        forgetUnlessExisting()
    }

    private mutating func forgetUnlessExisting() {
        if !exists { alias = "" }
    }
}

extension ContactRelation {
    /// Does what the account of `own` wants of the account of `other`, which was not deleted.
    ///
    /// The other learns nothing of a request that it blocks, of a refusal, or of being blocked; a
    /// relation that ends by that ends for both.
    static func apply(
        _ change: ContactChange, own: inout ContactRelation, other: inout ContactRelation
    ) throws(Refused) {
        switch change {
        case .request(let greeting):
            try request(greeting, own: &own, other: &other)
        case .accept:
            if own.state == .contact { return }
            guard own.state == .asked, other.state == .requested, !other.isBlocked else {
                throw Refused(.relationWrong)
            }
            own.become(.contact)
            other.become(.contact)
        case .decline:
            if own.state == .none { return }
            guard own.state == .asked else { throw Refused(.relationWrong) }
            own.become(.none)
        case .remove:
            part(own: &own, other: &other)
        case .block:
            if own.isBlocked { return }
            own.block(true)
            part(own: &own, other: &other)
        case .unblock:
            own.block(false)
        case .alias(let alias):
            guard own.exists || alias.isEmpty else { throw Refused(.relationWrong) }
            own.alias = alias
        }
    }

    private static func request(
        _ greeting: String, own: inout ContactRelation, other: inout ContactRelation
    ) throws(Refused) {
        if own.state == .contact || own.state == .requested { return }
        guard !own.isBlocked else { throw Refused(.relationWrong) }
        if other.isBlocked {
            own.become(.requested)
        } else if other.state == .requested {
            own.become(.contact)
            other.become(.contact)
        } else {
            own.become(.requested)
            other.become(.asked, greeting: greeting)
        }
    }

    /// The relation ends; what the other asked for and has no answer to, it goes on asking for.
    private static func part(own: inout ContactRelation, other: inout ContactRelation) {
        own.become(.none)
        if other.state == .contact || other.state == .asked { other.become(.none) }
    }
}

extension ContactRow {
    /// What the row says of the relation.
    var relation: ContactRelation {
        get {
            ContactRelation(
                state: state, isBlocked: isBlocked, alias: alias, greeting: greeting)
        }
        set {
            state = newValue.state
            isBlocked = newValue.isBlocked
            alias = newValue.alias
            greeting = newValue.greeting
        }
    }
}

// The words of the messenger that the client's public face takes over as they are.

internal import PetrelBase
public import PetrelMessaging

/// Names a conversation.
public typealias ConversationID = PetrelMessaging.ConversationID
/// Names an account; the handle is what people call it.
public typealias AccountID = PetrelMessaging.AccountID
/// Names a device within its account.
public typealias DeviceID = PetrelMessaging.DeviceID
/// An account by number and, where it is known, by handle.
public typealias Person = PetrelMessaging.Person
/// What others see of an account besides its handle: a name and a line.
public typealias Profile = PetrelMessaging.Profile
/// Who may see what of an account.
public typealias Privacy = PetrelMessaging.Privacy
/// Whom an account lets see something.
public typealias Audience = PetrelMessaging.Audience
/// Another account that this one knows: contact, request or blocked.
public typealias Contact = PetrelMessaging.Contact
/// Who has a handle, and what that account shows.
public typealias Card = PetrelMessaging.Card
/// How present somebody is.
public typealias PresenceState = PetrelMessaging.PresenceState
/// What the devices of an account do now.
public typealias Presence = PetrelMessaging.Presence
/// What a member may do in a group.
public typealias Role = PetrelMessaging.Role
/// Whether this account is in a group.
public typealias Standing = PetrelMessaging.Standing

extension Presence {
    /// When the account was last here, in milliseconds since 1970; `nil` where that is unknown or
    /// not shown.
    public var lastSeenMilliseconds: Int64? {
        lastSeen.milliseconds > 0 ? lastSeen.milliseconds : nil
    }
}

extension Contact {
    /// What to call the account: the alias, else the name of its profile, else its handle.
    public var displayName: String {
        if !alias.isEmpty { return alias }
        return profile.name.isEmpty ? person.handle : profile.name
    }
}

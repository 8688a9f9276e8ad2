// Relations, and what an account or a conversation is for its owner: forms become operations.

public import PetrelBase
public import PetrelMessaging

/// Judges the forms of changes; the rules of the store judge the rest.
public enum ContactService {
    /// Returns the operation that changes a relation.
    public static func change(
        _ person: Person, _ change: ContactChange, by principal: Principal, store: any Store
    ) throws(Refused) -> StoreOperation {
        switch change {
        case .request(let greeting):
            try TextRules.requireLine(greeting, atMost: MessagingLimits.lineBytesMax)
        case .alias(let alias):
            try TextRules.requireLine(alias, atMost: MessagingLimits.nameBytesMax)
        case .accept, .decline, .remove, .block, .unblock: break
        }
        // Who was deleted can still be forgotten.
        let peer: AccountID
        if person.account.number != 0 {
            peer = person.account
        } else {
            peer = try named(person.handle, store: store).id
        }
        return .changeContact(
            ChangeContact(
                account: principal.account, device: principal.device, peer: peer,
                change: change))
    }

    /// Returns what everybody may know of who has that handle.
    public static func card(
        of handle: String, store: any Store
    ) throws(Refused) -> Card {
        let account = try named(handle, store: store)
        guard !account.isDeleted else { throw Refused(.unknownRecipient) }
        return Card(
            person: Person(account: account.id, handle: account.handle),
            profile: account.profile)
    }

    private static func named(
        _ typed: String, store: any Store
    ) throws(Refused) -> AccountRecord {
        guard let handle = AccountHandle(typed)?.text else { throw Refused(.unknownRecipient) }
        let account: AccountRecord?
        do throws(StoreFailure) {
            account = try store.account(handle: handle)
        } catch {
            throw Refused(error)
        }
        guard let account else { throw Refused(.unknownRecipient) }
        return account
    }
}

/// Judges the forms of changes that an account makes to itself, and needs no password for.
public enum SettingsService {
    /// Returns the operation that changes the account; `nil` if a password must be judged first.
    public static func change(
        _ change: AccountChange, by principal: Principal, wall: WallTime
    ) throws(Refused) -> StoreOperation? {
        let kind: ChangeAccount.Change
        switch change {
        case .profile(let profile):
            try TextRules.requireLine(profile.name, atMost: MessagingLimits.nameBytesMax)
            try TextRules.requireLine(profile.about, atMost: MessagingLimits.lineBytesMax)
            kind = .profile(profile)
        case .privacy(let privacy): kind = .privacy(privacy)
        case .deviceName(let device, let name):
            try TextRules.requireLine(name, atMost: MessagingLimits.deviceNameBytesMax)
            kind = .deviceName(device, name)
        case .revokeDevice(let device): kind = .revokeDevice(device)
        case .password, .delete: return nil
        }
        return .changeAccount(
            ChangeAccount(
                account: principal.account, device: principal.device, change: kind, time: wall))
    }

    /// Returns the operation that changes what a conversation is for the account alone.
    public static func change(
        _ conversation: ConversationID, _ change: ConversationChange, by principal: Principal
    ) -> StoreOperation {
        .changeConversation(
            ChangeConversation(
                account: principal.account, device: principal.device,
                conversation: conversation, change: change))
    }
}

/// Makes invitations.
public enum InvitationService {
    /// Returns the operation that makes an invitation with that digest, and until when it works.
    ///
    /// A lifetime of 0, or beyond the longest, means the longest.
    public static func invite(
        lifetimeSeconds: UInt32, digest: InlineWords4, by principal: Principal, wall: WallTime
    ) -> (operation: StoreOperation, expires: WallTime) {
        let longest = MessagingLimits.invitationLifetimeMax
        let asked = Interval.seconds(Int64(lifetimeSeconds))
        let lifetime = lifetimeSeconds == 0 ? longest : min(asked, longest)
        let expires = WallTime(
            milliseconds: wall.milliseconds + lifetime.nanoseconds / 1_000_000)
        let create = CreateInvitation(
            account: principal.account, device: principal.device, digest: digest,
            expires: expires, time: wall)
        return (.createInvitation(create), expires)
    }
}

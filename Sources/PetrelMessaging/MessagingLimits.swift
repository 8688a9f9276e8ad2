// Every limit of the messenger in one place, with its unit and its reason.

public import PetrelBase

/// The limits that both sides of the messenger keep.
public enum MessagingLimits {
    /// Bytes of a handle: short enough for a line, long enough to be chosen freely.
    public static let handleBytes = 3...32
    /// Bytes of a password: below, guessing is cheap; above, hashing would be a gift to a flooder.
    public static let passwordBytes = 8...128
    /// The most bytes of a device's name: one line on a screen.
    public static let deviceNameBytesMax = 64
    /// The most bytes of a content type: every registered media type is shorter.
    public static let contentTypeBytesMax = 64
    /// The most bytes of one application message, which is what a session carries as one.
    public static let messageBytesMax = 65_536
    /// The most bytes of a body: what is left of a message after the most that its record, its
    /// handle and the page around it can take (less than 300 bytes today, the rest is for growth).
    public static let bodyBytesMax = messageBytesMax - 512
    /// The most messages of a page: one screen or two.
    public static let pageRecordsMax = 50
    /// The most bytes of bodies in a page of several messages: a phone on 2G has it in 10 s.
    public static let pageBytesMax = 32 * 1024
    /// The most damaged places that a page lists; the rest is for the next page.
    public static let pageUnavailableMax = 256
    /// The most heads of a sync page: 256 heads with the longest handles take 26 KiB.
    public static let syncHeadsMax = 256
    /// The most watermarks of an acknowledgement: as many as a sync page has heads.
    public static let watermarksMax = 256
    /// The most bytes of a refusal's sentence.
    public static let reasonBytesMax = 256
    /// The most devices of an account.
    public static let devicesMax = 10
    /// How long a message's identifier is remembered; an older one is refused, not doubled.
    public static let deduplication = Interval.seconds(7 * 24 * 3600)
    /// How far the client's clock may run ahead: a wrong day must not lose messages.
    public static let futureTolerance = Interval.seconds(24 * 3600)

    // People.

    /// The most bytes of a name of an account or a group, and of an alias: one line on a screen.
    public static let nameBytesMax = 64
    /// The most bytes of a line about oneself, or of the greeting of a request.
    public static let lineBytesMax = 256
    /// The most contacts, requests and blocked accounts of an account.
    public static let contactsMax = 5_000
    /// Messages that an account may send to one that has not accepted it.
    public static let strangerMessagesMax = 3
    /// Invitations of an account that are neither used nor expired.
    public static let invitationsMax = 50
    /// How long an invitation may be used at most.
    public static let invitationLifetimeMax = Interval.seconds(30 * 24 * 3600)

    // Groups.

    /// The most members of a group.
    public static let membersMax = 10_000
    /// The most people that one event names: as many as make a group large.
    public static let peopleMax = 256
    /// The most groups of an account: what a deletion or a first sync must go through.
    public static let groupsMax = 500
    /// A group with more members is large from then on: it makes no entries in feeds, but for whom
    /// it mentions, and bursts are told by digests.
    public static let smallGroupMembersMax = 256
    /// In a group with more members only who looks at it gets what is said.
    public static let pushedGroupMembersMax = 5_000
    /// In a group with more members nobody is told who has received and read.
    public static let receiptsGroupMembersMax = 200
    /// How long a member may be muted at most.
    public static let muteMax = Interval.seconds(365 * 24 * 3600)
    /// The most members of a page.
    public static let membersPageMax = 256
    /// The most large groups of a sync page.
    public static let largeHeadsMax = 64

    // Messages and what becomes of them.

    /// The most accounts that a message mentions.
    public static let mentionsMax = 50
    /// The most bytes of a reaction: an emoji of a family of four with skin colours has 41.
    public static let reactionBytesMax = 48
    /// How long after its commit its sender may edit a message.
    public static let editWindow = Interval.seconds(48 * 3600)
    /// How long after its commit its sender may take a message back; admins always may.
    public static let recallWindow = Interval.seconds(48 * 3600)
    /// The most edits of a message: a recall must erase them all.
    public static let editsMax = 32
    /// The most places of a conversation that an account hides one by one.
    public static let hiddenMax = 256
    /// The shortest and the longest time that a conversation keeps messages.
    public static let retentionSeconds: ClosedRange<UInt64> = 60...315_360_000
    /// The longest lifetime of a message.
    public static let lifetimeSecondsMax: UInt32 = 31_536_000
    /// The most events of a conversation.
    public static let conversationEventsMax: UInt64 = 10_000_000

    // What is only true now.

    /// The most accounts of one notice of presence.
    public static let presencesMax = 256
    /// How long somebody counts as typing after the last word of it.
    public static let typing = Interval.seconds(6)
}

// What is only true now: who is here, who types, and what of that this device says.

internal import PetrelBase
internal import PetrelClientData
internal import PetrelMessaging

/// Presences and typing; all of what others do is forgotten with the session.
struct Surroundings: Sendable {
    private struct Typist: Sendable {
        var conversation: ConversationID
        var account: AccountID
        var until: Instant
    }

    private(set) var presences: [AccountID: Presence] = [:]
    private var typists: [Typist] = []

    /// What the person at this device does, once the owner said so.
    var presence: PresenceState?
    /// The conversation on the screen.
    var viewing: ConversationID?
    private var typingIn: (conversation: ConversationID, toldAt: Instant)?
    /// What is to be told, oldest first.
    private(set) var untold: [Activity] = []

    /// When somebody stops counting as typing.
    var deadline: Instant { typists.map(\.until).min() ?? .distantFuture }

    /// The session begins: the server is told what it cannot know.
    mutating func sessionOpened() {
        untold.removeAll()
        if let presence { untold.append(.presence(presence)) }
        if let viewing { untold.append(.viewing(viewing)) }
    }

    /// The session is over; returns whether anything was known.
    mutating func sessionEnded() -> Bool {
        let knew = !presences.isEmpty || !typists.isEmpty
        presences.removeAll()
        typists.removeAll()
        untold.removeAll()
        typingIn = nil
        return knew
    }

    /// Takes what is to be told away.
    mutating func takeUntold() -> [Activity] {
        defer { untold.removeAll() }
        return untold
    }

    /// The person does something else.
    mutating func does(_ state: PresenceState) {
        guard presence != state else { return }
        presence = state
        tell(.presence(state))
    }

    /// The person looks at another conversation, or at none.
    mutating func views(_ conversation: ConversationID?) {
        guard viewing != conversation else { return }
        viewing = conversation
        tell(.viewing(conversation))
    }

    /// The person types; told once in a while, and when it is over.
    mutating func types(in conversation: ConversationID, isStopped: Bool, now: Instant) {
        let told = typingIn.flatMap { $0.conversation == conversation ? $0.toldAt : nil }
        if isStopped {
            guard told != nil else { return }
            typingIn = nil
        } else {
            if let told, now < told + Self.typingPause { return }
            typingIn = (conversation, now)
        }
        tell(.typing(conversation, isStopped: isStopped))
    }

    /// Something was said there: who said it does not type any more, and all know.
    mutating func said(_ target: OutgoingTarget) {
        guard case .conversation(let id) = target, typingIn?.conversation == id else { return }
        typingIn = nil
        untold.removeAll { $0 == .typing(id, isStopped: false) }
        tell(.typing(id, isStopped: true))
    }

    private mutating func tell(_ activity: Activity) {
        if untold.count >= Self.untoldMax { untold.removeFirst() }
        untold.append(activity)
    }

    /// Others came or went.
    mutating func received(_ news: [Presence]) {
        for presence in news
        where presences[presence.account] != nil || presences.count < Self.presencesMax {
            presences[presence.account] = presence
        }
    }

    /// Somebody types or stops; returns what is to be told, if it is news.
    mutating func received(_ notice: TypingNotice, now: Instant) -> TypingNotice? {
        let i = typists.firstIndex {
            $0.conversation == notice.conversation && $0.account == notice.account
        }
        if notice.isStopped {
            guard let i else { return nil }
            typists.remove(at: i)
            return notice
        }
        let until = now + MessagingLimits.typing
        if let i {
            typists[i].until = until
            return nil
        }
        guard typists.count < Self.typistsMax else { return nil }
        typists.append(
            Typist(conversation: notice.conversation, account: notice.account, until: until))
        return notice
    }

    /// Who has not been heard of for a while does not type any more; returns what is to be told.
    mutating func advance(now: Instant) -> [TypingNotice] {
        let over = typists.filter { $0.until <= now }
        guard !over.isEmpty else { return [] }
        typists.removeAll { $0.until <= now }
        return over.map {
            TypingNotice(conversation: $0.conversation, account: $0.account, isStopped: true)
        }
    }

    private static let presencesMax = MessagingLimits.contactsMax + MessagingLimits.membersMax
    private static let typistsMax = 256
    private static let untoldMax = 16
    /// Typing is told at most so often.
    private static let typingPause = Interval.seconds(3)
}

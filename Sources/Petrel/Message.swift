// What was said or done, by whom, at which place of which conversation, and what became of it.

internal import PetrelBase
internal import PetrelClientData
public import PetrelMessaging

/// A place in a conversation; the same for all its members, for ever.
public struct Place: Hashable, Sendable {
    /// The conversation.
    public var conversation: ConversationID
    /// The number in it, from 1.
    public var number: UInt64

    /// Creates the place.
    public init(conversation: ConversationID, number: UInt64) {
        self.conversation = conversation
        self.number = number
    }
}

/// What stands at a place of a conversation, as it is now.
public struct Message: Equatable, Sendable {
    /// Whose device a message comes from.
    public enum Origin: Equatable, Sendable {
        /// This device.
        case thisDevice
        /// Another device of this account.
        case ownDevice
        /// Somebody else.
        case other
    }

    /// What stands there.
    public enum Kind: Equatable, Sendable {
        /// Something was said: `body` is what it says now.
        case said
        /// What was said is gone, and `body` empty.
        case gone(Absence)
        /// Something happened to the conversation.
        case event(GroupEvent)
        /// An earlier message was changed, which shows it already.
        case change(Change)
    }

    /// Why nothing is left of what was said.
    public enum Absence: Equatable, Sendable {
        /// It was taken back.
        case recalled
        /// Its time was over.
        case expired
        /// This account deleted it for itself.
        case deletedForMe
        /// Another reason, of a later version.
        case unknown
    }

    /// What was done to an earlier message; `of` and `to` are its number in the conversation.
    public enum Change: Equatable, Sendable {
        /// It says something else, which is the body.
        case edit(of: UInt64)
        /// It was taken back.
        case recall(of: UInt64)
        /// Somebody reacted to it, or took that back.
        case reaction(to: UInt64, text: String, isWithdrawn: Bool)
    }

    /// A short answer that stands at a message.
    public struct Reaction: Equatable, Sendable {
        /// What it is, an emoji most often.
        public var text: String
        /// Who gave it; handles are empty where they are not known here.
        public var people: [Person]
    }

    /// Where it stands.
    public var place: Place
    /// What its sender called it before it had a place, as a UUID.
    public var id: String
    /// What stands there.
    public var kind: Kind
    /// Whose device it comes from.
    public var origin: Origin
    /// The handle of its sender; empty where it is not known.
    public var sender: String
    /// The account of its sender.
    public var senderAccount: AccountID
    /// When the server took it in, in milliseconds since 1970.
    public var milliseconds: Int64
    /// The media type of the body.
    public var contentType: String
    /// What is said, as edited last; empty if nothing is.
    public var body: [UInt8]
    /// Whether its sender changed it.
    public var isEdited: Bool
    /// Reactions that stand, the first one given first.
    public var reactions: [Reaction]
    /// The number of the message that it answers; `nil` if it answers none.
    public var replyTo: UInt64?
    /// Whom it is about.
    public var mentions: [AccountID]
    /// When it will be gone, in milliseconds since 1970; `nil` for never.
    public var expiresMilliseconds: Int64?

    /// The body as text; `nil` if it is no UTF-8.
    public var text: String? { String(validating: body, as: UTF8.self) }

    /// Whether it was taken back.
    public var isRecalled: Bool { kind == .gone(.recalled) }
    /// Whether its time was over.
    public var isExpired: Bool { kind == .gone(.expired) }
    /// Whether it was written on one of the account's own devices.
    public var isOwn: Bool { origin != .other }
}

/// Something that happened to a conversation; who did it is the message's sender.
public enum GroupEvent: Equatable, Sendable {
    /// The group began, with these members besides the sender.
    case created(name: String, members: [Person], isOpen: Bool)
    /// Others were taken in.
    case added([Person])
    /// The sender came in.
    case joined
    /// The sender left.
    case left
    /// Somebody was put out.
    case removed(Person)
    /// A member has another role.
    case role(Person, Role)
    /// A member may not speak for that time; `nil`: may speak again.
    case muted(Person, for: Duration?)
    /// The group has another name, or is open or closed to others; `nil`: as before.
    case changed(name: String?, isOpen: Bool?)
    /// Messages are kept that long from now on; `nil`: for ever. Also in 1:1 conversations.
    case retention(Duration?)
    /// The group ended.
    case dissolved
}

/// What the view of a message depends on besides the message.
struct Viewpoint: Sendable {
    /// Who looks.
    var account: Account?
    /// The handles that are known.
    var names: [AccountID: String] = [:]

    func person(_ account: AccountID) -> Person {
        if let own = self.account, own.number == account.number {
            return Person(account: account, handle: own.handle)
        }
        return Person(account: account, handle: names[account] ?? "")
    }
}

extension Message {
    /// Shows an event of a conversation with what became of it.
    init(_ record: MessageRecord, _ overlay: Overlay?, seenFrom viewpoint: Viewpoint) {
        place = Place(conversation: record.conversation, number: record.sequence.number)
        id = record.clientMessageID.text
        let isOwn = record.sender.number == viewpoint.account?.number
        let isHere = record.senderDevice.number == viewpoint.account?.device
        origin = isOwn ? (isHere ? .thisDevice : .ownDevice) : .other
        sender =
            record.senderHandle.isEmpty
            ? viewpoint.person(record.sender).handle : record.senderHandle
        senderAccount = record.sender
        milliseconds = record.time.milliseconds
        kind = Kind(record.event)
        contentType = "text/plain"
        body = []
        isEdited = false
        reactions = []
        mentions = []
        let said: Content
        switch record.event {
        case .message(let content): said = content
        case .edit(_, let content): said = content
        default: return
        }
        let shown = kind == .said ? overlay?.edit?.content ?? said : said
        isEdited = kind == .said && overlay?.edit != nil
        contentType = shown.contentType.isEmpty ? "text/plain" : shown.contentType
        body = shown.body
        mentions = shown.mentions
        // An edit changes neither of these.
        replyTo = said.replyTo.number > 0 ? said.replyTo.number : nil
        expiresMilliseconds = Expiry(of: record)?.time.milliseconds
        if kind == .said, let overlay { reactions = Self.reactions(overlay, viewpoint) }
        if overlay?.isRecalled == true, kind == .said { erase() }
    }

    private mutating func erase() {
        kind = .gone(.recalled)
        body = []
        isEdited = false
        reactions = []
        mentions = []
        expiresMilliseconds = nil
    }

    private static func reactions(_ overlay: Overlay, _ viewpoint: Viewpoint) -> [Reaction] {
        var reactions: [Reaction] = []
        for mark in overlay.reactions.sorted(by: { $0.sequence < $1.sequence }) {
            let person = viewpoint.person(mark.account)
            if let i = reactions.firstIndex(where: { $0.text == mark.text }) {
                reactions[i].people.append(person)
            } else {
                reactions.append(Reaction(text: mark.text, people: [person]))
            }
        }
        return reactions
    }
}

extension Message.Kind {
    /// What an event is for who reads the conversation.
    init(_ event: ConversationEvent) {
        switch event {
        case .message: self = .said
        case .edit(let target, _): self = .change(.edit(of: target.number))
        case .recall(let target): self = .change(.recall(of: target.number))
        case .reaction(let reaction):
            self = .change(
                .reaction(
                    to: reaction.sequence.number, text: reaction.text,
                    isWithdrawn: reaction.isWithdrawn))
        case .gone(let why): self = .gone(Message.Absence(why))
        case .created(let form):
            self = .event(
                .created(name: form.name, members: form.members, isOpen: form.isOpen))
        case .added(let people): self = .event(.added(people))
        case .joined: self = .event(.joined)
        case .left: self = .event(.left)
        case .removed(let person): self = .event(.removed(person))
        case .role(let person, let role): self = .event(.role(person, role))
        case .muted(let person, let seconds):
            self = .event(.muted(person, for: seconds > 0 ? .seconds(seconds) : nil))
        case .changed(let change):
            self = .event(
                .changed(name: change.name.isEmpty ? nil : change.name, isOpen: change.isOpen))
        case .retention(let seconds):
            self = .event(.retention(seconds > 0 ? .seconds(seconds) : nil))
        case .dissolved: self = .event(.dissolved)
        }
    }

    /// Whether a message of its own is to be shown, rather than another one that it changed.
    var isShown: Bool {
        if case .change = self { false } else { true }
    }
}

extension Message.Absence {
    init(_ why: Gone) {
        switch why {
        case .recalled: self = .recalled
        case .expired: self = .expired
        case .hidden: self = .deletedForMe
        case .unknown: self = .unknown
        }
    }
}

extension ClientMessageID {
    /// The usual text form of a UUID.
    var text: String {
        let digits = [high, low].map { half in
            let text = String(half, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
        var parts: [Substring] = []
        var rest = digits[...]
        for count in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return parts.joined(separator: "-")
    }
}

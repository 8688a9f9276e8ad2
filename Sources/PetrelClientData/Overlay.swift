// What became of a message: edits, reactions, and whether it was taken back.

public import PetrelBase
public import PetrelMessaging

/// What later events made of the message at a place; events may be folded in in any order.
public struct Overlay: Equatable, Sendable {
    /// A reaction that stands, or stood, at the message.
    public struct Mark: Equatable, Sendable {
        /// Who reacts.
        public var account: AccountID
        /// How.
        public var text: String
        /// The place of the newest word on it.
        public var sequence: ConversationSequence
        /// Whether that took it back.
        public var isWithdrawn: Bool

        /// Creates the mark.
        public init(
            account: AccountID, text: String, sequence: ConversationSequence, isWithdrawn: Bool
        ) {
            self.account = account
            self.text = text
            self.sequence = sequence
            self.isWithdrawn = isWithdrawn
        }
    }

    /// What the message says since an edit.
    public struct Edit: Equatable, Sendable {
        /// The place of the edit.
        public var sequence: ConversationSequence
        /// What it says.
        public var content: Content

        /// Creates the edit.
        public init(sequence: ConversationSequence, content: Content) {
            self.sequence = sequence
            self.content = content
        }
    }

    /// The conversation.
    public var conversation: ConversationID
    /// The place of the message.
    public var target: ConversationSequence
    /// The newest edit.
    public var edit: Edit?
    /// The places of all edits that are held, lowest first.
    public var edits: [ConversationSequence] = []
    /// The place where it was taken back; 0 if it was not.
    public var recall = ConversationSequence(0)
    /// Reactions, by account and text; withdrawn ones are kept, so that an older word on them that
    /// comes later is known to be older.
    public var marks: [Mark] = []

    /// Creates the overlay of a message of which nothing became anything yet.
    public init(conversation: ConversationID, target: ConversationSequence) {
        self.conversation = conversation
        self.target = target
    }

    /// Whether the message was taken back.
    public var isRecalled: Bool { recall.number > 0 }

    /// The reactions that stand.
    public var reactions: [Mark] { marks.filter { !$0.isWithdrawn } }

    /// Folds an edit in; the highest place wins.
    mutating func fold(_ content: Content, at sequence: ConversationSequence) {
        let i = edits.firstIndex { $0 >= sequence } ?? edits.endIndex
        if i == edits.endIndex || edits[i] != sequence { edits.insert(sequence, at: i) }
        guard !isRecalled, sequence > edit?.sequence ?? ConversationSequence(0) else { return }
        edit = Edit(sequence: sequence, content: content)
    }

    /// Folds a reaction in; the highest place wins for each account and text.
    mutating func fold(
        _ reaction: Reaction, of account: AccountID, at sequence: ConversationSequence
    ) {
        let mark = Mark(
            account: account, text: reaction.text, sequence: sequence,
            isWithdrawn: reaction.isWithdrawn)
        let i = marks.firstIndex { ($0.account, $0.text) >= (account, reaction.text) }
        guard let i else { return marks.append(mark) }
        guard marks[i].account == account, marks[i].text == reaction.text else {
            return marks.insert(mark, at: i)
        }
        if sequence > marks[i].sequence { marks[i] = mark }
    }
}

/// When the lifetime of a held message ends.
public struct Expiry: Equatable, Sendable {
    /// The time, by the server's clock.
    public var time: WallTime
    /// The conversation.
    public var conversation: ConversationID
    /// The place of the message.
    public var sequence: ConversationSequence

    /// Creates it from its parts.
    public init(
        time: WallTime, conversation: ConversationID, sequence: ConversationSequence
    ) {
        self.time = time
        self.conversation = conversation
        self.sequence = sequence
    }

    /// The expiry of an event; `nil` if it stays.
    public init?(of record: MessageRecord) {
        guard let content = record.content, content.lifetimeSeconds > 0 else { return nil }
        let (time, isOver) = record.time.milliseconds.addingReportingOverflow(
            Int64(content.lifetimeSeconds) * 1_000)
        guard !isOver else { return nil }
        self.init(
            time: WallTime(milliseconds: time), conversation: record.conversation,
            sequence: record.sequence)
    }
}

// An event on its way into a conversation: all that was read for it, before anything is written.

import PetrelBase
import PetrelMessaging

/// A member of a conversation, its row, and what changes often of its account.
struct MemberState {
    var account: AccountID
    var row: MemberRow
    var head: AccountHeadRow

    /// Creates a member whose membership begins with the event at a place.
    init(_ account: AccountID, since sequence: ConversationSequence, head: AccountHeadRow) {
        self.init(account, MemberRow(), head: head)
        begin(at: sequence)
        row.from = sequence
    }

    init(_ account: AccountID, _ row: MemberRow, head: AccountHeadRow) {
        self.account = account
        self.row = row
        self.head = head
    }

    /// The membership begins anew: what came before is not to be seen, and not to be waited for.
    mutating func begin(at sequence: ConversationSequence) {
        let before = ConversationSequence(sequence.number - 1)
        row.standing = .member
        row.role = .member
        row.silencedUntil = WallTime(milliseconds: 0)
        row.from = sequence
        row.until = ConversationSequence(0)
        row.delivered = max(row.delivered, before)
        row.read = max(row.read, before)
    }

    /// The membership ends with the event at a place.
    mutating func end(at sequence: ConversationSequence, as standing: Standing) {
        row.standing = standing
        row.role = .member
        row.until = sequence
    }
}

/// What an event will change: read first, then judged, then written as a whole.
struct Appending {
    let append: AppendMessage
    let id: ConversationID
    /// The conversation as it is, then as it will be.
    var row: ConversationRow
    /// The key in `pair` if the conversation is new.
    var newPair: Key?
    /// How the sender stands to the conversation.
    var relation: Authority.Relation
    /// The other in a 1:1 conversation.
    var peer: Person?
    /// The event as it will be stored.
    var event: ConversationEvent
    /// Whose rows are written; those in `told` get an entry in their feed.
    var members: [MemberState] = []
    var told: Set<AccountID> = []
    /// Whether all present members of a small group are among `members`.
    var hasAllMembers = false
    /// Messages that are rewritten: edited, or erased.
    var rewritten: [MessageRow] = []
    /// Of an edit, the place of the one before; 0 for none.
    var previousEdit = ConversationSequence(0)
    /// Bytes that the senders of erased messages have stored no longer.
    var erased: [(account: AccountID, bytes: UInt64)] = []
    var joined: [AccountID] = []
    var departed: [AccountID] = []
    /// Who inherits the group.
    var heir: AccountID?
    /// Whether the group becomes large by this event.
    var becomesLarge = false

    /// The place that the event gets.
    var sequence: ConversationSequence { ConversationSequence(row.last.number + 1) }

    init(
        _ append: AppendMessage, in id: ConversationID, _ row: ConversationRow,
        relation: Authority.Relation
    ) {
        self.append = append
        self.id = id
        self.row = row
        self.relation = relation
        event = append.event
    }

    /// The index in `members` of an account.
    func index(of account: AccountID) -> Int? {
        members.firstIndex { $0.account == account }
    }

    /// Notes that the row of that member changes, and that it gets an entry.
    mutating func put(_ member: MemberState) {
        if let i = index(of: member.account) {
            members[i] = member
        } else {
            members.append(member)
        }
        told.insert(member.account)
    }

    /// Bytes that the event adds to what its sender has stored.
    var byteCount: UInt64 { UInt64(event.bodyByteCount) }
}

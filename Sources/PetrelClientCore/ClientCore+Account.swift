// What the owner asks, says of itself, and looks up: questions, read marks, presence, history.

public import PetrelBase
public import PetrelClientData
internal import PetrelClientNetwork
public import PetrelMessaging

/// Questions.
extension ClientCore {
    /// Asks the server something, or changes something there; answered by an event.
    ///
    /// It is asked again in each session until then; what is open when the process ends is
    /// forgotten.
    ///
    /// - Throws: `ClientRefusal`, with nothing asked.
    public mutating func ask(_ command: Command.Kind) throws(ClientRefusal) -> Ticket {
        guard link.state != .closed else { throw .closed }
        try command.validateAsQuestion()
        guard !questions.isFull else { throw .tooManyQuestions(limit: Questions.questionsMax) }
        return questions.append(command)
    }

    /// Nobody waits for that answer any more; the server may have done it all the same.
    public mutating func cancel(_ ticket: Ticket) { questions.cancel(ticket) }

    mutating func answered(_ request: UInt64, _ answer: Answer) {
        guard let ticket = questions.answered(request) else { return }
        pendingEvents.append(.answered(ticket, answer))
    }

    /// The device belongs to no account: nothing that was asked will be done.
    mutating func giveUpQuestions(isRevoked: Bool) {
        let error: MessagingError = isRevoked ? .deviceRevoked : .notEnrolled
        for ticket in questions.giveUp() {
            let refusal = Refusal(
                code: error.rawValue, reason: "this device belongs to no account",
                retryAfter: .zero, clientMessageID: nil)
            pendingEvents.append(.answered(ticket, .refused(refusal)))
        }
    }
}

/// What the person at the device does.
extension ClientCore {
    /// The account has read all of a conversation up to a place; kept until the server knows.
    public mutating func read(
        _ conversation: ConversationID, upTo sequence: ConversationSequence, now: Instant
    ) {
        sync.read(conversation, upTo: sequence, now: now)
    }

    /// Somebody looks at the application, or does not, or wants to seem offline.
    public mutating func setPresence(_ state: PresenceState) { surroundings.does(state) }

    /// Somebody looks at a conversation, or at none.
    public mutating func setViewing(_ conversation: ConversationID?) {
        surroundings.views(conversation)
    }

    /// Somebody types into a conversation; call it at each key, it is told once in a while.
    public mutating func setTyping(
        in conversation: ConversationID, isStopped: Bool = false, now: Instant
    ) {
        guard standing == .known else { return }
        surroundings.types(in: conversation, isStopped: isStopped, now: now)
    }

    /// Fetches older events of a conversation, a page of them before a place, though history is not
    /// fetched by itself there; they arrive as all others.
    public mutating func fetch(
        _ conversation: ConversationID, before sequence: ConversationSequence, now: Instant
    ) {
        sync.fetch(conversation, before: sequence, now: now)
    }
}

/// What the owner may look up.
extension ClientCore {
    /// How far this device has come with all that is to be fetched.
    public var syncProgress: SyncProgress { sync.progress }

    /// Whether somebody is here; `nil` where that is not told.
    public func presence(of account: AccountID) -> Presence? { surroundings.presences[account] }

    /// Contacts, requests and blocked accounts, by account.
    public func contacts() throws(ClientStoreError) -> [Contact] { try store.contacts() }

    /// What is known of the own account; `nil` until the server told.
    public func accountState() throws(ClientStoreError) -> AccountState? {
        try store.accountState()
    }

    /// What became of messages of a conversation from a place on, `limit` at most.
    public func overlays(
        _ conversation: ConversationID, from sequence: ConversationSequence, limit: Int
    ) throws(ClientStoreError) -> [Overlay] {
        try store.overlays(conversation, from: sequence, limit: limit)
    }

    /// Events from a place on that the account sees, `limit` at most: without what it hid.
    func visible(
        _ local: LocalConversation?, _ id: ConversationID, from sequence: ConversationSequence,
        limit: Int
    ) throws(ClientStoreError) -> [MessageRecord] {
        guard let local else { return try store.messages(id, from: sequence, limit: limit) }
        let cleared = local.settings.cleared.number
        let start = max(sequence, ConversationSequence(cleared == .max ? .max : cleared + 1))
        // One more for each hidden place, so that they do not shorten the answer.
        let (wanted, isOver) = limit.addingReportingOverflow(local.settings.hidden.count)
        let records = try store.messages(id, from: start, limit: isOver ? .max : wanted)
        return Array(records.lazy.filter { local.shows($0.sequence) }.prefix(max(0, limit)))
    }
}

// What the client's thread shows to all tasks, and how tasks reach it.

internal import PetrelBase
internal import PetrelClientData
internal import PetrelEvent
internal import PetrelMessaging
internal import Synchronization

/// What the thread shows to all tasks.
final class Shared: Sendable {
    let states = Latest(ConnectionState.idle)
    let account: Latest<Account?>
    let details = Latest<AccountDetails?>(nil)
    let caughtUp = Latest(false)
    let progress = Latest(SyncProgress(PetrelClientData.SyncProgress()))
    /// The classes of the session that there is, or was last.
    let classes = Latest<[ServiceClass]>([])
    let carrier = Latest<Carrier?>(nil)
    /// Why the server takes no messages for now.
    let obstacle = Latest<PetrelError?>(nil)
    /// Which conversations got messages, and at which change since the start.
    let arrivals = Latest(Arrivals())
    /// Which conversations changed in any way, and at which change since the start.
    let changes = Latest(Arrivals())
    /// How often the contacts changed since the start.
    let contactChanges = Latest<UInt64>(0)
    let presences = Latest<[AccountID: Presence]>([:])
    /// Who types, by conversation.
    let typing = Latest<[ConversationID: [AccountID]]>([:])
    let mailbox: Mailbox<Request>
    private let link = Mutex(Link())
    private let names = Mutex<[AccountID: String]>([:])
    private let isOpen = Mutex(true)
    private let tickets = Mutex<UInt64>(0)

    private struct Link {
        var roundTrip: Interval?
        var heard: Instant?
    }

    init(account: Account?, mailbox: Mailbox<Request>) {
        self.account = Latest(account)
        self.mailbox = mailbox
    }

    /// Gives a request to the thread; says why if it cannot.
    func submit(_ request: Request) -> PetrelError? {
        isOpen.withLock { isOpen in
            guard isOpen else { return .closed }
            return mailbox.post(request) ? nil : .mailboxFull
        }
    }

    /// Returns a number that no other request has.
    func makeTicket() -> UInt64 {
        tickets.withLock { last in
            last += 1
            return last
        }
    }

    /// Takes no more requests: whatever was posted is in the mailbox when this returns.
    func shut() { isOpen.withLock { $0 = false } }

    /// Ends all sequences.
    func finish() {
        states.publish(.closed)
        states.finish()
        account.finish()
        details.finish()
        caughtUp.finish()
        progress.finish()
        classes.finish()
        carrier.finish()
        obstacle.finish()
        arrivals.finish()
        changes.finish()
        contactChanges.finish()
        presences.finish()
        typing.finish()
    }
}

/// What is looked at, and nobody waits for.
extension Shared {
    /// Notes how the server is heard; what is `nil` is not known now.
    func note(roundTrip: Interval?, heard: Instant?) {
        link.withLock { link in
            link.roundTrip = roundTrip
            link.heard = heard ?? link.heard
        }
    }

    /// How the server is heard.
    func status(now: Instant) -> LinkStatus {
        link.withLock { link in
            LinkStatus(
                roundTrip: link.roundTrip.map { Duration($0) },
                sinceLastContact: link.heard.map { Duration(max(.zero, now - $0)) },
                carrier: carrier.value)
        }
    }

    /// Learns what somebody is called.
    func learn(_ account: AccountID, _ handle: String) {
        guard !handle.isEmpty else { return }
        names.withLock { names in
            if names.count >= Self.namesMax, names[account] == nil { names.removeAll() }
            names[account] = handle
        }
    }

    /// What messages are seen from.
    var viewpoint: Viewpoint {
        Viewpoint(account: account.value, names: names.withLock { $0 })
    }

    private static let namesMax = 32_768
}

/// For each conversation the number of its last change, counted from the start of the client.
///
/// Each call that notes something is one update of its `Latest`, whose version is `count` thus.
struct Arrivals: Sendable {
    private(set) var count: UInt64 = 0
    private var last: [ConversationID: UInt64] = [:]
    /// The last change that may concern any of them.
    private var lastOfAll: UInt64 = 0

    mutating func note(_ conversations: [ConversationID]) {
        count += 1
        for conversation in conversations { last[conversation] = count }
    }

    /// Something changed that any conversation may show.
    mutating func noteAll() {
        count += 1
        lastOfAll = count
    }

    /// The conversations that changed after change number `count`, by identifier.
    func since(_ count: UInt64) -> [ConversationID] {
        last.filter { $0.value > count }.keys.sorted()
    }

    /// The number of the last change that the conversation may show; 0 for none.
    func last(of conversation: ConversationID) -> UInt64 {
        max(lastOfAll, last[conversation] ?? 0)
    }
}

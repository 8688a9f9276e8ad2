// Knows everything that happened, and checks every promise against it.

internal import PetrelBase
internal import PetrelClientData
internal import PetrelCrypto
internal import PetrelMessaging
internal import PetrelServices

/// The observer of a run: it sees all disks and all ends, and is told of everything.
///
/// It keeps a model of its own of what the store must hold, which shares no code with the store.
/// The first promise that is found broken ends the run.
final class Oracle: DiskWatcher {
    /// Where a client wants an event.
    enum Goal: Equatable {
        case account(Int)
        case conversation(ConversationID)
        case newGroup
    }

    /// An event that a client took from its owner.
    struct Sent {
        var client: Int
        var install: Int
        /// Counts the events of the installation.
        var order: UInt64
        var from: Int
        var goal: Goal
        var event: ConversationEvent
        /// Where the store has it.
        var place: Place?
        /// Whether its owner was told that it is committed.
        var isPromised = false
        /// Whether its owner was told that it will never be.
        var hasFailed = false
        /// Whether it may have been refused: by the store, or because the recipient had no account
        /// when it was written.
        ///
        /// If such a refusal gets lost and what it was about changes, the next session takes the
        /// event in, behind later ones.
        var mayBeRefused = false
    }

    struct Place: Hashable {
        var conversation: ConversationID
        var sequence: UInt64
    }

    /// An installation of a client.
    struct Device: Hashable {
        var client: Int
        var install: Int
    }

    /// Whether calendars jump: then nobody knows when a lifetime is over.
    let clocksJump: Bool
    /// Whether everything is in order; the first breach stays.
    private(set) var breach: Breach?
    /// Virtual time since the start.
    var elapsed = Interval.zero
    /// Connection IDs that clients have told the server to forget.
    var retiredIDs: Set<UInt64> = []
    /// The datagram that is being taken in, and what the receiver's clock shows.
    var arriving: (flight: Flight, time: Instant)?
    let accountsCount: Int
    let limits: LimitsPlan
    var sent: [ClientMessageID: Sent] = [:]
    private(set) var messagesCount = 0

    // The model.
    var accounts: [AccountID: Int] = [:]
    var accountIDs: [Int: AccountID] = [:]
    var model: [ConversationID: ModelConversation] = [:]
    /// The conversations in the order of their making.
    var conversations: [ConversationID] = []
    var pairs: [[Int]: ConversationID] = [:]
    /// The groups in the order of their making.
    var groups: [ConversationID] = []
    var devices: [DeviceKey: Device] = [:]
    var enrolled: [Device: DeviceName] = [:]
    var people = OraclePeople()
    /// Operations that changed something, so far.
    var commits = 0
    /// The newest own message of a device that the store has, by conversation.
    var newest: [Device: [ConversationID: UInt64]] = [:]
    /// Messages whose owners were told that they are committed, in that order.
    var promised: [ClientMessageID] = []

    // The devices.
    var current: [Device]
    private var ordersNext: [Device: UInt64] = [:]
    /// What each installation was told of.
    var told: [Device: Set<Place>] = [:]
    /// What each installation has on its disk.
    var held: [Device: Set<Place>] = [:]
    /// What any device of an account ever had on its disk.
    var heldByAccount: [Int: Set<Place>] = [:]
    var states: [Device: [UInt64: Int]] = [:]

    // The transport.
    var sessions: [SessionName: SessionLedger] = [:]
    var committedSeen: UInt64 = 0
    var appendedInLife: UInt64 = 0
    var lastAudit = 0
    var rush: [Device: Set<ClientMessageID>] = [:]
    var isRushing = false
    /// Clients that were asked to pause meanwhile.
    var rushPaused: Set<Int> = []

    init(_ scenario: Scenario) {
        accountsCount = (scenario.clients.map(\.account).max() ?? 0) + 1
        limits = scenario.limits ?? LimitsPlan()
        clocksJump = scenario.deeds.contains {
            if case .jumpClock = $0.what { true } else { false }
        }
        current = scenario.clients.indices.map { Device(client: $0, install: 0) }
    }

    /// Notes that a promise is broken; only the first counts.
    func fail(_ invariant: Invariant, _ sentence: String) {
        guard breach == nil else { return }
        breach = Breach(
            invariant: invariant, nanoseconds: elapsed.nanoseconds, sentence: sentence)
    }

    /// Whether the store has the account.
    func exists(account: Int) -> Bool { accountIDs[account] != nil }

    // MARK: Devices

    /// A client was installed: its key is known from here on.
    func installed(_ client: SimulatedClient) {
        let device = Device(client: client.index, install: client.install)
        current[client.index] = device
        devices[DeviceKey(client.publicKey)] = device
    }

    func reinstalled(_ client: SimulatedClient) { installed(client) }

    func clientStarted(_ client: SimulatedClient) {
        sessions = sessions.filter { $0.key.client != client.index }
    }

    func serverStarted() {
        sessions = sessions.filter { $0.key.client != nil }
        appendedInLife = 0
        committedSeen = 0
    }

    // MARK: Messages

    /// The body of the next message of a client: its name, then bytes that follow from it.
    func body(client: SimulatedClient, byteCount: Int) -> [UInt8] {
        let order = ordersNext[current[client.index], default: 1]
        let name = Array("\(client.index).\(client.install).\(order):".utf8)
        var random = stream("body", seed: order, instance: client.index)
        var body = name
        while body.count < byteCount {
            let word = random.next()
            for i in 0..<min(8, byteCount - body.count) {
                body.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * i)))
            }
        }
        return body
    }

    /// By handle or, half of the time, by the conversation that the client knows.
    func target(_ client: SimulatedClient, account: Int) -> OutgoingTarget {
        let isByHandle = client.draw(below: 2) == 0
        let handle = "user\(account)"
        let known = (try? client.disk.conversations()) ?? []
        guard !isByHandle, let id = accountIDs[account],
            let conversation = known.first(where: { $0.peer == id })
        else { return .handle(handle) }
        return .conversation(conversation.id)
    }

    /// A client took an event from its owner: from now on it must not get lost.
    func sent(
        _ client: SimulatedClient, _ goal: Goal, index: UInt64, id: ClientMessageID,
        _ event: ConversationEvent
    ) {
        let device = current[client.index]
        let order = ordersNext[device, default: 1]
        ordersNext[device] = order + 1
        messagesCount += 1
        var entry = Sent(
            client: client.index, install: client.install, order: order, from: client.account,
            goal: goal, event: event)
        if case .account(let account) = goal { entry.mayBeRefused = !exists(account: account) }
        sent[id] = entry
        if isRushing { rush[device, default: []].insert(id) }
    }
}

extension DeviceKey {
    /// The key as the server stores it.
    init(_ key: PublicKey) {
        var words: [UInt64] = []
        var reader = ByteReader(key.bytes)
        while let word = try? reader.readUInt64() { words.append(word) }
        self.init(InlineWords4(words[0], words[1], words[2], words[3]))
    }
}

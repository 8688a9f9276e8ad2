// Accounts, their devices and how they stand to each other: the model of the store's rules.

internal import PetrelBase
internal import PetrelCrypto
internal import PetrelMessaging
internal import PetrelServerCore
internal import PetrelServices

/// What the store must hold of people.
struct OraclePeople {
    /// How an account stands to another.
    struct Side: Equatable {
        var state = Contact.State.none
        var isBlocked = false
        var alias = ""

        var exists: Bool { state != .none || isBlocked }
    }

    struct SideName: Hashable {
        var of: Int
        var about: Int
    }

    var sides: [SideName: Side] = [:]
    /// Who was ever a contact of whom.
    var everContacts: Set<SideName> = []
    /// Devices that were shut out, by the count of commits, and when that was.
    var revoked: [DeviceName: Int] = [:]
    var shutOut: [(device: DeviceName, at: Interval)] = []
    /// Whether what accounts let each other see was changed.
    var isPrivate = false
    /// Accounts that were deleted.
    var gone: Set<Int> = []
    /// What opens accounts.
    var passwords: [Int: [UInt8]] = [:]
    var recoveries: [Int: RecoveryDigest] = [:]
    /// The recovery codes that owners wrote down, and how many.
    var codes: [RecoveryDigest: RecoveryCode] = [:]
    /// Open invitations: by digest, who invites; and the codes that were told.
    var invitations: [InlineWords4: Int] = [:]
    var invitationCodes: [String] = []
    /// What was asked and is durable.
    var done: Set<String> = []

    func isGone(_ account: Int) -> Bool { gone.contains(account) }
}

extension Oracle {
    /// How an account stands to another.
    func side(_ about: Int, of account: Int) -> OraclePeople.Side {
        people.sides[.init(of: account, about: about)] ?? .init()
    }

    func areBlocked(_ a: Int, _ b: Int) -> Bool {
        side(a, of: b).isBlocked || side(b, of: a).isBlocked
    }

    private func set(_ about: Int, of account: Int, _ side: OraclePeople.Side) {
        let name = OraclePeople.SideName(of: account, about: about)
        var side = side
        if !side.exists { side.alias = "" }
        people.sides[name] = side
        if side.state == .contact { people.everContacts.insert(name) }
        let count = people.sides.count { $0.key.of == account && $0.value.exists }
        if count > limits.contacts {
            fail(.refusedIsAbsent, "user\(account) has \(count) contacts, requests and blocked")
        }
    }

    private func become(_ state: Contact.State, _ about: Int, of account: Int) {
        var side = side(about, of: account)
        side.state = state
        set(about, of: account, side)
    }

    /// Who was invited is a contact, unless there is no room for one more.
    func befriend(_ host: Int, _ guest: Int) {
        guard !people.isGone(host) else {
            return fail(.refusedIsAbsent, "an invitation of a deleted account was used")
        }
        let count = people.sides.count { $0.key.of == host && $0.value.exists }
        guard count < limits.contacts else { return }
        become(.contact, guest, of: host)
        become(.contact, host, of: guest)
    }

    /// A relation has changed, as the table says.
    func changed(_ change: ChangeContact) {
        guard let a = accounts[change.account], let b = accounts[change.peer] else { return }
        let (own, other) = (side(b, of: a), side(a, of: b))
        if people.isGone(b) {
            switch change.change {
            case .remove: break
            case .unblock: break
            default:
                return fail(.refusedIsAbsent, "user\(a) changed its relation to a deleted account")
            }
        }
        switch change.change {
        case .request: request(a, b, own, other)
        case .accept:
            guard own.state != .contact else { return }
            guard own.state == .asked else {
                return fail(.refusedIsAbsent, "user\(a) accepted what nobody asked")
            }
            become(.contact, b, of: a)
            become(.contact, a, of: b)
        case .decline: if own.state == .asked { become(.none, b, of: a) }
        case .remove: part(a, b, other)
        case .block:
            people.isPrivate = true
            guard !own.isBlocked else { return }
            var side = own
            side.isBlocked = true
            set(b, of: a, side)
            part(a, b, other)
        case .unblock:
            var side = own
            side.isBlocked = false
            set(b, of: a, side)
        case .alias(let alias):
            var side = own
            side.alias = alias
            set(b, of: a, side)
        }
    }

    private func request(
        _ a: Int, _ b: Int, _ own: OraclePeople.Side, _ other: OraclePeople.Side
    ) {
        guard own.state != .contact, own.state != .requested else { return }
        guard !own.isBlocked else {
            return fail(.refusedIsAbsent, "user\(a) asked user\(b), whom it blocks")
        }
        if other.isBlocked {
            become(.requested, b, of: a)
        } else if other.state == .requested {
            become(.contact, b, of: a)
            become(.contact, a, of: b)
        } else {
            become(.requested, b, of: a)
            become(.asked, a, of: b)
        }
    }

    private func part(_ a: Int, _ b: Int, _ other: OraclePeople.Side) {
        become(.none, b, of: a)
        if other.state == .contact || other.state == .asked { become(.none, a, of: b) }
    }

    // MARK: Accounts

    /// What an account changes of itself.
    func changed(_ change: ChangeAccount) {
        guard let index = accounts[change.account] else { return }
        switch change.change {
        case .profile, .deviceName: break
        case .privacy: people.isPrivate = true
        case .password(let record, let recovery):
            people.passwords[index] = record
            if let recovery { people.recoveries[index] = recovery }
        case .revokeDevice(let device):
            revoke(DeviceName(account: change.account, device: device))
        case .delete:
            people.gone.insert(index)
            for name in devices(of: change.account) { revoke(name) }
            for (name, side) in people.sides where name.about == index && side.exists {
                people.sides[name]?.state = .gone
            }
            for name in people.sides.keys where name.of == index { people.sides[name] = nil }
            people.invitations = people.invitations.filter { $0.value != index }
        }
    }

    /// An account has another password and one device.
    func recovered(_ recover: RecoverAccount, _ account: AccountID) {
        guard let index = accounts[account] else { return }
        if people.recoveries[index] != recover.proof {
            fail(.private_, "user\(index) was recovered with a wrong code")
        }
        people.passwords[index] = recover.password
        people.recoveries[index] = recover.recovery
        for name in devices(of: account) { revoke(name) }
    }

    /// The devices of an account that are not shut out, by number.
    func devices(of account: AccountID) -> [DeviceName] {
        enrolled.values.filter { $0.account == account && people.revoked[$0] == nil }
            .sorted { $0.device < $1.device }
    }

    private func revoke(_ name: DeviceName) {
        guard people.revoked[name] == nil else { return }
        people.revoked[name] = commits
        people.shutOut.append((name, elapsed))
    }

    /// I16: sessions of devices that were shut out end within a second.
    func checkRevoked(_ server: SimulatedServer, now: Instant) {
        guard server.isUp, !server.isPaused, let first = people.shutOut.first else { return }
        let at = Simulation.start + first.at
        // A process that stood still, or began later, has a second from then on.
        guard now - max(at, server.runningSince) > Self.shutOutWithin else { return }
        people.shutOut.removeFirst()
        for worker in server.workers
        where worker.core.hasSession(of: first.device.device, account: first.device.account) {
            fail(
                .revokedIsOut,
                "device \(first.device.device.number) of account "
                    + "\(first.device.account.number) has a session at worker \(worker.index), "
                    + "more than a second after it was shut out")
        }
    }

    /// By a clock that may be slow by a hundredth.
    private static let shutOutWithin = Interval.milliseconds(1_050)

    // MARK: What owners know

    /// The account that the owner of an account has now: another one, if that was deleted.
    func nowadays(_ account: Int) -> Int {
        var account = account
        while people.isGone(account) { account += Self.generation }
        return account
    }

    /// Accounts of the same owner differ by this.
    static let generation = 1_000

    func password(of account: Int) -> [UInt8] {
        people.passwords[account] ?? Array("the password of user\(account)".utf8)
    }

    /// A new recovery code, on paper.
    func writeDownCode(_ client: SimulatedClient) -> RecoveryDigest? {
        var random = client.paper
        let code = RecoveryCode(random: &random)
        client.paper = random
        let digest = PetrelCrypto.Digest.blake2b256(code.bytes.span.bytes)
        var reader = ByteReader(digest.bytes)
        guard let words = try? InlineWords4(from: &reader) else { return nil }
        people.codes[RecoveryDigest(words: words)] = code
        return RecoveryDigest(words: words)
    }

    /// An invitation that was told, or nothing.
    func takeInvitation() -> String {
        people.invitationCodes.isEmpty ? "" : people.invitationCodes.removeFirst()
    }

    /// The code that opens an account now.
    func recoveryCode(of account: Int) -> RecoveryCode? {
        people.recoveries[account].flatMap { people.codes[$0] }
    }

    // MARK: Settings

    /// What a conversation is for an account alone has changed.
    func changed(_ change: ChangeConversation) {
        guard let account = accounts[change.account], var conversation = model[change.conversation]
        else { return }
        guard let view = conversation.view(of: account) else {
            return fail(
                .private_, "user\(account) has settings of a conversation that it never was in")
        }
        switch change.change {
        case .pinned, .mutedUntil: return
        case .cleared(let place):
            let last = min(place.number, conversation.last == 0 ? 0 : view.upperBound)
            let cleared = max(conversation.cleared[account, default: 0], last)
            conversation.cleared[account] = cleared
            conversation.hidden[account] = conversation.hidden[account]?.filter { $0 > cleared }
        case .hidden(let place):
            guard view.contains(place.number) else { return }
            conversation.hidden[account, default: []].insert(place.number)
        }
        model[change.conversation] = conversation
    }
}

extension StoreOperation {
    /// The device that wants it.
    var asker: DeviceName? {
        switch self {
        case .appendMessage(let a): DeviceName(account: a.account, device: a.device)
        case .acknowledge(let a): DeviceName(account: a.account, device: a.device)
        case .changeAccount(let a): DeviceName(account: a.account, device: a.device)
        case .changeContact(let a): DeviceName(account: a.account, device: a.device)
        case .changeConversation(let a): DeviceName(account: a.account, device: a.device)
        case .createInvitation(let a): DeviceName(account: a.account, device: a.device)
        default: nil
        }
    }

    /// What kind it is.
    var kind: String { "\("\(self)".prefix { $0 != "(" })" }

    /// What an answer that it is done would be about.
    var keys: [String] {
        switch self {
        case .changeAccount(let a):
            switch a.change {
            case .password: ["\(a.account.number) password"]
            case .delete: ["\(a.account.number) delete"]
            default: ["\(a.account.number) \(a.change)"]
            }
        case .changeContact(let a): ["\(a.account.number) \(a.peer.number) \(a.change)"]
        case .changeConversation(let a):
            ["\(a.account.number) \(a.conversation.number) \(a.change)"]
        default: []
        }
    }
}

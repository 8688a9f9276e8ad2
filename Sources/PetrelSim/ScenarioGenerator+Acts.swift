// What owners do with the messenger, each kind drawn from a stream of its own.

internal import PetrelBase

extension ScenarioGenerator {
    mutating func drawActs() {
        drawContacts()
        drawGroups()
        drawChanges()
        drawSettings()
        drawAccounts()
        drawActivity()
    }

    /// Limits that are met; very wide in most scenarios, so that most of what is wanted is done.
    func limits() -> LimitsPlan {
        var plan = LimitsPlan()
        // Groups of a few are large here, and from five members on told of by digests only.
        plan.small = 3
        plan.pushed = 4
        guard var random = chance(.limits, 0.5) else { return plan }
        if random.chance(0.6) { plan.strangers = 3 }
        if random.chance(0.3) { plan.members = 3 + Int(random.below(3)) }
        if random.chance(0.3) { plan.groups = 1 + Int(random.below(3)) }
        if random.chance(0.3) { plan.contacts = 1 + Int(random.below(4)) }
        if random.chance(0.2) { plan.bytes = 20_000 + random.below(200_000) }
        if random.chance(0.3) {
            plan.sendsPerSecond = 10 + Int(random.below(40))
            plan.sendsAtOnce = 10 + Int(random.below(60))
        }
        return plan
    }

    /// Adds acts of a kind: `least` to `most`, and as many again if the kind is loud here.
    private mutating func scatter(
        _ kind: FaultKind, _ share: Double, _ counts: ClosedRange<Int>,
        _ act: (inout RandomStream) -> Act
    ) {
        guard var random = chance(kind, share) else { return }
        var count = counts.lowerBound + Int(random.below(UInt64(counts.count)))
        if random.chance(0.3) { count *= 2 }
        for _ in 0..<count {
            let client = Int(random.below(UInt64(clientsCount)))
            let at = moment(&random)
            let what = act(&random)
            add(at, .act(client: client, what))
        }
    }

    private mutating func drawContacts() {
        let accounts = UInt64(accountsCount)
        guard var random = chance(.contacts, 0.8) else { return }
        // Some know each other from the beginning: who asks back accepts.
        for a in 0..<accountsCount {
            for b in 0..<accountsCount where a < b && random.chance(0.7) {
                let at = 3_000 + Int(random.below(6_000))
                add(at, .act(client: a, .request(account: b)))
                add(at + 50 + Int(random.below(3_000)), .act(client: b, .request(account: a)))
            }
        }
        scatter(.contacts, 0.8, 5...30) { random in
            let account = Int(random.below(accounts))
            switch random.below(20) {
            case 0...5: return .request(account: account)
            case 6...9: return .answer(account: account, accepts: random.chance(0.8))
            case 10: return .part(account: account)
            case 11, 12: return .block(account: account, isBlocked: true)
            case 13...15: return .block(account: account, isBlocked: false)
            case 16, 17: return .alias(account: account, number: Int(random.below(4)))
            default: return .lookUp(account: account)
            }
        }
    }

    private mutating func drawGroups() {
        let accounts = UInt64(accountsCount)
        guard var random = chance(.groups, 0.8) else { return }
        // Of early groups more comes.
        for _ in 0...random.below(3) {
            let at = 8_000 + Int(random.below(12_000))
            let client = Int(random.below(UInt64(clientsCount)))
            add(at, .act(client: client, group(&random)))
        }
        scatter(.groups, 0.8, 10...60) { random in
            let group = Int(random.below(64))
            let account = Int(random.below(accounts))
            switch random.below(32) {
            case 0: return Self.group(&random, accounts)
            case 1...5: return .add(group: group, account: account)
            case 6...8: return .join(group: group)
            case 9, 10: return .leave(group: group)
            case 11, 12: return .remove(group: group, account: account)
            case 13...15:
                return .role(group: group, account: account, role: Int(random.below(3)))
            case 16: return .mute(group: group, account: account, seconds: Int(random.below(40)))
            case 17: return .change(group: group, isOpen: nil)
            case 18...20: return .change(group: group, isOpen: random.chance(0.7))
            case 21: return random.chance(0.3) ? .dissolve(group: group) : .members(group: group)
            default: return .speakUp(group: group, byteCount: Int(random.below(300)))
            }
        }
    }

    private func group(_ random: inout RandomStream) -> Act {
        Self.group(&random, UInt64(accountsCount))
    }

    private static func group(_ random: inout RandomStream, _ accounts: UInt64) -> Act {
        let count = random.below(accounts)
        let members = (0..<count).map { _ in Int(random.below(accounts)) }
        return .create(accounts: Array(Set(members)).sorted(), isOpen: random.chance(0.4))
    }

    private mutating func drawChanges() {
        let accounts = UInt64(accountsCount)
        scatter(.changes, 0.8, 10...80) { random in
            let conversation = Int(random.below(64))
            let message = Int(random.below(1_024))
            switch random.below(24) {
            case 0...5:
                let lifetime = random.chance(0.3) ? 1 + Int(random.below(60)) : 0
                return .speak(
                    conversation: conversation, byteCount: Int(random.below(400)),
                    isReply: random.chance(0.3),
                    mentions: random.chance(0.3) ? Int(random.below(accounts)) : nil,
                    lifetime: lifetime)
            case 6...11:
                return .edit(
                    conversation: conversation, message: message,
                    byteCount: Int(random.below(400)), isOwn: random.chance(0.85))
            case 12...15:
                return .recall(
                    conversation: conversation, message: message, isOwn: random.chance(0.75))
            case 16:
                let seconds = random.chance(0.7) ? 60 + Int(random.below(30)) : 0
                return .retain(conversation: conversation, seconds: seconds)
            default:
                return .react(
                    conversation: conversation, message: message, text: Int(random.below(3)),
                    isWithdrawn: random.chance(0.3))
            }
        }
    }

    private mutating func drawSettings() {
        scatter(.settings, 0.7, 5...40) { random in
            let conversation = Int(random.below(64))
            switch random.below(12) {
            case 0...5: return .read(conversation: conversation, left: Int(random.below(4)))
            case 6, 7: return .pin(conversation: conversation, isPinned: random.chance(0.6))
            case 8: return .hush(conversation: conversation, seconds: Int(random.below(600)))
            case 9: return .clear(conversation: conversation, left: Int(random.below(12)))
            default: return .hide(conversation: conversation, event: Int(random.below(1_024)))
            }
        }
    }

    private mutating func drawAccounts() {
        scatter(.accounts, 0.6, 2...12) { random in
            switch random.below(32) {
            case 0...6: return .profile(number: Int(random.below(8)))
            case 7...10:
                return .privacy(
                    presence: Int(random.below(3)), lastSeen: Int(random.below(3)),
                    receipts: Int(random.below(3)))
            case 11...14:
                return .nameDevice(device: Int(random.below(8)), number: Int(random.below(8)))
            case 15...18: return .revoke(device: Int(random.below(8)))
            case 19...22:
                return .password(number: Int(random.below(8)), isRight: random.chance(0.7))
            case 23, 24: return .recover
            case 25...29: return .invite
            default: return .endAccount(isRight: random.chance(0.7))
            }
        }
    }

    private mutating func drawActivity() {
        scatter(.activity, 0.5, 5...40) { random in
            let conversation = Int(random.below(64))
            switch random.below(3) {
            case 0: return .presence(state: Int(random.below(3)))
            case 1: return .type(conversation: conversation)
            default: return .view(conversation: random.chance(0.7) ? conversation : nil)
            }
        }
    }
}

// Members of large groups who are here, and bursts of events that are told of together.

import PetrelBase
import PetrelMessaging

/// The accounts with a session at this worker, by the large groups that they are in.
struct LargeGroups {
    private var accounts: [ConversationID: [AccountID]] = [:]
    private var groups: [AccountID: [ConversationID]] = [:]

    /// Pairs of an account and a group.
    var count: Int { groups.values.reduce(0) { $0 + $1.count } }

    /// The accounts that are here, in the order in which they came.
    func live(in group: ConversationID) -> [AccountID] { accounts[group] ?? [] }

    /// An account is here, and in that group.
    mutating func insert(_ account: AccountID, in group: ConversationID) {
        guard groups[account]?.contains(group) != true else { return }
        groups[account, default: []].append(group)
        accounts[group, default: []].append(account)
    }

    /// An account is in that group no longer.
    mutating func remove(_ account: AccountID, from group: ConversationID) {
        groups[account]?.removeAll { $0 == group }
        if groups[account]?.isEmpty == true { groups[account] = nil }
        accounts[group]?.removeAll { $0 == account }
        if accounts[group]?.isEmpty == true { accounts[group] = nil }
    }

    /// The last session of an account has ended.
    mutating func remove(_ account: AccountID) {
        for group in groups[account] ?? [] { remove(account, from: group) }
    }
}

/// Who looks at which conversation: what belongs to a session and ends with it.
struct Viewers {
    private struct Device: Hashable {
        var account: AccountID
        var device: DeviceID
    }

    private var conversations: [Device: ConversationID] = [:]
    private var devices: [ConversationID: [Device]] = [:]

    /// Devices that look at a conversation.
    var count: Int { conversations.count }

    /// The accounts that look at a conversation, each once, in the order in which they began.
    func accounts(of conversation: ConversationID) -> [AccountID] {
        var seen: Set<AccountID> = []
        return (devices[conversation] ?? []).map(\.account).filter { seen.insert($0).inserted }
    }

    /// Whether a device looks at a conversation.
    func isViewing(
        _ conversation: ConversationID, _ device: DeviceID, of account: AccountID
    ) -> Bool {
        conversations[Device(account: account, device: device)] == conversation
    }

    /// A device looks at a conversation from now on, or at none.
    mutating func set(
        _ conversation: ConversationID?, _ device: DeviceID, of account: AccountID
    ) {
        let viewer = Device(account: account, device: device)
        if let former = conversations[viewer] {
            devices[former]?.removeAll { $0 == viewer }
            if devices[former]?.isEmpty == true { devices[former] = nil }
        }
        conversations[viewer] = conversation
        if let conversation { devices[conversation, default: []].append(viewer) }
    }

    /// No device of the account looks at a conversation any more.
    mutating func remove(_ account: AccountID, from conversation: ConversationID) {
        for viewer in devices[conversation] ?? [] where viewer.account == account {
            set(nil, viewer.device, of: account)
        }
    }
}

/// Events of large groups in the last moments, which are told of by one digest.
struct Bursts {
    /// How long a burst is gathered.
    static let gathering = Interval.milliseconds(200)

    private var pending: [ConversationID: ConversationSequence] = [:]
    /// Bursts under way, the one that ends first at the front.
    private var order: [(conversation: ConversationID, until: Instant)] = []

    /// Bursts under way.
    var count: Int { order.count }
    /// When the next one ends.
    var deadline: Instant { order.first?.until ?? .distantFuture }

    /// Notes an event; returns whether it is the first of a burst.
    mutating func begin(_ conversation: ConversationID, now: Instant) -> Bool {
        guard pending[conversation] == nil else { return false }
        pending[conversation] = ConversationSequence(0)
        order.append((conversation, now + Self.gathering))
        return true
    }

    /// Has the digest at the end of the burst name a place.
    mutating func gather(_ conversation: ConversationID, _ last: ConversationSequence) {
        guard let known = pending[conversation] else { return }
        pending[conversation] = max(known, last)
    }

    /// Ends the next burst that is over; place 0 if nothing is left to be told of it.
    mutating func takeDue(
        now: Instant
    ) -> (conversation: ConversationID, last: ConversationSequence)? {
        guard let first = order.first, first.until <= now else { return nil }
        order.removeFirst()
        return (first.conversation, pending.removeValue(forKey: first.conversation) ?? .init(0))
    }
}

// Who is here now: kept in memory, gathered, and told to those who may know.

public import PetrelBase
public import PetrelMessaging

/// What the devices of accounts do, at all workers, and what was told of it.
///
/// A plain value; each worker has one, which hears of all devices. `changed` notes what happens,
/// `takeDue` says of whom something may have to be told, `tell` what that is.
public struct PresenceService: Sendable {
    /// What a device does; `nil`: its session has ended.
    public struct Report: Equatable, Sendable {
        /// The account.
        public var account: AccountID
        /// The device.
        public var device: DeviceID
        /// The worker that has the session.
        public var worker: Int
        /// How present it is; `nil` if that worker has no session of it any more.
        public var state: PresenceState?

        /// Creates it from its parts.
        public init(
            account: AccountID, device: DeviceID, worker: Int, state: PresenceState?
        ) {
            self.account = account
            self.device = device
            self.worker = worker
            self.state = state
        }
    }

    /// How long changes are gathered before they are told.
    public static let gathering = Interval.milliseconds(500)
    /// How long an account without sessions still counts as it did.
    public static let grace = Interval.seconds(5)

    private struct Device: Sendable {
        var device: DeviceID
        var worker: Int
        var state: PresenceState
    }

    private var devices: [AccountID: [Device]] = [:]
    /// Accounts whose last session ended, and when they count as offline.
    private var leaving: [AccountID: Instant] = [:]
    /// The same, soonest first, from `nextLeaving` on; entries that `leaving` contradicts are void.
    private var leavingOrder: [(account: AccountID, at: Instant)] = []
    private var nextLeaving = 0
    /// When an account without sessions was last heard.
    private var lastHeard: [AccountID: Instant] = [:]
    /// What was told last of accounts that are not offline.
    private var told: [AccountID: Presence] = [:]
    private var gathered: [AccountID] = []
    private var isGathered: Set<AccountID> = []
    private var gatheredUntil = Instant.distantFuture

    /// Creates a service that knows of nobody.
    public init() {}

    /// Accounts that something is known of.
    public var accountsCount: Int { devices.count + leaving.count }
    /// When `takeDue` has something.
    public var deadline: Instant {
        let leaves =
            nextLeaving < leavingOrder.count ? leavingOrder[nextLeaving].at : .distantFuture
        return min(gatheredUntil, leaves)
    }

    /// Notes what a device does; returns whether that is another thing than before.
    public mutating func note(_ report: Report, now: Instant) -> Bool {
        let account = report.account
        var list = devices[account] ?? []
        let i = list.firstIndex { $0.device == report.device }
        if let state = report.state {
            let device = Device(device: report.device, worker: report.worker, state: state)
            if let i {
                guard list[i].state != state || list[i].worker != report.worker else {
                    return false
                }
                list[i] = device
            } else {
                list.append(device)
            }
            leaving[account] = nil
            lastHeard[account] = nil
            devices[account] = list
        } else {
            // A newer session of the device may be at another worker already.
            guard let i, list[i].worker == report.worker else { return false }
            list.remove(at: i)
            devices[account] = list.isEmpty ? nil : list
            guard !list.isEmpty else {
                lastHeard[account] = now
                leaving[account] = now + Self.grace
                leavingOrder.append((account, now + Self.grace))
                return true
            }
        }
        gather(account, now: now)
        return true
    }

    /// Notes that what may be seen of an account may have changed.
    public mutating func gather(_ account: AccountID, now: Instant) {
        if gathered.isEmpty { gatheredUntil = now + Self.gathering }
        if isGathered.insert(account).inserted { gathered.append(account) }
    }

    /// Returns the accounts of which something may have to be told now.
    public mutating func takeDue(now: Instant) -> [AccountID] {
        var due: [AccountID] = []
        while nextLeaving < leavingOrder.count, leavingOrder[nextLeaving].at <= now {
            let (account, at) = leavingOrder[nextLeaving]
            nextLeaving += 1
            guard leaving[account] == at else { continue }
            leaving[account] = nil
            due.append(account)
        }
        if nextLeaving * 2 > leavingOrder.count {
            leavingOrder.removeFirst(nextLeaving)
            nextLeaving = 0
        }
        guard gatheredUntil <= now else { return due }
        let gone = Set(due)
        due += gathered.filter { !gone.contains($0) }
        gathered.removeAll(keepingCapacity: true)
        isGathered.removeAll(keepingCapacity: true)
        gatheredUntil = .distantFuture
        return due
    }

    /// Returns what is to be told of an account to its contacts; `nil` if they know it.
    public mutating func tell(
        _ account: AccountID, privacy: Privacy, now: Instant, wall: WallTime
    ) -> Presence? {
        let isLeaving = leaving[account] != nil
        var presence = told[account] ?? Presence(account: account, state: .offline)
        if !isLeaving { presence = present(account, now: now, wall: wall) }
        if privacy.presence == .nobody {
            presence = Presence(account: account, state: .offline)
        }
        if privacy.lastSeen == .nobody {
            presence.lastSeen = WallTime(milliseconds: 0)
            presence.devicesCount = 0
        }
        if !isLeaving, devices[account] == nil { lastHeard[account] = nil }
        let before = told[account]
        told[account] = presence.state == .offline ? nil : presence
        if before == nil, presence.state == .offline { return nil }
        return before == presence ? nil : presence
    }

    /// Returns what was told last of an account; `nil` if it counts as offline.
    public func known(_ account: AccountID) -> Presence? { told[account] }

    private func present(_ account: AccountID, now: Instant, wall: WallTime) -> Presence {
        let list = devices[account] ?? []
        let state = list.map(\.state).max() ?? .offline
        var presence = Presence(account: account, state: state)
        if state == .offline {
            if let heard = lastHeard[account] ?? (list.isEmpty ? nil : now) {
                let ago = (now - heard).nanoseconds / 1_000_000
                presence.lastSeen = WallTime(milliseconds: wall.milliseconds - ago)
            }
        } else {
            presence.devicesCount = UInt32(list.count { $0.state != .offline })
        }
        return presence
    }
}

// What an hour of silence costs a device behind a NAT, and whether it can be reached all the time.

public import PetrelBase
internal import PetrelClientCore
internal import PetrelClientNetwork
internal import PetrelServerCore

/// A device behind a NAT that forgets: what it found out, and its next hour without anything to do.
public struct IdleHour: Equatable, Sendable {
    /// How the device decides how often it is heard.
    public enum Policy: Sendable {
        /// It measures.
        case measured
        /// Every 25 s, as good as any NAT wants.
        case fixed
    }

    /// What the NAT bears.
    public var lifetime: Interval
    /// Measurements that it took.
    public var probes: Int
    /// When the last of them ended.
    public var searchedFor: Interval
    /// The longest pause that it makes now.
    public var interval: Interval
    /// Packets of that hour, in both directions.
    public var packets: Int
    /// Packets of the server that came to a binding that was dead, in the whole time.
    public var dropped: Int
    /// Packets of all measurements.
    public var measuring: Int
    /// Whether everything that others wrote came within 2 s, and the session was the first one.
    public var wasReachable: Bool

    /// Plays the search for the lifetime of a NAT, and then an hour, in virtual time.
    ///
    /// While it measures, and at the end of the hour, somebody writes to the device.
    public static func play(lifetime: Interval, policy: Policy, seed: UInt64 = 1) -> IdleHour {
        SeededChance.with(seed: seed) {
            let simulation = Simulation(scenario(lifetime, seed))
            return simulation.idleHour(lifetime, policy)
        }
    }

    private static func scenario(_ lifetime: Interval, _ seed: UInt64) -> Scenario {
        var link = LinkPlan()
        link.delay = 30
        let expiries = [Int(lifetime.nanoseconds / 1_000_000), 0]
        let clients = expiries.enumerated().map { index, expiry in
            ClientPlan(
                account: index, start: 0, up: link, down: link, natExpiry: expiry,
                clock: ClockPlan())
        }
        return Scenario(
            seed: seed, faultsEnd: 0, clients: clients, disk: DiskPlan(),
            serverClock: ClockPlan(), workers: nil, endsWithRush: false, deeds: [])
    }
}

extension Simulation {
    fileprivate func idleHour(_ lifetime: Interval, _ policy: IdleHour.Policy) -> IdleHour {
        setUp()
        let client = clients[0]
        for client in clients {
            client.keepalive = KeepaliveConfiguration()
            client.keepalive.isSearching = policy == .measured && client.index == 0
            client.keepaliveInterval = .seconds(25)
            client.sessionRenewal = .infinite
        }
        var isFine = run(to: now + .seconds(10))
        client.core?.setForeground(policy == .fixed)
        settleClient(0)
        // Somebody writes now and then, never in step with the keepalives.
        for round in 0..<Self.searchMinutes / 7 {
            isFine = run(to: now + .seconds(7 * 60 + Int64(round))) && isFine
            isFine = writeAndWait() && isFine
        }
        let searched = client.measuredAt - Self.start
        isFine = run(to: now + .seconds(60)) && isFine
        let before = client.counts
        isFine = run(to: now + .seconds(3_600)) && isFine
        let after = client.counts
        isFine = writeAndWait() && isFine && oracle.breach == nil
        return IdleHour(
            lifetime: lifetime, probes: client.core?.probesCount ?? 0, searchedFor: searched,
            interval: client.core?.keepaliveInterval ?? .zero,
            packets: after.sent + after.received - before.sent - before.received,
            dropped: after.dropped, measuring: after.measuring,
            wasReachable: isFine && server.metrics.sessionsConfirmed == 2)
    }

    /// The other device writes, and this one has it within 2 s.
    private func writeAndWait() -> Bool {
        write(client: 1, account: 0, byteCount: 40)
        guard run(to: now + .seconds(2)) else { return false }
        return oracle.missing(server, clients) == nil
    }

    private static let searchMinutes = 70
}

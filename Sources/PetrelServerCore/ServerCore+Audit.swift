// What simulations and tests look at after each step: traces, counts, a fold of the state.

internal import PetrelBase
public import PetrelMessaging
internal import PetrelServices
public import PetrelTransport

/// What a session has noted since it was last asked.
public struct SessionTrace: Equatable, Sendable {
    /// What the server calls the session.
    public var serverConnectionID: UInt64
    /// The observations, oldest first.
    public var events: [TimedTraceEvent]
}

extension ServerCore {
    /// Moves the traces of sessions to the end of `list`; none unless the configuration asks.
    public mutating func takeTraces(into list: inout [SessionTrace]) {
        list.append(contentsOf: traces)
        traces.removeAll(keepingCapacity: true)
    }

    /// Keeps the session's trace for `takeTraces`.
    mutating func collectTrace(_ handle: Handle) {
        guard configuration.session.isTracing else { return }
        var events: [TimedTraceEvent] = []
        sessions[handle].session.takeTrace(into: &events)
        guard !events.isEmpty else { return }
        traces.append(
            SessionTrace(
                serverConnectionID: sessions[handle].session.serverConnectionID, events: events))
    }

    /// Counts again what is counted as it goes; returns the first thing that is wrong.
    ///
    /// - Complexity: O(sessions and what they have under way); not for the packet path.
    public func audit() -> AuditFinding? {
        guard halfOpen.count <= configuration.halfOpenMax,
            sessions.count <= configuration.sessionsMax,
            dormant.count <= configuration.dormantMax
        else { return .unbounded("\(sessions.count) sessions") }
        guard operations.count <= configuration.operationsMax else {
            return .unbounded("\(operations.count) operations")
        }
        guard max(judgements.count, attempts.count) <= configuration.hashJobsMax else {
            return .unbounded("\(judgements.count) judgements")
        }
        guard hosts.sessionsCount == sessions.count + dormant.count else {
            return .unbalanced(
                "\(hosts.sessionsCount) sessions of hosts, \(sessions.count + dormant.count) in all"
            )
        }
        guard events.list.isEmpty else {
            return .unbalanced("\(events.list.count) events that belong to no session")
        }
        guard probes.count <= configuration.probesMax else {
            return .unbounded("\(probes.count) measurements")
        }
        guard waitingCount <= configuration.hellosWaitingMax else {
            return .unbounded("\(waitingCount) HELLOs wait")
        }
        var enrolled = 0
        var connectionIDs = 0
        for slot in 0..<sessions.capacity {
            guard let handle = sessions.handle(slot: slot) else { continue }
            if case .enrolled = sessions[handle].state.phase { enrolled += 1 }
            connectionIDs += sessions[handle].session.connectionIDsCount
            if let finding = sessions[handle].session.audit() { return finding }
        }
        var dormantIDs = 0
        for slot in dormant.slots {
            guard let handle = dormant.handle(slot: slot) else { continue }
            if dormant[handle].state.principal != nil { enrolled += 1 }
            dormantIDs += dormant[handle].session.connectionIDsCount
        }
        guard dormant.connectionIDsCount == dormantIDs else {
            return .unbalanced(
                "\(dormant.connectionIDsCount) dormant connection IDs, \(dormantIDs) in use")
        }
        guard table.count == connectionIDs else {
            return .unbalanced("\(table.count) connection IDs are known, \(connectionIDs) in use")
        }
        guard enrolled == live.devicesCount else {
            return .unbalanced("\(enrolled) sessions of devices, \(live.devicesCount) live ones")
        }
        return nil
    }

    /// Whether a device has a session here.
    public func hasSession(of device: DeviceID, account: AccountID) -> Bool {
        live.place(of: device, account: account) != nil
    }

    /// A fold of the state that garbage must not change; counters are left out.
    public var stateDigest: UInt64 {
        var digest = StateDigest()
        for slot in 0..<sessions.capacity {
            guard let handle = sessions.handle(slot: slot) else { continue }
            digest.add(sessions[handle].session.stateDigest)
            digest.add(sessions[handle].state.phase == .over ? 1 : 0)
            digest.add(sessions[handle].state.garbage)
        }
        for slot in dormant.slots {
            guard let handle = dormant.handle(slot: slot) else { continue }
            digest.add(dormant[handle].session.stateDigest)
        }
        digest.add(dormant.count)
        digest.add(sessions.count)
        digest.add(halfOpen.count)
        digest.add(waitingCount)
        digest.add(operations.count)
        digest.add(judgements.count)
        digest.add(viewers.count)
        digest.add(largeGroups.count)
        digest.add(presence.accountsCount)
        digest.add(attempts.count)
        digest.add(nextTicket)
        digest.add(probes.count)
        digest.add(probes.deadline.nanoseconds)
        return digest.value
    }
}

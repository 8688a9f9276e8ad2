// What sessions do, by their own traces and audits.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelServerCore
internal import PetrelTransport
internal import PetrelWire

/// One end of a session.
struct SessionName: Hashable {
    /// The client; `nil`: the server's end.
    var client: Int?
    var connectionID: UInt64
}

/// What one end of a session has done.
struct SessionLedger {
    var sentHighest: UInt64?
    var sent: Set<UInt64> = []
    var received: Set<UInt64> = []
    var acknowledged: Set<UInt64> = []
}

extension Oracle {
    /// Looks at the server after something was done with it.
    func server(_ server: SimulatedServer, events: Int) {
        var traces: [SessionTrace] = []
        for worker in server.workers { worker.core.takeTraces(into: &traces) }
        for trace in traces {
            for event in trace.events {
                note(
                    event, of: SessionName(client: nil, connectionID: trace.serverConnectionID))
            }
        }
        guard server.isUp else { return }
        let metrics = server.metrics
        let settled =
            metrics.datagramsAccepted + metrics.datagramsForwarded + metrics.datagramsDropped
        if metrics.datagramsReceived != settled + UInt64(server.waitingCount) {
            fail(
                .conservation,
                "the server received \(metrics.datagramsReceived) datagrams, accepted "
                    + "\(metrics.datagramsAccepted), forwarded \(metrics.datagramsForwarded) and "
                    + "dropped \(metrics.datagramsDropped)")
        }
        if metrics.messagesCommitted > appendedInLife {
            fail(
                .conservation,
                "the server counts \(metrics.messagesCommitted) committed messages, the disk has "
                    + "\(appendedInLife)")
        }
        guard events - lastAudit >= Self.auditEvery else { return }
        lastAudit = events
        for worker in server.workers {
            if let finding = worker.core.audit() { report(finding, "the server") }
        }
    }

    /// Looks at a client's session after something was done with it.
    func transport(of client: SimulatedClient, events: Int) {
        var trace: [TimedTraceEvent] = []
        guard let id = client.core?.takeTrace(into: &trace) else { return }
        for event in trace {
            note(event, of: SessionName(client: client.index, connectionID: id))
        }
        guard events % Self.auditEvery == 0, let finding = client.core?.audit() else { return }
        report(finding, "client \(client.index)")
    }

    private func report(_ finding: AuditFinding, _ who: String) {
        switch finding {
        case .unbounded(let sentence): fail(.bounded, "\(who): \(sentence)")
        case .unbalanced(let sentence): fail(.honestLedger, "\(who): \(sentence)")
        }
    }

    private func note(_ noted: TimedTraceEvent, of name: SessionName) {
        let who = name.client.map { "client \($0)" } ?? "the server"
        switch noted.event {
        case .packetSent(let number, _, _, _):
            if let highest = sessions[name]?.sentHighest, number <= highest {
                fail(.numbersOnce, "\(who) sealed packet \(number) after packet \(highest)")
            }
            sessions[name, default: SessionLedger()].sentHighest = number
            sessions[name]?.sent.insert(number)
        case .packetReceived(let number, _):
            guard sessions[name, default: SessionLedger()].received.insert(number).inserted else {
                return fail(.packetsOnce, "\(who) processed packet \(number) twice")
            }
        case .packetAcknowledged(let number):
            guard sessions[name]?.sent.contains(number) == true else {
                return fail(
                    .honestLedger,
                    "\(who) took packet \(number) as acknowledged, which it never sent"
                )
            }
            // A packet declared lost may be acknowledged after all, but only once.
            guard sessions[name]?.acknowledged.insert(number).inserted == true else {
                return fail(.honestLedger, "\(who) took packet \(number) as acknowledged twice")
            }
        case .connectionIDRetired(let id):
            if name.client != nil { retiredIDs.insert(id) }
        case .packetDropped(let reason, _): noteDropped(reason, noted.time, who)
        default: break
        }
    }

    /// A client sends a datagram: it does not carry what the server was told to forget.
    func clientSends(_ bytes: [UInt8], _ index: Int) {
        guard !retiredIDs.isEmpty,
            case .data(let id) = PacketForm(bytes.span.bytes, receivedBy: .server),
            retiredIDs.contains(id.value)
        else { return }
        fail(.opens, "client \(index) goes on to use a connection ID that it has retired")
    }

    /// What a party has just made for this session opens, also while keys are renewed.
    private func noteDropped(_ reason: DropReason, _ time: Instant, _ who: String) {
        guard reason == .keyUnknown || reason == .forged, let arriving, arriving.time == time,
            arriving.flight.isWhole,
            Simulation.start + elapsed - arriving.flight.sent < Self.keptAtLeast
        else { return }
        switch arriving.flight.maker {
        case .client, .server:
            fail(.opens, "\(who) has no key for a packet that was made a moment ago: \(reason)")
        case .intruder, .attack: break
        }
    }

    /// Less than three times the shortest probe timeout, by clocks that differ.
    private static let keptAtLeast = Interval.milliseconds(80)

    private static let auditEvery = 32
}

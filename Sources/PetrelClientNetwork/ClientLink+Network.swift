// What the system and the server say about networks, and what the client makes of it.

public import PetrelBase
internal import PetrelTransport

extension ClientLink {
    /// The operating system says that the network is another one: the session asks over it at once,
    /// and if nothing is heard for one and a half probe timeouts, HELLO is said beside it.
    ///
    /// `label` names the network, so that what is learnt of it is known when it comes again; of one
    /// without a name nothing is known.
    public mutating func networkChanged(to label: UInt64 = 0, now: Instant) {
        isOffline = false
        enterNetwork(label, now: now)
        if connector.networkChanged(now: now) { handshake = nil }
        let wasTold = changeNetwork(now: now)
        guard isOpen else { return }
        switch session {
        case .some(let session): attemptAt = min(attemptAt, now + session.probeInterval * 3 / 2)
        case .none: break
        }
        if !wasTold { session?.networkChanged(now: now) }
    }

    /// The operating system says that there is no network: nothing is sent, and no time-out runs,
    /// until `networkChanged` is called.
    public mutating func networkLost() {
        isOffline = true
        stopMeasuring()
    }

    /// The server is about to stop.
    mutating func serverLeaves(within window: Interval, to address: Address?, now: Instant) {
        serverLeaves = true
        attemptAt = connector.serverLeaves(
            within: window, to: address, now: now, random: &random)
    }

    /// The session was heard after its path had become suspect.
    mutating func noteHeard() {
        guard isOpen, !serverLeaves, !isRenewing else { return }
        attemptAt = .distantFuture
        guard handshake != nil, let heard = session?.lastHeard, heard > handshakeStarted else {
            return
        }
        handshake = nil
        connector.resumed()
    }
}

// Messages in the HELLO, and sessions that are renewed while there is something to say.

internal import PetrelBase
internal import PetrelMessaging
internal import PetrelTransport
internal import PetrelWire

extension ClientCore {
    /// The first messages of the outbox, as many as fit into a HELLO, for an attempt without a
    /// session beside it: only then nothing can become of them before the answer comes.
    ///
    /// Every second attempt carries none: a path that loses large datagrams must not keep the
    /// client out.
    mutating func packEarly(
        _ attempt: Connector.Attempt, now: Instant, wall: WallTime
    ) -> EarlyMessages {
        var early = EarlyMessages()
        earlyEntries.removeAll()
        guard configuration.sendsEarly, attempt.number % 2 == 1, known != nil, !sessionIsLive
        else { return early }
        refillOutbox()
        for entry in outbox.waiting(now: now) {
            guard maySend(entry, wall: wall) else { break }
            let command = Command(
                request: UInt64(early.count + 1), kind: .send(OutgoingMessage(entry)))
            guard early.append(command.encoded().span.bytes) else { break }
            earlyEntries.append(entry)
        }
        return early
    }

    /// The session goes on behind the messages of its HELLO, if the server takes them in.
    mutating func followEarly() {
        requests = 0
        let taken = session?.earlyMessagesTaken ?? 0
        for entry in earlyEntries.prefix(taken) {
            requests += 1
            noteSent(entry, in: requests)
        }
        earlyEntries.removeAll()
    }

    /// Something was said in the session: if that is old, HELLO is said beside it.
    ///
    /// An idle session is not renewed: nobody is woken for it.
    mutating func renewIfOld(now: Instant) {
        guard renewAt <= now, handshake == nil, !serverLeaves else { return }
        isRenewing = true
        attemptAt = min(attemptAt, now)
    }

    /// The attempt to renew the session had no answer: it goes on for a while.
    mutating func renewalFailed(now: Instant) {
        guard isRenewing else { return }
        isRenewing = false
        renewAt = now + min(Self.renewalPause, configuration.sessionRenewal)
        connector.resumed()
    }

    private static let renewalPause = Interval.seconds(60)
}

extension OutgoingMessage {
    /// What is sent of an entry of the outbox.
    init(_ entry: OutboxEntry) {
        let target: OutgoingMessage.Target =
            switch entry.target {
            case .conversation(let id): .conversation(id)
            case .handle(let handle): .handle(handle)
            }
        self.init(
            clientMessageID: entry.clientMessageID, target: target,
            contentType: entry.contentType, body: entry.body)
    }
}

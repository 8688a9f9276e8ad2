// Messages of the outbox that travel in the HELLO.

internal import PetrelBase
internal import PetrelClientData
internal import PetrelClientNetwork
internal import PetrelMessaging
internal import PetrelWire

extension ClientCore {
    /// The first messages of the outbox, as many as fit into the HELLO that is due; none if it is
    /// to carry none.
    mutating func packEarly(now: Instant, wall: WallTime) -> EarlyMessages {
        var early = EarlyMessages()
        earlyEntries.removeAll()
        guard configuration.sendsEarly, link.helloTakesEarly, known != nil else { return early }
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

    /// The session goes on behind the messages of its HELLO that the server took in.
    mutating func followEarly(_ taken: Int) {
        requests = 0
        for entry in earlyEntries.prefix(taken) {
            requests += 1
            noteSent(entry, in: requests)
        }
        earlyEntries.removeAll()
    }
}

extension OutgoingMessage {
    /// What is sent of an entry of the outbox.
    init(_ entry: OutboxEntry) {
        let target: OutgoingMessage.Target =
            switch entry.target {
            case .conversation(let id): .conversation(id)
            case .handle(let handle): .handle(handle)
            case .newGroup: .newGroup
            }
        self.init(
            clientMessageID: entry.clientMessageID, target: target, event: entry.event)
    }
}

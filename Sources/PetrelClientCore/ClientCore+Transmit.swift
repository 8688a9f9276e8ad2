// What is said to the server: commands, in the order of their urgency.

internal import PetrelBase
internal import PetrelClientData
internal import PetrelClientNetwork
internal import PetrelMessaging
internal import PetrelTransport
internal import PetrelWire

extension ClientCore {
    /// Moves what is to be said into the session, as far as its queue takes it.
    ///
    /// What is stored is the precondition: acknowledgements go out from here.
    mutating func pump(now: Instant, wall: WallTime) {
        guard link.isOpen, stalled == nil, !link.isBlocked else { return }
        sendEnrolment(now: now)
        guard standing == .known else {
            // The server knows the device most likely, and commits what it sends half a round trip
            // after the ACCEPT; if not, it refuses everything for now.
            if standing == .unknown, known != nil { sendOutbox(now: now, wall: wall) }
            return
        }
        while let command = sync.nextCommand(now: now) {
            guard let (request, message) = send(command, now: now) else { return }
            sync.issued(command, as: request, now: now)
            if case .acknowledge(_, let watermarks, _) = command {
                acknowledgements.append(
                    OpenAcknowledgement(message: message, watermarks: watermarks))
            }
        }
        while let (ticket, command) = questions.next {
            guard let (request, _) = send(command, now: now) else { return }
            questions.sent(ticket, in: request, now: now)
        }
        sendActivities(now: now)
        sendOutbox(now: now, wall: wall)
    }

    /// What is only true now: the newest of each kind arrives, or nothing.
    private mutating func sendActivities(now: Instant) {
        for activity in surroundings.takeUntold() {
            let bytes = Command(request: 0, kind: .activity(activity)).encoded()
            _ = try? link.send(
                bytes.span.bytes, as: .ephemeral, key: activity.ephemeralKey, now: now)
        }
    }

    private mutating func sendEnrolment(now: Instant) {
        guard standing == .stranger, let waiting = enrolment, waiting.request == nil else { return }
        let sent = send(waiting.command, now: now)
        enrolment?.request = sent?.request
    }

    private mutating func sendOutbox(now: Instant, wall: WallTime) {
        refillOutbox()
        while let entry = outbox.nextToSend(now: now) {
            // The server may have forgotten that it has this one: first see whether it comes back.
            guard maySend(entry, wall: wall) else { return }
            guard let (request, _) = send(.send(OutgoingMessage(entry)), now: now) else { return }
            #if PETREL_PLANTED
                if PlantedBug.outboxForgets.isActive {
                    changes.append(.dequeue(index: entry.index))
                }
            #endif
            noteSent(entry, in: request)
        }
    }

    /// A message travels in a request; its owner is told once.
    mutating func noteSent(_ entry: OutboxEntry, in request: UInt64) {
        guard outbox.sent(entry.index, in: request) else { return }
        events.append(
            .deliveryChanged(index: entry.index, id: entry.clientMessageID, state: .sent))
    }

    func maySend(_ entry: OutboxEntry, wall: WallTime) -> Bool {
        guard standing != .known else { return sync.isCaughtUp || !isOld(entry, wall: wall) }
        // Until the welcome nobody knows how wrong the device's clock is.
        let age = wall.milliseconds &- entry.written.milliseconds
        return (0...Self.youngMilliseconds).contains(age)
    }

    private static let youngMilliseconds: Int64 = 24 * 3_600 * 1_000

    private func isOld(_ entry: OutboxEntry, wall: WallTime) -> Bool {
        let age = serverTime(wall).milliseconds &- entry.clientMessageID.time.milliseconds
        return age > Self.rememberedMilliseconds
    }

    /// A day less than the server remembers identifiers, because clocks differ.
    private static let rememberedMilliseconds =
        (MessagingLimits.deduplication - .seconds(24 * 3600)).nanoseconds / 1_000_000

    mutating func refillOutbox() {
        guard let (after, limit) = outbox.wanted else { return }
        do throws(ClientStoreError) {
            outbox.load(try store.outbox(after: after, limit: limit), limit: limit)
        } catch {
            events.append(.storeFailed(error))
        }
    }

    /// Gives a command to the link; `nil` if it takes no more for now.
    private mutating func send(
        _ command: Command.Kind, now: Instant
    ) -> (request: UInt64, message: UInt64)? {
        let request = requests + 1
        let bytes = Command(request: request, kind: command).encoded()
        do throws(SendRefusal) {
            let message = try link.send(bytes.span.bytes, as: .durable, now: now)
            requests = request
            return (request, message)
        } catch {
            return nil
        }
    }
}

extension Activity {
    /// What it is the newest value of.
    fileprivate var ephemeralKey: UInt64 {
        switch self {
        case .presence: 0
        case .typing: 1
        case .viewing: 2
        }
    }
}

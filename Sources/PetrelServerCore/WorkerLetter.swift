// What the workers of one server tell each other: values, which their shells carry.

public import PetrelBase
public import PetrelMessaging
public import PetrelServices
internal import PetrelTransport
internal import PetrelWire

/// A letter from one worker's core to another's.
///
/// Shells carry the letters of each pair of workers in the order in which they were written. All
/// that sessions must hear of commits comes from the store instead, in the order of the commits.
public struct WorkerLetter: Equatable, Sendable {
    /// What is told.
    public enum Content: Equatable, Sendable {
        /// A datagram that reached the writer and belongs to the reader.
        case datagram([UInt8], from: Address, ecn: ECN)
        /// A session of the writer is that device's from now on; an older one gives way.
        case sessionBegan(DeviceSession)
        /// Somebody's password is to be judged, by worker 0: it counts the attempts at all workers.
        case judgement(JudgementRequest)
        /// What came of the request with that ticket of the reader.
        case judged(ticket: UInt64, Result<AccountService.Grant, Refused>)
        /// Somebody at that address had a wrong invitation; to worker 0, which counts.
        case invitationWrong(Address)
        /// What a device of the writer does.
        case presence(PresenceService.Report)
        /// Somebody types; without an audience, those are told who look at the conversation.
        case typing(TypingNotice, to: [AccountID]?)
    }

    /// A device's session, and which of several is the newest.
    public struct DeviceSession: Equatable, Sendable {
        /// The account of the device.
        public var account: AccountID
        /// The device.
        public var device: DeviceID
        /// The counter of the session's HELLO.
        public var helloCounter: UInt64
        /// The worker that has the session.
        public var worker: Int

        /// Creates the description of a session.
        public init(account: AccountID, device: DeviceID, helloCounter: UInt64, worker: Int) {
            self.account = account
            self.device = device
            self.helloCounter = helloCounter
            self.worker = worker
        }

        /// Whether this session takes the place of `other`, of the same device.
        ///
        /// A device raises its counter for each HELLO. If it does not, the worker decides, so that
        /// of two sessions exactly one stays, whoever hears of the other first.
        func isNewer(than other: DeviceSession) -> Bool {
            (helloCounter, worker) > (other.helloCounter, other.worker)
        }
    }

    /// Who wants something that needs a password or a code, and on which proof.
    public struct JudgementRequest: Equatable, Sendable {
        /// The worker that has the session.
        public var worker: Int
        /// What that worker calls the request.
        public var ticket: UInt64
        /// What is asked for.
        public var wish: AccountService.Wish
        /// What the session has proved.
        public var applicant: AccountService.Applicant
    }

    /// The worker that it is for.
    public var reader: Int
    /// What is told.
    public var content: Content
}

extension ServerCore {
    /// Moves the letters to other workers to the end of `letters`, in the order of writing.
    public mutating func takeLetters(into letters: inout [WorkerLetter]) {
        letters.append(contentsOf: self.letters)
        self.letters.removeAll(keepingCapacity: true)
        forwardedWaiting = 0
    }

    /// Acts on a letter of another worker, which is for this one.
    public mutating func read(_ content: WorkerLetter.Content, now: Instant, wall: WallTime) {
        switch content {
        case .datagram(let bytes, let address, let ecn):
            var bytes = bytes
            var span = bytes.mutableSpan
            var datagram = span.mutableBytes
            receive(&datagram, from: address, ecn: ecn, now: now, wall: wall)
        case .sessionBegan(let session): giveWay(to: session, now: now)
        case .judgement(let request): judge(request, now: now)
        case .judged(let ticket, let judgement):
            judged(ticket, judgement, now: now, wall: wall)
        case .invitationWrong(let address): accounts.fail(address, now: now)
        case .presence(let report): _ = presence.note(report, now: now)
        case .typing(let typing, let audience): tellTyping(typing, to: audience, now: now)
        }
    }

    mutating func write(_ content: WorkerLetter.Content, to reader: Int) {
        letters.append(WorkerLetter(reader: reader, content: content))
    }

    /// Passes a datagram to the worker that it belongs to; only a flood of them makes it drop any.
    mutating func forward(
        _ datagram: RawSpan, from address: Address, ecn: ECN, to worker: Int
    ) {
        #if PETREL_PLANTED
            if PlantedBug.strayPacketDropped.isActive {
                metrics.droppedNotForwarded += 1
                return
            }
        #endif
        guard forwardedWaiting < configuration.forwardedMax else {
            metrics.droppedNotForwarded += 1
            return
        }
        forwardedWaiting += 1
        metrics.datagramsForwarded += 1
        let bytes = datagram.withUnsafeBytes { Array($0) }
        write(.datagram(bytes, from: address, ecn: ecn), to: worker)
    }

    /// Tells the other workers whose session that is now.
    mutating func announce(_ handle: Handle, of principal: Principal) {
        #if PETREL_PLANTED
            if PlantedBug.newerSessionNotAnnounced.isActive { return }
        #endif
        let session = deviceSession(.awake(handle), principal.device, principal.account)
        for other in 0..<configuration.workers where other != worker {
            write(.sessionBegan(session), to: other)
        }
    }

    /// Another worker has a session of that device: the older one ends.
    private mutating func giveWay(to session: WorkerLetter.DeviceSession, now: Instant) {
        guard let place = live.place(of: session.device, account: session.account) else { return }
        let own = deviceSession(place, session.device, session.account)
        guard session.isNewer(than: own) else {
            // It cannot know of this one: theirs began when ours had begun.
            return write(.sessionBegan(own), to: session.worker)
        }
        replace(place, now: now)
    }

    private func deviceSession(
        _ place: SessionPlace, _ device: DeviceID, _ account: AccountID
    ) -> WorkerLetter.DeviceSession {
        let counter =
            switch place {
            case .awake(let handle): sessions[handle].state.helloCounter
            case .asleep(let handle): dormant[handle].state.helloCounter
            }
        return WorkerLetter.DeviceSession(
            account: account, device: device, helloCounter: counter, worker: worker)
    }
}

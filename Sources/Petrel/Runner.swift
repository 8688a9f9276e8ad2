// The client's thread: one loop, one socket, one brain; everything else reaches it by mailbox.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelCrypto
internal import PetrelEvent
internal import PetrelMessaging
internal import PetrelStore
internal import PetrelTransport
internal import Synchronization

/// What a task asks of the client's thread.
enum Request: Sendable {
    enum Enrolment: Sendable {
        case register
        case logIn
    }

    case enrol(
        Enrolment, ticket: UInt64, handle: String, password: [UInt8], deviceName: String,
        Answer<Account>)
    /// Nobody waits any more for the enrolment with that ticket.
    case abandonEnrolment(ticket: UInt64)
    case send(OutgoingTarget, contentType: String, body: [UInt8], Answer<Outgoing>)
    case networkChanged(label: UInt64)
    case visibilityChanged(PetrelClient.Visibility)
    case networkLost
    case resolved(Result<[Address], ResolutionError>)
    case close
}

/// Where the answer to a request goes; used exactly once.
typealias Answer<Value: Sendable> = CheckedContinuation<Result<Value, PetrelError>, Never>

/// What the thread shows to all tasks.
final class Shared: Sendable {
    let states = Latest(ConnectionState.idle)
    let account: Latest<Account?>
    let caughtUp = Latest(false)
    /// The classes of the session that there is, or was last.
    let classes = Latest<[ServiceClass]>([])
    let carrier = Latest<Carrier?>(nil)
    /// Why the server takes no messages for now.
    let obstacle = Latest<PetrelError?>(nil)
    /// Which conversations got messages, and at which change since the start.
    let arrivals = Latest(Arrivals())
    let mailbox: Mailbox<Request>
    private let isOpen = Mutex(true)
    private let tickets = Mutex<UInt64>(0)

    init(account: Account?, mailbox: Mailbox<Request>) {
        self.account = Latest(account)
        self.mailbox = mailbox
    }

    /// Gives a request to the thread; says why if it cannot.
    func submit(_ request: Request) -> PetrelError? {
        isOpen.withLock { isOpen in
            guard isOpen else { return .closed }
            return mailbox.post(request) ? nil : .mailboxFull
        }
    }

    /// Returns a number that no other request has.
    func makeTicket() -> UInt64 {
        tickets.withLock { last in
            last += 1
            return last
        }
    }

    /// Takes no more requests: whatever was posted is in the mailbox when this returns.
    func shut() { isOpen.withLock { $0 = false } }

    /// Ends all sequences.
    func finish() {
        states.publish(.closed)
        states.finish()
        account.finish()
        caughtUp.finish()
        classes.finish()
        carrier.finish()
        obstacle.finish()
        arrivals.finish()
    }
}

/// For each conversation the number of its last change, counted from the start of the client.
struct Arrivals: Sendable {
    private(set) var count: UInt64 = 0
    private var last: [ConversationID: UInt64] = [:]

    mutating func note(_ conversations: [ConversationID]) {
        count += 1
        for conversation in conversations { last[conversation] = count }
    }

    /// The conversations that changed after change number `count`, by identifier.
    func since(_ count: UInt64) -> [ConversationID] {
        last.filter { $0.value > count }.keys.sorted()
    }
}

/// Runs the brain on its own thread.
///
/// The only class that the thread enters, because a C callback needs an address. It is made by one
/// thread and handed to the one that runs it, which alone touches it from then on.
final class Runner: EventHandler {
    struct Waiting {
        weak var outgoing: Outgoing?
        var place: Place?
    }

    let shared: Shared
    private let store: FileClientStore
    private let host: String
    private let port: UInt16
    let loop: EventLoop
    var core: ClientCore
    private var socket: UDPSocket
    var stream = ClientStream()
    var streamed: [(bytes: [UInt8], to: Address)] = []
    /// The flow of a measurement, while there is one.
    var side: UDPSocket?
    var incoming = DatagramBatch()
    private var outgoing = DatagramBatch()
    private var requests: [Request] = []
    var events: [ClientEvent] = []
    var enrolment: (ticket: UInt64, answer: Answer<Account>)?
    /// Own messages that somebody still follows, by their index.
    var followed: [UInt64: Waiting] = [:]
    private var resolveAt = Instant.distantFuture
    private var isResolving = false
    private var hasAddresses = false
    /// When the client ends at the latest, once it was told to.
    private var closeBy = Instant.distantFuture
    private let network: Configuration.Network
    private let keyLog: KeyLogFile?
    private let logs: LogDirectory?
    private let qlog = QlogEncoder(.client, now: EventLoop.now, wall: WallTime.now)
    private var trace: [TimedTraceEvent] = []

    init(
        shared: Shared, store: FileClientStore, core: consuming ClientCore, host: String,
        port: UInt16, network: Configuration.Network, keyLogPath: String?,
        logs: LogDirectory?
    ) throws(SystemError) {
        self.logs = logs
        if let keyLogPath { keyLog = try KeyLogFile(path: keyLogPath) } else { keyLog = nil }
        self.network = network
        self.shared = shared
        self.store = store
        self.host = host
        self.port = port
        self.core = core
        loop = try EventLoop()
        socket = try Runner.openSocket()
    }

    /// A socket of both families; of IPv4 alone where the system has no IPv6.
    static func openSocket() throws(SystemError) -> UDPSocket {
        do throws(SystemError) {
            return try UDPSocket(boundTo: Address(high: 0, low: 0, port: 0))
        } catch {
            return try UDPSocket(boundTo: Address(v4: 0, port: 0))
        }
    }

    /// Works until the client is closed.
    func run() {
        do throws(SystemError) {
            try loop.watch(socket.descriptor, with: self)
            try loop.watch(shared.mailbox.descriptor, with: self)
            resolve()
            settle(now: EventLoop.now)
            try loop.run()
        } catch {
            shared.states.publish(.storeFailed(PetrelError(error)))
        }
        loop.forgetAll()
        shared.shut()
        shared.mailbox.drain(into: &requests)
        for request in requests { refuse(request) }
        enrolment?.answer.resume(returning: .failure(.closed))
        for waiting in followed.values { waiting.outgoing?.latest.finish() }
        store.close()
        shared.finish()
    }

    func readable(_ descriptor: Int32, now: Instant) {
        if descriptor == socket.descriptor {
            receive(now: now)
        } else if stream.has(descriptor) {
            proceed(now: now)
        } else if descriptor == shared.mailbox.descriptor {
            obey(now: now)
        } else {
            receiveSide(now: now)
        }
        settle(now: now)
    }

    func writable(_ descriptor: Int32, now: Instant) {
        if stream.has(descriptor) { proceed(now: now) }
        settle(now: now)
    }

    func due(now: Instant) {
        if resolveAt <= now { resolve() }
        core.advance(now: now, wall: WallTime.now)
        settle(now: now)
    }
}

extension Runner {
    /// Takes in what has arrived, but no more than 8 batches, so that timers get their turn.
    private func receive(now: Instant) {
        let wall = WallTime.now
        for _ in 0..<8 {
            // A socket that is broken is as good as a network that loses everything.
            guard let count = try? socket.receive(into: &incoming), count > 0 else { return }
            for i in 0..<count {
                let ecn = incoming.ecn(of: i)
                incoming.withDatagram(i) { bytes, address in
                    core.receive(&bytes, from: address, ecn: ecn, now: now, wall: wall)
                }
            }
        }
    }

    /// Ends whatever the handler did: stores, tells, sends, and sets the next deadline.
    private func settle(now: Instant) {
        core.finishBatch(now: now, wall: WallTime.now)
        transmit(now: now)
        wantStream(now: now)
        measure(now: now)
        if keyLog != nil { keyLog?.append(core.takeKeyLog()) }
        logTrace()
        core.takeEvents(into: &events)
        tell(now: now)
        guard closeBy == .distantFuture else { return close(now: now) }
        loop.wake(self, at: min(core.deadline, resolveAt))
    }

    private func logTrace() {
        guard let logs, let id = core.takeTrace(into: &trace), !trace.isEmpty else { return }
        logs.append(
            qlog.events(trace), to: qlog.fileName(serverConnectionID: id),
            head: qlog.head(serverConnectionID: id))
        trace.removeAll(keepingCapacity: true)
    }

    /// Ends it all, as soon as senders can know what was received, or when that takes too long.
    private func close(now: Instant) {
        guard !core.owesAcknowledgement || now >= closeBy else {
            return loop.wake(self, at: min(core.deadline, closeBy))
        }
        core.close(now: now)
        transmit(now: now)
        core.takeEvents(into: &events)
        tell(now: now)
        loop.stop()
    }

    private func transmit(now: Instant) {
        while true {
            sendStreamed(now: now)
            if !outgoing.isEmpty {
                _ = socket.send(&outgoing)
                guard outgoing.isEmpty else {
                    // The kernel's buffer is full; what is left goes when there is room.
                    try? loop.awaitRoom(socket.descriptor)
                    return
                }
            }
            while !outgoing.isFull {
                var ecn = ECN.notECT
                let isAdded = outgoing.append { room -> (byteCount: Int, to: Address)? in
                    guard let sent = core.transmit(into: &room, now: now) else { return nil }
                    guard sent.destination.carrier == .datagram else {
                        let bytes = room.bytes.extracting(first: sent.byteCount)
                        streamed.append((bytes.withUnsafeBytes { Array($0) }, sent.destination))
                        return nil
                    }
                    ecn = sent.ecn
                    return (sent.byteCount, sent.destination)
                }
                if !isAdded { break }
                outgoing.mark(outgoing.count - 1, ecn)
            }
            if outgoing.isEmpty && streamed.isEmpty { return }
        }
    }

    private func obey(now: Instant) {
        shared.mailbox.drain(into: &requests)
        for request in requests { obey(request, now: now) }
        requests.removeAll(keepingCapacity: true)
    }

    private func obey(_ request: Request, now: Instant) {
        guard closeBy == .distantFuture else { return refuse(request) }
        switch request {
        case .enrol(let kind, let ticket, let handle, let password, let name, let answer):
            enrol(kind, ticket, handle, password, name, answer)
        case .abandonEnrolment(let ticket):
            guard enrolment?.ticket == ticket else { return }
            core.abandonEnrolment()
            enrolment?.answer.resume(returning: .failure(.cancelled))
            enrolment = nil
        case .send(let target, let contentType, let body, let answer):
            send(to: target, contentType, body, answer)
        case .networkChanged(let label): core.networkChanged(to: label, now: now)
        case .visibilityChanged(let visibility):
            core.setForeground(visibility == .foreground)
        case .networkLost: core.networkLost()
        case .resolved(let result): resolved(result, now: now)
        case .close:
            guard closeBy == .distantFuture else { return }
            core.prepareToClose(now: now)
            closeBy = now + Self.farewellMax
        }
    }

    private func refuse(_ request: Request) {
        switch request {
        case .enrol(_, _, _, _, _, let answer): answer.resume(returning: .failure(.closed))
        case .send(_, _, _, let answer): answer.resume(returning: .failure(.closed))
        case .abandonEnrolment, .networkChanged, .visibilityChanged, .networkLost, .resolved,
            .close:
            return
        }
    }

    private func enrol(
        _ kind: Request.Enrolment, _ ticket: UInt64, _ handle: String, _ password: [UInt8],
        _ deviceName: String, _ answer: Answer<Account>
    ) {
        do throws(ClientRefusal) {
            switch kind {
            case .register:
                try core.register(handle: handle, password: password, deviceName: deviceName)
            case .logIn:
                try core.logIn(handle: handle, password: password, deviceName: deviceName)
            }
            enrolment = (ticket, answer)
        } catch {
            answer.resume(returning: .failure(PetrelError(error)))
        }
    }

    private func send(
        to target: OutgoingTarget, _ contentType: String, _ body: [UInt8],
        _ answer: Answer<Outgoing>
    ) {
        do throws(ClientRefusal) {
            let (index, id) = try core.send(
                to: target, contentType: contentType, body: body, wall: WallTime.now)
            let outgoing = Outgoing(id: id.text, index: index, body: body)
            if followed.count >= Self.followedMax {
                followed = followed.filter { $0.value.outgoing != nil }
            }
            followed[index] = Waiting(outgoing: outgoing)
            answer.resume(returning: .success(outgoing))
        } catch {
            answer.resume(returning: .failure(PetrelError(error)))
        }
    }

    /// How many own messages are followed before those that nobody holds are looked for.
    private static let followedMax = 1_024
}

extension Runner {
    /// Asks the system for the server's addresses, on a thread of its own: that may take long.
    func resolve() {
        resolveAt = .distantFuture
        guard !isResolving, network == .automatic else { return }
        isResolving = true
        let (shared, host, port) = (shared, host, port)
        let isStarted = Thread.start {
            do throws(ResolutionError) {
                let addresses = try Address.resolve(host: host, port: port)
                _ = shared.submit(.resolved(.success(addresses)))
            } catch {
                _ = shared.submit(.resolved(.failure(error)))
            }
        }
        if !isStarted {
            resolved(.failure(.notFound(host: host, reason: "no threads left")), now: EventLoop.now)
        }
    }

    private func resolved(_ result: Result<[Address], ResolutionError>, now: Instant) {
        isResolving = false
        switch result {
        case .success(let addresses):
            core.reach(addresses)
            if !hasAddresses { core.connect(now: now) }
            hasAddresses = true
        case .failure(let error):
            guard !hasAddresses else { return }
            resolveAt = now + Self.resolvePause
            shared.states.publish(
                .waiting(after: Duration(Self.resolvePause), reason: "\(error)"))
        }
    }

    private static let resolvePause = Interval.seconds(2)
    /// The longest that a close waits for the server to hear what was received.
    private static let farewellMax = Interval.milliseconds(300)
}

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

/// Runs the brain on its own thread.
///
/// The only class that the thread enters, because a C callback needs an address. It is made by one
/// thread and handed to the one that runs it, which alone touches it from then on.
final class Runner: EventHandler {
    struct Waiting {
        weak var latest: Latest<Delivery>?
        var place: Place?
    }

    let shared: Shared
    let store: FileClientStore
    let host: String
    let port: UInt16
    let loop: EventLoop
    var core: ClientCore
    private var socket: UDPSocket
    var stream = ClientStream()
    var streamed: [(bytes: [UInt8], to: Address)] = []
    /// The flow of a measurement, while there is one.
    var side: UDPSocket?
    var incoming = DatagramBatch()
    private var outgoing = DatagramBatch()
    var requests: [Request] = []
    var events: [ClientEvent] = []
    var enrolment: (ticket: UInt64, answer: Answer<Account>)?
    /// Questions that wait for the server.
    var asked: [Ticket: (ticket: UInt64, answer: Answer<PetrelClientCore.Answer>)] = [:]
    /// Own messages that somebody still follows, by their index.
    var followed: [UInt64: Waiting] = [:]
    /// Whether the server said that this device's key is of no use any more.
    var isRevoked = false
    var resolveAt = Instant.distantFuture
    var isResolving = false
    var hasAddresses = false
    /// When the client ends at the latest, once it was told to.
    var closeBy = Instant.distantFuture
    let network: Configuration.Network
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
        for question in asked.values { question.answer.resume(returning: .failure(.closed)) }
        for waiting in followed.values { waiting.latest?.finish() }
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
        showLink()
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
}

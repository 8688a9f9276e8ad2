// What is sent when, and what has arrived: the latency test and the bulk test of all transports.

import Glibc
import PetrelBase
import PetrelEvent

/// The messages of one side: a fixed schedule, or as fast as they are taken.
///
/// A message begins with a magic number, its sequence number and the time at which it was *due*, so
/// that a sender that was held up is not forgiven.
struct Traffic {
    /// Bytes at the start of each message.
    static let headByteCount = 16
    private static let magic: UInt32 = 0x5045_5452
    /// The first message of the latency test comes this long after connecting.
    private static let lead = Interval.milliseconds(200)

    private struct Record {
        var sequence: UInt32
        var due: Int64
        var received: Int64
    }

    private let options: Options
    private let started: Instant
    private var connected: Instant?
    private var message: [UInt8]
    private var records: [Record] = []
    private var bulkStart: Int64 = 0
    private var bulkEnd: Int64 = 0
    private var bulkReceived = 0
    private var sent = 0
    private var expected: UInt32 = 0
    private var disorder = 0
    private var isDone = false

    init(_ options: Options, now: Instant) {
        self.options = options
        started = now
        message = [UInt8](
            repeating: UInt8(ascii: "x"),
            count: options.isBulk ? options.chunkByteCount : options.messageByteCount)
        records.reserveCapacity(options.messagesCount)
    }

    /// Notes that the session is there.
    mutating func connect(now: Instant) {
        guard connected == nil else { return }
        connected = now
        let elapsed = now - started
        say("CONN \(Double(elapsed.nanoseconds / 100_000) / 10)")
    }

    /// When the next message is due; `.distantFuture` if there is none.
    var nextDue: Instant {
        guard let connected else { return .distantFuture }
        if options.isBulk { return .distantFuture }
        guard sent < options.messagesCount else { return .distantFuture }
        return connected + Self.lead + options.interval * Int64(sent)
    }

    /// Calls `send` with each message that is due, until it returns `false`.
    mutating func sendDue(now: Instant, _ send: (RawSpan) -> Bool) {
        while nextDue <= now {
            writeHead(due: nextDue.nanoseconds)
            guard send(message.span.bytes) else { return }
            sent += 1
        }
    }

    /// Bytes of the transfer to offer, once: at the first call after connecting.
    mutating func beginBulk(now: Instant) -> Int? {
        guard connected != nil, !options.isServer, bulkStart == 0 else { return nil }
        bulkStart = now.nanoseconds
        return options.bulkByteCount
    }

    /// The next bytes of the transfer; `nil` after the last.
    mutating func nextBulk() -> [UInt8]? {
        let rest = options.bulkByteCount - sent
        guard rest > 0 else { return nil }
        if sent == 0 { writeHead(due: bulkStart) }
        return Array(message.prefix(rest))
    }

    /// Notes that so many of them were taken.
    mutating func supplied(_ count: Int) { sent += count }

    /// Takes bytes of the transfer in, which begins with when it was begun.
    mutating func receiveBulk(at offset: UInt64, _ bytes: RawSpan) {
        if offset == 0, bytes.byteCount >= Self.headByteCount {
            bulkStart = bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: Int64.self)
        }
        bulkEnd = EventLoop.now.nanoseconds
        bulkReceived += bytes.byteCount
        if bulkReceived >= options.bulkByteCount { finishBulk() }
    }

    private mutating func writeHead(due: Int64) {
        message.withUnsafeMutableBytes {
            $0.storeBytes(of: Self.magic, as: UInt32.self)
            $0.storeBytes(of: UInt32(truncatingIfNeeded: sent), toByteOffset: 4, as: UInt32.self)
            $0.storeBytes(of: due, toByteOffset: 8, as: Int64.self)
        }
    }

    /// Takes a message in.
    mutating func receive(_ message: RawSpan) {
        let now = EventLoop.now.nanoseconds
        guard message.byteCount >= Self.headByteCount,
            message.unsafeLoadUnaligned(as: UInt32.self) == Self.magic
        else { return say("BAD MESSAGE") }
        let sequence = message.unsafeLoadUnaligned(fromByteOffset: 4, as: UInt32.self)
        let due = message.unsafeLoadUnaligned(fromByteOffset: 8, as: Int64.self)
        if sequence != expected { disorder += 1 }
        expected = sequence &+ 1
        records.append(Record(sequence: sequence, due: due, received: now))
        if records.count == options.messagesCount { say("DONE") }
    }

    /// Writes the log, and says what was used and counted.
    func finish() throws {
        if options.isBulk, options.isServer, !isDone, bulkReceived > 0 {
            sayBulk(until: EventLoop.now.nanoseconds)
        }
        if !options.isBulk, !options.logPath.isEmpty { try writeLog() }
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        let microseconds =
            (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000
            + Int(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
        say("CPU \(Double(microseconds / 1_000) / 1_000)")
        let received = options.isBulk ? bulkReceived : records.count
        say("SENT \(sent) RECVD \(received) DISORDER \(disorder)")
    }

    private mutating func finishBulk() {
        guard !isDone else { return }
        isDone = true
        sayBulk(until: bulkEnd)
        say("DONE")
    }

    private func sayBulk(until end: Int64) {
        say("BULK \(bulkReceived) \(Double((end - bulkStart) / 100_000) / 10_000)")
    }

    private func writeLog() throws {
        guard let file = fopen(options.logPath, "w") else {
            throw PeerFailure("\(options.logPath): \(String(cString: strerror(errno)))")
        }
        for record in records {
            fputs("\(record.sequence) \(record.due) \(record.received)\n", file)
        }
        guard fclose(file) == 0 else {
            throw PeerFailure("\(options.logPath): \(String(cString: strerror(errno)))")
        }
    }
}

/// Prints a line at once: whoever runs the test waits for it.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

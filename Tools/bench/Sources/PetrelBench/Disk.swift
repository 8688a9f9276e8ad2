// What the process asks of the disk and of the processors, to be told per message.

import CBench
import Glibc

/// Counters of the process; the difference of two is what happened in between.
struct Usage {
    /// Bytes that the process caused to be written to the disk.
    var written: Double
    /// Flushes of the disk.
    var flushes: Double
    /// CPU seconds of all threads.
    var processSeconds: Double
    /// CPU seconds of the thread that asks.
    var ownSeconds: Double
    /// Seconds on the clock.
    var seconds: Double

    /// Reads the counters.
    static func now() throws -> Usage {
        Usage(
            written: try writtenByteCount(), flushes: Double(bench_flushes()),
            processSeconds: bench_process_seconds(), ownSeconds: bench_thread_seconds(),
            seconds: bench_seconds())
    }

    /// What happened between two moments.
    static func - (after: Usage, before: Usage) -> Usage {
        Usage(
            written: after.written - before.written, flushes: after.flushes - before.flushes,
            processSeconds: after.processSeconds - before.processSeconds,
            ownSeconds: after.ownSeconds - before.ownSeconds,
            seconds: after.seconds - before.seconds)
    }

    /// CPU seconds per second of all threads but the one that asks.
    var othersLoad: Double { (processSeconds - ownSeconds) / seconds }
    /// CPU seconds per second of the thread that asks.
    var ownLoad: Double { ownSeconds / seconds }

    private static func writtenByteCount() throws -> Double {
        guard let file = fopen("/proc/self/io", "r") else {
            throw BenchFailure("/proc/self/io cannot be read")
        }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let bytes = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            let words = String(decoding: bytes, as: UTF8.self).split { $0 == " " || $0 == "\n" }
            if words.count == 2, words[0] == "write_bytes:", let count = Double(words[1]) {
                return count
            }
        }
        throw BenchFailure("/proc/self/io has no write_bytes")
    }
}

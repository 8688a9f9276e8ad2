// Ctrl-C and SIGTERM as an orderly end.

import Foundation
import Glibc

/// Where the handler of signals writes; negative while nobody listens.
///
/// Set before the handler is, and a single word, so that a handler on any thread may read it.
nonisolated(unsafe) private var interruptionPipe: Int32 = -1

/// Runs an action when SIGINT or SIGTERM comes, instead of dying; for as long as it is kept.
///
/// A handler that writes to a pipe, and a thread that reads from it: Dispatch's own signal sources
/// lose about one signal in a thousand on Linux, when the main thread takes it before their thread.
/// There is one at a time in a process.
final class Interruption {
    private static let numbers = [SIGINT, SIGTERM]
    private let writeEnd: Int32

    /// Starts to listen; where the system has no descriptors left, signals do what they always do.
    init(_ action: @escaping @Sendable () async -> Void) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            writeEnd = -1
            return
        }
        let readEnd = ends[0]
        writeEnd = ends[1]
        interruptionPipe = writeEnd
        let thread = Thread {
            var byte: UInt8 = 0
            while read(readEnd, &byte, 1) == 1 { Task { await action() } }
            close(readEnd)
        }
        thread.start()
        for number in Self.numbers { signal(number, interrupted) }
    }

    /// Stops to listen; from then on these signals end the process.
    func end() {
        guard writeEnd >= 0 else { return }
        for number in Self.numbers { signal(number, SIG_DFL) }
        interruptionPipe = -1
        close(writeEnd)
    }
}

private func interrupted(_ number: Int32) {
    let code = errno
    var byte: UInt8 = 1
    _ = write(interruptionPipe, &byte, 1)
    errno = code
}

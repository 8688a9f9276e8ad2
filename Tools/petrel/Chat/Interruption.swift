// Ctrl-C and SIGTERM as an orderly end.

import Dispatch
import Foundation

/// Runs an action when SIGINT or SIGTERM comes, instead of dying; for as long as it is kept.
final class Interruption {
    private let sources: [any DispatchSourceSignal]

    /// Starts to listen.
    init(_ action: @escaping @Sendable () async -> Void) {
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { Task { await action() } }
            source.resume()
            return source
        }
    }

    /// Stops to listen.
    func end() { for source in sources { source.cancel() } }
}

// A thread, on a processor of its own if need be.

import CBench
import Glibc

/// A thread that runs one function to its end.
struct Worker {
    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private var thread = pthread_t()

    /// Starts `run` on that processor, modulo those that there are; on any if it is `nil`.
    init(processor: Int32? = nil, _ run: @escaping @Sendable () -> Void) throws {
        let body = Unmanaged.passRetained(
            Body {
                _ = processor.map { bench_pin($0) } ?? bench_unpin()
                run()
            })
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard code == 0 else {
            body.release()
            throw BenchFailure("a thread cannot be started: error \(code)")
        }
    }

    /// Waits for the end of the function.
    func join() { pthread_join(thread, nil) }
}

/// Lets a millisecond pass.
func pause() { usleep(1_000) }

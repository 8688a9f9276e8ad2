// A thread on a processor of its own.

import CBench
import Glibc
import Synchronization

/// A thread that runs one function to its end.
struct Worker {
    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private var thread = pthread_t()

    /// Starts `run` on that processor, modulo those that there are.
    init(processor: Int32, _ run: @escaping @Sendable () -> Void) throws {
        let body = Unmanaged.passRetained(
            Body {
                _ = bench_pin(processor)
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

/// What a load tells the server that it measures.
final class Phase: Sendable {
    /// How far the measurement is.
    enum Step: Int {
        case warmUp
        case measure
        case stop
    }

    private let step = Atomic<Int>(Step.warmUp.rawValue)

    /// The present step; any thread may read and set it.
    var current: Step {
        get { Step(rawValue: step.load(ordering: .acquiring)) ?? .stop }
        set { step.store(newValue.rawValue, ordering: .releasing) }
    }
}

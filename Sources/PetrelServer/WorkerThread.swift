// The thread of a worker other than the first.

internal import Glibc
internal import PetrelEvent

/// Runs an event loop on a thread of its own.
final class WorkerThread {
    /// What the thread gets, and leaves behind; only one thread at a time has it.
    private final class Body {
        let loop: EventLoop
        var failure: SystemError?

        init(_ loop: EventLoop) { self.loop = loop }

        func run() {
            // Signals are for the thread that runs the server, but faults cannot wait.
            var signals = sigset_t()
            sigemptyset(&signals)
            for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2] {
                sigaddset(&signals, number)
            }
            pthread_sigmask(SIG_BLOCK, &signals, nil)
            do throws(SystemError) { try loop.run() } catch { failure = error }
        }
    }

    private let body: Body
    private var thread = pthread_t()

    /// Starts the thread, which has the loop to itself until `join` returns.
    init(running loop: EventLoop) throws(SystemError) {
        body = Body(loop)
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(body).toOpaque())
        guard code == 0 else {
            Unmanaged.passUnretained(body).release()
            throw SystemError(call: "pthread_create", code: code)
        }
    }

    /// Waits until the loop has ended; returns what ended it, if that was a failure.
    func join() -> SystemError? {
        pthread_join(thread, nil)
        return body.failure
    }
}

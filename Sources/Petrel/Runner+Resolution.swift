// Where the server is: asked of the system on a thread of its own.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelEvent

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

    func resolved(_ result: Result<[Address], ResolutionError>, now: Instant) {
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
}

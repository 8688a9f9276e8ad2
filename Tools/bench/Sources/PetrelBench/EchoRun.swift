// What the thread of an echo server and that of its load tell each other.

import PetrelBase
import PetrelCrypto
import Synchronization

/// One measurement: how far it is, where the server is, and what it did.
final class EchoRun: Sendable {
    /// How far the measurement is.
    enum Step: Int {
        case warmUp
        case measure
        case stop
    }

    /// Whether both sides hand what goes to one peer in a row to the kernel as one, and get it so.
    let usesBursts: Bool

    private let stepNumber = Atomic<Int>(Step.warmUp.rawValue)
    private let address = Mutex<Address?>(nil)
    private let outcome = Mutex<Result<EchoCounts, any Error>?>(nil)
    private let secret = SecretKey()

    init(usesBursts: Bool) { self.usesBursts = usesBursts }

    /// The present step; the load sets it.
    var step: Step {
        get { Step(rawValue: stepNumber.load(ordering: .acquiring)) ?? .stop }
        set { stepNumber.store(newValue.rawValue, ordering: .releasing) }
    }

    /// The server's keys, for its thread.
    var serverIdentity: KeyPair { KeyPair(secret: secret.duplicate()) }
    /// The server's public key.
    var serverKey: PublicKey { serverIdentity.publicKey }

    /// Tells where the server is.
    func announce(_ serverAddress: Address) { address.withLock { $0 = serverAddress } }

    /// Waits until the server has told where it is.
    func awaitAddress() throws -> Address {
        for _ in 0..<2_000 {
            if let found = address.withLock({ $0 }) { return found }
            pause()
        }
        throw BenchFailure("the server does not start")
    }

    /// Runs the server and keeps what it counted or why it failed.
    func finish(_ serve: () throws -> EchoCounts) {
        let result = Result { try serve() }
        outcome.withLock { $0 = result }
    }

    /// What the server counted, once its thread has ended.
    func result() throws -> EchoCounts {
        guard let result = outcome.withLock({ $0 }) else { throw BenchFailure("no result") }
        return try result.get()
    }
}

// A server on a thread of its own, on a port that the kernel chose.

import Glibc
import PetrelBase
import PetrelCrypto
import PetrelServer
import PetrelServerCore
import PetrelWire
import Synchronization

final class RunningServer: Sendable {
    let address: Address
    let publicKey: PublicKey
    let tcpAddress: Address?
    private let stopper: Server.Stopper
    private let ending = Mutex<Server.Ending?>(nil)
    nonisolated(unsafe) private var thread = pthread_t()

    static func settings(_ directory: String) -> ServerConfiguration {
        var settings = ServerConfiguration(
            listen: Address(v4: 0x7F00_0001, port: 0), directory: directory)
        settings.signals = .ignored
        settings.workers = 1
        settings.mapBytes = 16 << 20
        settings.core.sessionsMax = 16
        settings.core.halfOpenMax = 16
        if let cheap = try? PasswordHash.Cost(memoryBytes: 64 * 1_024, passes: 1) {
            settings.passwordCost = cheap
        }
        return settings
    }

    private final class Start {
        let server: Server
        let owner: RunningServer

        init(_ server: Server, _ owner: RunningServer) {
            self.server = server
            self.owner = owner
        }
    }

    init(
        _ directory: String, workers: Int = 1,
        change: (inout ServerConfiguration) -> Void = { _ in }
    ) throws {
        var settings = Self.settings(directory)
        settings.workers = workers
        change(&settings)
        let server = try Server(settings)
        address = server.address
        publicKey = server.publicKey
        tcpAddress = server.tcpAddress
        stopper = server.stopper
        let start = Unmanaged.passRetained(Start(server, self)).toOpaque()
        pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                let ending = try? start.server.run()
                start.owner.ending.withLock { $0 = ending }
                return nil
            }, start)
    }

    /// Stops the server and says how it ended.
    func stop() -> Server.Ending? {
        stopper.stop()
        pthread_join(thread, nil)
        return ending.withLock { $0 }
    }
}

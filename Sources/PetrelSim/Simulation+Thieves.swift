// Cookies shown by others than they were given to, and ends of sessions that nobody said.

internal import PetrelBase
internal import PetrelCrypto
internal import PetrelServerCore
internal import PetrelTransport
internal import PetrelWire

extension Simulation {
    /// The server's event loops are late: from now on they demand cookies.
    func makeServerLag() {
        guard !isHealed else { return }
        for worker in server.workers {
            worker.core.noteLag(.milliseconds(30), now: server.clock.local(now))
        }
    }

    /// HELLOs show a cookie from other ports and hosts, and from where it was given when it is old.
    func show(_ cookie: Cookie, of thief: Intruder) {
        guard case .cookieTheft(let count) = thief.plan else { return }
        note("attacker: \(thief.address) has a cookie")
        for i in 0..<count {
            var source = thief.address
            var after = Interval.milliseconds(Int64(5 + i))
            switch i % 3 {
            case 0: source.port = UInt16(2_000 + i)
            case 1: source = attacker.victim()
            default:
                // A secret lives for two lifetimes; clocks differ by a hundredth.
                after = after + SimulatedServer.cookieLifetime * 5 / 2
            }
            let flight = Flight(
                bytes: strangersHello(counter: UInt64(i + 1), cookie: cookie), source: source,
                destination: Self.serverAddress, maker: .attack(.stolenCookie), sent: now)
            queue.insert(.arrival(flight), at: now + after)
        }
    }

    /// Random bytes in the form of a RESET come to a device.
    func forgeResets(count: Int, toClient index: Int) {
        for _ in 0..<count {
            var bytes = (0..<32 + Int(attacker.random.below(8))).map { _ in
                UInt8(truncatingIfNeeded: attacker.random.next())
            }
            bytes[0] = DataHeader.fixedBits | bytes[0] & 0x3F
            let flight = Flight(
                bytes: bytes, source: Self.serverAddress,
                destination: clients[index].nat.external, maker: .attack(.reset), sent: now)
            queue.insert(.arrival(flight), at: now + .milliseconds(1))
        }
    }
}

// Messages in HELLOs that nobody confirms: forged in a device's name, and copied.

internal import PetrelBase
internal import PetrelCrypto
internal import PetrelMessaging
internal import PetrelTransport
internal import PetrelWire

extension Simulation {
    /// HELLOs with messages come in a device's name, and those of devices come again, some after
    /// the server has been restarted.
    ///
    /// Who has the server's key can make the same bytes without the device's key, as far as a HELLO
    /// goes; what opens the answer needs the device's key, and the answers here are lost.
    func forgeEarly(client index: Int, count: Int) {
        for i in 0..<count {
            if i % 2 == 0 {
                attack(forgedHello(of: clients[index]), from: attacker.victim(), as: .forgedEarly)
            }
            guard let hello = attacker.hello() else { continue }
            var copy = hello
            copy.maker = .attack(.forgedEarly)
            copy.sent = now + .milliseconds(Int64(attacker.random.below(15_000)))
            if attacker.random.chance(0.5) { copy.source = attacker.victim() }
            queue.insert(.arrival(copy), at: copy.sent)
        }
    }

    /// A HELLO that a device might say next, with messages that its owner never wrote.
    private func forgedHello(of client: SimulatedClient) -> [UInt8] {
        var early = EarlyMessages()
        let wall = client.clock.wall(now)
        for request in 1...(1 + attacker.random.below(3)) {
            let message = OutgoingMessage(
                clientMessageID: ClientMessageID(time: wall, random: &attacker.random),
                target: .handle("user\(attacker.random.below(UInt64(oracle.accountsCount)))"),
                event: .message(Content(contentType: "", body: Array("forged".utf8))))
            let command = Command(request: request, kind: .send(message))
            _ = early.append(command.encoded().span.bytes)
        }
        let heard = (try? client.disk.helloCounter()) ?? 0
        return hello(of: client.keyPair, counter: heard + 1, early: early)
    }
}

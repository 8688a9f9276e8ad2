// A conversation over a bad network, with crashes of every process: nothing is lost.

import PetrelBase
import PetrelClientCore
import PetrelMessaging
import Testing

/// Alice and Bob write to each other while network and processes misbehave; then all heals.
///
/// Method: both clients and the server run in virtual time over links drawn from the seed. At
/// random moments a client's address changes, everything goes dark, the server dies with operations
/// under way, or a client dies. Afterwards each device must hold exactly what was written, in an
/// order that is the same for both, and each sender's messages in the order of writing; and the
/// owner of a client that never died was told of each message once.
@Suite struct ConversationSimulation {
    @Test(arguments: UInt64(1)...200)
    func nothingLostDoubledOrReordered(seed: UInt64) throws {
        let world = World(seed: seed)
        var chance = RandomStream(seed: seed, label: "work")
        let alice = world.addClient("alice")
        let bob = world.addClient("bob")
        try enrol(world, [alice, bob], seed: seed)
        drawFaults(world, &chance)
        var written: [String: [[UInt8]]] = ["alice": [], "bob": []]
        var deaths: Set<String> = []
        for step in 0..<60 {
            let writer = chance.chance(0.6) ? alice : bob
            let reader = writer === alice ? bob : alice
            let body = text(step, &chance)
            if writer.core != nil {
                _ = try writer.core?.send(to: .handle(reader.name), body: body, wall: world.wall)
                written[writer.name, default: []].append(body)
            }
            misbehave(world, &chance, &deaths)
            world.run(for: .milliseconds(Int64(chance.below(700))))
        }
        heal(world)
        let isQuiet = world.run(for: .seconds(120)) { isSettled($0, written: written) }
        #expect(isQuiet, "seed \(seed): \(stateOfPlay(world, written))")
        world.run(for: .seconds(2))
        check(world, written, deaths, seed: seed)
    }

    private func enrol(_ world: World, _ clients: [SimulatedClient], seed: UInt64) throws {
        for client in clients {
            try client.core?.register(
                handle: client.name, password: Array("correct horse".utf8), deviceName: "phone")
        }
        let isDone = world.run(for: .seconds(30)) { _ in clients.allSatisfy(\.isEnrolled) }
        #expect(isDone, "seed \(seed)")
    }

    private func drawFaults(_ world: World, _ chance: inout RandomStream) {
        world.faults.delay = .milliseconds(1) + chance.interval(below: .milliseconds(200))
        world.faults.jitter = chance.interval(below: .milliseconds(150))
        world.faults.loss = chance.fraction() * 0.3
        world.faults.duplication = chance.fraction() * 0.2
        world.faults.corruption = chance.fraction() * 0.03
        world.commitDelay = .milliseconds(1) + chance.interval(below: .milliseconds(60))
    }

    private func text(_ step: Int, _ chance: inout RandomStream) -> [UInt8] {
        let byteCount =
            chance.chance(0.05) ? 1 + Int(chance.below(40_000)) : 1 + Int(chance.below(200))
        return Array("\(step):".utf8) + (0..<byteCount).map { _ in UInt8(chance.below(256)) }
    }

    private func misbehave(
        _ world: World, _ chance: inout RandomStream, _ deaths: inout Set<String>
    ) {
        switch chance.below(24) {
        case 0:
            world.crashServer()
            world.run(for: chance.interval(below: .seconds(3)))
            world.startServer()
        case 1, 2:
            let client = world.clients[Int(chance.below(2))]
            deaths.insert(client.name)
            world.crash(client)
            world.run(for: chance.interval(below: .seconds(5)))
            world.start(client)
        case 3, 4: world.clients[Int(chance.below(2))].address.port += 1
        case 5:
            world.faults.isDark = true
            world.run(for: chance.interval(below: .seconds(8)))
            world.faults.isDark = false
        default: break
        }
    }

    private func heal(_ world: World) { world.faults = WorldFaults() }

    private func transcript(_ client: SimulatedClient) -> [MessageRecord] {
        let conversations = (try? client.disk.conversations()) ?? []
        return conversations.flatMap { conversation in
            (try? client.disk.messages(conversation.id, from: .init(1), limit: 1_000)) ?? []
        }
    }

    private func isSettled(_ world: World, written: [String: [[UInt8]]]) -> Bool {
        let count = written.values.reduce(0) { $0 + $1.count }
        return world.clients.allSatisfy { transcript($0).count >= count }
    }

    private func stateOfPlay(_ world: World, _ written: [String: [[UInt8]]]) -> String {
        let sides = world.clients.map { client in
            let outbox = (try? client.disk.outbox(after: 0, limit: 1_000).count) ?? -1
            let failed = (try? client.disk.failed().count) ?? -1
            return "\(client.name) holds \(transcript(client).count), outbox \(outbox), "
                + "failed \(failed), wrote \(written[client.name]?.count ?? 0), "
                + "\(String(describing: client.core?.state))"
        }
        return sides.joined(separator: "; ")
    }

    private func check(
        _ world: World, _ written: [String: [[UInt8]]], _ deaths: Set<String>, seed: UInt64
    ) {
        let transcripts = world.clients.map { transcript($0) }
        #expect(transcripts[0].map(\.sequence) == transcripts[1].map(\.sequence), "seed \(seed)")
        #expect(transcripts[0].map(\.body) == transcripts[1].map(\.body), "seed \(seed)")
        for (index, record) in transcripts[0].enumerated() {
            #expect(record.sequence.number == UInt64(index + 1), "seed \(seed): places are dense")
        }
        for client in world.clients {
            let own = transcripts[0].filter { $0.senderHandle == client.name }.map(\.body)
            #expect(own == written[client.name], "seed \(seed): \(client.name)'s messages")
            guard !deaths.contains(client.name) else { continue }
            let foreign = transcripts[0].filter { $0.senderHandle != client.name }
            #expect(
                client.told.filter { $0.senderHandle != client.name }
                    .sorted { $0.sequence < $1.sequence }.map(\.sequence)
                    == foreign.map(\.sequence), "seed \(seed): \(client.name) was told")
        }
    }
}

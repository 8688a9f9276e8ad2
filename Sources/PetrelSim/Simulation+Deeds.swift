// What a scenario says is done: each deed in one place.

internal import PetrelBase
internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelServerCore

extension Simulation {
    /// Does what the scenario asks for; parties that it no longer has are passed over.
    func perform(_ what: Deed.What) {
        note("deed: \(what)")
        switch what {
        case .send(let client, let account, let byteCount):
            guard isClient(client) else { return }
            write(client: client, account: oracle.nowadays(account), byteCount: byteCount)
        case .act(let client, let act):
            if isClient(client) { self.act(client, act) }
        case .blackout, .partition, .blackHole, .rebind, .move, .offline, .reuseAddress,
            .blockUDP, .breakStream:
            disturbNetwork(what)
        case .garbage, .replay, .spoof, .optimist, .pathFlood, .mischief, .burglary, .helloFlood,
            .cookieTheft, .forgeReset, .forgeEarly, .forgeProbes:
            attack(what)
        case .diskFull, .diskError, .clientDiskFull: spoilDisk(what)
        case .crashServer, .pauseServer, .stopServer: disturbServer(what)
        case .crashClient, .sleep, .reinstall, .jumpClock: disturbClient(what)
        }
    }

    private func isClient(_ index: Int) -> Bool { clients.indices.contains(index) }

    private func disturbNetwork(_ what: Deed.What) {
        switch what {
        case .blackout(let client, let up, let down, let duration) where isClient(client):
            let until = now + .milliseconds(Int64(duration))
            if up { clients[client].up.darkUntil = until }
            if down { clients[client].down.darkUntil = until }
        case .partition(let duration):
            for client in clients {
                client.up.darkUntil = now + .milliseconds(Int64(duration))
                client.down.darkUntil = client.up.darkUntil
            }
        case .blackHole(let client, let byteCountMax, let duration) where isClient(client):
            let until = now + .milliseconds(Int64(duration))
            clients[client].up.byteCountMax = byteCountMax
            clients[client].down.byteCountMax = byteCountMax
            clients[client].up.holeUntil = until
            clients[client].down.holeUntil = until
        case .rebind(let client) where isClient(client): rebind(client)
        case .move(let client, let isTold) where isClient(client):
            move(client)
            guard isTold, !clients[client].isPaused else { return }
            clients[client].core?.networkChanged(
                to: clients[client].networkLabel, now: clients[client].clock.local(now))
            settleClient(client)
        case .offline(let client, let duration) where isClient(client):
            let until = now + .milliseconds(Int64(duration))
            clients[client].up.darkUntil = max(clients[client].up.darkUntil, until)
            clients[client].down.darkUntil = max(clients[client].down.darkUntil, until)
            clients[client].isOffline = true
            clients[client].core?.networkLost()
            queue.insert(.networkReturns(client), at: until)
        case .reuseAddress(let client, let other)
        where isClient(client) && isClient(other) && client != other:
            let address = clients[client].nat.external
            move(client)
            give(other, address)
        case .blockUDP(let client, let duration) where isClient(client):
            clients[client].udpDarkUntil = now + .milliseconds(Int64(duration))
        case .breakStream(let client) where isClient(client): breakStream(client)
        default: break
        }
    }

    /// The device has a network again, another one.
    func returnNetwork(_ index: Int) {
        guard clients[index].isOffline else { return }
        clients[index].isOffline = false
        move(index)
        guard clients[index].isUp else { return }
        note("client \(index): its system has a network again")
        clients[index].core?.networkChanged(
            to: clients[index].networkLabel, now: clients[index].clock.local(now))
        guard !clients[index].isPaused else { return }
        settleClient(index)
    }

    /// The device is in another network.
    private func move(_ index: Int) {
        var address = clients[index].nat.external
        address.port = 40_000
        repeat {
            address.low = (address.low & ~0xFF00) | (address.low &+ 0x100) & 0xFF00
        } while holders[address] != nil
        give(index, address)
    }

    private func attack(_ what: Deed.What) {
        switch what {
        case .garbage(let count, let client):
            floodWithGarbage(count: count, toClient: client.flatMap { isClient($0) ? $0 : nil })
        case .replay(let count): replay(count: count)
        case .spoof(let client, let count) where isClient(client):
            attacker.spoofed = client
            attacker.spoofsLeft = count
        case .optimist: admit(.optimist)
        case .pathFlood(let count): admit(.pathFlood(count))
        case .mischief(let kind): admit(.mischief(kind))
        case .burglary: admit(.burglary)
        case .helloFlood(let count, let isProved):
            floodWithHellos(count: count, isProved: isProved)
        case .cookieTheft(let count):
            makeServerLag()
            admit(.cookieTheft(count))
        case .forgeReset(let client, let count) where isClient(client):
            forgeResets(count: count, toClient: client)
        case .forgeEarly(let client, let count) where isClient(client):
            forgeEarly(client: client, count: count)
        case .forgeProbes(let client, let count) where isClient(client):
            forgeProbes(count: count, against: client)
        default: break
        }
    }

    private func spoilDisk(_ what: Deed.What) {
        switch what {
        case .diskFull(let duration):
            server.disk.isFull = true
            queue.insert(.diskHasRoom, at: now + .milliseconds(Int64(duration)))
        case .diskError(let keepsLast, let duration):
            server.armedFailure = (keepsLast, .milliseconds(Int64(duration)))
        case .clientDiskFull(let client, let duration) where isClient(client):
            clients[client].disk.failure = .full
            queue.insert(
                .clientDiskHasRoom(client), at: now + .milliseconds(Int64(duration)))
        default: break
        }
    }

    private func disturbServer(_ what: Deed.What) {
        guard server.isUp else { return }
        switch what {
        case .crashServer(let whileWriting, let keepsLast, let duration):
            let downFor = Interval.milliseconds(Int64(duration))
            guard whileWriting else { return crashServer(keepsLast: keepsLast, downFor: downFor) }
            server.armedCrash = .init(
                keepsLast: keepsLast, downFor: downFor, expires: now + .seconds(20))
        case .pauseServer(let duration) where !server.isPaused:
            server.isPaused = true
            queue.insert(.serverResumes, at: now + .milliseconds(Int64(duration)))
        case .stopServer(let duration) where !server.isPaused:
            server.isStopping = true
            server.stop(now: server.clock.local(now))
            // Who does not end in time is ended.
            queue.insert(
                .serverCrashes(
                    life: server.life, keepsLast: true, downFor: .milliseconds(100)),
                at: now + .milliseconds(Int64(duration)))
            settleServer()
        default: break
        }
    }

    private func disturbClient(_ what: Deed.What) {
        switch what {
        case .crashClient(let client, let whileWriting, let duration) where isClient(client):
            let downFor = Interval.milliseconds(Int64(duration))
            guard whileWriting, clients[client].isUp else {
                return crashClient(client, downFor: downFor)
            }
            clients[client].diesAfterWrite = downFor
        case .sleep(let client, let duration)
        where isClient(client) && clients[client].isUp && !clients[client].isPaused:
            clients[client].isPaused = true
            queue.insert(.clientResumes(client), at: now + .milliseconds(Int64(duration)))
        case .reinstall(let client, let duration) where isClient(client):
            reinstall(client, after: .milliseconds(Int64(duration)))
        case .jumpClock(let client, let seconds):
            let interval = Interval.seconds(Int64(seconds))
            guard let client else { return server.clock.jump(interval) }
            if isClient(client) { clients[client].clock.jump(interval) }
        default: break
        }
    }
}

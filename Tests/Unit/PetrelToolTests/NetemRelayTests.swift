// The relay over loopback: in its own thread, between a client and an echoing server.

import Foundation
import PetrelBase
import PetrelEvent
import Testing

@testable import PetrelCommand

/// What the thread of the relay reports, in order.
private enum Report: Sendable {
    case listening(Address)
    case finished(NetemStatistics)
    case failed(String)
}

/// Ends the relay's loop when something is posted.
private final class Stopper: EventHandler {
    let loop: EventLoop
    init(loop: EventLoop) { self.loop = loop }
    func readable(_ descriptor: Int32, now: Instant) { loop.stop() }
}

/// A relay that runs in a thread of its own until it is stopped.
private struct RunningRelay {
    let stop: Mailbox<Void>
    let reports: Mailbox<Report>

    init(
        to server: Address, profile: LinkProfile, seed: UInt64, limits: Relay.Limits
    ) throws {
        let stop = try Mailbox<Void>(capacity: 1)
        let reports = try Mailbox<Report>(capacity: 2)
        self.stop = stop
        self.reports = reports
        Thread.detachNewThread {
            do {
                let loop = try EventLoop()
                let relay = try Relay(
                    loop: loop, listeningOn: Address(v4: 0x7F00_0001, port: 0), server: server,
                    profile: profile, profileName: "test", seed: seed, limits: limits)
                try loop.watch(stop.descriptor, with: Stopper(loop: loop))
                _ = reports.post(.listening(relay.localAddress))
                try loop.run()
                _ = reports.post(.finished(relay.statistics(now: EventLoop.now)))
                loop.forgetAll()
            } catch {
                _ = reports.post(.failed("\(error)"))
            }
        }
    }
}

/// A client and an echoing server in one loop, with the relay between them.
private final class Pair: EventHandler {
    let loop: EventLoop
    var server: UDPSocket
    var client: UDPSocket
    var batch = DatagramBatch()
    /// Ports that the server saw, in the order in which they appeared.
    var ports: [UInt16] = []
    var answers: [UInt8] = []
    var onAnswer: (Pair) -> Void = { _ in }
    /// By default gives up: the expectations after `run` say what is missing.
    var onDue: (Pair) -> Void = { $0.loop.stop() }
    var inbox: [Report] = []
    var reports: Mailbox<Report>?

    init() throws {
        loop = try EventLoop()
        server = try UDPSocket(boundTo: Address(v4: 0x7F00_0001, port: 0))
        client = try UDPSocket(boundTo: Address(v4: 0x7F00_0001, port: 0))
        try loop.watch(server.descriptor, with: self)
        try loop.watch(client.descriptor, with: self)
    }

    func readable(_ descriptor: Int32, now: Instant) {
        if descriptor == reports?.descriptor {
            reports?.drain(into: &inbox)
            return loop.stop()
        }
        if descriptor == server.descriptor {
            let count = (try? server.receive(into: &batch)) ?? 0
            for i in 0..<count where !ports.contains(batch.address(of: i).port) {
                ports.append(batch.address(of: i).port)
            }
            _ = server.send(&batch)
            return
        }
        let count = (try? client.receive(into: &batch)) ?? 0
        for i in 0..<count {
            answers.append(
                batch.withDatagram(i) { bytes, _ in bytes.bytes.unsafeLoad(as: UInt8.self) })
        }
        onAnswer(self)
    }

    func due(now: Instant) { onDue(self) }

    func send(_ bytes: [UInt8], to address: Address) {
        var outgoing = DatagramBatch()
        for byte in bytes {
            let text = [byte, 1, 2]
            _ = outgoing.append(copying: text.span.bytes, to: address)
        }
        _ = client.send(&outgoing)
    }

    /// Runs until `stop`, or until `onDue` after so much time.
    func run(patience: Interval = .seconds(10)) throws {
        loop.wake(self, at: EventLoop.now + patience)
        try loop.run()
    }

    /// Starts a relay to the server and returns where it listens.
    func start(
        _ profile: LinkProfile, seed: UInt64, limits: Relay.Limits = Relay.Limits()
    ) throws -> (RunningRelay, Address) {
        let relay = try RunningRelay(
            to: server.localAddress, profile: profile, seed: seed, limits: limits)
        reports = relay.reports
        try loop.watch(relay.reports.descriptor, with: self)
        try run()
        guard case .listening(let address)? = inbox.first else {
            throw Failure(status: .bug, message: "the relay did not start: \(inbox)")
        }
        return (relay, address)
    }

    /// Stops the relay and returns its account.
    func finish(_ relay: RunningRelay) throws -> NetemStatistics {
        // Late answers are no reason to stop waiting for the account.
        onAnswer = { _ in }
        onDue = { $0.loop.stop() }
        _ = relay.stop.post(())
        try run()
        loop.forgetAll()
        guard case .finished(let statistics)? = inbox.last else {
            throw Failure(status: .bug, message: "the relay did not finish: \(inbox)")
        }
        return statistics
    }
}

@Suite struct NetemRelayTests {
    @Test func packetsGoThereAndBackInOrder() throws {
        let pair = try Pair()
        let profile = LinkProfile(delay: .milliseconds(2), jitter: .milliseconds(2))
        let (relay, address) = try pair.start(profile, seed: 1)
        let sent = (0..<50).map { UInt8($0) }
        pair.onAnswer = { if $0.answers.count >= 50 { $0.loop.stop() } }
        pair.send(sent, to: address)
        try pair.run()
        let statistics = try pair.finish(relay)
        #expect(pair.answers == sent)
        #expect(pair.ports.count == 1)
        #expect(statistics.up.packets == 50 && statistics.up.delivered == 50)
        #expect(statistics.down.packets == 50 && statistics.down.delivered == 50)
        #expect(statistics.up.bytes == 150)
        #expect(statistics.mappings == 1 && statistics.rebinds == 0)
    }

    @Test func aRebindShowsTheServerAnotherPort() throws {
        let pair = try Pair()
        let profile = LinkProfile(
            timeline: Timeline(rebinds: [
                Timeline.Moment(start: .milliseconds(10), period: .milliseconds(10))
            ]))
        let (relay, address) = try pair.start(profile, seed: 1)
        // Each answer is the next question, until the server has seen three ports. A reply to a
        // port that is gone is lost, so silence is a reason to ask again, too.
        pair.onAnswer = { pair in
            if pair.ports.count >= 3 { return pair.loop.stop() }
            pair.send([1], to: address)
        }
        var questionsLeft = 500
        pair.onDue = { pair in
            questionsLeft -= 1
            guard questionsLeft > 0 else { return pair.loop.stop() }
            pair.send([1], to: address)
            pair.loop.wake(pair, at: EventLoop.now + .milliseconds(20))
        }
        try pair.run(patience: .zero)
        let statistics = try pair.finish(relay)
        #expect(pair.ports.count >= 3)
        #expect(statistics.rebinds >= 2)
        #expect(statistics.mappings == 1)
    }

    /// Which of 60 packets the model lets there and back.
    private static func fates(
        _ profile: LinkProfile, seed: UInt64
    ) -> (arrived: [UInt8], answered: [UInt8]) {
        var model = LinkModel(profile: profile, seed: seed, direction: .up)
        var back = LinkModel(profile: profile, seed: seed, direction: .down)
        let start = Instant(nanoseconds: 0)
        let arrived = (0..<60 as Range<UInt8>).filter { _ in
            model.fate(byteCount: 3, now: start, elapsed: .zero) != .dropped(.loss)
        }
        let answered = arrived.filter { _ in
            back.fate(byteCount: 3, now: start, elapsed: .zero) != .dropped(.loss)
        }
        return (arrived, answered)
    }

    @Test func lossIsWhatTheModelSays() throws {
        let pair = try Pair()
        let profile = LinkProfile(loss: 0.3)
        // When the last packet is answered, all before it have met their fate.
        let seeds = UInt64(1)...100
        let seed = try #require(seeds.first { Self.fates(profile, seed: $0).answered.last == 59 })
        let (arrived, answered) = Self.fates(profile, seed: seed)
        let (relay, address) = try pair.start(profile, seed: seed)
        pair.onAnswer = { if $0.answers.count >= answered.count { $0.loop.stop() } }
        pair.send(Array(0..<60), to: address)
        try pair.run()
        let statistics = try pair.finish(relay)
        #expect(pair.answers == answered)
        #expect(statistics.up.dropped.loss == UInt64(60 - arrived.count))
        #expect(statistics.down.dropped.loss == UInt64(arrived.count - answered.count))
    }

    @Test func aFullTableOfMappingsDropsTheLongestIdle() throws {
        let pair = try Pair()
        let limits = Relay.Limits(mappingsMax: 2)
        let (relay, address) = try pair.start(LinkProfile(), seed: 1, limits: limits)
        var second = try UDPSocket(boundTo: Address(v4: 0x7F00_0001, port: 0))
        var third = try UDPSocket(boundTo: Address(v4: 0x7F00_0001, port: 0))
        try pair.loop.watch(second.descriptor, with: pair)
        try pair.loop.watch(third.descriptor, with: pair)
        pair.onAnswer = { $0.loop.stop() }
        func ask(_ number: UInt8) throws {
            pair.send([number], to: address)
            try pair.run()
        }
        try ask(0)
        swap(&pair.client, &second)
        try ask(1)
        swap(&pair.client, &second)
        try ask(2)
        // The second client has been silent for longest: the third takes its place.
        swap(&pair.client, &third)
        try ask(3)
        swap(&pair.client, &third)
        try ask(4)
        let statistics = try pair.finish(relay)
        #expect(pair.answers == [0, 1, 2, 3, 4])
        #expect(statistics.mappings == 3)
        #expect(statistics.mappingsEvicted == 1)
    }

    @Test func tooManyPacketsInFlightAreDroppedAndCounted() throws {
        let pair = try Pair()
        let profile = LinkProfile(delay: .milliseconds(100))
        let limits = Relay.Limits(inFlightMax: 5)
        let (relay, address) = try pair.start(profile, seed: 1, limits: limits)
        pair.onAnswer = { if $0.answers.count >= 5 { $0.loop.stop() } }
        // One system call, so that none lands before the last has come.
        pair.send(Array(0..<12), to: address)
        try pair.run()
        let statistics = try pair.finish(relay)
        #expect(pair.answers == [0, 1, 2, 3, 4])
        #expect(statistics.up.dropped.overflow == 7)
        #expect(statistics.up.delivered == 5)
    }
}

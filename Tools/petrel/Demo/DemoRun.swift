// One run of the demo: alice writes, bob answers, and the timetable makes trouble.

import Foundation
import PetrelBase

/// Drives both people by their pipes and notes when each line was written and shown.
final class DemoRun {
    private let stage: Stage
    private let plan: DemoPlan
    private let lines: [String]
    private let progress: (DemoRun) -> Void

    private var alice: Child?
    private var bob: Child?
    private var isBobReady = false
    private var isAliceReady = false
    private var aliceWritten = 0
    private var bobWritten = 0
    private var answers: [String] = []
    private var writtenAt: [String: [Instant]] = ["alice": [], "bob": []]
    private var toOnline: [String: [Bool]] = ["alice": [], "bob": []]
    private var shown: [String: [String]] = ["alice": [], "bob": []]
    private var placesShown: [String: Set<UInt64>] = ["alice": [], "bob": []]
    private var start = Instant(nanoseconds: 0)
    private var bobLeft: Instant?
    private var offline = Interval.zero
    private var lastArrival = Instant(nanoseconds: 0)

    private(set) var latencies: [Double] = []
    private(set) var latenciesOnline: [Double] = []
    private(set) var serverKills = 0
    private(set) var clientKills = 0

    init(
        stage: Stage, plan: DemoPlan, lines: [String], progress: @escaping (DemoRun) -> Void
    ) {
        self.stage = stage
        self.plan = plan
        self.lines = lines
        self.progress = progress
    }

    /// Messages written so far.
    var sentCount: Int { aliceWritten + bobWritten }
    /// Messages shown on the other side so far.
    var shownCount: Int { shown.values.reduce(0) { $0 + $1.count } }
    /// Time since alice's first line.
    var elapsed: Interval { EventClock.now - start }
    /// Everything that was to be written, by writer.
    var written: [String: [String]] { ["alice": lines, "bob": answers] }
    /// Share of alice's writing time in which bob was offline.
    var offlineShare: Double { offline.milliseconds / plan.writing.milliseconds }
    /// Time from the first line to the last arrival.
    var duration: Interval { lastArrival - start }

    private var isComplete: Bool {
        aliceWritten == lines.count && shown["bob"]?.count == lines.count
            && answers.count == lines.count / 10 && shown["alice"]?.count == answers.count
    }

    /// Runs until everything arrived, or the time for it is over; ends both people.
    func run() throws {
        alice = try stage.chat("alice", with: "bob")
        bob = try stage.chat("bob", with: "alice")
        let ready = EventClock.now + .seconds(20)
        while !isAliceReady || !isBobReady {
            guard EventClock.now < ready else {
                throw Failure(status: .bug, message: "a client was not ready within 20 s")
            }
            try listen()
        }
        start = EventClock.now
        lastArrival = start
        var steps = timetable()
        let end = start + plan.writing + DemoPlan.settling
        while !isComplete || !steps.isEmpty, EventClock.now < end {
            while let step = steps.first, EventClock.now >= start + step.moment {
                steps.removeFirst()
                try step.action()
            }
            writeWhatIsDue()
            try listen()
            progress(self)
        }
        for child in [alice, bob].compactMap({ $0 }) {
            child.interrupt()
            try stage.finish(child, within: .seconds(10))
        }
    }

    private struct Step {
        var moment: Interval
        var action: () throws -> Void
    }

    private func timetable() -> [Step] {
        [
            Step(moment: plan.bobLeaves) { [self] in try leave() },
            Step(moment: plan.serverDies) { [self] in
                stage.killServer()
                serverKills += 1
            },
            Step(moment: plan.serverReturns) { [self] in try stage.startServer() },
            Step(moment: plan.bobReturns) { [self] in try returnBob() },
            Step(moment: plan.bobDies) { [self] in
                bob?.killNow()
                takeBobAway()
                clientKills += 1
            },
            Step(moment: plan.bobRevives) { [self] in try returnBob() },
        ].sorted { $0.moment < $1.moment }
    }

    private func leave() throws {
        bob?.interrupt()
        try stage.finish(bob, within: .seconds(5))
        takeBobAway()
    }

    private func takeBobAway() {
        if let bob { hear(bob.takeLines(), by: "bob") }
        bob = nil
        // What is under way to him now waits until he is back: that is not the link's doing.
        let shownCount = shown["bob"]?.count ?? 0
        for index in shownCount..<max(shownCount, writtenAt["alice"]?.count ?? 0) {
            toOnline["alice"]?[index] = false
        }
        isBobReady = false
        bobLeft = EventClock.now
    }

    private func returnBob() throws {
        bob = try stage.chat("bob", with: "alice")
        if let bobLeft { offline = offline + (EventClock.now - bobLeft) }
        bobLeft = nil
    }

    // MARK: Writing

    private func writeWhatIsDue() {
        alice?.flush()
        bob?.flush()
        let now = EventClock.now
        while aliceWritten < lines.count,
            now >= start + plan.line(aliceWritten, of: lines.count), let alice
        {
            note("alice", aliceWritten, isReaderOnline: isBobReady)
            alice.write(lines[aliceWritten])
            aliceWritten += 1
        }
        while isBobReady, bobWritten < answers.count, let bob {
            note("bob", bobWritten, isReaderOnline: true)
            bob.write(answers[bobWritten])
            bobWritten += 1
        }
    }

    private func note(_ writer: String, _ index: Int, isReaderOnline: Bool) {
        guard writtenAt[writer]?.count == index else { return }  // written again after a kill
        writtenAt[writer]?.append(EventClock.now)
        toOnline[writer]?.append(isReaderOnline)
    }

    // MARK: Listening

    private func listen() throws {
        let children = [alice, bob].compactMap { $0 }
        waitForOutput(of: children + [stage.server].compactMap { $0 }, for: .milliseconds(10))
        _ = stage.server?.takeLines()
        for (name, child) in [("alice", alice), ("bob", bob)] {
            guard let child else { continue }
            hear(child.takeLines(), by: name)
            guard child.isRunning else { throw stage.ended(child, instead: "chatting") }
        }
        if let server = stage.server, !server.isRunning, server.status != SIGKILL {
            throw stage.ended(server, instead: "serving")
        }
    }

    private func hear(_ lines: [String], by name: String) {
        let decoder = JSONDecoder()
        for line in lines {
            let data = Data(line.utf8)
            guard let event = try? decoder.decode(ChatEventName.self, from: data) else { continue }
            switch event.event {
            case "ready":
                guard let ready = try? decoder.decode(ChatReady.self, from: data) else { continue }
                becameReady(name, queued: Int(ready.queued))
            case "message":
                guard let said = try? decoder.decode(ShownMessage.self, from: data) else {
                    continue
                }
                show(said, to: name)
            default: break
            }
        }
    }

    /// What its outbox took in before it died need not be written again; the rest must be.
    private func becameReady(_ name: String, queued: Int) {
        if name == "alice" {
            isAliceReady = true
            aliceWritten = queued
        } else {
            isBobReady = true
            bobWritten = queued
        }
    }

    private func show(_ message: ShownMessage, to reader: String) {
        guard message.from != reader, placesShown[reader]?.insert(message.place).inserted == true
        else { return }
        let index = shown[reader]?.count ?? 0
        shown[reader]?.append(message.text ?? "")
        lastArrival = EventClock.now
        if let written = writtenAt[message.from], index < written.count {
            let latency = (lastArrival - written[index]).milliseconds
            latencies.append(latency)
            if toOnline[message.from]?[index] == true { latenciesOnline.append(latency) }
        }
        guard reader == "bob", (index + 1) % 10 == 0 else { return }
        answers.append("re \(index + 1): " + String((message.text ?? "").reversed()))
    }
}

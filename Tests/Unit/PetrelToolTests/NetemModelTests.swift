// The link model: what a seed decides is what the profile says, and nothing else changes it.

import ArgumentParser
import PetrelBase
import Testing

@testable import PetrelCommand

private let start = Instant(nanoseconds: 5_000_000_000)

/// The fates of `count` packets of 200 bytes, one per `spacing`.
private func fates(
    _ profile: LinkProfile, seed: UInt64, count: Int, spacing: Interval = .milliseconds(1),
    direction: Direction = .up, model: inout LinkModel
) -> [Fate] {
    model = LinkModel(profile: profile, seed: seed, direction: direction)
    return (0..<count).map { i in
        let elapsed = spacing * Int64(i)
        return model.fate(byteCount: 200, now: start + elapsed, elapsed: elapsed)
    }
}

private func fates(
    _ profile: LinkProfile, seed: UInt64, count: Int, spacing: Interval = .milliseconds(1),
    direction: Direction = .up
) -> [Fate] {
    var model = LinkModel(profile: profile, seed: seed, direction: direction)
    return fates(
        profile, seed: seed, count: count, spacing: spacing, direction: direction, model: &model)
}

extension Fate {
    fileprivate var isLost: Bool { self == .dropped(.loss) }
    fileprivate var arrival: Instant? {
        guard case .delivered(let at, _, _) = self else { return nil }
        return at
    }
    fileprivate var corruption: Corruption? {
        guard case .delivered(_, let corruption, _) = self else { return nil }
        return corruption
    }
    fileprivate var second: Instant? {
        guard case .delivered(_, _, let again) = self else { return nil }
        return again
    }
}

/// The lengths of the runs of lost packets.
private func bursts(_ fates: [Fate]) -> [Int] {
    fates.split { !$0.isLost }.map(\.count)
}

@Suite struct NetemModelTests {
    @Test(arguments: [1, 2, 3] as [UInt64], [0.02, 0.1, 0.5])
    func independentLossIsWhatWasAsked(seed: UInt64, loss: Double) {
        let lost = fates(LinkProfile(loss: loss), seed: seed, count: 50_000)
        let share = Double(lost.count(where: \.isLost)) / 50_000
        // Five standard deviations.
        #expect(abs(share - loss) < 5 * (loss * (1 - loss) / 50_000).squareRoot())
        let mean = Double(lost.count(where: \.isLost)) / Double(bursts(lost).count)
        #expect(abs(mean - 1 / (1 - loss)) < 0.1)
    }

    @Test(arguments: [1, 2, 3] as [UInt64], [(0.05, 5.0), (0.1, 2.0), (0.3, 10.0), (0.02, 1.0)])
    func burstsAreAsLongAndAsManyAsWasAsked(seed: UInt64, link: (loss: Double, burst: Double)) {
        let profile = LinkProfile(loss: link.loss, lossBurst: link.burst)
        let lost = fates(profile, seed: seed, count: 100_000)
        let share = Double(lost.count(where: \.isLost)) / 100_000
        let mean = Double(lost.count(where: \.isLost)) / Double(bursts(lost).count)
        #expect(abs(share / link.loss - 1) < 0.1, "loss \(share)")
        #expect(abs(mean / link.burst - 1) < 0.1, "burst \(mean)")
    }

    @Test func nothingAndEverythingAreExact() {
        let none = fates(LinkProfile(), seed: 4, count: 1_000)
        #expect(none.allSatisfy { $0.arrival != nil && $0.second == nil && $0.corruption == nil })
        let all = fates(LinkProfile(loss: 1), seed: 4, count: 1_000)
        #expect(all.allSatisfy { $0.isLost })
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func jitterDelaysButNeverReorders(seed: UInt64) {
        let profile = LinkProfile(delay: .milliseconds(40), jitter: .milliseconds(20))
        let sparse = fates(profile, seed: seed, count: 2_000, spacing: .milliseconds(30))
        for (i, fate) in sparse.enumerated() {
            let delay = (fate.arrival ?? start) - (start + .milliseconds(30) * Int64(i))
            #expect(delay >= .milliseconds(40) && delay < .milliseconds(60))
        }
        let dense = fates(profile, seed: seed, count: 2_000, spacing: .zero).compactMap(\.arrival)
        #expect(dense.count == 2_000)
        #expect(zip(dense, dense.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func heldBackPacketsAreOvertaken() {
        let profile = LinkProfile(delay: .milliseconds(40), reorder: 0.1)
        var model = LinkModel(profile: profile, seed: 1, direction: .up)
        let arrivals = fates(profile, seed: 7, count: 5_000, model: &model).compactMap(\.arrival)
        let overtaken = zip(arrivals, arrivals.dropFirst()).count { $0 > $1 }
        #expect((400...600).contains(model.counters.reordered))
        #expect(overtaken > 300)
    }

    @Test func sameSeedSameFate() {
        let profile = LinkProfile.named("hostile") ?? LinkProfile()
        let first = fates(profile, seed: 9, count: 20_000)
        #expect(fates(profile, seed: 9, count: 20_000) == first)
        #expect(fates(profile, seed: 10, count: 20_000) != first)
        #expect(fates(profile, seed: 9, count: 20_000, direction: .down) != first)
    }

    @Test func fateDependsOnTheNumberOfThePacketOnly() {
        var profile = LinkProfile.named("hostile") ?? LinkProfile()
        profile.timeline = Timeline()
        let calm = fates(profile, seed: 3, count: 5_000)
        // Another pace, other sizes and a blackout change times, not who is lost or damaged.
        profile.timeline.blackouts = [
            Timeline.Blackout(
                duration: .seconds(1), beginning: Timeline.Moment(start: .seconds(2), period: nil))
        ]
        var model = LinkModel(profile: profile, seed: 3, direction: .up)
        for (i, expected) in calm.enumerated() {
            let elapsed = Interval.milliseconds(3) * Int64(i)
            let fate = model.fate(byteCount: i % 1_200, now: start + elapsed, elapsed: elapsed)
            guard fate != .dropped(.blackout) else { continue }
            #expect(fate.isLost == expected.isLost)
            #expect(fate.corruption == expected.corruption)
            #expect((fate.second == nil) == (expected.second == nil))
        }
        #expect((300...350).contains(model.counters.dropped.blackout))
    }

    @Test func duplicatesAndDamageAreCounted() {
        let profile = LinkProfile(duplicate: 0.05, corrupt: 0.1)
        var model = LinkModel(profile: profile, seed: 1, direction: .up)
        let all = fates(profile, seed: 5, count: 20_000, model: &model)
        let counters = model.counters
        #expect(counters.packets == 20_000 && counters.bytes == 4_000_000)
        #expect(counters.duplicated == UInt64(all.count { $0.second != nil }))
        #expect(counters.corrupted == UInt64(all.count { $0.corruption != nil }))
        #expect((900...1_100).contains(counters.duplicated))
        #expect((1_850...2_150).contains(counters.corrupted))
        for fate in all {
            guard let at = fate.arrival, let second = fate.second else { continue }
            #expect(second >= at)
        }
    }

    @Test(arguments: [1, 2, 40, 2_048])
    func damageIsOneToThreeBitsInsideThePacket(byteCount: Int) {
        var sizes: Set<Int> = []
        for seed in 0..<500 as Range<UInt64> {
            let bits = Corruption(seed: seed).bits(byteCount: byteCount)
            sizes.insert(bits.count)
            #expect(bits.allSatisfy { (0..<byteCount * 8).contains($0) })
            #expect(bits == Corruption(seed: seed).bits(byteCount: byteCount))
        }
        #expect(sizes == [1, 2, 3])
        #expect(Corruption(seed: 1).bits(byteCount: 0) == [])
    }

    @Test func aSlowLinkQueuesAndThenDrops() {
        // 97 bytes and 28 of headers are 1 ms at 1 Mbit/s.
        let profile = LinkProfile(rate: BitRate(bitsPerSecond: 1_000_000), queuePackets: 10)
        var model = LinkModel(profile: profile, seed: 1, direction: .up)
        let burst = (0..<15).map { _ in model.fate(byteCount: 97, now: start, elapsed: .zero) }
        #expect(burst.prefix(10).map(\.arrival) == (1...10).map { start + .milliseconds($0) })
        #expect(burst.dropFirst(10).allSatisfy { $0 == .dropped(.queue) })
        #expect(model.counters.dropped.queue == 5)
        // After 3 ms three have left, so three more fit, behind the others.
        let later = start + .milliseconds(3)
        let more = (0..<4).map { _ in model.fate(byteCount: 97, now: later, elapsed: .zero) }
        #expect(more.map(\.arrival) == [11, 12, 13].map { start + .milliseconds($0) } + [nil])
    }
}

@Suite struct NetemProfileTests {
    @Test(arguments: LinkProfile.names)
    func everyNameIsAPossibleProfile(name: String) throws {
        let profile = try #require(LinkProfile.named(name))
        #expect(profile.contradiction == nil)
        #expect(!profile.summary.isEmpty)
    }

    @Test func unknownNameIsNone() { #expect(LinkProfile.named("Subway") == nil) }

    @Test func subwayIsAsBadAsPromised() throws {
        let subway = try #require(LinkProfile.named("subway"))
        #expect(subway.loss >= 0.05 && subway.lossBurst > 1)
        #expect(subway.reorder > 0 && subway.duplicate > 0 && subway.corrupt == 0.01)
        #expect(subway.timeline.blackouts.contains { $0.duration == .seconds(3) })
        // A run of 12 s sees the whole blackout and a rebind.
        #expect(subway.timeline.blackoutsBegun(by: .seconds(9)) == 1)
        #expect(subway.timeline.isBlackedOut(at: .milliseconds(8_999)))
        #expect(!subway.timeline.isBlackedOut(at: .seconds(9)))
        #expect(subway.timeline.rebindsDue(by: .seconds(12)) == 1)
        #expect(subway.timeline.rebindsDue(by: .seconds(60)) >= 3)

        // What really happens to a minute of packets, whatever the seed.
        for seed in 1...5 as ClosedRange<UInt64> {
            var model = LinkModel(profile: subway, seed: seed, direction: .up)
            let all = fates(subway, seed: seed, count: 60_000, model: &model)
            let counters = model.counters
            let judged = counters.packets - counters.dropped.blackout
            #expect(Double(counters.dropped.loss) / Double(judged) >= 0.05)
            #expect(bursts(all).max() ?? 0 >= 5)
            #expect(counters.dropped.blackout == 9_000)
            #expect(min(counters.reordered, counters.duplicated, counters.corrupted) > 300)
        }
    }

    @Test(arguments: [
        LinkProfile(loss: 0.1, lossBurst: 0.5), LinkProfile(loss: 0.9, lossBurst: 2),
        LinkProfile(lossBurst: -1), LinkProfile(queuePackets: 0),
        LinkProfile(queuePackets: 16_385),
    ])
    func impossibleLinksSayWhy(profile: LinkProfile) {
        #expect(profile.contradiction?.contains("use") == true)
    }

    @Test func optionsOverrideTheProfile() throws {
        let command = try NetemCommand.parse([
            "--profile", "subway", "--loss", "30%", "--rebind", "none", "--blackout", "1s@2s",
            "--blackout", "1s@5s/9s", "--rate", "1mbit", "--queue", "7",
        ])
        var expected = try #require(LinkProfile.named("subway"))
        expected.loss = 0.3
        expected.timeline.rebinds = []
        expected.timeline.blackouts = [
            try Timeline.Blackout(parsing: "1s@2s"), try Timeline.Blackout(parsing: "1s@5s/9s"),
        ]
        expected.rate = BitRate(bitsPerSecond: 1_000_000)
        expected.queuePackets = 7
        #expect(try command.link() == expected)
    }

    @Test(arguments: [
        ["--profile", "metro"], ["--loss", "2"], ["--delay", "40"], ["--rate", "fast"],
        ["--blackout", "3s"], ["--rebind", "12s"], ["--ge-burst", "0.5"], ["--queue", "0"],
        ["--loss", "0.9", "--ge-burst", "2"],
    ])
    func wrongOptionsNameTheValue(arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try NetemCommand.parse(arguments) }
        let message = error.map { NetemCommand.message(for: $0) } ?? ""
        #expect(message.contains(arguments[1]), "\(message)")
        #expect(message.contains("use") || message.contains("write") || message.contains("choose"))
    }
}

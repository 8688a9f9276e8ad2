// The timeline of a link: its text form, and what happens when.

import PetrelBase
import Testing

@testable import PetrelCommand

@Suite struct NetemTimelineTests {
    @Test(
        arguments: [
            ("3s@8s", 3_000, 8_000, nil), ("3s@8s/20s", 3_000, 8_000, 20_000),
            ("0.5s@0s/1s", 500, 0, 1_000), ("10ms@1min", 10, 60_000, nil),
        ] as [(String, Int64, Int64, Int64?)])
    func blackoutsAreRead(text: String, duration: Int64, start: Int64, period: Int64?) throws {
        let blackout = try Timeline.Blackout(parsing: text)
        #expect(blackout.duration == .milliseconds(duration))
        #expect(blackout.beginning.start == .milliseconds(start))
        #expect(blackout.beginning.period == period.map { .milliseconds($0) })
    }

    @Test(arguments: [
        "", "@", "3s", "3s@", "@8s", "0s@8s", "3s@8s/", "3s@8s/3s", "3s@8s/2s", "3s@8s/20s/1s",
        "3s@8", "3@8s", "3s @8s", "3s@8s@9s", "3s@-8s",
    ])
    func otherBlackoutsAreRefused(text: String) {
        let error = #expect(throws: QuantityError.self) { try Timeline.Blackout(parsing: text) }
        #expect(error?.text == text)
        #expect(error?.description.contains("3s@8s/20s") == true)
    }

    @Test(
        arguments: [("@12s", 12_000, nil), ("@12s/30s", 12_000, 30_000), ("@0s/10ms", 0, 10)]
            as [(String, Int64, Int64?)])
    func momentsAreRead(text: String, start: Int64, period: Int64?) throws {
        let moment = try Timeline.Moment(parsing: text)
        #expect(moment.start == .milliseconds(start))
        #expect(moment.period == period.map { .milliseconds($0) })
    }

    @Test(arguments: ["", "12s", "@", "@12", "@12s/", "@12s/0s", "@12s/9ms", "@12s/1s/1s", "@@1s"])
    func otherMomentsAreRefused(text: String) {
        #expect(throws: QuantityError.self) { try Timeline.Moment(parsing: text) }
    }

    @Test func aPeriodicBlackoutComesAndGoes() throws {
        let timeline = Timeline(blackouts: [try Timeline.Blackout(parsing: "3s@8s/20s")])
        let dark = [8_000, 9_000, 10_999, 28_000, 30_999, 48_000]
        let light = [0, 7_999, 11_000, 27_999, 31_000, 47_999]
        for ms in dark { #expect(timeline.isBlackedOut(at: .milliseconds(Int64(ms))), "\(ms)") }
        for ms in light { #expect(!timeline.isBlackedOut(at: .milliseconds(Int64(ms))), "\(ms)") }
        let begun = [0, 8, 27, 28, 48].map { timeline.blackoutsBegun(by: .seconds($0)) }
        #expect(begun == [0, 1, 1, 2, 3])
    }

    @Test func rebindsAreCountedAndAnnounced() throws {
        let timeline = Timeline(rebinds: [
            try Timeline.Moment(parsing: "@5s"), try Timeline.Moment(parsing: "@2s/10s"),
        ])
        #expect(
            [0, 2, 4, 5, 11, 12].map { timeline.rebindsDue(by: .seconds($0)) } == [
                0, 1, 1, 2, 2, 3,
            ])
        #expect(
            [0, 2, 5, 12].map { timeline.nextRebind(after: .seconds($0)) }
                == [.seconds(2), .seconds(5), .seconds(12), .seconds(22)])
        let once = Timeline(rebinds: [try Timeline.Moment(parsing: "@5s")])
        #expect(once.nextRebind(after: .seconds(5)) == nil)
    }
}

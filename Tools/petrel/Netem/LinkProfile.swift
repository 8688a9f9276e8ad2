// What a link does to packets, and links that people know by name.

import PetrelBase

/// The properties of a link; both directions have the same.
struct LinkProfile: Equatable, Sendable {
    /// The share of packets that are lost, from 0 to 1.
    var loss = 0.0
    /// The mean number of packets lost in a row (Gilbert-Elliott); 0 loses each independently.
    var lossBurst = 0.0
    /// What every packet takes.
    var delay = Interval.zero
    /// What a packet takes longer at most; packets still stay in order.
    var jitter = Interval.zero
    /// The share of packets that are held back, so that later ones overtake them.
    var reorder = 0.0
    /// The share of packets that arrive twice.
    var duplicate = 0.0
    /// The share of packets that arrive with 1 to 3 bits flipped.
    var corrupt = 0.0
    /// How fast the link is; `nil` is infinitely fast.
    var rate: BitRate?
    /// Packets that may wait for a link with a rate; further ones are dropped.
    var queuePackets = LinkProfile.queueDefault
    /// Blackouts and rebinds.
    var timeline = Timeline()

    /// The queue of a link for which nobody chose one.
    static let queueDefault = 100
    /// The longest queue, as long as everything that may be in flight.
    static let queueMax = 16_384

    /// What makes the profile impossible, as a sentence; `nil` if it is fine.
    var contradiction: String? {
        if lossBurst != 0 && lossBurst < 1 {
            return "a mean burst of \(lossBurst) packets is too short; use 1 or more, or 0 for "
                + "losses that are independent of each other"
        }
        // The chance to go from good to bad would have to be above 1.
        if lossBurst >= 1 && loss > lossBurst / (lossBurst + 1) {
            return "a loss of \(loss) cannot come in bursts of \(lossBurst) packets on average; "
                + "use longer bursts, or 0 for independent losses"
        }
        guard (1...LinkProfile.queueMax).contains(queuePackets) else {
            return "a queue of \(queuePackets) packets is impossible; "
                + "use 1 to \(LinkProfile.queueMax)"
        }
        return nil
    }
}

extension LinkProfile {
    /// The names that `--profile` takes, from harmless to hostile.
    static let names = [
        "none", "wifi-good", "wifi-cafe", "lte", "3g", "edge", "subway", "elevator", "train",
        "satellite", "handover", "bufferbloat", "hostile",
    ]

    /// The profile of that name; `nil` if there is none.
    static func named(_ name: String) -> LinkProfile? {
        switch name {
        case "none": LinkProfile()
        case "wifi-good": wifiGood
        case "wifi-cafe": wifiCafe
        case "lte": lte
        case "3g": umts
        case "edge": edge
        case "subway": subway
        case "elevator": elevator
        case "train": train
        case "satellite": satellite
        case "handover": handover
        case "bufferbloat": bufferbloat
        case "hostile": hostile
        default: nil
        }
    }

    private static let wifiGood = LinkProfile(
        loss: 0.001, delay: .milliseconds(2), jitter: .milliseconds(3))

    private static let wifiCafe = LinkProfile(
        loss: 0.02, lossBurst: 4, delay: .milliseconds(15), jitter: .milliseconds(30),
        reorder: 0.002, duplicate: 0.001, rate: BitRate(bitsPerSecond: 8_000_000),
        queuePackets: 200)

    private static let lte = LinkProfile(
        loss: 0.003, lossBurst: 2, delay: .milliseconds(25), jitter: .milliseconds(15),
        rate: BitRate(bitsPerSecond: 20_000_000), queuePackets: 400)

    private static let umts = LinkProfile(
        loss: 0.01, lossBurst: 3, delay: .milliseconds(60), jitter: .milliseconds(40),
        rate: BitRate(bitsPerSecond: 2_000_000), queuePackets: 150)

    private static let edge = LinkProfile(
        loss: 0.03, lossBurst: 4, delay: .milliseconds(250), jitter: .milliseconds(150),
        rate: BitRate(bitsPerSecond: 120_000), queuePackets: 40)

    /// A ride of 12 s shows all of it: the rebind at 4 s, the blackout from 6 s to 9 s.
    private static let subway = LinkProfile(
        loss: 0.08, lossBurst: 5, delay: .milliseconds(60), jitter: .milliseconds(40),
        reorder: 0.02, duplicate: 0.01, corrupt: 0.01,
        timeline: Timeline(
            blackouts: [repeating(.seconds(3), at: .seconds(6), every: .seconds(20))],
            rebinds: [Timeline.Moment(start: .seconds(4), period: .seconds(15))]))

    private static let elevator = LinkProfile(
        loss: 0.02, lossBurst: 5, delay: .milliseconds(30), jitter: .milliseconds(20),
        timeline: Timeline(
            blackouts: [repeating(.seconds(12), at: .seconds(5), every: .seconds(60))]))

    private static let train = LinkProfile(
        loss: 0.04, lossBurst: 6, delay: .milliseconds(50), jitter: .milliseconds(50),
        reorder: 0.005,
        timeline: Timeline(
            blackouts: [repeating(.seconds(2), at: .seconds(7), every: .seconds(25))],
            rebinds: [Timeline.Moment(start: .seconds(10), period: .seconds(40))]))

    /// One way by a geostationary satellite.
    private static let satellite = LinkProfile(
        loss: 0.005, lossBurst: 3, delay: .milliseconds(300), jitter: .milliseconds(15),
        rate: BitRate(bitsPerSecond: 5_000_000), queuePackets: 500)

    /// A phone that goes from cell to cell: a gap, and after it another address.
    private static let handover = LinkProfile(
        loss: 0.005, lossBurst: 2, delay: .milliseconds(40), jitter: .milliseconds(20),
        timeline: Timeline(
            blackouts: [repeating(.milliseconds(300), at: .seconds(3), every: .seconds(8))],
            rebinds: [Timeline.Moment(start: .milliseconds(3_300), period: .seconds(8))]))

    /// A full queue is some 2.4 s of packets of 1,200 bytes.
    private static let bufferbloat = LinkProfile(
        loss: 0.001, delay: .milliseconds(20), jitter: .milliseconds(5),
        rate: BitRate(bitsPerSecond: 1_000_000), queuePackets: 250)

    private static let hostile = LinkProfile(
        loss: 0.2, lossBurst: 4, delay: .milliseconds(80), jitter: .milliseconds(80),
        reorder: 0.1, duplicate: 0.05, corrupt: 0.05,
        timeline: Timeline(
            blackouts: [repeating(.seconds(1), at: .seconds(4), every: .seconds(10))],
            rebinds: [Timeline.Moment(start: .seconds(3), period: .seconds(7))]))

    private static func repeating(
        _ duration: Interval, at start: Interval, every period: Interval
    ) -> Timeline.Blackout {
        Timeline.Blackout(
            duration: duration, beginning: Timeline.Moment(start: start, period: period))
    }
}

extension LinkProfile {
    /// What the link does, in one line for people.
    var summary: String {
        var parts: [String] = []
        if loss > 0 {
            let bursts = lossBurst >= 1 ? " in bursts of \(lossBurst)" : ""
            parts.append("loss \(percent(loss))\(bursts)")
        }
        if delay > .zero || jitter > .zero {
            parts.append("delay \(delay.text)" + (jitter > .zero ? "+\(jitter.text)" : ""))
        }
        for (name, share) in [("reorder", reorder), ("duplicate", duplicate), ("corrupt", corrupt)]
        where share > 0 {
            parts.append("\(name) \(percent(share))")
        }
        if let rate { parts.append("\(rate.bitsPerSecond / 1_000) kbit/s, queue \(queuePackets)") }
        for blackout in timeline.blackouts {
            parts.append("blackout \(blackout.duration.text)\(text(blackout.beginning))")
        }
        for rebind in timeline.rebinds { parts.append("rebind \(text(rebind))") }
        return parts.isEmpty ? "perfect" : parts.joined(separator: ", ")
    }

    private func percent(_ share: Double) -> String {
        "\((share * 1e6).rounded() / 1e4)%"
    }

    private func text(_ moment: Timeline.Moment) -> String {
        "@\(moment.start.text)" + (moment.period.map { "/\($0.text)" } ?? "")
    }
}

// Addresses: how much goes to one that is not proven, how it is proven, and how often it may move.

import PetrelBase
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct PathTests {
    static let home = Address(v4: 0x0A00_0002, port: 4_000)
    static let away = Address(v4: 0x0B00_0001, port: 1)

    private func proven() -> Path {
        var path = Path(address: Self.home)
        path.validator.provenByHandshake()
        return path
    }

    @Test func allowanceIsWhatCameUntilTheProof() {
        var path = Path(address: Self.home)
        #expect(path.allowance == 0)
        path.received(byteCount: 100)
        #expect(path.allowance == 100)
        path.sent(byteCount: 70)
        #expect(path.allowance == 30)
        path.received(byteCount: 40)
        #expect(path.allowance == 70)
        path.validator.provenByHandshake()
        #expect(path.allowance == .max)
    }

    @Test func movingStartsAnew() {
        var path = proven()
        path.received(byteCount: 5_000)
        #expect(path.move(to: Self.away, byteCount: 60, movesMax: 8, now: .at(0)) == true)
        #expect(path.address == Self.away)
        #expect(path.previous == Self.home)
        #expect(path.allowance == 60)
        #expect(path.goBack() == true)
        #expect(path.address == Self.home)
        #expect(path.allowance == .max)
        #expect(path.goBack() == false, "there is nothing before home")
    }

    @Test func onlyProvenAddressesAreGoneBackTo() {
        var path = proven()
        let further = Address(v4: 0x0C00_0001, port: 2)
        #expect(path.move(to: Self.away, byteCount: 60, movesMax: 8, now: .at(0)) == true)
        #expect(path.move(to: further, byteCount: 60, movesMax: 8, now: .at(1)) == true)
        #expect(path.previous == Self.home, "the one between was never proven")
        path.validator.provenByHandshake()
        path.settle()
        #expect(path.previous == nil)
    }

    /// Not asked again: it would be challenged as the new address and as the one before.
    @Test func whoComesBackIsProvenStill() {
        var path = proven()
        #expect(path.move(to: Self.away, byteCount: 60, movesMax: 8, now: .at(0)) == true)
        #expect(path.move(to: Self.home, byteCount: 60, movesMax: 8, now: .at(1)) == true)
        #expect(path.address == Self.home)
        #expect(path.previous == nil)
        #expect(path.allowance == .max)
    }

    /// A client that is deaf for a while sends from its new address, and from nowhere else.
    @Test func comingBackToWhereNobodyAnsweredIsNotCounted() {
        var path = Path(address: Self.home)
        path.validator.provenByHandshake()
        for round in 0..<20 {
            let now = Instant.at(Double(round) * 1_000)
            #expect(path.move(to: Self.away, byteCount: 60, movesMax: 2, now: now) == true)
            path.abandon()
            #expect(path.address == Self.home)
        }
        // Somebody is at home: then it is a move as any other.
        path.received(byteCount: 60)
        #expect(path.move(to: Self.away, byteCount: 60, movesMax: 2, now: .at(20_000)) == true)
        path.abandon()
        path.received(byteCount: 60)
        #expect(path.move(to: Self.away, byteCount: 60, movesMax: 2, now: .at(21_000)) == false)
    }

    @Test func movesAreCountedByTheMinute() {
        var path = proven()
        for i in 0..<8 {
            let there = Address(v4: 0x0B00_0001, port: UInt16(i + 1))
            #expect(path.move(to: there, byteCount: 60, movesMax: 8, now: .at(70_000)) == true)
        }
        let before = path.address
        #expect(path.move(to: Self.away, byteCount: 999, movesMax: 8, now: .at(70_001)) == false)
        #expect(path.move(to: Self.home, byteCount: 999, movesMax: 8, now: .at(129_000)) == false)
        #expect(path.address == before && path.allowance == 60, "nothing changed")
        #expect(path.move(to: Self.home, byteCount: 60, movesMax: 8, now: .at(130_001)) == true)
    }

    /// Whatever happens, an address that is not proven gets no more than it gave.
    @Test(arguments: UInt64(1)...40)
    func neverMoreThanCame(seed: UInt64) {
        var random = RandomStream(seed: seed, label: "path")
        var path = Path(address: Self.home)
        var came = 0
        var went = 0
        for step in 0..<500 {
            switch random.below(10) {
            case 0:
                let there = Address(v4: UInt32(random.below(5)), port: 1)
                let byteCount = 29 + Int(random.below(1_200))
                let now = Instant.at(Double(step) * 5_000)
                guard path.move(to: there, byteCount: byteCount, movesMax: 8, now: now) else {
                    continue
                }
                (came, went) = (path.validator.isProven ? .max / 2 : byteCount, 0)
            case 1...4:
                let byteCount = 29 + Int(random.below(1_200))
                path.received(byteCount: byteCount)
                came += byteCount
            default:
                let byteCount = 32 + Int(random.below(1_200))
                guard path.allowance >= byteCount else { continue }
                path.sent(byteCount: byteCount)
                went += byteCount
            }
            #expect(went <= came, "seed \(seed)")
        }
    }

    /// A session that has much to say sends a forger no more than the packet that it copied.
    @Test func forgersGetNoMoreThanTheyGave() throws {
        let pair = try Pair()
        pair.run(for: .seconds(2)) { $0.atServer.confirmed == 1 }
        pair.run(for: .seconds(1))
        let start = pair.captured.count
        try pair.send([1, 2, 3], as: .durable)
        pair.pump()
        let stolen = try #require(pair.captured[start...].first { $0.toServer }?.bytes)
        try pair.send([UInt8](repeating: 5, count: 60_000), as: .durable, fromClient: false)
        pair.deliver(stolen, toServer: true, from: Self.away)
        #expect(pair.server?.address == Self.away)
        var events = SessionEvents()
        var sent: [Address: Int] = [:]
        for _ in 0..<200 {
            while let transmission = transmit(pair) {
                sent[transmission.destination, default: 0] += transmission.byteCount
            }
            guard let deadline = pair.server?.deadline, deadline < pair.now + .seconds(30) else {
                break
            }
            pair.now = max(pair.now, deadline)
            pair.server?.advance(now: pair.now, into: &events)
            guard pair.server?.address == Self.away else { break }
        }
        #expect((sent[Self.away] ?? 0) > 0, "a challenge")
        #expect((sent[Self.away] ?? 0) <= stolen.count)
        #expect(sent[pair.clientAddress] != nil, "the address before is asked too")
        #expect(pair.server?.address == pair.clientAddress, "nobody answered there")
    }

    private func transmit(_ pair: Pair) -> Transmission? {
        var room = [UInt8](repeating: 0, count: 1_500)
        var span = room.mutableSpan
        var mutable = span.mutableBytes
        return pair.server?.transmit(into: &mutable, now: pair.now)
    }
}

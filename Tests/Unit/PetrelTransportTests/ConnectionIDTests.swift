// Connection IDs come, are used in turn, and go; neither loss nor delay strands a packet.

import PetrelBase
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct ConnectionIDTests {
    private func token(_ id: UInt64) -> ResetToken? {
        let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: id), count: 16)
        return ResetToken(exactly: bytes.span.bytes)
    }

    @Test func localIDsAreGivenAnnouncedAndRetired() {
        var ids = LocalIDs(first: 7)
        #expect(ids.contains(7) && !ids.contains(8) && ids.nextToAnnounce == nil)
        #expect(ids.hasRoom(upTo: 3) && !ids.hasRoom(upTo: 1))
        ids.add(8)
        ids.add(9)
        #expect(!ids.hasRoom(upTo: 3) && ids.count == 3)
        #expect(ids.nextToAnnounce?.sequence == 1)
        ids.mark(1, isAnnounced: true)
        #expect(ids.nextToAnnounce?.value == 9)
        ids.mark(2, isAnnounced: true)
        ids.mark(1, isAnnounced: false)
        #expect(ids.nextToAnnounce?.value == 8, "its NEW_CID was lost")
        #expect(ids.retire(0) && ids.retire(0) && !ids.contains(7))
        #expect(ids.retire(3) == false, "never given")
        #expect(!ids.hasRoom(upTo: 3), "the owner has not forgotten the old one")
        #expect(ids.takeRetired() == 7 && ids.takeRetired() == nil)
        #expect(ids.hasRoom(upTo: 3))
    }

    @Test func remoteIDsAreUsedInOrder() {
        var ids = RemoteIDs(first: .server(70), resetToken: token(70))
        #expect(!ids.canRotate)
        #expect(ids.add(2, value: 72) && ids.add(1, value: 71, resetToken: token(71)))
        #expect(ids.add(2, value: 99) && ids.resetToken == token(70))
        ids.rotate(keptFor: .milliseconds(90), now: .at(0))
        #expect(ids.current == .server(71) && ids.resetToken == token(71))
        #expect(ids.nextToRetire(now: .at(89)) == nil)
        #expect(ids.nextToRetire(now: .at(90))?.sequence == 0)
        ids.markRetired(0)
        #expect(ids.nextToRetire(now: .at(1_000)) == nil, "it is under way")
        ids.markRetired(0, again: .at(1_000))
        #expect(ids.nextToRetire(now: .at(1_000))?.value == 70, "it was lost")
        ids.retirementArrived(0)
        #expect(ids.nextToRetire(now: .at(2_000)) == nil)
        #expect(ids.add(1, value: 71) && ids.add(0, value: 70), "late copies are ignored")
        #expect(ids.add(3, value: 73) && ids.add(4, value: 74))
        #expect(ids.add(5, value: 75) == false, "too many")
    }

    @Test func rotationStopsWhenNothingIsForgotten() {
        var ids = RemoteIDs(first: .client(100), resetToken: nil)
        for i in 1...UInt64(8) {
            _ = ids.add(i, value: 100 + i)
            ids.rotate(keptFor: .zero, now: .at(Double(i)))
        }
        #expect(ids.current == .client(104), "four are retired and not known to be forgotten")
        ids.retirementArrived(0)
        #expect(ids.canRotate)
    }

    /// What the owner of a server's session does.
    private func serve(_ pair: Pair, _ next: inout UInt64) throws -> [UInt64] {
        var retired: [UInt64] = []
        while let id = pair.server?.takeRetiredConnectionID() { retired.append(id) }
        while pair.server?.wantsConnectionID == true {
            next += 1
            pair.server?.offer(connectionID: next, resetToken: try #require(token(next)))
        }
        return retired
    }

    @Test(arguments: [0.0, 0.3])
    func idleClientsRotateAndNothingIsStranded(loss: Double) throws {
        let pair = try Pair(seed: 3, faults: LinkFaults(jitter: .milliseconds(30), loss: loss))
        #expect(pair.run(for: .seconds(20)) { $0.atServer.confirmed == 1 })
        var next: UInt64 = 0x0102_0000_0000_0000
        var retired: [UInt64] = []
        for i in 0..<40 {
            retired += try serve(pair, &next)
            try pair.send([UInt8(i)], as: .durable)
            try pair.send([UInt8(i)], as: .durable, fromClient: false)
            pair.run(for: .milliseconds(500))
            retired += try serve(pair, &next)
            pair.run(for: .seconds(21))
        }
        pair.run(for: .seconds(30)) { $0.atServer.messages.count == 40 }
        #expect(pair.atServer.messages.count == 40 && pair.atClient.messages.count == 40)
        #expect(!pair.drops.contains(.headerMalformed), "a packet carried a forgotten ID")
        let rotations = pair.client?.statistics.connectionIDsUsed ?? 0
        let followed = pair.server?.statistics.connectionIDsUsed ?? 0
        #expect(rotations >= 20 && followed >= 20, "\(rotations), \(followed)")
        #expect(retired.count >= 20 && Set(retired).count == retired.count)
        #expect((pair.server?.connectionIDsCount ?? 0) <= 3)
    }

    /// IDs cost no packet of their own.
    @Test func nothingIsSentForIDsAlone() throws {
        func count(most: Int) throws -> Int {
            var configuration = SessionConfiguration()
            configuration.connectionIDsMax = most
            let pair = try Pair(configuration: configuration)
            pair.run(for: .seconds(2)) { $0.atServer.confirmed == 1 }
            var next: UInt64 = 1 << 56
            for _ in 0..<40 {
                _ = try serve(pair, &next)
                pair.run(for: .seconds(4))
            }
            return pair.captured.count
        }
        #expect(try count(most: 3) <= (try count(most: 1)))
    }
}

// Acknowledgements that ride in data where nothing is lost, and come at once where something is.

import PetrelBase
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct AckPolicyTests {
    private func losses(arrived: Int, lost: Int) -> LossEstimate {
        var losses = LossEstimate()
        for _ in 0..<lost { losses.lost(sent: .at(1), isNext: false) }
        for _ in 0..<arrived { losses.arrived() }
        return losses
    }

    @Test(arguments: [
        (63, 0, true, false), (64, 0, true, true), (64, 0, false, false), (100, 4, true, false),
        (2_000, 1, true, true),
    ])
    func patienceIsForPathsThatLoseNothing(
        arrived: Int, lost: Int, isThin: Bool, isPatient: Bool
    ) {
        var policy = AckPolicy()
        policy.update(losses: losses(arrived: arrived, lost: lost), isThin: isThin)
        #expect(policy.isDue == isPatient)
    }

    @Test func probesWaitFromWhenItIsAskedUntilTheEndIsKnown() {
        var policy = AckPolicy()
        policy.update(losses: losses(arrived: 200, lost: 0), isThin: true)
        #expect(policy.takeAsked() == AckPolicy.patience)
        #expect(policy.inForce == AckPolicy.patience)
        policy.update(losses: losses(arrived: 20, lost: 4), isThin: true)
        #expect(policy.takeAsked() == .zero)
        #expect(policy.inForce == AckPolicy.patience)
        policy.arrived(AckPolicy.patience)
        #expect(policy.inForce == AckPolicy.patience)
        policy.arrived(.zero)
        #expect(policy.inForce == .zero)
    }

    @Test func whatIsLostIsAskedAgain() {
        var policy = AckPolicy()
        policy.update(losses: losses(arrived: 200, lost: 0), isThin: true)
        let asked = policy.takeAsked()
        #expect(!policy.isDue)
        policy.lost(asked)
        #expect(policy.isDue)
        #expect(policy.takeAsked() == asked)
        #expect(policy.inForce == asked)
    }

    /// Both sides send 200 bytes each 50 ms; the sides are `phase` milliseconds apart.
    private func packetsPerMessage(
        phase: Int64, rules: RecoveryRules = .all
    ) throws -> (share: Double, probes: Int) {
        var configuration = SessionConfiguration()
        configuration.recoveryRules = rules
        let pair = try Pair(
            faults: LinkFaults(delay: .milliseconds(10)), configuration: configuration)
        #expect(pair.run(for: .seconds(5)) { $0.atServer.confirmed == 1 })
        func turn() throws {
            try pair.send([UInt8](repeating: 1, count: 200), as: .durable)
            pair.run(for: .milliseconds(phase))
            try pair.send([UInt8](repeating: 2, count: 200), as: .durable, fromClient: false)
            pair.run(for: .milliseconds(50 - phase))
        }
        func packets() -> Int {
            (pair.client?.statistics.packetsSent ?? 0) + (pair.server?.statistics.packetsSent ?? 0)
        }
        for _ in 0..<100 { try turn() }
        let before = packets()
        for _ in 0..<100 { try turn() }
        #expect(pair.atServer.messages.count >= 199 && pair.atClient.messages.count >= 199)
        let probes =
            (pair.client?.statistics.probes ?? 0) + (pair.server?.statistics.probes ?? 0)
        return (Double(packets() - before) / 200, probes)
    }

    @Test(arguments: [0, 5, 10, 20, 30, 40, 45] as [Int64])
    func acknowledgementsRide(phase: Int64) throws {
        let patient = try packetsPerMessage(phase: phase)
        #expect(patient.share < 1.05)
        #expect(patient.probes == 0)
    }

    @Test func withoutPatienceTheyDoNot() throws {
        let hasty = try packetsPerMessage(
            phase: 30, rules: RecoveryRules.all.subtracting(.patience))
        #expect(hasty.share > 1.5)
    }
}

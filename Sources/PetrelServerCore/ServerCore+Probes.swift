// Clients measure how long their NATs remember them, and whether they can be reached (§5.13, §8.3).

public import PetrelBase
public import PetrelMessaging
internal import PetrelTransport
internal import PetrelWire

extension ServerCore {
    /// Whether a device has a session here and was heard within the interval that it announced.
    public func isReachable(_ device: DeviceID, of account: AccountID, now: Instant) -> Bool {
        switch live.place(of: device, account: account) {
        case .awake(let handle) where sessions.contains(handle):
            sessions[handle].session.isReachable(now: now)
        case .asleep(let handle) where dormant.contains(handle):
            dormant[handle].session.isReachable(now: now)
        case .awake, .asleep, nil: false
        }
    }

    /// Whether the session has a measurement under way, which ends with it.
    func isMeasuring(_ handle: Handle) -> Bool {
        sessions[handle].session.probeToken.map { probes.contains($0) } == true
    }

    /// Measurements that are granted.
    public var probesCount: Int { probes.count }

    /// A session wants to measure: it has one measurement at a time.
    mutating func grantProbe(_ frame: NATProbeFrame, to handle: Handle, now: Instant) {
        if let earlier = sessions[handle].session.probeToken, earlier != frame.token {
            probes.remove(earlier)
        }
        let isGranted = !isStopping && !hasFailed && probes.grant(frame, now: now)
        sessions[handle].session.answerProbe(
            NATProbeAnswerFrame(token: frame.token, isGranted: isGranted))
    }

    /// A datagram of a measurement came, from whomever.
    mutating func receiveProbe(
        _ probe: ProbeDatagram, _ datagram: RawSpan, from address: Address, now: Instant
    ) {
        let owner = Steering.worker(of: probe.connectionID)
        if owner != worker, owner < configuration.workers {
            return forward(datagram, from: address, ecn: .notECT, to: owner)
        }
        guard !isStopping, probes.receive(probe, from: address, now: now) else {
            metrics.droppedProbe += 1
            return
        }
        metrics.datagramsAccepted += 1
    }

    /// A session is over: what it wanted to measure is forgotten.
    mutating func forgetProbe(_ handle: Handle) {
        guard let token = sessions[handle].session.probeToken else { return }
        probes.remove(token)
    }

    mutating func nextProbeAnswer(into room: inout MutableRawSpan) -> Transmission? {
        guard let (byteCount, address) = probes.transmit(into: &room) else { return nil }
        return Transmission(byteCount: byteCount, destination: address)
    }
}

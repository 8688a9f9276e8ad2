// Agreeing on a measurement that runs on another flow (transport.md §5.13).

internal import PetrelBase
public import PetrelWire

/// What is being said of a measurement.
struct ProbeTalk: Sendable {
    /// What a client asks for, until it is answered.
    var asked: NATProbeFrame?
    /// The newest answer of a server.
    var answer: NATProbeAnswerFrame?
}

extension Session {
    /// Asks the server to take part in a measurement; `.probeAnswered` tells.
    public mutating func askProbe(_ frame: NATProbeFrame) {
        guard side == .client, !isEnding else { return }
        probes.asked = frame
        control.probe = true
    }

    /// The measurement is not wanted any more.
    public mutating func abandonProbe() {
        probes.asked = nil
        control.probe = false
    }

    /// Answers `.probeAsked`.
    public mutating func answerProbe(_ frame: NATProbeAnswerFrame) {
        probes.answer = frame
        control.probeAnswer = true
    }

    /// The token of the measurement that was asked for last.
    public var probeToken: UInt64? { probes.answer?.token }

    /// What the peer is called in packets to it.
    public var remoteConnectionID: UInt64 { remoteID.value }

    /// Asks at once for a sign of life.
    public mutating func askForSign() { control.keepalive = side == .client && !isEnding }

    mutating func receive(
        _ frame: NATProbeFrame, now: Instant, into events: inout SessionEvents
    ) {
        guard side == .server else { return violate(.frameForbidden, now: now, into: &events) }
        events.append(.probeAsked(frame))
    }

    mutating func receive(
        _ frame: NATProbeAnswerFrame, now: Instant, into events: inout SessionEvents
    ) {
        guard side == .client else { return violate(.frameForbidden, now: now, into: &events) }
        guard let asked = probes.asked, asked.token == frame.token else { return }
        abandonProbe()
        events.append(.probeAnswered(frame))
    }

    mutating func writeProbes(to writer: inout ByteWriter, packet: inout SentPacket) {
        if control.probe, let frame = probes.asked, writeControlFrame(.probe(frame), to: &writer) {
            control.probe = false
            packet.append(.probe)
            packet.state = .inFlight
        }
        if control.probeAnswer, let frame = probes.answer,
            writeControlFrame(.probeAnswer(frame), to: &writer)
        {
            control.probeAnswer = false
            packet.append(.probeAnswer)
            packet.state = .inFlight
        }
    }
}

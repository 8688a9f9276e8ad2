// What comes from the network: datagrams to the link, its messages to whom they concern.

public import PetrelBase
internal import PetrelClientData
internal import PetrelClientNetwork
internal import PetrelMessaging
internal import PetrelTransport
internal import PetrelWire

extension ClientCore {
    /// Takes a datagram in; call `finishBatch` after the last of a batch.
    ///
    /// `ecn` is what its IP header said.
    public mutating func receive(
        _ datagram: inout MutableRawSpan, from address: Address, ecn: ECN = .notECT, now: Instant,
        wall: WallTime
    ) {
        link.receive(&datagram, from: address, ecn: ecn, now: now, wall: wall)
        takeLinkEvents(now: now, wall: wall)
    }

    /// Sees to what the link has to say; nothing is left of it afterwards.
    mutating func takeLinkEvents(now: Instant, wall: WallTime) {
        guard !link.events.isEmpty else { return }
        for i in 0..<link.events.count {
            switch link.events[i] {
            case .opened(let taken):
                sessionIsOver()
                followEarly(taken)
            case .message(_, _, let bytes):
                do throws(MalformedMessage) {
                    let notice = try Notice(decoding: link.bytes(bytes))
                    received(notice, now: now, wall: wall)
                } catch {
                    // A kind of notice of a later version, most likely.
                    malformedNotices &+= 1
                }
            case .acknowledged(_, let number):
                guard let i = acknowledgements.firstIndex(where: { $0.message == number }) else {
                    continue
                }
                sync.acknowledgementArrived(acknowledgements.remove(at: i).watermarks)
            case .keepaliveAnswered(let hint):
                guard standing == .known else { continue }
                sync.keepaliveAnswered(hint: FeedSequence(hint), now: now)
            case .ended: sessionIsOver()
            }
        }
        link.removeEvents()
    }

    /// Forgets what belonged to the session.
    mutating func sessionIsOver() {
        standing = .unknown
        acknowledgements.removeAll()
        earlyVerdicts.removeAll()
        enrolment?.request = nil
        outbox.sessionEnded()
        sync.sessionEnded()
        questions.sessionEnded()
        if surroundings.sessionEnded() { events.append(.presencesForgotten) }
    }
}

// A client goes on over another carrier, and asks first whether the server is there (§8.6).

public import PetrelBase
internal import PetrelWire

/// A question that a client asks at an address that is not in use.
struct SideProbe: Sendable {
    /// Where to.
    let address: Address
    /// What the answer must hold; the same for all copies.
    let data: UInt64
    /// Whether a copy is to be sent.
    var isDue = true
    /// Whether an answer came from there.
    var isAnswered = false
}

extension Session {
    /// The TCP port that the server announced; `nil` if it takes no connections.
    public var serverTCPPort: UInt16? { peerParameters.tcpPort }

    /// Sends to `address` from now on, another one of the server, and asks there at once.
    ///
    /// What is under way goes there again, as after a change of network.
    public mutating func goOn(at address: Address, now: Instant) {
        guard side == .client, !isEnding else { return }
        sideProbe = nil
        path = Path(address: address)
        path.validator.provenByHandshake()
        networkChanged(now: now)
    }

    /// Asks once whether the server is reached at `address`; `answeredAt` tells.
    public mutating func probe(_ address: Address) {
        guard side == .client, !isEnding, address != path.address else { return }
        if sideProbe?.address == address {
            sideProbe?.isDue = true
        } else {
            sideProbe = SideProbe(address: address, data: random.next())
        }
    }

    /// Where `probe` has found the server; `nil` as long as there is no answer.
    public var answeredAt: Address? { sideProbe?.isAnswered == true ? sideProbe?.address : nil }

    /// Notes an answer, if it came from where it was asked: others may go other ways.
    mutating func noteAnswer(to data: UInt64, from address: Address) {
        guard sideProbe?.data == data, sideProbe?.address == address else { return }
        sideProbe?.isAnswered = true
    }

    /// The question that is due, in a packet that leaves room for the answer.
    mutating func transmitSideProbe(
        into room: inout MutableRawSpan, now: Instant
    ) -> Transmission? {
        guard let probe = sideProbe, probe.isDue else { return nil }
        sideProbe?.isDue = false
        asksFromNewAddress = true
        defer { asksFromNewAddress = false }
        return transmitAlone(
            .pathChallenge(data: probe.data), to: probe.address, allowance: room.byteCount,
            into: &room, now: now)
    }
}

// What a server keeps of a session until the client's first packet: a few hundred bytes.

public import PetrelBase
public import PetrelCrypto
public import PetrelWire

/// A session that was granted and not confirmed: its keys, its parameters, and the messages of its
/// HELLO, which have no effect before the client has shown that it holds the keys.
///
/// A `Session` has queues and windows; a flood of HELLOs must not be able to fill memory with them.
public struct UnconfirmedSession: ~Copyable {
    /// The key that the client has proved.
    public let deviceKey: PublicKey
    /// Where the HELLO came from.
    public let address: Address
    let localID: ConnectionID
    let remoteID: ConnectionID
    let parameters: TransportParameters
    /// The messages of the HELLO, as they came.
    public let early: EarlyMessages
    let secrets: NoiseSecrets

    /// What the client writes on its packets.
    public var connectionID: UInt64 { localID.value }

    /// The whole session, not confirmed yet.
    public func session(configuration: SessionConfiguration, now: Instant) -> Session {
        var session = Session(
            side: .server, configuration: configuration, localID: localID, remoteID: remoteID,
            peerKey: deviceKey, peerParameters: parameters, secrets: secrets, address: address,
            now: now)
        session.early = early
        return session
    }

    /// The session, if the datagram is a packet of it that opens; events as of `Session.receive`.
    public func confirm(
        _ datagram: inout MutableRawSpan, from source: Address, ecn: ECN = .notECT,
        configuration: SessionConfiguration, now: Instant, into events: inout SessionEvents
    ) -> Session? {
        var session = session(configuration: configuration, now: now)
        guard
            session.receive(&datagram, from: source, ecn: ecn, now: now, into: &events) == nil
        else {
            return nil
        }
        return session
    }
}

// The list of all fuzz targets, and how one is fed.

import CPetrelChance

/// A part of Petrel that takes bytes from somebody else, and a check that it withstands any.
enum FuzzTarget: String, CaseIterable {
    /// Fails when fed with the right word: proves that the fuzzer looks and the checks bite.
    case canary
    /// Packet forms, headers, frames, transport parameters, handshake payloads.
    case datagram
    /// HELLO and ACCEPT, damaged or made by a hostile owner of valid keys.
    case handshake
    /// Two sessions, a bad link and a hostile peer.
    case session
    /// The reassembler against a model.
    case reassembler
    /// Range sets and ACK frames against a model.
    case ackranges
    /// Commands and notices, and a hostile account on a live server core.
    case messages
    /// The records of the stores.
    case records
    /// Datagrams in a byte stream.
    case stream
    /// Server addresses, handles, and what is typed on a command line.
    case address

    /// Hands `bytes` to the target; the same bytes do the same each time.
    ///
    /// - Throws: `Finding` if a promise is broken; what traps does not come back.
    func feed(_ bytes: [UInt8]) throws {
        petrel_chance_begin(1)
        defer { petrel_chance_end() }
        switch self {
        case .canary: try Canary.feed(bytes)
        case .datagram: try DatagramTarget.feed(bytes)
        case .handshake: try HandshakeTarget.feed(bytes)
        case .session: try SessionTarget.feed(bytes)
        case .reassembler: try ReassemblerTarget.feed(bytes)
        case .ackranges: try AckRangesTarget.feed(bytes)
        case .messages: try MessagesTarget.feed(bytes)
        case .records: try RecordsTarget.feed(bytes)
        case .stream: try StreamTarget.feed(bytes)
        case .address: try AddressTarget.feed(bytes)
        }
    }
}

/// A promise that was broken.
struct Finding: Error, CustomStringConvertible {
    /// Which one.
    var description: String
}

/// Throws a `Finding` that says `what` unless `condition` holds.
func hold(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    if !condition { throw Finding(description: what()) }
}

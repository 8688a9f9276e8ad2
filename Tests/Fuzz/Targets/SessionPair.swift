// Two sessions over a link that a fuzzer rules, and what must hold whatever it does.

import PetrelBase
import PetrelWire

@testable import PetrelCrypto
@testable import PetrelTransport

/// A client's and a server's session, as a handshake leaves them, and the datagrams between them.
final class SessionPair {
    private struct Flight {
        var bytes: [UInt8]
        var toServer: Bool
        var from: Address
        /// Where a datagram to the client goes.
        var port: UInt16
    }

    private let serverAddress = Address(v4: 0x0A00_0001, port: 7_700)
    private var clientAddress = Address(v4: 0x0A00_0002, port: 4_000)
    private let configuration = SessionConfiguration()
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var client: Session
    private var server: Session
    private var flights: [Flight] = []
    private var events = SessionEvents()
    private var room = [UInt8](repeating: 0, count: 1_500)
    private var toServer = Books()
    private var toClient = Books()
    private var transfers = TransferBooks()
    /// Whether a peer broke the protocol: what it says then is nobody's promise.
    private var isHostile = false
    /// Whether a side was closed by its owner.
    private var wasClosed = false
    /// Bytes from and to the client's address since the server moved there.
    private var bytesFromClient = 0
    private var bytesToClient = 0

    init() {
        let secrets = NoiseSecrets(
            initiatorToResponder: SecretKey(copying: [UInt8](repeating: 1, count: 32).span.bytes),
            responderToInitiator: SecretKey(copying: [UInt8](repeating: 2, count: 32).span.bytes),
            handshakeHash: Digest256([UInt8](repeating: 3, count: 32).span.bytes))
        let key = PublicKey([UInt8](repeating: 4, count: 32).span.bytes)
        let serverID = ConnectionID.server(FuzzKeys.serverID)
        let clientID = ConnectionID.client(FuzzKeys.clientID)
        client = Session(
            side: .client, configuration: configuration, localID: clientID, remoteID: serverID,
            peerKey: key, peerParameters: configuration.parameters, secrets: secrets,
            address: serverAddress, now: now)
        server = Session(
            side: .server, configuration: configuration, localID: serverID, remoteID: clientID,
            peerKey: key, peerParameters: configuration.parameters, secrets: secrets,
            address: clientAddress, now: now)
        // What the handshake brought: a HELLO, answered by an ACCEPT of at most its size.
        bytesFromClient = WireLimits.helloByteCount
        client.startAsClient(now: now)
    }

    // MARK: Operations

    func send(
        _ kind: DeliveryClass, byteCount: Int, toServer: Bool, key: UInt64 = 0,
        deadline: Interval? = nil
    ) throws {
        let message = toServer ? self.toServer.draft(byteCount) : toClient.draft(byteCount)
        let number =
            toServer
            ? try? client.send(
                message.span.bytes, as: kind, key: key, deadline: deadline, now: now)
            : try? server.send(
                message.span.bytes, as: kind, key: key, deadline: deadline, now: now)
        if let number {
            switch (kind, toServer) {
            case (.ephemeral, true): self.toServer.sent(message, key: key)
            case (.ephemeral, false): toClient.sent(message, key: key)
            case (.ordered, true): try self.toServer.sent(message, number, stream: key)
            case (.ordered, false): try toClient.sent(message, number, stream: key)
            case (_, true): try self.toServer.sent(message, kind, number)
            case (_, false): try toClient.sent(message, kind, number)
            }
        }
        try pump()
    }

    /// The client offers a transfer, or whoever has a say in one goes on with it.
    func transfer(_ choice: UInt8, byteCount: Int) throws {
        switch choice & 3 {
        case 0:
            let number = UInt64(choice >> 2 & 3)
            let total = UInt64(byteCount + 1)
            if (try? client.offerTransfer(number, byteCount: total)) != nil {
                transfers.offered(number, total: total)
            }
        case 1:
            for number in transfers.acceptable {
                let from = UInt64(byteCount)
                let start = (try? server.acceptTransfer(number, from: from)) ?? nil
                if let start { transfers.accepted(number, from: start) }
            }
        case 2 where choice & 0xF0 == 0:
            let number = UInt64(choice >> 2 & 3)
            try? client.stopTransfer(number, isMine: true)
            transfers.stopped(number)
        default:
            for (number, offset, bytes) in transfers.suppliable {
                let taken = client.supplyTransfer(number, bytes.span.bytes)
                transfers.supplied(number, upTo: offset + UInt64(taken))
            }
        }
        try pump()
    }

    /// Takes a message back that may have been sent.
    func cancel(_ kind: DeliveryClass, number: UInt64, fromClient: Bool) throws {
        if fromClient {
            _ = client.cancel(kind, number: number, into: &events)
        } else {
            _ = server.cancel(kind, number: number, into: &events)
        }
        try collect(atServer: !fromClient)
        try pump()
    }

    /// Delivers the datagram at that place of the line, or a copy of it, with that bit flipped.
    func deliver(place: Int, keeping: Bool, flipping bit: UInt16? = nil) throws {
        guard !flights.isEmpty else { return }
        let index = place % flights.count
        var flight = keeping ? flights[index] : flights.remove(at: index)
        if let bit { flight.bytes[Int(bit) / 8 % flight.bytes.count] ^= 1 << UInt8(bit % 8) }
        try arrive(flight, isDamaged: bit != nil)
        try pump()
    }

    func drop(place: Int) {
        if !flights.isEmpty { flights.remove(at: place % flights.count) }
    }

    func wait(_ interval: Interval) throws {
        now = now + interval
        try advance()
    }

    func advanceToDeadline() throws {
        let deadline = min(client.deadline, server.deadline)
        if deadline != .distantFuture { now = max(now, deadline) }
        try advance()
    }

    /// The client goes on from another port.
    func move(port: UInt16) { clientAddress.port = port }

    func close(fromClient: Bool) throws {
        wasClosed = true
        if fromClient {
            client.close(.done, now: now, into: &events)
        } else {
            server.close(.done, now: now, into: &events)
        }
        try collect(atServer: !fromClient)
        try pump()
    }

    /// A packet of an owner of the keys that says what it likes.
    func inject(_ payload: [UInt8], ahead: UInt8, toServer: Bool) throws {
        isHostile = true
        let next = toServer ? client.detector.packets.next : server.detector.packets.next
        let id =
            toServer ? ConnectionID.server(FuzzKeys.serverID) : .client(FuzzKeys.clientID)
        let number = next + UInt64(ahead)
        let header = DataHeader(
            keyPhase: toServer ? client.keys.writePhase : server.keys.writePhase, connectionID: id,
            packetNumber: TruncatedPacketNumber(
                value: UInt32(truncatingIfNeeded: number), byteCount: 4))
        let plain = written {
            try header.write(to: &$0)
            try $0.writeBytes(payload.span.bytes)
            try $0.writeZeros(16 + max(0, 4 - payload.count))
        }
        guard var bytes = plain else { throw Finding(description: "too long a payload") }
        if toServer {
            Self.seal(&bytes, header, number, client.keys)
        } else {
            Self.seal(&bytes, header, number, server.keys)
        }
        let from = toServer ? clientAddress : serverAddress
        try arrive(
            Flight(bytes: bytes, toServer: toServer, from: from, port: clientAddress.port),
            isDamaged: false)
        try pump()
    }

    private static func seal(
        _ bytes: inout [UInt8], _ header: DataHeader, _ number: UInt64,
        _ keys: borrowing KeyPhases
    ) {
        let start = header.byteCount
        let count = bytes.count - start - WireLimits.tagByteCount
        var span = bytes.mutableSpan
        var view = span.mutableBytes
        _ = keys.seal(
            &view, headerByteCount: start, payloadByteCount: count,
            packetNumber: number)
        let sample = copy(view.bytes.extracting(start..<start + WireLimits.sampleByteCount))
        let mask = keys.writeHeader.mask(sample: sample.span.bytes)
        view.mask(at: 0, with: mask[0] & DataHeader.protectedBits)
        for i in 0..<4 { view.mask(at: start - 4 + i, with: mask[1 + i]) }
    }

    // MARK: The link

    private func arrive(_ flight: Flight, isDamaged: Bool) throws {
        // A datagram to where the client was is lost.
        guard flight.toServer || flight.port == clientAddress.port else { return }
        var bytes = flight.bytes
        var span = bytes.mutableSpan
        var datagram = span.mutableBytes
        let reason: DropReason?
        if flight.toServer {
            if flight.from == server.address { bytesFromClient += flight.bytes.count }
            let address = server.address
            reason = server.receive(&datagram, from: flight.from, now: now, into: &events)
            if server.address != address {
                bytesFromClient = flight.bytes.count
                bytesToClient = 0
            }
        } else {
            reason = client.receive(&datagram, from: flight.from, now: now, into: &events)
        }
        try hold(!isDamaged || reason != nil, "a damaged datagram was accepted")
        if reason != nil, reason != .sessionClosed {
            try hold(events.list.isEmpty, "a dropped datagram means something: \(events.list)")
        }
        try collect(atServer: flight.toServer)
    }

    private func advance() throws {
        client.advance(now: now, into: &events)
        try collect(atServer: false)
        server.advance(now: now, into: &events)
        try collect(atServer: true)
        try pump()
    }

    /// Puts everything that wants to be sent on the link.
    private func pump() throws {
        for count in 0... {
            try hold(count < 4_000, "datagrams without end")
            var span = room.mutableSpan
            var view = span.mutableBytes
            if let sent = client.transmit(into: &view, now: now) {
                try post(sent, toServer: true)
            } else if let sent = server.transmit(into: &view, now: now) {
                try post(sent, toServer: false)
            } else {
                break
            }
        }
        for queued in [client.queuedMessages, server.queuedMessages] {
            try hold(queued <= configuration.queuedMessagesMax, "\(queued) messages queued")
        }
        for bytes in [client.queuedByteCount, server.queuedByteCount] {
            try hold(bytes <= configuration.queuedByteCountMax, "\(bytes) bytes queued")
        }
    }

    private func post(_ sent: Transmission, toServer: Bool) throws {
        try hold(sent.byteCount <= configuration.datagramByteCountMax, "too large a datagram")
        if !toServer, sent.destination == server.address {
            bytesToClient += sent.byteCount
            try hold(
                server.path.validator.isProven || bytesToClient <= bytesFromClient,
                "\(bytesToClient) bytes to where \(bytesFromClient) came from")
        }
        flights.append(
            Flight(
                bytes: Array(room.prefix(sent.byteCount)), toServer: toServer,
                from: toServer ? clientAddress : serverAddress, port: sent.destination.port))
    }

    private func collect(atServer: Bool) throws {
        defer { events.removeAll() }
        for event in events.list {
            switch event {
            case .message(let kind, let number, let range):
                let bytes = copy(events.bytes(range))
                guard !isHostile else { continue }
                switch (kind, atServer) {
                case (.ephemeral, true): try toServer.delivered(bytes, key: number)
                case (.ephemeral, false): try toClient.delivered(bytes, key: number)
                case (_, true): try toServer.delivered(bytes, kind, number)
                case (_, false): try toClient.delivered(bytes, kind, number)
                }
            case .ordered(_, let stream, let number, let range):
                let bytes = copy(events.bytes(range))
                guard !isHostile else { continue }
                if atServer {
                    try toServer.delivered(bytes, number, stream: stream)
                } else {
                    try toClient.delivered(bytes, number, stream: stream)
                }
            case .bulk(let event):
                guard !isHostile else { continue }
                var bytes: [UInt8] = []
                if case .range(_, _, let range) = event { bytes = copy(events.bytes(range)) }
                try transfers.heard(event, bytes)
            case .outcome(let kind, let number, let state):
                guard !isHostile, state != .unknown, state != .failed else { continue }
                if atServer {
                    try toClient.givenUp(kind, number)
                } else {
                    try toServer.givenUp(kind, number)
                }
            case .acknowledged(let kind, let number):
                guard !isHostile else { continue }
                if atServer {
                    try toClient.acknowledged(kind, number)
                } else {
                    try toServer.acknowledged(kind, number)
                }
            case .closed(.violation(let code)):
                try hold(isHostile, "\(code) although nobody broke the protocol")
            case .confirmed, .addressMoved, .keepaliveAnswered, .goingAway, .closed, .bindingDied,
                .probeAsked, .probeAnswered:
                break
            }
        }
    }

    // MARK: The end

    /// The link is good from now on: all that was taken in must arrive, or a session end.
    func heal() throws {
        let end = now + .seconds(170)
        var stuck = 0
        while now < end, !isDone {
            try pump()
            let arriving = flights
            flights = []
            now = now + .milliseconds(10)
            for flight in arriving { try arrive(flight, isDamaged: false) }
            try pump()
            let before = now
            if flights.isEmpty {
                now = max(now, min(client.deadline, server.deadline, end))
            }
            try advance()
            stuck = now == before ? stuck + 1 : 0
            try hold(stuck < 20_000, "a link that does not come to rest")
        }
        guard !isHostile else { return }
        try hold(
            isDone,
            "after 170 s on a good link \(client.queuedMessages) messages to the "
                + "server and \(server.queuedMessages) to the client are on their way")
        guard !isOver else { return }
        try toServer.hasAll()
        try toClient.hasAll()
    }

    private var isOver: Bool { client.isClosed || server.isClosed || wasClosed }

    private var isDone: Bool {
        isOver || (client.queuedMessages == 0 && server.queuedMessages == 0)
    }
}

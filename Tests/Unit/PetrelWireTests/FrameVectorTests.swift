// Frames as the second implementation makes them (Protocol/vectors/frames.json).

import PetrelBase
import PetrelWire
import Testing

@Suite struct FrameVectorTests {
    struct File: Decodable {
        var frames: [Good]
        var bad: [Bad]
    }

    struct Good: Decodable {
        var name, type, hex: String
        var canonical: Bool
        var fields: [String: String]
    }

    struct Bad: Decodable { var name, hex, error: String }

    @Test func framesMeanWhatTheSecondImplementationSays() throws {
        let file = try specified("vectors/frames.json", as: File.self)
        #expect(Set(file.frames.map(\.type)).count == FrameType.allCases.count + 1)
        for vector in file.frames {
            let bytes = try hex(vector.hex)
            var reader = ByteReader(bytes.span.bytes)
            let shown = show(try Frame(&reader))
            #expect(shown.type == vector.type, "\(vector.name)")
            #expect(shown.fields == vector.fields, "\(vector.name)")
            #expect(reader.remaining == 0, "\(vector.name)")
        }
    }

    @Test func framesAreWrittenAsTheSecondImplementationDoes() throws {
        let file = try specified("vectors/frames.json", as: File.self)
        let canonical = file.frames.filter(\.canonical)
        #expect(canonical.count >= 25)
        for vector in canonical {
            let bytes = try hex(vector.hex)
            #expect(text(try rewritten(bytes)) == vector.hex, "\(vector.name)")
        }
    }

    @Test func badFramesAreRefused() throws {
        let file = try specified("vectors/frames.json", as: File.self)
        #expect(file.bad.count >= 30)
        for vector in file.bad {
            let bytes = try hex(vector.hex)
            #expect(refusal(of: bytes) == vector.error, "\(vector.name)")
        }
    }

    @Test func everyTruncationThrows() throws {
        let file = try specified("vectors/frames.json", as: File.self)
        for vector in file.frames {
            let bytes = try hex(vector.hex)
            for count in 0..<bytes.count {
                let error = refusal(of: Array(bytes.prefix(count)))
                #expect(error == "truncated", "\(vector.name) cut to \(count)")
            }
        }
    }

    /// A frame is written whole or not at all.
    @Test func tooLittleRoomWritesNothing() throws {
        let file = try specified("vectors/frames.json", as: File.self)
        for vector in file.frames where vector.canonical && vector.type != "PADDING" {
            let bytes = try hex(vector.hex)
            if vector.type.hasPrefix("ACK") && vector.fields["ranges"]?.contains(" ") == true {
                continue
            }
            for count in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 40) {
                var offset = -1
                #expect(throws: NoRoom.self, "\(vector.name) in \(count)") {
                    _ = try written(count) { writer in
                        defer { offset = writer.offset }
                        try rewrite(bytes, to: &writer)
                    }
                }
                #expect(offset == 0, "\(vector.name) in \(count)")
            }
        }
    }
}

private func refusal(of bytes: [UInt8]) -> String? {
    var reader = ByteReader(bytes.span.bytes)
    do {
        _ = try Frame(&reader)
        return nil
    } catch {
        switch error {
        case .truncated: return "truncated"
        case .malformed: return "malformed"
        }
    }
}

private func tokenBytes(_ token: ResetToken) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: ResetToken.byteCount)
    var span = bytes.mutableSpan
    var room = span.mutableBytes
    var writer = ByteWriter(&room)
    try? token.write(to: &writer)
    return bytes
}

private func show(_ frame: borrowing Frame) -> (type: String, fields: [String: String]) {
    switch frame {
    case .padding: return ("PADDING", [:])
    case .ping: return ("PING", [:])
    case .ack(let ack):
        return (ack.ecn == nil ? "ACK" : "ACK_ECN", show(ack))
    case .close(let close): return ("CLOSE", ["code": "\(close.code)"])
    case .keepalive(let interval):
        return ("KEEPALIVE", ["interval_s": "\(interval.nanoseconds / 1_000_000_000)"])
    case .keepaliveAnswer(let hint): return ("KEEPALIVE_ANSWER", ["hint": "\(hint)"])
    case .ackPolicy(let patience):
        return ("ACK_POLICY", ["patience_ms": "\(patience.nanoseconds / 1_000_000)"])
    case .pathChallenge(let data): return ("PATH_CHALLENGE", ["data": "\(data)"])
    case .pathResponse(let data, let observed):
        let address = text(bigEndian(observed.high) + bigEndian(observed.low))
        return (
            "PATH_RESPONSE", ["data": "\(data)", "address": address, "port": "\(observed.port)"]
        )
    case .newID(let frame): return ("NEW_CID", show(frame))
    case .goAway(let frame): return ("GOAWAY", show(frame))
    case .probe(let frame): return ("NAT_PROBE", show(frame))
    case .probeAnswer(let frame): return ("NAT_PROBE_ANSWER", show(frame))
    case .retireID(let sequence): return ("RETIRE_CID", ["sequence": "\(sequence)"])
    case .credit(let limit): return ("CREDIT", ["limit": "\(limit)"])
    case .blocked(let limit): return ("BLOCKED", ["limit": "\(limit)"])
    case .message(let part):
        let type = MessageFragment.count(total: part.total) == 1 ? "MSG" : "MSG_FRAG"
        let rest = [
            "total": "\(part.total)", "index": "\(part.index)", "bytes": text(copy(part.bytes)),
        ]
        return (type, show(part.name).merging(rest) { a, _ in a })
    case .skip(let skip):
        return ("MSG_SKIP", show(skip.name).merging(["charged": "\(skip.charged)"]) { a, _ in a })
    case .status(let status): return ("MSG_STATUS", show(status))
    case .bulk(let chunk):
        return (
            "BULK",
            [
                "transfer": "\(chunk.transfer)", "total": "\(chunk.total)",
                "index": "\(chunk.index)", "count": "\(chunk.count)",
                "bytes": text(copy(chunk.bytes)),
            ]
        )
    case .bulkControl(let frame): return show(frame)
    case .parity(let parity): return ("PARITY", show(parity))
    case .ephemeral(let value):
        return (
            "EPHEMERAL",
            [
                "key": "\(value.key)", "version": "\(value.version)",
                "bytes": text(copy(value.bytes)),
            ]
        )
    case .unknown: return ("UNKNOWN", [:])
    }
}

private func show(_ ack: borrowing AckFrame) -> [String: String] {
    var ranges: [String] = []
    for i in 0..<ack.count { ranges.append("\(ack[i].lowerBound)-\(ack[i].upperBound)") }
    var fields = [
        "largest": "\(ack.largest)", "delay_us": "\(ack.delay.nanoseconds / 1_000)",
        "ranges": ranges.joined(separator: " "),
    ]
    if let ecn = ack.ecn { fields["ecn"] = "\(ecn.ect0) \(ecn.ect1) \(ecn.ce)" }
    return fields
}

private func show(_ frame: NewIDFrame) -> [String: String] {
    let bytes = bigEndian(frame.id.value).suffix(frame.id.byteCount)
    var fields = ["sequence": "\(frame.sequence)", "id": text(Array(bytes))]
    if let token = frame.resetToken { fields["reset_token"] = text(tokenBytes(token)) }
    return fields
}

private func show(_ frame: GoAwayFrame) -> [String: String] {
    let there = frame.address ?? .none
    return [
        "window_ms": "\(frame.window.nanoseconds / 1_000_000)",
        "address": text(bigEndian(there.high) + bigEndian(there.low)),
        "port": "\(there.port)",
    ]
}

private func show(_ parity: borrowing ParityFrame) -> [String: String] {
    let rest = [
        "total": "\(parity.total)", "first": "\(parity.group.lowerBound)",
        "count": "\(parity.group.count)", "bytes": text(copy(parity.bytes)),
    ]
    return show(parity.name).merging(rest) { a, _ in a }
}

private func show(_ frame: NATProbeFrame) -> [String: String] {
    [
        "token": "\(frame.token)", "proof": "\(frame.proof)",
        "delay_s": "\(frame.delay.nanoseconds / 1_000_000_000)",
    ]
}

private func show(_ frame: NATProbeAnswerFrame) -> [String: String] {
    ["token": "\(frame.token)", "verdict": frame.isGranted ? "1" : "0"]
}

private func show(_ status: StatusFrame) -> [String: String] {
    [
        "kind": "\(status.kind.rawValue)", "number": "\(status.number)",
        "outcome": status.wasWhole ? "1" : "0",
    ]
}

private func show(_ name: MessageName) -> [String: String] {
    var fields = ["class": "\(name.deliveryClass.rawValue)", "number": "\(name.number)"]
    if let place = name.place {
        fields["stream"] = "\(place.stream)"
        fields["distance"] = "\(place.distance)"
    }
    return fields
}

private func show(_ frame: BulkControlFrame) -> (type: String, fields: [String: String]) {
    switch frame {
    case .offer(let deliveryClass, let transfer, let total):
        return (
            "BULK_OFFER",
            [
                "class": "\(deliveryClass.rawValue)", "transfer": "\(transfer)",
                "total": "\(total)",
            ]
        )
    case .want(let transfer, let index):
        return ("BULK_WANT", ["transfer": "\(transfer)", "index": "\(index)"])
    case .stop(let transfer, let bySender, let code):
        return (
            "BULK_STOP",
            ["role": bySender ? "0" : "1", "transfer": "\(transfer)", "code": "\(code)"]
        )
    }
}

private func rewritten(_ bytes: [UInt8]) throws -> [UInt8] {
    try written { writer in try rewrite(bytes, to: &writer) }
}

/// Decodes a frame and writes it again.
private func rewrite(_ bytes: [UInt8], to writer: inout ByteWriter) throws {
    var reader = ByteReader(bytes.span.bytes)
    switch try Frame(&reader) {
    case .padding: try writer.writeZeros(1)
    case .ping: try ControlFrame.ping.write(to: &writer)
    case .ack(let ack):
        var ranges = RangeSet()
        for i in 0..<ack.count {
            for number in ack[i] { ranges.insert(number) }
        }
        try AckFrame.write(ranges, delay: ack.delay, ecn: ack.ecn, to: &writer)
    case .close(let close): try ControlFrame.close(code: close.code).write(to: &writer)
    case .keepalive(let interval):
        try ControlFrame.keepalive(interval: interval).write(to: &writer)
    case .keepaliveAnswer(let hint):
        try ControlFrame.keepaliveAnswer(hint: hint).write(to: &writer)
    case .ackPolicy(let patience):
        try ControlFrame.ackPolicy(patience: patience).write(to: &writer)
    case .pathChallenge(let data): try ControlFrame.pathChallenge(data: data).write(to: &writer)
    case .pathResponse(let data, let observed):
        try ControlFrame.pathResponse(data: data, observed: observed).write(to: &writer)
    case .goAway(let frame): try ControlFrame.goAway(frame).write(to: &writer)
    case .probe(let frame): try ControlFrame.probe(frame).write(to: &writer)
    case .probeAnswer(let frame): try ControlFrame.probeAnswer(frame).write(to: &writer)
    case .newID(let frame): try ControlFrame.newID(frame).write(to: &writer)
    case .retireID(let sequence): try ControlFrame.retireID(sequence: sequence).write(to: &writer)
    case .credit(let limit): try ControlFrame.credit(limit: limit).write(to: &writer)
    case .blocked(let limit): try ControlFrame.blocked(limit: limit).write(to: &writer)
    case .message(let part):
        var message = [UInt8](repeating: 0, count: part.total)
        let range = MessageFragment.range(part.index, total: part.total)
        message.replaceSubrange(range, with: copy(part.bytes))
        try MessageFragment.write(
            message.span.bytes, index: part.index, of: part.name, to: &writer)
    case .skip(let skip): try skip.write(to: &writer)
    case .status(let status): try status.write(to: &writer)
    case .bulk(let chunk):
        try BulkFrame.write(
            chunk.bytes, transfer: chunk.transfer, total: chunk.total, index: chunk.index,
            count: chunk.count, to: &writer)
    case .bulkControl(let frame): try frame.write(to: &writer)
    case .parity(let parity):
        // A message whose first fragment of the group is the sum, the others zeros.
        var message = [UInt8](repeating: 0, count: parity.total)
        let bytes = copy(parity.bytes)
        let range = MessageFragment.range(parity.group.lowerBound, total: parity.total)
        message.replaceSubrange(range, with: bytes.prefix(range.count))
        try ParityFrame.write(
            message.span.bytes, group: parity.group, of: parity.name, to: &writer)
    case .ephemeral(let value):
        try EphemeralFrame.write(
            value.bytes, key: value.key, version: value.version, to: &writer)
    case .unknown: throw VectorError(reason: "nobody writes unknown frames")
    }
}

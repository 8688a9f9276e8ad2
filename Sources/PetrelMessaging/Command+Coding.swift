// Commands as bytes and back (Protocol/petrel.proto); decoding yields only what follows the rules.

internal import SwiftProtobuf

extension Command {
    /// Returns the command as bytes.
    public func encoded() -> [UInt8] {
        var proto = ProtoCommand()
        proto.request = request
        switch kind {
        case .register(let registration):
            proto.register = .with {
                $0.handle = registration.handle
                $0.password = protoBytes(registration.password)
                $0.deviceName = registration.deviceName
            }
        case .logIn(let registration):
            proto.logIn = .with {
                $0.handle = registration.handle
                $0.password = protoBytes(registration.password)
                $0.deviceName = registration.deviceName
            }
        case .send(let message): proto.send = ProtoSend(message)
        case .sync(let incarnation, let cursor, let limit):
            proto.sync = .with {
                $0.incarnation = incarnation
                $0.cursor = cursor.number
                $0.limit = limit
            }
        case .pull(let conversation, let from, let to, let newestFirst):
            proto.pull = .with {
                $0.conversation = conversation.number
                $0.from = from
                $0.to = to
                $0.newestFirst = newestFirst
            }
        case .acknowledge(let feed, let delivered):
            proto.acknowledge = .with {
                $0.feed = feed.number
                $0.delivered = delivered.map { mark in
                    .with {
                        $0.conversation = mark.conversation.number
                        $0.cseq = mark.sequence.number
                    }
                }
            }
        }
        return serialized(proto)
    }

    /// Reads a command from bytes.
    public init(decoding bytes: RawSpan) throws(MalformedMessage) {
        let proto: ProtoCommand = try parsed(bytes)
        do throws(MalformedMessage.Reason) {
            self.init(request: proto.request, kind: try Kind(proto))
        } catch {
            throw MalformedMessage(request: proto.request, reason: error)
        }
    }
}

extension Command.Kind {
    fileprivate init(_ proto: ProtoCommand) throws(MalformedMessage.Reason) {
        switch proto.kind {
        case nil: throw .missing("command.kind")
        case .register(let form):
            self = .register(try registration(form.handle, form.password, form.deviceName))
        case .logIn(let form):
            self = .logIn(try registration(form.handle, form.password, form.deviceName))
        case .send(let send): self = .send(try OutgoingMessage(send))
        case .sync(let sync):
            self = .sync(
                incarnation: sync.incarnation, cursor: .init(sync.cursor), limit: sync.limit)
        case .pull(let pull):
            guard pull.from >= 1 else { throw .forbidden("pull.from") }
            guard pull.from <= pull.to else { throw .forbidden("pull.to") }
            self = .pull(
                conversation: .init(pull.conversation), from: pull.from, to: pull.to,
                newestFirst: pull.newestFirst)
        case .acknowledge(let acknowledge):
            guard acknowledge.delivered.count <= MessagingLimits.watermarksMax else {
                throw .forbidden("acknowledge.delivered")
            }
            self = .acknowledge(
                feed: .init(acknowledge.feed),
                delivered: acknowledge.delivered.map {
                    Watermark(conversation: .init($0.conversation), sequence: .init($0.cseq))
                })
        }
    }
}

private func registration(
    _ handle: String, _ password: some SwiftProtobufContiguousBytes, _ deviceName: String
) throws(MalformedMessage.Reason) -> Registration {
    guard deviceName.utf8.count <= MessagingLimits.deviceNameBytesMax else {
        throw .forbidden("device_name")
    }
    return Registration(handle: handle, password: array(password), deviceName: deviceName)
}

extension ProtoSend {
    fileprivate init(_ message: OutgoingMessage) {
        self.init()
        cmid = protoBytes(message.clientMessageID.bytes)
        switch message.target {
        case .conversation(let id): conversation = id.number
        case .handle(let text): handle = text
        }
        contentType = message.contentType
        body = protoBytes(message.body)
    }
}

extension OutgoingMessage {
    fileprivate init(_ send: ProtoSend) throws(MalformedMessage.Reason) {
        guard let id = ClientMessageID(bytes: array(send.cmid)) else {
            throw .forbidden("send.cmid")
        }
        let target: Target
        switch send.target {
        case nil: throw .missing("send.target")
        case .conversation(let number): target = .conversation(.init(number))
        case .handle(let text): target = .handle(text)
        }
        self.init(
            clientMessageID: id, target: target, contentType: send.contentType,
            body: array(send.body))
    }
}

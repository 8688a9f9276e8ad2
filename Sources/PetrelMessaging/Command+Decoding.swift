// Commands from bytes (Protocol/petrel.proto); decoding yields only what follows the schema.

internal import PetrelBase
internal import SwiftProtobuf

extension Command {
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
        case .register(let form): self = .register(try Registration(form))
        case .logIn(let form): self = .logIn(try Registration(form))
        case .recover(let form): self = .recover(try Recovery(form))
        case .send(let send): self = .send(try OutgoingMessage(send))
        case .sync(let sync):
            self = .sync(
                SyncRequest(
                    incarnation: sync.incarnation, cursor: .init(sync.cursor), limit: sync.limit,
                    largeAfter: .init(sync.largeAfter)))
        case .pull(let pull):
            guard pull.from >= 1 else { throw .forbidden("pull.from") }
            guard pull.from <= pull.to else { throw .forbidden("pull.to") }
            self = .pull(
                conversation: .init(pull.conversation), from: pull.from, to: pull.to,
                newestFirst: pull.newestFirst)
        case .acknowledge(let acknowledge):
            self = .acknowledge(
                feed: .init(acknowledge.feed),
                delivered: try marks(acknowledge.delivered, "acknowledge.delivered"),
                read: try marks(acknowledge.read, "acknowledge.read"))
        case .changeAccount(let form): self = .changeAccount(try AccountChange(form))
        case .changeContact(let form):
            self = .changeContact(try Person(form.person), try ContactChange(form))
        case .changeConversation(let form):
            self = .changeConversation(.init(form.conversation), try ConversationChange(form))
        case .invite(let form): self = .invite(lifetimeSeconds: form.lifetime)
        case .lookUp(let form): self = .lookUp(handle: form.handle)
        case .listMembers(let form):
            self = .listMembers(.init(form.conversation), after: .init(form.after))
        case .activity(let form): self = .activity(try Activity(form))
        }
    }
}

private func marks(
    _ marks: [ProtoWatermark], _ field: String
) throws(MalformedMessage.Reason) -> [Watermark] {
    guard marks.count <= MessagingLimits.watermarksMax else { throw .forbidden(field) }
    return marks.map {
        Watermark(conversation: .init($0.conversation), sequence: .init($0.cseq))
    }
}

private func deviceName(_ text: String) throws(MalformedMessage.Reason) -> String {
    guard text.utf8.count <= MessagingLimits.deviceNameBytesMax else {
        throw .forbidden("device_name")
    }
    return text
}

extension RecoveryDigest {
    fileprivate static func optional(
        _ bytes: [UInt8], _ field: String
    ) throws(MalformedMessage.Reason) -> RecoveryDigest? {
        guard !bytes.isEmpty else { return nil }
        guard let words = InlineWords4(array: bytes) else { throw .forbidden(field) }
        return RecoveryDigest(words: words)
    }
}

extension Registration {
    fileprivate init(_ form: ProtoRegister) throws(MalformedMessage.Reason) {
        self.init(
            handle: form.handle, password: array(form.password),
            deviceName: try PetrelMessaging.deviceName(form.deviceName),
            invitation: form.invitation,
            recovery: try .optional(array(form.recovery), "register.recovery"))
    }

    fileprivate init(_ form: ProtoLogIn) throws(MalformedMessage.Reason) {
        self.init(
            handle: form.handle, password: array(form.password),
            deviceName: try PetrelMessaging.deviceName(form.deviceName))
    }
}

extension Recovery {
    fileprivate init(_ form: ProtoRecover) throws(MalformedMessage.Reason) {
        self.init(
            handle: form.handle, code: form.code, password: array(form.password),
            deviceName: try PetrelMessaging.deviceName(form.deviceName),
            recovery: try .optional(array(form.recovery), "recover.recovery"))
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
        case .group: target = .newGroup
        }
        guard send.hasEvent else { throw .missing("send.event") }
        self.init(
            clientMessageID: id, target: target, event: try ConversationEvent(send.event))
    }
}

extension AccountChange {
    fileprivate init(_ form: ProtoChangeAccount) throws(MalformedMessage.Reason) {
        switch form.change {
        case nil: throw .missing("change_account.change")
        case .profile(let profile): self = .profile(Profile(profile))
        case .privacy(let privacy): self = .privacy(try Privacy(privacy))
        case .password(let form):
            self = .password(
                old: array(form.old), new: array(form.new),
                recovery: try .optional(array(form.recovery), "password.recovery"))
        case .deviceName(let form):
            self = .deviceName(
                .init(form.device), try PetrelMessaging.deviceName(form.name))
        case .revokeDevice(let number): self = .revokeDevice(.init(number))
        case .deleteAccount(let password): self = .delete(password: array(password))
        }
    }
}

extension ContactChange {
    fileprivate init(_ form: ProtoChangeContact) throws(MalformedMessage.Reason) {
        switch form.change {
        case nil: throw .missing("change_contact.change")
        case .request(let greeting): self = .request(greeting: greeting)
        case .accept: self = .accept
        case .decline: self = .decline
        case .remove: self = .remove
        case .block(let isBlocked): self = isBlocked ? .block : .unblock
        case .alias(let text): self = .alias(text)
        }
    }
}

extension ConversationChange {
    fileprivate init(_ form: ProtoChangeConversation) throws(MalformedMessage.Reason) {
        switch form.change {
        case nil: throw .missing("change_conversation.change")
        case .pinned(let isPinned): self = .pinned(isPinned)
        case .mutedUntil(let time): self = .mutedUntil(WallTime(milliseconds: time))
        case .cleared(let place): self = .cleared(upTo: .init(place))
        case .hidden(let place): self = .hidden(.init(place))
        }
    }
}

extension Activity {
    fileprivate init(_ form: ProtoActivity) throws(MalformedMessage.Reason) {
        switch form.kind {
        case nil: throw .missing("activity.kind")
        case .presence(let state):
            self = .presence(try PresenceState(state, "activity.presence"))
        case .typing(let typing):
            self = .typing(.init(typing.conversation), isStopped: typing.stopped)
        case .viewing(let number): self = .viewing(number == 0 ? nil : .init(number))
        }
    }
}

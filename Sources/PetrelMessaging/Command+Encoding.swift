// Commands as bytes (Protocol/petrel.proto).

internal import PetrelBase
internal import SwiftProtobuf

extension Command {
    /// Returns the command as bytes.
    public func encoded() -> [UInt8] {
        var proto = ProtoCommand()
        proto.request = request
        switch kind {
        case .register(let registration): proto.register = ProtoRegister(registration)
        case .logIn(let registration): proto.logIn = ProtoLogIn(registration)
        case .recover(let recovery): proto.recover = ProtoRecover(recovery)
        case .send(let message): proto.send = ProtoSend(message)
        case .sync(let request):
            proto.sync = .with {
                $0.incarnation = request.incarnation
                $0.cursor = request.cursor.number
                $0.limit = request.limit
                $0.largeAfter = request.largeAfter.number
            }
        case .pull(let conversation, let from, let to, let newestFirst):
            proto.pull = .with {
                $0.conversation = conversation.number
                $0.from = from
                $0.to = to
                $0.newestFirst = newestFirst
            }
        case .acknowledge(let feed, let delivered, let read):
            proto.acknowledge = .with {
                $0.feed = feed.number
                $0.delivered = delivered.map(ProtoWatermark.init)
                $0.read = read.map(ProtoWatermark.init)
            }
        case .changeAccount(let change): proto.changeAccount = ProtoChangeAccount(change)
        case .changeContact(let person, let change):
            proto.changeContact = ProtoChangeContact(person, change)
        case .changeConversation(let id, let change):
            proto.changeConversation = ProtoChangeConversation(id, change)
        case .invite(let seconds): proto.invite = .with { $0.lifetime = seconds }
        case .lookUp(let handle): proto.lookUp = .with { $0.handle = handle }
        case .listMembers(let id, let after):
            proto.listMembers = .with {
                $0.conversation = id.number
                $0.after = after.number
            }
        case .activity(let activity): proto.activity = ProtoActivity(activity)
        }
        return serialized(proto)
    }
}

extension ProtoRegister {
    fileprivate init(_ registration: Registration) {
        self.init()
        handle = registration.handle
        password = protoBytes(registration.password)
        deviceName = registration.deviceName
        invitation = registration.invitation
        if let digest = registration.recovery { recovery = protoBytes(digest.words.array) }
    }
}

extension ProtoLogIn {
    fileprivate init(_ registration: Registration) {
        self.init()
        handle = registration.handle
        password = protoBytes(registration.password)
        deviceName = registration.deviceName
    }
}

extension ProtoRecover {
    fileprivate init(_ form: Recovery) {
        self.init()
        handle = form.handle
        code = form.code
        password = protoBytes(form.password)
        deviceName = form.deviceName
        if let digest = form.recovery { recovery = protoBytes(digest.words.array) }
    }
}

extension ProtoSend {
    init(_ message: OutgoingMessage) {
        self.init()
        cmid = protoBytes(message.clientMessageID.bytes)
        switch message.target {
        case .conversation(let id): conversation = id.number
        case .handle(let text): handle = text
        case .newGroup: group = true
        }
        event = ProtoEvent(message.event)
    }
}

extension ProtoWatermark {
    fileprivate init(_ mark: Watermark) {
        self.init()
        conversation = mark.conversation.number
        cseq = mark.sequence.number
    }
}

extension ProtoChangeAccount {
    fileprivate init(_ kind: AccountChange) {
        self.init()
        switch kind {
        case .profile(let value): profile = ProtoProfile(value)
        case .privacy(let value): privacy = ProtoPrivacy(value)
        case .password(let old, let new, let recovery):
            password = .with {
                $0.old = protoBytes(old)
                $0.new = protoBytes(new)
                if let recovery { $0.recovery = protoBytes(recovery.words.array) }
            }
        case .deviceName(let id, let name):
            deviceName = .with {
                $0.device = id.number
                $0.name = name
            }
        case .revokeDevice(let id): revokeDevice = id.number
        case .delete(let password): deleteAccount = protoBytes(password)
        }
    }
}

extension ProtoChangeContact {
    fileprivate init(_ whom: Person, _ kind: ContactChange) {
        self.init()
        person = ProtoPerson(whom)
        switch kind {
        case .request(let greeting): request = greeting
        case .accept: accept = true
        case .decline: decline = true
        case .remove: remove = true
        case .block: block = true
        case .unblock: block = false
        case .alias(let text): alias = text
        }
    }
}

extension ProtoChangeConversation {
    fileprivate init(_ id: ConversationID, _ kind: ConversationChange) {
        self.init()
        conversation = id.number
        switch kind {
        case .pinned(let isPinned): pinned = isPinned
        case .mutedUntil(let time): mutedUntil = time.milliseconds
        case .cleared(let place): cleared = place.number
        case .hidden(let place): hidden = place.number
        }
    }
}

extension ProtoActivity {
    fileprivate init(_ activity: Activity) {
        self.init()
        switch activity {
        case .presence(let state): presence = ProtoPresence.State(state)
        case .typing(let id, let isStopped):
            typing = .with {
                $0.conversation = id.number
                $0.stopped = isStopped
            }
        case .viewing(let id): viewing = id?.number ?? 0
        }
    }
}

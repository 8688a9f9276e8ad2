// Events as bytes and back: inside commands and notices, and as stores keep them.

internal import SwiftProtobuf

extension ConversationEvent {
    /// Returns the event as bytes.
    public func encoded() -> [UInt8] { serialized(ProtoEvent(self)) }

    /// Reads an event from bytes.
    public init(decoding bytes: RawSpan) throws(MalformedMessage) {
        let proto: ProtoEvent = try parsed(bytes)
        do throws(MalformedMessage.Reason) {
            try self.init(proto)
        } catch {
            throw MalformedMessage(request: 0, reason: error)
        }
    }

    init(_ proto: ProtoEvent) throws(MalformedMessage.Reason) {
        switch proto.kind {
        case nil: throw .missing("event.kind")
        case .message(let content): self = .message(try Content(content))
        case .edit(let edit):
            self = .edit(sequence: try place(edit.cseq, "edit.cseq"), try Content(edit.content))
        case .recall(let recall):
            self = .recall(sequence: try place(recall.cseq, "recall.cseq"))
        case .reaction(let reaction):
            self = .reaction(
                Reaction(
                    sequence: try place(reaction.cseq, "reaction.cseq"), text: reaction.text,
                    isWithdrawn: reaction.withdrawn))
        case .created(let form):
            self = .created(
                GroupCreation(
                    name: form.name, members: try people(form.members, "created.members"),
                    isOpen: form.open))
        case .added(let form): self = .added(try people(form.members, "added.members"))
        case .joined: self = .joined
        case .left: self = .left
        case .removed(let form): self = .removed(try Person(form.member))
        case .role(let form):
            self = .role(try Person(form.member), try Role(form.role, "role.role"))
        case .muted(let form): self = .muted(try Person(form.member), seconds: form.seconds)
        case .changed(let form):
            let isOpen: Bool?
            switch form.access {
            case .asItWas: isOpen = nil
            case .closed: isOpen = false
            case .open: isOpen = true
            case .UNRECOGNIZED: throw .forbidden("changed.access")
            }
            self = .changed(GroupChange(name: form.name, isOpen: isOpen))
        case .retention(let form): self = .retention(seconds: form.seconds)
        case .dissolved: self = .dissolved
        case .gone(let form):
            // A reason of a later version: what stood there is gone all the same.
            self = .gone(Gone(rawValue: UInt8(clamping: form.reason.rawValue)) ?? .unknown)
        }
    }
}

private func place(
    _ number: UInt64, _ field: String
) throws(MalformedMessage.Reason) -> ConversationSequence {
    guard number >= 1 else { throw .forbidden(field) }
    return ConversationSequence(number)
}

private func people(
    _ people: [ProtoPerson], _ field: String
) throws(MalformedMessage.Reason) -> [Person] {
    guard people.count <= MessagingLimits.peopleMax else { throw .forbidden(field) }
    var list: [Person] = []
    list.reserveCapacity(people.count)
    for person in people { list.append(try Person(person)) }
    return list
}

extension Content {
    fileprivate init(_ proto: ProtoContent) throws(MalformedMessage.Reason) {
        guard proto.mentions.count <= MessagingLimits.mentionsMax else {
            throw .forbidden("content.mentions")
        }
        self.init(
            contentType: proto.contentType, body: array(proto.body),
            replyTo: .init(proto.replyTo), mentions: proto.mentions.map { .init($0) },
            lifetimeSeconds: proto.lifetime)
    }
}

extension Role {
    init(_ proto: ProtoRole, _ field: String) throws(MalformedMessage.Reason) {
        guard let role = Role(rawValue: UInt8(clamping: proto.rawValue)) else {
            throw .forbidden(field)
        }
        self = role
    }
}

extension ProtoRole {
    init(_ role: Role) { self = ProtoRole(rawValue: Int(role.rawValue)) ?? .member }
}

extension Person {
    init(_ proto: ProtoPerson) throws(MalformedMessage.Reason) {
        guard proto.handle.utf8.count <= MessagingLimits.handleBytes.upperBound else {
            throw .forbidden("person.handle")
        }
        guard proto.account != 0 || !proto.handle.isEmpty else { throw .missing("person") }
        self.init(account: .init(proto.account), handle: proto.handle)
    }
}

extension ProtoPerson {
    init(_ person: Person) {
        self.init()
        account = person.account.number
        handle = person.handle
    }
}

extension ProtoContent {
    fileprivate init(_ content: Content) {
        self.init()
        contentType = content.contentType
        body = protoBytes(content.body)
        replyTo = content.replyTo.number
        mentions = content.mentions.map(\.number)
        lifetime = content.lifetimeSeconds
    }
}

extension ProtoEvent {
    init(_ event: ConversationEvent) {
        self.init()
        switch event {
        case .message(let content): message = ProtoContent(content)
        case .edit(let place, let content):
            edit = .with {
                $0.cseq = place.number
                $0.content = ProtoContent(content)
            }
        case .recall(let place): recall = .with { $0.cseq = place.number }
        case .reaction(let value):
            reaction = .with {
                $0.cseq = value.sequence.number
                $0.text = value.text
                $0.withdrawn = value.isWithdrawn
            }
        case .retention(let seconds): retention = .with { $0.seconds = seconds }
        case .gone(let reason):
            gone = .with { $0.reason = .init(rawValue: Int(reason.rawValue)) ?? .unknown }
        case .created, .added, .joined, .left, .removed, .role, .muted, .changed, .dissolved:
            setGroup(event)
        }
    }

    private mutating func setGroup(_ event: ConversationEvent) {
        switch event {
        case .created(let creation):
            created = .with {
                $0.name = creation.name
                $0.members = creation.members.map(ProtoPerson.init)
                $0.open = creation.isOpen
            }
        case .added(let people):
            added = .with { $0.members = people.map(ProtoPerson.init) }
        case .joined: joined = .init()
        case .left: left = .init()
        case .removed(let person): removed = .with { $0.member = ProtoPerson(person) }
        case .role(let person, let value):
            role = .with {
                $0.member = ProtoPerson(person)
                $0.role = ProtoRole(value)
            }
        case .muted(let person, let seconds):
            muted = .with {
                $0.member = ProtoPerson(person)
                $0.seconds = seconds
            }
        case .changed(let change):
            changed = .with {
                $0.name = change.name
                $0.access = change.isOpen.map { $0 ? .open : .closed } ?? .asItWas
            }
        case .dissolved: dissolved = .init()
        case .message, .edit, .recall, .reaction, .retention, .gone: break
        }
    }
}

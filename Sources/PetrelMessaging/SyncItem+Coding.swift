// What changed of an account, as bytes and back: inside sync pages and pushed changes.

internal import PetrelBase
internal import SwiftProtobuf

extension SyncItem {
    init(_ proto: ProtoSyncItem) throws(MalformedMessage.Reason) {
        let kind: Kind
        switch proto.kind {
        case nil: throw .missing("sync_item.kind")
        case .conversation(let head): kind = .conversation(try ConversationHead(head))
        case .contact(let contact): kind = .contact(try Contact(contact))
        case .account(let state): kind = .account(try AccountState(state))
        }
        self.init(feed: .init(proto.feed), kind: kind)
    }
}

extension ProtoSyncItem {
    init(_ item: SyncItem) {
        self.init()
        feed = item.feed.number
        switch item.kind {
        case .conversation(let head): conversation = ProtoConversationHead(head)
        case .contact(let value): contact = ProtoContact(value)
        case .account(let state): account = ProtoAccountState(state)
        }
    }
}

extension ConversationHead {
    init(_ proto: ProtoConversationHead) throws(MalformedMessage.Reason) {
        let kind: Kind
        switch proto.kind {
        case nil: throw .missing("head.kind")
        case .peer(let person): kind = .peer(try Person(person))
        case .group(let group): kind = .group(try GroupState(group))
        }
        guard proto.settings.hidden.count <= MessagingLimits.hiddenMax else {
            throw .forbidden("settings.hidden")
        }
        self.init(
            conversation: .init(proto.conversation), last: .init(proto.lastCseq),
            first: .init(proto.minCseq), byteCount: proto.bytes,
            delivered: .init(proto.delivered), readByPeer: .init(proto.readByPeer),
            read: .init(proto.read),
            settings: ConversationSettings(
                isPinned: proto.settings.pinned,
                mutedUntil: WallTime(milliseconds: proto.settings.mutedUntil),
                cleared: .init(proto.settings.cleared),
                hidden: proto.settings.hidden.map { .init($0) }),
            retentionSeconds: proto.retention, kind: kind)
    }
}

extension GroupState {
    fileprivate init(_ proto: ProtoGroup) throws(MalformedMessage.Reason) {
        guard let standing = Standing(rawValue: UInt8(clamping: proto.standing.rawValue)) else {
            throw .forbidden("group.standing")
        }
        self.init(
            name: proto.name, membersCount: proto.members,
            role: try Role(proto.role, "group.role"), standing: standing, isOpen: proto.open,
            isLarge: proto.large, mutedUntil: WallTime(milliseconds: proto.mutedUntil))
    }
}

extension ProtoConversationHead {
    init(_ head: ConversationHead) {
        self.init()
        conversation = head.conversation.number
        lastCseq = head.last.number
        minCseq = head.first.number
        bytes = head.byteCount
        delivered = head.delivered.number
        readByPeer = head.readByPeer.number
        read = head.read.number
        if head.settings != ConversationSettings() {
            settings = .with {
                $0.pinned = head.settings.isPinned
                $0.mutedUntil = head.settings.mutedUntil.milliseconds
                $0.cleared = head.settings.cleared.number
                $0.hidden = head.settings.hidden.map(\.number)
            }
        }
        retention = head.retentionSeconds
        switch head.kind {
        case .peer(let person): peer = ProtoPerson(person)
        case .group(let state):
            group = .with {
                $0.name = state.name
                $0.members = state.membersCount
                $0.role = ProtoRole(state.role)
                $0.standing = .init(rawValue: Int(state.standing.rawValue)) ?? .member
                $0.open = state.isOpen
                $0.large = state.isLarge
                $0.mutedUntil = state.mutedUntil.milliseconds
            }
        }
    }
}

extension Contact {
    fileprivate init(_ proto: ProtoContact) throws(MalformedMessage.Reason) {
        guard let state = State(rawValue: UInt8(clamping: proto.state.rawValue)) else {
            throw .forbidden("contact.state")
        }
        self.init(
            person: try Person(proto.person), state: state, isBlocked: proto.blocked,
            alias: proto.alias, greeting: proto.greeting, profile: Profile(proto.profile))
    }
}

extension ProtoContact {
    fileprivate init(_ contact: Contact) {
        self.init()
        person = ProtoPerson(contact.person)
        state = .init(rawValue: Int(contact.state.rawValue)) ?? .none
        blocked = contact.isBlocked
        alias = contact.alias
        greeting = contact.greeting
        profile = ProtoProfile(contact.profile)
    }
}

extension AccountState {
    fileprivate init(_ proto: ProtoAccountState) throws(MalformedMessage.Reason) {
        guard proto.devices.count <= MessagingLimits.devicesMax else {
            throw .forbidden("account_state.devices")
        }
        self.init(
            profile: Profile(proto.profile), privacy: try Privacy(proto.privacy),
            devices: proto.devices.map {
                DeviceState(
                    device: .init($0.device), name: $0.name,
                    created: WallTime(milliseconds: $0.created),
                    connected: WallTime(milliseconds: $0.connected))
            },
            bytesUsed: proto.bytesUsed, bytesMax: proto.bytesMax,
            hasRecovery: proto.hasRecovery_p)
    }
}

extension ProtoAccountState {
    fileprivate init(_ state: AccountState) {
        self.init()
        profile = ProtoProfile(state.profile)
        privacy = ProtoPrivacy(state.privacy)
        devices = state.devices.map { device in
            .with {
                $0.device = device.device.number
                $0.name = device.name
                $0.created = device.created.milliseconds
                $0.connected = device.connected.milliseconds
            }
        }
        bytesUsed = state.bytesUsed
        bytesMax = state.bytesMax
        hasRecovery_p = state.hasRecovery
    }
}

extension Profile {
    init(_ proto: ProtoProfile) { self.init(name: proto.name, about: proto.about) }
}

extension ProtoProfile {
    init(_ profile: Profile) {
        self.init()
        name = profile.name
        about = profile.about
    }
}

extension Privacy {
    init(_ proto: ProtoPrivacy) throws(MalformedMessage.Reason) {
        guard let presence = Audience(rawValue: UInt8(clamping: proto.presence.rawValue)),
            let lastSeen = Audience(rawValue: UInt8(clamping: proto.lastSeen.rawValue)),
            let receipts = Audience(rawValue: UInt8(clamping: proto.receipts.rawValue))
        else { throw .forbidden("privacy") }
        self.init(presence: presence, lastSeen: lastSeen, receipts: receipts)
    }
}

extension ProtoPrivacy {
    init(_ privacy: Privacy) {
        self.init()
        presence = .init(rawValue: Int(privacy.presence.rawValue)) ?? .contacts
        lastSeen = .init(rawValue: Int(privacy.lastSeen.rawValue)) ?? .contacts
        receipts = .init(rawValue: Int(privacy.receipts.rawValue)) ?? .contacts
    }
}

extension PresenceState {
    init(_ proto: ProtoPresence.State, _ field: String) throws(MalformedMessage.Reason) {
        guard let state = PresenceState(rawValue: UInt8(clamping: proto.rawValue)) else {
            throw .forbidden(field)
        }
        self = state
    }
}

extension ProtoPresence.State {
    init(_ state: PresenceState) { self = .init(rawValue: Int(state.rawValue)) ?? .offline }
}

// Notices as bytes (Protocol/petrel.proto).

internal import PetrelBase
internal import SwiftProtobuf

extension Notice {
    /// Returns the notice as bytes.
    public func encoded() -> [UInt8] {
        var proto = ProtoNotice()
        proto.request = request
        switch kind {
        case .welcome(let welcome): proto.welcome = ProtoWelcome(welcome)
        case .stranger(let stranger):
            proto.stranger = .with {
                $0.revoked = stranger.isRevoked
                $0.needsInvitation = stranger.needsInvitation
            }
        case .refusal(let refusal): proto.refusal = ProtoRefusal(refusal)
        case .verdict(let verdict): proto.verdict = ProtoVerdict(verdict)
        case .message(let pushed):
            proto.message = .with {
                $0.record = ProtoRecord(pushed.record)
                $0.feed = pushed.feed.number
                $0.previousFeed = pushed.previousFeed.number
            }
        case .receipt(let receipt): proto.receipt = ProtoReceipt(receipt)
        case .syncPage(let page):
            proto.syncPage = .with {
                $0.incarnation = page.incarnation
                $0.snapshot = page.snapshot.number
                $0.cursor = page.cursor.number
                $0.remaining = page.remaining
                $0.items = page.items.map(ProtoSyncItem.init)
                $0.large = page.large.map(ProtoConversationHead.init)
                $0.largeRemain = page.largeRemain
            }
        case .page(let page):
            proto.page = .with {
                $0.conversation = page.conversation.number
                $0.records = page.records.map(ProtoRecord.init)
                $0.unavailable = page.unavailable.map(\.number)
                $0.complete = page.isComplete
            }
        case .done, .change, .digest, .invitation, .card, .members, .presences, .typing:
            proto.setLater(kind)
        }
        return serialized(proto)
    }
}

extension ProtoNotice {
    /// Sets what is told besides messages and their sync.
    fileprivate mutating func setLater(_ kind: Notice.Kind) {
        switch kind {
        case .done: done = ProtoDone()
        case .change(let pushed):
            change = .with {
                $0.item = ProtoSyncItem(pushed.item)
                $0.feed = pushed.item.feed.number
                $0.previousFeed = pushed.previousFeed.number
            }
        case .digest(let id, let last):
            digest = .with {
                $0.conversation = id.number
                $0.lastCseq = last.number
            }
        case .invitation(let code, let expires):
            invitation = .with {
                $0.code = code
                $0.expires = expires.milliseconds
            }
        case .card(let value):
            card = .with {
                $0.account = value.person.account.number
                $0.handle = value.person.handle
                $0.profile = ProtoProfile(value.profile)
            }
        case .members(let page):
            members = .with {
                $0.conversation = page.conversation.number
                $0.members = page.members.map(ProtoMember.init)
                $0.complete = page.isComplete
            }
        case .presences(let list):
            presences = .with { $0.entries = list.map(ProtoPresence.init) }
        case .typing(let notice):
            typing = .with {
                $0.conversation = notice.conversation.number
                $0.account = notice.account.number
                $0.stopped = notice.isStopped
            }
        case .welcome, .stranger, .refusal, .verdict, .message, .receipt, .syncPage, .page: break
        }
    }
}

extension ProtoMember {
    fileprivate init(_ member: GroupMember) {
        self.init()
        person = ProtoPerson(member.person)
        name = member.name
        role = ProtoRole(member.role)
        mutedUntil = member.mutedUntil.milliseconds
        delivered = member.delivered.number
        read = member.read.number
    }
}

extension ProtoPresence {
    fileprivate init(_ presence: Presence) {
        self.init()
        account = presence.account.number
        state = ProtoPresence.State(presence.state)
        lastSeen = presence.lastSeen.milliseconds
        devices = presence.devicesCount
    }
}

extension ProtoWelcome {
    fileprivate init(_ welcome: Welcome) {
        self.init()
        account = welcome.account.number
        device = welcome.device.number
        handle = welcome.handle
        incarnation = welcome.incarnation
        feed = welcome.feed.number
        time = welcome.time.milliseconds
    }
}

extension ProtoRefusal {
    fileprivate init(_ refusal: Refusal) {
        self.init()
        code = refusal.code
        reason = refusal.reason
        retryAfter = UInt32(clamping: refusal.retryAfter.nanoseconds / 1_000_000)
        limit = refusal.limit
        if let id = refusal.clientMessageID { cmid = protoBytes(id.bytes) }
    }
}

extension ProtoVerdict {
    fileprivate init(_ verdict: Verdict) {
        self.init()
        cmid = protoBytes(verdict.clientMessageID.bytes)
        conversation = verdict.conversation.number
        cseq = verdict.sequence.number
        time = verdict.time.milliseconds
        feed = verdict.feed.number
        previousFeed = verdict.previousFeed.number
        peer = verdict.peer.number
        peerHandle = verdict.peerHandle
    }
}

extension ProtoRecord {
    fileprivate init(_ record: MessageRecord) {
        self.init()
        conversation = record.conversation.number
        cseq = record.sequence.number
        sender = record.sender.number
        senderDevice = record.senderDevice.number
        senderHandle = record.senderHandle
        cmid = protoBytes(record.clientMessageID.bytes)
        time = record.time.milliseconds
        event = ProtoEvent(record.event)
    }
}

extension ProtoReceipt {
    fileprivate init(_ receipt: Receipt) {
        self.init()
        conversation = receipt.conversation.number
        account = receipt.account.number
        delivered = receipt.delivered.number
        read = receipt.read.number
        feed = receipt.feed.number
        previousFeed = receipt.previousFeed.number
    }
}

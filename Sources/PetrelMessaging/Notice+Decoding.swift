// Notices from bytes (Protocol/petrel.proto): what comes out follows the rules and the limits.

internal import PetrelBase
internal import SwiftProtobuf

extension Notice {
    /// Reads a notice from bytes.
    public init(decoding bytes: RawSpan) throws(MalformedMessage) {
        let proto: ProtoNotice = try parsed(bytes)
        do throws(MalformedMessage.Reason) {
            self.init(request: proto.request, kind: try Kind(proto))
        } catch {
            throw MalformedMessage(request: proto.request, reason: error)
        }
    }
}

extension Notice.Kind {
    fileprivate init(_ proto: ProtoNotice) throws(MalformedMessage.Reason) {
        switch proto.kind {
        case nil: throw .missing("notice.kind")
        case .welcome(let welcome): self = .welcome(try Welcome(welcome))
        case .stranger(let stranger):
            self = .stranger(
                Stranger(
                    isRevoked: stranger.revoked, needsInvitation: stranger.needsInvitation))
        case .refusal(let refusal): self = .refusal(try Refusal(refusal))
        case .verdict(let verdict): self = .verdict(try Verdict(verdict))
        case .message(let pushed):
            guard pushed.hasRecord else { throw .missing("message.record") }
            self = .message(
                PushedMessage(
                    record: try MessageRecord(pushed.record), feed: .init(pushed.feed),
                    previousFeed: .init(pushed.previousFeed)))
        case .receipt(let receipt): self = .receipt(Receipt(receipt))
        case .syncPage(let page): self = .syncPage(try SyncPage(page))
        case .page(let page): self = .page(try Page(page))
        case .done: self = .done
        case .change(let change):
            guard change.hasItem else { throw .missing("change.item") }
            var item = try SyncItem(change.item)
            item.feed = .init(change.feed)
            self = .change(PushedChange(item: item, previousFeed: .init(change.previousFeed)))
        case .digest(let digest):
            self = .digest(.init(digest.conversation), last: .init(digest.lastCseq))
        case .invitation(let invitation):
            self = .invitation(
                code: invitation.code, expires: WallTime(milliseconds: invitation.expires))
        case .card(let card):
            let person = Person(
                account: .init(card.account), handle: try checkedHandle(card.handle, "card"))
            self = .card(Card(person: person, profile: Profile(card.profile)))
        case .members(let page): self = .members(try MembersPage(page))
        case .presences(let list): self = .presences(try Presence.list(list))
        case .typing(let typing):
            self = .typing(
                TypingNotice(
                    conversation: .init(typing.conversation), account: .init(typing.account),
                    isStopped: typing.stopped))
        }
    }
}

extension Receipt {
    fileprivate init(_ proto: ProtoReceipt) {
        self.init(
            conversation: .init(proto.conversation), account: .init(proto.account),
            delivered: .init(proto.delivered), read: .init(proto.read),
            feed: .init(proto.feed), previousFeed: .init(proto.previousFeed))
    }
}

extension MembersPage {
    fileprivate init(_ proto: ProtoMembers) throws(MalformedMessage.Reason) {
        guard proto.members.count <= MessagingLimits.membersPageMax else {
            throw .forbidden("members.members")
        }
        var members: [GroupMember] = []
        members.reserveCapacity(proto.members.count)
        for member in proto.members {
            members.append(
                GroupMember(
                    person: try Person(member.person), name: member.name,
                    role: try Role(member.role, "member.role"),
                    mutedUntil: WallTime(milliseconds: member.mutedUntil),
                    delivered: .init(member.delivered), read: .init(member.read)))
        }
        self.init(
            conversation: .init(proto.conversation), members: members,
            isComplete: proto.complete)
    }
}

extension Presence {
    fileprivate static func list(
        _ proto: ProtoPresences
    ) throws(MalformedMessage.Reason) -> [Presence] {
        guard proto.entries.count <= MessagingLimits.presencesMax else {
            throw .forbidden("presences.entries")
        }
        var list: [Presence] = []
        list.reserveCapacity(proto.entries.count)
        for entry in proto.entries {
            list.append(
                Presence(
                    account: .init(entry.account),
                    state: try PresenceState(entry.state, "presence.state"),
                    lastSeen: WallTime(milliseconds: entry.lastSeen),
                    devicesCount: entry.devices))
        }
        return list
    }
}

extension Welcome {
    fileprivate init(_ proto: ProtoWelcome) throws(MalformedMessage.Reason) {
        self.init(
            account: .init(proto.account), device: .init(proto.device),
            handle: try checkedHandle(proto.handle, "welcome.handle"),
            incarnation: proto.incarnation,
            feed: .init(proto.feed), time: WallTime(milliseconds: proto.time))
    }
}

extension Refusal {
    fileprivate init(_ proto: ProtoRefusal) throws(MalformedMessage.Reason) {
        guard proto.reason.utf8.count <= MessagingLimits.reasonBytesMax else {
            throw .forbidden("refusal.reason")
        }
        let cmid = array(proto.cmid)
        let id = ClientMessageID(bytes: cmid)
        guard cmid.isEmpty || id != nil else { throw .forbidden("refusal.cmid") }
        self.init(
            code: proto.code, reason: proto.reason,
            retryAfter: .milliseconds(Int64(proto.retryAfter)), clientMessageID: id,
            limit: proto.limit)
    }
}

extension Verdict {
    fileprivate init(_ proto: ProtoVerdict) throws(MalformedMessage.Reason) {
        guard let id = ClientMessageID(bytes: array(proto.cmid)) else {
            throw .forbidden("verdict.cmid")
        }
        guard proto.cseq >= 1 else { throw .forbidden("verdict.cseq") }
        self.init(
            clientMessageID: id, conversation: .init(proto.conversation),
            sequence: .init(proto.cseq), time: WallTime(milliseconds: proto.time),
            feed: .init(proto.feed), previousFeed: .init(proto.previousFeed),
            peer: .init(proto.peer),
            peerHandle: try checkedHandle(proto.peerHandle, "verdict.peer_handle"))
    }
}

extension MessageRecord {
    fileprivate init(_ proto: ProtoRecord) throws(MalformedMessage.Reason) {
        guard let id = ClientMessageID(bytes: array(proto.cmid)) else {
            throw .forbidden("record.cmid")
        }
        guard proto.cseq >= 1 else { throw .forbidden("record.cseq") }
        guard proto.hasEvent else { throw .missing("record.event") }
        let event = try ConversationEvent(proto.event)
        guard event.bodyByteCount <= MessagingLimits.bodyBytesMax else {
            throw .forbidden("record.event")
        }
        self.init(
            conversation: .init(proto.conversation), sequence: .init(proto.cseq),
            sender: .init(proto.sender), senderDevice: .init(proto.senderDevice),
            senderHandle: try checkedHandle(proto.senderHandle, "record.sender_handle"),
            clientMessageID: id, time: WallTime(milliseconds: proto.time),
            event: event)
    }
}

extension SyncPage {
    fileprivate init(_ proto: ProtoSyncPage) throws(MalformedMessage.Reason) {
        guard proto.items.count <= MessagingLimits.syncHeadsMax else {
            throw .forbidden("sync_page.items")
        }
        guard proto.large.count <= MessagingLimits.largeHeadsMax else {
            throw .forbidden("sync_page.large")
        }
        var items: [SyncItem] = []
        items.reserveCapacity(proto.items.count)
        for item in proto.items { items.append(try SyncItem(item)) }
        var large: [ConversationHead] = []
        for head in proto.large { large.append(try ConversationHead(head)) }
        self.init(
            incarnation: proto.incarnation, snapshot: .init(proto.snapshot),
            cursor: .init(proto.cursor), remaining: proto.remaining, items: items, large: large,
            largeRemain: proto.largeRemain)
    }
}

extension Page {
    fileprivate init(_ proto: ProtoPage) throws(MalformedMessage.Reason) {
        guard proto.records.count <= MessagingLimits.pageRecordsMax else {
            throw .forbidden("page.records")
        }
        guard proto.unavailable.count <= MessagingLimits.pageUnavailableMax else {
            throw .forbidden("page.unavailable")
        }
        var records: [MessageRecord] = []
        records.reserveCapacity(proto.records.count)
        for record in proto.records {
            guard record.conversation == proto.conversation else {
                throw .forbidden("record.conversation")
            }
            records.append(try MessageRecord(record))
        }
        self.init(
            conversation: .init(proto.conversation), records: records,
            unavailable: proto.unavailable.map { .init($0) }, isComplete: proto.complete)
    }
}

/// Handles in notices are normalised already; empty where the server knows none.
private func checkedHandle(
    _ text: String, _ field: String
) throws(MalformedMessage.Reason) -> String {
    guard text.utf8.count <= MessagingLimits.handleBytes.upperBound else {
        throw .forbidden(field)
    }
    return text
}

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
        case .stranger: self = .stranger
        case .refusal(let refusal): self = .refusal(try Refusal(refusal))
        case .verdict(let verdict): self = .verdict(try Verdict(verdict))
        case .message(let pushed):
            guard pushed.hasRecord else { throw .missing("message.record") }
            self = .message(
                PushedMessage(
                    record: try MessageRecord(pushed.record), feed: .init(pushed.feed),
                    previousFeed: .init(pushed.previousFeed)))
        case .receipt(let receipt):
            self = .receipt(
                Receipt(
                    conversation: .init(receipt.conversation), account: .init(receipt.account),
                    sequence: .init(receipt.cseq), feed: .init(receipt.feed),
                    previousFeed: .init(receipt.previousFeed)))
        case .syncPage(let page): self = .syncPage(try SyncPage(page))
        case .page(let page): self = .page(try Page(page))
        }
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
            retryAfter: .milliseconds(Int64(proto.retryAfter)), clientMessageID: id)
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
        guard proto.contentType.utf8.count <= MessagingLimits.contentTypeBytesMax else {
            throw .forbidden("record.content_type")
        }
        guard proto.body.count <= MessagingLimits.bodyBytesMax else {
            throw .forbidden("record.body")
        }
        self.init(
            conversation: .init(proto.conversation), sequence: .init(proto.cseq),
            sender: .init(proto.sender), senderDevice: .init(proto.senderDevice),
            senderHandle: try checkedHandle(proto.senderHandle, "record.sender_handle"),
            clientMessageID: id, time: WallTime(milliseconds: proto.time),
            contentType: proto.contentType, body: array(proto.body))
    }
}

extension SyncPage {
    fileprivate init(_ proto: ProtoSyncPage) throws(MalformedMessage.Reason) {
        guard proto.heads.count <= MessagingLimits.syncHeadsMax else {
            throw .forbidden("sync_page.heads")
        }
        var heads: [ConversationHead] = []
        heads.reserveCapacity(proto.heads.count)
        for head in proto.heads {
            heads.append(
                ConversationHead(
                    conversation: .init(head.conversation), feed: .init(head.feed),
                    last: .init(head.lastCseq), first: .init(head.minCseq),
                    peer: .init(head.peer),
                    peerHandle: try checkedHandle(head.peerHandle, "head.peer_handle"),
                    delivered: .init(head.delivered)))
        }
        self.init(
            incarnation: proto.incarnation, snapshot: .init(proto.snapshot),
            cursor: .init(proto.cursor), remaining: proto.remaining, heads: heads)
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

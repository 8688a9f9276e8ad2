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
        case .stranger: proto.stranger = ProtoStranger()
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
                $0.heads = page.heads.map(ProtoConversationHead.init)
            }
        case .page(let page):
            proto.page = .with {
                $0.conversation = page.conversation.number
                $0.records = page.records.map(ProtoRecord.init)
                $0.unavailable = page.unavailable.map(\.number)
                $0.complete = page.isComplete
            }
        }
        return serialized(proto)
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
        contentType = record.contentType
        body = protoBytes(record.body)
    }
}

extension ProtoReceipt {
    fileprivate init(_ receipt: Receipt) {
        self.init()
        conversation = receipt.conversation.number
        account = receipt.account.number
        cseq = receipt.sequence.number
        feed = receipt.feed.number
        previousFeed = receipt.previousFeed.number
    }
}

extension ProtoConversationHead {
    fileprivate init(_ head: ConversationHead) {
        self.init()
        conversation = head.conversation.number
        feed = head.feed.number
        lastCseq = head.last.number
        minCseq = head.first.number
        peer = head.peer.number
        peerHandle = head.peerHandle
        delivered = head.delivered.number
    }
}

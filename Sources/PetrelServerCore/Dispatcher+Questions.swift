// Questions: answered from a snapshot, without a place in the order of the device's messages.

internal import PetrelBase
internal import PetrelMessaging
internal import PetrelServices
internal import PetrelWire

extension ServerCore {
    mutating func answerSync(_ request: SyncRequest, _ asked: Asked) throws(Refused) {
        try requireRoom(asked.handle)
        let page = try SyncService.changes(request, for: asked.principal, store: store)
        tell(
            .syncPage(page), request: asked.request, to: asked.handle, as: .reliable,
            now: asked.now)
    }

    mutating func answerPull(
        _ conversation: ConversationID, from: UInt64, to: UInt64, order: MessageRequest.Order,
        _ asked: Asked
    ) throws(Refused) {
        try requireRoom(asked.handle)
        let page = try SyncService.page(
            of: conversation, from: from, to: to, order: order, for: asked.principal,
            store: store)
        tell(.page(page), request: asked.request, to: asked.handle, as: .reliable, now: asked.now)
    }

    mutating func answerMembers(
        _ conversation: ConversationID, after account: AccountID, _ asked: Asked
    ) throws(Refused) {
        try requireRoom(asked.handle)
        let page = try SyncService.members(
            of: conversation, after: account, for: asked.principal, store: store)
        tell(
            .members(page), request: asked.request, to: asked.handle, as: .reliable,
            now: asked.now)
    }

    /// Pages are large: a client that does not take them gets no more of them.
    private func requireRoom(_ handle: Handle) throws(Refused) {
        guard hasRoom(handle) else { throw Refused(.busy, retryAfter: .milliseconds(500)) }
    }
}

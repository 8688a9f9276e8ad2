// Sends: each gets its place in the order of its device, or is refused in that order.

internal import PetrelBase
internal import PetrelCrypto
internal import PetrelMessaging
internal import PetrelServices

#if PETREL_PLANTED
    internal import PetrelWire
#endif

extension ServerCore {
    /// Submits an event, unless an earlier one of the device must come first.
    mutating func send(_ message: OutgoingMessage, _ asked: Asked) {
        let cmid = message.clientMessageID
        let handle = asked.handle
        do throws(Refused) {
            if let blocking = sessions[handle].state.blockedBy, blocking.cmid != cmid {
                throw Refused(StoreFailure.busy)
            }
            try sends.take(asked.principal.account, configuration.sends, now: asked.now)
            // Who knows the number of an open group may join it: nobody may foresee one.
            let append = try MessageService.admit(
                message, from: asked.principal, digest: Self.digest(message.identityBytes()),
                newConversation: ConversationID(SecureRandom().next()), wall: asked.wall,
                store: store)
            try submit(
                .appendMessage(append),
                .message(handle, request: asked.request, asked.principal, cmid))
            #if PETREL_PLANTED
                if PlantedBug.verdictBeforeCommit.isActive { tellEarly(append, asked) }
            #endif
            sessions[handle].state.blockedBy = nil
        } catch {
            block(handle, cmid, asked.request, after: error)
            refuse(error, request: asked.request, cmid: cmid, to: handle, now: asked.now)
        }
    }

    #if PETREL_PLANTED
        private mutating func tellEarly(_ append: AppendMessage, _ asked: Asked) {
            guard case .conversation(let id) = append.target,
                let head = try? store.head(of: id, for: asked.principal.account),
                case .peer(let peer) = head.kind
            else { return }
            let verdict = Verdict(
                clientMessageID: append.clientMessageID, conversation: id,
                sequence: ConversationSequence(head.last.number + 1), time: append.time,
                feed: .init(0), previousFeed: .init(0), peer: peer.account,
                peerHandle: peer.handle)
            tell(
                .verdict(verdict), request: asked.request, to: asked.handle, as: .durable,
                now: asked.now)
        }
    #endif

    /// Lets later messages follow one that is committed.
    ///
    /// The refusal of an earlier copy may come after a later copy was taken in, while the disk is
    /// slow; nobody repeats the message then.
    mutating func unblock(_ handle: Handle, _ cmid: ClientMessageID) {
        guard sessions.contains(handle), sessions[handle].state.blockedBy?.cmid == cmid else {
            return
        }
        sessions[handle].state.blockedBy = nil
    }

    /// Keeps later messages of the session behind one that was refused for now.
    ///
    /// Of several, the client begins again with the one that it sent first. That may be one whose
    /// refusal comes last: it waited for the disk, while a later one was refused at the door.
    mutating func block(
        _ handle: Handle, _ cmid: ClientMessageID, _ request: UInt64, after refusal: Refused
    ) {
        #if PETREL_PLANTED
            if PlantedBug.orderLostAfterRefusal.isActive { return }
        #endif
        let blocking = sessions[handle].state.blockedBy
        switch refusal.error {
        case .busy, .storageFull, .tooFast:
            #if PETREL_PLANTED
                if PlantedBug.laterRefusalBlocks.isActive, blocking != nil { return }
            #endif
            if request < blocking?.request ?? .max {
                sessions[handle].state.blockedBy = .init(cmid: cmid, request: request)
            }
        default:
            if blocking?.cmid == cmid { sessions[handle].state.blockedBy = nil }
        }
    }
}

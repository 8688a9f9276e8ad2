// The connection IDs of sessions: spare ones are handed out, retired ones forgotten.

internal import PetrelBase
internal import PetrelCrypto
internal import PetrelTransport
internal import PetrelWire

extension ServerCore {
    /// Forgets the IDs that the client has retired, and gives its session new ones.
    mutating func exchangeConnectionIDs(_ handle: Handle) {
        while let id = sessions[handle].session.takeRetiredConnectionID() { table.remove(id) }
        while sessions[handle].session.wantsConnectionID {
            let id = newConnectionID()
            let token = admission.resetKey.token(of: id)
            guard let token = ResetToken(exactly: token.bytes) else { return }
            table.insert(id, handle)
            sessions[handle].session.offer(connectionID: id, resetToken: token)
        }
    }

    /// Nothing is found under the session's IDs any more.
    mutating func forgetConnectionIDs(_ handle: Handle) {
        while let id = sessions[handle].session.takeRetiredConnectionID() { table.remove(id) }
        for i in 0..<sessions[handle].session.connectionIDsCount {
            table.remove(sessions[handle].session.connectionID(at: i))
        }
    }

    /// Draws an ID that is not in use: worker, generation, 4 random bytes, the mark of these.
    mutating func newConnectionID() -> UInt64 {
        let prefix = UInt64(configuration.worker) << 56 | UInt64(configuration.generation) << 48
        while true {
            let id = admission.resetKey.marked(prefix | (random.next() >> 32) << 16)
            // With a million IDs a collision has a chance of one in 2^12: this loop ends.
            if id != 0, table.handle(of: id) == nil, halfOpen.handle(of: id) == nil,
                dormant.handle(of: id) == nil
            {
                return id
            }
        }
    }
}

// Transfers as flows of the scheduler: a chunk is sent when it is the transfer's turn.

internal import PetrelBase
internal import PetrelWire

extension SendQueue {
    /// The band of a transfer.
    func transferBand(_ place: Int) -> Int {
        let policy = classes.policy(of: bulk.transfers[place].deliveryClass)
        return Int(Band.of(priority: policy?.priority ?? 7))
    }

    /// A transfer that has something to send takes its turn.
    mutating func standInFlow(transfer place: Int) {
        guard bulk.hasChunk(place) else { return }
        let deliveryClass = bulk.transfers[place].deliveryClass
        _ = rings.join(transferBand(place), deliveryClass, key: UInt64(place))
    }

    /// Notes that chunks were lost; returns how many bytes of them will be sent again.
    mutating func chunksLost(_ place: Int, generation: UInt16, _ chunks: Range<UInt64>) -> Int {
        let count = bulk.lost(place, generation: generation, chunks)
        if count > 0 { standInFlow(transfer: place) }
        return count * WireLimits.chunkByteCount
    }
}

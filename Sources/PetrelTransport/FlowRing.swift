// Flows that take turns: deficit round robin over the streams of a band.

internal import PetrelBase
internal import PetrelWire

/// What takes turns as one: the messages of a class, one stream of ordered ones, or a transfer.
struct Flow: Sendable {
    var deliveryClass = DeliveryClass.reliable
    /// The stream, or the place of the transfer; 0 otherwise.
    var key: UInt64 = 0
    /// Its messages that have not been sent completely, oldest first.
    var messages = SlotList()
    /// Bytes that it may still send in this turn.
    var deficit = 0
    /// Whether it got its share for this turn.
    var hasTurn = false
    var isUsed = false
    fileprivate var next = SlotList.none
}

/// The flows of one session, and for each band a ring of those that have something.
struct FlowRings: Sendable {
    /// Bytes that a flow may send in a turn: as much as a packet, so that none waits in vain.
    static let quantum = WireLimits.datagramByteCountMax

    private struct Ring {
        var first = SlotList.none
        var last = SlotList.none
    }

    private(set) var flows: [Flow] = []
    private var free: [UInt16] = []
    private var rings = InlineArray<3, Ring>(repeating: Ring())

    /// The flow whose turn it is; `nil` if the band has none.
    func first(_ band: Int) -> UInt16? {
        rings[band].first == SlotList.none ? nil : rings[band].first
    }

    /// The flow behind that one; `nil` behind the last.
    func next(_ flow: UInt16) -> UInt16? {
        flows[Int(flow)].next == SlotList.none ? nil : flows[Int(flow)].next
    }

    subscript(flow: UInt16) -> Flow {
        _read { yield flows[Int(flow)] }
        _modify { yield &flows[Int(flow)] }
    }

    /// The flow with that name in a band; it joins the ring, at its end, if it is not there.
    ///
    /// - Complexity: O(flows of the band).
    mutating func join(_ band: Int, _ deliveryClass: DeliveryClass, key: UInt64) -> UInt16 {
        var place = rings[band].first
        while place != SlotList.none {
            let flow = flows[Int(place)]
            if flow.key == key, flow.deliveryClass == deliveryClass { return place }
            place = flow.next
        }
        if free.isEmpty {
            free.append(UInt16(flows.count))
            flows.append(Flow())
        }
        let flow = free.removeLast()
        flows[Int(flow)] = Flow(deliveryClass: deliveryClass, key: key, isUsed: true)
        appendToRing(flow, band)
        return flow
    }

    /// The first flow of the band goes to the end; its turn is over.
    mutating func pass(_ band: Int) {
        guard let flow = popFirst(band) else { return }
        flows[Int(flow)].hasTurn = false
        appendToRing(flow, band)
    }

    /// The first flow of the band has nothing more, and is forgotten.
    mutating func drop(_ band: Int) {
        guard let flow = popFirst(band) else { return }
        flows[Int(flow)].isUsed = false
        free.append(flow)
    }

    /// Gives the first flow of the band its share, once in a turn.
    mutating func beginTurn(_ flow: UInt16) {
        guard !flows[Int(flow)].hasTurn else { return }
        flows[Int(flow)].hasTurn = true
        flows[Int(flow)].deficit += Self.quantum
    }

    private mutating func popFirst(_ band: Int) -> UInt16? {
        guard let flow = first(band) else { return nil }
        rings[band].first = flows[Int(flow)].next
        if rings[band].first == SlotList.none { rings[band].last = SlotList.none }
        flows[Int(flow)].next = SlotList.none
        return flow
    }

    private mutating func appendToRing(_ flow: UInt16, _ band: Int) {
        flows[Int(flow)].next = SlotList.none
        if rings[band].last == SlotList.none {
            rings[band].first = flow
        } else {
            flows[Int(rings[band].last)].next = flow
        }
        rings[band].last = flow
    }
}

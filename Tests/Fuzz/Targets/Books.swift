// What was sent in one direction, to compare with what arrives.

import PetrelWire

/// All messages of one direction: each arrives once and as it was sent, durable ones in order.
struct Books {
    private struct Name: Hashable {
        var kind: DeliveryClass
        var number: UInt64
    }

    private var open: [Name: [UInt8]] = [:]
    private var arrived: Set<Name> = []
    private var acknowledged: Set<Name> = []
    private var drafts = 0
    /// What became of messages that were given up or expired.
    private var over: Set<Name> = []
    /// The numbers of each stream that may still arrive, oldest first.
    private var streams: [UInt64: [UInt64]] = [:]
    private var nextDurable: UInt64 = 0
    /// Durable messages that were passed over: they must have been given up.
    private var mayMiss: Set<UInt64> = []
    /// The values of each key, oldest first, without those that are too old to arrive now.
    private var values: [UInt64: [[UInt8]]] = [:]

    /// A message like no other, as far as its length allows.
    mutating func draft(_ byteCount: Int) -> [UInt8] {
        drafts += 1
        let mark = drafts
        return (0..<byteCount).map {
            UInt8(truncatingIfNeeded: $0 & 1 == 0 ? mark &+ $0 / 256 : mark / 256 &+ $0)
        }
    }

    mutating func sent(_ message: [UInt8], _ kind: DeliveryClass, _ number: UInt64) throws {
        let name = Name(kind: kind, number: number)
        try hold(open.updateValue(message, forKey: name) == nil, "\(kind) \(number) given twice")
    }

    mutating func sent(_ message: [UInt8], _ number: UInt64, stream: UInt64) throws {
        try sent(message, .ordered, number)
        streams[stream, default: []].append(number)
    }

    /// The owner is told that the peer does not have it.
    mutating func givenUp(_ kind: DeliveryClass, _ number: UInt64) throws {
        let name = Name(kind: kind, number: number)
        try hold(open[name] != nil, "\(kind) \(number), never sent, is given up")
        try hold(over.insert(name).inserted, "\(kind) \(number) given up twice")
        try hold(!arrived.contains(name), "\(kind) \(number) given up, though it arrived")
        try hold(!acknowledged.contains(name), "\(kind) \(number) given up and acknowledged")
    }

    mutating func delivered(_ message: [UInt8], _ number: UInt64, stream: UInt64) throws {
        try delivered(message, .ordered, number)
        guard let place = streams[stream, default: []].firstIndex(of: number) else {
            throw Finding(description: "message \(number) of stream \(stream) too late")
        }
        streams[stream]?.removeFirst(place + 1)
    }

    mutating func sent(_ value: [UInt8], key: UInt64) { values[key, default: []].append(value) }

    /// A value arrives: one that was sent, and a newer one than the last that arrived.
    mutating func delivered(_ value: [UInt8], key: UInt64) throws {
        guard let place = values[key, default: []].firstIndex(of: value) else {
            throw Finding(description: "an old or unknown value of key \(key)")
        }
        values[key]?.removeFirst(place + 1)
    }

    mutating func delivered(_ message: [UInt8], _ kind: DeliveryClass, _ number: UInt64) throws {
        let name = Name(kind: kind, number: number)
        try hold(arrived.insert(name).inserted, "\(kind) \(number) delivered twice")
        guard let sent = open[name] else {
            throw Finding(description: "\(kind) \(number) was never sent")
        }
        try hold(sent == message, "\(kind) \(number) arrives changed")
        try hold(!over.contains(name), "\(kind) \(number) arrives after it was given up")
        guard kind == .durable else { return }
        while over.contains(Name(kind: .durable, number: nextDurable)) { nextDurable += 1 }
        try hold(number >= nextDurable, "durable \(number) before \(nextDurable)")
        for missing in nextDurable..<number { mayMiss.insert(missing) }
        nextDurable = number + 1
    }

    mutating func acknowledged(_ kind: DeliveryClass, _ number: UInt64) throws {
        let name = Name(kind: kind, number: number)
        try hold(open[name] != nil, "\(kind) \(number), never sent, is acknowledged")
        try hold(acknowledged.insert(name).inserted, "\(kind) \(number) acknowledged twice")
        // A durable message may stand in line behind one that is still missing.
        try hold(
            kind == .durable || kind == .ordered || arrived.contains(name),
            "acknowledged before it arrived")
    }

    /// All that may not be lost has arrived.
    func hasAll() throws {
        for number in mayMiss {
            try hold(over.contains(Name(kind: .durable, number: number)), "\(number) left out")
        }
        for name in open.keys where !over.contains(name) {
            try hold(arrived.contains(name), "\(name.kind) \(name.number) never arrives")
            try hold(acknowledged.contains(name), "\(name.kind) \(name.number) unacknowledged")
        }
    }
}

// The handshake counters that were accepted lately: a HELLO is answered once, whoever repeats it.

import PetrelBase
import PetrelMessaging

/// The highest counter accepted from each of the latest device keys; the oldest keys go first.
///
/// What is forgotten here is still in the store if the device is known; a stranger's repeated HELLO
/// opens a session that only the stranger can confirm.
struct CounterTable {
    /// Has exactly the keys that `order` has.
    private var counters: [DeviceKey: UInt64] = [:]
    private var order: RingBuffer<DeviceKey>

    init(capacity: Int) { order = RingBuffer(capacity: capacity) }

    /// The highest counter accepted from that key; 0 if none is remembered.
    func counter(of key: DeviceKey) -> UInt64 { counters[key] ?? 0 }

    /// Remembers that `counter` was accepted.
    mutating func raise(_ key: DeviceKey, to counter: UInt64) {
        if counters[key] == nil {
            if order.isFull, let oldest = order.popFirst() { counters[oldest] = nil }
            _ = order.append(key)
        }
        counters[key] = max(counter, counters[key] ?? 0)
    }
}

// A bounded queue through which other threads reach the thread of an event loop.

import CPetrelLinux
import Glibc
import PetrelBase
import Synchronization

/// Values on their way from any thread to the one that runs an `EventLoop`.
///
/// The loop watches `descriptor`; when it is readable, its handler calls `drain`.
public final class Mailbox<Element: Sendable>: Sendable {
    /// Readable while there may be something to drain.
    public let descriptor: Int32
    private let queue: Mutex<RingBuffer<Element>>

    /// Creates an empty mailbox for up to `capacity` values.
    ///
    /// - Throws: `SystemError` if the kernel has no descriptors left.
    public init(capacity: Int) throws(SystemError) {
        descriptor = petrel_event_descriptor()
        queue = Mutex(RingBuffer(capacity: capacity))
        guard descriptor >= 0 else { throw SystemError(call: "eventfd") }
    }

    deinit { close(descriptor) }

    /// Adds a value and wakes the loop; returns `false`, adding nothing, if the mailbox is full.
    public func post(_ element: Element) -> Bool {
        let (isAdded, wasEmpty) = queue.withLock { queue in
            let wasEmpty = queue.isEmpty
            return (queue.append(element), wasEmpty)
        }
        // Who fills an empty mailbox wakes the loop; who adds to it knows that somebody did.
        if isAdded && wasEmpty { ring() }
        return isAdded
    }

    /// Moves all values, oldest first, to the end of `elements`.
    ///
    /// Only the thread of the loop may call this.
    public func drain(into elements: inout [Element]) {
        // Silence first: a value posted after the queue was emptied rings again.
        var rings: UInt64 = 0
        _ = read(descriptor, &rings, MemoryLayout<UInt64>.size)
        queue.withLock { queue in
            while let element = queue.popFirst() { elements.append(element) }
        }
    }

    private func ring() {
        var one: UInt64 = 1
        // Fails only if 2^64 - 2 rings were not heard, when the descriptor is readable anyway.
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }
}

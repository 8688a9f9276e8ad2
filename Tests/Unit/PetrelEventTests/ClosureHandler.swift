// A handler made of closures, so that each test says next to its loop what should happen.

import PetrelBase
import PetrelEvent

/// Calls a closure for each kind of event.
final class ClosureHandler: EventHandler {
    var onReadable: (Int32, Instant) -> Void = { _, _ in }
    var onWritable: (Int32, Instant) -> Void = { _, _ in }
    var onDue: (Instant) -> Void = { _ in }
    var onSignal: (Int32, Instant) -> Void = { _, _ in }

    func readable(_ descriptor: Int32, now: Instant) { onReadable(descriptor, now) }
    func writable(_ descriptor: Int32, now: Instant) { onWritable(descriptor, now) }
    func due(now: Instant) { onDue(now) }
    func signalled(_ number: Int32, now: Instant) { onSignal(number, now) }
}

/// How long a test waits for something that must happen before it gives up.
let patience = Interval.seconds(10)

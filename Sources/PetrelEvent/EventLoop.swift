// One thread's loop: descriptors, signals and a single deadline, over one libevent base.

import CEvent
import Glibc
public import PetrelBase

/// Who is told when something happens in an `EventLoop`.
///
/// Each method has an empty default: implement those whose events were asked for. `now` is read
/// once per wakeup; all calls of one wakeup get the same.
public protocol EventHandler: AnyObject {
    /// The watched `descriptor` can be read.
    func readable(_ descriptor: Int32, now: Instant)
    /// The watched `descriptor` can be written to again, after `awaitRoom`.
    func writable(_ descriptor: Int32, now: Instant)
    /// The deadline given to `wake` has come; it is not set any more.
    func due(now: Instant)
    /// The process received the watched signal `number`.
    func signalled(_ number: Int32, now: Instant)
}

extension EventHandler {
    public func readable(_ descriptor: Int32, now: Instant) {}
    public func writable(_ descriptor: Int32, now: Instant) {}
    public func due(now: Instant) {}
    public func signalled(_ number: Int32, now: Instant) {}
}

/// A libevent base with one owner: the thread that runs it.
///
/// Nothing here is safe to call from another thread; others reach the loop through a `Mailbox`. The
/// loop keeps its handlers alive; a handler that owns its loop calls `forgetAll` when it is done.
public final class EventLoop {
    private struct Watch {
        var handler: any EventHandler
        /// The persistent event for reading, or for a signal.
        var arrival: OpaquePointer
        /// The one-shot event for writing, once it was needed.
        var room: OpaquePointer?
    }

    private let base: OpaquePointer
    private var timer: OpaquePointer?
    private var watches: [Int32: Watch] = [:]
    private var signalWatches: [Int32: Watch] = [:]
    private var timekeeper: (any EventHandler)?
    private var deadline = Instant.distantFuture
    private var wakeup: Instant?
    private var isStopping = false

    /// Creates a loop that watches nothing.
    ///
    /// - Throws: `SystemError` if the kernel has no descriptors left.
    public init() throws(SystemError) {
        // Precise timers, because a pacer thinks in fractions of the coarse clock's 4 ms tick.
        let configuration = event_config_new()
        event_config_set_flag(configuration, Int32(EVENT_BASE_FLAG_PRECISE_TIMER.rawValue))
        let created = event_base_new_with_config(configuration)
        let error = SystemError(call: "event_base_new")
        event_config_free(configuration)
        guard let created else { throw error }
        base = created
    }

    deinit {
        forgetAll()
        event_base_free(base)
    }

    /// The present moment of `CLOCK_MONOTONIC`.
    public static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Tells `handler` whenever `descriptor` can be read, until `forget`.
    ///
    /// The descriptor must be forgotten before it is closed.
    ///
    /// - Throws: `SystemError` if the descriptor cannot be watched.
    public func watch(_ descriptor: Int32, with handler: any EventHandler) throws(SystemError) {
        forget(descriptor)
        let event = try add(descriptor, Int32(EV_READ) | Int32(EV_PERSIST))
        watches[descriptor] = Watch(handler: handler, arrival: event)
    }

    /// Tells the handler of `descriptor` once, as soon as it can be written to.
    ///
    /// - Throws: `SystemError` if the descriptor cannot be watched.
    /// - Precondition: the descriptor is watched.
    public func awaitRoom(_ descriptor: Int32) throws(SystemError) {
        guard let watch = watches[descriptor] else {
            preconditionFailure("awaitRoom for a descriptor that is not watched")
        }
        guard let room = watch.room else {
            watches[descriptor]?.room = try add(descriptor, Int32(EV_WRITE))
            return
        }
        guard event_add(room, nil) == 0 else { throw SystemError(call: "event_add") }
    }

    /// Tells nobody about `descriptor` any more; nothing happens if it is not watched.
    public func forget(_ descriptor: Int32) {
        guard let watch = watches.removeValue(forKey: descriptor) else { return }
        free(watch)
    }

    /// Tells nothing of what arrives at `descriptor` until `resume`; it goes on being watched.
    ///
    /// - Precondition: the descriptor is watched.
    public func pause(_ descriptor: Int32) {
        guard let watch = watches[descriptor] else {
            preconditionFailure("pause for a descriptor that is not watched")
        }
        event_del(watch.arrival)
    }

    /// Tells again of what arrives at `descriptor`, at once if something waits there.
    ///
    /// - Throws: `SystemError` if the descriptor cannot be watched.
    /// - Precondition: the descriptor is watched.
    public func resume(_ descriptor: Int32) throws(SystemError) {
        guard let watch = watches[descriptor] else {
            preconditionFailure("resume for a descriptor that is not watched")
        }
        guard event_add(watch.arrival, nil) == 0 else { throw SystemError(call: "event_add") }
    }

    /// Tells `handler` whenever the process receives the signal `number`, for example `SIGTERM`.
    ///
    /// libevent can do this for one loop of a process at a time.
    ///
    /// - Throws: `SystemError` if the signal cannot be caught.
    public func watchSignal(
        _ number: Int32, with handler: any EventHandler
    ) throws(SystemError) {
        if let watch = signalWatches.removeValue(forKey: number) { free(watch) }
        let event = try add(number, Int32(EV_SIGNAL) | Int32(EV_PERSIST))
        signalWatches[number] = Watch(handler: handler, arrival: event)
    }

    /// Tells `handler` at `instant`, or at once if it has passed; replaces the deadline before.
    ///
    /// There is one deadline in a loop: the earliest of all that its owner waits for.
    /// `.distantFuture` means none.
    public func wake(_ handler: any EventHandler, at instant: Instant) {
        timekeeper = handler
        guard instant != deadline else { return }
        deadline = instant
        arm()
    }

    /// Lets go of all descriptors, signals, handlers and the deadline.
    public func forgetAll() {
        for descriptor in watches.keys { forget(descriptor) }
        for watch in signalWatches.values { free(watch) }
        signalWatches.removeAll()
        if let timer { event_free(timer) }
        timer = nil
        timekeeper = nil
        deadline = .distantFuture
    }

    /// Waits for events and tells the handlers, until `stop` or until nothing is watched.
    ///
    /// - Throws: `SystemError` if waiting itself fails.
    public func run() throws(SystemError) {
        defer { isStopping = false }
        while !isStopping {
            wakeup = nil
            let outcome = event_base_loop(base, EVLOOP_ONCE)
            wakeup = nil
            guard outcome >= 0 else { throw SystemError(call: "event_base_loop") }
            guard outcome == 0 else { return }
        }
    }

    /// Ends `run` after the handler that calls this; before `run`, makes the next one return.
    public func stop() {
        isStopping = true
        event_base_loopbreak(base)
    }
}

extension EventLoop {
    /// The moment of this wakeup; outside one, the present.
    private var wakeupNow: Instant {
        if let wakeup { return wakeup }
        let now = EventLoop.now
        wakeup = now
        return now
    }

    private func add(_ descriptor: Int32, _ what: Int32) throws(SystemError) -> OpaquePointer {
        let context = Unmanaged.passUnretained(self).toOpaque()
        let event = event_new(base, descriptor, Int16(what), eventHappened, context)
        guard let event else { throw SystemError(call: "event_new") }
        guard event_add(event, nil) == 0 else {
            let error = SystemError(call: "event_add")
            event_free(event)
            throw error
        }
        return event
    }

    private func free(_ watch: Watch) {
        event_free(watch.arrival)
        if let room = watch.room { event_free(room) }
    }

    /// Sets the timer to `deadline`; rounds up, so that it is never early by a rounding.
    private func arm() {
        if timer == nil {
            let context = Unmanaged.passUnretained(self).toOpaque()
            timer = event_new(base, -1, 0, eventHappened, context)
        }
        guard let timer else { return }
        guard deadline != .distantFuture else {
            event_del(timer)
            return
        }
        // Inside a wakeup libevent counts from its own cached time, which is the wakeup's.
        let wait = max(.zero, deadline - (wakeup ?? EventLoop.now))
        let microseconds = wait.nanoseconds / 1_000 + (wait.nanoseconds % 1_000 == 0 ? 0 : 1)
        var time = timeval(
            tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
        event_add(timer, &time)
    }

    fileprivate func happened(_ what: Int32, on descriptor: Int32) {
        let now = wakeupNow
        if what & Int32(EV_TIMEOUT) != 0 { return timerFired(now: now) }
        if what & Int32(EV_SIGNAL) != 0 {
            signalWatches[descriptor]?.handler.signalled(descriptor, now: now)
            return
        }
        if what & Int32(EV_READ) != 0 {
            watches[descriptor]?.handler.readable(descriptor, now: now)
        }
        if what & Int32(EV_WRITE) != 0 {
            watches[descriptor]?.handler.writable(descriptor, now: now)
        }
    }

    private func timerFired(now: Instant) {
        // The wakeup's time may have been read just before the timer ran out.
        guard deadline <= now || deadline <= EventLoop.now else { return arm() }
        let reached = max(now, deadline)
        deadline = .distantFuture
        timekeeper?.due(now: reached)
    }
}

private let eventHappened: event_callback_fn = { descriptor, what, context in
    guard let context else { return }
    Unmanaged<EventLoop>.fromOpaque(context).takeUnretainedValue()
        .happened(Int32(what), on: descriptor)
}

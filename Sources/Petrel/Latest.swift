// The newest value of something, for any number of tasks that wait for a newer one.

import Synchronization

/// A value that one thread replaces and any task follows.
///
/// Who is slow misses values in between, never the newest one: nothing queues up.
final class Latest<Value: Sendable>: Sendable {
    fileprivate struct State {
        var value: Value
        var version: UInt64 = 0
        var isFinished = false
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var waitersMade: UInt64 = 0
    }

    private let state: Mutex<State>

    init(_ value: Value) { state = Mutex(State(value: value)) }

    var value: Value { state.withLock { $0.value } }

    /// Replaces the value and wakes all who wait; nothing happens after `finish`.
    func publish(_ value: Value) { update { $0 = value } }

    /// Changes the value and wakes all who wait; nothing happens after `finish`.
    func update(_ body: (inout Value) -> Void) {
        let woken = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard !state.isFinished else { return [] }
            body(&state.value)
            state.version += 1
            return state.takeWaiters()
        }
        for waiter in woken { waiter.resume() }
    }

    /// Says that no other value will come.
    func finish() {
        let woken = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.isFinished = true
            return state.takeWaiters()
        }
        for waiter in woken { waiter.resume() }
    }

    /// Waits for a value newer than that of `version` (`nil`: any), which may be there already.
    ///
    /// Returns `nil` when none will come, or when the task is cancelled.
    func next(after version: UInt64?) async -> (value: Value, version: UInt64)? {
        while !Task.isCancelled {
            let (value, current, isFinished) = state.withLock {
                ($0.value, $0.version, $0.isFinished)
            }
            if current != version { return (value, current) }
            if isFinished { return nil }
            await wait(after: current)
        }
        return nil
    }

    private func wait(after version: UInt64) async {
        let id = state.withLock { state in
            state.waitersMade += 1
            return state.waitersMade
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
                let mustWait = state.withLock { state in
                    // Cancelled before it was listed: nobody would wake it.
                    guard state.version == version, !state.isFinished, !Task.isCancelled else {
                        return false
                    }
                    state.waiters[id] = waiter
                    return true
                }
                if !mustWait { waiter.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}

extension Latest.State {
    mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
        let taken = Array(waiters.values)
        waiters.removeAll()
        return taken
    }
}

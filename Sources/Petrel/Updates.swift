// What changes, as a sequence: for every loop that follows it.

/// The values of something that changes: the present one first, then each newer one.
///
/// Who is slow misses values in between, never the newest. Ends when the client is closed.
public struct Updates<Value: Sendable>: AsyncSequence, Sendable {
    public typealias Element = Value
    public typealias Failure = Never

    /// A value that is newer than a version (`nil`: any), once there is one; `nil` at the end.
    let newer: @Sendable (_ version: UInt64?) async -> (value: Value, version: UInt64)?

    init(latest: Latest<Value>) {
        newer = { await latest.next(after: $0) }
    }

    /// Views of what `signal` tells the changes of, each made when a loop asks for it.
    ///
    /// `view` is also given the version that the loop saw before, `nil` for none; it may return
    /// `nil` where there is nothing to show, and the loop waits on.
    init<Signal: Sendable>(
        of signal: Latest<Signal>,
        _ view: @escaping @Sendable (Signal, _ before: UInt64?) -> Value?
    ) {
        newer = { version in
            var version = version
            while let next = await signal.next(after: version) {
                if let value = view(next.value, version) { return (value, next.version) }
                version = next.version
            }
            return nil
        }
    }

    /// Follows the values of one loop.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let newer: @Sendable (UInt64?) async -> (value: Value, version: UInt64)?
        var version: UInt64?

        public mutating func next() async -> Value? {
            guard let (value, version) = await newer(version) else { return nil }
            self.version = version
            return value
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(newer: newer) }
}

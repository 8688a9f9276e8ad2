// What changes, as a sequence: for every loop that follows a `Latest`.

/// The values of something that changes: the present one first, then each newer one.
///
/// Who is slow misses values in between, never the newest. Ends when the client is closed.
public struct Updates<Value: Sendable>: AsyncSequence, Sendable {
    public typealias Element = Value
    public typealias Failure = Never

    let latest: Latest<Value>

    /// Follows the values of one loop.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let latest: Latest<Value>
        var version: UInt64?

        public mutating func next() async -> Value? {
            guard let (value, version) = await latest.next(after: version) else { return nil }
            self.version = version
            return value
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(latest: latest) }
}

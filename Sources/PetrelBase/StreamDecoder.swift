// Takes the datagrams out of a byte stream, each behind its length (Protocol/transport.md §3.2).

/// The peer of a stream announced a datagram that cannot be: nothing behind it can be found.
public struct StreamMalformed: Error, Equatable, Sendable {
    /// The length that stands where one is due.
    public var length: Int

    /// Creates the error of a length.
    public init(length: Int) { self.length = length }
}

/// Collects one datagram of a stream at a time, however the bytes come.
///
///     length u16 | datagram | length u16 | datagram ...
///
/// Holds one datagram at most, whatever is announced.
public struct StreamDecoder: Sendable {
    /// The length and what has come of the datagram behind it.
    private var bytes: [UInt8] = []
    /// How many bytes there must be for the next step.
    private var wanted = Self.lengthByteCount

    private let byteCountMax: Int

    /// Creates a decoder for the beginning of a stream of datagrams of that length at most.
    public init(byteCountMax: Int) {
        precondition(1...Int(UInt16.max) ~= byteCountMax)
        self.byteCountMax = byteCountMax
    }

    /// Bytes of the length before each datagram.
    public static let lengthByteCount = 2

    /// Whether the datagram is whole, for `withDatagram`; `removeDatagram` must follow.
    public var isWhole: Bool {
        wanted > Self.lengthByteCount && bytes.count == wanted
    }

    /// Whether a datagram has begun and is not whole.
    public var isInside: Bool { !bytes.isEmpty && !isWhole }

    /// Takes in bytes of `input`, up to the end of the datagram at most; returns how many.
    ///
    /// - Precondition: no datagram is whole.
    /// - Throws: `StreamMalformed` at a length of 0 or above the most; the stream must end then.
    public mutating func take(_ input: RawSpan) throws(StreamMalformed) -> Int {
        precondition(!isWhole)
        var taken = 0
        while taken < input.byteCount, !isWhole {
            let count = min(wanted - bytes.count, input.byteCount - taken)
            let part = input.extracting(taken..<taken + count)
            unsafe part.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
            taken += count
            if bytes.count == Self.lengthByteCount { wanted = try end() }
        }
        return taken
    }

    /// Lends the datagram, to be read or changed in place.
    ///
    /// - Precondition: it is whole.
    public mutating func withDatagram<Result>(
        _ body: (inout MutableRawSpan) -> Result
    ) -> Result {
        precondition(isWhole)
        var span = bytes.mutableSpan
        var all = unsafe span.mutableBytes
        var datagram = all._mutatingExtracting(
            Self.lengthByteCount..<all.byteCount)
        return body(&datagram)
    }

    /// Goes on to the next datagram.
    public mutating func removeDatagram() {
        bytes.removeAll(keepingCapacity: true)
        wanted = Self.lengthByteCount
    }

    /// Where the datagram ends whose length has come.
    private func end() throws(StreamMalformed) -> Int {
        let length = Int(bytes[0]) << 8 | Int(bytes[1])
        guard 1...byteCountMax ~= length else {
            throw StreamMalformed(length: length)
        }
        return Self.lengthByteCount + length
    }
}

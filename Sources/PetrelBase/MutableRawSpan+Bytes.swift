// Single bytes of borrowed room, bounds checked: for headers that are masked in place.

extension MutableRawSpan {
    /// Returns the byte at `offset`.
    ///
    /// - Precondition: `offset` lies within the span.
    @inlinable
    public func byte(at offset: Int) -> UInt8 {
        unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// Replaces the byte at `offset` by its exclusive or with `mask`.
    ///
    /// - Precondition: `offset` lies within the span.
    @inlinable
    public mutating func mask(at offset: Int, with mask: UInt8) {
        storeBytes(of: byte(at: offset) ^ mask, toByteOffset: offset, as: UInt8.self)
    }
}

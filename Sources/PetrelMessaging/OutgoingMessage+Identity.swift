// What a repetition of a message must repeat, as bytes for a digest.

extension OutgoingMessage {
    /// Target, content type and body without ambiguity; equal exactly for repetitions.
    ///
    /// A handle counts in its normal form, so that another spelling is no conflict.
    public func identityBytes() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(body.count + contentType.utf8.count + 48)
        switch target {
        case .conversation(let id):
            bytes.append(1)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: id.number >> UInt64(shift)))
            }
        case .handle(let typed):
            bytes.append(2)
            appendCounted(AccountHandle(typed)?.text ?? typed, to: &bytes)
        }
        appendCounted(contentType, to: &bytes)
        bytes.append(contentsOf: body)
        return bytes
    }

    private func appendCounted(_ text: String, to bytes: inout [UInt8]) {
        let count = UInt32(truncatingIfNeeded: text.utf8.count)
        for shift in stride(from: 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: count >> UInt32(shift)))
        }
        bytes.append(contentsOf: text.utf8)
    }
}

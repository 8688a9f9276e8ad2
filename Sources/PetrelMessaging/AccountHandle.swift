// The name that people type for an account: one spelling for each, so that it can be a key.

/// A handle in its normal form: lower case, starting with a letter, 3 to 32 of `a-z 0-9 . _ -`.
///
/// ASCII for now: other scripts need a decision about characters that look alike.
public struct AccountHandle: Hashable, Sendable {
    /// The normalised text.
    public let text: String

    /// Creates the handle from what somebody typed; `nil` if it cannot be one.
    public init?(_ typed: String) {
        var bytes: [UInt8] = []
        for byte in typed.utf8 {
            guard bytes.count < MessagingLimits.handleBytes.upperBound else { return nil }
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): bytes.append(byte | 0x20)
            case UInt8(ascii: "a")...UInt8(ascii: "z"): bytes.append(byte)
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                guard !bytes.isEmpty else { return nil }
                bytes.append(byte)
            default: return nil
            }
        }
        guard bytes.count >= MessagingLimits.handleBytes.lowerBound else { return nil }
        text = String(decoding: bytes, as: UTF8.self)
    }
}

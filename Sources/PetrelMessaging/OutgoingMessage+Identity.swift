// What a repetition of a message must repeat, as bytes for a digest.

internal import SwiftProtobuf

extension OutgoingMessage {
    /// Target and event without ambiguity; equal exactly for repetitions.
    ///
    /// A handle counts in its normal form, so that another spelling is no conflict. These are the
    /// bytes that this implementation would send: fields of a later version do not count.
    public func identityBytes() -> [UInt8] {
        var repetition = self
        if case .handle(let typed) = target {
            repetition.target = .handle(AccountHandle(typed)?.text ?? typed)
        }
        var proto = ProtoSend(repetition)
        proto.cmid = protoBytes([])
        return serialized(proto)
    }
}

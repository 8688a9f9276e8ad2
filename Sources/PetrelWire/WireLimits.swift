// The constants of the transport protocol, all of them (Protocol/transport.md §2).

/// Numbers that both sides must agree on, fixed by the version of the protocol.
public enum WireLimits {
    /// The version that this code speaks.
    public static let version: UInt32 = 1
    /// Bytes of a connection ID towards the server.
    public static let serverConnectionIDByteCount = 8
    /// Bytes of a connection ID towards the client.
    public static let clientConnectionIDByteCount = 4
    /// Bytes of the authentication tag behind every sealed payload.
    public static let tagByteCount = 16
    /// Bytes of the sample that header protection is made of (RFC 9001 §5.4.2).
    public static let sampleByteCount = 16
    /// The longest truncated packet number.
    public static let packetNumberByteCountMax = 4
    /// The largest datagram that is sent without path MTU discovery (RFC 9000 §14).
    public static let datagramByteCountMax = 1_200
    /// The largest datagram that is sent at all: what Ethernet carries of IPv6.
    public static let probedDatagramByteCountMax = 1_452
    /// The largest datagram that is accepted.
    public static let receivedDatagramByteCountMax = 1_500
    /// The smallest data packet towards the server: an answer with a challenge is never larger.
    public static let serverDatagramByteCountMin = 40
    /// Every HELLO is padded to this at least, so that no answer to it is larger.
    public static let helloByteCount = 256
    /// The longest HELLO: one that carries messages.
    public static let helloByteCountMax = datagramByteCountMax
    /// Bytes of the frames in a HELLO: a half-open session stays below 1 KiB with them.
    public static let earlyByteCountMax = 384
    /// Messages in a HELLO: a frame has 4 bytes at least.
    public static let earlyMessagesMax = earlyByteCountMax / 4
    /// Bytes of the descriptions of all operator's classes together, in an ACCEPT.
    public static let classesByteCountMax = 112
    /// Classes that an operator can define.
    public static let classesMax = 8
    /// Bytes of a HELLO or ACCEPT before its Noise message: form, version, connection ID (ACCEPT).
    public static let helloHeaderByteCount = 5
    /// Bytes of an ACCEPT before its Noise message.
    public static let acceptHeaderByteCount = 9
    /// Every RETRY has this many bytes: form, version, nonce, sealed cookie.
    public static let retryByteCount = 61
    /// Bytes of a RETRY before its nonce.
    public static let retryHeaderByteCount = 5
    /// The shortest RESET: as short as the shortest data packet towards a client.
    public static let resetByteCountMin = 32
    /// The longest RESET: shorter than any packet that is answered with one.
    public static let resetByteCountMax = serverDatagramByteCountMin - 1
    /// Bytes of each of the two message authentication codes that end a HELLO.
    public static let macByteCount = 16
    /// Bytes of a fragment; only the last one of a message is shorter.
    public static let fragmentByteCount = 1_024
    /// Fragments of the longest message.
    public static let fragmentsMax = 64
    /// Fragments that one PARITY covers, at most.
    public static let parityGroupMax = 8
    /// PARITY frames that a receiver keeps until they help, at most.
    public static let paritiesMax = 8
    /// Bytes of the longest message.
    public static let messageByteCountMax = fragmentByteCount * fragmentsMax
    /// Unfinished messages of more than one fragment that a sender may have under way.
    public static let partialMessagesMax = 8
    /// How far the number of a message may be ahead of the lowest one not acknowledged.
    public static let messageWindow: UInt64 = 512
    /// Bytes of the longest transfer of the bulk kind.
    public static let transferByteCountMax: UInt64 = 1 << 40
    /// Bytes of a chunk of a transfer; only the last one is shorter.
    public static let chunkByteCount = 128
    /// How far a chunk of a transfer may be ahead of the lowest one not received.
    public static let chunkWindow: UInt64 = 8_192
    /// Transfers of one direction at a time.
    public static let transfersMax = 4
    /// Ranges in an ACK frame.
    public static let ackRangesMax = 64
    /// Bytes of a CLOSE frame's reason.
    public static let closeReasonByteCountMax = 128
    /// The longest interval that a KEEPALIVE can announce, in seconds.
    public static let keepaliveSecondsMax: UInt64 = 0xFFFF
    /// The longest that an ACK_POLICY can ask for, in milliseconds.
    public static let patienceMillisecondsMax: UInt64 = 200
    /// Keys of ephemeral messages that a receiver tells apart.
    public static let ephemeralKeysMax = 32
    /// The unit of the delay in ACK frames, in microseconds.
    public static let ackDelayUnitMicroseconds: Int64 = 8
}

// How a session behaves, and how much one peer may cost: every limit of a session, with its unit.

public import PetrelBase
public import PetrelWire

/// The settings of a session: a plain value, checked once by `validated()`.
///
/// A limit that two sides must agree on is in `WireLimits` or a transport parameter.
public struct SessionConfiguration: Equatable, Sendable {
    /// Largest datagram that is sent if the path carries it, in bytes; 1,200 for no search.
    public var datagramByteCountMax = WireLimits.probedDatagramByteCountMax
    /// Whether packets are marked for ECN, as long as the path takes that well.
    public var marksPackets = true
    /// Messages that wait or are under way towards the peer.
    public var queuedMessagesMax = 512
    /// Bytes of messages that wait or are under way towards the peer.
    public var queuedByteCountMax = 2 * 1_024 * 1_024
    /// Ack-eliciting packets under way.
    public var packetsInFlightMax = 512
    /// Bytes of ack-eliciting packets under way; a session that carries files may have 1 MiB.
    public var bytesInFlightMax = 128 * 1_024
    /// What decides how much of that is used.
    public var congestionAlgorithm = CongestionAlgorithm.gale
    /// Message bytes that the peer may have under way or waiting for earlier ones.
    public var receiveCredit = 192 * 1_024
    /// Longest that an acknowledgement of message data is held back, to ride on an answer.
    public var messageAckDelay = Interval.milliseconds(1)
    /// Longest that any other acknowledgement is held back.
    public var ackDelayMax = Interval.milliseconds(10)
    /// A client that sent nothing for this long says that it is alive.
    public var keepaliveInterval = Interval.seconds(20)
    /// Silence after which the session is over: half an hour after the longest keepalive interval.
    public var idleTimeout = Interval.seconds(2_400)
    /// Silence after which a session is over that cannot sleep, if that is earlier.
    public var restlessTimeout = Interval.infinite
    /// A client that sent nothing for this long asks under which address it is seen, with the next
    /// packet that asks for an answer anyway.
    public var asksAddressAfter = Interval.infinite
    /// An ephemeral message that could not be sent for this long is dropped.
    public var ephemeralAgeMax = Interval.milliseconds(100)
    /// Changes of the peer's address followed within a minute.
    public var addressMovesPerMinuteMax = 8
    /// The rules of loss recovery that are on.
    public var recoveryRules = RecoveryRules.all
    /// Whether small messages travel more than once before anything is known to be lost.
    public var redundancy = Redundancy.none
    /// Bytes of copies sent in a second, at most.
    public var copyBytesPerSecondMax = 8_000
    /// A server's own delivery classes, which it tells its clients.
    public var classes: [ClassPolicy] = []
    /// The TCP port that a server tells its clients; `nil` if it takes no connections.
    public var tcpPort: UInt16?
    /// Whether the states of messages on their way are told, too.
    public var reportsProgress = false
    /// Connection IDs under which the peer may reach this side, the one in use included.
    public var connectionIDsMax = 3
    /// A client that sent nothing for this long goes on to another connection ID.
    public var rotatesIDAfter = Interval.seconds(20)
    /// Packets in either direction after which the keys are renewed.
    public var keyUpdatePackets: UInt64 = 100_000
    /// Use of a key after which it is renewed; an idle session is not woken for that.
    public var keyUpdateInterval = Interval.seconds(600)
    /// Packets that could not be opened after which the keys are renewed (RFC 9001 §6.6).
    public var keyUpdateFailedOpens: UInt64 = 1 << 24
    /// Whether trace events are collected.
    public var isTracing = false
    /// Whether the traffic secrets are handed out for a key log.
    public var revealsSecrets = false

    /// Creates the defaults.
    public init() {}

    /// A setting outside its bounds.
    public struct Invalid: Error, Equatable, Sendable {
        /// The name of the setting.
        public var name: String
        /// What would be accepted.
        public var accepted: String
    }

    /// Returns the settings, or throws at the first that is out of bounds.
    public func validated() throws(Invalid) -> SessionConfiguration {
        try check(
            "datagram_byte_count_max", 1_200...1_452 ~= datagramByteCountMax, "1200...1452")
        try check("queued_messages_max", 1...4_096 ~= queuedMessagesMax, "1...4096")
        try check("queued_byte_count_max", queuedByteCountMax >= 65_536, "65536 or more")
        try check("packets_in_flight_max", 16...512 ~= packetsInFlightMax, "16...512")
        try check(
            "bytes_in_flight_max", 12_000...1_048_576 ~= bytesInFlightMax, "12000...1048576")
        try check("receive_credit", receiveCredit >= 65_536, "65536 or more")
        try check("ack_delay_max", ackDelayMax <= .milliseconds(25), "25 ms or less")
        try check("message_ack_delay", messageAckDelay <= ackDelayMax, "ack_delay_max or less")
        try check("connection_ids_max", 1...4 ~= connectionIDsMax, "1...4")
        try check("key_update_packets", 16...(1 << 24) ~= keyUpdatePackets, "16...16777216")
        try check("key_update_interval", keyUpdateInterval >= .seconds(1), "1 s or more")
        let idle = .seconds(5)...(.seconds(86_400)) ~= idleTimeout
        try check("idle_timeout", idle, "5 s to 1 day")
        try check("restless_timeout", restlessTimeout >= .seconds(5), "5 s or more")
        let keepalive = .seconds(1)...(idleTimeout / 2) ~= keepaliveInterval
        try check("keepalive_interval", keepalive, "1 s to half of idle_timeout")
        if let fault = ClassTable.fault(in: classes) {
            throw Invalid(name: "classes", accepted: fault)
        }
        return self
    }

    /// What the peer is told of these settings.
    var parameters: TransportParameters {
        var parameters = TransportParameters()
        parameters.ackDelayMax = ackDelayMax
        parameters.initialCredit = UInt64(receiveCredit)
        parameters.idleTimeout = idleTimeout
        parameters.classes = classes
        parameters.tcpPort = tcpPort
        return parameters
    }

    private func check(_ name: String, _ holds: Bool, _ accepted: String) throws(Invalid) {
        if !holds { throw Invalid(name: name, accepted: accepted) }
    }
}

// Observations as qlog: a JSON text sequence that the usual viewers read (Protocol/qlog.md).

public import PetrelBase
internal import PetrelWire

/// Writes the trace of one session as a qlog file, record by record.
///
/// qlog 0.3 in its JSON-SEQ form (draft-ietf-quic-qlog-main-schema-06, RFC 7464): one record of
/// bytes for the head, one for each event. Times are milliseconds of the Unix epoch.
public struct QlogEncoder: Sendable {
    /// Whose view of the session it is.
    public enum VantagePoint: String, Sendable {
        /// The client's.
        case client
        /// The server's.
        case server
    }

    private let vantagePoint: VantagePoint
    /// What has to be added to an instant to get the time of the calendar.
    private let clockOffset: Interval

    /// Creates an encoder; at the instant `now` it is `wall` on the calendar.
    public init(_ vantagePoint: VantagePoint, now: Instant, wall: WallTime) {
        self.vantagePoint = vantagePoint
        clockOffset =
            Interval.milliseconds(wall.milliseconds) - (now - Instant(nanoseconds: 0))
    }

    /// Returns the first record of the session that the server calls `serverConnectionID`.
    public func head(serverConnectionID: UInt64) -> [UInt8] {
        let id = KeyLog.hexadecimal(serverConnectionID)
        return record(
            """
            {"qlog_format":"JSON-SEQ","qlog_version":"0.3","title":"petrel","trace":\
            {"common_fields":{"group_id":"\(id)","protocol_type":["petrel1"],\
            "reference_time":0,"time_format":"absolute"},\
            "vantage_point":{"name":"petrel","type":"\(vantagePoint.rawValue)"}}}
            """)
    }

    /// Returns the records of observations.
    public func events(_ observed: [TimedTraceEvent]) -> [UInt8] {
        var bytes: [UInt8] = []
        for event in observed { bytes += self.event(event) }
        return bytes
    }

    /// Returns the record of one observation.
    public func event(_ observed: TimedTraceEvent) -> [UInt8] {
        let time = Self.milliseconds(observed.time - Instant(nanoseconds: 0) + clockOffset)
        let (name, data) = Self.describe(observed.event)
        return record(#"{"time":\#(time),"name":"\#(name)","data":{\#(data)}}"#)
    }

    /// The name of a session's file: the same at both ends, but for who saw it.
    public func fileName(serverConnectionID: UInt64) -> String {
        "\(KeyLog.hexadecimal(serverConnectionID))_\(vantagePoint.rawValue).sqlog"
    }

    private func record(_ text: String) -> [UInt8] {
        [Self.recordSeparator] + Array(text.utf8) + [Self.lineFeed]
    }

    private static func describe(_ event: TraceEvent) -> (name: String, data: String) {
        switch event {
        case .packetSent(let number, let byteCount, let frameCount, let isProbe):
            (
                "transport:packet_sent",
                packet(number, byteCount) + #","frame_count":\#(frameCount)"#
                    + (isProbe ? #","trigger":"pto_probe""# : "")
            )
        case .packetReceived(let number, let byteCount):
            ("transport:packet_received", packet(number, byteCount))
        case .packetDropped(let reason, let byteCount):
            ("transport:packet_dropped", #""raw":{"length":\#(byteCount)},"trigger":"\#(reason)""#)
        case .packetAcknowledged(let number):
            ("transport:packets_acked", #""packet_numbers":[\#(number)]"#)
        case .packetLost(let number): ("recovery:packet_lost", #""header":\#(header(number))"#)
        case .lossSpurious(let number): ("petrel:loss_spurious", #""header":\#(header(number))"#)
        case .metricsUpdated(let smoothedRTT, let congestionWindow, let bytesInFlight):
            (
                "recovery:metrics_updated",
                #""smoothed_rtt":\#(milliseconds(smoothedRTT)),"#
                    + #""congestion_window":\#(congestionWindow),"#
                    + #""bytes_in_flight":\#(bytesInFlight)"#
            )
        case .datagramSizeChanged(let byteCount):
            ("transport:mtu_updated", #""new":\#(byteCount)"#)
        case .keyUpdated(let generation):
            ("petrel:key_updated", #""generation":\#(generation)"#)
        case .connectionIDRetired(let id):
            (
                "petrel:connection_id_retired",
                #""connection_id":"\#(KeyLog.hexadecimal(id))""#
            )
        case .addressMoved(let address): ("petrel:address_moved", #""remote":"\#(address)""#)
        case .messageQueued(let kind, let number, let byteCount):
            ("petrel:message_queued", message(kind, number) + #","length":\#(byteCount)"#)
        case .messageAcknowledged(let kind, let number):
            ("petrel:message_acknowledged", message(kind, number))
        case .messageReceived(let kind, let number, let byteCount):
            ("petrel:message_received", message(kind, number) + #","length":\#(byteCount)"#)
        case .slept: ("petrel:session_slept", "")
        case .woken(let interval):
            ("petrel:session_woken", #""after":\#(milliseconds(interval))"#)
        case .closed(let reason): ("connectivity:connection_closed", closed(reason))
        }
    }

    private static func packet(_ number: UInt64, _ byteCount: Int) -> String {
        #""header":\#(header(number)),"raw":{"length":\#(byteCount)}"#
    }

    private static func header(_ number: UInt64) -> String {
        #"{"packet_type":"1RTT","packet_number":\#(number)}"#
    }

    private static func message(_ kind: DeliveryClass, _ number: UInt64) -> String {
        #""class":"\#(kind)","number":\#(number)"#
    }

    private static func closed(_ reason: CloseReason) -> String {
        switch reason {
        case .closedByPeer(let code): #""owner":"remote","application_code":\#(code)"#
        case .closedLocally(let code):
            #""owner":"local","trigger":"application","connection_code":\#(code.rawValue)"#
        case .violation(let code):
            #""owner":"local","trigger":"error","connection_code":\#(code.rawValue)"#
        case .reset: #""owner":"remote","trigger":"stateless_reset""#
        case .silent: #""owner":"local","trigger":"idle_timeout""#
        }
    }

    /// Milliseconds with six digits behind the point, as JSON has no integers of 64 bits.
    private static func milliseconds(_ interval: Interval) -> String {
        let (whole, rest) = interval.nanoseconds.magnitude.quotientAndRemainder(
            dividingBy: 1_000_000)
        let digits = String(rest)
        let zeros = String(repeating: "0", count: 6 - digits.count)
        return "\(interval < .zero ? "-" : "")\(whole).\(zeros)\(digits)"
    }

    private static let recordSeparator: UInt8 = 0x1E
    private static let lineFeed: UInt8 = 0x0A
}

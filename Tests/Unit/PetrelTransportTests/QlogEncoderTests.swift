// qlog records: whole JSON objects, names that the documentation has, times of the calendar.

import Foundation
import PetrelBase
import PetrelWire
import Testing

@testable import PetrelTransport

@Suite struct QlogEncoderTests {
    private let encoder = QlogEncoder(
        .server, now: Instant(nanoseconds: 5_000_000_000), wall: WallTime(milliseconds: 90_000))

    /// One of each kind; the compiler asks for the missing one in `QlogEncoder` itself.
    private static let events: [(TraceEvent, name: String, data: String)] = [
        (
            .packetSent(number: 7, byteCount: 90, frameCount: 2, isProbe: true),
            "transport:packet_sent",
            #"{"header":{"packet_type":"1RTT","packet_number":7},"raw":{"length":90},"#
                + #""frame_count":2,"trigger":"pto_probe"}"#
        ),
        (
            .packetReceived(number: .max, byteCount: 33), "transport:packet_received",
            #"{"header":{"packet_type":"1RTT","packet_number":18446744073709551615},"#
                + #""raw":{"length":33}}"#
        ),
        (
            .packetDropped(.replayed, byteCount: 12), "transport:packet_dropped",
            #"{"raw":{"length":12},"trigger":"replayed"}"#
        ),
        (.packetAcknowledged(number: 3), "transport:packets_acked", #"{"packet_numbers":[3]}"#),
        (
            .packetLost(number: 4), "recovery:packet_lost",
            #"{"header":{"packet_type":"1RTT","packet_number":4}}"#
        ),
        (
            .lossSpurious(number: 4), "petrel:loss_spurious",
            #"{"header":{"packet_type":"1RTT","packet_number":4}}"#
        ),
        (
            .metricsUpdated(
                smoothedRTT: Interval(nanoseconds: 20_500_001), congestionWindow: 12_000,
                bytesInFlight: 0),
            "recovery:metrics_updated",
            #"{"smoothed_rtt":20.500001,"congestion_window":12000,"bytes_in_flight":0}"#
        ),
        (
            .datagramSizeChanged(byteCount: 1_452), "transport:mtu_updated",
            #"{"new":1452}"#
        ),
        (.keyUpdated(generation: 2), "petrel:key_updated", #"{"generation":2}"#),
        (
            .connectionIDRetired(0xAB), "petrel:connection_id_retired",
            #"{"connection_id":"00000000000000ab"}"#
        ),
        (
            .addressMoved(Address(v4: 0x7F00_0001, port: 9)), "petrel:address_moved",
            #"{"remote":"127.0.0.1:9"}"#
        ),
        (.slept, "petrel:session_slept", "{}"),
        (
            .woken(after: .milliseconds(600)), "petrel:session_woken",
            #"{"after":600.000000}"#
        ),
        (
            .messageQueued(.durable, number: 1, byteCount: 2), "petrel:message_queued",
            #"{"class":"durable","number":1,"length":2}"#
        ),
        (
            .messageAcknowledged(.reliable, number: 1), "petrel:message_acknowledged",
            #"{"class":"reliable","number":1}"#
        ),
        (
            .messageReceived(.ephemeral, number: 5, byteCount: 0), "petrel:message_received",
            #"{"class":"ephemeral","number":5,"length":0}"#
        ),
        (
            .closed(.violation(.frameMalformed)), "connectivity:connection_closed",
            #"{"owner":"local","trigger":"error","connection_code":16}"#
        ),
    ]

    /// The object of one record, whose framing is checked (RFC 7464).
    private func object(_ record: [UInt8]) throws -> [String: Any] {
        #expect(record.first == 0x1E)
        #expect(record.last == 0x0A)
        #expect(record.dropFirst().dropLast().allSatisfy { $0 >= 0x20 })
        let json = try JSONSerialization.jsonObject(with: Data(record.dropFirst()))
        return try #require(json as? [String: Any])
    }

    @Test func eachEventIsADocumentedRecord() throws {
        let document = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Protocol/qlog.md")
        let documented = try String(contentsOf: document, encoding: .utf8)
        for (event, name, data) in Self.events {
            let time = Instant(nanoseconds: 6_000_250_000)
            let record = encoder.event(TimedTraceEvent(time: time, event: event))
            let text = String(decoding: record.dropFirst().dropLast(), as: UTF8.self)
            #expect(text == #"{"time":91000.250000,"name":"\#(name)","data":\#(data)}"#)
            #expect(try object(record)["name"] as? String == name)
            #expect(documented.contains("| `\(name)` |"), "\(name)")
        }
    }

    @Test(arguments: [
        (CloseReason.closedByPeer(code: 9), #"{"owner":"remote","application_code":9}"#),
        (
            .closedLocally(.replaced),
            #"{"owner":"local","trigger":"application","connection_code":2}"#
        ),
        (.reset, #"{"owner":"remote","trigger":"stateless_reset"}"#),
        (.silent, #"{"owner":"local","trigger":"idle_timeout"}"#),
    ])
    func endings(reason: CloseReason, data: String) {
        let event = TimedTraceEvent(time: Instant(nanoseconds: 0), event: .closed(reason))
        let text = String(decoding: encoder.event(event), as: UTF8.self)
        #expect(text.contains(data))
        #expect(text.contains(#""time":85000.000000"#))
    }

    @Test func theHeadNamesTheSessionAsKeyLogsDo() throws {
        let head = try object(encoder.head(serverConnectionID: 0xAB))
        #expect(head["qlog_version"] as? String == "0.3")
        #expect(head["qlog_format"] as? String == "JSON-SEQ")
        let trace = try #require(head["trace"] as? [String: Any])
        let fields = try #require(trace["common_fields"] as? [String: Any])
        #expect(fields["group_id"] as? String == "00000000000000ab")
        #expect((trace["vantage_point"] as? [String: Any])?["type"] as? String == "server")
        #expect(encoder.fileName(serverConnectionID: 0xAB) == "00000000000000ab_server.sqlog")
    }

    @Test func bothEndsNameTheirSessionAlike() throws {
        let pair = try Pair()
        pair.run(for: .seconds(1)) { $0.atServer.confirmed == 1 }
        let ids = (pair.client?.serverConnectionID, pair.server?.serverConnectionID)
        #expect(ids.0 != nil && ids.0 == ids.1)
    }
}

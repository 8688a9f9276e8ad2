// What two sides tell each other of their limits: bounds, defaults, and what is skipped.

import PetrelBase
import PetrelWire
import Testing

@Suite struct TransportParametersTests {
    private func read(_ bytes: [UInt8]) throws -> TransportParameters {
        var reader = ByteReader(bytes.span.bytes)
        let parameters = try TransportParameters(&reader)
        #expect(reader.remaining == 0)
        return parameters
    }

    /// One parameter with a value as short as can be.
    private func list(_ identifier: UInt64, _ value: UInt64) throws -> [UInt8] {
        let bytes = try varInt(value)
        return [1] + (try varInt(identifier)) + [UInt8(bytes.count)] + bytes
    }

    @Test func absentMeansDefault() throws {
        let parameters = try read([0])
        #expect(parameters == TransportParameters())
        #expect(parameters.ackDelayMax == .milliseconds(25))
        #expect(parameters.initialCredit == 196_608)
        #expect(parameters.idleTimeout == .seconds(180))
    }

    @Test func boundsOfEach() throws {
        let bounds: [(UInt64, ClosedRange<UInt64>)] = [
            (1, 0...1_000), (2, 0...1 << 30), (3, 5_000...86_400_000),
        ]
        for (identifier, range) in bounds {
            #expect(throws: Never.self) { try read(try list(identifier, range.lowerBound)) }
            #expect(throws: Never.self) { try read(try list(identifier, range.upperBound)) }
            #expect(throws: DecodeError.self, "\(identifier)") {
                try read(try list(identifier, range.upperBound + 1))
            }
            if range.lowerBound > 0 {
                #expect(throws: DecodeError.self, "\(identifier)") {
                    try read(try list(identifier, range.lowerBound - 1))
                }
            }
        }
    }

    @Test func theTCPPortIsOnePortOnce() throws {
        var parameters = TransportParameters()
        #expect(parameters.tcpPort == nil)
        for port: UInt16 in [1, 443, 16_383, 16_384, .max] {
            parameters.tcpPort = port
            let bytes = try written { writer in try parameters.write(to: &writer) }
            #expect(try read(bytes) == parameters, "\(port)")
        }
        let bad: [[UInt8]] = [
            [1, 11, 0], [1, 11, 1, 0], [1, 11, 2, 0x41], [1, 11, 2, 5, 5],
            [1, 11, 4, 0x80, 1, 0, 0], [2, 11, 1, 9, 11, 1, 9],
        ]
        for bytes in bad { #expect(throws: DecodeError.self, "\(bytes)") { try read(bytes) } }
    }

    @Test func unknownOnesAreSkipped() throws {
        let known = try list(2, 7).dropFirst()
        let parameters = try read([3, 15, 0] + known + [0x7F, 0xFF, 3, 1, 2, 3])
        #expect(parameters.initialCredit == 7)
        // An unknown one may even stand twice: nobody can say what it means.
        #expect(try read([2, 9, 0, 9, 0]) == TransportParameters())
    }

    static let bad: [(bytes: [UInt8], error: DecodeError, because: String)] = [
        ([], .truncated(offset: 0), "no count"),
        ([33] + [UInt8](repeating: 9, count: 99), .malformed(offset: 1), "33 parameters"),
        ([1], .truncated(offset: 1), "no identifier"),
        ([1, 2], .truncated(offset: 2), "no length"),
        ([1, 2, 1], .truncated(offset: 3), "no value"),
        ([1, 9, 0x80, 0, 0, 9], .truncated(offset: 6), "value longer than the list"),
        ([1, 2, 2, 7, 0], .malformed(offset: 5), "bytes behind the value"),
        ([2, 2, 1, 7, 2, 1, 7], .malformed(offset: 7), "twice"),
    ]

    @Test(arguments: bad.indices)
    func refuses(row: Int) {
        let row = Self.bad[row]
        #expect(throws: row.error, "\(row.because)") {
            var reader = ByteReader(row.bytes.span.bytes)
            _ = try TransportParameters(&reader)
        }
    }

    static let call = ClassPolicy(
        DeliveryClass(.expiring, variant: 1), name: "call", priority: 0, deadline: .seconds(1))

    /// A class that no operator may define makes the whole list malformed.
    @Test func classesHaveBounds() throws {
        let changes: [(String, (inout ClassPolicy) -> Void)] = [
            ("a built-in class", { $0.deliveryClass = .expiring }),
            (
                "a variant of ephemeral",
                { $0.deliveryClass = DeliveryClass(.ephemeral, variant: 1) }
            ),
            ("no name", { $0.name = "" }),
            ("a long name", { $0.name = "abcdefghijklmnop" }),
            ("a name in capitals", { $0.name = "Call" }),
            ("priority 8", { $0.priority = 8 }),
            ("a short deadline", { $0.deadline = .milliseconds(19) }),
            ("no deadline", { $0.deadline = .infinite }),
            ("a long deadline", { $0.deadline = .seconds(3_601) }),
            (
                "a deadline that nothing heeds",
                { $0.deliveryClass = DeliveryClass(.reliable, variant: 1) }
            ),
            ("a long retention", { $0.retention = ClassPolicy.retentionMax + .seconds(1) }),
        ]
        func read(_ policies: [ClassPolicy]) throws -> TransportParameters {
            var parameters = TransportParameters()
            parameters.classes = policies
            return try self.read(try written { writer in try parameters.write(to: &writer) })
        }
        #expect(try read([Self.call]).classes == [Self.call])
        for (because, change) in changes {
            var policy = Self.call
            change(&policy)
            #expect(throws: DecodeError.self, "\(because)") { try read([policy]) }
        }
        var patient = Self.call
        patient.coalescing = .milliseconds(63)
        #expect(!patient.isValid)
        #expect(throws: DecodeError.self, "twice") { try read([Self.call, Self.call]) }
    }

    @Test func emptyValueOfAKnownOneIsRefused() {
        #expect(throws: DecodeError.self) { try read([1, 2, 0]) }
    }

    @Test(arguments: UInt64(1)...100)
    func whatIsWrittenReadsEqual(seed: UInt64) throws {
        var random = RandomStream(seed: seed, label: "parameters")
        var parameters = TransportParameters()
        parameters.ackDelayMax = .milliseconds(Int64(random.below(1_001)))
        parameters.initialCredit = random.below(1 << 30 + 1)
        parameters.idleTimeout = .milliseconds(Int64(5_000 + random.below(86_395_001)))
        for variant in 1..<1 + UInt8(random.below(5)) {
            parameters.classes.append(
                ClassPolicy(
                    DeliveryClass(.expiring, variant: variant), name: "class-\(variant)",
                    priority: UInt8(random.below(8)),
                    deadline: .milliseconds(20 + Int64(random.below(3_599_981))),
                    retention: .seconds(1 + Int64(random.below(1_000_000))),
                    coalescing: random.chance(0.5)
                        ? nil : .milliseconds(Int64(random.below(63)))))
        }
        let bytes = try written { writer in try parameters.write(to: &writer) }
        #expect(try read(bytes) == parameters)
        for count in 0..<bytes.count {
            let cut = Array(bytes.prefix(count))
            #expect(throws: DecodeError.self) {
                var reader = ByteReader(cut.span.bytes)
                _ = try TransportParameters(&reader)
            }
        }
    }
}

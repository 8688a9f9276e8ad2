// The packet path without a network: what a datagram costs in time and in allocations.

import CBench
import PetrelBase
import PetrelCrypto
import PetrelEvent
import PetrelTransport
import PetrelWire

/// Nanoseconds and allocations of the parts that every datagram passes through.
enum CoreBenchmark {
    /// Bytes of a message.
    static let messageByteCount = 200

    /// What one datagram cost.
    struct Cost {
        var nanoseconds: Double
        var allocations: Double
        var byteCount = 0.0
    }

    /// Bytes of an average datagram.
    struct DatagramSizes {
        /// Several reliable messages go together if they come close together.
        var reliable: Int
        var ephemeral: Int
    }

    /// Measures, and returns the section with the sizes of datagrams.
    static func run(rounds: Int) throws -> (Report.Section, DatagramSizes) {
        var section = Report.Section(
            title: "Packet path in memory, \(messageByteCount)-byte messages")
        _ = bench_pin(1)
        try checkCounter()
        var reliable: [Cost] = []
        var ephemeral: [Cost] = []
        var durable: [Cost] = []
        var cipher: [Cost] = []
        var limits: [[Double]] = [[], [], []]
        var limit: [Double] = []
        for _ in 0..<rounds {
            reliable.append(try sessions(.reliable))
            ephemeral.append(try sessions(.ephemeral))
            durable.append(try sessions(.durable))
            cipher.append(try packetCipher())
            for (i, cost) in [reliable[0], ephemeral[0], durable[0]].enumerated() {
                limits[i].append(bench_cipher(Int32(cost.byteCount) - 27, 20_000))
            }
            limit.append(bench_cipher(Int32(messageByteCount + 15), 50_000))
        }
        func sodium(_ limit: [Double]) -> Figure.Peer {
            Figure.Peer(name: "libsodium's seal + open", value: median(limit))
        }
        let datagram = [("reliable", reliable), ("ephemeral", ephemeral), ("durable", durable)]
        for ((name, costs), limit) in zip(datagram, limits) {
            section.figures.append(
                Figure(
                    name: "Session datagram, \(name)", value: median(costs.map(\.nanoseconds)),
                    unit: "ns", peers: [sodium(limit)]))
            let bytes = Report.number(median(costs.map(\.byteCount)))
            section.notes.append("\(name): \(bytes) bytes a datagram, beside as many sealed")
        }
        section.figures.append(
            Figure(
                name: "PacketCipher seal + open", value: median(cipher.map(\.nanoseconds)),
                unit: "ns", peers: [sodium(limit)]))
        let batches = try (0..<rounds).map { _ in try datagramBatches() }
        for (name, costs) in datagram.map({ ("Session, \($0.0)", $0.1) }) + [
            ("PacketCipher seal + open", cipher), ("PetrelEvent send + receive", batches),
        ] {
            section.figures.append(
                Figure(
                    name: name, value: costs.map(\.allocations).max() ?? 0,
                    unit: "allocations/datagram", mustBeZero: true))
        }
        section.notes.append(
            "a datagram: messages queued, sealed; opened, ACK and messages handled")
        let sizes = DatagramSizes(
            reliable: Int(median(reliable.map(\.byteCount))),
            ephemeral: Int(median(ephemeral.map(\.byteCount))))
        return (section, sizes)
    }

    /// Shows that allocations are counted: a count of zero must mean that there are none.
    private static func checkCounter() throws {
        bench_count_start()
        var arrays: [[UInt8]] = []
        for count in 1...100 { arrays.append([UInt8](repeating: 1, count: count)) }
        let counted = bench_count_stop()
        guard counted >= 100, arrays.count == 100 else {
            throw BenchFailure("allocations are not counted: \(counted) of 100")
        }
    }

    private static func sessions(_ kind: DeliveryClass) throws -> Cost {
        let warmUp = 5_000
        let count = 20_000
        var pair = try SessionPair()
        let message = [UInt8](repeating: 0x61, count: messageByteCount)
        for _ in 0..<warmUp { try pair.roundTrip(message.span.bytes, as: kind) }
        let (datagrams, bytes) = (pair.datagrams, pair.bytes)
        bench_count_start()
        let start = bench_thread_seconds()
        for _ in 0..<count { try pair.roundTrip(message.span.bytes, as: kind) }
        let seconds = bench_thread_seconds() - start
        let allocations = bench_count_stop()
        try pair.await(echoes: warmUp + count)
        // Of ephemeral values a newer one takes the place of one that waits.
        let least = kind == .ephemeral ? (warmUp + count) * 999 / 1_000 : warmUp + count
        guard least...warmUp + count ~= pair.echoes else {
            throw BenchFailure("\(kind): \(pair.echoes) of \(warmUp + count) came back")
        }
        let moved = Double(pair.datagrams - datagrams)
        return Cost(
            nanoseconds: seconds * 1e9 / moved, allocations: Double(allocations) / moved,
            byteCount: Double(pair.bytes - bytes) / moved)
    }

    private static func packetCipher() throws -> Cost {
        let count = 50_000
        let header = 12
        let cipher = PacketCipher(key: SecretKey())
        var room = [UInt8](repeating: 0, count: 512)
        bench_count_start()
        let start = bench_thread_seconds()
        for number in 0..<UInt64(count) {
            var span = room.mutableSpan
            var datagram = span.mutableBytes
            let sealed = cipher.seal(
                &datagram, headerByteCount: header, payloadByteCount: messageByteCount + 15,
                pathID: 0, packetNumber: number)
            let opened = cipher.open(
                &datagram, headerByteCount: header, byteCount: sealed, pathID: 0,
                packetNumber: number)
            guard opened == messageByteCount + 15 else { throw BenchFailure("not opened") }
        }
        let seconds = bench_thread_seconds() - start
        let allocations = bench_count_stop()
        return Cost(
            nanoseconds: seconds * 1e9 / Double(count),
            allocations: Double(allocations) / Double(count))
    }

    /// Batches from one socket to another on loopback, and back as they are.
    private static func datagramBatches() throws -> Cost {
        let rounds = 500
        let loopback = Address(v4: 0x7F00_0001, port: 0)
        var near = try UDPSocket(boundTo: loopback)
        var far = try UDPSocket(boundTo: loopback)
        let destination = far.localAddress
        var batch = DatagramBatch(capacity: 32)
        var moved = 0
        let message = [UInt8](repeating: 0x61, count: messageByteCount)
        bench_count_start()
        let start = bench_thread_seconds()
        for _ in 0..<rounds {
            batch.removeAll()
            while batch.append(copying: message.span.bytes, to: destination) {}
            moved += near.send(&batch)
            _ = try far.receive(into: &batch)
            moved += far.send(&batch)
            _ = try near.receive(into: &batch)
        }
        let seconds = bench_thread_seconds() - start
        let allocations = bench_count_stop()
        guard moved == rounds * 64 else { throw BenchFailure("\(moved) datagrams moved") }
        return Cost(
            nanoseconds: seconds * 1e9 / Double(moved),
            allocations: Double(allocations) / Double(moved))
    }
}

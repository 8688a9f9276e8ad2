// Frames and vectors for the tests of this folder.

import Foundation
import PetrelBase
import PetrelCrypto
import PetrelWire

@testable import PetrelTransport

struct VectorError: Error { let reason: String }

/// The bytes that `text` spells in hexadecimal.
func hex(_ text: String) throws -> [UInt8] {
    guard text.utf8.count.isMultiple(of: 2) else { throw VectorError(reason: "odd hex: \(text)") }
    var bytes: [UInt8] = []
    var rest = text[...]
    while !rest.isEmpty {
        guard let byte = UInt8(rest.prefix(2), radix: 16) else {
            throw VectorError(reason: "not hex: \(rest.prefix(2))")
        }
        bytes.append(byte)
        rest = rest.dropFirst(2)
    }
    return bytes
}

/// A copy of what a span shows.
func copy(_ span: RawSpan) -> [UInt8] { span.withUnsafeBytes { Array($0) } }

/// Decodes a file of vectors from `Protocol/vectors`.
func vectors<T: Decodable>(_ name: String, as type: T.Type) throws -> T {
    let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Protocol/vectors")
    let data = try Data(contentsOf: folder.appendingPathComponent(name))
    return try JSONDecoder().decode(type, from: data)
}

/// What `body` writes.
func written(_ body: (inout ByteWriter) throws -> Void) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 2_048)
    var span = bytes.mutableSpan
    var room = span.mutableBytes
    var writer = ByteWriter(&room)
    try body(&writer)
    let count = writer.offset
    return Array(bytes.prefix(count))
}

extension LossDetector {
    /// Takes in an acknowledgement of `ranges`, by way of the wire.
    mutating func take(acknowledging ranges: [ClosedRange<UInt64>], now: Instant) throws -> Bool {
        var numbers = RangeSet()
        for range in ranges {
            for number in range { numbers.insert(number) }
        }
        let bytes = try written { writer in
            try AckFrame.write(numbers, delay: .zero, to: &writer)
        }
        var reader = ByteReader(bytes.span.bytes.extracting(droppingFirst: 1))
        return received(try AckFrame(&reader), ackDelayMax: .milliseconds(25), now: now)
    }
}

extension Reassembler {
    /// Takes in fragment `index` of `message`, by way of the wire.
    mutating func take(
        _ message: [UInt8], index: Int = 0, as kind: DeliveryClass, number: UInt64,
        place: StreamPlace? = nil, now: Instant = .at(0)
    ) throws -> Outcome {
        let name = MessageName(kind, number, place: place)
        let bytes = try written { writer in
            try MessageFragment.write(message.span.bytes, index: index, of: name, to: &writer)
        }
        var reader = ByteReader(bytes.span.bytes)
        guard case .message(let fragment) = try Frame(&reader) else {
            throw VectorError(reason: "no message")
        }
        return receive(fragment, now: now)
    }
}

extension SendQueue {
    /// Takes in a message of that many bytes.
    mutating func append(
        byteCount: Int, as kind: DeliveryClass = .durable, key: UInt64 = 0,
        deadline: Instant = .at(10_000)
    ) -> UInt64? {
        guard let policy = classes.policy(of: kind) else { return nil }
        let bytes = [UInt8](repeating: 1, count: byteCount)
        return append(bytes.span.bytes, as: policy, key: key, deadline: deadline)
    }

    /// Takes the next fragment, if one is next.
    mutating func nextFragment(
        room: Int = 1_200, packet: UInt64 = 0, now: Instant = .at(0)
    ) -> (slot: UInt16, index: Int)? {
        guard case .fragment(let slot, let index)? = next(room: room, packet: packet, now: now)
        else { return nil }
        return (slot, index)
    }

    /// Acknowledges the fragment at that place.
    mutating func acknowledge(_ slot: UInt16, _ index: Int, number: UInt64) -> Bool {
        acknowledged(
            slot: slot, index: UInt8(index), deliveryClass: slots[Int(slot)].deliveryClass,
            number: number)
    }
}

extension Instant {
    /// That many milliseconds after the origin.
    static func at(_ milliseconds: Double) -> Instant {
        Instant(nanoseconds: Int64(milliseconds * 1_000_000))
    }
}

extension [UInt8] {
    /// Every copy with one bit changed, every copy cut short, and one with a byte more.
    var damaged: [[UInt8]] {
        let flipped = (0..<count * 8).map { bit in
            var copy = self
            copy[bit / 8] ^= 1 << UInt8(bit % 8)
            return copy
        }
        return flipped + (0..<count).map { Array(prefix($0)) } + [self + [0]]
    }
}

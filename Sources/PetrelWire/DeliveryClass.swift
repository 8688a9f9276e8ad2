// Delivery classes: what a message may count on, and how that is told to the peer (§5.5, §5.9).

public import PetrelBase

/// What a message may count on: one of six kinds, or an operator's variant of one.
///
/// The number on the wire is `8 * variant + kind`, so that a receiver knows how to treat a class
/// that it was never told of.
public struct DeliveryClass: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The six ways to deliver.
    public enum Kind: UInt8, Sendable, CaseIterable {
        /// The latest value of a key wins; may be lost, never out of order.
        case ephemeral = 0
        /// Delivered once, in any order.
        case reliable = 1
        /// Delivered once, in the order of sending; the application repeats it across sessions.
        case durable = 2
        /// Delivered once before its deadline, or not at all.
        case expiring = 3
        /// Delivered once, in the order of sending within its stream.
        case ordered = 4
        /// Byte ranges of a transfer of any length, in the background.
        case bulk = 5
    }

    /// The highest variant of a kind; 0 is the built-in class.
    public static let variantMax = 30

    /// The latest value of a key wins.
    public static let ephemeral = DeliveryClass(.ephemeral)
    /// Delivered once, in any order.
    public static let reliable = DeliveryClass(.reliable)
    /// Delivered once, in the order of sending; across sessions by the application.
    public static let durable = DeliveryClass(.durable)
    /// Delivered before its deadline, or not at all.
    public static let expiring = DeliveryClass(.expiring)
    /// Delivered once, in the order of its stream.
    public static let ordered = DeliveryClass(.ordered)
    /// Transfers of any length, in the background.
    public static let bulk = DeliveryClass(.bulk)
    /// The classes that every peer has, by number.
    public static let builtIn: [DeliveryClass] = Kind.allCases.map { DeliveryClass($0) }

    /// The number on the wire.
    public let rawValue: UInt8

    /// Creates the class with that number on the wire; `nil` if it is of no kind.
    @inlinable
    public init?(rawValue: UInt8) {
        guard rawValue & 7 <= Kind.bulk.rawValue, rawValue >> 3 <= Self.variantMax else {
            return nil
        }
        self.rawValue = rawValue
    }

    /// Creates a variant of a kind; 0 is the built-in class.
    ///
    /// - Precondition: `variant` is at most `variantMax`.
    public init(_ kind: Kind, variant: UInt8 = 0) {
        precondition(variant <= Self.variantMax)
        rawValue = variant << 3 | kind.rawValue
    }

    /// How it is delivered.
    @inlinable public var kind: Kind { Kind(rawValue: rawValue & 7) ?? .reliable }
    /// Which variant of its kind it is; 0 is the built-in class.
    @inlinable public var variant: UInt8 { rawValue >> 3 }
    /// The name of its kind, and its variant if that is not 0.
    public var description: String { variant == 0 ? "\(kind)" : "\(kind)+\(variant)" }
}

/// The policy that goes with a class: what scheduler, retransmission and storage go by.
public struct ClassPolicy: Equatable, Sendable {
    /// What is sent in advance, without knowing of a loss.
    public enum Redundancy: UInt8, Sendable, CaseIterable {
        /// Nothing.
        case none = 0
        /// As much as the losses of the path call for.
        case auto = 1
        /// One copy of each small message.
        case copy = 2
        /// A copy on another path, if there is one.
        case hedge = 3
    }

    /// Bytes of the longest name, and of none that is shorter than one.
    public static let nameByteCountMax = 15
    /// The longest that a small message may wait for company.
    public static let coalescingMax = Interval.milliseconds(62)
    /// Bounds of a deadline.
    public static let deadlineBounds = Interval.milliseconds(20)...Interval.seconds(3_600)
    /// The longest retention.
    public static let retentionMax = Interval.seconds(10 * 365 * 86_400)

    /// The class.
    public var deliveryClass: DeliveryClass
    /// What people call it: 1 to 15 lower-case letters, digits and hyphens.
    public var name: String
    /// 0 goes first, 7 last; bands are 0 and 1, 2 to 4, 5 to 7.
    public var priority: UInt8
    /// How long a message may take, unless it says otherwise; `.infinite` where nothing expires.
    public var deadline = Interval.infinite
    /// How long what is stored is kept; `.infinite` for ever.
    public var retention = Interval.infinite
    /// What is sent in advance.
    public var redundancy = Redundancy.auto
    /// How long a small message waits for company, in whole milliseconds; `nil` as its band.
    public var coalescing: Interval?

    /// Creates a policy.
    public init(
        _ deliveryClass: DeliveryClass, name: String, priority: UInt8,
        deadline: Interval = .infinite, retention: Interval = .infinite,
        redundancy: Redundancy = .auto, coalescing: Interval? = nil
    ) {
        self.deliveryClass = deliveryClass
        self.name = name
        self.priority = priority
        self.deadline = deadline
        self.retention = retention
        self.redundancy = redundancy
        self.coalescing = coalescing
    }

    /// The policies of the built-in classes, by number.
    public static let builtIn = [
        ClassPolicy(.ephemeral, name: "ephemeral", priority: 5, redundancy: .none),
        ClassPolicy(.reliable, name: "reliable", priority: 3),
        ClassPolicy(.durable, name: "durable", priority: 3),
        ClassPolicy(.expiring, name: "expiring", priority: 2, deadline: .seconds(10)),
        ClassPolicy(.ordered, name: "ordered", priority: 3),
        ClassPolicy(.bulk, name: "bulk", priority: 7, redundancy: .none),
    ]

    /// Whether every attribute is within its bounds, and makes sense for its kind.
    public var isValid: Bool {
        guard priority <= 7, 1...Self.nameByteCountMax ~= name.utf8.count,
            name.utf8.allSatisfy(Self.isAllowed), retention >= .zero
        else { return false }
        if let coalescing, !(Interval.zero...Self.coalescingMax).contains(coalescing) {
            return false
        }
        guard deliveryClass.kind == .expiring else { return deadline == .infinite }
        return Self.deadlineBounds.contains(deadline)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension ClassPolicy {
    /// Bytes of the description on the wire.
    public var byteCount: Int {
        3 + varIntByteCount(Self.count(deadline, unit: 1_000_000))
            + varIntByteCount(Self.count(retention, unit: 1_000_000_000)) + name.utf8.count
    }

    /// Writes the description that ACCEPT carries.
    ///
    /// The two low bits of the third byte are the redundancy, the others the milliseconds of
    /// coalescing, plus 1.
    ///
    ///     class u8 | priority u8 | redundancy u8 | deadline varint | retention varint | name
    public func write(to writer: inout ByteWriter) throws(NoRoom) {
        try writer.writeUInt8(deliveryClass.rawValue)
        try writer.writeUInt8(priority)
        let company = coalescing.map { UInt8(clamping: Self.count($0, unit: 1_000_000) + 1) } ?? 0
        try writer.writeUInt8(redundancy.rawValue | min(company, 63) << 2)
        try writer.writeVarInt(Self.count(deadline, unit: 1_000_000))
        try writer.writeVarInt(Self.count(retention, unit: 1_000_000_000))
        for byte in name.utf8 { try writer.writeUInt8(byte) }
    }

    /// Reads a description, which fills the bytes of `reader`.
    ///
    /// - Throws: `.truncated` if it ends early, `.malformed` if an attribute is out of bounds or
    ///   the class is a built-in one.
    public init(_ reader: inout ByteReader) throws(DecodeError) {
        let number = try reader.readUInt8()
        let priority = try reader.readUInt8()
        let advance = try reader.readUInt8()
        let deadline = try reader.readVarInt()
        let retention = try reader.readVarInt()
        guard let deliveryClass = DeliveryClass(rawValue: number), deliveryClass.variant > 0,
            deliveryClass.kind != .ephemeral,
            let redundancy = Redundancy(rawValue: advance & 3),
            1...Self.nameByteCountMax ~= reader.remaining
        else { throw .malformed(offset: reader.offset) }
        var name = ""
        while reader.remaining > 0 {
            name.unicodeScalars.append(Unicode.Scalar(try reader.readUInt8()))
        }
        self.init(
            deliveryClass, name: name, priority: priority,
            deadline: Self.interval(deadline, unit: 1_000_000),
            retention: Self.interval(retention, unit: 1_000_000_000), redundancy: redundancy,
            coalescing: advance < 4 ? nil : .milliseconds(Int64(advance >> 2) - 1))
        guard isValid, self.retention == .infinite || self.retention <= Self.retentionMax else {
            throw .malformed(offset: reader.offset)
        }
    }

    /// In whole units; 0 stands for no limit.
    private static func count(_ interval: Interval, unit: Int64) -> UInt64 {
        interval == .infinite ? 0 : UInt64(clamping: interval.nanoseconds / unit)
    }

    private static func interval(_ count: UInt64, unit: Int64) -> Interval {
        count == 0 ? .infinite : Interval(nanoseconds: unit) * Int64(clamping: count)
    }
}

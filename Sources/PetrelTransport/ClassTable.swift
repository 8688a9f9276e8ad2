// The policies that a session goes by: the built-in classes and those of the server's operator.

internal import PetrelBase
public import PetrelWire

/// Policies by class; the operator's are the same on both sides, because ACCEPT tells them.
public struct ClassTable: Equatable, Sendable {
    /// The operator's policies.
    public let defined: [ClassPolicy]

    /// Creates the table of the built-in classes and those.
    public init(_ defined: [ClassPolicy] = []) { self.defined = defined }

    /// The policy of a class; `nil` if nobody defined it.
    public func policy(of deliveryClass: DeliveryClass) -> ClassPolicy? {
        guard deliveryClass.variant > 0 else {
            return ClassPolicy.builtIn[Int(deliveryClass.kind.rawValue)]
        }
        for i in defined.indices where defined[i].deliveryClass == deliveryClass {
            return defined[i]
        }
        return nil
    }

    /// The policy of that name; `nil` if there is none.
    public func policy(named name: String) -> ClassPolicy? {
        ClassPolicy.builtIn.first { $0.name == name } ?? defined.first { $0.name == name }
    }

    /// The first thing that is wrong with an operator's classes; `nil` if they can be announced.
    public static func fault(in defined: [ClassPolicy]) -> String? {
        guard defined.count <= WireLimits.classesMax else {
            return "\(WireLimits.classesMax) classes or fewer"
        }
        for i in defined.indices {
            let policy = defined[i]
            guard policy.isValid, policy.deliveryClass.variant > 0,
                policy.deliveryClass.kind != .ephemeral,
                policy.retention == .infinite || policy.retention <= ClassPolicy.retentionMax
            else { return "attributes of class \(policy.name) within their bounds" }
            for other in ClassPolicy.builtIn + defined[..<i]
            where other.name == policy.name || other.deliveryClass == policy.deliveryClass {
                return "one class of the name \(policy.name)"
            }
        }
        let byteCount = defined.reduce(0) { $0 + 2 + $1.byteCount }
        guard byteCount <= WireLimits.classesByteCountMax else {
            return "shorter names or fewer classes: their descriptions have \(byteCount) bytes, "
                + "\(WireLimits.classesByteCountMax) are the most"
        }
        return nil
    }
}

/// The bands of priorities, each of which goes before the next one.
enum Band {
    /// How many there are.
    static let count = 3
    /// How long a small message may wait for company after the last packet of its band.
    static let coalescing: InlineArray<3, Interval> = [
        .zero, .milliseconds(2), .milliseconds(10),
    ]

    /// The band of a priority: 0 and 1, 2 to 4, 5 to 7.
    static func of(priority: UInt8) -> UInt8 {
        switch priority {
        case 0...1: 0
        case 2...4: 1
        default: 2
        }
    }
}

// What a server's delivery classes promise, as a program sees it.

internal import PetrelBase
internal import PetrelWire

/// A delivery class: built in, or defined by the server's operator.
public struct ServiceClass: Equatable, Sendable {
    /// How a message of the class is delivered.
    public enum Kind: String, Sendable, CaseIterable {
        /// The latest value of a key wins.
        case ephemeral
        /// Once, in any order, while the session lives.
        case reliable
        /// Once, in order, also in later sessions.
        case durable
        /// Once before its deadline, or not at all.
        case expiring
        /// Once, in the order of its stream, while the session lives.
        case ordered
        /// Byte ranges of a transfer, in the background.
        case bulk
    }

    /// What is sent in advance, without knowing of a loss.
    public enum Redundancy: String, Sendable, CaseIterable {
        /// Nothing.
        case none
        /// As much as the losses of the path call for.
        case auto
        /// One copy of each small message.
        case copy
        /// A copy on another path.
        case hedge
    }

    /// Its name: `durable`, or what the operator calls it.
    public var name: String
    /// How it is delivered.
    public var kind: Kind
    /// Whether the operator defined it.
    public var isDefinedByOperator: Bool
    /// 0 goes first, 7 last.
    public var priority: Int
    /// How long a message may take; `nil` where nothing expires.
    public var deadline: Duration?
    /// How long the server keeps what it stores; `nil` for ever.
    public var retention: Duration?
    /// What is sent in advance.
    public var redundancy: Redundancy
    /// How long small messages wait for company; `nil` as their priority says.
    public var coalescing: Duration?

    init(_ policy: ClassPolicy) {
        name = policy.name
        kind =
            switch policy.deliveryClass.kind {
            case .ephemeral: .ephemeral
            case .reliable: .reliable
            case .durable: .durable
            case .expiring: .expiring
            case .ordered: .ordered
            case .bulk: .bulk
            }
        isDefinedByOperator = policy.deliveryClass.variant > 0
        priority = Int(policy.priority)
        deadline = policy.deadline == .infinite ? nil : Duration(policy.deadline)
        retention = policy.retention == .infinite ? nil : Duration(policy.retention)
        redundancy =
            switch policy.redundancy {
            case .none: .none
            case .auto: .auto
            case .copy: .copy
            case .hedge: .hedge
            }
        coalescing = policy.coalescing.map { Duration($0) }
    }
}

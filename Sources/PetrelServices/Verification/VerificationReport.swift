// What checking a store found: how much there is, and what breaks the promises.

/// What checking a store found.
public struct VerificationReport: Equatable, Sendable {
    /// A promise that the store breaks.
    public struct Finding: Equatable, Sendable {
        /// Which promise.
        public var rule: Rule
        /// What was found, with the values.
        public var sentence: String
    }

    /// What a store promises; the raw value is for programs and does not change.
    public enum Rule: String, Sendable, CaseIterable {
        /// Places of a conversation are contiguous, from the first kept to the last.
        case gap
        /// A client's identifier takes effect once.
        case double
        /// Everything stands in a conversation by one of its present or former members.
        case foreign
        /// The memory of identifiers says what became of the messages.
        case deduplication
        /// A feed names each subject once, with its newest change.
        case feed
        /// Who is in a group, and what is counted of it, agree.
        case membership
        /// The relations of two accounts agree.
        case relation
        /// What is counted of an account is what there is.
        case count
        /// Watermarks lie within what there is.
        case mark
        /// What must be found by another key is found there.
        case index
        /// What was taken back or has expired is gone, with all its edits.
        case erased
        /// A record cannot be read.
        case damaged
    }

    /// Accounts that are not deleted.
    public internal(set) var accounts = 0
    /// Devices that are not shut out.
    public internal(set) var devices = 0
    /// Conversations.
    public internal(set) var conversations = 0
    /// Events that are kept.
    public internal(set) var events = 0
    /// Bytes of bodies that are kept.
    public internal(set) var bytes: UInt64 = 0
    /// Invitations that are neither used nor expired.
    public internal(set) var invitations = 0
    /// Entries of feeds.
    public internal(set) var feedEntries = 0
    /// Identifiers that are remembered.
    public internal(set) var identifiers = 0
    /// What breaks a promise, in the order of finding, the first thousand.
    public internal(set) var findings: [Finding] = []
    /// How often a promise was broken.
    public internal(set) var findingsCount = 0

    /// Creates the report of an empty store.
    public init() {}

    /// Whether every promise is kept.
    public var isSound: Bool { findingsCount == 0 }

    mutating func note(_ rule: Rule, _ sentence: @autoclosure () -> String) {
        findingsCount += 1
        guard findings.count < Self.findingsMax else { return }
        findings.append(Finding(rule: rule, sentence: sentence()))
    }

    private static let findingsMax = 1_000
}

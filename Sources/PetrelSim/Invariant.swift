// The promises that a run checks, each with the name under which its breach is reported.

/// What must hold, whatever happens; the numbers are those of the reliability design.
///
/// I18 is not assigned.
public enum Invariant: String, Codable, Sendable, CaseIterable {
    /// A committed message reaches every device of its members, or is still on its way.
    case neverLost = "I1"
    /// A device hears of a message once at most.
    case onceOnly = "I2"
    /// A device's messages keep their order; places are dense and the same for all.
    case inOrder = "I3"
    /// Nobody sees what belongs to others.
    case private_ = "I4"
    /// What is delivered is what was sent.
    case intact = "I5"
    /// Queues, tables and sessions stay under their caps.
    case bounded = "I6"
    /// No more goes to an unproven address than came from it.
    case noAmplification = "I7"
    /// No packet number is used twice in a direction of a session.
    case numbersOnce = "I8"
    /// No packet is processed twice.
    case packetsOnce = "I9"
    /// Garbage and replays change nothing but counters.
    case garbageInert = "I10"
    /// Acknowledgements are about what was sent, once; what is in flight adds up.
    case honestLedger = "I11"
    /// What is refused is not stored.
    case refusedIsAbsent = "I12"
    /// After all faults end, everybody is connected, then everything arrives, both in time.
    case liveness = "I13"
    /// No trap, no leaked session, no timer that spins.
    case noLeak = "I14"
    /// The store holds what a model of it holds.
    case storeIsModel = "I15"
    /// A device that was shut out gets nothing that was committed later, and is not obeyed.
    case revokedIsOut = "I16"
    /// What comes in adds up with what was done with it.
    case conservation = "I17"
    /// Of equal clients with much to send, none starves.
    case fair = "I19"
    /// The same seed gives the same run.
    case repeatable = "I20"
    /// What a peer has just sealed can be opened.
    case opens = "I21"
    /// What a client takes for proven of its NAT is so.
    case bindingLives = "I22"

    /// The name in output: number and title.
    public var name: String { "\(rawValue) \(title)" }

    private var title: String {
        switch self {
        case .neverLost: "never lost"
        case .onceOnly: "once only"
        case .inOrder: "in order"
        case .private_: "private"
        case .intact: "intact"
        case .bounded: "bounded"
        case .noAmplification: "no amplification"
        case .numbersOnce: "numbers once"
        case .packetsOnce: "packets once"
        case .garbageInert: "garbage inert"
        case .honestLedger: "honest ledger"
        case .refusedIsAbsent: "refused is absent"
        case .liveness: "liveness"
        case .noLeak: "no leak"
        case .storeIsModel: "store is model"
        case .revokedIsOut: "revoked is out"
        case .conservation: "conservation"
        case .fair: "fair"
        case .repeatable: "repeatable"
        case .opens: "opens"
        case .bindingLives: "binding lives"
        }
    }
}

/// A promise that was broken: which, when in virtual time, and how.
public struct Breach: Error, Codable, Equatable, Sendable {
    /// The promise.
    public var invariant: Invariant
    /// Nanoseconds of virtual time since the start of the run.
    public var nanoseconds: Int64
    /// What happened.
    public var sentence: String

    /// Creates the breach.
    public init(invariant: Invariant, nanoseconds: Int64, sentence: String) {
        self.invariant = invariant
        self.nanoseconds = nanoseconds
        self.sentence = sentence
    }
}

// Keeps a device's messages in order when the store cannot take one of them for now.

internal import PetrelMessaging

/// Terms of submission: a message that is refused for now takes with it those that its device
/// submitted after it, until their submitter was told.
///
/// Otherwise the next message of the device would be committed before the refused one is tried
/// again. Used by stores: `current` marks an operation when it is submitted, `mayApply` and
/// `applied` are asked in the order of submission, `told` when completions are handed out.
public struct AppendTerms: Sendable {
    private struct Submitter: Hashable, Sendable {
        var account: AccountID
        var device: DeviceID
    }

    /// The term of what is submitted now.
    public private(set) var current: UInt64 = 0
    /// The term of the latest refusal of each device that had one, as long as that can matter.
    private var refusals: [Submitter: UInt64] = [:]
    private var latest: UInt64 = 0
    private var isUntold = false

    /// Creates the first term, in which nothing was refused.
    public init() {}

    /// Whether an operation submitted in `term` may be tried; if not, it is refused as `full`.
    public func mayApply(_ operation: StoreOperation, submittedIn term: UInt64) -> Bool {
        guard !refusals.isEmpty, let submitter = Self.submitter(operation),
            let refused = refusals[submitter]
        else { return true }
        return term > refused
    }

    /// Notes what came of an operation submitted in `term`.
    public mutating func applied(
        _ operation: StoreOperation, submittedIn term: UInt64,
        result: Result<StoreOutcome, StoreFailure>
    ) {
        // Terms come in their order: older refusals concern nobody any more.
        if term > latest, !refusals.isEmpty { refusals.removeAll() }
        guard let submitter = Self.submitter(operation), Self.isForNow(result),
            mayApply(operation, submittedIn: term)
        else { return }
        refusals[submitter] = current
        latest = current
        isUntold = true
    }

    /// Notes that the submitter has been handed all completions so far: a new term begins.
    public mutating func told() {
        guard isUntold else { return }
        current += 1
        isUntold = false
    }

    private static func submitter(_ operation: StoreOperation) -> Submitter? {
        guard case .appendMessage(let message) = operation else { return nil }
        return Submitter(account: message.account, device: message.device)
    }

    private static func isForNow(_ result: Result<StoreOutcome, StoreFailure>) -> Bool {
        switch result {
        case .failure(.full), .failure(.busy): true
        case .failure(.failed): false  // nothing is taken in any more
        case .success(.refused(let refusal)):
            // A damaged record refuses what needs it for good, and nothing else.
            refusal.error == .busy || refusal.error == .storageFull
        case .success: false
        }
    }
}

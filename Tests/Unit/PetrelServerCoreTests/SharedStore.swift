// A store that a test and a core both hold.

import PetrelMessaging
import PetrelServices

final class SharedStore: StoreInFront {
    var inner: MemoryStore
    /// What `submit` throws instead of taking anything in.
    var refusal: StoreFailure?

    init(_ inner: MemoryStore = MemoryStore(limits: .forStrangers)) { self.inner = inner }

    var kept: MemoryStore { inner }

    func submit(
        _ operation: StoreOperation, ticket: UInt64, by worker: Int
    ) throws(StoreFailure) {
        if let refusal { throw refusal }
        try inner.submit(operation, ticket: ticket, by: worker)
    }

    func takeCompletions(of worker: Int, into completions: inout [StoreCompletion]) {
        inner.takeCompletions(of: worker, into: &completions)
    }
}

extension ServiceLimits {
    /// Strangers may say as much as they like: most tests are about something else.
    static var forStrangers: ServiceLimits {
        var limits = ServiceLimits()
        limits.strangerMessagesMax = 10_000
        return limits
    }
}

// Submitting an operation and waiting for what came of it, at once.

import PetrelServices
import Testing

extension MemoryStore {
    /// Submits and returns the outcome; a failure fails the test.
    mutating func outcome(_ operation: StoreOperation) throws -> StoreOutcome {
        try submit(operation, ticket: 1)
        var completions: [StoreCompletion] = []
        takeCompletions(into: &completions)
        return try #require(completions.first).result.get()
    }
}

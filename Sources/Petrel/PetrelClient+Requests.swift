// How the client's methods reach its thread, and how they wait for answers.

internal import PetrelClientCore
internal import PetrelClientData
internal import PetrelMessaging

extension PetrelClient {
    /// Asks the thread, which answers at once.
    func ask<Value: Sendable>(
        _ request: (Answer<Value>) -> Request
    ) async throws(PetrelError) -> Value {
        try await answer(to: request).get()
    }

    /// Asks the thread for what may take long; `abandon` says that the task was cancelled.
    func ask<Value: Sendable>(
        _ request: (UInt64, Answer<Value>) -> Request,
        abandon: @Sendable (UInt64) -> Request
    ) async throws(PetrelError) -> Value {
        let ticket = shared.makeTicket()
        let shared = shared
        let result = await withTaskCancellationHandler {
            await answer(
                to: { request(ticket, $0) },
                wasSubmitted: {
                    // Cancelled before that, the request to abandon it may have gone ahead of it.
                    guard Task.isCancelled else { return }
                    _ = shared.submit(abandon(ticket))
                })
        } onCancel: {
            _ = shared.submit(abandon(ticket))
        }
        return try result.get()
    }

    /// Asks the server; waits for it, however long.
    func askServer(
        _ command: Command.Kind
    ) async throws(PetrelError) -> PetrelClientCore.Answer {
        let answer = try await ask(
            { .ask(command, ticket: $0, $1) }, abandon: { .abandonQuestion(ticket: $0) })
        guard case .refused(let refusal) = answer else { return answer }
        throw PetrelError(
            refusal: refusal.code, reason: refusal.reason, retryAfter: refusal.retryAfter,
            limit: refusal.limit)
    }

    /// Asks the server for a change; returns when it is made.
    func change(_ command: Command.Kind) async throws(PetrelError) {
        guard case .done = try await askServer(command) else { throw .answerUnknown }
    }

    /// Reads the store on the task that asks.
    func read<Value>(
        _ body: () throws(ClientStoreError) -> Value
    ) throws(PetrelError) -> Value {
        do throws(ClientStoreError) {
            return try body()
        } catch {
            throw PetrelError(error)
        }
    }

    /// What reads the store for the sequences.
    var reader: Reader { Reader(store: store, shared: shared) }

    private func answer<Value: Sendable>(
        to request: (Answer<Value>) -> Request, wasSubmitted: () -> Void = {}
    ) async -> Result<Value, PetrelError> {
        await withCheckedContinuation { answer in
            guard let error = shared.submit(request(answer)) else { return wasSubmitted() }
            answer.resume(returning: .failure(error))
        }
    }
}

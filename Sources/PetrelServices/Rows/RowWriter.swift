// What an operation does to the tables of a server: the same rules for every store.
//
// Every operation reads all that it needs before it writes anything, so that a refusal, or a
// damaged record in its way, leaves the batch as it was.

import PetrelMessaging

/// Which operations a batch may take in.
public enum Admission: Equatable, Sendable {
    /// All of them.
    case all
    /// There is hardly room left: nothing that adds accounts, devices or messages.
    case acknowledgementsOnly
}

/// The tables of a server, to be changed.
///
/// Decides nothing and undoes nothing: who owns it makes its changes durable as a whole, or drops
/// them after a failure.
public protocol RowWriter: RowReader, ~Copyable {
    /// Stores a row, replacing what was there.
    mutating func set(_ row: some Record, at key: Key, in table: TableName) throws(Trouble)
    /// Removes what stands under `key`, if anything does.
    mutating func delete(_ key: Key, in table: TableName) throws(Trouble)
}

extension RowWriter where Self: ~Copyable {
    /// Decides what becomes of `operation` and does it; a refusal changes nothing.
    ///
    /// A damaged row in its way refuses this operation only. Only what fails the whole batch is
    /// thrown.
    public mutating func perform(
        _ operation: StoreOperation, _ admission: Admission
    ) throws(Failure) -> Result<StoreOutcome, StoreFailure> {
        do throws(Trouble) {
            return .success(try apply(operation, admission))
        } catch {
            switch error {
            case .refused(let reason): return .success(.refused(reason))
            case .full: return .failure(.full)
            case .damaged(let row):
                report(row)
                return .success(.refused(Refused(.storageFailed)))
            case .failed(let failure): throw failure
            }
        }
    }

    private mutating func apply(
        _ operation: StoreOperation, _ admission: Admission
    ) throws(Trouble) -> StoreOutcome {
        if let refusal = operation.shapeRefusal { throw .refused(Refused(refusal)) }
        switch operation {
        case .createAccount(let create): return try add(create, admission)
        case .enrolDevice(let enrol): return try add(enrol, admission)
        case .appendMessage(let append): return try add(append, admission)
        case .acknowledge(let acknowledge): return try raise(acknowledge)
        case .recoverAccount(let recover): return try self.recover(recover, admission)
        case .changeAccount(let change): return try self.change(change)
        case .changeContact(let change): return try self.change(change, admission)
        case .changeConversation(let change): return try self.change(change)
        case .createInvitation(let create): return try add(create, admission)
        case .raiseHelloCounter(let account, let device, let counter, let time):
            return try raise(counter, of: device, of: account, at: time)
        case .replacePassword(let account, let old, let record):
            return try replacePassword(of: account, old, with: record)
        case .purgeDeduplication(let before, let limit):
            return try purge(before: before, limit: limit)
        case .expire(let time, let limit): return try expire(at: time, limit: limit)
        case .continueDeletions(let time, let limit):
            return try continueDeletions(at: time, limit: limit)
        }
    }
}

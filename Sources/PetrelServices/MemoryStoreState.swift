// What the store in memory holds, and how accounts and devices change it.

import PetrelBase
import PetrelMessaging

/// The durable part of a `MemoryStore`; each operation changes it as a whole or not at all.
struct MemoryStoreState: Sendable {
    struct Account {
        var record: AccountRecord
        var devices: [DeviceRecord] = []
        var newestFeed = FeedSequence(0)
        /// The live entries, oldest first; of each conversation one at most.
        var feed: [FeedEntry] = []
    }

    struct FeedEntry {
        var feed: FeedSequence
        var conversation: ConversationID
    }

    struct DeviceName: Hashable {
        var account: AccountID
        var device: DeviceID
    }

    struct Pair: Hashable {
        var low: AccountID
        var high: AccountID

        init(_ a: AccountID, _ b: AccountID) {
            low = min(a, b)
            high = max(a, b)
        }
    }

    struct MessageName: Hashable {
        var account: AccountID
        var clientMessageID: ClientMessageID
    }

    struct DeduplicationRow {
        var conversation: ConversationID
        var sequence: ConversationSequence
        var digest: InlineWords4
        var time: WallTime
    }

    var accounts: [AccountID: Account] = [:]
    var handles: [String: AccountID] = [:]
    var keys: [DeviceKey: DeviceName] = [:]
    var pairs: [Pair: ConversationID] = [:]
    var conversations: [ConversationID: ConversationRecord] = [:]
    /// The message of place n is at index n - 1.
    var messages: [ConversationID: [MessageRecord]] = [:]
    var deduplication: [MessageName: DeduplicationRow] = [:]

    /// Decides what becomes of `operation` and does it.
    mutating func apply(
        _ operation: StoreOperation, isFull: Bool
    ) -> Result<StoreOutcome, StoreFailure> {
        if let refusal = operation.shapeRefusal { return .success(.refused(refusal)) }
        do throws(Verdict) {
            switch operation {
            case .createAccount(let create): return .success(try add(create, isFull: isFull))
            case .enrolDevice(let enrol): return .success(try add(enrol, isFull: isFull))
            case .appendMessage(let append):
                let outcome = try add(append, isFull: isFull)
                #if PETREL_PLANTED
                    if isFull, PlantedBug.refusedButStored.isActive { return .failure(.full) }
                #endif
                return .success(outcome)
            case .acknowledge(let acknowledge): return .success(try raise(acknowledge))
            case .raiseHelloCounter(let account, let device, let counter):
                try change(device, of: account) { device in
                    device.helloCounter = max(device.helloCounter, counter)
                }
                return .success(.done)
            case .replacePassword(let account, let record):
                guard accounts[account] != nil else { throw .refused(.notEnrolled) }
                accounts[account]?.record.password = record
                return .success(.done)
            case .purgeDeduplication(let before, let limit):
                purge(before: before, limit: limit)
                return .success(.done)
            }
        } catch {
            switch error {
            case .refused(let reason): return .success(.refused(reason))
            case .full: return .failure(.full)
            }
        }
    }

    /// Why an operation changes nothing.
    enum Verdict: Error {
        case refused(MessagingError)
        case full
    }

    private mutating func add(
        _ create: CreateAccount, isFull: Bool
    ) throws(Verdict) -> StoreOutcome {
        guard keys[create.key] == nil else { throw .refused(.alreadyEnrolled) }
        guard handles[create.handle] == nil else { throw .refused(.handleTaken) }
        // The identifier was drawn at random; whoever asks again draws another one.
        guard accounts[create.account] == nil else { throw .refused(.busy) }
        guard !isFull else { throw .full }
        let record = AccountRecord(
            id: create.account, handle: create.handle, password: create.password,
            created: create.time)
        accounts[create.account] = Account(record: record)
        handles[create.handle] = create.account
        return addDevice(
            key: create.key, name: create.deviceName, helloCounter: create.helloCounter,
            to: create.account)
    }

    private mutating func add(_ enrol: EnrolDevice, isFull: Bool) throws(Verdict) -> StoreOutcome {
        guard let account = accounts[enrol.account] else { throw .refused(.notEnrolled) }
        guard keys[enrol.key] == nil else { throw .refused(.alreadyEnrolled) }
        guard account.devices.count < StoreLimits.devicesMax else {
            throw .refused(.tooManyDevices)
        }
        guard !isFull else { throw .full }
        return addDevice(
            key: enrol.key, name: enrol.deviceName, helloCounter: enrol.helloCounter,
            to: enrol.account)
    }

    private mutating func addDevice(
        key: DeviceKey, name: String, helloCounter: UInt64, to account: AccountID
    ) -> StoreOutcome {
        let device = DeviceID(UInt32(accounts[account]?.devices.count ?? 0) + 1)
        let record = DeviceRecord(
            account: account, device: device, key: key, name: name, helloCounter: helloCounter,
            feed: .init(0))
        accounts[account]?.devices.append(record)
        keys[key] = DeviceName(account: account, device: device)
        return .enrolled(account: account, device: device)
    }

    /// Lends a device to `body`; refused if there is none of that name.
    mutating func change(
        _ device: DeviceID, of account: AccountID, _ body: (inout DeviceRecord) -> Void
    ) throws(Verdict) {
        guard
            let index = accounts[account]?.devices.firstIndex(where: { $0.device == device })
        else { throw .refused(.notEnrolled) }
        guard var record = accounts[account]?.devices[index] else { return }
        body(&record)
        accounts[account]?.devices[index] = record
    }
}

// What a refusal takes with it: later messages of the same device, until that is told.

import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

@Suite struct AppendTermsTests {
    /// One disk that takes what fits, and remembers what it took.
    private struct Disk {
        var terms = AppendTerms()
        var waiting: [(name: String, operation: StoreOperation, term: UInt64)] = []
        var taken: [String] = []
        var refused: [String] = []

        mutating func submit(_ names: String...) {
            for name in names {
                let operation = AppendTermsTests.message(device: name.prefix(1))
                waiting.append((name, operation, terms.current))
            }
        }

        /// Tries the oldest `count`.
        mutating func write(_ count: Int, isFull: Bool = false) {
            for entry in waiting.prefix(count) {
                guard terms.mayApply(entry.operation, submittedIn: entry.term) else {
                    refused.append(entry.name)
                    continue
                }
                let failure: Result<StoreOutcome, StoreFailure> = .failure(.full)
                let result = isFull ? failure : .success(.acknowledged([]))
                terms.applied(entry.operation, submittedIn: entry.term, result: result)
                if isFull { refused.append(entry.name) } else { taken.append(entry.name) }
            }
            waiting.removeFirst(count)
        }
    }

    private static func message(device: Substring) -> StoreOperation {
        let number = UInt32(device.utf8.first ?? 0)
        return .appendMessage(
            AppendMessage(
                account: .init(1), device: .init(number),
                clientMessageID: ClientMessageID(high: 1, low: 1),
                target: .conversation(.init(1)), event: .left,
                digest: .init(0, 0, 0, 0), time: .init(milliseconds: 0)))
    }

    @Test func laterMessagesOfTheDeviceGoWithARefusedOne() {
        var disk = Disk()
        disk.submit("a1", "a2")
        disk.write(1, isFull: true)
        disk.write(1)
        #expect(disk.refused == ["a1", "a2"])
        disk.terms.told()
        disk.submit("a1", "a2")
        disk.write(2)
        #expect(disk.taken == ["a1", "a2"])
    }

    /// A device whose message was refused with that of another was told of no term of its own.
    @Test func whatIsOfAnotherDeviceStays() {
        var disk = Disk()
        disk.submit("a1", "b1")
        disk.write(1, isFull: true)
        disk.terms.told()
        disk.submit("b2")
        disk.write(2)
        #expect(disk.taken == ["b1", "b2"])
        #expect(disk.refused == ["a1"])
    }

    @Test func whatWasRefusedWithAnEarlierOneDoesNotRefuseItsRepetition() {
        var disk = Disk()
        disk.submit("a1", "a2")
        disk.write(1, isFull: true)
        disk.terms.told()
        disk.submit("a1", "a2")  // again, while the old second one still waits
        disk.write(3)
        #expect(disk.refused == ["a1", "a2"])
        #expect(disk.taken == ["a1", "a2"])
    }

    @Test func untilItIsToldARefusalTakesWhatIsSubmittedMeanwhile() {
        var disk = Disk()
        disk.submit("a1")
        disk.write(1, isFull: true)
        disk.submit("a2")
        disk.write(1)
        #expect(disk.refused == ["a1", "a2"])
    }
}

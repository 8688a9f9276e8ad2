// One kind of incoming messages: which numbers are done, and which wait for others.

internal import PetrelBase
internal import PetrelWire

/// The numbers of one kind and direction, and the messages that stand in line.
struct ReceiveLane: Sendable {
    /// A message that came before one that goes first, or a number that stays empty.
    struct Held: Sendable {
        var name: MessageName
        /// `nil`: the sender gave it up.
        var message: [UInt8]?
        /// What it counts against the credit.
        var charged: Int
    }

    private typealias Bits = InlineArray<8, UInt64>

    /// Numbers that are whole, or will never be.
    private(set) var seen = NumberWindow()
    /// Numbers whose turn has come; kept for kinds with an order only.
    private var passed = NumberWindow()
    /// The highest number seen.
    private var highest: UInt64?
    private var skipped = Bits(repeating: 0)
    private var owed = Bits(repeating: 0)
    /// MSG_STATUS frames that wait to be sent.
    private(set) var owedCount = 0
    private var held: [Held?] = []
    /// For the number before it, the place of the one that waits for it, plus 1.
    private var successors: [UInt16] = []
    private(set) var heldCount = 0
    let kind: DeliveryClass.Kind

    /// Creates a lane in which all numbers below `base` are done.
    init(_ kind: DeliveryClass.Kind, base: UInt64 = 0) {
        self.kind = kind
        seen = NumberWindow(base: base)
        passed = NumberWindow(base: base)
        highest = base > 0 ? base - 1 : nil
    }

    /// Whether all numbers seen are done without a gap, and nobody waits to hear of any.
    var isAtRest: Bool { heldCount == 0 && owedCount == 0 && seen.hasNoGap }

    /// Notes a number as whole or given up.
    mutating func see(_ number: UInt64, isSkipped: Bool) {
        _ = seen.insert(number)
        highest = max(highest ?? 0, number)
        if isSkipped {
            skipped[word(number)] |= bit(number)
        } else {
            skipped[word(number)] &= ~bit(number)
        }
    }

    /// Whether nothing has to be handed over before that message.
    func mayPass(_ name: MessageName) -> Bool {
        guard let before = number(before: name) else { return true }
        return passed.contains(before)
    }

    /// Notes that the turn of a number has come.
    mutating func pass(_ number: UInt64) {
        guard kind == .durable || kind == .ordered else { return }
        _ = passed.insert(number)
    }

    /// Keeps a message until the one before it has passed; `false` if another waits for the same.
    mutating func hold(_ message: Held) -> Bool {
        if held.isEmpty {
            held = Array(repeating: nil, count: Int(WireLimits.messageWindow))
            successors = Array(repeating: 0, count: Int(WireLimits.messageWindow))
        }
        guard let before = number(before: message.name) else { return false }
        let place = Int(message.name.number % WireLimits.messageWindow)
        let link = Int(before % WireLimits.messageWindow)
        guard successors[link] == 0 else { return false }
        successors[link] = UInt16(place + 1)
        held[place] = message
        heldCount += 1
        return true
    }

    /// Takes the message that waited for that number; its turn has come.
    mutating func takeSuccessor(of number: UInt64) -> Held? {
        guard heldCount > 0 else { return nil }
        let link = Int(number % WireLimits.messageWindow)
        guard successors[link] > 0 else { return nil }
        let place = Int(successors[link]) - 1
        guard let message = held[place], self.number(before: message.name) == number else {
            return nil
        }
        successors[link] = 0
        held[place] = nil
        heldCount -= 1
        if heldCount == 0 {
            held = []
            successors = []
        }
        return message
    }

    /// Bytes of the messages that wait.
    var heldByteCount: Int {
        held.reduce(0) { $0 + ($1?.message?.count ?? 0) }
    }

    /// The messages that wait, for audits.
    var waiting: [MessageName] { held.compactMap { $0?.message == nil ? nil : $0?.name } }

    // MARK: What became of numbers

    /// A MSG_STATUS must be sent for that number, unless it is so old that nobody asks.
    mutating func owe(_ number: UInt64) {
        guard let highest, highest < number + WireLimits.messageWindow else { return }
        guard seen.contains(number), owed[word(number)] & bit(number) == 0 else { return }
        owed[word(number)] |= bit(number)
        owedCount += 1
    }

    /// The next MSG_STATUS to send; it counts as sent.
    mutating func takeOwed() -> StatusFrame? {
        guard owedCount > 0, let highest else { return nil }
        for index in 0..<8 where owed[index] != 0 {
            let place = UInt64(index * 64 + owed[index].trailingZeroBitCount)
            owed[index] &= owed[index] - 1
            owedCount -= 1
            // The only number of that place among the latest.
            let number = highest - (highest &- place) % WireLimits.messageWindow
            return StatusFrame(
                kind, number, wasWhole: skipped[word(number)] & bit(number) == 0)
        }
        return nil
    }

    private func number(before name: MessageName) -> UInt64? {
        switch kind {
        case .durable: return name.number > 0 ? name.number - 1 : nil
        case .ordered:
            guard let place = name.place, place.distance > 0 else { return nil }
            return name.number - place.distance
        case .reliable, .expiring, .ephemeral, .bulk: return nil
        }
    }

    private func word(_ number: UInt64) -> Int { Int(number / 64 % 8) }
    private func bit(_ number: UInt64) -> UInt64 { 1 << (number % 64) }
}

// The proof of an address: any challenge that is echoed, none after the last.

import PetrelBase
import Testing

@testable import PetrelTransport

@Suite struct PathValidatorTests {
    private let timeout = Interval.milliseconds(100)

    /// Begins and lets the first `count - 1` challenges time out; returns the data of all.
    private func probing(
        _ validator: inout PathValidator, challenges count: Int, _ random: inout RandomStream
    ) -> [UInt64] {
        var data: [UInt64] = []
        var action = validator.begin(now: .at(0), timeout: timeout, random: &random)
        for i in 0..<count {
            guard case .challenge(let next, let until) = action else {
                Issue.record("no challenge \(i)")
                return data
            }
            #expect(until == .at(Double(i) * 100 + 100))
            data.append(next)
            guard i + 1 < count else { break }
            action = validator.timedOut(now: until, timeout: timeout, random: &random)
        }
        return data
    }

    @Test(arguments: 1...4)
    func answerToAnyChallengeProves(count: Int) {
        var random = RandomStream(seed: 1, label: "validator")
        for answered in 0..<count {
            var validator = PathValidator()
            let data = probing(&validator, challenges: count, &random)
            #expect(Set(data).count == count, "every challenge is another one")
            #expect(!validator.isProven)
            #expect(validator.received(response: data[answered]) == .adopt)
            #expect(validator.isProven)
            #expect(validator.received(response: data[answered]) == .none, "told once")
        }
    }

    @Test func fourChallengesAreAll() {
        var random = RandomStream(seed: 2, label: "validator")
        var validator = PathValidator()
        let data = probing(&validator, challenges: 4, &random)
        #expect(validator.timedOut(now: .at(400), timeout: timeout, random: &random) == .abandon)
        #expect(validator.timedOut(now: .at(500), timeout: timeout, random: &random) == .none)
        #expect(validator.received(response: data[3]) == .none, "too late")
        #expect(!validator.isProven)
    }

    @Test func whatWasNotAskedProvesNothing() {
        var random = RandomStream(seed: 3, label: "validator")
        var validator = PathValidator()
        #expect(validator.received(response: 0) == .none)
        #expect(validator.timedOut(now: .at(0), timeout: timeout, random: &random) == .none)
        let data = probing(&validator, challenges: 2, &random)
        for response in [0, data[0] ^ 1, data[1] &+ 1, .max] {
            #expect(validator.received(response: response) == .none)
        }
        #expect(!validator.isProven)
    }

    @Test func beginningAgainForgetsEarlierChallenges() {
        var random = RandomStream(seed: 4, label: "validator")
        var validator = PathValidator()
        let old = probing(&validator, challenges: 2, &random)
        let new = probing(&validator, challenges: 1, &random)
        #expect(validator.received(response: old[1]) == .none)
        #expect(validator.received(response: new[0]) == .adopt)
        // Also from proven: the peer moved.
        _ = probing(&validator, challenges: 1, &random)
        #expect(!validator.isProven)
    }
}

// What is suggested for a mistyped command.

import ArgumentParser
import Testing

@testable import PetrelCommand

@Suite struct SuggestionTests {
    static let distances: [(a: String, b: String, distance: Int)] = [
        ("", "", 0), ("send", "send", 0), ("sned", "send", 1), ("snd", "send", 1),
        ("sendd", "send", 1), ("recieve", "recv", 3), ("", "chat", 4),
    ]

    @Test func distances() {
        for row in Self.distances {
            #expect(Suggestion.distance(row.a, row.b) == row.distance, "\(row.a) \(row.b)")
        }
    }

    @Test func suggestsTheClosestCommand() {
        let configuration = Petrel.configuration
        func hint(_ typed: String) -> String? {
            Suggestion.forCommand(["petrel", typed], in: configuration)
        }
        #expect(
            hint("sned") == "petrel: 'sned' is no command; did you mean 'send'? See petrel --help")
        #expect(hint("frobnicate") == "petrel: 'frobnicate' is no command; see petrel --help")
        #expect(hint("send") == nil)
        #expect(hint("--help") == nil)
        #expect(Suggestion.forCommand(["petrel"], in: configuration) == nil)
    }
}

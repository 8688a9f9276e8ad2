// Every rule finds what is planted for it, on its line, and nothing in a clean sample.

import Testing

@testable import tidy

/// A breach that is planted, and where it must be found.
private struct Plant: CustomTestStringConvertible, Sendable {
    var path = "Sources/PetrelWire/Sample.swift"
    var text: String
    var rule: String
    var line: Int

    var testDescription: String { "\(rule): \(text.prefix(60))" }
}

private let opening = "// A sample of the house.\n"

private func findings(_ path: String, _ text: String) -> [Finding] {
    Rules.findings(paths: [path], sources: [SourceText(path: path, text: text)])
}

@Suite struct RulesTests {
    @Test(arguments: plants)
    fileprivate func findsWhatIsPlanted(_ plant: Plant) {
        let found = findings(plant.path, plant.text)
        #expect(found.map(\.rule) == [plant.rule], "\(found)")
        #expect(found.map(\.line) == [plant.line], "\(found)")
    }

    private static let plants: [Plant] = [
        // Imports.
        Plant(text: opening + "import Glibc", rule: "import", line: 2),
        Plant(text: opening + "public import PetrelCrypto", rule: "import", line: 2),
        Plant(text: opening + "\nimport struct PetrelMessaging.X", rule: "import", line: 3),
        Plant(
            path: "Sources/PetrelStore/A.swift", text: opening + "import Logging",
            rule: "import", line: 2),
        Plant(
            path: "Sources/PetrelUnknown/A.swift", text: opening + "import PetrelBase",
            rule: "import", line: 1),
        Plant(
            path: "Tools/petrel/A.swift", text: opening + "import PetrelTransport", rule: "import",
            line: 2),
        // Words.
        Plant(text: opening + "final class Room {}", rule: "word", line: 2),
        Plant(text: opening + "actor Room {}", rule: "word", line: 2),
        Plant(text: opening + "let a = Task { 1 }", rule: "word", line: 2),
        Plant(text: opening + "let a = ContinuousClock.now", rule: "word", line: 2),
        Plant(text: opening + "let a = SuspendingClock.now", rule: "word", line: 2),
        Plant(text: opening + "let a = SystemRandomNumberGenerator()", rule: "word", line: 2),
        Plant(text: opening + "let a = clock_gettime(1, &b)", rule: "word", line: 2),
        Plant(text: opening + "let a = Date()", rule: "word", line: 2),
        Plant(text: opening + "let a: Dispatch.Queue", rule: "word", line: 2),
        Plant(text: opening + "let a = print(1)", rule: "word", line: 2),
        Plant(text: opening + "let a = \"\\(try! b())\"", rule: "word", line: 2),
        Plant(
            path: "Sources/PetrelServer/A.swift", text: opening + "let a = b as! C",
            rule: "word", line: 2),
        Plant(
            path: "Sources/PetrelServer/A.swift", text: opening + "func a() { fatalError() }",
            rule: "word", line: 2),
        Plant(
            path: "Tools/build", text: "#!/bin/sh\n# Builds.\nswiftc -Ounchecked", rule: "flag",
            line: 3),
        Plant(text: opening + "// TODO: later", rule: "reminder", line: 2),
        Plant(
            path: "Tests/Unit/ATests/A.swift", text: opening + "/* FIXME\n*/", rule: "reminder",
            line: 2),
        // Shape.
        Plant(
            text: opening + String(repeating: "let a = 1\n", count: 500), rule: "length",
            line: 501),
        Plant(text: opening + longFunction("func a()"), rule: "length", line: 2),
        Plant(text: opening + longFunction("var a: Int"), rule: "length", line: 2),
        Plant(
            text: opening + "struct A {\n" + longFunction("init()") + "}", rule: "length", line: 3),
        Plant(
            text: opening + "struct A {\nvar a: Int {\n" + longFunction("set") + "}\n}",
            rule: "length", line: 4),
        Plant(text: opening + "// " + String(repeating: "ü", count: 98), rule: "columns", line: 2),
        Plant(text: "let a = 1", rule: "opening", line: 1),
        Plant(text: "// Not a sentence", rule: "opening", line: 1),
        Plant(path: "Sources/CEvent/shim.h", text: "#include <a.h>", rule: "opening", line: 1),
        Plant(path: "Tools/run", text: "#!/bin/sh\nset -e", rule: "opening", line: 2),
        Plant(path: "Tools/run.py", text: "import os", rule: "opening", line: 1),
        // Documentation.
        Plant(text: opening + "public struct A {}", rule: "documentation", line: 2),
        Plant(text: opening + "@inlinable\npublic func a() {}", rule: "documentation", line: 3),
        Plant(
            text: opening + "public extension A {\n  var a: Int { 1 }\n}", rule: "documentation",
            line: 3),
        Plant(
            text: opening + "/// A.\npublic enum A {\n  case a\n  func b() {}\n}",
            rule: "documentation", line: 4),
        Plant(
            text: opening + "/// A.\npublic protocol A {\n  func a()\n}", rule: "documentation",
            line: 4),
        Plant(
            text: opening + "struct A {\n  let a = [1]\n  public static var b: Int { 1 }\n}\n"
                + "extension A {\n  public private(set) var c = 1\n}",
            rule: "documentation", line: 7),
        // Paths and layout.
        Plant(
            path: "README.md", text: "See " + ["", "work", "main"].joined(separator: "/"),
            rule: "path", line: 1),
        Plant(
            text: opening + "let a = \"" + ["", "tmp", "wt-a"].joined(separator: "/") + "\"",
            rule: "path", line: 2),
        Plant(path: "notes.md", text: "Notes", rule: "layout", line: 1),
        Plant(path: ".build-b/a.txt", text: "", rule: "layout", line: 1),
        Plant(path: "Package.resolved", text: "{}", rule: "layout", line: 1),
    ]

    private static func longFunction(_ head: String) -> String {
        head + " {\n" + String(repeating: "  a(\")\")\n", count: 59) + "}\n"
    }

    @Test func acceptsTheLongestFunctionAndFile() {
        let body = String(repeating: "  a()\n", count: 58)
        #expect(findings("Tests/A.swift", opening + "func a() {\n" + body + "}\n").isEmpty)
        let lines = opening + String(repeating: "let a = 1\n", count: 499)
        #expect(findings("Tests/A.swift", lines).isEmpty)
    }

    @Test func acceptsACleanSample() {
        let sample = #"""
            // A sample of the house, which says TODO only in issue 12 (TODO #12).

            public import PetrelBase

            /// One thing; never a class Room, a Task or a Date( of its own.
            public struct Sample<T: AnyObject>: Hashable {
                /// What it counts.
                // swift-format-ignore: AlwaysUseLowerCamelCase
                @inlinable
                public var count: Int { 1 }
                let text = "print( try! \("fatalError".count) class Room"
                let raw = #"a " // Foundation "#

                public static func == (a: Self, b: Self) -> Bool { true }
                public func hash(into hasher: inout Hasher) {}
                public var description: String { "" }
                public init(from decoder: any Decoder) {}
                deinit {}
                struct Inner { public var a = 1 }
            }

            /// A contract of objects.
            public protocol Contract: AnyObject {
                /// Does it, at once and with all its might.
                func act(_ now: Instant) -> Int
            }

            /// A choice.
            public enum Choice {
                /// The first, and the second.
                case first, second
                case hidden  // swift-format: off
            }
            """#
        let found = findings("Sources/PetrelWire/Sample.swift", sample)
        #expect(
            found.map(\.text) == [
                "public case hidden has no `///`; say what it means, its unit and its errors"
            ])
    }

    /// The witness and the default need no words; what the protocol does not ask for does.
    @Test func witnessesAreDocumentedByTheirProtocol() {
        let contract =
            opening + """
                /// A contract.
                public protocol Contract: Sendable {
                    /// Does it.
                    func act()
                }
                extension Contract { public func act() {} }
                extension Contract { public func more() {} }
                /// A contract that asks for more.
                public protocol Wider: Contract {}
                """
        let witness =
            opening + """
                /// One that fulfils it.
                public struct Sample<T: Hashable>: Hashable, Wider where T: Sendable {}
                extension Sample { public func act() {} }
                extension Sample { public func other() {} }
                extension Stranger { public func act() {} }
                """
        let found = Rules.findings(
            paths: [],
            sources: [
                SourceText(path: "Sources/PetrelBase/B.swift", text: witness),
                SourceText(path: "Sources/PetrelServices/A.swift", text: contract),
            ])
        #expect(
            found.map { "\($0.path):\($0.line)" } == [
                "Sources/PetrelBase/B.swift:5", "Sources/PetrelBase/B.swift:6",
                "Sources/PetrelServices/A.swift:8",
            ])
        #expect(found.allSatisfy { $0.rule == "documentation" })
    }

    @Test func leavesGeneratedFilesAlone() {
        let text = "class A {}\n// " + String(repeating: "a", count: 200)
        #expect(findings("Sources/PetrelMessaging/petrel.pb.swift", text).isEmpty)
    }

    @Test func printsTheFormThatEditorsRecognise() {
        let finding = Finding(path: "a/b.swift", line: 3, rule: "word", text: "why; what")
        #expect("\(finding)" == "a/b.swift:3: word: why; what")
    }

    @Test func wordsAreWhole() {
        #expect(Rules.contains("a Task {", word: "Task"))
        #expect(!Rules.contains("a TaskBox {", word: "Task"))
        #expect(!Rules.contains("aTask", word: "Task"))
        #expect(!Rules.contains("debugprint(1)", word: "print("))
        #expect(Rules.contains("print(a)", word: "print("))
        #expect(!Rules.contains("as", word: "as!"))
    }
}

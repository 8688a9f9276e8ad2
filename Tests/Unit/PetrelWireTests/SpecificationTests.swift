// The identifiers of requirements: each stands for one thing, and what is cited exists.

import Foundation
import Testing

@Suite struct SpecificationTests {
    private static let documents = [
        "transport.md", "messaging.md", "identity.md", "people.md", "conversations.md",
        "security.md",
    ]
    /// Each identifier begins with the letter of its document.
    private static let letters = documents.map { $0.prefix(1).uppercased() }

    private func text(_ name: String) throws -> String {
        try String(contentsOf: protocolFolder.appendingPathComponent(name), encoding: .utf8)
    }

    /// What stands in brackets and has the form of an identifier.
    private func identifiers(in text: some StringProtocol) -> [String] {
        text.split(separator: "[").dropFirst().compactMap { rest in
            guard let end = rest.firstIndex(of: "]") else { return nil }
            let parts = rest[..<end].split(separator: "-")
            guard parts.count == 3, Self.letters.contains(String(parts[0])), Int(parts[2]) != nil
            else { return nil }
            return String(rest[..<end])
        }
    }

    @Test func identifiersAreUniqueAndKnown() throws {
        var defined: [String] = []
        var cited: [String] = []
        for document in Self.documents {
            var section = ""
            for line in try text(document).split(separator: "\n") {
                if line.hasPrefix("#"), let number = line.split(separator: " ").dropFirst().first {
                    section = number.hasSuffix(".") ? String(number.dropLast()) : String(number)
                }
                var found = identifiers(in: line)
                if line.hasPrefix("* ["), let first = found.first {
                    defined.append(first)
                    found.removeFirst()
                    let parts = first.split(separator: "-")
                    #expect(parts[0] == document.prefix(1).uppercased(), "\(first)")
                    #expect(parts[1] == section, "\(first) stands in section \(section)")
                }
                cited += found
            }
        }
        #expect(defined.count > 120)
        #expect(Set(defined).count == defined.count, "an identifier stands for two things")
        let unknown = Set(cited).subtracting(defined).sorted()
        #expect(unknown.isEmpty, "\(unknown)")
    }

    /// No requirement is without an identifier.
    @Test func requirementsHaveIdentifiers() throws {
        for document in Self.documents {
            var isListed = false
            for line in try text(document).split(separator: "\n", omittingEmptySubsequences: false)
            {
                if line.hasPrefix("* [") { isListed = true }
                if line.isEmpty || line.hasPrefix("#") { isListed = false }
                let isRule = line.contains(" MUST ") || line.contains(" SHOULD ")
                let isAbout = line.contains("RFC 2119") || line.contains("where it says MUST")
                #expect(!isRule || isListed || isAbout, "\(document): \(line)")
            }
        }
    }

    /// The tests that the page of threats names exist: it cannot promise more than there is.
    @Test func threatsHaveTests() throws {
        let tests = protocolFolder.deletingLastPathComponent().appendingPathComponent("Tests/Unit")
        let page = try String(
            contentsOf: tests.appendingPathComponent("README.md"), encoding: .utf8)
        var names: Set<String> = []
        for line in page.split(separator: "\n") where line.hasPrefix("| ") {
            let cells = line.split(separator: "|")
            guard cells.count == 3, cells[2].contains("`") else { continue }
            let quoted = cells[2].split(separator: "`", omittingEmptySubsequences: false)
            for (i, name) in quoted.enumerated() where i % 2 == 1 { names.insert(String(name)) }
        }
        #expect(names.count > 40)
        let files = FileManager.default.enumerator(at: tests, includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "swift" else { continue }
            let text = try String(contentsOf: file, encoding: .utf8)
            names = names.filter { !text.contains("func \($0)(") }
        }
        #expect(names.isEmpty, "\(names.sorted())")
    }
}

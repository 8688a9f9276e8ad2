// The articles show code that compiles.

import Foundation
import Testing

@Suite struct DocumentationTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func lines(_ path: String) throws -> [String] {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// The blocks of Swift in an article.
    private static func blocks(_ lines: [String]) -> [[String]] {
        var blocks: [[String]] = []
        var open: [String]?
        for line in lines {
            if line == "```swift" {
                open = []
            } else if line == "```", let block = open {
                blocks.append(block)
                open = nil
            } else {
                open?.append(line)
            }
        }
        return blocks
    }

    @Test(arguments: ["Connect", "OfflineOutbox", "TestingOnABadNetwork"])
    func everyBlockOfAnArticleIsCompiled(_ article: String) throws {
        let compiled = try Self.lines("Tests/Unit/PetrelTests/DocumentedCode.swift")
        let blocks = Self.blocks(
            try Self.lines("Sources/Petrel/Petrel.docc/\(article).md"))
        #expect(blocks.count >= 3)
        for block in blocks {
            let isThere = compiled.indices.contains { start in
                compiled[start...].starts(with: block)
            }
            #expect(isThere, "\(article): \(block)")
        }
    }
}

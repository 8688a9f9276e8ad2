// Every input that a fuzzer found interesting, and every one that once broke something, again.

import Foundation
import Testing

@Suite struct CorpusTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("corpora")

    @Test(arguments: FuzzTarget.allCases.filter { $0 != .canary })
    func allInputsAreWithstood(target: FuzzTarget) throws {
        let folder = Self.folder.appendingPathComponent(target.rawValue)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(!names.isEmpty, "the corpus of \(target) is missing")
        for name in names {
            let bytes = try Data(contentsOf: folder.appendingPathComponent(name))
            #expect(throws: Never.self, "\(target.rawValue)/\(name)") {
                try target.feed(Array(bytes))
            }
        }
    }

    @Test func theCanaryDies() {
        #expect(throws: Finding.self) { try FuzzTarget.canary.feed(Array("petrel".utf8)) }
        #expect(throws: Never.self) { try FuzzTarget.canary.feed(Array("petrol".utf8)) }
    }
}

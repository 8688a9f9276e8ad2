// The registry of the specification and the refusals of the messenger, both ways.

import Foundation
import PetrelMessaging
import Testing

@Suite struct RegistryTests {
    struct File: Decodable { var messaging_errors: [Row] }

    struct Row: Decodable {
        var name: String
        var number: UInt32
    }

    @Test func refusalCodesAgree() throws {
        let file = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Protocol/registry.json")
        let registry = try JSONDecoder().decode(File.self, from: Data(contentsOf: file))
        let listed = registry.messaging_errors.map { "\($0.name) \($0.number)" }
        #expect(listed == MessagingError.allCases.map { "\($0) \($0.rawValue)" })
    }
}

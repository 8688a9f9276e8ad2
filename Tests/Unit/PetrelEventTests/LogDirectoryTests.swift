// Logs in a directory: private files, begun with a head, appended to.

import Foundation
import PetrelEvent
import Testing

@Suite struct LogDirectoryTests {
    private func temporary() throws -> String {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("petrel-test-log-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: false)
        return directory.path
    }

    @Test func eachNameIsAPrivateFileThatIsAppendedTo() throws {
        let directory = try temporary()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let log = try LogDirectory(path: directory)
        for (bytes, name) in [("1", "a"), ("2", "a"), ("3", "b")] {
            log.append(Array(bytes.utf8), to: name, head: Array("head ".utf8))
        }
        for (name, text) in [("a", "head 12"), ("b", "head 3")] {
            let file = directory + "/" + name
            let bytes = try #require(FileManager.default.contents(atPath: file))
            #expect(String(decoding: bytes, as: UTF8.self) == text)
            let attributes = try FileManager.default.attributesOfItem(atPath: file)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func aDirectoryThatIsNoneIsRefused() throws {
        let directory = try temporary()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let file = directory + "/file"
        let isMade = FileManager.default.createFile(atPath: file, contents: nil)
        #expect(isMade)
        for path in [file, directory + "/missing"] {
            #expect(throws: SystemError.self) { try LogDirectory(path: path) }
        }
    }
}

// The manifest is read target by target, and compared with the import table.

import Testing

@testable import tidy

@Suite struct ManifestTests {
    private let text = """
        let all = [
            .systemLibrary(
                name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
            .target(name: "CPetrelLinux", cSettings: [.define("_GNU_SOURCE")]),
            .target(name: "PetrelBase", swiftSettings: pure),
            .target(
                name: "PetrelMessaging",
                dependencies: ["PetrelBase", .product(name: "SwiftProtobuf", package: "protobuf")],
                swiftSettings: common),
            .testTarget(name: "ATests", dependencies: ["Anything"], swiftSettings: door),
        ]
        """

    @Test func readsTargets() {
        let targets = ManifestTarget.targets(in: text.split(separator: "\n").map(String.init))
        #expect(
            targets == [
                ManifestTarget(name: "CSodium", line: 2, isSwift: false, isTest: false),
                ManifestTarget(name: "CPetrelLinux", line: 4, isSwift: false, isTest: false),
                ManifestTarget(name: "PetrelBase", line: 5, isSwift: true, isTest: false),
                ManifestTarget(
                    name: "PetrelMessaging", line: 6, isSwift: true, isTest: false,
                    dependencies: ["PetrelBase", "SwiftProtobuf"]),
                ManifestTarget(
                    name: "ATests", line: 10, isSwift: true, isTest: true,
                    dependencies: ["Anything"]),
            ])
    }

    /// Beside each other are only the words of floor 1 and the programs of floor 7.
    @Test func theTableLeadsDownOnly() {
        for (name, room) in ImportTable.rooms {
            for imported in room.modules {
                guard let below = ImportTable.rooms[imported] else { continue }
                let isDown = below.floor < room.floor
                let isBeside = below.floor == room.floor && [1, 7].contains(room.floor)
                #expect(isDown || isBeside, "\(name) imports \(imported)")
            }
        }
    }

    @Test func acceptsWhatTheTableSays() {
        #expect(Rules.manifest(SourceText(path: "Package.swift", text: text)).isEmpty)
    }

    @Test(arguments: [
        ("\"PetrelBase\", .product", ".product", "does not declare PetrelBase"),
        ("\"PetrelBase\", .product", "\"PetrelBase\", \"CLMDB\", .product", "on CLMDB"),
        ("\"PetrelMessaging\"", "\"PetrelParlour\"", "not in the table"),
    ])
    func refusesWhatTheTableDoesNotSay(old: String, new: String, finding: String) throws {
        let parts = text.split(separator: old, maxSplits: 1)
        try #require(parts.count == 2)
        let changed = parts[0] + new + parts[1]
        let found = Rules.manifest(SourceText(path: "Package.swift", text: String(changed)))
        #expect(found.count == 1 && found.allSatisfy { $0.text.contains(finding) }, "\(found)")
        #expect(found.map(\.line) == [6])
    }

    @Test(arguments: [
        ("import A", "A"), ("public import A", "A"), ("@testable import A", "A"),
        ("@preconcurrency import struct A.B", "A"), ("  import A // why", "A"),
    ])
    func knowsImports(line: String, module: String) {
        #expect(Rules.importedModule(line) == module)
    }

    @Test(arguments: ["let import1 = 2", "a.import", "call(import x)", "import"])
    func knowsWhatIsNoImport(line: String) {
        #expect(Rules.importedModule(line) == nil)
    }
}

// Who may import whom: the table of the house, module by module.

/// What one module may import, and how high it lives.
struct Room {
    /// 1 vocabulary, 2 protocols, 3 rules and layers, 4 brains, 5 doors, 6 shells,
    /// 7 instruments and tools.
    var floor: Int
    /// Our modules and packages of others; the manifest declares the same.
    var modules: [String]
    /// Modules of the toolchain and the system, which no manifest declares.
    var system: [String] = []
}

/// The import law; `Package.swift` must agree with it.
enum ImportTable {
    private static let shell = ["Glibc", "Synchronization"]

    /// All rooms by module name.
    static let rooms: [String: Room] = [
        "PetrelBase": Room(floor: 1, modules: []),
        "PetrelWire": Room(floor: 1, modules: ["PetrelBase"]),
        "PetrelCrypto": Room(floor: 1, modules: ["PetrelBase", "CSodium"], system: ["Glibc"]),
        "PetrelTransport": Room(
            floor: 2, modules: ["PetrelBase", "PetrelWire", "PetrelCrypto"]),
        "PetrelMessaging": Room(floor: 2, modules: ["PetrelBase", "SwiftProtobuf"]),
        "PetrelServices": Room(floor: 3, modules: ["PetrelBase", "PetrelMessaging"]),
        "PetrelClientNetwork": Room(
            floor: 3, modules: ["PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport"]),
        "PetrelClientData": Room(floor: 3, modules: ["PetrelBase", "PetrelMessaging"]),
        "PetrelServerCore": Room(
            floor: 4,
            modules: [
                "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
                "PetrelServices",
            ]),
        "PetrelClientCore": Room(
            floor: 4,
            modules: [
                "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
                "PetrelClientNetwork", "PetrelClientData",
            ]),
        "PetrelEvent": Room(
            floor: 5, modules: ["PetrelBase", "CEvent", "CPetrelLinux"], system: shell),
        "PetrelStore": Room(
            floor: 5,
            modules: [
                "PetrelBase", "PetrelMessaging", "PetrelServices", "PetrelClientData", "CLMDB",
            ], system: shell),
        "PetrelServer": Room(
            floor: 6,
            modules: [
                "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
                "PetrelServices", "PetrelServerCore", "PetrelEvent", "PetrelStore",
            ], system: shell),
        "Petrel": Room(
            floor: 6,
            modules: [
                "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
                "PetrelClientNetwork", "PetrelClientData", "PetrelClientCore", "PetrelEvent",
                "PetrelStore",
            ], system: shell),
        // CPetrelChance puts a seeded generator beneath libsodium: nobody else may.
        "PetrelSim": Room(
            floor: 7,
            modules: [
                "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
                "PetrelServices", "PetrelServerCore", "PetrelClientNetwork", "PetrelClientData",
                "PetrelClientCore", "CPetrelChance",
            ]),
        "PetrelCommand": Room(
            floor: 7,
            modules: [
                "Petrel", "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelMessaging",
                "PetrelServices", "PetrelServerCore", "PetrelStore", "PetrelServer", "PetrelEvent",
                "PetrelSim", "CNcurses", "ArgumentParser",
            ], system: ["Foundation", "Dispatch", "Glibc", "Synchronization"]),
        "bench": Room(
            floor: 7,
            modules: [
                "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
                "PetrelServices", "PetrelServerCore", "PetrelClientNetwork", "PetrelClientData",
                "PetrelClientCore", "PetrelEvent", "PetrelStore", "PetrelServer", "Petrel",
                "CBench",
                "PackageDescription",
            ], system: ["Foundation", "Glibc", "Synchronization"]),
        // The fuzzers, which Package.swift has for Tools/fuzz alone.
        "fuzz": Room(
            floor: 7,
            modules: [
                "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
                "PetrelServices", "PetrelServerCore", "PetrelClientData", "PetrelStore",
                "CPetrelChance",
            ], system: ["Glibc"]),
        // For tests alone, of several modules.
        "TestServer": Room(floor: 7, modules: ["PetrelBase", "PetrelMessaging"]),
        "tidy": Room(floor: 7, modules: [], system: ["Foundation"]),
    ]

    /// Returns the module that a Swift file belongs to, or `nil` for tests and the manifest.
    static func module(ofPath path: String) -> String? {
        let parts = path.split(separator: "/")
        guard parts.count > 2 else { return nil }
        switch (parts[0], parts[1]) {
        case ("Sources", let folder): return String(folder)
        case ("Tools", "petrel"): return "PetrelCommand"
        case ("Tools", let folder): return String(folder)
        default: return nil
        }
    }
}

// swift-tools-version: 6.3
import PackageDescription

/// Bugs planted on purpose, for `petrel sim --planted`; never in a build without this variable.
let planted: [SwiftSetting] =
    Context.environment["PETREL_PLANTED"] == nil ? [] : [.define("PETREL_PLANTED")]
let common: [SwiftSetting] =
    planted + [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ]
/// Modules that wrap C: views of their own that cannot outlive what they show.
let door = common + [.enableExperimentalFeature("Lifetimes")]
/// Modules that parse and decide: besides, every unsafe expression says so.
let pure = door + [.strictMemorySafety()]

let targets: [Target] = [
    // Floor 0: C.
    .systemLibrary(
        name: "CEvent", pkgConfig: "libevent_core", providers: [.apt(["libevent-dev"])]),
    .systemLibrary(
        name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
    // Without its pkg-config file, whose definitions SwiftPM refuses: the module map links it.
    .systemLibrary(name: "CNcurses", providers: [.apt(["libncurses-dev"])]),
    .target(name: "CPetrelLinux", cSettings: [.define("_GNU_SOURCE")]),
    // Floor 1: vocabulary.
    .target(name: "PetrelBase", swiftSettings: pure),
    .target(name: "PetrelWire", dependencies: ["PetrelBase"], swiftSettings: pure),
    .target(name: "PetrelCrypto", dependencies: ["PetrelBase", "CSodium"], swiftSettings: door),
    // Floor 2: protocols.
    .target(
        name: "PetrelTransport", dependencies: ["PetrelBase", "PetrelWire", "PetrelCrypto"],
        swiftSettings: pure),
    .target(
        name: "PetrelMessaging",
        dependencies: ["PetrelBase", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
        swiftSettings: common),
    // Floor 3: rules and layers.
    .target(
        name: "PetrelServices", dependencies: ["PetrelBase", "PetrelMessaging"],
        swiftSettings: door),
    .target(
        name: "PetrelClientNetwork",
        dependencies: ["PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport"],
        swiftSettings: door),
    .target(
        name: "PetrelClientData", dependencies: ["PetrelBase", "PetrelMessaging"],
        swiftSettings: door),
    // Floor 4: brains.
    .target(
        name: "PetrelServerCore",
        dependencies: [
            "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
            "PetrelServices",
        ], swiftSettings: door),
    .target(
        name: "PetrelClientCore",
        dependencies: [
            "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
            "PetrelClientNetwork", "PetrelClientData",
        ], swiftSettings: door),
    // Floor 5: doors.
    .target(
        name: "PetrelEvent", dependencies: ["PetrelBase", "CEvent", "CPetrelLinux"],
        swiftSettings: door),
    .target(
        name: "PetrelStore",
        dependencies: [
            "PetrelBase", "PetrelMessaging", "PetrelServices", "PetrelClientData", "CLMDB",
        ], swiftSettings: door),
    // Floor 6: shells.
    .target(
        name: "PetrelServer",
        dependencies: [
            "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
            "PetrelServices", "PetrelServerCore", "PetrelEvent", "PetrelStore",
        ], swiftSettings: door),
    .target(
        name: "Petrel",
        dependencies: [
            "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
            "PetrelClientNetwork", "PetrelClientData", "PetrelClientCore", "PetrelEvent",
            "PetrelStore",
        ], swiftSettings: door),
    // Floor 7: instruments.
    .target(name: "CPetrelChance", dependencies: ["CSodium"]),
    .target(
        name: "PetrelSim",
        dependencies: [
            "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
            "PetrelServices", "PetrelServerCore", "PetrelClientNetwork", "PetrelClientData",
            "PetrelClientCore", "CPetrelChance",
        ], swiftSettings: door),
    // Tools.
    .executableTarget(
        name: "PetrelCommand",
        dependencies: [
            "Petrel", "PetrelBase", "PetrelWire", "PetrelMessaging", "PetrelServices",
            "PetrelServerCore", "PetrelStore", "PetrelServer", "PetrelEvent", "PetrelSim",
            "CNcurses",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ], path: "Tools/petrel", swiftSettings: common),
    .executableTarget(name: "tidy", path: "Tools/tidy", swiftSettings: common),
    // Tests.
    .testTarget(
        name: "PetrelBaseTests", dependencies: ["PetrelBase"], path: "Tests/Unit/PetrelBaseTests",
        swiftSettings: door),
    .testTarget(
        name: "PetrelWireTests", dependencies: ["PetrelBase", "PetrelWire"],
        path: "Tests/Unit/PetrelWireTests", swiftSettings: door),
    .testTarget(
        name: "PetrelCryptoTests", dependencies: ["PetrelBase", "PetrelCrypto"],
        path: "Tests/Unit/PetrelCryptoTests", swiftSettings: door),
    .testTarget(
        name: "PetrelTransportTests",
        dependencies: ["PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport"],
        path: "Tests/Unit/PetrelTransportTests", swiftSettings: door),
    .testTarget(
        name: "PetrelMessagingTests", dependencies: ["PetrelBase", "PetrelMessaging"],
        path: "Tests/Unit/PetrelMessagingTests", swiftSettings: door),
    .testTarget(
        name: "PetrelServicesTests",
        dependencies: ["PetrelBase", "PetrelMessaging", "PetrelServices"],
        path: "Tests/Unit/PetrelServicesTests", swiftSettings: door),
    .testTarget(
        name: "PetrelServerCoreTests",
        dependencies: [
            "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
            "PetrelServices", "PetrelServerCore",
        ], path: "Tests/Unit/PetrelServerCoreTests", swiftSettings: door),
    .testTarget(
        name: "PetrelClientNetworkTests",
        dependencies: [
            "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelClientNetwork",
        ], path: "Tests/Unit/PetrelClientNetworkTests", swiftSettings: door),
    // What a server answers, for the tests of those who ask.
    .target(
        name: "TestServer", dependencies: ["PetrelBase", "PetrelMessaging"],
        path: "Tests/Unit/TestServer", swiftSettings: door),
    .testTarget(
        name: "PetrelClientDataTests",
        dependencies: ["PetrelBase", "PetrelMessaging", "PetrelClientData", "TestServer"],
        path: "Tests/Unit/PetrelClientDataTests", swiftSettings: door),
    .testTarget(
        name: "PetrelClientCoreTests",
        dependencies: [
            "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
            "PetrelClientNetwork", "PetrelClientData", "PetrelClientCore", "TestServer",
        ], path: "Tests/Unit/PetrelClientCoreTests", swiftSettings: door),
    .testTarget(
        name: "PetrelTests",
        dependencies: [
            "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
            "PetrelClientData", "PetrelClientCore", "PetrelEvent", "PetrelStore", "Petrel",
        ], path: "Tests/Unit/PetrelTests", swiftSettings: door),
    .testTarget(
        name: "PetrelEventTests", dependencies: ["PetrelBase", "PetrelEvent"],
        path: "Tests/Unit/PetrelEventTests", swiftSettings: door),
    .testTarget(
        name: "PetrelStoreTests",
        dependencies: [
            "PetrelBase", "PetrelMessaging", "PetrelServices", "PetrelClientData", "PetrelStore",
        ], path: "Tests/Unit/PetrelStoreTests", swiftSettings: door),
    .testTarget(
        name: "PetrelServerTests",
        dependencies: [
            "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
            "PetrelServerCore", "PetrelEvent", "PetrelServer", "Petrel",
        ], path: "Tests/Unit/PetrelServerTests", swiftSettings: door),
    .testTarget(
        name: "SimulationTests", dependencies: ["PetrelSim"], path: "Tests/Simulation",
        exclude: ["README.md", "regressions"], swiftSettings: door),
    .testTarget(
        name: "PetrelToolTests",
        dependencies: [
            "PetrelCommand", "Petrel", "PetrelBase", "PetrelWire", "PetrelCrypto",
            "PetrelMessaging", "PetrelServices", "PetrelServerCore", "PetrelEvent", "PetrelStore",
            "PetrelServer",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ], path: "Tests/Unit/PetrelToolTests", swiftSettings: common),
    // The same targets as the fuzzers', fed with their corpora.
    .testTarget(
        name: "FuzzTests",
        dependencies: [
            "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
            "PetrelServices", "PetrelServerCore", "PetrelClientData", "PetrelStore",
            "CPetrelChance",
        ], path: "Tests/Fuzz",
        exclude: ["Driver", "corpora"], sources: ["Targets", "Replay"], swiftSettings: door),
    .testTarget(
        name: "TidyTests", dependencies: ["tidy"], path: "Tests/Unit/TidyTests",
        swiftSettings: common),
]

/// The inner modules, for Tools/bench alone: nobody else may build on them.
let inner: [Product] =
    Context.environment["PETREL_INNER_PRODUCTS"] == nil
    ? []
    : [
        .library(
            name: "PetrelInner",
            targets: targets.filter { $0.type == .regular && $0.name.hasPrefix("Petrel") }
                .map(\.name))
    ]

/// The fuzzers, for Tools/fuzz alone: their `main` is libFuzzer's, which is not everywhere.
let fuzzers: [Target] =
    Context.environment["PETREL_FUZZ"] == nil
    ? []
    : [
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "PetrelBase", "PetrelWire", "PetrelCrypto", "PetrelTransport", "PetrelMessaging",
                "PetrelServices", "PetrelServerCore", "PetrelClientData", "PetrelStore",
                "CPetrelChance",
            ], path: "Tests/Fuzz",
            exclude: ["Replay", "corpora"], sources: ["Targets", "Driver"], swiftSettings: door)
    ]

let package = Package(
    name: "petrel",
    products: [
        .library(name: "Petrel", targets: ["Petrel"]),
        .executable(name: "petrel", targets: ["PetrelCommand"]),
    ] + inner,
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: fuzzers.isEmpty ? targets : targets.filter { $0.type != .test } + fuzzers,
    swiftLanguageModes: [.v6]
)

// swift-tools-version: 6.3
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

// Tools/bench/run sets PETREL_INNER_PRODUCTS, without which Petrel has no product for this package.
let package = Package(
    name: "petrel-bench",
    dependencies: [.package(name: "petrel", path: "../..")],
    targets: [
        .target(
            name: "CBench",
            cSettings: [.define("_GNU_SOURCE")],
            linkerSettings: [
                .linkedLibrary("event_core"), .linkedLibrary("sodium"), .linkedLibrary("lmdb"),
            ]),
        .executableTarget(
            name: "PetrelBench",
            dependencies: ["CBench", .product(name: "PetrelInner", package: "petrel")],
            swiftSettings: settings),
        // One of the peers that are measured beside each other on an emulated link.
        .executableTarget(
            name: "petrel-peer",
            dependencies: [.product(name: "PetrelInner", package: "petrel")],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)

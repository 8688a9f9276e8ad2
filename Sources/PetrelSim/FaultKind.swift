// Everything that may go wrong, by name; each kind draws from a stream of its own.

internal import PetrelBase

/// A kind of misbehaviour.
///
/// A new one is added here, drawn in `ScenarioGenerator`, and played in `Link`, `SimulatedDisk`, or
/// `Simulation+Deeds`.
public enum FaultKind: String, Codable, Sendable, CaseIterable, Comparable {
    /// How long packets take, and what becomes of them.
    case delay, jitter, loss, bursts, duplication, lateCopies, reordering, corruption, truncation
    /// What happens to links and addresses.
    case rate, blackHole, blackout, partition, natExpiry, rebinding, moving
    /// What links carry, and what they make of congestion marks.
    case pathSize, marks
    /// UDP that gets nowhere, and TCP connections that break.
    case udpBlocked, brokenStreams
    /// What a device's system, and others, do to its address.
    case offline, addressReuse
    /// Attackers.
    case garbage, replay, spoofing, optimist, pathFlood, helloFlood, mischief, burglary,
        cookieTheft, forgedReset, forgedEarly, probeForgery
    /// The server's disk, and the clients'.
    case slowDisk, longCommits, diskFull, diskError, clientDiskFull
    /// Several workers, and datagrams that reach the wrong one.
    case workers
    /// Processes and clocks.
    case serverCrash, serverPause, serverStop, clientCrash, sleep, reinstall, clockDrift, clockJump
    /// A device that restarts while its latest messages are under way to a busy server.
    case haste
    /// What owners do besides writing: to relations, in groups, to what was said, for themselves,
    /// to their accounts and devices, and what is not stored. And limits that are met.
    case contacts, groups, changes, settings, accounts, activity, limits

    public static func < (a: FaultKind, b: FaultKind) -> Bool { a.rawValue < b.rawValue }

    /// The stream that everything of this kind is drawn from; `instance` tells equals apart.
    func stream(seed: UInt64, instance: Int = 0) -> RandomStream {
        RandomStream(seed: mixed(seed, rawValue, instance), label: "fault")
    }
}

/// The stream of what is no fault: the workload, identifiers, and the fate of single packets.
func stream(_ name: String, seed: UInt64, instance: Int = 0) -> RandomStream {
    RandomStream(seed: mixed(seed, name, instance), label: "sim")
}

/// A seed that depends on all bits of its parts.
func mixed(_ seed: UInt64, _ name: String, _ instance: Int) -> UInt64 {
    var hash = seed ^ 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    hash = (hash ^ UInt64(truncatingIfNeeded: instance)) &* 0x9E37_79B9_7F4A_7C15
    return hash ^ (hash >> 29)
}

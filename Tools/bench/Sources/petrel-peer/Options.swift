// The command line of a peer: `key=value` words, the same for all transports on the emulator.

import Glibc
import PetrelBase
import PetrelTransport

/// A mistake on the command line, or an outcome that makes going on pointless.
struct PeerFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// What the command line asked for.
struct Options {
    var isServer = false
    var isBulk = false
    /// Messages of the latency test; each side sends as many.
    var messagesCount = 1_000
    var messageByteCount = 200
    var interval = Interval.milliseconds(50)
    /// Bytes of the bulk test, and of one message of it.
    var bulkByteCount = 10_485_760
    var chunkByteCount = 65_536
    /// Bytes of a transfer that the client begins in the middle of the latency test.
    var besideByteCount = 0
    var logPath = ""
    /// How long the process lives at most.
    var lifetime = Interval.seconds(120)
    var address = Address(v4: 0x0A09_0002, port: 7_000)
    /// What the client's key is made of.
    var seed = "1"
    var configuration = SessionConfiguration()

    /// Reads the words; those that only other transports understand are passed over.
    init(_ words: some Sequence<String>) throws {
        var port: UInt16 = 7_000
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw PeerFailure("\(word): key=value is expected") }
            let value = String(parts[1])
            switch parts[0] {
            case "role": isServer = value == "server"
            case "mode": isBulk = value == "bulk"
            case "n": messagesCount = try Self.number(word, value)
            case "size": messageByteCount = try Self.number(word, value)
            case "iv": interval = .milliseconds(Int64(try Self.number(word, value)))
            case "bytes": bulkByteCount = try Self.number(word, value)
            case "chunk": chunkByteCount = try Self.number(word, value)
            case "beside": besideByteCount = try Self.number(word, value)
            case "log": logPath = value
            case "deadline": lifetime = .seconds(Int64(try Self.number(word, value)))
            case "addr": address = try Self.address(value)
            case "port": port = UInt16(truncatingIfNeeded: try Self.number(word, value))
            case "seed": seed = value
            case "cc": configuration.congestionAlgorithm = value == "cubic" ? .cubic : .gale
            case "redundancy": configuration.redundancy = try Self.redundancy(value)
            case "without": configuration.recoveryRules = try Self.rules(without: value)
            default: break
            }
        }
        address.port = port
        guard messageByteCount >= Traffic.headByteCount, chunkByteCount >= Traffic.headByteCount
        else { throw PeerFailure("a message has at least \(Traffic.headByteCount) bytes") }
        // A bulk flow needs more under way than a chat: a round trip at the rate of the link.
        if isBulk {
            configuration.receiveCredit = 1 << 20
            configuration.bytesInFlightMax = 1 << 20
        }
    }

    private static func redundancy(_ value: String) throws -> Redundancy {
        switch value {
        case "none": return .none
        case "auto": return .auto
        default: throw PeerFailure("redundancy=\(value): none or auto is expected")
        }
    }

    private static func rules(without names: String) throws -> RecoveryRules {
        let known: [String: RecoveryRules] = [
            "thin": .thinTimer, "adaptive": .adaptiveThresholds, "cold": .coldRoundTrip,
            "own": .ownTimeouts, "gentle": .gentleBackoff, "cap": .probeCap,
            "second": .secondProbe, "bundling": .bundling,
            "patience": .patience,
        ]
        var rules = RecoveryRules.all
        for name in names.split(separator: ",") {
            guard let rule = known[String(name)] else {
                throw PeerFailure("without=\(name): \(known.keys.sorted()) are known")
            }
            rules.remove(rule)
        }
        return rules
    }

    private static func number(_ word: String, _ value: String) throws -> Int {
        guard let number = Double(value), number >= 0, number < 1e12 else {
            throw PeerFailure("\(word): a number is expected")
        }
        return Int(number)
    }

    private static func address(_ value: String) throws -> Address {
        var parsed = in_addr()
        guard inet_pton(AF_INET, value, &parsed) == 1 else {
            throw PeerFailure("addr=\(value): an IPv4 address is expected")
        }
        return Address(v4: UInt32(bigEndian: parsed.s_addr), port: 0)
    }
}

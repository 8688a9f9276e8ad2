// How often each host may ask: token buckets in a table of fixed size.

public import PetrelBase

/// How fast a bucket fills, and how much it holds.
public struct BucketRate: Equatable, Sendable {
    /// The time that one token takes to come.
    public var spacing: Interval
    /// Tokens in a full bucket.
    public var burst: Int64

    /// Creates a rate.
    public init(spacing: Interval, burst: Int64) {
        self.spacing = spacing
        self.burst = burst
    }
}

/// One bucket, kept as the moment at which it will be full again (GCRA).
struct TokenBucket {
    /// When the bucket is full again.
    private(set) var full: Instant

    /// Creates a full bucket.
    init(now: Instant) { full = now }

    /// Takes a token out; `false` if there is none.
    mutating func take(_ rate: BucketRate, now: Instant) -> Bool {
        guard wait(rate, now: now) == .zero else { return false }
        full = max(full, now) + rate.spacing
        return true
    }

    /// How long it takes until there is a token; zero if there is one.
    func wait(_ rate: BucketRate, now: Instant) -> Interval {
        let next = max(full, now)
        return max(.zero, next - now - rate.spacing * (rate.burst - 1))
    }
}

/// Where a client is, as far as rates are concerned: an IPv4 address, or a /64 of IPv6.
struct Host: Hashable {
    let high: UInt64
    let low: UInt64

    init(_ address: Address) {
        high = address.high
        low = address.v4 == nil ? 0 : address.low
    }
}

/// The buckets of the hosts that asked lately: sets of four, so that nobody can fill the table.
///
/// Of four that fall together, the one that is full first gives way: it has asked for least.
struct HostBuckets {
    private struct Entry {
        var host: Host
        var bucket: TokenBucket
    }

    private static let ways = 4

    private var entries: [Entry?]
    private let secret: UInt64

    /// Creates a table for at least that many hosts; `secret` keeps who falls together unknown.
    init(capacity: Int, secret: UInt64) {
        var count = Self.ways
        while count < capacity { count *= 2 }
        entries = Array(repeating: nil, count: count)
        self.secret = secret
    }

    /// Takes a token of that host; `false` if it has none.
    mutating func take(_ host: Host, _ rate: BucketRate, now: Instant) -> Bool {
        let first = set(of: host) * Self.ways
        var place = first
        var earliest = Instant.distantFuture
        for i in first..<first + Self.ways {
            guard let entry = entries[i] else {
                if earliest > Instant(nanoseconds: .min) { place = i }
                earliest = Instant(nanoseconds: .min)
                continue
            }
            if entry.host == host {
                var bucket = entry.bucket
                defer { entries[i] = Entry(host: host, bucket: bucket) }
                return bucket.take(rate, now: now)
            }
            if entry.bucket.full < earliest { (place, earliest) = (i, entry.bucket.full) }
        }
        var bucket = TokenBucket(now: now)
        let isTaken = bucket.take(rate, now: now)
        entries[place] = Entry(host: host, bucket: bucket)
        return isTaken
    }

    private func set(of host: Host) -> Int {
        var mix = secret
        for word in [host.high, host.low] {
            mix = (mix ^ word) &* 0x9E37_79B9_7F4A_7C15
            mix ^= mix >> 32
        }
        return Int(truncatingIfNeeded: mix) & (entries.count / Self.ways - 1)
    }
}

/// How many sessions there are from each host.
struct LiveHosts {
    private var counts: [Host: Int] = [:]
    /// Sessions in all.
    private(set) var sessionsCount = 0

    /// Whether there is a session from that host.
    func contains(_ host: Host) -> Bool { counts[host] != nil }

    /// A session is there.
    mutating func insert(_ host: Host) {
        counts[host, default: 0] += 1
        sessionsCount += 1
    }

    /// A session is not there any more.
    mutating func remove(_ host: Host) {
        guard let count = counts[host] else { return }
        counts[host] = count > 1 ? count - 1 : nil
        sessionsCount -= 1
    }
}

// How long the peer takes to answer, and how sure that is (RFC 9002 §5).

public import PetrelBase

/// The round-trip time of one path.
///
/// - Note: a sample is taken only from the largest newly acknowledged packet, and only if that
///   packet was ack-eliciting (RFC 9002 §5.1); the caller sees to both.
public struct RTTEstimator: Equatable, Sendable {
    /// Used until the first sample arrives: 333 ms (RFC 9002 §6.2.2).
    public static let initial = Interval.milliseconds(333)
    /// The least margin over the mean: 2 ms, because thin flows probe early.
    public static let marginMin = Interval.milliseconds(2)

    /// The last sample, as measured.
    public private(set) var latest = Interval.zero
    /// The least sample seen on the path; no acknowledgement delay is taken off it.
    public private(set) var min = Interval.infinite
    /// The exponentially weighted mean: 7/8 old, 1/8 new.
    public private(set) var smoothed = initial
    /// The exponentially weighted deviation from the mean: 3/4 old, 1/4 new.
    public private(set) var variance = initial / 2
    /// Whether any sample was taken.
    public private(set) var hasSample = false

    /// Creates an estimator without samples.
    public init() {}

    /// Creates an estimator that remembers an earlier one; without samples if there is nothing.
    init(smoothed: Interval, variance: Interval, min: Interval) {
        guard smoothed > .zero else { return }
        latest = smoothed
        self.smoothed = smoothed
        self.variance = variance
        self.min = min
        hasSample = true
    }

    /// Takes in a sample (RFC 9002 §5.3).
    ///
    /// - Parameters:
    ///   - sample: from sending the packet to receiving its acknowledgement; at least 1 ns is
    ///     counted, because a coarse clock may say none.
    ///   - ackDelay: how long the peer says it held the acknowledgement; already limited to its
    ///     maximum by the caller.
    public mutating func update(sample: Interval, ackDelay: Interval) {
        let sample = Swift.max(sample, Interval(nanoseconds: 1))
        latest = sample
        min = Swift.min(min, sample)
        guard hasSample else {
            hasSample = true
            smoothed = sample
            variance = sample / 2
            return
        }
        let adjusted = adjusted(sample, ackDelay)
        let deviation = smoothed > adjusted ? smoothed - adjusted : adjusted - smoothed
        variance = (variance * 3 + deviation) / 4
        smoothed = (smoothed * 7 + adjusted) / 8
    }

    /// The probe timeout, before backoff: when to ask again for an acknowledgement.
    ///
    /// A sample without the time that the peer held the acknowledgement, if that is believable.
    func adjusted(_ sample: Interval, _ ackDelay: Interval) -> Interval {
        sample >= min + ackDelay ? sample - ackDelay : sample
    }

    /// - Parameter ackDelayMax: the longest that the peer holds an acknowledgement.
    /// - Returns: `smoothed + max(4 * variance, 2 ms) + ackDelayMax` (RFC 9002 §6.2.1).
    public func probeTimeout(ackDelayMax: Interval) -> Interval {
        smoothed + Swift.max(variance * 4, Self.marginMin) + ackDelayMax
    }
}

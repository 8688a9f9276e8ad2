// How often each account may ask: token buckets in a table of fixed size.

import PetrelBase
import PetrelMessaging
import PetrelServices

/// The buckets of the accounts that asked lately.
///
/// When the table is full, the account that came into it first gives way, and begins anew with a
/// full bucket when it asks again.
struct AccountBuckets {
    private var buckets: [AccountID: TokenBucket] = [:]
    /// Has exactly the accounts that `buckets` has.
    private var order: RingBuffer<AccountID>

    init(capacity: Int) { order = RingBuffer(capacity: capacity) }

    /// Accounts in the table.
    var count: Int { buckets.count }

    /// Takes a token of that account; refused with `tooFast` and the time until there is one.
    mutating func take(
        _ account: AccountID, _ rate: BucketRate, now: Instant
    ) throws(Refused) {
        var bucket = buckets[account] ?? TokenBucket(now: now)
        let wait = bucket.wait(rate, now: now)
        guard bucket.take(rate, now: now) else {
            let second = Interval.seconds(1).nanoseconds
            let perSecond = second / max(1, rate.spacing.nanoseconds)
            // Whole milliseconds travel: one more, so that the next try is not a little early.
            throw Refused(
                .tooFast,
                retryAfter: .milliseconds(wait.nanoseconds / 1_000_000 + 1),
                limit: UInt64(clamping: perSecond))
        }
        if buckets[account] == nil {
            if order.isFull, let oldest = order.popFirst() { buckets[oldest] = nil }
            _ = order.append(account)
        }
        buckets[account] = bucket
    }
}

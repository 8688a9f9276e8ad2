// One snapshot of an environment, taken from a pool and given back.

import CLMDB
import Glibc

/// What all tables held at one moment.
///
/// Must end soon: pages that a snapshot may still see cannot be used again.
struct ReadTransaction: ~Copyable, Transaction {
    let handle: OpaquePointer
    let tables: Tables
    private let environment: Environment
    private let began: Int64

    init(_ environment: Environment) throws(StoreError) {
        let handle = try environment.takeReader()
        self.handle = handle
        self.environment = environment
        tables = environment.tables
        began = monotonicNanoseconds()
    }

    deinit { environment.giveBack(handle, after: monotonicNanoseconds() - began) }
}

/// Reads the monotonic clock; only to see how long reads take.
func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
}

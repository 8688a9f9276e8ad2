// The one start of libsodium, which everything that makes a key passes through.

internal import CSodium

/// The library beneath this module.
public enum Sodium {
    /// Starts libsodium once, the first time that it is read; later reads cost a check.
    ///
    /// libsodium works without it, but with its slowest code, and its generator is not yet seeded.
    public static let start: Void = {
        // Zero: started now; one: somebody did already. Anything else: no randomness to be had.
        precondition(sodium_init() >= 0, "libsodium cannot start")
    }()
}

// Makes libsodium draw from a seed while a simulation runs; nothing else of the crypto changes.

internal import CPetrelChance
internal import PetrelCrypto

/// The generator beneath all keys and secrets, on the present thread.
enum SeededChance {
    /// Runs `body` with every number of libsodium on this thread following from `seed`.
    static func with<Result, Failure: Error>(
        seed: UInt64, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // Starting libsodium draws numbers: the first run of a process would get others.
        Sodium.start
        petrel_chance_begin(seed)
        defer { petrel_chance_end() }
        return try body()
    }
}

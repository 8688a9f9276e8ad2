// The bird in the mine: if this survives a fuzzer, the fuzzer is blind.

/// Finds fault with every input that begins with `petrel`.
enum Canary {
    static func feed(_ bytes: [UInt8]) throws {
        try hold(!begins(bytes, "petrel"), "the canary is dead, as it should be")
    }

    /// Byte by byte, so that coverage leads a fuzzer to the word.
    private static func begins(_ bytes: [UInt8], _ word: StaticString) -> Bool {
        guard bytes.count >= word.utf8CodeUnitCount else { return false }
        for i in 0..<word.utf8CodeUnitCount where bytes[i] != word.utf8Start[i] { return false }
        return true
    }
}

// Why a run cannot go on: a figure that came about in another way than meant is worse than none.

/// A measurement that did not do what it should have measured.
struct BenchFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

// Which declarations only fulfil what a protocol has documented already.

/// All protocols of the repository and a few of the standard library, and what conforms to them.
struct Contracts {
    private var requirements: [String: Set<String>] = [
        "Sequence": ["Element", "Iterator", "makeIterator"],
        "IteratorProtocol": ["Element", "next"],
        "AsyncSequence": ["AsyncIterator", "Element", "Failure", "makeAsyncIterator"],
        "AsyncIteratorProtocol": ["Element", "Failure", "next"],
    ]
    private var inherited: [String: Set<String>] = [:]

    /// Collects the contracts among all declarations of the repository.
    init(_ declarations: [Declaration]) {
        for declaration in declarations {
            inherited[declaration.name, default: []].formUnion(declaration.inherited)
            if declaration.isRequirement {
                requirements[declaration.owner, default: []].insert(declaration.name)
            }
        }
    }

    /// Whether a protocol that the owner of `declaration` fulfils, or is, asks for it by name.
    func ask(for declaration: Declaration) -> Bool {
        var names = [declaration.owner]
        var seen: Set<String> = []
        while let name = names.popLast() {
            guard seen.insert(name).inserted else { continue }
            if requirements[name]?.contains(declaration.name) == true { return true }
            names += inherited[name] ?? []
        }
        return false
    }
}

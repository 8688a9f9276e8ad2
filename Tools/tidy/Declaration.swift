// A declaration of a Swift file, as far as the rules need to know it.

/// Something that a file declares outside function bodies.
struct Declaration {
    /// `func`, `struct`, `case` and so on.
    var keyword: String
    /// Its name; `init(from` for an initialiser with that first label.
    var name: String
    /// The name of the type or extension that it is a member of; empty at the top of a file.
    var owner: String
    /// Whether it is a member of a protocol itself, and not of an extension.
    var isRequirement: Bool
    /// For a type or an extension, the names after its colon.
    var inherited: [String] = []
    /// Whether other modules see it.
    var isPublic: Bool
    /// The line of the first attribute or modifier.
    var firstLine: Int
    /// The line of the keyword.
    var keywordLine: Int
    /// The lines of each function body that belongs to it, with the line it is declared on.
    var bodies: [ClosedRange<Int>] = []
}

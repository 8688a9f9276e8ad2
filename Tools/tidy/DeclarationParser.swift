// Finds the declarations of a Swift file by its words, without understanding expressions.

/// A reader of declarations: it follows types into their members and jumps over everything else.
///
/// It errs on the silent side: what it does not recognise, it skips.
struct DeclarationParser {
    /// What the members of the place being read take from it.
    private struct Scope {
        /// The name of the type that the place belongs to.
        var owner = ""
        /// Whether its members are what a protocol asks for.
        var isProtocol = false
        /// Whether anything inside can be seen from other modules.
        var isVisible: Bool
        /// Whether a member without a modifier is as visible as the place.
        var lendsVisibility: Bool
    }

    private var tokens: [Token]
    private var at = 0
    private var declarations: [Declaration] = []

    /// Returns all declarations of `source` outside function bodies, in order.
    static func declarations(in source: SourceText) -> [Declaration] {
        var parser = DeclarationParser(tokens: Token.tokens(of: source.code))
        while parser.at < parser.tokens.count {
            parser.readMembers(of: Scope(isVisible: true, lendsVisibility: false))
            parser.at += 1
        }
        return parser.declarations
    }

    private init(tokens: [Token]) { self.tokens = tokens }

    private func text(_ index: Int) -> String { index < tokens.count ? tokens[index].text : "" }

    private mutating func readMembers(of scope: Scope) {
        while at < tokens.count, text(at) != "}" { readMember(of: scope) }
    }

    private mutating func readMember(of scope: Scope) {
        let first = at
        let access = readModifiers()
        let keyword = text(at)
        let isLent = access == nil && (scope.lendsVisibility || keyword == "case")
        let isPublic =
            scope.isVisible && (isLent || Self.publicWords.contains(access ?? ""))
        guard Self.keywords.contains(keyword) || Self.types.contains(keyword) else {
            return skipOther()
        }
        declarations.append(
            Declaration(
                keyword: keyword, name: name(after: at), owner: scope.owner,
                isRequirement: scope.isProtocol, isPublic: isPublic, firstLine: tokens[first].line,
                keywordLine: tokens[at].line))
        guard Self.types.contains(keyword) else { return skipDeclaration() }
        let isHidden = keyword == "extension" && Self.hiddenWords.contains(access ?? "")
        let inner = Scope(
            owner: name(after: at), isProtocol: keyword == "protocol",
            isVisible: keyword == "extension" ? !isHidden : isPublic,
            lendsVisibility: isPublic && keyword == "extension" || keyword == "protocol")
        declarations[declarations.count - 1].inherited = readHead()
        at += 1
        readMembers(of: inner)
        at += 1
    }

    /// Passes attributes and modifiers; returns the one that says who sees the declaration.
    private mutating func readModifiers() -> String? {
        var access: String?
        while at < tokens.count {
            if text(at) == "@" {
                at += 2
                while text(at) == "." { at += 2 }
                if text(at) == "(" { skipGroup() }
            } else if Self.modifiers.contains(text(at))
                || text(at) == "class" && Self.keywords.contains(text(at + 1))
            {
                let word = text(at)
                at += 1
                guard text(at) != "(" else {
                    skipGroup()
                    continue
                }
                if Self.publicWords.contains(word) || Self.hiddenWords.contains(word) {
                    access = word
                }
            } else {
                return access
            }
        }
        return access
    }

    /// Passes the head of a type up to its brace; returns the names after its colon.
    private mutating func readHead() -> [String] {
        var inherited: [String]?
        var angles = 0
        while at < tokens.count, text(at) != "{", text(at) != "where" {
            if text(at) == "<" { angles += 1 }
            if text(at) == ">" { angles -= 1 }
            if Token.isName(text(at)) { inherited?.append(text(at)) }
            if text(at) == ":", angles == 0 { inherited = [] }
            skipGroup()
        }
        while at < tokens.count, text(at) != "{" { skipGroup() }
        return inherited ?? []
    }

    private func name(after keyword: Int) -> String {
        guard text(keyword) == "init" else { return text(keyword + 1) }
        var label = keyword + 1
        while label < tokens.count, text(label) != "(" { label += 1 }
        return "init(" + text(label + 1)
    }

    /// Jumps over a directive, a group or a word that begins no declaration.
    private mutating func skipOther() {
        guard text(at) == "#" else { return skipGroup() }
        let line = tokens[at].line
        while at < tokens.count, tokens[at].line == line { at += 1 }
    }

    /// Jumps over one token, or over all that its bracket encloses.
    private mutating func skipGroup() {
        var depth = 0
        repeat {
            if ["(", "[", "{"].contains(text(at)) { depth += 1 }
            if [")", "]", "}"].contains(text(at)) { depth -= 1 }
            at += 1
        } while depth > 0 && at < tokens.count
    }

    /// Jumps over the rest of a declaration, noting its function bodies.
    private mutating func skipDeclaration() {
        let keyword = at
        let isVariable = ["var", "let"].contains(text(at))
        at += 1
        var hasValue = false
        var hasBody = false
        while at < tokens.count, text(at) != "}", !(tokens[at].startsLine && startsMember(at)) {
            let start = at
            if isVariable, text(at) == "=" { hasValue = true }
            skipGroup()
            if text(start) == "{", !hasValue, !hasBody {
                hasBody = true
                declarations[declarations.count - 1].bodies = bodies(
                    from: tokens[keyword].line, open: start, close: at - 1)
            }
        }
    }

    private func startsMember(_ index: Int) -> Bool {
        let word = text(index)
        return word == "@" || word == "#" || Self.modifiers.contains(word)
            || Self.keywords.contains(word) || Self.types.contains(word)
    }

    /// Returns the lines of the body between two braces, or those of each accessor in it.
    private func bodies(from line: Int, open: Int, close: Int) -> [ClosedRange<Int>] {
        var inside = DeclarationParser(tokens: Array(tokens[open + 1..<max(close, open + 1)]))
        _ = inside.readModifiers()
        guard Self.accessors.contains(inside.text(inside.at)) else {
            return [line...max(line, tokens[close].line)]
        }
        var accessors: [ClosedRange<Int>] = []
        var head = line
        while inside.at < inside.tokens.count {
            let start = inside.at
            if Self.accessors.contains(inside.text(start)) { head = inside.tokens[start].line }
            inside.skipGroup()
            if inside.text(start) == "{" {
                accessors.append(head...inside.tokens[inside.at - 1].line)
            }
        }
        return accessors
    }

    private static let types: Set = ["struct", "enum", "class", "actor", "protocol", "extension"]
    private static let keywords: Set = [
        "func", "init", "deinit", "subscript", "var", "let", "case", "typealias",
        "associatedtype", "import", "operator", "precedencegroup", "macro",
    ]
    private static let publicWords: Set = ["public", "open"]
    private static let hiddenWords: Set = ["private", "fileprivate", "internal", "package"]
    private static let modifiers: Set = publicWords.union(hiddenWords).union([
        "static", "final", "mutating", "nonmutating", "override", "required", "convenience",
        "lazy", "weak", "unowned", "indirect", "borrowing", "consuming", "dynamic", "nonisolated",
        "prefix", "postfix", "infix",
    ])
    private static let accessors: Set = [
        "get", "set", "_read", "_modify", "willSet", "didSet",
    ]
}

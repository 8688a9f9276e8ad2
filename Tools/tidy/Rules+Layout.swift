// Where files may be, and which may not be in git at all.

extension Rules {
    /// What the root of the repository holds.
    private static let rooms: Set = [
        ".ci", ".gitignore", ".swift-format", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
        "NOTICE", "Package.swift", "Protocol", "README.md", "SECURITY.md", "Sources", "Tests",
        "Tools", "docs",
    ]

    /// Refuses paths outside the fixed layout, and products of a build.
    static func layout(_ paths: [String]) -> [Finding] {
        paths.compactMap { path in
            let parts = path.split(separator: "/").map(String.init)
            if parts.contains(where: { $0.hasPrefix(".build") || $0 == "Package.resolved" }) {
                return Finding(
                    path: path, line: 1, rule: "layout",
                    text: "made by the build; take it out with `git rm --cached`")
            }
            guard !rooms.contains(parts.first ?? "") else { return nil }
            return Finding(
                path: path, line: 1, rule: "layout",
                text: "no such room at the root; move it, or add the room to Rules+Layout")
        }
    }
}

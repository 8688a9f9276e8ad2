// How text falls into the cells of a terminal: widths, clipping and wrapping.

import CNcurses
import Glibc

/// What one or two cells of a terminal show: a character with the marks that combine with it.
struct DisplayCluster: Equatable, Sendable {
    /// The base and its marks.
    var text: String
    /// Cells: 1 or 2.
    var width: Int

    /// Whether a line may be broken at it, and it is then not shown.
    var isSpace: Bool { text == " " }
}

/// Text as a terminal shows it.
///
/// The unit is what terminals and ncurses agree upon, a character of the C library's width table
/// and the marks that follow it, and not Swift's `Character`, about whose width terminals differ.
enum DisplayText {
    /// Marks kept with one character; ncurses keeps no more.
    static let marksMax = 4

    /// The clusters of a text without line ends; what would steer a terminal is replaced.
    static func clusters(of text: some StringProtocol) -> [DisplayCluster] {
        var clusters: [DisplayCluster] = []
        var marks = 0
        var scalars = Array(text.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            guard !isLeftOut(scalar, before: scalars.first) else { continue }
            let width = width(of: scalar)
            if width == 0, !clusters.isEmpty {
                guard marks < marksMax else { continue }
                clusters[clusters.count - 1].text.unicodeScalars.append(scalar)
                marks += 1
                continue
            }
            marks = 0
            switch (scalar, width) {
            case ("\t", _): clusters.append(DisplayCluster(text: " ", width: 1))
            case (_, ...0): clusters.append(DisplayCluster(text: "\u{FFFD}", width: 1))
            default: clusters.append(DisplayCluster(text: String(scalar), width: width))
            }
        }
        return clusters
    }

    /// The cells that a text takes.
    static func width(of text: some StringProtocol) -> Int {
        clusters(of: text).reduce(0) { $0 + $1.width }
    }

    /// The text, cut to `width` cells; what was cut is shown by an ellipsis.
    static func clipped(_ text: some StringProtocol, to width: Int) -> String {
        let clusters = clusters(of: text)
        guard clusters.reduce(0, { $0 + $1.width }) > width else {
            return clusters.map(\.text).joined()
        }
        guard width > 0 else { return "" }
        var left = width - 1
        var kept = ""
        for cluster in clusters {
            guard cluster.width <= left else { break }
            left -= cluster.width
            kept += cluster.text
        }
        return kept + "…"
    }

    /// The lines of a text at most `width` cells wide, broken between words where that is possible.
    static func wrapped(_ text: String, to width: Int) -> [String] {
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .flatMap { wrappedLine($0, to: max(2, width)) }
    }

    private static func wrappedLine(_ line: Substring, to width: Int) -> [String] {
        var lines: [String] = []
        var current: [DisplayCluster] = []
        var used = 0
        clusters: for cluster in clusters(of: line) {
            // More than once, if what begins the next line may not be parted either.
            while used + cluster.width > width {
                // A space that does not fit is where the line ends.
                let end = cluster.isSpace ? current.count : lastBreak(in: current, before: cluster)
                lines.append(joined(current[..<end]))
                current = Array(current[end...].drop(while: \.isSpace))
                used = current.reduce(0) { $0 + $1.width }
                if cluster.isSpace { continue clusters }
            }
            current.append(cluster)
            used += cluster.width
        }
        return lines + [joined(current[...])]
    }

    /// Where a line that is full ends: after a space, between ideographs, or where it is full.
    private static func lastBreak(
        in line: [DisplayCluster], before next: DisplayCluster
    ) -> Int {
        var next = next
        for index in line.indices.reversed() {
            let cluster = line[index]
            let isBreak = cluster.isSpace || cluster.width == 2 || next.width == 2
            if isBreak, !closing.contains(next.text),
                line[...index].contains(where: { !$0.isSpace })
            {
                return index + 1
            }
            next = cluster
        }
        return line.count
    }

    private static func joined(_ clusters: ArraySlice<DisplayCluster>) -> String {
        clusters.map(\.text).joined()
    }

    /// Cells of a scalar: 0 for marks, less for what is no character to show.
    private static func width(of scalar: Unicode.Scalar) -> Int {
        if scalar.isASCII { return scalar.value >= 32 && scalar.value != 127 ? 1 : -1 }
        guard knowsUnicode else { return 1 }
        return Int(petrel_cell_width(scalar.value))
    }

    /// Whether a scalar is not shown: it makes terminals disagree, or reorders what others wrote.
    private static func isLeftOut(_ scalar: Unicode.Scalar, before next: Unicode.Scalar?) -> Bool {
        switch scalar.value {
        // The joiner makes one picture of two on some terminals; between letters it is needed.
        case 0x200D: next.map { width(of: $0) == 2 } ?? true
        // The choice between a picture and a letter.
        case 0xFE0E, 0xFE0F: true
        // Directions, embedded, overridden or isolated.
        case 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// Ends of clauses, which begin no line.
    private static let closing: Set<String> = [
        "，", "。", "、", "！", "？", "：", "；", "）", "」", "』", "】", "》", "”", "’", "…",
    ]

    /// Whether the C library's table is that of Unicode; a locale without it is replaced.
    static let knowsUnicode: Bool = {
        setlocale(LC_CTYPE, "")
        if String(cString: nl_langinfo(Int32(CODESET))) == "UTF-8" { return true }
        return setlocale(LC_CTYPE, "C.UTF-8") != nil
    }()
}

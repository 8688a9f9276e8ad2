// What was measured, beside what it is compared with: as a table for people, as JSON for programs.

import Glibc

/// One figure, and the same of a limit or a peer that was measured in the same run.
struct Figure {
    /// What a figure is compared with.
    struct Peer {
        var name: String
        var value: Double
    }

    var name: String
    var value: Double
    var unit: String
    var peers: [Peer] = []
    /// Whether anything but zero is a fault.
    var mustBeZero = false
}

/// All figures of a run, by section, and what a reader must know of them.
struct Report {
    /// Figures that belong together.
    struct Section {
        var title: String
        var figures: [Figure] = []
        var notes: [String] = []
    }

    private(set) var sections: [Section] = []

    /// Adds a section and prints it.
    mutating func add(_ section: Section) {
        sections.append(section)
        print("\n\(section.title)")
        for figure in section.figures {
            let value = "\(Report.number(figure.value)) \(figure.unit)"
            let ratios = figure.peers.map { peer in
                let ratio = Report.fixed(figure.value / peer.value, decimals: 2)
                return "\(ratio) of \(peer.name) (\(Report.number(peer.value)))"
            }
            let start = "  \(Report.padded(figure.name, 38))"
            print(
                ratios.isEmpty
                    ? start + value
                    : start + Report.padded(value, 30) + ratios.joined(separator: ", "))
        }
        for note in section.notes { print("  - \(note)") }
        fflush(nil)
    }

    /// The figures that should be zero and are not.
    var faults: [Figure] {
        sections.flatMap(\.figures).filter { $0.mustBeZero && $0.value != 0 }
    }

    /// The figures as JSON: an array of objects.
    var json: String {
        let objects = sections.flatMap { section in
            section.figures.map { figure in
                let peers = figure.peers.map {
                    "{\"name\": \(Report.quoted($0.name)), \"value\": \($0.value), "
                        + "\"ratio\": \(figure.value / $0.value)}"
                }
                return "  {\"section\": \(Report.quoted(section.title)), "
                    + "\"name\": \(Report.quoted(figure.name)), \"value\": \(figure.value), "
                    + "\"unit\": \(Report.quoted(figure.unit)), "
                    + "\"peers\": [\(peers.joined(separator: ", "))]}"
            }
        }
        return "[\n\(objects.joined(separator: ",\n"))\n]\n"
    }

    private static func quoted(_ text: String) -> String { "\"\(text)\"" }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    /// Three significant digits or all digits before the point, whichever is more.
    static func number(_ value: Double) -> String {
        switch value.magnitude {
        case 0: "0"
        case ..<0.01: fixed(value, decimals: 6)
        case ..<10: fixed(value, decimals: 2)
        case ..<100: fixed(value, decimals: 1)
        default: fixed(value, decimals: 0)
        }
    }

    /// A number with that many decimals.
    static func fixed(_ value: Double, decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let digits = Int((value * scale).rounded())
        guard decimals > 0 else { return "\(digits)" }
        let whole = digits / Int(scale)
        let part = String(abs(digits) % Int(scale))
        return "\(whole).\(String(repeating: "0", count: decimals - part.count))\(part)"
    }
}

/// The middle of several measurements.
func median(_ values: [Double]) -> Double { percentile(values, 0.5) }

/// The value below which that part of the measurements lies; 0 if there are none.
func percentile(_ values: [Double], _ part: Double) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
}

// petrel sim --nat: what reachability behind NATs costs, measured and as if nothing were known.

import Foundation
import PetrelBase
import PetrelSim

extension SimCommand {
    /// Prints a table: for each lifetime what is found out, and packets of an idle hour.
    func runNAT() {
        print(
            "NAT forgets   probes   packets   found after   pause   packets per idle hour   "
                + "lost   packets at 25 s")
        for seconds: Int64 in [30, 60, 120, 180, 300, 600] {
            let measured = IdleHour.play(lifetime: .seconds(seconds), policy: .measured)
            let fixed = IdleHour.play(lifetime: .seconds(seconds), policy: .fixed)
            let cells: [(String, Int)] = [
                ("\(seconds) s", 11), ("\(measured.probes)", 9), ("\(measured.measuring)", 10),
                ("\(measured.searchedFor.nanoseconds / 1_000_000_000) s", 14),
                ("\(measured.interval.nanoseconds / 1_000_000_000) s", 8),
                ("\(measured.packets)", 24),
                (measured.wasReachable ? "\(measured.dropped)" : "the session", 7),
                ("\(fixed.packets)", 18),
            ]
            print(cells.map { String(repeating: " ", count: max(1, $1 - $0.count)) + $0 }.joined())
        }
    }
}

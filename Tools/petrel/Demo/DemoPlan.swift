// What happens when in the demo: a timetable of shares of the time in which alice writes.

import PetrelBase

/// The timetable; moments count from alice's first line.
struct DemoPlan {
    /// In how much time alice writes the document.
    var writing: Interval

    /// When line `index` of `count` is due.
    func line(_ index: Int, of count: Int) -> Interval {
        Interval(nanoseconds: writing.nanoseconds / Int64(max(count, 1)) * Int64(index))
    }

    /// Bob goes offline: a quarter into it, for a third of the time.
    var bobLeaves: Interval { writing / 4 }
    /// Bob is back.
    var bobReturns: Interval { bobLeaves + writing / 3 }
    /// The server is killed: half-way, while bob is away and lines are under way.
    var serverDies: Interval { writing / 2 }
    /// The server is started again.
    var serverReturns: Interval { serverDies + .seconds(1) }
    /// Bob is killed while messages reach him.
    var bobDies: Interval { writing * 4 / 5 }
    /// Bob is started again.
    var bobRevives: Interval { bobDies + .milliseconds(700) }
    /// How long after the last line everything may take to arrive.
    static let settling = Interval.seconds(40)
}

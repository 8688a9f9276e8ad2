// Tests of the tests: bugs that are planted on purpose, and how many seeds it takes to find each.

import ArgumentParser
import Foundation
import PetrelBase
import PetrelSim

extension SimCommand {
    /// Finds one planted bug, or each.
    func runPlanted(_ name: String) throws {
        throw Failure(
            status: .usage,
            message: "this build has no planted bugs: build it with PETREL_PLANTED=1 in the "
                + "environment and a folder of its own (Tools/planted does)")
    }
}

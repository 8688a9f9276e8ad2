// Which store verify and trace look into, and what its errors mean for the shell.

import ArgumentParser
import Foundation
import PetrelBase
import PetrelStore

/// Where the store is.
struct StoreOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The data directory of a server, which may be running, or a copy of it. "
                + "(default: \(ServeCommand.directoryDefault))", valueName: "directory"))
    var data: String?

    /// The directory that is meant.
    var directory: String { data ?? ServeCommand.directoryDefault }

    /// Opens the store for reading.
    func open() throws(Failure) -> StoreInspector {
        do throws(StoreError) {
            return try StoreInspector(directory: directory, endsProcessOnDamagedPages: true)
        } catch {
            throw Failure(error)
        }
    }
}

extension Failure {
    /// What an error of a store that is only read means for the shell.
    init(_ error: StoreError) {
        let status: ExitStatus =
            switch error.kind {
            case .unsafeDirectory: .badConfiguration
            case .foreign: .badInput
            case .inUse, .full, .busy, .failed, .damaged, .closed: .storage
            }
        self.init(status: status, message: error.description)
    }
}

extension WallTime {
    /// What the clock of this machine shows.
    static var now: WallTime {
        WallTime(milliseconds: Int64((Date().timeIntervalSince1970 * 1_000).rounded()))
    }

    /// The moment in UTC: `2026-11-24T14:02:13.123Z`.
    var text: String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}

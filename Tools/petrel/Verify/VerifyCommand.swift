// petrel verify: checks what a server stores against what it promises.

import ArgumentParser
import PetrelBase
import PetrelEvent
import PetrelServices
import PetrelStore

/// Checks a store.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks a server's store against its promises.",
        discussion: """
            Reads everything in one snapshot and changes nothing: no message lost, doubled or out \
            of its place, each feed with the newest change of each subject, what is counted as it \
            is, what was taken back gone. The server may go on; its database grows meanwhile with \
            what it writes. A copy is checked the same way; nobody may serve it meanwhile.

            Exits with 0 if the store is sound, 1 if not, 5 if it is no store of this version, 74 \
            if the disk failed or a page is damaged, 78 if the directory cannot be used.
            """)

    @OptionGroup var store: StoreOptions
    @Flag(help: "Print a JSON object instead of text.")
    var json = false

    /// Checks.
    func run() throws {
        let inspector = try store.open()
        let began = EventLoop.now
        let report: VerificationReport
        do throws(StoreError) {
            // What is just now forgotten, while this begins, is not missed.
            let wall = WallTime(milliseconds: WallTime.now.milliseconds + 60_000)
            report = try inspector.verification(at: wall)
        } catch {
            throw Failure(error)
        }
        let shown = ShownVerification(
            report, directory: store.directory, incarnation: inspector.incarnation,
            elapsed: EventLoop.now - began)
        if json { result(json: shown) } else { for line in shown.lines { result(line) } }
        guard report.isSound else { throw ExitCode(1) }
    }
}

/// What was found, for programs and for people.
struct ShownVerification: Encodable {
    /// A broken promise.
    struct Finding: Encodable {
        /// Which promise.
        var rule: String
        /// What was found.
        var sentence: String
    }

    /// The name of this form.
    var schema = "petrel-verify-1"
    /// The directory of the store.
    var directory: String
    /// Which life of the store this is.
    var incarnation: UInt64
    /// Whether every promise is kept.
    var is_sound: Bool
    /// Accounts that are not deleted.
    var accounts_count: Int
    /// Devices that are not shut out.
    var devices_count: Int
    /// Invitations that are neither used nor expired.
    var invitations_count: Int
    /// Conversations.
    var conversations_count: Int
    /// Events that are kept.
    var events_count: Int
    /// Bytes of bodies that are kept.
    var bodies_bytes: UInt64
    /// Entries of feeds.
    var feed_entries_count: Int
    /// Identifiers that are remembered.
    var identifiers_count: Int
    /// How often a promise is broken.
    var findings_count: Int
    /// The first thousand of these.
    var findings: [Finding]
    /// How long it took.
    var elapsed_ms: Int64

    /// Creates it from a report.
    init(
        _ report: VerificationReport, directory: String, incarnation: UInt64, elapsed: Interval
    ) {
        self.directory = directory
        self.incarnation = incarnation
        is_sound = report.isSound
        accounts_count = report.accounts
        devices_count = report.devices
        invitations_count = report.invitations
        conversations_count = report.conversations
        events_count = report.events
        bodies_bytes = report.bytes
        feed_entries_count = report.feedEntries
        identifiers_count = report.identifiers
        findings_count = report.findingsCount
        findings = report.findings.map {
            Finding(rule: $0.rule.rawValue, sentence: $0.sentence)
        }
        elapsed_ms = elapsed.nanoseconds / 1_000_000
    }

    /// The lines for people: what there is, each finding, and last whether it is sound.
    var lines: [String] {
        typealias Units = HumanUnits
        var lines = [
            "store          \(directory), incarnation \(incarnation)",
            "accounts       \(Units.count(accounts_count)), with "
                + "\(Units.count(devices_count, "device")) and "
                + Units.count(invitations_count, "open invitation"),
            "conversations  \(Units.count(conversations_count)), with "
                + "\(Units.count(events_count, "event")) and "
                + "\(Units.bytes(bodies_bytes)) of bodies",
            "feeds          \(Units.count(feed_entries_count, "entry", "entries"))",
            "identifiers    \(Units.count(identifiers_count)) remembered",
        ]
        lines += findings.map { "\($0.rule): \(Units.printable($0.sentence))" }
        if findings_count > findings.count {
            lines.append("and \(Units.count(findings_count - findings.count)) more")
        }
        let time = Units.offset(milliseconds: elapsed_ms).dropFirst()
        lines.append(
            is_sound
                ? "sound: every promise is kept (checked in \(time))"
                : "not sound: \(Units.count(findings_count, "promise is", "promises are")) broken "
                    + "(checked in \(time))")
        return lines
    }
}

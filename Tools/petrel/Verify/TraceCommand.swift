// petrel trace: tells the story of one message.

import ArgumentParser
import PetrelBase
import PetrelMessaging
import PetrelServices
import PetrelStore

/// Tells a message's story.
struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Tells the story of one message.",
        discussion: """
            Looks into a server's store, live or a copy, for the identifier that the sending \
            client gave the message: when it was written and committed and where, what became of \
            it, who may see it, who has it, and on which devices it still waits. Times are \
            relative to the commit. Changes nothing.

            A message that was committed more than a week ago is looked for in all events, which \
            takes longer.

            Exits with 0, 1 if the store knows of no such message, 5 if it is no store of this \
            version, 74 if the disk failed or a page is damaged, 78 if the directory cannot be used.
            """)

    @Argument(
        help: ArgumentHelp(
            "The message's identifier, a UUID or 32 hexadecimal digits.", valueName: "cmid"),
        transform: ClientMessageID.init(parsing:))
    var id: ClientMessageID
    @OptionGroup var store: StoreOptions
    @Flag(help: "Print a JSON object instead of text.")
    var json = false

    /// Looks it up.
    func run() throws {
        let inspector = try store.open()
        let stories: [MessageStory]
        do throws(StoreError) {
            stories = try inspector.stories(of: id)
        } catch {
            throw Failure(error)
        }
        if json {
            result(json: ShownStories(id, stories))
        } else {
            for story in stories { for line in StoryLines(story).lines { result(line) } }
        }
        guard stories.isEmpty else { return }
        if !json { say("petrel: no message \(id.uuidText) is known in \(store.directory)") }
        throw ExitCode(1)
    }
}

extension ClientMessageID {
    /// Reads a UUID, or its 32 digits.
    init(parsing text: String) throws {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let digits = parts.joined()
        let isShaped = parts.count == 1 || parts.map(\.count) == [8, 4, 4, 4, 12]
        guard isShaped, digits.count == 32, digits.allSatisfy(\.isHexDigit),
            let high = UInt64(digits.prefix(16), radix: 16),
            let low = UInt64(digits.suffix(16), radix: 16)
        else {
            throw ValidationError(
                "'\(text)' is no identifier of a message; write a UUID or its 32 digits")
        }
        self.init(high: high, low: low)
    }

    /// The usual text form of a UUID.
    var uuidText: String {
        var rest = (HumanUnits.digits(high) + HumanUnits.digits(low))[...]
        let parts = [8, 4, 4, 4, 12].map { count in
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        return parts.joined(separator: "-")
    }
}

extension HumanUnits {
    /// A number of an account or conversation: 16 hexadecimal digits.
    static func digits(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

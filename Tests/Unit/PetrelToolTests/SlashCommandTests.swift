// What is typed behind a slash, and what is said when it cannot be read.

import Testing

@testable import PetrelCommand

@Suite struct SlashCommandTests {
    @Test(arguments: [
        ("hello", ChatEntry.message("hello")), ("//help", .message("/help")),
        (" /help", .message(" /help")), ("/help", .command(.help)), ("/HELP  ", .command(.help)),
        ("/to bob", .command(.to("bob"))), ("/to  @Bob ", .command(.to("bob"))),
        ("/why", .command(.why(nil))), ("/why 12", .command(.why(12))),
        ("/why #12", .command(.why(12))), ("/net", .command(.net)), ("/quit", .command(.quit)),
    ]) func reads(_ text: String, _ entry: ChatEntry) throws {
        #expect(try ChatEntry(text) == entry)
    }

    @Test(arguments: [
        ("/to", "/to is typed as /to HANDLE"), ("/to a b", "/to is typed as /to HANDLE"),
        ("/to @", "/to is typed as /to HANDLE"),
        ("/why last", "/why is typed as /why [N]"), ("/why 0", "/why is typed as /why [N]"),
        ("/why +1", "/why is typed as /why [N]"), ("/why 1 2", "/why is typed as /why [N]"),
        ("/net now", "/net is typed as /net"),
        ("/hlep", "there is no /hlep; did you mean /help? A message may begin with //"),
        ("/weather", "there is no /weather; /help lists what there is"),
        ("/", "there is no /; /help lists what there is"),
    ]) func saysWhatIsAccepted(_ text: String, _ description: String) {
        #expect(throws: SlashError(description)) { try ChatEntry(text) }
    }

    @Test func helpListsAll() {
        let labels = ChatOverlay.help.lines.map(\.label)
        #expect(SlashForm.all.allSatisfy { labels.contains($0.usage) })
    }

    @Test func argumentsKeepTheirSpaces() {
        let arguments = SlashArguments(text: "12  two  spaces\nand a line")
        #expect(arguments.number(0) == 12)
        #expect(arguments.rest(after: 1) == "two  spaces\nand a line")
        #expect(arguments.rest(after: 9) == nil)
        #expect(arguments.handle(9) == nil)
    }
}

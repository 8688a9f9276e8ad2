// What petrel trace reads and prints.

import Foundation
import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

@testable import PetrelCommand

@Suite struct TraceOutputTests {
    @Test func identifiersAreUUIDsOrTheirDigits() throws {
        let id = ClientMessageID(high: 0x0193_5EAF_CD80_7000, low: 0x8000_0000_0000_0001)
        let text = "01935eaf-cd80-7000-8000-000000000001"
        #expect(id.uuidText == text)
        #expect(try ClientMessageID(parsing: text) == id)
        #expect(try ClientMessageID(parsing: text.uppercased()) == id)
        #expect(try ClientMessageID(parsing: "01935eafcd8070008000000000000001") == id)
        let wrong = [
            "", "01935eaf", "01935eafcd80700080000000000000011", "+1935eafcd8070008000000000000001",
            "01935eaf-cd807000-8000-000000000001", "g1935eafcd8070008000000000000001",
        ]
        for text in wrong {
            #expect(throws: (any Error).self, "\(text)") { try ClientMessageID(parsing: text) }
        }
    }

    @Test func aStoryInLines() throws {
        var village = try Village()
        let content = Content(contentType: "", body: [1])
        try village.say(.edit(sequence: .init(1), content), 3, later: 180_000)
        let story = try #require(try village.store.stories(of: Village.id(1)).first)
        let device =
            "    device 1 (phone\u{FFFD}) waits: it is at 0 of its feed, the conversation at 4; "
            + "last connected +0 ms"
        #expect(
            StoryLines(story).lines == [
                "\(Village.id(1).uuidText): message of 5 B by alice on device 1 (phone\u{FFFD})",
                "  -1.2 s     minted, by the clock of the device",
                "  0          committed 2027-01-15T08:00:00.000Z, place 1 of conversation "
                    + "0000000000000046",
                "  +3 min     edited by alice, place 3",
                "  now        kept; a repetition would be recognised",
                "  alice has it",
                device,
                "  bob does not have it",
                device,
            ])
        try village.say(.recall(sequence: .init(1)), 4, later: 200_000)
        try village.apply(
            .purgeDeduplication(
                before: WallTime(milliseconds: Village.start.milliseconds + 1), limit: 9))
        let late = try #require(try village.store.stories(of: Village.id(1)).first)
        let lines = StoryLines(late).lines
        #expect(lines[0] == "\(Village.id(1).uuidText): event by alice on device 1 (phone\u{FFFD})")
        #expect(lines[4] == "  +3 min     taken back by alice, place 4")
        #expect(
            lines[5]
                == "  now        taken back: its content is gone, its place is not; too old to "
                + "be repeated, its identifier is forgotten")
    }

    @Test func aStoryForPrograms() throws {
        let village = try Village()
        let stories = try village.store.stories(of: Village.id(2))
        let shown = ShownStories(Village.id(2), stories)
        let json = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(shown)) as? [String: Any])
        #expect(json["schema"] as? String == "petrel-trace-1")
        #expect(json["id"] as? String == Village.id(2).uuidText)
        #expect(json["minted_unix_ms"] as? Int64 == Village.start.milliseconds - 1_200)
        let story = try #require((json["stories"] as? [[String: Any]])?.first)
        #expect(story["conversation"] as? String == "0000000000000046")
        #expect(story["place"] as? Int == 2)
        #expect(story["state"] as? String == "kept")
        #expect(story["kind"] as? String == "message")
        #expect(story["body_bytes"] as? Int == 5)
        let readers = try #require(story["readers"] as? [[String: Any]])
        #expect(readers.map { $0["is_delivered"] as? Bool } == [true, false])
        let device = try #require((readers[1]["devices"] as? [[String: Any]])?.first)
        #expect(device["progress"] as? String == "waiting")
        #expect(device["feed_cursor"] as? Int == 0)
        #expect(device["feed_entry"] as? Int == 3)
    }
}

// What petrel history prints, and how the commands of people and groups are typed.

import ArgumentParser
import Foundation
import PetrelBase
import PetrelMessaging
import Testing

@testable import Petrel
@testable import PetrelCommand

@Suite struct HistoryOutputTests {
    static let greenwich = TimeZone(secondsFromGMT: 0) ?? .current

    static func message(_ kind: Message.Kind, _ text: String = "") -> Message {
        Message(
            place: Place(conversation: ConversationID(1), number: 12), id: "some id", kind: kind,
            origin: .other, sender: "bob", senderAccount: AccountID(2),
            milliseconds: ChatFixture.afternoon, contentType: "text/plain",
            body: Array(text.utf8), isEdited: false, reactions: [], mentions: [])
    }

    static func line(_ message: Message) -> String {
        ShownHistory(.message(message)).line(zone: greenwich)
    }

    static let start = "12  2026-11-24 14:00  bob"

    @Test func messagesInLines() {
        var message = Self.message(.said, "good\u{1B}[2J morning")
        message.isEdited = true
        message.replyTo = 9
        message.reactions = [
            Message.Reaction(
                text: "👍", people: [PeopleOutputTests.person("carol"), .init(handle: "dora")])
        ]
        #expect(
            Self.line(message)
                == "\(Self.start) (to 9): good\u{FFFD}[2J morning (edited)  👍 "
                + "carol, dora")
        message = Self.message(.said)
        message.body = [0xFF, 0xFE]
        #expect(Self.line(message) == "\(Self.start): (4 characters of base64, not text)")
        message.sender = ""
        message.body = []
        #expect(Self.line(message) == "12  2026-11-24 14:00  somebody: ")
    }

    static let kinds: [(kind: Message.Kind, words: String, name: String)] = [
        (.gone(.recalled), " took a message back", "recalled"),
        (.gone(.expired), ": (its time is over)", "expired"),
        (.gone(.deletedForMe), ": (deleted here)", "deleted_for_me"),
        (.gone(.unknown), ": (gone)", "gone"), (.event(.joined), " joined", "event"),
        (.event(.left), " left", "event"), (.event(.dissolved), " dissolved the group", "event"),
        (
            .event(
                .created(
                    name: "Hiking", members: [PeopleOutputTests.person("carol")], isOpen: true)),
            " began the open group Hiking with carol", "event"
        ),
        (.event(.added([PeopleOutputTests.person("")])), " added somebody", "event"),
        (
            .event(.role(PeopleOutputTests.person("carol"), .admin)), " made carol admin",
            "event"
        ),
        (
            .event(.muted(PeopleOutputTests.person("carol"), for: .seconds(600))),
            " silenced carol for 10 min", "event"
        ),
        (
            .event(.muted(PeopleOutputTests.person("carol"), for: nil)), " let carol speak again",
            "event"
        ),
        (
            .event(.changed(name: "Summit", isOpen: false)),
            " named the group Summit, closed the group", "event"
        ),
        (.event(.retention(.seconds(86_400))), " lets messages be kept 1 day", "event"),
        (.event(.retention(nil)), " lets messages be kept for ever", "event"),
    ]

    @Test func whatElseStandsThere() {
        for row in Self.kinds {
            let message = Self.message(row.kind)
            #expect(Self.line(message) == Self.start + row.words)
            #expect(ShownHistory(.message(message)).kind == row.name)
        }
    }

    @Test func holesAreMarked() throws {
        let hole = ShownHistory(.hole(1_001...2_000))
        #expect(hole.line() == "[1001 to 2000: 1,000 events not on this device]")
        #expect(
            String(decoding: try PeopleOutputTests.encoded(hole), as: UTF8.self)
                == #"{"kind":"missing","last_place":2000,"place":1001,"#
                + #""schema":"petrel-history-1"}"#)
    }

    @Test func spansUpToYears() throws {
        let rows: [(String, Int64, String)] = [
            ("45s", 45, "45 s"), ("90min", 5_400, "90 min"), ("12h", 43_200, "12 h"),
            ("1d", 86_400, "1 day"), ("1.5h", 5_400, "90 min"), ("365d", 31_536_000, "365 days"),
        ]
        for (text, seconds, words) in rows {
            let time = try LongTime(parsing: text)
            #expect(time.seconds == seconds)
            #expect(HumanTime.text(time.duration) == words)
        }
        for wrong in ["", "12", "d", "0s", "-1h", "500ms", "99999999999d", "1w"] {
            #expect(throws: QuantityError.self, "\(wrong)") { try LongTime(parsing: wrong) }
        }
        #expect(HumanTime.text(0) == "")
    }

    @Test func waitsAreSecondsOrDurations() throws {
        #expect(try AskOptions.duration(parsing: "20") == .seconds(20))
        #expect(try AskOptions.duration(parsing: "1.5") == .milliseconds(1_500))
        #expect(try AskOptions.duration(parsing: "500ms") == .milliseconds(500))
        for wrong in ["", "1.2.3", "-3", "soon"] {
            #expect(throws: (any Error).self, "\(wrong)") {
                try AskOptions.duration(parsing: wrong)
            }
        }
    }

    @Test func commandsAreUnderstood() throws {
        let list = try Petrel.parseAsRoot(["contacts", "--json", "--wait", "2"])
        let contacts = try #require(list as? ContactsCommand.List)
        #expect(contacts.ask.json && contacts.ask.wait == .seconds(2))
        let added = try Petrel.parseAsRoot(["contacts", "add", "bob", "--greeting", "hi"])
        #expect((added as? ContactsCommand.Add)?.greeting == "hi")
        let silence = try Petrel.parseAsRoot(["groups", "silence", "Hiking", "bob", "7d"])
        let silenced = try #require(silence as? GroupsCommand.Silence)
        #expect(silenced.of.group == "Hiking" && silenced.time == .days(7))
        let speak = try Petrel.parseAsRoot(["groups", "silence", "Hiking", "bob", "off"])
        #expect((speak as? GroupsCommand.Silence)?.time == nil)
        let role = try Petrel.parseAsRoot(["groups", "role", "Hiking", "bob", "owner"])
        #expect((role as? GroupsCommand.SetRole)?.role == .owner)
        let history = try Petrel.parseAsRoot(["history", "bob", "--before", "9", "--limit", "2"])
        #expect((history as? HistoryCommand)?.before == 9)
        let wrong = [
            ["contacts", "frobnicate"], ["contacts", "add"], ["groups", "join", "12"],
            ["groups", "role", "Hiking", "bob", "king"], ["history", "bob", "--limit", "0"],
            ["devices", "revoke", "phone"], ["invite", "--lifetime", "soon"],
        ]
        for line in wrong {
            #expect(throws: (any Error).self, "\(line)") { try Petrel.parseAsRoot(line) }
        }
    }
}

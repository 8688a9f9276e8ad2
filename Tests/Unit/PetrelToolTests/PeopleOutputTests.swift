// What petrel contacts, groups, devices and profile print.

import Foundation
import PetrelMessaging
import Testing

@testable import Petrel
@testable import PetrelCommand

@Suite struct PeopleOutputTests {
    static func person(_ handle: String, _ number: UInt64 = 1) -> Person {
        Person(account: AccountID(number), handle: handle)
    }

    static func group(_ name: String, _ number: UInt64) -> Conversation {
        let group = Group(
            name: name, membersCount: 1_204, role: .admin, standing: .member, isOpen: true,
            isLarge: false, silencedUntilMilliseconds: nil)
        return Conversation(
            id: ConversationID(number), kind: .group(group), title: name, peer: "", preview: nil,
            newest: 12_034, contiguous: 0, delivered: 0, readByPeer: 0, read: 0, unread: 7,
            isUnreadExact: true, missing: 0, isPinned: false, mutedUntilMilliseconds: nil,
            retention: .seconds(7 * 86_400), typing: [])
    }

    static func direct(_ handle: String, _ number: UInt64) -> Conversation {
        var conversation = group(handle, number)
        conversation.kind = .direct(person(handle))
        conversation.peer = handle
        return conversation
    }

    @Test func tablesAlignByCells() {
        var table = Table(["name", "n"], numeric: ["n"])
        table.append(["山友", "7"])
        table.append(["bob\u{1B}[2J", "1,204"])
        #expect(
            table.lines == ["name         n", "山友         7", "bob\u{FFFD}[2J  1,204"])
        table.append([String(repeating: "x", count: 40), ""])
        #expect(table.lines.last == String(repeating: "x", count: 31) + "…")
        #expect(Table(["a", "b"]).lines == ["a  b"])
    }

    @Test func contactsInWords() throws {
        let rows: [(Contact.State, Bool, String)] = [
            (.none, false, "stranger"), (.none, true, "blocked"), (.requested, false, "you asked"),
            (.asked, false, "asks you"), (.asked, true, "asks you, blocked"),
            (.contact, false, "contact"), (.gone, false, "account deleted"),
        ]
        for (state, isBlocked, words) in rows {
            let contact = Contact(person: Self.person("bob"), state: state, isBlocked: isBlocked)
            #expect(ShownContact(contact).standing == words)
        }
        let bob = Contact(
            person: Self.person("bob", 0xAB), state: .asked, alias: "小明", greeting: "hi",
            profile: Profile(name: "Bob"))
        #expect(
            ShownContact.table([ShownContact(bob)]).lines == [
                "handle  name  relation  greeting", "bob     小明  asks you  hi",
            ])
        let json = String(decoding: try Self.encoded(ShownContact(bob)), as: UTF8.self)
        #expect(
            json == #"{"account":"00000000000000ab","alias":"小明","greeting":"hi","handle":"bob","#
                + #""is_blocked":false,"name":"Bob","schema":"petrel-contact-1","state":"asked"}"#)
    }

    @Test func groupsInTablesAndInFull() throws {
        let conversation = Self.group("山友", 0x46)
        let shown = try #require(ShownGroup(conversation))
        #expect(
            ShownGroup.table([shown]).lines == [
                "number            name  members  you are  newest  unread",
                "0000000000000046  山友    1,204  admin    12,034       7",
            ])
        let carol = Member(
            person: Self.person("carol"), name: "", role: .owner, silencedUntilMilliseconds: nil,
            delivered: 9, read: 8)
        let full = try #require(ShownGroup(conversation, members: [carol]))
        #expect(
            full.lines == [
                "山友 (0000000000000046): 1,204 members, open, messages kept 7 days",
                "handle  name  role   silent until  delivered  read",
                "carol         owner                        9     8",
            ])
        #expect(full.members?.first?.role == "owner")
        #expect(full.retention_s == 604_800)
        #expect(ShownGroup(Self.direct("bob", 3)) == nil)
    }

    @Test func devicesInATable() {
        let phone = Device(
            id: DeviceID(1), name: "Küche", createdMilliseconds: 0, connectedMilliseconds: 0,
            isThisDevice: true)
        #expect(
            ShownDevice.table([ShownDevice(phone)]).lines == [
                "device  name   enrolled  last connected", "    *1  Küche",
            ])
    }

    @Test func profilesForPeople() {
        let shown = ShownProfile(handle: "alice", Profile(name: "A\u{7}", about: ""))
        #expect(shown.lines == ["handle  alice", "name    A\u{FFFD}", "about   none"])
    }

    @Test func groupsAreFoundByNumberOrByTheirOnlyName() throws {
        let known = [
            Self.group("Hiking", 1), Self.group("Twice", 2), Self.group("Twice", 3),
            Self.direct("bob", 4), Self.direct("Hiking", 5),
        ]
        #expect(try ConversationName.group("Hiking", among: known) == ConversationID(1))
        #expect(
            try ConversationName.group("00000000000000ff", among: known) == ConversationID(255))
        for wrong in ["Twice", "bob", "", "1", "+0000000000000ff"] {
            #expect(throws: Failure.self, "\(wrong)") {
                try ConversationName.group(wrong, among: known)
            }
        }
        #expect(
            try ConversationName.conversation("bob", among: known).id == ConversationID(4))
        #expect(
            try ConversationName.conversation("0000000000000002", among: known).id
                == ConversationID(2))
        for wrong in ["", "nobody", "Twice", "00000000000000ff"] {
            #expect(throws: Failure.self, "\(wrong)") {
                try ConversationName.conversation(wrong, among: known)
            }
        }
    }

    static func encoded(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return try encoder.encode(value)
    }
}

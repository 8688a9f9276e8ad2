// A group and its members as petrel groups prints them.

import Petrel
import PetrelMessaging

/// A group, for programs.
struct ShownGroup: Encodable, Equatable {
    /// A member.
    struct ShownMember: Encodable, Equatable {
        var handle: String
        var name: String
        var role: String
        var silenced_until_unix_ms: Int64?
        var delivered: UInt64
        var read: UInt64
    }

    /// The name of this form.
    var schema = "petrel-group-1"
    /// Its number, 16 hexadecimal digits.
    var conversation: String
    /// What it is called.
    var name: String
    /// How many members it has.
    var members_count: Int
    /// What this account may do: `member`, `admin` or `owner`.
    var role: String
    /// `member`, `left`, `removed` or `dissolved`.
    var standing: String
    /// Whether everybody who knows its number may join.
    var is_open: Bool
    /// How long messages are kept; absent: for ever.
    var retention_s: Int64?
    /// The number of its newest event.
    var newest: UInt64
    /// How many messages of others are here and not read.
    var unread: UInt64
    /// Its members, where they were asked for.
    var members: [ShownMember]?

    /// Shows a conversation; `nil` if it is no group.
    init?(_ conversation: Conversation, members: [Member]? = nil) {
        guard case .group(let group) = conversation.kind else { return nil }
        self.conversation = HumanUnits.digits(conversation.id.number)
        name = group.name
        members_count = group.membersCount
        role = Self.word(group.role)
        standing =
            switch group.standing {
            case .member: "member"
            case .left: "left"
            case .removed: "removed"
            case .dissolved: "dissolved"
            }
        is_open = group.isOpen
        retention_s = conversation.retention.map { $0.components.seconds }
        newest = conversation.newest
        unread = conversation.unread
        self.members = members.map { members in
            members.map { member in
                ShownMember(
                    handle: member.person.handle, name: member.name, role: Self.word(member.role),
                    silenced_until_unix_ms: member.silencedUntilMilliseconds,
                    delivered: member.delivered, read: member.read)
            }
        }
    }

    /// A role in a word.
    static func word(_ role: Role) -> String {
        switch role {
        case .member: "member"
        case .admin: "admin"
        case .owner: "owner"
        }
    }

    /// The table of groups.
    static func table(_ groups: [ShownGroup]) -> Table {
        var table = Table(
            ["number", "name", "members", "you are", "newest", "unread"],
            numeric: ["members", "newest", "unread"])
        for group in groups {
            table.append([
                group.conversation, group.name, HumanUnits.count(group.members_count),
                group.standing == "member" ? group.role : group.standing,
                HumanUnits.count(group.newest), HumanUnits.count(group.unread),
            ])
        }
        return table
    }

    /// The group and its members for people.
    var lines: [String] {
        let kept = retention_s.map { HumanTime.text(Duration.seconds($0)) } ?? "for ever"
        let head =
            "\(HumanUnits.printable(name)) (\(conversation)): "
            + HumanUnits.count(members_count, "member")
            + ", \(is_open ? "open" : "closed"), messages kept \(kept)"
        guard let members else { return [head] }
        var table = Table(
            ["handle", "name", "role", "silent until", "delivered", "read"],
            numeric: ["delivered", "read"])
        for member in members {
            table.append([
                member.handle, member.name, member.role,
                HumanTime.text(member.silenced_until_unix_ms ?? 0),
                HumanUnits.count(member.delivered), HumanUnits.count(member.read),
            ])
        }
        return [head] + table.lines
    }
}

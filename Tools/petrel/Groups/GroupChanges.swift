// The subcommands of petrel groups that change one.

import ArgumentParser
import Petrel
import PetrelMessaging

extension GroupsCommand {
    /// Adds members.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Takes contacts into a group.")
        @OptionGroup var of: GroupOptions
        @Argument(help: "The handles of the new members.") var handles: [String]

        /// Adds them.
        func run() async throws {
            let words = "\(of.group) has \(handles.joined(separator: ", ")) now"
            try await of.change("members_added", words) { [handles] client, group in
                try await client.addMembers(handles, to: group)
            }
        }
    }

    /// Leaves.
    struct Leave: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Leaves a group; what was said in it stays readable here.")
        @OptionGroup var of: GroupOptions

        /// Leaves it.
        func run() async throws {
            try await of.change("left", "you left \(of.group)") { client, group in
                try await client.leaveGroup(group)
            }
        }
    }

    /// Removes a member.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Puts a member out of a group.")
        @OptionGroup var of: GroupOptions
        @Argument(help: "The handle of the member.") var handle: String

        /// Removes it.
        func run() async throws {
            try await of.change("member_removed", "\(handle) is out of \(of.group)") {
                [handle] client, group in try await client.removeMember(handle, from: group)
            }
        }
    }

    /// Gives a role.
    struct SetRole: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "role",
            abstract: "Gives a member another role; a new owner makes the old one an admin.")

        /// What a member may be.
        enum Word: String, ExpressibleByArgument, CaseIterable {
            case member
            case admin
            case owner

            var role: Role {
                switch self {
                case .member: .member
                case .admin: .admin
                case .owner: .owner
                }
            }
        }

        @OptionGroup var of: GroupOptions
        @Argument(help: "The handle of the member.") var handle: String
        @Argument(help: "The role: member, admin or owner.") var role: Word

        /// Gives it.
        func run() async throws {
            try await of.change("role_given", "\(handle) is \(role.rawValue) of \(of.group)") {
                [handle, role = role.role] client, group in
                try await client.setRole(role, of: handle, in: group)
            }
        }
    }

    /// Silences.
    struct Silence: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets a member not speak for a while.")
        @OptionGroup var of: GroupOptions
        @Argument(help: "The handle of the member.") var handle: String
        @Argument(
            help: "How long, 365d at most, such as 10min or 7d; off: it may speak again.",
            transform: { $0 == "off" ? nil : try LongTime(parsing: $0) })
        var time: LongTime?

        /// Silences it.
        func run() async throws {
            let words = time.map {
                "\(handle) is silent in \(of.group) for \(HumanTime.text($0.duration))"
            }
            try await of.change(
                "member_silenced", words ?? "\(handle) may speak in \(of.group) again"
            ) {
                [handle, time] client, group in
                try await client.silenceMember(handle, in: group, for: time?.duration)
            }
        }
    }

    /// Renames.
    struct Rename: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives a group another name of 1 to 64 bytes.")
        @OptionGroup var of: GroupOptions
        @Argument(help: "The name.") var name: String

        /// Renames it.
        func run() async throws {
            try await of.change("group_renamed", "\(of.group) is called \(name)") {
                [name] client, group in
                try await client.renameGroup(group, to: name)
            }
        }
    }

    /// Opens.
    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets everybody who knows its number join a group.")
        @OptionGroup var of: GroupOptions

        /// Opens it.
        func run() async throws {
            try await of.change("group_opened", "\(of.group) is open") { client, group in
                try await client.setOpen(true, group)
            }
        }
    }

    /// Closes.
    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets nobody join a group who is not added.")
        @OptionGroup var of: GroupOptions

        /// Closes it.
        func run() async throws {
            try await of.change("group_closed", "\(of.group) is closed") { client, group in
                try await client.setOpen(false, group)
            }
        }
    }

    /// Sets the retention.
    struct Retention: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says how long a group keeps messages.")
        @OptionGroup var of: GroupOptions
        @Argument(
            help: "How long, 1min to 3650d; forever: for ever.",
            transform: { $0 == "forever" ? nil : try LongTime(parsing: $0) })
        var time: LongTime?

        /// Sets it.
        func run() async throws {
            let words = time.map { "\(of.group) keeps messages for \(HumanTime.text($0.duration))" }
            try await of.change("retention_set", words ?? "\(of.group) keeps messages for ever") {
                [time] client, group in try await client.setRetention(time?.duration, of: group)
            }
        }
    }

    /// Dissolves.
    struct Dissolve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a group: its members read it, and nobody writes.")
        @OptionGroup var of: GroupOptions

        /// Dissolves it.
        func run() async throws {
            try await of.change("group_dissolved", "\(of.group) is dissolved") { client, group in
                try await client.dissolveGroup(group)
            }
        }
    }
}

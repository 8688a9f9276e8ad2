// A message's story for people: a few lines, with times relative to the commit.

import PetrelBase
import PetrelMessaging
import PetrelServices

/// The lines of a story.
struct StoryLines {
    /// Readers that are shown one by one; the rest is counted.
    private static let readersMax = 20

    private let story: MessageStory

    /// Tells that story.
    init(_ story: MessageStory) { self.story = story }

    /// The lines.
    var lines: [String] {
        let lateness = story.id.time.milliseconds - story.committed.milliseconds
        var lines = [
            "\(story.id.uuidText): \(what) by \(who)",
            line(
                story.id.time,
                "minted, by the clock of the device" + (lateness > 0 ? ", which is ahead" : "")),
            "  0          committed \(story.committed.text), place \(story.sequence.number) of "
                + place,
        ]
        lines += story.changes.map { change in
            line(
                change.time,
                "\(Self.word(change.kind)) by \(Self.name(change.person)), place "
                    + "\(change.sequence.number)")
        }
        if let expires = story.expires { lines.append(line(expires, "its lifetime is over")) }
        lines.append("  now        \(state)")
        return lines + readers
    }

    private var what: String {
        switch story.state {
        case .kept(.message, let count): "message of \(HumanUnits.bytes(UInt64(count)))"
        case .kept(.change, _): "change of a conversation"
        case .kept(let kind, _): kind.rawValue
        case .gone, .forgotten, .damaged: "event"
        }
    }

    private var who: String {
        let name = Self.name(story.sender)
        guard let device = story.senderDevice else { return name }
        guard device.number > 0 else { return "the server, for \(name)" }
        return "\(name) on " + Self.name(device, story.senderDeviceName)
    }

    private var place: String {
        let number = HumanUnits.digits(story.conversation.number)
        guard let group = story.group else { return "conversation \(number)" }
        return "group \(number) (\(HumanUnits.printable(group)))"
    }

    private var state: String {
        let state =
            switch story.state {
            case .kept: "kept"
            case .gone(.recalled): "taken back: its content is gone, its place is not"
            case .gone(.expired): "expired: its content is gone, its place is not"
            case .gone: "gone"
            case .forgotten: "below what the conversation keeps"
            case .damaged: "missing or damaged: see petrel verify"
            }
        return state
            + (story.isRemembered
                ? "; a repetition would be recognised"
                : "; too old to be repeated, its identifier is forgotten")
    }

    private var readers: [String] {
        guard !story.readers.isEmpty else { return ["  nobody may see it"] }
        let rest = story.readers.dropFirst(Self.readersMax)
        var lines = story.readers.prefix(Self.readersMax).flatMap(lines)
        if !rest.isEmpty {
            let counts = [
                HumanUnits.count(rest.count { $0.isDelivered }) + " have it",
                HumanUnits.count(rest.count { $0.hasRead }) + " have read it",
            ]
            lines.append(
                "  and \(HumanUnits.count(rest.count, "other")): "
                    + counts.joined(separator: ", "))
        }
        return lines
    }

    private func lines(_ reader: MessageStory.Reader) -> [String] {
        var words = [
            reader.hasRead ? "has read it" : reader.isDelivered ? "has it" : "does not have it"
        ]
        if reader.isHidden { words.append("deleted it for itself") }
        if !reader.isPresent { words.append("is in the conversation no longer") }
        return ["  \(Self.name(reader.person)) \(words.joined(separator: ", "))"]
            + reader.devices.map(line)
    }

    private func line(_ device: MessageStory.Device) -> String {
        let progress =
            switch device.progress {
            case .revoked: "was shut out"
            case .past: "is up to date"
            case .waiting(let cursor, let entry):
                "waits: it is at \(cursor.number) of its feed, the conversation at \(entry.number)"
            case .untold: "is told nothing by the feed of a large group"
            }
        return "    \(Self.name(device.device, device.name)) \(progress); last connected "
            + offset(device.connected)
    }

    private func line(_ time: WallTime, _ words: String) -> String {
        let offset = offset(time)
        return "  \(offset)" + String(repeating: " ", count: max(1, 11 - offset.count)) + words
    }

    private func offset(_ time: WallTime) -> String {
        let (difference, isOverflown) = time.milliseconds.subtractingReportingOverflow(
            story.committed.milliseconds)
        guard !isOverflown else { return "at no time" }
        return HumanUnits.offset(milliseconds: difference)
    }

    private static func word(_ kind: MessageStory.Kind) -> String {
        switch kind {
        case .edit: "edited"
        case .recall: "taken back"
        case .reaction: "reacted to"
        case .message, .change: "changed"
        }
    }

    private static func name(_ person: Person) -> String {
        person.handle.isEmpty
            ? "account \(HumanUnits.digits(person.account.number))"
            : HumanUnits.printable(person.handle)
    }

    private static func name(_ device: DeviceID, _ name: String) -> String {
        "device \(device.number)" + (name.isEmpty ? "" : " (\(HumanUnits.printable(name)))")
    }
}

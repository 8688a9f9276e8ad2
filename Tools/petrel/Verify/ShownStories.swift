// The stories of an identifier, for programs.

import PetrelBase
import PetrelMessaging
import PetrelServices

/// What a store knows of an identifier.
struct ShownStories: Encodable {
    /// The name of this form.
    var schema = "petrel-trace-1"
    /// The identifier, a UUID.
    var id: String
    /// When it was minted, by the client's clock.
    var minted_unix_ms: Int64
    /// One for each account that used it.
    var stories: [Story]

    /// Shows those stories.
    init(_ id: ClientMessageID, _ stories: [MessageStory]) {
        self.id = id.uuidText
        minted_unix_ms = id.time.milliseconds
        self.stories = stories.map(Story.init)
    }
}

extension ShownStories {
    /// A story.
    struct Story: Encodable {
        var sender: Person
        var device: UInt32?
        var device_name: String
        var committed_unix_ms: Int64
        var conversation: String
        var group: String?
        var place: UInt64
        /// `kept`, `recalled`, `expired`, `gone`, `forgotten` or `damaged`.
        var state: String
        var kind: String?
        var body_bytes: Int?
        var expires_unix_ms: Int64?
        var is_remembered: Bool
        var changes: [Change]
        var readers: [Reader]
    }

    /// An account.
    struct Person: Encodable {
        var account: String
        var handle: String
    }

    /// What was done to it later.
    struct Change: Encodable {
        var kind: String
        var place: UInt64
        var by: Person
        var committed_unix_ms: Int64
    }

    /// Who may see it.
    struct Reader: Encodable {
        var person: Person
        var is_present: Bool
        var is_delivered: Bool
        var is_read: Bool
        var is_hidden: Bool
        var devices: [Device]
    }

    /// A device of a reader.
    struct Device: Encodable {
        var device: UInt32
        var name: String
        var connected_unix_ms: Int64
        /// `revoked`, `past`, `waiting` or `untold`.
        var progress: String
        var feed_cursor: UInt64?
        var feed_entry: UInt64?
    }
}

extension ShownStories.Story {
    init(_ story: MessageStory) {
        sender = ShownStories.Person(story.sender)
        device = story.senderDevice?.number
        device_name = story.senderDeviceName
        committed_unix_ms = story.committed.milliseconds
        conversation = HumanUnits.digits(story.conversation.number)
        group = story.group
        place = story.sequence.number
        switch story.state {
        case .kept(let kind, let count):
            state = "kept"
            self.kind = kind.rawValue
            body_bytes = count
        case .gone(.recalled): state = "recalled"
        case .gone(.expired): state = "expired"
        case .gone: state = "gone"
        case .forgotten: state = "forgotten"
        case .damaged: state = "damaged"
        }
        expires_unix_ms = story.expires?.milliseconds
        is_remembered = story.isRemembered
        changes = story.changes.map { change in
            ShownStories.Change(
                kind: change.kind.rawValue, place: change.sequence.number,
                by: ShownStories.Person(change.person),
                committed_unix_ms: change.time.milliseconds)
        }
        readers = story.readers.map { reader in
            ShownStories.Reader(
                person: ShownStories.Person(reader.person), is_present: reader.isPresent,
                is_delivered: reader.isDelivered, is_read: reader.hasRead,
                is_hidden: reader.isHidden, devices: reader.devices.map(ShownStories.Device.init))
        }
    }
}

extension ShownStories.Person {
    init(_ person: PetrelMessaging.Person) {
        account = HumanUnits.digits(person.account.number)
        handle = person.handle
    }
}

extension ShownStories.Device {
    init(_ device: MessageStory.Device) {
        self.device = device.device.number
        name = device.name
        connected_unix_ms = device.connected.milliseconds
        switch device.progress {
        case .revoked: progress = "revoked"
        case .past: progress = "past"
        case .untold: progress = "untold"
        case .waiting(let cursor, let entry):
            progress = "waiting"
            feed_cursor = cursor.number
            feed_entry = entry.number
        }
    }
}

// The [limits] of a configuration file: what accounts, groups and conversations may have.

import PetrelBase
import PetrelMessaging
import PetrelServerCore
import PetrelServices

/// The limits of a file.
struct LimitsDraft: Equatable {
    /// What accounts, groups and conversations may have.
    var limits = ServiceLimits()
    /// What an account may send, in a second and at once.
    var sends = ServerLimits.sends

    /// The limits of a server without a file.
    init() {}

    /// Reads the settings under [limits]; what is not there stays as it is.
    init(_ table: ConfigurationTable) throws(ConfigurationFault) {
        self.init()
        for entry in table.entries { try read(entry) }
    }

    private mutating func read(_ entry: ConfigurationEntry) throws(ConfigurationFault) {
        switch entry.key {
        case "stranger-messages":
            limits.strangerMessagesMax = try entry.number(in: 0...1_000_000_000)
        case "account-bytes":
            limits.accountBytesMax = UInt64(try entry.number(in: 1 << 16...Int.max))
        case "group-members":
            limits.membersMax = try entry.number(in: 2...MessagingLimits.membersMax)
        case "groups": limits.groupsMax = try entry.number(in: 0...MessagingLimits.groupsMax)
        case "contacts":
            limits.contactsMax = try entry.number(in: 0...MessagingLimits.contactsMax)
        case "conversation-events":
            let most = Int(MessagingLimits.conversationEventsMax)
            limits.conversationEventsMax = UInt64(try entry.number(in: 1...most))
        case "edit-window":
            limits.editWindow = try entry.interval(in: .zero...Self.windowMax, "0s to 87600h")
        case "recall-window":
            limits.recallWindow = try entry.interval(in: .zero...Self.windowMax, "0s to 87600h")
        case "needs-invitation": limits.needsInvitation = try entry.flag()
        case "sends-per-second":
            let count = Int64(try entry.number(in: 1...1_000_000))
            sends.spacing = Interval(nanoseconds: 1_000_000_000 / count)
        case "sends-at-once": sends.burst = Int64(try entry.number(in: 1...1_000_000))
        default:
            throw entry.fault(
                "is unknown; use stranger-messages, account-bytes, group-members, groups, "
                    + "contacts, conversation-events, edit-window, recall-window, "
                    + "needs-invitation, sends-per-second or sends-at-once")
        }
    }

    private static let windowMax = Interval.seconds(87_600 * 3_600)
}

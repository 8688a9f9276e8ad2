// The [limits] of a configuration file: what accounts, groups and conversations may have.

import PetrelBase
import PetrelMessaging
import PetrelServices

extension ServiceLimits {
    /// Reads the settings under [limits]; what is not there stays as it is.
    init(_ table: ConfigurationTable) throws(ConfigurationFault) {
        self.init()
        for entry in table.entries { try read(entry) }
    }

    private mutating func read(_ entry: ConfigurationEntry) throws(ConfigurationFault) {
        switch entry.key {
        case "stranger-messages":
            strangerMessagesMax = try entry.number(in: 0...1_000_000_000)
        case "account-bytes":
            accountBytesMax = UInt64(try entry.number(in: 1 << 16...Int.max))
        case "group-members":
            membersMax = try entry.number(in: 2...MessagingLimits.membersMax)
        case "groups": groupsMax = try entry.number(in: 0...MessagingLimits.groupsMax)
        case "contacts": contactsMax = try entry.number(in: 0...MessagingLimits.contactsMax)
        case "conversation-events":
            let most = Int(MessagingLimits.conversationEventsMax)
            conversationEventsMax = UInt64(try entry.number(in: 1...most))
        case "edit-window":
            editWindow = try entry.interval(in: .zero...Self.windowMax, "0s to 87600h")
        case "recall-window":
            recallWindow = try entry.interval(in: .zero...Self.windowMax, "0s to 87600h")
        case "needs-invitation": needsInvitation = try entry.flag()
        default:
            throw entry.fault(
                "is unknown; use stranger-messages, account-bytes, group-members, groups, "
                    + "contacts, conversation-events, edit-window, recall-window or "
                    + "needs-invitation")
        }
    }

    private static let windowMax = Interval.seconds(87_600 * 3_600)
}

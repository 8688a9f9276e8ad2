// A contact as petrel contacts prints it.

import Petrel
import PetrelMessaging

/// Another account as this one knows it, for programs.
struct ShownContact: Encodable, Equatable {
    /// The name of this form.
    var schema = "petrel-contact-1"
    /// Whom it is about.
    var handle: String
    /// The number of the account, 16 hexadecimal digits.
    var account: String
    /// `none`, `requested`, `asked`, `contact` or `gone`.
    var state: String
    /// Whether this account takes nothing from it.
    var is_blocked: Bool
    /// What this account calls it; absent for nothing.
    var alias: String?
    /// The name that it shows; absent for none.
    var name: String?
    /// The line that it shows; absent for none.
    var about: String?
    /// What came with the request; absent for nothing.
    var greeting: String?

    /// Shows a contact.
    init(_ contact: Contact) {
        handle = contact.person.handle
        account = HumanUnits.digits(contact.person.account.number)
        state =
            switch contact.state {
            case .none: "none"
            case .requested: "requested"
            case .asked: "asked"
            case .contact: "contact"
            case .gone: "gone"
            }
        is_blocked = contact.isBlocked
        alias = contact.alias.isEmpty ? nil : contact.alias
        name = contact.profile.name.isEmpty ? nil : contact.profile.name
        about = contact.profile.about.isEmpty ? nil : contact.profile.about
        greeting = contact.greeting.isEmpty ? nil : contact.greeting
    }

    /// How the two stand, in words.
    var standing: String {
        let words =
            switch state {
            case "none": "stranger"
            case "requested": "you asked"
            case "asked": "asks you"
            case "gone": "account deleted"
            default: "contact"
            }
        guard is_blocked else { return words }
        return state == "none" ? "blocked" : "\(words), blocked"
    }

    /// The table of contacts.
    static func table(_ contacts: [ShownContact]) -> Table {
        var table = Table(["handle", "name", "relation", "greeting"])
        for contact in contacts {
            table.append([
                contact.handle, contact.alias ?? contact.name ?? "", contact.standing,
                contact.greeting ?? "",
            ])
        }
        return table
    }
}

// petrel profile, password and invite: what an account changes about itself, and whom it lets in.

import ArgumentParser
import Petrel
import PetrelBase
import PetrelMessaging

/// Shows or changes what others see of the account.
struct ProfileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Shows or changes what others see of the account.",
        discussion: "Without --name and --about, it is shown; what is not given stays.")

    @Option(help: "The name, of 64 bytes at most; empty for none.") var name: String?
    @Option(help: "A line about it, of 256 bytes at most; empty for none.") var about: String?
    @OptionGroup var ask: AskOptions

    /// Shows it, changed if that was asked.
    func run() async throws {
        let (name, about) = (name, about)
        let shown = try await ask.asking { client in
            var profile = try await client.knownDetails().profile
            if let name { profile.name = name }
            if let about { profile.about = about }
            if name != nil || about != nil { try await client.setProfile(profile) }
            return ShownProfile(handle: client.account?.handle ?? "", profile)
        }
        guard !ask.json else { return result(json: shown) }
        shown.lines.forEach(result)
    }
}

/// What others see of an account.
struct ShownProfile: Encodable, Equatable {
    /// The name of this form.
    var schema = "petrel-profile-1"
    /// The account's handle.
    var handle: String
    /// Its name; empty for none.
    var name: String
    /// A line about it; empty for none.
    var about: String

    /// Shows the profile of an account.
    init(handle: String, _ profile: Profile) {
        self.handle = handle
        name = profile.name
        about = profile.about
    }

    /// The same for people.
    var lines: [String] {
        [("handle", handle), ("name  ", name), ("about ", about)].map { title, text in
            "\(title)  \(text.isEmpty ? "none" : HumanUnits.printable(text))"
        }
    }
}

/// Replaces the password.
struct PasswordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "password", abstract: "Replaces the account's password.",
        discussion: """
            Both passwords are read from PETREL_PASSWORD (the present one) and \
            PETREL_NEW_PASSWORD, the terminal, or two lines of the input. All devices stay enrolled.
            """)

    @Flag(help: "Make another recovery code, too; the one before is of no use then.")
    var newRecoveryCode = false
    @OptionGroup var ask: AskOptions

    /// Replaces it.
    func run() async throws {
        let old = try Password.read(for: "this account", isNew: false)
        let new = try Password.read(
            from: "PETREL_NEW_PASSWORD", asking: "Password from now on: ")
        let code = newRecoveryCode ? RecoveryCode() : nil
        if let code { say("recovery code: \(code.shown)\nwrite it down: nobody can show it again") }
        let handle = try await ask.asking { client in
            try await client.changePassword(from: old, to: new, recoveryCode: code)
            return client.account?.handle ?? ""
        }
        ask.done("password_changed", to: handle, "\(handle) has another password")
    }
}

/// Lets somebody register.
struct InviteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite", abstract: "Makes an invitation that lets one account register.",
        discussion: "Prints the server's address with the code in it, for petrel register --server."
    )

    @Option(
        help: ArgumentHelp(
            "How long it may be used, 30d at most, such as 12h or 7d.", valueName: "duration"),
        transform: LongTime.init(parsing:))
    var lifetime = LongTime.days(7)
    @OptionGroup var ask: AskOptions

    private struct Answer: Encodable {
        var schema = "petrel-invitation-1"
        var code: String
        var address: String
        var expires_unix_ms: Int64
    }

    /// Makes it.
    func run() async throws {
        let duration = lifetime.duration
        let made = try await ask.asking { try await $0.invite(lifetime: duration) }
        guard !ask.json else {
            return result(
                json: Answer(
                    code: made.code, address: made.address,
                    expires_unix_ms: made.expiresMilliseconds))
        }
        say("for one account, until \(HumanTime.text(made.expiresMilliseconds))")
        result(made.address)
    }
}

extension PetrelClient {
    /// What the own account is like, as soon as the server told.
    func knownDetails() async throws -> AccountDetails {
        try await upToDate()
        for await details in accountDetailsUpdates {
            if let details { return details }
        }
        throw PetrelError(
            .closed, "the client was closed before the server told of the account",
            advice: "run the command again")
    }
}

// petrel register and petrel login: this device becomes a device of an account.

import ArgumentParser
import Foundation
import Petrel
import PetrelBase

/// What both ways to enrol have in common.
struct EnrolOptions: ParsableArguments {
    @Argument(help: "The account's handle: 3 to 32 of a-z 0-9 . _ - beginning with a letter.")
    var handle: String
    @OptionGroup var client: ClientOptions
    @Option(help: ArgumentHelp("What this device is to be called.", valueName: "name"))
    var device: String = Host.current().name ?? "petrel"
    @Option(help: "How long to wait for the server.", transform: Interval.init(parsing:))
    var timeout = Interval.seconds(30)
    @Flag(help: "Print a JSON object instead of text.")
    var json = false

    private struct Answer: Encodable {
        var schema = "petrel-account-1"
        var handle: String
        var account: String
        var device: UInt32
        var store: String
        var recovery_code: String?
    }

    /// Enrols with `ask`, and says who this device is now; a new recovery code is shown before.
    func enrol(
        showing code: RecoveryCode? = nil,
        _ ask: @escaping @Sendable (PetrelClient) async throws(PetrelError) -> Account
    ) async throws {
        let client = try client.open(deviceName: device)
        let options = self.client
        let limit = timeout
        if let code {
            say(
                "recovery code of \(handle): \(code.shown)\n"
                    + "write it down: it opens the account when the password is lost, and nobody "
                    + "can show it again")
        }
        do {
            let account = try await within(limit, { options.noAnswer(after: limit, client) }) {
                try await ask(client)
            }
            try options.keepAddress()
            await client.close()
            show(account, code)
        } catch let error as PetrelError {
            throw Failure(error)
        }
    }

    private func show(_ account: Account, _ code: RecoveryCode?) {
        let number = String(account.number, radix: 16)
        guard json else {
            return result(
                "\(account.handle) on device \(account.device), kept in \(client.directory)")
        }
        result(
            json: Answer(
                handle: account.handle, account: number, device: account.device,
                store: client.directory, recovery_code: code?.shown))
    }
}

/// Creates an account.
struct RegisterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register", abstract: "Creates an account with this device as its first.",
        discussion: "The password is read from PETREL_PASSWORD, the terminal or the input.")

    @Option(
        help: ArgumentHelp(
            "What lets the account be made, where the server demands it; else ?invite= of the "
                + "address.", valueName: "code"))
    var invitation: String?
    @OptionGroup var options: EnrolOptions

    /// Creates it.
    func run() async throws {
        let (handle, invitation) = (options.handle, invitation)
        let password = try Password.read(for: "the new account \(handle)", isNew: true)
        let code = RecoveryCode()
        try await options.enrol(showing: code) { client throws(PetrelError) in
            try await client.register(
                handle: handle, password: password, invitation: invitation, recoveryCode: code)
        }
    }
}

/// Adds this device to an account.
struct LoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Adds this device to an account that exists.",
        discussion: "The password is read from PETREL_PASSWORD, the terminal or the input.")

    @OptionGroup var options: EnrolOptions

    /// Adds it.
    func run() async throws {
        let handle = options.handle
        let password = try Password.read(for: handle, isNew: false)
        try await options.enrol { client throws(PetrelError) in
            try await client.logIn(handle: handle, password: password)
        }
    }
}

/// Adds this device to an account whose password is lost.
struct RecoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover", abstract: "Opens an account whose password is lost.",
        discussion: """
            The recovery code is read from PETREL_RECOVERY_CODE, the terminal or the input, the \
            new password as register reads it. All other devices of the account are shut out. The \
            code works once: another one is shown.
            """)

    @OptionGroup var options: EnrolOptions

    /// Opens it.
    func run() async throws {
        let handle = options.handle
        let typed = try Password.read(
            from: "PETREL_RECOVERY_CODE", asking: "Recovery code of \(handle): ")
        let password = try Password.read(for: "\(handle) from now on", isNew: true)
        let code = RecoveryCode()
        try await options.enrol(showing: code) { client throws(PetrelError) in
            try await client.recover(
                handle: handle, code: typed, newPassword: password, nextCode: code)
        }
    }
}

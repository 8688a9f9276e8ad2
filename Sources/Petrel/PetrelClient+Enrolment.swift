// How this device becomes a device of an account.

internal import PetrelClientCore
internal import PetrelMessaging
internal import PetrelWire

extension PetrelClient {
    /// Creates an account whose first device this is; waits for the server, however long.
    ///
    /// Doing it again with the same handle, an answer having been lost, succeeds.
    ///
    ///     let code = RecoveryCode()
    ///     show(code.shown)
    ///     try await client.register(handle: "anna", password: password, recoveryCode: code)
    ///
    /// - Parameters:
    ///   - handle: 3 to 32 of `a-z 0-9 . _ -`, beginning with a letter.
    ///   - password: 8 to 128 bytes.
    ///   - invitation: a code, where the server demands one; `nil` for that of
    ///     `Configuration.server`.
    ///   - recoveryCode: what will open the account when the password is lost, made on this device
    ///     and shown before; `nil` for none. After a repetition only the first one counts.
    /// - Returns: the account.
    /// - Throws: `refused`, `inputInvalid`, `busy`, `revoked`, `closed` or `cancelled`.
    @discardableResult
    public func register(
        handle: String, password: String, invitation: String? = nil,
        recoveryCode: RecoveryCode? = nil
    ) async throws(PetrelError) -> Account {
        let typed = invitation ?? address.invitation
        let code = InvitationCode(typed)
        guard typed.isEmpty || code != nil else {
            throw PetrelError(
                .inputInvalid, "\"\(typed)\" cannot be the code of an invitation",
                advice: "copy its 20 characters again")
        }
        return try await enrol(
            .register(
                handle: handle, password: Array(password.utf8), invitation: code?.text ?? "",
                recovery: recoveryCode?.digest))
    }

    /// Adds this device to an account; waits for the server, however long.
    ///
    /// - Throws: `refused`, `inputInvalid`, `busy`, `revoked`, `closed` or `cancelled`.
    @discardableResult
    public func logIn(handle: String, password: String) async throws(PetrelError) -> Account {
        try await enrol(.logIn(handle: handle, password: Array(password.utf8)))
    }

    /// Adds this device to an account whose password is lost, with a new password; waits for the
    /// server, however long.
    ///
    /// All other devices of the account are shut out.
    ///
    /// - Parameters:
    ///   - handle: the account's handle.
    ///   - code: the recovery code as somebody typed it; it works once.
    ///   - newPassword: 8 to 128 bytes.
    ///   - nextCode: the recovery code from then on, shown before; `nil` for none.
    /// - Returns: the account.
    /// - Throws: `refused`, `inputInvalid`, `busy`, `revoked`, `closed` or `cancelled`.
    @discardableResult
    public func recover(
        handle: String, code: String, newPassword: String, nextCode: RecoveryCode? = nil
    ) async throws(PetrelError) -> Account {
        guard let read = RecoveryCode(code) else {
            throw PetrelError(
                .inputInvalid, "what was typed is no recovery code, or has a slip in it",
                advice: "compare it with the paper: 27 characters, with no I, L, O or U")
        }
        return try await enrol(
            .recover(
                handle: handle, code: read.text, password: Array(newPassword.utf8),
                recovery: nextCode?.digest))
    }

    private func enrol(_ enrolment: Request.Enrolment) async throws(PetrelError) -> Account {
        let deviceName = configuration.deviceName
        return try await ask(
            { .enrol(enrolment, ticket: $0, deviceName: deviceName, $1) },
            abandon: { .abandonEnrolment(ticket: $0) })
    }
}

// The own account: profile, privacy, password, devices, invitations, and its end.

internal import PetrelBase
internal import PetrelClientCore
public import PetrelMessaging
internal import PetrelWire

extension PetrelClient {
    /// What the own account is like, as the server told last; `nil` before it did.
    public var accountDetails: AccountDetails? { shared.details.value }

    /// What the own account is like: the present state first.
    public var accountDetailsUpdates: Updates<AccountDetails?> { Updates(latest: shared.details) }

    /// The account's devices, by number; empty before the server told.
    public var devices: [Device] { accountDetails?.devices ?? [] }

    /// The account's devices: the present ones first.
    public var deviceUpdates: Updates<[Device]> {
        Updates(of: shared.details) { details, _ in details?.devices ?? [] }
    }

    /// Replaces what others see of the account; waits for the server, however long.
    ///
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`.
    public func setProfile(_ profile: Profile) async throws(PetrelError) {
        try await change(.changeAccount(.profile(profile)))
    }

    /// Replaces who sees what of the account; waits for the server, however long.
    ///
    /// - Throws: `refused`, `busy`, `closed` or `cancelled`.
    public func setPrivacy(_ privacy: Privacy) async throws(PetrelError) {
        try await change(.changeAccount(.privacy(privacy)))
    }

    /// Replaces the password; waits for the server, however long.
    ///
    /// All devices stay enrolled.
    ///
    /// - Parameters:
    ///   - old: the present password.
    ///   - new: 8 to 128 bytes; the same again to replace the recovery code alone.
    ///   - recoveryCode: another recovery code, shown before; `nil` leaves it as it is.
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`. Repeated after an
    ///   answer that was lost, it is refused although the password is the new one.
    public func changePassword(
        from old: String, to new: String, recoveryCode: RecoveryCode? = nil
    ) async throws(PetrelError) {
        try await change(
            .changeAccount(
                .password(
                    old: Array(old.utf8), new: Array(new.utf8), recovery: recoveryCode?.digest)))
    }

    /// Calls a device of the account something else, in 64 bytes at most; waits for the server.
    ///
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`.
    public func renameDevice(_ device: DeviceID, to name: String) async throws(PetrelError) {
        try await change(.changeAccount(.deviceName(device, name)))
    }

    /// Shuts a device of the account out for good; waits for the server.
    ///
    /// Its sessions end within a second. This device may shut itself out: its `state` is `revoked`
    /// then.
    ///
    /// - Throws: `refused`, `busy`, `closed` or `cancelled`.
    public func revokeDevice(_ device: DeviceID) async throws(PetrelError) {
        let isThisDevice = account?.device == device.number
        try await change(.changeAccount(.revokeDevice(device)), endsThisDevice: isThisDevice)
    }

    /// Ends the account for good; waits for the server.
    ///
    /// Nobody gets its handle again, and what it said stays with the others. What is on this
    /// device's disk stays there.
    ///
    /// - Throws: `refused`, `busy`, `closed` or `cancelled`.
    public func deleteAccount(password: String) async throws(PetrelError) {
        try await change(
            .changeAccount(.delete(password: Array(password.utf8))), endsThisDevice: true)
    }

    /// Makes an invitation that lets one account be registered; waits for the server.
    ///
    /// - Parameter lifetime: how long it may be used, 30 days at most.
    /// - Returns: the invitation.
    /// - Throws: `refused`, `inputInvalid`, `busy`, `closed` or `cancelled`.
    public func invite(
        lifetime: Duration = .seconds(7 * 24 * 3_600)
    ) async throws(PetrelError) -> Invitation {
        let seconds = UInt32(clamping: lifetime.components.seconds)
        let answer = try await askServer(.invite(lifetimeSeconds: max(1, seconds)))
        guard case .invitation(let code, let expires) = answer else { throw .answerUnknown }
        var invited = address
        invited.invitation = code
        return Invitation(
            code: code, address: invited.text, expiresMilliseconds: expires.milliseconds)
    }

    /// Whoever ends the device that asks may hear that it ended instead of that it was done.
    private func change(
        _ command: Command.Kind, endsThisDevice: Bool
    ) async throws(PetrelError) {
        do throws(PetrelError) {
            try await change(command)
        } catch {
            let isEnded =
                error.code == .revoked || error.refusal == MessagingError.deviceRevoked.rawValue
            guard endsThisDevice, isEnded, state == .revoked else { throw error }
        }
    }
}

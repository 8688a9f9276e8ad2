// Commands on accounts, relations and invitations: judged by services, done by the store.

internal import PetrelBase
internal import PetrelCrypto
internal import PetrelMessaging
internal import PetrelServices
internal import PetrelWire

extension ServerCore {
    /// Begins to enrol a stranger's device.
    mutating func enrol(
        _ kind: Command.Kind, _ request: UInt64, from handle: Handle, now: Instant,
        wall: WallTime
    ) throws(Refused) {
        let wish: AccountService.Wish
        switch kind {
        case .register(let registration):
            wish = .register(
                AccountService.Form(registration),
                invitation: try invitation(registration.invitation),
                recovery: registration.recovery)
        case .logIn(let registration): wish = .logIn(AccountService.Form(registration))
        case .recover(let recovery):
            let form = AccountService.Form(
                handle: recovery.handle, password: recovery.password,
                deviceName: recovery.deviceName)
            let proof = RecoveryCode(recovery.code).map {
                RecoveryDigest(words: Self.digest($0.bytes))
            }
            wish = .recover(form, proof: proof, next: recovery.recovery)
        default: throw Refused(.malformed)
        }
        guard try !welcomeKnown(handle, now: now, wall: wall) else { return }
        try beginJudgement(wish, request, from: handle, now: now)
        sessions[handle].state.phase = .enrolling
    }

    /// The digest of an invitation's code; `nil` if there is none.
    private func invitation(_ typed: String) throws(Refused) -> InlineWords4? {
        guard !typed.isEmpty else { return nil }
        guard let code = InvitationCode(typed) else { throw Refused(.invitationInvalid) }
        return Self.digest(code.bytes)
    }

    mutating func changeAccount(_ change: AccountChange, _ asked: Asked) throws(Refused) {
        let principal = asked.principal
        let wish: AccountService.Wish
        switch change {
        case .password(let old, let new, let recovery):
            wish = .changePassword(principal, old: old, new: new, recovery: recovery)
        case .delete(let password): wish = .delete(principal, password: password)
        case .profile, .privacy, .deviceName, .revokeDevice:
            guard
                let operation = try SettingsService.change(
                    change, by: principal, wall: asked.wall)
            else { throw Refused(.malformed) }
            return try submit(operation, .change(asked.handle, request: asked.request))
        }
        try beginJudgement(wish, asked.request, from: asked.handle, now: asked.now)
    }

    mutating func changeContact(
        _ person: Person, _ change: ContactChange, _ asked: Asked
    ) throws(Refused) {
        let operation = try ContactService.change(
            person, change, by: asked.principal, store: store)
        if case .request = change { try takeQuestion(asked) }
        try submit(operation, .change(asked.handle, request: asked.request))
    }

    mutating func invite(lifetimeSeconds: UInt32, _ asked: Asked) throws(Refused) {
        try takeQuestion(asked)
        // Drawn by the system: nobody may foresee a code.
        var chance = SecureRandom()
        let code = InvitationCode(random: &chance)
        let (operation, expires) = InvitationService.invite(
            lifetimeSeconds: lifetimeSeconds, digest: Self.digest(code.bytes),
            by: asked.principal, wall: asked.wall)
        try submit(
            operation,
            .invitation(
                asked.handle, request: asked.request, code: code.text, expires: expires))
    }

    mutating func lookUp(_ typed: String, _ asked: Asked) throws(Refused) {
        try takeQuestion(asked)
        let card = try ContactService.card(of: typed, store: store)
        tell(.card(card), request: asked.request, to: asked.handle, as: .reliable, now: asked.now)
    }

    /// Takes a token for a question that could be asked to find out who there is.
    private mutating func takeQuestion(_ asked: Asked) throws(Refused) {
        try questions.take(asked.principal.account, configuration.questions, now: asked.now)
    }

    /// The digest of some bytes, as the store keeps it.
    static func digest(_ bytes: [UInt8]) -> InlineWords4 {
        InlineWords4(Digest.blake2b256(bytes.span.bytes).bytes)
    }
}

extension AccountService.Form {
    fileprivate init(_ registration: Registration) {
        self.init(
            handle: registration.handle, password: registration.password,
            deviceName: registration.deviceName)
    }
}

// What a device asks for that needs a password or a code.

public import PetrelMessaging

extension AccountService {
    /// What somebody who is to be enrolled writes down.
    public struct Form: Equatable, Sendable {
        /// The handle as typed.
        public var handle: String
        /// The password; in a recovery the new one.
        public var password: [UInt8]
        /// What the owner calls the device.
        public var deviceName: String

        /// Creates the form.
        public init(handle: String, password: [UInt8], deviceName: String) {
            self.handle = handle
            self.password = password
            self.deviceName = deviceName
        }
    }

    /// What a device asks for.
    public enum Wish: Equatable, Sendable {
        /// A new account, with the digest of an invitation and of a recovery code if there are.
        case register(Form, invitation: InlineWords4?, recovery: RecoveryDigest?)
        /// A place in an existing account.
        case logIn(Form)
        /// The place of all devices of an account: `proof` is the digest of the code that was
        /// typed, `nil` if that was none.
        case recover(Form, proof: RecoveryDigest?, next: RecoveryDigest?)
        /// Another password.
        case changePassword(Principal, old: [UInt8], new: [UInt8], recovery: RecoveryDigest?)
        /// The end of the account.
        case delete(Principal, password: [UInt8])

        /// Whether a device is to be enrolled by it.
        public var isEnrolment: Bool { form != nil }

        var form: Form? {
            switch self {
            case .register(let form, _, _), .logIn(let form), .recover(let form, _, _): form
            case .changePassword, .delete: nil
            }
        }

        var handle: String {
            switch self {
            case .register(let form, _, _), .logIn(let form), .recover(let form, _, _):
                form.handle
            case .changePassword(let principal, _, _, _), .delete(let principal, _):
                principal.handle
            }
        }

        var passwords: [[UInt8]] {
            switch self {
            case .register(let form, _, _), .logIn(let form), .recover(let form, _, _):
                [form.password]
            case .changePassword(_, _, let new, _): [new]
            case .delete: []
            }
        }
    }
}

// How large one operation may be: every implementation of the store refuses the same ones.

public import PetrelMessaging

/// Limits of single operations; beyond them an operation is refused and changes nothing.
public enum StoreLimits {
    /// Bytes of a handle: it is a key, and keys of the database end at 511.
    public static let handleBytesMax = 255
    /// Bytes of a password record.
    public static let passwordBytesMax = 1_024
    /// Bytes of a device's name.
    public static let deviceNameBytesMax = 255
    /// Devices of an account.
    public static let devicesMax = 10
    /// Bytes of a name or a line in a row.
    public static let textBytesMax = 512
    /// Bytes of a body.
    public static let bodyBytesMax = 65_536
    /// Delivered marks in one acknowledgement.
    public static let deliveredMarksMax = 1_000
    /// Rows that one purge forgets, whatever it asks for: huge transactions slow all later ones.
    public static let purgedRowsMax = 4_096
    /// Damaged places that one read of messages may meet before it ends.
    public static let damagedPlacesMax = 1_000
    /// Events that one operation erases, whatever it asks for.
    public static let erasedEventsMax = 1_024
    /// Operations that may wait for the disk.
    public static let queuedOperationsMax = 8_192
}

extension StoreLimits {
    fileprivate static func accept(password: [UInt8], deviceName: String) -> MessagingError? {
        let isTooLong =
            password.count > passwordBytesMax || deviceName.utf8.count > deviceNameBytesMax
        return isTooLong ? .malformed : nil
    }

    fileprivate static func accept(texts: [String]) -> MessagingError? {
        texts.contains { $0.utf8.count > textBytesMax } ? .tooLarge : nil
    }
}

extension StoreOperation {
    /// Why the operation is refused whatever the store holds; `nil` if its shape is fine.
    ///
    /// Services have judged it already; a store that takes in what it cannot keep would be worse
    /// than one that judges twice.
    public var shapeRefusal: MessagingError? {
        switch self {
        case .createAccount(let create):
            let handleBytes = create.handle.utf8.count
            if handleBytes == 0 || handleBytes > StoreLimits.handleBytesMax {
                return .handleInvalid
            }
            return StoreLimits.accept(password: create.password, deviceName: create.deviceName)
        case .enrolDevice(let enrol):
            return StoreLimits.accept(password: [], deviceName: enrol.deviceName)
        case .recoverAccount(let recover):
            return StoreLimits.accept(
                password: recover.password, deviceName: recover.device.deviceName)
        case .appendMessage(let append):
            let isTooLong = append.event.bodyByteCount > StoreLimits.bodyBytesMax
            return isTooLong ? .tooLarge : nil
        case .acknowledge(let acknowledge):
            let count = max(acknowledge.delivered.count, acknowledge.read.count)
            return count > StoreLimits.deliveredMarksMax ? .malformed : nil
        case .replacePassword(_, _, let record):
            return StoreLimits.accept(password: record, deviceName: "")
        case .changeAccount(let change):
            switch change.change {
            case .password(let record, _):
                return StoreLimits.accept(password: record, deviceName: "")
            case .deviceName(_, let name):
                return StoreLimits.accept(password: [], deviceName: name)
            case .profile(let profile):
                return StoreLimits.accept(texts: [profile.name, profile.about])
            case .privacy, .revokeDevice, .delete: return nil
            }
        case .changeContact(let change):
            switch change.change {
            case .request(let text), .alias(let text): return StoreLimits.accept(texts: [text])
            case .accept, .decline, .remove, .block, .unblock: return nil
            }
        case .changeConversation, .createInvitation, .raiseHelloCounter, .purgeDeduplication,
            .expire, .continueDeletions:
            return nil
        }
    }
}

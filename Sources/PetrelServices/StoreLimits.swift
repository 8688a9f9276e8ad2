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
    /// Bytes of a content type.
    public static let contentTypeBytesMax = 255
    /// Bytes of a body.
    public static let bodyBytesMax = 65_536
    /// Delivered marks in one acknowledgement.
    public static let deliveredMarksMax = 1_000
    /// Rows that one purge forgets, whatever it asks for: huge transactions slow all later ones.
    public static let purgedRowsMax = 4_096
    /// Damaged places that one read of messages may meet before it ends.
    public static let damagedPlacesMax = 1_000
    /// Operations that may wait for the disk.
    public static let queuedOperationsMax = 8_192
}

extension StoreOperation {
    /// Why the operation is refused whatever the store holds; `nil` if its shape is fine.
    public var shapeRefusal: MessagingError? {
        switch self {
        case .createAccount(let create):
            let handleBytes = create.handle.utf8.count
            if handleBytes == 0 || handleBytes > StoreLimits.handleBytesMax {
                return .handleInvalid
            }
            let isTooLong =
                create.password.count > StoreLimits.passwordBytesMax
                || create.deviceName.utf8.count > StoreLimits.deviceNameBytesMax
            return isTooLong ? .malformed : nil
        case .enrolDevice(let enrol):
            let isTooLong = enrol.deviceName.utf8.count > StoreLimits.deviceNameBytesMax
            return isTooLong ? .malformed : nil
        case .appendMessage(let append):
            let isTooLong =
                append.body.count > StoreLimits.bodyBytesMax
                || append.contentType.utf8.count > StoreLimits.contentTypeBytesMax
            return isTooLong ? .tooLarge : nil
        case .acknowledge(let acknowledge):
            return acknowledge.delivered.count > StoreLimits.deliveredMarksMax ? .malformed : nil
        case .replacePassword(_, let record):
            return record.count > StoreLimits.passwordBytesMax ? .malformed : nil
        case .raiseHelloCounter, .purgeDeduplication: return nil
        }
    }
}

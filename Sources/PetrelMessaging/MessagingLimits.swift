// Every limit of the messenger in one place, with its unit and its reason.

public import PetrelBase

/// The limits that both sides of the messenger keep.
public enum MessagingLimits {
    /// Bytes of a handle: short enough for a line, long enough to be chosen freely.
    public static let handleBytes = 3...32
    /// Bytes of a password: below, guessing is cheap; above, hashing would be a gift to a flooder.
    public static let passwordBytes = 8...128
    /// The most bytes of a device's name: one line on a screen.
    public static let deviceNameBytesMax = 64
    /// The most bytes of a content type: every registered media type is shorter.
    public static let contentTypeBytesMax = 64
    /// The most bytes of one application message, which is what a session carries as one.
    public static let messageBytesMax = 65_536
    /// The most bytes of a body: what is left of a message after the most that its record, its
    /// handle and the page around it can take (less than 300 bytes today, the rest is for growth).
    public static let bodyBytesMax = messageBytesMax - 512
    /// The most messages of a page: one screen or two.
    public static let pageRecordsMax = 50
    /// The most bytes of bodies in a page of several messages: a phone on 2G has it in 10 s.
    public static let pageBytesMax = 32 * 1024
    /// The most damaged places that a page lists; the rest is for the next page.
    public static let pageUnavailableMax = 256
    /// The most heads of a sync page: 256 heads with the longest handles take 26 KiB.
    public static let syncHeadsMax = 256
    /// The most watermarks of an acknowledgement: as many as a sync page has heads.
    public static let watermarksMax = 256
    /// The most bytes of a refusal's sentence.
    public static let reasonBytesMax = 256
    /// The most devices of an account.
    public static let devicesMax = 10
    /// How long a message's identifier is remembered; an older one is refused, not doubled.
    public static let deduplication = Interval.seconds(7 * 24 * 3600)
    /// How far the client's clock may run ahead: a wrong day must not lose messages.
    public static let futureTolerance = Interval.seconds(24 * 3600)
}

// Why a session ends: the numbers of Protocol/transport.md §9.

/// The code of a CLOSE frame; codes this version does not know are kept as numbers by callers.
public enum ErrorCode: UInt64, Error, Sendable, CaseIterable {
    /// Nothing is wrong: the owner is done.
    case done = 0x00
    /// The server stops; connect again after a while.
    case serverStopping = 0x01
    /// A newer session of the same device took this one's place.
    case replaced = 0x02
    /// Nothing was heard for too long.
    case silent = 0x03
    /// The device was revoked: its key is of no use any more.
    case revoked = 0x04
    /// A frame could not be decoded.
    case frameMalformed = 0x10
    /// A frame came from the side that must not send it.
    case frameForbidden = 0x11
    /// A packet number was acknowledged that was never sent.
    case acknowledgedUnsent = 0x12
    /// More message bytes, messages or fragments were sent than allowed.
    case limitExceeded = 0x13
    /// Fragments of a message contradict each other.
    case fragmentConflict = 0x14
    /// The packet protection's limits were reached (RFC 9001 §6.6).
    case keysExhausted = 0x15
    /// The application closed the session because of what the peer sent.
    case applicationViolation = 0x20
    /// A bug on this side.
    case internalError = 0x2F
}

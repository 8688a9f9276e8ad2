// Where a server is and which key it must prove, as one line that people can paste.

internal import PetrelBase

/// `petrel://host[:port]/#KEY`, KEY being base64url of the server's key and a checksum; with an
/// invitation, `petrel://host[:port]/?invite=CODE#KEY`.
///
/// The checksum (CRC-32C of the key, big-endian) catches a damaged paste before a packet is sent.
public struct ServerAddress: Equatable, Sendable {
    /// The port that an address without one means.
    public static let defaultPort: UInt16 = 7_700
    /// Bytes of a server key.
    public static let keyByteCount = 32

    /// A name or an IP address, without brackets.
    public var host: String
    /// The UDP port.
    public var port: UInt16
    /// The server's public key, 32 bytes.
    public var key: [UInt8]
    /// The code of an invitation, of letters, digits and hyphens; empty for none.
    public var invitation: String

    /// Creates an address.
    ///
    /// - Precondition: `key` has 32 bytes.
    public init(
        host: String, port: UInt16 = defaultPort, key: [UInt8], invitation: String = ""
    ) {
        precondition(key.count == Self.keyByteCount)
        self.host = host
        self.port = port
        self.key = key
        self.invitation = invitation
    }

    /// Reads an address.
    public init(_ text: String) throws(ServerAddressError) {
        let scheme = "petrel://"
        guard text.hasPrefix(scheme) else { throw .scheme(found: text) }
        let rest = text.dropFirst(scheme.count)
        guard let hash = rest.firstIndex(of: "#") else { throw .keyMissing }
        var authority = rest[..<hash]
        var query: Substring?
        if let mark = authority.firstIndex(of: "?") {
            query = authority[authority.index(after: mark)...]
            authority = authority[..<mark]
        }
        invitation = try Self.invitation(query)
        if authority.hasSuffix("/") { authority.removeLast() }
        (host, port) = try Self.hostAndPort(String(authority))
        key = try Self.key(String(rest[rest.index(after: hash)...]))
    }

    /// The text form; the port is always written.
    public var text: String {
        var bytes = key
        let checksum = unsafe Checksum.crc32c(key.span.bytes)
        for shift in [24, 16, 8, 0] as [UInt32] {
            bytes.append(UInt8(truncatingIfNeeded: checksum >> shift))
        }
        let shown = host.contains(":") ? "[\(host)]" : host
        let query = invitation.isEmpty ? "" : "?\(Self.inviteName)\(invitation)"
        return "petrel://\(shown):\(port)/\(query)#\(Base64URL.encode(bytes))"
    }

    private static let inviteName = "invite="
    /// Characters of a code, hyphens included: more than any has.
    private static let invitationMax = 64

    private static func invitation(_ query: Substring?) throws(ServerAddressError) -> String {
        guard let query else { return "" }
        let code = query.dropFirst(inviteName.count)
        let isPlain = code.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard query.hasPrefix(inviteName), isPlain, 1...invitationMax ~= code.utf8.count else {
            throw .query(found: String(query))
        }
        return String(code)
    }

    private static func hostAndPort(
        _ authority: String
    ) throws(ServerAddressError) -> (String, UInt16) {
        var host = authority
        var portText: String?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw .host(found: authority) }
            host = String(authority[authority.index(after: authority.startIndex)..<end])
            let after = authority[authority.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":") else { throw .host(found: authority) }
            portText = after.isEmpty ? nil : String(after.dropFirst())
        } else if let colon = authority.firstIndex(of: ":") {
            host = String(authority[..<colon])
            portText = String(authority[authority.index(after: colon)...])
        }
        let isPlain = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "%"):
                true
            default: false
            }
        }
        guard !host.isEmpty, host.utf8.count <= 255, isPlain else { throw .host(found: authority) }
        guard let portText else { return (host, defaultPort) }
        // `UInt16` would take a sign as well.
        let isNumber = portText.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        guard isNumber, let port = UInt16(portText), port > 0 else {
            throw .port(found: portText)
        }
        return (host, port)
    }

    private static func key(_ text: String) throws(ServerAddressError) -> [UInt8] {
        guard !text.isEmpty else { throw .keyMissing }
        guard let bytes = Base64URL.decode(text), bytes.count == keyByteCount + 4 else {
            throw .keyMalformed(found: text)
        }
        let key = Array(bytes.prefix(keyByteCount))
        let stated = bytes.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard unsafe Checksum.crc32c(key.span.bytes) == stated else { throw .checksum(found: text) }
        return key
    }
}

/// What is wrong with the text of a server address.
public enum ServerAddressError: Error, Equatable, Sendable, CustomStringConvertible {
    /// It does not begin with `petrel://`.
    case scheme(found: String)
    /// The part before the port is no name and no IP address.
    case host(found: String)
    /// The port is no number from 1 to 65535.
    case port(found: String)
    /// What stands after `?` is no `invite=CODE`.
    case query(found: String)
    /// There is no key after `#`.
    case keyMissing
    /// The key is not 48 characters of base64url.
    case keyMalformed(found: String)
    /// The key's checksum is wrong.
    case checksum(found: String)

    /// What happened, with the values, and what to do.
    public var description: String {
        switch self {
        case .scheme(let found):
            "server address \"\(found)\" does not begin with petrel://; "
                + "paste the whole line that `petrel serve` printed"
        case .host(let found):
            "server address has an unusable host \"\(found)\"; "
                + "a name, an IPv4 address or an IPv6 address in [] is needed"
        case .port(let found):
            "server address has an unusable port \"\(found)\"; "
                + "a number from 1 to 65535 is needed"
        case .query(let found):
            "server address has an unusable part \"?\(found)\"; "
                + "?invite= and the code of an invitation may stand there"
        case .keyMissing:
            "server address has no key after #; "
                + "paste the whole line that `petrel serve` printed (quote it in the shell)"
        case .keyMalformed(let found):
            "server address is damaged: its key \"\(found)\" is not 48 characters of "
                + "A-Z a-z 0-9 - _; paste it again"
        case .checksum(let found):
            "server address is damaged: the checksum of its key \"\(found)\" is wrong; "
                + "paste it again"
        }
    }
}

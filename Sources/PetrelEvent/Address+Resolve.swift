// From a host's name to its addresses, by the system's resolver.

import Glibc
public import PetrelBase

/// Why a name did not become an address.
public enum ResolutionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The text is not `host:port` or `[IPv6]:port`.
    case malformed(String)
    /// The resolver found nothing for `host`, for this reason.
    case notFound(host: String, reason: String)

    /// A sentence for people, with the text in question.
    public var description: String {
        switch self {
        case .malformed(let text):
            "'\(text)' is not an address; write host:port, such as 127.0.0.1:7700 or [::1]:7700"
        case .notFound(let host, let reason): "cannot resolve '\(host)': \(reason)"
        }
    }
}

extension Address {
    /// The addresses of `host`, a name or an IP address, in the resolver's order of preference.
    ///
    /// Waits for the resolver, which may take seconds. Never returns an empty list.
    ///
    /// - Throws: `ResolutionError.notFound`.
    public static func resolve(
        host: String, port: UInt16
    ) throws(ResolutionError) -> [Address] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            throw .notFound(host: host, reason: String(cString: gai_strerror(code)))
        }
        defer { freeaddrinfo(list) }
        var addresses: [Address] = []
        var entry = list
        while let current = entry?.pointee {
            if let name = current.ai_addr {
                var address = Address(socketName: UnsafeRawPointer(name))
                address.port = port
                if !addresses.contains(address) { addresses.append(address) }
            }
            entry = current.ai_next
        }
        guard !addresses.isEmpty else {
            throw .notFound(host: host, reason: "it has no IP address")
        }
        return addresses
    }

    /// The addresses of `endpoint`, written `host:port` or `[IPv6]:port`.
    ///
    /// Waits for the resolver, unless the host is an IP address. Never returns an empty list.
    ///
    /// - Throws: `ResolutionError`.
    public static func resolve(endpoint: String) throws(ResolutionError) -> [Address] {
        guard let colon = endpoint.lastIndex(of: ":"),
            let port = UInt16(endpoint[endpoint.index(after: colon)...])
        else { throw .malformed(endpoint) }
        var host = endpoint[..<colon]
        if host.hasPrefix("[") && host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw .malformed(endpoint)
        }
        guard !host.isEmpty else { throw .malformed(endpoint) }
        return try resolve(host: String(host), port: port)
    }
}

// RETRY, HELLOs with cookies and RESET, from the network between and from whoever can make them.

import PetrelBase
import PetrelCrypto
import PetrelWire

@testable import PetrelTransport

extension HandshakeTarget {
    static let resetToken = ResetToken(exactly: Array(UInt8(1)...16).span.bytes)

    /// Kinds from 200 on.
    static func feedCookies(_ kind: UInt8, _ tape: inout Tape) throws {
        switch kind % 4 {
        case 0: try damagedRetry(&tape)
        case 1: try retriesWithoutEnd(&tape)
        case 2: try damagedCookie(&tape)
        default: try reset(&tape)
        }
    }

    /// A RETRY that was changed, or made up, is dropped, and does not keep the genuine one out.
    private static func damagedRetry(_ tape: inout Tape) throws {
        var secrets = CookieSecrets(lifetime: .seconds(120), now: start)
        var handshake = try handshake()
        let asked = try hello(of: &handshake)
        let genuine = try retry(to: asked, &secrets)
        var damaged = genuine
        for _ in 0..<8 where !tape.isAtEnd { damaged[tape.below(genuine.count)] ^= tape.byte() }
        let rest = tape.rest()
        let isTaken = handshake.receiveRetry(rest.span.bytes, now: start)
        try hold(!isTaken, "a RETRY out of thin air")
        if damaged != genuine {
            try hold(!handshake.receiveRetry(damaged.span.bytes, now: start), "a changed RETRY")
        }
        try hold(!receives(&handshake, damaged) || damaged == genuine, "a RETRY opened a session")
        let wasTaken = handshake.cookie != nil
        try hold(
            handshake.receiveRetry(genuine.span.bytes, now: start) != wasTaken,
            "a genuine RETRY is refused, or taken twice")
        let again = try hello(of: &handshake)
        try hold(again.prefix(224) == asked.prefix(224), "a cookie changes what a HELLO says")
        try hold(shows(again, &secrets), "a cookie is not shown")
    }

    /// Whoever sees HELLOs can make RETRYs with any cookie: the client says little, and goes on.
    private static func retriesWithoutEnd(_ tape: inout Tape) throws {
        var handshake = try handshake()
        var latest = try hello(of: &handshake)
        var count = 0
        for _ in 0..<32 {
            var secrets = CookieSecrets(lifetime: .seconds(1 + Int64(tape.byte())), now: start)
            let retry = try retry(to: latest, &secrets)
            _ = handshake.receiveRetry(retry.span.bytes, now: start)
            guard let next = try? hello(of: &handshake) else { continue }
            latest = next
            count += 1
        }
        try hold(count <= 8, "HELLOs without end")
        let server = FuzzKeys.server()
        let opened = try Hello(opening: latest.span.bytes, identity: server)
        let answer = try answer(opened)
        try hold(receives(&handshake, answer.accept), "RETRYs keep the ACCEPT out")
    }

    /// Whatever is in MAC2, MAC1 is what a HELLO is known by, and only the cookie is a cookie.
    private static func damagedCookie(_ tape: inout Tape) throws {
        let mac = Mac1Key(serverKey: FuzzKeys.server().publicKey)
        var secrets = CookieSecrets(lifetime: .seconds(120), now: start)
        var handshake = try handshake()
        let first = try hello(of: &handshake)
        let retry = try retry(to: first, &secrets)
        try hold(handshake.receiveRetry(retry.span.bytes, now: start), "a RETRY is refused")
        let genuine = try hello(of: &handshake)
        try hold(shows(genuine, &secrets) && !shows(first, &secrets), "a cookie out of nothing")
        var damaged = genuine
        for i in 224..<240 where !tape.isAtEnd { damaged[i] ^= tape.byte() }
        guard damaged != genuine else { return }
        try hold(Hello.tag(of: damaged.span.bytes, mac: mac) == nil, "MAC1 does not cover MAC2")
        let code = mac.mac(Array(damaged.prefix(240)).span.bytes)
        damaged.replaceSubrange(240..., with: copy(code.bytes))
        try hold(
            Hello.tag(of: damaged.span.bytes, mac: mac)
                == Hello.tag(of: genuine.span.bytes, mac: mac), "another HELLO by its cookie")
        try hold(!shows(damaged, &secrets), "a cookie that was never given")
    }

    /// Only the token ends a session.
    private static func reset(_ tape: inout Tape) throws {
        var handshake = try handshake()
        let asked = try hello(of: &handshake)
        let hello = try Hello(opening: asked.span.bytes, identity: FuzzKeys.server())
        var accept = try answer(hello).accept
        var span = accept.mutableSpan
        var view = span.mutableBytes
        guard var session = handshake.receive(&view, from: serverAddress, now: start) else {
            throw Finding(description: "a genuine ACCEPT is refused")
        }
        var events = SessionEvents()
        let endsInToken = tape.byte() & 1 == 1
        var bytes = tape.rest()
        if endsInToken { bytes += Array(UInt8(1)...16) }
        let isReset = bytes.count >= 32 && bytes.suffix(16) == Array(UInt8(1)...16)[...]
        var room = bytes.mutableSpan
        var datagram = room.mutableBytes
        let drop = session.receive(&datagram, from: serverAddress, now: start, into: &events)
        try hold((drop == nil) == isReset, "dropped is \(drop == nil), RESET is \(isReset)")
        try hold(session.isClosed == isReset, "a session ended without its token, or did not")
    }

    private static func shows(_ hello: [UInt8], _ secrets: inout CookieSecrets) -> Bool {
        Hello.showsCookie(
            hello.span.bytes, from: clientAddress, secrets: &secrets, now: start)
    }

    private static func retry(
        to hello: [UInt8], _ secrets: inout CookieSecrets
    ) throws -> [UInt8] {
        let cookie = secrets.cookie(for: clientAddress, now: start)
        let key = RetryKey(serverKey: FuzzKeys.server().publicKey)
        let mac1 = Array(hello.suffix(16))
        var room = [UInt8](repeating: 0, count: WireLimits.retryByteCount)
        var span = room.mutableSpan
        var view = span.mutableBytes
        let count = Retry.write(
            answering: mac1.span.bytes, cookie: cookie, key: key, into: &view)
        try hold(count == WireLimits.retryByteCount, "a RETRY cannot be written")
        return room
    }
}

// The one line that people paste: what is accepted, and that damage is found.

import PetrelWire
import Testing

@Suite struct ServerAddressTests {
    static let key = (0..<32).map { UInt8($0 * 7 + 1) }
    static let keyText = String(
        ServerAddress(host: "h", key: key).text.split(separator: "#")[1])

    @Test func textRoundTrips() throws {
        for (host, port) in [
            ("chat.example.org", 7_700), ("192.0.2.1", 1), ("2001:db8::1", 65_535),
            ("fe80::1%eth0", 7_701), ("my_host-1", 443),
        ] as [(String, UInt16)] {
            let address = ServerAddress(host: host, port: port, key: Self.key)
            #expect(try ServerAddress(address.text) == address, "\(host)")
        }
        let six = ServerAddress(host: "2001:db8::1", key: Self.key)
        #expect(six.text == "petrel://[2001:db8::1]:7700/#\(Self.keyText)")
        #expect(Self.keyText.utf8.count == 48)
    }

    static let good: [(text: String, host: String, port: UInt16)] = [
        ("petrel://example.org/#", "example.org", 7_700),
        ("petrel://example.org#", "example.org", 7_700),
        ("petrel://example.org:99/#", "example.org", 99),
        ("petrel://[::1]/#", "::1", 7_700),
        ("petrel://[::1]:99/#", "::1", 99),
        ("petrel://127.0.0.1:007/#", "127.0.0.1", 7),
    ]

    @Test(arguments: good.indices)
    func accepts(row: Int) throws {
        let row = Self.good[row]
        let address = try ServerAddress(row.text + Self.keyText)
        #expect(address == ServerAddress(host: row.host, port: row.port, key: Self.key))
    }

    @Test func anInvitationTravelsInTheAddress() throws {
        let code = "00000-ABCDE-12345-ZZZZZ"
        let address = ServerAddress(
            host: "example.org", port: 99, key: Self.key, invitation: code)
        #expect(address.text == "petrel://example.org:99/?invite=\(code)#\(Self.keyText)")
        #expect(try ServerAddress(address.text) == address)
        #expect(try ServerAddress("petrel://h?invite=A#\(Self.keyText)").invitation == "A")
        #expect(try ServerAddress("petrel://h/#\(Self.keyText)").invitation.isEmpty)
        let long = String(repeating: "A", count: 65)
        for query in [
            "", "invite=", "invite", "other=A", "invite=A&b=c", "invite=é", "invite=\(long)",
        ] {
            #expect(throws: ServerAddressError.query(found: query)) {
                try ServerAddress("petrel://h/?\(query)#\(Self.keyText)")
            }
        }
    }

    @Test func refuses() {
        let key = Self.keyText
        let wrong = "B" + key.dropFirst()
        let rows: [(String, ServerAddressError)] = [
            ("", .scheme(found: "")),
            ("http://h/#\(key)", .scheme(found: "http://h/#\(key)")),
            ("Petrel://h/#\(key)", .scheme(found: "Petrel://h/#\(key)")),
            ("petrel://h/", .keyMissing), ("petrel://h/#", .keyMissing),
            ("petrel:///#\(key)", .host(found: "")),
            ("petrel://:80/#\(key)", .host(found: ":80")),
            ("petrel://h h/#\(key)", .host(found: "h h")),
            ("petrel://h/x/#\(key)", .host(found: "h/x")),
            ("petrel://[::1/#\(key)", .host(found: "[::1")),
            ("petrel://[::1]x/#\(key)", .host(found: "[::1]x")),
            (
                "petrel://\(String(repeating: "a", count: 256))/#\(key)",
                .host(found: String(repeating: "a", count: 256))
            ),
            ("petrel://h:/#\(key)", .port(found: "")),
            ("petrel://h:0/#\(key)", .port(found: "0")),
            ("petrel://h:65536/#\(key)", .port(found: "65536")),
            ("petrel://h:+80/#\(key)", .port(found: "+80")),
            ("petrel://h:-80/#\(key)", .port(found: "-80")),
            ("petrel://h:80x/#\(key)", .port(found: "80x")),
            ("petrel://::1/#\(key)", .host(found: "::1")),
            ("petrel://h/#\(key)=", .keyMalformed(found: key + "=")),
            ("petrel://h/#\(key.dropLast())", .keyMalformed(found: String(key.dropLast()))),
            ("petrel://h/#\(key)A", .keyMalformed(found: key + "A")),
            ("petrel://h/#\(wrong)", .checksum(found: wrong)),
        ]
        for (text, error) in rows {
            #expect(throws: error, "\(text)") { try ServerAddress(text) }
            #expect(!error.description.isEmpty)
        }
    }

    /// One wrong, missing, doubled or exchanged character of the key is always noticed.
    @Test func damagedKeysAreRefused() {
        let start = "petrel://example.org:7700/#"
        let key = Array(Self.keyText)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+ ")
        for place in key.indices {
            var damaged: [[Character]] = []
            for character in alphabet where character != key[place] {
                var changed = key
                changed[place] = character
                damaged.append(changed)
            }
            var shorter = key
            shorter.remove(at: place)
            var longer = key
            longer.insert(key[place], at: place)
            damaged += [shorter, longer]
            if place > 0, key[place] != key[place - 1] {
                var exchanged = key
                exchanged.swapAt(place, place - 1)
                damaged.append(exchanged)
            }
            for characters in damaged {
                let text = start + String(characters)
                #expect(throws: ServerAddressError.self, "\(text)") { try ServerAddress(text) }
            }
        }
    }
}

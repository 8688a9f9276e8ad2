// Addresses read as people write them, and IPv4 is a corner of IPv6.

import PetrelBase
import Testing

@Suite struct AddressTests {
    @Test(arguments: [
        (Address(v4: 0x7F00_0001, port: 7_700), "127.0.0.1:7700"),
        (Address(v4: 0xC000_02FF, port: 0), "192.0.2.255:0"),
        (Address(v4: 0xFFFF_FFFF, port: 65_535), "255.255.255.255:65535"),
        (Address(v4: 0, port: 1), "0.0.0.0:1"),
        (Address(high: 0x2001_0DB8 << 32, low: 1, port: 443), "[2001:db8:0:0:0:0:0:1]:443"),
        (
            Address(high: 0x0001_0002_0003_0004, low: 0x0005_0006_0007_F008, port: 9),
            "[1:2:3:4:5:6:7:f008]:9"
        ),
        (Address.none, "[0:0:0:0:0:0:0:0]:0"),
    ])
    func textForm(address: Address, text: String) {
        #expect("\(address)" == text)
    }

    @Test func v4IsMapped() {
        let address = Address(v4: 0xC000_0201, port: 7)
        #expect(address.high == 0)
        #expect(address.low == 0x0000_FFFF_C000_0201)
        #expect(address.v4 == 0xC000_0201)
    }

    @Test(arguments: [
        Address(high: 1, low: 0xFFFF_0000_0001, port: 0),
        Address(high: 0, low: 0xFFFE_0000_0001, port: 0),
        Address(high: 0, low: 0x0001_FFFF_0000_0001, port: 0),
        Address(high: 0, low: 1, port: 0), .none,
    ])
    func onlyMappedAddressesAreV4(address: Address) {
        #expect(address.v4 == nil)
    }

    @Test func hostsCompareWithoutPorts() {
        let a = Address(v4: 1, port: 1)
        #expect(a.hasSameHost(as: Address(v4: 1, port: 2)))
        #expect(a != Address(v4: 1, port: 2))
        #expect(!a.hasSameHost(as: Address(v4: 2, port: 1)))
        #expect(!a.hasSameHost(as: Address(high: 1, low: a.low, port: 1)))
    }
}

// Client message identifiers as bytes.

import PetrelMessaging
import Testing

struct ClientMessageIDTests {
    @Test func bytesAreBigEndian() {
        let id = ClientMessageID(high: 0x0102_0304_0506_0708, low: 0x1112_1314_1516_1718)
        #expect(id.bytes == [1, 2, 3, 4, 5, 6, 7, 8, 17, 18, 19, 20, 21, 22, 23, 24])
        #expect(ClientMessageID(bytes: id.bytes) == id)
        for count in [0, 15, 17] {
            #expect(ClientMessageID(bytes: [UInt8](repeating: 1, count: count)) == nil)
        }
    }
}

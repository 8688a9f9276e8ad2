// Which worker a datagram belongs to, by its first bytes.

import PetrelBase
import PetrelWire
import Testing

struct SteeringTests {
    @Test func theTable() {
        let hello: [UInt8] = [0xC4, 0, 0, 0, 1, 0, 0, 1, 2]  // key begins with 0x102 = 258
        let cases: [(bytes: [UInt8], workers: Int, expected: Int?)] = [
            ([0x40, 0, 9, 9], 4, 0),
            ([0x40, 3, 9, 9], 4, 3),
            ([0x7F, 1], 2, 1),  // protected bits may be anything
            ([0xD0, 3, 9, 9], 4, 3),  // a PROBE
            ([0xD0, 4], 4, nil),
            ([0x40, 4, 9, 9], 4, nil),  // no such worker
            ([0x40, 255], 64, nil),
            ([0x40], 2, nil),
            ([], 2, nil),
            (hello, 2, 0),
            (hello, 4, 2),
            (hello, 7, 6),
            (hello, 1, 0),
            (Array(hello.dropLast()), 2, nil),
            ([0xC8, 0, 0, 0, 1, 0, 0, 1, 2], 2, nil),  // an ACCEPT is for clients
            ([0x00, 1], 2, nil),
        ]
        for (bytes, workers, expected) in cases {
            #expect(
                Steering.worker(of: bytes.span.bytes, among: workers) == expected,
                "\(bytes) among \(workers)")
        }
        #expect(Steering.worker(of: 0x0501_0000_0000_0007) == 5)
    }
}

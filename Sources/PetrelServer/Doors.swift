// The two sockets of a worker: one for the packets of sessions, one for strangers.

internal import PetrelBase
internal import PetrelEvent
internal import PetrelWire

/// Sockets on the server's port, of which all workers have a pair.
///
/// Strangers queue apart, so that however many there are, no packet of a session is lost to them or
/// waits behind them (Protocol/transport.md [T-3.1-3]).
struct Doors: ~Copyable {
    /// What sessions send arrives here, and PROBEs; everything is sent from here.
    var packets: UDPSocket
    /// HELLOs arrive here.
    var hellos: UDPSocket
    /// Whether the kernel divides datagrams as the specification says.
    let isSteered: Bool

    /// Buffer for HELLOs: some 2,000 of them, the work of 10 ms.
    static let helloBytes = 1 << 20

    /// Opens the doors of `worker` at `address`; to be called in the order of the workers.
    ///
    /// If the kernel does not steer, both doors get whatever it likes, and drop nothing.
    ///
    /// - Parameters:
    ///   - worker: whose doors they are.
    ///   - workers: how many workers there are.
    ///   - address: of the server, with its port.
    ///   - isSteered: whether the kernel steers, once the doors of worker 0 have told.
    /// - Throws: `SystemError` if they cannot be bound.
    init(
        of worker: UInt8, among workers: Int, at address: Address, isSteered: Bool?
    ) throws(SystemError) {
        let packets = try UDPSocket(boundTo: address, sharing: .acrossWorkers)
        let hellos = try UDPSocket(boundTo: packets.localAddress, sharing: .acrossWorkers)
        let isSteered = isSteered ?? packets.steer(among: workers)
        _ = packets.receiveBursts()
        _ = hellos.setArrivalBuffer(bytes: Doors.helloBytes)
        if isSteered {
            // A kernel that steers can filter as well; if not, junk is dropped later.
            _ = packets.admitPackets(
                of: worker,
                byteCountMin: 1 + WireLimits.serverConnectionIDByteCount
                    + DataHeader.byteCountMinAfterID)
            _ = hellos.admitHellos(
                version: WireLimits.version,
                byteCounts: WireLimits.helloByteCount...WireLimits.helloByteCountMax)
        }
        self.packets = packets
        self.hellos = hellos
        self.isSteered = isSteered
    }
}

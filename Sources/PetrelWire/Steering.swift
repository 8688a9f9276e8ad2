// Which of several workers a datagram to the server belongs to, by its bytes alone.

internal import PetrelBase

/// The rule by which workers divide datagrams among them (Protocol/transport.md §3.1).
///
/// A data packet or a PROBE belongs to the worker whose number is the first byte of its connection
/// ID, so a peer that roams stays where its session is. A HELLO belongs to a worker that follows
/// from its ephemeral key, so that all copies of it, wherever they come from, meet in the same
/// tables.
public enum Steering {
    /// The most workers that the first byte of a connection ID tells apart in this version.
    public static let workersMax = 64

    /// The worker that a datagram belongs to; `nil` if it does not say: then anyone may drop it.
    public static func worker(of datagram: RawSpan, among workers: Int) -> Int? {
        var reader = ByteReader(datagram)
        guard let first = try? reader.readUInt8() else { return nil }
        if first == PacketForm.helloByte { return worker(ofHello: datagram, among: workers) }
        guard first & 0xC0 == DataHeader.fixedBits || first == PacketForm.probeByte,
            let byte = try? reader.readUInt8(),
            Int(byte) < workers
        else { return nil }
        return Int(byte)
    }

    /// The worker that a HELLO belongs to; `nil` if it ends before its ephemeral key.
    public static func worker(ofHello datagram: RawSpan, among workers: Int) -> Int? {
        var reader = ByteReader(datagram)
        guard (try? reader.readBytes(keyOffset)) != nil, let word = try? reader.readUInt32() else {
            return nil
        }
        return Int(word) % workers
    }

    /// The worker that a connection ID names, which need not exist.
    public static func worker(of connectionID: UInt64) -> Int { Int(connectionID >> 56) }

    /// Where the ephemeral key of a HELLO begins.
    private static let keyOffset = 5
}

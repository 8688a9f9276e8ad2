// Ends a process with words when the database trips over a page that is damaged or unreadable.

import CLMDB
import Glibc

/// Stands between a damaged map and a crash nobody understands.
///
/// The database trusts its pages: a damaged one may send it beyond the end of the file, and a disk
/// that cannot read one ends in the same signal. Records have checksums of their own; pages have
/// none. Nothing can go on after that, because the trip may end in the middle of a change in
/// memory, but the file is only changed by commits, and none is told of that did not end well.
enum MapGuard {
    /// What damage may end in: no page, no memory, a page size of zero, a broken heap.
    private static let faults = [SIGBUS, SIGSEGV, SIGFPE, SIGABRT]
    /// The status of a process whose storage failed.
    fileprivate static let status: Int32 = 74

    /// From now on a fault in the use of `environment` writes a sentence and ends the process.
    ///
    /// That is any fault of the thread that opens or writes it, a page that is not there, and, once
    /// it is `mapped`, any fault in its map. A writer copies pages, so that damage may lead it
    /// astray elsewhere too. Other faults do what they did before. Holds for one environment of a
    /// process, the last.
    static func watch(_ environment: OpaquePointer, path: String) {
        let words = Array(
            """
            The database in \(path) is damaged, or its disk cannot be read: a page of it leads \
            nowhere. Look at the disk and the kernel's log; restore the store from a backup.

            """.utf8)
        let sentence = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: words.count)
        _ = sentence.initialize(from: words)
        watched = Watched(low: 0, high: 0, writer: pthread_self(), sentence: .init(sentence))
        mdb_env_set_assert(environment) { _, _ in endInWords() }
        var action = sigaction()
        action.__sigaction_handler.sa_sigaction = faultHappened
        action.sa_flags = SA_SIGINFO | SA_ONSTACK
        for number in faults { sigaction(number, &action, &before[Int(number)]) }
    }

    /// The map of `environment` is where it will be.
    static func mapped(_ environment: OpaquePointer, path: String) throws(StoreError) {
        var info = MDB_envinfo()
        let code = mdb_env_info(environment, &info)
        guard code == 0 else {
            throw StoreError(code: code, doing: "examine the map", path: path)
        }
        watched.low = UInt(bitPattern: info.me_mapaddr)
        watched.high = watched.low &+ UInt(bitPattern: info.me_mapsize)
    }

    /// The calling thread is the writer from now on; before, it is the one that called `watch`.
    static func thisThreadWrites() { watched.writer = pthread_self() }

    /// All signals but those that a thread raises itself, by a fault; those cannot wait.
    static var signalsToBlock: sigset_t {
        var signals = sigset_t()
        sigfillset(&signals)
        for number in faults + [SIGILL, SIGTRAP] { sigdelset(&signals, number) }
        return signals
    }
}

private struct Watched {
    var low: UInt
    var high: UInt
    var writer: pthread_t
    /// Made beforehand, because a handler of signals must not allocate; never freed.
    var sentence: UnsafeBufferPointer<UInt8>
}

// Written before the handlers are there that read them.
nonisolated(unsafe) private var watched = Watched(
    low: 0, high: 0, writer: 0, sentence: .init(start: nil, count: 0))
nonisolated(unsafe) private var before = InlineArray<32, sigaction>(repeating: sigaction())

private func endInWords() {
    _ = write(STDERR_FILENO, watched.sentence.baseAddress, watched.sentence.count)
    _exit(MapGuard.status)
}

private func faultHappened(
    _ number: Int32, _ info: UnsafeMutablePointer<siginfo_t>?, _ context: UnsafeMutableRawPointer?
) {
    let address = UInt(bitPattern: info?.pointee._sifields._sigfault.si_addr)
    // No page behind an address of a mapped file: of all that is mapped, only the database changes.
    let isOurs =
        number == SIGBUS
        || number == SIGSEGV && watched.low <= address && address < watched.high
    if isOurs || pthread_equal(pthread_self(), watched.writer) != 0 { endInWords() }
    // Not ours: it happens again, and meets who was there before.
    sigaction(number, &before[Int(number)], nil)
    if number == SIGABRT { raise(number) }
}

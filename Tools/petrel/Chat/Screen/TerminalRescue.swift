// Signals while the full screen is in use: a new size, and a terminal that is left in order.

import Glibc

/// What handlers of signals read: single words and plain memory, set before the handlers are.
nonisolated(unsafe) private var wakeDescriptor: Int32 = -1
nonisolated(unsafe) private var savedModes = termios()
nonisolated(unsafe) private var leaving: UnsafeMutablePointer<CChar>?
nonisolated(unsafe) private var leavingCount = 0

/// Puts the terminal back in order if the process dies of a signal.
enum TerminalRescue {
    private static let deadly = [
        SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGQUIT, SIGHUP,
    ]

    /// Remembers how the terminal is; from now on a byte is written when its size changes.
    static func begin(wakingWith descriptor: Int32) {
        tcgetattr(STDIN_FILENO, &savedModes)
        wakeDescriptor = descriptor
        signal(SIGWINCH, resized)
        for number in deadly { signal(number, rescue) }
    }

    /// Says what leaves the full screen.
    static func leaveSequence(_ sequence: UnsafePointer<CChar>?) {
        guard let sequence else { return }
        leavingCount = strlen(sequence)
        leaving = strdup(sequence)
    }

    /// The terminal is in order: signals do what they always do.
    static func end() {
        for number in deadly { signal(number, SIG_DFL) }
        signal(SIGWINCH, SIG_DFL)
        wakeDescriptor = -1
        free(leaving)
        leaving = nil
    }
}

private func resized(_ number: Int32) {
    let code = errno
    var byte: UInt8 = 1
    _ = write(wakeDescriptor, &byte, 1)
    errno = code
}

/// Only what a handler may call: the cursor, no reports, no full screen, the old modes.
private func rescue(_ number: Int32) {
    let basics: StaticString = "\u{1B}[?25h\u{1B}[?2004l\u{1B}[?1004l\u{1B}[0m"
    _ = write(STDOUT_FILENO, basics.utf8Start, basics.utf8CodeUnitCount)
    if let leaving { _ = write(STDOUT_FILENO, leaving, leavingCount) }
    tcsetattr(STDIN_FILENO, TCSANOW, &savedModes)
    signal(number, SIG_DFL)
    raise(number)
}

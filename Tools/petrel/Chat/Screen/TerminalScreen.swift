// The terminal: shows canvases, and tells which keys were pressed and how large it is.

import CNcurses
import Foundation
import Glibc
import Synchronization

/// What a terminal tells.
enum TerminalEvent: Equatable, Sendable {
    case key(ChatKey)
    case resized(ChatSize)
    /// It was closed.
    case gone
}

/// A terminal whose full screen is in use until `close`.
///
/// One thread calls ncurses, which is not made for more; it sleeps until a key is pressed, the size
/// changes or there is something to show. There is one at a time in a process.
final class TerminalScreen: Sendable {
    private struct Work {
        var canvas: ChatCanvas?
        var isRepaint = false
        var isClosing = false
    }

    private let work = Mutex(Work())
    private let ends: (read: Int32, write: Int32)
    private let finished = DispatchSemaphore(value: 0)

    /// Whether input and output are a terminal that can be drawn on.
    static var isUsable: Bool {
        let kind = ProcessInfo.processInfo.environment["TERM"] ?? ""
        return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
            && !kind.isEmpty && kind != "dumb"
    }

    /// Takes the terminal over; `tell` is called on a thread of its own.
    ///
    /// - Throws: `Failure` if the terminal is of an unknown kind, or the system has no pipes left.
    init(tell: @escaping @Sendable (TerminalEvent) -> Void) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw Failure(status: .bug, message: "the system has no pipes left; raise its limit")
        }
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        self.ends = (ends[0], ends[1])
        _ = DisplayText.knowsUnicode  // sets the locale, which ncurses reads when it starts
        TerminalRescue.begin(wakingWith: ends[1])
        guard petrel_screen_open() else {
            TerminalRescue.end()
            for end in ends { Glibc.close(end) }
            let kind = ProcessInfo.processInfo.environment["TERM"] ?? ""
            throw Failure(
                status: .usage, message: "nothing is known of the terminal '\(kind)'; add --plain")
        }
        if ProcessInfo.processInfo.environment["NO_COLOR"] == nil {
            _ = petrel_screen_start_colours()
        }
        TerminalRescue.leaveSequence(petrel_screen_leave_sequence())
        for (sequence, code) in TerminalKeys.sequences { define_key(sequence, code) }
        TerminalKeys.setReports(true)
        let thread = Thread { self.run(tell) }
        thread.start()
    }

    /// Shows a canvas, and nothing of those before that were not shown yet.
    func show(_ canvas: ChatCanvas) {
        work.withLock { $0.canvas = canvas }
        wake()
    }

    /// Paints everything anew, whatever others have written over it.
    func repaint() {
        work.withLock { $0.isRepaint = true }
        wake()
    }

    /// Gives the terminal back as it was.
    func close() {
        work.withLock { $0.isClosing = true }
        wake()
        finished.wait()
    }

    private func wake() {
        var byte: UInt8 = 1
        _ = write(ends.write, &byte, 1)
    }

    private func run(_ tell: (TerminalEvent) -> Void) {
        var decoder = KeyDecoder()
        var shown: ChatCanvas?
        var size: ChatSize?
        var input = STDIN_FILENO
        while true {
            let current = Self.size
            if current != size {
                resizeterm(Int32(current.rows), Int32(current.columns))
                size = current
                shown = nil
                tell(.resized(current))
            }
            let todo = work.withLock { work in
                defer { work.isRepaint = false }
                return work
            }
            if todo.isClosing { break }
            if todo.isRepaint {
                petrel_screen_repair()
                shown = nil
            }
            if let canvas = todo.canvas, canvas != shown {
                Self.draw(canvas, over: shown)
                shown = canvas
            }
            var waiting = [
                pollfd(fd: input, events: Int16(POLLIN), revents: 0),
                pollfd(fd: ends.read, events: Int16(POLLIN), revents: 0),
            ]
            poll(&waiting, 2, -1)
            drain()
            let wereKeys = Self.readKeys(&decoder) { tell(.key($0)) }
            if !wereKeys, waiting[0].revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0 {
                input = -1
                tell(.gone)
            }
        }
        TerminalKeys.setReports(false)
        endwin()
        TerminalRescue.end()
        Glibc.close(ends.read)
        Glibc.close(ends.write)
        finished.signal()
    }

    private func drain() {
        var bytes: [UInt8] = Array(repeating: 0, count: 64)
        while read(ends.read, &bytes, bytes.count) > 0 {}
    }

    private static func readKeys(
        _ decoder: inout KeyDecoder, _ tell: (ChatKey) -> Void
    ) -> Bool {
        var wasAny = false
        while true {
            var value: UInt32 = 0
            let kind = petrel_screen_read(&value)
            guard kind != ERR else { break }
            wasAny = true
            let input: KeyDecoder.Input? =
                kind == KEY_CODE_YES ? TerminalKeys.inputs[Int32(value)] : .scalar(value)
            if let input, let key = decoder.decode(input) { tell(key) }
        }
        if let key = decoder.flush() { tell(key) }
        return wasAny
    }

    private static func draw(_ canvas: ChatCanvas, over shown: ChatCanvas?) {
        for row in 0..<canvas.size.rows {
            if let shown, canvas.hasSameRow(row, as: shown) { continue }
            for run in canvas.runs(row: row) {
                petrel_screen_write(
                    Int32(row), Int32(run.column), run.text, run.style.bits, run.style.colour)
            }
        }
        petrel_screen_show(Int32(canvas.cursor?.row ?? -1), Int32(canvas.cursor?.column ?? 0))
    }

    private static var size: ChatSize {
        var window = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_row > 0,
            window.ws_col > 0
        else { return ChatSize(rows: 24, columns: 80) }
        return ChatSize(rows: Int(window.ws_row), columns: Int(window.ws_col))
    }
}

extension ChatStyle {
    fileprivate var bits: UInt32 {
        (isBold ? PETREL_SCREEN_BOLD.rawValue : 0) | (isDim ? PETREL_SCREEN_DIM.rawValue : 0)
            | (isReverse ? PETREL_SCREEN_REVERSE.rawValue : 0)
    }

    fileprivate var colour: Int16 {
        switch tone {
        case .plain: 0
        case .bad: 1
        case .good: 2
        case .waiting: 3
        case .accent: 6
        }
    }
}

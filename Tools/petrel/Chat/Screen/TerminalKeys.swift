// Which of the terminal's keys mean what.

import CNcurses
import Glibc

/// The keys that ncurses names, and those that it is taught.
enum TerminalKeys {
    /// Sequences that terminals send and the terminal database rarely lists, with numbers for them.
    static let sequences: [(sequence: String, code: Int32)] = [
        ("\u{1B}[200~", pasteStart), ("\u{1B}[201~", pasteEnd),
        ("\u{1B}[1;3A", previous), ("\u{1B}[1;3D", previous),
        ("\u{1B}[1;3B", next), ("\u{1B}[1;3C", next),
        ("\u{1B}[1;5D", wordLeft), ("\u{1B}[1;5C", wordRight),
        ("\u{1B}[1;5F", bottom), ("\u{1B}[I", focusIn), ("\u{1B}[O", focusOut),
        ("\u{1B}[H", KEY_HOME), ("\u{1B}[F", KEY_END),
        ("\u{1B}[1~", KEY_HOME), ("\u{1B}[4~", KEY_END),
    ]

    /// What a key means.
    static let inputs: [Int32: KeyDecoder.Input] = [
        pasteStart: .pasteStart, pasteEnd: .pasteEnd,
        previous: .key(.previousConversation), next: .key(.nextConversation),
        wordLeft: .key(.wordLeft), wordRight: .key(.wordRight), bottom: .key(.bottom),
        focusIn: .key(.focus(true)), focusOut: .key(.focus(false)),
        KEY_LEFT: .key(.left), KEY_RIGHT: .key(.right), KEY_UP: .key(.up), KEY_DOWN: .key(.down),
        KEY_PPAGE: .key(.pageUp), KEY_NPAGE: .key(.pageDown),
        KEY_HOME: .key(.start), KEY_END: .key(.end),
        KEY_BACKSPACE: .key(.backspace), KEY_DC: .key(.delete),
        KEY_BTAB: .key(.previousConversation), KEY_ENTER: .key(.enter),
    ]

    /// Asks the terminal to say what is pasted and whether somebody looks, or no longer.
    static func setReports(_ isOn: Bool) {
        let sequence = isOn ? "\u{1B}[?2004h\u{1B}[?1004h" : "\u{1B}[?2004l\u{1B}[?1004l"
        _ = write(STDOUT_FILENO, sequence, sequence.utf8.count)
    }

    // Numbers above those of ncurses.
    private static let pasteStart: Int32 = 0x1001
    private static let pasteEnd: Int32 = 0x1002
    private static let previous: Int32 = 0x1003
    private static let next: Int32 = 0x1004
    private static let wordLeft: Int32 = 0x1005
    private static let wordRight: Int32 = 0x1006
    private static let bottom: Int32 = 0x1007
    private static let focusIn: Int32 = 0x1008
    private static let focusOut: Int32 = 0x1009
}

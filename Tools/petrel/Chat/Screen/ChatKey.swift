// Keys as a chat understands them.

/// What a person did with the keyboard.
enum ChatKey: Equatable, Sendable {
    /// A character was typed, or text was pasted, with its line ends.
    case text(String)
    /// Enter: sends, or runs the command.
    case enter
    /// Alt-Enter: begins a new line in the message.
    case newLine
    case backspace
    case delete
    case left
    case right
    case wordLeft
    case wordRight
    case start
    case end
    case deleteWord
    case deleteToStart
    case deleteToEnd
    case up
    case down
    case pageUp
    case pageDown
    /// To the newest message.
    case bottom
    case nextConversation
    case previousConversation
    case escape
    /// Repaints the whole screen.
    case repaint
    /// Ctrl-C, or Ctrl-D with nothing typed.
    case quit
    /// Ctrl-D.
    case endOfInput
    /// The window of the terminal is looked at, or no longer.
    case focus(Bool)
}

/// Puts keys together from what ncurses reads: pasted text, and keys with Alt.
struct KeyDecoder {
    /// What ncurses read.
    enum Input: Equatable, Sendable {
        /// A character.
        case scalar(UInt32)
        /// A key with a meaning of its own.
        case key(ChatKey)
        /// The terminal says that what follows was pasted.
        case pasteStart
        /// The end of what was pasted.
        case pasteEnd
    }

    /// The most characters of one paste; what is more is left out.
    static let pastedMax = 65_536

    private var pasted: String.UnicodeScalarView?
    private var isAfterEscape = false

    /// Takes the next input; returns the key that it completes.
    mutating func decode(_ input: Input) -> ChatKey? {
        switch input {
        case .pasteStart:
            pasted = String.UnicodeScalarView()
            isAfterEscape = false
            return nil
        case .pasteEnd:
            defer { pasted = nil }
            guard let pasted, !pasted.isEmpty else { return nil }
            return .text(String(pasted))
        case .key(let key):
            isAfterEscape = false
            return pasted == nil ? key : nil
        case .scalar(let value): return decode(value)
        }
    }

    /// Tells that nothing follows for now: an escape was the key itself.
    mutating func flush() -> ChatKey? {
        defer { isAfterEscape = false }
        return isAfterEscape ? .escape : nil
    }

    private mutating func decode(_ value: UInt32) -> ChatKey? {
        guard pasted == nil else {
            if let scalar = Unicode.Scalar(value == 13 ? 10 : value),
                pasted?.count ?? 0 < Self.pastedMax
            {
                pasted?.append(scalar)
            }
            return nil
        }
        if isAfterEscape {
            isAfterEscape = false
            return Self.withAlt[value]
        }
        if value == 27 {
            isAfterEscape = true
            return nil
        }
        if let key = Self.controls[value] { return key }
        guard value >= 32, value != 127, let scalar = Unicode.Scalar(value) else { return nil }
        return .text(String(scalar))
    }

    private static let controls: [UInt32: ChatKey] = [
        1: .start, 2: .left, 3: .quit, 4: .endOfInput, 5: .end, 6: .right, 8: .backspace,
        9: .nextConversation, 10: .enter, 11: .deleteToEnd, 12: .repaint, 13: .enter,
        14: .nextConversation, 16: .previousConversation, 21: .deleteToStart, 23: .deleteWord,
        127: .backspace,
    ]

    private static let withAlt: [UInt32: ChatKey] = [
        10: .newLine, 13: .newLine, 27: .escape, 98: .wordLeft, 102: .wordRight,
        127: .deleteWord,
    ]
}

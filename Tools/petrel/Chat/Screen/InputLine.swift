// The line that is being typed, with its cursor.

/// A text that is edited; the unit is what a person calls a character.
struct InputLine: Equatable, Sendable {
    /// The text.
    private(set) var text = ""
    /// Characters before the cursor.
    private(set) var cursor = 0

    /// Creates a line with the cursor at its end.
    init(_ text: String = "") {
        self.text = text
        cursor = text.count
    }

    /// What stands before the cursor.
    var head: Substring { text.prefix(cursor) }

    private var tail: Substring { text.dropFirst(cursor) }

    /// Puts text in at the cursor; a mark combines with the character before it.
    mutating func insert(_ inserted: String) {
        let head = head + inserted
        let whole = head + tail
        cursor = head.count
        // What follows may have joined what was put in.
        cursor = min(cursor, whole.count)
        text = String(whole)
    }

    /// Moves the cursor by characters, as far as there are any.
    mutating func move(by count: Int) { cursor = min(max(0, cursor + count), text.count) }

    /// Moves the cursor to the start.
    mutating func moveToStart() { cursor = 0 }

    /// Moves the cursor to the end.
    mutating func moveToEnd() { cursor = text.count }

    /// Moves the cursor to the start of the word before it.
    mutating func moveWordLeft() { cursor = wordStart }

    /// Moves the cursor behind the word after it.
    mutating func moveWordRight() {
        let rest = tail.drop { !Self.isWord($0) }.drop(while: Self.isWord)
        cursor = text.count - rest.count
    }

    /// Removes the character before the cursor.
    mutating func deleteBackward() { delete(from: cursor - 1, to: cursor) }

    /// Removes the character after the cursor.
    mutating func deleteForward() { delete(from: cursor, to: cursor + 1) }

    /// Removes the word before the cursor.
    mutating func deleteWord() { delete(from: wordStart, to: cursor) }

    /// Removes all before the cursor.
    mutating func deleteToStart() { delete(from: 0, to: cursor) }

    /// Removes all after the cursor.
    mutating func deleteToEnd() { delete(from: cursor, to: text.count) }

    private var wordStart: Int {
        let rest = head.reversed().drop { !Self.isWord($0) }.drop(while: Self.isWord)
        return rest.count
    }

    private mutating func delete(from start: Int, to end: Int) {
        guard start >= 0, end <= text.count, start < end else { return }
        text = String(text.prefix(start) + text.dropFirst(end))
        cursor = min(start, text.count)
    }

    private static func isWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber
    }
}

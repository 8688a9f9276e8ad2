// What texts of people may hold: lines without control characters, of bounded length.

import PetrelMessaging

enum TextRules {
    /// Refuses what is no line, or too long.
    static func requireLine(
        _ text: String, atLeast least: Int = 0, atMost most: Int
    ) throws(Refused) {
        guard text.utf8.count <= most else { throw Refused(.textInvalid, limit: most) }
        guard text.utf8.count >= least, !text.unicodeScalars.contains(where: isControl) else {
            throw Refused(.textInvalid)
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value
    }
}

// Codes that people copy by hand survive how people copy them.

import PetrelBase
import PetrelMessaging
import Testing

struct ShortCodeTests {
    @Test(arguments: 0..<50 as Range<UInt64>) func whatIsShownIsRead(_ seed: UInt64) {
        var random = RandomStream(seed: seed, label: "codes")
        let code = RecoveryCode(random: &random)
        #expect(code.text.utf8.count == 26)
        #expect(code.shown.split(separator: "-").map(\.count) == [5, 5, 5, 5, 5, 1])
        for typed in [code.text, code.shown, code.shown.lowercased(), " \(code.shown) "] {
            #expect(RecoveryCode(typed) == code)
        }
        let alike = code.shown.replacing("1", with: "l").replacing("0", with: "o")
        #expect(RecoveryCode(alike) == code)
        let invitation = InvitationCode(random: &random)
        #expect(InvitationCode(invitation.shown.lowercased()) == invitation)
        #expect(invitation.text.utf8.count == 20)
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func everyWrongSymbolIsFound(_ seed: UInt64) {
        var random = RandomStream(seed: seed, label: "codes")
        let text = Array(RecoveryCode(random: &random).text)
        for i in text.indices {
            for symbol in "0123456789ABCDEFGHJKMNPQRSTVWXYZ" where symbol != text[i] {
                var slip = text
                slip[i] = symbol
                #expect(RecoveryCode(String(slip)) == nil)
            }
        }
    }

    /// Luhn's rule lets one pair of neighbours pass: first and last symbol of the alphabet.
    @Test(arguments: 0..<20 as Range<UInt64>) func neighboursThatChangedPlacesAreFound(
        _ seed: UInt64
    ) {
        var random = RandomStream(seed: seed, label: "codes")
        let text = Array(RecoveryCode(random: &random).text)
        for i in text.indices.dropLast() where text[i] != text[i + 1] {
            guard Set([text[i], text[i + 1]]) != ["0", "Z"] else { continue }
            var slip = text
            slip.swapAt(i, i + 1)
            #expect(RecoveryCode(String(slip)) == nil)
        }
    }

    @Test(arguments: ["", "0", "not a code", "UUUUU-UUUUU-UUUUU-UUUUU", "0000000000000000000000"])
    func anythingElseIsNoCode(_ typed: String) {
        #expect(RecoveryCode(typed) == nil)
        #expect(InvitationCode(typed) == nil)
    }
}

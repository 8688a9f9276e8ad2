// Codes that people copy by hand survive how people copy them.

import PetrelBase
import PetrelMessaging
import Testing

struct ShortCodeTests {
    @Test(arguments: 0..<50 as Range<UInt64>) func whatIsShownIsRead(_ seed: UInt64) {
        var random = RandomStream(seed: seed, label: "codes")
        let code = RecoveryCode(random: &random)
        #expect(code.text.utf8.count == 27)
        #expect(code.shown.split(separator: "-").map(\.count) == [5, 5, 5, 5, 5, 2])
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

    /// The codes of the table in identity.md, section 3.
    @Test(arguments: [
        "00000-00000-00000-00000-00000-00", "01234-56789-ABCDE-FGHJK-MNPQR-SF",
        "ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZW", "700W1-2R009-ZKFYJ-HY3TB-XHYF1-EZ",
    ])
    func theCodesOfTheSpecificationAreRead(_ shown: String) {
        #expect(RecoveryCode(shown)?.shown == shown)
    }

    @Test func oneCodeIsTypedInManyWays() {
        #expect(
            RecoveryCode("700w12roo9 zkfyj-hy3tb xhyfi-ez")
                == RecoveryCode("700W1-2R009-ZKFYJ-HY3TB-XHYF1-EZ"))
    }

    @Test(arguments: ["", "0", "not a code", "UUUUU-UUUUU-UUUUU-UUUUU", "0000000000000000000000"])
    func anythingElseIsNoCode(_ typed: String) {
        #expect(RecoveryCode(typed) == nil)
        #expect(InvitationCode(typed) == nil)
    }
}

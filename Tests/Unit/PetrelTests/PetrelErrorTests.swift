// Every refusal says what happened, with the limit, and what to do.

import PetrelBase
import PetrelClientCore
import PetrelClientData
import PetrelMessaging
import Testing

@testable import Petrel

@Suite struct PetrelErrorTests {
    @Test(arguments: MessagingError.allCases)
    func everyRefusalHasASentenceAndAdvice(_ code: MessagingError) {
        let error = PetrelError(
            refusal: code.rawValue, reason: "", retryAfter: .zero, limit: 0)
        #expect(error.code == (code == .deviceRevoked ? .revoked : .refused))
        #expect(error.refusal == code.rawValue && error.retryAfter == nil)
        #expect(error.sentence == "the server refused: \(code.sentence) (\(code.rawValue))")
        #expect(!error.advice.isEmpty)
        let isOld = code == .malformed
        #expect(error.advice.contains("newer version") == isOld)
    }

    @Test func limitsAreTold() {
        let cases: [(MessagingError, UInt64, String)] = [
            (.tooManyDevices, 10, "the limit is 10 devices"),
            (.tooLarge, 65_024, "the limit is 65024 bytes"),
            (.strangerLimit, 3, "the limit is 3 messages"), (.tooLate, 172_800, "172800 seconds"),
            (.groupFull, 1, "the limit is 1 member"), (.tooManyGroups, 500, "500 groups"),
            (.tooManyContacts, 5_000, "5000 contacts"),
            (.tooManyInvitations, 50, "50 open invitations"), (.tooManyHidden, 256, "256 places"),
            (.tooFast, 50, "the limit is 50 a second"),
            (.quotaExceeded, 1 << 30, "1073741824 bytes"),
            (.conversationFull, 9, "9 events"), (.textInvalid, 64, "64 bytes"),
            (.tooManyEdits, 32, "32 edits"),
        ]
        for (code, limit, text) in cases {
            let error = PetrelError(
                refusal: code.rawValue, reason: "no", retryAfter: .zero, limit: limit)
            #expect(error.sentence.hasSuffix(text), "\(error.sentence)")
            #expect(error.sentence.hasPrefix("the server refused: no (\(code.rawValue)), "))
        }
    }

    @Test func whenToTryAgainIsTold() {
        let cases: [(Interval, String)] = [
            (.milliseconds(250), "in 250 ms"), (.milliseconds(1_001), "in 2 s"),
            (.seconds(119), "in 119 s"), (.seconds(3_600), "in 60 min"),
        ]
        for (time, text) in cases {
            let error = PetrelError(
                refusal: MessagingError.tooFast.rawValue, reason: "", retryAfter: time)
            #expect(error.retryAfter == Duration(time))
            #expect(error.advice.hasSuffix(text))
        }
    }

    @Test func aNumberOfALaterVersionIsTakenAsItIs() {
        let error = PetrelError(refusal: 4_000, reason: "", retryAfter: .zero, limit: 7)
        #expect(error.code == .refused && error.refusal == 4_000)
        #expect(
            error.sentence == "the server refused: for a reason unknown here (4000), the limit is 7"
        )
    }

    @Test func whatTheClientRefusesIsToldWithTheValues() {
        let cases: [(ClientRefusal, PetrelError.Code, [String])] = [
            (.bodyTooLarge(byteCount: 70_000, limit: 65_024), .inputInvalid, ["70000", "65024"]),
            (.contentTypeTooLarge(byteCount: 65, limit: 64), .inputInvalid, ["65", "64"]),
            (.nameTooLong(byteCount: 65, limit: 64), .inputInvalid, ["65", "64"]),
            (.lineTooLong(byteCount: 300, limit: 256), .inputInvalid, ["300", "256"]),
            (.reactionInvalid(byteCount: 0, limit: 48), .inputInvalid, ["0 bytes", "1 to 48"]),
            (.tooManyMentions(count: 51, limit: 50), .inputInvalid, ["51", "50"]),
            (.peopleInvalid(count: 0, limit: 256), .inputInvalid, ["0 people", "1 to 256"]),
            (.lifetimeTooLong(seconds: 9, limit: 8), .inputInvalid, ["9 s", "8"]),
            (.muteTooLong(seconds: 9, limit: 8), .inputInvalid, ["9 s", "8"]),
            (.retentionInvalid(seconds: 9, limit: 60...90), .inputInvalid, ["9 s", "60 to 90 s"]),
            (
                .passwordUnacceptable(byteCount: 3, limit: 8...128), .inputInvalid,
                ["3", "8 to 128"]
            ),
            (.nameEmpty, .inputInvalid, ["empty"]), (.editInvalid, .inputInvalid, ["edit"]),
            (.placeInvalid, .inputInvalid, ["0"]), (.eventNotAllowed, .inputInvalid, []),
            (.notAQuestion, .inputInvalid, []), (.handleInvalid("x y"), .inputInvalid, ["x y"]),
            (.outboxFull(limit: 12), .busy, ["12"]), (.tooManyQuestions(limit: 64), .busy, ["64"]),
            (.enrolmentUnderWay, .busy, []), (.closed, .closed, []),
            (.store(.full), .storeFull, []),
        ]
        for (refusal, code, values) in cases {
            let error = PetrelError(refusal)
            #expect(error.code == code)
            #expect(!error.advice.isEmpty)
            for value in values { #expect(error.sentence.contains(value), "\(error.sentence)") }
            #expect((error.retryAfter != nil) == (code == .busy || code == .storeFull))
        }
    }
}

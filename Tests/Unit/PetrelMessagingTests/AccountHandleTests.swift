// Handles: one spelling each, and a table of what is none.

import PetrelMessaging
import Testing

struct AccountHandleTests {
    @Test(arguments: [
        ("anna", "anna"), ("Anna", "anna"), ("BOB.O-neil_7", "bob.o-neil_7"), ("abc", "abc"),
        (String(repeating: "z", count: 32), String(repeating: "z", count: 32)),
    ])
    func isNormalised(typed: String, text: String) {
        #expect(AccountHandle(typed)?.text == text)
    }

    @Test(arguments: [
        "", "ab", "7up", ".dot", "-dash", "_under", "a b", " anna", "anna ", "ann\u{0}a", "änna",
        "анна", "ＡＮＮＡ", "anna@home", "a\u{301}nna", String(repeating: "z", count: 33),
        String(repeating: "z", count: 100_000),
    ])
    func isRefused(typed: String) {
        #expect(AccountHandle(typed) == nil)
    }

    @Test func normalisingTwiceChangesNothing() throws {
        let once = try #require(AccountHandle("AbC.d"))
        #expect(AccountHandle(once.text) == once)
    }
}

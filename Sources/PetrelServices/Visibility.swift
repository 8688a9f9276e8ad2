// What one account may see of another, looked up where an answer is made.

public import PetrelMessaging

/// Asks `Authority` whether somebody may see something, with the facts of a snapshot.
public enum Visibility {
    /// Whether a viewer may see what an account has read.
    public static func receipts(
        of account: AccountRecord?, to viewer: AccountID, store: any Store
    ) throws(StoreFailure) -> Bool {
        guard let account else { return false }
        let own = try store.contact(viewer, of: account.id)
        return Authority.maySee(
            account.privacy.receipts, isContact: own?.state == .contact,
            isBlocked: try isBlocked(own, account.id, viewer, store: store))
    }

    /// Whether either of two accounts takes nothing from the other.
    public static func isBlocked(
        between a: AccountID, and b: AccountID, store: any Store
    ) throws(StoreFailure) -> Bool {
        try isBlocked(try store.contact(b, of: a), a, b, store: store)
    }

    private static func isBlocked(
        _ own: Contact?, _ a: AccountID, _ b: AccountID, store: any Store
    ) throws(StoreFailure) -> Bool {
        if own?.isBlocked == true { return true }
        return try store.contact(a, of: b)?.isBlocked == true
    }
}

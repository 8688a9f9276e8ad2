// What the application says of the device and of who sits at it: network, screen, typing.

public import PetrelMessaging

extension PetrelClient {
    /// Tells that the device changed networks, so that no time-out has to find out.
    ///
    /// `label` says which network it is, by whatever identifies it: the name of a Wi-Fi, of a
    /// carrier. What is learnt of a network, such as how long it remembers a silent client, is kept
    /// under a hash of its label; of a network without one it is learnt anew each time.
    public func networkChanged(label: String = "") {
        _ = shared.submit(.networkChanged(label: Self.hash(ofLabel: label)))
    }

    /// Whether somebody looks at the application.
    public enum Visibility: Sendable {
        /// It is on the screen: a server that is gone is noticed soon.
        case foreground
        /// It is not: as few packets as the network allows keep the client reachable.
        case background
    }

    /// Tells whether somebody looks at the application; `foreground` until it is told otherwise.
    public func visibilityChanged(to visibility: Visibility) {
        _ = shared.submit(.visibilityChanged(visibility))
    }

    /// Folds a label (FNV-1a); 0 for none.
    static func hash(ofLabel label: String) -> UInt64 {
        guard !label.isEmpty else { return 0 }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in label.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return max(1, hash)
    }

    /// Tells that the device has no network: nothing is tried until `networkChanged` is called.
    public func networkLost() { _ = shared.submit(.networkLost) }

    /// Tells the others of a conversation that somebody types; call it at each key, they hear of it
    /// once in a while.
    ///
    /// It is over when something is sent, or 6 s after the last call.
    public func typing(in conversation: ConversationID) {
        _ = shared.submit(.typing(conversation, isStopped: false))
    }

    /// Tells the others of a conversation that nobody types any more.
    public func stoppedTyping(in conversation: ConversationID) {
        _ = shared.submit(.typing(conversation, isStopped: true))
    }

    /// Tells which conversation is on the screen; `nil` for none.
    ///
    /// The largest groups push what is said to those alone who look at them.
    public func viewing(_ conversation: ConversationID?) {
        _ = shared.submit(.viewing(conversation))
    }
}

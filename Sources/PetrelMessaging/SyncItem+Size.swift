// How much of a page a change takes: servers fill pages by it.

extension SyncItem {
    /// The most bytes that it takes in a page.
    public var byteCountMax: Int {
        switch kind {
        case .conversation(let head): head.byteCountMax
        case .contact(let contact):
            96 + contact.person.handle.utf8.count + contact.alias.utf8.count
                + contact.greeting.utf8.count + contact.profile.byteCount
        case .account(let state):
            state.devices.reduce(96 + state.profile.byteCount) {
                $0 + 48 + $1.name.utf8.count
            }
        }
    }
}

extension Profile {
    fileprivate var byteCount: Int { name.utf8.count + about.utf8.count }
}

extension ConversationHead {
    /// The most bytes that it takes in a page: numbers of ten bytes at most, and its texts.
    public var byteCountMax: Int {
        let name =
            switch kind {
            case .peer(let person): person.handle.utf8.count
            case .group(let group): group.name.utf8.count
            }
        return 224 + name + 10 * settings.hidden.count
    }
}

// The events of groups: who is in them, what members may do, and how a group ends.

import PetrelBase
import PetrelMessaging

extension RowWriter where Self: ~Copyable {
    /// Refuses an event of a group if it is not allowed, and notes what it will change.
    func judgeGroup(_ appending: inout Appending) throws(Trouble) {
        switch appending.append.event {
        case .created(let creation): try create(creation, &appending)
        case .added(let people):
            try allow(.add, appending)
            let added = try newcomers(people, &appending)
            guard !added.isEmpty else { throw .refused(Refused(.relationWrong)) }
            appending.event = .added(added)
        case .joined:
            try allow(.join, appending)
            try join(appending.append.account, &appending)
            try noteGrowth(&appending)
        case .left:
            try allow(.leave, appending)
            try depart(appending.append.account, as: .left, &appending)
        case .removed(let person):
            try allow(.remove(try member(person, &appending)?.row.role), appending)
            try depart(person.account, as: .removed, &appending)
        case .role(let person, let role): try giveRole(role, to: person, &appending)
        case .muted(let person, let seconds):
            var other = try member(person, &appending)
            try allow(.mute(other?.row.role), appending)
            other?.row.silencedUntil =
                seconds == 0
                ? WallTime(milliseconds: 0)
                : appending.append.time.adding(seconds: UInt64(seconds))
            if let other { appending.put(other) }
        case .changed(let change):
            try allow(.change, appending)
            if !change.name.isEmpty { appending.row.name = change.name }
            appending.row.isOpen = change.isOpen ?? appending.row.isOpen
        case .dissolved:
            try allow(.dissolve, appending)
            try dissolve(&appending)
        case .message, .edit, .recall, .reaction, .retention, .gone: break
        }
    }

    private func create(
        _ creation: GroupCreation, _ appending: inout Appending
    ) throws(Trouble) {
        guard case .newGroup = appending.append.target else {
            throw .refused(Refused(.malformed))
        }
        appending.row.name = creation.name
        appending.row.isOpen = creation.isOpen
        try join(appending.append.account, &appending)
        if let i = appending.index(of: appending.append.account) {
            appending.members[i].row.role = .owner
        }
        appending.hasAllMembers = true
        var created = creation
        created.members = try newcomers(creation.members, &appending)
        appending.event = .created(created)
    }

    /// Takes people in who are not in the group yet; returns them.
    private func newcomers(
        _ people: [Person], _ appending: inout Appending
    ) throws(Trouble) -> [Person] {
        var added: [Person] = []
        let adder = appending.append.account
        for person in people {
            if try member(person, &appending) != nil { continue }
            let account: AccountRow? = try find(.account(person.account), in: .account)
            guard let account, !account.isDeleted else {
                throw .refused(Refused(.unknownRecipient))
            }
            let theirs: ContactRow? = try find(
                .contact(adder, of: person.account), in: .contact)
            #if PETREL_PLANTED
                if PlantedBug.strangersTakenIn.isActive {
                    try join(person.account, &appending)
                    added.append(Person(account: person.account, handle: account.handle))
                    continue
                }
            #endif
            guard theirs?.state == .contact, theirs?.isBlocked == false else {
                throw .refused(Refused(.notContact))
            }
            try join(person.account, &appending)
            added.append(Person(account: person.account, handle: account.handle))
        }
        try noteGrowth(&appending)
        return added
    }

    /// Makes an account a member with this event.
    private func join(_ account: AccountID, _ appending: inout Appending) throws(Trouble) {
        guard Int(appending.row.membersCount) < limits.membersMax else {
            throw .refused(Refused(.groupFull, limit: limits.membersMax))
        }
        var head = try accountHead(account)
        guard Int(head.groupsCount) < limits.groupsMax else {
            throw .refused(Refused(.tooManyGroups, limit: limits.groupsMax))
        }
        head.groupsCount += 1
        let former: MemberRow? = try find(.member(account, of: appending.id), in: .member)
        var member = MemberState(account, former ?? MemberRow(), head: head)
        member.begin(at: appending.sequence)
        appending.put(member)
        appending.joined.append(account)
        appending.row.membersCount += 1
    }

    /// Makes the group large if it has grown so: all its members are told, and told otherwise from
    /// then on.
    private func noteGrowth(_ appending: inout Appending) throws(Trouble) {
        guard !appending.row.isLarge,
            Int(appending.row.membersCount) > limits.smallGroupMembersMax
        else { return }
        if !appending.hasAllMembers { try loadMembers(&appending) }
        appending.row.isLarge = true
        appending.joined = appending.members.map(\.account)
    }

    /// Ends a membership with this event; an owner who goes leaves the group to another.
    private func depart(
        _ account: AccountID, as standing: Standing, _ appending: inout Appending
    ) throws(Trouble) {
        guard var member = try member(Person(account: account), &appending) else {
            throw .refused(Refused(.relationWrong))
        }
        let wasOwner = member.row.role == .owner
        member.end(at: appending.sequence, as: standing)
        member.head.groupsCount -= min(1, member.head.groupsCount)
        appending.put(member)
        appending.departed.append(account)
        appending.row.membersCount -= min(1, appending.row.membersCount)
        try recountMarks(&appending, without: account)
        #if PETREL_PLANTED
            if PlantedBug.ownerNotInherited.isActive { return }
        #endif
        guard wasOwner else { return }
        guard var heir = try heir(of: account, appending) else {
            appending.row.isDissolved = true
            return
        }
        heir.row.role = .owner
        appending.heir = heir.account
        appending.put(heir)
    }

    /// Counts anew what members have received and read, because one of them goes: its own marks
    /// must not be told to it as somebody's.
    ///
    /// In groups where nobody is told of that, nothing is counted.
    private func recountMarks(
        _ appending: inout Appending, without account: AccountID
    ) throws(Trouble) {
        appending.row.delivered = TopMarks()
        appending.row.read = TopMarks()
        guard Int(appending.row.membersCount) <= MessagingLimits.receiptsGroupMembersMax else {
            return
        }
        for key in try list(.member, from: .conversation(appending.id), prefix: 8, limit: .max) {
            let other = AccountID(key.second)
            guard other != account, let row: MemberRow = try find(key, in: .member),
                row.standing == .member
            else { continue }
            // What a member begins with was neither received nor read.
            if row.delivered >= row.from {
                _ = appending.row.delivered.raise(other, to: row.delivered)
            }
            if row.read >= row.from { _ = appending.row.read.raise(other, to: row.read) }
        }
    }

    /// Who owns a group after its owner: of the admins, or else of the members, who came first.
    private func heir(
        of owner: AccountID, _ appending: Appending
    ) throws(Trouble) -> MemberState? {
        var best: (account: AccountID, row: MemberRow)?
        for key in try list(.member, from: .conversation(appending.id), prefix: 8, limit: .max) {
            let account = AccountID(key.second)
            guard account != owner, let row: MemberRow = try find(key, in: .member),
                row.standing == .member
            else { continue }
            if let other = best {
                // Those of the same rank and place are in the order of their numbers already.
                let isHigher = row.role > other.row.role
                let isEarlier = row.role == other.row.role && row.from < other.row.from
                guard isHigher || isEarlier else { continue }
            }
            best = (account, row)
        }
        guard let best else { return nil }
        return MemberState(best.account, best.row, head: try accountHead(best.account))
    }

    private func giveRole(
        _ role: Role, to person: Person, _ appending: inout Appending
    ) throws(Trouble) {
        var other = try member(person, &appending)
        try allow(.giveRole(other?.row.role), appending)
        guard person.account != appending.append.account, other?.row.role != role else {
            throw .refused(Refused(.relationWrong))
        }
        other?.row.role = role
        if let other { appending.put(other) }
        guard role == .owner, let i = appending.index(of: appending.append.account) else { return }
        var owner = appending.members[i]
        owner.row.role = .admin
        appending.put(owner)
    }

    /// Ends the group: everybody is told, and nobody counts as being in it.
    private func dissolve(_ appending: inout Appending) throws(Trouble) {
        try loadMembers(&appending)
        appending.row.isDissolved = true
        for i in appending.members.indices {
            let count = appending.members[i].head.groupsCount
            appending.members[i].head.groupsCount = count - min(1, count)
            appending.departed.append(appending.members[i].account)
        }
    }

    /// A present member that an event is about, from what was read already or from its row.
    private func member(
        _ person: Person, _ appending: inout Appending
    ) throws(Trouble) -> MemberState? {
        if let i = appending.index(of: person.account) {
            let member = appending.members[i]
            return member.row.standing == .member ? member : nil
        }
        let row: MemberRow? = try find(.member(person.account, of: appending.id), in: .member)
        guard let row, row.standing == .member else { return nil }
        return MemberState(person.account, row, head: try accountHead(person.account))
    }

    /// Lets an account leave a group because it is no more; `nil` if it is in it no longer.
    mutating func leave(
        _ id: ConversationID, _ account: AccountID, at time: WallTime
    ) throws(Trouble) -> AppendedMessage? {
        guard let row: ConversationRow = try find(.conversation(id), in: .conversation),
            row.isGroup, !row.isDissolved,
            let own: MemberRow = try find(.member(account, of: id), in: .member),
            own.standing == .member
        else { return nil }
        let name = ClientMessageID(
            high: UInt64(clamping: time.milliseconds) << 16 | 0x7000, low: account.number | 1 << 63)
        let append = AppendMessage(
            account: account, device: DeviceID(0), clientMessageID: name,
            target: .conversation(id), event: .left, digest: InlineWords4(0, 0, 0, 0), time: time)
        var member = Authority.Member(standing: .member)
        member.role = own.role
        var appending = Appending(append, in: id, row, relation: .group(member))
        appending.members.append(MemberState(account, own, head: try accountHead(account)))
        try judgeGroup(&appending)
        return try commit(appending)
    }
}

// The code of the articles, so that it compiles; DocumentationTests compares it with them.

import Petrel

func show(_ text: String) { print(text) }

enum DocumentedCode {
    static func open(address: String, path: String) throws {
        var configuration = Configuration(server: address, directory: path)
        configuration.deviceName = "kitchen tablet"
        let client = try PetrelClient(configuration)
        _ = client
    }

    static func enrol(_ client: PetrelClient, password: String, typed: String) async throws {
        let code = RecoveryCode()
        show(code.shown)
        try await client.register(handle: "anna", password: password, recoveryCode: code)
        let invitation = try await client.invite(lifetime: .seconds(24 * 3_600))
        show(invitation.address)
        try await client.logIn(handle: "anna", password: password)
        let next = RecoveryCode()
        show(next.shown)
        try await client.recover(
            handle: "anna", code: typed, newPassword: password, nextCode: next)
    }

    static func follow(_ client: PetrelClient) async {
        for await state in client.states {
            switch state {
            case .idle: show("not started")
            case .connecting(let attempt): show("connecting, attempt \(attempt)")
            case .connected: show("connected")
            case .waiting(let after, let reason): show("\(reason); next try in \(after)")
            case .storeFailed(let error): show(error.description)
            case .revoked: show("this device was shut out")
            case .closed: show("closed")
            }
        }
        for await progress in client.syncProgressUpdates {
            show("\(progress.eventsMissing) to come, \(Int(100 * progress.fraction)) % here")
        }
        client.networkChanged(label: "home")
        client.visibilityChanged(to: .background)
    }

    static func send(_ client: PetrelClient) async throws {
        let message = try await client.send("Good morning", to: "bob")
        for await delivery in message.deliveries {
            switch delivery {
            case .queued: show("on this device")
            case .sent: show("on its way")
            case .committed(let place): show("stored at \(place.number)")
            case .delivered: show("received")
            case .read: show("read")
            case .failed(let error): show(error.description)
            }
        }
        let place = try await message.reached(.committed)
        try await client.edit(place, to: "Good morning, Bob")
        try await client.react(to: place, with: "👍")
        try await client.recall(place)
        for waiting in try client.outbox() { show("\(waiting.id) waits") }
        for failed in try client.failed() { show("\(failed.id): \(failed.error)") }
    }

    static func read(
        _ client: PetrelClient, _ place: Place, _ positions: inout [ConversationID: UInt64]
    ) async throws {
        let page = try client.history(of: place.conversation, before: nil, limit: 50)
        for item in page.items {
            switch item {
            case .message(let message): show(message.text ?? message.contentType)
            case .hole(let numbers): show("\(numbers.count) are still to come")
            }
        }
        if page.hasOlder {
            let older = try client.history(of: place.conversation, before: page.start)
            show("\(older.messages.count) more")
        }
        for await message in try client.inbox(from: .after(positions)) {
            positions[message.place.conversation] = message.place.number
            show("\(message.sender): \(message.text ?? "")")
        }
    }

    static func group(_ client: PetrelClient) async throws {
        let begun = try await client.createGroup("Hiking", members: ["bob", "carol"])
        let group = try await begun.reached(.committed).conversation
        try await client.send("Saturday?", in: group)
    }

    static func test(_ client: PetrelClient, address: String, path: String, logs: String)
        async throws
    {
        var configuration = Configuration(server: address, directory: path)
        configuration.keepalive = .seconds(5)
        configuration.keepaliveSearch = .none
        configuration.tcp = .none
        configuration.sendsInFirstDatagram = false
        configuration.tailMax = 200
        configuration.keyLog = "\(path)/session.keylog"
        configuration.qlogDirectory = logs
        try await client.connected()
        let message = try await client.send("through the tunnel", to: "bob")
        try await message.reached(.delivered)
        try await client.caughtUp()
    }
}

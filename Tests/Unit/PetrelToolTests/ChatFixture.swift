// A chat for tests: people, messages and times that do not change.

import Foundation
import PetrelBase
import PetrelMessaging

@testable import PetrelCommand

/// Models with known contents.
enum ChatFixture {
    /// Tuesday, 24 November 2026, 14:00 in Greenwich.
    static let afternoon: Int64 = 1_795_528_800_000

    static let renderer = ChatRenderer(
        time: ChatTime(zone: TimeZone(secondsFromGMT: 0) ?? .current))

    /// A message; minutes count from the afternoon on.
    static func message(
        _ number: UInt64?, _ author: String, _ text: String, minute: Int64 = 0,
        _ progress: ChatMessage.Progress? = nil
    ) -> ChatMessage {
        ChatMessage(
            id: "message \(number ?? 0) \(text.prefix(8))", number: number, author: author,
            isOwn: author == "alice", milliseconds: afternoon + minute * 60_000,
            content: .text(text), progress: progress)
    }

    /// alice, who talks with bob and others.
    static func model(_ items: [ChatItem] = []) -> ChatModel {
        var model = ChatModel(handle: "alice")
        var bob = ChatConversation(target: .handle("bob"), title: "bob")
        bob.presence = .online
        var team = ChatConversation(
            target: .conversation(ConversationID(7)), title: "周末徒步小组 weekend hikers")
        team.kind = .group
        team.unread = 12
        team.isPinned = true
        var carol = ChatConversation(target: .handle("carol"), title: "carol")
        carol.unread = 1_240
        carol.isMuted = true
        carol.presence = .offline(lastSeen: afternoon - 180_000)
        model.conversations = [team, bob, carol]
        model.open = .handle("bob")
        model.timeline.items = items
        model.now = afternoon + 600_000
        model.status.link = .connected(roundTrip: .milliseconds(48), isOverTCP: false)
        model.status.lastContact = model.now - 3_000
        model.status.server = "petrel://127.0.0.1:7700/"
        return model
    }

    /// `count` messages of one line each, a minute apart.
    static func lines(_ count: UInt64) -> [ChatItem] {
        (1...count).map { .message(message($0, "bob", "line \($0)", minute: Int64($0) / 60)) }
    }
}

// What happens to a chat: keys, news of the client, the clock.

import Petrel
import PetrelBase
import Synchronization

/// What happens to a chat.
enum ChatEvent: Sendable {
    /// Where events are put.
    typealias Continuation = AsyncStream<ChatEvent>.Continuation

    case terminal(TerminalEvent)
    case link(ConnectionState, Carrier?)
    case obstacle(PetrelError?)
    /// Something that is shown may be new.
    case changed
    /// What came of a command, and whether it was refused.
    case outcome(String, isBad: Bool)
    /// A group that was asked for is there.
    case begun(ConversationID)
    /// Something to read was fetched.
    case overlay(ChatOverlay)
    /// A second has passed.
    case tick
    case interrupted
}

/// Says that something changed, at most once in a while.
final class ChangeSignal: Sendable {
    /// How long changes are gathered.
    static let interval = Duration.milliseconds(50)

    private let isPending = Mutex(false)
    private let tell: @Sendable () -> Void

    /// Creates a signal that calls `tell`.
    init(tell: @escaping @Sendable () -> Void) { self.tell = tell }

    /// Notes a change; it is told after the interval, together with those that come until then.
    func note() {
        let isFirst = isPending.withLock { isPending in
            defer { isPending = true }
            return !isPending
        }
        guard isFirst else { return }
        Task {
            try? await Task.sleep(for: Self.interval)
            isPending.withLock { $0 = false }
            tell()
        }
    }
}

extension ChatEvent {
    /// Follows the client and the clock until it is cancelled.
    static func watch(_ client: PetrelClient, _ continuation: Continuation) async {
        let signal = ChangeSignal { continuation.yield(.changed) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await state in client.states {
                    continuation.yield(.link(state, client.carrier))
                }
            }
            group.addTask {
                for await obstacle in client.obstacles { continuation.yield(.obstacle(obstacle)) }
            }
            group.addTask { await follow(client.conversationUpdates, signal) }
            group.addTask { await follow(client.contactUpdates, signal) }
            group.addTask { await follow(client.presenceUpdates, signal) }
            group.addTask { await follow(client.syncProgressUpdates, signal) }
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: .seconds(1))
                    continuation.yield(.tick)
                }
            }
        }
    }

    /// Notes each change; who is slow misses some in between, which is what is wanted.
    private static func follow<Value: Sendable>(
        _ updates: Updates<Value>, _ signal: ChangeSignal
    ) async {
        for await _ in updates {
            signal.note()
            try? await Task.sleep(for: ChangeSignal.interval)
        }
    }
}

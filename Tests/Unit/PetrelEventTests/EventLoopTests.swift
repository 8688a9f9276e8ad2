// The loop: deadlines in order, one reading of the clock per wakeup, signals, mailboxes.

import Foundation
import Glibc
import PetrelBase
import PetrelEvent
import Testing

@Suite struct EventLoopTests {
    @Test func clockDoesNotRunBackwards() {
        let first = EventLoop.now
        #expect(first.nanoseconds > 0)
        #expect(EventLoop.now >= first)
    }

    @Test func deadlinesComeInOrderAndNeverEarly() throws {
        let loop = try EventLoop()
        let handler = ClosureHandler()
        let start = EventLoop.now
        var left = [5, 0, 2, 9].map { start + .milliseconds($0) }
        left.sort()
        var reached: [Instant] = []
        handler.onDue = { now in
            #expect(now >= left[0])
            reached.append(left.removeFirst())
            guard let next = left.first else { return loop.stop() }
            loop.wake(handler, at: next)
        }
        loop.wake(handler, at: left[0])
        try loop.run()
        #expect(reached == [0, 2, 5, 9].map { start + .milliseconds($0) })
        loop.forgetAll()
    }

    @Test func anEarlierDeadlineReplacesALaterOne() throws {
        let loop = try EventLoop()
        let handler = ClosureHandler()
        var calls = 0
        handler.onDue = { _ in
            calls += 1
            loop.stop()
        }
        let start = EventLoop.now
        loop.wake(handler, at: start + patience)
        loop.wake(handler, at: start + .milliseconds(1))
        try loop.run()
        #expect(calls == 1)
        #expect(EventLoop.now < start + patience)
        loop.forgetAll()
    }

    @Test func loopWithNothingToWaitForReturns() throws {
        let loop = try EventLoop()
        let handler = ClosureHandler()
        loop.wake(handler, at: EventLoop.now + patience)
        loop.wake(handler, at: .distantFuture)
        try loop.run()
        loop.forgetAll()
    }

    @Test func allCallsOfOneWakeupGetTheSameTime() throws {
        let loop = try EventLoop()
        let handler = ClosureHandler()
        let boxes = try (0..<3).map { _ in try Mailbox<Int>(capacity: 1) }
        var times: [Instant] = []
        handler.onReadable = { descriptor, now in
            times.append(now)
            loop.forget(descriptor)
            if times.count == boxes.count { loop.stop() }
        }
        for box in boxes {
            try loop.watch(box.descriptor, with: handler)
            #expect(box.post(1))
        }
        try loop.run()
        #expect(times.count == 3)
        #expect(Set(times).count == 1)
        loop.forgetAll()
    }

    @Test func stopBeforeRunIsNotForgotten() throws {
        let loop = try EventLoop()
        let handler = ClosureHandler()
        var isCalled = false
        handler.onDue = { _ in isCalled = true }
        loop.wake(handler, at: EventLoop.now + patience)
        loop.stop()
        try loop.run()
        #expect(!isCalled)
        loop.forgetAll()
    }

    @Test func signalReachesTheHandler() throws {
        let loop = try EventLoop()
        let handler = ClosureHandler()
        var numbers: [Int32] = []
        handler.onSignal = { number, _ in
            numbers.append(number)
            loop.stop()
        }
        handler.onDue = { _ in loop.stop() }
        try loop.watchSignal(SIGUSR1, with: handler)
        loop.wake(handler, at: EventLoop.now + patience)
        kill(getpid(), SIGUSR1)
        try loop.run()
        #expect(numbers == [SIGUSR1])
        loop.forgetAll()
    }

    @Test func pausedDescriptorTellsWhatArrivedOnceResumed() throws {
        let loop = try EventLoop()
        let handler = ClosureHandler()
        let box = try Mailbox<Int>(capacity: 1)
        var calls = 0
        handler.onReadable = { _, _ in
            calls += 1
            loop.stop()
        }
        handler.onDue = { _ in loop.stop() }
        try loop.watch(box.descriptor, with: handler)
        #expect(box.post(1))
        loop.pause(box.descriptor)
        loop.wake(handler, at: EventLoop.now + .milliseconds(2))
        try loop.run()
        #expect(calls == 0)
        try loop.resume(box.descriptor)
        loop.wake(handler, at: EventLoop.now + patience)
        try loop.run()
        #expect(calls == 1)
        loop.forgetAll()
    }

    @Test func closedDescriptorCannotBeWatched() throws {
        let loop = try EventLoop()
        #expect(throws: SystemError(call: "event_add", code: EBADF)) {
            try loop.watch(1_000_000, with: ClosureHandler())
        }
    }
}

@Suite struct MailboxTests {
    @Test func fullMailboxRefuses() throws {
        let box = try Mailbox<Int>(capacity: 2)
        #expect(box.post(1))
        #expect(box.post(2))
        #expect(!box.post(3))
        var values: [Int] = []
        box.drain(into: &values)
        #expect(values == [1, 2])
        #expect(box.post(3))
        box.drain(into: &values)
        #expect(values == [1, 2, 3])
    }

    @Test func nothingIsLostBetweenThreads() throws {
        let loop = try EventLoop()
        let handler = ClosureHandler()
        let box = try Mailbox<Int>(capacity: 64)
        let producers = 3
        let each = 2_000
        var received: [Int] = []
        handler.onReadable = { _, _ in
            box.drain(into: &received)
            if received.count == producers * each { loop.stop() }
        }
        handler.onDue = { _ in loop.stop() }
        try loop.watch(box.descriptor, with: handler)
        loop.wake(handler, at: EventLoop.now + patience)
        for producer in 0..<producers {
            Thread.detachNewThread {
                for i in 0..<each {
                    while !box.post(producer * each + i) { sched_yield() }
                }
            }
        }
        try loop.run()
        #expect(received.sorted() == Array(0..<producers * each))
        for producer in 0..<producers {
            let mine = received.filter { $0 / each == producer }
            #expect(mine == mine.sorted(), "producer \(producer) is out of order")
        }
        loop.forgetAll()
    }
}

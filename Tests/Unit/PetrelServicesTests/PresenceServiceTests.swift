// Who is here: what is gathered, what is told, and what nobody may know.

import PetrelBase
import PetrelMessaging
import PetrelServices
import Testing

struct PresenceServiceTests {
    private static let anna = AccountID(1)
    private static let wall = WallTime(milliseconds: 1_800_000_000_000)
    private static func at(_ milliseconds: Int64) -> Instant {
        Instant(nanoseconds: milliseconds * 1_000_000)
    }

    private func report(
        _ device: UInt32, _ state: PresenceState?, worker: Int = 0
    ) -> PresenceService.Report {
        .init(account: Self.anna, device: .init(device), worker: worker, state: state)
    }

    /// Tells what is due at a moment.
    private func told(
        _ service: inout PresenceService, _ milliseconds: Int64, privacy: Privacy = Privacy()
    ) -> [Presence] {
        service.takeDue(now: Self.at(milliseconds)).compactMap {
            service.tell($0, privacy: privacy, now: Self.at(milliseconds), wall: Self.wall)
        }
    }

    @Test func theMostPresentDeviceDecides() {
        var service = PresenceService()
        for (device, state) in [(1, PresenceState.away), (2, .online), (3, .offline)] {
            let isNews = service.note(report(UInt32(device), state), now: Self.at(0))
            #expect(isNews)
        }
        #expect(service.deadline == Self.at(500))
        #expect(told(&service, 499).isEmpty)
        #expect(
            told(&service, 500)
                == [Presence(account: Self.anna, state: .online, devicesCount: 2)])
        // What comes to the same is not told again.
        _ = service.note(report(2, .away), now: Self.at(600))
        _ = service.note(report(2, .online), now: Self.at(700))
        #expect(told(&service, 1_100).isEmpty)
    }

    @Test func whoComesBackInTimeWasNeverGone() {
        var service = PresenceService()
        _ = service.note(report(1, .online), now: Self.at(0))
        _ = told(&service, 500)
        _ = service.note(report(1, nil), now: Self.at(1_000))
        #expect(service.deadline == Self.at(6_000))
        _ = service.note(report(1, .online), now: Self.at(5_999))
        #expect(told(&service, 10_000).isEmpty)
        _ = service.note(report(1, nil), now: Self.at(20_000))
        #expect(told(&service, 24_999).isEmpty)
        let lastSeen = WallTime(milliseconds: Self.wall.milliseconds - 5_000)
        #expect(
            told(&service, 25_000)
                == [Presence(account: Self.anna, state: .offline, lastSeen: lastSeen)])
        #expect(service.known(Self.anna) == nil)
        #expect(service.accountsCount == 0)
        #expect(service.deadline == .distantFuture)
    }

    @Test func aSessionThatWentToAnotherWorkerIsNotEndedByTheFirst() {
        var service = PresenceService()
        _ = service.note(report(1, .online, worker: 0), now: Self.at(0))
        _ = service.note(report(1, .online, worker: 1), now: Self.at(10))
        let isNews = service.note(report(1, nil, worker: 0), now: Self.at(20))
        #expect(!isNews)
        #expect(told(&service, 500).map(\.state) == [.online])
        #expect(told(&service, 60_000).isEmpty)
    }

    @Test func whatIsHiddenIsNotTold() {
        var service = PresenceService()
        _ = service.note(report(1, .online), now: Self.at(0))
        let discreet = Privacy(lastSeen: .nobody)
        #expect(
            told(&service, 500, privacy: discreet)
                == [Presence(account: Self.anna, state: .online)])
        service.gather(Self.anna, now: Self.at(1_000))
        #expect(
            told(&service, 1_500, privacy: Privacy(presence: .nobody))
                == [Presence(account: Self.anna, state: .offline)])
        _ = service.note(report(1, .away), now: Self.at(2_000))
        #expect(told(&service, 2_500, privacy: Privacy(presence: .nobody)).isEmpty)
    }
}

// Which devices of an account have a session now: who can be told at once.

import PetrelBase
import PetrelMessaging

/// The sessions of enrolled devices, one a device, by account.
struct LiveDevices {
    /// A device and its session.
    struct Device {
        var device: DeviceID
        var place: SessionPlace
    }

    private var devices: [AccountID: [Device]] = [:]

    /// Accounts with a session.
    var accountsCount: Int { devices.count }

    #if PETREL_PLANTED
        var all: [Device] { devices.sorted { $0.key < $1.key }.flatMap(\.value) }
    #endif

    /// Devices with a session.
    var devicesCount: Int { devices.values.reduce(0) { $0 + $1.count } }

    /// The sessions of an account, in the order in which they began.
    func sessions(of account: AccountID) -> [Device] { devices[account] ?? [] }

    /// Whether an account has a session.
    func isLive(_ account: AccountID) -> Bool { devices[account] != nil }

    /// Where the session of a device is.
    func place(of device: DeviceID, account: AccountID) -> SessionPlace? {
        devices[account]?.first { $0.device == device }?.place
    }

    /// Notes that a session fell asleep or woke, if it is the one of its device.
    mutating func move(
        _ place: SessionPlace, to new: SessionPlace, account: AccountID
    ) {
        guard let i = devices[account]?.firstIndex(where: { $0.place == place }) else { return }
        devices[account]?[i].place = new
    }

    /// Adds a session; returns the one of the same device that it takes the place of.
    mutating func insert(
        _ handle: Handle, of device: DeviceID, account: AccountID
    ) -> SessionPlace? {
        var older: SessionPlace?
        devices[account, default: []].removeAll { live in
            guard live.device == device else { return false }
            older = live.place
            return true
        }
        devices[account, default: []].append(Device(device: device, place: .awake(handle)))
        return older
    }

    /// Removes a session, if it is the one of its device.
    mutating func remove(_ place: SessionPlace, account: AccountID) {
        devices[account]?.removeAll { $0.place == place }
        if devices[account]?.isEmpty == true { devices[account] = nil }
    }
}

// Which devices of an account have a session now: who can be told at once.

import PetrelBase
import PetrelMessaging

/// The sessions of enrolled devices, one a device, by account.
struct LiveDevices {
    /// A device and its session.
    struct Device {
        var device: DeviceID
        var handle: Handle
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

    /// The session of a device.
    func session(of device: DeviceID, account: AccountID) -> Handle? {
        devices[account]?.first { $0.device == device }?.handle
    }

    /// Adds a session; returns the one of the same device that it takes the place of.
    mutating func insert(
        _ handle: Handle, of device: DeviceID, account: AccountID
    ) -> Handle? {
        var older: Handle?
        devices[account, default: []].removeAll { live in
            guard live.device == device else { return false }
            older = live.handle
            return true
        }
        devices[account, default: []].append(Device(device: device, handle: handle))
        return older
    }

    /// Removes a session, if it is the one of its device.
    mutating func remove(_ handle: Handle, account: AccountID) {
        devices[account]?.removeAll { $0.handle == handle }
        if devices[account]?.isEmpty == true { devices[account] = nil }
    }
}

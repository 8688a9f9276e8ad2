// petrel devices: the devices of the own account.

import ArgumentParser
import Petrel
import PetrelMessaging

/// The commands about the own devices.
struct DevicesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices", abstract: "Shows, renames and shuts out the account's devices.",
        subcommands: [List.self, Rename.self, Revoke.self], defaultSubcommand: List.self)

    /// Lists.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the devices that are not revoked.")
        @OptionGroup var ask: AskOptions

        /// Prints a line for each.
        func run() async throws {
            let devices = try await ask.asking { try await $0.knownDetails() }.devices
                .map(ShownDevice.init)
            guard !ask.json else { return devices.forEach { result(json: $0) } }
            ShownDevice.table(devices).lines.forEach(result)
        }
    }

    /// Renames.
    struct Rename: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Calls a device something else, in 64 bytes at most.")
        @Argument(help: "The number of the device.") var device: UInt32
        @Argument(help: "What to call it.") var name: String
        @OptionGroup var ask: AskOptions

        /// Renames it.
        func run() async throws {
            try await ask.asking { [device, name] client in
                try await client.renameDevice(DeviceID(device), to: name)
            }
            ask.done("device_renamed", to: "\(device)", "device \(device) is called \(name)")
        }
    }

    /// Revokes.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shuts a device out for good, this one included.")
        @Argument(help: "The number of the device.") var device: UInt32
        @OptionGroup var ask: AskOptions

        /// Revokes it.
        func run() async throws {
            try await ask.asking { [device] client in
                try await client.revokeDevice(DeviceID(device))
            }
            ask.done("device_revoked", to: "\(device)", "device \(device) is shut out")
        }
    }
}

/// A device of the account, for programs.
struct ShownDevice: Encodable, Equatable {
    /// The name of this form.
    var schema = "petrel-device-1"
    /// Its number in the account.
    var device: UInt32
    /// What the owner calls it.
    var name: String
    /// When it was enrolled.
    var created_unix_ms: Int64
    /// When a session of it last began.
    var connected_unix_ms: Int64
    /// Whether it is the one that asks.
    var is_this_device: Bool

    /// Shows a device.
    init(_ known: Device) {
        device = known.id.number
        name = known.name
        created_unix_ms = known.createdMilliseconds
        connected_unix_ms = known.connectedMilliseconds
        is_this_device = known.isThisDevice
    }

    /// The table of devices; * marks this one.
    static func table(_ devices: [ShownDevice]) -> Table {
        var table = Table(["device", "name", "enrolled", "last connected"], numeric: ["device"])
        for device in devices {
            table.append([
                "\(device.is_this_device ? "*" : "")\(device.device)", device.name,
                HumanTime.text(device.created_unix_ms), HumanTime.text(device.connected_unix_ms),
            ])
        }
        return table
    }
}

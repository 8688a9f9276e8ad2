// A process that the demo started: its input, the lines that it says, and its end.

import Foundation
import Glibc
import PetrelBase

/// A child process with pipes, read without waiting.
final class Child {
    /// What it is called in messages.
    let name: String
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let errors = Pipe()
    private var outputRest: [UInt8] = []
    private var errorRest: [UInt8] = []
    private var unsent: [UInt8] = []
    /// The last lines that it wrote to its standard error, for when something goes wrong.
    private(set) var complaints: [String] = []

    /// Starts this same program with other arguments.
    init(_ name: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        self.name = name
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        for handle in [
            output.fileHandleForReading, errors.fileHandleForReading, input.fileHandleForWriting,
        ] {
            let flags = fcntl(handle.fileDescriptor, F_GETFL)
            _ = fcntl(handle.fileDescriptor, F_SETFL, flags | O_NONBLOCK)
        }
    }

    /// Whether it has not ended yet.
    var isRunning: Bool { process.isRunning }
    /// How it ended; a signal's number if one ended it.
    var status: Int32 { process.terminationStatus }
    /// The descriptors on which it may say something.
    var descriptors: [Int32] {
        [output.fileHandleForReading.fileDescriptor, errors.fileHandleForReading.fileDescriptor]
    }

    /// Writes a line to its input; what does not fit now is kept for `flush`.
    func write(_ line: String) {
        unsent.append(contentsOf: Array(line.utf8))
        unsent.append(UInt8(ascii: "\n"))
        flush()
    }

    /// Writes what did not fit before.
    func flush() {
        guard !unsent.isEmpty else { return }
        let count = unsent.withUnsafeBytes { bytes in
            Glibc.write(
                input.fileHandleForWriting.fileDescriptor, bytes.baseAddress, bytes.count)
        }
        if count > 0 { unsent.removeFirst(count) }
    }

    /// Returns the complete lines that it has said since the last call.
    func takeLines() -> [String] {
        for line in Self.drain(errors.fileHandleForReading.fileDescriptor, &errorRest) {
            complaints.append(line)
            if complaints.count > 20 { complaints.removeFirst() }
        }
        return Self.drain(output.fileHandleForReading.fileDescriptor, &outputRest)
    }

    /// Asks it to end, as Ctrl-C would.
    func interrupt() { kill(process.processIdentifier, SIGINT) }

    /// Ends it at once, as a power cut would.
    func killNow() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    private static func drain(_ descriptor: Int32, _ rest: inout [UInt8]) -> [String] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = buffer.withUnsafeMutableBytes { bytes in
                read(descriptor, bytes.baseAddress, bytes.count)
            }
            guard count > 0 else { break }
            rest.append(contentsOf: buffer[..<count])
        }
        var lines: [String] = []
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(String(decoding: rest[..<end], as: UTF8.self))
            rest.removeSubrange(...end)
        }
        return lines
    }
}

/// Waits until one of the children says something, or the time is over.
func waitForOutput(of children: [Child], for interval: Interval) {
    var polls = children.flatMap(\.descriptors).map { descriptor in
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    }
    _ = poll(&polls, nfds_t(polls.count), Int32(interval.nanoseconds / 1_000_000))
    // A child that ended keeps its pipes readable: do not spin on them.
    if polls.contains(where: { $0.revents & Int16(POLLHUP) != 0 }) { usleep(2_000) }
}

// What a configuration file of the server says: the settings that have flags, and classes.

import Foundation
import PetrelBase
import PetrelEvent
import PetrelServer
import PetrelServerCore
import PetrelWire

/// The settings of a file; `nil` where it says nothing.
struct ServeSettings: Equatable {
    var data: String?
    var listen: String?
    var publicHost: String?
    var tcp: UInt16?
    var workers: Int?
    var mapBytes: Int?
    var keyLog: String?
    var qlog: String?
    var json: Bool?
    /// What accounts, groups and conversations may have, and how much may be sent.
    var limits = LimitsDraft()
    /// The operator's classes, in the order of the file.
    var classes: [ClassPolicy] = []

    /// Settings of a server without a file.
    init() {}

    /// Reads a file.
    ///
    /// - Throws: `Failure` with the name of the file, the line, the key, the value and what is
    ///   allowed.
    init(path: String) throws(Failure) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure(
                status: .badConfiguration, message: "--config \(path) cannot be read; name a file")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw Failure(
                status: .badConfiguration, message: "\(path) is not text in UTF-8")
        }
        do throws(ConfigurationFault) {
            try self.init(text)
        } catch {
            throw Failure(status: .badConfiguration, message: "\(path), \(error)")
        }
    }

    /// Reads the text of a file.
    ///
    /// - Throws: the first fault.
    init(_ text: String) throws(ConfigurationFault) {
        for table in try ConfigurationText(text).tables {
            switch (table.name.first, table.name.count) {
            case (nil, _): for entry in table.entries { try read(entry) }
            case ("class", 2): try readClass(table)
            case ("limits", 1): limits = try LimitsDraft(table)
            default:
                throw ConfigurationFault(
                    line: table.line,
                    sentence: "[\(table.name.joined(separator: "."))] is unknown; use "
                        + "[limits] or [class.NAME]")
            }
        }
        try checkClasses()
    }

    /// What the server is told, with defaults for the rest.
    ///
    /// - Throws: `Failure` if the address names none.
    func configuration() throws(Failure) -> ServerConfiguration {
        let listen = listen ?? ""
        let addresses: [Address]
        do {
            addresses = try Address.resolve(endpoint: listen)
        } catch {
            throw Failure(
                status: .badConfiguration, message: "listen: \(listen) cannot be used: \(error)")
        }
        guard let address = addresses.first else {
            throw Failure(
                status: .badConfiguration, message: "listen: \(listen) names no address")
        }
        var configuration = ServerConfiguration(listen: address, directory: data ?? "")
        configuration.tcpPort = tcp
        if let workers { configuration.workers = workers }
        if let mapBytes { configuration.mapBytes = mapBytes }
        configuration.keyLog = keyLog
        configuration.qlogDirectory = qlog
        configuration.limits = limits.limits
        configuration.core.sends = limits.sends
        configuration.classes = classes
        return configuration
    }

    private mutating func read(_ entry: ConfigurationEntry) throws(ConfigurationFault) {
        switch entry.key {
        case "data": data = try entry.text("the path of a directory")
        case "listen": listen = try entry.text("host:port")
        case "public-host": publicHost = try entry.text("a host")
        case "tcp": tcp = UInt16(try entry.number(in: 0...65_535))
        case "workers": workers = try entry.number(in: 1...64)
        case "map-bytes": mapBytes = try entry.number(in: 1 << 20...Int.max)
        case "key-log": keyLog = try entry.text("the path of a file")
        case "qlog": qlog = try entry.text("the path of a directory")
        case "json": json = try entry.flag()
        default:
            throw entry.fault(
                "is unknown; use data, listen, tcp, public-host, workers, map-bytes, key-log, "
                    + "qlog, json, or a heading [limits] or [class.NAME]")
        }
    }

    private mutating func readClass(_ table: ConfigurationTable) throws(ConfigurationFault) {
        let draft = try ClassDraft(table)
        let taken = classes.count { $0.deliveryClass.kind == draft.kind }
        // The number of classes is checked below; no kind can have as many variants as that.
        guard taken < DeliveryClass.variantMax else {
            throw ConfigurationFault(line: table.line, sentence: "too many classes")
        }
        classes.append(draft.policy(variant: UInt8(taken + 1)))
        classLines.append(table.line)
    }

    private var classLines: [Int] = []

    private func checkClasses() throws(ConfigurationFault) {
        var byteCount = 0
        for i in classes.indices {
            let name = classes[i].name
            guard i < WireLimits.classesMax else {
                throw ConfigurationFault(
                    line: classLines[i],
                    sentence: "[class.\(name)] is class number \(i + 1); "
                        + "\(WireLimits.classesMax) can be defined")
            }
            byteCount += 2 + classes[i].byteCount
            guard byteCount <= WireLimits.classesByteCountMax else {
                throw ConfigurationFault(
                    line: classLines[i],
                    sentence: "[class.\(name)] makes the classes too long to tell clients: "
                        + "\(byteCount) bytes, \(WireLimits.classesByteCountMax) are the most; "
                        + "use shorter names or fewer classes")
            }
        }
    }
}

extension ConfigurationEntry {
    /// The fault of this setting.
    func fault(_ what: String) -> ConfigurationFault {
        ConfigurationFault(line: line, sentence: "\(key) = \(value) \(what)")
    }

    /// The value as text.
    func text(_ expected: String) throws(ConfigurationFault) -> String {
        guard case .text(let text) = value, !text.isEmpty else {
            throw fault("is not text; write \(expected) in quotes")
        }
        return text
    }

    /// The value as a whole number.
    func number(in range: ClosedRange<Int>) throws(ConfigurationFault) -> Int {
        guard case .number(let number) = value, range.contains(number) else {
            let end = range.upperBound == .max ? " or more" : " to \(range.upperBound)"
            throw fault("is out of bounds; use \(range.lowerBound)\(end)")
        }
        return number
    }

    /// The value as yes or no.
    func flag() throws(ConfigurationFault) -> Bool {
        guard case .flag(let flag) = value else { throw fault("is neither true nor false") }
        return flag
    }

    /// The value as a duration.
    func interval(
        in range: ClosedRange<Interval>, _ allowed: String
    ) throws(ConfigurationFault) -> Interval {
        guard case .text(let text) = value, let interval = try? Interval(parsing: text),
            range.contains(interval)
        else { throw fault("is not allowed; use \(allowed)") }
        return interval
    }

    /// The value as one of some words.
    func word<Value>(
        _ words: KeyValuePairs<String, Value>
    ) throws(ConfigurationFault) -> Value {
        if case .text(let text) = value {
            for (word, meaning) in words where word == text { return meaning }
        }
        let allowed = words.map { "\"\($0.key)\"" }.joined(separator: ", ")
        throw fault("is not allowed; use one of \(allowed)")
    }
}

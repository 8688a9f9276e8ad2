// What the kernel refused: the name of the call and its error number.

import Glibc

/// A system call that failed.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The name of the call, such as `bind`.
    public var call: StaticString
    /// The value of `errno` after the call, such as `EADDRINUSE`.
    public var code: Int32

    /// Creates the error of a call and its error number.
    public init(call: StaticString, code: Int32) {
        self.call = call
        self.code = code
    }

    /// Creates the error that `call` has just left in `errno`.
    init(call: StaticString) { self.init(call: call, code: errno) }

    /// What the C library says about `code`: `Address already in use`.
    public var reason: String { String(cString: strerror(code)) }

    /// The call, the reason and the number: `bind: Address already in use (errno 98)`.
    public var description: String { "\(call): \(reason) (errno \(code))" }

    public static func == (a: SystemError, b: SystemError) -> Bool {
        a.code == b.code && "\(a.call)" == "\(b.call)"
    }
}

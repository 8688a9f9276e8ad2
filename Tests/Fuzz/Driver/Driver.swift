// What libFuzzer calls: the target that PETREL_FUZZ names, input after input.

import Glibc

private let target: FuzzTarget = {
    let name = getenv("PETREL_FUZZ").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        print("fuzz: PETREL_FUZZ is no target: '\(name)'")
        exit(2)
    }
    return target
}()

/// Takes one input; a broken promise ends the process, which is what libFuzzer looks for.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzerTestOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    do {
        try target.feed(bytes)
    } catch {
        print("fuzz: \(target.rawValue): \(error)")
        fflush(nil)
        abort()
    }
    return 0
}

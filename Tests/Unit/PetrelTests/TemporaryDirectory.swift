// A directory that goes away with its test.

import Glibc

/// A fresh private directory; removed with all that is in it, one level deep.
final class TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/petrel-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw NoDirectory() }
        path = String(cString: made)
    }

    struct NoDirectory: Error {}

    deinit {
        for folder in ["\(path)/client", path] {
            if let stream = opendir(folder) {
                while let entry = readdir(stream) {
                    let name = withUnsafePointer(to: entry.pointee.d_name) { name in
                        name.withMemoryRebound(to: CChar.self, capacity: 256) {
                            String(cString: $0)
                        }
                    }
                    unlink("\(folder)/\(name)")
                }
                closedir(stream)
            }
            rmdir(folder)
        }
    }
}

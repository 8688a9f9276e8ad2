// petrel-peer: Petrel's transport as one of the peers that are measured on an emulated link.

import Glibc

@main
enum PetrelPeer {
    static func main() {
        // A busy machine must not be measured in place of a link; without privileges it may be.
        _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, -5)
        do {
            try Peer(Options(CommandLine.arguments.dropFirst())).run()
        } catch {
            say("petrel-peer: \(error)")
            exit(2)
        }
    }
}

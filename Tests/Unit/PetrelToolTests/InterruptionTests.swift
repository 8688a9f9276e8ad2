// Ctrl-C: each one is heard, whichever thread the kernel gives it to.

import Glibc
import Testing

@testable import PetrelCommand

@Suite struct InterruptionTests {
    @Test(.timeLimit(.minutes(1)))
    func everySignalIsHeard() async {
        let (heard, continuation) = AsyncStream.makeStream(of: Void.self)
        let interruption = Interruption { continuation.yield() }
        var waiting = heard.makeAsyncIterator()
        for round in 0..<500 {
            // To the process, as a terminal does it, not to this thread.
            kill(getpid(), round % 2 == 0 ? SIGINT : SIGTERM)
            #expect(await waiting.next() != nil)
        }
        interruption.end()
    }
}

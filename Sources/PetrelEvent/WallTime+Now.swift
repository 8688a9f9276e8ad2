// The calendar clock of the system.

import CEvent
import CPetrelLinux
import Glibc
public import PetrelBase

extension WallTime {
    /// The present moment of `CLOCK_REALTIME`; for people and stamps, never for timers.
    public static var now: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(
            milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

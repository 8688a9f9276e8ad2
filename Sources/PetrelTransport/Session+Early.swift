// Messages of the HELLO: a server takes them in when the session is confirmed, a client goes on
// behind them (Protocol/transport.md §4.8).

internal import PetrelBase
internal import PetrelWire

extension Session {
    /// How many messages of the client's HELLO the server takes in, as it said in ACCEPT.
    public var earlyMessagesTaken: Int {
        side == .client ? peerParameters.earlyMessages ?? 0 : 0
    }

    /// The server takes those messages in as the first of the session, if it said so.
    ///
    /// Returns `false` if it said that of other messages.
    mutating func begin(after early: EarlyMessages) -> Bool {
        let taken = earlyMessagesTaken
        guard taken > 0 else { return true }
        guard taken == early.count else { return false }
        #if PETREL_PLANTED
            if PlantedBug.earlyNumbersReused.isActive { return true }
        #endif
        queue.begin(after: early)
        return true
    }

    /// The client holds the keys: what its HELLO said is heard, before anything that it says now.
    mutating func takeEarly(
        from address: Address, now: Instant, into events: inout SessionEvents
    ) {
        guard !early.isEmpty else { return }
        #if PETREL_PLANTED
            if PlantedBug.earlyOvertaken.isActive { return skipEarly(now: now) }
        #endif
        let frames = early.frames
        early = EarlyMessages()
        var reader = ByteReader(unsafe frames.span.bytes)
        while reader.remaining > 0, !isEnding {
            do {
                receive(try Frame(&reader), from: address, now: now, into: &events)
            } catch {
                return  // Cannot be: they were read once.
            }
        }
    }

    #if PETREL_PLANTED
        /// Their numbers count as seen, and nobody hears of them yet.
        private mutating func skipEarly(now: Instant) {
            let frames = early.frames
            var reader = ByteReader(unsafe frames.span.bytes)
            while reader.remaining > 0, let frame = Self.message(&reader) {
                _ = reassembler.receive(frame, now: now)
            }
        }

        mutating func tellEarlyLate(now: Instant, into events: inout SessionEvents) {
            guard PlantedBug.earlyOvertaken.isActive, !early.isEmpty, isConfirmed else { return }
            let frames = early.frames
            early = EarlyMessages()
            var reader = ByteReader(unsafe frames.span.bytes)
            while reader.remaining > 0, let frame = Self.message(&reader) {
                deliver(frame.bytes, frame.name, now: now, into: &events)
            }
        }

        @_lifetime(copy reader)
        private static func message(_ reader: inout ByteReader) -> MessageFragment? {
            do {
                guard case .message(let fragment) = try Frame(&reader) else { return nil }
                return fragment
            } catch { return nil }
        }
    #endif
}

extension SendQueue {
    /// The peer has the first durable messages already: numbers and credit go on behind them.
    mutating func begin(after early: EarlyMessages) {
        let lane = Int(DeliveryClass.Kind.durable.rawValue) - 1
        nextNumber[lane] = UInt64(early.count)
        for number in 0..<UInt64(early.count) { _ = done[lane].insert(number) }
        creditUsed += UInt64(early.messageByteCount)
    }
}

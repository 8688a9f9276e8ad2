// Strangers: HELLOs are checked cheaply, wait, are opened and granted; first packets confirm.

public import PetrelBase
internal import PetrelCrypto
internal import PetrelMessaging
internal import PetrelServices
internal import PetrelTransport
internal import PetrelWire

extension ServerCore {
    /// The event loop woke up that much too late; from 20 ms on, HELLOs must show a cookie.
    public mutating func noteLag(_ lag: Interval, now: Instant) {
        admission.noteLag(lag, now: now)
    }

    /// Whether HELLOs must show a cookie now.
    public func isUnderLoad(now: Instant) -> Bool {
        admission.isUnderLoad(halfOpenCount: halfOpen.count, now: now)
    }

    /// Answers a copy of a HELLO; a new one waits until the sessions had their turn.
    mutating func receiveHello(_ datagram: RawSpan, from address: Address, now: Instant) {
        guard !isStopping, !hasFailed else {
            metrics.droppedHelloRefused += 1
            return
        }
        guard let tag = Hello.tag(of: datagram, mac: helloKey) else {
            metrics.droppedHelloUnproved += 1
            return
        }
        guard !repeatAnswer(to: tag, from: address, now: now) else {
            metrics.datagramsAccepted += 1
            return
        }
        switch admission.receive(
            datagram, tag: tag, from: address, halfOpenCount: halfOpen.count, hosts: hosts,
            now: now)
        {
        case .welcome: break
        case .cookieDemanded:
            var mac1 = InlineArray<16, UInt8>(repeating: 0)
            let bytes = Hello.mac1(of: datagram)
            for i in 0..<mac1.count {
                mac1[i] = bytes.unsafeLoad(fromByteOffset: i, as: UInt8.self)
            }
            admission.answer(.retry(mac1: mac1), to: address)
            metrics.droppedHelloUncookied += 1
        case .tooOften: metrics.droppedHelloTooOften += 1
        case .full: metrics.droppedHelloRefused += 1
        }
    }

    /// Sends the ACCEPT of a half-open session again; `false` if the HELLO is none of its.
    private mutating func repeatAnswer(
        to tag: HelloTag, from address: Address, now: Instant
    ) -> Bool {
        guard let handle = halfOpen.handle(of: tag) else { return false }
        halfOpen.extend(handle, until: now + configuration.halfOpenLifetime)
        admission.answer(.accept(halfOpen[handle].accept), to: address)
        metrics.hellosRepeated += 1
        return true
    }

    /// Opens a HELLO that waits, if this wakeup may; returns whether there was one.
    mutating func openNextHello(now: Instant) -> Bool {
        guard let waiting = admission.nextHello(now: now) else { return false }
        guard !repeatAnswer(to: waiting.tag, from: waiting.address, now: now) else {
            metrics.datagramsAccepted += 1
            return true
        }
        do throws(HelloRefusal) {
            try open(waiting, now: now)
            metrics.datagramsAccepted += 1
            metrics.hellosAccepted += 1
        } catch {
            switch error {
            case .unopened: metrics.droppedHelloUnopened += 1
            case .replayed: metrics.droppedHelloReplayed += 1
            case .noRoom: metrics.droppedHelloRefused += 1
            }
        }
        return true
    }

    /// Why a HELLO that waited is not answered.
    private enum HelloRefusal: Error {
        case unopened
        case replayed
        case noRoom
    }

    private mutating func open(_ waiting: WaitingHello, now: Instant) throws(HelloRefusal) {
        let hello: Hello
        do throws(DropReason) {
            hello = try Hello(opening: waiting.bytes.span.bytes, identity: identity)
        } catch { throw .unopened }
        let key = DeviceKey(hello.deviceKey)
        let counter = hello.counter
        guard isNew(counter, of: key) else { throw .replayed }
        guard makeRoomAwake(now: now) else { throw .noRoom }
        let id = newConnectionID()
        var accept = [UInt8](repeating: 0, count: WireLimits.helloByteCount)
        var span = accept.mutableSpan
        var room = span.mutableBytes
        let token = admission.resetKey.token(of: id)
        guard
            let accepted = hello.accept(
                connectionID: id, resetToken: ResetToken(exactly: token.bytes),
                from: waiting.address, configuration: configuration.session, now: now,
                into: &room)
        else { throw .unopened }
        accept.removeLast(accept.count - accepted.byteCount)
        if halfOpen.isFull, halfOpen.removeFirst(until: .distantFuture) {
            metrics.halfOpenEvicted += 1
        }
        let entry = HalfOpen(
            tag: waiting.tag, accept: accept, helloCounter: counter,
            session: accepted.takeUnconfirmed())
        guard halfOpen.insert(entry, until: now + configuration.halfOpenLifetime) else {
            throw .noRoom
        }
        admission.answer(.accept(accept), to: waiting.address)
        #if PETREL_PLANTED
            if PlantedBug.earlyActedUpon.isActive { actEarly(id) }
            if PlantedBug.actsUnconfirmed.isActive { actUnconfirmed(id, now: now) }
        #endif
    }

    /// Whether the counter is higher than all that were accepted from that key.
    private mutating func isNew(_ counter: UInt64, of key: DeviceKey) -> Bool {
        guard counter > counters.counter(of: key) else { return false }
        do throws(StoreFailure) {
            guard let device = try store.device(key: key) else { return true }
            return counter > device.helloCounter
        } catch {
            noteFailure(error)
            return false
        }
    }
}

// MARK: First packets

extension ServerCore {
    /// Takes in a packet of a half-open session: if it opens, the session is whole and confirmed.
    mutating func receiveFirst(
        _ datagram: inout MutableRawSpan, of waiting: Handle, from address: Address, ecn: ECN,
        now: Instant, wall: WallTime
    ) {
        guard makeRoomAwake(now: now), admission.mayTryConfirmation(now: now) else {
            metrics.droppedBySession += 1
            return
        }
        let session = halfOpen[waiting].session.confirm(
            &datagram, from: address, ecn: ecn, configuration: configuration.session, now: now,
            into: &events)
        guard let session else {
            admission.noteFailedConfirmation()
            metrics.droppedBySession += 1
            return
        }
        guard let handle = keep(session, of: waiting) else {
            // What it said is nobody's, and must not be taken for what the next session says.
            events.removeAll()
            metrics.droppedBySession += 1
            return
        }
        metrics.datagramsAccepted += 1
        settle(handle, now: now, wall: wall)
    }

    /// Makes a half-open session a whole one, unless a newer one of the device became one before.
    ///
    /// Only now does its counter count: before, a thief of the server's key could have made the
    /// HELLO, and shut the device out with a counter that it will not reach for years.
    private mutating func keep(_ session: consuming Session, of waiting: Handle) -> Handle? {
        let id = session.connectionID
        let key = DeviceKey(session.peerKey)
        let counter = halfOpen[waiting].helloCounter
        guard isNew(counter, of: key) else {
            halfOpen.remove(waiting)
            return nil
        }
        counters.raise(key, to: counter)
        let state = SessionState(
            connectionID: id, key: key, helloCounter: counter,
            address: halfOpen[waiting].session.address)
        metrics.messagesEarly += UInt64(halfOpen[waiting].session.early.count)
        halfOpen.remove(waiting)
        guard let handle = sessions.insert(SessionRecord(session: session, state: state)) else {
            return nil
        }
        keyLog += sessions[handle].session.takeKeyLog()
        table.insert(id, handle)
        hosts.insert(Host(state.address))
        return handle
    }

    #if PETREL_PLANTED
        /// What the HELLO says is done, whoever may have said it.
        private mutating func actEarly(_ id: UInt64) {
            guard let waiting = halfOpen.handle(of: id) else { return }
            let key = DeviceKey(halfOpen[waiting].session.deviceKey)
            let frames = halfOpen[waiting].session.early.frames
            guard let device = try? store.device(key: key) else { return }
            let principal = Principal(
                account: device.account, device: device.device, handle: "")
            var reader = ByteReader(frames.span.bytes)
            while reader.remaining > 0 {
                do {
                    guard case .message(let fragment) = try Frame(&reader) else { return }
                    let command = try Command(decoding: fragment.bytes)
                    guard case .send(let message) = command.kind else { continue }
                    let digest = Digest.blake2b256(message.identityBytes().span.bytes)
                    let admitted = try MessageService.admit(
                        message, from: principal, digest: InlineWords4(digest.bytes),
                        newConversation: ConversationID(random.next()),
                        wall: message.clientMessageID.time, store: store)
                    try submit(.appendMessage(admitted), .housekeeping)
                } catch { return }
            }
        }

        private mutating func actUnconfirmed(_ id: UInt64, now: Instant) {
            guard let waiting = halfOpen.handle(of: id), !sessions.isFull else { return }
            let session = halfOpen[waiting].session.session(
                configuration: configuration.session, now: now)
            guard let handle = keep(session, of: waiting) else { return }
            confirm(handle, now: now, wall: .init(milliseconds: 0))
            touch(handle)
        }
    #endif
}

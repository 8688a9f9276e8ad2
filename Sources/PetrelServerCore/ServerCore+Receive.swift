// A datagram comes in: it belongs to a session, asks for one, or is dropped with a count.

public import PetrelBase
internal import PetrelCrypto
internal import PetrelMessaging
internal import PetrelServices
internal import PetrelTransport
internal import PetrelWire

extension ServerCore {
    /// Takes a datagram in, which is decrypted in place.
    public mutating func receive(
        _ datagram: inout MutableRawSpan, from address: Address, now: Instant, wall: WallTime
    ) {
        metrics.datagramsReceived += 1
        metrics.bytesReceived += UInt64(datagram.byteCount)
        switch PacketForm(datagram.bytes, receivedBy: .server) {
        case .data(let id):
            guard let handle = table.handle(of: id.value) else {
                metrics.droppedUnknownSession += 1
                return
            }
            let drop = sessions[handle].session.receive(
                &datagram, from: address, now: now, into: &events)
            guard drop == nil else {
                metrics.droppedBySession += 1
                collectTrace(handle)
                return
            }
            metrics.datagramsAccepted += 1
            settle(handle, now: now, wall: wall)
        case .hello:
            if receiveHello(datagram.bytes, from: address, now: now) {
                metrics.datagramsAccepted += 1
            }
        case .accept, nil:
            metrics.droppedUnrecognised += 1
        }
    }

    /// Answers a HELLO if it is new or a copy of one that waits; otherwise there is silence.
    private mutating func receiveHello(
        _ datagram: RawSpan, from address: Address, now: Instant
    ) -> Bool {
        guard !isStopping, !hasFailed else {
            metrics.droppedHelloRefused += 1
            return false
        }
        guard let tag = Hello.tag(of: datagram, mac: helloKey) else {
            metrics.droppedHelloUnproved += 1
            return false
        }
        if let handle = halfOpen.handle(of: tag) {
            halfOpen.extend(handle, until: now + configuration.halfOpenLifetime)
            answer(handle, to: address)
            metrics.hellosRepeated += 1
            return true
        }
        let hello: Hello
        do throws(DropReason) {
            hello = try Hello(opening: datagram, identity: identity)
        } catch {
            metrics.droppedHelloUnopened += 1
            return false
        }
        let key = DeviceKey(hello.deviceKey)
        guard isNew(hello.counter, of: key) else {
            metrics.droppedHelloReplayed += 1
            return false
        }
        guard makeRoom() else {
            metrics.droppedHelloRefused += 1
            return false
        }
        return open(hello, tag: tag, key: key, from: address, now: now)
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

    /// Sees to it that one more half-open session fits; returns `false` if it cannot.
    private mutating func makeRoom() -> Bool {
        guard sessions.count - halfOpen.count < configuration.sessionsMax else { return false }
        if halfOpen.count >= configuration.halfOpenMax, let oldest = halfOpen.first {
            halfOpen.remove(oldest.handle)
            remove(oldest.handle)
            metrics.halfOpenEvicted += 1
        }
        return !sessions.isFull
    }

    private mutating func open(
        _ hello: consuming Hello, tag: HelloTag, key: DeviceKey, from address: Address,
        now: Instant
    ) -> Bool {
        let counter = hello.counter
        let id = newConnectionID()
        var accept = [UInt8](repeating: 0, count: WireLimits.helloByteCount)
        var span = accept.mutableSpan
        var room = span.mutableBytes
        guard
            let accepted = hello.accept(
                connectionID: id, from: address, configuration: configuration.session, now: now,
                into: &room)
        else {
            metrics.droppedHelloUnopened += 1
            return false
        }
        accept.removeLast(accept.count - accepted.byteCount)
        let state = SessionState(
            connectionID: id, key: key, helloCounter: counter, address: address)
        guard
            let handle = sessions.insert(
                SessionRecord(session: accepted.takeSession(), state: state))
        else {
            metrics.droppedHelloRefused += 1
            return false
        }
        keyLog += sessions[handle].session.takeKeyLog()
        table.insert(id, handle)
        counters.raise(key, to: counter)
        halfOpen.insert(
            HalfOpen(tag: tag, accept: accept, handle: handle),
            until: now + configuration.halfOpenLifetime)
        answer(handle, to: address)
        #if PETREL_PLANTED
            if PlantedBug.actsUnconfirmed.isActive {
                confirm(handle, now: now, wall: .init(milliseconds: 0))
            }
        #endif
        metrics.hellosAccepted += 1
        return true
    }

    /// Has the ACCEPT sent; when too many wait, the one that has waited longest is left out.
    private mutating func answer(_ handle: Handle, to address: Address) {
        if answers.isFull { _ = answers.popFirst() }
        _ = answers.append(HelloAnswer(handle: handle, destination: address))
    }
}

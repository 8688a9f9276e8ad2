// Bugs planted on purpose, to test the tests: compiled only with the setting `PETREL_PLANTED`.

#if PETREL_PLANTED
    /// A bug that the simulator must find; each is planted where its name is used.
    public enum PlantedBug: String, CaseIterable, Sendable {
        /// The sender is told its verdict before the message is on the disk.
        case verdictBeforeCommit
        /// What deduplication remembers does not survive a crash of the server.
        case deduplicationForgotten
        /// A refused message is stored all the same.
        case refusedButStored
        /// A failed disk goes unnoticed.
        case diskErrorIgnored
        /// Anybody may read any conversation.
        case memberCheckSkipped
        /// A message is pushed to all devices there are.
        case pushedToEverybody
        /// A newer session of a device does not take the place of the older one.
        case olderSessionKept
        /// The server does not say in answers to keepalives what a device has missed.
        case hintNotRaised
        /// Who was passed over by pushes is left to find out.
        case missedNotAnnounced
        /// Messages behind a refused one are taken in.
        case orderLostAfterRefusal
        /// Of several refused messages, a later one is waited for.
        case laterRefusalBlocks
        /// A session acts on its HELLO, before the client has shown that it lives.
        case actsUnconfirmed
        /// What a HELLO says is done before the client has shown that it lives.
        case earlyActedUpon
        /// What a HELLO said is heard behind what the first packet says.
        case earlyOvertaken
        /// Messages are numbered from 0, though the server has some from the HELLO.
        case earlyNumbersReused
        /// A stranger stays one, though its key was enrolled meanwhile.
        case strangerForEver
        /// A packet number counts as received before the packet is opened.
        case markedBeforeOpened
        /// The replay window lets the newest packet through twice.
        case windowOffByOne
        /// After a change of address, packet numbers are used twice.
        case numberReused
        /// An unproven address gets as much as a proven one.
        case amplificationUnlimited
        /// The sender is never told that it may send more.
        case creditNotAnnounced
        /// A fragment may have two contents.
        case fragmentsConflict
        /// A cookie is good for every port of its address.
        case cookieNotBoundToPort
        /// A cookie is good for ever.
        case cookieNeverExpires
        /// Under load no cookie is asked for.
        case cookieNotAsked
        /// Whatever looks like a RESET ends a client's session.
        case resetUnchecked
        /// Bytes of lost packets stay counted as in flight.
        case lostStaysInFlight
        /// The timer of an acknowledgement is not stopped when it was sent.
        case acknowledgementTimerSpins
        /// A message leaves the outbox when it is sent.
        case outboxForgets
        /// The cursor passes changes that the device does not have.
        case cursorPassesGap
        /// Holes are not asked for.
        case holesNotPulled
        /// A pause asked for by the server is measured on the calendar.
        case pauseByCalendar
        /// What the client's disk does not take is told and acknowledged as if it had.
        case clientDiskIgnored
        /// The handshake counter follows the calendar, wherever that goes.
        case counterFollowsCalendar
        /// Acknowledgements that may not have been stored are not repeated.
        case receiptsForgotten
        /// An acknowledgement that reached the server counts as stored, also after a restart.
        case arrivedTakenAsStored
        /// A refused acknowledgement is not repeated.
        case refusedReceiptLost
        /// A message that its session waits for is given up, because it was seen elsewhere.
        case awaitedGivenUp
        /// A message whose refusal is on its way is given up, because it was seen elsewhere.
        case refusalOnItsWay
        /// What is pushed before the welcome is taken in, for whomever.
        case pushBeforeWelcome
        /// Streams of ordered messages wait for each other.
        case streamsShareOrder
        /// Messages are sent though their deadline has passed.
        case expiredStillSent
        /// Nobody tells the peer of messages that were given up.
        case skipIgnored
        /// Background traffic goes before messages that people wait for.
        case bulkStarvesChat
        /// When the peer renews its key, the one before is forgotten at once.
        case oldKeyForgottenAtOnce
        /// Keys are renewed again before the peer has followed.
        case keyUpdatedTwice
        /// A connection ID is retired, and used all the same.
        case retiredIDStillUsed
        /// Every third repair of a lost message is left out.
        case repairLeftOut
        /// Every second packet that is overdue counts as repaired, and is not.
        case suspectsForgotten
        /// What makes up for a lost fragment is made of others.
        case parityOfOthers
        /// What was overdue while the peer was silent is not repaired when it proves lost.
        case silenceForgets
        /// A path that has come to carry less goes on to be sent large packets.
        case blackHoleUnseen
        /// What the peer counts of marks is believed, whatever it says.
        case marksUnchecked
        /// A session that slept has forgotten which packet numbers it received.
        case windowForgottenAsleep
        /// A session that slept uses a packet number again.
        case numberForgottenAsleep
        /// A session that slept has forgotten a message number.
        case messageForgottenAsleep
        /// A connection counts as proven: who sends a copied packet over one gets what he likes.
        case streamNotProven
        /// Where UDP is silent, nothing else is tried.
        case streamNotTried

        /// A copy of a datagram of a measurement draws its answers elsewhere.
        case probeReplayed
        /// Whatever answers a measurement proves that the NAT remembers.
        case probeUnproved

        /// Workers tell their sessions only what they had committed themselves.
        case newsStayWithWorker
        /// A packet that reached another worker than that of its session is dropped.
        case strayPacketDropped
        /// Other workers do not hear that a device has a newer session.
        case newerSessionNotAnnounced

        /// Who has left a group goes on to be told of it.
        case formerMemberTold
        /// Who has left a group goes on to speak there.
        case formerMemberSpeaks
        /// Strangers are taken into groups.
        case strangersTakenIn
        /// A dissolved group may be joined.
        case dissolvedJoined
        /// An owner who goes leaves the group to nobody.
        case ownerNotInherited
        /// Anybody may edit any message.
        case anothersEdited
        /// A message that was taken back leaves its edits behind.
        case recallKeepsEdits
        /// A client keeps what was taken back.
        case recalledKept
        /// A stranger may send one message more than strangers may.
        case strangerLimitOffByOne
        /// Blocking is not looked at.
        case blockUnchecked
        /// An account may have stored as much as it likes.
        case quotaIgnored
        /// The other is not told that a relation has changed again.
        case peerNotTold
        /// What a conversation is for an account alone is not told to its other devices.
        case settingsUntold
        /// The session of a device that was shut out goes on.
        case revokedSessionKept
        /// Other workers do not hear that a device was shut out.
        case revocationStaysWithWorker
        /// The session of a device that shut itself out falls asleep before it is closed.
        case shutOutSleeps
        /// What a device asks that was shut out is done.
        case revokedActs
        /// Of a burst in a large group only the first event is told.
        case burstUntold
        /// A pushed change moves the cursor over what the device does not know.
        case changePassesGap
        /// What comes late undoes what is newer.
        case olderItemTaken
        /// What a group's events change of it is not learnt.
        case groupChangeUnlearnt
        /// A hole goes on to be waited for where nothing is kept any more.
        case trimmedHoleAwaited
        /// The front that a server keeps no longer goes on to be waited for.
        case frontAwaited
        /// What was hidden stays on the disk.
        case hiddenKept
        /// What was hidden is shown.
        case hiddenShown
        /// A client tries without end to erase what its disk does not let go.
        case erasingSpins

        /// The bug of this process; set once, before anything else runs.
        public static func plant(_ bug: PlantedBug) { unsafe active = bug }

        /// Whether this is the bug of this process.
        public var isActive: Bool { unsafe Self.active == self }

        nonisolated(unsafe) private static var active: PlantedBug?
    }
#endif

"""Writes Protocol/vectors/noise-ik.json: Noise_IK handshakes made by two other implementations.

Run it in a virtual environment that has the PyPI packages dissononce and noiseprotocol:

    python3 Tools/vectors/noise_ik.py Protocol/vectors/noise-ik.json

Keys and payloads are fixed below, so that the output never changes. Each handshake is run by both
packages, which must agree on every byte. The form is the one in which Noise vectors are commonly
exchanged: hexadecimal, `messages` alternating from initiator to responder and back.
"""

import hashlib
import json
import sys

from dissononce.cipher.chachapoly import ChaChaPolyCipher
from dissononce.dh.x25519.private import PrivateKey
from dissononce.dh.x25519.x25519 import X25519DH
from dissononce.extras.dh.dangerous.dh_nogen import NoGenDH
from dissononce.hash.sha256 import SHA256Hash
from dissononce.processing.handshakepatterns.interactive.IK import IKHandshakePattern
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.handshakestate import HandshakeState
from dissononce.processing.impl.symmetricstate import SymmetricState
from noise.connection import Keypair, NoiseConnection

PROTOCOL = "Noise_IK_25519_ChaChaPoly_SHA256"


def secret(name):
    """A fixed secret that a reader can reproduce: SHA-256 of a name."""
    return hashlib.sha256(b"petrel noise vector " + name.encode()).digest()


def filler(count):
    return bytes((7 * i + 3) % 256 for i in range(count))


CASES = [
    # prologue, payloads of the handshake, payloads after it
    (b"", [b"", b""], []),
    (b"", [b"", b""], [b"", b"ping", b"pong", filler(200)]),
    (b"petrel\x00\x01server", [b"", b""], [b"one", b"two"]),
    (b"petrel\x00\x01server", [b"first words", b"and the answer"], [b"", b"a", b"bc", b"def"]),
    (b"", [filler(1000), filler(1100)], [filler(1), filler(15), filler(16), filler(17)]),
    (filler(300), [filler(64), b""], [filler(63), filler(64), filler(65), filler(1200)]),
]


def keys(index):
    return {
        name: secret(f"{index} {name}")
        for name in ("init_static", "init_ephemeral", "resp_static", "resp_ephemeral")
    }


def run_noiseprotocol(prologue, handshake, transport, key):
    sides = []
    for role in ("init", "resp"):
        side = NoiseConnection.from_name(PROTOCOL.encode())
        side.set_prologue(prologue)
        side.set_keypair_from_private_bytes(Keypair.STATIC, key[role + "_static"])
        side.set_keypair_from_private_bytes(Keypair.EPHEMERAL, key[role + "_ephemeral"])
        sides.append(side)
    initiator, responder = sides
    initiator.set_as_initiator()
    responder.set_as_responder()
    initiator.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, public(key["resp_static"]))
    initiator.start_handshake()
    responder.start_handshake()
    sealed = []
    for index, payload in enumerate(handshake):
        writer, reader = (sides[0], sides[1]) if index % 2 == 0 else (sides[1], sides[0])
        message = bytes(writer.write_message(payload))
        assert bytes(reader.read_message(message)) == payload
        sealed.append(message)
    assert initiator.handshake_finished and responder.handshake_finished
    for index, payload in enumerate(transport):
        writer, reader = (sides[0], sides[1]) if index % 2 == 0 else (sides[1], sides[0])
        message = bytes(writer.encrypt(payload))
        assert bytes(reader.decrypt(message)) == payload
        sealed.append(message)
    return bytes(initiator.get_handshake_hash()), sealed


def run_dissononce(prologue, handshake, transport, key):
    dh = X25519DH()

    def side(role):
        state = SymmetricState(CipherState(ChaChaPolyCipher()), SHA256Hash())
        return HandshakeState(state, NoGenDH(dh, PrivateKey(key[role + "_ephemeral"])))

    initiator, responder = side("init"), side("resp")
    init_static = dh.generate_keypair(PrivateKey(key["init_static"]))
    resp_static = dh.generate_keypair(PrivateKey(key["resp_static"]))
    initiator.initialize(
        IKHandshakePattern(), True, prologue, s=init_static, rs=resp_static.public)
    responder.initialize(IKHandshakePattern(), False, prologue, s=resp_static)
    first, second, opened = bytearray(), bytearray(), bytearray()
    initiator.write_message(handshake[0], first)
    responder.read_message(bytes(first), opened)
    assert bytes(opened) == handshake[0]
    resp_states = responder.write_message(handshake[1], second)
    opened = bytearray()
    init_states = initiator.read_message(bytes(second), opened)
    assert bytes(opened) == handshake[1]
    sealed = [bytes(first), bytes(second)]
    for index, payload in enumerate(transport):
        way = index % 2
        writer, reader = (init_states, resp_states) if way == 0 else (resp_states, init_states)
        message = bytes(writer[way].encrypt_with_ad(b"", payload))
        assert bytes(reader[way].decrypt_with_ad(b"", message)) == payload
        sealed.append(message)
    return sealed


def public(secret_bytes):
    return bytes(X25519DH().generate_keypair(PrivateKey(secret_bytes)).public.data)


def vector(index, prologue, handshake, transport):
    key = keys(index)
    handshake_hash, sealed = run_noiseprotocol(prologue, handshake, transport, key)
    assert sealed == run_dissononce(prologue, handshake, transport, key), "packages disagree"
    payloads = handshake + transport
    return {
        "protocol_name": PROTOCOL,
        "init_prologue": prologue.hex(),
        "init_static": key["init_static"].hex(),
        "init_ephemeral": key["init_ephemeral"].hex(),
        "init_remote_static": public(key["resp_static"]).hex(),
        "resp_prologue": prologue.hex(),
        "resp_static": key["resp_static"].hex(),
        "resp_ephemeral": key["resp_ephemeral"].hex(),
        "handshake_hash": handshake_hash.hex(),
        "messages": [
            {"payload": payload.hex(), "ciphertext": message.hex()}
            for payload, message in zip(payloads, sealed)
        ],
    }


def main():
    vectors = [vector(index, *case) for index, case in enumerate(CASES)]
    with open(sys.argv[1], "w") as file:
        json.dump({"vectors": vectors}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()

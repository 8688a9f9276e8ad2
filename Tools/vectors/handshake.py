"""Writes Protocol/vectors/handshake.json: whole HELLO and ACCEPT datagrams with all their keys.

Run it in a virtual environment that has the PyPI packages cryptography, dissononce and
noiseprotocol:

    python3 Tools/vectors/handshake.py Protocol/vectors/handshake.json

It is written from Protocol/transport.md, sections 4 and 6, with a Noise_IK of its own over the
primitives of cryptography; dissononce must agree with it. It shares nothing with the Swift sources.
All fields are hexadecimal, except the name, and except the transport parameters, which are decimal.
Secrets are fixed, so that the output never changes.
"""

import hashlib
import hmac
import json
import struct
import sys

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from frames import varint
from noise_ik import run_dissononce
from packets import protect

NAME = b"Noise_IK_25519_ChaChaPoly_SHA256"
VERSION = struct.pack(">I", 1)


def secret(name):
    """A fixed secret that a reader can reproduce: SHA-256 of a name."""
    return hashlib.sha256(b"petrel handshake vector " + name.encode()).digest()


def public(key):
    return X25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()


def agree(key, peer):
    own = X25519PrivateKey.from_private_bytes(key)
    return own.exchange(X25519PublicKey.from_public_bytes(peer))


def hkdf2(chaining_key, data):
    concentrated = hmac.digest(chaining_key, data, "sha256")
    first = hmac.digest(concentrated, b"\x01", "sha256")
    return first, hmac.digest(concentrated, first + b"\x02", "sha256")


class Symmetric:
    """Noise rev 34, section 5.2; one encryption under each key, hence always nonce 0."""

    def __init__(self, prologue, responder):
        self.hash = self.chaining_key = NAME  # 32 bytes: neither padded nor hashed
        self.key = None
        self.mix_hash(prologue)
        self.mix_hash(responder)

    def mix_hash(self, data):
        self.hash = hashlib.sha256(self.hash + data).digest()

    def mix_key(self, data):
        self.chaining_key, self.key = hkdf2(self.chaining_key, data)

    def encrypt(self, plain):
        sealed = ChaCha20Poly1305(self.key).encrypt(bytes(12), plain, self.hash)
        self.mix_hash(sealed)
        return sealed


def noise_ik(prologue, client, client_e, server, server_e, first_payload, second_payload):
    state = Symmetric(prologue, public(server))
    state.mix_hash(public(client_e))
    first = public(client_e)
    state.mix_key(agree(client_e, public(server)))  # es
    first += state.encrypt(public(client))  # s
    state.mix_key(agree(client, public(server)))  # ss
    first += state.encrypt(first_payload)
    state.mix_hash(public(server_e))
    second = public(server_e)
    state.mix_key(agree(server_e, public(client_e)))  # ee
    state.mix_key(agree(server_e, public(client)))  # se
    second += state.encrypt(second_payload)
    to_server, to_client = hkdf2(state.chaining_key, b"")
    return first, second, to_server, to_client, state.hash


def parameters(values):
    """Pairs of identifier and value; a value given as bytes stands as it is."""
    out = bytes([len(values)])
    for identifier, value in values:
        data = value if isinstance(value, bytes) else varint(value)
        out += varint(identifier) + varint(len(data)) + data
    return out


DEFAULTS = [(1, 25), (2, 196608), (3, 180000)]
CASES = [
    # name, counter, client's ID, server's ID, parameters of the client, of the server
    ("usual", 1, "c11e0001", "0001a1b2c3d4e5f6",
     [(1, 10), (2, 196608), (3, 180000)], [(1, 10), (2, 196608), (3, 180000)]),
    ("no parameters: the defaults", 1764000000000, "00000000", "0000000000000001", [], []),
    ("an unknown parameter, a reset token, and bounds", (1 << 64) - 1, "ffffffff", "ff01ffffffffffff",
     [(1, 1000), (15, b"skipped"), (2, 1 << 30), (3, 86400000)], [(3, 5000), (1, 0), (8, bytes(range(16))), (2, 0)]),
    ("messages in the HELLO, which fit into 256 bytes", 2, "c11e0001", "0001a1b2c3d4e5f6",
     [(1, 10)], [(1, 10), (9, 2)], [b"early", b""]),
    ("messages in the HELLO, as many as there may be", 3, "c11e0001", "0001a1b2c3d4e5f6",
     [], [(9, 3)], [b"first", bytes(range(200)), bytes(384 - 9 - 205 - 5)]),
]


def message_frames(messages):
    """MSG frames of the durable class, numbered from 0."""
    out = b""
    for number, message in enumerate(messages):
        out += b"\x10\x02" + varint(number) + varint(len(message)) + message
    return out


def shown(values):
    """What the list means: defaults where it says nothing, unknown ones left out."""
    meaning = dict(DEFAULTS) | {key: value for key, value in values if key <= 3}
    names = {1: "ack_delay_max_ms", 2: "initial_credit", 3: "idle_timeout_ms"}
    return {names[key]: str(meaning[key]) for key in sorted(names)}


def first_packet(traffic_secret, server_id):
    """A KEEPALIVE of 20 s as the client's packet 0, padded to the 40 bytes that are the least."""
    payload = (b"\x04\x14").ljust(40 - 16 - 8 - 1 - 1, b"\0")
    stages = protect(traffic_secret, server_id, 0, 1, 0, 0, payload)
    return payload, bytes.fromhex(stages["datagram"])


def vector(index, name, counter, client_id, server_id, client_values, server_values, early=()):
    key = {
        role: secret(f"{index} {role}") for role in ("device", "client_e", "server", "server_e")
    }
    client_id, server_id = bytes.fromhex(client_id), bytes.fromhex(server_id)
    prologue = b"petrel" + VERSION + public(key["server"])
    hello_payload = struct.pack(">Q", counter) + client_id + parameters(client_values)
    frames = message_frames(early)
    assert len(frames) <= 384
    hello_payload = (hello_payload + frames).ljust(123, b"\0")
    accept_payload = server_id + parameters(server_values)
    first, second, to_server, to_client, handshake_hash = noise_ik(
        prologue, key["device"], key["client_e"], key["server"], key["server_e"], hello_payload,
        accept_payload)
    known = {"init_static": key["device"], "init_ephemeral": key["client_e"],
             "resp_static": key["server"], "resp_ephemeral": key["server_e"]}
    assert [first, second] == run_dissononce(prologue, [hello_payload, accept_payload], [], known)
    hello = b"\xc4" + VERSION + first + bytes(16)
    mac1_key = hashlib.blake2b(b"petrel mac1" + public(key["server"]), digest_size=32).digest()
    mac1 = hashlib.blake2b(hello, key=mac1_key, digest_size=16).digest()
    hello += mac1
    accept = b"\xc8" + VERSION + client_id + second
    assert len(hello) == max(256, 133 + len(hello_payload)) and len(accept) <= 256
    payload, datagram = first_packet(to_server, server_id)
    return {
        "name": name,
        "server_secret": key["server"].hex(),
        "server_public": public(key["server"]).hex(),
        "device_secret": key["device"].hex(),
        "device_public": public(key["device"]).hex(),
        "client_ephemeral_secret": key["client_e"].hex(),
        "server_ephemeral_secret": key["server_e"].hex(),
        "counter": f"{counter:016x}",
        "client_connection_id": client_id.hex(),
        "server_connection_id": server_id.hex(),
        "client_parameters": shown(client_values),
        "server_parameters": shown(server_values),
        "early_messages": [message.hex() for message in early],
        "prologue": prologue.hex(),
        "hello_payload": hello_payload.hex(),
        "mac1_key": mac1_key.hex(),
        "mac1": mac1.hex(),
        "hello": hello.hex(),
        "accept_payload": accept_payload.hex(),
        "accept": accept.hex(),
        "handshake_hash": handshake_hash.hex(),
        "client_traffic_secret": to_server.hex(),
        "server_traffic_secret": to_client.hex(),
        "first_packet_payload": payload.hex(),
        "first_packet": datagram.hex(),
    }


def main():
    vectors = [vector(index, *case) for index, case in enumerate(CASES)]
    with open(sys.argv[1], "w") as file:
        json.dump({"handshakes": vectors}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()

"""Writes Protocol/vectors/packets.json: data packets sealed by a second implementation.

Run it in a virtual environment that has the PyPI package cryptography:

    python3 Tools/vectors/packets.py Protocol/vectors/packets.json

It shares nothing with the Swift sources: keys come from HKDF, payloads are sealed by
ChaCha20-Poly1305 with the header as associated data, and headers are hidden as RFC 9001, section
5.4.4, says. Everything in the file is hexadecimal except counts and numbers. Secrets are fixed, so
that the output never changes.
"""

import hashlib
import json
import struct
import sys

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand


def secret(name):
    """A fixed secret that a reader can reproduce: SHA-256 of a name."""
    return hashlib.sha256(b"petrel packet vector " + name.encode()).digest()


def filler(count):
    return bytes((11 * i + 5) % 256 for i in range(count))


def derive(traffic_secret, label):
    return HKDFExpand(algorithm=SHA256(), length=32, info=label).derive(traffic_secret)


def header_mask(key, sample):
    # The 16 byte nonce of this package is the counter, little endian, and then the nonce proper,
    # which is the order in which the sample holds them.
    return Cipher(ChaCha20(key, sample), mode=None).encryptor().update(bytes(5))


def protect(
    traffic_secret, dcid, key_phase, pn_length, path_id, packet_number, payload, header_secret=None
):
    """The stages of one packet, from the clear header to the datagram."""
    key = derive(traffic_secret, b"petrel key")
    header_key = derive(header_secret or traffic_secret, b"petrel hp")
    first = 0b0100_0000 | key_phase << 4 | (pn_length - 1) << 2
    truncated = (packet_number % 256**pn_length).to_bytes(pn_length, "big")
    header = bytes([first]) + dcid + truncated
    nonce = struct.pack(">IQ", path_id, packet_number)
    sealed = header + ChaCha20Poly1305(key).encrypt(nonce, payload, header)
    pn_offset = 1 + len(dcid)
    sample = sealed[pn_offset + 4 : pn_offset + 20]
    assert len(sample) == 16, "payload too short to sample"
    mask = header_mask(header_key, sample)
    datagram = bytearray(sealed)
    datagram[0] ^= mask[0] & 0x3F
    for index in range(pn_length):
        datagram[pn_offset + index] ^= mask[1 + index]
    return {
        "key": key.hex(),
        "header_key": header_key.hex(),
        "header": header.hex(),
        "nonce": nonce.hex(),
        "sealed": sealed.hex(),
        "sample": sample.hex(),
        "mask": mask.hex(),
        "datagram": bytes(datagram).hex(),
    }


TO_SERVER = bytes.fromhex("0301a1b2c3d4e5f6")
TO_CLIENT = bytes.fromhex("c1d2e3f4")

CASES = [
    # name, direction, key phase, bytes of number, path, packet number, payload
    ("first packet to the server", "server", 0, 1, 0, 0, filler(20)),
    ("first packet to the client", "client", 0, 1, 0, 0, filler(20)),
    ("number in 2 bytes", "server", 0, 2, 0, 0x1234, filler(3)),
    ("number in 3 bytes", "client", 0, 3, 0, 0xABCDEF, filler(64)),
    ("number in 4 bytes", "server", 0, 4, 0, 0x89ABCDEF, filler(200)),
    ("number cut to 1 byte", "client", 0, 1, 0, 0x1FF, filler(33)),
    ("number cut to 4 bytes", "server", 0, 4, 0, 0x1122334455667788, filler(16)),
    ("least payload that can be sampled", "server", 0, 1, 0, 7, filler(3)),
    ("no payload, number in 4 bytes", "client", 0, 4, 0, 7, b""),
    ("next key phase to the server", "server", 1, 2, 0, 100_000, filler(100)),
    ("next key phase to the client", "client", 1, 2, 0, 100_001, filler(100)),
    ("key phase 3", "client", 3, 2, 0, 300_000, filler(15)),
    ("another path", "server", 0, 2, 1, 0x1234, filler(3)),
    ("all bits of the path", "client", 1, 3, 0xFEDCBA98, 42, filler(17)),
    ("1200 bytes of payload to the server", "server", 0, 2, 0, 513, filler(1200)),
    ("1200 bytes of payload to the client", "client", 1, 4, 0, 70_000, filler(1200)),
]


def vector(name, direction, key_phase, pn_length, path_id, packet_number, payload):
    traffic_secret = secret(f"{direction} phase {key_phase}")
    dcid = TO_SERVER if direction == "server" else TO_CLIENT
    return {
        "name": name,
        "towards": direction,
        "secret": traffic_secret.hex(),
        "destination_id": dcid.hex(),
        "key_phase": key_phase,
        "packet_number_length": pn_length,
        "path_id": path_id,
        "packet_number": f"{packet_number:016x}",
        "payload": payload.hex(),
    } | protect(traffic_secret, dcid, key_phase, pn_length, path_id, packet_number, payload)


def update(direction, count):
    """The secrets and payload keys of the generations that follow from one secret."""
    traffic_secret = secret(f"{direction} phase 0")
    generations = []
    for _ in range(count):
        generations.append(
            {"secret": traffic_secret.hex(), "key": derive(traffic_secret, b"petrel key").hex()})
        traffic_secret = derive(traffic_secret, b"petrel update")
    return {"towards": direction, "generations": generations}


def renewed(name, generation, packet_number, payload):
    """A packet to the server under a later generation, whose header has the key of the first."""
    traffic_secret = secret("server phase 0")
    header_secret = traffic_secret
    for _ in range(generation):
        traffic_secret = derive(traffic_secret, b"petrel update")
    made = protect(
        traffic_secret, TO_SERVER, generation % 4, 3, 0, packet_number, payload, header_secret)
    return {
        "name": name, "secret": header_secret.hex(), "generation": generation,
        "packet_number": f"{packet_number:016x}", "payload": payload.hex(),
        "header": made["header"], "datagram": made["datagram"],
    }


def check_header_mask():
    """The mask of RFC 9001, appendix A.5, so that a mistake here is not taken for the truth."""
    key = bytes.fromhex("25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4")
    sample = bytes.fromhex("5e5cd55c41f69080575d7999c25a5bfb")
    assert header_mask(key, sample).hex() == "aefefe7d03"


def main():
    check_header_mask()
    with open(sys.argv[1], "w") as file:
        content = {
            "packets": [vector(*case) for case in CASES],
            "updates": [update("server", 6), update("client", 3)],
            "renewed": [
                renewed("generation 0", 0, 99_999, filler(20)),
                renewed("generation 1", 1, 100_000, filler(21)),
                renewed("generation 2", 2, 200_000, filler(22)),
                renewed("generation 3", 3, 300_000, filler(23)),
                renewed("generation 4 has the bits of generation 0", 4, 400_000, filler(24)),
            ],
        }
        json.dump(content, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()

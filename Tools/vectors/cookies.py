"""Writes Protocol/vectors/cookies.json: RETRY, HELLO with a cookie, and RESET.

Run it in a virtual environment that has the PyPI packages cryptography, dissononce and
noiseprotocol:

    python3 Tools/vectors/cookies.py Protocol/vectors/cookies.json

It is written from Protocol/transport.md, sections 4.2, 4.7 and 9.4. XChaCha20-Poly1305 is made of an
HChaCha20 of its own (draft-irtf-cfrg-xchacha) and ChaCha20-Poly1305 of cryptography; SipHash-2-4 is
its own. It shares nothing with the Swift sources. All fields but names, ports and counts are
hexadecimal. Secrets are fixed, so that the output never changes.
"""

import hashlib
import json
import struct
import sys

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from handshake import CASES, VERSION, public, secret, vector

MASK32, MASK64 = (1 << 32) - 1, (1 << 64) - 1


def rotate(value, count, bits):
    return ((value << count) | (value >> (bits - count))) & ((1 << bits) - 1)


def hchacha20(key, nonce):
    """draft-irtf-cfrg-xchacha, section 2.2."""
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def quarter(a, b, c, d):
        for x, y, z, count in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & MASK32
            state[z] = rotate(state[z] ^ state[x], count, 32)

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<8I", *state[:4], *state[12:])


def xseal(key, nonce, plain, associated):
    inner = ChaCha20Poly1305(hchacha20(key, nonce[:16]))
    return inner.encrypt(bytes(4) + nonce[16:], plain, associated)


def siphash24(key, data):
    """Aumasson and Bernstein, 2012."""
    k0, k1 = struct.unpack("<2Q", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D,
         k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(count):
        for _ in range(count):
            for a, b, c, d, first, second in ((0, 1, 2, 3, 13, 16), (2, 1, 0, 3, 17, 21)):
                v[a] = (v[a] + v[b]) & MASK64
                v[b] = rotate(v[b], first, 64) ^ v[a]
                v[c] = (v[c] + v[d]) & MASK64
                v[d] = rotate(v[d], second, 64) ^ v[c]
                if a == 0:
                    v[0] = rotate(v[0], 32, 64)
                else:
                    v[2] = rotate(v[2], 32, 64)

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 255])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return struct.pack("<Q", v[0] ^ v[1] ^ v[2] ^ v[3])


def published():
    """What others have published about the primitives that are made here."""
    key = bytes(range(32))
    nonce = bytes.fromhex("000000090000004a0000000031415927")
    assert hchacha20(key, nonce).hex() == (
        "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc")
    assert siphash24(bytes(range(16)), bytes(range(15))) == struct.pack("<Q", 0xA129CA6149BE45E5)


def blake(data, size, key=b""):
    return hashlib.blake2b(data, digest_size=size, key=key).digest()


def retry(index, name, address, port):
    made = vector(0, *CASES[0])
    server = bytes.fromhex(made["server_public"])
    hello = bytes.fromhex(made["hello"])
    cookie_secret = secret(f"cookie {index}")
    nonce = secret(f"nonce {index}")[:24]
    cookie = blake(address + struct.pack(">H", port), 16, cookie_secret)
    retry_key = blake(b"petrel retry" + server, 32)
    packet = b"\xcc" + VERSION + nonce + xseal(retry_key, nonce, cookie, hello[240:])
    mac2 = blake(hello[:224], 16, cookie)
    mac1_key = blake(b"petrel mac1" + server, 32)
    again = hello[:224] + mac2
    again += blake(again, 16, mac1_key)
    assert len(packet) == 61 and len(again) == 256
    return {
        "name": name,
        "server_secret": made["server_secret"],
        "server_public": server.hex(),
        "hello": hello.hex(),
        "address": address.hex(),
        "port": port,
        "cookie_secret": cookie_secret.hex(),
        "cookie": cookie.hex(),
        "retry_key": retry_key.hex(),
        "nonce": nonce.hex(),
        "retry": packet.hex(),
        "mac2": mac2.hex(),
        "hello_with_cookie": again.hex(),
    }


def reset(index, name, first_six, padding):
    server = secret(f"reset server {index}")
    mark = siphash24(blake(b"petrel mark", 32, server)[:16], first_six)[:2]
    connection_id = first_six + mark
    token = blake(connection_id, 16, blake(b"petrel reset", 32, server))
    head = bytearray(secret(f"reset padding {index}")[:padding])
    head[0] = 0x40 | head[0] & 0x3F
    return {
        "name": name,
        "server_secret": server.hex(),
        "server_public": public(server).hex(),
        "connection_id": connection_id.hex(),
        "token": token.hex(),
        "reset": (bytes(head) + token).hex(),
    }


def main():
    published()
    retries = [
        retry(0, "IPv4", bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 1]), 40000),
        retry(1, "the same address, another port",
              bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 1]), 40001),
        retry(2, "IPv6", bytes.fromhex("20010db8000000000000000000000001"), 7700),
    ]
    resets = [
        reset(0, "shortest", bytes.fromhex("0001a1b2c3d4"), 16),
        reset(1, "longest", bytes.fromhex("ff0100000000"), 23),
    ]
    with open(sys.argv[1], "w") as file:
        json.dump({"retries": retries, "resets": resets}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()

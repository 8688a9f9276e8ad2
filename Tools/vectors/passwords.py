"""Writes Protocol/vectors/passwords.json: password records made by a second implementation.

Run it in a virtual environment that has the PyPI package cryptography:

    python3 Tools/vectors/passwords.py Protocol/vectors/passwords.json

A record is the version 1 (1 byte), the memory in KiB and the passes (4 bytes each, big endian), the
salt (16 bytes) and Argon2id, one lane, 32 bytes, of BLAKE2b-256 of the password keyed with the
pepper.
"""

import hashlib
import json
import struct
import sys

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

CASES = [
    # password, memory in KiB, passes
    ("correct horse battery staple", 8, 1),
    ("", 8, 1),
    ("pässwörd 密码", 64, 2),
    ("x" * 1000, 256, 3),
]


def record(password, pepper, salt, memory_kib, passes):
    keyed = hashlib.blake2b(password, key=pepper, digest_size=32).digest()
    argon = Argon2id(salt=salt, length=32, iterations=passes, lanes=1, memory_cost=memory_kib)
    return struct.pack(">BII", 1, memory_kib, passes) + salt + argon.derive(keyed)


def vector(index, password, memory_kib, passes):
    pepper = hashlib.sha256(f"petrel pepper {index}".encode()).digest()
    salt = hashlib.sha256(f"petrel salt {index}".encode()).digest()[:16]
    return {
        "password": password,
        "pepper": pepper.hex(),
        "record": record(password.encode(), pepper, salt, memory_kib, passes).hex(),
    }


def main():
    with open(sys.argv[1], "w") as file:
        json.dump({"passwords": [vector(i, *case) for i, case in enumerate(CASES)]}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()

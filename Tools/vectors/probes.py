"""Writes Protocol/vectors/probes.json: the datagrams with which a client measures its NAT.

It needs nothing but Python:

    python3 Tools/vectors/probes.py Protocol/vectors/probes.json

It is written from Protocol/transport.md, section 5.13, and shares nothing with the Swift sources.
Bytes are hexadecimal, tokens and values are decimal text.
"""

import json
import sys

MASK = (1 << 64) - 1
ID = bytes.fromhex("0301a1b2c3d4e5f6")


def u(value, count):
    return value.to_bytes(count, "big")


def probe(token, number, rest=bytes(14)):
    return b"\xd0" + ID + u(token, 8) + u(number, 1) + rest


def answer(value):
    return b"\xd4" + u(value, 8)


def measurement(name, token, number, proof):
    return {
        "name": name,
        "token": str(token),
        "number": str(number),
        "proof": str(proof),
        "connection_id": ID.hex(),
        "probe": probe(token, number).hex(),
        "at_once": answer((token + number) & MASK).hex(),
        "after_delay": answer(proof).hex(),
    }


MEASUREMENTS = [
    measurement("first", 0x0123456789ABCDEF, 1, 0xFEDCBA9876543210),
    measurement("sum beyond 64 bits", MASK, 2, 0),
    measurement("last number", 7, 255, MASK),
]

BAD = [
    ("probe, one byte short", "server", probe(7, 1)[:-1]),
    ("probe, one byte long", "server", probe(7, 1) + b"\x00"),
    ("probe with number 0", "server", probe(7, 0)),
    ("probe with something behind its number", "server", probe(7, 1, bytes(13) + b"\x01")),
    ("probe of another form", "server", b"\xd1" + probe(7, 1)[1:]),
    ("answer, one byte short", "client", answer(7)[:-1]),
    ("answer, one byte long", "client", answer(7) + b"\x00"),
    ("answer of another form", "client", b"\xd0" + answer(7)[1:]),
    ("nothing", "client", b""),
]


def main():
    bad = [{"name": name, "receiver": side, "hex": data.hex()} for name, side, data in BAD]
    with open(sys.argv[1], "w") as file:
        json.dump({"measurements": MEASUREMENTS, "bad": bad}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()

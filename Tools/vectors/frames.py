"""Writes Protocol/vectors/frames.json: every frame as bytes and as fields, and bytes to refuse.

It needs nothing but Python:

    python3 Tools/vectors/frames.py Protocol/vectors/frames.json

It is written from Protocol/transport.md, section 5, and shares nothing with the Swift sources. All
fields are text, so that no reader stumbles over large numbers: numbers are decimal, bytes are
hexadecimal, ranges are `first-last`, newest first. `canonical` says whether a sender may produce
these bytes; a receiver takes them either way.
"""

import json
import sys


def varint(value, size=None):
    """RFC 9000, section 16; `size` forces a longer form than needed."""
    fitting = [(1, 0), (2, 1), (4, 2), (8, 3)]
    for count, mark in fitting:
        if value < 1 << (8 * count - 2) and (size is None or size == count):
            return (value | mark << (8 * count - 2)).to_bytes(count, "big")
    raise ValueError(value)


def u(value, count):
    return value.to_bytes(count, "big")


def filler(count):
    return bytes((13 * i + 1) % 256 for i in range(count))


def ack(delay, ranges):
    """Ranges are (first, last), newest first; the delay is in units of 8 microseconds."""
    first, last = ranges[0]
    out = b"\x02" + varint(last) + varint(delay) + u(len(ranges), 1) + varint(last - first)
    for (previous_first, _), (first, last) in zip(ranges, ranges[1:]):
        out += varint(previous_first - last - 2) + varint(last - first)
    return out


def ack_ecn(delay, ranges, counts):
    """Counts are of ECT(0), ECT(1) and CE."""
    return b"\x0f" + ack(delay, ranges)[1:] + b"".join(varint(count) for count in counts)


def close(code, reason):
    return b"\x03" + varint(code) + u(len(reason), 1) + reason


def response(data, address, port):
    return b"\x07" + u(data, 8) + address + u(port, 2)


def msg(cls, number, body):
    return b"\x10" + u(cls, 1) + varint(number) + varint(len(body)) + body


def ordered(cls, number, stream, distance, body):
    name = u(cls, 1) + varint(number) + varint(stream) + varint(distance)
    return b"\x10" + name + varint(len(body)) + body


def skip(cls, number, charged, place=()):
    name = u(cls, 1) + varint(number) + b"".join(varint(part) for part in place)
    return b"\x13" + name + varint(charged)


def status(kind, number, outcome):
    return b"\x14" + u(kind, 1) + varint(number) + u(outcome, 1)


def bulk(transfer, total, index, count, body):
    return b"\x15" + varint(transfer) + varint(total) + varint(index) + u(count, 1) + body


def offer(cls, transfer, total):
    return b"\x16" + u(cls, 1) + varint(transfer) + varint(total)


def want(transfer, index):
    return b"\x17" + varint(transfer) + varint(index)


def stop(role, transfer, code):
    return b"\x18" + u(role, 1) + varint(transfer) + varint(code)


def fragment(cls, number, total, index, body):
    return b"\x11" + u(cls, 1) + varint(number) + varint(total) + u(index, 1) + body


def parity(cls, number, total, first, count, body, place=()):
    name = u(cls, 1) + varint(number) + b"".join(varint(part) for part in place)
    return b"\x19" + name + varint(total) + u(first, 1) + u(count, 1) + body


def ephemeral(key, version, body):
    return b"\x12" + varint(key) + varint(version) + varint(len(body)) + body


def probe(token, proof, delay):
    return b"\x0d" + u(token, 8) + u(proof, 8) + varint(delay)


MAX = (1 << 62) - 1
V4 = bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 7])
V6 = bytes.fromhex("20010db8000000000000000000000001")
MANY = [(4 * i + 1, 4 * i + 2) for i in reversed(range(64))]


def show_ranges(ranges):
    return " ".join(f"{first}-{last}" for first, last in ranges)


def ack_row(name, delay, ranges):
    fields = {"largest": ranges[0][1], "delay_us": delay * 8, "ranges": show_ranges(ranges)}
    return (name, "ACK", ack(delay, ranges), fields, True)


def ack_ecn_row(name, delay, ranges, counts):
    fields = {"largest": ranges[0][1], "delay_us": delay * 8, "ranges": show_ranges(ranges),
              "ecn": " ".join(map(str, counts))}
    return (name, "ACK_ECN", ack_ecn(delay, ranges, counts), fields, True)


def msg_row(name, cls, number, body):
    fields = {"class": cls, "number": number, "total": len(body), "index": 0, "bytes": body.hex()}
    return (name, "MSG", msg(cls, number, body), fields, True)


def fragment_row(name, cls, number, total, index):
    body = filler(min(1024, total - 1024 * index))
    fields = {"class": cls, "number": number, "total": total, "index": index, "bytes": body.hex()}
    return (name, "MSG_FRAG", fragment(cls, number, total, index, body), fields, True)


def ordered_row(name, cls, number, stream, distance, body):
    fields = {"class": cls, "number": number, "stream": stream, "distance": distance,
              "total": len(body), "index": 0, "bytes": body.hex()}
    return (name, "MSG", ordered(cls, number, stream, distance, body), fields, True)


def skip_row(name, cls, number, charged, place=()):
    fields = {"class": cls, "number": number, "charged": charged}
    fields.update(zip(("stream", "distance"), place))
    return (name, "MSG_SKIP", skip(cls, number, charged, place), fields, True)


def parity_row(name, cls, number, total, first, count, place=()):
    """The message is `filler`, of which fragment i has the bytes from 1024 * i on."""
    message, body = filler(total), bytearray(1024)
    for index in range(first, first + count):
        for i, byte in enumerate(message[1024 * index:1024 * (index + 1)]):
            body[i] ^= byte
    fields = {"class": cls, "number": number, "total": total, "first": first, "count": count,
              "bytes": body.hex()}
    fields.update(zip(("stream", "distance"), place))
    return (name, "PARITY", parity(cls, number, total, first, count, body, place), fields, True)


def bulk_row(name, transfer, total, index, count):
    body = filler(min(128 * count, total - 128 * index))
    fields = {"transfer": transfer, "total": total, "index": index, "count": count,
              "bytes": body.hex()}
    return (name, "BULK", bulk(transfer, total, index, count, body), fields, True)


def ephemeral_row(name, key, version, body):
    fields = {"key": key, "version": version, "bytes": body.hex()}
    return (name, "EPHEMERAL", ephemeral(key, version, body), fields, True)


GOOD = [
    # name, type, bytes, fields, canonical
    ("padding", "PADDING", b"\x00", {}, True),
    ("ping", "PING", b"\x01", {}, True),
    ("ping, type in 2 bytes", "PING", b"\x40\x01", {}, False),
    ack_row("ack of the first packet", 0, [(0, 0)]),
    ack_row("ack of a range, delay 1 ms", 125, [(10, 17)]),
    ack_row("ack of three ranges", 3, [(100, 120), (50, 97), (0, 48)]),
    ack_row("ack with the smallest gaps", 0, [(6, 6), (4, 4), (2, 2), (0, 0)]),
    ack_row("ack of the largest number", (1 << 24) - 1, [(MAX - 5, MAX)]),
    ack_row("ack with 64 ranges", 1, MANY),
    ack_ecn_row("ack with counts of marks", 3, [(100, 120), (50, 97)], (64, 0, 2)),
    ack_ecn_row("ack with counts, largest", 0, [(0, 0)], (MAX, MAX, MAX)),
    ("ack with counts in 8 bytes", "ACK_ECN",
     b"\x0f\x05\x00\x01\x00" + varint(1, 8) + varint(0, 8) + varint(0, 8),
     {"largest": 5, "delay_us": 0, "ranges": "5-5", "ecn": "1 0 0"}, False),
    ("ack delay in 8 bytes", "ACK", b"\x02" + varint(7) + varint(5, 8) + b"\x01" + varint(2),
     {"largest": 7, "delay_us": 40, "ranges": "5-7"}, False),
    ("ack delay above 24 bits counts as 2^24 - 1", "ACK",
     b"\x02" + varint(7) + varint(1 << 24) + b"\x01" + varint(0),
     {"largest": 7, "delay_us": ((1 << 24) - 1) * 8, "ranges": "7-7"}, False),
    ("close without reason", "CLOSE", close(0, b""), {"code": 0}, True),
    ("close with reason", "CLOSE", close(0x10, b"bad frame"), {"code": 16}, False),
    ("close with the longest reason", "CLOSE", close(0x2F, b"x" * 128), {"code": 47}, False),
    ("close with a code of a later version", "CLOSE", close(MAX, b""), {"code": MAX}, True),
    ("keepalive, 20 s", "KEEPALIVE", b"\x04\x14", {"interval_s": 20}, True),
    ("keepalive, 10 min", "KEEPALIVE", b"\x04" + varint(600), {"interval_s": 600}, True),
    ("keepalive above 16 bits counts as 2^16 - 1", "KEEPALIVE", b"\x04" + varint(1 << 16),
     {"interval_s": 65535}, False),
    ("keepalive answer", "KEEPALIVE_ANSWER", b"\x05" + varint(77), {"hint": 77}, True),
    ("keepalive answer, largest", "KEEPALIVE_ANSWER", b"\x05" + varint(MAX), {"hint": MAX}, True),
    ("ack policy, 60 ms", "ACK_POLICY", b"\x1a\x3c", {"patience_ms": 60}, True),
    ("ack policy, none", "ACK_POLICY", b"\x1a\x00", {"patience_ms": 0}, True),
    ("ack policy above 200 ms counts as 200", "ACK_POLICY", b"\x1a" + varint(201),
     {"patience_ms": 200}, False),
    ("path challenge", "PATH_CHALLENGE", b"\x06" + u(0x0123456789ABCDEF, 8),
     {"data": 0x0123456789ABCDEF}, True),
    ("path response, IPv4", "PATH_RESPONSE", response(1, V4, 4000),
     {"data": 1, "address": V4.hex(), "port": 4000}, True),
    ("path response, IPv6", "PATH_RESPONSE", response((1 << 64) - 1, V6, 65535),
     {"data": (1 << 64) - 1, "address": V6.hex(), "port": 65535}, True),
    ("credit", "CREDIT", b"\x08" + varint(196608), {"limit": 196608}, True),
    ("credit, largest", "CREDIT", b"\x08" + varint(MAX), {"limit": MAX}, True),
    ("blocked", "BLOCKED", b"\x09" + varint(196608), {"limit": 196608}, True),
    ("new ID from a client", "NEW_CID", b"\x0a\x01\x04" + bytes.fromhex("c1d2e3f4"),
     {"sequence": 1, "id": "c1d2e3f4"}, True),
    ("new ID from a server", "NEW_CID",
     b"\x0a" + varint(64) + b"\x08" + bytes.fromhex("0301a1b2c3d4e5f6") + bytes(range(16)),
     {"sequence": 64, "id": "0301a1b2c3d4e5f6", "reset_token": bytes(range(16)).hex()}, True),
    ("retirement of an ID", "RETIRE_CID", b"\x0b\x00", {"sequence": 0}, True),
    ("retirement, largest", "RETIRE_CID", b"\x0b" + varint(MAX), {"sequence": MAX}, True),
    ("go away, to the same address", "GOAWAY", b"\x0c" + varint(5000) + bytes(18),
     {"window_ms": 5000, "address": bytes(16).hex(), "port": 0}, True),
    ("go away, to another address", "GOAWAY", b"\x0c" + varint(0) + V4 + u(7701, 2),
     {"window_ms": 0, "address": V4.hex(), "port": 7701}, True),
    ("go away within more than an hour counts as an hour", "GOAWAY",
     b"\x0c" + varint(3600001) + V6 + u(7700, 2),
     {"window_ms": 3600000, "address": V6.hex(), "port": 7700}, False),
    ("probe, shortest delay", "NAT_PROBE", probe(0x0123456789ABCDEF, 0xFEDCBA9876543210, 1),
     {"token": 0x0123456789ABCDEF, "proof": 0xFEDCBA9876543210, "delay_s": 1}, True),
    ("probe, longest delay", "NAT_PROBE", probe((1 << 64) - 1, 0, 600),
     {"token": (1 << 64) - 1, "proof": 0, "delay_s": 600}, True),
    ("probe refused", "NAT_PROBE_ANSWER", b"\x0e" + u(7, 8) + b"\x00",
     {"token": 7, "verdict": 0}, True),
    ("probe granted", "NAT_PROBE_ANSWER", b"\x0e" + u((1 << 64) - 1, 8) + b"\x01",
     {"token": (1 << 64) - 1, "verdict": 1}, True),
    msg_row("reliable message", 1, 0, b"hello"),
    msg_row("durable message", 2, 300, b"petrel"),
    msg_row("empty message", 2, 1, b""),
    msg_row("longest message in one frame", 1, 5, filler(1024)),
    fragment_row("first fragment of the shortest", 2, 9, 1025, 0),
    fragment_row("last fragment of the shortest", 2, 9, 1025, 1),
    fragment_row("last fragment, full", 1, 70000, 2048, 1),
    fragment_row("last fragment of the longest", 2, 10, 65536, 63),
    ephemeral_row("ephemeral", 5, 1, b"typing"),
    ephemeral_row("ephemeral, empty", 0, 1, b""),
    ephemeral_row("ephemeral, longest", MAX, MAX, filler(1024)),
    msg_row("expiring message", 3, 4, b"ring"),
    msg_row("message of an operator's class, a variant of expiring", 8 + 3, 5, b"where"),
    msg_row("message of the last variant", 8 * 30 + 1, 6, b""),
    ordered_row("ordered message, first of its stream", 4, 0, 9, 0, b"edit"),
    ordered_row("ordered message behind the one before", 4, 600, 70000, 1, b"edit"),
    ordered_row("ordered message, longest distance", 8 + 4, 511, MAX, 511, b""),
    ("fragment of an ordered message", "MSG_FRAG",
     b"\x11\x04" + varint(7) + varint(3) + varint(2) + varint(1025) + b"\x01" + filler(1),
     {"class": 4, "number": 7, "stream": 3, "distance": 2, "total": 1025, "index": 1,
      "bytes": filler(1).hex()}, True),
    skip_row("skip of a message that was never begun", 3, 4, 0),
    skip_row("skip of the longest message", 2, MAX, 65536),
    skip_row("skip of an ordered message", 4, 600, 20, (9, 3)),
    ("status: skipped", "MSG_STATUS", status(3, 4, 0),
     {"kind": 3, "number": 4, "outcome": 0}, True),
    ("status: it was there", "MSG_STATUS", status(4, MAX, 1),
     {"kind": 4, "number": MAX, "outcome": 1}, True),
    bulk_row("first chunks", 1, 3000, 0, 9),
    bulk_row("last chunks", 1, 3000, 22, 2),
    bulk_row("last chunk, full", MAX, 1 << 40, (1 << 33) - 1, 1),
    bulk_row("only chunk, of one byte", 0, 1, 0, 1),
    bulk_row("chunks of a large packet", 1, 1 << 20, 70, 11),
    ("offer", "BULK_OFFER", offer(5, 1, 3000),
     {"class": 5, "transfer": 1, "total": 3000}, True),
    ("offer of the longest, of an operator's class", "BULK_OFFER", offer(16 + 5, MAX, 1 << 40),
     {"class": 21, "transfer": MAX, "total": 1 << 40}, True),
    ("want from the start", "BULK_WANT", want(1, 0), {"transfer": 1, "index": 0}, True),
    ("want, largest", "BULK_WANT", want(MAX, MAX), {"transfer": MAX, "index": MAX}, True),
    ("stop by the sender", "BULK_STOP", stop(0, 1, 0),
     {"role": 0, "transfer": 1, "code": 0}, True),
    ("stop by the receiver", "BULK_STOP", stop(1, MAX, MAX),
     {"role": 1, "transfer": MAX, "code": MAX}, True),
    parity_row("parity of a message of three fragments", 2, 9, 2500, 0, 3),
    parity_row("parity of two fragments", 1, MAX, 1025, 0, 2),
    parity_row("parity of the last eight of the longest", 8 + 3, 70000, 65536, 56, 8),
    parity_row("parity of an ordered message", 4, 600, 5000, 1, 4, (9, 3)),
    ("unknown, empty", "UNKNOWN", varint(0x41) + b"\x00", {}, False),
    ("unknown, 5 bytes", "UNKNOWN", varint(0x1003) + b"\x05" + filler(5), {}, False),
    ("unknown, largest type", "UNKNOWN", varint(MAX) + b"\x01\x00", {}, False),
]

T, M = "truncated", "malformed"
BAD = [
    ("no bytes", b"", T),
    ("type cut short", b"\x40", T),
    ("unassigned type", b"\x3e", M),
    ("unassigned type before 0x40", b"\x3f\x00", M),
    ("even type that no rule lets pass", varint(0x42) + b"\x00", M),
    ("unknown frame longer than the packet", varint(0x41) + b"\x02\x00", T),
    ("unknown frame without length", varint(0x41), T),
    ("ack without largest", b"\x02", T),
    ("ack without delay", b"\x02\x05", T),
    ("ack without count", b"\x02\x05\x00", T),
    ("ack with no range", b"\x02\x05\x00\x00", M),
    ("ack with 65 ranges", b"\x02\x40\xff\x00\x41" + b"\x00" * 129, M),
    ("ack without first range", b"\x02\x05\x00\x01", T),
    ("ack below zero", b"\x02\x05\x00\x01\x06", M),
    ("ack with a gap below zero", b"\x02\x05\x00\x02\x00\x04\x00", M),
    ("ack with a second range below zero", b"\x02\x05\x00\x02\x00\x01\x03", M),
    ("ack without second range", b"\x02\x05\x00\x02\x00\x01", T),
    ("ack with counts cut short", ack_ecn(0, [(5, 5)], (1, 0, 0))[:-1], T),
    ("ack with counts and no range", b"\x0f\x05\x00\x00\x00\x00\x00", M),
    ("close without length", b"\x03\x00", T),
    ("close with a reason of 129 bytes", close(0, b"x" * 129), M),
    ("close with the reason cut short", b"\x03\x00\x05abcd", T),
    ("keepalive without interval", b"\x04", T),
    ("keepalive answer without hint", b"\x05", T),
    ("ack policy without time", b"\x1a", T),
    ("ack policy cut short", b"\x1a\x40", T),
    ("path challenge cut short", b"\x06" + bytes(7), T),
    ("path response cut short", response(1, V4, 4000)[:-1], T),
    ("credit without limit", b"\x08", T),
    ("blocked cut short", b"\x09\x80\x00", T),
    ("new ID of 5 bytes", b"\x0a\x01\x05" + bytes(5), M),
    ("new ID cut short", b"\x0a\x01\x04" + bytes(3), T),
    ("new ID from a server without token", b"\x0a\x01\x08" + bytes(8), T),
    ("reset token cut short", b"\x0a\x01\x08" + bytes(23), T),
    ("retirement without sequence", b"\x0b", T),
    ("go away cut short", b"\x0c\x00" + bytes(17), T),
    ("probe without delay", probe(1, 2, 0), M),
    ("probe with a delay of more than 600 s", probe(1, 2, 601), M),
    ("probe cut short", probe(1, 2, 45)[:-1], T),
    ("probe answer with another verdict", b"\x0e" + u(7, 8) + b"\x02", M),
    ("probe answer cut short", b"\x0e" + u(7, 8), T),
    ("ephemeral class in a message", b"\x10\x00\x00\x00", M),
    ("bulk class in a message", b"\x10\x05\x00\x00", M),
    ("no kind in a message", b"\x10\x06\x00\x00", M),
    ("variant 31 in a message", b"\x10\xf9\x00\x00", M),
    ("ordered message with a distance beyond its number", ordered(4, 2, 0, 3, b""), M),
    ("ordered message with a distance beyond the window", ordered(4, 600, 0, 512, b""), M),
    ("ordered message without stream", b"\x10\x04\x05", T),
    ("ordered message without distance", b"\x10\x04\x05\x00", T),
    ("skip of an ephemeral value", skip(0, 1, 0), M),
    ("skip of a chunk", skip(5, 1, 0), M),
    ("skip of more bytes than a message has", skip(1, 1, 65537), M),
    ("skip cut short", skip(1, 1, 0)[:-1], T),
    ("status of an ephemeral value", status(0, 1, 0), M),
    ("status of a transfer", status(5, 1, 0), M),
    ("status of a variant", status(8 + 3, 1, 0), M),
    ("status with another outcome", status(1, 1, 2), M),
    ("status cut short", status(1, 1, 0)[:-1], T),
    ("chunk of an empty transfer", bulk(1, 0, 0, 1, b""), M),
    ("chunk of too long a transfer", bulk(1, (1 << 40) + 1, 0, 1, filler(128)), M),
    ("chunk beyond the last", bulk(1, 1024, 8, 1, b""), M),
    ("chunks that end beyond the last", bulk(1, 1024, 7, 2, filler(256)), M),
    ("no chunks", bulk(1, 1024, 0, 0, b""), M),
    ("chunk cut short", bulk(1, 1024, 0, 1, filler(127)), T),
    ("chunks cut short", bulk(1, 1024, 0, 8, filler(1023)), T),
    ("offer of another kind", offer(4, 1, 10), M),
    ("offer of nothing", offer(5, 1, 0), M),
    ("offer of too much", offer(5, 1, (1 << 40) + 1), M),
    ("offer cut short", offer(5, 1, 10)[:-1], T),
    ("want cut short", want(1, 5)[:-1], T),
    ("stop with an unknown role", stop(2, 1, 0), M),
    ("stop cut short", stop(1, 1, 5)[:-1], T),
    ("message of 1025 bytes in one frame", msg(1, 0, filler(1025)), M),
    ("message cut short", msg(1, 0, b"hello")[:-1], T),
    ("fragment of a message that fits one frame", fragment(1, 0, 1024, 0, filler(1024)), M),
    ("fragment of a message that is too long", fragment(1, 0, 65537, 0, filler(1024)), M),
    ("fragment beyond the last", fragment(1, 0, 1025, 2, b""), M),
    ("fragment of the ephemeral class", fragment(0, 0, 1025, 1, b"x"), M),
    ("fragment cut short", fragment(1, 0, 1025, 0, filler(1023)), T),
    ("parity of a message that fits one frame", parity(1, 0, 1024, 0, 2, bytes(1024)), M),
    ("parity of a message that is too long", parity(1, 0, 65537, 0, 2, bytes(1024)), M),
    ("parity of one fragment", parity(1, 0, 2500, 0, 1, bytes(1024)), M),
    ("parity of nine fragments", parity(1, 0, 10000, 0, 9, bytes(1024)), M),
    ("parity beyond the last fragment", parity(1, 0, 2500, 1, 3, bytes(1024)), M),
    ("parity of an ephemeral value", parity(0, 0, 2500, 0, 2, bytes(1024)), M),
    ("parity cut short", parity(1, 0, 2500, 0, 3, bytes(1023)), T),
    ("ephemeral of 1025 bytes", ephemeral(0, 1, filler(1025)), M),
    ("ephemeral cut short", ephemeral(0, 1, b"abc")[:-1], T),
]


def main():
    frames = [
        {
            "name": name,
            "type": kind,
            "hex": data.hex(),
            "canonical": canonical,
            "fields": {key: str(value) for key, value in fields.items()},
        }
        for name, kind, data, fields, canonical in GOOD
    ]
    bad = [{"name": name, "hex": data.hex(), "error": error} for name, data, error in BAD]
    with open(sys.argv[1], "w") as file:
        json.dump({"frames": frames, "bad": bad}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# Decides from what processes were told whether messages were lost, doubled, disordered or changed.
"""Checks a directory of journals and transcripts; shares no code with the server.

    DIRECTORY/members.json             [["alice", "bob"], ...]: who talks with whom
    DIRECTORY/journal/NAME-*.jsonl     what the processes of account NAME printed:
                                       petrel chat --json; also petrel recv --json
    DIRECTORY/transcript/NAME-*.jsonl  what a store of NAME holds at the end:
                                       petrel recv --from-start --own --json

Messages were written with `line(name, index)`, so that each says who wrote it and which place it
has in that writer's outbox. The verdict counts, and each must be zero:

    lost        queued or committed, and missing in a transcript of a member
    doubled     twice in one transcript, or shown twice by one process
    disordered  after a later message of the same writer
    gaps        places of a transcript that are not 1, 2, 3, ...
    displaced   told at one place and found at another, or two messages told at one place
    altered     not the text that was written, or never written by anybody
    undead      refused for good, and there all the same
"""

import argparse
import collections
import hashlib
import json
import pathlib
import sys

FAULTS = ("lost", "doubled", "disordered", "gaps", "displaced", "altered", "undead")
SHOWN_MAX = 20


def line(name, index):
    """The text of a writer's message `index`: short ones, long ones, all different."""
    digest = hashlib.sha256(f"{name} {index}".encode()).hexdigest()
    draw = int(digest[:4], 16)
    length = draw % 80
    if draw % 8 == 0:
        length = draw % 1_500
    if draw % 32 == 0:
        length = draw % 6_000
    return f"{name} {index} " + (digest * (length // len(digest) + 1))[:length]


class Checker:
    """Reads everything, then decides; nothing is trusted but what was printed."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.groups = json.loads((self.directory / "members.json").read_text())
        self.faults = collections.Counter()
        self.notes = []
        self.queued = collections.defaultdict(int)  # writer: highest index known to be queued
        self.failed = set()  # (writer, index)
        self.committed = {}  # (writer, index): place
        self.delivered = 0
        self.told = {}  # (conversation, place): (writer, index, time)
        self.transcripts = {}  # file: {conversation: [(writer, index)]}

    def fault(self, kind, text):
        self.faults[kind] += 1
        if len(self.notes) < SHOWN_MAX:
            self.notes.append(f"{kind}: {text}")

    def check(self):
        for path in self.files("journal"):
            self.read_journal(path)
        for path in self.files("transcript"):
            self.read_transcript(path)
        self.compare()
        return self

    def files(self, folder):
        return sorted((self.directory / folder).glob("*.jsonl"))

    def events(self, path):
        data = path.read_bytes()
        for number, text in enumerate(data.split(b"\n")[:-1], 1):  # a cut last line was never said
            try:
                yield number, json.loads(text)
            except ValueError:
                self.fault("altered", f"{path.name}:{number} is no JSON: {text[:60]!r}")

    def read_journal(self, path):
        name = path.name.rsplit("-", 1)[0]
        shown = {}
        for number, event in self.events(path):
            kind = event.get("event")
            if kind == "ready":
                self.queued[name] = max(self.queued[name], event["queued"])
            elif kind == "queued":
                self.queued[name] = max(self.queued[name], event["index"])
            elif kind == "delivery":
                self.read_delivery(name, event, f"{path.name}:{number}")
            elif kind == "message":
                place = self.read_message(event, f"{path.name}:{number}")
                last = shown.get(event["conversation"], 0)
                if place <= last:
                    self.fault("doubled", f"{path.name}:{number} shows place {place} after {last}")
                shown[event["conversation"]] = max(last, place)

    def read_delivery(self, name, event, where):
        key = (name, event["index"])
        if event["state"] == "failed":
            self.failed.add(key)
        if event["state"] in ("committed", "delivered"):
            place = event["place"]
            if self.committed.setdefault(key, place) != place:
                self.fault("displaced", f"{where} is at {place}, was at {self.committed[key]}")
            self.delivered += event["state"] == "delivered"

    def read_message(self, event, where):
        """Compares one shown message with all that was told of its place; returns the place."""
        text = event.get("text") or ""
        words = text.split(" ", 2)
        is_ours = len(words) == 3 and words[1].isdigit() and words[0] == event["from"]
        if not is_ours or text != line(words[0], int(words[1])):
            self.fault("altered", f"{where} was not written by anybody: {text[:40]!r}")
        key = (event["conversation"], event["place"])
        author = (words[0], int(words[1])) if is_ours else (event["from"], 0)
        said = author + (event["time_ms"],)
        if self.told.setdefault(key, said) != said:
            self.fault("displaced", f"{where} has {said} at {key}, there was {self.told[key]}")
        return event["place"]

    def read_transcript(self, path):
        conversations = collections.defaultdict(list)
        for number, event in self.events(path):
            where = f"{path.name}:{number}"
            place = self.read_message(event, where)
            entries = conversations[event["conversation"]]
            if place != len(entries) + 1:
                self.fault("gaps", f"{where} has place {place} instead of {len(entries) + 1}")
            entries.append(self.told[(event["conversation"], place)][:2])
        self.transcripts[path.name] = conversations

    def compare(self):
        places = {}  # (writer, index): place, by any transcript
        for file, conversations in self.transcripts.items():
            for entries in conversations.values():
                self.check_order(file, entries)
                for place, author in enumerate(entries, 1):
                    places.setdefault(author, place)
        for name in sorted(name for name, queued in self.queued.items() if queued):
            self.check_writer(name, places)
        for author, place in self.committed.items():
            if author in places and places[author] != place:
                self.fault("displaced", f"{author} was told {place}, is at {places[author]}")
        for author in places:
            if author[1] > self.queued.get(author[0], 0):
                self.fault("altered", f"{author} was never queued")

    def check_order(self, file, entries):
        last = {}
        seen = set()
        for place, (name, index) in enumerate(entries, 1):
            if (name, index) in seen:
                self.fault("doubled", f"{file} has {name} {index} again at {place}")
            elif index < last.get(name, 0):
                self.fault("disordered", f"{file} has {name} {index} after {last[name]}")
            seen.add((name, index))
            last[name] = max(index, last.get(name, 0))

    def check_writer(self, name, places):
        """Each message that was taken in must be in every transcript of the group's members."""
        members = next((group for group in self.groups if name in group), [name])
        for member in members:
            files = [file for file in self.transcripts if file.rsplit("-", 1)[0] == member]
            if not files:
                self.fault("lost", f"{member} has no transcript")
            for file in files:
                held = {
                    index
                    for entries in self.transcripts[file].values()
                    for author, index in entries
                    if author == name
                }
                for index in range(1, self.queued[name] + 1):
                    if index not in held and (name, index) not in self.failed:
                        self.fault("lost", f"{name} {index} is not in {file}")
        for author in self.failed:
            if author[0] == name and author in places:
                self.fault("undead", f"{name} {author[1]} was refused for good")

    def summary(self):
        counts = {kind: self.faults[kind] for kind in FAULTS}
        return {
            "ok": not any(counts.values()),
            "queued": sum(self.queued.values()),
            "committed": len(self.committed),
            "delivered": self.delivered,
            "refused": len(self.failed),
            "transcripts": len(self.transcripts),
            **counts,
        }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", help="holds the folders journal and transcript")
    parser.add_argument("--json", action="store_true", help="print one JSON line")
    options = parser.parse_args()
    if not (pathlib.Path(options.directory) / "members.json").is_file():
        parser.error(f"{options.directory} has no file named members.json")
    checker = Checker(options.directory).check()
    summary = checker.summary()
    if options.json:
        print(json.dumps({"rig": "checker", **summary, "notes": checker.notes}))
    else:
        for note in checker.notes:
            print(note)
        print(", ".join(f"{name} {value}" for name, value in summary.items()))
    sys.exit(0 if summary["ok"] else 1)


if __name__ == "__main__":
    main()

# What the rigs share: a directory, a server, people who chat, and the verdict at the end.
"""Starts petrel's processes, tells them what to say, and keeps what they print.

Every process prints into a file of its own, so that what it was told survives its death. Processes
are ended by their id, also when the rig is interrupted or its time is over.
"""

import argparse
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import checker
from people import Cast, Server, wait_until
from process import Child, Failure, Skipped

ROOT = pathlib.Path(__file__).resolve().parents[2]


def arguments(summary, **defaults):
    """The options that all rigs have; `defaults` gives those of one rig: name=(value, help)."""
    parser = argparse.ArgumentParser(description=summary)
    for name, (value, text) in defaults.items():
        flag = name if name == "count" else "--" + name.replace("_", "-")
        extra = {"nargs": "?"} if name == "count" else {}
        if isinstance(value, bool):
            parser.add_argument(flag, action="store_true", help=text)
        else:
            parser.add_argument(
                flag, type=type(value), default=value, help=f"{text} (else {value})", **extra
            )
    parser.add_argument("--seed", type=int, default=1, help="repeats the choices of a run (else 1)")
    parser.add_argument("--binary", help="the program (else the release build of this checkout)")
    parser.add_argument("--keep", metavar="DIRECTORY", help="keep all files there; must not exist")
    parser.add_argument("--timeout", type=int, help="seconds after which the rig gives up")
    parser.add_argument("--json", action="store_true", help="print one JSON line only")
    return parser


def run(name, body, parser, timeout):
    """Runs `body(rig)`, which returns what to print, and ends the program: 0 if it is ok."""
    options = parser.parse_args()
    limit = options.timeout or timeout(options)
    rig = None

    def over(*_):
        raise Failure(f"not done in {limit} s")

    def interrupted(*_):
        raise Failure("interrupted")

    signal.signal(signal.SIGALRM, over)
    signal.signal(signal.SIGTERM, interrupted)
    signal.alarm(limit)
    started = time.monotonic()
    try:
        rig = Rig(name, options)
        summary = body(rig)
    except Skipped as reason:
        summary = {"ok": True, "skipped": str(reason)}
    except KeyboardInterrupt:
        summary = {"ok": False, "error": "interrupted"}
    except (Failure, OSError, subprocess.SubprocessError) as error:
        summary = {"ok": False, "error": str(error)}
    finally:
        signal.alarm(0)
        if rig:
            rig.clear()
    summary = {"rig": name, **summary, "seconds": round(time.monotonic() - started, 1)}
    if options.json:
        print(json.dumps(summary))
    else:
        notes = summary.pop("notes", [])
        for note in notes:
            print(f"  {note}")
        print(", ".join(f"{key} {value}" for key, value in summary.items()))
    sys.exit(0 if summary["ok"] else 1)


class Rig:
    """A directory of its own, and everything that was started in it."""

    def __init__(self, name, options):
        self.name = name
        self.options = options
        self.random = random.Random(options.seed)
        self.children = []
        self.undo = []
        self.counter = 0
        self.binary = self.find_binary(options.binary)
        if options.keep:
            self.directory = pathlib.Path(options.keep).absolute()
            self.directory.mkdir(mode=0o700, parents=True)
        else:
            self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"petrel-{name}-"))
        self.fresh_evidence([])

    @staticmethod
    def find_binary(named):
        path = pathlib.Path(named) if named else ROOT / ".build" / "release" / "petrel"
        if not path.is_file():
            raise Failure(f"{path} is missing; run: swift build -c release --product petrel")
        return path.absolute()

    def fresh_evidence(self, groups):
        """Begins with empty journals; `groups` are the names of those who talk."""
        self.evidence = self.directory / "evidence"
        if self.evidence.exists():
            shutil.rmtree(self.evidence)
        for folder in ("journal", "transcript"):
            (self.evidence / folder).mkdir(parents=True)
        (self.evidence / "members.json").write_text(json.dumps(groups))

    def journal(self, name):
        self.counter += 1
        return self.evidence / "journal" / f"{name}-{self.counter:05}.jsonl"

    def petrel(self, arguments, out=None, seconds=60, **more):
        """Runs a command to its end; returns the process."""
        self.counter += 1
        out = out or self.directory / f"command-{self.counter:05}.out"
        child = Child(self, [self.binary, *arguments], out, **more)
        child.wait(seconds, f"petrel {arguments[0]}")
        self.children.remove(child)
        return child

    def must(self, arguments, **more):
        child = self.petrel(arguments, **more)
        if child.process.returncode != 0:
            raise Failure(
                f"petrel {arguments[0]} ended with {child.process.returncode}: {child.complaint()}"
            )
        return child

    def say(self, text):
        if not self.options.json:
            print(f"{self.name}: {text}", file=sys.stderr, flush=True)

    def clear(self):
        """Ends all processes, undoes mounts, removes the directory; the newest first."""
        for child in self.children:
            if child.is_running():
                child.process.kill()
                child.process.wait()
        for action in reversed(self.undo):
            action()
        if not self.options.keep:
            shutil.rmtree(self.directory, ignore_errors=True)


def fill(run, server, make_room, acknowledges):
    """Sends until the server has no room, looks at what it does then, and makes room."""
    server.start()
    cast = Cast(run, [("alice", "bob")])
    cast.enrol(server)
    alice, bob = cast.people
    cast.start([alice])
    while alice.next < 4_000:
        alice.say(16)
        done = lambda: alice.committed >= alice.next - 1
        wait_until([alice], lambda: done() or alice.refusals, 10)
        if not done():
            break
    else:
        raise Failure("the server never was full")
    taken = alice.committed
    refusal = run.petrel(
        ["register", "zoe", "--store", run.directory / "store-zoe", "--server", server.address]
    )
    notes = []
    # There may be room for an account where there is none for a message.
    is_told = refusal.process.returncode == 4 and "full" in refusal.complaint()
    if not is_told and refusal.process.returncode != 0:
        notes.append(f"register: {refusal.process.returncode}, {refusal.complaint()!r}")
    if not alice.refusals or "full" not in alice.refusals[-1]:
        notes.append(f"alice was told {alice.refusals}")
    cast.start([bob])
    if not wait_until(cast.people, lambda: bob.seen >= taken, 20):
        notes.append(f"bob has {bob.seen} of the {taken} messages that are there")
    if acknowledges and not wait_until(cast.people, lambda: alice.delivered >= taken, 5):
        notes.append(f"alice knows that bob has {alice.delivered} of {taken}")
    if not server.is_running():
        raise Failure(f"the server ended: {server.child.complaint()}")
    make_room()
    started = time.monotonic()
    if run.options.quick:
        alice.end()
        cast.start([alice])
        alice.say()
    if not wait_until(cast.people, lambda: alice.committed >= alice.next - 1, 45):
        notes.append(f"45 s after there was room {alice.committed} of {alice.next - 1} are taken")
    resumed = time.monotonic() - started
    summary = cast.verdict()
    server.stop()
    notes += summary.pop("notes", [])
    return {
        **summary,
        "ok": summary["ok"] and not notes,
        "taken_when_full": taken,
        "resumed_s": round(resumed, 1),
        **({"notes": notes} if notes else {}),
    }


class Template:
    """A server's data and the stores of a cast, as a start for many runs that repeat."""

    def __init__(self, rig, server, cast):
        self.pairs = [(server.data, rig.directory / "template" / "server")]
        for person in cast.people:
            self.pairs.append((person.store, rig.directory / "template" / person.name))
        for here, there in self.pairs:
            shutil.copytree(here, there)
        self.evidence = rig.directory / "template" / "evidence"
        shutil.copytree(rig.evidence, self.evidence)
        self.rig = rig

    def restore(self):
        for here, there in [*self.pairs, (self.rig.evidence, self.evidence)]:
            shutil.rmtree(here)
            shutil.copytree(there, here)


def strace(log, *injections, only=None):
    """The words that start a process under strace, which stays our child while strace watches it.

    Without --seccomp-bpf, which is faster but injects no signals.
    """
    path = shutil.which("strace")
    if not path:
        raise Skipped("strace is missing; run: apt-get install -y --no-install-recommends strace")
    words = [path, "-D", "-f", "-y", "-o", str(log)]
    calls = only or ",".join(injection.split(":", 1)[0] for injection in injections)
    words += ["-e", f"trace={calls}", "-e", "signal=none"]
    for injection in injections:
        words += ["-e", f"inject={injection}"]
    return words


def figures(seconds):
    """Median and largest of some durations, in whole milliseconds."""
    ordered = sorted(seconds)
    if not ordered:
        return {}
    return {
        "ready_ms_p50": round(ordered[len(ordered) // 2] * 1_000),
        "ready_ms_max": round(ordered[-1] * 1_000),
    }

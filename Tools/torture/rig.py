# What the rigs share: a directory, a server, people who chat, and the verdict at the end.
"""Starts petrel's processes, tells them what to say, and keeps what they print.

Every process prints into a file of its own, so that what it was told survives its death. Processes
are ended by their id, also when the rig is interrupted or its time is over.
"""

import argparse
import ctypes
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import checker

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSWORD = "a storm petrel never lands"
LIBC = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """The rig itself cannot go on, or a process did what it must not."""


class Skipped(Exception):
    """The rig cannot run here."""


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


class Child:
    """A process whose output goes to a file; its lines can be read as they come."""

    def __init__(self, rig, arguments, out, environment=None, stdin=False):
        self.out = pathlib.Path(out)
        self.err = self.out.with_suffix(".err")
        self.offset = 0
        self.input = b""
        with open(self.out, "ab") as out_file, open(self.err, "ab") as err_file:
            self.process = subprocess.Popen(
                [str(part) for part in arguments],
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
                env={**os.environ, "PETREL_PASSWORD": PASSWORD, **(environment or {})},
                preexec_fn=die_with_parent,
            )
        if stdin:
            os.set_blocking(self.process.stdin.fileno(), False)
        rig.children.append(self)

    def is_running(self):
        return self.process.poll() is None

    def write(self, text):
        """Gives a line to the process; what does not fit into the pipe goes with the next call."""
        self.input += text.encode() + b"\n"
        self.flush()

    def flush(self):
        try:
            while self.input:
                self.input = self.input[os.write(self.process.stdin.fileno(), self.input) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self.input = b""

    def events(self):
        """The complete JSON lines since the last call."""
        with open(self.out, "rb") as file:
            file.seek(self.offset)
            data = file.read()
        end = data.rfind(b"\n") + 1
        self.offset += end
        return [json.loads(text) for text in data[:end].splitlines()]

    def kill(self):
        self.end(signal.SIGKILL)

    def interrupt(self, seconds=10):
        self.end(signal.SIGINT, seconds)

    def end(self, number, seconds=10):
        if self.is_running():
            self.process.send_signal(number)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            stacks = self.stacks()
            self.process.kill()
            self.process.wait()
            raise Failure(f"{self.out.name} did not end in {seconds} s\n{stacks}") from None
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except OSError:
                pass

    def wait(self, seconds, what):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{what} did not end in {seconds} s: {self.complaint()}") from None

    def stacks(self):
        """What all its threads are at, where a debugger is installed."""
        if not shutil.which("lldb"):
            return "(no lldb to see what it is at)"
        words = ["lldb", "-p", str(self.process.pid), "--batch", "-o", "thread backtrace all"]
        return subprocess.run(words, capture_output=True, text=True, timeout=120).stdout

    def complaint(self):
        """The last that it wrote to its standard error."""
        return self.err.read_text(errors="replace").strip()[-400:]


def die_with_parent():
    LIBC.prctl(1, signal.SIGKILL)


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


class Server:
    """`petrel serve` on loopback; after the first start on the same port and key."""

    def __init__(self, rig, data, arguments=()):
        self.rig = rig
        self.data = data
        self.arguments = list(arguments)
        self.port = 0
        self.address = None
        self.child = None
        self.ready = []  # seconds from start to listening
        self.errors = ""

    def start(self, wrap=(), environment=None, seconds=10, must_listen=True):
        """Starts it and waits until it listens; returns whether it does."""
        self.rig.counter += 1
        out = self.rig.directory / f"server-{self.rig.counter:05}.jsonl"
        started = time.monotonic()
        self.child = Child(
            self.rig,
            [*wrap, self.rig.binary, "serve", "--data", self.data]
            + ["--listen", f"127.0.0.1:{self.port}", "--json", *self.arguments],
            out,
            environment=environment,
        )
        while time.monotonic() - started < seconds:
            isOver = not self.child.is_running()
            for event in self.child.events():
                self.ready.append(time.monotonic() - started)
                self.address = event["address"]
                self.port = int(event["listen"].rsplit(":", 1)[1])
                return True
            if isOver:
                break
            time.sleep(0.002)
        if must_listen:
            raise Failure(f"the server does not listen: {self.child.complaint()}")
        return False

    def is_running(self):
        return self.child.is_running()

    def kill(self):
        self.child.kill()
        self.forget()

    def stop(self):
        self.child.interrupt()
        status = self.child.process.returncode
        complaint = self.child.complaint()
        self.forget()
        if status != 0:
            raise Failure(f"the server ended with {status}: {complaint}")

    def stop_quietly(self):
        """Ends it whatever it does; returns its status and what it wrote to its standard error."""
        self.child.interrupt()
        self.errors = self.child.err.read_text(errors="replace")
        self.forget()
        return self.child.process.returncode, self.errors

    def forget(self):
        if self.child in self.rig.children:
            self.rig.children.remove(self.child)


class Person:
    """An account with one store, who chats with one other."""

    def __init__(self, rig, name, peer, store=None):
        self.rig = rig
        self.name = name
        self.peer = peer
        self.store = store or rig.directory / f"store-{name}"
        self.chat = None
        self.next = None  # the index of the next line; None until the chat is ready
        self.committed = 0  # the highest index that the present chat was told of
        self.delivered = 0
        self.seen = 0  # messages of others that the present chat showed
        self.refusals = []
        self.is_connected = False

    def register(self, server):
        self.rig.must(
            ["register", self.name, "--store", self.store, "--server", server.address]
            + ["--device", "phone"]
        )

    def start(self):
        self.next = None
        self.is_connected = False
        self.committed = self.delivered = self.seen = 0
        self.refusals = []
        self.chat = Child(
            self.rig,
            [self.rig.binary, "chat", self.peer, "--store", self.store, "--json"],
            self.rig.journal(self.name),
            stdin=True,
        )

    def poll(self):
        """Takes in what the chat printed."""
        self.chat.flush()
        for event in self.chat.events():
            kind = event["event"]
            if kind == "ready":
                self.next = event["queued"] + 1
            elif kind == "connection":
                self.is_connected = event["state"] == "connected"
            elif kind == "message":
                self.seen += 1
            elif kind == "refused":
                self.refusals.append(event["reason"])
            elif kind == "delivery" and event["state"] in ("committed", "delivered"):
                self.committed = max(self.committed, event["index"])
                if event["state"] == "delivered":
                    self.delivered = max(self.delivered, event["index"])

    def say(self, count=1):
        """Writes the next lines; the chat must be ready."""
        for _ in range(count):
            self.chat.write(checker.line(self.name, self.next))
            self.next += 1

    def end(self, number=signal.SIGINT):
        self.chat.end(number)
        self.poll()
        self.rig.children.remove(self.chat)
        self.chat = None


def wait_until(people, condition, seconds, what=None):
    """Polls the chats until the condition holds; a failure if `what` is given, else its value."""
    end = time.monotonic() + seconds
    while True:
        for person in people:
            if person.chat:
                person.poll()
        if condition():
            return True
        if time.monotonic() > end:
            if what:
                raise Failure(f"{what} took more than {seconds} s")
            return False
        time.sleep(0.003)


class Cast:
    """People in pairs, and a second device of each first one that holds nothing: the witness."""

    def __init__(self, rig, pairs):
        self.rig = rig
        self.pairs = pairs
        self.people = []
        for first, second in pairs:
            self.people += [Person(rig, first, second), Person(rig, second, first)]
        rig.fresh_evidence([list(pair) for pair in pairs])

    def enrol(self, server):
        for person in self.people:
            person.register(server)
        for first, _ in self.pairs:
            self.rig.must(
                ["login", first, "--store", self.pristine(first), "--server", server.address]
                + ["--device", "witness"]
            )

    def pristine(self, name):
        return self.rig.directory / f"witness-{name}"

    def start(self, people=None):
        people = people or self.people
        for person in people:
            person.start()
        wait_until(people, lambda: all(p.next for p in people), 10, "starting the chats")

    def drain(self, seconds=30):
        """One more line each; when it is committed, all before it are."""
        for person in self.people:
            if not person.chat:
                person.start()
        wait_until(self.people, lambda: all(p.next for p in self.people), 10, "starting the chats")
        for person in self.people:
            person.say()
        wait_until(
            self.people,
            lambda: all(p.committed >= p.next - 1 for p in self.people),
            seconds,
            "emptying the outboxes",
        )
        for person in self.people:
            person.end()

    def transcribe(self):
        """Everybody catches up and writes down what its disk holds; the witness asks the server."""
        folder = self.rig.evidence / "transcript"
        for person in self.people:
            out = self.rig.directory / "caught-up.jsonl"
            self.rig.must(["recv", "--json", "--store", person.store], out=out)
            self.dump(person.store, folder / f"{person.name}-own.jsonl", ["--offline"])
        for first, _ in self.pairs:
            copy = self.rig.directory / "witness-now"
            shutil.copytree(self.pristine(first), copy)
            self.dump(copy, folder / f"{first}-witness.jsonl", [])
            shutil.rmtree(copy)

    def dump(self, store, out, more):
        out.unlink(missing_ok=True)
        self.rig.must(
            ["recv", "--from-start", "--own", "--json", "--store", store, *more], out=out
        )

    def verdict(self):
        """Drains, transcribes and checks."""
        self.drain()
        self.transcribe()
        found = checker.Checker(self.rig.evidence).check()
        summary = found.summary()
        if found.notes:
            summary["notes"] = found.notes
        return summary

    def kill(self):
        for person in self.people:
            if person.chat:
                person.end(signal.SIGKILL)


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


def library_version():
    """The LMDB that is installed, for the record; None where that cannot be told."""
    try:
        lmdb = ctypes.CDLL("liblmdb.so.0")
    except OSError:
        return None
    lmdb.mdb_version.restype = ctypes.c_char_p
    return re.sub(r"^LMDB ([0-9.]+).*$", r"\1", lmdb.mdb_version(None, None, None).decode())

# Those who take part in a rig: the server, people who chat with each other, and their witness.

import shutil
import signal
import time

import checker
from process import Child, Failure


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
            [*wrap, self.rig.binary, "serve", "--config", self.limits()]
            + ["--data", self.data]
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

    def limits(self):
        """The file that lets strangers say what they like, as fast as they can."""
        path = self.rig.directory / "serve.toml"
        path.write_text(
            "[limits]\nstranger-messages = 1_000_000_000\n"
            "sends-per-second = 1_000_000\nsends-at-once = 1_000_000\n"
        )
        return path

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

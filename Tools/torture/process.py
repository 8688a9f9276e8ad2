# A process that a rig started: its output in a file, its input, and its end.

import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess

PASSWORD = "a storm petrel never lands"
LIBC = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """The rig itself cannot go on, or a process did what it must not."""


class Skipped(Exception):
    """The rig cannot run here."""


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
        if not shutil.which("gdb"):
            return "(no gdb to see what it is at)"
        words = ["gdb", "-p", str(self.process.pid), "-batch", "-ex", "thread apply all bt"]
        return subprocess.run(words, capture_output=True, text=True, timeout=120).stdout

    def complaint(self):
        """The last that it wrote to its standard error."""
        return self.err.read_text(errors="replace").strip()[-400:]


def die_with_parent():
    LIBC.prctl(1, signal.SIGKILL)

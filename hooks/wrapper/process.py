"""The process around Packer: its terminal, its signals, and the end of everything it started.

Packer runs itself a second time inside (panicwrap) and passes on nothing but SIGTERM: a SIGINT to
its first process does nothing, so every signal that means "cancel" becomes SIGTERM here.
https://github.com/hashicorp/packer/blob/v1.6.6/main.go
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

CANCELLING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TICK_SECONDS = 0.1
QUIET_SECONDS = 0.5  # after Packer's end, where a process that it left has the stream
PIPE_BYTES = 2**20
F_SETPIPE_SZ = 1031  # Linux; in Python's fcntl since 3.10
GRACE_SECONDS = 10.0  # for the processes that Packer leaves behind
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def open_streams() -> None:
    """Open /dev/null where standard input, output or error is closed.

    Else the next file that is opened takes its number, and Packer's output goes there.
    """
    for number in (0, 1, 2):
        if not _is_open(number):
            os.open(os.devnull, os.O_RDWR)  # the lowest free number is this one


class Process:
    """A program whose output is passed on unchanged, and read on the way."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.cancelled_by = 0
        self._parent = os.getppid()
        # A background job of a shell without job control, or of nohup, outlives its parent.
        self._detached = os.getpgrp() == os.getpid() or any(
            signal.getsignal(each) == signal.SIG_IGN for each in (signal.SIGINT, signal.SIGHUP)
        )
        self._libc = _libc()
        self._source, sink = _terminal() if os.isatty(1) else os.pipe()
        self._is_terminal = os.isatty(sink)
        # Should this process be killed, Packer still has a reader and can clean up.
        os.set_inheritable(self._source, not self._is_terminal)
        if not self._is_terminal and sys.platform == "linux":
            with contextlib.suppress(OSError):  # more than this user may have
                fcntl.fcntl(self._source, F_SETPIPE_SZ, PIPE_BYTES)
        with self._signals():
            self.popen = self._start(command, env, sink)
        os.close(sink)
        self._call(PR_SET_CHILD_SUBREAPER, 1)
        if self.cancelled_by:
            self.cancel(self.cancelled_by)

    def relay(self, read: Callable[[bytes], None], tick: Callable[[], None]) -> None:
        """Pass on each piece of the output at once, until its end; call `tick` now and then."""
        data, next_tick = b"", 0.0
        while True:
            is_over = not data and self.popen.poll() is not None
            pause = QUIET_SECONDS if is_over else TICK_SECONDS
            ready, _, _ = select.select([self._source], [], [], pause)
            data = self._read() if ready else b""
            if (ready or is_over) and not data:
                break
            if data:
                self._write(data)
                read(data)
            if not data or time.monotonic() >= next_tick:
                self._notice_orphaning()
                tick()
                next_tick = time.monotonic() + TICK_SECONDS

    def wait(self) -> int:
        """Return the exit code, negative for a signal; a program cut short leaves no process."""
        code: int = self.popen.wait()
        if self.cancelled_by or code < 0:
            self._end_survivors()
        return code

    def cancel(self, number: int) -> None:
        """Ask Packer to cancel, with the one signal that it passes on."""
        self.cancelled_by = number
        with contextlib.suppress(ProcessLookupError):
            self.popen.send_signal(signal.SIGTERM)

    def _start(self, command: Sequence[str], env: Mapping[str, str], sink: int) -> Any:
        shared = os.path.sameopenfile(1, 2) if _is_open(2) else False
        return subprocess.Popen(
            command,
            env=dict(env),
            stdout=sink,
            stderr=sink if shared else None,
            close_fds=False,  # as without us: `-var-file=<(…)` is a file of the shell's
            preexec_fn=self._prepare,  # no thread has been started yet
        )

    def _prepare(self) -> None:
        self._call(PR_SET_PDEATHSIG, signal.SIGTERM)

    def _call(self, option: int, value: int) -> None:
        if self._libc:
            self._libc.prctl(option, value, 0, 0, 0)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Handle every signal from before Packer starts; a hangup would end it without cleanup."""
        taken = [each for each in CANCELLING if signal.getsignal(each) != signal.SIG_IGN]
        for each in taken:
            signal.signal(each, self._handle)
        if signal.SIGHUP in taken:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        yield
        if signal.SIGHUP in taken:
            signal.signal(signal.SIGHUP, self._handle)
        signal.signal(signal.SIGQUIT, lambda *_: None)  # Packer's own: it prints its stacks
        if self._is_terminal:
            signal.signal(signal.SIGWINCH, lambda *_: _resize(self._source))

    def _handle(self, number: int, _: FrameType | None) -> None:
        if hasattr(self, "popen"):
            self.cancel(number)
        self.cancelled_by = number

    def _notice_orphaning(self) -> None:
        """Cancel if the parent is gone: a shell that its CI ends does not signal its children."""
        if not self._detached and not self.cancelled_by and os.getppid() != self._parent:
            self.cancel(signal.SIGTERM)

    def _read(self) -> bytes:
        try:
            return os.read(self._source, PIPE_BYTES)
        except OSError:  # the other end of the terminal is closed
            return b""

    def _write(self, data: bytes) -> None:
        try:
            while data:
                try:
                    data = data[os.write(1, data) :]
                except BlockingIOError:  # whoever else has this stream made it so
                    select.select([], [1], [])
        except OSError:  # no reader, or a full disk: the build goes on, and its code is Packer's
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def _end_survivors(self) -> None:
        """End what Packer left, now our children: by SIGTERM, after the grace by SIGKILL."""
        signalled: set[int] = set()
        end = time.monotonic() + GRACE_SECONDS
        while children := _children():
            for child in children:
                is_late = time.monotonic() > end
                if child not in signalled or is_late:
                    signalled.add(child)
                    with contextlib.suppress(OSError):
                        os.kill(child, signal.SIGKILL if is_late else signal.SIGTERM)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.05)


def _libc() -> Any:
    """Return the C library with Linux's prctl; None elsewhere."""
    return ctypes.CDLL(None) if sys.platform == "linux" else None


def _children() -> list[int]:
    """Return the processes whose parent is this one, from Linux's /proc."""
    children = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_bytes().rpartition(b") ")[2].split()
            if int(fields[1]) == os.getpid():
                children.append(int(stat.parent.name))
    return children


def _terminal() -> tuple[int, int]:
    """Return both ends of a terminal of our own terminal's size that changes no byte."""
    master, slave = pty.openpty()
    mode = termios.tcgetattr(slave)
    mode[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, mode)
    _resize(master)
    return master, slave


def _resize(terminal: int) -> None:
    with contextlib.suppress(OSError):
        size = fcntl.ioctl(1, termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True

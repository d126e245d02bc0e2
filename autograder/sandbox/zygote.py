"""The trusted side's end of the warm process: start it, fork workers from it, end them."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, TextIO

from ..errors import SandboxUnavailable
from ..worker.confine import Limits
from ..worker.values import write_frame
from .groups import Group, make_group, warn_once
from .mechanisms import Mechanism, worker_environment
from .view import interpreter_view

__all__ = ["Worker", "WorkerLost", "Zygote"]

START_SECONDS = 60.0
ANSWER_SECONDS = 10.0
# Where the grader is root, each worker is a user that nobody else is: what the system counts by
# user (threads, locked memory) is then its alone. There are three at a time at most, see `Zygote`
# and `SandboxBackend`.
_FIRST_USER, _USERS, _NOBODY = 2_000_000_000, 4, 65534


class WorkerLost(Exception):
    """The zygote does not do what it should: the grader's own trouble, never the student's."""


class Worker:
    """One forked worker: its connection, and the means to end it."""

    def __init__(self, zygote: Zygote, number: int, channel: socket.socket) -> None:
        self._zygote = zygote
        self._home = zygote.generation
        self.number = number
        self.channel = channel
        self._ended = False

    def dismiss(self) -> None:
        """Have the worker and all it started killed; the next one starts when they are gone."""
        self.channel.close()
        if not self._ended:
            self._ended = True
            if not self.lost:
                self._zygote.dismiss(self.number)

    def end(self) -> int | None:
        """Kill the worker and all it started; return how it ended, if it had ended by itself."""
        self.channel.close()
        if self._ended:
            return None
        self._ended = True
        return None if self.lost else self._zygote.end(self.number)

    @property
    def lost(self) -> bool:
        """Whether the warm process is gone, and the worker with it: not by the worker's doing."""
        return self._home != self._zygote.generation or not self._zygote.running


class Zygote:
    """A warm process behind a wall. Use as a context manager.

    One worker can be ahead, see :meth:`fork_ahead`: forked and in its cell while another one works,
    it waits for its limits. So a hand-in waits for no fork. It knows nothing of any hand-in before
    its own.

    Parameters
    ----------
    mechanism
        How the wall is made.
    hidden
        Folders that no worker may see: the course root above all.
    """

    def __init__(self, mechanism: Mechanism, hidden: tuple[Path, ...] = ()) -> None:
        self.mechanism = mechanism
        self.generation = 0  # counts the warm processes: workers end with theirs
        self._view = interpreter_view(hidden)
        self._count = 0
        self._ahead: Worker | None = None
        self._ended: dict[int, int] = {}
        self._leaving: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket
        self._log: TextIO
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._group: Group | None = None

    def __enter__(self) -> Zygote:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @property
    def running(self) -> bool:
        """Whether the warm process is there."""
        return self._process is not None and self._process.poll() is None

    def spawn(self, limits: Limits) -> Worker:
        """Give a worker that nothing has been in.

        Raises
        ------
        WorkerLost
            If the zygote is gone and cannot be started again, or the worker is.
        """
        self._see_off()
        if not self.running:
            self._stop()
            self._start()
        self._allow(limits)
        worker, self._ahead = self._ahead or self._fork(), None
        try:
            write_frame(worker.channel, {"limits": vars(limits)}, [])
        except OSError as error:
            worker.dismiss()
            raise WorkerLost(f"a worker ended before it had anything to do: {error}") from error
        return worker

    def fork_ahead(self) -> None:
        """Have the next worker forked, if none waits yet.

        Best when the last one has made its definitions: two that came of one process and write to
        their first pages at a time get in each other's way.

        Raises
        ------
        WorkerLost
            If the zygote is gone.
        """
        if self._ahead is None:
            self._ahead = self._fork()

    def _fork(self) -> Worker:
        """Have a worker forked, which waits for its limits."""
        ours, theirs = socket.socketpair()
        self._count += 1
        with theirs:
            try:
                socket.send_fds(self._control, [self._order()], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise WorkerLost(f"the sandbox ended: {self._last_words()}") from error
        return Worker(self, self._count, ours)

    def _allow(self, limits: Limits) -> None:
        """Let the control group have room for a worker, where there is one."""
        if self._group is None:
            return
        try:
            self._group.allow(limits)
        except OSError as error:
            warn_once(error)
            self._group = None

    def _order(self) -> bytes:
        confines = self.mechanism.confines
        if not confines and self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="autograder-")
        order = {
            "spawn": self._count,
            "namespaces": confines,
            "users": [_FIRST_USER + _USERS * os.getpid() + self._count % _USERS, _NOBODY],
            "filter": base64.b64encode(self.mechanism.filter()).decode(),
            "folder": "/tmp" if self._scratch is None else self._scratch.name,  # noqa: S108
            "environment": worker_environment(),
        }
        return json.dumps(order).encode()

    def end(self, number: int) -> int | None:
        """End a worker; return its exit status if it had ended before being told to.

        Raises
        ------
        WorkerLost
            Never: a zygote that does not answer is itself killed, and its workers with it.
        """
        try:
            deadline = time.monotonic() + 0.05
            while number not in self._ended and time.monotonic() < deadline:
                self._listen(deadline - time.monotonic())
            if number in self._ended:
                return self._ended.pop(number)
            self._control.send(json.dumps({"kill": number}).encode())
            deadline = time.monotonic() + ANSWER_SECONDS
            while number not in self._ended and time.monotonic() < deadline:
                self._listen(deadline - time.monotonic())
        except (OSError, WorkerLost):
            self._stop()
        if self._ended.pop(number, None) is None:
            self._stop()
        return None

    def dismiss(self, number: int) -> None:
        """Have a worker killed, without waiting for its end."""
        self._leaving.add(number)
        try:
            self._control.send(json.dumps({"kill": number}).encode())
        except OSError:
            self._stop()

    def _see_off(self) -> None:
        """Wait until all dismissed workers are gone: no two hand-ins are there at a time.

        A zygote that does not say so is itself killed.
        """
        deadline = time.monotonic() + ANSWER_SECONDS
        try:
            while self._leaving - self._ended.keys() and time.monotonic() < deadline:
                self._listen(deadline - time.monotonic())
        except (OSError, WorkerLost):
            self._stop()
        if self._leaving - self._ended.keys():
            self._stop()
        for number in self._leaving:
            self._ended.pop(number, None)
        self._leaving.clear()

    def _listen(self, seconds: float) -> None:
        """Take in one message of the zygote, or none within ``seconds``."""
        self._control.settimeout(max(seconds, 0.001))
        try:
            message = self._control.recv(65536)
        except TimeoutError:
            return
        if not message:
            raise WorkerLost(f"the sandbox ended: {self._last_words()}")
        content: dict[str, Any] = json.loads(message)
        if "exit" in content:
            self._ended[content["exit"]] = content["status"]

    def _start(self) -> None:
        self.generation += 1
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._log = tempfile.TemporaryFile("w+", errors="replace")
        with theirs:
            command = self.mechanism.command(self._view, theirs.fileno())
            self._group = make_group() if self.mechanism.confines else None
            if self._group is not None:
                command = self._group.command(command)
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                pass_fds=[theirs.fileno()],
                env=worker_environment(),
                cwd="/",
            )
        self._control.settimeout(START_SECONDS)
        try:
            ready = self._control.recv(65536)
        except OSError:
            ready = b""
        if not ready:
            words = self._last_words()
            self._stop()
            raise SandboxUnavailable(f"The sandbox ({self.mechanism.name}) does not start: {words}")
        if self._group is not None and not self._group.holds(self._process.pid):
            warn_once(f"{self._group.folder} does not take processes")
            self._group.remove()
            self._group = None

    def _last_words(self) -> str:
        self._log.seek(0)
        return self._log.read()[-500:].strip() or "it said nothing"

    def _stop(self) -> None:
        if self._ahead is not None:
            self._ahead.channel.close()
            self._ahead = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._control.close()
            self._log.close()
            self._leaving.clear()
        if self._group is not None:
            self._group.remove()
            self._group = None
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

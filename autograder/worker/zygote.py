"""The warm process that workers are forked from: NumPy is loaded once, no student code ever runs.

It gets its orders over one socket, a JSON object a packet: ``{"spawn": n, …}`` comes with the
socket that the new worker will speak on, and on which it first waits for its limits, already in its
cell; ``{"kill": n}`` ends a worker and all it started. It answers ``{"ready": true}`` once and
``{"exit": n, "status": …}`` for each worker that ended, however it ended.

    zygote --fork--> keeper (new namespaces) --fork--> worker (process 1 of its own world)
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from typing import Any, NoReturn

from . import confine, landlock
from .rehearsal import rehearse
from .serve import Server
from .values import read_frame

__all__ = ["main"]

# What most notebooks import, and what NumPy imports by itself at the first np.unique.
_USUAL = (
    "cs231n_lib.checking",
    "cs231n_lib.datasets",
    "cs231n_lib.progress",
    "numpy.ma",
    "timeit",
)
_TOLD_TO_END = (signal.SIGTERM,)


def main(control_fd: int) -> None:
    """Serve the control socket until the other side closes it."""
    control = socket.socket(fileno=control_fd)
    _warm_up()
    Zygote(control).run()


def _warm_up() -> None:
    """Pay for imports and BLAS buffers once, before any fork, and in no student's memory limit."""
    import numpy as np
    import numpy.lib.stride_tricks
    import numpy.linalg
    import numpy.random

    for name in _USUAL:
        with contextlib.suppress(ImportError):  # what needs something that is not in here
            importlib.import_module(name)
    np.ones((64, 64)) @ np.ones((64, 64))
    np.random.default_rng(0).normal(size=3)
    ctypes.CDLL(None)
    rehearse()  # the parser makes its types when it is first used
    # What is here stays: a worker that looked through it for garbage would copy its memory.
    gc.collect()
    gc.freeze()


class _NotNeeded(Exception):
    """The other side is gone before there was anything to do."""


class Zygote:
    """Forks workers, ends them, and reports their ends."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.workers: dict[int, int] = {}  # process id -> number
        self.kept: set[int] = set()  # those of them that are keepers
        self.wake, wake_writer = socket.socketpair()
        wake_writer.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_writer.fileno(), warn_on_full_buffer=False)
        self.wake_writer = wake_writer

    def run(self) -> None:
        """Serve until the control socket closes, then end all workers."""
        self._tell({"ready": True})
        while True:
            readable, _, _ = select.select([self.control, self.wake], [], [])
            if self.wake in readable:
                self.wake.recv(4096)
                self._reap()
            if self.control in readable and not self._obey():
                break
        for pid in self.workers:
            _kill(pid)

    def _obey(self) -> bool:
        text, fds, _, _ = socket.recv_fds(self.control, 65536, 1)
        if not text:
            return False
        order = json.loads(text)
        if "spawn" in order:
            pid = os.fork()
            if pid == 0:
                self._become_worker(order, fds[0])
            os.close(fds[0])
            self.workers[pid] = order["spawn"]
            if order["namespaces"]:
                self.kept.add(pid)
        elif "kill" in order:
            for pid, number in self.workers.items():
                if number == order["kill"] and pid in self.kept:
                    # Not the keeper itself: it says when the worker and all it started are gone.
                    os.kill(pid, signal.SIGTERM)
                elif number == order["kill"]:
                    _kill(pid)
        return True

    def _reap(self) -> None:
        for pid in list(self.workers):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                self.kept.discard(pid)
                self._tell({"exit": self.workers.pop(pid), "status": code})

    def _tell(self, message: dict[str, Any]) -> None:
        self.control.send(json.dumps(message).encode())

    def _become_worker(self, order: dict[str, Any], fd: int) -> NoReturn:
        """In the forked child: confine, serve, and never return to the zygote's loop."""
        code = 70
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            if order["namespaces"]:  # until there is a worker for the keeper to end
                signal.pthread_sigmask(signal.SIG_BLOCK, _TOLD_TO_END)
            # Made first: the filter knows no socket calls but sending and receiving.
            channel = socket.socket(fileno=_only(fd))
            _confine(order, channel)
            Server(channel).run()
            code = 0
        except _NotNeeded:
            code = 0
        except BaseException as error:
            os.write(2, f"worker: {type(error).__name__}: {error}\n".encode()[:500])
        finally:
            os._exit(code)


def _only(fd: int) -> int:
    """Close every descriptor but ``fd`` and the error stream; return where ``fd`` is now."""
    os.dup2(fd, 3)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.closerange(4, 4096)
    return 3


def _confine(order: dict[str, Any], channel: socket.socket) -> None:
    mapped = confine.address_space()
    confine.first_to_go()
    if order["namespaces"]:
        user = next(filter(confine.can_become, order["users"]), None)
        confine.new_namespaces()
        keep = os.fork()
        if keep != 0:
            os.close(3)
            _keep_and_exit(keep)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD_TO_END)
        confine.drop_privileges(user=user)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    if order["namespaces"]:
        landlock.lock()
    rehearse()  # while there is nothing to do yet
    null = os.open(os.devnull, os.O_RDWR)
    confine.limit_resources(_limits(channel), mapped, own_user=order["namespaces"])
    if order["filter"]:
        confine.set_filter(base64.b64decode(order["filter"]))
    os.dup2(null, 2)
    os.close(null)


def _limits(channel: socket.socket) -> confine.Limits:
    """Wait until there is something to do for this worker, and within which limits."""
    try:
        header, _ = read_frame(channel)
    except EOFError as error:
        raise _NotNeeded from error
    return confine.Limits(**header["limits"])


def _keep_and_exit(pid: int) -> NoReturn:
    """Wait for the worker, which is process 1 of its namespace, and end as it ended.

    Told to end, kill it first. The kernel lets process 1 be waited for when all others of its
    namespace are gone.
    """

    def end(*_: object) -> None:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself just now
            os.kill(pid, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD_TO_END)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code & 0xFF)


def _kill(pid: int) -> None:
    # The worker's own group too: without namespaces nothing else ends what it may have started.
    for end in (os.killpg, os.kill):
        try:
            end(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""Close the last doors from inside: what a worker does to itself before any student code runs.

The outer wall (bubblewrap, :mod:`.wall`, or nothing at all in a demonstration) is put up before
this process starts and holds for its whole life. This module makes the *cell* inside the wall, one
for each hand-in: process and mount namespaces of its own with a fresh ``/tmp`` and no ``/proc``, no
capabilities, resource limits, and a seccomp filter that allows computing, threads and files, and
neither processes nor sockets.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from dataclasses import dataclass

from .kernel import drop_from_bounding_set, libc, must, prctl, set_capabilities

__all__ = [
    "Limits",
    "address_space",
    "can_become",
    "drop_privileges",
    "first_to_go",
    "limit_resources",
    "new_namespaces",
    "set_filter",
]

_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWIPC, _CLONE_NEWPID = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x20000000,
)
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 1, 2, 4, 8, 0x4000, 1 << 18
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SECCOMP_MODE_FILTER = 2


@dataclass(frozen=True)
class Limits:
    """What one worker may use: bytes of memory beyond the idle worker, bytes of files, threads."""

    memory: int = 2 * 2**30
    files: int = 64 * 2**20
    cpu_seconds: int = 600
    threads: int = 256


def new_namespaces() -> None:
    """Leave the wall's mount, process, IPC and host-name namespaces for fresh ones.

    The process namespace holds from the next ``fork`` on. ``/tmp`` is new and empty; ``/proc``,
    ``/dev/shm`` and ``/dev/pts`` are empty and read-only.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    c = libc()
    flags = _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWIPC | _CLONE_NEWPID
    must(c.unshare(flags), "unshare")
    must(c.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mount /")
    safe = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    # Files without a byte in them cost the machine memory too.
    options = b"size=64m,nr_inodes=10k,mode=1777"
    must(c.mount(b"tmpfs", b"/tmp", b"tmpfs", safe, options), "mount /tmp")
    for place in (b"/proc", b"/dev/shm", b"/dev/pts"):
        if os.path.isdir(place):
            options = b"size=4k,mode=555"
            must(c.mount(b"tmpfs", place, b"tmpfs", safe | _MS_RDONLY, options), "mount")


def drop_privileges(*, user: int | None) -> None:
    """Become that user unless it is ``None``, give up all capabilities, and die with the parent."""
    drop_from_bounding_set()
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    set_capabilities(frozenset())
    prctl("prctl dumpable", _PR_SET_DUMPABLE, 0)
    # After the change of user, which clears it.
    prctl("prctl death signal", _PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_resources(limits: Limits, mapped: int, *, own_user: bool) -> None:
    """Set hard resource limits; memory counts on top of the ``mapped`` bytes of the idle worker.

    Threads are counted by user, so that their limit is set for an ``own_user`` alone: one that
    nobody else is, or that of a user namespace.
    """
    if own_user:
        resource.setrlimit(resource.RLIMIT_NPROC, (limits.threads, limits.threads))
    space = mapped + limits.memory
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.files, limits.files))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))


def set_filter(program: bytes) -> None:
    """Install a compiled seccomp program (an array of ``struct sock_filter``) for good."""

    class _Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]

    prctl("prctl no_new_privs", _PR_SET_NO_NEW_PRIVS, 1)
    filled = _Program(len(program) // 8, program)
    prctl("prctl seccomp", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filled))


def can_become(user: int) -> bool:
    """Whether this is root in a user namespace that knows that user. Needs ``/proc``."""
    if os.getuid() != 0 or not os.path.exists("/proc/self/uid_map"):
        return False
    with open("/proc/self/uid_map") as lines:
        ranges = [tuple(map(int, line.split())) for line in lines]
    return any(start <= user < start + count for start, _, count in ranges)


def first_to_go() -> None:
    """Ask the kernel to end this process before any other where the machine's memory is used up."""
    # Where there is no /proc, or one that cannot be written to, all are equal.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def address_space() -> int:
    """Return the bytes of address space of this process; 0 where there is no ``/proc``."""
    if not os.path.exists("/proc/self/statm"):
        return 0
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()

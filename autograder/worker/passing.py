"""Pass large arrays to a worker in memory of their own instead of through the connection.

A check may send a whole dataset. Through a socket every byte is copied twice, and both sides work
on that; in a file that lies in memory (memfd_create(2)) it is copied once, and the worker maps it.
The file is sealed before it goes: nobody can write to it any more, and what the worker changes in
its arrays is its own copy. It is gone with the arrays. Only this way: what a worker sends comes
through the connection, byte by byte under the limits of :mod:`.values`.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import socket
from collections.abc import Iterator, Sequence

__all__ = ["can_pass", "fetch", "passed"]

_SEALS = ("F_SEAL_SEAL", "F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_WRITE")


def can_pass() -> bool:
    """Whether this system has sealed files in memory."""
    return hasattr(os, "memfd_create") and all(hasattr(fcntl, name) for name in _SEALS)


@contextlib.contextmanager
def passed(buffers: Sequence[memoryview]) -> Iterator[int]:
    """Put buffers, one after the other, into a sealed file in memory; give its descriptor.

    Raises
    ------
    OSError
        If the system has no memory for it.
    """
    file = os.memfd_create("arrays", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        for buffer in buffers:
            rest = buffer
            while rest:
                rest = rest[os.write(file, rest) :]
        seals = sum(getattr(fcntl, name) for name in _SEALS)
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
        yield file
    finally:
        os.close(file)


def fetch(channel: socket.socket, count: int) -> memoryview:
    """Take the file that comes next on a connection, and map that many bytes of it.

    Raises
    ------
    EOFError
        If none comes.
    """
    _, files, _, _ = socket.recv_fds(channel, 1, 1)
    if not files:
        raise EOFError("the other side closed the connection")
    try:
        return memoryview(mmap.mmap(files[0], count, mmap.MAP_PRIVATE))
    finally:
        os.close(files[0])

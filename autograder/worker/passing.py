"""Pass large arrays to a worker in memory of their own instead of through the connection.

A check may send a whole dataset. Through a socket every byte is copied twice, and both sides work
on that; in a file that lies in memory it is copied once, and the worker maps it. Nobody can write
to the file when it goes, and what the worker changes in its arrays is its own copy. It is gone with
the arrays. Only this way: what a worker sends comes through the connection, byte by byte under the
limits of :mod:`.values`.

Where this process may mount, the file has a filesystem to itself (tmpfs(5), fsmount(2)) that no
folder shows, and large pages. Elsewhere it is a sealed one of memfd_create(2), whose pages of 4 kB
take four times as long to fill.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import socket
from collections.abc import Iterator, Sequence

from .kernel import (
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_RDONLY,
    set_mount_attributes,
    syscall,
)

__all__ = ["can_pass", "fetch", "passed"]

_SEALS = ("F_SEAL_SEAL", "F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_WRITE")
# The same on every architecture.
_SYS_FSOPEN, _SYS_FSCONFIG, _SYS_FSMOUNT = 430, 431, 432
_FSOPEN_CLOEXEC, _FSMOUNT_CLOEXEC = 1, 1
_FSCONFIG_SET_STRING, _FSCONFIG_CMD_CREATE = 1, 6
# Since Linux 6.14, what is written to a growing file at a time may get one page. Small enough that
# no huge page (2 MB) is made: on a virtual machine those may have to be had from the host first.
_AT_A_TIME = 2**18


def can_pass() -> bool:
    """Whether this system has sealed files in memory."""
    return hasattr(os, "memfd_create") and all(hasattr(fcntl, name) for name in _SEALS)


@contextlib.contextmanager
def passed(buffers: Sequence[memoryview]) -> Iterator[int]:
    """Put buffers, one after the other, into a file in memory that nobody can write to any more.

    Gives its descriptor.

    Raises
    ------
    OSError
        If the system has no memory for it.
    """
    try:
        file = _in_large_pages(buffers)
    except OSError:  # not ours to mount, or a kernel that cannot
        file = _sealed(buffers)
    try:
        yield file
    finally:
        os.close(file)


def _in_large_pages(buffers: Sequence[memoryview]) -> int:
    """Return a file that is alone in a read-only filesystem, which ends with it.

    Raises
    ------
    OSError
        If it cannot be had.
    """
    mount = _mount(sum(map(len, buffers)))
    try:
        file = os.open("arrays", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o400, dir_fd=mount)
        try:
            _write(file, buffers)
        finally:
            os.close(file)
        set_mount_attributes(mount, MOUNT_ATTR_RDONLY)
        return os.open("arrays", os.O_RDONLY | os.O_CLOEXEC, dir_fd=mount)
    finally:
        os.close(mount)


def _mount(count: int) -> int:
    """Return an empty filesystem in memory for so many bytes, which is mounted nowhere."""
    options = {
        b"size": b"%d" % (-(-count // _AT_A_TIME) * _AT_A_TIME),
        b"huge": b"within_size",
        b"mode": b"700",
    }
    context = syscall("fsopen", _SYS_FSOPEN, b"tmpfs", _FSOPEN_CLOEXEC)
    try:
        for key, value in options.items():
            syscall("fsconfig", _SYS_FSCONFIG, context, _FSCONFIG_SET_STRING, key, value, 0)
        syscall("fsconfig", _SYS_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC
        return syscall("fsmount", _SYS_FSMOUNT, context, _FSMOUNT_CLOEXEC, attributes)
    finally:
        os.close(context)


def _sealed(buffers: Sequence[memoryview]) -> int:
    """Return a sealed file.

    Raises
    ------
    OSError
        If the system has no memory for it.
    """
    file = os.memfd_create("arrays", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        _write(file, buffers)
        seals = sum(getattr(fcntl, name) for name in _SEALS)
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
    except BaseException:
        os.close(file)
        raise
    return file


def _write(file: int, buffers: Sequence[memoryview]) -> None:
    for buffer in buffers:
        rest = buffer
        while rest:
            rest = rest[os.write(file, rest[:_AT_A_TIME]) :]


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

"""The kernel's calls that Python 3.11 has no spelling for, through the C library."""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import struct

__all__ = [
    "MOUNT_ATTR_NODEV",
    "MOUNT_ATTR_NOEXEC",
    "MOUNT_ATTR_NOSUID",
    "MOUNT_ATTR_RDONLY",
    "CapabilityNumbers",
    "die_with_parent",
    "drop_from_bounding_set",
    "libc",
    "must",
    "prctl",
    "set_capabilities",
    "set_mount_attributes",
    "syscall",
]

_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_READ, _PR_CAPBSET_DROP = 23, 24
_LINUX_CAPABILITY_VERSION_3 = 0x20080522

MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC = 1, 2, 4, 8
_SYS_MOUNT_SETATTR = 442  # on every architecture
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000

CapabilityNumbers = frozenset[int]


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


@functools.cache
def libc() -> ctypes.CDLL:
    """Return the C library, with ``errno`` kept for :func:`must`."""
    return ctypes.CDLL(None, use_errno=True)


def must(result: int, what: str) -> int:
    """Return the result of a call, or raise ``OSError`` where it says that it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(what: str, number: int, *arguments: object) -> int:
    """Make a system call by number.

    Raises
    ------
    OSError
        If it fails; the message says ``what`` it was.
    """
    plain = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return must(int(libc().syscall(ctypes.c_long(number), *plain)), what)


def prctl(what: str, option: int, argument: object = 0, *more: object) -> int:
    """Call ``prctl(2)``.

    Raises
    ------
    OSError
        If it fails; the message says ``what`` it was.
    """
    given = [argument, *more, 0, 0, 0][:4]
    plain = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in given]
    return must(int(libc().prctl(option, *plain)), what)


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends, however that comes about."""
    prctl("prctl death signal", _PR_SET_PDEATHSIG, signal.SIGKILL)


def drop_from_bounding_set(keep: CapabilityNumbers = frozenset()) -> None:
    """Give up capabilities for good, also for whatever is executed from here."""
    number = 0
    while int(libc().prctl(_PR_CAPBSET_READ, number, 0, 0, 0)) >= 0:
        if number not in keep:
            prctl("prctl bounding set", _PR_CAPBSET_DROP, number)
        number += 1


def set_capabilities(numbers: CapabilityNumbers) -> None:
    """Make these the effective, permitted and inheritable capabilities of this process."""
    mask = sum(1 << number for number in numbers)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = struct.pack("Ii", _LINUX_CAPABILITY_VERSION_3, 0)
    must(int(libc().capset(header, struct.pack("6I", *(low,) * 3, *(high,) * 3))), "capset")


def set_mount_attributes(place: str | int, attributes: int, *, recursive: bool = False) -> None:
    """Set ``MOUNT_ATTR_*`` of what is mounted at a place, or of a mount by its descriptor.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    wanted = _MountAttributes(attributes, 0, 0, 0)
    folder, path = (place, b"") if isinstance(place, int) else (_AT_FDCWD, place.encode())
    flags = (_AT_RECURSIVE if recursive else 0) | (0 if path else _AT_EMPTY_PATH)
    size = ctypes.sizeof(wanted)
    what, number = f"mount_setattr {place}", _SYS_MOUNT_SETATTR
    syscall(what, number, folder, path, flags, ctypes.byref(wanted), size)

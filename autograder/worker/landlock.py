"""One more lock on a worker's files, sockets and signals, where the kernel has Landlock.

The namespaces decide what a worker sees, file by file; Landlock forbids, for good and in another
part of the kernel, to write anywhere but in ``/tmp``, to execute anything, to speak TCP, and to
send signals or messages out of the cell. landlock(7) has the interface; what this kernel's version
does not know is left out, and without Landlock the other walls stand alone.
"""

from __future__ import annotations

import ctypes
import errno
import os

from .kernel import prctl, syscall

__all__ = ["lock", "version"]

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_GIVE_VERSION, _PATH_BENEATH = 1, 1
_PR_SET_NO_NEW_PRIVS = 38
_EXECUTE, _WRITE_FILE = 1 << 0, 1 << 1
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
# The version of the interface that each right came with. Reading is everybody's, of what there is.
_RIGHTS = {
    1: _EXECUTE | _WRITE_FILE | sum(1 << bit for bit in range(4, 13)),
    2: 1 << 13,  # move and link between folders
    3: 1 << 14,  # truncate
    5: 1 << 15,  # ioctl on devices
}
_OWN = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _RIGHTS[2] | _RIGHTS[3]
_TCP_SINCE, _TCP = 4, 0b11  # bind, connect
_SCOPES_SINCE, _SCOPES = 6, 0b11  # abstract sockets, signals


class _Ruleset(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "network", "scopes")]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("rights", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def version() -> int:
    """Return the version of the kernel's interface, or 0 where there is none."""
    try:
        return syscall("landlock", _CREATE_RULESET, None, 0, _GIVE_VERSION)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        return 0


def lock() -> None:
    """Lock this process and all its threads to come, for good.

    Raises
    ------
    OSError
        If the kernel has Landlock and refuses.
    """
    known = version()
    if not known:
        return
    rights = sum(bits for since, bits in _RIGHTS.items() if since <= known)
    rules = _Ruleset(
        rights,
        _TCP if known >= _TCP_SINCE else 0,
        _SCOPES if known >= _SCOPES_SINCE else 0,
    )
    size = 8 * (1 + (known >= _TCP_SINCE) + (known >= _SCOPES_SINCE))
    ruleset = syscall("landlock ruleset", _CREATE_RULESET, ctypes.byref(rules), size, 0)
    try:
        _allow(ruleset, "/tmp", _OWN & rights)  # noqa: S108
        _allow(ruleset, os.devnull, _WRITE_FILE)
        prctl("prctl no_new_privs", _PR_SET_NO_NEW_PRIVS, 1)
        syscall("landlock restrict", _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        beneath = ctypes.byref(_Beneath(rights, folder))
        syscall(f"landlock rule {path}", _ADD_RULE, ruleset, _PATH_BENEATH, beneath, 0)
    finally:
        os.close(folder)

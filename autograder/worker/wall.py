"""Put up the wall without any program's help: namespaces that this process enters by itself.

What bubblewrap does for us where it is installed, done here with the kernel's own calls, so that a
stock Linux machine needs no system package: a user namespace (where the grader is not root), and
mount, process, network, IPC, host-name and cgroup namespaces; a root of our own, put together on a
tmpfs out of read-only binds; no capabilities but those that the zygote needs for its cells. Then
the zygote is executed in it.

The steps follow pivot_root(2), mount_setattr(2), user_namespaces(7) and capabilities(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
from typing import Any, NoReturn

from .kernel import (
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_RDONLY,
    die_with_parent,
    drop_from_bounding_set,
    libc,
    must,
    prctl,
    set_capabilities,
    set_mount_attributes,
    syscall,
)

__all__ = ["main"]

_CLONE_NEWNS, _CLONE_NEWCGROUP, _CLONE_NEWUTS, _CLONE_NEWIPC, _CLONE_NEWUSER = (
    0x00020000,
    0x02000000,
    0x04000000,
    0x08000000,
    0x10000000,
)
_CLONE_NEWPID, _CLONE_NEWNET = 0x20000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 1 << 18
_MNT_DETACH = 2
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 38, 47, 2
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}  # by platform.machine()
_DEVICES = ("null", "zero", "full", "random", "urandom")
# The stage is a tmpfs over this folder: the root is made in one of its folders, the old one is
# below another.
_STAGE = "/tmp"  # noqa: S108


def main(plan: str) -> NoReturn:
    """Make the wall that a plan describes, and execute its command inside.

    Parameters
    ----------
    plan
        JSON: folders to show (``shown``), to hide (``hidden``), packages and the folder they appear
        in (``packages``, ``inside``), files and links of the system (``files``, ``links``),
        capabilities to keep (``capabilities``), and the command (``argv``).
    """
    content = json.loads(plan)
    die_with_parent()
    prctl("prctl no_new_privs", _PR_SET_NO_NEW_PRIVS, 1)
    os.setsid()
    _leave()
    child = os.fork()
    if child:
        _end_as(child)
    # Process 1 in here: when it ends, all end.
    die_with_parent()
    _enter(content)
    child = os.fork()
    if child:
        _keep(frozenset())
        _end_as(child)
    _keep(frozenset(content["capabilities"]))
    die_with_parent()
    os.execve(content["argv"][0], content["argv"], dict(os.environ))  # noqa: S606


def _leave() -> None:
    """Enter new namespaces; that of processes holds from the next fork on."""
    user, group = os.getuid(), os.getgid()
    flags = _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWIPC | _CLONE_NEWPID | _CLONE_NEWNET
    must(libc().unshare(flags | (_CLONE_NEWUSER if user else 0)), "unshare")
    with contextlib.suppress(OSError):  # not every kernel has them
        must(libc().unshare(_CLONE_NEWCGROUP), "unshare cgroup")
    if user:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    socket.sethostname("worker")


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _end_as(child: int) -> NoReturn:
    """Wait for a child, and for whatever is orphaned on the way, and end as the child ended."""
    ended, status = os.wait()
    while ended != child:
        ended, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _enter(plan: dict[str, Any]) -> None:
    """Put together the new root and make it the only one."""
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    _mount("tmpfs", _STAGE, "tmpfs", _MS_NOSUID | _MS_NODEV)
    for name in ("root", "old"):
        os.mkdir(f"{_STAGE}/{name}", 0o755)
    # A mount of its own, as pivot_root wants.
    _mount(f"{_STAGE}/root", f"{_STAGE}/root", None, _MS_BIND)
    _pivot(_STAGE, f"{_STAGE}/old")
    for folder in plan["shown"]:
        _bind(folder, folder)
    for name, target in plan["links"].items():
        os.symlink(target, f"/root{name}")
    for file in plan["files"]:
        if os.path.exists(f"/old{file}"):
            _bind(file, file)
    for folder in plan["hidden"]:
        _cover(f"/root{folder}", 0o755)
    for name, folder in plan["packages"].items():
        _bind(folder, f"{plan['inside']}/{name}")
    for place, mode in (("/dev", 0o755), ("/tmp", 0o1777), ("/proc", 0o555)):  # noqa: S108
        os.makedirs(f"/root{place}", 0o755)
        if place != "/proc":
            _mount("tmpfs", f"/root{place}", "tmpfs", _MS_NOSUID | _MS_NODEV, f"mode={mode:o}")
    for name in _DEVICES:
        _bind(f"/dev/{name}", f"/dev/{name}", device=True)
    for name in ("shm", "pts"):
        os.mkdir(f"/root/dev/{name}", 0o755)
    _mount("proc", "/root/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    os.chdir("/root")
    _pivot(".", ".")
    must(libc().umount2(b".", _MNT_DETACH), "umount the old root")
    os.chdir("/tmp")  # noqa: S108
    for place in ("/", "/dev"):
        set_mount_attributes(place, MOUNT_ATTR_RDONLY)


def _bind(source: str, target: str, *, device: bool = False) -> None:
    """Show a file or folder of the old root in the new one, read-only."""
    old, new = f"/old{source}", f"/root{target}"
    os.makedirs(os.path.dirname(new), 0o755, exist_ok=True)
    if os.path.isdir(old):
        os.makedirs(new, 0o755, exist_ok=True)
    else:
        os.close(os.open(new, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(old, new, None, _MS_BIND | _MS_REC)
    attributes = MOUNT_ATTR_NOSUID if device else MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV
    set_mount_attributes(new, attributes | MOUNT_ATTR_RDONLY, recursive=True)


def _cover(place: str, mode: int) -> None:
    _mount("tmpfs", place, "tmpfs", _MS_NOSUID | _MS_NODEV, f"size=4k,mode={mode:o}")
    set_mount_attributes(place, MOUNT_ATTR_RDONLY)


def _mount(source: str, place: str, kind: str | None, flags: int, options: str = "") -> None:
    names = [None if text is None else text.encode() for text in (source, place, kind)]
    result = libc().mount(*names, ctypes.c_ulong(flags), options.encode() or None)
    must(result, f"mount {place}")


def _pivot(root: str, old: str) -> None:
    number = _SYS_PIVOT_ROOT[os.uname().machine]
    syscall(f"pivot_root {root}", number, root.encode(), old.encode())
    if old != ".":
        os.chdir("/")


def _keep(capabilities: frozenset[int]) -> None:
    """Give up all capabilities but these, which hold for what is executed, too."""
    drop_from_bounding_set(capabilities)
    set_capabilities(capabilities)
    for number in capabilities:
        prctl("prctl ambient set", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number)

"""Limits that the kernel keeps for all processes behind a wall together: control groups.

Resource limits are set in every worker and hold for each process. A control group (version 2,
cgroups(7)) also counts what no single process is charged with: files in memory, buffers of
sockets and pipes, and how many processes and threads there are. It takes a part of the tree that
this user may write to and that has the controllers for memory and processes: systemd gives one to
a user's services and scopes, and root has one. Where there is none, or it goes away, grading goes
on with resource limits alone.

    parent (is given to us)  ->  autograder-<process id>-<number>  (the wall and all behind it)
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from ..worker.confine import Limits

__all__ = ["Group", "NoGroups", "find_parent", "groups_problem", "make_group", "warn_once"]

_NEEDED = {"memory", "pids"}
_PREFIX = "autograder-"
# Beside what a worker may have: the warm process with NumPy, what the kernel keeps for all of it.
_SPARE_MEMORY, _SPARE_PROCESSES = 512 * 2**20, 32
# The kernel takes a moment to let go of a group whose processes were killed.
_REMOVE_SECONDS = 2.0
_NUMBERS = itertools.count(1)
_HINT = "start the grader with `systemd-run --user --scope autograder grade …` to be given one"
_log = logging.getLogger("autograder.sandbox")
_warned: list[str] = []


class NoGroups(Exception):
    """No control group can be made here; the message says why, in one sentence without a stop."""


class Group:
    """A control group of our own, for one warm process and all that comes of it.

    Parameters
    ----------
    parent
        The group to make it in, see :func:`find_parent`.

    Raises
    ------
    OSError
        If the kernel does not make it.
    """

    def __init__(self, parent: Path) -> None:
        _remove_stale(parent)
        self.folder = parent / f"{_PREFIX}{os.getpid()}-{next(_NUMBERS)}"
        self.folder.mkdir()
        self._memory = self._processes = 0

    def allow(self, limits: Limits) -> None:
        """Let a worker have what its own limits say, and the warm process what it needs.

        What an earlier worker was allowed stays allowed.

        Raises
        ------
        OSError
            If the group is not there any more.
        """
        memory = limits.memory + limits.files + _SPARE_MEMORY
        processes = limits.threads + _SPARE_PROCESSES
        if memory > self._memory:
            self._write("memory.max", memory)
            if (self.folder / "memory.swap.max").exists():
                self._write("memory.swap.max", 0)
            self._memory = memory
        if processes > self._processes:
            self._write("pids.max", processes)
            self._processes = processes

    def _write(self, name: str, value: int) -> None:
        # Not made where it is missing: then the group is none.
        with open(self.folder / name, "r+") as file:
            file.write(str(value))

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return a command that enters the group and then becomes this one.

        It enters before there is a child that could be left outside; where it cannot, it goes on,
        see :meth:`holds`.
        """
        enter = '{ echo 0 > "$0"; } 2>/dev/null; exec "$@"'
        return ["/bin/sh", "-c", enter, str(self.folder / "cgroup.procs"), *argv]

    def holds(self, process: int) -> bool:
        """Whether a process is in the group."""
        try:
            return str(process) in (self.folder / "cgroup.procs").read_text().split()
        except OSError:
            return False

    def remove(self) -> None:
        """Remove the group, whose processes have been killed; what cannot be removed stays."""
        deadline = time.monotonic() + _REMOVE_SECONDS
        while not _removed(self.folder) and time.monotonic() < deadline:
            time.sleep(0.01)


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _remove_stale(parent: Path) -> None:
    """Remove what a grader that was killed has left; a group that holds processes stays."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdecimal() and not os.path.exists(f"/proc/{owner}"):
            with contextlib.suppress(OSError):
                folder.rmdir()


def find_parent(own: Path = Path("/proc/self")) -> Path:
    """Return the nearest group around this process in which groups with limits can be made.

    Parameters
    ----------
    own
        The kernel's folder on this process.

    Raises
    ------
    NoGroups
        If there is none.
    """
    try:
        mounts = [line.split() for line in (own / "mounts").read_text().splitlines()]
        lines = (own / "cgroup").read_text().splitlines()
    except OSError:
        raise NoGroups("this system has no control groups") from None
    roots = [Path(fields[1]) for fields in mounts if fields[2:3] == ["cgroup2"]]
    paths = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    if not roots or not paths or "/../" in f"/{paths[0]}/":
        raise NoGroups("this system has no control groups of version 2 that this process is in")
    here = roots[0] / paths[0]
    around = [here, *here.parents]
    around = around[: around.index(roots[0]) + 1]
    able = [group for group in around if _controllers(group) >= _NEEDED]
    if not able:
        raise NoGroups(f"neither {here} nor a group around it hands on memory and pids controllers")
    for group in able:
        # Whoever moves a process into a group writes to the nearest one around both, too.
        if os.access(group, os.W_OK) and os.access(group / "cgroup.procs", os.W_OK):
            return group
    raise NoGroups(f"this user may make no group in {able[0]}; {_HINT}")


def _controllers(group: Path) -> set[str]:
    """Return what groups in this one can be limited in."""
    try:
        return set((group / "cgroup.subtree_control").read_text().split())
    except OSError:
        return set()


@functools.cache
def groups_problem() -> str | None:
    """Return why control groups cannot be used here, or ``None``; they are tried."""
    try:
        group = Group(find_parent())
        try:
            group.allow(Limits())
            # Every word of the command is our own.
            run = subprocess.run(  # noqa: S603
                group.command(["/bin/cat", "/proc/self/cgroup"]),
                capture_output=True,
                text=True,
                timeout=20,
                check=False,
            )
        finally:
            group.remove()
    except NoGroups as problem:
        return str(problem)
    except (OSError, subprocess.SubprocessError) as error:
        return f"the kernel does not make one: {error}"
    if group.folder.name not in run.stdout:
        return f"no process can be moved into {group.folder.parent}"
    return None


def make_group() -> Group | None:
    """Return a new group, or ``None`` where groups cannot be used."""
    if groups_problem() is not None:
        return None
    try:
        return Group(find_parent())
    except (NoGroups, OSError) as error:
        warn_once(error)
        return None


def warn_once(error: object) -> None:
    """Say, once in this process, that control groups were there and are not any more."""
    if not _warned:
        _warned.append(str(error))
        _log.warning(
            "Control groups cannot be used any more (%s): resource limits alone hold now.", error
        )

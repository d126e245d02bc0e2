"""Ways to put up a wall, and the choice between them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import SandboxUnavailable
from .policy import compiled_filter
from .view import INSIDE, View, interpreter_view

__all__ = ["Bubblewrap", "Mechanism", "Namespaces", "Unconfined", "choose_mechanism", "mechanisms"]

_SYSTEM_LINKS = ("lib", "lib64", "lib32", "bin", "sbin")
# CAP_SYS_ADMIN makes each hand-in's own namespaces, CAP_KILL ends it; the others let it become
# another user and drop everything. They hold inside the wall's namespaces only, and only for the
# zygote; root's others are dropped at the start.
_CAPABILITIES = {
    "CAP_KILL": 5,
    "CAP_SETGID": 6,
    "CAP_SETUID": 7,
    "CAP_SETPCAP": 8,
    "CAP_SYS_ADMIN": 21,
}
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")

# Where the package `worker` is, which has the wall in it.
_OURS = Path(__file__).resolve().parents[1]


class Mechanism(Protocol):
    """A way to start the zygote behind a wall."""

    @property
    def name(self) -> str:
        """Its name on the command line and in reports."""

    @property
    def confines(self) -> bool:
        """Whether hand-ins are really kept apart: real grading needs that."""

    def problem(self) -> str | None:
        """Return why it cannot be used here, in one sentence, or ``None``."""

    def command(self, view: View, control_fd: int) -> list[str]:
        """Return the command that starts the zygote."""

    def filter(self) -> bytes:
        """Return the seccomp program for its workers; empty for none."""


@dataclass(frozen=True)
class Bubblewrap:
    """Linux namespaces through ``bwrap`` (package ``bubblewrap``)."""

    name: str = "bubblewrap"
    confines: bool = True

    def problem(self) -> str | None:
        """Try it: start ``true`` behind the wall."""
        if sys.platform != "linux":
            return "bubblewrap needs Linux"
        program = shutil.which("bwrap")
        if program is None:
            return "the program bwrap is not installed: apt-get install bubblewrap"
        try:
            compiled_filter()
        except OSError as error:
            return f"no filter of system calls can be made: {error.strerror}"
        argv = [program, *self._namespaces(), "--ro-bind", "/", "/", "--proc", "/proc", "true"]
        # Every word of the command is our own.
        run = subprocess.run(  # noqa: S603
            argv, capture_output=True, text=True, timeout=20, check=False
        )
        if run.returncode != 0:
            return f"bwrap cannot make namespaces here: {run.stderr.strip()[:200]}"
        return None

    def _namespaces(self) -> list[str]:
        argv = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
        argv += ["--unshare-cgroup-try", "--die-with-parent", "--new-session"]
        if os.getuid() != 0:
            argv.append("--unshare-user")
        argv += ["--cap-drop", "ALL"]
        for capability in _CAPABILITIES:
            argv += ["--cap-add", capability]
        return argv

    def command(self, view: View, control_fd: int) -> list[str]:
        """Return the ``bwrap`` command: read-only system, private /tmp, no network, no course."""
        argv = [shutil.which("bwrap") or "bwrap", *self._namespaces(), "--hostname", "worker"]
        # bwrap makes missing parents for its own user alone; workers are somebody else.
        for folder in _parents([*view.shown, Path("/etc/x"), INSIDE / "x"]):
            argv += ["--perms", "0755", "--dir", str(folder)]
        for folder in view.shown:
            argv += ["--ro-bind", str(folder), str(folder)]
        for name in _SYSTEM_LINKS:
            path = Path("/", name)
            if path.is_symlink():
                argv += ["--symlink", os.readlink(path), str(path)]
            elif path.is_dir():
                argv += ["--ro-bind", str(path), str(path)]
        for file in _SYSTEM_FILES:
            argv += ["--ro-bind-try", file, file]
        for folder in view.hidden:
            argv += ["--tmpfs", str(folder), "--remount-ro", str(folder)]
        for name, folder in view.packages.items():
            argv += ["--ro-bind", str(folder), str(INSIDE / name)]
        argv += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/tmp"]  # noqa: S108
        argv += ["--remount-ro", "/dev", "--remount-ro", "/", "--clearenv"]
        for key, value in worker_environment().items():
            argv += ["--setenv", key, value]
        return [*argv, "--", *view.argv([INSIDE], control_fd)]

    def filter(self) -> bytes:
        """Return the seccomp program."""
        return compiled_filter()


@dataclass(frozen=True)
class Namespaces:
    """Linux namespaces that our own process enters by itself: no system package is needed."""

    name: str = "namespaces"
    confines: bool = True

    def problem(self) -> str | None:
        """Try it: start ``true`` behind the wall."""
        if sys.platform != "linux":
            return "namespaces need Linux"
        try:
            compiled_filter()
        except OSError as error:
            return f"no filter of system calls can be made: {error.strerror}"
        view = interpreter_view()
        argv = self._wall(view, view.python("pass"))
        # Every word of the command is our own.
        run = subprocess.run(  # noqa: S603
            argv, capture_output=True, text=True, timeout=20, check=False, env=worker_environment()
        )
        if run.returncode != 0:
            said = run.stderr.strip().splitlines()[-1:] or [f"exit code {run.returncode}"]
            return f"this system does not let processes make namespaces: {said[0][:200]}"
        return None

    def command(self, view: View, control_fd: int) -> list[str]:
        """Return the command that puts up the wall and starts the zygote in it."""
        return self._wall(view, view.argv([INSIDE], control_fd))

    def _wall(self, view: View, inner: list[str]) -> list[str]:
        links = {f"/{n}": os.readlink(f"/{n}") for n in _SYSTEM_LINKS if os.path.islink(f"/{n}")}
        folders = [
            f"/{n}" for n in _SYSTEM_LINKS if f"/{n}" not in links and os.path.isdir(f"/{n}")
        ]
        plan = {
            "shown": [*map(str, view.shown), *folders],
            "hidden": list(map(str, view.hidden)),
            "packages": {name: str(folder) for name, folder in view.packages.items()},
            "inside": str(INSIDE),
            "files": _SYSTEM_FILES,
            "links": links,
            "capabilities": sorted(_CAPABILITIES.values()),
            "argv": inner,
        }
        start = f"from worker.wall import main; main({json.dumps(plan)!r})"
        return view.python(f"import sys; sys.path.insert(0, {str(_OURS)!r}); {start}")

    def filter(self) -> bytes:
        """Return the seccomp program."""
        return compiled_filter()


@dataclass(frozen=True)
class Unconfined:
    """No wall: a process of its own with resource limits, for made-up classes and ``--unsafe``."""

    name: str = "none"
    confines: bool = False

    def problem(self) -> str | None:
        """Return why processes cannot be forked here, or ``None``."""
        return None if hasattr(os, "fork") else "this system cannot fork processes"

    def command(self, view: View, control_fd: int) -> list[str]:
        """Return the plain command."""
        folders = list(dict.fromkeys(folder.parent for folder in view.packages.values()))
        return view.argv(folders, control_fd)

    def filter(self) -> bytes:
        """Return no filter."""
        return b""


def _parents(folders: list[Path]) -> list[Path]:
    """Return every proper ancestor of the folders but the root, outermost first."""
    return sorted({p for folder in folders for p in folder.parents if p != Path("/")})


def worker_environment() -> dict[str, str]:
    """Return the environment of workers: one BLAS thread, UTF-8, nothing of the grader's own."""
    environment = {"PATH": "/usr/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = "1"
    # Where a machine needs these to compute rightly, workers need them too.
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        if name in os.environ:
            environment[name] = os.environ[name]
    return environment


def mechanisms() -> list[Mechanism]:
    """Return the mechanisms that confine, best first."""
    return [Bubblewrap(), Namespaces()]


def choose_mechanism(*, unsafe: bool = False) -> Mechanism:
    """Return the first mechanism that works here.

    Parameters
    ----------
    unsafe
        Allow a plain process where no mechanism works.

    Raises
    ------
    SandboxUnavailable
        If none works and ``unsafe`` is not given; the message says what to install.
    """
    problems = []
    for mechanism in mechanisms():
        problem = mechanism.problem()
        if problem is None:
            return mechanism
        problems.append(problem)
    if unsafe:
        return Unconfined()
    raise SandboxUnavailable(
        f"No sandbox can be had here ({'; '.join(problems)}); hand-ins are not run without one. "
        "Use Linux with the package bubblewrap (in a container on macOS and Windows), or say "
        "--unsafe if you trust every line of them."
    )

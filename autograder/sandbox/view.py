"""What a worker sees of the machine: an interpreter, and the few packages a solution may import."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["View", "interpreter_view"]

# What a solution may import besides the standard library and the course's own library. `tqdm` is a
# progress bar in a student's training loop, no more; `threadpoolctl` is what the course's fast
# layers ask how many threads BLAS has.
_DISTRIBUTIONS = ("numpy", "tqdm", "threadpoolctl")
INSIDE = Path("/packages")


@dataclass(frozen=True)
class View:
    """Folders to show read-only where they are, folders to hide, and packages to show elsewhere."""

    interpreter: str
    shown: tuple[Path, ...]
    hidden: tuple[Path, ...]
    packages: dict[str, Path] = field(default_factory=dict)

    def argv(self, package_folders: list[Path], control_fd: int) -> list[str]:
        """Return the command that starts the zygote with those folders on ``sys.path``."""
        paths = [str(p) for p in package_folders]
        start = (
            f"import sys; sys.path[:0] = {paths!r}; "
            f"from worker.zygote import main; main({control_fd})"
        )
        return self.python(start)

    def python(self, program: str) -> list[str]:
        """Return the command that runs a program with nothing but the standard library."""
        # -S: no site-packages; -E -s -P: nothing from the environment or the current folder.
        return [self.interpreter, "-S", "-E", "-s", "-P", "-c", program]


def interpreter_view(hidden: tuple[Path, ...] = ()) -> View:
    """Return the view for the interpreter that runs now.

    Parameters
    ----------
    hidden
        Folders that must not be seen even where they lie inside one that is shown.
    """
    base = Path(sys.base_prefix).resolve()
    interpreter = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    shown = [Path("/usr"), base, interpreter.parent]
    shown = [p for i, p in enumerate(shown) if not any(p.is_relative_to(q) for q in shown[:i])]
    libraries = [
        sysconfig.get_path(name, vars={"base": str(base)}) for name in ("purelib", "platlib")
    ]
    libraries += ["/usr/lib/python3/dist-packages", "/usr/local", "/usr/src", "/usr/share"]
    unseen = {Path(p).resolve() for p in libraries if os.path.isdir(p)} | set(hidden)
    # The interpreter itself may live in /usr/local: then its site-packages are hidden, not all of
    # it.
    unseen = {p for p in unseen if not base.is_relative_to(p) and not interpreter.is_relative_to(p)}
    inside = [p for p in sorted(unseen) if any(p.is_relative_to(s) for s in shown)]
    return View(str(interpreter), tuple(shown), tuple(inside), _package_folders())


def _package_folders() -> dict[str, Path]:
    """Return what stands on the worker's ``sys.path``: name of file or folder -> where it is."""
    found = {"worker": Path(__file__).resolve().parent.parent / "worker"}
    spec = importlib.util.find_spec("cs231n_lib")
    if spec is not None and spec.submodule_search_locations:
        found["cs231n_lib"] = Path(spec.submodule_search_locations[0]).resolve()
    for distribution in _with_requirements(_DISTRIBUTIONS):
        for file in distribution.files or ():
            top = file.parts[0]
            path = Path(str(distribution.locate_file(top))).resolve()
            if top not in found and not top.endswith((".dist-info", "..")) and path.exists():
                if path.is_dir() or path.suffix == ".py":
                    found[top] = path
    return found


def _with_requirements(names: Iterable[str]) -> list[metadata.Distribution]:
    """Return the installed distributions of these names and all that they require."""
    queue, seen = list(names), {}
    while queue:
        name = canonicalize_name(queue.pop())
        if name in seen:
            continue
        seen[name] = metadata.distribution(name)
        for text in seen[name].requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                queue.append(requirement.name)
    return list(seen.values())

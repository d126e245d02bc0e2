"""What a worker sees of the machine: an interpreter, and the few packages a solution may import."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["View", "interpreter_view"]

# Packages a solution may import besides the standard library. `tqdm` is a progress bar in a
# student's training loop, no more.
_PACKAGES = ("numpy", "numpy.libs", "tqdm", "cs231n_lib")
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
        # -S: no site-packages; -E -s -P: nothing from the environment or the current folder.
        return [self.interpreter, "-S", "-E", "-s", "-P", "-c", start]


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
    found = {"worker": Path(__file__).resolve().parent.parent / "worker"}
    for name in _PACKAGES:
        if name == "numpy.libs":
            folder = found["numpy"].parent / name  # the wheel's own BLAS
        else:
            spec = importlib.util.find_spec(name)
            if spec is None or not spec.submodule_search_locations:
                continue
            folder = Path(spec.submodule_search_locations[0]).resolve()
        if folder.is_dir():
            found[name] = folder
    return found

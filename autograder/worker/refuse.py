"""Stand-ins for libraries that a graded cell may not use.

Importing one succeeds, because a hand-in may well import matplotlib for its plots or torch to
compare with; *using* one inside a graded function raises an exception that says what is allowed.
The libraries themselves are out of reach anyway: the sandbox does not contain them.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Sequence
from typing import Any

__all__ = ["LibraryRefused", "RefusingFinder", "install"]


class LibraryRefused(ImportError):
    """A graded function used a library that the exercise does not allow."""


class _StandIn(types.ModuleType):
    """A module, class or function of a library that is not there."""

    def __getattr__(self, name: str) -> _StandIn:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return _StandIn(f"{self.__name__}.{name}")

    def _refuse(self, *_: Any, **__: Any) -> Any:
        library = self.__name__.split(".")[0]
        raise LibraryRefused(
            f"{self.__name__} is not available when graded: this exercise is solved with NumPy and "
            f"the standard library, without {library}"
        )

    __call__ = __enter__ = __iter__ = __getitem__ = __mro_entries__ = _refuse
    __add__ = __mul__ = __matmul__ = __sub__ = __truediv__ = _refuse


class RefusingFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder on ``sys.meta_path``: what nobody else found gets a stand-in."""

    def __init__(self, refused: Sequence[str] = ()) -> None:
        self.refused = frozenset(refused)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a spec for a stand-in, unless a real package lacks a submodule of that name."""
        top = fullname.split(".")[0]
        if top in sys.stdlib_module_names or top in ("numpy", "cs231n_lib"):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """Make the stand-in."""
        return _StandIn(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run."""


class _RefuseFirst(RefusingFinder):
    """The first finder: modules that are there, but not allowed in this exercise."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if any(fullname == name or fullname.startswith(f"{name}.") for name in self.refused):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None


def install(refused: Sequence[str]) -> None:
    """Refuse every library that is not there, and those of ``refused`` that are."""
    for name in refused:
        for module in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
            del sys.modules[module]
    sys.meta_path.insert(0, _RefuseFirst(refused))
    sys.meta_path.append(RefusingFinder())

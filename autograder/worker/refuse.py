"""Stand-ins for libraries that a graded cell may not use.

Importing one succeeds, because a hand-in may well import torch to compare with; *using* one inside
a graded function raises an exception that says what is allowed. Libraries that only show things
(matplotlib, the course's plots) do nothing instead: a plot in the middle of a training loop is no
mistake. The libraries themselves are out of reach anyway: the sandbox does not contain them.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Iterator, Sequence
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

    __call__ = __enter__ = __iter__ = __getitem__ = __setitem__ = __mro_entries__ = _refuse
    __instancecheck__ = __array__ = __float__ = __neg__ = __abs__ = __contains__ = _refuse
    __add__ = __sub__ = __mul__ = __matmul__ = __truediv__ = __floordiv__ = __mod__ = _refuse
    __radd__ = __rsub__ = __rmul__ = __rmatmul__ = __rtruediv__ = __pow__ = __rpow__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse


class _Silent(_StandIn):
    """A piece of a library that shows things: it takes every call and does nothing."""

    def __getattr__(self, name: str) -> _Silent:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return _Silent(f"{self.__name__}.{name}")

    def __call__(self, *_: Any, **__: Any) -> Any:
        nothing = _Silent(f"{self.__name__}()")
        return (nothing, nothing) if self.__name__.endswith(".subplots") else nothing

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __getitem__(self, _: object) -> _Silent:
        return self

    def __setitem__(self, _: object, __: object) -> None:
        return None


_SHOWING = ("matplotlib", "IPython", "seaborn", "plotly", "cs231n_lib.plots")


def _within(name: str, modules: Sequence[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


class RefusingFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder on ``sys.meta_path``: what nobody else found gets a stand-in."""

    def __init__(self, refused: Sequence[str] = ()) -> None:
        self.refused = tuple(refused)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a spec for a stand-in where a cell or the course's library asks for a library."""
        top = fullname.split(".")[0]
        if top in sys.stdlib_module_names or top in ("numpy", "cs231n_lib"):
            return None
        if not _asked_by_us():
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """Make the stand-in."""
        return (_Silent if _within(spec.name, _SHOWING) else _StandIn)(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run."""


def _asked_by_us() -> bool:
    """Whether an import comes from a cell or from the course's library.

    Other packages try imports that may fail (tqdm looks for its extras) and mean it.
    """
    frame = sys._getframe(2)
    while frame.f_back is not None and "importlib" in frame.f_code.co_filename:
        frame = frame.f_back
    filename = frame.f_code.co_filename
    return filename.startswith("<cell ") or "cs231n_lib" in filename


class _RefuseFirst(RefusingFinder):
    """The first finder: modules that are there, but not allowed in this exercise."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if _within(fullname, self.refused):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None


def install(refused: Sequence[str]) -> None:
    """Refuse every library that is not there, and those of ``refused`` that are."""
    absent = (*refused, *_SHOWING)
    for module in [m for m in sys.modules if _within(m, absent)]:
        del sys.modules[module]
        package, _, name = module.rpartition(".")
        if package in sys.modules:  # `from package import name` asks it first
            vars(sys.modules[package]).pop(name, None)
    sys.meta_path.insert(0, _RefuseFirst(absent))
    sys.meta_path.append(RefusingFinder())

"""Your notebooks are your library: import what you wrote in another exercise.

``layers = from_notebook("two_layer_net")`` gives the functions and classes that you wrote in
``two_layer_net.ipynb``, as a module would. Nothing of that notebook is run but its imports and
definitions: no training, no plots. There is no second copy to keep up to date.
"""

from __future__ import annotations
import __future__

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from cs231n_lib.notebook_cells import Cell, NotebookError, names_bound, read_cells, unwritten

__all__ = [
    "NotWrittenError",
    "NotebookError",
    "NotebookModule",
    "NotebookNotFoundError",
    "from_notebook",
    "load_notebook",
    "resolving_with",
    "set_resolver",
]

Resolver = Callable[[str], Any]

_resolver: Resolver | None = None
_loading: list[Path] = []


class NotebookNotFoundError(NotebookError, FileNotFoundError):
    """There is no such notebook."""


class NotWrittenError(NotebookError, NotImplementedError):
    """A function of another notebook is wanted that is not written yet."""


def from_notebook(name: str) -> Any:
    """Return what a notebook defines: the functions and classes written in its solution cells.

    The notebook is looked for beside the current one, then in the folders beside that one's
    folder, so that exercises of ``a2`` find those of ``a1``. It is read as it was last saved, anew
    at each call. Its imports and definitions are executed, and names for literal values and for
    other notebooks; nothing else. What solution cells define is not replaced by a later definition
    of the same name in another cell.

    Parameters
    ----------
    name : str
        Name of the notebook, without ``.ipynb``; with a folder (``"a1/knn"``) where it is not clear
        which one is meant.

    Returns
    -------
    NotebookModule
        Its names as attributes. To access one that is not written yet raises
        :class:`NotWrittenError`; one that cannot be defined, :class:`NotebookError`; one that is
        not there, ``AttributeError``. Each says which it is and where.

    Raises
    ------
    NotebookNotFoundError
        If there is no such notebook.
    NotebookError
        If it cannot be read, an import in it fails, or two notebooks import each other.

    Examples
    --------
    >>> layers = from_notebook("two_layer_net")  # doctest: +SKIP
    >>> out, cache = layers.affine_forward(x, w, b)  # doctest: +SKIP
    """
    if not isinstance(name, str) or not name:
        raise NotebookError(f"from_notebook takes the name of a notebook, got {name!r}")
    name = name.removesuffix(".ipynb")
    return load_notebook(_find(name)) if _resolver is None else _resolver(name)


def set_resolver(resolver: Resolver | None) -> None:
    """Let :func:`from_notebook` ask `resolver` instead of looking for a file.

    For programs that run the cells of a notebook elsewhere, where no other notebook is. It holds
    for the whole process, threads included.

    Parameters
    ----------
    resolver : callable or None
        Called with the name (never with ``.ipynb``); what it returns, :func:`from_notebook`
        returns, and what it raises, it raises. None restores the search for a file.

    See Also
    --------
    resolving_with : the same for a ``with`` block.
    """
    global _resolver
    _resolver = resolver


@contextmanager
def resolving_with(resolver: Resolver | None) -> Iterator[None]:
    """Set the resolver (see :func:`set_resolver`) within a ``with`` block.

    Examples
    --------
    >>> with resolving_with(lambda name: f"what {name} defines"):
    ...     from_notebook("knn")
    'what knn defines'
    """
    before = _resolver
    set_resolver(resolver)
    try:
        yield
    finally:
        set_resolver(before)


def load_notebook(path: str | Path) -> NotebookModule:
    """Return what the notebook at `path` defines; see :func:`from_notebook`.

    Raises
    ------
    NotebookNotFoundError
        If there is no such file.
    NotebookError
        If it cannot be read, an import in it fails, or two notebooks import each other.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise NotebookNotFoundError(f"there is no notebook {path}")
    if path in _loading:
        others = " and ".join(p.name for p in _loading[_loading.index(path) :])
        raise NotebookError(f"{others} import each other: one of them must do without the other")
    _loading.append(path)
    try:
        return NotebookModule(path, read_cells(path))
    finally:
        _loading.pop()


class NotebookModule(ModuleType):
    """What a notebook defines, with attributes as a module has; made by :func:`from_notebook`."""

    def __init__(self, path: Path, cells: list[Cell]) -> None:
        super().__init__(path.stem, f"What {path.name} defines.")
        self.__file__ = str(path)
        # Apart from __dict__, so that __getattr__ sees each access and can say what is wrong.
        self._scope: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
        self._problems: dict[str, NotebookError] = {}
        self._define_all(path.name, cells)

    def __getattr__(self, name: str) -> Any:
        # Private attributes exist only after __init__; without this, a copy would recurse.
        if name.startswith("__") or name in ("_scope", "_problems"):
            raise AttributeError(name)
        if problem := self._problems.get(name):
            # A new one: the same exception raised again would show the earlier traceback, too.
            raise type(problem)(str(problem)) from problem.__cause__
        try:
            return self._scope[name]
        except KeyError:
            known = ", ".join(dir(self)) or "nothing"
            raise AttributeError(
                f"{Path(str(self.__file__)).name} defines no {name!r}; it defines {known}"
            ) from None

    def __dir__(self) -> list[str]:
        own = {
            name
            for name, value in self._scope.items()
            if getattr(value, "__module__", None) == self.__name__
        }
        return sorted(own | set(self._problems))

    def __repr__(self) -> str:
        return f"<what {Path(str(self.__file__)).name} defines: {', '.join(dir(self))}>"

    def _define_all(self, notebook: str, cells: list[Cell]) -> None:
        flags = _future_flags(cells)
        asked_for = {
            name
            for cell in cells
            if cell.solution
            for statement in cell.definitions()
            for name in names_bound(statement)
        }
        for cell in cells:
            if cell.problem is not None and cell.solution:
                self._problems[cell.name] = cell.problem
            cell.show_in_tracebacks()
            for statement in cell.definitions():
                if cell.solution or asked_for.isdisjoint(names_bound(statement)):
                    self._define(statement, cell, notebook, flags)

    def _define(self, statement: ast.stmt, cell: Cell, notebook: str, flags: int) -> None:
        names = names_bound(statement)
        problem: NotebookError | None = None
        if missing := unwritten(statement):
            problem = NotWrittenError(
                f"{missing} in {notebook} is not written yet: write it there, save, and run the "
                "cell with from_notebook again"
            )
        code = compile(ast.Module([statement], []), cell.origin, "exec", flags, dont_inherit=True)
        try:
            exec(code, self._scope)  # noqa: S102 - the reader's own definitions
        except NotebookNotFoundError:
            raise
        except NotebookError as error:
            problem = error
        except ImportError as error:
            raise NotebookError(f"an import in {cell.origin} fails: {error}") from error
        except Exception as error:
            problem = NotebookError(
                f"{' and '.join(names) or 'a definition'} in {cell.origin} cannot be defined: "
                f"{type(error).__name__}: {error}"
            )
            problem.__cause__ = error
        for name in names:
            self._problems.pop(name, None)
            if problem is not None:
                self._problems[name] = problem


def _find(name: str) -> Path:
    here = Path.cwd()
    file = Path(f"{name}.ipynb")
    if (here / file).is_file():
        return here / file
    if file.parent != Path():
        found = [p for p in (here.parent / file,) if p.is_file()]
    else:
        found = sorted(path for path in here.parent.glob(f"*/{file}") if path.is_file())
    if len(found) > 1:
        folders = " and ".join(path.parent.name for path in found)
        raise NotebookError(
            f"there is a {file} in {folders}: say which, as in "
            f'from_notebook("{found[0].parent.name}/{name}")'
        )
    if not found:
        raise NotebookNotFoundError(
            f"there is no notebook {file} in {here} or in the folders beside it: this exercise "
            "builds on it, so work on that one first, or copy it here"
        )
    return found[0]


def _future_flags(cells: list[Cell]) -> int:
    """Return the compiler flags of ``from __future__`` imports, which hold for all later cells."""
    flags = 0
    for cell in cells:
        for statement in cell.tree.body:
            if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
                for alias in statement.names:
                    flags |= getattr(__future__, alias.name).compiler_flag
    return flags

"""What a notebook defines, as syntax trees: its imports and definitions, without running it."""

from __future__ import annotations

import ast
import json
import linecache
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Cell", "NotebookError", "names_bound", "read_cells", "unwritten"]


class NotebookError(Exception):
    """A notebook cannot be read, or a definition in it fails; the message says which and why."""


@dataclass
class Cell:
    """A code cell of a notebook.

    Parameters
    ----------
    name : str
        Its ``grade_id`` (which for a solution cell is the name of what it defines), or its
        position.
    source : str
        Its text.
    solution : bool
        Whether students write in it what the exercise asks for.
    origin : str
        Where it is from, for messages and tracebacks, such as ``knn.ipynb [predict_labels]``.

    Attributes
    ----------
    tree : ast.Module
        Its syntax tree; empty if `problem` is set.
    problem : NotebookError or None
        A syntax error, said in a sentence.
    """

    name: str
    source: str
    solution: bool
    origin: str
    tree: ast.Module = field(init=False)
    problem: NotebookError | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        try:
            self.tree = _parse(self.source, self.origin)
        except SyntaxError as error:
            self.tree = ast.Module([], [])
            self.problem = NotebookError(
                f"{self.origin} has a syntax error in line {error.lineno}: {error.msg}"
            )

    def definitions(self) -> Iterator[ast.stmt]:
        """Yield the statements that define something without computing anything.

        These are imports, functions, classes, names for literal values (``EPS = 1e-8``), names for
        what other names hold (``relu = layers.relu``), and calls of ``from_notebook``.
        """
        for statement in self.tree.body:
            if isinstance(
                statement,
                (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
            ):
                yield statement
            elif (
                isinstance(statement, (ast.Assign, ast.AnnAssign))
                and statement.value is not None
                and all(isinstance(t, ast.Name) for t in _targets(statement))
                and _computes_nothing(statement.value)
            ):
                yield statement

    def show_in_tracebacks(self) -> None:
        """Let tracebacks and ``inspect.getsource`` find the lines of this cell."""
        lines = self.source.splitlines(keepends=True)
        linecache.cache[self.origin] = (len(self.source), None, lines, self.origin)


def names_bound(statement: ast.stmt) -> list[str]:
    """Return the names that one of :meth:`Cell.definitions` binds (none for ``import *``)."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        aliases = [alias for alias in statement.names if alias.name != "*"]
        return [alias.asname or alias.name.split(".")[0] for alias in aliases]
    return [target.id for target in _targets(statement) if isinstance(target, ast.Name)]


def read_cells(path: Path) -> list[Cell]:
    """Return the code cells of a notebook file.

    Raises
    ------
    NotebookError
        If the file cannot be read or is no notebook.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        return [_cell(cell, number, path.name) for number, cell in enumerate(cells, start=1)]
    except OSError as error:
        raise NotebookError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotebookError(
            f"{path} is not a Jupyter notebook (version 4): save it again from JupyterLab"
        ) from error


def unwritten(statement: ast.stmt) -> str | None:
    r"""Return the name of what is not written yet in a function or class, or None.

    Not written is a function that raises ``NotImplementedError`` unconditionally.

    Examples
    --------
    >>> unwritten(ast.parse("def f(x):\n    raise NotImplementedError('write f')").body[0])
    'f'
    >>> unwritten(ast.parse("class A:\n    def f(self):\n        return 1").body[0])
    """
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return statement.name if any(map(_raises_not_implemented, statement.body)) else None
    if isinstance(statement, ast.ClassDef):
        for member in statement.body:
            if inner := unwritten(member):
                return f"{statement.name}.{inner}"
    return None


def _cell(cell: dict[str, Any], number: int, notebook: str) -> Cell:
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    grading = cell.get("metadata", {}).get("nbgrader", {})
    solution = bool(grading.get("solution"))
    name = str(grading["grade_id"]) if solution else f"cell {number}"
    return Cell(name, text, solution, f"{notebook} [{name}]")


def _parse(source: str, origin: str) -> ast.Module:
    try:
        return ast.parse(source, origin)
    except SyntaxError:
        # Magics and shell commands are no Python. Imported here, for few cells have them.
        from IPython.core.inputtransformer2 import TransformerManager

        plain = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
        return ast.parse(plain, origin)


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AnnAssign) else []


def _computes_nothing(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        function = value.func
        called = function.attr if isinstance(function, ast.Attribute) else None
        called = function.id if isinstance(function, ast.Name) else called
        return called == "from_notebook" and all(isinstance(a, ast.Constant) for a in value.args)
    inner = value
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    if isinstance(inner, ast.Name):
        return True
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _raises_not_implemented(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Raise):
        return False
    raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"

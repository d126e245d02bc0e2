"""Run the definitions of a notebook's cells, and nothing else of them.

A hand-in's cells hold what a student needs graded (functions, classes, imports, constants) and what
they tried along the way (training runs, plots, prints). Grading wants the first without the second:

- imports, ``def`` and ``class`` statements run;
- assignments run, each for at most half a second, so that ``EPS = 1e-8``, a lambda or a
  ``functools.partial`` is there; an assignment that loads data through the course library does not;
- ``if``, ``try`` and ``with`` blocks run when they hold nothing but such statements;
- everything else (loops, calls, magics, ``print``) is left out.

Each statement stands alone: one that fails takes nothing else down.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import signal
import threading
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Cell",
    "CellError",
    "StatementTimeout",
    "is_definition",
    "parse_cell",
    "run_definitions",
    "safe_text",
]

STATEMENT_SECONDS = 0.5
CELL_SECONDS = 2.0
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
_TRANSPARENT_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")
# `%magic`, `!shell`, `x = %magic`, `x = !shell`, `?name` and `name??`; neither a comment that ends
# in a question mark nor an operator that begins a line.
_MAGIC = re.compile(
    r"^(\s*)((\w+\s*=\s*)?(%{1,2}[a-zA-Z]|!(?!=)).*|\?{1,2}[\w.]+|[\w.]+\?{1,2})\s*$"
)


@dataclass(frozen=True)
class Cell:
    """One code cell: the name it has in tracebacks, and its source."""

    name: str
    source: str


@dataclass(frozen=True)
class CellError:
    """What went wrong in a cell: the exception's type and text, and the line where it arose."""

    cell: str
    type: str
    message: str
    line: int | None


class StatementTimeout(BaseException):
    """Raised in a top-level statement that runs longer than a definition may."""


def run_definitions(cells: list[Cell], namespace: dict[str, Any]) -> list[CellError]:
    """Run the definitions of ``cells`` in ``namespace``, in order.

    Returns
    -------
    list of CellError
        One for each cell that does not parse and each definition that failed; assignments that
        fail are a student's experiments and are not reported.
    """
    errors = []
    for cell in cells:
        try:
            tree = parse_cell(cell.source, f"<cell {cell.name}>")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            errors.append(_error(cell.name, error, getattr(error, "lineno", None)))
            continue
        budget = CELL_SECONDS
        for statement in tree.body:
            if not is_definition(statement, namespace):
                continue
            keep = isinstance(statement, _DEFINITIONS)
            seconds = CELL_SECONDS if keep else min(STATEMENT_SECONDS, budget)
            if seconds <= 0:
                continue
            code = ast.Module(body=[statement], type_ignores=[])
            try:
                with _time_limit(seconds) as clock:
                    # Running a student's definitions is the purpose of this process.
                    exec(compile(code, f"<cell {cell.name}>", "exec"), namespace)  # noqa: S102
            except BaseException as error:
                if keep:
                    errors.append(_error(cell.name, error, statement.lineno))
            budget -= 0 if keep else clock()
    return errors


def _error(cell: str, error: BaseException, line: int | None) -> CellError:
    text = error.msg if isinstance(error, SyntaxError) else safe_text(error)
    kind = type(error).__name__
    if isinstance(error, SyntaxError) and kind.startswith("_"):
        kind = "SyntaxError"  # Python 3.13 has one of its own for a cell that ends too early
    return CellError(cell, kind, text[:500], line)


def safe_text(error: BaseException) -> str:
    """Return ``str(error)``, or nothing if the exception's own code fails at that."""
    try:
        return str(str(error))
    except BaseException:
        return ""


def parse_cell(source: str, filename: str = "<cell>") -> ast.Module:
    """Parse a cell with IPython's magics and shell lines blanked out, each line where it is.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError
        If that is no Python.
    """
    lines = source.split("\n")
    for i, line in enumerate(lines):
        if line.startswith("%%"):
            if not line.startswith(_TRANSPARENT_MAGICS):
                return ast.Module(body=[], type_ignores=[])
            lines[i] = ""
        if line.strip():
            break
    # Most cells have none: they are parsed once.
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.parse("\n".join(lines), filename)
    return ast.parse("\n".join(_MAGIC.sub(r"\1pass", line) for line in lines), filename)


def is_definition(node: ast.stmt, namespace: dict[str, Any]) -> bool:
    """Whether a top-level statement runs when grading; see the module's text for the rule."""
    waiting = [node]  # not by recursion: a chain of branches is as deep as it is long
    while waiting:
        one = waiting.pop()
        if isinstance(one, _ASSIGNMENTS):
            if any(_loads_data(call, namespace) for call in ast.walk(one)):
                return False
        elif isinstance(one, ast.If | ast.Try | ast.With):
            blocks = [one.body, getattr(one, "orelse", []), getattr(one, "finalbody", [])]
            blocks += [handler.body for handler in getattr(one, "handlers", [])]
            waiting += [s for block in blocks for s in block if not isinstance(s, ast.Pass)]
        elif not isinstance(one, _DEFINITIONS):
            return False
    return True


def _loads_data(node: ast.AST, namespace: dict[str, Any]) -> bool:
    """Whether the node calls something of the course library (data, plots, training)."""
    if not isinstance(node, ast.Call):
        return False
    function: ast.expr = node.func
    while isinstance(function, ast.Attribute):
        function = function.value
    if not isinstance(function, ast.Name):
        return False
    owner: Any = namespace.get(function.id)
    # Of other objects nothing is asked: to look at an attribute may run a student's code.
    if issubclass(type(owner), types.ModuleType):
        module = owner.__name__
    elif type(owner) in (type, types.FunctionType):
        module = owner.__module__
    else:
        return False
    if not isinstance(module, str) or module == "cs231n_lib.notebooks":
        return False  # another notebook's definitions are no data
    return module.split(".")[0] == "cs231n_lib"


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[Any]:
    """Raise :class:`StatementTimeout` after ``seconds``; yields a clock. Main thread only."""
    import time

    start = time.monotonic()

    def clock() -> float:
        return time.monotonic() - start

    if threading.current_thread() is not threading.main_thread():
        yield clock
        return

    def expire(*_: Any) -> None:
        raise StatementTimeout(f"ran longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield clock
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

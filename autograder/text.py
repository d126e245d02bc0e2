"""A notebook as text: read by jupytext, its cells told apart by their nbgrader metadata."""

from __future__ import annotations

import ast
import functools
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .errors import CourseError
from .startup import without_iri_grammar
from .worker.cells import parse_cell

with without_iri_grammar():
    import jupytext
    import nbformat

__all__ = ["BEGIN_SOLUTION", "END_SOLUTION", "NotebookText", "TextCell", "solution_part"]

Kind = Literal["text", "given", "solution", "check", "question", "demo"]
BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
SCHEMA_VERSION = 3


@dataclass(frozen=True)
class TextCell:
    """One cell of an exercise's own notebook.

    Attributes
    ----------
    kind
        ``text`` (markdown), ``given`` (code students get), ``solution``, ``check`` (a graded cell),
        ``question`` (graded by a person) or ``demo`` (skipped when grading).
    name
        The ``grade_id``, or the cell's id where it has none.
    """

    kind: Kind
    name: str
    source: str
    points: float
    metadata: dict[str, Any]


@dataclass(frozen=True)
class NotebookText:
    """An exercise's notebook, from its text."""

    path: Path
    cells: tuple[TextCell, ...]
    notebook: Any
    sha256: str

    @classmethod
    def read(cls, path: Path, exercise: str) -> NotebookText:
        """Read ``notebook.py``.

        Raises
        ------
        CourseError
            If it is no percent-format notebook.
        """
        try:
            text = path.read_text(encoding="utf-8")
            notebook = jupytext.reads(text, fmt="py:percent")
        except Exception as error:
            raise CourseError(f"{path} is no jupytext percent notebook: {error}.") from error
        # jupytext's own header is of no use in a notebook, and its version would change the output.
        notebook.metadata = nbformat.from_dict(
            {
                "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                "language_info": {"name": "python"},
            }
        )
        notebook.nbformat, notebook.nbformat_minor = 4, 5
        _name_cells(notebook, exercise)
        cells = tuple(_text_cell(cell) for cell in notebook.cells)
        return cls(path, cells, notebook, hashlib.sha256(text.encode()).hexdigest())

    @property
    def definition_cells(self) -> tuple[TextCell, ...]:
        """The cells that define something when grading: given ones and solutions."""
        return tuple(cell for cell in self.cells if cell.kind in ("given", "solution"))

    @functools.cached_property
    def notebooks(self) -> tuple[str, ...]:
        """The notebooks that definitions are taken from: ``from_notebook("two_layer_net")``."""
        sources = [cell.source for cell in self.definition_cells]
        return tuple(dict.fromkeys(name for source in sources for name in _notebooks_in(source)))

    def of_kind(self, kind: Kind) -> tuple[TextCell, ...]:
        """Return the cells of one kind."""
        return tuple(cell for cell in self.cells if cell.kind == kind)


def _name_cells(notebook: Any, exercise: str) -> None:
    """Give every cell a stable id: from its ``grade_id``, or from what stands before it."""
    used: set[str] = set()
    last, count = "top", 0
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id:
            last, count = grade_id, 0
            name = _valid_id(grade_id)
        else:
            count += 1
            name = _valid_id(f"{last}-{count}")
        if name in used:
            raise CourseError(f"{exercise}: two cells are called {name!r}.")
        used.add(name)
        cell["id"] = name


def _valid_id(name: str) -> str:
    # nbformat: 1 to 64 characters of [a-zA-Z0-9-_]
    plain = re.sub(r"[^a-zA-Z0-9_-]", "-", name)
    if len(plain) <= 64:
        return plain
    return plain[:55] + "-" + hashlib.sha256(name.encode()).hexdigest()[:8]


def _text_cell(cell: Any) -> TextCell:
    grader = cell.metadata.get("nbgrader", {})
    kind: Kind
    if grader.get("solution") and grader.get("grade"):
        kind = "question"
    elif grader.get("solution"):
        kind = "solution"
    elif grader.get("grade"):
        kind = "check"
    elif cell.cell_type != "code":
        kind = "text"
    else:
        kind = "demo" if "demo" in cell.metadata.get("tags", []) else "given"
    points = float(grader.get("points", 0) or 0)
    name = grader.get("grade_id") or cell["id"]
    return TextCell(kind, name, cell.source, points, dict(cell.metadata))


def solution_part(source: str) -> list[str]:
    """Return the lines between the solution marks of a cell.

    Raises
    ------
    CourseError
        If the marks are missing, nested or unpaired.
    """
    inside, lines, regions = False, [], 0
    for line in source.split("\n"):
        if line.strip() == BEGIN_SOLUTION:
            if inside:
                raise CourseError("a solution begins inside a solution")
            inside, regions = True, regions + 1
        elif line.strip() == END_SOLUTION:
            if not inside:
                raise CourseError("a solution ends that never began")
            inside = False
        elif inside:
            lines.append(line)
    if inside or not regions:
        raise CourseError(f"needs its part between {BEGIN_SOLUTION!r} and {END_SOLUTION!r}")
    return lines


def _notebooks_in(source: str) -> list[str]:
    return [
        argument.value
        for call in ast.walk(parse_cell(source))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "from_notebook"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


def defined_names(source: str) -> list[str]:
    """Return the functions and classes that a cell defines at its top level."""
    return [
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]

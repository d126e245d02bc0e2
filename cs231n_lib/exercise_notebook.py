"""Read an exercise's notebook as a student keeps it: which cell is what, and whether it is whole.

Only the format is known here: nbgrader's metadata, and the rule that the cell ``check_f`` checks
what the cell ``f`` defines.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cs231n_lib.notebook_cells import NotebookError

__all__ = [
    "MAX_BYTES",
    "MAX_CELLS",
    "MAX_CODE",
    "Expected",
    "NotebookCell",
    "expected_here",
    "read_notebook",
    "what_is_wrong",
]

Kind = Literal["text", "code", "demo", "solution", "check", "question"]

MAX_BYTES = 64 * 2**20
"""A larger file is not read by the grader; a notebook without outputs is far from it."""
MAX_CELLS = 2_000
MAX_CODE = 1_000_000


@dataclass(frozen=True)
class NotebookCell:
    """One cell of a notebook.

    Parameters
    ----------
    kind : str
        ``text``, ``code`` (given or added), ``demo`` (a tag), ``solution``, ``check`` or
        ``question``.
    name : str
        Its ``grade_id``, or its place, such as ``cell 7``.
    source : str
        Its text.
    """

    kind: Kind
    name: str
    source: str


@dataclass(frozen=True)
class Expected:
    """What an assignment's folder says of its notebooks, in ``course.toml``.

    Parameters
    ----------
    assignment : str
        Its name, such as ``a1``.
    cells : dict of str to frozenset of str
        For each exercise the names of the cells that students write in; empty where the folder
        does not say.
    """

    assignment: str
    cells: dict[str, frozenset[str]]


def read_notebook(path: Path) -> list[NotebookCell]:
    """Return the cells of a notebook.

    Raises
    ------
    NotebookError
        If the grader could not read the file; the message is a sentence for the student.
    """
    if not path.is_file():
        raise NotebookError(f"there is no file {path}")
    if path.stat().st_size > MAX_BYTES:
        raise NotebookError(
            f"{path.name} is larger than {MAX_BYTES // 2**20} MB: clear its outputs (Edit, Clear "
            "Outputs of All Cells) and save it"
        )
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise NotebookError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise NotebookError(
            f"{path.name} is no notebook: it is not JSON; save it again from JupyterLab"
        ) from error
    raw = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(raw, list) or not all(isinstance(cell, dict) for cell in raw):
        raise NotebookError(
            f"{path.name} is no notebook of format 4: it has no list of cells; save it again from "
            "JupyterLab"
        )
    cells = [_cell(cell, number) for number, cell in enumerate(raw, start=1)]
    code = sum(len(cell.source) for cell in cells if cell.kind not in ("text", "question"))
    if len(cells) > MAX_CELLS or code > MAX_CODE:
        raise NotebookError(
            f"{path.name} has {len(cells):,} cells with {code:,} characters of code; the grader "
            f"reads {MAX_CELLS:,} and {MAX_CODE:,}"
        )
    return cells


def expected_here(folder: Path) -> Expected:
    """Return what a folder's ``course.toml`` says of its notebooks; without it, its name alone.

    Raises
    ------
    NotebookError
        If the file is garbled.
    """
    folder = folder.resolve()
    path = folder / "course.toml"
    if not path.is_file():
        return Expected(folder.name, {})
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        cells = {
            str(name): frozenset(map(str, names))
            for name, names in content.get("exercises", {}).items()
        }
        return Expected(str(content.get("assignment", folder.name)), cells)
    except (ValueError, TypeError, AttributeError) as error:
        raise NotebookError(
            f"{path} is garbled ({error}): take the original of your course"
        ) from error


def what_is_wrong(path: Path, cells: list[NotebookCell], expected: Expected) -> str | None:
    """Return why the grader could not grade a notebook, as a sentence, or None.

    Parameters
    ----------
    path, cells
        The notebook, and what :func:`read_notebook` returned for it.
    expected
        What its folder says, from :func:`expected_here`.
    """
    written = {cell.name for cell in cells if cell.kind in ("solution", "question")}
    exercise = path.stem
    if expected.cells and exercise not in expected.cells:
        fits = [name for name, own in expected.cells.items() if own and own <= written]
        if fits:
            return (
                f"{path.name} is the notebook {fits[0]}.ipynb under another name: the grader "
                f"looks for {fits[0]}.ipynb, so rename it"
            )
        known = ", ".join(f"{name}.ipynb" for name in expected.cells)
        return f"{path.name} is no notebook of {expected.assignment}, which has {known}"
    own = expected.cells.get(exercise)
    if own is None:
        checks = (cell.name for cell in cells if cell.kind == "check")
        own = frozenset(name.removeprefix("check_") for name in checks)
        if not own:
            return f"{path.name} is no exercise: it has no cell that is graded"
    others = [n for n, names in expected.cells.items() if n != exercise and names & written - own]
    if others and not own & written:
        return f"{path.name} holds the exercise {others[0]}: hand it in as {others[0]}.ipynb"
    missing = sorted(own - written)
    if missing:
        return (
            f"{path.name} lacks the cell {_listed(missing)}: it was deleted or pasted into a new "
            "cell; copy your code into a fresh copy of the notebook"
        )
    return None


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _cell(cell: dict[str, Any], number: int) -> NotebookCell:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(map(str, source))
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    grading = metadata.get("nbgrader")
    grading = grading if isinstance(grading, dict) else {}
    tags = metadata.get("tags")
    code = cell.get("cell_type") == "code"
    name = grading.get("grade_id")
    named = isinstance(name, str) and bool(name)
    kind: Kind
    if named and grading.get("solution") and grading.get("grade"):
        kind = "question"
    elif named and grading.get("solution") and code:
        kind = "solution"
    elif named and grading.get("grade") and code:
        kind = "check"
    elif not code:
        kind = "text"
    else:
        kind = "demo" if isinstance(tags, list) and "demo" in tags else "code"
    return NotebookCell(kind, str(name) if named else f"cell {number}", str(source))

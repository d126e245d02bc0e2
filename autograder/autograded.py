"""The graded notebook: the exercise's own cells with the student's work in them, and the results.

The formgrader shows it, and a person grades the inline questions on it. Outputs are the grader's
words; nothing that a hand-in brought as output or metadata is kept.
"""

from __future__ import annotations

import copy
import re
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from .build.execute import as_text
from .course import Exercise
from .handin import Handin, HandinCell
from .report import CheckResult, Report

__all__ = ["graded_notebook", "inert"]

_SIGNS = {"passed": "✓", "failed": "✗", "timeout": "⧗", "crashed": "✗", "could_not_run": "!"}


def graded_notebook(exercise: Exercise, handin: Handin | None, report: Report) -> str:
    """Return the graded notebook of a hand-in as text; ``None`` for one that could not be read."""
    ours = {cell["id"]: cell for cell in exercise.text.notebook.cells}
    names = dict(zip((cell.name for cell in exercise.text.cells), ours, strict=True))
    if handin is None:
        cells = tuple(
            HandinCell("written", c.name, "", c.kind == "solution")
            if c.kind in ("solution", "question")
            else HandinCell("ours", c.name, c.source)
            for c in exercise.text.cells
        )
        handin = Handin(cells, (), frozenset())
    notebook = nbformat.v4.new_notebook(metadata=copy.deepcopy(exercise.text.notebook.metadata))
    for place, cell in enumerate(_complete(handin, exercise)):
        if cell.origin == "added":
            made = new_code_cell(cell.source) if cell.is_code else new_markdown_cell(cell.source)
            made["id"] = f"added-{place}"
        else:
            made = copy.copy(ours[names[cell.name]])  # what is changed is changed as a whole
            made["source"] = cell.source
        if made.cell_type != "code" and cell.origin != "ours":
            made["source"] = inert(cell.source)
        if made.cell_type == "code":
            made["outputs"], made["execution_count"] = _results(cell.name, report), None
        notebook.cells.append(made)
    if report.problem:
        text = f"**This hand-in could not be graded:** {report.problem}."
        notebook.cells.insert(0, new_markdown_cell(text, id="problem"))
    return as_text(notebook)  # our own cells with other texts in them: nothing to validate


def inert(markdown: str) -> str:
    r"""Return a student's markdown with nothing in it that a browser would do more with than show.

    The formgrader puts the HTML of an answer into the instructor's page as it is, scripts and all,
    and so does MathJax with the links of ``\href``; a link may hold a script too. A blank after the
    ``<``, the backslash or the bracket makes them words; formulas such as ``a<b`` stay what they
    are.

    Examples
    --------
    >>> inert("**bold**, $a<b$ and <script>")
    '**bold**, $a< b$ and < script>'
    """
    text = re.sub(r"<(?=[a-zA-Z/!?])", "< ", markdown)
    text = re.sub(r"\](?=[(\[:])", "] ", text)
    return re.sub(
        r"\\(?=(?:href|style|class|cssId|require|data|unicode)(?![a-zA-Z]))", r"\\ ", text
    )


def _complete(handin: Handin, exercise: Exercise) -> list[HandinCell]:
    """Return the hand-in's cells once each, with graded cells and questions that it lost added."""
    seen: set[str] = set()
    cells = []
    for cell in handin.cells:
        if cell.origin == "added" or cell.name not in seen:
            cells.append(cell)
        seen.add(cell.name)
    for own in exercise.text.cells:
        if own.name not in seen and own.kind == "check":
            cells.append(HandinCell("ours", own.name, own.source))
        elif own.name not in seen and own.kind in ("solution", "question"):
            cells.append(HandinCell("written", own.name, "", own.kind == "solution"))
    return cells


def _results(name: str, report: Report) -> list[Any]:
    lines = [line for c in report.checks if f"check_{c.of}" == name for line in _lines(c)]
    output = {"output_type": "stream", "name": "stdout", "text": "\n".join(lines) + "\n"}
    return [nbformat.from_dict(output)] if lines else []


def _lines(check: CheckResult) -> list[str]:
    lines = [f"{_SIGNS[check.outcome]} {check.points}/{check.max_points}  {check.description}"]
    lines += [f"      {text}" for text in (check.message, check.hint) if text]
    return lines

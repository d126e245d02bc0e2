"""Is an exercise's own material in order? Every rule that others rely on is checked here."""

from __future__ import annotations

from collections.abc import Iterator

from ..course import Exercise
from ..errors import CourseError
from ..text import SCHEMA_VERSION, TextCell, defined_names, solution_part
from ..worker.cells import parse_cell

__all__ = ["validate"]

_FIELDS = ("grade", "grade_id", "locked", "schema_version", "solution", "task")


def validate(exercise: Exercise) -> None:
    """Check the cells of the notebook against its hidden suite.

    Raises
    ------
    CourseError
        With every problem found, a sentence each.
    """
    problems = [*_cells(exercise), *_suite(exercise), *_thresholds(exercise)]
    if problems:
        raise CourseError(f"{exercise.id}: " + " ".join(problems))


def _cells(exercise: Exercise) -> Iterator[str]:
    for cell, raw in zip(exercise.text.cells, exercise.text.notebook.cells, strict=True):
        problem = _syntax(cell.source) if raw.cell_type == "code" else None
        if problem is not None:
            yield f"The cell {cell.name} is no Python: {problem}."
            continue
        grader = cell.metadata.get("nbgrader")
        if grader is None:
            continue
        missing = [name for name in _FIELDS if name not in grader]
        if missing:
            yield f"The cell {cell.name} lacks the nbgrader fields {', '.join(missing)}."
        elif grader["schema_version"] != SCHEMA_VERSION:
            yield f"The cell {cell.name} should have schema_version {SCHEMA_VERSION}."
        if cell.kind == "solution":
            yield from _solution(cell)
        if cell.kind == "check" and not grader.get("locked"):
            yield f"The graded cell {cell.name} should be locked."
        if cell.kind == "question" and not cell.points:
            yield f"The question {cell.name} has no points."


def _syntax(source: str) -> str | None:
    try:
        parse_cell(source)
    except SyntaxError as error:
        return f"{error.msg} in line {error.lineno}"
    return None


def _solution(cell: TextCell) -> Iterator[str]:
    names = defined_names(cell.source)
    if names != [cell.name]:
        found = ", ".join(names) or "nothing"
        yield f"The solution cell {cell.name} should define {cell.name} alone, it defines {found}."
    try:
        solution_part(cell.source)
    except CourseError as error:
        yield f"The solution cell {cell.name}: {error}."


def _suite(exercise: Exercise) -> Iterator[str]:
    written = {cell.name for cell in exercise.text.of_kind("solution")}
    graded = {cell.name: cell for cell in exercise.text.of_kind("check")}
    checked = {check.of: None for check in exercise.checks}
    for name in checked:
        if name not in written:
            yield f"The checks of {name} have no solution cell."
        if f"check_{name}" not in graded:
            yield f"The checks of {name} have no graded cell check_{name}."
    for name, cell in graded.items():
        points = exercise.max_points(name.removeprefix("check_"))
        if not name.startswith("check_") or not points:
            yield f"The graded cell {name} stands for no hidden check."
        elif cell.points != points:
            yield f"The graded cell {name} has {cell.points:g} points, its checks have {points}."
    names = {check.name: check for check in exercise.checks}
    if len(names) < len(exercise.checks):
        yield "Two checks have the same name."
    for wrong in exercise.misconceptions:
        if wrong.caught_by not in names:
            yield f"The misconception {wrong.name} is caught by an unknown {wrong.caught_by}."
        elif names[wrong.caught_by].of != wrong.of:
            yield f"The misconception {wrong.name} and the check that catches it differ in `of`."


def _thresholds(exercise: Exercise) -> Iterator[str]:
    """Say which bar of the checks students cannot read in the notebook."""
    text = "\n".join(cell.source for cell in exercise.text.cells)
    text = text.replace("\\%", "%").replace("\N{NO-BREAK SPACE}", " ")
    for name, by_dataset in exercise.thresholds.items():
        if exercise.dataset not in by_dataset:
            yield f"The threshold {name} says nothing about the dataset {exercise.dataset}."
        for dataset, threshold in by_dataset.items():
            spellings = (f"{100 * threshold.at_least:g} %", f"{threshold.at_least:.2f}")
            if not any(spelling in text for spelling in spellings):
                yield f"The text nowhere says the threshold {name} for {dataset}, {spellings[0]}."

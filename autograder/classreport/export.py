"""Points as CSV: everything, and what Canvas and Moodle import."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from .statistics import ClassNumbers

__all__ = ["canvas_csv", "moodle_csv", "points_csv", "safe_cell"]

Cell = str | int | float | None


def points_csv(numbers: ClassNumbers) -> str:
    """Return a row a student: points of each exercise, their sum, seconds."""
    names = [e.id for e in numbers.exercises]
    rows: list[Sequence[Cell]] = [["student", *names, "total", "max_points", "seconds"]]
    for s in numbers.students:
        own = [s.points[name] for name in names]
        rows.append([s.student, *own, s.total, numbers.max_points, s.seconds])
    return _csv(rows)


def canvas_csv(numbers: ClassNumbers) -> str:
    """Return what Canvas's gradebook imports: one column of points for the assignment.

    Students are matched by ``SIS Login ID``, the name of their folder.
    """
    title = f"{numbers.assignment} {numbers.title}"
    rows: list[Sequence[Cell]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title],
        ["    Points Possible", None, None, None, None, numbers.max_points],
    ]
    rows += [[s.student, None, None, s.student, None, s.total] for s in numbers.students]
    return _csv(rows)


def moodle_csv(numbers: ClassNumbers) -> str:
    """Return what Moodle's gradebook imports: ``username``, a column an exercise, and their sum."""
    names = [e.id for e in numbers.exercises]
    total = f"{numbers.assignment} {numbers.title}"
    rows: list[Sequence[Cell]] = [["username", *names, total]]
    rows += [[s.student, *(s.points[n] for n in names), s.total] for s in numbers.students]
    return _csv(rows)


def safe_cell(value: Cell) -> str | int | float:
    """Return a value that no spreadsheet takes for a formula.

    Examples
    --------
    >>> safe_cell("=1+2"), safe_cell("ada"), safe_cell(-3)
    ("'=1+2", 'ada', -3)
    """
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%"):
        return f"'{value}"
    return "" if value is None else value


def _csv(rows: Iterable[Sequence[Cell]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return file.getvalue()

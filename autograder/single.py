"""Grade one file without a class: for a student alone, and for trying things."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from .course import Course, Exercise
from .errors import UserError
from .feedback import feedback_page
from .grading import grade_handin
from .handin import Handin, Unreadable, read_bytes
from .report import Report
from .sandbox import Mechanism, Zygote

__all__ = ["grade_file", "page_of"]


def grade_file(course: Course, path: Path, exercise: str | None, mechanism: Mechanism) -> Report:
    """Return the report of one notebook file, on inputs drawn for this run.

    Parameters
    ----------
    course, path, mechanism
        The file, and where its code runs.
    exercise
        ``a1/softmax``; found by the file's name or its cells where it is not given.

    Raises
    ------
    UserError
        If there is no such file, or no telling which exercise it is.
    """
    if not path.is_file():
        raise UserError(f"There is no file {path}.")
    try:
        content: bytes | Unreadable = read_bytes(path)
    except Unreadable as problem:
        content = problem
    chosen = _exercise(course, path, exercise, content)
    with Zygote(mechanism, hidden=(course.root,)) as zygote:
        return grade_handin(chosen, content, "you", zygote, secrets.token_bytes(32))


def page_of(course: Course, path: Path, report: Report) -> str:
    """Return the feedback page of a file that was graded: the same that a class gets."""
    (exercise,) = course.select(report.exercise)
    try:
        handin = Handin.read(read_bytes(path), exercise.text)
    except Unreadable:
        handin = None
    return feedback_page(exercise, handin, report)


def _exercise(
    course: Course, path: Path, exercise: str | None, content: bytes | Unreadable
) -> Exercise:
    if exercise is not None:
        chosen = course.select(exercise)
        if len(chosen) != 1:
            raise UserError(f"--exercise names one exercise such as a1/softmax, got {exercise!r}.")
        return chosen[0]
    everything = course.select(None)
    named = [e for e in everything if e.name == path.stem]
    if len(named) == 1:
        return named[0]
    ids = _grade_ids(content) if isinstance(content, bytes) else set()
    fitting = [e for e in everything if ids & {c.name for c in e.text.of_kind("solution")}]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(e.id for e in everything)
    raise UserError(f"Which exercise is {path.name}? Say --exercise, one of {known}.")


def _grade_ids(content: bytes) -> set[str]:
    try:
        cells = json.loads(content)["cells"]
        return {str(c["metadata"]["nbgrader"]["grade_id"]) for c in cells if _graded(c)}
    except (ValueError, KeyError, TypeError, RecursionError):
        return set()


def _graded(cell: object) -> bool:
    metadata = cell.get("metadata") if isinstance(cell, dict) else None
    grader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return isinstance(grader, dict) and "grade_id" in grader

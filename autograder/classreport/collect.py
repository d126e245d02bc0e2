"""Read what grading wrote about a class: the reports, and what is missing or out of date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..course import Assignment, Course, Exercise
from ..errors import UserError
from ..handin import Handin, Unreadable, read_bytes
from ..report import Report, clean_text

__all__ = ["ClassReports", "Trouble", "collect", "graded", "read_handins"]


@dataclass(frozen=True)
class Trouble:
    """One hand-in or check that could not be graded, and why."""

    student: str
    exercise: str
    why: str
    detail: str = ""


@dataclass(frozen=True)
class ClassReports:
    """The reports of an assignment, and what stands in their way.

    Attributes
    ----------
    reports
        By exercise id, in the assignment's order, then by student.
    troubles
        Reports that cannot be read, hand-ins without one, hand-ins that changed.
    stale
        How many reports an earlier version of the hidden suite made.
    """

    assignment: Assignment
    reports: dict[str, dict[str, Report]]
    troubles: tuple[Trouble, ...]
    stale: int

    @property
    def students(self) -> list[str]:
        """Everybody of whom there is a report."""
        return sorted({student for own in self.reports.values() for student in own})


def collect(course: Course, assignment: Assignment) -> ClassReports:
    """Read the reports of an assignment.

    Raises
    ------
    UserError
        If there is none.
    """
    folder = course.root / "reports"
    exercises = {e.name: e for e in assignment.exercises}
    reports: dict[str, dict[str, Report]] = {e.id: {} for e in assignment.exercises}
    troubles: list[Trouble] = []
    stale = 0
    for path in sorted(folder.glob(f"*/{assignment.name}/*.json")):
        student, exercise = path.parent.parent.name, exercises.get(path.stem)
        if exercise is None:
            continue  # of an exercise that the assignment had once
        report = _read(path, student, exercise, troubles)
        if report is not None:
            reports[exercise.id][student] = report
            stale += report.grader.get("suite") != exercise.suite
    if not any(reports.values()) and not troubles:
        raise UserError(
            f"Nothing to report: {folder} holds no STUDENT/{assignment.name}/*.json; "
            f"run `autograder grade {assignment.name}` first."
        )
    troubles += _ungraded(course, assignment, reports)
    return ClassReports(assignment, reports, tuple(troubles), stale)


def graded(course: Course, exercise: Exercise) -> list[str]:
    """Return the students of whom there is a report of an exercise, read or not."""
    paths = (course.root / "reports").glob(f"*/{exercise.assignment}/{exercise.name}.json")
    return sorted(path.parent.parent.name for path in paths)


def read_handins(course: Course, exercise: Exercise, students: Iterable[str]) -> dict[str, Handin]:
    """Return the hand-ins of an exercise that can be read, by student."""
    handins = {}
    for student in students:
        path = course.root / "submitted" / student / exercise.assignment / f"{exercise.name}.ipynb"
        try:
            handins[student] = Handin.read(read_bytes(path), exercise.text)
        except Unreadable:
            continue  # gone or replaced since it was graded: there is nothing to compare
    return handins


def _read(path: Path, student: str, exercise: Exercise, troubles: list[Trouble]) -> Report | None:
    try:
        report = Report.from_json(path.read_text(encoding="utf-8"))
    except (UserError, UnicodeDecodeError) as error:
        why = "Its report cannot be read: grade it again."
        troubles.append(Trouble(clean_text(student), exercise.id, why, str(error)))
        return None
    if (report.student, report.exercise) != (student, exercise.id):
        why = "Its report is another hand-in's: grade it again."
        detail = f"It says {report.student}, {report.exercise}."
        troubles.append(Trouble(clean_text(student), exercise.id, why, detail))
        return None
    return report


def _ungraded(
    course: Course, assignment: Assignment, reports: dict[str, dict[str, Report]]
) -> list[Trouble]:
    """Say which hand-ins have no report."""
    found = []
    for exercise in assignment.exercises:
        pattern = f"submitted/*/{assignment.name}/{exercise.name}.ipynb"
        for path in sorted(course.root.glob(pattern)):
            student = path.parent.parent.name
            if student not in reports[exercise.id]:
                why = "Handed in, and not graded yet."
                found.append(Trouble(clean_text(student), exercise.id, why))
    return found

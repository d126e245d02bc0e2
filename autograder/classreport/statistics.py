"""From the reports of a class to the numbers that an instructor teaches from."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ..course import Exercise
from ..report import Report
from .collect import ClassReports, Trouble

__all__ = [
    "CheckNumbers",
    "ClassNumbers",
    "ExerciseNumbers",
    "Mistake",
    "Slow",
    "StudentNumbers",
    "summarise",
]

MAX_SLOW = 15


@dataclass(frozen=True)
class CheckNumbers:
    """How a class did in one check, over the hand-ins that could be read."""

    name: str
    of: str
    description: str
    max_points: int
    outcomes: dict[str, int]

    @property
    def share(self) -> float:
        """The share who passed, 0 to 1."""
        total = sum(n for outcome, n in self.outcomes.items() if outcome != "could_not_run")
        return self.outcomes.get("passed", 0) / total if total else 0.0


@dataclass(frozen=True)
class ExerciseNumbers:
    """How a class did in one exercise; points are those of the automatic checks."""

    id: str
    name: str
    max_points: int
    points: tuple[int, ...]
    missing: int
    unreadable: int
    full: int
    checks: tuple[CheckNumbers, ...]

    @property
    def median(self) -> float:
        """The middle of the points of those who handed in."""
        return float(statistics.median(self.points)) if self.points else 0.0

    @property
    def mean(self) -> float:
        """The mean of the points of those who handed in."""
        return statistics.fmean(self.points) if self.points else 0.0


@dataclass(frozen=True)
class Mistake:
    """A misconception that was recognised, its hint, and in whose hand-ins."""

    exercise: str
    of: str
    name: str
    hint: str
    share: float
    students: tuple[str, ...]


@dataclass(frozen=True)
class StudentNumbers:
    """One student's points by exercise id; ``None`` where nothing was handed in."""

    student: str
    points: dict[str, int | None]
    total: int
    seconds: float


@dataclass(frozen=True)
class Slow:
    """A hand-in that took long, or whose checks ran out of time or ended their process."""

    student: str
    exercise: str
    seconds: float
    timeouts: int
    crashes: int


@dataclass(frozen=True)
class ClassNumbers:
    """All numbers of the class report."""

    assignment: str
    title: str
    max_points: int
    exercises: tuple[ExerciseNumbers, ...]
    students: tuple[StudentNumbers, ...]
    mistakes: tuple[Mistake, ...]
    slow: tuple[Slow, ...]
    troubles: tuple[Trouble, ...]
    stale: int

    @property
    def totals(self) -> tuple[int, ...]:
        """Everybody's points in the whole assignment, what is missing counting nothing."""
        return tuple(row.total for row in self.students)

    @property
    def median(self) -> float:
        """The middle of the totals."""
        return float(statistics.median(self.totals)) if self.totals else 0.0

    @property
    def handins(self) -> int:
        """How many notebooks were graded."""
        return sum(len(e.points) for e in self.exercises)


def summarise(found: ClassReports) -> ClassNumbers:
    """Return the numbers of a class."""
    students = found.students
    exercises = tuple(
        _exercise(e, found.reports[e.id], len(students)) for e in found.assignment.exercises
    )
    every = [report for own in found.reports.values() for report in own.values()]
    return ClassNumbers(
        found.assignment.name,
        found.assignment.title,
        sum(e.max_points for e in exercises),
        exercises,
        tuple(_student(found, name) for name in students),
        tuple(_mistakes(found)),
        tuple(_slow(every)),
        (*_troubles(every), *found.troubles),
        found.stale,
    )


def _exercise(exercise: Exercise, reports: dict[str, Report], students: int) -> ExerciseNumbers:
    readable = [r for r in reports.values() if r.problem is None]
    points = tuple(r.points for r in reports.values())
    most = int(sum(cell.points for cell in exercise.text.of_kind("check")))
    return ExerciseNumbers(
        exercise.id,
        exercise.name,
        most,
        points,
        students - len(reports),
        len(reports) - len(readable),
        sum(r.points == r.max_points for r in readable),
        tuple(_checks(readable)),
    )


def _checks(reports: Iterable[Report]) -> list[CheckNumbers]:
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    known = {}
    for report in reports:
        for check in report.checks:
            outcomes[check.name][check.outcome] += 1
            known[check.name] = check
    return [
        CheckNumbers(name, c.of, c.description, c.max_points, dict(sorted(outcomes[name].items())))
        for name, c in known.items()
    ]


def _mistakes(found: ClassReports) -> list[Mistake]:
    """Return the misconceptions, the commonest first: each counts once in a hand-in."""
    mistakes = []
    for exercise, reports in found.reports.items():
        who: dict[tuple[str, str], set[str]] = defaultdict(set)
        hints: dict[tuple[str, str], str] = {}
        for student, report in reports.items():
            for check in report.checks:
                if check.misconception is not None:
                    who[check.of, check.misconception].add(student)
                    hints[check.of, check.misconception] = check.hint or ""
        mistakes += [
            Mistake(exercise, of, name, hints[of, name], len(s) / len(reports), tuple(sorted(s)))
            for (of, name), s in who.items()
        ]
    return sorted(mistakes, key=lambda m: (-len(m.students), m.exercise, m.of, m.name))


def _student(found: ClassReports, student: str) -> StudentNumbers:
    own = {exercise: reports.get(student) for exercise, reports in found.reports.items()}
    points = {exercise: r.points if r is not None else None for exercise, r in own.items()}
    seconds = sum(r.seconds for r in own.values() if r is not None)
    return StudentNumbers(student, points, sum(p or 0 for p in points.values()), round(seconds, 2))


def _slow(reports: list[Report]) -> list[Slow]:
    """Return hand-ins with time-outs or crashes, and the slowest besides."""
    rows = [
        Slow(
            r.student,
            r.exercise,
            round(r.seconds, 2),
            sum(c.outcome == "timeout" for c in r.checks),
            sum(c.outcome == "crashed" for c in r.checks),
        )
        for r in reports
    ]
    rows.sort(key=lambda row: (-row.seconds, row.student, row.exercise))
    odd = [row for row in rows if row.timeouts or row.crashes]
    return odd + [row for row in rows if not (row.timeouts or row.crashes)][:MAX_SLOW]


def _troubles(reports: list[Report]) -> list[Trouble]:
    """Return what could not be graded: unreadable files, and checks that fell to the grader."""
    found = [
        Trouble(r.student, r.exercise, f"The file could not be read: {r.problem}.")
        for r in reports
        if r.problem is not None
    ]
    for report in reports:
        for check in report.checks:
            if check.outcome == "could_not_run":
                why = f"The check {check.name} could not run (its points are given)."
                found.append(Trouble(report.student, report.exercise, why, check.detail))
    return found

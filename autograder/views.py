"""What the console shows: reports, tables and progress, plain where it is no terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from statistics import median

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text
from sqlalchemy import make_url

from .classreport import ClassReport
from .classroom import ClassResult
from .course import Course
from .demo import Made
from .report import CheckResult, Report
from .verify import Verification

__all__ = [
    "print_class",
    "print_class_report",
    "print_demo",
    "print_places",
    "print_report",
    "print_verifications",
    "progress_bar",
    "reports_json",
]

# A class of more notebooks is shown by exercise.
MANY = 200

_SIGNS = {
    "passed": ("✓", "green"),
    "failed": ("✗", "red"),
    "timeout": ("⧗", "red"),
    "crashed": ("✗", "red"),
    "could_not_run": ("!", "yellow"),
}


def progress_bar(console: Console, quiet: bool) -> AbstractContextManager[Progress]:
    """Return a progress bar with an estimate of the time left; none where nobody sees it move."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    hidden = quiet or not console.is_terminal
    return Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        disable=hidden,
        transient=True,
        speed_estimate_period=300,  # one hand-in may take longer than the usual 30 s
    )


def print_report(console: Console, report: Report) -> None:
    """Print one report for the person who wrote the code."""
    console.print(f"[bold]{report.exercise}[/]: {report.points} of {report.max_points} points")
    if report.problem:
        console.print(f"This file could not be graded: {escape(report.problem)}.")
        return
    for note in report.notes:
        console.print(Text(note, style="dim"))
    for name in dict.fromkeys(check.of for check in report.checks):
        console.print(f"\n[bold]{escape(name)}[/]")
        for check in (c for c in report.checks if c.of == name):
            sign, style = _SIGNS[check.outcome]
            line = Text(f" {sign} ", style=style)
            line.append(f"{check.points}/{check.max_points}  {check.description}", style="default")
            console.print(line)
            place = check.error_map.place if check.error_map else ""
            where = f"It is off {place}." if place else ""
            texts = ((check.message, "default"), (where, "default"), (check.hint, "yellow"))
            for text, look in texts:
                if text:
                    console.print(Text(text, style=look), soft_wrap=False, width=96)


def reports_json(reports: Iterable[Report]) -> Iterator[str]:
    """Return reports as one JSON list, in pieces: a class may be large."""
    before = "["
    for report in reports:
        yield before + report.to_json().rstrip()
        before = ","
    yield "[]" if before == "[" else "]"


def print_class(console: Console, result: ClassResult) -> None:
    """Print a class's scores: a row a notebook, or of a large class an exercise."""
    rows = Table("student", "exercise", "points", "found", box=None, pad_edge=False)
    points: dict[tuple[str, int], list[int]] = {}
    lost: list[str] = []
    for report in result.reports:
        if len(result.tasks) <= MANY:
            found = Text(_found(report), "dim")
            rows.add_row(Text(report.student), report.exercise, _points(report), found)
        points.setdefault((report.exercise, report.max_points), []).append(report.points)
        lost += [check.name for check in report.checks if check.outcome == "could_not_run"]
    if len(result.tasks) > MANY:
        rows = Table("exercise", "hand-ins", "median", "of", box=None, pad_edge=False)
        for (name, best), earned in points.items():
            rows.add_row(name, str(len(earned)), f"{median(earned):g}", str(best))
    console.print(rows)
    stood = len(result.tasks) - result.graded
    console.print(f"{result.graded} graded now, {stood} stood from an earlier run.")
    for stray in result.strays:
        text = f"Not graded: {stray}: no exercise has that name, or the folder is no student's own."
        console.print(Text(text, "yellow"))
    for remark in result.remarks:
        console.print(Text(remark, "yellow"))
    if lost:
        names = ", ".join(sorted(set(lost)))
        console.print(Text(f"{len(lost)} checks could not run (no points lost): {names}", "red"))


def print_class_report(console: Console, made: ClassReport) -> None:
    """Print the least that an instructor wants to know, and where the rest is."""
    numbers = made.numbers
    table = Table("exercise", "hand-ins", "median", "of", "all points", box=None, pad_edge=False)
    for e in numbers.exercises:
        row = (len(e.points), f"{e.median:g}", e.max_points, e.full)
        table.add_row(e.id, *map(str, row))
    console.print(table)
    for mistake in numbers.mistakes[:3]:
        console.print(Text(f"{len(mistake.students):>4} × {mistake.of}: {mistake.hint}"))
    console.print(f"{len(made.similar)} near-identical, {len(numbers.troubles)} not graded.")
    for name, path in made.files.items():
        console.print(f"  {name:<11} {path}", highlight=False, soft_wrap=True)


def print_demo(console: Console, made: Sequence[Made], result: ClassResult) -> None:
    """Print what each made-up student handed in and what grading found."""
    table = Table("student", "handed in", "points", "what grading found", header_style="bold")
    reports = {(report.student, report.exercise): report for report in result.reports}
    for hand_in in made:
        report = reports[hand_in.student, hand_in.exercise.id]
        what = f"{hand_in.exercise.name}: {hand_in.what}"
        table.add_row(hand_in.student, Text(what), _points(report), Text(_found(report)))
    console.print(table)


def print_places(console: Console, course: Course, assignment: str, db: str | None = None) -> None:
    """Print where the results lie."""
    root = course.root
    example = next(iter(sorted((root / "feedback").glob(f"*/{assignment}/*.html"))), None)
    rows = {
        "gradebook": make_url(db) if db else root / "gradebook.db",
        "feedback": root / "feedback",
        "for example": example,
        "reports": root / "reports",
        "graded notebooks": root / "autograded",
    }
    for name, path in rows.items():
        if path is not None:
            console.print(f"  {name:<17} {path}", highlight=False, soft_wrap=True)


def print_verifications(console: Console, found: Sequence[Verification]) -> None:
    """Print the table of verified suites, and every hole."""
    titles = ("exercise", "checks", "points", "styles", "misconceptions", "named", "seconds", "")
    table = Table(*titles, header_style="bold")
    for v in found:
        verdict = Text("sound", "green") if not v.holes else Text(f"{len(v.holes)} holes", "red")
        counts = (len(v.rejected_by), v.points, v.styles, v.tried)
        numbers = [str(n) for n in (*counts, v.named)]
        table.add_row(v.exercise, *numbers, f"{v.seconds:.0f}", verdict)
    console.print(table)
    for v in found:
        for hole in v.holes:
            console.print(Text(f"{v.exercise}: {hole}", "red"))


def _points(report: Report) -> str:
    return f"{report.points}/{report.max_points}"


def _found(report: Report) -> str:
    """Return what to say of a report in one cell of a table."""
    if report.problem:
        return report.problem
    named = dict.fromkeys(c.misconception for c in report.checks if c.misconception)
    if named:
        return "looks like " + ", ".join(str(name) for name in named)
    odd = [c for c in report.checks if c.outcome in ("timeout", "crashed", "could_not_run")]
    failed = [c for c in report.checks if c.outcome == "failed"]
    return _sentence(odd or failed)


def _sentence(checks: Sequence[CheckResult]) -> str:
    if not checks:
        return "all checks pass"
    first = checks[0].message.replace("\n", " ")
    return first if len(first) <= 110 else first[:109] + "…"

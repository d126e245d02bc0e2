"""Throughput next to nbgrader's own, and what grading costs beside the student's computing.

    python tests/benchmarks/throughput.py [--students 50] [--nbgrader-sample 10] [--jobs 2]

A made-up class hands in `a1/softmax` and `a1/knn`. Of ten hand-ins six are right, three have one of
the known misconceptions (another each), one is not filled in. Three measurements, all on these
hand-ins and in this run:

*autograder*
    ``autograder grade a1 --jobs N``, the whole class, from nothing to gradebook and feedback.
*nbgrader*
    ``nbgrader autograde a1`` with nbgrader's own settings in a course of its own. The same checks
    stand in its graded cells as hidden tests and call the student's functions in the kernel; around
    them the notebook runs from top to bottom, as nbgrader runs any. It grades one hand-in after the
    other. A sample is timed that has each different hand-in once or more; each counts as often as
    the class has it, and what the bare command takes to start counts once.
*overhead*
    The hand-ins of ten students, one after the other in one process that is set up as one of
    ``--jobs``, less the time in the student's functions (which these hand-ins measure and print
    themselves) and less that of the checks' own computing. What is left is sandbox, messages,
    diagnosis, report, graded notebook, feedback, and half of writing a student into the gradebook,
    which is done once for both of their hand-ins.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import nbformat
from memory import Peaks, watched
from nbgrader.api import Gradebook

from autograder.backends import SandboxBackend
from autograder.classroom import find_handins, grade_task, report_path, write_results
from autograder.course import Course, Exercise
from autograder.demo import make_scratch
from autograder.gradebook import GradebookWriter
from autograder.makeup import blank, misconception_source, reference, with_solution
from autograder.report import Report
from autograder.sandbox import Zygote, choose_mechanism
from autograder.startup import settle, share_cores

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("softmax", "knn")
SORTS = (
    "right",
    "right",
    "wrong 1",
    "right",
    "blank",
    "right",
    "wrong 2",
    "right",
    "wrong 3",
    "right",
)
SCRIPTS = Path(sys.executable).parent
HIDDEN = """\
### BEGIN HIDDEN TESTS
{code}
### END HIDDEN TESTS
"""
# The suite in the student's kernel: the exercise's own files, a `student` that is the kernel, and
# the points of some checks, which nbgrader takes for the cell's where they are its last value.
SUITE = """\
import sys as _sys, time as _time, types as _types, zlib as _zlib
import numpy as _np

def _module(name, source):
    module = _types.ModuleType(name)
    module.__package__ = "hidden"
    _sys.modules[name] = module
    if name.startswith("hidden."):
        setattr(_sys.modules["hidden"], name[7:], module)
    exec(compile(source, name, "exec"), module.__dict__)
    return module

class _Held:
    def __init__(self, value):
        self._value = value
    def value(self):
        return self._value

def _plain(value):
    return value.value() if isinstance(value, _Held) else value

class _Function:
    def __init__(self, name):
        self._name = name
    def __call__(self, *args, **kwargs):
        values = {key: _plain(value) for key, value in kwargs.items()}
        return globals()[self._name](*map(_plain, args), **values)
    def holding(self):
        return self
    def seconds(self, *args, repeat=3, **kwargs):
        times = []
        for _ in range(repeat):
            start = _time.perf_counter()
            self(*args, **kwargs)
            times.append(_time.perf_counter() - start)
        return min(times)

class _Student:
    def hold(self, value):
        return _Held(value)
    def __getattr__(self, name):
        return _Function(name)

_module("hidden", "__path__ = []")
_module("hidden.oracle", ORACLE)
_checks = vars(_module("hidden.checks", CHECKS))

def _points_of(names):
    points = 0
    for name in names:
        try:
            _checks[name].run(_Student(), _np.random.default_rng(_zlib.crc32(name.encode())))
            points += _checks[name].points
        except Exception:
            pass
    return points
"""

# Of the outermost call alone, for one function of a student's may use another.
TIMER = """\
import time

_running = []

def _timed(function):
    def run(*args, **kwargs):
        _running.append(None)
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            seconds = time.perf_counter() - start
            _running.pop()
            if not _running:
                print(seconds)
    return run

"""


@dataclass(frozen=True)
class HandIn:
    """One made-up hand-in."""

    student: str
    exercise: Exercise
    sort: str
    content: bytes


def make_up(exercises: Sequence[Exercise], students: int) -> list[HandIn]:
    """Return the hand-ins of a class: each student one of each exercise."""
    return [
        HandIn(f"student{number:03}", exercise, sort, _content(exercise, sort))
        for place, exercise in enumerate(exercises)
        for number in range(students)
        for sort in [SORTS[(number + 5 * place) % len(SORTS)]]
    ]


@functools.cache
def _content(exercise: Exercise, sort: str) -> bytes:
    if sort == "right":
        return reference(exercise)
    if sort == "blank":
        return blank(exercise)
    known = [one for one in exercise.misconceptions if one.symptom == "value"]
    wrong = known[int(sort.removeprefix("wrong ")) * len(known) // 4]
    return with_solution(exercise, wrong.of, misconception_source(wrong))


def write(folder: Path, hand_ins: Sequence[HandIn]) -> None:
    """Write hand-ins into ``submitted/`` of a course."""
    for one in hand_ins:
        place = folder / "submitted" / one.student / one.exercise.assignment
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{one.exercise.name}.ipynb").write_bytes(one.content)


# The autograder -----------------------------------------------------------------------------------


def make_course(folder: Path, hand_ins: Sequence[HandIn]) -> Course:
    """Return a course of the two exercises in a folder of its own, with hand-ins."""
    own = Course(ROOT)
    course = make_scratch(own, folder, _with_earlier(own))
    (folder / "source" / "a1").mkdir(parents=True)
    for exercise in course.assignment("a1").exercises:
        shutil.copy(ROOT / "source" / f"{exercise.id}.ipynb", folder / "source" / "a1")
    write(folder, hand_ins)
    return course


def _with_earlier(course: Course) -> list[Exercise]:
    """Return the two exercises and those that they build on, in the course's order."""
    exercises = course.assignment("a1").exercises
    named = [e for e in exercises if e.name in NAMES]
    needed = {e.id for one in named for e in (one, *one.builds_on)}
    return [e for e in exercises if e.id in needed]


def run(folder: Path, *command: str, fails: bool = False) -> tuple[float, Peaks]:
    """Return the seconds and the memory of a command in a folder; say if it may fail.

    Raises
    ------
    SystemExit
        If it fails, with what it said.
    """
    start = time.perf_counter()
    path = os.pathsep.join((str(SCRIPTS), os.environ.get("PATH", os.defpath)))
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            command, cwd=folder, stdout=said, stderr=said, env={**os.environ, "PATH": path}
        ) as process,
        watched(process.pid) as peaks,
    ):
        code = process.wait()
        seconds = time.perf_counter() - start
        said.seek(0)
        words = said.read()
    if code != 0 and not fails:
        sys.exit(f"{' '.join(command)} ended with {code}:\n{words[-3000:]}")
    return seconds, peaks


def reports(course: Course) -> Iterator[Report]:
    """Return the reports of all hand-ins of a course."""
    tasks, _ = find_handins(course, course.assignment("a1"))
    for task in tasks:
        path = report_path(course, task.student, task.exercise)
        yield Report.from_json(path.read_text(encoding="utf-8"))


def time_autograder(
    hand_ins: Sequence[HandIn], jobs: int
) -> tuple[float, Peaks, dict[Any, Report]]:
    """Return the seconds and the memory of grading, and the reports by student and exercise."""
    with tempfile.TemporaryDirectory(prefix="autograder-") as name:
        folder = Path(name) / "course"
        course = make_course(folder, hand_ins)
        command = (str(SCRIPTS / "autograder"), "grade", "a1", "--jobs", str(jobs))
        seconds, peaks = run(folder, *command)
        found = {(r.student, r.exercise): r for r in reports(course)}
    return seconds, peaks, found


# nbgrader -----------------------------------------------------------------------------------------


def make_nbgrader_course(folder: Path, hand_ins: Sequence[HandIn]) -> None:
    """Write a course for nbgrader alone: the checks in the graded cells, default settings."""
    source = folder / "source" / "a1"
    source.mkdir(parents=True)
    # What the hidden tests compute takes longer than nbgrader's default allows a cell.
    (folder / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "plain"\nc.Execute.timeout = 600\n'
    )
    exercises = {one.exercise.id: one.exercise for one in hand_ins}
    for exercise in exercises.values():
        notebook = nbformat.read(ROOT / "source" / f"{exercise.id}.ipynb", as_version=4)
        graded = [c for c in notebook.cells if _of(c) is not None]
        for place, cell in enumerate(graded):
            # A visible check that fails ends its cell: what all cells need comes before it.
            before = HIDDEN.format(code=_suite(exercise)) if place == 0 else ""
            names = [check.name for check in exercise.checks if check.of == _of(cell)]
            after = HIDDEN.format(code=f"_points_of({names!r})")
            cell.source = f"{before}{cell.source}\n\n{after}"
        nbformat.write(notebook, source / f"{exercise.name}.ipynb")
    for student in {one.student for one in hand_ins}:
        # In a folder beside the hand-in's, where from_notebook looks for what it builds on.
        beside = folder / "autograded" / student / "earlier"
        beside.mkdir(parents=True)
        for earlier in _with_earlier(Course(ROOT)):
            if earlier.name not in NAMES:
                (beside / f"{earlier.name}.ipynb").write_bytes(reference(earlier))
    write(folder, hand_ins)


def _of(cell: Any) -> str | None:
    """Return the function that a graded cell's checks are of, ``None`` for any other cell."""
    grader = cell.metadata.get("nbgrader", {})
    is_check = grader.get("grade") and not grader.get("solution")
    return str(grader["grade_id"]).removeprefix("check_") if is_check else None


def _suite(exercise: Exercise) -> str:
    texts = {name: (exercise.folder / f"{name}.py").read_text() for name in ("oracle", "checks")}
    return f"ORACLE = {texts['oracle']!r}\nCHECKS = {texts['checks']!r}\n{SUITE}"


def sample_of(hand_ins: Sequence[HandIn], size: int) -> list[HandIn]:
    """Return as many of each different hand-in as make up the sample, at least one."""
    sorts = sorted({(one.exercise.id, one.sort) for one in hand_ins})
    each = max(1, size // len(sorts))
    chosen = []
    for exercise, sort in sorts:
        alike = [h for h in hand_ins if (h.exercise.id, h.sort) == (exercise, sort)]
        for number, one in enumerate(alike[:each]):
            name = f"{sort.replace(' ', '')}-{one.exercise.name}-{number}"
            chosen.append(HandIn(name, one.exercise, sort, one.content))
    return chosen


def time_nbgrader(sample: Sequence[HandIn]) -> tuple[float, dict[tuple[str, str], float]]:
    """Return the seconds that the bare command takes, and one hand-in of each exercise and sort.

    The points that nbgrader gives are printed: a right hand-in has all, or something else was timed
    than grading.
    """
    command = (str(SCRIPTS / "nbgrader"), "autograde", "a1", "--student")
    with tempfile.TemporaryDirectory(prefix="nbgrader-") as name:
        folder = Path(name) / "course"
        make_nbgrader_course(folder, sample)
        run(folder, str(SCRIPTS / "nbgrader"), "generate_assignment", "a1")
        start, _ = run(folder, *command, "nobody", fails=True)
        each = {}
        for exercise, sort in sorted({(one.exercise.name, one.sort) for one in sample}):
            count = sum((one.exercise.name, one.sort) == (exercise, sort) for one in sample)
            seconds, _ = run(folder, *command, f"{sort.replace(' ', '')}-{exercise}-*")
            each[exercise, sort] = (seconds - start) / count
        with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
            for one in sample:
                found = book.find_submission_notebook(one.exercise.name, "a1", one.student)
                points = sum(grade.auto_score or 0.0 for grade in found.grades)
                whole = sum(check.points for check in one.exercise.checks)
                is_amiss = one.sort == "right" and points < whole
                amiss = ", expected all: this run timed something else" if is_amiss else ""
                print(f"nbgrader: {one.student}: {points:g} of {whole} points{amiss}", flush=True)
    return start, each


# Overhead -----------------------------------------------------------------------------------------


@dataclass
class Cost:
    """Seconds of grading one hand-in: all of it, the student's functions', the checks' own."""

    whole: float
    student: float
    checks: float

    @property
    def overhead(self) -> float:
        """What is left."""
        return self.whole - self.student - self.checks


def timed(one: HandIn) -> bytes:
    """Return a hand-in whose functions print what time they took, where one does not call another.

    It stands in an added cell behind all others, as a student could write it.
    """
    notebook = nbformat.reads(one.content.decode(), as_version=4)
    names = [cell.name for cell in one.exercise.text.of_kind("solution")]
    lines = [f"{name} = _timed({name})" for name in names]
    notebook.cells.append(nbformat.v4.new_code_cell(TIMER + "\n".join(lines)))
    return nbformat.writes(notebook).encode()


def measure_overhead(hand_ins: Sequence[HandIn], jobs: int) -> list[tuple[HandIn, Cost]]:
    """Grade one after the other in this process, as ``autograder grade`` does in its own."""
    spent: Counter[str] = Counter()

    def stopwatch(name: str, function: Any) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent[name] += time.perf_counter() - start

        return run

    costs = []
    with tempfile.TemporaryDirectory(prefix="autograder-") as name:
        course = make_course(
            Path(name) / "course", [replace(h, content=timed(h)) for h in hand_ins]
        )
        assignment = course.assignment("a1")
        by_name = {(h.student, h.exercise.id): h for h in hand_ins}
        tasks, _ = find_handins(course, assignment)
        for exercise in {task.exercise.id: task.exercise for task in tasks}.values():
            for check in exercise.checks:
                object.__setattr__(check, "run", stopwatch("check", check.run))
        with (
            Zygote(choose_mechanism(), hidden=(course.root,)) as zygote,
            GradebookWriter(course.root, assignment) as book,
            mock.patch.object(SandboxBackend, "perform", stopwatch("call", SandboxBackend.perform)),
        ):
            warm = {task.exercise.id: task for task in tasks}.values()
            waiting: dict[str, dict[str, Report]] = {}
            share_cores(jobs)
            settle()
            for task in [*warm, *tasks]:  # the data that the checks load is loaded once, too
                spent.clear()
                start = time.perf_counter()
                report = grade_task(course, task, zygote, b"benchmark", again=True)
                write_results(course, task, report, book.persons(task.student, task.exercise.name))
                whole = time.perf_counter() - start
                student = sum(
                    float(line) for check in report.checks for line in check.printed.split()
                )
                one = by_name[task.student, task.exercise.id]
                costs.append((one, Cost(whole, student, spent["check"] - spent["call"])))
                if len(costs) <= len(warm):
                    continue
                reports = waiting.setdefault(task.student, {})
                reports[task.exercise.name] = report
                if len(reports) == len(NAMES):
                    start = time.perf_counter()
                    book.record(task.student, reports)
                    each = (time.perf_counter() - start) / len(reports)
                    for known, cost in costs:
                        cost.whole += each * (known.student == task.student)
    return costs[len(warm) :]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--students", type=int, default=50, help="each with two hand-ins")
    parser.add_argument("--jobs", type=int, default=2, help="of the autograder")
    parser.add_argument("--nbgrader-sample", type=int, default=10, help="hand-ins; 0 for none")
    parser.add_argument("--overhead-sample", type=int, default=10, help="students; 0 for none")
    options = parser.parse_args()
    own = Course(ROOT)
    exercises = [e for e in own.assignment("a1").exercises if e.name in NAMES]
    hand_ins = make_up(exercises, options.students)
    counts = Counter((one.exercise.name, one.sort) for one in hand_ins)
    if options.students:
        seconds, peaks, found = time_autograder(hand_ins, options.jobs)
        for one in hand_ins:
            report = found[one.student, one.exercise.id]
            if (one.sort == "right") != (report.points == report.max_points):
                points = f"{report.points} of {report.max_points} points"
                print(f"autograder: {one.student}, {one.exercise.id}, {one.sort}: {points}")
        ours = seconds / len(hand_ins)
        print(
            f"autograder: {len(hand_ins)} hand-ins, {options.jobs} at a time: {seconds:.1f} s, "
            f"{ours:.2f} s each; memory of the writer {peaks.own:.0f} MB, of a grader with the "
            f"exercises' data {peaks.grader:.0f} MB",
            flush=True,
        )
    if options.students and options.nbgrader_sample:
        sample = sample_of(hand_ins, options.nbgrader_sample)
        start, each = time_nbgrader(sample)
        for (exercise, sort), one_takes in each.items():
            count = counts[exercise, sort]
            print(f"nbgrader: {exercise}, {sort} ({count} of the class): {one_takes:.1f} s each")
        whole = start + sum(each[sort] * count for sort, count in counts.items())
        theirs = whole / len(hand_ins)
        print(
            f"nbgrader: {len(sample)} hand-ins timed; for {len(hand_ins)} that makes "
            f"{theirs:.2f} s each ({start:.1f} s to start), {theirs / ours:.1f} times as long"
        )
    if options.overhead_sample:
        print("| seconds of one hand-in | in all | student's code | checks' own | overhead |")
        print("|---|---|---|---|---|")
        costs = measure_overhead(make_up(exercises, options.overhead_sample), options.jobs)
        for exercise, sort in sorted({(one.exercise.name, one.sort) for one, _ in costs}):
            alike = [c for one, c in costs if (one.exercise.name, one.sort) == (exercise, sort)]
            means = [
                statistics.mean(values)
                for values in zip(
                    *((c.whole, c.student, c.checks, c.overhead) for c in alike), strict=True
                )
            ]
            print(f"| {exercise}, {sort} | {' | '.join(f'{mean:.3f}' for mean in means)} |")
        overhead = [cost.overhead for _, cost in costs]
        print(
            f"overhead of one hand-in: {statistics.mean(overhead):.3f} s, "
            f"median {statistics.median(overhead):.3f} s"
        )


if __name__ == "__main__":
    main()

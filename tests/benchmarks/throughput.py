"""Throughput next to nbgrader's own, and what grading costs beside the student's computing.

    python tests/benchmarks/throughput.py [--students 50] [--nbgrader-sample 6] [--jobs 2]

A made-up class hands in `a1/softmax` and `a1/knn`: in ten, six right ones (the reference and other
styles in turn), three with one of the known misconceptions, one not filled in. Three measurements,
all on these hand-ins and in this run:

*autograder*
    ``autograder grade a1 --jobs N``, the whole class.
*nbgrader*
    ``nbgrader autograde a1`` with nbgrader's own settings in a course of its own, where the same
    checks stand in the graded cells as hidden tests and call the student's functions in the kernel;
    the same demonstrations run there as in any notebook that nbgrader executes. It grades one
    hand-in after the other. A sample is timed, the same number of each sort, and each sort counts as
    often as the class has it; what the bare command takes to start counts once.
*overhead*
    ``autograder grade a1 --jobs 1`` on a few hand-ins, less what the same checks take on the same
    code in one plain process, with nothing between them. What is left is sandbox, messages,
    diagnosis, report, graded notebook, feedback page and gradebook.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import nbformat

from autograder.classroom import find_handins, report_path
from autograder.course import Course, Exercise
from autograder.demo import make_scratch
from autograder.makeup import blank, from_style, misconception_source, reference, with_solution
from autograder.report import Report

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("softmax", "knn")
SORTS = ("right", "right", "wrong", "right", "right", "blank", "wrong", "right", "wrong", "right")
SCRIPTS = Path(sys.executable).parent
HIDDEN = """\
### BEGIN HIDDEN TESTS
{code}
### END HIDDEN TESTS
"""
# The suite in the student's kernel: the exercise's own files, and a `student` that is the kernel.
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


@dataclass(frozen=True)
class HandIn:
    """One made-up hand-in."""

    student: str
    exercise: Exercise
    sort: str
    content: bytes


def make_up(exercises: Sequence[Exercise], students: int) -> list[HandIn]:
    """Return the hand-ins of a class: each student one of each exercise."""
    made = []
    for place, exercise in enumerate(exercises):
        right = itertools.cycle(_right(exercise))
        wrong = itertools.cycle(_wrong(exercise))
        contents = {"right": right, "wrong": wrong, "blank": itertools.repeat(blank(exercise))}
        for number in range(students):
            sort = SORTS[(number + 4 * place) % len(SORTS)]
            content = next(contents[sort])
            made.append(HandIn(f"student{number:03}", exercise, sort, content))
    return made


def _right(exercise: Exercise) -> list[bytes]:
    return [reference(exercise), *(from_style(exercise, path) for path in exercise.styles())]


def _wrong(exercise: Exercise) -> list[bytes]:
    return [with_solution(exercise, w.of, misconception_source(w)) for w in exercise.misconceptions]


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
    needed = {e.id for one in own.assignment("a1").exercises if one.name in NAMES
              for e in (one, *one.builds_on)}
    exercises = [e for e in own.assignment("a1").exercises if e.id in needed]
    course = make_scratch(own, folder, exercises)
    (folder / "source" / "a1").mkdir(parents=True)
    for exercise in exercises:
        shutil.copy(ROOT / "source" / f"{exercise.id}.ipynb", folder / "source" / "a1")
    write(folder, hand_ins)
    return course


def run(folder: Path, *command: str) -> float:
    """Return the seconds that a command takes in a folder.

    Raises
    ------
    SystemExit
        If it fails, with what it said.
    """
    start = time.perf_counter()
    path = os.pathsep.join((str(SCRIPTS), os.environ.get("PATH", os.defpath)))
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path},
    )
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return seconds


def reports(course: Course) -> Iterator[Report]:
    """Return the reports of all hand-ins of a course."""
    tasks, _ = find_handins(course, course.assignment("a1"))
    for task in tasks:
        path = report_path(course, task.student, task.exercise)
        yield Report.from_json(path.read_text(encoding="utf-8"))


def time_autograder(hand_ins: Sequence[HandIn], jobs: int) -> tuple[float, dict[Any, Report]]:
    """Return the seconds that grading takes, and the reports by student and exercise."""
    with tempfile.TemporaryDirectory(prefix="autograder-") as name:
        folder = Path(name) / "course"
        course = make_course(folder, hand_ins)
        seconds = run(folder, str(SCRIPTS / "autograder"), "grade", "a1", "--jobs", str(jobs))
        found = {(r.student, r.exercise): r for r in reports(course)}
    return seconds, found

"""``autograder build``: text -> source -> release, writing only what changed and never a leak."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..course import Course, Exercise
from ..errors import CourseError
from ..report import write_atomically
from .execute import execute, fingerprint, render
from .leaks import find_leaks, secret_lines
from .release import generate, nbgrader_config
from .validate import validate

__all__ = ["Built", "build"]


@dataclass(frozen=True)
class Built:
    """What became of one exercise: whether it ran, and for how long."""

    exercise: Exercise
    executed: bool
    seconds: float


def build(
    course: Course,
    exercises: Sequence[Exercise],
    *,
    force: bool = False,
    jobs: int = 2,
    progress: Callable[[Built], None] = lambda built: None,
) -> list[Built]:
    """Build exercises: execute their notebooks where needed, and release them.

    Parameters
    ----------
    course, exercises
        What to build; all exercises of an assignment, or single ones.
    force
        Execute even where nothing changed.
    jobs
        Notebooks to execute at a time.
    progress
        Called with each exercise as it is done.

    Raises
    ------
    CourseError
        If the material is not in order, a cell fails, or a release would leak; then neither
        ``source/`` nor ``release/`` of that assignment holds anything half-written.
    """
    nbgrader_config(course.root)  # told before notebooks run for minutes
    for exercise in exercises:
        validate(exercise)
    done = []
    for built in _sources(course, exercises, force, jobs):
        progress(built)
        done.append(built)
    for name, group in itertools.groupby(exercises, key=lambda e: e.assignment):
        _release(course, name, list(group))
    return done


def _sources(
    course: Course, exercises: Sequence[Exercise], force: bool, jobs: int
) -> Iterator[Built]:
    """Execute notebooks, each after those that it builds on, which it reads from ``source/``."""
    asked = {exercise.id: exercise for exercise in exercises}
    in_order = {e.id: asked.get(e.id, e) for a in exercises for e in (*a.builds_on, a)}
    threads = max(1, (os.cpu_count() or 1) // jobs)
    for assignment in {exercise.assignment for exercise in in_order.values()}:
        _companions(course, assignment, course.root / "source" / assignment)
    # All that is parsed is parsed here, by one thread: Python before 3.11.8 and 3.12.2 miscounts
    # its recursion where two do so at a time (github.com/python/cpython/issues/106905).
    builds_on = {name: [e.id for e in exercise.builds_on] for name, exercise in in_order.items()}
    built_from = {name: fingerprint(exercise) for name, exercise in in_order.items()}
    futures: dict[str, Future[Built]] = {}

    def source(exercise: Exercise) -> Built:
        for earlier in builds_on[exercise.id]:
            futures[earlier].result()
        forced = force and exercise.id in asked
        return _source(course, exercise, built_from[exercise.id], forced, threads)

    with ThreadPoolExecutor(jobs) as pool:
        # Started in this order, so that what a notebook waits for is never behind it in the queue.
        for name, exercise in in_order.items():
            futures[name] = pool.submit(source, exercise)
        for name in in_order:
            built = futures[name].result()
            if name in asked or built.executed:
                yield built


def _source(
    course: Course, exercise: Exercise, built_from: dict[str, str], force: bool, threads: int
) -> Built:
    folder = course.root / "source" / exercise.assignment
    target = folder / f"{exercise.name}.ipynb"
    if not force and _built_from(target) == built_from:
        return Built(exercise, executed=False, seconds=0.0)
    start = time.perf_counter()
    notebook = execute(exercise, folder, built_from, threads)
    write_atomically(target, render(notebook))
    return Built(exercise, executed=True, seconds=time.perf_counter() - start)


def _companions(course: Course, assignment: str, folder: Path) -> None:
    """Put what goes with the notebooks beside them: the handout, and which dataset they use."""
    folder.mkdir(parents=True, exist_ok=True)
    own = course.assignment(assignment)
    files = {"course.toml": f'dataset = "{own.dataset}"\n'.encode()}
    files |= {path.name: path.read_bytes() for path in own.handout}
    for name, content in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content)


def _built_from(path: Path) -> object:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))["metadata"]["companion"]
    except (ValueError, KeyError, TypeError):
        return None


def _release(course: Course, assignment: str, exercises: list[Exercise]) -> None:
    whole = course.assignment(assignment).exercises
    names = {f"{e.name}.ipynb" for e in whole}
    allowed = names | {path.name for path in course.assignment(assignment).handout}
    allowed |= {"README.md", "course.toml"}
    source = course.root / "source" / assignment
    one = exercises[0].name if len(exercises) == 1 and len(whole) > 1 else "*"
    if one == "*":
        _remove_others(source, allowed)
    scratch = Path(tempfile.mkdtemp(dir=course.root, prefix=".release-"))
    try:
        new = generate(course.root, assignment, scratch.name, one)
        files = sorted(path for path in new.rglob("*") if path.is_file())
        deep = [f"{p.relative_to(new)} is no file for students." for p in files if p.parent != new]
        leaks = deep + find_leaks(files, secret_lines(whole), allowed)
        if leaks:
            raise CourseError(f"{assignment} is not released: {' '.join(leaks[:10])}")
        target = course.root / "release" / assignment
        target.mkdir(parents=True, exist_ok=True)
        for path in files:
            _replace(path, target / path.name)
        if one == "*":
            _remove_others(target, allowed)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _replace(new: Path, old: Path) -> None:
    if not old.is_file() or old.read_bytes() != new.read_bytes():
        os.replace(new, old)


def _remove_others(folder: Path, names: set[str]) -> None:
    for path in folder.iterdir():
        if path.is_file() and path.name not in names:
            path.unlink()

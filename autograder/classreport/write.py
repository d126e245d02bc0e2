"""Make the class report of an assignment and write it, with its tables, beside the reports."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from ..course import Assignment, Course, Exercise
from ..report import write_atomically
from .collect import collect, graded, read_handins
from .export import canvas_csv, moodle_csv, points_csv
from .page import class_page
from .similar import Similar, find_similar
from .statistics import ClassNumbers, summarise

__all__ = ["ClassReport", "class_report"]

# From so many hand-ins on, a second process is worth the second that it takes to start.
MANY = 400


@dataclass(frozen=True)
class ClassReport:
    """What was found, and the files that it was written to, by what they are."""

    numbers: ClassNumbers
    similar: tuple[Similar, ...]
    files: dict[str, Path]

    def to_json(self) -> str:
        """Return all of it as one JSON object."""
        numbers = asdict(self.numbers)
        for own, exercise in zip(numbers["exercises"], self.numbers.exercises, strict=True):
            own |= {"median": exercise.median, "mean": exercise.mean}
            for check, known in zip(own["checks"], exercise.checks, strict=True):
                check["share"] = known.share
        similar = [asdict(one) for one in self.similar]
        files = {name: str(path) for name, path in self.files.items()}
        return json.dumps({**numbers, "similar": similar, "files": files}, indent=1) + "\n"


def class_report(
    course: Course,
    assignment: Assignment,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ClassReport:
    """Write ``reports/<assignment>.html`` and the CSV files beside it.

    Parameters
    ----------
    course, assignment
        Whose reports to read; nothing is graded, and no hand-in is run.
    progress
        Called with how many exercises are compared, and how many there are.

    Raises
    ------
    UserError
        If there is no report of the assignment.
    """
    similar: list[Similar] = []
    with _compared(course, assignment) as parts:
        numbers = summarise(collect(course, assignment))
        for done, part in enumerate(parts, start=1):
            similar += part
            progress(done, len(assignment.exercises))
    similar.sort(key=lambda s: (-s.structure, -s.names, -s.tokens, s.exercise, s.students))
    stem = course.root / "reports" / assignment.name
    files = {
        "page": stem.with_name(f"{assignment.name}.html"),
        "points": stem.with_name(f"{assignment.name}.csv"),
        "for Canvas": stem.with_name(f"{assignment.name}-canvas.csv"),
        "for Moodle": stem.with_name(f"{assignment.name}-moodle.csv"),
    }
    write_atomically(files["page"], class_page(numbers, similar))
    write_atomically(files["points"], points_csv(numbers))
    write_atomically(files["for Canvas"], canvas_csv(numbers))
    write_atomically(files["for Moodle"], moodle_csv(numbers))
    return ClassReport(numbers, tuple(similar), files)


@contextmanager
def _compared(course: Course, assignment: Assignment) -> Iterator[Iterator[list[Similar]]]:
    """Give what is nearly the same in each exercise, in no order.

    Of a large class two processes find it, and start at once: meanwhile the reports can be read.
    """
    # The longest first, so that the two end together.
    exercises = sorted(assignment.exercises, key=_length, reverse=True)
    tasks = [(course.root, e.id, graded(course, e)) for e in exercises]
    if sum(len(students) for _, _, students in tasks) < MANY or len(tasks) < 2:
        yield (_similar(*task) for task in tasks)
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["autograder.classreport.similar"])
    # To start a process takes as long as its imports do: a thread waits for that.
    with ProcessPoolExecutor(2, context) as pool, ThreadPoolExecutor(1) as starter:
        started = starter.submit(lambda: [pool.submit(_similar, *task) for task in tasks])
        try:
            yield (future.result() for future in as_completed(started.result()))
        finally:
            for future in started.result():
                future.cancel()


def _length(exercise: Exercise) -> int:
    return (exercise.folder / "notebook.py").stat().st_size


def _similar(root: Path, exercise_id: str, students: list[str]) -> list[Similar]:
    (exercise,) = Course(root).select(exercise_id)
    return find_similar(exercise, read_handins(Course(root), exercise, students))

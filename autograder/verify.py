"""Test the hidden suite itself: right code passes, a blank earns nothing, wrong code is named.

Everything goes the way a hand-in goes: a notebook is made, read, run in the sandbox and graded.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from .authoring import Check
from .backends import Code, SandboxBackend
from .build.validate import validate
from .calls import Call
from .course import Course, Exercise
from .grading import Grade, grade_handin
from .handin import Handin
from .makeup import blank, from_style, reference, with_solution
from .makeup import misconception_source as source_of
from .report import CheckResult, Report
from .sandbox import Mechanism, Zygote
from .worker.cells import Cell

__all__ = ["Verification", "verify", "verify_all"]

_SECRET = b"verify"


@dataclass
class Verification:
    """What was found about one exercise's suite; it is sound when there are no holes."""

    exercise: str
    holes: list[str] = field(default_factory=list)
    points: int = 0
    styles: int = 0
    tried: int = 0
    named: int = 0
    rejected_by: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0


def verify(
    exercise: Exercise,
    mechanism: Mechanism,
    root: Path,
    progress: Callable[[str], None] = lambda what: None,
) -> Verification:
    """Verify one exercise's hidden suite.

    Parameters
    ----------
    exercise, mechanism
        What to verify, and where its hand-ins run.
    root
        The course root, hidden from workers.
    progress
        Called with what is being tried.

    Raises
    ------
    CourseError
        If the material is not in order, so that there is nothing to try.
    """
    validate(exercise)
    start = time.perf_counter()
    found = Verification(exercise.id, points=sum(c.points for c in exercise.checks))
    found.rejected_by = {check.name: [] for check in exercise.checks}
    with Zygote(mechanism, hidden=(root,)) as zygote:
        found.holes += _undefined(exercise, zygote)
        for name, content in _right(exercise):
            progress(name)
            found.holes += _shortfall(name, _grade(exercise, content, zygote, name))
            found.styles += name != "the reference"
        progress("a blank notebook")
        empty = _grade(exercise, blank(exercise), zygote, "blank")
        found.holes += [f"A blank notebook passes {c.name}." for c in empty.checks if c.points]
        for wrong in exercise.misconceptions:
            progress(wrong.name)
            found.tried += 1
            _try_wrong(exercise, wrong.name, zygote, found)
    for check, names in found.rejected_by.items():
        if not names:
            found.holes.append(f"The check {check} rejects no misconception.")
    found.seconds = time.perf_counter() - start
    return found


def verify_all(
    course: Course, exercises: Sequence[Exercise], mechanism: Mechanism, jobs: int
) -> Iterator[Verification]:
    """Verify exercises, some at a time, each in a process of its own; yield them in order."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["autograder.verify"])
    with ProcessPoolExecutor(min(jobs, len(exercises)), context) as pool:
        futures = [pool.submit(_verify_one, course.root, e.id, mechanism) for e in exercises]
        for future in futures:
            yield future.result()


def _verify_one(root: Path, name: str, mechanism: Mechanism) -> Verification:
    (exercise,) = Course(root).select(name)
    return verify(exercise, mechanism, root)


def _right(exercise: Exercise) -> Iterator[tuple[str, bytes]]:
    yield "the reference", reference(exercise)
    for path in exercise.styles():
        yield f"the style {path.stem}", from_style(exercise, path)


def _undefined(exercise: Exercise, zygote: Zygote) -> list[str]:
    """Say which of the exercise's own cells does not run as a worker runs it."""
    cells = tuple(Cell(c.name, c.source) for c in exercise.text.definition_cells)
    code = Code(cells, exercise.refused, exercise.notebooks)
    with SandboxBackend(zygote, code) as backend:
        backend.begin(exercise.checks[0])
        backend.perform(Call("hold", None, "", args=(None,)))
        errors = backend.cell_errors
    return [f"The cell {name} fails when grading: {text}." for name, text in errors.items()]


def _grade(exercise: Exercise, content: bytes, zygote: Zygote, student: str) -> Report:
    return grade_handin(exercise, content, student, zygote, _SECRET)


def _shortfall(name: str, report: Report) -> list[str]:
    if report.problem:
        return [f"Correct code, {name}, cannot be read: {report.problem}."]
    return [
        f"Correct code, {name}, fails {c.name}: {c.outcome}: {c.message} {c.detail[-300:]}".strip()
        for c in report.checks
        if c.outcome != "passed"
    ]


def _try_wrong(exercise: Exercise, name: str, zygote: Zygote, found: Verification) -> None:
    """Hand in one misconception and see which checks of its function reject it, and as what."""
    wrong = next(m for m in exercise.misconceptions if m.name == name)
    handin = Handin.read(with_solution(exercise, wrong.of, source_of(wrong)), exercise.text)
    code = Code(handin.definitions(exercise.text), exercise.refused, exercise.notebooks)
    results: dict[str, CheckResult] = {}
    with SandboxBackend(zygote, code) as backend:
        grade = Grade(exercise, backend, f"verify {name}", _SECRET)
        for check in _concerned(exercise, wrong.of):
            result = grade.run(check)
            results[check.name] = result
            if result.outcome == "could_not_run":
                found.holes.append(f"{check.name} could not run on {name}: {result.detail[-300:]}")
            elif result.outcome != "passed":
                found.rejected_by[check.name].append(name)
    caught = results[wrong.caught_by]
    if caught.outcome == "passed":
        found.holes.append(f"The misconception {name} passes {wrong.caught_by}.")
    elif caught.misconception != name:
        seen = caught.misconception or "nothing"
        found.holes.append(
            f"The misconception {name} is taken for {seen} by {wrong.caught_by}: {caught.message}"
        )
    else:
        found.named += 1


def _concerned(exercise: Exercise, of: str) -> list[Check]:
    return [check for check in exercise.checks if check.of == of]

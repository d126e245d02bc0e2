"""``autograder demo``: all the way from text to grades, for a made-up class in a scratch folder."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from .course import Assignment, Course, Exercise
from .errors import UserError
from .makeup import blank, from_style, misconception_source, reference, with_solution

__all__ = ["Made", "make_class", "make_scratch", "stand_alone"]

_NAMES = (
    "ada blaise carl dorothy emmy felix grace hedy ivan julia katherine leonhard mary nikola olga "
    "paul rosalind sofia tycho ursula vera wilhelm xenia yuri zelda"
).split()

# What a hand-in does to the machine rather than to the exercise. Each stands in for a function of
# any signature.
_TROUBLE = {
    "ends the process": """
        import os
        os._exit(3)
    """,
    "never ends": """
        while True:
            pass
    """,
    "wants 10 GB": """
        import numpy as np
        return np.ones(10 * 2**27)
    """,
    "reads the hidden checks": """
        import os
        found = []
        for place in ("/home", "/root", "/mnt", "/opt", "/srv", "/var", "/tmp", "/packages"):
            for folder, _, files in os.walk(place):
                found += [folder + "/" + f for f in files if f in ("checks.py", "oracle.py")]
        print("hidden files found:", found)
        return open(found[0]).read()
    """,
    "warns and prints": None,
}


@dataclass(frozen=True)
class Made:
    """One made-up hand-in: whose, of which exercise, and what is in it."""

    student: str
    exercise: Exercise
    what: str
    content: bytes


def stand_alone(assignment: Assignment, number: int = 2) -> tuple[Exercise, ...]:
    """Return the first exercises of an assignment that build on no other: enough to see it all.

    Raises
    ------
    UserError
        If all build on others.
    """
    chosen = tuple(e for e in assignment.exercises if not e.builds_on)[:number]
    if not chosen:
        raise UserError(f"Every exercise of {assignment.name} builds on another: no demo of it.")
    return chosen


def make_scratch(course: Course, folder: Path, exercises: Sequence[Exercise]) -> Course:
    """Copy exercises of one assignment into a folder and return that as a course.

    Raises
    ------
    UserError
        If the folder is there and not empty, or lies in what is to be copied.
    """
    if folder.resolve().is_relative_to(course.root / "assignments"):
        raise UserError(f"{folder} lies in assignments/: name a folder elsewhere for the demo.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is not empty: name a new folder for the demo.")
    folder.mkdir(parents=True, exist_ok=True)
    assignment = course.assignment(exercises[0].assignment)
    place = folder / "assignments" / assignment.name
    for exercise in exercises:
        shutil.copytree(exercise.folder, place / exercise.name)
    for companion in assignment.folder.glob("*.md"):
        shutil.copy(companion, place)
    names = json.dumps([exercise.name for exercise in exercises])
    (place / "assignment.toml").write_text(
        f"title = {json.dumps(assignment.title)}\nexercises = {names}\n"
        f'dataset = "{assignment.dataset}"\n',
        encoding="utf-8",
    )
    shutil.copy(course.root / "nbgrader_config.py", folder)
    return Course(folder)


def make_class(course: Course, assignment: Assignment) -> list[Made]:
    """Make up a class out of the exercises' own material and put it into ``submitted/``."""
    made = []
    names = iter(_NAMES)
    for student, hand_ins in zip(names, _hand_ins(assignment), strict=False):
        for exercise, what, content in hand_ins:
            folder = course.root / "submitted" / student / assignment.name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{exercise.name}.ipynb").write_bytes(content)
            made.append(Made(student, exercise, what, content))
    return made


_HandIn = tuple[Exercise, str, bytes]


def _hand_ins(assignment: Assignment) -> Iterator[list[_HandIn]]:
    """Yield what each student of the class hands in; what must not be missing comes first."""
    exercises = assignment.exercises
    turn = itertools.cycle(exercises)
    yield [(e, "the reference solution", reference(e)) for e in exercises]
    yield [(e, "nothing filled in", blank(e)) for e in exercises]
    for what, body in _TROUBLE.items():
        exercise = next(turn)
        yield [(exercise, what, _troubled(exercise, body))]
    yield [(next(turn), "no notebook at all", b"PK\x03\x04 a word processor's file")]
    for made in zip_longest(*(_styles_and_mistakes(e) for e in exercises)):
        yield from ([one] for one in made if one is not None)


def _styles_and_mistakes(exercise: Exercise) -> Iterator[_HandIn]:
    """Yield a few hand-ins of one exercise: mistakes from all over its list, and other styles."""
    step = max(1, len(exercise.misconceptions) // 4)
    mistakes, styles = exercise.misconceptions[::step][:4], exercise.styles()[:2]
    for wrong, path in zip_longest(mistakes, styles):
        if wrong is not None:
            content = with_solution(exercise, wrong.of, misconception_source(wrong))
            yield exercise, f"misconception {wrong.name}", content
        if path is not None:
            yield exercise, f"correct, style {path.stem}", from_style(exercise, path)


def _troubled(exercise: Exercise, body: str | None) -> bytes:
    name = exercise.text.of_kind("solution")[0].name
    if body is None:
        source = exercise.text.of_kind("solution")[0].source
        noise = "import warnings; warnings.warn('careful'); print('debug: got here')"
        first, _, rest = source.partition("### BEGIN SOLUTION")
        rest = rest.replace("### END SOLUTION", "")
        return with_solution(exercise, name, f"{first}{noise}{rest}")
    return with_solution(exercise, name, f"def {name}(*args, **kwargs):{body.rstrip()}\n")

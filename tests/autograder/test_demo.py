from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Assignment, Course
from autograder.demo import make_class, make_scratch, stand_alone
from autograder.errors import UserError
from autograder.handin import Handin, Unreadable
from autograder.report import Report

MISTAKES = "".join(
    f"""
@misconception(of="f", caught_by="c")
def wrong{i}(x):
    '''You are wrong.'''
    return {i}
"""
    for i in range(9)
)
TROUBLES = {
    "ends the process",
    "never ends",
    "wants 10 GB",
    "reads the hidden checks",
    "warns and prints",
    "no notebook at all",
}


def test_a_scratch_course_has_the_material_and_nothing_more(
    built_once: Path, tmp_path: Path
) -> None:
    whole = Course(built_once)
    course = make_scratch(whole, tmp_path / "deep" / "demo", whole.select("t1"))
    assert {path.name for path in course.root.iterdir()} == {"assignments", "nbgrader_config.py"}
    assert [e.id for e in course.select(None)] == ["t1/mean"]


def test_a_folder_that_holds_something_is_left_alone(unbuilt_root: Path, tmp_path: Path) -> None:
    course = Course(unbuilt_root)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(UserError, match="is not empty: name a new folder"):
        make_scratch(course, tmp_path / "mine", course.select(None))
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="file"):
        make_scratch(course, tmp_path / "file", course.select(None))
    assert os.listdir(tmp_path / "mine") == ["thesis.tex"]


def test_a_folder_inside_the_material_is_refused(unbuilt_root: Path) -> None:
    course = Course(unbuilt_root)
    with pytest.raises(UserError, match="assignments"):
        make_scratch(course, unbuilt_root / "assignments" / "demo", course.select(None))
    assert not (unbuilt_root / "assignments" / "demo").exists()


def test_the_demo_takes_exercises_that_stand_alone(make: Any) -> None:
    """So few that it is over soon, and none that needs another one's notebook."""
    f = {"f": "def f(x):\n    return x"}
    checks = '@check(points=1, of="f")\ndef c(student, rng):\n    "C."'
    first = make(f, checks, name="a")
    make(f, checks, given="a = from_notebook('a')", name="b", beside=first)
    for name in "cd":
        make(f, checks, name=name, beside=first)
    (assignment,) = Course(first.folder.parents[2]).assignments.values()
    assert [e.name for e in stand_alone(assignment)] == ["a", "c"]
    later = replace(assignment, exercises=assignment.exercises[1:2])
    with pytest.raises(UserError, match=r"Every exercise of m\d+ builds on another"):
        stand_alone(later)


def test_a_made_up_class_has_everybody_in_it(unbuilt_root: Path) -> None:
    course = Course(unbuilt_root)
    made = make_class(course, course.assignment("t1"))
    what = {m.what: m for m in made}
    assert len({m.student for m in made}) >= 12
    assert what.keys() >= TROUBLES | {
        "the reference solution",
        "correct, style loops",
        "nothing filled in",
        "misconception sums_instead",
    }
    for one in made:
        path = unbuilt_root / "submitted" / one.student / "t1" / "mean.ipynb"
        assert path.read_bytes() == one.content
        if one.what != "no notebook at all":
            assert Handin.read(one.content, one.exercise.text).notes == ()
    with pytest.raises(Unreadable):
        Handin.read(what["no notebook at all"].content, made[0].exercise.text)


def test_every_kind_of_hand_in_is_there_however_many_exercises(make: Any, tmp_path: Path) -> None:
    exercises = tuple(
        make({"f": "def f(x):\n    return x"}, "", MISTAKES, name=f"task{i}") for i in range(7)
    )
    for exercise in exercises:
        (exercise.folder / "styles").mkdir()
        for name in ("one", "two", "three"):
            (exercise.folder / "styles" / f"{name}.py").write_text("def f(x):\n    return x\n")
    assignment = Assignment("m", tmp_path, "Many", None, "scenes", exercises)
    course = Course(exercises[0].folder.parents[2])
    made = make_class(course, assignment)
    assert {m.what for m in made} >= TROUBLES | {"the reference solution", "nothing filled in"}
    wrong = [m for m in made if m.what.startswith("misconception")]
    assert len({m.exercise.id for m in wrong}) == 7
    assert len({(m.student, m.exercise.name) for m in made}) == len(made)


def test_the_class_earns_what_it_should(unbuilt_root: Path, grade: Any) -> None:
    course = Course(unbuilt_root)
    found: dict[str, Report] = {
        m.what: grade(m.exercise, m.content, m.student)
        for m in make_class(course, course.assignment("t1"))
        if m.what != "never ends"
    }
    points = {what: report.points for what, report in found.items()}
    for what in ("the reference solution", "correct, style loops", "warns and prints"):
        assert points[what] == 9
    for what in ("nothing filled in", "ends the process", "wants 10 GB", "reads the hidden checks"):
        assert points[what] == 0
    named = found["misconception sums_instead"].checks[0].misconception
    assert named == "sums_instead"
    assert "IndexError" in found["reads the hidden checks"].checks[0].message
    assert "hidden files found: []" in found["reads the hidden checks"].checks[0].printed

"""A suite with holes: every one is found, and a sound one has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course, Exercise
from autograder.errors import CourseError
from autograder.sandbox import Mechanism
from autograder.verify import Verification, verify, verify_all

HOLES = """
@check(points=1, of="f")
def sound(student, rng):
    '''It is sound.'''
    x = rng.normal(size=3)
    assert_close(student.f(x), x * 2)

@check(points=1, of="f")
def picky(student, rng):
    '''It asks for what the reference does not do.'''
    require(student.f(np.ones(2))[0] == 3, "not 3")

@check(points=1, of="f")
def wants_an_array(student, rng):
    '''It refuses a legitimate style.'''
    require(isinstance(student.f(np.ones(2)), np.ndarray), "no array")

@check(points=1, of="f")
def asleep(student, rng):
    '''It asks nothing.'''

@check(points=1, of="f")
def useless(student, rng):
    '''It rejects nobody who wrote something.'''
    student.f(np.zeros(2))

@check(points=1, of="f")
def broken(student, rng):
    '''It is broken.'''
    student.f(np.zeros(2))
    {}["nothing"]
"""
MISTAKES = """
@misconception(of="f", caught_by="sound")
def tripled(x):
    '''You take it three times.'''
    return x * 3

@misconception(of="f", caught_by="sound")
def twin_of_tripled(x):
    '''You take it thrice.'''
    return x + x + x

@misconception(of="f", caught_by="useless")
def negative(x):
    '''You change its sign.'''
    return -x

@misconception(of="f", caught_by="sound", symptom="time")
def slow(x):
    '''You are slow.'''
    return x * 4
"""


def test_every_kind_of_hole_is_found(make: Any, mechanism: Mechanism, tmp_path: Path) -> None:
    (tmp_path / "here").write_text("5")
    exercise = make(
        {"f": "def f(x):\n    return x * 2"},
        HOLES,
        MISTAKES,
        given="import numpy as np\nimport pathlib\nclass Here:\n"
        f"    size = pathlib.Path({str(tmp_path / 'here')!r}).read_text()",
        points={"f": 6},
    )
    styles = exercise.folder / "styles"
    styles.mkdir()
    (styles / "lists.py").write_text("def f(x):\n    return [2 * v for v in x]\n")
    found = verify(exercise, mechanism, tmp_path)
    expected = [
        "The cell top-1 fails when grading: FileNotFoundError",
        "Correct code, the reference, fails picky: failed: not 3",
        "Correct code, the reference, fails broken: could_not_run",
        "Correct code, the style lists, fails wants_an_array: failed: no array",
        "A blank notebook passes asleep.",
        "broken could not run on tripled:",
        "The misconception twin_of_tripled is taken for tripled by sound:",
        "The misconception negative passes useless.",
        "The misconception slow is taken for nothing by sound:",
        "The check asleep rejects no misconception.",
        "The check useless rejects no misconception.",
    ]
    for words in expected:
        assert sum(hole.startswith(words) for hole in found.holes) == 1, (words, found.holes)
    assert not [hole for hole in found.holes if "fails sound" in hole]
    assert not [hole for hole in found.holes if "The check sound rejects" in hole]
    assert (found.points, found.styles, found.tried, found.named) == (6, 1, 4, 1)
    assert found.rejected_by["sound"] == ["tripled", "twin_of_tripled", "negative", "slow"]


def test_material_out_of_order_is_told_before_anything_runs(
    make: Any, mechanism: Mechanism, tmp_path: Path
) -> None:
    wrong = MISTAKES.replace('caught_by="useless"', 'caught_by="userless"')
    exercise = make({"f": "def f(x):\n    return x * 2"}, HOLES, wrong, points={"f": 6})
    with pytest.raises(CourseError, match="caught by an unknown userless"):
        verify(exercise, mechanism, tmp_path)


def test_a_sound_suite_has_no_holes(unbuilt_root: Path, mechanism: Mechanism) -> None:
    course = Course(unbuilt_root)
    (found,) = verify_all(course, course.select(None), mechanism, jobs=2)
    assert isinstance(found, Verification)
    assert found.holes == []
    assert (found.exercise, found.points, found.styles) == ("t1/mean", 9, 1)
    assert (found.tried, found.named) == (6, 6)
    assert set(found.rejected_by) == {check.name for check in course.select(None)[0].checks}


def test_each_step_is_told(tiny: Exercise, mechanism: Mechanism, tmp_path: Path) -> None:
    told: list[str] = []
    assert verify(tiny, mechanism, tmp_path, told.append).holes == []
    assert told[:3] == ["the reference", "the style loops", "a blank notebook"]
    assert told[3:] == [wrong.name for wrong in tiny.misconceptions]

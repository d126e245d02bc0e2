"""An exercise that builds on an earlier one: what it gets when graded, and when built."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.build import build
from autograder.course import Course, Exercise
from autograder.errors import CourseError
from autograder.report import CheckResult, Report
from autograder.worker.earlier import EarlierNotebooks
from cs231n_lib.notebooks import NotebookNotFoundError, from_notebook, resolving_with

EARLIER = {"double": "def double(x):\n    return 2 * x"}
EARLIER_CHECKS = '''
@check(points=1, of="double")
def doubles(student, rng):
    """It is twice as much."""
    assert_close(student.double(3.0), 6.0, name="the double")
'''
GIVEN = "from cs231n_lib.notebooks import from_notebook\n\nfirst = from_notebook('first')"
LATER = {"quadruple": "def quadruple(x):\n    return first.double(first.double(x))"}
LATER_CHECKS = '''
@check(points=1, of="quadruple")
def quadruples(student, rng):
    """It is four times as much."""
    assert_close(student.quadruple(3.0), 12.0, name="the quadruple")
'''
LATER_MISCONCEPTIONS = '''
@misconception(of="quadruple", caught_by="quadruples")
def doubled_once(x):
    """You double once."""
    return 2 * x
'''


@pytest.fixture
def later(make: Any) -> Exercise:
    """The second of two exercises, which builds on the first."""
    first = make(EARLIER, EARLIER_CHECKS, name="first")
    second: Exercise = make(
        LATER, LATER_CHECKS, LATER_MISCONCEPTIONS, given=GIVEN, name="second", beside=first
    )
    return second


def test_exercises_know_what_they_build_on(later: Exercise, make: Any) -> None:
    assert [e.name for e in later.builds_on] == ["first"]
    given = "from cs231n_lib.notebooks import from_notebook\n\nsecond = from_notebook('second')"
    f = {"f": "def f(x):\n    return second.quadruple(x)"}
    third = make(f, LATER_CHECKS, given=given, name="third", beside=later)
    assert [e.name for e in third.builds_on] == ["first", "second"]
    assert third.reference.namespace()["f"](1) == 4


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("x = from_notebook('nowhere')", r"no exercise is called so"),
        ("x = from_notebook('m0/task')", r"no exercise is called so"),
        ("x = from_notebook('task')", r"cannot build on itself"),
    ],
)
def test_what_cannot_be_built_on_is_said(make: Any, given: str, words: str) -> None:
    exercise = make(EARLIER, EARLIER_CHECKS, given=given)
    with pytest.raises(CourseError, match=words):
        _ = exercise.builds_on


def test_exercises_of_a_circle_are_named(make: Any) -> None:
    one = make(EARLIER, EARLIER_CHECKS, given="two = from_notebook('two')", name="one")
    two = make(EARLIER, EARLIER_CHECKS, given="one = from_notebook('one')", name="two", beside=one)
    with pytest.raises(CourseError, match=r"on each other: m\d+/two and m\d+/one"):
        _ = two.builds_on


def test_graded_code_gets_the_reference_of_the_earlier_exercise(
    later: Exercise, grade: Callable[..., Report], handin: Any
) -> None:
    report = grade(later, handin.of(later))
    assert report.points == report.max_points == 1


def test_a_mistake_is_recognised_in_what_builds_on_another(
    later: Exercise,
    grade: Callable[..., Report],
    handin: Any,
    outcome: Callable[[Report, str], CheckResult],
) -> None:
    report = grade(later, handin.of(later, quadruple="def quadruple(x): return first.double(x)"))
    assert outcome(report, "quadruples").misconception == "doubled_once"


def test_no_other_notebook_is_there(
    later: Exercise,
    grade: Callable[..., Report],
    handin: Any,
    outcome: Callable[[Report, str], CheckResult],
) -> None:
    source = "def quadruple(x):\n    return from_notebook('second').quadruple(x)"
    report = grade(later, handin.of(later, quadruple=source))
    message = outcome(report, "quadruples").message
    assert "this exercise builds on first, and sees nothing else" in message


def test_the_earlier_source_is_not_there(
    later: Exercise,
    grade: Callable[..., Report],
    handin: Any,
    outcome: Callable[[Report, str], CheckResult],
) -> None:
    source = "def quadruple(x):\n    import inspect\n    return inspect.getsource(first.double)"
    report = grade(later, handin.of(later, quadruple=source))
    assert "OSError" in outcome(report, "quadruples").message


def test_a_new_earlier_text_makes_a_new_suite(later: Exercise) -> None:
    path = later.builds_on[0].text.path
    before = later.suite
    path.write_text(path.read_text().replace("return 2 * x", "return x + x"))
    root = later.folder.parents[2]
    assert Course(root).select(later.id)[0].suite != before


def test_who_builds_on_nothing_gets_nothing() -> None:
    with (
        resolving_with(EarlierNotebooks({})),
        pytest.raises(NotebookNotFoundError, match="builds on no other notebook"),
    ):
        from_notebook("knn")


def test_what_a_notebook_builds_on_is_built_first(later: Exercise) -> None:
    """The later notebook is executed with the earlier one's text of today beside it."""
    course = Course(later.folder.parents[2])
    root = course.root
    checked = "assert first.double(1) == 2, first.double(1)"
    path = later.text.path
    path.write_text(path.read_text().replace("assert callable(quadruple)", checked))
    assert [b.exercise.name for b in build(course, course.select(later.id), jobs=2)] == [
        "first",
        "second",
    ]
    source = root / "source" / later.assignment
    assert "notebooks" in companion(source / "second.ipynb")
    assert "notebooks" not in companion(source / "first.ipynb")
    assert not [b for b in build(course, course.select(None)) if b.executed]

    earlier = later.builds_on[0].text.path
    earlier.write_text(earlier.read_text().replace("return 2 * x", "return 3 * x"))
    fresh = Course(root)
    with pytest.raises(CourseError, match=r"second: a cell of the notebook fails: .*3"):
        build(fresh, fresh.select(None), jobs=1)


def companion(path: Path) -> dict[str, str]:
    nbformat.read(path, as_version=4)
    found: dict[str, str] = json.loads(path.read_text())["metadata"]["companion"]
    return found

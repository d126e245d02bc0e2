from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from autograder.build.validate import validate
from autograder.course import Course, Exercise
from autograder.errors import CourseError

CHECKS = '''
@check(points=3, of="f")
def is_right(student, rng):
    """It is right."""
'''
MISCONCEPTIONS = '''
@misconception(of="f", caught_by="is_right")
def off_by_one(x):
    """You count from one."""
    return x + 1
'''
F = {"f": "def f(x):\n    return x"}


def problems(exercise: Exercise) -> str:
    with pytest.raises(CourseError) as caught:
        validate(exercise)
    assert str(caught.value).startswith(f"{exercise.id}")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_tiny_course_is_in_order(tiny: Exercise) -> None:
    validate(tiny)


def test_an_exercise_made_up_here_is_in_order(make: Any) -> None:
    validate(make(F, CHECKS, MISCONCEPTIONS, points={"f": 3}))


def test_points_of_a_graded_cell_are_those_of_its_checks(make: Any) -> None:
    said = problems(make(F, CHECKS, points={"f": 4}))
    assert "The graded cell check_f has 4 points, its checks have 3." in said


def test_checks_and_cells_belong_together(make: Any) -> None:
    said = problems(make(F, CHECKS.replace('of="f"', 'of="g"')))
    assert "The checks of g have no solution cell." in said
    assert "The checks of g have no graded cell check_g." in said
    assert "The graded cell check_f stands for no hidden check." in said


def test_a_graded_cell_of_another_name_is_told(make: Any) -> None:
    cell = {"kind": "check", "name": "test_f", "points": 3, "source": "f(1)"}
    said = problems(make(F, CHECKS, points={"f": 3}, extra=[cell]))
    assert "The graded cell test_f stands for no hidden check." in said


def test_a_solution_cell_defines_its_name_and_no_other(make: Any) -> None:
    said = problems(make({"f": "def g(x):\n    return x"}, CHECKS, points={"f": 3}))
    assert "The solution cell f should define f alone, it defines g." in said


def test_a_solution_needs_its_marks(make: Any) -> None:
    exercise = make(F, CHECKS, points={"f": 3})
    path = exercise.text.path
    path.write_text(path.read_text().replace("    ### END SOLUTION\n", ""))
    said = problems(Course(path.parents[3]).select(exercise.id)[0])
    assert "The solution cell f: needs its part between" in said


def test_metadata_is_whole(make: Any, tmp_path: Path) -> None:
    exercise = make(F, CHECKS, points={"f": 3})
    path = exercise.text.path
    text = path.read_text()
    for old, new, words in [
        ('"task": false, ', "", ""),
        ('"locked": true', '"locked": false', "The graded cell check_f should be locked."),
        ('"schema_version": 3', '"schema_version": 2', "should have schema_version 3"),
        (', "task": false', "", "lacks the nbgrader fields task"),
    ]:
        path.write_text(text.replace(old, new))
        if words:
            assert words in problems(Course(path.parents[3]).select(exercise.id)[0])
    question = {"kind": "question", "name": "why", "points": 0, "source": "Because."}
    said = problems(make(F, CHECKS, points={"f": 3}, extra=[question]))
    assert "The question why has no points." in said


def test_misconceptions_belong_to_the_checks_that_catch_them(make: Any) -> None:
    wrong = MISCONCEPTIONS.replace('caught_by="is_right"', 'caught_by="is_wrong"')
    assert "caught by an unknown is_wrong" in problems(make(F, CHECKS, wrong, points={"f": 3}))
    wrong = MISCONCEPTIONS.replace('of="f"', 'of="g"')
    assert "differ in `of`" in problems(make(F, CHECKS, wrong, points={"f": 3}))


def test_every_problem_is_told_at_once(make: Any) -> None:
    wrong = MISCONCEPTIONS.replace('caught_by="is_right"', 'caught_by="is_wrong"')
    said = problems(make({"f": "def g(x):\n    return x"}, CHECKS, wrong, points={"f": 9}))
    assert "should define f alone" in said
    assert "has 9 points" in said
    assert "is_wrong" in said


@pytest.mark.parametrize(
    ("functions", "given"),
    [
        ({"f": "def f(x):\n    return (x"}, "import numpy as np"),
        (F, "import numpy as np\nx = ("),
    ],
    ids=["solution", "given"],
)
def test_a_cell_that_is_no_python_is_told(make: Any, functions: Any, given: str) -> None:
    said = problems(make(functions, CHECKS, points={"f": 3}, given=given))
    assert re.search(r"(f|top-1)\b.*no Python", said)


def test_magics_in_given_cells_are_fine(make: Any) -> None:
    validate(make(F, CHECKS, points={"f": 3}, given="%matplotlib inline\nimport numpy as np"))


THRESHOLD = """
BAR = {{"scenes": Threshold(at_least=0.36, mean=0.4, std=0.01, seeds=3, command="x"){more}}}
"""
CIFAR = ', "cifar10": Threshold(at_least=0.35, mean=0.4, std=0.01, seeds=3, command="x")'


@pytest.mark.parametrize(
    ("prose", "more", "words"),
    [
        ("Reach 36 %.", "", None),
        (r"Reach $36\,\%$ or 0.36.", "", None),
        ("Reach 36\N{NO-BREAK SPACE}%.", "", None),
        ("Reach 37 %.", "", "nowhere says the threshold BAR for scenes, 36 %"),
        ("Reach 36 % on scenes and 35 % on CIFAR-10.", CIFAR, None),
        ("Reach 36 %.", CIFAR, "nowhere says the threshold BAR for cifar10, 35 %"),
    ],
)
def test_the_prose_says_every_threshold(make: Any, prose: str, more: str, words: Any) -> None:
    cell = {"kind": "text", "source": prose}
    checks = CHECKS + THRESHOLD.format(more=more)
    exercise = make(F, checks, points={"f": 3}, extra=[cell])
    if words is None:
        validate(exercise)
    else:
        assert words in problems(exercise)


def test_a_threshold_for_another_dataset_alone_is_told(make: Any) -> None:
    checks = CHECKS + THRESHOLD.format(more="").replace('"scenes"', '"cifar10"')
    said = problems(make(F, checks, points={"f": 3}))
    assert "The threshold BAR says nothing about the dataset scenes." in said


def test_two_checks_of_one_name_are_told(make: Any) -> None:
    # The second of two functions of one name replaces the first, and its points with it; under
    # another variable both are there.
    checks = CHECKS + "first = is_right\n" + CHECKS
    assert "Two checks have the same name." in problems(make(F, checks, points={"f": 6}))

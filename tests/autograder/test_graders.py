from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from autograder import graders
from autograder.classroom import TOGETHER, Task, _in_turn
from autograder.course import Course
from autograder.graders import Order, grade_here


def test_a_grading_process_keeps_the_suite_of_one_exercise(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = """
        @check(points=1, of="f")
        def is_right(student, rng):
            '''It is right.'''
        """
    f = {"f": "def f(x):\n    return x"}
    one = make(f, check, name="one")
    two = make(f, check, name="two", beside=one)
    course = Course(one.folder.parents[2])
    prefix = f"_exercise_{one.assignment}_"

    def loaded(order: Order, course: Course, zygote: object) -> list[str]:
        (exercise,) = course.select(order.exercise)
        assert len(exercise.checks) == 1
        return [name for name in sys.modules if name.startswith(prefix) and "." not in name]

    monkeypatch.setattr(graders, "carry_out", loaded)
    monkeypatch.setattr(graders, "_Here", type("Here", (), {"course": course, "exercise": ""}))
    graders._Here.zygote = None  # type: ignore[assignment]
    for exercise in (one, one, two, one):
        order = Order(exercise.id, "", "ada", b"", b"")
        assert grade_here(order) == [f"{prefix}{exercise.name}"]  # type: ignore[comparison-overlap]


def test_a_class_is_graded_by_exercise_some_students_at_a_time(make: Any) -> None:
    check = "@check(points=1, of='f')\ndef is_right(student, rng):\n    '''It is right.'''"
    f = {"f": "def f(x):\n    return x"}
    one = make(f, check, name="one")
    two = make(f, check, name="two", beside=one)
    names = [f"student{number:03}" for number in range(2 * TOGETHER + 1)]
    tasks = [Task(name, exercise, Path("x")) for name in names for exercise in (one, two)]
    ordered = _in_turn(tasks)
    assert sorted(map(str, ordered)) == sorted(map(str, tasks))
    for place, task in enumerate(ordered[: 4 * TOGETHER]):
        block, rest = divmod(place, 2 * TOGETHER)
        assert task.exercise is (one, two)[rest // TOGETHER]
        assert task.student == names[block * TOGETHER + rest % TOGETHER]

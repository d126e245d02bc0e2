from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest

import autograder
from autograder import (
    CheckFailed,
    Fall,
    Threshold,
    accuracy,
    check,
    misconception,
    require,
    require_fall,
    require_unchanged,
)
from autograder.errors import CourseError, UserError


def test_everything_that_exercises_are_written_with_is_there() -> None:
    for name in autograder.__all__:
        assert getattr(autograder, name) is not None


def test_a_check_knows_what_it_was_told() -> None:
    @check(points=3, of="f", timeout=2, memory_mb=50)
    def is_right(student: Any, rng: Any) -> str:
        """It is right.

        More for the author.
        """
        return "ran"

    assert (is_right.name, is_right.description) == ("is_right", "It is right.")
    assert (is_right.points, is_right.of) == (3, "f")
    assert (is_right.timeout, is_right.memory_mb) == (2.0, 50)
    assert is_right.run(None, None) == "ran"

    @check(points=1, of="f")
    def plain(student: Any, rng: Any) -> None:
        """It is."""

    assert (plain.timeout, plain.memory_mb) == (10.0, None)


@pytest.mark.parametrize("points", [0, -1, 1.5, True, "3", None])
def test_points_are_positive_integers(points: Any) -> None:
    with pytest.raises(CourseError, match="positive integer, got"):
        check(points=points, of="f")


def test_students_read_the_docstring_so_there_is_one() -> None:
    with pytest.raises(CourseError, match="silent has no docstring"):

        @check(points=1, of="f")
        def silent(student: Any, rng: Any) -> None:
            pass

    with pytest.raises(CourseError, match="mute has no docstring"):

        @misconception(of="f", caught_by="c")
        def mute(x: Any) -> None:
            pass


def test_a_misconception_knows_what_it_was_told() -> None:
    @misconception(of="f", caught_by="c", symptom="exception")
    def off_by_one(x: int) -> int:
        """You count from one:
        start at zero.
        """
        return x + 1

    assert (off_by_one.name, off_by_one.of) == ("off_by_one", "f")
    assert off_by_one.hint == "You count from one: start at zero."
    assert (off_by_one.caught_by, off_by_one.symptom) == ("c", "exception")
    assert off_by_one.run(1) == 2


def test_a_symptom_is_a_known_one() -> None:
    with pytest.raises(CourseError, match="one of value, exception, memory, time, mutation, got"):
        misconception(of="f", caught_by="c", symptom="colour")  # type: ignore[arg-type]


def test_a_requirement_fails_with_its_message_and_kind() -> None:
    require(np.bool_(True), "fine")
    with pytest.raises(CheckFailed, match="X is another") as caught:
        require(0, "X is another", kind="mutation")
    assert caught.value.kind == "mutation"


class Kept:
    """What ``student.hold`` returns, of a value that is at hand."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def value(self) -> Any:
        return self._value


@pytest.mark.parametrize(
    "value",
    [
        np.array([1.0, np.nan, -np.inf]),
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        {"W": np.zeros((0, 2)), "b": [np.ones(2), 3, None, "train"]},
        float("nan"),
        True,
    ],
)
def test_what_is_as_before_is_unchanged(value: Any) -> None:
    require_unchanged("f", x=(Kept(copy.deepcopy(value)), value), y=(Kept(2.0), 2))


@pytest.mark.parametrize(
    ("after", "before", "name"),
    [
        (np.array([1.0, 2.0]), np.array([1.0, 3.0]), "x"),
        (np.array([1.0, 2.0]), np.array([[1.0, 2.0]]), "x"),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0]), "x"),
        (None, np.array([1.0]), "x"),
        ([1.0], np.array([1.0]), "x"),
        ({"W": np.zeros(2)}, np.zeros(2), "x"),
        ({"W": np.zeros(2)}, {"W": np.zeros(2), "b": 0.0}, "x"),
        ({"W": np.zeros(2), "b": 1.0}, {"W": np.zeros(2), "b": 0.0}, "x['b']"),
        ([0, [np.ones(2), "test"]], [0, [np.ones(2), "train"]], "x[1][1]"),
        ([0], [0, 1], "x"),
        (0, None, "x"),
        (1, "1", "x"),
    ],
)
def test_what_was_changed_is_named(after: Any, before: Any, name: str) -> None:
    with pytest.raises(CheckFailed, match=f"^f changed {re.escape(name)}, which") as caught:
        require_unchanged("f", y=(Kept(1.0), 1.0), x=(Kept(after), before))
    assert caught.value.kind == "mutation"


LABELS = np.array([0, 1, 2, 1])


@pytest.mark.parametrize(
    ("predictions", "expected"),
    [
        (np.array([0, 1, 2, 1]), 1.0),
        ([0, 1, 0, 0], 0.5),
        ((1, 0, 1, 0), 0.0),
        (np.array([[0], [1], [2], [0]]), 0.75),
        (np.array([0.0, 1.0, 2.0, np.nan], np.float32), 0.75),
        (np.array([0, 1, 2, 1], np.uint8), 1.0),
        (np.array([False, True, True, True]), 0.75),
    ],
)
def test_accuracy_is_the_share_of_right_predictions(predictions: Any, expected: float) -> None:
    assert accuracy(predictions, LABELS) == expected


@pytest.mark.parametrize(
    ("predictions", "kind", "words"),
    [
        (None, "type", "got NoneType"),
        ("0121", "type", "got str"),
        (["0", "1", "2", "1"], "type", "got list"),
        ([[0], [1, 2]], "type", "got list"),
        ({"a": 1}, "type", "got dict"),
        (object(), "type", "got object"),
        ([0, 1, None, 1], "type", "got list"),
        (np.zeros(3), "shape", r"shape \(3,\), expected one label per image: \(4,\)"),
        (np.zeros((4, 10)), "shape", r"\(4, 10\)"),
        (1, "shape", r"\(\)"),
        ([10**400, 1.5, 0, 0], "type", "got list"),
    ],
)
def test_other_predictions_fail_in_words(predictions: Any, kind: str, words: str) -> None:
    with pytest.raises(CheckFailed, match=words) as caught:
        accuracy(predictions, LABELS, name="y_pred")
    assert caught.value.kind == kind
    assert str(caught.value).startswith("y_pred ")


def test_a_threshold_lies_below_what_it_was_measured_from() -> None:
    fine = Threshold(at_least=0.3, mean=0.35, std=0.01, seeds=5, command="x")
    assert fine.at_least == 0.3
    for at_least, mean in ((0.4, 0.35), (-0.1, 0.3), (36, 40)):
        with pytest.raises(CourseError, match="between 0 and the reference's mean"):
            Threshold(at_least=at_least, mean=mean, std=0, seeds=1, command="x")


def test_a_fall_lies_above_what_the_reference_leaves() -> None:
    assert Fall(at_most=0.3, mean=0.2, std=0.01, seeds=5, command="x").at_most == 0.3
    for at_most, mean in ((0.3, 0.4), (1.0, 0.2), (0.3, -0.1), (30, 20)):
        with pytest.raises(CourseError, match="share of the loss that the reference leaves"):
            Fall(at_most=at_most, mean=mean, std=0, seeds=1, command="x")


def test_a_loss_that_does_not_fall_far_enough_is_told() -> None:
    fall = Fall(at_most=0.3, mean=0.2, std=0.01, seeds=5, command="x")
    require_fall(8.0, np.float32(2.25), fall, name="the loss")
    for after, words in ((2.5, "31.2%"), (16.0, "200%"), (np.nan, "nan%")):
        with pytest.raises(CheckFailed, match=rf"the loss ends at {words} .* expected 30% or less"):
            require_fall(8.0, after, fall, name="the loss")


def test_a_course_error_is_told_to_the_user() -> None:
    assert issubclass(CourseError, UserError)

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

from autograder.calls import Call, CallProblem, Held, Named, snapshot


def test_generators_are_kept_in_their_present_state() -> None:
    rng = np.random.default_rng(0)
    kept = snapshot({"rng": [rng]}, lambda value: value)["rng"][0]
    expected = np.random.default_rng(0).normal()
    rng.normal()
    assert kept.normal() == expected


def test_containers_are_copied_and_their_items_converted() -> None:
    inner = [1, (2, 3)]
    kept = snapshot({"a": inner}, lambda value: -value)
    inner.append(4)
    assert kept == {"a": [-1, (-2, -3)]}
    assert type(kept["a"][1]) is tuple


def test_a_named_tuple_of_a_check_goes_as_a_plain_one() -> None:
    Point = namedtuple("Point", "x y")
    kept = snapshot(Point(1, [2]), lambda value: value)
    assert (type(kept), kept) == (tuple, (1, [2]))


def test_held_values_are_told_apart_by_number_alone() -> None:
    assert Held(1, "Net") == Held(1, "object") != Held(2, "Net")
    assert len({Held(1), Held(1, "x"), Named("f")}) == 2


def test_a_problem_knows_what_became_of_the_call() -> None:
    problem = CallProblem("`f` raised KeyError", "failed", "exception", "KeyError")
    with pytest.raises(CallProblem, match="`f` raised KeyError"):
        raise problem
    assert (problem.outcome, problem.kind, problem.error) == ("failed", "exception", "KeyError")


def test_calls_do_not_share_their_arguments() -> None:
    first: Any = Call("call", Named("f"), "f")
    second: Any = Call("call", Named("f"), "f")
    first.kwargs["a"] = 1
    assert second.kwargs == {}

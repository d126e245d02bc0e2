from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import cs231n_lib.checking
from autograder import CheckFailed, assert_close
from autograder.calls import Held
from autograder.student import Handle


def words(actual: Any, expected: Any, **options: Any) -> str:
    with pytest.raises(CheckFailed) as caught:
        assert_close(actual, expected, **options)
    return str(caught.value)


FLOATS = npst.arrays(
    np.float64,
    npst.array_shapes(max_dims=2, max_side=4),
    elements=st.floats(-1e300, 1e300) | st.sampled_from([np.nan, np.inf, -np.inf]),
)


@given(FLOATS.flatmap(lambda a: st.tuples(st.just(a), npst.arrays(np.float64, a.shape))))
@settings(max_examples=200, deadline=None)
def test_it_accepts_and_refuses_what_the_students_own_check_does(arrays: Any) -> None:
    for actual, expected in (arrays, (arrays[0], arrays[0]), (arrays[0] * (1 + 1e-5), arrays[0])):
        with np.errstate(all="ignore"):
            outcomes = []
            for check in (assert_close, cs231n_lib.checking.assert_close):
                try:
                    check(actual, expected, name="x")
                    outcomes.append("passed")
                except CheckFailed as failure:
                    outcomes.append(failure.kind)
        assert outcomes[0] == outcomes[1]


@given(
    npst.arrays(np.float64, (3, 4), elements=st.floats(-100, 100)),
    st.floats(1.5, 90.0),
    st.integers(0, 11),
)
@settings(max_examples=100, deadline=None)
def test_no_expected_value_is_in_the_message(actual: Any, value: float, place: int) -> None:
    expected = np.full((3, 4), 12.345678)
    expected.flat[place] = value
    numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*(?:e[-+]?\d+)?", words(actual, expected))]
    shown = {0.1, 1.0, 10.0, 12.0, *np.round(actual.ravel(), 3)}
    for number in numbers:
        mine = any(np.isclose(number, v, rtol=1e-4, atol=1e-3) for v in shown)
        assert mine or number == int(number), number  # an index, a count, or one's own value


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (2.5, 2.0, "out is 2.5, which is far too large"),
        (1.0, 3.0, "out is 1, which is far too small"),
        (-2.0, 2.0, "out is -2, which is of the wrong sign"),
        (2.0001, 2.0, "out is 2.0001, which is off by less than 0.1 %"),
        (2.01, 2.0, "out is 2.01, which is off by less than 1 %"),
        (2.1, 2.0, "out is 2.1, which is off by less than 10 %"),
        (
            [1.0, 2.0, 9.0],
            [1.0, 2.0, 3.0],
            "out is wrong in 1 of 3 entries; at index 2 yours is 9, which is far too large",
        ),
        (
            np.eye(2),
            np.array([[1.0, 0.0], [5.0, 1.0]]),
            "out is wrong in 1 of 4 entries; at (1, 0) yours is 0, which is far too small",
        ),
    ],
)
def test_it_says_where_and_how_far_off(actual: Any, expected: Any, message: str) -> None:
    assert words(actual, expected) == message


@pytest.mark.parametrize(
    ("actual", "kind"),
    [
        (None, "type"),
        ("text", "type"),
        ([[1], [2, 3]], "type"),
        (np.zeros(3), "shape"),
        (np.array([1.0, np.nan]), "finite"),
        (np.array([1j, 2]), "dtype"),
        (np.array(["a", "b"]), "dtype"),
    ],
)
def test_other_failures_keep_their_kind(actual: Any, kind: str) -> None:
    with pytest.raises(CheckFailed) as caught:
        assert_close(actual, np.array([1.0, 2.0]), name="loss")
    assert caught.value.kind == kind
    assert str(caught.value).startswith("loss ")


def test_an_object_that_stayed_behind_is_called_by_its_type() -> None:
    handle = Handle(None, Held(1, "TwoLayerNet"))  # type: ignore[arg-type]
    with pytest.raises(CheckFailed, match="is an object of type TwoLayerNet, expected an array"):
        assert_close(handle, np.zeros(2), name="scores")


def test_infinite_expectations_are_met_by_infinities() -> None:
    expected = np.array([np.inf, -np.inf, np.nan, 1.0])
    assert_close(expected.copy(), expected)
    assert "wrong in 1 of 4" in words(np.array([-np.inf, -np.inf, np.nan, 1.0]), expected)

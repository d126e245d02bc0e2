"""Maps of errors: what they show, how they are laid out, and that they give no value away."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import autograder.errormap
from autograder import CheckFailed, assert_close
from autograder.comparing import WrongValues
from autograder.errormap import MAX_CELLS, ErrorMap, Layout, error_map


def mapped(actual: Any, expected: Any, **options: Any) -> ErrorMap | None:
    """The map of the failure of a comparison."""
    with pytest.raises(WrongValues) as caught:
        assert_close(actual, expected, **options)
    return caught.value.error_map


def grid(found: ErrorMap | None) -> tuple[str, ...]:
    assert found is not None
    return found.cells


@pytest.fixture
def expected() -> Any:
    return np.arange(1.5, 13.5).reshape(3, 4)


def test_each_entry_has_its_step(expected: Any) -> None:
    actual = expected.copy()
    actual[0, 1] *= 1.02
    actual[0, 2] *= 2
    actual[1, 0] *= -1
    actual[2, 3] = np.nan
    found = mapped(actual, expected, name="dW")
    assert found == ErrorMap("dW", (3, 4), 4, "", ("0120", "3000", "0004"))
    assert (found.size, found.pooled) == (12, False)


def test_a_step_is_one_of_the_right_name_whatever_the_dtype() -> None:
    expected = np.array([1.5, 2.5, 250.0, 3.5])
    assert grid(mapped(np.array([1.5, 2.5, 3.0, 3.5], np.float32), expected)) == ("0020",)
    assert grid(mapped(np.array([2, 3, 250, 4], np.uint8), expected)) == ("2202",)
    turned = expected * np.array([1, 1j, 1, -1])
    assert grid(mapped(turned, expected.astype(complex))) == ("0202",)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ([0, 1, 1, 1], [0.0, 1.0, 2.0, 1.0]),  # labels
        ([True, False, True, True], [True, True, True, False]),
        ([0.5, 0.5, 0.25, 0.25], [0.5, 0.25, 0.25, 0.25]),  # a mask, scaled
        ([1.5, 2.5, 9.9], [1.5, 2.5, 3.5]),  # as good as the message
        (7.5, 2.5),
        (np.full((3, 4), 9.0), np.linspace(1.5, 2.7, 12).reshape(3, 4)),  # off everywhere alike
    ],
)
def test_what_would_say_too_much_or_nothing_has_no_map(actual: Any, expected: Any) -> None:
    assert mapped(actual, np.array(expected)) is None


def test_failures_of_another_kind_have_no_map() -> None:
    with pytest.raises(CheckFailed) as caught:
        assert_close(np.zeros(3), np.ones(4))
    assert not isinstance(caught.value, WrongValues)


def test_a_failure_survives_pickling(expected: Any) -> None:
    with pytest.raises(WrongValues) as caught:
        assert_close(expected * [1, 1, 2, 1], expected)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (str(again), again.kind) == (str(caught.value), "value")


# Where --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "where", "place"),
    [
        ((4, 6), np.s_[:, 2], "only in column 2"),
        ((4, 6), np.s_[[0, 3]], "only in rows 0 and 3"),
        ((4, 6), np.s_[:, [0, 2, 5]], "only in columns 0, 2 and 5"),
        ((9,), np.s_[7], "only at index 7"),
        ((9,), np.s_[[1, 4]], "only at indices 1 and 4"),
        ((3, 2, 5, 5), np.s_[:, 1], "only in [:, 1, :, :]"),
        ((6, 4, 5), np.s_[[2, 3]], "only in [2, :, :] and [3, :, :]"),
        ((5, 5), np.s_[range(5), range(5)], "only on the diagonal"),
        ((4, 6), np.s_[[0, 1, 2, 3], [0, 2, 4, 5]], ""),
        ((2, 4), np.s_[:, :3], ""),
    ],
)
def test_words_say_where_it_is_off(shape: tuple[int, ...], where: Any, place: str) -> None:
    expected = np.random.default_rng(0).uniform(1, 2, shape)
    actual = expected.copy()
    actual[where] *= 3
    found = mapped(actual, expected)
    assert found is not None
    assert found.place == place


@pytest.mark.parametrize("shape", [(2, 3, 5, 6), (2, 8, 9, 3)])
def test_the_border_of_pictures_is_seen(shape: tuple[int, ...]) -> None:
    expected = np.random.default_rng(0).uniform(1, 2, shape)
    actual = 3 * expected
    inside = (..., slice(1, -1), slice(1, -1), *([slice(None)] if shape[-1] == 3 else []))
    actual[inside] = expected[inside]
    found = mapped(actual, expected)
    assert found is not None
    assert found.place == "only at the border"
    block = ["2" * 6, *["2" + "0" * 4 + "2"] * 3, "2" * 6]
    if shape[-1] == 3:
        block = ["2" * 9, *["2" + "0" * 7 + "2"] * 6, "2" * 9]
    rows = [" ".join([row] * 3) for row in block]
    assert grid(found) == (*rows, "", *rows)


# Layout -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "layout", "sizes"),
    [
        ((5,), ((), (), (), (0,)), (1, 1, 1, 5)),
        ((5, 7), ((), (0,), (), (1,)), (1, 5, 1, 7)),
        ((2, 5, 7), ((0,), (1,), (), (2,)), (2, 5, 1, 7)),
        ((8, 9, 3), ((), (0,), (2,), (1,)), (1, 8, 3, 9)),  # an RGB image
        ((2, 4, 5, 3), ((0,), (2,), (1,), (3,)), (2, 5, 4, 3)),  # filters
        ((2, 3, 5, 7), ((0,), (2,), (1,), (3,)), (2, 5, 3, 7)),
        ((2, 9, 8, 3), ((0,), (1,), (3,), (2,)), (2, 9, 3, 8)),  # several
        ((2, 4, 3, 5, 7), ((0, 1), (3,), (2,), (4,)), (8, 5, 3, 7)),
    ],
)
def test_axes_lie_where_one_looks_for_them(shape: Any, layout: Any, sizes: Any) -> None:
    found = Layout.of(shape)
    assert (found.down, found.rows, found.across, found.columns) == layout
    assert found.sizes(shape) == sizes


def test_blocks_are_set_off() -> None:
    expected = np.random.default_rng(0).uniform(1, 2, (2, 3, 2, 4))
    actual = expected.copy()
    actual[1, 2, 0, 3] *= 3
    found = mapped(actual, expected)
    assert grid(found) == (
        "0000 0000 0000",
        "0000 0000 0000",
        "",
        "0000 0000 0002",
        "0000 0000 0000",
    )


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(0, 2**32 - 1))
def test_a_map_is_small_and_the_worst_entry_is_seen(shape: list[int], seed: int) -> None:
    while np.prod(shape) > 200_000:
        shape = shape[:-1]
    rng = np.random.default_rng(seed)
    expected = rng.uniform(1, 2, shape)
    actual = expected.copy()
    place = tuple(int(rng.integers(n)) for n in shape)
    actual[place] = np.inf
    found = error_map("x", actual, expected, actual != expected)
    if actual.size < 4:
        assert found is None
        return
    assert found is not None or max(shape) == 1
    if found is None:
        return
    text = "".join(found.cells)
    assert len(text) - text.count(" ") <= MAX_CELLS**2
    assert all(len(row.replace(" ", "")) <= MAX_CELLS for row in found.cells)
    assert sum(map(bool, found.cells)) <= MAX_CELLS
    assert text.count("4") == 1
    assert set(text) <= set("04 ")
    if max(shape) <= 4 and len(shape) < 5:
        assert not found.pooled


def test_pooled_cells_stand_for_equal_parts() -> None:
    expected = np.random.default_rng(0).uniform(1, 2, (100, 64))
    actual = expected.copy()
    actual[50:, 62:] *= 3
    found = mapped(actual, expected)
    assert found is not None
    assert found.pooled
    assert found.cells == ("0" * 32,) * 16 + ("0" * 31 + "2",) * 16


# What it gives away -------------------------------------------------------------------------------

Answer = Callable[[Any], ErrorMap | None]


def bracketed(answer: Answer, size: int, gradings: int) -> Any:
    """What a student learns who moves all entries at once across the edge, grading by grading.

    An entry that is too small by more than the edge is off by a lot, one that is nearer is not: the
    place between is halved each time, and the value lies an edge of 10 % above it.
    """
    low, high = np.full(size, 0.5), np.full(size, 1.0)
    for _ in range(gradings):
        middle = (low + high) / 2
        found = answer(middle)
        far = np.array([c == "2" for c in grid(found)[0]]) if found else np.full(size, True)
        low, high = np.where(far, middle, low), np.where(far, high, middle)
    return low / 0.9


@pytest.mark.parametrize("fixed", [True, False])
def test_many_gradings_do_not_lead_to_the_values(
    fixed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = np.random.default_rng(0).uniform(1.0, 1.1, 32)
    expected[0] = 5.0  # so that there is something to be seen in every map
    if fixed:
        monkeypatch.setattr(autograder.errormap, "_edge", lambda *_: 0.1)
    near = bracketed(lambda a: error_map("x", a, expected, a != expected), 32, 60)
    off = np.abs(near - expected)[1:] / expected[1:]
    if fixed:  # it is this that the attack finds: the test would see it
        assert np.max(off) < 1e-6
    else:
        assert np.min(off) > 1e-4
        assert np.median(off) > 1e-2


def test_the_same_answer_has_the_same_map(expected: Any) -> None:
    actual = expected * np.random.default_rng(1).uniform(0.8, 1.2, expected.shape)
    assert mapped(actual, expected) == mapped(actual.copy(), expected)
    assert mapped(actual.T.copy().T, expected) == mapped(actual, expected)
    edges = {autograder.errormap._edge(actual * (1 + i / 1e9), expected) for i in range(50)}
    assert len(edges) == 50
    assert min(edges) > 0.03
    assert max(edges) < 0.3


@given(
    npst.arrays(np.float64, (3, 4), elements=st.floats(0.5, 2)),
    st.floats(0.01, 100),
)
def test_a_map_is_all_that_is_kept(actual: Any, scale: float) -> None:
    """No number of the expected array goes into it: the steps and counts are all there is."""
    expected = np.random.default_rng(0).uniform(1, 2, (3, 4))
    wrong = np.abs(actual - expected) > 1e-9
    one = error_map("x", actual, expected, wrong)
    other = error_map("x", actual * scale, expected * scale, wrong)
    for found in (one, other):
        if found is not None:
            assert (found.name, found.shape, found.wrong) == ("x", (3, 4), int(wrong.sum()))
            assert set("".join(found.cells)) <= set("01234")
    if one is not None and other is not None:
        assert [c == "0" for row in one.cells for c in row] == [
            c == "0" for row in other.cells for c in row
        ]

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from autograder.authoring import Check, Misconception
from autograder.backends import LocalBackend
from autograder.calls import CallProblem, Held
from autograder.diagnosis import describe_mismatch, find_misconception, replay, same, structure
from autograder.reference import Reference
from autograder.student import Student
from autograder.worker.cells import Cell

REFERENCE = """
import numpy as np

def softmax(scores):
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def loss(W, X, y, reg):
    p = softmax(X @ W)
    N = X.shape[0]
    data = -np.mean(np.log(p[np.arange(N), y]))
    p[np.arange(N), y] -= 1
    return data + reg * np.sum(W * W), X.T @ p / N + 2 * reg * W

def forward(x):
    return x * 2, {"x": x}

def backward(dout, cache):
    return dout * cache["x"]

class Net:
    def __init__(self):
        self.w = 1.0
    def predict(self, x):
        return softmax(x).argmax(axis=1)

def draw(rng, n):
    return rng.normal(size=n)
"""


def namespace(source: str) -> dict[str, Any]:
    found: dict[str, Any] = {"np": np}
    exec(compile(source, "<made up>", "exec"), found)  # noqa: S102
    return found


def wrong(of: str, source: str, caught_by: str = "c", symptom: Any = "value") -> Misconception:
    """A misconception from the source of one function."""
    found = namespace(source)
    name, run = next((k, v) for k, v in found.items() if callable(v) and not k.startswith("__"))
    return Misconception(name, f"You {name}.", of, caught_by, symptom, run)


NOT_AVERAGED = wrong(
    "loss",
    """
def not_averaged(W, X, y, reg):
    s = X @ W
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    data = -np.mean(np.log(p[np.arange(len(y)), y]))
    p[np.arange(len(y)), y] -= 1
    return data + reg * np.sum(W * W), X.T @ p + 2 * reg * W
""",
)
NO_MAX = wrong(
    "softmax",
    "def no_max(scores):\n    e = np.exp(scores)\n    return e / e.sum(axis=1, keepdims=True)",
)
COLUMNS = wrong(
    "softmax",
    "def columns(scores):\n    e = np.exp(scores)\n    return e / e.sum(axis=0, keepdims=True)",
)
RAISES = wrong("loss", "def raises(W, X, y, reg):\n    return W @ X", symptom="exception")
SLOW = wrong("loss", "def slow(W, X, y, reg):\n    return 1", symptom="time")
HUGE = wrong("loss", "def huge(W, X, y, reg):\n    return 1", symptom="memory")
WRITES = wrong("loss", "def writes(W, X, y, reg):\n    return 1", symptom="mutation")
ALL = [SLOW, HUGE, WRITES, COLUMNS, NO_MAX, NOT_AVERAGED, RAISES]

CHECK = Check("c", "A check.", "loss", 1, 10.0, None, lambda s, r: None)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference([Cell("all", REFERENCE)])


@pytest.fixture
def problem() -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(5, 4)), rng.normal(size=(4, 3))
    return W, X, np.array([0, 2, 1, 1, 0]), 0.1


Ask = Callable[..., list[Any]]


@pytest.fixture
def transcript() -> Ask:
    """The transcript of a check against some source, up to the first problem."""

    def run(source: str, *calls: Callable[[Student], Any]) -> list[Any]:
        student = Student(LocalBackend(namespace(REFERENCE) | namespace(source)))
        for call in calls:
            try:
                call(student)
            except CallProblem:
                break
        return student._transcript

    return run


def named(found: Misconception | None) -> str:
    return found.name if found else "nothing"


def look(transcript: list[Any], reference: Reference, kind: str = "value", of: str = "loss") -> str:
    check = Check("c", "", of, 1, 10.0, None, lambda s, r: None)
    return named(find_misconception(check, kind, transcript, ALL, reference))


def test_a_wrong_function_is_named(
    transcript: Ask, reference: Reference, problem: tuple[Any, ...]
) -> None:
    student = """
def loss(W, X, y, reg):
    N, total, dW = len(y), 0.0, np.zeros(W.shape)
    for i in range(N):
        e = [float(np.exp(X[i] @ W[:, j])) for j in range(W.shape[1])]
        total -= np.log(e[y[i]] / sum(e)) / N
        for j in range(W.shape[1]):
            dW[:, j] += (e[j] / sum(e) - (j == y[i])) * X[i]
    return total + reg * np.sum(W ** 2), dW + 2 * reg * W
"""
    asked = transcript(student, lambda s: s.loss(*problem))
    assert look(asked, reference) == "not_averaged"


def test_a_right_function_is_no_misconception(
    transcript: Ask, reference: Reference, problem: tuple[Any, ...]
) -> None:
    assert look(transcript("", lambda s: s.loss(*problem)), reference) == "nothing"


def test_a_mistake_in_a_helper_is_named_where_it_shows(
    transcript: Ask, reference: Reference, problem: tuple[Any, ...]
) -> None:
    student = (
        "def softmax(scores):\n    return np.exp(scores) / np.exp(scores).sum(axis=0)[None, :]\n"
        + REFERENCE.split("\n\n")[2]
    )
    asked = transcript(student, lambda s: s.loss(*problem))
    assert look(asked, reference) == "columns"


def test_a_misconception_that_changes_nothing_on_these_inputs_is_not_named(
    transcript: Ask, reference: Reference, problem: tuple[Any, ...]
) -> None:
    # Without subtracting the maximum, small scores come out right: it explains no failure.
    asked = transcript("", lambda s: s.softmax(np.ones((2, 3))))
    assert look(asked, reference, of="softmax") == "nothing"
    asked = transcript(
        "def softmax(scores):\n    return np.exp(scores) / np.exp(scores).sum(1, keepdims=True)",
        lambda s: s.softmax(np.array([[1.0, 2.0]])),
        lambda s: s.softmax(np.array([[1000.0, 0.0]])),
    )
    assert look(asked, reference, of="softmax") == "no_max"


def test_single_precision_is_recognised(
    transcript: Ask, reference: Reference, problem: tuple[Any, ...]
) -> None:
    source = """
def loss(W, X, y, reg):
    W, X = W.astype(np.float32), X.astype(np.float32)
    s = X @ W
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    data = -np.mean(np.log(p[np.arange(len(y)), y]))
    p[np.arange(len(y)), y] -= 1
    return [np.float32(data + reg * np.sum(W * W)), X.T @ p + np.float32(2 * reg) * W]
"""
    asked = transcript(source, lambda s: s.loss(*problem))
    assert asked[0].result[1].dtype == np.float32
    assert look(asked, reference) == "not_averaged"


def test_an_exception_is_matched_by_its_type(
    transcript: Ask, reference: Reference, problem: tuple[Any, ...]
) -> None:
    source = "def loss(W, X, y, reg):\n    raise {}"
    asked = transcript(source.format("ValueError('shapes')"), lambda s: s.loss(*problem))
    assert look(asked, reference, "exception") == "raises"
    asked = transcript(source.format("KeyError('W')"), lambda s: s.loss(*problem))
    assert look(asked, reference, "exception") == "nothing"


def test_a_training_run_is_not_replayed_where_the_mistake_is_known(
    transcript: Ask, reference: Reference, problem: tuple[Any, ...]
) -> None:
    """A check that costs seconds fails, most likely for what was found in another function."""
    asked = transcript("def loss(*a):\n    return 1.0, a[0]", lambda s: s.loss(*problem))
    own = wrong("loss", "def own(W, X, y, reg):\n    return 1.0, W")
    other = wrong("softmax", "def other(scores):\n    return 2 * scores")
    for seconds, known, expected in [
        (0.01, {"other"}, "own"),
        (0.3, {"own"}, "own"),
        (0.3, {"other"}, "own"),
        (5.0, set(), "own"),
        (5.0, {"own"}, "own"),
        (5.0, {"other"}, "nothing"),
        (5.0, {"own", "other"}, "nothing"),
    ]:
        asked[0].seconds = seconds
        found = find_misconception(CHECK, "value", asked, [own, other], reference, known)
        assert named(found) == expected


def test_a_slow_replay_tries_only_the_checks_own_where_a_mistake_is_known(
    transcript: Ask, reference: Reference, problem: tuple[Any, ...]
) -> None:
    asked = transcript("def loss(*a):\n    return 1.0, a[0]", lambda s: s.loss(*problem))
    twin = wrong("loss", "def twin(W, X, y, reg):\n    return 1.0, W", caught_by="another")
    other = wrong("softmax", "def other(scores):\n    return 2 * scores")
    for seconds, known, expected in [
        (0.01, {"other"}, "twin"),
        (0.3, {"twin"}, "twin"),
        (0.3, {"other"}, "nothing"),
    ]:
        asked[0].seconds = seconds
        found = find_misconception(CHECK, "value", asked, [twin, other], reference, known)
        assert named(found) == expected


def test_what_is_known_of_another_function_explains_first(
    transcript: Ask, reference: Reference, problem: tuple[Any, ...]
) -> None:
    """Two explanations of a loss: by its own mistake, or by the one in the softmax it calls."""
    W, X, y, reg = problem
    mistaken = reference.namespace({"softmax": COLUMNS.run})["loss"](W, X, y, reg)
    own = wrong("loss", "def own(W, X, y, reg):\n    return answer")
    own.run.__globals__["answer"] = mistaken
    asked = transcript("def loss(*a):\n    return 1.0, a[0]", lambda s: s.loss(*problem))
    asked[0].result = mistaken
    for known, expected in [(set(), "own"), ({"columns"}, "columns"), ({"own"}, "own")]:
        found = find_misconception(CHECK, "value", asked, [own, COLUMNS], reference, known)
        assert named(found) == expected


@pytest.mark.parametrize(
    ("kind", "expected"), [("time", "slow"), ("memory", "huge"), ("mutation", "writes")]
)
def test_some_symptoms_say_it_themselves(reference: Reference, kind: str, expected: str) -> None:
    assert look([], reference, kind) == expected
    assert look([], reference, "value") == "nothing"
    other = Check("another", "", "loss", 1, 10.0, None, lambda s, r: None)
    assert named(find_misconception(other, kind, [], ALL, reference)) == "nothing"


def test_the_checks_own_misconceptions_come_first(
    transcript: Ask, reference: Reference, problem: tuple[Any, ...]
) -> None:
    twin = wrong("loss", "def twin(W, X, y, reg):\n    return 1.0, W", caught_by="another")
    own = wrong("loss", "def own(W, X, y, reg):\n    return 1.0, W")
    asked = transcript("def loss(*a):\n    return 1.0, a[0]", lambda s: s.loss(*problem))
    for order in itertools.permutations([twin, own]):
        assert named(find_misconception(CHECK, "value", asked, order, reference)) == "own"


def test_what_was_drawn_is_drawn_again(transcript: Ask, reference: Reference) -> None:
    halved = wrong("draw", "def halved(rng, n):\n    return rng.normal(size=n) / 2")
    rng = np.random.default_rng(3)
    asked = transcript(
        "def draw(rng, n):\n    return 0.5 * rng.normal(size=n)",
        lambda s: s.draw(rng, 3),
        lambda s: s.draw(np.random.default_rng(rng.integers(99)), 3),
    )
    check = Check("c", "", "draw", 1, 10.0, None, lambda s, r: None)
    assert named(find_misconception(check, "value", asked, [halved], reference)) == "halved"


@pytest.mark.parametrize("holding", [True, False])
@pytest.mark.parametrize(
    "cache", ['{"x": x}', "Cache(x)"], ids=["plain cache", "cache of a class of its own"]
)
def test_an_opaque_cache_goes_back_to_whoever_made_it(
    transcript: Ask, reference: Reference, holding: bool, cache: str
) -> None:
    source = f"""
class Cache(dict):
    def __init__(self, x):
        self.x = x
    def __getitem__(self, key):
        return self.x
def forward(x):
    return x * 2, {cache}
def backward(dout, cache):
    return 2 * dout + cache["x"]
"""
    added = wrong("backward", "def added(dout, cache):\n    return dout + dout + cache['x']")

    def both(student: Student) -> None:
        forward = student.forward.holding(1) if holding else student.forward
        _, kept = forward(np.arange(3.0))
        student.backward(np.ones(3), kept)

    asked = transcript(source, both)
    assert len(asked) == 2
    check = Check("c", "", "backward", 1, 10.0, None, lambda s, r: None)
    assert named(find_misconception(check, "value", asked, [added], reference)) == "added"


def test_an_object_where_an_array_was_due_is_no_known_mistake(
    transcript: Ask, reference: Reference, problem: tuple[Any, ...]
) -> None:
    """It could be compared with nothing, and so agreed with every misconception."""
    source = "def softmax(scores):\n    return object()"
    asked = transcript(source, lambda s: s.softmax(np.array([[1.0, 2.0]])))
    assert isinstance(asked[0].result, Held)
    assert look(asked, reference, "type", of="softmax") == "nothing"
    source = "def loss(W, X, y, reg):\n    return 12.5, object()"
    asked = transcript(source, lambda s: s.loss(*problem))
    assert look(asked, reference) == "nothing"


def test_a_misconception_that_returns_an_object_explains_no_value(
    transcript: Ask, reference: Reference
) -> None:
    lazy = wrong("softmax", "def lazy(scores):\n    return iter(scores)")
    asked = transcript(
        "def softmax(scores):\n    return scores + 7", lambda s: s.softmax(np.eye(2))
    )
    check = Check("c", "", "softmax", 1, 10.0, None, lambda s, r: None)
    assert find_misconception(check, "value", asked, [lazy], reference) is None


def test_a_value_beside_an_object_still_names_the_mistake(
    transcript: Ask, reference: Reference
) -> None:
    tripled = wrong("forward", "def tripled(x):\n    return x * 3, {'x': x}")
    source = "class Cache:\n    pass\ndef forward(x):\n    return x + x + x, Cache()"
    asked = transcript(source, lambda s: s.forward(np.arange(3.0)))
    check = Check("c", "", "forward", 1, 10.0, None, lambda s, r: None)
    assert named(find_misconception(check, "value", asked, [tripled], reference)) == "tripled"


def test_a_right_value_of_another_shape_is_no_known_mistake(
    transcript: Ask, reference: Reference
) -> None:
    doubled = wrong("forward", "def doubled(x):\n    return x * 4, {'x': x}")
    rows = wrong("forward", "def rows(x):\n    return 2 * x[None], {'x': x}")
    source = "def forward(x):\n    return 2 * x[:, None], {'x': x}"
    asked = transcript(source, lambda s: s.forward(np.arange(3.0)))
    check = Check("c", "", "forward", 1, 10.0, None, lambda s, r: None)
    assert find_misconception(check, "shape", asked, [doubled, rows], reference) is None


def test_calls_on_objects_are_replayed(transcript: Ask, reference: Reference) -> None:
    def use(student: Student) -> None:
        net = student.Net()
        net.w = 3.0
        net.predict(np.eye(3))

    smallest = wrong("softmax", "def smallest(s):\n    return -s")
    source = "class Net:\n    def predict(self, x):\n        return x.argmin(axis=1)"
    asked = transcript(source, use)
    check = Check("c", "", "Net", 1, 10.0, None, lambda s, r: None)
    assert named(find_misconception(check, "value", asked, [smallest], reference)) == "smallest"


def test_a_transcript_that_no_version_of_ours_can_follow_is_given_up(
    transcript: Ask, reference: Reference
) -> None:
    def use(student: Student) -> None:
        student.forward(1.0)[1].anything(3)

    source = (
        "class O:\n    def anything(self, x):\n        return x\ndef forward(x):\n    return x, O()"
    )
    asked = transcript(source, use)
    assert len(asked) == 3
    answers = replay(asked, reference.namespace())
    assert len(answers) <= 2 or answers[-1].problem is not None
    check = Check("c", "", "forward", 1, 10.0, None, lambda s, r: None)
    assert find_misconception(check, "value", asked, ALL, reference) is None


def test_an_answer_of_ours_too_large_for_a_frame_is_no_match(
    transcript: Ask, reference: Reference
) -> None:
    giant = wrong("softmax", "def giant(s):\n    return np.broadcast_to(1.0, (2**26,))")
    asked = transcript("def softmax(s):\n    return 5", lambda s: s.softmax(np.eye(2)))
    check = Check("c", "", "softmax", 1, 10.0, None, lambda s, r: None)
    assert find_misconception(check, "value", asked, [giant], reference) is None


# Sameness ----------------------------------------------------------------------------------------

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.sampled_from([10**400, -(10**400)])
    | st.floats()
    | st.complex_numbers()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | npst.arrays(
        npst.floating_dtypes(sizes=(16, 32, 64)) | npst.integer_dtypes() | npst.boolean_dtypes(),
        npst.array_shapes(min_dims=0, min_side=0, max_side=3),
    )
    | st.integers(0, 5).map(Held)
    | st.integers(0, 5).map(np.random.default_rng),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(PLAIN, PLAIN)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_two_values_can_be_compared_and_described(one: Any, other: Any) -> None:
    assert isinstance(same(one, other), bool)
    assert isinstance(same([one, one], [other, 1.5]), bool)
    assert structure(one)
    assert structure((one, other))


@given(PLAIN.filter(lambda v: "Generator" not in repr(v)))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_value_is_the_same_as_itself(value: Any) -> None:
    assert same(value, value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1.0, np.array([[1.0]])),
        ([1, 2], np.array([1.0, 2.0])),
        ((1.0, [2.0]), [np.float32(1), np.array([2.0])]),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf])),
        (np.ones((3, 1)), np.ones(3)),
        ({"a": 1}, {"a": 1.0}),
        (True, 1),
        (np.array([1e6, 1e-9]), np.array([1e6, 0.0])),
        (1 / 3, np.float32(1 / 3)),
        ("a", "a"),
    ],
)
def test_the_same_up_to_rounding_and_container(one: Any, other: Any) -> None:
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1.0, 1.001),
        (1.0, None),
        (None, 0),
        ("a", "b"),
        (["a", "b"], ["a", "b", "c"]),
        (np.array([1.0, 2.0]), np.array([2.0, 1.0])),
        (np.ones((2, 3)), np.ones((3, 2))),
        (np.array([0.0, 1e-3]), np.array([0.0, 2e-3])),
        ({"a": 1}, {"b": 1}),
        (math.inf, -math.inf),
        (math.nan, 0.0),
        ([[1], [2, 3]], [[1], [2, 4]]),
        (10**400, 10**400 + 1),
        ("1", 1),
    ],
)
def test_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)
    assert not same(other, one)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None"),
        (3, "a number"),
        (np.float32(2), "a number"),
        (np.array(2), "a number"),
        (True, "a number"),
        (np.zeros((3, 4)), "an array of shape (3, 4)"),
        ((1.0, np.zeros(2)), "a tuple of (a number, an array of shape (2,))"),
        ([None], "a list of (None)"),
        (list(range(9)), "a list of 9 items"),
        ({"W": 1, "b": 2}, "a dict of 2 items"),
        ("text", "a str"),
        (Held(1), "an object"),
    ],
)
def test_structures_are_described(value: Any, words: str) -> None:
    assert structure(value) == words


def test_a_mismatch_names_the_call_and_both_structures(
    transcript: Ask, reference: Reference, problem: tuple[Any, ...]
) -> None:
    asked = transcript("def loss(W, X, y, reg):\n    return 1.0", lambda s: s.loss(*problem))
    answers = replay(asked, reference.namespace())
    assert describe_mismatch(asked, answers) == (
        "`loss` returned a number, expected a tuple of (a number, an array of shape (4, 3))"
    )
    right = transcript("", lambda s: s.loss(*problem))
    assert describe_mismatch(right, replay(right, reference.namespace())) is None

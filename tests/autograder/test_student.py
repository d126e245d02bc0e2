"""The proxies that checks are written against, on both of the places where code runs."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from autograder.authoring import Check
from autograder.backends import Code, LocalBackend, SandboxBackend
from autograder.calls import CallProblem, Held
from autograder.student import Handle, Student
from autograder.worker.cells import Cell

SOURCE = """
import time
import numpy as np

class TwoLayerNet:
    def __init__(self, size, rng=None):
        self.params = {"W": np.full(size, 2.0)}
        self.steps = 0
    def loss(self, X, y=None):
        self.steps += 1
        return float(np.sum(X * self.params["W"])), {"W": X}
    def train(self, f):
        return f(self.params["W"])
    def itself(self):
        return self

def identity(*args, **kwargs):
    return args, kwargs
def shape(x):
    return x.shape, str(x.dtype), type(x).__name__
def draw(rng, n):
    return rng.normal(size=n)
def affine_forward(x, w):
    return x @ w, (x, w)
def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout
def square(x):
    return x * x
def apply(f, x):
    return f(x)
def scale(x):
    x *= 3
def nap():
    time.sleep(0.02)
def nothing():
    pass
def divide(x):
    return 1 / x
def empty():
    raise NotImplementedError("divide is not written yet")
"""


@pytest.fixture(params=["here", "in the sandbox"])
def student(request: pytest.FixtureRequest) -> Iterator[Student]:
    if request.param == "here":
        namespace: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(SOURCE, "<reference>", "exec"), namespace)  # noqa: S102
        yield Student(LocalBackend(namespace))
        return
    zygote = request.getfixturevalue("zygote")
    with SandboxBackend(zygote, Code((Cell("source", textwrap.dedent(SOURCE)),))) as backend:
        backend.begin(Check("c", "", "f", 1, 10.0, None, lambda s, r: None))
        yield Student(backend)


def test_plain_values_cross_both_ways(student: Student) -> None:
    sent = (1, -2.5, True, None, "text", 3j, b"raw", [1, (2, "x")], {"a": {"b": [1]}, 3: None})
    args, kwargs = student.identity(*sent, reg=0.1, mode={"train": True})
    assert args == sent
    assert kwargs == {"reg": 0.1, "mode": {"train": True}}
    assert student.shape(np.zeros((2, 0), np.float32)) == ((2, 0), "float32", "ndarray")
    assert student.shape(np.float16(1)) == ((), "float16", "float16")
    assert student.nothing() is None


def test_what_arrives_is_a_copy(student: Student) -> None:
    x = np.arange(4.0)
    assert student.scale(x) is None
    np.testing.assert_array_equal(x, np.arange(4.0))
    (back,), _ = student.identity(x)
    back[0] = 9
    assert x[0] == 0


def test_generators_draw_what_they_would_draw_here(student: Student) -> None:
    rng = np.random.default_rng(5)
    expected = np.random.default_rng(5).normal(size=4)
    np.testing.assert_array_equal(student.draw(rng, 4), expected)
    np.testing.assert_array_equal(rng.normal(size=4), expected)  # ours has not moved


def test_a_held_value_shows_changes_made_to_it(student: Student) -> None:
    held = student.hold(np.arange(3.0))
    assert isinstance(held, Handle)
    student.scale(held)
    np.testing.assert_array_equal(held.value(), [0.0, 3.0, 6.0])


def test_a_cache_may_stay_where_it_is(student: Student, rng: np.random.Generator) -> None:
    x, w, dout = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=(4, 2))
    out, cache = student.affine_forward.holding(1)(x, w)
    np.testing.assert_allclose(out, x @ w)
    assert isinstance(cache, Handle)
    assert "tuple" in repr(cache)
    dx, dw = student.affine_backward(dout, cache)
    np.testing.assert_allclose(dx, dout @ w.T)
    np.testing.assert_allclose(dw, x.T @ dout)
    out, cache = student.affine_forward(x, w)  # or travel
    assert isinstance(cache, tuple)


def test_all_that_a_function_returns_may_stay_where_it_is(
    student: Student, rng: np.random.Generator
) -> None:
    x, w = rng.normal(size=(4, 3)), rng.normal(size=(3, 2))
    squares = student.square.holding()(x)
    assert isinstance(squares, Handle)
    whole = student.affine_forward.holding()(squares, w)
    assert repr(whole) == "<a tuple of the student's>"
    out, _ = whole.value()
    np.testing.assert_allclose(out, x**2 @ w)


def test_objects_are_used_through_their_handle(student: Student) -> None:
    net = student.TwoLayerNet(3, rng=np.random.default_rng(0))
    assert repr(net) == "<a TwoLayerNet of the student's>"
    np.testing.assert_array_equal(net.params["W"], [2.0, 2.0, 2.0])
    loss, grads = net.loss(np.ones(3), y=None)
    assert loss == 6.0
    np.testing.assert_array_equal(grads["W"], np.ones(3))
    net.params = {"W": np.zeros(3)}
    assert net.loss(np.ones(3))[0] == 0.0
    assert net.steps == 2
    assert net.itself().steps == 2
    with pytest.raises(AttributeError):
        net._private  # noqa: B018
    with pytest.raises(AttributeError):
        student._private  # noqa: B018
    assert isinstance(net.value(), Handle)


def test_functions_may_be_arguments(student: Student) -> None:
    np.testing.assert_array_equal(student.apply(student.square, np.arange(3)), [0, 1, 4])
    assert student.apply(lambda x: x + 1, 4) == 5
    net = student.TwoLayerNet(2)
    assert net.train(lambda W: float(W.sum())) == 4.0


def test_time_is_taken_from_outside(student: Student) -> None:
    seconds = student.nap.seconds(repeat=2)
    assert 0.02 <= seconds < 5
    assert [call.name for call in student._transcript] == ["nap", "nap"]


@pytest.mark.parametrize(
    ("name", "args", "kind", "error", "words"),
    [
        ("divide", (0,), "exception", "ZeroDivisionError", "`divide` raised ZeroDivisionError"),
        ("square", (), "exception", "TypeError", "missing 1 required positional argument"),
        ("empty", (), "missing", "", "not written yet"),
    ],
)
def test_an_exception_ends_the_check_in_words(
    student: Student, name: str, args: Any, kind: str, error: str, words: str
) -> None:
    with pytest.raises(CallProblem, match=words) as caught:
        getattr(student, name)(*args)
    assert (caught.value.outcome, caught.value.kind, caught.value.error) == ("failed", kind, error)
    assert student._transcript[-1].problem is caught.value
    assert student.square(3) == 9


def test_the_transcript_keeps_what_was_asked_and_answered(student: Student) -> None:
    rng = np.random.default_rng(1)
    x = student.hold(np.arange(2.0))
    student.apply(student.square, x)
    student.draw(rng, 2)
    rng.normal()
    hold, apply, draw = student._transcript
    assert (hold.operation, apply.operation, apply.name) == ("hold", "call", "apply")
    assert apply.args[1] == hold.result
    assert isinstance(hold.result, Held)
    np.testing.assert_array_equal(apply.result, [0.0, 1.0])
    # The generator as it was when it was passed:
    np.testing.assert_array_equal(draw.args[0].normal(size=2), draw.result)
    assert all(call.seconds > 0 for call in student._transcript)


def test_a_missing_function_is_said_to_be_missing(zygote: Any) -> None:
    code = Code((Cell("c", "def divide(:\n    pass"), Cell("d", "x = 1")))
    with SandboxBackend(zygote, code) as backend:
        backend.begin(Check("c", "", "f", 1, 10.0, None, lambda s, r: None))
        with pytest.raises(CallProblem, match="`square` is not defined in your notebook") as caught:
            Student(backend).square(2)
        assert caught.value.kind == "missing"


def test_a_function_that_could_not_be_defined_says_why(zygote: Any) -> None:
    code = Code((Cell("square", "def square(x):\n  return (x"), Cell("f", "class f(nothing): ...")))
    with SandboxBackend(zygote, code) as backend:
        backend.begin(Check("c", "", "f", 1, 10.0, None, lambda s, r: None))
        with pytest.raises(
            CallProblem, match=r"`square` could not be defined: SyntaxError.*line 2"
        ):
            Student(backend).square(2)
        with pytest.raises(CallProblem, match=r"`f` could not be defined: NameError.*line 1"):
            Student(backend).f(2)


Begin = Callable[..., None]


def test_a_function_that_hangs_gets_less_time_afterwards_and_others_do_not(zygote: Any) -> None:
    source = "import time\ndef slow():\n    time.sleep(60)\ndef pause(s):\n    time.sleep(s)\n"

    def begin(of: str, timeout: float) -> None:
        backend.begin(Check("c", "", of, 1, timeout, None, lambda s, r: None))

    with SandboxBackend(zygote, Code((Cell("c", source),))) as backend:
        student = Student(backend)
        begin("slow", 0.4)
        with pytest.raises(CallProblem, match=r"within 0\.4 s"):
            student.slow()
        begin("slow", 0.4)
        with pytest.raises(CallProblem, match=r"within 0\.1 s"):
            student.slow()
        begin("pause", 2.0)
        assert student.pause(0.6) is None


def test_definitions_that_never_end_are_tried_once(zygote: Any, monkeypatch: Any) -> None:
    import autograder.backends

    monkeypatch.setattr(autograder.backends, "DEFINE_SECONDS", 0.5)
    source = (
        "class Net:\n    while True:\n        try:\n            while True: pass\n"
        "        except BaseException: pass\n"
    )
    with SandboxBackend(zygote, Code((Cell("c", source),))) as backend:
        for _ in range(3):
            backend.begin(Check("c", "", "f", 1, 5.0, None, lambda s, r: None))
            with pytest.raises(CallProblem, match="Defining your functions failed") as caught:
                Student(backend).f()
            assert caught.value.outcome == "timeout"

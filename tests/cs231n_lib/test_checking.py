from __future__ import annotations

import pickle

import numpy as np
import pytest

from cs231n_lib.checking import (
    CheckFailed,
    assert_close,
    assert_finite,
    assert_gradient,
    assert_layer_gradient,
    assert_shape,
    numerical_gradient,
    relative_error,
)


class Opaque:
    """Anything but an array; touching it as one is a mistake."""

    def __array_interface__(self):  # pragma: no cover - must not be called
        raise AssertionError("the interface of an opaque object was used")


class Hostile:
    """Claims to be an array and fails in a way of its own."""

    def __array__(self, *args, **kwargs):
        raise RuntimeError("boom")


WEIRD = [
    None,
    "scores",
    b"scores",
    {"W": 1},
    {1, 2},
    [1, [2, 3]],
    [None, 1.0],
    ["a", "b"],
    ([1.0], [1.0, 2.0]),
    np.array([object(), None]),
    np.array(["x", "y"]),
    np.array(["2020-01-01"], dtype="datetime64[D]"),
    np.zeros(2, dtype=[("a", float)]),
    Opaque(),
    Hostile(),
    Opaque,
    print,
    10**400,
]


def failure(call, *args, **kwargs) -> CheckFailed:
    with pytest.raises(CheckFailed) as caught:
        call(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    assert message.count(". ") <= 1
    return caught.value


class TestWeirdInput:
    @pytest.mark.parametrize("weird", WEIRD, ids=lambda w: type(w).__name__)
    def test_every_check_fails_in_its_own_way(self, weird):
        x = np.ones(2)
        for call in (
            lambda: relative_error(weird, x),
            lambda: relative_error(x, weird),
            lambda: assert_close(weird, x),
            lambda: assert_shape(weird, (2,)),
            lambda: assert_finite(weird),
            lambda: numerical_gradient(lambda v: v.sum(), weird),
            lambda: numerical_gradient(lambda v: weird, x),
            lambda: assert_gradient(lambda v: v.sum(), x, weird),
            lambda: assert_gradient(lambda v: weird, x, x),
            lambda: assert_layer_gradient(lambda v: weird, x, x, x),
            lambda: assert_layer_gradient(lambda v: v, x, weird, x),
        ):
            assert failure(call).kind in ("type", "dtype", "shape")

    def test_none_suggests_the_missing_return(self):
        assert "return" in str(failure(assert_close, None, np.zeros(3), name="dW"))

    def test_function_that_is_none(self):
        assert failure(numerical_gradient, None, np.ones(2)).kind == "type"

    def test_numpy_subclass_with_operators_of_its_own(self):
        class Liar(np.ndarray):
            def __sub__(self, other):
                return np.zeros(self.shape)

            def __eq__(self, other):
                return np.ones(self.shape, bool)

            __hash__ = None

        lie = np.ones(3).view(Liar)
        assert failure(assert_close, lie, np.zeros(3)).kind == "value"
        assert relative_error(lie, np.zeros(3)) == 1.0

    def test_kind_survives_pickling(self):
        error = pickle.loads(pickle.dumps(CheckFailed("dW is None", "missing")))  # noqa: S301
        assert (str(error), error.kind) == ("dW is None", "missing")

    def test_kind_must_be_known(self):
        with pytest.raises(ValueError, match="kind must be one of"):
            CheckFailed("x", "nonsense")


class TestRelativeError:
    def test_against_loops(self, rng):
        x, y = rng.standard_normal((2, 4, 5))
        expected = max(
            abs(a - b) / max(1e-8, abs(a) + abs(b))
            for a, b in zip(x.ravel(), y.ravel(), strict=True)
        )
        assert relative_error(x, y) == pytest.approx(expected, rel=1e-15)

    def test_tiny_values_count_as_equal(self):
        assert relative_error(1e-17, -1e-17) < 1e-8

    def test_shapes_must_agree(self):
        error = failure(relative_error, np.ones((3, 1)), np.ones(3))
        assert error.kind == "shape"
        assert "(3, 1)" in str(error)
        assert "(3,)" in str(error)

    def test_nan_shows(self):
        assert np.isnan(relative_error([1.0, np.nan], [1.0, 2.0]))

    def test_empty_unsigned_and_huge(self):
        assert relative_error(np.zeros(0), np.zeros(0)) == 0.0
        assert relative_error(np.array([1], np.uint8), np.array([2], np.uint8)) == pytest.approx(
            1 / 3
        )
        assert relative_error(1e308, -1e308) == 1.0


class TestAssertClose:
    def test_names_the_worst_place(self):
        expected = np.arange(12.0).reshape(3, 4)
        wrong = expected.copy()
        wrong[1, 2] += 0.1
        wrong[2, 3] += 2.0
        error = failure(assert_close, wrong, expected, name="dists")
        assert error.kind == "value"
        assert str(error) == (
            "dists differs from the expected values at (2, 3): yours 13.0, expected 11.0 "
            "(2 of 12 entries differ)"
        )

    def test_digits_tell_values_apart(self):
        assert "yours 1.00001, expected 1.00000" in str(
            failure(assert_close, np.array([1.00001, 1]), np.ones(2))
        )

    def test_transposed(self):
        error = failure(assert_close, np.ones((4, 3)), np.ones((3, 4)))
        assert error.kind == "shape"
        assert "transposed" in str(error)

    def test_broadcasting_hides_nothing(self):
        assert failure(assert_close, np.ones((1, 3)), np.ones(3)).kind == "shape"
        assert failure(assert_close, 1.0, np.ones(3)).kind == "shape"

    @pytest.mark.parametrize("loss", [2.0, np.float32(2), np.array(2.0), np.array([2.0]), [2.0], 2])
    def test_a_loss_of_one_element_is_a_number(self, loss):
        assert_close(loss, 2.0, name="loss")

    def test_too_many_returned(self):
        error = failure(assert_close, (np.ones(3), np.ones(3)), np.ones(3), name="dists")
        assert "tuple of 2 values" in str(error)

    def test_nan_comes_before_values(self):
        got = np.array([5.0, np.nan, np.inf])
        error = failure(assert_close, got, np.ones(3), name="scores")
        assert error.kind == "finite"
        assert str(error) == "scores is NaN at index 1 (2 of 3 entries are not finite)"

    def test_expected_infinities_must_match(self):
        assert_close([np.inf, np.nan, -np.inf], [np.inf, np.nan, -np.inf])
        assert failure(assert_close, [np.inf], [-np.inf]).kind == "value"
        assert failure(assert_close, [0.0], [np.inf]).kind == "value"

    def test_complex_where_real_is_expected(self):
        assert failure(assert_close, np.ones(2, complex), np.ones(2)).kind == "dtype"

    def test_tolerances(self):
        assert_close(1 + 9e-7, 1.0)
        failure(assert_close, 1 + 2e-6, 1.0)
        assert_close(9e-9, 0.0)
        failure(assert_close, 2e-8, 0.0)
        assert_close(1.05, 1.0, rtol=0.1)

    def test_labels_and_booleans(self):
        assert_close(np.array([1, 2], np.uint8), np.array([1, 2], np.int64))
        assert_close(np.array([True, False]), np.array([1, 0]))
        assert failure(assert_close, [1, 3], [1, 2], name="labels").kind == "value"


class TestShapeAndFinite:
    def test_any_length(self):
        assert_shape(np.zeros((7, 3)), (None, 3))
        error = failure(assert_shape, np.zeros((7, 3)), (None, 4), name="scores")
        assert str(error) == "scores has shape (7, 3), expected (any, 4)"

    def test_int_and_scalar(self):
        assert_shape([1, 2], 2)
        assert "a single number" in str(failure(assert_shape, 3.0, (3,)))
        assert "a single number" in str(failure(assert_shape, np.ones(3), ()))

    def test_finite(self):
        assert_finite(np.array([1, 2]))
        assert_finite(np.zeros(0))
        assert str(failure(assert_finite, np.inf, name="loss")) == (
            "loss is infinite, expected a finite number"
        )


class TestNumericalGradient:
    def test_against_the_closed_form(self, rng):
        A, x = rng.standard_normal((4, 4)), rng.standard_normal((4, 2))
        numeric = numerical_gradient(lambda v: np.trace(v.T @ A @ v), x)
        assert relative_error(numeric, (A + A.T) @ x) < 1e-8

    def test_leaves_x_as_it_was(self, rng):
        x = rng.standard_normal((3, 5))
        before = x.copy()
        numerical_gradient(lambda v: float((v**3).sum()), x)
        np.testing.assert_array_equal(x, before)

    def test_leaves_x_as_it_was_when_f_fails(self):
        x = np.ones(3)
        with pytest.raises(ZeroDivisionError):
            numerical_gradient(lambda v: 1 / 0, x)
        np.testing.assert_array_equal(x, np.ones(3))

    def test_f_may_read_x_through_a_model(self):
        params = {"W": np.array([1.0, 2.0])}
        numeric = numerical_gradient(lambda _: float((params["W"] ** 2).sum()), params["W"])
        np.testing.assert_allclose(numeric, [2, 4], rtol=1e-8)

    def test_views_read_only_and_other_dtypes(self):
        base = np.arange(6.0).reshape(2, 3)
        square = lambda v: float((v**2).sum())  # noqa: E731
        np.testing.assert_allclose(numerical_gradient(square, base.T), 2 * base.T, atol=1e-8)
        locked = np.array([1.0, 2.0])
        locked.flags.writeable = False
        np.testing.assert_allclose(numerical_gradient(square, locked), [2, 4], atol=1e-8)
        for dtype in (np.float32, np.int64):
            x = np.array([1, 2], dtype)
            numeric = numerical_gradient(square, x)
            assert numeric.dtype == np.float64
            np.testing.assert_allclose(numeric, [2, 4], atol=1e-8)

    def test_samples_line_up(self, rng):
        x = rng.standard_normal((30, 40))
        sampled = numerical_gradient(lambda v: float((v**2).sum()), x, samples=17, rng=rng)
        assert sampled.values.shape == (17,)
        assert len(set(zip(*sampled.indices, strict=True))) == 17
        np.testing.assert_allclose(sampled.values, 2 * x[sampled.indices], rtol=1e-5)

    def test_samples_are_reproducible(self):
        x = np.arange(100.0)
        f = lambda v: float((v**2).sum())  # noqa: E731
        one, two = (numerical_gradient(f, x, samples=5) for _ in range(2))
        np.testing.assert_array_equal(one.indices[0], two.indices[0])

    @pytest.mark.parametrize(
        ("f", "kind"),
        [
            (lambda v: (1.0, v), "type"),
            (lambda v: v, "shape"),
            (lambda v: np.nan, "finite"),
        ],
    )
    def test_losses_that_are_none(self, f, kind):
        assert failure(numerical_gradient, f, np.ones(3)).kind == kind


def softmax_loss(W, X, y, reg):
    scores = X @ W
    scores = scores - scores.max(axis=1, keepdims=True)
    p = np.exp(scores)
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean() + reg * (W**2).sum()
    p[np.arange(len(y)), y] -= 1
    return loss, X.T @ p / len(y) + 2 * reg * W


def svm_loss(W, X, y):
    scores = X @ W
    margins = np.maximum(0, scores - scores[np.arange(len(y)), y][:, None] + 1)
    margins[np.arange(len(y)), y] = 0
    active = (margins > 0).astype(float)
    active[np.arange(len(y)), y] = -active.sum(axis=1)
    return margins.sum() / len(y), X.T @ active / len(y)


class TestAssertGradient:
    @pytest.fixture
    def problem(self, rng):
        return rng.standard_normal((13, 40)), rng.integers(0, 5, 13), rng.standard_normal((40, 5))

    def test_right_ones_pass(self, problem):
        X, y, W = problem
        for samples in (20, 50, None):
            assert_gradient(
                lambda W: softmax_loss(W, X, y, 0.1)[0],
                W,
                softmax_loss(W, X, y, 0.1)[1],
                samples=samples,
            )
            assert_gradient(
                lambda W: svm_loss(W, X, y)[0], W, svm_loss(W, X, y)[1], samples=samples
            )

    def test_the_course_s_pixel_values_pass(self, rng):
        X = rng.integers(0, 256, (50, 3073)).astype(float)
        y = rng.integers(0, 10, 50)
        W = rng.standard_normal((3073, 10)) * 1e-4
        assert_gradient(lambda W: softmax_loss(W, X, y, 0)[0], W, softmax_loss(W, X, y, 0)[1])
        assert_gradient(lambda W: svm_loss(W, X, y)[0], W, svm_loss(W, X, y)[1])

    def test_message(self):
        x = np.arange(24.0).reshape(3, 8)
        gradient = 2 * x
        gradient[1, 7] = 10.0
        error = failure(assert_gradient, lambda v: (v**2).sum(), x, gradient, name="dW")
        assert error.kind == "gradient"
        assert str(error) == (
            "dW differs from the numerical gradient: relative error 0.5 at (1, 7): yours 10.0, "
            "numeric 30.0 (1 of 24 entries checked differs)"
        )

    @pytest.mark.parametrize(
        "wrong", [lambda g, W: 13 * g, lambda g, W: g - 0.1 * W, lambda g, W: -g]
    )
    def test_wrong_ones_fail(self, problem, wrong):
        X, y, W = problem
        gradient = wrong(softmax_loss(W, X, y, 0.1)[1], W)
        f = lambda W: softmax_loss(W, X, y, 0.1)[0]  # noqa: E731
        assert failure(assert_gradient, f, W, gradient).kind == "gradient"

    def test_one_wrong_entry_among_many_is_found(self, rng):
        X, y = rng.standard_normal((20, 500)), rng.integers(0, 10, 20)
        W = 0.01 * rng.standard_normal((500, 10))
        gradient = softmax_loss(W, X, y, 0.1)[1]
        gradient[321, 7] += 0.05
        error = failure(assert_gradient, lambda W: softmax_loss(W, X, y, 0.1)[0], W, gradient)
        assert "(321, 7)" in str(error)

    def test_small_error_in_a_small_array(self):
        x = np.array([1.0, 2.0])
        f = lambda v: float((v**3).sum())  # noqa: E731
        assert_gradient(f, x, 3 * x**2)
        failure(assert_gradient, f, x, 3 * x**2 * (1 + 1e-4))

    @pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
    def test_any_subgradient_at_a_kink(self, slope):
        x = np.array([-1.0, 0.0, 2.0])
        assert_gradient(lambda v: np.maximum(v, 0).sum(), x, np.array([0.0, slope, 1.0]))

    @pytest.mark.parametrize("slope", [-0.1, 1.1])
    def test_no_more_than_a_subgradient(self, slope):
        x = np.array([-1.0, 0.0, 2.0])
        f = lambda v: np.maximum(v, 0).sum()  # noqa: E731
        failure(assert_gradient, f, x, np.array([0.0, slope, 1.0]))

    def test_a_kink_within_the_step(self):
        x = np.array([4e-6, -4e-6])
        assert_gradient(lambda v: np.abs(v).sum(), x, np.array([1.0, -1.0]))
        failure(assert_gradient, lambda v: np.abs(v).sum(), np.array([4e-5]), np.array([-1.0]))

    def test_single_precision(self, rng):
        X, y = rng.standard_normal((9, 30)).astype(np.float32), rng.integers(0, 4, 9)
        W = rng.standard_normal((30, 4))
        gradient = softmax_loss(W, X, y, 0.1)[1].astype(np.float32)
        assert_gradient(lambda W: softmax_loss(W, X, y, 0.1)[0], W, gradient)
        narrow = lambda W: softmax_loss(W.astype(np.float32), X, y, 0.1)[0]  # noqa: E731
        assert_gradient(lambda W: np.float32(narrow(W)), W, gradient)
        failure(assert_gradient, lambda W: np.float32(narrow(W)), W, 2 * gradient)

    def test_number_for_a_number(self):
        assert_gradient(lambda b: b**2, np.array(3.0), 6.0)
        error = failure(assert_gradient, lambda b: b**2, np.array(3.0), 5.0, name="db")
        assert " at " not in str(error)

    def test_shape_dtype_and_finiteness(self):
        f = lambda v: (v**2).sum()  # noqa: E731
        x = np.ones((2, 3))
        assert failure(assert_gradient, f, x, np.ones((3, 2))).kind == "shape"
        assert failure(assert_gradient, f, x, np.full((2, 3), np.nan)).kind == "finite"
        assert failure(assert_gradient, f, x, np.ones((2, 3), complex)).kind == "dtype"

    def test_empty(self):
        assert_gradient(lambda v: v.sum(), np.zeros((0, 3)), np.zeros((0, 3)))

    def test_zero_gradient(self):
        assert_gradient(lambda v: 3.0, np.ones(4), np.zeros(4))
        failure(assert_gradient, lambda v: 3.0, np.ones(4), np.array([0, 0, 1e-3, 0]))


class TestAssertLayerGradient:
    def test_affine(self, rng):
        x, w, dout = (
            rng.standard_normal((4, 7)),
            rng.standard_normal((7, 3)),
            rng.standard_normal((4, 3)),
        )
        assert_layer_gradient(lambda x: x @ w, x, dout, dout @ w.T)
        assert_layer_gradient(lambda w: x @ w, w, dout, x.T @ dout, name="dw")
        error = failure(assert_layer_gradient, lambda x: x @ w, x, dout, dout @ w.T * 2)
        assert str(error).startswith("dx differs from the numerical gradient")

    def test_layer_that_returns_a_view_of_its_input(self, rng):
        x, dout = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
        assert_layer_gradient(lambda x: x, x, dout, dout)

    def test_cache_returned_too(self):
        x = np.ones((2, 2))
        error = failure(assert_layer_gradient, lambda x: (x, None), x, x, x)
        assert "alone" in str(error)

    def test_output_of_another_shape_than_dout(self):
        x = np.ones((2, 2))
        error = failure(assert_layer_gradient, lambda x: x.ravel(), x, x, x)
        assert error.kind == "shape"

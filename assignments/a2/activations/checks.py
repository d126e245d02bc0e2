"""Hidden checks of the activations exercise.

Tolerances are those of single precision, so that a solution may compute in float32. Activations of
stacks are functions of ours, so that a mistake in a student's tanh costs nothing there. So many
weights are drawn that a right variance is eight standard errors away from missing its tolerance.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from autograder import assert_close, assert_finite, assert_shape, check, require, require_unchanged

from . import oracle

RTOL, ATOL = 1e-4, 1e-5


# relu ---------------------------------------------------------------------------------------------


@check(points=1, of="relu_forward")
def relu_is_correct(student, rng):
    """ReLU keeps positive inputs and replaces negative ones by 0, for arrays of any shape."""
    for x in (_inputs(rng, (4, 5)), _inputs(rng, (2, 3, 1, 4)), _inputs(rng, (1, 3), np.float32)):
        out, _ = student.relu_forward.holding(1)(x)
        _assert_same(out, oracle.relu(x), "the output of relu_forward")


@check(points=1, of="relu_backward")
def relu_gradient_is_correct(student, rng):
    """The gradient of ReLU is dout where the input was positive, and 0 where it was negative."""
    for x in (_inputs(rng, (5, 4)), _inputs(rng, (2, 3, 1, 4)), _inputs(rng, (1, 6), np.float32)):
        dout = _upstream(rng, x)
        _, cache = student.relu_forward.holding(1)(x)
        dx = student.relu_backward(dout, cache)
        _assert_same(dx, dout * oracle.relu_slope(x), "dx of relu_backward")


# sigmoid ------------------------------------------------------------------------------------------


@check(points=1, of="sigmoid_forward")
def sigmoid_is_correct(student, rng):
    """The sigmoid agrees with its definition, for arrays of any shape."""
    for x in (_inputs(rng, (4, 5)), _inputs(rng, (2, 3, 1, 4))):
        out, _ = student.sigmoid_forward.holding(1)(x)
        _assert_same(out, oracle.sigmoid(x), "the output of sigmoid_forward")


@check(points=2, of="sigmoid_forward")
def sigmoid_survives_large_inputs(student, rng):
    """The sigmoid of plus and minus a thousand, among small numbers, is 1 and 0, and never NaN."""
    for dtype in (np.float64, np.float32):
        x = _large(rng, dtype)
        out, _ = student.sigmoid_forward.holding(1)(x)
        assert_finite(out, name="the output of sigmoid_forward")
        _assert_same(out, oracle.sigmoid(x), "the output of sigmoid_forward for large inputs")


@check(points=1, of="sigmoid_forward")
def sigmoid_leaves_its_input_alone(student, rng):
    """The array that sigmoid_forward is given is the same after the call; one row in float32."""
    x = _inputs(rng, (1, 7), np.float32)
    held = student.hold(x)
    out, _ = student.sigmoid_forward.holding(1)(held)
    _assert_same(out, oracle.sigmoid(x), "the output of sigmoid_forward")
    require_unchanged("sigmoid_forward", x=(held, x))


@check(points=2, of="sigmoid_backward")
def sigmoid_gradient_is_correct(student, rng):
    """The gradient of the sigmoid agrees with the reference, dout included."""
    for x in (_inputs(rng, (5, 4)), _inputs(rng, (2, 3, 1, 4)), _inputs(rng, (1, 3), np.float32)):
        dout = _upstream(rng, x)
        _, cache = student.sigmoid_forward.holding(1)(x)
        dx = student.sigmoid_backward(dout, cache)
        _assert_same(dx, dout * oracle.sigmoid_slope(x), "dx of sigmoid_backward")


@check(points=1, of="sigmoid_backward")
def sigmoid_gradient_survives_large_inputs(student, rng):
    """The gradient of a saturated sigmoid is 0, and never NaN."""
    for dtype in (np.float64, np.float32):
        x = _large(rng, dtype)
        dout = _upstream(rng, x)
        _, cache = student.sigmoid_forward.holding(1)(x)
        dx = student.sigmoid_backward(dout, cache)
        assert_finite(dx, name="dx of sigmoid_backward")
        _assert_same(dx, dout * oracle.sigmoid_slope(x), "dx of sigmoid_backward for large inputs")


# tanh ---------------------------------------------------------------------------------------------


@check(points=1, of="tanh_forward")
def tanh_is_correct(student, rng):
    """Tanh agrees with its definition, for arrays of any shape."""
    for x in (_inputs(rng, (4, 5)), _inputs(rng, (2, 3, 1, 4)), _inputs(rng, (1, 3), np.float32)):
        out, _ = student.tanh_forward.holding(1)(x)
        _assert_same(out, oracle.tanh(x), "the output of tanh_forward")


@check(points=1, of="tanh_forward")
def tanh_survives_large_inputs(student, rng):
    """Tanh of plus and minus a thousand, among small numbers, is 1 and -1, and never NaN."""
    for dtype in (np.float64, np.float32):
        x = _large(rng, dtype)
        out, _ = student.tanh_forward.holding(1)(x)
        assert_finite(out, name="the output of tanh_forward")
        _assert_same(out, oracle.tanh(x), "the output of tanh_forward for large inputs")


@check(points=2, of="tanh_backward")
def tanh_gradient_is_correct(student, rng):
    """The gradient of tanh agrees with the reference, for large inputs as well."""
    shapes = _inputs(rng, (5, 4)), _inputs(rng, (2, 3, 1, 4)), _inputs(rng, (1, 3), np.float32)
    for x in (*shapes, _large(rng, np.float64)):
        dout = _upstream(rng, x)
        _, cache = student.tanh_forward.holding(1)(x)
        dx = student.tanh_backward(dout, cache)
        _assert_same(dx, dout * oracle.tanh_slope(x), "dx of tanh_backward")


# leaky_relu ---------------------------------------------------------------------------------------


@check(points=1, of="leaky_relu_forward")
def leaky_relu_is_correct(student, rng):
    """Leaky ReLU keeps positive inputs and multiplies negative ones by alpha."""
    for shape, alpha in (((4, 5), 0.3), ((2, 3, 1, 4), 0.05), ((3, 2), 0.0)):
        x = _inputs(rng, shape)
        out, _ = student.leaky_relu_forward.holding(1)(x, alpha)
        _assert_same(out, oracle.leaky_relu(x, alpha), "the output of leaky_relu_forward")


@check(points=1, of="leaky_relu_forward")
def leaky_relu_has_a_default(student, rng):
    """Without a second argument the slope is 0.01; one row, in float32."""
    x = -10 * np.abs(_inputs(rng, (1, 5), np.float32))
    out, _ = student.leaky_relu_forward.holding(1)(x)
    _assert_same(out, oracle.leaky_relu(x, 0.01), "the output of leaky_relu_forward without alpha")


@check(points=1, of="leaky_relu_forward")
def leaky_relu_leaves_its_input_alone(student, rng):
    """The array that leaky_relu_forward is given is the same after the call."""
    x = _inputs(rng, (3, 4))
    held = student.hold(x)
    out, _ = student.leaky_relu_forward.holding(1)(held, 0.2)
    assert_shape(out, x.shape, name="the output of leaky_relu_forward")
    require_unchanged("leaky_relu_forward", x=(held, x))


@check(points=2, of="leaky_relu_backward")
def leaky_relu_gradient_is_correct(student, rng):
    """The gradient of leaky ReLU is dout where the input was positive, elsewhere alpha dout."""
    shapes = _inputs(rng, (5, 4)), _inputs(rng, (2, 3, 1, 4)), _inputs(rng, (1, 6), np.float32)
    for x in shapes:
        dout = _upstream(rng, x)
        _, cache = student.leaky_relu_forward.holding(1)(x, 0.3)
        dx = student.leaky_relu_backward(dout, cache)
        _assert_same(dx, dout * oracle.leaky_relu_slope(x, 0.3), "dx of leaky_relu_backward")


@check(points=1, of="leaky_relu_backward")
def leaky_relu_remembers_each_alpha(student, rng):
    """Of two forward calls with different slopes, each has its own gradient, in any order."""
    x = _inputs(rng, (3, 5))
    dout = _upstream(rng, x)
    _, first = student.leaky_relu_forward.holding(1)(x, 0.4)
    _, second = student.leaky_relu_forward.holding(1)(x, 0.15)
    for cache, alpha in ((first, 0.4), (second, 0.15)):
        dx = student.leaky_relu_backward(dout, cache)
        _assert_same(dx, dout * oracle.leaky_relu_slope(x, alpha), f"dx for alpha = {alpha}")


# silu ---------------------------------------------------------------------------------------------


@check(points=1, of="silu_forward")
def silu_is_correct(student, rng):
    """SiLU is the input times its sigmoid, for arrays of any shape."""
    for x in (_inputs(rng, (4, 5)), _inputs(rng, (2, 3, 1, 4)), _inputs(rng, (1, 3), np.float32)):
        out, _ = student.silu_forward.holding(1)(x)
        _assert_same(out, oracle.silu(x), "the output of silu_forward")


@check(points=1, of="silu_forward")
def silu_survives_large_inputs(student, rng):
    """SiLU of a thousand is a thousand, of minus a thousand 0, and never NaN."""
    for dtype in (np.float64, np.float32):
        x = _large(rng, dtype)
        out, _ = student.silu_forward.holding(1)(x)
        assert_finite(out, name="the output of silu_forward")
        _assert_same(out, oracle.silu(x), "the output of silu_forward for large inputs")


@check(points=2, of="silu_backward")
def silu_gradient_is_correct(student, rng):
    """The gradient of SiLU agrees with the reference, for large inputs as well."""
    shapes = _inputs(rng, (5, 4)), _inputs(rng, (2, 3, 1, 4)), _inputs(rng, (1, 3), np.float32)
    for x in (*shapes, _large(rng, np.float64)):
        dout = _upstream(rng, x)
        _, cache = student.silu_forward.holding(1)(x)
        dx = student.silu_backward(dout, cache)
        _assert_same(dx, dout * oracle.silu_slope(x), "dx of silu_backward")


# stack_forward ------------------------------------------------------------------------------------


@check(points=2, of="stack_forward")
def stack_returns_all_activations(student, rng):
    """The activations of four layers of different widths are all returned, in order."""
    x, weights = _stack(rng, examples=2, widths=(6, 4, 7, 3, 5))
    activations, _ = student.stack_forward.holding(1)(x, weights, _bend)
    expected = oracle.stack_forward(x, weights, _bend_number)
    _assert_list(activations, expected, "activations", "the activation of layer")


@check(points=1, of="stack_forward")
def stack_of_one_layer(student, rng):
    """A single layer with a single example, in float32, is a product and an activation."""
    x, weights = _stack(rng, examples=1, widths=(5, 3))
    x, weights = x.astype(np.float32), [W.astype(np.float32) for W in weights]
    activations, _ = student.stack_forward.holding(1)(x, weights, _bend)
    expected = oracle.stack_forward(x, weights, _bend_number)
    _assert_list(activations, expected, "activations", "the activation of layer")


# stack_backward -----------------------------------------------------------------------------------


@check(points=2, of="stack_backward")
def stack_gradient_by_activations(student, rng):
    """The gradients with respect to all activations agree with the reference, in order."""
    x, weights = _stack(rng, examples=2, widths=(6, 4, 7, 3, 5))
    dout = rng.normal(0.5, 1.0, size=(2, 5))
    _, caches = student.stack_forward.holding(1)(x, weights, _bend)
    dactivations, _ = student.stack_backward(dout, caches, _bend_backward)
    expected, _ = oracle.stack_backward(dout, x, weights, _bend_number, _bend_slope)
    _assert_list(dactivations, expected, "dactivations", "the gradient by the activation of layer")


@check(points=2, of="stack_backward")
def stack_gradient_by_weights(student, rng):
    """The gradients with respect to all weights agree with the reference, in order."""
    x, weights = _stack(rng, examples=3, widths=(5, 7, 2, 4))
    dout = rng.normal(-0.5, 1.0, size=(3, 4))
    _, caches = student.stack_forward.holding(1)(x, weights, _bend)
    _, dweights = student.stack_backward(dout, caches, _bend_backward)
    _, expected = oracle.stack_backward(dout, x, weights, _bend_number, _bend_slope)
    _assert_list(dweights, expected, "dweights", "the gradient by the weights of layer")


@check(points=1, of="stack_backward")
def stack_gradient_of_one_layer(student, rng):
    """For a single layer with a single example, in float32, both gradients are right."""
    x, weights = _stack(rng, examples=1, widths=(5, 3))
    x, weights = x.astype(np.float32), [W.astype(np.float32) for W in weights]
    dout = rng.normal(0.7, 1.0, size=(1, 3)).astype(np.float32)
    _, caches = student.stack_forward.holding(1)(x, weights, _bend)
    dactivations, dweights = student.stack_backward(dout, caches, _bend_backward)
    first, second = oracle.stack_backward(dout, x, weights, _bend_number, _bend_slope)
    _assert_list(dactivations, first, "dactivations", "the gradient by the activation of layer")
    _assert_list(dweights, second, "dweights", "the gradient by the weights of layer")


# xavier_init --------------------------------------------------------------------------------------


@check(points=2, of="xavier_init")
def xavier_has_the_right_variance(student, rng):
    """The variance of Xavier weights is 2 / (fan_in + fan_out), whichever of the two is larger."""
    for fan_in, fan_out in ((500, 200), (150, 600)):
        W = student.xavier_init(fan_in, fan_out, rng)
        _assert_variance(W, (fan_in, fan_out), 2 / (fan_in + fan_out))


@check(points=1, of="xavier_init")
def xavier_is_centred(student, rng):
    """Xavier weights have the mean 0, and the shape (fan_in, fan_out)."""
    _assert_centred(student.xavier_init(400, 300, rng), (400, 300))


@check(points=1, of="xavier_init")
def xavier_draws_with_rng(student, rng):
    """Xavier weights come from the generator that is passed, and from nothing else."""
    _assert_drawn(student.xavier_init, rng)


# he_init ------------------------------------------------------------------------------------------


@check(points=2, of="he_init")
def he_has_the_right_variance(student, rng):
    """He weights have mean 0 and the variance that ReLU asks for, by the number of inputs."""
    for fan_in, fan_out in ((500, 200), (150, 600)):
        W = student.he_init(fan_in, fan_out, rng)
        _assert_variance(W, (fan_in, fan_out), 2 / fan_in)
        _assert_centred(W, (fan_in, fan_out))


@check(points=1, of="he_init")
def he_draws_with_rng(student, rng):
    """He weights come from the generator that is passed, and from nothing else."""
    _assert_drawn(student.he_init, rng)


# dead_fraction ------------------------------------------------------------------------------------


@check(points=1, of="dead_fraction")
def dead_units_are_counted(student, rng):
    """The dead fraction is the share of columns of ReLU outputs that are 0 from top to bottom."""
    for examples, units, dead in ((6, 8, 3), (9, 5, 0), (1, 4, 1)):
        outputs = rng.uniform(0.5, 2.0, size=(examples, units))
        outputs[:, units - dead :] = 0.0
        outputs[1::2, 0] = 0.0  # off in every second image: such a unit is not dead
        fraction = student.dead_fraction(outputs)
        assert_close(fraction, oracle.dead_fraction(outputs), name="the dead fraction", rtol=RTOL)


@check(points=1, of="dead_fraction")
def dead_leaky_units_are_counted(student, rng):
    """Units of a leaky ReLU that are negative for all examples count as dead."""
    outputs = -rng.uniform(0.1, 0.5, size=(5, 8)).astype(np.float32)
    outputs[rng.integers(5), :3] = 1.5
    fraction = student.dead_fraction(outputs)
    assert_close(fraction, oracle.dead_fraction(outputs), name="the dead fraction", rtol=RTOL)


# Inputs -------------------------------------------------------------------------------------------


def _inputs(rng, shape, dtype=np.float64):
    """Return numbers of both signs, none of them at a kink."""
    size = math.prod(shape)
    signs = rng.permutation(np.where(np.arange(size) % 2, 1.0, -1.0))
    return (signs * rng.uniform(0.2, 2.5, size=size)).reshape(shape).astype(dtype)


def _upstream(rng, x):
    """Return a gradient of both signs, independent of those of x."""
    return _inputs(rng, x.shape, x.dtype)


def _large(rng, dtype):
    """Return a column of a thousand, minus a thousand and numbers in between, in random order."""
    values = [1000.0, -1000.0, 850.0, -730.0, 95.0, -95.0, 1.25, -0.75]
    return rng.permutation(values).reshape(8, 1).astype(dtype)


def _stack(rng, *, examples, widths):
    x = rng.normal(0.3, 1.0, size=(examples, widths[0]))
    shapes = pairwise(widths)
    return x, [rng.normal(0.1, 0.7, size=shape) for shape in shapes]


def _bend(a):
    """Return a smooth activation of ours, a + sin(a) / 2, and its cache."""
    a = np.asarray(a)
    return a + np.sin(a) / 2, a


def _bend_backward(dout, a):
    return np.asarray(dout) * (1 + np.cos(np.asarray(a)) / 2)


def _bend_number(v):
    return v + math.sin(v) / 2


def _bend_slope(v):
    return 1 + math.cos(v) / 2


# Verdicts -----------------------------------------------------------------------------------------


def _assert_same(array, expected, name):
    assert_close(array, expected, name=name, rtol=RTOL, atol=ATOL)


def _assert_list(arrays, expected, name, each):
    require(
        isinstance(arrays, list | tuple) or np.ndim(arrays) == 3,
        f"{name} is not a list of arrays, one per layer",
        kind="type",
    )
    require(
        len(arrays) == len(expected),
        f"{name} has {len(arrays)} entries for {len(expected)} layers",
        kind="shape",
    )
    for number, (array, right) in enumerate(zip(arrays, expected, strict=True), start=1):
        _assert_same(array, right, f"{each} {number} of {len(expected)}")


def _assert_variance(W, shape, variance):
    assert_shape(W, shape, name="W")
    assert_finite(W, name="W")
    ratio = float(np.mean(np.square(W, dtype=np.float64))) / variance
    # The mean square of n normal weights varies by sqrt(2 / n), half a per cent here.
    require(
        abs(ratio - 1) < 0.04,
        f"the mean square of {shape[0]}×{shape[1]} weights is {ratio:.3g} times what it should be",
    )


def _assert_centred(W, shape):
    assert_shape(W, shape, name="W")
    assert_finite(W, name="W")
    W = np.asarray(W, dtype=np.float64)
    mean, deviation = float(np.mean(W)), float(np.std(W))
    require(deviation > 0, "all weights are the same: draw each by itself")
    require(
        abs(mean) < 8 * deviation / math.sqrt(W.size),
        f"the mean of the weights is {mean:.3g}, at a standard deviation of {deviation:.3g}, "
        "expected 0",
    )


def _assert_drawn(init, rng):
    seed = int(rng.integers(2**32))
    first, again, other = (
        np.asarray(init(6, 5, np.random.default_rng(s))) for s in (seed, seed, seed + 1)
    )
    assert_shape(first, (6, 5), name="W")
    require(np.array_equal(first, again), "the same rng gave other weights: draw with rng alone")
    require(not np.array_equal(first, other), "another rng gave the same weights: draw with rng")
    require(len(np.unique(first)) > 15, "many weights are equal: draw each by itself")

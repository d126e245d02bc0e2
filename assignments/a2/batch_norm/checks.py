"""Hidden checks of the batch normalisation exercise.

Tolerances are those of single precision, so that a solution may compute in float32. What a forward
function keeps for its backward function stays where it is: a cache is the student's own affair.
"""

from __future__ import annotations

import numpy as np

from autograder import assert_close, assert_shape, check, require, require_unchanged

from . import oracle

RTOL, ATOL = 1e-4, 1e-5
# Where values of about a thousand carry deviations of a quarter, float32 keeps three digits.
RTOL_OFFSET, ATOL_OFFSET = 3e-3, 3e-3
# Without a variance, terms of size 1 / sqrt(eps) = 316 cancel: that leaves their rounding.
ATOL_ONE_ROW = 1e-3


# batchnorm_forward: training mode -----------------------------------------------------------------


@check(points=2, of="batchnorm_forward")
def train_output_is_correct(student, rng):
    """In training mode every feature is normalised over the batch, scaled and shifted."""
    x, gamma, beta = _batch(rng, rows=7, features=4)
    out, _ = student.batchnorm_forward.holding(1)(x, gamma, beta, {"mode": "train"})
    expected = oracle.batch_outputs(x, gamma, beta, 1e-5)
    assert_close(out, expected, name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="batchnorm_forward")
def train_uses_eps(student, rng):
    """The eps of bn_param is added to the variance, under the root."""
    x, gamma, beta = _batch(rng, rows=5, features=3)
    out, _ = student.batchnorm_forward.holding(1)(x, gamma, beta, {"mode": "train", "eps": 0.35})
    expected = oracle.batch_outputs(x, gamma, beta, 0.35)
    assert_close(out, expected, name="out with eps = 0.35", rtol=RTOL, atol=ATOL)


@check(points=1, of="batchnorm_forward")
def train_of_one_row_is_beta(student, rng):
    """In training mode a batch of a single row, in float32, gives beta."""
    x, gamma, beta = (a.astype(np.float32) for a in _batch(rng, rows=1, features=5))
    out, _ = student.batchnorm_forward.holding(1)(x, gamma, beta, {"mode": "train"})
    expected = oracle.batch_outputs(x, gamma, beta, 1e-5)
    assert_close(out, expected, name="out of a batch of one row", rtol=RTOL, atol=ATOL)


@check(points=2, of="batchnorm_forward")
def train_is_stable_far_from_zero(student, rng):
    """In float32, features around 1000 with a small spread are normalised as well as others."""
    x, gamma, beta = _far_batch(rng, rows=6, features=4)
    out, _ = student.batchnorm_forward.holding(1)(x, gamma, beta, {"mode": "train"})
    expected = oracle.batch_outputs(x, gamma, beta, 1e-5)
    assert_close(out, expected, name="out", rtol=RTOL_OFFSET, atol=ATOL_OFFSET)


@check(points=1, of="batchnorm_forward")
def train_ignores_running_averages(student, rng):
    """In training mode the output does not depend on the running averages."""
    x, gamma, beta = _batch(rng, rows=6, features=5)
    mean, var = rng.normal(-2.0, 1.0, size=5), rng.uniform(3.0, 5.0, size=5)
    bn_param = {"mode": "train", "running_mean": mean, "running_var": var}
    out, _ = student.batchnorm_forward.holding(1)(x, gamma, beta, bn_param)
    expected = oracle.batch_outputs(x, gamma, beta, 1e-5)
    assert_close(out, expected, name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="batchnorm_forward")
def forward_leaves_arrays_alone(student, rng):
    """The arrays x, gamma and beta are the same after a call of batchnorm_forward."""
    x, gamma, beta = _batch(rng, rows=4, features=3)
    held = [student.hold(array) for array in (x, gamma, beta)]
    out, _ = student.batchnorm_forward.holding(1)(*held, {"mode": "train"})
    assert_shape(out, x.shape, name="out")
    require_unchanged("batchnorm_forward", x=(held[0], x), gamma=(held[1], gamma))
    require_unchanged("batchnorm_forward", beta=(held[2], beta))


# batchnorm_forward: running averages --------------------------------------------------------------


@check(points=1, of="batchnorm_forward")
def first_step_starts_from_zero(student, rng):
    """Without earlier averages, those of a first batch start from zero with momentum 0.9."""
    x, gamma, beta = _batch(rng, rows=6, features=4)
    bn_param = student.hold({"mode": "train"})
    student.batchnorm_forward.holding(1)(x, gamma, beta, bn_param)
    ((mean, var),) = oracle.running_averages([x], 0.9, np.zeros(4), np.zeros(4))
    _assert_averages(bn_param.value(), mean, var)


@check(points=2, of="batchnorm_forward")
def averages_follow_several_batches(student, rng):
    """Over several batches, bn_param keeps momentum times the average plus the rest of the new."""
    mean, var = rng.normal(1.0, 1.0, size=3), rng.uniform(0.5, 2.0, size=3)
    batches = [_batch(rng, rows=rows, features=3) for rows in (5, 8, 4)]
    history = oracle.running_averages([x for x, _, _ in batches], 0.7, mean, var)
    bn_param = student.hold(
        {"mode": "train", "momentum": 0.7, "eps": 0.2, "running_mean": mean, "running_var": var}
    )
    for (x, gamma, beta), (running_mean, running_var) in zip(batches, history, strict=True):
        student.batchnorm_forward.holding(1)(x, gamma, beta, bn_param)
        _assert_averages(bn_param.value(), running_mean, running_var)


# batchnorm_forward: test mode ---------------------------------------------------------------------


@check(points=2, of="batchnorm_forward")
def test_output_uses_running_averages(student, rng):
    """In test mode the running averages normalise, and gamma and beta scale and shift."""
    x, gamma, beta = _batch(rng, rows=6, features=4)
    mean, var = rng.normal(1.0, 1.0, size=4), rng.uniform(0.3, 2.5, size=4)
    bn_param = {"mode": "test", "eps": 0.15, "running_mean": mean, "running_var": var}
    out, _ = student.batchnorm_forward.holding(1)(x, gamma, beta, bn_param)
    expected = oracle.outputs_with(mean, var, x, gamma, beta, 0.15)
    assert_close(out, expected, name="out in test mode", rtol=RTOL, atol=ATOL)


@check(points=1, of="batchnorm_forward")
def test_treats_rows_one_by_one(student, rng):
    """In test mode a single row, in float32, gives what the running averages make of it."""
    x, gamma, beta = (a.astype(np.float32) for a in _batch(rng, rows=1, features=6))
    mean, var = rng.normal(1.0, 1.0, size=6), rng.uniform(0.3, 2.5, size=6)
    mean, var = mean.astype(np.float32), var.astype(np.float32)
    bn_param = {"mode": "test", "running_mean": mean, "running_var": var}
    out, _ = student.batchnorm_forward.holding(1)(x, gamma, beta, bn_param)
    expected = oracle.outputs_with(mean, var, x, gamma, beta, 1e-5)
    assert_close(out, expected, name="out of one row in test mode", rtol=RTOL, atol=ATOL)


@check(points=1, of="batchnorm_forward")
def test_leaves_running_averages_alone(student, rng):
    """In test mode the running averages are the same after the call."""
    x, gamma, beta = _batch(rng, rows=5, features=3)
    mean, var = rng.normal(2.0, 1.0, size=3), rng.uniform(0.5, 2.0, size=3)
    held = student.hold({"mode": "test", "running_mean": mean, "running_var": var})
    out, _ = student.batchnorm_forward.holding(1)(x, gamma, beta, held)
    assert_shape(out, x.shape, name="out")
    _assert_averages(held.value(), mean, var)


@check(points=1, of="batchnorm_forward")
def test_goes_on_from_training(student, rng):
    """After training steps, test mode normalises with the averages that those left in bn_param."""
    batches = [_batch(rng, rows=5, features=4) for _ in range(3)]
    bn_param = student.hold({"mode": "train", "momentum": 0.6})
    for x, gamma, beta in batches:
        student.batchnorm_forward.holding(1)(x, gamma, beta, bn_param)
    left = bn_param.value()
    require(
        isinstance(left, dict) and {"running_mean", "running_var"} <= set(left),
        "bn_param has no running_mean and running_var after training: store them there",
    )
    x, gamma, beta = _batch(rng, rows=3, features=4)
    out, _ = student.batchnorm_forward.holding(1)(x, gamma, beta, left | {"mode": "test"})
    inputs = [batch for batch, _, _ in batches]
    mean, var = oracle.running_averages(inputs, 0.6, np.zeros(4), np.zeros(4))[-1]
    expected = oracle.outputs_with(mean, var, x, gamma, beta, 1e-5)
    assert_close(out, expected, name="out in test mode", rtol=RTOL, atol=ATOL)


# batchnorm_backward -------------------------------------------------------------------------------


@check(points=4, of="batchnorm_backward")
def backward_dx_is_correct(student, rng):
    """The gradient with respect to x goes through the values, their mean and their variance."""
    x, gamma, beta = _batch(rng, rows=5, features=4)
    (dx, _, _), expected = _backward(student, "batchnorm_backward", rng, x, gamma, beta)
    assert_close(dx, expected[0], name="dx", rtol=RTOL, atol=ATOL)


@check(points=1, of="batchnorm_backward")
def backward_dgamma_is_correct(student, rng):
    """The gradient with respect to gamma sums dout times the normalised values over the batch."""
    x, gamma, beta = _batch(rng, rows=6, features=3)
    (_, dgamma, _), expected = _backward(student, "batchnorm_backward", rng, x, gamma, beta)
    assert_close(dgamma, expected[1], name="dgamma", rtol=RTOL, atol=ATOL)


@check(points=1, of="batchnorm_backward")
def backward_dbeta_is_correct(student, rng):
    """The gradient with respect to beta sums dout over the batch."""
    x, gamma, beta = _batch(rng, rows=7, features=3)
    (_, _, dbeta), expected = _backward(student, "batchnorm_backward", rng, x, gamma, beta)
    assert_close(dbeta, expected[2], name="dbeta", rtol=RTOL, atol=ATOL)


@check(points=1, of="batchnorm_backward")
def backward_respects_eps(student, rng):
    """The gradient with respect to x is right where eps is as large as the variance."""
    x, gamma, beta = _batch(rng, rows=6, features=5)
    (dx, _, _), expected = _backward(student, "batchnorm_backward", rng, x, gamma, beta, eps=0.9)
    assert_close(dx, expected[0], name="dx with eps = 0.9", rtol=RTOL, atol=ATOL)


@check(points=1, of="batchnorm_backward")
def backward_of_one_row_is_zero(student, rng):
    """For a batch of a single row, dx and dgamma are zero, and dbeta is dout."""
    x, gamma, beta = _batch(rng, rows=1, features=4)
    gradients, expected = _backward(student, "batchnorm_backward", rng, x, gamma, beta)
    _assert_gradients(gradients, expected, atol=ATOL_ONE_ROW)


@check(points=1, of="batchnorm_backward")
def backward_survives_offsets(student, rng):
    """In float32, the gradients are right for features around 1000 with a small spread."""
    x, gamma, beta = _far_batch(rng, rows=6, features=3)
    gradients, expected = _backward(student, "batchnorm_backward", rng, x, gamma, beta)
    _assert_gradients(gradients, expected, rtol=RTOL_OFFSET, atol=ATOL_OFFSET)


@check(points=1, of="batchnorm_backward")
def backward_leaves_dout_alone(student, rng):
    """The array dout is the same after a call of batchnorm_backward."""
    x, gamma, beta = _batch(rng, rows=5, features=3)
    dout = rng.normal(0.4, 1.0, size=x.shape)
    _, cache = student.batchnorm_forward.holding(1)(x, gamma, beta, {"mode": "train"})
    held = student.hold(dout)
    dx, _, _ = student.batchnorm_backward(held, cache)
    assert_shape(dx, x.shape, name="dx")
    require_unchanged("batchnorm_backward", dout=(held, dout))


# batchnorm_backward_alt ---------------------------------------------------------------------------


@check(points=2, of="batchnorm_backward_alt")
def alt_dx_is_correct(student, rng):
    """The simplified formula gives the gradient with respect to x."""
    x, gamma, beta = _batch(rng, rows=6, features=4)
    (dx, _, _), expected = _backward(student, "batchnorm_backward_alt", rng, x, gamma, beta)
    assert_close(dx, expected[0], name="dx", rtol=RTOL, atol=ATOL)


@check(points=1, of="batchnorm_backward_alt")
def alt_dgamma_and_dbeta_are_correct(student, rng):
    """With the simplified formula, the gradients with respect to gamma and beta stay right."""
    x, gamma, beta = _batch(rng, rows=5, features=3)
    (_, *gradients), expected = _backward(student, "batchnorm_backward_alt", rng, x, gamma, beta)
    assert_close(gradients[0], expected[1], name="dgamma", rtol=RTOL, atol=ATOL)
    assert_close(gradients[1], expected[2], name="dbeta", rtol=RTOL, atol=ATOL)


@check(points=1, of="batchnorm_backward_alt")
def alt_respects_eps(student, rng):
    """The simplified formula is right where eps is as large as the variance."""
    x, gamma, beta = _batch(rng, rows=7, features=5)
    result = _backward(student, "batchnorm_backward_alt", rng, x, gamma, beta, eps=0.8)
    (dx, _, _), expected = result
    assert_close(dx, expected[0], name="dx with eps = 0.8", rtol=RTOL, atol=ATOL)


@check(points=1, of="batchnorm_backward_alt")
def alt_of_one_row_is_zero(student, rng):
    """By the simplified formula, too, a batch of a single row has dx = 0."""
    x, gamma, beta = (a.astype(np.float32) for a in _batch(rng, rows=1, features=3))
    gradients, expected = _backward(student, "batchnorm_backward_alt", rng, x, gamma, beta)
    _assert_gradients(gradients, expected, atol=ATOL_ONE_ROW)


@check(points=1, of="batchnorm_backward_alt")
def alt_survives_offsets(student, rng):
    """In float32, the simplified formula is right for features around 1000 with a small spread."""
    x, gamma, beta = _far_batch(rng, rows=7, features=4)
    gradients, expected = _backward(student, "batchnorm_backward_alt", rng, x, gamma, beta)
    _assert_gradients(gradients, expected, rtol=RTOL_OFFSET, atol=ATOL_OFFSET)


# layernorm_forward --------------------------------------------------------------------------------


@check(points=2, of="layernorm_forward")
def layer_output_is_correct(student, rng):
    """Layer normalisation normalises every row over its features, scales and shifts."""
    x, gamma, beta = _batch(rng, rows=4, features=7)
    out, _ = student.layernorm_forward.holding(1)(x, gamma, beta, {})
    expected = oracle.layer_outputs(x, gamma, beta, 1e-5)
    assert_close(out, expected, name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="layernorm_forward")
def layer_output_uses_eps(student, rng):
    """The eps of ln_param is added to the variance, under the root."""
    x, gamma, beta = _batch(rng, rows=3, features=5)
    out, _ = student.layernorm_forward.holding(1)(x, gamma, beta, {"eps": 0.35})
    expected = oracle.layer_outputs(x, gamma, beta, 0.35)
    assert_close(out, expected, name="out with eps = 0.35", rtol=RTOL, atol=ATOL)


@check(points=1, of="layernorm_forward")
def layer_output_of_one_row(student, rng):
    """A batch of a single row, in float32, is normalised like any other row."""
    x, gamma, beta = (a.astype(np.float32) for a in _batch(rng, rows=1, features=6))
    out, _ = student.layernorm_forward.holding(1)(x, gamma, beta, {})
    expected = oracle.layer_outputs(x, gamma, beta, 1e-5)
    assert_close(out, expected, name="out of one row", rtol=RTOL, atol=ATOL)


@check(points=1, of="layernorm_forward")
def layer_is_stable_far_from_zero(student, rng):
    """In float32, rows around 1000 with a small spread are normalised as well as others."""
    x, gamma, beta = _far_batch(rng, rows=3, features=6)
    out, _ = student.layernorm_forward.holding(1)(x, gamma, beta, {})
    expected = oracle.layer_outputs(x, gamma, beta, 1e-5)
    assert_close(out, expected, name="out", rtol=RTOL_OFFSET, atol=ATOL_OFFSET)


@check(points=1, of="layernorm_forward")
def layer_leaves_arrays_alone(student, rng):
    """The arrays x, gamma and beta are the same after a call of layernorm_forward."""
    x, gamma, beta = _batch(rng, rows=3, features=4)
    held = [student.hold(array) for array in (x, gamma, beta)]
    out, _ = student.layernorm_forward.holding(1)(*held, {})
    assert_shape(out, x.shape, name="out")
    require_unchanged("layernorm_forward", x=(held[0], x), gamma=(held[1], gamma))
    require_unchanged("layernorm_forward", beta=(held[2], beta))


# layernorm_backward -------------------------------------------------------------------------------


@check(points=2, of="layernorm_backward")
def layer_dx_is_correct(student, rng):
    """The gradient with respect to x goes through the statistics of each row."""
    x, gamma, beta = _batch(rng, rows=4, features=6)
    (dx, _, _), expected = _backward(student, "layernorm_backward", rng, x, gamma, beta)
    assert_close(dx, expected[0], name="dx", rtol=RTOL, atol=ATOL)


@check(points=1, of="layernorm_backward")
def layer_dgamma_and_dbeta_are_correct(student, rng):
    """The gradients with respect to gamma and beta are sums over the batch."""
    x, gamma, beta = _batch(rng, rows=5, features=3)
    (_, *gradients), expected = _backward(student, "layernorm_backward", rng, x, gamma, beta)
    assert_close(gradients[0], expected[1], name="dgamma", rtol=RTOL, atol=ATOL)
    assert_close(gradients[1], expected[2], name="dbeta", rtol=RTOL, atol=ATOL)


@check(points=1, of="layernorm_backward")
def layer_backward_of_one_row(student, rng):
    """A batch of a single row, in float32, has the gradients of any other row."""
    x, gamma, beta = (a.astype(np.float32) for a in _batch(rng, rows=1, features=5))
    gradients, expected = _backward(student, "layernorm_backward", rng, x, gamma, beta)
    _assert_gradients(gradients, expected)


@check(points=1, of="layernorm_backward")
def layer_backward_respects_eps(student, rng):
    """The gradient with respect to x is right where eps is as large as the variance."""
    x, gamma, beta = _batch(rng, rows=3, features=7)
    (dx, _, _), expected = _backward(student, "layernorm_backward", rng, x, gamma, beta, eps=0.9)
    assert_close(dx, expected[0], name="dx with eps = 0.9", rtol=RTOL, atol=ATOL)


@check(points=1, of="layernorm_backward")
def layer_backward_survives_offsets(student, rng):
    """In float32, the gradients are right for rows around 1000 with a small spread."""
    x, gamma, beta = _far_batch(rng, rows=4, features=7)
    gradients, expected = _backward(student, "layernorm_backward", rng, x, gamma, beta)
    _assert_gradients(gradients, expected, rtol=RTOL_OFFSET, atol=ATOL_OFFSET)


# Inputs -------------------------------------------------------------------------------------------


def _batch(rng, *, rows, features):
    """Return x, gamma, beta with features of different means and spreads, nothing at 0 or 1."""
    spreads = rng.permutation(np.linspace(0.6, 2.2, features))
    x = rng.normal(rng.normal(0.5, 1.5, size=features), spreads, size=(rows, features))
    gamma = rng.choice([-1.0, 1.0], size=features) * rng.uniform(0.5, 2.0, size=features)
    return x, gamma, rng.uniform(0.2, 1.5, size=features)


def _far_batch(rng, *, rows, features):
    """Return a float32 batch around 1000, whose rows and columns have a spread of about 0.25."""
    x = 1000.0 + rng.integers(-32, 33, size=(rows, features)) / 64
    # However unlucky the draw, rows and columns have a spread: two corners differ from the rest.
    x[0, :] += 0.25
    x[:, 0] += 0.25
    gamma, beta = rng.uniform(0.5, 1.5, size=features), rng.uniform(-1.0, 1.0, size=features)
    return tuple(a.astype(np.float32) for a in (x, gamma, beta))


# Verdicts -----------------------------------------------------------------------------------------


def _backward(student, function, rng, x, gamma, beta, eps=1e-5):
    """Go forward and backward; return the student's three gradients and the expected ones."""
    dout = rng.normal(0.4, 1.0, size=x.shape).astype(x.dtype)
    if function == "layernorm_backward":
        forward, param, gradients = "layernorm_forward", {"eps": eps}, oracle.layer_gradients
    else:
        param = {"mode": "train", "eps": eps}
        forward, gradients = "batchnorm_forward", oracle.batch_gradients
    _, cache = getattr(student, forward).holding(1)(x, gamma, beta, param)
    dx, dgamma, dbeta = getattr(student, function)(dout, cache)
    return (dx, dgamma, dbeta), gradients(dout, x, gamma, eps)


def _assert_gradients(gradients, expected, *, rtol=RTOL, atol=ATOL):
    for name, actual, wanted in zip(("dx", "dgamma", "dbeta"), gradients, expected, strict=True):
        assert_close(actual, wanted, name=name, rtol=rtol, atol=atol)


def _assert_averages(bn_param, mean, var):
    for key, expected in (("running_mean", mean), ("running_var", var)):
        require(
            isinstance(bn_param, dict) and bn_param.get(key) is not None,
            f'bn_param has no "{key}" after the call: store the new average there',
        )
        assert_close(bn_param[key], expected, name=f'bn_param["{key}"]', rtol=RTOL, atol=ATOL)

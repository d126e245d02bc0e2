"""Batch normalisation against its definition in float64 and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest

from cs231n_lib.checking import numerical_gradient
from cs231n_lib.fast_layers import (
    _threads,
    batchnorm_backward_fast,
    batchnorm_forward_fast,
    spatial_batchnorm_backward_fast,
    spatial_batchnorm_forward_fast,
)

FORWARD = {2: batchnorm_forward_fast, 4: spatial_batchnorm_forward_fast}
BACKWARD = {2: batchnorm_backward_fast, 4: spatial_batchnorm_backward_fast}
SHAPES = [(7, 5), (1, 3), (200, 150), (3, 4, 5, 6), (1, 2, 3, 3), (9, 70, 8, 8)]


def batchnorm_loops(x, gamma, beta, mean=None, var=None, eps=1e-5):
    """Normalise channel by channel in float64; return out, means and variances."""
    out, means, variances = np.zeros(x.shape), [], []
    for c in range(x.shape[1]):
        values = x[:, c].astype(np.float64)
        m = values.sum() / values.size if mean is None else mean[c]
        v = ((values - m) ** 2).sum() / values.size if var is None else var[c]
        out[:, c] = gamma[c] * (values - m) / np.sqrt(v + eps) + beta[c]
        means.append(m)
        variances.append(v)
    return out, np.array(means), np.array(variances)


def make(rng, shape, dtype):
    x = 3 * rng.standard_normal(shape) + rng.standard_normal(shape[1:2] + (1,) * (len(shape) - 2))
    gamma, beta = rng.standard_normal((2, shape[1]))
    return x.astype(dtype), gamma.astype(dtype), beta.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_training_agrees_with_loops(shape, dtype, rng):
    x, gamma, beta = make(rng, shape, dtype)
    copy = x.copy()
    old_mean, old_var = rng.standard_normal((2, shape[1])).astype(dtype)
    bn_param = {"mode": "train", "momentum": 0.7, "running_mean": old_mean, "running_var": old_var}
    kept = old_mean.copy()
    out, _ = FORWARD[len(shape)](x, gamma, beta, bn_param)
    expected, mean, var = batchnorm_loops(x, gamma, beta)
    tolerance = 5e-6 if dtype == np.float32 else 1e-12
    assert out.dtype == dtype
    np.testing.assert_allclose(out, expected, rtol=0, atol=tolerance * 10)
    np.testing.assert_allclose(
        bn_param["running_mean"], 0.7 * old_mean + 0.3 * mean, rtol=0, atol=tolerance
    )
    np.testing.assert_allclose(
        bn_param["running_var"], 0.7 * old_var + 0.3 * var, rtol=tolerance, atol=tolerance
    )
    assert bn_param["running_mean"].dtype == dtype
    np.testing.assert_array_equal(x, copy)
    np.testing.assert_array_equal(old_mean, kept)


@pytest.mark.parametrize("shape", [(7, 5), (3, 4, 5, 6)])
@pytest.mark.parametrize("mode", ["train", "test"])
def test_gradients_agree_with_differences(shape, mode, rng):
    x, gamma, beta = make(rng, shape, np.float64)
    running = {"running_mean": rng.standard_normal(shape[1]), "running_var": np.ones(shape[1])}
    dout = rng.standard_normal(shape)

    def loss(x, gamma, beta):
        out, _ = FORWARD[len(shape)](x, gamma, beta, {"mode": mode, **running})
        return float((out * dout).sum())

    _, cache = FORWARD[len(shape)](x, gamma, beta, {"mode": mode, **running})
    gradients = BACKWARD[len(shape)](dout, cache)
    numeric = (
        numerical_gradient(lambda x: loss(x, gamma, beta), x),
        numerical_gradient(lambda gamma: loss(x, gamma, beta), gamma),
        numerical_gradient(lambda beta: loss(x, gamma, beta), beta),
    )
    for actual, expected in zip(gradients, numeric, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("shape", [(200, 150), (9, 70, 8, 8)])
def test_float32_gradients_agree_with_float64(shape, rng):
    x, gamma, beta = make(rng, shape, np.float32)
    dout = rng.standard_normal(shape).astype(np.float32)
    results = []
    for dtype in (np.float32, np.float64):
        arrays = (a.astype(dtype) for a in (x, gamma, beta))
        _, cache = FORWARD[len(shape)](*arrays, {"mode": "train"})
        results.append(BACKWARD[len(shape)](dout.astype(dtype), cache))
    for single, double in zip(*results, strict=True):
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, double, rtol=0, atol=2e-6 * np.abs(double).max())


@pytest.mark.parametrize("shape", [(7, 5), (3, 4, 5, 6)])
def test_testing_uses_running_statistics(shape, rng):
    x, gamma, beta = make(rng, shape, np.float64)
    mean, var = rng.standard_normal(shape[1]), rng.random(shape[1])
    bn_param = {"mode": "test", "running_mean": mean, "running_var": var, "eps": 1e-3}
    out, _ = FORWARD[len(shape)](x, gamma, beta, bn_param)
    expected, _, _ = batchnorm_loops(x, gamma, beta, mean, var, eps=1e-3)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)
    assert bn_param["running_mean"] is mean


def test_large_mean_keeps_its_variance(rng):
    """Sums of squares would cancel here: the mean is 1,000 times the spread."""
    x = (1000 + rng.standard_normal((32, 4, 8, 8))).astype(np.float32)
    out, _ = spatial_batchnorm_forward_fast(
        x, np.ones(4, np.float32), np.zeros(4, np.float32), {"mode": "train"}
    )
    expected, _, _ = batchnorm_loops(x, np.ones(4), np.zeros(4))
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", [(300, 1000), (16, 33, 16, 16)])
def test_same_bits_for_any_number_of_threads(shape, rng, monkeypatch):
    x, gamma, beta = make(rng, shape, np.float32)

    def run():
        out, cache = FORWARD[len(shape)](x, gamma, beta, {"mode": "train"})
        return out, *BACKWARD[len(shape)](out, cache)

    expected = run()
    for threads in (1, 5):
        monkeypatch.setattr(_threads, "available_threads", lambda threads=threads: threads)
        for a, e in zip(run(), expected, strict=True):
            np.testing.assert_array_equal(a, e)


X, ONES = np.zeros((4, 3)), np.ones(3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((X[0], ONES, ONES, {"mode": "train"}), ValueError, r"x must have shape \(N, D\)"),
        ((X, ONES[:2], ONES, {"mode": "train"}), ValueError, r"gamma must have shape \(3,\), one"),
        (
            (X, ONES, [1, 1, 1], {"mode": "train"}),
            TypeError,
            "beta must be a NumPy array, not list",
        ),
        (
            (X, ONES, ONES, {}),
            ValueError,
            r"bn_param\['mode'\] must be 'train' or 'test', not None",
        ),
        ((X, ONES, ONES, "train"), TypeError, "bn_param must be a dictionary, not str"),
        ((X, ONES, ONES, {"mode": "train", "eps": -1}), ValueError, "number of at least 0, not -1"),
        (
            (X, ONES, ONES, {"mode": "train", "eps": "0"}),
            ValueError,
            "number of at least 0, not '0'",
        ),
        ((X, ONES, ONES, {"mode": "train", "momentum": 2}), ValueError, "from 0 to 1, not 2"),
        (
            (X, ONES, ONES, {"mode": "train", "epsilon": 1}),
            ValueError,
            "bn_param knows .*not epsilon",
        ),
        (
            (X, ONES, ONES, {"mode": "test", "running_mean": ONES[:2]}),
            ValueError,
            r"bn_param\['running_mean'\] must have shape \(3,\)",
        ),
        ((X[:0], ONES, ONES, {"mode": "train"}), ValueError, "x must have at least one pixel"),
    ],
)
def test_bad_input_is_one_sentence(arguments, error, message):
    with pytest.raises(error, match=message) as caught:
        batchnorm_forward_fast(*arguments)
    assert str(caught.value).endswith(".")


def test_bad_backward_input():
    out, cache = batchnorm_forward_fast(X, ONES, ONES, {"mode": "train"})
    with pytest.raises(ValueError, match=r"dout must have the shape of the output, \(4, 3\)"):
        batchnorm_backward_fast(out[:2], cache)
    with pytest.raises(TypeError, match="cache must be what batchnorm_forward_fast returned, not"):
        batchnorm_backward_fast(out, None)
    with pytest.raises(
        TypeError, match="cache must be what spatial_batchnorm_forward_fast returned"
    ):
        spatial_batchnorm_backward_fast(out, cache)

"""Activations, a stack of layers and the dead fraction in plain Python: float64, one number a line.

Written from the definitions, not from the solution: derivatives come from hyperbolic cosines, and
sums are correctly rounded ``math.fsum``: nothing is shared with NumPy code that might share its
mistakes.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "dead_fraction",
    "leaky_relu",
    "leaky_relu_slope",
    "relu",
    "relu_slope",
    "sigmoid",
    "sigmoid_slope",
    "silu",
    "silu_slope",
    "stack_backward",
    "stack_forward",
    "tanh",
    "tanh_slope",
]


def relu(x):
    """Return max(0, x)."""
    return _each(lambda v: v if v > 0 else 0.0, x)


def relu_slope(x):
    """Return 1 where x > 0, else 0."""
    return _each(lambda v: 1.0 if v > 0 else 0.0, x)


def leaky_relu(x, alpha):
    """Return x where x > 0, else alpha x."""
    return _each(lambda v: v if v > 0 else alpha * v, x)


def leaky_relu_slope(x, alpha):
    """Return 1 where x > 0, else alpha."""
    return _each(lambda v: 1.0 if v > 0 else alpha, x)


def sigmoid(x):
    """Return 1 / (1 + exp(-x))."""
    return _each(_sigmoid, x)


def sigmoid_slope(x):
    """Return the derivative as 1 / (2 cosh(x / 2))^2."""
    return _each(_sigmoid_slope, x)


def tanh(x):
    """Return tanh(x)."""
    return _each(math.tanh, x)


def tanh_slope(x):
    """Return the derivative as 1 / cosh(x)^2."""
    return _each(lambda v: (1.0 / math.cosh(v)) ** 2 if abs(v) < 700 else 0.0, x)


def silu(x):
    """Return x sigmoid(x)."""
    return _each(lambda v: v * _sigmoid(v), x)


def silu_slope(x):
    """Return sigmoid(x) + x sigmoid'(x)."""
    return _each(lambda v: _sigmoid(v) + v * _sigmoid_slope(v), x)


def stack_forward(x, weights, function):
    """Return all h_l = function(h_(l-1) W_l), with h_0 = x."""
    outputs = []
    for W in weights:
        x = _each(function, _product(x, W))
        outputs.append(x)
    return outputs


def stack_backward(dout, x, weights, function, slope):
    """Return dL/dh_l and dL/dW_l of all layers, by the chain rule written out in indices."""
    inputs = [x, *stack_forward(x, weights, function)[:-1]]
    dactivations, dweights = [], []
    for h, W in zip(reversed(inputs), reversed(weights), strict=True):
        dactivations.insert(0, dout)
        da = np.asarray(dout, dtype=np.float64) * _each(slope, _product(h, W))
        dweights.insert(0, _product(np.transpose(h), da))
        dout = _product(da, np.transpose(W))
    return dactivations, dweights


def dead_fraction(activations):
    """Return the share of columns without a positive entry."""
    columns = np.asarray(activations, dtype=np.float64).T.tolist()
    return sum(1 for column in columns if max(column) <= 0) / len(columns)


def _each(function, x):
    x = np.asarray(x, dtype=np.float64)
    return np.array([function(v) for v in x.ravel().tolist()]).reshape(x.shape)


def _sigmoid(v):
    # Below -700 the exponential would overflow; there 1 + exp(-v) is exp(-v) to all digits.
    return 1.0 / (1.0 + math.exp(-v)) if v > -700 else math.exp(v)


def _sigmoid_slope(v):
    return (0.5 / math.cosh(v / 2)) ** 2 if abs(v) < 1400 else 0.0


def _product(A, B):
    rows = np.asarray(A, dtype=np.float64).tolist()
    columns = np.asarray(B, dtype=np.float64).T.tolist()
    return np.array(
        [
            [math.fsum(a * b for a, b in zip(row, column, strict=True)) for column in columns]
            for row in rows
        ]
    )

"""Fully connected networks forwards, in float64, one line for each layer; no backward pass at all.

Gradients are those of the complex step: for a function that is given by arithmetic and roots,
``f(x + i h) = f(x) + i h f'(x)`` up to terms of order h², so the imaginary part, divided by a tiny
h, is the derivative to the last digit, with nothing subtracted and nothing to derive by hand. ReLU
asks the real part on which side of its kink it is.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "before_norm",
    "block",
    "block_gradients",
    "network_gradients",
    "network_loss",
    "network_scores",
    "running_averages",
    "statistics",
]

EPS = 1e-5
_STEP = 1e-40


def block(x, w, b, gamma=None, beta=None, normalization=None, mask=None, averages=None):
    """Return mask * relu(norm(x w + b)); a mask has the entries 0 and 1 / p.

    With `averages`, a running mean and a running variance, batch normalisation uses these.
    """
    z = before_norm(x, w, b)
    if normalization is not None:
        if normalization == "layernorm":
            mean, var = statistics(z, axis=1)
            mean, var = mean[:, None], var[:, None]
        else:
            mean, var = statistics(z, axis=0) if averages is None else averages
        z = gamma * (z - mean) / np.sqrt(var + EPS) + beta
    out = np.where(np.real(z) > 0, z, 0.0)
    return out if mask is None else out * mask


def before_norm(x, w, b):
    """Return x w + b, every example laid out as a row."""
    return _wide(x).reshape(len(x), -1) @ _wide(w) + _wide(b)


def statistics(z, axis):
    """Return mean and variance along an axis, divided by the number of values."""
    number = z.shape[axis]
    mean = z.sum(axis=axis) / number
    return mean, ((z - np.expand_dims(mean, axis)) ** 2).sum(axis=axis) / number


def block_gradients(dout, inputs, normalization=None, mask=None):
    """Return the gradients of sum(dout * out) with respect to a dict of inputs of `block`."""

    def total(changed):
        return (dout * block(**changed, normalization=normalization, mask=mask)).sum()

    return {name: _derivatives(total, inputs, name) for name in inputs if inputs[name] is not None}


def network_scores(params, X, normalization=None, masks=None, averages=None):
    """Return the scores: blocks, and an affine layer at the end."""
    last = max(int(name[1:]) for name in params if name[0] == "W")
    out = X
    for i in range(1, last):
        out = block(
            out,
            *(params.get(f"{name}{i}") for name in ("W", "b", "gamma", "beta")),
            normalization,
            None if masks is None else masks[i - 1],
            None if averages is None else averages[i - 1],
        )
    return before_norm(out, params[f"W{last}"], params[f"b{last}"])


def network_loss(params, X, y, reg, normalization=None, masks=None):
    """Return mean_i log(sum_j exp(s_ij - s_i,y_i)) + reg / 2 * (squares of all W)."""
    scores = network_scores(params, X, normalization, masks)
    differences = scores - scores[np.arange(len(y)), y][:, None]
    data_loss = np.log(np.exp(differences).sum(axis=1)).sum() / len(y)
    squares = sum((_wide(w) ** 2).sum() for name, w in params.items() if name[0] == "W")
    return data_loss + 0.5 * reg * squares


def network_gradients(params, X, y, reg, normalization=None, masks=None):
    """Return the gradients of the loss with respect to all parameters."""

    def total(changed):
        return network_loss(changed, X, y, reg, normalization, masks)

    return {name: _derivatives(total, params, name) for name in params}


def running_averages(params, batches, momentum=0.9):
    """Return running mean and variance of each hidden layer after some batches, from zero."""
    last = max(int(name[1:]) for name in params if name[0] == "W")
    averages = [(0.0, 0.0)] * (last - 1)
    for out in batches:
        for i in range(1, last):
            seen = statistics(before_norm(out, params[f"W{i}"], params[f"b{i}"]), axis=0)
            averages[i - 1] = tuple(
                momentum * old + (1 - momentum) * new
                for old, new in zip(averages[i - 1], seen, strict=True)
            )
            own = (params[f"{name}{i}"] for name in ("W", "b", "gamma", "beta"))
            out = block(out, *own, "batchnorm")
    return averages


def _derivatives(function, arrays, name):
    """Return the derivative of function(arrays) with respect to each entry of arrays[name]."""
    changed = {key: None if a is None else _wide(a) for key, a in arrays.items()}
    value = changed[name].astype(complex)
    result = np.zeros(value.shape)
    for place in np.ndindex(value.shape):
        moved = value.copy()
        moved[place] += 1j * _STEP
        result[place] = np.imag(function({**changed, name: moved})) / _STEP
    if not math.isfinite(result.sum()):
        raise ArithmeticError(f"the derivative by {name} is not finite")
    return result


def _wide(a):
    """Return an array in double precision, real or complex."""
    a = np.asarray(a)
    return a if np.iscomplexobj(a) else a.astype(np.float64)

"""Everything in float32, whatever comes in; classes as caches; SciPy-free special functions."""

from functools import reduce

import numpy as np

FLOAT = np.float32


class Remembered:
    """A cache with a name for what it holds."""

    def __init__(self, **values):
        self.__dict__.update(values)


def relu_forward(x):
    x = np.array(x, dtype=FLOAT)
    return x.clip(min=0), Remembered(on=x >= 0)


def relu_backward(dout, cache):
    return np.where(cache.on, dout, 0).astype(FLOAT)


def sigmoid_forward(x):
    # log(1 + exp(-x)) without overflow.
    out = np.exp(-np.logaddexp(FLOAT(0), -np.asarray(x, dtype=FLOAT)))
    return out, Remembered(out=out)


def sigmoid_backward(dout, cache):
    return np.asarray(dout, FLOAT) * (FLOAT(0.25) - (cache.out - FLOAT(0.5)) ** 2)


def tanh_forward(x):
    out = np.tanh(np.asarray(x, FLOAT))
    return out, Remembered(out=out)


def tanh_backward(dout, cache):
    return np.asarray(dout, FLOAT) * (1 - cache.out) * (1 + cache.out)


def leaky_relu_forward(x, alpha=0.01):
    x = np.asarray(x, FLOAT)
    return np.maximum(x, FLOAT(alpha) * x), Remembered(x=x, alpha=FLOAT(alpha))


def leaky_relu_backward(dout, cache):
    dx = np.array(dout, dtype=FLOAT)
    dx[cache.x <= 0] *= cache.alpha
    return dx


def silu_forward(x):
    x = np.asarray(x, FLOAT)
    gate, inner = sigmoid_forward(x)
    return x * gate, Remembered(x=x, gate=gate, inner=inner)


def silu_backward(dout, cache):
    dout = np.asarray(dout, FLOAT)
    return dout * cache.gate + sigmoid_backward(dout * cache.x, cache.inner)


def stack_forward(x, weights, activation_forward):
    def one(state, W):
        h, activations, caches = state
        W = np.asarray(W, FLOAT)
        out, inner = activation_forward(np.dot(h, W))
        out = np.asarray(out, FLOAT)
        return out, [*activations, out], [*caches, Remembered(h=h, W=W, inner=inner)]

    _, activations, caches = reduce(one, weights, (np.asarray(x, FLOAT), [], []))
    return activations, caches


def stack_backward(dout, caches, activation_backward):
    if not caches:
        return [], []
    dout = np.asarray(dout, FLOAT)
    *below, top = caches
    da = np.asarray(activation_backward(dout, top.inner), FLOAT)
    dactivations, dweights = stack_backward(da @ top.W.T, below, activation_backward)
    return [*dactivations, dout], [*dweights, top.h.T @ da]


def xavier_init(fan_in, fan_out, rng):
    mean_fan = (fan_in + fan_out) / 2
    return rng.normal(0.0, mean_fan**-0.5, (fan_in, fan_out)).astype(FLOAT)


def he_init(fan_in, fan_out, rng):
    # Normal weights cut off at two deviations, and widened to have the right variance again.
    W = rng.standard_normal((fan_in, fan_out))
    while np.any(np.abs(W) > 2):
        far = np.abs(W) > 2
        W[far] = rng.standard_normal(np.sum(far))
    return (W / 0.8796256610342398 * np.sqrt(2 / fan_in)).astype(FLOAT)


def dead_fraction(activations):
    return FLOAT(np.mean([not np.any(unit > 0) for unit in np.transpose(activations)]))

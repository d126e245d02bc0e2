"""The update rules in plain Python: float64, one weight at a time, from the definitions.

Nothing here steps from one call to the next as a solution does. Every moment is written out as the
weighted sum over all gradients that it stands for, and Nesterov's rule is followed in its original
form, in which the weights and the place where the gradient is taken are two different points. Each
rule takes the first weights and all gradients, and returns what holds after every step: the
weights, and the state by its name in the config.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "adam",
    "adamw",
    "cosine_decay",
    "linear_warmup",
    "nesterov_momentum",
    "rmsprop",
    "sgd",
    "sgd_momentum",
    "step_decay",
]


def sgd(w, gradients, *, learning_rate=1e-2):
    """Return w_n = w_0 - learning_rate * (g_1 + … + g_n)."""
    return _weight_by_weight(w, gradients, {}, lambda w, g: (w - learning_rate * math.fsum(g), {}))


def sgd_momentum(w, gradients, *, learning_rate=1e-2, momentum=0.9, velocity=0.0):
    """Return w_n = w_0 + (v_1 + … + v_n), v_n = mu^n v_0 - learning_rate sum_i mu^(n-i) g_i."""

    def after(w, g, velocity):
        speeds = [
            momentum**n * velocity - learning_rate * _faded(g[:n], momentum)
            for n in range(1, len(g) + 1)
        ]
        return math.fsum([w, *speeds]), {"velocity": speeds[-1]}

    return _weight_by_weight(w, gradients, {"velocity": velocity}, after)


def nesterov_momentum(w, gradients, *, learning_rate=1e-2, momentum=0.9, velocity=0.0):
    """Walk with x, take gradients at w = x + mu v: v' = mu v - learning_rate g(w), x' = x + v'."""

    def after(w, g, velocity):
        x, v = w - momentum * velocity, velocity
        for slope in g:
            v = momentum * v - learning_rate * slope
            x = x + v
        return x + momentum * v, {"velocity": v}

    return _weight_by_weight(w, gradients, {"velocity": velocity}, after)


def rmsprop(w, gradients, *, learning_rate=1e-2, decay_rate=0.99, epsilon=1e-8, cache=0.0):
    """Divide every gradient by the root of the fading mean of squares, as it is at that step."""

    def after(w, g, cache):
        squares = [_fading_mean(cache, [s * s for s in g[:n]], decay_rate) for n in _counts(g)]
        steps = [
            learning_rate * s / (math.sqrt(c) + epsilon) for s, c in zip(g, squares, strict=True)
        ]
        return w - math.fsum(steps), {"cache": squares[-1]}

    return _weight_by_weight(w, gradients, {"cache": cache}, after)


def adam(w, gradients, **config):
    """Return AdamW without decay."""
    return adamw(w, gradients, weight_decay=0.0, **config)


def adamw(
    w,
    gradients,
    *,
    learning_rate=1e-3,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-8,
    weight_decay=1e-2,
    m=0.0,
    v=0.0,
    t=0,
):
    """Divide fading means of gradients and squares by 1 - beta^t, and shrink w beside that."""

    def after(w, g, m, v):
        for n in _counts(g):
            first = _fading_mean(m, g[:n], beta1) / (1 - beta1 ** (t + n))
            second = _fading_mean(v, [s * s for s in g[:n]], beta2) / (1 - beta2 ** (t + n))
            decay = learning_rate * weight_decay * w
            w = w - learning_rate * first / (math.sqrt(second) + epsilon) - decay
        return w, {
            "m": _fading_mean(m, g, beta1),
            "v": _fading_mean(v, [s * s for s in g], beta2),
        }

    states = _weight_by_weight(w, gradients, {"m": m, "v": v}, after)
    return [(w, {**state, "t": t + n}) for n, (w, state) in enumerate(states, start=1)]


def step_decay(iteration, num_iterations, factor=0.1, milestones=(0.5, 0.75)):
    """Return factor to the power of the number of milestones that are reached."""
    reached = [place for place in milestones if iteration >= place * num_iterations]
    return math.prod([factor] * len(reached))


def cosine_decay(iteration, num_iterations, final=0.0):
    """Return 1 at the start, final at the end, and half a cosine between them."""
    return final + (1 - final) * math.cos(math.pi / 2 * iteration / num_iterations) ** 2


def linear_warmup(iteration, num_iterations, num_warmup, then=None):
    """Return 1/num_warmup, 2/num_warmup, …, 1, and after that 1 or what `then` says."""
    if iteration < num_warmup:
        return (iteration + 1) / num_warmup
    return 1.0 if then is None else then(iteration - num_warmup, num_iterations - num_warmup)


def _weight_by_weight(w, gradients, state, after):
    """Return (weights, state) after each step, where `after` knows the history of one weight."""
    shape = np.shape(w)
    weights = _floats(w)
    histories = list(zip(*map(_floats, gradients), strict=True))
    starts = {key: _floats(np.broadcast_to(value, shape)) for key, value in state.items()}
    results = []
    for n in range(1, len(gradients) + 1):
        pairs = [
            after(weight, history[:n], **{key: values[i] for key, values in starts.items()})
            for i, (weight, history) in enumerate(zip(weights, histories, strict=True))
        ]
        states = {key: np.reshape([s[key] for _, s in pairs], shape) for key in state}
        results.append((np.reshape([weight for weight, _ in pairs], shape), states))
    return results


def _floats(array):
    return np.asarray(array, dtype=np.float64).reshape(-1).tolist()


def _counts(values):
    return range(1, len(values) + 1)


def _faded(values, rate):
    """Return sum_i rate^(n-i) values_i: the last counts in full, each earlier one less."""
    return math.fsum(rate ** (len(values) - i) * value for i, value in enumerate(values, start=1))


def _fading_mean(start, values, rate):
    """Return rate^n start + (1 - rate) sum_i rate^(n-i) values_i."""
    return rate ** len(values) * start + (1 - rate) * _faded(values, rate)

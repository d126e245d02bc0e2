"""Everything in float32, whatever comes in; one class behind all rules."""

import numpy as np

FLOAT = np.float32


class Rule:
    """An update rule: defaults, the names of its state, and what it does with them."""

    def __init__(self, state, **defaults):
        self.state, self.defaults = state, defaults

    def read(self, config, w):
        """Return settings and state, in single precision."""
        known = {**self.defaults, **(config or {})}
        arrays = {k: np.asarray(known.get(k, np.zeros(w.shape)), FLOAT) for k in self.state}
        return {**known, **arrays}


SGD = Rule([], learning_rate=1e-2)
MOMENTUM = Rule(["velocity"], learning_rate=1e-2, momentum=0.9)
RMSPROP = Rule(["cache"], learning_rate=1e-2, decay_rate=0.99, epsilon=1e-8)
ADAM = Rule(["m", "v"], learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, t=0)


def sgd(w, dw, config=None):
    c = SGD.read(config, w)
    return w.astype(FLOAT) - FLOAT(c["learning_rate"]) * dw.astype(FLOAT), c


def sgd_momentum(w, dw, config=None):
    c = MOMENTUM.read(config, w)
    push = FLOAT(c["learning_rate"]) * dw.astype(FLOAT)
    velocity = FLOAT(c["momentum"]) * c["velocity"] - push
    return w.astype(FLOAT) + velocity, c | {"velocity": velocity}


def nesterov_momentum(w, dw, config=None):
    c = MOMENTUM.read(config, w)
    mu = FLOAT(c["momentum"])
    velocity = mu * c["velocity"] - FLOAT(c["learning_rate"]) * dw.astype(FLOAT)
    next_w = w.astype(FLOAT) + velocity + mu * (velocity - c["velocity"])
    return next_w, c | {"velocity": velocity}


def rmsprop(w, dw, config=None):
    c, g = RMSPROP.read(config, w), dw.astype(FLOAT)
    rho = FLOAT(c["decay_rate"])
    cache = rho * c["cache"] + (1 - rho) * g**2
    step = FLOAT(c["learning_rate"]) * g / (np.sqrt(cache) + FLOAT(c["epsilon"]))
    return w.astype(FLOAT) - step, c | {"cache": cache}


def adam(w, dw, config=None):
    c, g = ADAM.read(config, w), dw.astype(FLOAT)
    c["t"] += 1
    c["m"] = FLOAT(c["beta1"]) * c["m"] + FLOAT(1 - c["beta1"]) * g
    c["v"] = FLOAT(c["beta2"]) * c["v"] + FLOAT(1 - c["beta2"]) * g * g
    unbiased = [c[k] / FLOAT(1 - c[b] ** c["t"]) for k, b in (("m", "beta1"), ("v", "beta2"))]
    root = np.sqrt(unbiased[1]) + FLOAT(c["epsilon"])
    return w.astype(FLOAT) - FLOAT(c["learning_rate"]) * (unbiased[0] / root), c


def adamw(w, dw, config=None):
    next_w, c = adam(w, dw, config)
    c.setdefault("weight_decay", 0.01)
    return next_w - FLOAT(c["learning_rate"] * c["weight_decay"]) * w.astype(FLOAT), c


def step_decay(iteration, num_iterations, factor=0.1, milestones=(0.5, 0.75)):
    done = iteration / num_iterations
    return FLOAT(factor) ** len([milestone for milestone in milestones if milestone <= done])


def cosine_decay(iteration, num_iterations, final=0.0):
    half = FLOAT(0.5) * (1 + np.cos(FLOAT(np.pi * iteration / num_iterations)))
    return FLOAT(final) * (1 - half) + half


def linear_warmup(iteration, num_iterations, num_warmup, then=None):
    rest = iteration - num_warmup
    if rest < 0:
        return FLOAT(iteration + 1) / FLOAT(num_warmup)
    return FLOAT(1) if then is None else FLOAT(then(rest, num_iterations - num_warmup))

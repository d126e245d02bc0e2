"""State changed in place, formulas rearranged, and results as lists and arrays of no dimension."""

import numpy as np


def prepared(config, w, state, **defaults):
    """Fill in what is missing; the arrays of the state are made here once and then reused."""
    config = dict(config) if config else {}
    for key in state:
        config[key] = np.array(config.get(key, np.zeros(w.shape)), dtype=float)
    return {**defaults, **config}


def sgd(w, dw, config=None):
    config = prepared(config, w, (), learning_rate=0.01)
    return np.add(w, np.einsum(",...->...", -config["learning_rate"], dw)), config


def sgd_momentum(w, dw, config=None):
    config = prepared(config, w, ["velocity"], learning_rate=0.01, momentum=0.9)
    v = config["velocity"]
    v *= config["momentum"]
    v -= config["learning_rate"] * dw
    return w + v, config


def nesterov_momentum(w, dw, config=None):
    config = prepared(config, w, ["velocity"], learning_rate=0.01, momentum=0.9)
    mu, v = config["momentum"], config["velocity"]
    behind = w - mu * v
    v *= mu
    v -= config["learning_rate"] * dw
    behind += v
    return behind + mu * v, config


def rmsprop(w, dw, config=None):
    config = prepared(config, w, ["cache"], learning_rate=0.01, decay_rate=0.99, epsilon=1e-8)
    cache = config["cache"]
    # The same mean, as a step towards the new square.
    cache += (1 - config["decay_rate"]) * (np.square(dw) - cache)
    scale = config["learning_rate"] / (cache**0.5 + config["epsilon"])
    return [w - scale * dw, config]


def adam(w, dw, config=None):
    config = prepared(
        config, w, "mv", learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, t=0
    )
    config["t"] = np.asarray(config["t"]) + 1
    config["m"] += (1 - config["beta1"]) * (dw - config["m"])
    config["v"] += (1 - config["beta2"]) * (dw * dw - config["v"])
    bias1 = 1 - np.power(float(config["beta1"]), config["t"])
    bias2 = 1 - np.power(float(config["beta2"]), config["t"])
    # Multiplied through by the root of the second bias, epsilon included.
    denominator = np.sqrt(config["v"]) + np.sqrt(bias2) * config["epsilon"]
    rate = config["learning_rate"] * np.sqrt(bias2) / bias1
    return w - rate * config["m"] / denominator, config


def adamw(w, dw, config=None):
    config = {"weight_decay": 0.01, "learning_rate": 0.001, **(config or {})}
    shrunk = np.multiply(w, 1 - config["learning_rate"] * config["weight_decay"])
    return adam(shrunk, dw, config)


def step_decay(iteration, num_iterations, factor=0.1, milestones=(0.5, 0.75)):
    return np.power(factor, np.sum(iteration >= np.array(milestones) * num_iterations))


def cosine_decay(iteration, num_iterations, final=0.0):
    return np.array(1 - (1 - final) * np.sin(np.pi / 2 * iteration / num_iterations) ** 2)


def linear_warmup(iteration, num_iterations, num_warmup, then=None):
    follow = then or (lambda i, n: 1.0)
    ramp = np.arange(1, num_warmup + 1) / max(num_warmup, 1)
    if iteration < len(ramp):
        return ramp[iteration]
    return follow(iteration - len(ramp), num_iterations - len(ramp))

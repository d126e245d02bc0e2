"""Nothing but Python loops and floats; a config that is filled in and changed as it is."""

import math

import numpy as np


def sgd(w, dw, config=None):
    if config is None:
        config = {}
    config.setdefault("learning_rate", 1e-2)
    return entrywise(lambda a, g: a - config["learning_rate"] * g, w, dw), config


def entrywise(function, *arrays):
    result = np.empty(arrays[0].shape)
    for index in np.ndindex(*result.shape):
        result[index] = function(*(float(array[index]) for array in arrays))
    return result


def sgd_momentum(w, dw, config=None):
    if config is None:
        config = {}
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("momentum", 0.9)
    v = config.get("velocity", np.zeros(w.shape))
    mu, rate = config["momentum"], config["learning_rate"]
    config["velocity"] = entrywise(lambda old, g: mu * old - rate * g, v, dw)
    return entrywise(lambda a, b: a + b, w, config["velocity"]), config


def nesterov_momentum(w, dw, config=None):
    if config is None:
        config = {}
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("momentum", 0.9)
    config.setdefault("velocity", np.zeros(w.shape))
    mu, rate = config["momentum"], config["learning_rate"]
    # The two old velocities cancel: a step of SGD and another look ahead.
    config["velocity"] = entrywise(lambda old, g: mu * old - rate * g, config["velocity"], dw)
    return entrywise(lambda a, g, v: a - rate * g + mu * v, w, dw, config["velocity"]), config


def rmsprop(w, dw, config=None):
    if config is None:
        config = {}
    for key, value in (("learning_rate", 0.01), ("decay_rate", 0.99), ("epsilon", 1e-8)):
        config.setdefault(key, value)
    config.setdefault("cache", [0.0] * w.size)
    cache = np.reshape(config["cache"], w.shape)
    rho, rate, eps = config["decay_rate"], config["learning_rate"], config["epsilon"]
    config["cache"] = entrywise(lambda c, g: rho * c + (1 - rho) * g * g, cache, dw)
    moved = entrywise(lambda a, g, c: a - rate * g / (math.sqrt(c) + eps), w, dw, config["cache"])
    return moved, config


def adam(w, dw, config=None):
    return adamw(w, dw, {"weight_decay": 0.0, **({} if config is None else config)})


def adamw(w, dw, config=None):
    if config is None:
        config = {}
    config.setdefault("learning_rate", 1e-3)
    config.setdefault("beta1", 0.9)
    config.setdefault("beta2", 0.999)
    config.setdefault("epsilon", 1e-8)
    config.setdefault("weight_decay", 0.01)
    config.setdefault("m", np.zeros(w.shape))
    config.setdefault("v", np.zeros(w.shape))
    t = config.get("t", 0) + 1
    b1, b2, rate = config["beta1"], config["beta2"], config["learning_rate"]
    m, v, moved = np.zeros(w.shape), np.zeros(w.shape), np.zeros(w.shape)
    for i in np.ndindex(*w.shape):
        m[i] = b1 * config["m"][i] + (1 - b1) * dw[i]
        v[i] = b2 * config["v"][i] + (1 - b2) * dw[i] ** 2
        mean, square = m[i] / (1 - b1**t), v[i] / (1 - b2**t)
        moved[i] = (1 - rate * config["weight_decay"]) * w[i]
        moved[i] -= rate * mean / (math.sqrt(square) + config["epsilon"])
    config["m"], config["v"], config["t"] = m, v, t
    return moved, config


def step_decay(iteration, num_iterations, factor=0.1, milestones=(0.5, 0.75)):
    rate = 1
    for milestone in sorted(milestones):
        if iteration < milestone * num_iterations:
            break
        rate *= factor
    return rate


def cosine_decay(iteration, num_iterations, final=0.0):
    progress = iteration / num_iterations
    return (1 + final) / 2 + (1 - final) / 2 * math.cos(math.pi * progress)


def linear_warmup(iteration, num_iterations, num_warmup, then=None):
    if num_warmup > iteration:
        return (1 + iteration) / num_warmup
    elif then:
        return then(iteration - num_warmup, num_iterations - num_warmup)
    else:
        return 1

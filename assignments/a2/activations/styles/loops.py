"""Nothing but Python loops and the math module; lists where lists will do."""

import math

import numpy as np


def each(function, *arrays):
    arrays = [np.asarray(a) for a in arrays]
    values = [function(*vs) for vs in zip(*(a.ravel().tolist() for a in arrays))]
    return np.array(values).reshape(arrays[0].shape)


def sigmoid(v):
    if v >= 0:
        return 1.0 / (1.0 + math.exp(-v))
    return math.exp(v) / (1.0 + math.exp(v))


def relu_forward(x):
    return each(lambda v: max(0.0, v), x), {"x": x}


def relu_backward(dout, cache):
    return each(lambda d, v: d if v >= 0 else 0.0, dout, cache["x"])


def sigmoid_forward(x):
    return each(sigmoid, x), x


def sigmoid_backward(dout, cache):
    return each(lambda d, v: d * sigmoid(v) * sigmoid(-v), dout, cache)


def tanh_forward(x):
    return each(lambda v: 2 * sigmoid(2 * v) - 1, x), x


def tanh_backward(dout, cache):
    return each(lambda d, v: d * (1 - math.tanh(v)) * (1 + math.tanh(v)), dout, cache)


def leaky_relu_forward(x, alpha=0.01):
    return each(lambda v: max(v, alpha * v), x), [alpha, x]


def leaky_relu_backward(dout, cache):
    alpha, x = cache
    return each(lambda d, v: d if v >= 0 else alpha * d, dout, x)


def silu_forward(x):
    return each(lambda v: v * sigmoid(v), x), x


def silu_backward(dout, cache):
    return each(lambda d, v: d * (sigmoid(v) + v * sigmoid(v) * sigmoid(-v)), dout, cache)


def matmul(A, B):
    return np.array(
        [[sum(a * b for a, b in zip(row, col)) for col in np.transpose(B)] for row in A]
    )


def stack_forward(x, weights, activation_forward):
    activations, caches = [], []
    for number in range(len(weights)):
        before = activations[number - 1] if number else x
        out, inner = activation_forward(matmul(before, weights[number]))
        activations += [out]
        caches += [{"before": before, "W": weights[number], "inner": inner}]
    return activations, caches


def stack_backward(dout, caches, activation_backward):
    dactivations, dweights = [dout], []
    for number in range(len(caches) - 1, -1, -1):
        layer = caches[number]
        da = activation_backward(dactivations[0], layer["inner"])
        dweights.insert(0, matmul(np.transpose(layer["before"]), da))
        if number:
            dactivations.insert(0, matmul(da, np.transpose(layer["W"])))
    return dactivations, dweights


def xavier_init(fan_in, fan_out, rng):
    deviation = (2 / (fan_in + fan_out)) ** 0.5
    return [[deviation * rng.standard_normal() for _ in range(fan_out)] for _ in range(fan_in)]


def he_init(fan_in, fan_out, rng):
    limit = math.sqrt(3) * math.sqrt(2 / fan_in)
    return [[rng.uniform(-limit, limit) for _ in range(fan_out)] for _ in range(fan_in)]


def dead_fraction(activations):
    dead = 0
    for column in np.transpose(activations):
        alive = False
        for value in column:
            alive = alive or value > 0
        dead += not alive
    return dead / len(activations[0])

"""Everything in float32, a class as the cache, levels counted from the inputs."""

# ruff: noqa: F821 (Value is given in the notebook)
from dataclasses import dataclass

import numpy as np

FLOAT = np.float32


def f32(x):
    return np.asarray(x, dtype=FLOAT)


@dataclass
class TwoInputs:
    x: np.ndarray
    y: np.ndarray

    def __iter__(self):
        yield self.x
        yield self.y


def add_gate_forward(x, y):
    return f32(x) + f32(y), TwoInputs(f32(x), f32(y))


def add_gate_backward(dout, cache):
    return dout * FLOAT(1), f32(dout).copy()


def multiply_gate_forward(x, y):
    pair = TwoInputs(f32(x), f32(y))
    return pair.x * pair.y, pair


def multiply_gate_backward(dout, cache):
    x, y = cache
    return f32(dout) * y, f32(dout) * x


def max_gate_forward(x, y):
    # Ties go to y.
    pair = TwoInputs(f32(x), f32(y))
    return np.fmax(pair.x, pair.y), pair


def max_gate_backward(dout, cache):
    x, y = cache
    zero = np.zeros_like(f32(dout))
    return np.where(x > y, f32(dout), zero), np.where(x > y, zero, f32(dout))


def branching_circuit(x, y, z):
    total, c1 = add_gate_forward(x, y)
    largest, c2 = max_gate_forward(y, z)
    out, c3 = multiply_gate_forward(total, largest)
    grads = dict.fromkeys("xyz", FLOAT(0))
    dtotal, dlargest = multiply_gate_backward(FLOAT(1), c3)
    for names, values in (
        ("xy", add_gate_backward(dtotal, c1)),
        ("yz", max_gate_backward(dlargest, c2)),
    ):
        for name, value in zip(names, values):
            grads[name] = grads[name] + value
    return (out, *grads.values())


def sigmoid_neuron_forward(w, x):
    w, x = f32(w), f32(x)
    score = w[:-1] @ x + w[-1]
    return FLOAT(1) / (1 + np.exp(-np.clip(score, -80, 80))), (score, w, x)


def sigmoid_neuron_backward(dout, cache):
    score, w, x = cache
    a = np.exp(-abs(score))
    ds = FLOAT(dout) * a / (1 + a) ** 2
    return np.r_[ds * x, ds], ds * w[:-1]


def unbroadcast(gradient, shape):
    g = f32(gradient)
    full = g.shape
    padded = (1,) * (len(full) - len(shape)) + tuple(shape)
    axes = tuple(i for i, (n, m) in enumerate(zip(padded, full)) if n != m)
    return g.sum(axis=axes, dtype=FLOAT).reshape(shape) if axes else g.reshape(shape)


def exp_gate_backward(dout, cache):
    return f32(dout) * f32(cache)


def log_gate_backward(dout, cache):
    return f32(dout) * f32(cache) ** FLOAT(-1)


def power_gate_backward(dout, cache):
    x, n = f32(cache[0]), FLOAT(cache[1])
    return n * f32(dout) * np.power(x, n - 1)


def sum_gate_backward(dout, cache):
    x, axis, keepdims = cache
    d = f32(dout)
    if axis is None:
        return np.full_like(f32(x), d.reshape(-1)[0])
    if not keepdims:
        d = np.expand_dims(d, axis)
    return np.repeat(d, x.shape[axis], axis=axis)


def matmul_gate_backward(dout, cache):
    x, y = f32(cache[0]), f32(cache[1])
    return np.dot(f32(dout), y.T), np.dot(f32(dout).T, x).T


def apply_gate(operation, forward, backward, *inputs, **options):
    parents = []
    for v in inputs:
        parents += [v if type(v) is Value else Value(np.asarray(v))]
    data, memory = forward(*(f32(p.data) for p in parents), **options)
    return Value(data, parents, operation, backward, memory)


def topological_order(output):
    # Level by level from the inputs: a node is ready when all that it was computed from is.
    found, stack = {id(output): output}, [output]
    while stack:
        for parent in stack.pop().parents:
            if id(parent) not in found:
                found[id(parent)] = parent
                stack.append(parent)
    users = {key: [] for key in found}
    waiting = {}
    for key, node in found.items():
        distinct = {id(parent) for parent in node.parents}
        waiting[key] = len(distinct)
        for parent in distinct:
            users[parent].append(key)
    order = [key for key, count in waiting.items() if count == 0]
    for key in order:  # grows while it is walked through
        for user in users[key]:
            waiting[user] -= 1
            if waiting[user] == 0:
                order.append(user)
    return [found[key] for key in order]


def backpropagate(output):
    order = list(topological_order(output))
    for node in order:
        node.grad = np.zeros(node.data.shape, FLOAT)
    output.grad = np.ones(output.data.shape, FLOAT)
    while order:
        node = order.pop()
        for parent, gradient in zip(node.parents, node.parent_gradients()):
            parent.grad = parent.grad + unbroadcast(gradient, parent.data.shape)


def cross_entropy(scores, y):
    shift = Value(scores.data.max(axis=1).reshape(-1, 1))
    one_hot = np.zeros(scores.data.shape)
    one_hot[np.arange(len(y)), y] = 1
    shifted = scores - shift
    normaliser = shifted.exp().sum(axis=1, keepdims=True).log()
    return ((normaliser - shifted) * one_hot).sum() * (1 / len(y))


def two_layer_loss(X, y, W1, b1, W2, b2):
    zero = Value(np.zeros(b1.data.shape))
    return cross_entropy(zero.maximum(f32(X) @ W1 + b1) @ W2 + b2, y)


def two_layer_loss_by_hand(X, y, W1, b1, W2, b2):
    X, W1, b1, W2, b2 = map(f32, (X, W1, b1, W2, b2))
    h = np.maximum(X.dot(W1) + b1, 0)
    s = h.dot(W2) + b2
    s -= s.max(axis=1, keepdims=True)
    p = np.exp(s)
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(np.take_along_axis(p, y[:, None], 1)).mean()
    np.subtract.at(p, (np.arange(len(y)), y), FLOAT(1))
    p /= FLOAT(len(y))
    dh = p.dot(W2.T)
    dh[h <= 0] = 0
    grads = {"W2": h.T.dot(p), "b2": p.sum(0), "W1": X.T.dot(dh), "b1": dh.sum(0)}
    return loss, grads

"""Python loops, the math module, lists for arrays; caches are dictionaries and strings."""

# ruff: noqa: F821 (Value is given in the notebook)
import math

import numpy as np


def entries(function, *arrays):
    """Apply a function of numbers entry by entry, with broadcasting."""
    arrays = np.broadcast_arrays(*arrays)
    flat = [function(*numbers) for numbers in zip(*(a.ravel().tolist() for a in arrays))]
    return np.array(flat, dtype=float).reshape(arrays[0].shape)


def add_gate_forward(x, y):
    return entries(lambda a, b: a + b, x, y), "nothing"


def add_gate_backward(dout, cache):
    return [entries(lambda d: d, dout), entries(lambda d: d, dout)]


def multiply_gate_forward(x, y):
    return entries(lambda a, b: a * b, x, y), {"x": x, "y": y}


def multiply_gate_backward(dout, cache):
    x, y = cache["x"], cache["y"]
    return entries(lambda d, b: d * b, dout, y), entries(lambda d, a: d * a, dout, x)


def max_gate_forward(x, y):
    return entries(max, x, y), {"x": x, "y": y}


def max_gate_backward(dout, cache):
    x, y = cache["x"], cache["y"]

    def share(d, a, b):
        if a == b:
            return d / 2
        return d if a > b else 0.0

    return entries(share, dout, x, y), entries(share, dout, y, x)


def branching_circuit(x, y, z):
    s, cache_s = add_gate_forward(x, y)
    m, cache_m = max_gate_forward(y, z)
    f, cache_f = multiply_gate_forward(s, m)
    ds, dm = multiply_gate_backward(np.ones(np.shape(f)), cache_f)
    dx, dy = add_gate_backward(ds, cache_s)
    dy = np.array(dy)
    dy_again, dz = max_gate_backward(dm, cache_m)
    dy += dy_again
    return f, dx, dy, dz


def sigmoid_neuron_forward(w, x):
    s = float(w[len(x)])
    for i in range(len(x)):
        s += float(w[i]) * float(x[i])
    if s >= 0:
        f = 1 / (1 + math.exp(-s))
    else:
        f = math.exp(s) / (1 + math.exp(s))
    return f, {"f": f, "w": w, "x": x}


def sigmoid_neuron_backward(dout, cache):
    ds = dout * (1 - cache["f"]) * cache["f"]
    dw, dx = [], []
    for xi, wi in zip(cache["x"], cache["w"]):
        dw.append(ds * xi)
        dx.append(ds * wi)
    dw.append(ds)
    return dw, dx


def unbroadcast(gradient, shape):
    total = np.zeros(shape)
    gradient = np.asarray(gradient)
    for place in np.ndindex(gradient.shape):
        own = place[len(place) - len(shape) :]
        own = tuple(0 if length == 1 else i for i, length in zip(own, shape))
        total[own] += gradient[place]
    return total


def exp_gate_backward(dout, cache):
    return entries(lambda d, e: d * e, dout, cache)


def log_gate_backward(dout, cache):
    return entries(lambda d, x: d / x, dout, cache)


def power_gate_backward(dout, cache):
    x, n = cache
    return entries(lambda d, a: d * n * a ** (n - 1), dout, x)


def sum_gate_backward(dout, cache):
    x, axis, keepdims = cache
    dx = np.zeros(np.shape(x))
    dout = np.asarray(dout)
    for place in np.ndindex(dx.shape):
        if axis is None:
            dx[place] = dout.ravel()[0]
        else:
            a = axis if axis >= 0 else axis + dx.ndim
            rest = [0] if keepdims else []
            dx[place] = dout[(*place[:a], *rest, *place[a + 1 :])]
    return dx


def matmul_gate_backward(dout, cache):
    x, y = cache
    dx, dy = np.zeros(x.shape), np.zeros(y.shape)
    for i in range(x.shape[0]):
        for j in range(y.shape[1]):
            for d in range(x.shape[1]):
                dx[i, d] += dout[i, j] * y[d, j]
                dy[d, j] += x[i, d] * dout[i, j]
    return [dx, dy]


def apply_gate(operation, forward, backward, *inputs, **options):
    parents, arrays = [], []
    for v in inputs:
        if not hasattr(v, "parents"):
            v = Value(v)
        parents.append(v)
        arrays.append(v.data)
    result = forward(*arrays, **options)
    node = Value(result[0])
    node.parents = parents
    node.operation = operation
    node.gate_backward, node.cache = backward, result[1]
    return node


def topological_order(output):
    # Count uses; what nobody waits for any more comes next; turn the list round.
    nodes, uses, stack = {}, {}, [output]
    while stack:
        node = stack.pop()
        if id(node) in nodes:
            continue
        nodes[id(node)] = node
        for parent in node.parents:
            uses[id(parent)] = uses.get(id(parent), 0) + 1
            stack.append(parent)
    order, ready = [], [output]
    while ready:
        node = ready.pop()
        order.append(node)
        for parent in node.parents:
            uses[id(parent)] -= 1
            if uses[id(parent)] == 0:
                ready.append(parent)
    order.reverse()
    return order


def backpropagate(output):
    order = topological_order(output)
    received = {id(node): [] for node in order}
    received[id(output)].append(np.ones(output.data.shape))
    for node in order[::-1]:
        node.grad = np.zeros(node.data.shape)
        for gradient in received[id(node)]:
            node.grad = node.grad + gradient
        for parent, gradient in zip(node.parents, node.parent_gradients()):
            received[id(parent)].append(unbroadcast(gradient, parent.data.shape))


def cross_entropy(scores, y):
    # One example after the other, by rows of ones and zeros.
    N, C = scores.data.shape
    loss = Value(0.0)
    for i in range(N):
        row = np.zeros((1, N))
        row[0, i] = 1.0
        column = np.zeros((C, 1))
        column[y[i], 0] = 1.0
        one = row @ scores
        one = one - float(one.data.max())
        loss = loss + one.exp().sum().log() - (one @ column).sum()
    return loss * (1.0 / N)


def two_layer_loss(X, y, W1, b1, W2, b2):
    rows = []
    for i in range(len(X)):
        hidden = (X[i : i + 1] @ W1 + b1).maximum(0)
        scores = hidden @ W2 + b2
        rows.append(cross_entropy(scores, y[i : i + 1]))
    total = rows[0]
    for loss in rows[1:]:
        total = total + loss
    return total / len(rows)


def two_layer_loss_by_hand(X, y, W1, b1, W2, b2):
    loss = 0.0
    grads = {"W1": 0.0 * W1, "b1": 0.0 * b1, "W2": 0.0 * W2, "b2": 0.0 * b2}
    for x, label in zip(X, y):
        h = [max(0.0, float(v)) for v in x @ W1 + b1]
        s = [float(v) for v in np.array(h) @ W2 + b2]
        e = [math.exp(v - max(s)) for v in s]
        loss += (math.log(sum(e)) + max(s) - s[label]) / len(X)
        for k in range(len(s)):
            ds = (e[k] / sum(e) - (k == label)) / len(X)
            grads["b2"][k] += ds
            for j in range(len(h)):
                grads["W2"][j, k] += h[j] * ds
                if h[j] > 0:
                    grads["b1"][j] += ds * W2[j, k]
                    grads["W1"][:, j] += x * ds * W2[j, k]
    return loss, grads

"""Gates, circuits and the two-layer network in plain Python: float64, loops, one formula a line.

Written from the formulas, not from the solution: nothing here is a graph, nothing is traversed.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "branching",
    "cross_entropy",
    "cross_entropy_gradient",
    "matmul_gradients",
    "maximum_gradients",
    "neuron",
    "neuron_gradients",
    "sum_gradient",
    "two_layer",
    "unbroadcast",
]


def maximum_gradients(dout, x, y):
    """Return dout where x > y and 0 elsewhere, and the same for y; no entries may be equal."""
    dx, dy = np.zeros(np.shape(dout)), np.zeros(np.shape(dout))
    for i in np.ndindex(dx.shape):
        if x[i] > y[i]:
            dx[i] = dout[i]
        else:
            dy[i] = dout[i]
    return dx, dy


def branching(x, y, z):
    """Return f = (x + y) max(y, z) and its derivatives: f = (x + y) y or (x + y) z."""
    results = [np.zeros(np.shape(x)) for _ in range(4)]
    for i in np.ndindex(np.shape(x)):
        a, b, c = float(x[i]), float(y[i]), float(z[i])
        if b > c:  # f = a b + b b
            values = (a * b + b * b, b, a + 2 * b, 0.0)
        else:  # f = a c + b c
            values = (a * c + b * c, c, c, a + b)
        for result, value in zip(results, values, strict=True):
            result[i] = value
    return tuple(results)


def neuron(w, x):
    """Return 1 / (1 + exp(-s)) with s = sum_d w_d x_d + w_D."""
    score = _score(w, x)
    return 1.0 / (1.0 + math.exp(-score)) if score > -700.0 else 0.0


def neuron_gradients(dout, w, x):
    """Return dout times the slope 1 / (e^s + 2 + e^-s), times x and 1, and times w."""
    score = _score(w, x)
    slope = 1.0 / (math.exp(score) + 2.0 + math.exp(-score)) if abs(score) < 700.0 else 0.0
    dw = [dout * slope * float(value) for value in x] + [dout * slope]
    dx = [dout * slope * float(value) for value in w[: len(x)]]
    return np.array(dw), np.array(dx)


def unbroadcast(gradient, shape):
    """Add each entry of the gradient to the entry of the input that NumPy copies there."""
    # Where every entry of the output comes from, as broadcasting itself tells.
    origin = np.arange(math.prod(shape)).reshape(shape)
    origin = np.broadcast_to(origin, np.shape(gradient))
    sums = [[] for _ in range(math.prod(shape))]
    for i in np.ndindex(np.shape(gradient)):
        sums[int(origin[i])].append(float(gradient[i]))
    return np.array([math.fsum(terms) for terms in sums]).reshape(shape)


def sum_gradient(dout, shape, axis):
    """Return for each entry of x the gradient of the sum that it went into."""
    dx = np.zeros(shape)
    kept = np.reshape(
        dout, [1 if axis is None or i == axis % len(shape) else n for i, n in enumerate(shape)]
    )
    for i in np.ndindex(*shape):
        place = tuple(0 if axis is None or k == axis % len(shape) else p for k, p in enumerate(i))
        dx[i] = kept[place]
    return dx


def matmul_gradients(dout, x, y):
    """Return dx_id = sum_j dout_ij y_dj and dy_dj = sum_i dout_ij x_id."""
    (N, D), M = np.shape(x), np.shape(y)[1]
    dx = [[math.fsum(dout[i, j] * y[d, j] for j in range(M)) for d in range(D)] for i in range(N)]
    dy = [[math.fsum(dout[i, j] * x[i, d] for i in range(N)) for j in range(M)] for d in range(D)]
    return np.array(dx), np.array(dy)


def cross_entropy(scores, y):
    """Return mean_i log(sum_k exp(s_ik - s_i,y_i))."""
    losses = []
    for row, label in zip(np.asarray(scores, dtype=np.float64).tolist(), y, strict=True):
        differences = [s - row[int(label)] for s in row]
        largest = max(differences)
        total = math.fsum(math.exp(d - largest) for d in differences)
        losses.append(largest + math.log(total))
    return math.fsum(losses) / len(losses)


def cross_entropy_gradient(scores, y):
    """Return (p_ik - [k = y_i]) / N."""
    result = np.zeros(np.shape(scores))
    for i, row in enumerate(np.asarray(scores, dtype=np.float64).tolist()):
        exponentials = [math.exp(s - max(row)) for s in row]
        for k, e in enumerate(exponentials):
            true = 1.0 if k == int(y[i]) else 0.0
            result[i, k] = (e / math.fsum(exponentials) - true) / len(y)
    return result


def two_layer(X, y, W1, b1, W2, b2):
    """Return the loss of the two-layer network and its gradients, entry by entry."""
    (N, D), H, C = np.shape(X), len(b1), len(b2)
    sums = np.array(
        [
            [math.fsum([*(X[i, d] * W1[d, j] for d in range(D)), b1[j]]) for j in range(H)]
            for i in range(N)
        ]
    )
    h = np.array([[max(0.0, float(v)) for v in row] for row in sums])
    scores = np.array(
        [
            [math.fsum([*(h[i, j] * W2[j, k] for j in range(H)), b2[k]]) for k in range(C)]
            for i in range(N)
        ]
    )
    ds = cross_entropy_gradient(scores, y)
    gradients = {
        name: np.zeros(np.shape(a)) for name, a in (("W1", W1), ("b1", b1), ("W2", W2), ("b2", b2))
    }
    for i in range(N):
        for k in range(C):
            gradients["b2"][k] += ds[i, k]
            for j in range(H):
                gradients["W2"][j, k] += h[i, j] * ds[i, k]
                if sums[i, j] > 0:
                    gradients["b1"][j] += W2[j, k] * ds[i, k]
                    for d in range(D):
                        gradients["W1"][d, j] += X[i, d] * W2[j, k] * ds[i, k]
    return cross_entropy(scores, y), gradients


def _score(w, x):
    return math.fsum([*(float(a) * float(b) for a, b in zip(w[:-1], x, strict=True)), float(w[-1])])

"""The two-layer network in plain Python: float64, loops, one formula a line.

Written from the formulas, not from the solution: every sum is a correctly rounded ``math.fsum``
over Python floats. Gradients of the whole network are written out for each weight, not put together
from layers.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "affine",
    "affine_gradients",
    "network_gradients",
    "network_loss",
    "network_scores",
    "relu",
    "relu_gradient",
    "softmax_gradient",
    "softmax_loss",
    "svm_gradient",
    "svm_loss",
]


def affine(x, w, b):
    """Return out_nm = sum_d x_nd w_dm + b_m, with x_n laid out as a row."""
    rows, weights, biases = _rows(x), _list(w), _list(b)
    return np.array(
        [
            [
                math.fsum([*(row[d] * weights[d][m] for d in range(len(row))), biases[m]])
                for m in range(len(biases))
            ]
            for row in rows
        ]
    )


def affine_gradients(dout, x, w):
    """Return dx_nd = sum_m dout_nm w_dm, dw_dm = sum_n x_nd dout_nm and db_m = sum_n dout_nm."""
    rows, weights, upstream = _rows(x), _list(w), _list(dout)
    N, D, M = len(rows), len(weights), len(weights[0])
    dx = [
        [math.fsum(upstream[n][m] * weights[d][m] for m in range(M)) for d in range(D)]
        for n in range(N)
    ]
    dw = [
        [math.fsum(rows[n][d] * upstream[n][m] for n in range(N)) for m in range(M)]
        for d in range(D)
    ]
    db = [math.fsum(upstream[n][m] for n in range(N)) for m in range(M)]
    return np.array(dx).reshape(np.shape(x)), np.array(dw), np.array(db)


def relu(x):
    """Return max(0, x), entry by entry."""
    return np.array([max(0.0, v) for v in _flat(x)]).reshape(np.shape(x))


def relu_gradient(dout, x):
    """Return dout where x is positive, and 0 elsewhere."""
    pairs = zip(_flat(dout), _flat(x), strict=True)
    return np.array([d if v > 0 else 0.0 for d, v in pairs]).reshape(np.shape(x))


def softmax_loss(x, y):
    """Return mean_i log(sum_j exp(x_ij - x_i,y_i))."""
    losses = [
        _log_sum_exp([s - row[label] for s in row])
        for row, label in zip(_list(x), _integers(y), strict=True)
    ]
    return math.fsum(losses) / len(losses)


def softmax_gradient(x, y):
    """Return (p_ik - [k = y_i]) / N."""
    rows, true = _list(x), _integers(y)
    return np.array(
        [
            [
                (_probability(row, k) - (1.0 if k == label else 0.0)) / len(rows)
                for k in range(len(row))
            ]
            for row, label in zip(rows, true, strict=True)
        ]
    )


def svm_loss(x, y):
    """Return mean_i sum_{k != y_i} max(0, x_ik - x_i,y_i + 1)."""
    losses = [
        max(0.0, row[k] - row[label] + 1.0)
        for row, label in zip(_list(x), _integers(y), strict=True)
        for k in range(len(row))
        if k != label
    ]
    return math.fsum(losses) / len(_integers(y))


def svm_gradient(x, y):
    """Return 1/N for each class with a positive margin, and minus their number/N for the true."""
    rows, true = _list(x), _integers(y)
    result = np.zeros(np.shape(x))
    for i, (row, label) in enumerate(zip(rows, true, strict=True)):
        for k in range(len(row)):
            if k != label and row[k] - row[label] + 1.0 > 0.0:
                result[i, k] += 1.0 / len(rows)
                result[i, label] -= 1.0 / len(rows)
    return result


def network_scores(params, X):
    """Return the scores max(0, X W1 + b1) W2 + b2."""
    hidden = relu(affine(X, params["W1"], params["b1"]))
    return affine(hidden, params["W2"], params["b2"])


def network_loss(params, X, y, reg):
    """Return the softmax loss plus ½ reg (sum W1² + sum W2²)."""
    squares = [w * w for name in ("W1", "W2") for w in _flat(params[name])]
    return softmax_loss(network_scores(params, X), y) + 0.5 * reg * math.fsum(squares)


def network_gradients(params, X, y, reg):
    """Return the gradients, each weight's by the paths that lead from it to the loss."""
    rows = _rows(X)
    z = affine(X, params["W1"], params["b1"]).tolist()
    ds = softmax_gradient(network_scores(params, X), y).tolist()
    W1, W2 = _list(params["W1"]), _list(params["W2"])
    N, D, H, C = len(rows), len(W1), len(W2), len(W2[0])
    # What reaches hidden unit h of example n: through all classes, if it is awake.
    dz = [
        [math.fsum(ds[n][c] * W2[h][c] for c in range(C)) if z[n][h] > 0 else 0.0 for h in range(H)]
        for n in range(N)
    ]
    dW1 = [
        [math.fsum(rows[n][d] * dz[n][h] for n in range(N)) + reg * W1[d][h] for h in range(H)]
        for d in range(D)
    ]
    dW2 = [
        [
            math.fsum(max(0.0, z[n][h]) * ds[n][c] for n in range(N)) + reg * W2[h][c]
            for c in range(C)
        ]
        for h in range(H)
    ]
    return {
        "W1": np.array(dW1),
        "b1": np.array([math.fsum(dz[n][h] for n in range(N)) for h in range(H)]),
        "W2": np.array(dW2),
        "b2": np.array([math.fsum(ds[n][c] for n in range(N)) for c in range(C)]),
    }


def _probability(row, k):
    # A difference above 709 makes the sum larger than any float, and the probability 0.
    differences = [s - row[k] for s in row]
    return 0.0 if max(differences) > 709.0 else 1.0 / math.fsum(map(math.exp, differences))


def _log_sum_exp(values):
    largest = max(values)
    return largest + math.log(math.fsum(math.exp(v - largest) for v in values))


def _list(a):
    return np.asarray(a, dtype=np.float64).tolist()


def _rows(x):
    return np.asarray(x, dtype=np.float64).reshape(len(x), -1).tolist()


def _flat(a):
    return np.asarray(a, dtype=np.float64).reshape(-1).tolist()


def _integers(y):
    return [int(label) for label in y]

"""The softmax classifier in plain Python: float64, loops, one formula a line.

Written from the formulas, not from the solution: every sum is a correctly rounded ``math.fsum``
over Python floats, so that nothing is shared with NumPy code that might share its mistakes.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["gradient", "labels", "loss", "probabilities"]


def probabilities(scores):
    """Return softmax of each row: p_k = 1 / sum_j exp(s_j - s_k), which cannot divide by zero."""
    rows = np.asarray(scores, dtype=np.float64).tolist()
    return np.array([[_probability(row, k) for k in range(len(row))] for row in rows])


def loss(W, X, y, reg):
    """Return mean_i log(sum_j exp(s_ij - s_i,y_i)) + reg * sum(W * W)."""
    surprises = [
        _log_sum_exp([s - row[label] for s in row])
        for row, label in zip(_scores(W, X), _integers(y), strict=True)
    ]
    squares = [w * w for row in np.asarray(W, dtype=np.float64).tolist() for w in row]
    return math.fsum(surprises) / len(surprises) + reg * math.fsum(squares)


def gradient(W, X, y, reg):
    """Return dL/dW_dk = mean_i x_id (p_ik - [k = y_i]) + 2 reg W_dk."""
    images, weights = (np.asarray(a, dtype=np.float64).tolist() for a in (X, W))
    p = probabilities(_scores(W, X)).tolist()
    true = _integers(y)
    result = np.zeros(np.shape(W))
    for d in range(result.shape[0]):
        for k in range(result.shape[1]):
            terms = [
                image[d] * (p[i][k] - (1.0 if true[i] == k else 0.0))
                for i, image in enumerate(images)
            ]
            result[d, k] = math.fsum(terms) / len(terms) + 2.0 * reg * weights[d][k]
    return result


def labels(W, X):
    """Return the class with the highest score of each image."""
    return np.array([row.index(max(row)) for row in _scores(W, X)])


def _scores(W, X):
    columns = np.asarray(W, dtype=np.float64).T.tolist()
    rows = np.asarray(X, dtype=np.float64).tolist()
    return [
        [math.fsum(x * w for x, w in zip(row, column, strict=True)) for column in columns]
        for row in rows
    ]


def _probability(row, k):
    # A difference above 709 makes the sum larger than any float, and the probability 0.
    differences = [s - row[k] for s in row]
    return 0.0 if max(differences) > 709.0 else 1.0 / math.fsum(map(math.exp, differences))


def _log_sum_exp(values):
    largest = max(values)
    return largest + math.log(math.fsum(math.exp(v - largest) for v in values))


def _integers(y):
    return [int(label) for label in y]

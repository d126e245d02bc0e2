"""The multiclass SVM in plain Python: float64, loops, one formula a line.

Written from the formulas, not from the solution: every sum is a correctly rounded ``math.fsum``
over Python floats, so that nothing is shared with NumPy code that might share its mistakes.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["gradient", "labels", "loss", "missing"]


def missing(W, X, y):
    """Return what each wrong class lacks, m_ik = s_ik - s_i,y_i + 1, and None for the true one."""
    return [
        [None if k == label else row[k] - row[label] + 1.0 for k in range(len(row))]
        for row, label in zip(_scores(W, X), _integers(y), strict=True)
    ]


def loss(W, X, y, reg):
    """Return mean_i sum_(k != y_i) max(0, m_ik) + reg * sum(W * W)."""
    hinges = [m for row in missing(W, X, y) for m in row if m is not None and m > 0.0]
    squares = [w * w for row in np.asarray(W, dtype=np.float64).tolist() for w in row]
    return math.fsum(hinges) / len(_integers(y)) + reg * math.fsum(squares)


def gradient(W, X, y, reg):
    """Return dL/dW_dk = mean_i x_id g_ik + 2 reg W_dk.

    For a wrong class, g_ik is 1 if m_ik > 0 and else 0; for the true class it is minus the number
    of wrong ones with m_ik > 0.
    """
    images, weights = (np.asarray(a, dtype=np.float64).tolist() for a in (X, W))
    lacking = missing(W, X, y)
    true = _integers(y)
    result = np.zeros(np.shape(W))
    for d in range(result.shape[0]):
        for k in range(result.shape[1]):
            terms = [image[d] * _slope(lacking[i], k, true[i]) for i, image in enumerate(images)]
            result[d, k] = math.fsum(terms) / len(terms) + 2.0 * reg * weights[d][k]
    return result


def labels(W, X):
    """Return the class with the highest score of each image."""
    return np.array([row.index(max(row)) for row in _scores(W, X)])


def _slope(lacking, k, true):
    if k == true:
        return -float(sum(1 for m in lacking if m is not None and m > 0.0))
    return 1.0 if lacking[k] > 0.0 else 0.0


def _scores(W, X):
    columns = np.asarray(W, dtype=np.float64).T.tolist()
    rows = np.asarray(X, dtype=np.float64).tolist()
    return [
        [math.fsum(x * w for x, w in zip(row, column, strict=True)) for column in columns]
        for row in rows
    ]


def _integers(y):
    return [int(label) for label in y]

"""k-nearest neighbours in plain Python: float64, loops, one formula a line.

Written from the definitions, not from the solution: pixels are Python floats, sums are exactly
rounded, votes are counted with a dictionary.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

__all__ = ["accuracies", "euclidean", "manhattan", "vote"]


def euclidean(X_train, X):
    """Return sqrt(sum_p (X_ip - X_train_jp)²) for all i, j."""
    return np.array([[math.dist(a, b) for b in _rows(X_train)] for a in _rows(X)])


def manhattan(X_train, X):
    """Return sum_p |X_ip - X_train_jp| for all i, j."""
    return np.array(
        [
            [math.fsum(abs(p - q) for p, q in zip(a, b, strict=True)) for b in _rows(X_train)]
            for a in _rows(X)
        ]
    )


def vote(dists, y_train, k):
    """Return the most frequent label among the k nearest; of equally frequent ones the smallest."""
    labels = []
    for row in _rows(dists):
        near = sorted(range(len(row)), key=lambda j: row[j])[:k]
        votes = Counter(int(y_train[j]) for j in near)
        labels.append(min(votes, key=lambda label: (-votes[label], label)))
    return np.array(labels)


def accuracies(X, y, k_choices, num_folds):
    """Return for each k the share of right answers on each fold, by a classifier of the others."""
    size, extra = divmod(len(X), num_folds)
    result = {k: [] for k in k_choices}
    start = 0
    for fold in range(num_folds):
        stop = start + size + (1 if fold < extra else 0)
        held_out = range(start, stop)
        others = [i for i in range(len(X)) if i not in held_out]
        dists = euclidean(X[others], X[start:stop])
        for k in k_choices:
            right = vote(dists, [y[i] for i in others], k) == np.asarray(y[start:stop])
            result[k].append(sum(right.tolist()) / (stop - start))
        start = stop
    return result


def _rows(array):
    return np.asarray(array, dtype=np.float64).tolist()

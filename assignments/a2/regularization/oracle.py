"""Regularisation in plain Python: what is right, and, where dice decide, what is possible.

Written from the formulas, not from the solution. Of a random function the oracle does not know the
result, it knows all results that are possible, and says which of them it sees.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "covered",
    "ensemble_labels",
    "mean_product",
    "mirrored",
    "mixture",
    "penalty",
    "penalty_gradient",
    "recognise",
    "window",
]


def penalty(w, l1, l2):
    """Return l1 times the sum of absolute values plus half of l2 times the sum of squares."""
    values = [float(v) for v in np.asarray(w).reshape(-1)]
    return l1 * math.fsum(abs(v) for v in values) + l2 * math.fsum(v * v for v in values) / 2


def penalty_gradient(w, l1, l2):
    """Return the derivative of the penalty by each weight, 0 for the L1 term at 0."""
    out = np.zeros(np.shape(w))
    for place, value in np.ndenumerate(w):
        slope = 1.0 if value > 0 else -1.0 if value < 0 else 0.0
        out[place] = l1 * slope + l2 * float(value)
    return out


def mirrored(image):
    """Return an (H, W, C) image with left and right swapped."""
    H, W, _ = image.shape
    out = np.zeros_like(image)
    for row in range(H):
        for column in range(W):
            out[row, column] = image[row, W - 1 - column]
    return out


def window(image, padding, top, left):
    """Return the window of the image's own size at a place of the image padded with zeros."""
    H, W, _ = image.shape
    out = np.zeros_like(image)
    for row in range(H):
        for column in range(W):
            from_row, from_column = row + top - padding, column + left - padding
            if 0 <= from_row < H and 0 <= from_column < W:
                out[row, column] = image[from_row, from_column]
    return out


def covered(image, size, top, left):
    """Return the image with a square of zeros at a place."""
    out = image.copy()
    for row in range(top, top + size):
        for column in range(left, left + size):
            out[row, column] = 0
    return out


def recognise(out, images, versions):
    """Return for each result which version of its image it is, or -1 if it is none.

    ``versions`` is a list of functions of one image.
    """
    found = []
    for result, image in zip(out, images, strict=True):
        matches = (k for k, make in enumerate(versions) if _alike(result, make(image)))
        found.append(next(matches, -1))
    return np.array(found)


def _alike(one, other):
    return bool(np.max(np.abs(one - other)) < 1e-3)


def mixture(weights, images):
    """Return, for each row of weights, the sum of all images times their weights."""
    out = np.zeros((len(weights), *images.shape[1:]))
    for i, row in enumerate(weights):
        for j, weight in enumerate(row):
            if weight:
                out[i] += float(weight) * images[j]
    return out


def mean_product(alpha):
    """Return the expected value of lam * (1 - lam) for lam from Beta(alpha, alpha)."""
    return alpha / (2 * (2 * alpha + 1))


def ensemble_labels(probabilities):
    """Return the class with the highest mean probability, and by how much it is ahead."""
    M, N, C = probabilities.shape
    labels, leads = [], []
    for n in range(N):
        means = [math.fsum(float(probabilities[m, n, c]) for m in range(M)) / M for c in range(C)]
        ranked = sorted(means, reverse=True)
        labels.append(means.index(ranked[0]))
        leads.append(ranked[0] - ranked[1])
    return np.array(labels), np.array(leads)

"""Loops and lists."""

import math


def add_up(values):
    return math.fsum(values)


def row_means(X):
    return [add_up(row) / len(row) for row in X]


def centre(X):
    out = X.copy()
    for i, m in enumerate(row_means(X)):
        for j in range(X.shape[1]):
            out[i, j] -= m
    return out

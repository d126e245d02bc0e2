"""Python loops, lists and dictionaries, as far as the exercise allows."""

import math
from collections import defaultdict

import numpy as np


def length(v):
    return math.sqrt(sum(x * x for x in v))


def compute_distances_two_loops(X_train, X):
    return [[length(a - b) for b in X_train] for a in X]


def compute_distances_one_loop(X_train, X):
    rows = []
    for x in X:
        rows.append(np.linalg.norm(X_train - x, axis=1))
    return rows


def compute_distances_no_loops(X_train, X):
    a = np.square(X).sum(1, keepdims=True)
    b = np.square(X_train).sum(1, keepdims=True).T
    d = a - 2 * np.dot(X, X_train.T) + b
    d[d < 0] = 0
    return d**0.5


def compute_distances_l1(X_train, X):
    dists = np.empty((len(X), len(X_train)))
    for i, a in enumerate(X):
        for j, b in enumerate(X_train):
            dists[i, j] = np.abs(a - b).sum()
    return dists


def predict_labels(dists, y_train, k=1):
    predictions = []
    for row in dists:
        order = sorted(range(len(row)), key=row.__getitem__)
        counts = defaultdict(int)
        for j in order[:k]:
            counts[int(y_train[j])] += 1
        most = max(counts.values())
        predictions.append(min(label for label, count in counts.items() if count == most))
    return predictions


def cross_validate_k(X, y, k_choices, num_folds=5):
    X_folds, y_folds = np.array_split(X, num_folds), np.array_split(y, num_folds)
    accuracies = {}
    for k in k_choices:
        accuracies[k] = []
        for i in range(num_folds):
            X_tr = np.concatenate(X_folds[:i] + X_folds[i + 1 :])
            y_tr = np.concatenate(y_folds[:i] + y_folds[i + 1 :])
            dists = compute_distances_no_loops(X_tr, X_folds[i])
            correct = 0
            for guess, truth in zip(predict_labels(dists, y_tr, k), y_folds[i]):
                correct += guess == truth
            accuracies[k].append(correct / len(y_folds[i]))
    return accuracies

"""The definitions of transfer learning's functions in float64, with loops over images.

Nothing here is shared with the solution: heads are computed one image at a time, descent one
parameter at a time.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["cheapest", "descend", "fold", "groups", "head", "probe", "rates", "standardizer"]


def head(W, b, F, y, reg):
    """Return loss, dW, db, dF of softmax regression on features."""
    W, b, F = (np.asarray(array, dtype=np.float64) for array in (W, b, F))
    loss, dW, db, dF = 0.0, np.zeros(W.shape), np.zeros(b.shape), np.zeros(F.shape)
    for i in range(len(y)):
        scores = [float(F[i] @ W[:, k] + b[k]) for k in range(len(b))]
        highest = max(scores)
        exponentials = [math.exp(s - highest) for s in scores]
        total = sum(exponentials)
        loss += (math.log(total) + highest - scores[y[i]]) / len(y)
        for k in range(len(b)):
            d = (exponentials[k] / total - (1.0 if k == y[i] else 0.0)) / len(y)
            dW[:, k] += d * F[i]
            db[k] += d
            dF[i] += d * W[:, k]
    loss += sum(0.5 * reg * w * w for w in W.ravel())
    return loss, dW + reg * W, db, dF


def standardizer(F, eps):
    """Return mean and scale, one feature at a time."""
    F = np.asarray(F, dtype=np.float64)
    mean, scale = [], []
    for feature in F.T:
        m = sum(feature) / len(feature)
        mean.append(m)
        scale.append(math.sqrt(sum((v - m) ** 2 for v in feature) / len(feature)) + eps)
    return np.array(mean), np.array(scale)


def fold(W, b, mean, scale):
    """Return the head of raw features: what (f - mean) / scale contributes, put in order."""
    W = np.asarray(W, dtype=np.float64)
    new_W, new_b = np.zeros(W.shape), np.array(b, dtype=np.float64)
    for d in range(W.shape[0]):
        for k in range(W.shape[1]):
            new_W[d, k] = W[d, k] / scale[d]
            new_b[k] -= W[d, k] * mean[d] / scale[d]
    return new_W, new_b


def probe(F, y, num_classes, reg, learning_rate, num_steps, momentum):
    """Return the head that gradient descent with momentum reaches from zeros."""
    mean, scale = standardizer(F, 1e-5)
    Z = np.array([(row - mean) / scale for row in np.asarray(F, dtype=np.float64)])
    W, b = np.zeros((Z.shape[1], num_classes)), np.zeros(num_classes)
    vW, vb = np.zeros(W.shape), np.zeros(b.shape)
    for _ in range(num_steps):
        _, dW, db, _ = head(W, b, Z, y, reg)
        vW, vb = momentum * vW - learning_rate * dW, momentum * vb - learning_rate * db
        W, b = W + vW, b + vb
    return fold(W, b, mean, scale)


def groups(names, stages):
    """Return for each stage the set of its parameters."""
    result = [set() for _ in stages]
    for name in names:
        layer = name[: len(name) - name[::-1].index(".") - 1]
        for group, stage in zip(result, stages, strict=True):
            if any(layer == other for other in stage):
                group.add(name)
    return result


def rates(groups_of_names, base_rate, decay, num_frozen):
    """Return every parameter's rate, going down from the head."""
    result, rate = {}, base_rate
    for depth, group in enumerate(reversed(groups_of_names)):
        frozen = len(groups_of_names) - 1 - depth < num_frozen
        for name in group:
            result[name] = 0.0 if frozen else rate
        rate *= decay
    return result


def descend(start, target, rate, momentum, num_steps):
    """Return where descent with momentum on half the squared distance to the target ends."""
    value, velocity = np.array(start, dtype=np.float64), np.zeros(np.shape(start))
    for _ in range(num_steps):
        velocity = momentum * velocity - rate * (value - target)
        value = value + velocity
    return value


def cheapest(accuracies):
    """Return the first recipe within a standard error of the best."""
    means = {name: sum(runs) / len(runs) for name, runs in accuracies.items()}
    best = None
    for name in accuracies:
        if best is None or means[name] > means[best]:
            best = name
    runs, n = accuracies[best], len(accuracies[best])
    error = 0.0
    if n > 1:
        error = math.sqrt(sum((r - means[best]) ** 2 for r in runs) / (n - 1)) / math.sqrt(n)
    for name in accuracies:
        if means[name] >= means[best] - error:
            return name
    return None

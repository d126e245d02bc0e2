"""Images and maps by the definitions: float64, loops, one formula a line.

Written from the formulas, not from the solution. Sums are ``math.fsum`` over Python floats where
they are part of what is checked. Models are asked as the notebook says.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "blur",
    "class_step",
    "conditional",
    "distances",
    "divergence",
    "divergence_gradient",
    "dream",
    "dream_step",
    "fooling",
    "jitter",
    "joint",
    "occlusion",
    "octaves",
    "resize",
    "saliency",
    "student_t",
    "tsne",
]


def saliency(X, y, model):
    """Return max_c |ds_y / dX_chw|, one image after the other."""
    result = np.zeros((X.shape[0], *X.shape[2:]))
    for i, label in enumerate(y):
        slopes = _score_gradient(np.asarray(X[i : i + 1], dtype=np.float64), int(label), model)
        for h, w in np.ndindex(result.shape[1:]):
            result[i, h, w] = max(abs(float(slopes[0, c, h, w])) for c in range(X.shape[1]))
    return result


def occlusion(X, y, model, size, stride):
    """Return s_y(X) - s_y(X with the square at (i stride, j stride) set to 0)."""
    rows = (X.shape[2] - size) // stride + 1
    columns = (X.shape[3] - size) // stride + 1
    result = np.zeros((rows, columns))
    for i, j in np.ndindex(rows, columns):
        covered = np.array(X, dtype=np.float64)
        for h, w in np.ndindex(size, size):
            covered[0, :, i * stride + h, j * stride + w] = 0.0
        result[i, j] = model(X)[0, y] - model(covered)[0, y]
    return result


def fooling(X, target, model, learning_rate, max_iter):
    """Return X after X += rate g / |g|, until the target has the highest score."""
    result = np.array(X, dtype=np.float64)
    for _ in range(max_iter):
        scores = model(result)[0].tolist()
        if scores.index(max(scores)) == target:
            break
        g = _score_gradient(result, target, model)
        result = result + learning_rate * g / _norm(g)
    return result


def jitter(X, ox, oy):
    """Return out[h, w] = X[h - oy, w - ox], indices modulo the size."""
    height, width = X.shape[2:]
    result = np.zeros(X.shape)
    for h, w in np.ndindex(height, width):
        result[:, :, h, w] = X[:, :, (h - oy) % height, (w - ox) % width]
    return result


def blur(X, sigma):
    """Return the sum of k_t k_u X[h + t, w + u], with indices held inside the image."""
    radius = math.ceil(3 * sigma)
    bell = [math.exp(-(t**2) / (2 * sigma**2)) for t in range(-radius, radius + 1)]
    kernel = [b / math.fsum(bell) for b in bell]
    height, width = X.shape[2:]
    result = np.zeros(X.shape)
    for h, w in np.ndindex(height, width):
        for t, u in np.ndindex(len(kernel), len(kernel)):
            row = min(max(h + t - radius, 0), height - 1)
            column = min(max(w + u - radius, 0), width - 1)
            result[:, :, h, w] += kernel[t] * kernel[u] * X[:, :, row, column]
    return result


def class_step(img, model, target, l2_reg, learning_rate):
    """Return img + rate g / |g|, with g = ds_t/dimg - 2 l2_reg img."""
    img = np.asarray(img, dtype=np.float64)
    g = _score_gradient(img, target, model) - 2.0 * l2_reg * img
    return img + learning_rate * g / _norm(g)


def dream_step(X, model, learning_rate):
    """Return X + rate g / mean|g|, with g the gradient of sum(a * a) / 2."""
    X = np.asarray(X, dtype=np.float64)
    g = model(X, model(X))
    return X + learning_rate * g / (math.fsum(abs(v) for v in g.ravel().tolist()) / g.size)


def octaves(height, width, num_octaves, scale):
    """Return H / scale^k and W / scale^k, rounded, for k = num_octaves - 1 down to 0."""
    return [
        (round(height / scale**k), round(width / scale**k)) for k in reversed(range(num_octaves))
    ]


def resize(X, shape):
    """Return X at another size, each pixel the nearest one."""
    result = np.zeros((*X.shape[:2], *shape))
    for h, w in np.ndindex(*shape):
        result[:, :, h, w] = X[:, :, h * X.shape[2] // shape[0], w * X.shape[3] // shape[1]]
    return result


def dream(X, model, resize, shapes, num_steps, learning_rate):
    """Return the dream: on each octave, the original's copy plus the detail, dreamed on."""
    detail = np.zeros(X.shape)
    for shape in shapes:
        base = resize(X, shape)
        picture = base + resize(detail, shape)
        for _ in range(num_steps):
            picture = dream_step(picture, model, learning_rate)
        detail = picture - base
    return picture


def distances(X):
    """Return sum_d (x_id - x_jd)^2."""
    rows = np.asarray(X, dtype=np.float64).tolist()
    return np.array(
        [[math.fsum((a - b) ** 2 for a, b in zip(x, z, strict=True)) for z in rows] for x in rows]
    )


def conditional(D, perplexity):
    """Return p(j|i); log beta is bisected a hundred times between -50 and 50."""
    num = len(D)
    result = np.zeros((num, num))
    for i in range(num):
        others = [j for j in range(num) if j != i]
        nearest = min(float(D[i, j]) for j in others)
        low, high = -50.0, 50.0
        for _ in range(100):
            beta = math.exp((low + high) / 2)
            terms = [math.exp(-beta * (float(D[i, j]) - nearest)) for j in others]
            p = [t / math.fsum(terms) for t in terms]
            entropy = -math.fsum(v * math.log(v) for v in p if v > 0)
            low, high = (
                ((low + high) / 2, high)
                if entropy > math.log(perplexity)
                else (low, (low + high) / 2)
            )
        for j, v in zip(others, p, strict=True):
            result[i, j] = v
    return result


def joint(P):
    """Return (p(j|i) + p(i|j)) / 2N."""
    num = len(P)
    result = np.zeros((num, num))
    for i, j in np.ndindex(num, num):
        result[i, j] = (P[i, j] + P[j, i]) / (2 * num)
    return result


def student_t(Y):
    """Return q_ij = w_ij / sum w and w_ij = 1 / (1 + |y_i - y_j|^2), both 0 for i = j."""
    weights = 1.0 / (1.0 + distances(Y))
    for i in range(len(weights)):
        weights[i, i] = 0.0
    return weights / math.fsum(weights.ravel().tolist()), weights


def divergence(P, Y):
    """Return the sum of p log(p / q) over pairs with p > 0."""
    Q, _ = student_t(Y)
    return math.fsum(
        P[i, j] * math.log(P[i, j] / Q[i, j]) for i, j in np.ndindex(P.shape) if P[i, j] > 0
    )


def divergence_gradient(P, Y):
    """Return 4 sum_j (p_ij - q_ij) w_ij (y_i - y_j)."""
    Q, weights = student_t(Y)
    result = np.zeros(np.shape(Y))
    for i, k in np.ndindex(result.shape):
        terms = [
            (P[i, j] - Q[i, j]) * weights[i, j] * (Y[i, k] - Y[j, k]) for j in range(len(result))
        ]
        result[i, k] = 4.0 * math.fsum(terms)
    return result


def tsne(X, perplexity, num_iters, learning_rate, rng):
    """Return map and losses: momentum 0.5 with twelvefold P for a quarter, then 0.8."""
    P = joint(conditional(distances(X), perplexity))
    Y = 1e-4 * rng.normal(size=(len(X), 2))
    V = np.zeros(Y.shape)
    losses = []
    for t in range(num_iters):
        losses.append(divergence(P, Y))
        factor, momentum = (12.0, 0.5) if t < num_iters // 4 else (1.0, 0.8)
        V = momentum * V - learning_rate * divergence_gradient(factor * P, Y)
        Y = Y + V
    return Y, losses


def _score_gradient(X, target, model):
    dscores = np.zeros(np.shape(model(X)))
    dscores[0, target] = 1.0
    return model(X, dscores)


def _norm(g):
    return math.sqrt(math.fsum(v * v for v in g.ravel().tolist()))

"""Layers of a convolutional network in plain Python: float64, loops, one formula a line.

Written from the formulas, not from the solution. A convolution is a sum over all pairs of an output
and a tap, with the frame of zeros left out by a test instead of being put there; nothing is sliced.
"""

from __future__ import annotations

import itertools

import numpy as np

__all__ = [
    "avg_pool",
    "avg_pool_gradient",
    "batchnorm",
    "batchnorm_gradients",
    "conv",
    "conv_gradients",
    "global_avg_pool",
    "global_avg_pool_gradient",
    "groupnorm",
    "groupnorm_gradients",
    "max_pool",
    "max_pool_gradient",
    "network_gradients",
    "network_loss",
    "network_scores",
    "output_size",
]


def output_size(size, window, stride, pad):
    """Count the windows, one after the other."""
    return sum(1 for _ in range(-pad, size + pad - window + 1, stride))


def _terms(x_shape, w_shape, stride, pad):
    """Yield (n, f, i, j, c, k, l, row, column) of every product of a weight and a pixel."""
    N, C, H, W = x_shape
    F, _, HH, WW = w_shape
    rows, columns = output_size(H, HH, stride, pad), output_size(W, WW, stride, pad)
    for n, f, i, j, c, k, m in itertools.product(
        range(N), range(F), range(rows), range(columns), range(C), range(HH), range(WW)
    ):
        row, column = i * stride + k - pad, j * stride + m - pad
        if 0 <= row < H and 0 <= column < W:
            yield n, f, i, j, c, k, m, row, column


def conv(x, w, b, stride, pad):
    """Return out_nfij = b_f + sum_ckl w_fckl x_n,c,is+k-p,js+l-p."""
    x, w, b = (np.asarray(a, dtype=np.float64) for a in (x, w, b))
    rows = output_size(x.shape[2], w.shape[2], stride, pad)
    columns = output_size(x.shape[3], w.shape[3], stride, pad)
    out = np.zeros((len(x), len(w), rows, columns)) + b[:, None, None]
    for n, f, i, j, c, k, m, row, column in _terms(x.shape, w.shape, stride, pad):
        out[n, f, i, j] += w[f, c, k, m] * x[n, c, row, column]
    return out


def conv_gradients(dout, x, w, stride, pad):
    """Return dx, dw, db: each product passes the gradient to either factor, times the other."""
    dout, x, w = (np.asarray(a, dtype=np.float64) for a in (dout, x, w))
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(len(w))
    for n, f, i, j, c, k, m, row, column in _terms(x.shape, w.shape, stride, pad):
        dx[n, c, row, column] += dout[n, f, i, j] * w[f, c, k, m]
        dw[f, c, k, m] += dout[n, f, i, j] * x[n, c, row, column]
    for n, f, i, j in np.ndindex(*dout.shape):
        db[f] += dout[n, f, i, j]
    return dx, dw, db


def _windows(shape, height, width, stride):
    """Yield (n, c, i, j, entries) of every window."""
    rows, columns = (
        output_size(shape[2], height, stride, 0),
        output_size(shape[3], width, stride, 0),
    )
    for n, c, i, j in np.ndindex(shape[0], shape[1], rows, columns):
        entries = [
            (n, c, i * stride + k, j * stride + m) for k in range(height) for m in range(width)
        ]
        yield n, c, i, j, entries


def _pooled_shape(shape, height, width, stride):
    return (
        *shape[:2],
        output_size(shape[2], height, stride, 0),
        output_size(shape[3], width, stride, 0),
    )


def max_pool(x, height, width, stride):
    """Return the maximum of each window."""
    out = np.zeros(_pooled_shape(x.shape, height, width, stride))
    for n, c, i, j, entries in _windows(x.shape, height, width, stride):
        out[n, c, i, j] = max(float(x[e]) for e in entries)
    return out


def max_pool_gradient(dout, x, height, width, stride):
    """Return dx: the maximum of each window gets its gradient. There are no ties."""
    dx = np.zeros(x.shape)
    for n, c, i, j, entries in _windows(x.shape, height, width, stride):
        dx[max(entries, key=lambda e: x[e])] += dout[n, c, i, j]
    return dx


def avg_pool(x, height, width, stride):
    """Return the mean of each window."""
    out = np.zeros(_pooled_shape(x.shape, height, width, stride))
    for n, c, i, j, entries in _windows(x.shape, height, width, stride):
        out[n, c, i, j] = sum(float(x[e]) for e in entries) / len(entries)
    return out


def avg_pool_gradient(dout, x, height, width, stride):
    """Return dx: each entry of a window gets an equal share of its gradient."""
    dx = np.zeros(x.shape)
    for n, c, i, j, entries in _windows(x.shape, height, width, stride):
        for e in entries:
            dx[e] += dout[n, c, i, j] / len(entries)
    return dx


def global_avg_pool(x):
    """Return the mean of each map."""
    return np.array([[np.float64(m).sum() / m.size for m in maps] for maps in x])


def global_avg_pool_gradient(dout, x):
    """Return dx: each entry of a map gets an equal share."""
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(*x.shape):
        dx[n, c, i, j] = dout[n, c] / (x.shape[2] * x.shape[3])
    return dx


def statistics(x):
    """Return mean and variance of each channel."""
    x = np.asarray(x, dtype=np.float64)
    means = np.array([x[:, c].sum() / x[:, c].size for c in range(x.shape[1])])
    variances = [((x[:, c] - means[c]) ** 2).sum() / x[:, c].size for c in range(x.shape[1])]
    return means, np.array(variances)


def batchnorm(x, gamma, beta, eps, mean=None, var=None):
    """Return gamma (x - mean) / sqrt(var + eps) + beta, channel by channel."""
    if mean is None:
        mean, var = statistics(x)
    out = np.zeros(x.shape)
    for c in range(x.shape[1]):
        centred = np.asarray(x[:, c], dtype=np.float64) - mean[c]
        out[:, c] = gamma[c] * centred / np.sqrt(var[c] + eps) + beta[c]
    return out


def batchnorm_gradients(dout, x, gamma, eps):
    """Return dx, dgamma, dbeta, each channel from the derivatives of all by all."""
    dx, dgamma, dbeta = np.zeros(x.shape), np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for c in range(x.shape[1]):
        dx[:, c], x_hat = _gradient_of_normalised(gamma[c] * dout[:, c], x[:, c], eps)
        dgamma[c], dbeta[c] = np.sum(dout[:, c] * x_hat), np.sum(dout[:, c])
    return dx, dgamma, dbeta


def groupnorm(x, gamma, beta, groups, eps):
    """Return the groups of channels of each picture, normalised, times gamma plus beta."""
    out, size = np.zeros(x.shape), x.shape[1] // groups
    for n in range(len(x)):
        for g in range(groups):
            own = slice(g * size, (g + 1) * size)
            values = np.asarray(x[n, own], dtype=np.float64)
            mean = values.sum() / values.size
            var = ((values - mean) ** 2).sum() / values.size
            out[n, own] = (values - mean) / np.sqrt(var + eps)
    return out * gamma + beta


def groupnorm_gradients(dout, x, gamma, groups, eps):
    """Return dx, dgamma, dbeta of group normalisation."""
    dx, x_hat, size = np.zeros(x.shape), np.zeros(x.shape), x.shape[1] // groups
    upstream = np.asarray(dout, dtype=np.float64) * gamma
    for n in range(len(x)):
        for g in range(groups):
            own = slice(g * size, (g + 1) * size)
            dx[n, own], x_hat[n, own] = _gradient_of_normalised(upstream[n, own], x[n, own], eps)
    per_channel = {"axis": (0, 2, 3), "keepdims": True}
    return dx, np.sum(dout * x_hat, **per_channel), np.sum(dout, **per_channel)


def _gradient_of_normalised(g, x, eps):
    """Return sum_i g_i dx_hat_i/dx_j by the matrix of all derivatives, and x_hat."""
    x, g = np.asarray(x, dtype=np.float64), np.asarray(g, dtype=np.float64)
    flat, m = x.reshape(-1), x.size
    centred = flat - flat.sum() / m
    var = (centred**2).sum() / m
    std = np.sqrt(var + eps)
    # d(centred_i / std)/dx_j = (delta_ij - 1/m) / std - centred_i centred_j / (m std^3)
    matrix = (np.eye(m) - 1 / m) / std - np.outer(centred, centred) / (m * std**3)
    return (g.reshape(-1) @ matrix).reshape(x.shape), (centred / std).reshape(x.shape)


def _network(params, X):
    p = {name: np.asarray(value, dtype=np.float64) for name, value in params.items()}
    pad = (p["W1"].shape[2] - 1) // 2
    maps = conv(X, p["W1"], p["b1"], 1, pad)
    active = np.maximum(0.0, maps)
    pooled = max_pool(active, 2, 2, 2).reshape(len(X), -1)
    before = pooled @ p["W2"] + p["b2"]
    hidden = np.maximum(0.0, before)
    return p, pad, maps, active, pooled, before, hidden, hidden @ p["W3"] + p["b3"]


def network_scores(params, X):
    """Return the scores of conv - ReLU - pool - affine - ReLU - affine."""
    return _network(params, X)[-1]


def network_loss(params, X, y, reg):
    """Return the mean cross-entropy plus reg / 2 times the sum of squares of all weights."""
    p, *_, scores = _network(params, X)
    surprises = [np.log(np.sum(np.exp(s - s[label]))) for s, label in zip(scores, y, strict=True)]
    return sum(surprises) / len(y) + 0.5 * reg * sum(np.sum(p[w] ** 2) for w in ("W1", "W2", "W3"))


def network_gradients(params, X, y, reg):
    """Return the gradients of `network_loss`, by the chain rule."""
    p, pad, maps, active, pooled, before, hidden, scores = _network(params, X)
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    dscores = exponentials / exponentials.sum(axis=1, keepdims=True)
    for i, label in enumerate(y):
        dscores[i, label] -= 1.0
    dscores /= len(y)
    dbefore = (dscores @ p["W3"].T) * (before > 0)
    shape = (*active.shape[:2], active.shape[2] // 2, active.shape[3] // 2)
    dactive = max_pool_gradient((dbefore @ p["W2"].T).reshape(shape), active, 2, 2, 2)
    _, dW1, db1 = conv_gradients(dactive * (maps > 0), X, p["W1"], 1, pad)
    return {
        "W1": dW1 + reg * p["W1"],
        "b1": db1,
        "W2": pooled.T @ dbefore + reg * p["W2"],
        "b2": dbefore.sum(axis=0),
        "W3": hidden.T @ dscores + reg * p["W3"],
        "b3": dscores.sum(axis=0),
    }

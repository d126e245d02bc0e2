"""Segmentation with loops over pixels: float64, the definition and nothing clever."""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "bilinear_kernel",
    "confusion_matrix",
    "conv_transpose",
    "conv_transpose_gradients",
    "fully_connected",
    "ious",
    "mean_iou",
    "pixel_accuracy",
    "pixel_loss",
    "pixel_loss_gradient",
    "skip",
    "skip_gradients",
    "slide",
]


def confusion_matrix(predictions, truth, num_classes, ignore_index):
    """Count pixel by pixel: row of the true class, column of the predicted one."""
    counts = [[0] * num_classes for _ in range(num_classes)]
    for p, t in zip(np.ravel(predictions).tolist(), np.ravel(truth).tolist(), strict=True):
        if t != ignore_index:
            counts[t][p] += 1
    return np.array(counts)


def pixel_accuracy(confusion):
    """Return right pixels / all pixels."""
    rows = np.asarray(confusion).tolist()
    return sum(rows[k][k] for k in range(len(rows))) / sum(map(sum, rows))


def ious(confusion):
    """Return intersection / union of each class: pixels true *or* predicted, each counted once."""
    rows = np.asarray(confusion).tolist()
    values = []
    for k in range(len(rows)):
        union = sum(rows[t][p] for t in range(len(rows)) for p in range(len(rows)) if k in (t, p))
        values.append(rows[k][k] / union if union else math.nan)
    return np.array(values)


def mean_iou(confusion):
    """Return the mean over the classes that occur."""
    values = [value for value in ious(confusion).tolist() if not math.isnan(value)]
    return math.fsum(values) / len(values)


def pixel_loss(scores, y, ignore_index):
    """Return the mean over counted pixels of log(sum_k exp(s_k - s_true))."""
    losses = []
    for n, i, j in np.ndindex(*np.shape(y)):
        if y[n, i, j] != ignore_index:
            row = [float(s) for s in scores[n, :, i, j]]
            highest = max(row)
            total = math.fsum(math.exp(s - highest) for s in row)
            losses.append(highest + math.log(total) - row[int(y[n, i, j])])
    return math.fsum(losses) / len(losses) if losses else 0.0


def pixel_loss_gradient(scores, y, ignore_index):
    """Return (p_k - [k is true]) / (number of counted pixels), and 0 where a pixel is ignored."""
    counted = [p for p in np.ndindex(*np.shape(y)) if y[p] != ignore_index]
    gradient = np.zeros(np.shape(scores))
    for n, i, j in counted:
        row = [float(s) for s in scores[n, :, i, j]]
        exponentials = [math.exp(s - max(row)) for s in row]
        for k, e in enumerate(exponentials):
            p = e / math.fsum(exponentials)
            gradient[n, k, i, j] = (p - (k == y[n, i, j])) / len(counted)
    return gradient


def fully_connected(x, w, b):
    """Return sum_d x_nd w_dm + b_m, d counting channels, rows and columns, the last fastest."""
    N, C, H, W = x.shape
    out = np.zeros((N, w.shape[1]))
    for n, m in np.ndindex(*out.shape):
        terms = [x[n, c, i, j] * w[(c * H + i) * W + j, m] for c, i, j in np.ndindex(C, H, W)]
        out[n, m] = math.fsum(terms) + b[m]
    return out


def slide(x, w, b):
    """Return the convolution of x (N, C, H, W) with w (M, C, HH, WW), stride 1, no padding."""
    N, C, H, W = x.shape
    M, _, HH, WW = w.shape
    out = np.zeros((N, M, H - HH + 1, W - WW + 1))
    for n, m, i, j in np.ndindex(*out.shape):
        terms = [x[n, c, i + a, j + d] * w[m, c, a, d] for c, a, d in np.ndindex(C, HH, WW)]
        out[n, m, i, j] = math.fsum(terms) + b[m]
    return out


def _stamped(x, w, stride, pad):
    """Yield which input pixel and which entry of the stamp add to which output pixel."""
    N, C, H, W = x.shape
    _, F, HH, WW = w.shape
    height, width = (H - 1) * stride + HH - 2 * pad, (W - 1) * stride + WW - 2 * pad
    for n, c, i, j, f, a, d in np.ndindex(N, C, H, W, F, HH, WW):
        row, column = stride * i + a - pad, stride * j + d - pad
        if 0 <= row < height and 0 <= column < width:
            yield (n, c, i, j), (c, f, a, d), (n, f, row, column)


def conv_transpose(x, w, b, stride, pad):
    """Return out: each input pixel adds its value times the stamp; then the bias."""
    N, _, H, W = x.shape
    _, F, HH, WW = w.shape
    out = np.zeros((N, F, (H - 1) * stride + HH - 2 * pad, (W - 1) * stride + WW - 2 * pad))
    for source, entry, target in _stamped(x, w, stride, pad):
        out[target] += float(x[source]) * float(w[entry])
    for n, f, i, j in np.ndindex(*out.shape):
        out[n, f, i, j] += float(b[f])
    return out


def conv_transpose_gradients(dout, x, w, stride, pad):
    """Return dx, dw, db: each product x * w of the sum gives dout * w to x and dout * x to w."""
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(w.shape[1])
    for source, entry, target in _stamped(x, w, stride, pad):
        dx[source] += float(dout[target]) * float(w[entry])
        dw[entry] += float(dout[target]) * float(x[source])
    for n, f, i, j in np.ndindex(*dout.shape):
        db[f] += float(dout[n, f, i, j])
    return dx, dw, db


def bilinear_kernel(channels, factor):
    """Return tents from each channel to itself."""
    size = 2 * factor - factor % 2
    centre = (size - 1) / 2
    kernel = np.zeros((channels, channels, size, size))
    for c, i, j in np.ndindex(channels, size, size):
        kernel[c, c, i, j] = (1 - abs(i - centre) / factor) * (1 - abs(j - centre) / factor)
    return kernel


def skip(coarse, fine, w, b):
    """Return coarse, enlarged twofold, plus sum_c w_kc fine_c + b_k at every pixel."""
    K = coarse.shape[1]
    out = conv_transpose(coarse, bilinear_kernel(K, 2), np.zeros(K), 2, 1)
    for n, k, i, j in np.ndindex(*out.shape):
        out[n, k, i, j] += float(b[k])
        for c in range(fine.shape[1]):
            out[n, k, i, j] += float(w[k, c, 0, 0]) * float(fine[n, c, i, j])
    return out


def skip_gradients(dout, coarse, fine, w):
    """Return dcoarse, dfine, dw, db."""
    K = coarse.shape[1]
    dcoarse, _, db = conv_transpose_gradients(dout, coarse, bilinear_kernel(K, 2), 2, 1)
    dfine, dw = np.zeros(fine.shape), np.zeros(w.shape)
    for n, k, i, j in np.ndindex(*dout.shape):
        for c in range(fine.shape[1]):
            dfine[n, c, i, j] += float(w[k, c, 0, 0]) * float(dout[n, k, i, j])
            dw[k, c, 0, 0] += float(fine[n, c, i, j]) * float(dout[n, k, i, j])
    return dcoarse, dfine, dw, db

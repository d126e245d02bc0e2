"""Nothing but Python loops over pixels; lists where lists will do."""

import math

import numpy as np

# The notebook gives upsample and upsample_backward.
# ruff: noqa: F821


def confusion_matrix(predictions, truth, num_classes, ignore_index=255):
    M = [[0 for _ in range(num_classes)] for _ in range(num_classes)]
    for p, t in zip(predictions.flatten(), truth.flatten()):
        if t == ignore_index:
            continue
        M[int(t)][int(p)] += 1
    return np.array(M)


def pixel_accuracy(confusion):
    right = total = 0
    for t in range(len(confusion)):
        right += confusion[t][t]
        for p in range(len(confusion)):
            total += confusion[t][p]
    return right / total


def mean_iou(confusion):
    K = len(confusion)
    values = []
    for k in range(K):
        missed = sum(confusion[k, p] for p in range(K) if p != k)
        too_many = sum(confusion[t, k] for t in range(K) if t != k)
        union = confusion[k, k] + missed + too_many
        values.append(float("nan") if union == 0 else confusion[k, k] / union)
    occurring = [v for v in values if v == v]
    return sum(occurring) / len(occurring), values


def segmentation_loss(scores, y, ignore_index=255):
    N, K, H, W = scores.shape
    pixels = [
        (n, i, j)
        for n in range(N)
        for i in range(H)
        for j in range(W)
        if y[n, i, j] != ignore_index
    ]
    loss, dscores = 0.0, np.zeros(scores.shape)
    for n, i, j in pixels:
        row = [float(s) for s in scores[n, :, i, j]]
        highest = max(row)
        log_total = highest + math.log(sum(math.exp(s - highest) for s in row))
        loss += (log_total - row[y[n, i, j]]) / len(pixels)
        for k in range(K):
            p = math.exp(row[k] - log_total)
            dscores[n, k, i, j] = (p - (1 if k == y[n, i, j] else 0)) / len(pixels)
    return loss, dscores


def fc_to_conv(w, b, feature_shape):
    C, H, W = feature_shape
    M = w.shape[1]
    filters = np.empty((M, C, H, W))
    d = 0
    for c in range(C):
        for i in range(H):
            for j in range(W):
                for m in range(M):
                    filters[m, c, i, j] = w[d, m]
                d += 1
    return filters, list(b)


def conv_transpose_forward(x, w, b, conv_param):
    s, p = conv_param["stride"], conv_param["pad"]
    N, C, H, W = x.shape
    _, F, HH, WW = w.shape
    canvas = np.zeros((N, F, (H - 1) * s + HH, (W - 1) * s + WW))
    for n in range(N):
        for c in range(C):
            for i in range(H):
                for j in range(W):
                    canvas[n, :, i * s : i * s + HH, j * s : j * s + WW] += x[n, c, i, j] * w[c]
    for f in range(F):
        canvas[:, f] += b[f]
    height, width = canvas.shape[2:]
    cache = {"x": x, "w": w, "s": s, "p": p}
    return canvas[:, :, p : height - p, p : width - p], cache


def conv_transpose_backward(dout, cache):
    x, w, s, p = cache["x"], cache["w"], cache["s"], cache["p"]
    N, C, H, W = x.shape
    F, HH, WW = w.shape[1:]
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), [0.0] * F
    dcanvas = np.zeros((N, F, (H - 1) * s + HH, (W - 1) * s + WW))
    dcanvas[:, :, p : p + dout.shape[2], p : p + dout.shape[3]] = dout
    for n in range(N):
        for c in range(C):
            for i in range(H):
                for j in range(W):
                    under = dcanvas[n, :, i * s : i * s + HH, j * s : j * s + WW]
                    dx[n, c, i, j] = (under * w[c]).sum()
                    dw[c] += x[n, c, i, j] * under
    for f in range(F):
        db[f] = dout[:, f].sum()
    return [dx, dw, db]


def bilinear_kernel(channels, factor):
    size = 2 * factor - 1 if factor % 2 else 2 * factor
    centre = (size - 1) / 2
    kernel = np.zeros((channels, channels, size, size))
    for c in range(channels):
        for i in range(size):
            for j in range(size):
                rows = 1 - abs(i - centre) / factor
                kernel[c, c, i, j] = rows * (1 - abs(j - centre) / factor)
    return kernel


def skip_forward(coarse, fine, w, b):
    out = np.array(upsample(coarse, 2), dtype=float)
    N, K, H, W = out.shape
    for n in range(N):
        for k in range(K):
            for i in range(H):
                for j in range(W):
                    out[n, k, i, j] += sum(w[k, :, 0, 0] * fine[n, :, i, j]) + b[k]
    return out, [fine, w]


def skip_backward(dout, cache):
    fine, w = cache
    dfine, dw, db = np.zeros(fine.shape), np.zeros(w.shape), np.zeros(len(w))
    N, K, H, W = dout.shape
    for n in range(N):
        for i in range(H):
            for j in range(W):
                for k in range(K):
                    dfine[n, :, i, j] += dout[n, k, i, j] * w[k, :, 0, 0]
                    dw[k, :, 0, 0] += dout[n, k, i, j] * fine[n, :, i, j]
                    db[k] += dout[n, k, i, j]
    return upsample_backward(dout, 2), dfine, dw, db

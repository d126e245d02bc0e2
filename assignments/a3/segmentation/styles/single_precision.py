"""Everything in float32; matrix products over flattened pixels; a cache of closures."""

import numpy as np

# The notebook gives upsample and upsample_backward.
# ruff: noqa: F821

FLOAT = np.float32


def confusion_matrix(predictions, truth, num_classes, ignore_index=255):
    M = np.zeros((num_classes, num_classes), dtype=FLOAT)
    valid = truth != ignore_index
    np.add.at(M, (truth[valid], predictions[valid]), 1)
    return M


def pixel_accuracy(confusion):
    return np.diagonal(confusion).sum(dtype=FLOAT) / confusion.sum(dtype=FLOAT)


def mean_iou(confusion):
    confusion = confusion.astype(FLOAT)
    diagonal = np.diagonal(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - diagonal
    iou = np.divide(diagonal, union, out=np.full_like(union, np.nan), where=union != 0)
    return FLOAT(np.nanmean(iou)), iou


def segmentation_loss(scores, y, ignore_index=255):
    N, K, H, W = scores.shape
    flat = scores.transpose(0, 2, 3, 1).reshape(-1, K).astype(FLOAT)
    labels = y.reshape(-1).astype(int)
    used = np.flatnonzero(labels != ignore_index)
    gradient = np.zeros_like(flat)
    if used.size == 0:
        return FLOAT(0), gradient.reshape(N, H, W, K).transpose(0, 3, 1, 2)
    picked = flat[used] - flat[used].max(axis=1)[:, None]
    log_p = picked - np.log(np.exp(picked).sum(axis=1))[:, None]
    rows = np.arange(used.size)
    p = np.exp(log_p)
    p[rows, labels[used]] -= 1
    gradient[used] = p / FLOAT(used.size)
    loss = -log_p[rows, labels[used]].mean()
    return loss, gradient.reshape(N, H, W, K).transpose(0, 3, 1, 2)


def fc_to_conv(w, b, feature_shape):
    filters = [column.reshape(feature_shape) for column in w.astype(FLOAT).T]
    return np.stack(filters), b.astype(FLOAT)


def places(shape, stride, i, j):
    H, W = shape[2:]
    return (
        ...,
        slice(i, i + H * stride - stride + 1, stride),
        slice(j, j + W * stride - stride + 1, stride),
    )


def conv_transpose_forward(x, w, b, conv_param):
    x, w, b = (a.astype(FLOAT) for a in (x, w, b))
    s, p = conv_param.get("stride", 1), conv_param.get("pad", 0)
    N, C, H, W = x.shape
    _, F, HH, WW = w.shape
    columns = x.transpose(0, 2, 3, 1).reshape(-1, C) @ w.reshape(C, -1)
    columns = columns.reshape(N, H, W, F, HH, WW).transpose(0, 3, 4, 5, 1, 2)
    canvas = np.zeros((N, F, s * (H - 1) + HH, s * (W - 1) + WW), FLOAT)
    for i in range(HH):
        for j in range(WW):
            canvas[places(x.shape, s, i, j)] += columns[:, :, i, j]

    def backward(dout):
        dout = dout.astype(FLOAT)
        d = np.zeros_like(canvas)
        d[:, :, p : p + dout.shape[2], p : p + dout.shape[3]] = dout
        dcolumns = np.stack(
            [d[places(x.shape, s, i, j)] for i in range(HH) for j in range(WW)], axis=-1
        )
        dcolumns = dcolumns.transpose(0, 2, 3, 1, 4).reshape(N * H * W, -1)
        dx = (dcolumns @ w.reshape(C, -1).T).reshape(N, H, W, C).transpose(0, 3, 1, 2)
        dw = (x.transpose(1, 0, 2, 3).reshape(C, -1) @ dcolumns).reshape(w.shape)
        return dx, dw, dout.sum(axis=(0, 2, 3))

    height, width = canvas.shape[2:]
    return canvas[:, :, p : height - p, p : width - p] + b[None, :, None, None], backward


def conv_transpose_backward(dout, cache):
    return cache(dout)


def bilinear_kernel(channels, factor):
    size = factor * 2 - factor % 2
    i, j = np.ogrid[:size, :size]
    centre = factor - 1 if factor % 2 else factor - 0.5
    stamp = (1 - abs(i - centre) / factor) * (1 - abs(j - centre) / factor)
    kernel = np.zeros((channels, channels, size, size), FLOAT)
    for c in range(channels):
        kernel[c, c] = stamp
    return kernel


def skip_forward(coarse, fine, w, b):
    coarse, fine, w, b = (a.astype(FLOAT) for a in (coarse, fine, w, b))
    K, C = w.shape[:2]
    pixels = fine.transpose(0, 2, 3, 1)
    scores = pixels @ w.reshape(K, C).T + b
    return upsample(coarse, 2) + scores.transpose(0, 3, 1, 2), (pixels, w)


def skip_backward(dout, cache):
    pixels, w = cache
    K, C = w.shape[:2]
    d = dout.astype(FLOAT).transpose(0, 2, 3, 1)
    dfine = (d @ w.reshape(K, C)).transpose(0, 3, 1, 2)
    dw = d.reshape(-1, K).T @ pixels.reshape(-1, C)
    return upsample_backward(dout, 2), dfine, dw.reshape(w.shape), d.reshape(-1, K).sum(axis=0)

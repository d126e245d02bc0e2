"""Products of whole arrays, one-hot labels, and the skip written with a transposed convolution."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def confusion_matrix(predictions, truth, num_classes, ignore_index=255):
    kept = truth.ravel() != ignore_index
    classes = np.arange(num_classes)
    t = truth.ravel()[kept, None] == classes
    p = predictions.ravel()[kept, None] == classes
    return np.einsum("nt,np->tp", t.astype(float), p.astype(float))


def pixel_accuracy(confusion):
    return np.einsum("kk->", confusion) / np.einsum("tp->", confusion)


def mean_iou(confusion):
    both = np.einsum("kk->k", confusion).astype(float)
    either = confusion.sum(0) + confusion.sum(1) - both
    with np.errstate(invalid="ignore"):
        iou = both / either
    return np.nanmean(iou).reshape(1), iou


def segmentation_loss(scores, y, ignore_index=255):
    onehot = (y[..., None] == np.arange(scores.shape[1])) & (y != ignore_index)[..., None]
    counts = onehot.any(axis=-1)
    S = np.moveaxis(scores, 1, -1)
    m = S.max(axis=-1, keepdims=True)
    log_p = S - m - np.log(np.exp(S - m).sum(axis=-1, keepdims=True))
    total = counts.sum() or 1
    dS = (np.exp(log_p) - onehot) * counts[..., None] / total
    return -np.einsum("nhwk,nhwk->", log_p, onehot) / total, np.moveaxis(dS, -1, 1)


def fc_to_conv(w, b, feature_shape):
    return np.einsum("chwm->mchw", w.reshape(*feature_shape, -1)), b.copy()


def spread(x, stride, HH, WW):
    """Put zeros between the pixels of x, and a margin of a stamp less one around them."""
    N, C, H, W = x.shape
    apart = np.zeros((N, C, (H - 1) * stride + 2 * HH - 1, (W - 1) * stride + 2 * WW - 1), x.dtype)
    rows = slice(HH - 1, HH + (H - 1) * stride, stride)
    columns = slice(WW - 1, WW + (W - 1) * stride, stride)
    apart[:, :, rows, columns] = x
    return apart


def conv_transpose_forward(x, w, b, conv_param):
    """An ordinary convolution with turned stamps over an input with gaps."""
    stride, pad = conv_param["stride"], conv_param["pad"]
    HH, WW = w.shape[2:]
    windows = sliding_window_view(spread(x, stride, HH, WW), (HH, WW), axis=(2, 3))
    out = np.einsum("nchwij,cfij->nfhw", windows, w[:, :, ::-1, ::-1])
    out = out[:, :, pad : out.shape[2] - pad, pad : out.shape[3] - pad]
    return out + b.reshape(1, -1, 1, 1), (windows, w, stride, pad)


def conv_transpose_backward(dout, cache):
    windows, w, stride, pad = cache
    HH, WW = w.shape[2:]
    d = np.pad(dout, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dw = np.einsum("nchwij,nfhw->cfij", windows, d)[:, :, ::-1, ::-1]
    under = sliding_window_view(d, (HH, WW), axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("nfhwij,cfij->nchw", under, w), dw, np.einsum("nfhw->f", dout)


def bilinear_kernel(channels, factor):
    box = np.ones(factor)
    tent = np.convolve(box, box) / factor
    if factor % 2 == 0:
        tent = (np.append(tent, 0) + np.insert(tent, 0, 0)) / 2
    return np.einsum("cd,i,j->cdij", np.eye(channels), tent, tent)


def skip_forward(coarse, fine, w, b):
    K = coarse.shape[1]
    kernel = bilinear_kernel(K, 2)
    up, kept = conv_transpose_forward(coarse, kernel, b, {"stride": 2, "pad": 1})
    return up + np.einsum("kcij,nchw->nkhw", w, fine), (kept, fine, w)


def skip_backward(dout, cache):
    kept, fine, w = cache
    dcoarse, _, db = conv_transpose_backward(dout, kept)
    dfine = np.einsum("kcij,nkhw->nchw", w, dout)
    return dcoarse, dfine, np.einsum("nkhw,nchw->kc", dout, fine)[..., None, None], db

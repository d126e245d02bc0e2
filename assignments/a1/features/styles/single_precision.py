"""Everything in float32, whatever comes in; a class, generators and in-place work on own arrays."""

from itertools import pairwise

import numpy as np

from cs231n_lib.notebooks import from_notebook

softmax = from_notebook("softmax")
svm = from_notebook("svm")
layers = from_notebook("two_layer_net")

FLOAT = np.float32


def rgb2gray(rgb):
    rgb = np.asarray(rgb, dtype=FLOAT)
    grey = FLOAT(0.299) * rgb[..., 0]
    grey += FLOAT(0.587) * rgb[..., 1]
    grey += FLOAT(0.114) * rgb[..., 2]
    return grey


def image_gradients(grey):
    grey = np.asarray(grey, dtype=FLOAT)
    pad = [(0, 0)] * (grey.ndim - 2)
    gx = np.pad(np.diff(grey, axis=-1), [*pad, (0, 0), (0, 1)])
    gy = np.pad(np.diff(grey, axis=-2), [*pad, (0, 1), (0, 0)])
    return gx, gy


def gradient_orientation(gx, gy):
    gx, gy = np.asarray(gx, FLOAT), np.asarray(gy, FLOAT)
    angle = np.arctan2(gy, gx)
    angle[angle < 0] += FLOAT(np.pi)
    angle *= FLOAT(180 / np.pi)
    angle[angle >= 180] = 0
    return np.hypot(gx, gy), angle


class Cells:
    """Sums over cells of 8x8 pixels of arrays (..., H, W)."""

    def __init__(self, height, width):
        self.rows = np.arange(0, height, 8)
        self.columns = np.arange(0, width, 8)

    def sums(self, values):
        return np.add.reduceat(np.add.reduceat(values, self.rows, -2), self.columns, -1)


def histograms(grey):
    m, angle = gradient_orientation(*image_gradients(grey))
    cells = Cells(*m.shape[-2:])
    edges = np.linspace(0, 180, 10, dtype=FLOAT)
    maps = (
        cells.sums(np.where((angle >= low) & (angle < high), m, FLOAT(0)))
        for low, high in pairwise(edges)
    )
    return np.stack(list(maps), axis=-1) / FLOAT(64)


def hog_feature(im):
    return histograms(rgb2gray(im) if im.ndim > 2 else im).flatten()


def hog_features(images):
    return histograms(rgb2gray(images)).reshape(images.shape[0], -1)


def rgb_to_hsv(rgb):
    rgb = np.asarray(rgb, FLOAT)
    high, low = rgb.max(-1), rgb.min(-1)
    c = high - low
    hsv = np.zeros(rgb.shape, FLOAT)
    hsv[..., 2] = high
    np.divide(c, high, out=hsv[..., 1], where=high > 0)
    for k in (2, 1, 0):  # red last, so that it wins where two are the largest
        here = (rgb[..., k] == high) & (c > 0)
        one, other = rgb[..., (k + 1) % 3][here], rgb[..., (k + 2) % 3][here]
        hsv[..., 0][here] = ((one - other) / c[here] + 2 * k) / 6 % 1
    return hsv


def color_histogram_hsv(im, nbin=10, xmin=0, xmax=255, normalized=True):
    hue = xmax * rgb_to_hsv(np.asarray(im, FLOAT) / FLOAT(xmax))[..., 0]
    position = np.searchsorted(np.linspace(xmin, xmax, nbin + 1)[1:-1], hue.ravel(), "right")
    counts = np.bincount(position, minlength=nbin).astype(FLOAT)
    return counts / FLOAT(hue.size) if normalized else counts


def extract_features(imgs, feature_fns, verbose=False):
    first = [np.asarray(fn(imgs[0])) for fn in feature_fns]
    stops = np.cumsum([0, *(f.size for f in first)])
    out = np.empty((len(imgs), stops[-1]), FLOAT)
    for i, im in enumerate(imgs):
        for fn, start, stop in zip(feature_fns, stops[:-1], stops[1:]):
            out[i, start:stop] = fn(im)
    return out


def standardize(F_train, F):
    F_train, F = F_train.astype(FLOAT), F.astype(FLOAT)
    std = F_train.std(axis=0)
    std[std == 0] = 1
    F -= F_train.mean(axis=0)
    F /= std
    return F


def train_linear(X_train, y_train, X_val, y_val):
    rng = np.random.default_rng(7)
    best, best_score = None, -1
    for reg in (1e-3, 5e-3):
        W, _ = svm.sgd_train(
            softmax.softmax_loss_vectorized,
            X_train.astype(FLOAT),
            y_train,
            0.15,
            reg,
            900,
            200,
            rng,
        )
        score = (np.argmax(X_val @ W, axis=1) == y_val).mean()
        if score > best_score:
            best, best_score = W.astype(FLOAT), score
    return best


def train_features(X_train, y_train, X_val, y_val):
    rng = np.random.default_rng(2)
    net = layers.TwoLayerNet(X_train.shape[1], 256, int(y_train.max()) + 1, 0.08, 5e-3, rng)
    for name in net.params:
        net.params[name] = net.params[name].astype(FLOAT)
    X, steps = X_train.astype(FLOAT), 14 * len(X_train) // 200
    for step in range(steps):
        batch = rng.integers(len(X), size=200)
        _, grads = net.loss(X[batch], y_train[batch])
        rate = FLOAT(0.5 + 0.5 * np.cos(np.pi * step / steps))
        for name in net.params:
            net.params[name] -= rate * grads[name].astype(FLOAT)
    return net

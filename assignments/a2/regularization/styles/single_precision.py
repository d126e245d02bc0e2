"""Everything in float32, whatever comes in; caches are objects."""

from dataclasses import dataclass

import numpy as np

FLOAT = np.float32


@dataclass
class Mask:
    """What a value, or its gradient, is multiplied by."""

    factors: np.ndarray

    def __call__(self, values):
        return np.asarray(values, dtype=FLOAT) * self.factors


def l1_l2_penalty(w, l1, l2):
    w, l1, l2 = np.asarray(w, dtype=FLOAT), FLOAT(l1), FLOAT(l2)
    return (l1 * abs(w) + l2 / FLOAT(2) * w**2).sum(), l1 * np.sign(w) + l2 * w


def dropout_forward(x, dropout_param):
    if dropout_param["mode"] == "train":
        p = FLOAT(dropout_param["p"])
        mask = Mask((dropout_param["rng"].random(x.shape, dtype=FLOAT) < p) / p)
    else:
        mask = Mask(FLOAT(1))
    return mask(x), mask


def dropout_backward(dout, cache):
    return cache(dout)


def random_flip(images, rng):
    out = images.astype(FLOAT)
    which = np.flatnonzero(rng.random(len(out)) >= 0.5)
    out[which] = out[which, :, ::-1]
    return out


def random_crop(images, padding, rng):
    N, H, W, C = images.shape
    canvas = np.zeros((N, H + 2 * padding, W + 2 * padding, C), dtype=FLOAT)
    canvas[:, padding : padding + H, padding : padding + W] = images
    windows = np.lib.stride_tricks.sliding_window_view(canvas, (H, W), axis=(1, 2))
    side = 2 * padding + 1
    tops, lefts = np.divmod(rng.integers(side * side, size=N), side)
    return windows[np.arange(N), tops, lefts].transpose(0, 2, 3, 1)


def color_jitter(images, strength, rng):
    factors = rng.random((len(images), 1, 1, 3), dtype=FLOAT)
    factors = FLOAT(1 - strength) + FLOAT(2 * strength) * factors
    return np.minimum(images.astype(FLOAT) * factors, FLOAT(255))


def cutout(images, size, rng):
    out = images.astype(FLOAT)
    for image in out:
        top, left = (rng.integers(n - size + 1) for n in image.shape[:2])
        image[top : top + size, left : left + size].fill(0)
    return out


def mixup(images, labels_one_hot, alpha, rng):
    order = rng.permutation(len(images))
    lam = rng.beta(alpha, alpha, size=len(images)).astype(FLOAT)

    def mix(array):
        array = array.astype(FLOAT)
        return array[order] + lam.reshape(-1, *[1] * (array.ndim - 1)) * (array - array[order])

    return mix(images), mix(labels_one_hot)


def ensemble_predict(probabilities):
    return np.argmax(probabilities.astype(FLOAT).sum(axis=0), axis=1).astype(np.int32)

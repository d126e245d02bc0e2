"""Einsum, fancy indices and products with masks; other distributions, a boolean cache."""

import numpy as np


def l1_l2_penalty(w, l1, l2):
    flat = w.reshape(-1)
    slope = (w > 0).astype(float) - (w < 0)
    return l1 * np.linalg.norm(flat, 1) + 0.5 * l2 * np.einsum("i,i->", flat, flat), (
        l1 * slope + l2 * w
    )


def dropout_forward(x, dropout_param):
    p = dropout_param["p"]
    if dropout_param["mode"] == "test":
        return x, (np.ones(x.shape, dtype=bool), 1.0)
    kept = dropout_param["rng"].binomial(1, p, size=x.shape).astype(bool)
    return np.where(kept, x / p, 0), (kept, p)


def dropout_backward(dout, cache):
    kept, p = cache
    return np.where(kept, dout / p, 0)


def random_flip(images, rng):
    N, _, W, _ = images.shape
    columns = np.arange(W)
    chosen = np.where(rng.choice([True, False], size=N)[:, None], columns[::-1], columns)
    return np.take_along_axis(images, chosen[:, None, :, None], axis=2)


def random_crop(images, padding, rng):
    N, H, W, _ = images.shape
    around = (padding, padding)
    padded = np.pad(images, ((0, 0), around, around, (0, 0)))
    places = rng.integers(0, 2 * padding + 1, size=(2, N, 1))
    rows, columns = places[0] + np.arange(H), places[1] + np.arange(W)
    return padded[np.arange(N)[:, None, None], rows[:, :, None], columns[:, None, :]]


def color_jitter(images, strength, rng):
    factors = rng.uniform(-strength, strength, size=(3, len(images))) + 1
    return np.einsum("nhwc,cn->nhwc", images, factors).clip(0, 255)


def cutout(images, size, rng):
    N, H, W, _ = images.shape

    def inside(length):
        first = rng.integers(length - size + 1, size=(N, 1))
        place = np.arange(length)
        return (place >= first) & (place < first + size)

    rows, columns = inside(H), inside(W)
    return images * ~(rows[:, :, None, None] & columns[:, None, :, None])


def mixup(images, labels_one_hot, alpha, rng):
    N = len(images)
    order, lam = np.argsort(rng.random(N)), rng.beta(alpha, alpha, size=N)
    weights = np.diag(lam)
    weights[np.arange(N), order] += 1 - lam
    return np.einsum("ij,jhwc->ihwc", weights, images), weights @ labels_one_hot


def ensemble_predict(probabilities):
    return np.einsum("mnc->nc", probabilities).argmax(axis=-1)

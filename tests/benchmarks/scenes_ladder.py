"""Measure the ladder of methods that the course climbs on the embedded dataset.

    python tests/benchmarks/scenes_ladder.py [--seeds 5] [--rungs linear,features] [--fresh]

Every rung is a plain NumPy reference solution with the settings written below, trained on 10,000
images. What is chosen (k, the best epoch) is chosen on the 1,000 validation images; the accuracy is
that on the 1,000 test images. A seed stands for initial weights, order of the examples and
augmentation; with ``--fresh`` also for the images, which are then new ones for every seed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scenes_ladder_networks import (
    Affine,
    Augment,
    Conv,
    GlobalPool,
    Layer,
    MaxPool,
    Network,
    Norm,
    ReLU,
    Residual,
    softmax_gradient,
    train,
)

from cs231n_lib.scenes import load_scenes, make_classification

Array = np.ndarray[Any, Any]
# X_train, y_train, X_val, y_val, X_test, y_test
Data = tuple[Array, Array, Array, Array, Array, Array]


def accuracy(predicted: Array, y: Array) -> float:
    return float((predicted == y).mean())


def centred(data: Data, scale: float) -> list[Array]:
    """The three sets of images, float32, less the mean training image, divided by ``scale``."""
    mean = data[0].mean(axis=0)
    return [((images - mean) / scale).astype(np.float32) for images in data[::2]]


def knn(data: Data, rng: np.random.Generator) -> float:
    """L2 distance on raw pixels, majority vote, k of 1 to 100 chosen on the validation images."""
    del rng
    train_set, val, test = (
        images.reshape(len(images), -1).astype(np.float32) for images in data[::2]
    )
    squares = (train_set * train_set).sum(axis=1)

    def neighbours(queries: Array) -> Array:
        distances = squares - 2 * (queries @ train_set.T)  # up to a constant per query
        nearest: Array = data[1][np.argsort(distances, axis=1)[:, :100]]
        return nearest

    def vote(nearest: Array, k: int) -> Array:
        counts = np.stack([(nearest[:, :k] == label).sum(axis=1) for label in range(10)], axis=1)
        return np.argmax(counts, axis=1)

    near_val = neighbours(val)
    best = max((1, 3, 5, 10, 20, 50, 100), key=lambda k: accuracy(vote(near_val, k), data[3]))
    return accuracy(vote(neighbours(test), best), data[5])


def linear(data: Data, rng: np.random.Generator) -> float:
    """Softmax on centred pixels and a bias: 1,500 steps of SGD, batch 200, rate 5e-7, reg 1e3."""
    sets = [
        np.hstack([x.reshape(len(x), -1), np.ones((len(x), 1), np.float32)])
        for x in centred(data, 1)
    ]
    W = (1e-3 * rng.standard_normal((sets[0].shape[1], 10))).astype(np.float32)
    for _ in range(1500):
        batch = rng.integers(0, len(sets[0]), 200)
        dW = sets[0][batch].T @ softmax_gradient(sets[0][batch] @ W, data[1][batch])
        W -= np.float32(5e-7) * (dW + np.float32(2e3) * W)
    return accuracy(np.argmax(sets[2] @ W, axis=1), data[5])


def two_layer_net(data: Data, rng: np.random.Generator) -> float:
    """200 hidden units on centred pixels / 60: AdamW 1e-3, decay 0.1, 12 epochs."""
    sets = [images.reshape(len(images), -1) for images in centred(data, 60)]
    network = Network([Affine(3072, 200, rng), ReLU(), Affine(200, 10, rng)])
    return train(network, sets, data[1::2], rng, epochs=12, rate=1e-3, decay=0.1)


def hog(images: Array, cells: int = 4, bins: int = 9) -> Array:
    """Histograms of oriented gradients in 8x8 cells, as in the course: ``(N, 144)``."""
    grey = images @ np.array([0.299, 0.587, 0.144], np.float32)
    gx, gy = np.zeros_like(grey), np.zeros_like(grey)
    gx[:, :, :-1], gy[:, :-1] = np.diff(grey, axis=2), np.diff(grey, axis=1)
    magnitude = np.sqrt(gx * gx + gy * gy)
    angle = np.rad2deg(np.arctan2(gy, gx + 1e-15)) + 90
    size = images.shape[1] // cells
    histograms = []
    for index in range(bins):
        inside = (angle >= index * 180 / bins) & (angle < (index + 1) * 180 / bins)
        parts = np.where(inside, magnitude, 0).reshape(-1, cells, size, cells, size)
        histograms.append(parts.mean(axis=(2, 4)).reshape(len(images), -1))
    return np.concatenate(histograms, axis=1)


def hue_histogram(images: Array, bins: int = 10) -> Array:
    """Share of the pixels in each of ten ranges of hue: ``(N, 10)``."""
    top, spread = images.max(axis=-1), np.ptp(images, axis=-1) + 1e-9
    red, green, blue = np.moveaxis(images, -1, 0)
    sector = np.select(
        [top == red, top == green],
        [(green - blue) / spread % 6, (blue - red) / spread + 2],
        (red - green) / spread + 4,
    )
    index = np.minimum(sector / 6 * bins, bins - 1).astype(int)
    return np.stack([(index == i).mean(axis=(1, 2)) for i in range(bins)], axis=1)


def features(data: Data, rng: np.random.Generator) -> float:
    """HOG and hue histogram, standardised; 500 hidden units: AdamW 3e-3, decay 1, 20 epochs."""
    sets = [
        np.hstack([hog(x), hue_histogram(x)]).astype(np.float32)
        for x in (images.astype(np.float32) for images in data[::2])
    ]
    mean, std = sets[0].mean(axis=0), sets[0].std(axis=0) + 1e-6
    sets = [(f - mean) / std for f in sets]
    network = Network([Affine(154, 500, rng), ReLU(), Affine(500, 10, rng)])
    return train(network, sets, data[1::2], rng, epochs=20, rate=3e-3, decay=1.0)


def channels_first(data: Data) -> list[Array]:
    return [np.ascontiguousarray(x.transpose(0, 3, 1, 2)) for x in centred(data, 60)]


def three_layer_convnet(data: Data, rng: np.random.Generator) -> float:
    """conv 32 of 7x7, relu, pool, affine 100, relu, affine: AdamW 1e-3, decay 1e-2, 6 epochs."""
    layers = [
        Conv(3, 32, rng, field=7),
        ReLU(),
        MaxPool(),
        Affine(32 * 16 * 16, 100, rng),
        ReLU(),
        Affine(100, 10, rng),
    ]
    return train(
        Network(layers), channels_first(data), data[1::2], rng, epochs=6, rate=1e-3, decay=1e-2
    )


def convnet(data: Data, rng: np.random.Generator) -> float:
    """Thrice conv 3x3, relu, pool (32, 64, 128 filters); AdamW 2e-3, decay 1e-2, 6 epochs."""
    layers: list[Layer] = []
    for channels, filters in ((3, 32), (32, 64), (64, 128)):
        layers += [Conv(channels, filters, rng), ReLU(), MaxPool()]
    network = Network([*layers, Affine(128 * 4 * 4, 10, rng)])
    return train(network, channels_first(data), data[1::2], rng, epochs=6, rate=2e-3, decay=1e-2)


def residual_convnet(data: Data, rng: np.random.Generator) -> float:
    """Residual blocks of 16, 32, 64 filters; flips and shifts; AdamW 1e-2, decay 1e-2, 8 epochs."""
    layers: list[Layer] = [Conv(3, 16, rng), Norm(16), ReLU()]
    for channels, filters, stride in ((16, 16, 1), (16, 32, 2), (32, 64, 2)):
        layers.append(Residual(channels, filters, stride, rng))
    network = Network([*layers, GlobalPool(), Affine(64, 10, rng)])
    augment = Augment(shift=3, flip=True)
    return train(
        network,
        channels_first(data),
        data[1::2],
        rng,
        epochs=8,
        rate=1e-2,
        decay=1e-2,
        augment=augment,
    )


RUNGS: dict[str, Callable[[Data, np.random.Generator], float]] = {
    "knn": knn,
    "linear": linear,
    "two_layer_net": two_layer_net,
    "features": features,
    "three_layer_convnet": three_layer_convnet,
    "convnet": convnet,
    "residual_convnet": residual_convnet,
}


def dataset(seed: int, fresh: bool) -> Data:
    if not fresh:
        return load_scenes()
    rng = np.random.default_rng((seed, 77))
    sets = [make_classification(num, rng) for num in (10_000, 1_000, 1_000)]
    return tuple(array for one in sets for array in one)  # type: ignore[return-value]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rungs", default=",".join(RUNGS), help="names, joined by commas")
    parser.add_argument("--fresh", action="store_true", help="draw new images for every seed")
    options = parser.parse_args()
    print("| rung | test accuracy | spread | range | seconds each |", flush=True)
    print("|---|---|---|---|---|", flush=True)
    for name in options.rungs.split(","):
        scores, start = [], time.perf_counter()
        for seed in range(options.seeds):
            data = dataset(seed, options.fresh)
            scores.append(100 * RUNGS[name](data, np.random.default_rng(seed)))
            print(f"{name}, seed {seed}: {scores[-1]:.1f} %", file=sys.stderr, flush=True)
        spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
        seconds = (time.perf_counter() - start) / len(scores)
        print(
            f"| {name} | {statistics.mean(scores):.1f} % | {spread:.1f} "
            f"| {min(scores):.1f}–{max(scores):.1f} | {seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

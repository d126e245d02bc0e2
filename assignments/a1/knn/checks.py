"""Hidden checks of the exercise on nearest neighbours.

Tolerances are those of single precision, so that a solution may compute in float32.
"""

from __future__ import annotations

import timeit

import numpy as np

from autograder import (
    Threshold,
    accuracy,
    assert_close,
    assert_finite,
    assert_shape,
    check,
    half_size,
    once_per_dataset,
    prepared,
    require,
    require_unchanged,
)
from cs231n_lib.datasets import load_dataset

from . import oracle

RTOL, ATOL = 1e-4, 1e-4

CALIBRATE = "python tests/benchmarks/calibrate.py a1/knn --dataset"
NEAREST_NEIGHBOURS = {
    "scenes": Threshold(
        at_least=0.20, mean=0.268, std=0.014, seeds=12, command=f"{CALIBRATE} scenes"
    ),
    "cifar10": Threshold(
        at_least=0.21, mean=0.260, std=0.009, seeds=12, command=f"{CALIBRATE} cifar10"
    ),
}
K_CHOICES = (1, 5, 20, 50, 100)


# compute_distances_two_loops ----------------------------------------------------------------------


@check(points=2, of="compute_distances_two_loops")
def two_loops_are_euclidean(student, rng):
    """Distances with two loops are Euclidean, one row per test image."""
    _assert_euclidean(student.compute_distances_two_loops, *_images(rng, train=7, test=4, pixels=5))


@check(points=1, of="compute_distances_two_loops")
def two_loops_of_one_pair(student, rng):
    """Two loops work for a single test and a single training image, in float32, too."""
    X_train, X = _images(rng, train=1, test=1, pixels=3, dtype=np.float32)
    _assert_euclidean(student.compute_distances_two_loops, X_train, X)


# compute_distances_one_loop -----------------------------------------------------------------------


@check(points=2, of="compute_distances_one_loop")
def one_loop_is_euclidean(student, rng):
    """Distances with one loop are Euclidean, one row per test image."""
    _assert_euclidean(student.compute_distances_one_loop, *_images(rng, train=6, test=3, pixels=8))


@check(points=1, of="compute_distances_one_loop")
def one_loop_leaves_images_alone(student, rng):
    """The images that compute_distances_one_loop is given are the same after the call."""
    X_train, X = _images(rng, train=5, test=4, pixels=3)
    held = student.hold(X_train), student.hold(X)
    assert_shape(student.compute_distances_one_loop(*held), (4, 5), name="dists")
    require_unchanged("compute_distances_one_loop", X_train=(held[0], X_train), X=(held[1], X))


# compute_distances_no_loops -----------------------------------------------------------------------


@check(points=2, of="compute_distances_no_loops")
def no_loops_are_euclidean(student, rng):
    """Distances without loops are Euclidean, one row per test image."""
    _assert_euclidean(student.compute_distances_no_loops, *_images(rng, train=9, test=5, pixels=6))


@check(points=2, of="compute_distances_no_loops")
def no_loops_of_equal_images(student, rng):
    """The distance of an image to itself is zero, and never NaN, whatever rounding does."""
    X = rng.uniform(0.0, 255.0, size=(60, 40))
    X_train = np.concatenate([X, rng.uniform(0.0, 255.0, size=(3, 40))])
    dists = student.compute_distances_no_loops(X_train, X)
    assert_shape(dists, (60, 63), name="dists")
    assert_finite(dists, name="dists")
    # In single precision, rounding alone makes a squared distance of 1e-7 of the squared norm.
    smallest = 2e-3 * float(np.linalg.norm(X, axis=1).max())
    expected = oracle.euclidean(X_train, X)
    assert_close(dists, expected, name="dists", rtol=1e-3, atol=smallest)


@check(points=1, of="compute_distances_no_loops")
def no_loops_of_one_image(student, rng):
    """A single test image, in float32, gives a matrix of one row."""
    X_train, X = _images(rng, train=4, test=1, pixels=7, dtype=np.float32)
    _assert_euclidean(student.compute_distances_no_loops, X_train, X)


@check(points=2, of="compute_distances_no_loops", memory_mb=256)
def no_loops_need_little_memory(student, rng):
    """Without loops, 480 by 500 images of 300 pixels take far less memory than all differences."""
    X_train, X = rng.normal(size=(500, 300)), rng.normal(size=(480, 300))
    dists = student.compute_distances_no_loops(X_train, X)
    assert_shape(dists, (480, 500), name="dists")


@check(points=2, of="compute_distances_no_loops", timeout=30.0)
def no_loops_are_faster(student, rng):
    """Without loops, 40 by 600 images take at most a third of the time of two loops."""
    X_train, X = rng.normal(size=(600, 1000)), rng.normal(size=(40, 1000))
    held = student.hold(X_train), student.hold(X)
    assert_shape(student.compute_distances_no_loops(*held), (40, 600), name="dists")
    fast = student.compute_distances_no_loops.seconds(*held, repeat=5)
    # Whose two loops are none is measured against a pair of ours.
    own = student.compute_distances_two_loops.seconds(*held, repeat=1)
    slow = max(own, timeit.timeit(lambda: _two_loops(X_train, X), number=1))
    require(
        slow >= 3 * fast,
        f"compute_distances_no_loops takes {1e3 * fast:.1f} ms and two loops take "
        f"{1e3 * slow:.1f} ms, expected a third of it or less",
        kind="time",
    )


# compute_distances_l1 -----------------------------------------------------------------------------


@check(points=2, of="compute_distances_l1")
def l1_adds_absolute_differences(student, rng):
    """L1 distances are sums of absolute differences, one row per test image."""
    for sizes in ({"train": 6, "test": 4, "pixels": 5}, {"train": 3, "test": 1, "pixels": 2}):
        X_train, X = _images(rng, **sizes)
        dists = student.compute_distances_l1(X_train, X)
        assert_close(dists, oracle.manhattan(X_train, X), name="dists", rtol=RTOL, atol=ATOL)


@check(points=1, of="compute_distances_l1", timeout=30.0, memory_mb=256)
def l1_needs_little_memory(student, rng):
    """L1 distances of 240 by 250 images take far less memory than all differences at once."""
    X_train, X = rng.normal(size=(250, 800)), rng.normal(size=(240, 800))
    dists = student.compute_distances_l1(X_train, X)
    assert_shape(dists, (240, 250), name="dists")


# predict_labels -----------------------------------------------------------------------------------


@check(points=1, of="predict_labels")
def nearest_image_decides(student, rng):
    """With k = 1, the default, the label is that of the nearest training image."""
    dists, y_train = rng.uniform(1.0, 9.0, size=(8, 13)), rng.integers(1, 9, size=13)
    y_pred = student.predict_labels(dists, y_train)
    _assert_labels(y_pred, oracle.vote(dists, y_train, 1))


@check(points=2, of="predict_labels")
def majority_decides(student, rng):
    """With k = 5, the most frequent label wins, wherever its images stand among the five."""
    y_train = rng.permutation(np.repeat([1, 4, 6, 9], 4))
    dists = rng.uniform(5.0, 9.0, size=(9, 16))
    for i, row in enumerate(dists):
        winner, *losers = rng.permutation([1, 4, 6, 9])
        # Three of one label and two of another, or two of one and one of each other.
        labels = [winner] * 3 + [losers[0]] * 2 if i % 3 else [winner] * 2 + losers
        order = np.array([labels[-1], *rng.permutation(labels[:-1])])  # the nearest is no winner
        for label in set(labels):
            places = np.flatnonzero(order == label)
            row[rng.permutation(np.flatnonzero(y_train == label))[: len(places)]] = places
    y_pred = student.predict_labels(dists, y_train, 5)
    _assert_labels(y_pred, oracle.vote(dists, y_train, 5))


@check(points=2, of="predict_labels")
def ties_go_to_the_smaller_label(student, rng):
    """Of equally frequent labels the smallest wins, wherever its images stand."""
    y_train = np.array([7, 7, 2, 2, 5, 5, 3])
    near = np.array([0.1, 0.4])  # the places of one pair of equal labels, 0.2 and 0.3 of the other
    dists = rng.uniform(1.0, 2.0, size=(8, 7))
    for i, row in enumerate(dists):
        first, second = rng.permutation([0, 2, 4])[:2]
        row[first : first + 2] = rng.permutation(near)
        row[second : second + 2] = rng.permutation([0.2, 0.3])
        if i >= 6:  # the outer pair is once that of the smallest, once that of the largest label
            row[:] = rng.uniform(1.0, 2.0, size=7)
            row[[0, 1, 2, 3]] = [0.1, 0.4, 0.2, 0.3] if i == 6 else [0.2, 0.3, 0.1, 0.4]
    y_pred = student.predict_labels(dists, y_train, k=4)
    _assert_labels(y_pred, oracle.vote(dists, y_train, 4))


@check(points=1, of="predict_labels")
def predict_labels_leaves_distances_alone(student, rng):
    """The distances that predict_labels is given are the same after the call."""
    dists, y_train = rng.uniform(1.0, 9.0, size=(5, 8)), rng.integers(0, 3, size=8)
    held = student.hold(dists)
    assert_shape(student.predict_labels(held, y_train, 3), (5,), name="labels")
    require_unchanged("predict_labels", dists=(held, dists))


# cross_validate_k ---------------------------------------------------------------------------------


@check(points=3, of="cross_validate_k")
def folds_are_held_out_in_turn(student, rng):
    """Each fold is judged by a classifier that knows all other folds, for each k."""
    X, y = _clusters(rng, num=24)
    _assert_accuracies(student.cross_validate_k(X, y, [1, 4, 7], num_folds=4), X, y, [1, 4, 7], 4)


@check(points=2, of="cross_validate_k")
def folds_may_be_uneven(student, rng):
    """Five folds of 23 images are cut as np.array_split cuts them, and none is left out."""
    X, y = _clusters(rng, num=23)
    _assert_accuracies(student.cross_validate_k(X, y, (2, 5)), X, y, (2, 5), 5)


@check(points=2, of="cross_validate_k", timeout=120.0)
def nearest_neighbours_recognise_images(student, rng):
    """With the k that cross-validation finds best, enough small test images are recognised."""
    data = _rows()
    start = rng.integers(len(data.X_train) - 5_000)
    chosen = slice(start, start + 5_000)  # a view: hand-ins by the hundred make no copies
    X_train, y_train = data.X_train[chosen], data.y_train[chosen]
    order = rng.permutation(len(data.X_test))
    accuracies = student.cross_validate_k(X_train[:1_000], y_train[:1_000], list(K_CHOICES))
    _require_dictionary(accuracies, K_CHOICES, 5)
    best_k = max(K_CHOICES, key=lambda k: np.mean(accuracies[k]))
    dists = student.compute_distances_no_loops.holding()(X_train, data.X_test[order])
    reached = accuracy(student.predict_labels(dists, y_train, best_k), data.y_test[order])
    bar = NEAREST_NEIGHBOURS[data.name].at_least
    require(
        reached >= bar,
        f"with k = {best_k}, test accuracy {reached:.1%} at 16×16 pixels, expected {bar:.0%} or "
        "more",
    )


# Inputs -------------------------------------------------------------------------------------------


def _images(rng, *, train, test, pixels, dtype=np.float64):
    """Return training and test images with values like those of pixels."""
    X_train = rng.uniform(1.0, 255.0, size=(train, pixels))
    X = rng.uniform(1.0, 255.0, size=(test, pixels))
    return X_train.astype(dtype), X.astype(dtype)


def _two_loops(X_train, X):
    """Compute distances the way that is to be outdone."""
    return [[np.sqrt(np.sum((a - b) ** 2)) for b in X_train] for a in X]


def _clusters(rng, *, num):
    """Return points of three classes that overlap, in random order."""
    y = rng.permutation(np.arange(num) % 3)
    return np.stack([y, -y, 0 * y], axis=1) + rng.normal(scale=0.8, size=(num, 3)), y


@once_per_dataset
def _rows(name):
    """Return the dataset at half the size as rows, in float32 (either precision must do)."""
    sizes = {"num_training": 10_000, "num_validation": 0, "num_test": 1_000}
    data = load_dataset(name, **sizes, dtype=np.uint8)
    return prepared(data, lambda images: half_size(images).reshape(len(images), 768))


# Verdicts -----------------------------------------------------------------------------------------


def _assert_euclidean(function, X_train, X):
    dists = function(X_train, X)
    assert_close(dists, oracle.euclidean(X_train, X), name="dists", rtol=RTOL, atol=ATOL)


def _assert_labels(y_pred, expected):
    assert_shape(y_pred, expected.shape, name="labels")
    assert_close(y_pred, expected, name="labels")


def _assert_accuracies(accuracies, X, y, k_choices, num_folds):
    _require_dictionary(accuracies, k_choices, num_folds)
    expected = oracle.accuracies(X, y, k_choices, num_folds)
    for k in k_choices:
        assert_close(accuracies[k], expected[k], name=f"the accuracies for k = {k}")


def _require_dictionary(accuracies, k_choices, num_folds):
    require(
        isinstance(accuracies, dict) and all(k in accuracies for k in k_choices),
        "cross_validate_k should return a dictionary with every k of k_choices as a key",
        kind="type",
    )
    for k in k_choices:
        assert_shape(accuracies[k], (num_folds,), name=f"the list for k = {k}")

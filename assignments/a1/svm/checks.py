"""Hidden checks of the SVM exercise.

Tolerances are those of single precision, so that a solution may compute in float32. No class is
within a thousandth of its margin, so that either slope at the kink of the hinge will do.
"""

from __future__ import annotations

import timeit
from itertools import pairwise

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

RTOL, ATOL = 1e-4, 1e-5

CALIBRATE = "python tests/benchmarks/calibrate.py a1/svm --dataset"
TRAIN_SVM = {
    "scenes": Threshold(
        at_least=0.36, mean=0.393, std=0.004, seeds=12, command=f"{CALIBRATE} scenes"
    ),
    "cifar10": Threshold(
        at_least=0.35, mean=0.381, std=0.004, seeds=12, command=f"{CALIBRATE} cifar10"
    ),
}


# svm_loss_naive -----------------------------------------------------------------------------------


@check(points=2, of="svm_loss_naive")
def naive_loss_is_correct(student, rng):
    """The loss computed with loops is the mean hinge loss plus reg times the sum of squares."""
    W, X, y = _batch(rng, images=5, pixels=7, classes=4)
    loss, _ = student.svm_loss_naive(W, X, y, 0.3)
    assert_close(loss, oracle.loss(W, X, y, 0.3), name="the loss", rtol=RTOL, atol=ATOL)


@check(points=3, of="svm_loss_naive")
def naive_gradient_is_correct(student, rng):
    """The gradient computed with loops agrees with the reference."""
    W, X, y = _batch(rng, images=6, pixels=5, classes=4)
    _, dW = student.svm_loss_naive(W, X, y, 0.7)
    assert_close(dW, oracle.gradient(W, X, y, 0.7), name="dW", rtol=RTOL, atol=ATOL)


@check(points=1, of="svm_loss_naive")
def naive_kept_margins_cost_nothing(student, rng):
    """Images that keep every margin add nothing to the loss and gradient computed with loops."""
    W, X, y = _satisfied(rng, images=5, pixels=4, classes=3)
    _assert_loss_and_gradient(student.svm_loss_naive(W, X, y, 0.0), W, X, y, 0.0)


# svm_loss_vectorized ------------------------------------------------------------------------------


@check(points=2, of="svm_loss_vectorized")
def loss_is_correct(student, rng):
    """The vectorised loss is the mean hinge loss plus reg times the sum of squares."""
    W, X, y = _batch(rng, images=7, pixels=6, classes=5)
    loss, _ = student.svm_loss_vectorized(W, X, y, 0.6)
    assert_close(loss, oracle.loss(W, X, y, 0.6), name="the loss", rtol=RTOL, atol=ATOL)


@check(points=3, of="svm_loss_vectorized")
def gradient_is_correct(student, rng):
    """The gradient of the vectorised loss agrees with the reference."""
    W, X, y = _batch(rng, images=8, pixels=5, classes=4)
    _, dW = student.svm_loss_vectorized(W, X, y, 0.7)
    assert_close(dW, oracle.gradient(W, X, y, 0.7), name="dW", rtol=RTOL, atol=ATOL)


@check(points=1, of="svm_loss_vectorized")
def kept_margins_cost_nothing(student, rng):
    """Images that keep every margin add nothing to the vectorised loss and gradient."""
    W, X, y = _satisfied(rng, images=6, pixels=5, classes=4)
    _assert_loss_and_gradient(student.svm_loss_vectorized(W, X, y, 0.0), W, X, y, 0.0)


@check(points=1, of="svm_loss_vectorized")
def one_image_is_a_batch(student, rng):
    """A batch of a single image, in float32, gives the right loss and gradient."""
    W, X, y = _batch(rng, images=1, pixels=4, classes=3)
    W, X = W.astype(np.float32), X.astype(np.float32)
    _assert_loss_and_gradient(student.svm_loss_vectorized(W, X, y, 0.2), W, X, y, 0.2)


@check(points=1, of="svm_loss_vectorized")
def arguments_are_left_alone(student, rng):
    """The arrays W, X and y are the same after a call of svm_loss_vectorized."""
    W, X, y = _batch(rng, images=4, pixels=6, classes=3)
    held = [student.hold(array) for array in (W, X, y)]
    _, dW = student.svm_loss_vectorized(*held, 0.4)
    assert_shape(dW, W.shape, name="dW")
    require_unchanged("svm_loss_vectorized", W=(held[0], W), X=(held[1], X), y=(held[2], y))


@check(points=2, of="svm_loss_vectorized", timeout=30.0)
def vectorized_is_faster(student, rng):
    """On 2000 images, the vectorised loss takes a third of the time of a loop, or less."""
    W, X = rng.normal(0.1, 0.8, size=(30, 10)), rng.normal(0.2, 1.0, size=(2000, 30))
    y = rng.integers(10, size=2000)
    held = student.hold(W), student.hold(X), student.hold(y)
    _, dW = student.svm_loss_vectorized(*held, 0.1)
    assert_shape(dW, W.shape, name="dW")
    fast = student.svm_loss_vectorized.seconds(*held, 0.1, repeat=5)
    # Whose naive version is vectorised as well is measured against a loop of ours.
    own = student.svm_loss_naive.seconds(*held, 0.1, repeat=1)
    slow = max(own, timeit.timeit(lambda: _loop_over_images(W, X, y), number=1))
    require(
        slow >= 3 * fast,
        f"svm_loss_vectorized takes {1e3 * fast:.1f} ms and a loop over the images "
        f"{1e3 * slow:.1f} ms, expected a third of it or less",
        kind="time",
    )


# sgd_train ----------------------------------------------------------------------------------------


@check(points=2, of="sgd_train")
def sgd_draws_batches(student, rng):
    """Every step draws a new batch of the right size with rng, images with their own labels."""
    X = np.column_stack([np.arange(60.0), rng.normal(size=(60, 2))])
    y = np.arange(60)  # every image has a class of its own, so that labels tell images apart
    seen = []

    def loss_fn(W, X_batch, y_batch, reg):
        rows, labels = np.asarray(X_batch), np.asarray(y_batch)
        own = len(rows) == len(labels) and np.array_equal(X[labels], rows)
        seen.append((tuple(rows[:, 0].tolist()), own))
        return (float(np.sum(labels)) if own else -1.0), np.zeros(np.shape(W))

    def train(seed):
        seen.clear()
        student.sgd_train(loss_fn, X, y, 0.1, 0.0, 12, 7, np.random.default_rng(seed))
        return [batch for batch, _ in seen]

    seed = int(rng.integers(2**32))
    batches = train(seed)
    require(len(batches) == 12, f"loss_fn was called {len(batches)} times in 12 iterations")
    sizes = sorted({len(batch) for batch in batches})
    require(sizes == [7], f"batches have {sizes} images, expected batch_size = 7")
    require(all(own for _, own in seen), "the labels of a batch are not those of its images")
    require(len(set(batches)) > 6, "batches repeat: draw a new one in every iteration")
    require(train(seed) == batches, "the same rng gave other batches: draw with rng alone")
    require(train(seed + 1) != batches, "another rng gave the same batches: draw with rng")


@check(points=2, of="sgd_train")
def sgd_steps_downhill(student, rng):
    """Every step subtracts the learning rate times the gradient, and passes reg on to loss_fn."""
    X, y = rng.normal(size=(20, 3)), rng.permutation(np.arange(20) % 4)
    loss_fn, seen = _quadratic(rng.normal(2.0, 1.0, size=(3, 4)))
    W, _ = student.sgd_train(loss_fn, X, y, 0.15, 0.25, 9, 5, np.random.default_rng(1))
    assert_shape(W, (3, 4), name="W")
    require(len(seen) == 9, f"loss_fn was called {len(seen)} times in 9 iterations")
    require(
        all(reg == 0.25 for _, _, _, reg in seen),
        "loss_fn did not get the reg that sgd_train was given",
    )
    steps = [*((before, dW) for before, dW, _, _ in seen), (W, None)]
    for (before, dW), (after, _) in pairwise(steps):
        assert_close(after, before - 0.15 * dW, name="W after a step", rtol=RTOL, atol=ATOL)


@check(points=1, of="sgd_train")
def sgd_records_every_loss(student, rng):
    """The history holds the loss of every batch, in order."""
    X, y = rng.normal(size=(15, 4)), rng.permutation(np.arange(15) % 3)
    loss_fn, seen = _quadratic(rng.normal(-1.0, 1.0, size=(4, 3)))
    _, history = student.sgd_train(loss_fn, X, y, 0.1, 0.1, 11, 4, np.random.default_rng(2))
    assert_shape(history, (11,), name="loss_history")
    losses = [loss for _, _, loss, _ in seen]
    assert_close(history, losses, name="loss_history", rtol=RTOL, atol=ATOL)


# predict ------------------------------------------------------------------------------------------


@check(points=1, of="predict")
def predict_takes_the_highest_score(student, rng):
    """The predicted label of every image is the class with the highest score."""
    for images in (9, 1):
        W, X, _ = _batch(rng, images=images, pixels=4, classes=6)
        labels = student.predict(W, X)
        assert_shape(labels, (images,), name="the labels")
        assert_close(labels, oracle.labels(W, X), name="the labels")


# train_svm ----------------------------------------------------------------------------------------


@check(points=1, of="train_svm", timeout=30.0)
def train_svm_learns_clusters(student, rng):
    """Three clusters of points far from each other are told apart, whatever D and C are."""
    centres = 80.0 * np.linalg.qr(rng.normal(size=(5, 5)))[0][:3]

    def points(num):
        y = rng.permutation(np.arange(num) % 3)
        X = centres[y] + rng.normal(scale=10.0, size=(num, 5))
        return np.column_stack([X, np.ones(num)]), y

    (X_train, y_train), (X_val, y_val), (X, y) = points(240), points(60), points(90)
    W = student.train_svm(X_train, y_train, X_val, y_val)
    assert_shape(W, (6, 3), name="W")
    assert_finite(W, name="W")
    reached = accuracy(oracle.labels(W, X), y)
    require(reached >= 0.9, f"of well separated clusters, {reached:.0%} of the points are right")


@check(points=4, of="train_svm", timeout=120.0)
def train_svm_reaches_accuracy(student, rng):
    """The weights that train_svm returns recognise enough test images of half the size."""
    data = _rows()
    start = rng.integers(len(data.X_train) - 9_000)
    chosen = slice(start, start + 9_000)  # a view: hand-ins by the hundred make no copies
    W = student.train_svm(data.X_train[chosen], data.y_train[chosen], data.X_val, data.y_val)
    assert_shape(W, (data.X_test.shape[1], data.num_classes), name="W")
    assert_finite(W, name="W")
    # Neither test images nor their labels leave this process.
    reached = accuracy(np.argmax(data.X_test @ np.asarray(W), axis=1), data.y_test)
    bar = TRAIN_SVM[data.name].at_least
    require(
        reached >= bar,
        f"test accuracy {reached:.1%} at 16×16 pixels, expected {bar:.0%} or more",
    )


# Inputs -------------------------------------------------------------------------------------------


def _batch(rng, *, images, pixels, classes):
    """Return W, X, y with classes on both sides of the margin, none of them at its very edge.

    Some image has several classes that violate the margin, and in a batch of several images some
    image has a class that keeps it: mistakes in how violations are counted show.
    """
    while True:
        W = rng.normal(0.1, 0.8, size=(pixels, classes))
        X = rng.normal(0.2, 1.0, size=(images, pixels))
        y = rng.integers(classes, size=images)
        rows = [[m for m in row if m is not None] for row in oracle.missing(W, X, y)]
        counts = [sum(m > 0 for m in row) for row in rows]
        clear = min(abs(m) for row in rows for m in row) > 1e-3
        varied = any(n < classes - 1 for n in counts) and any(n > 1 for n in counts)
        if clear and (varied or (images == 1 and counts[0] == classes - 1)):
            return W, X, y


def _satisfied(rng, *, images, pixels, classes):
    """Return W, X, y for which the true class leads by far, and leads by different amounts."""
    while True:
        W = 40.0 * rng.normal(size=(pixels, classes))
        X = rng.normal(0.2, 1.0, size=(images, pixels))
        y = np.argmax(X @ W, axis=1)
        if max(m for row in oracle.missing(W, X, y) for m in row if m is not None) < -0.5:
            return W, X, y


def _loop_over_images(W, X, y):
    """Compute the data part of the gradient the way that is to be outdone."""
    dW = np.zeros(W.shape)
    for x, label in zip(X, y, strict=True):
        scores = x @ W
        dscores = (scores - scores[label] + 1 > 0).astype(np.float64)
        dscores[label] = 0.0
        dscores[label] = -dscores.sum()
        dW += np.outer(x, dscores)
    return dW / len(X)


def _quadratic(target):
    """Return loss_fn with the loss ½ Σ (W - target)² + reg Σ W², and the list it notes calls in."""
    seen = []

    def loss_fn(W, X_batch, y_batch, reg):
        W = np.array(W, dtype=np.float64)
        loss = 0.5 * np.sum((W - target) ** 2) + reg * np.sum(W * W)
        dW = W - target + 2 * reg * W
        seen.append((W, dW, float(loss), reg))
        return float(loss), dW

    return loss_fn, seen


@once_per_dataset
def _rows(name):
    """Return the dataset prepared as in the notebook, at half the size: rows with a one appended.

    Shorter rows cost a training run of any length, which is most of what grading takes, a quarter;
    fewer images would only cost accuracy. With 2,000 test images instead of 1,000, runs differ half
    as much.
    """
    sizes = {"num_training": 10_000, "num_validation": 1_000, "num_test": 2_000}
    data = load_dataset(name, **sizes, dtype=np.uint8)
    mean_image = half_size(data.X_train).mean(axis=0)

    def rows(images):
        flat = (half_size(images) - mean_image).reshape(len(images), -1)
        return np.hstack([flat, np.ones((len(flat), 1), dtype=flat.dtype)])

    return prepared(data, rows)


# Verdicts -----------------------------------------------------------------------------------------


def _assert_loss_and_gradient(returned, W, X, y, reg):
    loss, dW = returned
    assert_close(loss, oracle.loss(W, X, y, reg), name="the loss", rtol=RTOL, atol=ATOL)
    assert_close(dW, oracle.gradient(W, X, y, reg), name="dW", rtol=RTOL, atol=ATOL)

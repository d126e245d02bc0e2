"""Hidden checks of the softmax exercise.

Tolerances are those of single precision, so that a solution may compute in float32; large scores
are sums of small fractions of two, which float32 represents exactly.
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

RTOL, ATOL = 1e-4, 1e-5

CALIBRATE = "python tests/benchmarks/calibrate.py a1/softmax --dataset"
# Below the 38 % that the notebook asks for on scenes: who divides every pixel by its spread and
# learns slowly reaches 41.7 % with whole images and only 37.1 % with those of half the size.
TRAIN_SOFTMAX = {
    "scenes": Threshold(
        at_least=0.35, mean=0.408, std=0.005, seeds=12, command=f"{CALIBRATE} scenes"
    ),
    "cifar10": Threshold(
        at_least=0.35, mean=0.385, std=0.007, seeds=12, command=f"{CALIBRATE} cifar10"
    ),
}


# softmax_probabilities ----------------------------------------------------------------------------


@check(points=1, of="softmax_probabilities")
def probabilities_are_correct(student, rng):
    """Probabilities of a batch of scores agree with the definition, row by row."""
    scores = rng.normal(0.3, 1.7, size=(6, 4))
    expected = oracle.probabilities(scores)
    probabilities = student.softmax_probabilities(scores)
    assert_close(probabilities, expected, name="probabilities", rtol=RTOL, atol=ATOL)


@check(points=2, of="softmax_probabilities")
def probabilities_survive_large_scores(student, rng):
    """Scores of plus and minus ten thousand, together in one batch, give finite probabilities."""
    levels = np.array([[1e4], [-1e4], [0.0], [9e3], [-5e3]])
    scores = levels + rng.integers(-8, 9, size=(5, 3)) / 4
    scores[2] = rng.permutation([1e4, -1e4, 0.25])
    expected = oracle.probabilities(scores)
    probabilities = student.softmax_probabilities(scores)
    assert_close(probabilities, expected, name="probabilities", rtol=RTOL, atol=ATOL)


@check(points=1, of="softmax_probabilities")
def probabilities_of_one_image(student, rng):
    """A batch of a single image, in float32, gives one row of probabilities."""
    scores = rng.normal(-0.4, 2.0, size=(1, 5)).astype(np.float32)
    expected = oracle.probabilities(scores)
    probabilities = student.softmax_probabilities(scores)
    assert_close(probabilities, expected, name="probabilities", rtol=RTOL, atol=ATOL)


@check(points=1, of="softmax_probabilities")
def probabilities_leave_scores_alone(student, rng):
    """The scores that softmax_probabilities is given are the same after the call."""
    scores = rng.normal(1.5, 1.0, size=(4, 3))
    held = student.hold(scores)
    assert_shape(student.softmax_probabilities(held), scores.shape, name="probabilities")
    require_unchanged("softmax_probabilities", scores=(held, scores))


# softmax_loss_naive -------------------------------------------------------------------------------


@check(points=2, of="softmax_loss_naive")
def naive_loss_is_correct(student, rng):
    """The loss computed with loops is the mean cross-entropy plus reg times the sum of squares."""
    W, X, y = _batch(rng, images=5, pixels=7, classes=4)
    loss, _ = student.softmax_loss_naive(W, X, y, 0.3)
    assert_close(loss, oracle.loss(W, X, y, 0.3), name="the loss", rtol=RTOL, atol=ATOL)


@check(points=3, of="softmax_loss_naive")
def naive_gradient_is_correct(student, rng):
    """The gradient computed with loops agrees with the reference."""
    W, X, y = _batch(rng, images=6, pixels=5, classes=3)
    _, dW = student.softmax_loss_naive(W, X, y, 0.7)
    assert_close(dW, oracle.gradient(W, X, y, 0.7), name="dW", rtol=RTOL, atol=ATOL)


@check(points=1, of="softmax_loss_naive")
def naive_survives_large_scores(student, rng):
    """Loss and gradient computed with loops are right for scores of ten thousand, too."""
    for W, X, y in _large_batches(rng):
        _assert_loss_and_gradient(student.softmax_loss_naive(W, X, y, 0.0), W, X, y, 0.0)


# softmax_loss_vectorized --------------------------------------------------------------------------


@check(points=2, of="softmax_loss_vectorized")
def loss_is_correct(student, rng):
    """The vectorised loss is the mean cross-entropy plus reg times the sum of squares."""
    W, X, y = _batch(rng, images=7, pixels=6, classes=5)
    loss, _ = student.softmax_loss_vectorized(W, X, y, 0.6)
    assert_close(loss, oracle.loss(W, X, y, 0.6), name="the loss", rtol=RTOL, atol=ATOL)


@check(points=3, of="softmax_loss_vectorized")
def gradient_is_correct(student, rng):
    """The gradient of the vectorised loss agrees with the reference."""
    W, X, y = _batch(rng, images=8, pixels=5, classes=3)
    _, dW = student.softmax_loss_vectorized(W, X, y, 0.7)
    assert_close(dW, oracle.gradient(W, X, y, 0.7), name="dW", rtol=RTOL, atol=ATOL)


@check(points=2, of="softmax_loss_vectorized")
def large_scores_stay_finite(student, rng):
    """Vectorised loss and gradient are finite and right for scores of ten thousand."""
    for W, X, y in _large_batches(rng):
        _assert_loss_and_gradient(student.softmax_loss_vectorized(W, X, y, 0.0), W, X, y, 0.0)


@check(points=1, of="softmax_loss_vectorized")
def one_image_is_a_batch(student, rng):
    """A batch of a single image, in float32, gives the right loss and gradient."""
    W, X, y = _batch(rng, images=1, pixels=4, classes=3)
    W, X = W.astype(np.float32), X.astype(np.float32)
    _assert_loss_and_gradient(student.softmax_loss_vectorized(W, X, y, 0.2), W, X, y, 0.2)


@check(points=1, of="softmax_loss_vectorized")
def arguments_are_left_alone(student, rng):
    """The arrays W, X and y are the same after a call of softmax_loss_vectorized."""
    W, X, y = _batch(rng, images=4, pixels=6, classes=3)
    held = [student.hold(array) for array in (W, X, y)]
    _, dW = student.softmax_loss_vectorized(*held, 0.4)
    assert_shape(dW, W.shape, name="dW")
    require_unchanged("softmax_loss_vectorized", W=(held[0], W), X=(held[1], X), y=(held[2], y))


@check(points=2, of="softmax_loss_vectorized", timeout=30.0)
def vectorized_is_faster(student, rng):
    """On 2000 images, the vectorised loss takes a third of the time of a loop, or less."""
    W, X, y = _batch(rng, images=2000, pixels=30, classes=10)
    held = student.hold(W), student.hold(X), student.hold(y)
    _, dW = student.softmax_loss_vectorized(*held, 0.1)
    assert_shape(dW, W.shape, name="dW")
    fast = student.softmax_loss_vectorized.seconds(*held, 0.1, repeat=5)
    # Whose naive version is vectorised as well is measured against a loop of ours.
    own = student.softmax_loss_naive.seconds(*held, 0.1, repeat=1)
    slow = max(own, timeit.timeit(lambda: _loop_over_images(W, X, y), number=1))
    require(
        slow >= 3 * fast,
        f"softmax_loss_vectorized takes {1e3 * fast:.1f} ms and a loop over the images "
        f"{1e3 * slow:.1f} ms, expected a third of it or less",
        kind="time",
    )


# train_softmax ------------------------------------------------------------------------------------


@check(points=1, of="train_softmax", timeout=30.0)
def train_softmax_learns_clusters(student, rng):
    """Three clusters of points far from each other are told apart, whatever D and C are."""
    centres = 80.0 * np.linalg.qr(rng.normal(size=(5, 5)))[0][:3]

    def points(num):
        y = rng.permutation(np.arange(num) % 3)
        X = centres[y] + rng.normal(scale=10.0, size=(num, 5))
        return np.column_stack([X, np.ones(num)]), y

    (X_train, y_train), (X_val, y_val), (X, y) = points(240), points(60), points(90)
    W = student.train_softmax(X_train, y_train, X_val, y_val)
    assert_shape(W, (6, 3), name="W")
    assert_finite(W, name="W")
    reached = accuracy(oracle.labels(W, X), y)
    require(reached >= 0.9, f"of well separated clusters, {reached:.0%} of the points are right")


@check(points=4, of="train_softmax", timeout=120.0)
def train_softmax_reaches_accuracy(student, rng):
    """The weights that train_softmax returns recognise enough test images of half the size."""
    data = _rows()
    start = rng.integers(len(data.X_train) - 9_000)
    chosen = slice(start, start + 9_000)  # a view: hand-ins by the hundred make no copies
    W = student.train_softmax(data.X_train[chosen], data.y_train[chosen], data.X_val, data.y_val)
    assert_shape(W, (data.X_test.shape[1], data.num_classes), name="W")
    assert_finite(W, name="W")
    # Neither test images nor their labels leave this process.
    reached = accuracy(np.argmax(data.X_test @ np.asarray(W), axis=1), data.y_test)
    bar = TRAIN_SOFTMAX[data.name].at_least
    require(
        reached >= bar,
        f"test accuracy {reached:.1%} at 16×16 pixels, expected {bar:.0%} or more",
    )


# Inputs -------------------------------------------------------------------------------------------


def _batch(rng, *, images, pixels, classes):
    """Return W, X, y whose scores are a few units apart."""
    W = rng.normal(0.1, 0.8, size=(pixels, classes))
    X = rng.normal(0.2, 1.0, size=(images, pixels))
    return W, X, rng.integers(classes, size=images)


def _large_batches(rng):
    """Yield batches with scores of ten thousand: alike, of both signs, far apart in an image."""
    y = rng.permutation([0, 1, 2, 3, 1])
    W = rng.integers(-4, 5, size=(6, 4)) / 16
    W[0] += 1000.0
    for first_pixel in ([10.0] * 5, [10.0, -10.0, 9.5, -9.0, 0.25]):
        X = rng.integers(-40, 41, size=(5, 6)) / 4
        X[:, 0] = first_pixel
        yield W, X, y
    W = rng.integers(-700, 701, size=(6, 4)).astype(np.float64)
    # The least likely class is the true one: each loss is a gap between two large scores.
    yield W, X, np.argmin(X @ W, axis=1)


def _loop_over_images(W, X, y):
    """Compute the data part of the gradient the way that is to be outdone."""
    dW = np.zeros(W.shape)
    for x, label in zip(X, y, strict=True):
        scores = x @ W
        exponentials = np.exp(scores - scores.max())
        dscores = exponentials / exponentials.sum()
        dscores[label] -= 1
        dW += np.outer(x, dscores)
    return dW / len(X)


@once_per_dataset
def _rows(name):
    """Return the dataset prepared as in the notebook, at half the size: rows with a one appended.

    Shorter rows cost a training run of any length, which is most of what grading takes, a quarter;
    fewer images would only cost accuracy.
    """
    sizes = {"num_training": 10_000, "num_validation": 1_000, "num_test": 1_000}
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

"""Hidden checks of the exercise on the two-layer network.

Tolerances are those of single precision, so that a solution may compute in float32. Backward
functions are given the caches of the same student's forward functions, which stay in their process:
what is in a cache is nobody else's business.
"""

from __future__ import annotations

import numpy as np

from autograder import (
    Threshold,
    accuracy,
    assert_close,
    assert_finite,
    assert_shape,
    check,
    once_per_dataset,
    prepared,
    require,
    require_unchanged,
    scores_of,
)
from cs231n_lib.datasets import load_dataset

from . import oracle

RTOL, ATOL = 1e-4, 1e-5

CALIBRATE = "python tests/benchmarks/calibrate.py a1/two_layer_net --dataset"
TRAIN_TWO_LAYER_NET = {
    "scenes": Threshold(
        at_least=0.47, mean=0.538, std=0.008, seeds=12, command=f"{CALIBRATE} scenes"
    ),
    "cifar10": Threshold(
        at_least=0.46, mean=0.508, std=0.011, seeds=12, command=f"{CALIBRATE} cifar10"
    ),
}


# affine_forward -----------------------------------------------------------------------------------


@check(points=2, of="affine_forward")
def affine_output_is_correct(student, rng):
    """The output of the affine layer is x @ w + b for a batch of rows."""
    x, w, b = _affine(rng, (5, 4), 3)
    out, _ = student.affine_forward.holding(1)(x, w, b)
    assert_close(out, oracle.affine(x, w, b), name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="affine_forward")
def affine_flattens_examples(student, rng):
    """Examples of shape (2, 3, 5) are laid out as rows of 30 numbers."""
    x, w, b = _affine(rng, (4, 2, 3, 5), 7)
    out, _ = student.affine_forward.holding(1)(x, w, b)
    assert_close(out, oracle.affine(x, w, b), name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="affine_forward")
def affine_output_of_one_example(student, rng):
    """A batch of a single example, in float32, gives one row of outputs."""
    x, w, b = (a.astype(np.float32) for a in _affine(rng, (1, 3, 2), 5))
    out, _ = student.affine_forward.holding(1)(x, w, b)
    assert_close(out, oracle.affine(x, w, b), name="out", rtol=RTOL, atol=ATOL)


# affine_backward ----------------------------------------------------------------------------------


@check(points=2, of="affine_backward")
def affine_dx_is_correct(student, rng):
    """The gradient dx of the affine layer agrees with the reference."""
    (dx, _, _), expected = _affine_backward(student, rng, (6, 4), 3)
    assert_close(dx, expected[0], name="dx", rtol=RTOL, atol=ATOL)


@check(points=2, of="affine_backward")
def affine_dw_is_correct(student, rng):
    """The gradient dw of the affine layer agrees with the reference."""
    (_, dw, _), expected = _affine_backward(student, rng, (5, 3), 4)
    assert_close(dw, expected[1], name="dw", rtol=RTOL, atol=ATOL)


@check(points=1, of="affine_backward")
def affine_db_is_correct(student, rng):
    """The gradient db of the affine layer agrees with the reference."""
    (_, _, db), expected = _affine_backward(student, rng, (7, 2), 5)
    assert_close(db, expected[2], name="db", rtol=RTOL, atol=ATOL)


@check(points=1, of="affine_backward")
def affine_dx_has_the_shape_of_x(student, rng):
    """For examples of shape (2, 5, 3), dx has that shape, too, and all gradients are right."""
    gradients, expected = _affine_backward(student, rng, (4, 2, 5, 3), 6)
    for gradient, right, name in zip(gradients, expected, ("dx", "dw", "db"), strict=True):
        assert_close(gradient, right, name=name, rtol=RTOL, atol=ATOL)


@check(points=1, of="affine_backward")
def affine_gradients_of_one_example(student, rng):
    """A batch of a single example, in float32, gives the right gradients."""
    gradients, expected = _affine_backward(student, rng, (1, 4), 3, np.float32)
    for gradient, right, name in zip(gradients, expected, ("dx", "dw", "db"), strict=True):
        assert_close(gradient, right, name=name, rtol=RTOL, atol=ATOL)


# relu_forward -------------------------------------------------------------------------------------


@check(points=1, of="relu_forward")
def relu_output_is_correct(student, rng):
    """ReLU keeps positive numbers and turns the others into 0, for arrays of any shape."""
    for shape, dtype in (((4, 5), np.float64), ((2, 3, 4), np.float32)):
        x = _away_from_zero(rng, shape).astype(dtype)
        out, _ = student.relu_forward.holding(1)(x)
        assert_close(out, oracle.relu(x), name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="relu_forward")
def relu_leaves_input_alone(student, rng):
    """The array that relu_forward is given is the same after the call."""
    x = _away_from_zero(rng, (5, 3))
    held = student.hold(x)
    out, _ = student.relu_forward.holding(1)(held)
    assert_shape(out, x.shape, name="out")
    require_unchanged("relu_forward", x=(held, x))


# relu_backward ------------------------------------------------------------------------------------


@check(points=2, of="relu_backward")
def relu_gradient_is_correct(student, rng):
    """ReLU passes dout on, positive or negative, where its input was positive."""
    x, dout = _away_from_zero(rng, (6, 5)), rng.normal(0.3, 1.5, size=(6, 5))
    _, cache = student.relu_forward.holding(1)(x)
    dx = student.relu_backward(dout, cache)
    assert_close(dx, oracle.relu_gradient(dout, x), name="dx", rtol=RTOL, atol=ATOL)


@check(points=1, of="relu_backward")
def relu_gradient_of_any_shape(student, rng):
    """ReLU's gradient is right for an array of four dimensions, in float32."""
    x = _away_from_zero(rng, (1, 2, 4, 3)).astype(np.float32)
    dout = rng.normal(-0.2, 1.0, size=x.shape).astype(np.float32)
    _, cache = student.relu_forward.holding(1)(x)
    dx = student.relu_backward(dout, cache)
    assert_close(dx, oracle.relu_gradient(dout, x), name="dx", rtol=RTOL, atol=ATOL)


# softmax_loss -------------------------------------------------------------------------------------


@check(points=1, of="softmax_loss")
def softmax_loss_is_correct(student, rng):
    """The softmax loss is the mean surprise at the true classes."""
    x, y = _scores(rng, 6, 4)
    loss, _ = student.softmax_loss(x, y)
    assert_close(loss, oracle.softmax_loss(x, y), name="the loss", rtol=RTOL, atol=ATOL)


@check(points=2, of="softmax_loss")
def softmax_gradient_is_correct(student, rng):
    """The gradient of the softmax loss agrees with the reference."""
    x, y = _scores(rng, 7, 3)
    _, dx = student.softmax_loss(x, y)
    assert_close(dx, oracle.softmax_gradient(x, y), name="dx", rtol=RTOL, atol=ATOL)


@check(points=2, of="softmax_loss")
def softmax_survives_large_scores(student, rng):
    """Scores of plus and minus ten thousand in one batch give the right loss and gradient."""
    levels = np.array([[1e4], [-1e4], [0.0], [9e3], [-5e3]])
    x = levels + rng.integers(-8, 9, size=(5, 3)) / 4
    x[2] = rng.permutation([1e4, -1e4, 0.25])
    y = np.argmin(x, axis=1)  # the least likely class is the true one
    _assert_loss(student.softmax_loss(x, y), oracle.softmax_loss, oracle.softmax_gradient, x, y)


@check(points=1, of="softmax_loss")
def softmax_loss_of_one_example(student, rng):
    """A batch of a single example, in float32, gives the right softmax loss and gradient."""
    x, y = _scores(rng, 1, 5)
    x = x.astype(np.float32)
    _assert_loss(student.softmax_loss(x, y), oracle.softmax_loss, oracle.softmax_gradient, x, y)


@check(points=1, of="softmax_loss")
def softmax_loss_leaves_scores_alone(student, rng):
    """The scores that softmax_loss is given are the same after the call."""
    x, y = _scores(rng, 4, 3)
    held = student.hold(x)
    _, dx = student.softmax_loss(held, y)
    assert_shape(dx, x.shape, name="dx")
    require_unchanged("softmax_loss", x=(held, x))


# svm_loss -----------------------------------------------------------------------------------------


@check(points=2, of="svm_loss")
def svm_loss_is_correct(student, rng):
    """The SVM loss is the mean over the examples of all positive margins."""
    x, y = _margins(rng, 6, 4)
    loss, _ = student.svm_loss(x, y)
    assert_close(loss, oracle.svm_loss(x, y), name="the loss", rtol=RTOL, atol=ATOL)


@check(points=2, of="svm_loss")
def svm_gradient_is_correct(student, rng):
    """The gradient of the SVM loss agrees with the reference."""
    x, y = _margins(rng, 7, 5)
    _, dx = student.svm_loss(x, y)
    assert_close(dx, oracle.svm_gradient(x, y), name="dx", rtol=RTOL, atol=ATOL)


@check(points=1, of="svm_loss")
def svm_loss_of_one_example(student, rng):
    """A batch of a single example, in float32, gives the right SVM loss and gradient."""
    x, y = _margins(rng, 1, 6)
    x = x.astype(np.float32)
    _assert_loss(student.svm_loss(x, y), oracle.svm_loss, oracle.svm_gradient, x, y)


# TwoLayerNet --------------------------------------------------------------------------------------


@check(points=2, of="TwoLayerNet")
def weights_start_small_and_random(student, rng):
    """W1 and W2 start at random with standard deviation weight_scale, in the right shapes."""
    net = student.TwoLayerNet(90, 70, 40, 0.03, 0.1, np.random.default_rng(rng.integers(2**32)))
    params = net.params
    _require_names(params, "params")
    for name, shape in (("W1", (90, 70)), ("b1", (70,)), ("W2", (70, 40)), ("b2", (40,))):
        assert_shape(params[name], shape, name=name)
        assert_finite(params[name], name=name)
    for name in ("W1", "W2"):
        mean, std = np.mean(params[name]), np.std(params[name])
        require(
            abs(std - 0.03) < 0.003,
            f"the standard deviation of {name} is {std:.3g} for weight_scale = 0.03",
        )
        require(abs(mean) < 0.003, f"the mean of {name} is {mean:.3g}, expected about 0")
    largest = max(np.max(np.abs(params[name])) for name in ("b1", "b2"))
    require(largest < 0.3, f"biases start at up to {largest:.3g}: let them start at 0")


@check(points=1, of="TwoLayerNet")
def weights_come_from_rng(student, rng):
    """The same rng gives the same initial weights, another one gives others."""
    seed = int(rng.integers(2**32))
    first, again, other = (
        student.TwoLayerNet(5, 4, 3, 0.1, 0.0, np.random.default_rng(s)).params
        for s in (seed, seed, seed + 1)
    )
    for name in ("W1", "W2"):
        require(
            np.array_equal(first[name], again[name]),
            f"the same rng gave another {name}: draw with rng alone",
        )
        require(
            not np.array_equal(first[name], other[name]),
            f"another rng gave the same {name}: draw with rng",
        )


@check(points=2, of="TwoLayerNet")
def scores_are_correct(student, rng):
    """Without labels, loss returns the scores of the images."""
    net, params = _network(student, rng, (6, 5, 4), reg=0.4)
    X = rng.normal(0.2, 1.0, size=(7, 6))
    expected = oracle.network_scores(params, X)
    assert_close(net.loss(X), expected, name="the scores", rtol=RTOL, atol=ATOL)


@check(points=2, of="TwoLayerNet")
def network_loss_is_correct(student, rng):
    """The loss is that of softmax plus half of reg times the squares of W1 and W2."""
    net, params = _network(student, rng, (4, 6, 3), reg=0.7)
    X, y = rng.normal(0.2, 1.0, size=(5, 4)), rng.integers(3, size=5)
    loss, _ = net.loss(X, y)
    expected = oracle.network_loss(params, X, y, 0.7)
    assert_close(loss, expected, name="the loss", rtol=RTOL, atol=ATOL)


@check(points=3, of="TwoLayerNet")
def network_gradients_are_correct(student, rng):
    """Without regularisation, the gradients of all four parameters agree with the reference."""
    _assert_gradients(student, rng, (5, 6, 4), (8, 5), reg=0.0)


@check(points=2, of="TwoLayerNet")
def regularised_gradients_are_correct(student, rng):
    """With regularisation, the gradients of weights and biases agree with the reference."""
    _assert_gradients(student, rng, (6, 4, 5), (7, 6), reg=0.9)


@check(points=1, of="TwoLayerNet")
def network_takes_one_picture(student, rng):
    """A single picture of shape (2, 3, 4) gives the right scores and gradients."""
    net, params, X, _ = _assert_gradients(student, rng, (24, 5, 3), (1, 2, 3, 4), reg=0.3)
    expected = oracle.network_scores(params, X)
    assert_close(net.loss(X), expected, name="the scores", rtol=RTOL, atol=ATOL)


# train_two_layer_net ------------------------------------------------------------------------------


@check(points=2, of="train_two_layer_net", timeout=60.0)
def train_two_layer_net_learns_patterns(student, rng):
    """Four patterns under a lot of noise are told apart, whatever D and C are."""
    patterns = rng.choice([-1.0, 1.0], size=(4, 192))

    def images(num):
        y = rng.permutation(np.arange(num) % 4)
        noisy = patterns[y] + rng.normal(scale=1.0, size=(num, 192))
        return (0.7 * noisy).astype(np.float32), y

    (X_train, y_train), (X_val, y_val), (X, y) = images(3000), images(200), images(200)
    model = student.train_two_layer_net(X_train, y_train, X_val, y_val)
    scores = scores_of(model, X, 4, function="train_two_layer_net")
    reached = accuracy(np.argmax(scores, axis=1), y)
    require(reached >= 0.9, f"of patterns that differ clearly, {reached:.0%} are right")


@check(points=4, of="train_two_layer_net", timeout=120.0)
def train_two_layer_net_reaches_accuracy(student, rng):
    """The network that train_two_layer_net returns recognises enough of the test images."""
    data = _rows()
    start = rng.integers(501)
    chosen = slice(start, start + len(data.X_train) - 500)  # a view: no copy for each hand-in
    model = student.train_two_layer_net(
        data.X_train[chosen], data.y_train[chosen], data.X_val, data.y_val
    )
    scores = scores_of(model, data.X_test, data.num_classes, function="train_two_layer_net")
    reached = accuracy(np.argmax(scores, axis=1), data.y_test)
    bar = TRAIN_TWO_LAYER_NET[data.name].at_least
    require(reached >= bar, f"test accuracy {reached:.1%}, expected {bar:.0%} or more")


# Inputs -------------------------------------------------------------------------------------------


def _affine(rng, shape, outputs):
    """Return x of a shape, w and b, with values around 1 that are not zero on average."""
    inputs = int(np.prod(shape[1:]))
    w = rng.normal(0.1, 0.8, size=(inputs, outputs))
    return rng.normal(0.3, 1.1, size=shape), w, rng.normal(0.7, 1.0, size=outputs)


def _affine_backward(student, rng, shape, outputs, dtype=np.float64):
    """Return the student's gradients and the right ones for random inputs."""
    x, w, b = (a.astype(dtype) for a in _affine(rng, shape, outputs))
    dout = rng.normal(0.2, 1.3, size=(shape[0], outputs)).astype(dtype)
    _, cache = student.affine_forward.holding(1)(x, w, b)
    dx, dw, db = student.affine_backward(dout, cache)
    return (dx, dw, db), oracle.affine_gradients(dout, x, w)


def _away_from_zero(rng, shape):
    """Return numbers of both signs, none near the kink."""
    return rng.choice([-1.0, 1.0], size=shape) * rng.uniform(0.2, 2.5, size=shape)


def _scores(rng, examples, classes):
    return rng.normal(0.3, 1.7, size=(examples, classes)), rng.integers(classes, size=examples)


def _margins(rng, examples, classes):
    """Return scores none of whose margins is near the kink, with labels.

    Scores are distinct multiples of 0.7 in every row, so margins are multiples of 0.7 plus 1.
    """
    x = np.stack([rng.permutation(classes) for _ in range(examples)])
    y = rng.integers(classes, size=examples)
    y[0] = np.argmin(x[0])  # at least one example has every margin
    return 0.7 * x - 0.35 + rng.uniform(-0.02, 0.02, size=x.shape), y


def _network(student, rng, sizes, reg):
    """Return a network of the student's with parameters of ours, biases included, and these."""
    inputs, hidden, classes = sizes
    net = student.TwoLayerNet(inputs, hidden, classes, 0.1, reg, np.random.default_rng(1))
    params = {
        "W1": rng.normal(0.1, 0.7, size=(inputs, hidden)),
        "b1": rng.normal(0.4, 0.6, size=hidden),
        "W2": rng.normal(-0.1, 0.8, size=(hidden, classes)),
        "b2": rng.normal(-0.3, 0.9, size=classes),
    }
    net.params = params
    return net, params


@once_per_dataset
def _rows(name):
    """Return the dataset as the notebook prepares it: float32 rows, centred, divided by 64."""
    num_training = {"scenes": 10_000, "cifar10": 20_000}[name]
    data = load_dataset(
        name, num_training=num_training, num_validation=1_000, num_test=1_000, dtype="uint8"
    )
    mean_image = data.X_train.mean(axis=0, dtype=np.float64).astype(np.float32)

    def rows(images):
        centred = images.astype(np.float32)
        centred -= mean_image
        centred /= 64
        return centred.reshape(len(centred), -1)

    return prepared(data, rows)


# Verdicts -----------------------------------------------------------------------------------------


def _assert_loss(returned, loss_of, gradient_of, x, y):
    loss, dx = returned
    assert_close(loss, loss_of(x, y), name="the loss", rtol=RTOL, atol=ATOL)
    assert_close(dx, gradient_of(x, y), name="dx", rtol=RTOL, atol=ATOL)


def _assert_gradients(student, rng, sizes, shape, reg):
    """Check all gradients of a network, from the loss backwards."""
    net, params = _network(student, rng, sizes, reg)
    X, y = rng.normal(0.2, 1.0, size=shape), rng.integers(sizes[2], size=shape[0])
    _, grads = net.loss(X, y)
    _require_names(grads, "grads")
    expected = oracle.network_gradients(params, X, y, reg)
    for name in ("W2", "b2", "W1", "b1"):
        assert_close(grads[name], expected[name], name=f"d{name}", rtol=RTOL, atol=ATOL)
    return net, params, X, y


def _require_names(arrays, what):
    require(isinstance(arrays, dict), f"{what} is no dictionary", kind="type")
    missing = [name for name in ("W1", "b1", "W2", "b2") if name not in arrays]
    require(not missing, f"{what} has no {', '.join(missing)}")

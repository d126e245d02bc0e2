"""Hidden checks of the exercise on fully connected networks.

Tolerances are those of single precision, so that a solution may compute in float32. The backward
functions are given the caches of the same student's forward functions, which stay in their process.

Which units dropout drops is up to the student's generator, and in which order it draws is nobody's
business. So the masks are read off what comes out: in the block from its output, in a network from
the gradients of its weights (for a single image, the row of dW that belongs to a dropped unit is
zero). Loss and gradients must then be those of the network with just these masks.
"""

from __future__ import annotations

from itertools import pairwise

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

RTOL, ATOL = 1e-3, 2e-5

CALIBRATE = "python tests/benchmarks/calibrate.py a2/fully_connected_nets --dataset"
# On half of the notebook's scenes and a quarter of its CIFAR-10, the reference reaches 6 and 7
# points less. These bars are as far below the notebook's, so that who reaches those passes here.
TRAIN_FULLY_CONNECTED_NET = {
    "scenes": Threshold(
        at_least=0.42, mean=0.462, std=0.0096, seeds=4, command=f"{CALIBRATE} scenes --seeds 4"
    ),
    "cifar10": Threshold(
        at_least=0.40, mean=0.442, std=0.0065, seeds=4, command=f"{CALIBRATE} cifar10 --seeds 4"
    ),
}


# affine_relu_forward ------------------------------------------------------------------------------


@check(points=1, of="affine_relu_forward")
def sandwich_output_is_correct(student, rng):
    """The output is that of the affine layer, with negative numbers turned into 0."""
    x, w, b = _affine(rng, (6, 4), 5)
    out, _ = student.affine_relu_forward.holding(1)(x, w, b)
    assert_close(out, oracle.block(x, w, b), name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="affine_relu_forward")
def sandwich_takes_one_picture(student, rng):
    """A single example of shape (2, 3, 5), in float32, is laid out as a row."""
    x, w, b = (a.astype(np.float32) for a in _affine(rng, (1, 2, 3, 5), 7))
    out, _ = student.affine_relu_forward.holding(1)(x, w, b)
    assert_close(out, oracle.block(x, w, b), name="out", rtol=RTOL, atol=ATOL)


# affine_relu_backward -----------------------------------------------------------------------------


@check(points=2, of="affine_relu_backward")
def sandwich_gradients_are_correct(student, rng):
    """The gradients dx, dw and db go back through ReLU and then through the affine layer."""
    _assert_sandwich_gradients(student, rng, (6, 4), 5)


@check(points=1, of="affine_relu_backward")
def sandwich_dx_has_the_shape_of_x(student, rng):
    """For a single example of shape (2, 5, 3), in float32, dx has that shape."""
    _assert_sandwich_gradients(student, rng, (1, 2, 5, 3), 4, np.float32)


# affine_norm_relu_dropout_forward -----------------------------------------------------------------


@check(points=1, of="affine_norm_relu_dropout_forward")
def block_without_extras(student, rng):
    """Without normalisation and dropout, the block is affine and ReLU."""
    inputs = _inputs(rng, (6, 2, 3), 5, None)
    out, _ = _forward(student, inputs, None, None, None)
    assert_close(out, oracle.block(**inputs), name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="affine_norm_relu_dropout_forward")
def block_with_batchnorm(student, rng):
    """Batch normalisation, with gamma and beta, stands between affine and ReLU."""
    inputs = _inputs(rng, (7, 4), 5, "batchnorm")
    out, _ = _forward(student, inputs, "batchnorm", {"mode": "train"}, None)
    expected = oracle.block(**inputs, normalization="batchnorm")
    assert_close(out, expected, name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="affine_norm_relu_dropout_forward")
def block_with_layernorm(student, rng):
    """Layer normalisation stands between affine and ReLU, here for a single row in float32."""
    inputs = _inputs(rng, (1, 4), 8, "layernorm", np.float32)
    out, _ = _forward(student, inputs, "layernorm", {"mode": "train"}, None)
    expected = oracle.block(**inputs, normalization="layernorm")
    assert_close(out, expected, name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="affine_norm_relu_dropout_forward")
def block_keeps_running_averages(student, rng):
    """In training mode, norm_param holds the running averages of the affine layer's output."""
    inputs = _inputs(rng, (6, 3), 4, "batchnorm")
    norm_param = student.hold({"mode": "train"})
    _forward(student, inputs, "batchnorm", norm_param, None)
    left = norm_param.value()
    mean, var = oracle.statistics(oracle.before_norm(inputs["x"], inputs["w"], inputs["b"]), axis=0)
    for key, expected in (("running_mean", 0.1 * mean), ("running_var", 0.1 * var)):
        require(
            isinstance(left, dict) and left.get(key) is not None,
            f"norm_param has no {key} after the call: hand it on itself, not a copy",
        )
        assert_close(left[key], expected, name=key, rtol=RTOL, atol=ATOL)


@check(points=1, of="affine_norm_relu_dropout_forward")
def block_in_test_mode(student, rng):
    """In test mode the running averages normalise, and dropout does nothing."""
    inputs = _inputs(rng, (5, 4), 6, "batchnorm")
    averages = rng.normal(0.5, 1.0, size=6), rng.uniform(0.5, 2.5, size=6)
    norm_param = {"mode": "test", "running_mean": averages[0], "running_var": averages[1]}
    dropout_param = {"mode": "test", "p": 0.4, "rng": np.random.default_rng(1)}
    out, _ = _forward(student, inputs, "batchnorm", norm_param, dropout_param)
    expected = oracle.block(**inputs, normalization="batchnorm", averages=averages)
    assert_close(out, expected, name="out in test mode", rtol=RTOL, atol=ATOL)


@check(points=1, of="affine_norm_relu_dropout_forward")
def block_drops_at_the_end(student, rng):
    """What dropout keeps is 1 / p times the block's output without dropout, the rest is 0."""
    inputs = _inputs(rng, (8, 5), 30, "layernorm")
    dropout_param = {"mode": "train", "p": 0.6, "rng": _generator(rng)}
    out, _ = _forward(student, inputs, "layernorm", {"mode": "train"}, dropout_param)
    undropped = oracle.block(**inputs, normalization="layernorm")
    assert_shape(out, undropped.shape, name="out")
    assert_close(out, undropped * (np.asarray(out) != 0) / 0.6, name="out", rtol=RTOL, atol=ATOL)


@check(points=1, of="affine_norm_relu_dropout_forward")
def block_drops_the_right_share(student, rng):
    """Without normalisation, too, the share p of the units is kept."""
    inputs = _inputs(rng, (9, 3), 120, None)
    inputs["b"] = inputs["b"] + 40.0  # nobody sleeps, so that every zero is dropout's
    dropout_param = {"mode": "train", "p": 0.7, "rng": _generator(rng)}
    out, _ = _forward(student, inputs, None, None, dropout_param)
    assert_shape(out, (9, 120), name="out")
    kept = np.mean(np.asarray(out) != 0)
    require(abs(kept - 0.7) < 0.08, f"with p = 0.7, {kept:.0%} of the units are kept")


@check(points=1, of="affine_norm_relu_dropout_forward")
def block_leaves_arrays_alone(student, rng):
    """The arrays that the block is given are the same after the call."""
    inputs = _inputs(rng, (5, 4), 6, "batchnorm")
    held = {name: student.hold(array) for name, array in inputs.items()}
    dropout_param = {"mode": "train", "p": 0.5, "rng": _generator(rng)}
    out, _ = _forward(student, held, "batchnorm", {"mode": "train"}, dropout_param)
    assert_shape(out, (5, 6), name="out")
    pairs = {name: (held[name], before) for name, before in inputs.items()}
    require_unchanged("affine_norm_relu_dropout_forward", **pairs)


# affine_norm_relu_dropout_backward ----------------------------------------------------------------


@check(points=1, of="affine_norm_relu_dropout_backward")
def block_gradients_without_extras(student, rng):
    """Without normalisation, dx, dw and db are right, and dgamma and dbeta are None."""
    gradients = _assert_block_gradients(student, rng, (6, 2, 3), 5, None)
    for name in ("dgamma", "dbeta"):
        require(
            gradients[name] is None,
            f"without normalisation {name} is {type(gradients[name]).__name__}, expected None",
            kind="type",
        )


@check(points=2, of="affine_norm_relu_dropout_backward")
def block_gradients_with_batchnorm(student, rng):
    """With batch normalisation, all five gradients agree with the reference."""
    _assert_block_gradients(student, rng, (7, 4), 5, "batchnorm")


@check(points=1, of="affine_norm_relu_dropout_backward")
def block_gradients_with_layernorm(student, rng):
    """With layer normalisation, all five gradients of a single row agree with the reference."""
    _assert_block_gradients(student, rng, (1, 3, 2), 7, "layernorm", dtype=np.float32)


@check(points=2, of="affine_norm_relu_dropout_backward")
def block_gradients_with_dropout(student, rng):
    """With dropout, gradients pass where outputs have passed, by the same factor 1 / p."""
    for normalization in (None, "layernorm", "batchnorm"):
        _assert_block_gradients(student, rng, (6, 4), 8, normalization, keep=0.6)


# init_params --------------------------------------------------------------------------------------


@check(points=1, of="init_params")
def params_have_names_and_shapes(student, rng):
    """Without normalisation there are W and b of every affine layer, in the right shapes."""
    params = student.init_params([6, 5], 7, 4, None, 0.1, _generator(rng))
    _assert_shapes(params, _shapes((7, 6, 5, 4), None))
    params = student.init_params([], 7, 4, "batchnorm", 0.1, _generator(rng))
    _assert_shapes(params, _shapes((7, 4), "batchnorm"))


@check(points=1, of="init_params")
def params_of_normalisation(student, rng):
    """With either normalisation, hidden layers have gamma and beta, and the last has none."""
    for normalization in ("batchnorm", "layernorm"):
        params = student.init_params([6, 5, 3], 7, 4, normalization, 0.1, _generator(rng))
        _assert_shapes(params, _shapes((7, 6, 5, 3, 4), normalization))


@check(points=1, of="init_params")
def weights_have_weight_scale(student, rng):
    """All weights are drawn with mean 0 and standard deviation weight_scale."""
    params = student.init_params([90, 70], 80, 60, None, 0.03, _generator(rng))
    _require_names(params, _shapes((80, 90, 70, 60), None), "params")
    for name in ("W1", "W2", "W3"):
        assert_finite(params[name], name=name)
        mean, std = np.mean(params[name]), np.std(params[name])
        require(
            abs(std - 0.03) < 0.002,
            f"the standard deviation of {name} is {std:.3g} for weight_scale = 0.03",
        )
        require(abs(mean) < 0.002, f"the mean of {name} is {mean:.3g}, expected about 0")


@check(points=1, of="init_params")
def other_params_start_neutral(student, rng):
    """Biases and beta start at 0, gamma at 1."""
    params = student.init_params([6, 5], 7, 4, "layernorm", 0.3, _generator(rng))
    shapes = _shapes((7, 6, 5, 4), "layernorm")
    _require_names(params, shapes, "params")
    for name, shape in shapes.items():
        if name[0] != "W":
            start = np.full(shape, float(name.startswith("gamma")))
            assert_close(params[name], start, name=name)


@check(points=1, of="init_params")
def weights_come_from_rng(student, rng):
    """The same rng gives the same weights, another one others, and no two layers are alike."""
    seed = int(rng.integers(2**32))
    first, again, other = (
        student.init_params([5, 5], 5, 5, None, 0.1, np.random.default_rng(s))
        for s in (seed, seed, seed + 1)
    )
    for name in ("W1", "W2", "W3"):
        for params in (first, again, other):
            _require_names(params, [name], "params")
        require(
            np.array_equal(first[name], again[name]),
            f"the same rng gave another {name}: draw with rng alone",
        )
        require(
            not np.array_equal(first[name], other[name]),
            f"another rng gave the same {name}: draw with rng",
        )
    require(not np.array_equal(first["W1"], first["W2"]), "W1 and W2 start with equal numbers")


# FullyConnectedNet: scores ------------------------------------------------------------------------


@check(points=1, of="FullyConnectedNet")
def scores_are_correct(student, rng):
    """Without labels, loss returns the scores of a network with three hidden layers."""
    net, params = _network(student, rng, (6, 7, 5, 8, 4), reg=0.4)
    X = rng.normal(0.2, 1.0, size=(9, 6))
    expected = oracle.network_scores(params, X)
    assert_close(net.loss(X), expected, name="the scores", rtol=RTOL, atol=ATOL)


@check(points=1, of="FullyConnectedNet")
def scores_of_linear_network(student, rng):
    """Without hidden layers the network is a linear classifier, with scores and gradients."""
    net, params = _network(student, rng, (6, 4), "batchnorm", reg=0.3)
    X, y = _examples(rng, (5, 6), 4)
    expected = oracle.network_scores(params, X)
    assert_close(net.loss(X), expected, name="the scores", rtol=RTOL, atol=ATOL)
    _assert_loss_and_gradients(net, params, X, y, 0.3, None)


@check(points=1, of="FullyConnectedNet")
def scores_with_layernorm(student, rng):
    """With layer normalisation, the scores of a single picture are right, in float32 as well."""
    net, params = _network(student, rng, (12, 7, 6, 5), "layernorm", dtype=np.float32)
    X = rng.normal(0.2, 1.0, size=(1, 2, 3, 2)).astype(np.float32)
    expected = oracle.network_scores(params, X, "layernorm")
    assert_close(net.loss(X), expected, name="the scores", rtol=RTOL, atol=ATOL)


@check(points=2, of="FullyConnectedNet")
def scores_use_running_averages(student, rng):
    """After training steps, every layer normalises test images with running averages of its own."""
    # Layers of equal width: averages that are shared would not show in a shape.
    net, params = _network(student, rng, (5, 6, 6, 6, 4), "batchnorm")
    batches = [_examples(rng, (7, 5), 4) for _ in range(3)]
    for X, y in batches:
        net.loss(X, y)
    averages = oracle.running_averages(params, [X for X, _ in batches])
    X = rng.normal(0.2, 1.0, size=(4, 5))
    expected = oracle.network_scores(params, X, "batchnorm", averages=averages)
    assert_close(net.loss(X), expected, name="the scores after training", rtol=RTOL, atol=ATOL)


@check(points=1, of="FullyConnectedNet")
def test_images_leave_no_trace(student, rng):
    """The scores of images are the same whichever images the network has classified before."""
    net, params = _network(student, rng, (5, 6, 7, 4), "batchnorm")
    trained_on, y = _examples(rng, (7, 5), 4)
    net.loss(trained_on, y)
    for _ in range(2):
        net.loss(rng.normal(2.0, 3.0, size=(6, 5)))
    X = rng.normal(0.2, 1.0, size=(4, 5))
    averages = oracle.running_averages(params, [trained_on])
    expected = oracle.network_scores(params, X, "batchnorm", averages=averages)
    assert_close(net.loss(X), expected, name="the scores", rtol=RTOL, atol=ATOL)


@check(points=1, of="FullyConnectedNet")
def scores_without_dropout(student, rng):
    """Scores are computed in test mode: a network with dropout drops nothing."""
    net, params = _network(student, rng, (6, 20, 15, 4), keep=0.5)
    X, y = _examples(rng, (5, 6), 4)
    expected = oracle.network_scores(params, X)
    assert_close(net.loss(X), expected, name="the scores", rtol=RTOL, atol=ATOL)
    net.loss(X, y)
    assert_close(net.loss(X), expected, name="the scores after a step", rtol=RTOL, atol=ATOL)


# FullyConnectedNet: loss and gradients ------------------------------------------------------------


@check(points=1, of="FullyConnectedNet")
def loss_is_correct(student, rng):
    """The loss is that of softmax plus half of reg times the squares of all W, and of no more."""
    net, params = _network(student, rng, (5, 6, 7, 4), "layernorm", reg=0.7)
    X, y = _examples(rng, (8, 5), 4)
    loss, _ = net.loss(X, y)
    expected = oracle.network_loss(params, X, y, 0.7, "layernorm")
    assert_close(loss, expected, name="the loss", rtol=RTOL, atol=ATOL)


@check(points=2, of="FullyConnectedNet")
def gradients_are_correct(student, rng):
    """Without regularisation, the gradients of a network with three hidden layers are right."""
    net, params = _network(student, rng, (5, 7, 6, 8, 4))
    X, y = _examples(rng, (9, 5), 4)
    _assert_loss_and_gradients(net, params, X, y, 0.0, None)


@check(points=2, of="FullyConnectedNet")
def regularised_gradients_are_correct(student, rng):
    """With regularisation, the gradients of all weights and biases are right."""
    net, params = _network(student, rng, (6, 5, 7, 4), reg=0.9)
    X, y = _examples(rng, (7, 6), 4)
    _assert_loss_and_gradients(net, params, X, y, 0.9, None)


@check(points=2, of="FullyConnectedNet")
def gradients_with_batchnorm(student, rng):
    """With batch normalisation, loss and gradients are those of training mode."""
    net, params = _network(student, rng, (5, 7, 6, 4), "batchnorm", reg=0.6)
    X, y = _examples(rng, (9, 5), 4)
    net.loss(X)  # test mode must not outlast the call
    _assert_loss_and_gradients(net, params, X, y, 0.6, "batchnorm")


@check(points=1, of="FullyConnectedNet")
def gradients_with_layernorm(student, rng):
    """With layer normalisation, the gradients are right for a batch of a single picture."""
    net, params = _network(student, rng, (8, 7, 6, 3), "layernorm", reg=0.5)
    X, y = _examples(rng, (1, 2, 4), 3)
    _assert_loss_and_gradients(net, params, X, y, 0.5, "layernorm")


@check(points=2, of="FullyConnectedNet")
def dropout_in_training(student, rng):
    """With labels, each hidden layer drops units, and loss and gradients go with the masks."""
    sizes, keep = (6, 30, 25, 4), 0.6
    kept, net, params = [], *_network(student, rng, sizes, "layernorm", keep=keep)
    for step in range(3):
        X, y = _examples(rng, (1, 6), 4)
        net.loss(X)  # test mode must not outlast the call
        loss, grads = net.loss(X, y)
        _require_names(grads, params, "grads")
        masks, out = [], X
        for i, width in enumerate(sizes[1:-1], start=1):
            below = np.asarray(grads[f"W{i + 1}"])
            assert_shape(below, (width, sizes[i + 1]), name=f"dW{i + 1}")
            passed = np.any(below != 0, axis=1)
            own = (params[f"{name}{i}"] for name in ("W", "b", "gamma", "beta"))
            awake = oracle.block(out, *own, "layernorm")
            kept.append(np.mean(passed[awake[0] > 0]))
            masks.append(passed / keep)
            out = awake * masks[-1]
        expected = oracle.network_loss(params, X, y, 0.0, "layernorm", masks)
        assert_close(loss, expected, name="the loss with dropout", rtol=RTOL, atol=ATOL)
        if step == 0:  # one image will do: the oracle goes through all weights one by one
            expected = oracle.network_gradients(params, X, y, 0.0, "layernorm", masks)
            for name in _from_the_loss(params):
                assert_close(grads[name], expected[name], name=f"d{name}", rtol=RTOL, atol=ATOL)
    share = np.mean(kept)
    require(
        0.35 < share < 0.85,
        f"with dropout_keep_ratio = 0.6, {share:.0%} of the units are kept in training",
    )


@check(points=1, of="FullyConnectedNet")
def dropout_with_batchnorm(student, rng):
    """With batch normalisation and dropout, test images meet running averages and no mask."""
    # One hidden layer: its averages do not depend on any mask.
    net, params = _network(student, rng, (5, 9, 4), "batchnorm", keep=0.5)
    batches = [_examples(rng, (8, 5), 4) for _ in range(2)]
    for X, y in batches:
        net.loss(X, y)
    averages = oracle.running_averages(params, [X for X, _ in batches])
    X = rng.normal(0.2, 1.0, size=(3, 5))
    expected = oracle.network_scores(params, X, "batchnorm", averages=averages)
    assert_close(net.loss(X), expected, name="the scores", rtol=RTOL, atol=ATOL)


# train_fully_connected_net ------------------------------------------------------------------------


@check(points=2, of="train_fully_connected_net", timeout=60.0)
def train_fully_connected_net_learns_patterns(student, rng):
    """Four patterns under a lot of noise are told apart, whatever D and C are."""
    patterns = rng.choice([-1.0, 1.0], size=(4, 192))

    def images(num):
        y = rng.permutation(np.arange(num) % 4)
        noisy = patterns[y] + rng.normal(scale=1.0, size=(num, 192))
        return (0.7 * noisy).astype(np.float32), y

    (X_train, y_train), (X_val, y_val), (X, y) = images(3000), images(200), images(200)
    model = student.train_fully_connected_net(X_train, y_train, X_val, y_val)
    scores = scores_of(model, X, 4, function="train_fully_connected_net")
    reached = accuracy(np.argmax(scores, axis=1), y)
    require(reached >= 0.9, f"of patterns that differ clearly, {reached:.0%} are right")


@check(points=4, of="train_fully_connected_net", timeout=180.0)
def train_fully_connected_net_reaches_accuracy(student, rng):
    """The network that train_fully_connected_net returns recognises enough of the test images."""
    data = _rows()
    start = rng.integers(501)
    chosen = slice(start, start + len(data.X_train) - 500)  # a view: no copy for each hand-in
    model = student.train_fully_connected_net(
        data.X_train[chosen], data.y_train[chosen], data.X_val, data.y_val
    )
    scores = scores_of(model, data.X_test, data.num_classes, function="train_fully_connected_net")
    reached = accuracy(np.argmax(scores, axis=1), data.y_test)
    bar = TRAIN_FULLY_CONNECTED_NET[data.name].at_least
    require(reached >= bar, f"test accuracy {reached:.1%}, expected {bar:.0%} or more")


# Inputs -------------------------------------------------------------------------------------------


def _generator(rng):
    """Return a generator of its own, to be handed to a student."""
    return np.random.default_rng(rng.integers(2**32))


def _affine(rng, shape, outputs):
    """Return x of a shape, w and b, with values around 1 that are not zero on average."""
    inputs = int(np.prod(shape[1:]))
    w = rng.normal(0.1, 0.8, size=(inputs, outputs))
    return rng.normal(0.3, 1.1, size=shape), w, rng.normal(0.4, 0.9, size=outputs)


def _inputs(rng, shape, outputs, normalization, dtype=np.float64):
    """Return the arrays that a block is given, gamma of both signs, None where there is none."""
    x, w, b = _affine(rng, shape, outputs)
    gamma = rng.choice([-1.0, 1.0], size=outputs) * rng.uniform(0.6, 1.8, size=outputs)
    arrays = {"x": x, "w": w, "b": b, "gamma": gamma, "beta": rng.normal(0.4, 0.5, size=outputs)}
    arrays = {name: array.astype(dtype) for name, array in arrays.items()}
    return arrays if normalization else {**arrays, "gamma": None, "beta": None}


def _forward(student, inputs, normalization, norm_param, dropout_param):
    arrays = (inputs[name] for name in ("x", "w", "b", "gamma", "beta"))
    return student.affine_norm_relu_dropout_forward.holding(1)(
        *arrays, normalization, norm_param, dropout_param
    )


def _examples(rng, shape, classes):
    """Return examples of a shape and their labels."""
    return rng.normal(0.2, 1.0, size=shape), rng.integers(classes, size=shape[0])


def _shapes(sizes, normalization):
    """Return the names and shapes of the parameters of a network."""
    shapes = {}
    for i, pair in enumerate(pairwise(sizes), start=1):
        shapes |= {f"W{i}": pair, f"b{i}": pair[1:]}
        if normalization and i < len(sizes) - 1:
            shapes |= {f"gamma{i}": pair[1:], f"beta{i}": pair[1:]}
    return shapes


def _network(student, rng, sizes, normalization=None, *, keep=1.0, reg=0.0, dtype=np.float64):
    """Return a network of the student's with parameters of ours, and these."""
    net = student.FullyConnectedNet(
        hidden_dims=list(sizes[1:-1]),
        input_dim=sizes[0],
        num_classes=sizes[-1],
        normalization=normalization,
        dropout_keep_ratio=keep,
        reg=reg,
        weight_scale=0.1,
        rng=_generator(rng),
    )
    params = {}
    for name, shape in _shapes(sizes, normalization).items():
        if name[0] == "W":
            params[name] = rng.normal(0.1, 1.2 / np.sqrt(shape[0]), size=shape)
        else:
            params[name] = rng.normal(1.1 if name.startswith("gamma") else 0.4, 0.3, size=shape)
    params = {name: array.astype(dtype) for name, array in params.items()}
    net.params = params
    return net, params


@once_per_dataset
def _rows(name):
    """Return the dataset as the notebook prepares it: float32 rows, centred, divided by 64.

    There are fewer images, because nearly all the time of grading is spent on training with them.
    """
    data = load_dataset(
        name, num_training=5_000, num_validation=1_000, num_test=1_000, dtype="uint8"
    )
    mean_image = data.X_train.mean(axis=0, dtype=np.float64).astype(np.float32)

    def rows(images):
        centred = images.astype(np.float32)
        centred -= mean_image
        centred /= 64
        return centred.reshape(len(centred), -1)

    return prepared(data, rows)


# Verdicts -----------------------------------------------------------------------------------------


def _assert_sandwich_gradients(student, rng, shape, outputs, dtype=np.float64):
    x, w, b = (a.astype(dtype) for a in _affine(rng, shape, outputs))
    dout = rng.normal(0.2, 1.3, size=(shape[0], outputs)).astype(dtype)
    _, cache = student.affine_relu_forward.holding(1)(x, w, b)
    dx, dw, db = student.affine_relu_backward(dout, cache)
    expected = oracle.block_gradients(dout, {"x": x, "w": w, "b": b})
    for name, actual in (("x", dx), ("w", dw), ("b", db)):
        assert_close(actual, expected[name], name=f"d{name}", rtol=RTOL, atol=ATOL)


def _assert_block_gradients(
    student, rng, shape, outputs, normalization, *, keep=1.0, dtype=np.float64
):
    """Go forward and backward; compare all gradients; return those of the student."""
    inputs = _inputs(rng, shape, outputs, normalization, dtype)
    dout = rng.normal(0.2, 1.3, size=(shape[0], outputs)).astype(dtype)
    norm_param = {"mode": "train"} if normalization else None
    dropout_param = {"mode": "train", "p": keep, "rng": _generator(rng)} if keep < 1 else None
    out, cache = _forward(student, inputs, normalization, norm_param, dropout_param)
    assert_shape(out, dout.shape, name="out")
    mask = None if keep == 1 else (np.asarray(out) != 0) / keep
    dx, dw, db, dgamma, dbeta = student.affine_norm_relu_dropout_backward(dout, cache)
    gradients = {"dbeta": dbeta, "dgamma": dgamma, "db": db, "dw": dw, "dx": dx}
    expected = oracle.block_gradients(dout, inputs, normalization, mask)
    for name, actual in gradients.items():
        if name[1:] in expected:
            assert_close(actual, expected[name[1:]], name=name, rtol=RTOL, atol=ATOL)
    return gradients


def _assert_loss_and_gradients(net, params, X, y, reg, normalization):
    """Check the loss and all gradients of a network, from the loss backwards."""
    loss, grads = net.loss(X, y)
    expected = oracle.network_loss(params, X, y, reg, normalization)
    assert_close(loss, expected, name="the loss", rtol=RTOL, atol=ATOL)
    _require_names(grads, params, "grads")
    expected = oracle.network_gradients(params, X, y, reg, normalization)
    for name in _from_the_loss(params):
        assert_close(grads[name], expected[name], name=f"d{name}", rtol=RTOL, atol=ATOL)


def _from_the_loss(params):
    """Return the names of parameters, those of the last layer first."""
    return sorted(params, key=lambda name: -int(name.lstrip("Wbgamet")))


def _assert_shapes(params, shapes):
    _require_names(params, shapes, "params")
    more = sorted(set(params) - set(shapes))
    require(not more, f"params has {', '.join(map(str, more))}, which nothing uses")
    for name, shape in shapes.items():
        assert_shape(params[name], shape, name=name)


def _require_names(arrays, names, what):
    require(isinstance(arrays, dict), f"{what} is no dictionary", kind="type")
    missing = [name for name in names if name not in arrays]
    require(not missing, f"{what} has no {', '.join(missing)}")

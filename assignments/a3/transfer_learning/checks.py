"""Hidden checks of the exercise on transfer learning.

Heads and trunks are tiny and given as plain functions, so nothing here needs pretrained weights.
Tolerances are those of single precision, since a solution may compute in float32.
"""

from __future__ import annotations

import numpy as np

from autograder import assert_close, assert_finite, assert_shape, check, require, require_unchanged

from . import oracle

RTOL, ATOL = 1e-3, 1e-5


# few_per_class ------------------------------------------------------------------------------------


@check(points=2, of="few_per_class")
def draws_are_balanced(student, rng):
    """Every class that occurs is drawn equally often, whatever its label and its share."""
    y = rng.permutation(np.repeat([9, 3, 4, 6], [5, 11, 7, 19]))
    chosen = _positions(student.few_per_class(y, 4, np.random.default_rng(5)), 16, len(y))
    require(len(set(chosen)) == 16, "an image was drawn more than once")
    for label in (3, 4, 6, 9):
        count = int(np.sum(y[chosen] == label))
        require(count == 4, f"{count} images of a class were drawn, expected 4 of each")


@check(points=1, of="few_per_class")
def draws_are_random(student, rng):
    """Different generators give different images, and each image has its chance."""
    y = rng.permutation(np.repeat([2, 5], 6))
    draws = [
        _positions(student.few_per_class(y, 2, np.random.default_rng(seed)), 4, len(y))
        for seed in range(40)
    ]
    seen = set().union(*draws)
    require(len(seen) == 12, f"in 40 draws only {len(seen)} of 12 images ever came: draw at random")


# extract_features ---------------------------------------------------------------------------------


@check(points=2, of="extract_features")
def features_of_all_batches(student, rng):
    """All images have their features, in order, those of the last small batch included."""
    images, forward, _ = _images(rng, 11)
    F = student.extract_features(forward, images, 4)
    assert_close(F, forward(images).reshape(11, -1), name="features", rtol=RTOL, atol=ATOL)


@check(points=1, of="extract_features")
def batches_are_small_enough(student, rng):
    """The network never gets more images at once than the batch size, and no image twice."""
    images, forward, sizes = _images(rng, 10)
    student.extract_features(forward, images, 3)
    got = list(sizes)
    largest = max(got, default=0)
    require(largest <= 3, f"a batch of {largest} images, expected 3 at most", kind="memory")
    require(sum(got) == 10, f"the network got {sum(got)} images in all, expected each once: 10")


@check(points=1, of="extract_features")
def features_of_one_image(student, rng):
    """One image, and a batch size above the number of images, give one row."""
    images, forward, _ = _images(rng, 1)
    F = student.extract_features(forward, images.astype(np.float32), 8)
    assert_close(F, forward(images).reshape(1, -1), name="features", rtol=RTOL, atol=ATOL)


# head_loss ----------------------------------------------------------------------------------------


@check(points=2, of="head_loss")
def head_loss_is_correct(student, rng):
    """The loss is the mean cross-entropy plus half of reg times the sum of squared weights."""
    _compare_head(student, _head(rng, 7, 5, 4), 0.6, ("loss",))


@check(points=2, of="head_loss")
def gradients_of_the_head(student, rng):
    """The gradients of weights and biases agree with the reference."""
    _compare_head(student, _head(rng, 6, 4, 3), 0.7, ("dW", "db"))


@check(points=2, of="head_loss")
def gradient_of_the_features(student, rng):
    """The gradient of the features, which the trunk needs, agrees with the reference."""
    _compare_head(student, _head(rng, 8, 3, 5), 0.9, ("dF",))


@check(points=1, of="head_loss")
def head_of_one_image(student, rng):
    """A batch of one image in float32 is a batch."""
    W, b, F, y = _head(rng, 1, 4, 3)
    W, b, F = (array.astype(np.float32) for array in (W, b, F))
    _compare_head(student, (W, b, F, y), 0.3, ("loss", "dW", "db", "dF"))


@check(points=1, of="head_loss")
def head_survives_large_scores(student, rng):
    """Scores of plus and minus ten thousand in one batch give a finite, right loss."""
    W, b = rng.integers(-3, 4, size=(3, 4)) / 8.0, np.zeros(4)
    W[0] = rng.permutation([1000.0, -1000.0, 10.0, 200.0])
    F = rng.integers(-8, 9, size=(5, 3)) / 4.0
    F[:, 0] = rng.permutation([10.0, -10.0, 9.5, -9.0, 0.25])
    y = np.argmin(F @ W, axis=1)
    _compare_head(student, (W, b, F, y), 0.0, ("loss", "dF"))


@check(points=1, of="head_loss")
def head_leaves_arguments_alone(student, rng):
    """Weights and features are the same after the call."""
    W, b, F, y = _head(rng, 4, 5, 3)
    held = [student.hold(array) for array in (W, b, F)]
    student.head_loss.holding(0)(*held, y, 0.4)
    require_unchanged("head_loss", W=(held[0], W), b=(held[1], b), F=(held[2], F))


# fit_standardizer, fold_standardizer --------------------------------------------------------------


@check(points=2, of="fit_standardizer")
def statistics_are_correct(student, rng):
    """Mean and scale are those of each feature over the images, eps added to the deviation."""
    F = rng.normal(rng.normal(2.0, 3.0, size=4), [0.3, 2.0, 5.0, 1.0], size=(6, 4))
    _compare_statistics(student.fit_standardizer(F, 0.2), oracle.standardizer(F, 0.2))


@check(points=1, of="fit_standardizer")
def constant_features_have_a_scale(student, rng):
    """A feature that is always the same, or a single image, has the scale eps."""
    F = rng.normal(1.5, 1.0, size=(5, 3))
    F[:, 1] = 0.75
    for features in (F, F[:1].astype(np.float32)):
        expected = oracle.standardizer(features, 1e-5)
        _compare_statistics(student.fit_standardizer(features), expected)


@check(points=2, of="fold_standardizer")
def weights_are_folded(student, rng):
    """The weights of each feature are divided by its scale."""
    W, b, mean, scale = _folding(rng, 5, 3)
    new_W, _ = student.fold_standardizer(W, b, mean, scale)
    expected = oracle.fold(W, b, mean, scale)[0]
    assert_close(new_W, expected, name="the new W", rtol=RTOL, atol=ATOL)


@check(points=1, of="fold_standardizer")
def biases_are_folded(student, rng):
    """The biases make up for the mean that is no longer subtracted."""
    W, b, mean, scale = _folding(rng, 4, 6)
    _, new_b = student.fold_standardizer(W, b, mean, scale)
    expected = oracle.fold(W, b, mean, scale)[1]
    assert_close(new_b, expected, name="the new b", rtol=RTOL, atol=1e-4)


@check(points=1, of="fold_standardizer")
def folding_changes_nothing_of_the_callers(student, rng):
    """The head that is given stays as it was."""
    W, b, mean, scale = _folding(rng, 5, 3)
    held = student.hold(W), student.hold(b)
    student.fold_standardizer(*held, mean, scale)
    require_unchanged("fold_standardizer", W=(held[0], W), b=(held[1], b))


# linear_probe -------------------------------------------------------------------------------------


@check(points=2, of="linear_probe")
def probe_takes_the_right_steps(student, rng):
    """After a few steps the weights are where descent with momentum from zeros leads."""
    F, y = _raw_features(rng, 9, 4, 3)
    W, b = student.linear_probe(F, y, 3, 0.4, 0.3, 4, 0.6)
    expected = oracle.probe(F, y, 3, 0.4, 0.3, 4, 0.6)
    _compare_probe((W, b), expected)


@check(points=2, of="linear_probe")
def probe_separates_features_of_all_scales(student, rng):
    """Classes that differ in a tiny feature and in a huge one are told apart, raw as they come."""
    y = rng.permutation(np.arange(45) % 3)
    F = np.array([[0, 0], [0, 500.0], [0.01, 0]])[y] + rng.normal(size=(45, 2)) * [0.0008, 40.0]
    F = F + rng.choice([-3.0, 3.0], size=2) * [0.01, 300.0]
    W, b = student.linear_probe(F, y, 3)
    assert_shape(W, (2, 3), name="W")
    assert_finite(W, name="W")
    right = float(np.mean(np.argmax(F @ np.asarray(W) + np.asarray(b), axis=1) == y))
    require(right >= 0.9, f"of well separated clusters, {right:.0%} of the points are right")


@check(points=1, of="linear_probe")
def probe_with_defaults(student, rng):
    """The default settings are the ones of the text; a class may be missing."""
    F, y = _raw_features(rng, 5, 3, 2)
    W, b = student.linear_probe(F.astype(np.float32), y, 4)
    _compare_probe((W, b), oracle.probe(F, y, 4, 0.01, 0.1, 150, 0.9), rtol=5e-3)


@check(points=1, of="linear_probe")
def probe_leaves_features_alone(student, rng):
    """The features are the same after training."""
    F, y = _raw_features(rng, 6, 3, 2)
    held = student.hold(F)
    student.linear_probe(held, y, 2, num_steps=3)
    require_unchanged("linear_probe", F=(held, F))


# parameter_groups, learning_rates -----------------------------------------------------------------


@check(points=2, of="parameter_groups")
def groups_are_correct(student, rng):
    """Weights and biases of each stage's layers are in its group, whatever their order."""
    names = [f"{layer}.{kind}" for layer in ("stem", "mid", "top", "fc") for kind in "wbg"]
    names = [names[i] for i in rng.permutation(len(names))]
    _compare_groups(student, names, [["mid", "stem"], ["top"], ["fc"]])


@check(points=2, of="parameter_groups")
def similar_names_are_different_layers(student, rng):
    """A layer whose name begins like another's is not that other."""
    i = int(rng.integers(1, 5))
    names = [f"block{i}.weight", f"block{i}_conv.weight", f"block{i}{i}.weight", f"block{i}.bias"]
    names += [f"pre_block{i}.weight"]
    _compare_groups(student, names, [[f"block{i}_conv"], [f"block{i}", "other"], [f"block{i}{i}"]])


@check(points=1, of="parameter_groups")
def names_with_dots_and_strangers(student, rng):
    """A layer's name may have dots; parameters of no stage are in no group."""
    i = int(rng.integers(1, 9))
    names = [f"s{i}.conv.weight", f"s{i}.norm.weight", "old.weight", f"s{i}.weight"]
    _compare_groups(student, names, [[f"s{i}.conv"], [f"s{i}.norm", f"s{i}"], ["unused"]])


@check(points=2, of="learning_rates")
def rates_decay_from_the_head(student, rng):
    """The head has the base rate, and each group below it a fixed part of the one above."""
    _compare_rates(student, (_named_groups(), float(rng.uniform(0.2, 0.9)), 0.4))


@check(points=1, of="learning_rates")
def frozen_groups_have_rate_zero(student, rng):
    """Frozen groups are counted from the input and have the rate 0; the others keep theirs."""
    _compare_rates(student, (_named_groups(), float(rng.uniform(0.2, 0.9)), 0.6, 2))


@check(points=1, of="learning_rates")
def probe_and_flat_rates(student, rng):
    """With everything but the head frozen, or without decay, the rates are right, too."""
    base = float(rng.uniform(0.2, 0.9))
    _compare_rates(student, (_named_groups(), base, 0.5, 3))
    _compare_rates(student, (_named_groups(), base, 1.0))


# transfer_loss ------------------------------------------------------------------------------------


@check(points=2, of="transfer_loss")
def loss_of_trunk_and_head(student, rng):
    """The loss is that of the head on the trunk's features, the head regularised."""
    params, X, y = _network(rng, 6)
    forward, backward, _ = _trunk()
    loss, _ = student.transfer_loss(forward, backward, params, X, y, 0.8, ["head.bias"])
    F = forward(params, X)
    expected = oracle.head(params["head.weight"], params["head.bias"], F, y, 0.8)[0]
    assert_close(loss, expected, name="the loss", rtol=RTOL, atol=ATOL)


@check(points=3, of="transfer_loss")
def gradients_reach_the_trunk(student, rng):
    """The gradients of trunk and head agree with the reference."""
    _compare_transfer(student, rng, 5, np.float64, lambda names: names)


@check(points=2, of="transfer_loss")
def only_wanted_gradients(student, rng):
    """There are gradients for exactly the wanted parameters, of one image in float32, too."""
    _compare_transfer(
        student, rng, 1, np.float32, lambda names: ["head.weight", "high.weight", "high.bias"]
    )


@check(points=1, of="transfer_loss")
def frozen_trunk_costs_nothing(student, rng):
    """The way back through the trunk is not gone when only the head is trained."""
    params, X, y = _network(rng, 4)
    forward, backward, asked = _trunk()
    wanted = ["head.weight", "head.bias"]
    _, grads = student.transfer_loss(forward, backward, params, X, y, 0.5, wanted)
    called = len(asked)
    _compare_grads(grads, _transfer_gradients(params, X, y, 0.5, wanted))
    require(
        not called,
        "backward was called, although no parameter of the trunk is trained",
        kind="time",
    )


# fine_tune ----------------------------------------------------------------------------------------


@check(points=2, of="fine_tune")
def every_parameter_has_its_rate(student, rng):
    """Parameters end where momentum with their own learning rates leads, also in float32."""
    for dtype in (np.float64, np.float32):
        start, target, X, y = _pull_problem(rng, 6, dtype)
        loss_fn, _ = _pull(target)
        rates = {"low": 0.07, "mid": 0.3, "head": 0.15}
        seeded = np.random.default_rng(3)
        tuned, _ = student.fine_tune(loss_fn, start, X, y, rates, 3, 4, seeded, 0.7)
        _compare_tuned(tuned, start, target, rates, 0.7, 6)


@check(points=2, of="fine_tune")
def frozen_parameters_stay(student, rng):
    """Frozen parameters come out as they went in, and their gradients are not asked for."""
    start, target, X, y = _pull_problem(rng, 5)
    loss_fn, calls = _pull(target)
    rates = {"low": 0.0, "mid": 0.2, "head": 0.4}
    tuned, _ = student.fine_tune(loss_fn, start, X, y, rates, 2, 5, np.random.default_rng(4))
    asked = {name for _, _, wanted in calls for name in wanted}
    _compare_tuned(tuned, start, target, rates, 0.9, 2)
    require("low" not in asked, "the gradient of a frozen parameter was asked for", kind="time")


@check(points=2, of="fine_tune")
def every_epoch_sees_every_image(student, rng):
    """Each epoch goes once through all images, in batches, with their own labels."""
    start, target, X, y = _pull_problem(rng, 10)
    loss_fn, calls = _pull(target, trace=True)
    rates = dict.fromkeys(start, 0.1)
    tuned, losses = student.fine_tune(loss_fn, start, X, y, rates, 3, 4, np.random.default_rng(5))
    seen = list(calls)
    require(
        [len(labels) for _, labels, _ in seen] == [4, 4, 2] * 3,
        "10 images in batches of 4 are 4, 4 and 2 images in every epoch",
    )
    for i in range(0, 9, 3):
        labels = np.concatenate([labels for _, labels, _ in seen[i : i + 3]])
        require(sorted(labels) == sorted(y), "an epoch did not visit every image exactly once")
    for images, labels, _ in seen:
        same = all(
            np.array_equal(x, X[y == label][0]) for x, label in zip(images, labels, strict=True)
        )
        require(same, "images and labels of a batch do not belong together")
    _compare_tuned(tuned, start, target, rates, 0.9, 9)
    require(len(losses) == 9, f"{len(losses)} losses were noted, expected one per batch: 9")


@check(points=1, of="fine_tune")
def epochs_are_shuffled(student, rng):
    """Every epoch has an order of its own."""
    start, target, X, y = _pull_problem(rng, 12)
    loss_fn, calls = _pull(target, trace=True)
    rates = dict.fromkeys(start, 0.1)
    student.fine_tune(loss_fn, start, X, y, rates, 3, 12, np.random.default_rng(6))
    orders = {tuple(int(label) for label in labels) for _, labels, _ in calls}
    require(
        len(orders) == 3 and tuple(int(v) for v in y) not in orders,
        "the order is not shuffled in every epoch",
    )


@check(points=1, of="fine_tune")
def losses_are_noted(student, rng):
    """The losses of all batches are returned in order."""
    start, target, X, y = _pull_problem(rng, 7)
    loss_fn, _ = _pull(target)
    rates = dict.fromkeys(start, 0.3)
    _, losses = student.fine_tune(loss_fn, start, X, y, rates, 2, 3, np.random.default_rng(7), 0.5)
    expected = []
    for steps in range(6):
        now = {n: oracle.descend(start[n], target[n], 0.3, 0.5, steps) for n in start}
        expected.append(sum(0.5 * np.sum((now[n] - target[n]) ** 2) for n in start))
    assert_close(losses, np.array(expected), name="the list of losses", rtol=RTOL, atol=ATOL)


@check(points=1, of="fine_tune")
def pretrained_weights_survive(student, rng):
    """The caller's parameters are the same after training."""
    start, target, X, y = _pull_problem(rng, 6)
    loss_fn, _ = _pull(target)
    held = student.hold(start)
    rates = dict.fromkeys(start, 0.2)
    student.fine_tune(loss_fn, held, X, y, rates, 2, 4, np.random.default_rng(8))
    require_unchanged("fine_tune", params=(held, start))


# cheapest_good_enough -----------------------------------------------------------------------------


@check(points=1, of="cheapest_good_enough")
def within_a_standard_error(student, rng):
    """The cheapest recipe within a standard error of the best is named."""
    base = float(rng.uniform(0.5, 0.6))
    best = [base, base + 0.06, base + 0.06, base]
    error = np.std(best, ddof=1) / 2
    cases = []
    for gap in (0.8, 0.93, 1.05, 1.5):
        mean = float(np.mean(best) - gap * error)
        cases.append({"a": [mean - 0.2] * 4, "b": [mean] * 4, "c": best})
    _compare_choices(student, cases)


@check(points=1, of="cheapest_good_enough")
def single_runs_and_ties(student, rng):
    """With single runs the best wins, and of equal ones the cheaper."""
    low, high = float(rng.uniform(0.4, 0.5)), float(rng.uniform(0.6, 0.7))
    cases = (
        {"a": [low], "b": [high], "c": [high]},
        {"a": [high], "b": [low], "c": [low]},
        {"a": [low], "b": [low], "c": [high]},
    )
    _compare_choices(student, cases)


@check(points=2, of="cheapest_good_enough")
def error_is_that_of_the_best(student, rng):
    """The mean decides which is best, not its luckiest run, and the error is the best recipe's."""
    base = float(rng.uniform(0.4, 0.5))
    wild = [base - 0.3, base + 0.25, base - 0.1]
    cases = (
        {"wild": wild, "calm": [base + 0.1, base + 0.11, base + 0.105]},
        {"calm": [base, base + 0.01, base - 0.01], "wild": [base - 0.2, base + 0.35, base + 0.05]},
        {"low": [base], "mid": [base + 0.02, base + 0.02], "top": [base + 0.1, base + 0.102]},
    )
    _compare_choices(student, cases)


# Inputs -------------------------------------------------------------------------------------------


def _positions(returned, number, images):
    assert_shape(returned, (number,), name="the array of positions")
    positions = [int(i) for i in np.asarray(returned)]
    require(
        all(0 <= i < images for i in positions) and np.all(np.asarray(returned) == positions),
        "positions are whole numbers from 0 to N - 1",
    )
    return positions


def _images(rng, number):
    """Return images, a network of them with two channels, and the sizes of its batches."""
    images, weights = rng.normal(0.3, 1.0, size=(number, 3, 2)), rng.normal(size=(3, 2, 2, 2))
    sizes = []

    def forward(batch):
        sizes.append(len(batch))
        return np.einsum("nab,abcd->ncd", np.asarray(batch, dtype=np.float64), weights)

    return images, forward, sizes


def _head(rng, images, features, classes):
    W = rng.normal(0.1, 0.8, size=(features, classes))
    b, F = rng.normal(0.3, 0.7, size=classes), rng.normal(0.4, 1.0, size=(images, features))
    return W, b, F, rng.integers(classes, size=images)


def _folding(rng, features, classes):
    W, b = rng.normal(size=(features, classes)), rng.normal(0.5, 1.0, size=classes)
    return W, b, rng.normal(2.0, 1.0, size=features), rng.uniform(0.3, 3.0, size=features)


def _raw_features(rng, images, features, classes):
    F = rng.normal(1.5, 1.0, size=(images, features)) * np.linspace(0.5, 4.0, features)
    # Not balanced: with as many images of each class the biases would hardly move.
    return F, rng.permutation(np.minimum(np.arange(images) // 2, classes - 1))


def _named_groups():
    return [["a.w", "a.b"], ["c.w"], ["d.w", "d.b", "e.w"], ["head.w", "head.b"]]


def _network(rng, images, dtype=np.float64):
    shapes = {"low.weight": (6, 5), "high.weight": (5, 4), "high.bias": 4}
    shapes |= {"head.weight": (4, 3), "head.bias": 3}
    params = {n: rng.normal(0.2, 0.8, size=shape).astype(dtype) for n, shape in shapes.items()}
    X = rng.normal(0.3, 1.0, size=(images, 6)).astype(dtype)
    return params, X, rng.integers(3, size=images)


def _trunk():
    """Return forward, backward, and what backward was asked for."""
    kept, asked = {}, []

    def forward(params, X):
        double = {n: np.asarray(v, dtype=np.float64) for n, v in params.items()}
        hidden = np.tanh(np.asarray(X, dtype=np.float64) @ double["low.weight"])
        F = np.tanh(hidden @ double["high.weight"] + double["high.bias"])
        kept.update(X=np.asarray(X, dtype=np.float64), hidden=hidden, F=F, w=double["high.weight"])
        return F

    def backward(dF, names):
        asked.append(list(names))
        dsum = np.asarray(dF, dtype=np.float64) * (1 - kept["F"] ** 2)
        dhidden = dsum @ kept["w"].T * (1 - kept["hidden"] ** 2)
        grads = {"low.weight": kept["X"].T @ dhidden, "high.weight": kept["hidden"].T @ dsum}
        grads["high.bias"] = dsum.sum(axis=0)
        return {name: grads[name] for name in names}

    return forward, backward, asked


def _transfer_gradients(params, X, y, reg, wanted):
    forward, backward, _ = _trunk()
    F = forward(params, X)
    _, dW, db, dF = oracle.head(params["head.weight"], params["head.bias"], F, y, reg)
    grads = backward(dF, ["low.weight", "high.weight", "high.bias"])
    grads |= {"head.weight": dW, "head.bias": db}
    return {name: grads[name] for name in wanted}


def _pull_problem(rng, images, dtype=np.float64):
    shapes = {"low": (2, 3), "mid": 4, "head": (3, 2)}
    start = {n: rng.normal(1.0, 1.0, size=shape).astype(dtype) for n, shape in shapes.items()}
    target = {n: rng.normal(-1.0, 1.0, size=shape) for n, shape in shapes.items()}
    y = 3 + rng.permutation(images)
    return start, target, rng.normal(size=(images, 2)), y


def _pull(target, *, trace=False):
    """Return a loss that pulls parameters to their targets, and the list of its calls.

    With `trace` the loss tells which images came in which order, and is no real one.
    """
    calls = []

    def loss_fn(params, X, y, wanted):
        calls.append((np.array(X), np.array(y), list(wanted)))
        loss = sum(0.5 * np.sum((np.asarray(params[n]) - target[n]) ** 2) for n in target)
        if trace:
            loss = np.sum(np.asarray(y) * np.arange(1, len(y) + 1))
        return float(loss), {n: np.asarray(params[n]) - target[n] for n in wanted}

    return loss_fn, calls


# Verdicts -----------------------------------------------------------------------------------------


def _compare_head(student, arguments, reg, which):
    names = ("loss", "dW", "db", "dF")
    got = dict(zip(names, _four(student.head_loss(*arguments, reg)), strict=True))
    expected = dict(zip(names, oracle.head(*arguments, reg), strict=True))
    for name in which:
        assert_close(got[name], expected[name], name=name, rtol=RTOL, atol=ATOL)


def _four(returned):
    loss, dW, db, dF = returned
    return loss, dW, db, dF


def _compare_statistics(returned, expected):
    mean, scale = returned
    assert_close(mean, expected[0], name="mean", rtol=RTOL, atol=ATOL)
    assert_close(scale, expected[1], name="scale", rtol=RTOL, atol=1e-7)


def _compare_probe(returned, expected, rtol=RTOL):
    W, b = returned
    assert_close(W, expected[0], name="W", rtol=rtol, atol=1e-4)
    assert_close(b, expected[1], name="b", rtol=rtol, atol=1e-3)


def _compare_groups(student, names, stages):
    got = student.parameter_groups(names, stages)
    expected = oracle.groups(names, stages)
    require(
        isinstance(got, (list, tuple)) and len(got) == len(stages),
        f"expected a list of {len(stages)} groups, one for each stage",
        kind="type",
    )
    for i, (group, right) in enumerate(zip(got, expected, strict=True)):
        require(
            isinstance(group, (list, tuple, set)), f"group {i} is no list of names", kind="type"
        )
        surplus, missing = sorted(set(group) - right), sorted(right - set(group))
        require(not surplus, f"{', '.join(surplus)} should not be in group {i}")
        require(not missing, f"{', '.join(missing)} is missing in group {i}")
        require(len(group) == len(right), f"group {i} has a parameter more than once")


def _compare_choices(student, cases):
    # All are asked before the first is judged: a single answer tells little about the mistake.
    answers = [student.cheapest_good_enough(runs) for runs in cases]
    for runs, got in zip(cases, answers, strict=True):
        require(
            got == oracle.cheapest(runs),
            f"of recipes with {sorted(len(r) for r in runs.values())} runs the answer is {got!r}, "
            "which is not the one that the rule names",
        )


def _compare_rates(student, arguments):
    got = student.learning_rates(*arguments)
    expected = oracle.rates(*(*arguments, 0)[:4])
    require(isinstance(got, dict), "expected a dictionary of rates", kind="type")
    missing = sorted(set(expected) - set(got))
    require(not missing, f"{', '.join(missing)} has no rate; a frozen parameter has the rate 0")
    require(len(got) == len(expected), "there are rates for names that are in no group")
    for name, rate in expected.items():
        assert_close(got[name], rate, name=f"the rate of {name}", rtol=RTOL, atol=1e-9)


def _compare_transfer(student, rng, images, dtype, choose):
    params, X, y = _network(rng, images, dtype)
    forward, backward, _ = _trunk()
    wanted = choose(list(params))
    _, grads = student.transfer_loss(forward, backward, params, X, y, 0.5, wanted)
    _compare_grads(grads, _transfer_gradients(params, X, y, 0.5, wanted))


def _compare_grads(grads, expected):
    require(isinstance(grads, dict), "the second result is no dictionary of gradients", kind="type")
    missing, surplus = sorted(set(expected) - set(grads)), sorted(set(grads) - set(expected))
    require(not missing, f"the gradient of {', '.join(missing)} is missing")
    require(not surplus, f"there is a gradient of {', '.join(surplus)}, which is not wanted")
    for name, right in expected.items():
        assert_close(grads[name], right, name=f'grads["{name}"]', rtol=RTOL, atol=ATOL)


def _compare_tuned(tuned, start, target, rates, momentum, steps):
    require(isinstance(tuned, dict), "the first result is no dictionary of parameters", kind="type")
    missing = sorted(set(start) - set(tuned))
    require(not missing, f"{', '.join(missing)} is missing in the result")
    for name, value in start.items():
        expected = oracle.descend(value, target[name], rates[name], momentum, steps)
        assert_close(tuned[name], expected, name=f'params["{name}"]', rtol=RTOL, atol=1e-4)

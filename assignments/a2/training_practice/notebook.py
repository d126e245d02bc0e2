# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Training in practice: babysitting a network
#
# **Goal.** A training that fails raises no exception: it only ends with a bad number. You write the
# instruments with which one finds out why, early and cheaply, from the loss before the first step to
# the search for hyper-parameters, and learn to read a run from its curves as a doctor reads a chart.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `expected_initial_loss` | what the loss has to be before the first step |
# | 3 | `overfit_handful` | a training loop for a few images, which must be learned by heart |
# | 4 | `learning_rate_range_test`, `pick_learning_rate` | a learning rate, found in one short run |
# | 5 | `update_ratio` | how far a step goes, compared with the weights |
# | 6 | `eight_verdicts` | your diagnosis of eight runs, by eye |
# | 7 | `diagnose` | the same, by rules |
# | 8 | `early_stopping` | when to give up, and where to go back to |
# | 9 | `grid_search`, `random_search` | two searches in log space, and why one of them wins |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library, and they see their arguments, your imports
# and your other functions; they cannot see data that the notebook has loaded.
#
# The network in this notebook is the one that you wrote in `two_layer_net`, and the update rules are
# yours from `optimizers`; both are taken from those notebooks as they were last saved. (When graded,
# a faultless version stands in for them, so that no mistake costs you points twice.) You need about
# three hours.

# %%
from functools import cache

import matplotlib.pyplot as plt
import numpy as np

from cs231n_lib.checking import assert_close
from cs231n_lib.datasets import load_dataset
from cs231n_lib.notebooks import from_notebook
from cs231n_lib.plots import plot_accuracies, plot_search
from cs231n_lib.plots.style import COLORS, MUTED
from cs231n_lib.progress import progress
from cs231n_lib.solver import Solver

layers = from_notebook("two_layer_net")
optimizers = from_notebook("optimizers")

# %% [markdown]
# ## 1. The patient
#
# Two thousand images, halved in size to 16×16 pixels and prepared as always: the mean image is
# subtracted, and everything divided by one standard deviation. That is little data, and on purpose.
# Every experiment of this notebook takes seconds, so one can afford to *make* all the mistakes.

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
data = load_dataset(num_training=2_000, num_validation=500, num_test=0)


def halved(images):
    """Average blocks of 2×2 pixels, flatten: (N, 32, 32, 3) -> (N, 768)."""
    return images.reshape(len(images), 16, 2, 16, 2, 3).mean(axis=(2, 4)).reshape(len(images), -1)


X_train, X_val = halved(data.X_train), halved(data.X_val)
mean_image, spread = X_train.mean(axis=0), X_train.std()
X_train, X_val = (X_train - mean_image) / spread, (X_val - mean_image) / spread
y_train, y_val = data.y_train, data.y_val
num_classes = len(data.class_names)
# How this notebook sets the titles of its plots.
BOLD = {"loc": "left", "fontweight": "bold", "fontsize": 11}
print("X_train", X_train.shape, X_train.dtype, " X_val", X_val.shape)

# %% [markdown]
# The network, affine – ReLU – affine – softmax, in single precision. `loss_of` makes of a network and
# some images a *function of the weights*, `loss_fn(params) -> loss, grads`. That is all that a training
# loop has to know, and it keeps the functions below free of any particular network.


# %% tags=["demo"]
def new_network(weight_scale=0.02, hidden_dim=100, reg=0.0, seed=3):
    """Return your TwoLayerNet for these images, with float32 weights."""
    rng = np.random.default_rng(seed)
    net = layers.TwoLayerNet(X_train.shape[1], hidden_dim, num_classes, weight_scale, reg, rng)
    net.params = {name: param.astype(np.float32) for name, param in net.params.items()}
    return net


def loss_of(net, X, y):
    """Return loss_fn(params) -> (loss, grads) of a network on the images X with labels y."""

    def loss_fn(params):
        net.params = params
        return net.loss(X, y)

    return loss_fn


# %% [markdown]
# ## 2. The loss before the first step
#
# The cheapest of all tests takes one forward pass. A network that has seen nothing yet has small
# weights, so all its scores are close to zero, and no class is preferred.
#
# - **Softmax.** Equal scores are equal probabilities, $p_k = 1/C$ for each of $C$ classes. The loss is
#   minus the logarithm of that of the true class.
# - **Hinge (SVM).** The loss of an image is $\sum_{j \ne y} \max(0,\, s_j - s_y + 1)$, and all scores
#   are equal. **Your step:** how many terms has the sum, and how large is each?
#
# A value far above says that the network starts out sure and wrong: weights or inputs are too large,
# or labels and loss do not fit together. A value far *below* is even more suspicious: the network
# knows something that it cannot know.


# %% nbgrader={"grade": false, "grade_id": "expected_initial_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def expected_initial_loss(num_classes, kind="softmax"):
    """Return the loss of a network whose scores are the same for all classes.

    Parameters
    ----------
    num_classes : int
        Number C of classes, at least 1.
    kind : str
        ``"softmax"``, the cross-entropy with the natural logarithm, or ``"svm"``, the hinge loss with
        margin 1.

    Returns
    -------
    float
        The mean loss of an image, without regularisation.
    """
    ### BEGIN SOLUTION
    return num_classes - 1.0 if kind == "svm" else np.log(num_classes)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_expected_initial_loss", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
# Two classes are a coin: one bit, which is 0.693 in natural units.
assert_close(expected_initial_loss(2), 0.6931471805599453, name="the softmax loss for two classes")
assert_close(expected_initial_loss(10), 2.302585092994046, name="the softmax loss for ten classes")
assert_close(expected_initial_loss(1), 0.0, name="the softmax loss for a single class")
assert_close(expected_initial_loss(2, "svm"), 1.0, name="the hinge loss for two classes")
print("✓ expected_initial_loss")

# %% [markdown]
# Now your network, untrained, with weights from tiny to large.
#
# **Predict before you run.** Where does the curve leave the dotted line? And far to the right, what
# happens to the loss when all weights of *both* layers become ten times as large?

# %% tags=["demo"]
scales = np.geomspace(1e-4, 1, 17)
starts = [new_network(scale).loss(X_train, y_train)[0] for scale in scales]
fig, axis = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
axis.axhline(expected_initial_loss(num_classes), color=MUTED, linestyle=":", label="log C")
axis.loglog(scales, starts, "o-", color=COLORS[0], markersize=4, label="your network, untrained")
axis.set(xlabel="weight scale", ylabel="loss before the first step")
axis.spines[["top", "right"]].set_visible(False)
axis.set_title("An untrained network and its weights", **BOLD)
_ = axis.legend(frameon=False, loc="upper left")

# %% [markdown]
# The scores are a product of two layers, so ten times the weights make a hundred times the scores,
# and a loss to match. Note also what this test *cannot* see: to the left all is well with the loss,
# although weights near zero let next to no gradient through. A good start is necessary, not
# sufficient.
#
# ## 3. Overfit a handful
#
# The second test finds most bugs. Take twenty images, switch off regularisation, and train. A network
# of 80,000 weights must learn twenty labels by heart: the loss has to go to zero. If it does not,
# something is broken, and a larger data set will not mend it. If it does, the *whole chain* works:
# loading, loss, gradients, update.
#
# Write the loop. There is not much to it, and everything in it can be got wrong:
#
# 1. compute loss and gradients, once, for *all* parameters, and keep the loss;
# 2. update every parameter with its own gradient and **its own config**. Momentum keeps a velocity in
#    there, Adam two moments and a step count; each parameter needs its own, and what the rule returns
#    must be handed in again at the next step;
# 3. repeat.
#
# The caller goes on using the weights and the config that it passed, so put new arrays into a new
# dictionary and leave both as they are.


# %% nbgrader={"grade": false, "grade_id": "overfit_handful", "locked": false, "schema_version": 3, "solution": true, "task": false}
def overfit_handful(loss_fn, params, update_rule, config, num_steps):
    """Train on one fixed batch, with every step on all of it.

    Parameters
    ----------
    loss_fn : callable
        ``loss_fn(params) -> loss, grads``; ``grads`` has the keys of ``params``. Called once a step.
    params : dict from str to array of float
        Weights to start from, of any shapes; not modified.
    update_rule : callable
        ``update_rule(w, dw, config) -> next_w, next_config``, for example ``optimizers.adam``.
    config : dict
        Where the config of every parameter starts; not modified.
    num_steps : int
        Number of steps.

    Returns
    -------
    params : dict from str to array of float
        The weights after the last step.
    losses : list of float
        The loss *before* each step: ``num_steps`` numbers, the first that of the initial weights.
    """
    ### BEGIN SOLUTION
    params = dict(params)
    configs = {name: dict(config) for name in params}
    losses = []
    for _ in range(num_steps):
        loss, grads = loss_fn(dict(params))
        losses.append(float(loss))
        for name in params:
            params[name], configs[name] = update_rule(params[name], grads[name], configs[name])
    return params, losses
    ### END SOLUTION


# %% [markdown]
# The check has a loss that you can follow by hand, $\frac12 (a^2 + b^2)$, whose gradients are $a$ and
# $b$ themselves; and a rule that counts its calls, with steps of $1/2, 1/3, 1/4, \dots$

# %% nbgrader={"grade": true, "grade_id": "check_overfit_handful", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}


def half_squares(params):
    """Return half the sum of squares, and its gradients."""
    loss = 0.5 * sum(np.sum(w**2) for w in params.values())
    return loss, {name: 1.0 * w for name, w in params.items()}


def counting_rule(w, dw, config):
    """Step with 1/2, 1/3, 1/4, …: the count is kept in the config."""
    count = config.get("count", 1) + 1
    return w - dw / count, {**config, "count": count}


start, config = {"a": np.array([6.0]), "b": np.array([[12.0, 0.0]])}, {"note": "yours"}
before = {name: w.copy() for name, w in start.items()}
reached, losses = overfit_handful(half_squares, start, counting_rule, config, 3)
assert all(np.array_equal(start[name], before[name]) for name in before), (
    "the caller's params changed: put new weights into a dictionary of your own"
)
assert config == {"note": "yours"}, "the caller's config changed: give each parameter a copy"
assert len(losses) == 3, f"{len(losses)} losses for 3 steps: keep the loss before each step"
assert_close(losses[0], 90.0, name="the first loss, that of the initial weights,")
assert_close(reached["a"], [1.5], name="a after steps of 1/2, 1/3 and 1/4")
assert_close(
    reached["b"], [[3.0, 0.0]], name="b after the same steps (has it a config of its own?)"
)
assert_close(losses, [90.0, 22.5, 10.0], name="the losses before the three steps")
print("✓ overfit_handful")

# %% [markdown]
# Your network, your rules, twenty images. And three patients on whom one would like to know whether
# the test notices anything: the first has all its images replaced by zeros (say, a division of integers
# went wrong while loading); in the second the gradient of `W1` has its sign turned; the third still has
# its regularisation switched on, and strongly.
#
# **Predict before you run.** Which curves reach zero? Two different classes among images that are all
# the same: what is the best that a network can do?


# %% tags=["demo"]
def turned(loss_fn):
    """Return loss_fn with the sign of one gradient turned: a bug, built in."""

    def broken(params):
        loss, grads = loss_fn(params)
        return loss, {**grads, "W1": -grads["W1"]}

    return broken


@cache
def handful_curves():
    """Return the losses of a healthy network and of three ill ones on twenty images."""
    X, y = X_train[:20], y_train[:20]
    rule, config = optimizers.sgd_momentum, {"learning_rate": 0.01}
    curves = {}
    for name, images, reg, bug in (
        ("healthy", X, 0.0, lambda f: f),
        ("images all zero", 0 * X, 0.0, lambda f: f),
        ("sign of one gradient", X, 0.0, turned),
        ("reg = 0.5 left on", X, 0.5, lambda f: f),
    ):
        net = new_network(reg=reg)
        with np.errstate(all="ignore"):
            _, curves[name] = overfit_handful(
                bug(loss_of(net, images, y)), net.params, rule, config, 150
            )
    return curves


fig, axis = plt.subplots(figsize=(7.2, 3.8), layout="constrained")
for (name, losses), color in zip(handful_curves().items(), COLORS, strict=False):
    axis.semilogy(losses, color=color, linewidth=2, label=name)
at_start = expected_initial_loss(num_classes)
axis.axhline(at_start, color=MUTED, linestyle=":", linewidth=1)
axis.text(152, at_start, "log C", color=MUTED, size=9, va="center", clip_on=False)
axis.set(xlabel="step", ylabel="loss", ylim=(5e-4, 60), xlim=(0, 150))
axis.set_title("Twenty images, to be learned by heart", **BOLD)
axis.spines[["top", "right"]].set_visible(False)
_ = fig.legend(frameon=False, ncols=4, fontsize=9, loc="outside lower center")

# %% [markdown]
# Only the healthy one gets there. With images that are all the same, the output layer's bias can still
# learn how frequent the classes are, so the loss falls a little, *looks like training*, and stays: no
# exception, no NaN, only a curve that ends too high.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_handful", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# Your network overfits twenty images to a loss of 0.001, and a colleague concludes that the code is
# right. (a) Name two mistakes in a training program that this test cannot find. (b) On *one* image
# instead of twenty, even the patient with the black images passes. Why? (c) Why does one switch off
# regularisation, dropout and augmentation for this test?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_handful", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) Everything that concerns *other* images: labels that do not belong to their images (twenty wrong
# labels are learned by heart as easily as right ones), validation images prepared in another way than
# training images, no shuffling, a test set that overlaps with the training set. Nor does it find that
# the learning rate or the regularisation is wrong for the full data.
#
# (b) A single label needs no image: the bias of the last layer alone can make its class certain. There
# have to be several classes, so that the images are needed to tell them apart.
#
# (c) They are there to keep a network from learning by heart. With them on, a loss that stays above
# zero says nothing.

# %% [markdown]
# ## 4. A learning rate in one run
#
# The most important hyper-parameter, and the whole range from "nothing happens" to "everything blows
# up" is six orders of magnitude wide. L. Smith's *range test* walks through it in a single short run:
# **the learning rate is multiplied by the same factor after every step**, and one watches the loss.
# First it hardly moves, then it falls, then it explodes.
#
# For `num_steps` rates from `low` to `high`, both included, the rates are
#
# $$\eta_t = \text{low} \cdot \left(\frac{\text{high}}{\text{low}}\right)^{t / (T - 1)},
#   \qquad t = 0, \dots, T - 1, \quad T = \text{num\_steps}. \tag{1}$$
#
# `step(rate)` takes one step of training at that rate and returns the loss. End the test *after* the
# first loss that is not finite, or that is more than 4 times the smallest loss so far: from there on
# one would only train a ruin. That loss is still part of the result.


# %% nbgrader={"grade": false, "grade_id": "learning_rate_range_test", "locked": false, "schema_version": 3, "solution": true, "task": false}
def learning_rate_range_test(step, low, high, num_steps):
    """Train with a learning rate that grows by equal factors, until the loss is wrecked.

    Parameters
    ----------
    step : callable
        ``step(rate) -> loss`` takes one step of training; called once for each rate, in order.
    low, high : float
        First and last learning rate, ``0 < low < high``.
    num_steps : int
        Number T of rates, at least 2.

    Returns
    -------
    rates, losses : lists of float, of the same length (T or less)
        Learning rates as tried, and the losses that ``step`` returned. The last loss is the one that
        ended the test, if there was one.
    """
    ### BEGIN SOLUTION
    rates, losses = [], []
    for rate in np.geomspace(low, high, num_steps):
        rates.append(float(rate))
        losses.append(float(step(float(rate))))
        if not np.isfinite(losses[-1]) or losses[-1] > 4 * min(losses):
            break
    return rates, losses
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_learning_rate_range_test", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
asked = []
rates, losses = learning_rate_range_test(lambda rate: asked.append(rate) or 2.0, 1e-3, 10.0, 5)
assert_close(asked, [1e-3, 1e-2, 1e-1, 1.0, 10.0], name="the rates that step was called with")
assert_close(rates, asked, name="the rates that you return")
assert_close(losses, [2.0] * 5, name="the losses that you return")

# The loss falls from 8 to 1 and then rises: 3 is not yet more than 4 times the smallest, 9 is.
script = iter([8.0, 1.0, 3.0, 9.0, 2.0, 2.0])
rates, losses = learning_rate_range_test(lambda rate: next(script), 1e-3, 100.0, 6)
assert_close(losses, [8.0, 1.0, 3.0, 9.0], name="the losses, up to the one that ends the test,")
script = iter([2.0, np.nan, 1.0])
rates, losses = learning_rate_range_test(lambda rate: next(script), 0.1, 10.0, 3)
assert len(rates) == len(losses) == 2, "a loss that is no number ends the test (and is returned)"
print("✓ learning_rate_range_test")

# %% [markdown]
# Which rate to take? Where the loss is lowest is too late: at this point the rate is just about to do
# harm. A common rule of thumb takes **a tenth of the rate at which the loss is lowest**. And since
# losses of minibatches are noisy, and a single lucky batch should not decide, it looks at a smoothed
# curve, the fading mean that you know from Adam, bias correction included:
#
# $$m_t = \beta\, m_{t-1} + (1 - \beta)\, L_t, \quad m_{-1} = 0, \qquad
#   \hat m_t = \frac{m_t}{1 - \beta^{t+1}} . \tag{2}$$
#
# Losses that are not finite are left out (only the last one can be).


# %% nbgrader={"grade": false, "grade_id": "pick_learning_rate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pick_learning_rate(rates, losses, beta=0.8):
    """Return a tenth of the rate at which the smoothed loss is lowest.

    Parameters
    ----------
    rates, losses : sequences of float, of the same length
        What ``learning_rate_range_test`` returned; only the last loss may be infinite or NaN.
    beta : float
        How much of the old mean is kept at each step, ``0 <= beta < 1``.

    Returns
    -------
    float
        The learning rate.
    """
    ### BEGIN SOLUTION
    mean, smoothed = 0.0, []
    for t, loss in enumerate(losses):
        if np.isfinite(loss):
            mean = beta * mean + (1 - beta) * loss
            smoothed.append(mean / (1 - beta ** (t + 1)))
    return rates[int(np.argmin(smoothed))] / 10
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_pick_learning_rate", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
rates = [0.01, 0.1, 1.0, 10.0]
assert_close(pick_learning_rate(rates, [4.0, 2.0, 1.0, 3.0], beta=0.0), 0.1, name="the rate")
assert_close(
    pick_learning_rate(rates[:3], [2.2, 2.1, 2.0], beta=0.9),
    0.1,
    name="the rate, for losses that only fall (is the bias corrected?),",
)
# One lucky batch, 0.9, does not make a minimum of the smoothed curve, which falls on to the end.
assert_close(
    pick_learning_rate([*rates, 100.0], [4.0, 0.9, 2.0, 1.8, 1.2], beta=0.8),
    10.0,
    name="the rate, with a lucky batch at 0.1,",
)
assert_close(
    pick_learning_rate(rates, [4.0, 2.0, 1.0, np.nan], 0.5), 0.1, name="the rate, with nan,"
)
print("✓ pick_learning_rate")

# %% [markdown]
# On your network, with minibatches of 50 images and momentum.
#
# **Predict before you run.** The network starts at $\log C$. At which rate will the loss begin to fall,
# and at which will it blow up?


# %% tags=["demo"]
@cache
def range_test():
    """Run the range test on your network; return rates and losses."""
    rng, net = np.random.default_rng(5), new_network()
    configs = {name: {} for name in net.params}

    def step(rate):
        batch = rng.integers(len(X_train), size=50)
        loss, grads = net.loss(X_train[batch], y_train[batch])
        for name, grad in grads.items():
            config = {**configs[name], "learning_rate": rate}
            net.params[name], configs[name] = optimizers.sgd_momentum(
                net.params[name], grad, config
            )
        return loss

    with np.errstate(all="ignore"):
        return learning_rate_range_test(step, 1e-5, 10.0, 200)


rates, losses = range_test()
picked = pick_learning_rate(rates, losses)
fig, axis = plt.subplots(figsize=(6.8, 3.6), layout="constrained")
axis.semilogx(rates, losses, ".-", color=COLORS[0], linewidth=0.8, markersize=4)
axis.axvline(picked, color=COLORS[1], linestyle="--")
axis.text(0.9 * picked, 1.05, f"picked: {picked:.1e}", color=COLORS[1], ha="right", size=10)
axis.axhline(expected_initial_loss(num_classes), color=MUTED, linestyle=":", linewidth=1)
axis.set(xlabel="learning rate", ylabel="loss of the minibatch", ylim=(0.9, 5), xlim=(1e-5, 10))
axis.set_title("Two hundred steps, each with a larger learning rate", **BOLD)
axis.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# Is it any good? Here are three proper runs, with the rate that was picked, a hundredth of it, and
# thirty times as much. `train` uses the `Solver` of the course library with your momentum, and returns
# what the rest of this notebook calls a **history**: the loss before training and the mean loss of each
# epoch, both accuracies at the same times, and, at the end, the share of hidden units that are zero for
# *all* validation images.
#
# **Predict before you run.** Two of the three curves will be nearly horizontal, or short. Which?


# %% tags=["demo"]
def train(net, learning_rate, y=y_train, num_epochs=15):
    """Train on the first len(y) images in minibatches of 50; return the history of the run."""
    images = {"X_train": X_train[: len(y)], "y_train": y, "X_val": X_val, "y_val": y_val}
    first, _ = net.loss(images["X_train"], y)
    solver = Solver(
        net,
        images,
        optimizers.sgd_momentum,
        {"learning_rate": learning_rate},
        rng=np.random.default_rng(7),
        batch_size=50,
        num_epochs=num_epochs,
        progress=False,
    )
    with np.errstate(all="ignore"):
        solver.train()
        hidden, _ = layers.relu_forward(X_val @ net.params["W1"] + net.params["b1"])
        per_epoch = len(y) // 50
        epochs = range(0, len(solver.loss_history), per_epoch)
        means = [np.mean(solver.loss_history[i : i + per_epoch]) for i in epochs]
    return {
        "loss": [first, *means],
        "train_acc": solver.train_acc_history,
        "val_acc": solver.val_acc_history,
        "num_classes": num_classes,
        "dead_fraction": np.mean((hidden == 0).all(axis=0)),
        "target": 0.35,
    }


picked = pick_learning_rate(*range_test())
tried = {"a hundredth": picked / 100, "as picked": picked, "thirty times": 30 * picked}
fig, axis = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for (name, rate), color in zip(tried.items(), COLORS, strict=False):
    # What has blown up leaves the picture at the top, and its curve ends there.
    loss = np.nan_to_num(train(new_network(), rate, num_epochs=10)["loss"], nan=99, posinf=99)
    loss = np.minimum(loss, 99)
    axis.plot(loss, "o-", color=color, markersize=4, label=f"{name}: {rate:.0e}")
axis.axhline(expected_initial_loss(num_classes), color=MUTED, linestyle=":", linewidth=1)
axis.set(xlabel="epoch", ylabel="loss, mean of the epoch", ylim=(0, 4), xlim=(-0.1, 10.1))
axis.set_title("Three learning rates", **BOLD)
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False, fontsize=9, loc="lower left")

# %% [markdown]
# ## 5. How far does a step go?
#
# A learning rate by itself says little: what matters is how far it moves *these* weights. So compare
# the length of the update with the length of what is updated, layer by layer,
#
# $$r = \frac{\lVert w' - w \rVert}{\lVert w \rVert}, \qquad
#   \lVert w \rVert = \sqrt{\textstyle\sum_i w_i^2} \quad\text{over all entries, whatever the shape.}
# \tag{3}$$
#
# As a rule of thumb $r$ should be somewhere around $10^{-3}$ a step. At $10^{-6}$ the layer stands
# still; at $10^{-1}$ it forgets in ten steps what it was. (For a matrix, that is the *Frobenius* norm.
# Beware: `np.linalg.norm(w, 2)` of a matrix is another one.) Biases start at zero, and compared with
# nothing every step is infinitely long: return infinity for weights that are all zero.


# %% nbgrader={"grade": false, "grade_id": "update_ratio", "locked": false, "schema_version": 3, "solution": true, "task": false}
def update_ratio(w, next_w):
    """Return the length of an update, relative to the weights before it.

    Parameters
    ----------
    w, next_w : arrays of float, of the same shape (any)
        Weights before and after a step; not modified.

    Returns
    -------
    float
        ``|next_w - w| / |w|`` with norms over all entries; ``np.inf`` if w is zero everywhere.
    """
    ### BEGIN SOLUTION
    length = np.sqrt(np.sum(w * w))
    if length == 0:
        return np.inf
    update = next_w - w
    return np.sqrt(np.sum(update * update)) / length
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_update_ratio", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
w = np.array([[3.0, 0.0], [0.0, 4.0]])
before = w.copy()
assert_close(update_ratio(w, w + 0.5), 0.2, name="the ratio of a 2×2 matrix")
assert_close(update_ratio(w, w), 0.0, name="the ratio of a step that goes nowhere")
assert_close(
    update_ratio(np.ones((2, 3, 3, 3)), np.full((2, 3, 3, 3), 0.9)),
    0.1,
    name="the ratio of a bank of filters",
)
assert update_ratio(np.zeros(3), np.ones(3)) == np.inf, "weights that are all zero: return np.inf"
assert np.array_equal(w, before), "w changed: work on a new array, not on the caller's"
print("✓ update_ratio")

# %% [markdown]
# **Predict before you run.** Three learning rates, each ten times the one before, with plain SGD on
# your network: how far apart are the three curves at the start? (The grey band is around $10^{-3}$.)


# %% tags=["demo"]
@cache
def ratios(rate):
    """Return the update-to-weight ratios of W1 during 150 steps of SGD."""
    rng, net, found = np.random.default_rng(6), new_network(), []
    for _ in range(150):
        batch = rng.integers(len(X_train), size=50)
        _, grads = net.loss(X_train[batch], y_train[batch])
        old = net.params["W1"]
        net.params = {
            name: optimizers.sgd(w, grads[name], {"learning_rate": rate})[0]
            for name, w in net.params.items()
        }
        found.append(update_ratio(old, net.params["W1"]))
    return found


fig, axis = plt.subplots(figsize=(6.8, 3.6), layout="constrained")
axis.axhspan(3e-4, 3e-3, color="#EDEDED")
for rate, color in zip((0.1, 0.01, 0.001), COLORS, strict=False):
    axis.semilogy(ratios(rate), color=color, linewidth=1.2, label=f"learning rate {rate:g}")
axis.set(xlabel="step", ylabel="update / weights, W1", ylim=(3e-6, 1e-1), xlim=(0, 150))
axis.spines[["top", "right"]].set_visible(False)
axis.set_title("How far a step goes", **BOLD)
_ = axis.legend(frameon=False, fontsize=9, ncols=3, loc="upper center")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_ratio", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# (a) During a run, `W1` of a deep network has a ratio of $10^{-7}$ and the last layer one of $10^{-3}$.
# What is going on, and what would you look at next? (b) With Adam the ratio at the start hardly depends
# on the size of the gradients. On what does it depend? (c) Weights are initialised ten times as large,
# with the same update rule SGD and the same gradients. What becomes of the ratio?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_ratio", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) The first layer stands still while the last one learns: gradients vanish on their way back. Look
# at the size of activations and gradients layer by layer; then at initialisation, saturated or dead
# units, normalisation, residual connections. A larger learning rate would make the last layer explode
# first.
#
# (b) Adam's step is about one learning rate per entry, whatever the gradient. So the ratio is about the
# learning rate divided by the typical size of a weight, for example 0.001 / 0.02 = 5 %.
#
# (c) A tenth: the numerator is the same, the denominator ten times as large.

# %% [markdown]
# ## 6. Read the curves
#
# Now the art itself. There is one healthy way to train and there are many ill ones, and most of the
# illnesses have a face of their own:
#
# | verdict | what one sees |
# |:--|:--|
# | `"learning rate too high"` | the loss grows, or is no longer a number |
# | `"bad initialisation"` | the loss begins far above what guessing costs |
# | `"dead units"` | most of the hidden units are zero for every image; hardly anything moves |
# | `"bug in the data"` | training images are learned by heart, and on validation images: chance |
# | `"overfitting"` | a wide gap between training and validation accuracy |
# | `"learning rate too low"` | the accuracy is poor, and the loss was still on its way down |
# | `"underfitting"` | the accuracy is poor, and the loss has long stopped falling |
# | `"good run"` | none of this |
#
# Here are **eight runs**, with ten classes. (They are made up, so that there is a truth to compare
# with; a seed makes their noise.) Blue is the loss, with $\log C$ dotted; below it the accuracy, dashed
# on training and solid on validation images. The grey line is the accuracy that one hopes for. The share
# of dead units at the end stands in the title.


# %%
def made_up_runs():
    """Return the histories of eight runs by their letters, with noise from a fixed seed."""
    rng = np.random.default_rng(231)
    t = np.linspace(0, 1, 26)
    # Loss at the start and in the long run, its noise, pace; accuracies in the long run; dead units.
    table = {
        "A": (2.31, 0.12, 0.10, 4.5, 0.97, 0.60, 0.06),
        "B": (2.33, 9.50, 0.22, 0.9, 0.12, 0.11, 0.09),
        "C": (2.30, 0.85, 0.04, 5.0, 0.72, 0.66, 0.04),
        "D": (2.32, 0.10, 0.10, 3.2, 1.00, 0.10, 0.11),
        "E": (2.30, 1.05, 0.03, 0.6, 0.64, 0.62, 0.02),
        "F": (23.5, 0.90, 0.07, 9.0, 0.70, 0.63, 0.12),
        "G": (2.31, 1.74, 0.03, 9.5, 0.37, 0.35, 0.07),
        "H": (2.30, 2.08, 0.02, 8.0, 0.23, 0.21, 0.91),
    }
    runs = {}
    for letter, (first, last, noise, pace, train, val, dead) in table.items():
        way = 1 - np.exp(-pace * t)
        loss = (first + (last - first) * way) * np.exp(noise * rng.standard_normal(len(t)))
        loss[0] = first
        accuracies = [
            np.clip(0.1 + (end - 0.1) * way + spread * rng.standard_normal(len(t)), 0, 1)
            for end, spread in ((train, 0.012), (val, 0.02))
        ]
        runs[letter] = {
            "loss": loss,
            "train_acc": accuracies[0],
            "val_acc": accuracies[1],
            "num_classes": 10,
            "dead_fraction": dead,
            "target": 0.5,
        }
    return runs


# %% tags=["demo"]
def show_runs(runs, columns=4):
    """Plot histories side by side, losses above accuracies; titles are the keys."""
    rows = -(-len(runs) // columns)
    fig, axes = plt.subplots(
        2 * rows, columns, figsize=(2.6 * columns, 3.3 * rows), layout="constrained", squeeze=False
    )
    for i, (title, run) in enumerate(runs.items()):
        top, bottom = (
            axes[2 * (i // columns), i % columns],
            axes[2 * (i // columns) + 1, i % columns],
        )
        loss = np.array(run["loss"], dtype=float)
        start = np.log(run["num_classes"])
        limit = max(1.15 * start, 1.1 * loss[0], min(loss[np.isfinite(loss)].max(), 12))
        top.plot(loss, color=COLORS[0])
        top.axhline(start, color=MUTED, linestyle=":", linewidth=1)
        broken = np.flatnonzero(~np.isfinite(loss))
        if broken.size:
            top.plot(
                broken[0] - 1, min(loss[broken[0] - 1], limit), "X", color=COLORS[1], clip_on=False
            )
        top.set(ylim=(0, limit), xlim=(0, max(1, len(loss) - 1)), xticklabels=[])
        top.set_title(f"{title}, {run['dead_fraction']:.0%} dead", fontsize=9, loc="left")
        bottom.axhline(run["target"], color="#C8C8C8", linewidth=1)
        bottom.plot(run["train_acc"], "--", color=COLORS[1], linewidth=1.2)
        bottom.plot(run["val_acc"], color=COLORS[2], linewidth=1.2)
        bottom.set(ylim=(0, 1.02), xlim=(0, max(1, len(loss) - 1)), xlabel="epoch")
        if i % columns == 0:
            top.set_ylabel("loss")
            bottom.set_ylabel("accuracy")
        for axis in (top, bottom):
            axis.spines[["top", "right"]].set_visible(False)
    for i in range(len(runs), rows * columns):
        axes[2 * (i // columns), i % columns].axis("off")
        axes[2 * (i // columns) + 1, i % columns].axis("off")
    fig.align_ylabels()


show_runs(made_up_runs())

# %% [markdown]
# **Before you write any rule:** name the eight by eye. Every verdict of the table occurs once. Fill in
# the dictionary with strings of the table; in the next section a program of yours will give a second
# opinion.


# %% nbgrader={"grade": false, "grade_id": "eight_verdicts", "locked": false, "schema_version": 3, "solution": true, "task": false}
def eight_verdicts():
    """Return your verdicts on the eight runs.

    Returns
    -------
    dict from str to str
        For each letter from ``"A"`` to ``"H"`` a verdict of the table, each of which occurs once.
    """
    ### BEGIN SOLUTION
    return {
        "A": "overfitting",
        "B": "learning rate too high",
        "C": "good run",
        "D": "bug in the data",
        "E": "learning rate too low",
        "F": "bad initialisation",
        "G": "underfitting",
        "H": "dead units",
    }
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_eight_verdicts", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
verdicts = eight_verdicts()
names = "learning rate too high, bad initialisation, dead units, bug in the data, overfitting, "
names += "learning rate too low, underfitting, good run"
assert sorted(verdicts) == list("ABCDEFGH"), "give a verdict on each of the runs A to H"
for letter, verdict in verdicts.items():
    assert verdict in names.split(", "), f"run {letter}: {verdict!r} is no verdict of the table"
assert len(set(verdicts.values())) == 8, "every verdict of the table occurs exactly once"
print("✓ eight_verdicts (whether they are right, the next section tells)")

# %% [markdown]
# ## 7. The same by rules
#
# Faces are good for eight runs. For eight hundred one wants a program, and a program wants numbers. A
# single epoch is noise, so three of the words below stand for more than one value or have a fixed place:
#
# - **at the end**: the mean of the last three values;
# - **in the middle**: the mean of the three values at `m - 1`, `m` and `m + 1`, with `m = len(loss) // 2`;
# - **first**: `loss[0]`, the loss before training, as it is.
#
# From top to bottom, **the first rule that holds is the verdict**:
#
# | | verdict | holds if |
# |--:|:--|:--|
# | 1 | `"learning rate too high"` | any loss is not finite, or the loss at the end is over 1.5 times the first |
# | 2 | `"bad initialisation"` | the first loss is over $2 \log C$ |
# | 3 | `"dead units"` | `dead_fraction` is over 0.5 |
# | 4 | `"bug in the data"` | training accuracy at the end over 0.9, and validation accuracy at the end below $1.5 / C$ |
# | 5 | `"overfitting"` | training accuracy at the end more than 0.15 above validation accuracy at the end |
# | 6 | `"learning rate too low"` | training accuracy at the end below `target`, and the fall of the loss from the middle to the end is over a quarter of the fall from the first to the end |
# | 7 | `"underfitting"` | training accuracy at the end below `target` |
# | 8 | `"good run"` | otherwise |
#
# The order matters. Dead units make a run underfit, a bug in the data makes a gap like overfitting, and
# a run that diverged can have any accuracy: what *causes* stands above what follows from it.
#
# **Your step:** what does `nan > 1.5 * loss[0]` give in Python? And what then does a program without
# `np.isfinite` say about a run that has ended in NaN?


# %% nbgrader={"grade": false, "grade_id": "diagnose", "locked": false, "schema_version": 3, "solution": true, "task": false}
def diagnose(history):
    """Name what is wrong with a run, by the rules of the table.

    Parameters
    ----------
    history : dict
        ``"loss"``, ``"train_acc"``, ``"val_acc"``: sequences of float (lists or arrays, of at least
        twelve values each), before training and after every epoch. Losses may be infinite or NaN.
        ``"num_classes"``: int, the number C. ``"dead_fraction"``: float, the share of hidden units that
        are zero for all images at the end. ``"target"``: float, the accuracy that one hopes for.
        Nothing is modified.

    Returns
    -------
    str
        The verdict of the first rule that holds.
    """
    ### BEGIN SOLUTION
    loss = np.asarray(history["loss"], dtype=float)
    num_classes = history["num_classes"]
    first, end = loss[0], loss[-3:].mean()
    train, val = np.mean(history["train_acc"][-3:]), np.mean(history["val_acc"][-3:])
    if not np.isfinite(loss).all() or end > 1.5 * first:
        return "learning rate too high"
    if first > 2 * np.log(num_classes):
        return "bad initialisation"
    if history["dead_fraction"] > 0.5:
        return "dead units"
    if train > 0.9 and val < 1.5 / num_classes:
        return "bug in the data"
    if train - val > 0.15:
        return "overfitting"
    if train < history["target"]:
        m = len(loss) // 2
        middle = loss[m - 1 : m + 2].mean()
        falls = middle - end > 0.25 * (first - end)
        return "learning rate too low" if falls else "underfitting"
    return "good run"
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_diagnose", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
down = list(np.linspace(2.3, 0.8, 13))
healthy = {
    "loss": down,
    "train_acc": list(np.linspace(0.1, 0.75, 13)),
    "val_acc": list(np.linspace(0.1, 0.70, 13)),
    "num_classes": 10,
    "dead_fraction": 0.05,
    "target": 0.5,
}
assert diagnose(healthy) == "good run", "none of the rules holds for this run: it is a good one"
ended = {**healthy, "loss": [*down[:-1], np.nan]}
assert diagnose(ended) == "learning rate too high", "the last loss is NaN: that is rule 1"
spiked = {**healthy, "loss": [*down[:-1], 4.0]}
assert diagnose(spiked) == "good run", (
    "a single bad epoch does not make a bad run: at the end means the mean of the last three values"
)
two = {**healthy, "num_classes": 2}
assert diagnose(two) == "bad initialisation", (
    "a first loss of 2.3 is fine for ten classes, but more than twice log 2"
)
dead = {**healthy, "dead_fraction": 0.8, "val_acc": list(np.linspace(0.1, 0.4, 13))}
assert diagnose(dead) == "dead units", "rule 3 stands above rule 5: dead units come first"
poor = {**healthy, "target": 0.9}
assert diagnose(poor) == "learning rate too low", "below the target and still falling: rule 6"
flat = {**poor, "loss": [2.3, 1.5, 1.0, *[0.8] * 10]}
assert diagnose(flat) == "underfitting", "below the target, and the loss has long stopped: rule 7"
print("✓ diagnose")

# %% [markdown]
# The second opinion on the eight runs. Where your eye and your program disagree, at least one of them
# is wrong: look at the picture again, and compute the numbers of the rule by hand.

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
seen = eight_verdicts()
for letter, run in made_up_runs().items():
    ruled = diagnose(run)
    assert seen[letter] == ruled, (
        f"run {letter}: you see {seen[letter]!r}, your diagnose says {ruled!r}"
    )
    print(letter, ruled)

# %% [markdown]
# And now real patients. Your network, your update rule, these images, and eight treatments: one is
# sensible, each of the others makes a mistake on purpose. "Shuffled labels" trains on five hundred
# images whose labels have been permuted among them, as a loader does that sorts images and labels
# differently.
#
# **Predict before you run.** What will `diagnose` say about each? (Its target is set to an accuracy of
# 35 %: there are few images, and they are small.)


# %% tags=["demo"]
@cache
def real_runs():
    """Train a network well, and in seven ways badly; return the histories by what was done."""
    shuffled = np.random.default_rng(0).permutation(y_train[:500])

    def born_dead():
        net = new_network()
        net.params["b1"] = net.params["b1"] - np.float32(10)
        return net

    recipes = {
        "sensible": (lambda: new_network(reg=0.05, weight_scale=0.01), 3e-3, y_train, 20),
        "rate 0.5": (new_network, 0.5, y_train, 20),
        "rate 0.00005": (new_network, 5e-5, y_train, 20),
        "weights ± 0.5": (lambda: new_network(weight_scale=0.5), 3e-3, y_train, 20),
        "biases at -10": (born_dead, 3e-3, y_train, 20),
        "shuffled labels": (new_network, 0.01, shuffled, 50),
        "no regularisation": (new_network, 0.01, y_train, 20),
        "far too much of it": (lambda: new_network(reg=0.4, weight_scale=0.005), 3e-3, y_train, 20),
    }
    return {
        name: train(make(), rate, y, num_epochs)
        for name, (make, rate, y, num_epochs) in progress(recipes.items(), "patients")
    }


show_runs(real_runs())
for treatment, run in real_runs().items():
    print(f"{treatment:>20} -> {diagnose(run)}")

# %% [markdown]
# Rules like these are no law of nature. Their thresholds are conventions; a learning rate that is
# *somewhat* too high gives no explosion but a plateau, and passes for underfitting; and a run can have
# two illnesses at a time. They are meant to look at many runs and to send the suspicious ones to you.
#
# ## 8. Early stopping
#
# Validation accuracy rises, levels off, and, where a network overfits, sinks again. Each further epoch
# costs time, and sometimes accuracy. So: keep the weights of the best epoch so far, and stop as soon as
# it has not been beaten for `patience` epochs in a row.
#
# Two conventions. Epochs count from 0. And *a tie is no improvement*: only an accuracy strictly above
# the best so far makes a new best epoch, and starts the patience anew.


# %% nbgrader={"grade": false, "grade_id": "early_stopping", "locked": false, "schema_version": 3, "solution": true, "task": false}
def early_stopping(val_acc, patience):
    """Find out when training would have been stopped.

    Parameters
    ----------
    val_acc : sequence of float
        Validation accuracy after each epoch, at least one; not modified.
    patience : int
        Stop after so many epochs in a row without a new best, at least 1.

    Returns
    -------
    stop : int
        Index of the last epoch that is trained; ``len(val_acc) - 1`` if patience never ran out.
    best : int
        Index of the best epoch up to there (the first one, if several are equal).
    """
    ### BEGIN SOLUTION
    best = 0
    for epoch, accuracy in enumerate(val_acc):
        if accuracy > val_acc[best]:
            best = epoch
        if epoch - best >= patience:
            return epoch, best
    return len(val_acc) - 1, best
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_early_stopping", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
stop, best = early_stopping([0.2, 0.5, 0.4, 0.45, 0.9], patience=2)
assert best == 1, f"the best epoch is 1, yours is {best}: you cannot know what comes after the stop"
assert stop == 3, f"epochs 2 and 3 bring no new best, so stop after epoch 3; you stop after {stop}"
assert tuple(early_stopping([0.2, 0.5, 0.5, 0.5, 0.9], 2)) == (3, 1), "a tie is no improvement"
assert tuple(early_stopping([0.2, 0.3, 0.25, 0.4, 0.35], 2)) == (4, 3), (
    "a new best starts the patience anew: here it never runs out"
)
print("✓ early_stopping")

# %% [markdown]
# A real curve: your network without regularisation, for forty epochs.
#
# **Predict before you run.** With which of the three patiences does one lose accuracy, compared with the
# best of all forty epochs? What does it cost to be more patient?


# %% tags=["demo"]
@cache
def long_run():
    """Train without regularisation for forty epochs; return the history."""
    return train(new_network(), 0.01, num_epochs=40)


val_acc = np.array(long_run()["val_acc"])
fig, axis = plt.subplots(figsize=(7.2, 3.8), layout="constrained")
axis.plot(long_run()["train_acc"], "--", color="#B5B5B5", label="training")
axis.plot(val_acc, color="#404040", label="validation")
for patience, color, marker in zip((1, 4, 12), COLORS, "os^", strict=False):
    stop, best = early_stopping(val_acc, patience)
    axis.axvline(stop, color=color, linestyle=":", linewidth=1.6)
    label = f"patience {patience}: stops after {stop}, best {val_acc[best]:.1%} at {best}"
    axis.plot(best, val_acc[best], marker, color=color, markersize=13 - patience / 2, label=label)
axis.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1.02), xlim=(0, 41))
axis.set_title("Where three patiences run out (dotted), and where they go back to", **BOLD)
axis.spines[["top", "right"]].set_visible(False)
_ = fig.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=2)

# %% [markdown]
# The accuracy on five hundred images is itself uncertain by about two percentage points, so the curve
# goes up and down by chance. A patience of 1 takes every such dip for the end. But note the other side:
# the *best of many* noisy epochs is also a lucky one. What early stopping reports as its best
# validation accuracy is a little too good to be true, and the longer one waits, the more so.
#
# ## 9. The search
#
# What is left are the numbers that no formula gives: learning rate, regularisation, width. Two
# principles first.
#
# **Search in log space.** Learning rates act by factors: from 0.001 to 0.002 is as much a change as from
# 0.1 to 0.2. Between $10^{-4}$ and $1$, an *even* draw would take nine out of ten values above 0.1. So
# what is spread evenly is the logarithm:
#
# $$\log v \sim \mathcal U(\log \text{low},\, \log \text{high}), \qquad\text{or}\qquad
#   v = \text{low} \cdot \left(\frac{\text{high}}{\text{low}}\right)^{u}, \quad u \sim \mathcal U(0, 1) .
# \tag{4}$$
#
# **Validation decides**, and it decides between *finished* runs of equal length.
#
# The obvious search is the **grid**: a few values for every parameter (in equal factors, ends included),
# and all combinations of them. Write it for any number of parameters; `itertools.product` may help.
# A run that has diverged has the score NaN. It must never be the best; at least one score is a number.


# %% nbgrader={"grade": false, "grade_id": "grid_search", "locked": false, "schema_version": 3, "solution": true, "task": false}
def grid_search(objective, bounds, num_per_axis):
    """Try all combinations of values that are evenly spaced in log space.

    Parameters
    ----------
    objective : callable
        ``objective(params) -> score`` for a dict from name to float; higher is better, NaN is a failure.
    bounds : dict from str to (float, float)
        Lowest and highest value of each parameter, ``0 < low < high``; both are tried.
    num_per_axis : int
        Number k of values of each parameter, at least 2.

    Returns
    -------
    best : dict from str to float
        The parameters with the highest score.
    trials : list of (dict, float)
        All ``k ** len(bounds)`` combinations with their scores, in any order.
    """
    ### BEGIN SOLUTION
    combinations = [{}]
    for name, (low, high) in bounds.items():
        values = [float(v) for v in np.geomspace(low, high, num_per_axis)]
        combinations = [{**c, name: value} for c in combinations for value in values]
    trials = [(params, float(objective(params))) for params in combinations]
    best, _ = max((t for t in trials if not np.isnan(t[1])), key=lambda trial: trial[1])
    return best, trials
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_grid_search", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
box = {"rate": (0.01, 1.0), "reg": (1.0, 100.0)}
best, trials = grid_search(lambda p: p["rate"] * p["reg"] if p["reg"] < 99 else np.nan, box, 3)
assert len(trials) == 9, f"{len(trials)} trials, expected 3 × 3 combinations"
tried = sorted(params["rate"] for params, _ in trials)
assert_close(tried, [0.01] * 3 + [0.1] * 3 + [1.0] * 3, name="the rates that were tried")
assert_close([best["rate"], best["reg"]], [1.0, 10.0], name="rate and reg of the best trial")
print("✓ grid_search")

# %% [markdown]
# The other search draws **every parameter of every trial at random**, by (4). All randomness comes from
# the generator that is passed: a search that cannot be repeated cannot be trusted.


# %% nbgrader={"grade": false, "grade_id": "random_search", "locked": false, "schema_version": 3, "solution": true, "task": false}
def random_search(objective, bounds, num_trials, rng):
    """Try parameters whose logarithms are drawn uniformly and independently.

    Parameters
    ----------
    objective : callable
        ``objective(params) -> score`` for a dict from name to float; higher is better, NaN is a failure.
    bounds : dict from str to (float, float)
        Lowest and highest value of each parameter, ``0 < low < high``.
    num_trials : int
        Number of trials, at least 1.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    best : dict from str to float
        The parameters with the highest score.
    trials : list of (dict, float)
        All ``num_trials`` draws with their scores, in the order in which they were tried.
    """
    ### BEGIN SOLUTION
    trials = []
    for _ in range(num_trials):
        params = {
            name: float(np.exp(rng.uniform(np.log(low), np.log(high))))
            for name, (low, high) in bounds.items()
        }
        trials.append((params, float(objective(params))))
    best, _ = max((t for t in trials if not np.isnan(t[1])), key=lambda trial: trial[1])
    return best, trials
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_random_search", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
box = {"rate": (1e-4, 1.0), "reg": (1e-6, 1e-2)}
best, trials = random_search(lambda p: -p["rate"], box, 200, np.random.default_rng(0))
values = np.array([[params["rate"], params["reg"]] for params, _ in trials])
assert len(trials) == 200, f"{len(trials)} trials, expected 200"
inside = (values >= [1e-4, 1e-6]) & (values <= [1.0, 1e-2])
assert inside.all(), "a draw is out of bounds"
share = np.mean(values[:, 0] < 0.01)
assert 0.35 < share < 0.65, (
    f"{share:.0%} of the rates are below 0.01, the middle of the range in log space: draw logarithms"
)
together = np.corrcoef(np.log(values).T)[0, 1]
assert abs(together) < 0.4, "rate and reg go together: draw a number of its own for each"
assert best["rate"] == values[:, 0].min(), "the best trial is the one with the highest score"
again = random_search(lambda p: -p["rate"], box, 3, np.random.default_rng(0))[1]
other = random_search(lambda p: -p["rate"], box, 3, np.random.default_rng(1))[1]
assert again == trials[:3], "the same generator gives other trials: use rng for everything"
assert other != again, "another generator gives the same trials: use the one that is passed"
broken = random_search(
    lambda p: np.nan if p["reg"] > 1e-4 else 1.0, box, 40, np.random.default_rng(2)
)
assert broken[0]["reg"] <= 1e-4, "a trial whose score is NaN came out best"
print("✓ random_search")

# %% [markdown]
# Which is better? J. Bergstra and Y. Bengio gave the answer in one picture. As a rule, *one or two
# hyper-parameters matter a lot and the others hardly at all*, and one does not know beforehand which.
# Here is such a landscape: the score depends on the parameter across, and next to nothing on the one
# upwards. Both searches have nine trials. The curve above each panel is the score as a function of the
# important parameter; below it, every trial casts its shadow onto that axis.
#
# **Predict before you run.** How many *different* values of the important parameter does the grid try,
# and how many does random search?


# %% tags=["demo"]
def landscape(peak, width=0.09, other=0.04):
    """Return an objective of two parameters from 0.001 to 1, of which the first matters."""

    def objective(params):
        x, y = (1 + np.log10(params[name]) / 3 for name in ("important", "unimportant"))
        return np.exp(-0.5 * ((x - peak) / width) ** 2) + other * np.sin(4 * y)

    return objective


square = {"important": (1e-3, 1.0), "unimportant": (1e-3, 1.0)}


def draw_searches(peak=0.30):
    """Draw nine trials of a grid and nine random ones over the same landscape."""
    objective = landscape(peak)
    searches = {
        "Grid": grid_search(objective, square, 3),
        "Random": random_search(objective, square, 9, np.random.default_rng(6)),
    }
    _, axes = plt.subplots(
        2, 2, figsize=(8.4, 5), sharex=True, height_ratios=(1, 2.6), layout="constrained"
    )
    fine = np.geomspace(1e-3, 1, 200)
    height = np.array([objective({"important": x, "unimportant": 1e-3}) for x in fine])
    field = [[objective({"important": x, "unimportant": y}) for x in fine] for y in fine]
    for (name, (_, trials)), (top, square_axis), color in zip(
        searches.items(), axes.T, COLORS, strict=False
    ):
        points = np.array([[p["important"], p["unimportant"]] for p, _ in trials])
        different = np.unique(points[:, 0].round(9))
        reached = [objective({"important": x, "unimportant": 1e-3}) for x in different]
        top.fill_between(fine, 0, height, color="#E6E6E6")
        top.vlines(different, 0, reached, color=color, linewidth=1)
        top.plot(different, reached, "o", color=color, clip_on=False)
        top.set(ylim=(0, 1.12), yticks=[], ylabel="score" if name == "Grid" else "")
        top.set_title(f"{name}: {len(different)} different values that matter", color=color)
        square_axis.contourf(fine, fine, field, levels=12, cmap="Greys", alpha=0.55)
        square_axis.loglog(*points.T, "o", color=color, markersize=8, clip_on=False)
        square_axis.vlines(points[:, 0], points[:, 1], 1, color=color, linewidth=0.6, linestyle=":")
        square_axis.set(xlim=(1e-3, 1), ylim=(1e-3, 1), xlabel="important parameter")
        square_axis.set_ylabel("unimportant parameter" if name == "Grid" else "")
        top.spines[["top", "right", "left"]].set_visible(False)


draw_searches()

# %% [markdown]
# One landscape proves nothing, its peak may have been lucky. So again with 100 landscapes, whose peak is
# anywhere, and with more and more trials.
#
# **Predict before you run.** For 16 trials the grid has 4 different values and random search has 16. Is
# random search then as good as a grid with 16 × 16 = 256 trials?

# %% tags=["demo"]
sides, peaks = (2, 3, 4, 5, 7), np.random.default_rng(8).uniform(0.05, 0.95, size=100)
rng = np.random.default_rng(9)
found = {"grid": [], "random": []}
for side in progress(sides, "grid against random"):
    scores = {"grid": [], "random": []}
    for peak in peaks:
        objective = landscape(peak)
        scores["grid"].append(max(s for _, s in grid_search(objective, square, side)[1]))
        drawn = random_search(objective, square, side**2, rng)[1]
        scores["random"].append(max(s for _, s in drawn))
    for name, values in scores.items():
        found[name].append((np.mean(values), np.std(values) / len(peaks) ** 0.5))
fig, axis = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for (name, values), color, marker in zip(found.items(), COLORS, "so", strict=False):
    mean, error = np.array(values).T
    axis.errorbar(np.square(sides), mean, error, color=color, marker=marker, capsize=3, label=name)
axis.set(xlabel="trials", ylabel="best score, mean of 100 landscapes", ylim=(0, 1.12))
axis.set_title("Grid against random search", **BOLD)
axis.set_xticks(np.square(sides))
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False, loc="lower right")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_search", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# (a) Why does random search come closer to the peak with the same number of trials? Give the number of
# different values that each tries in the direction that matters, for $n$ trials and $d$ parameters. (b)
# Random search with 16 trials and a grid of 256 both try 16 values of the parameter that matters. Which
# of the two is still better on average, and why? (c) The best of your trials lies at the very edge of a
# range. What do you do?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_search", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) Of $n$ trials, a grid spends all but $n^{1/d}$ on repeating the same values with other settings of
# parameters that do not matter. Each random trial has a value of its own, so there are $n$. With more
# different values, one of them lies closer to the peak as a rule.
#
# (b) The grid: its 16 values have equal distances, whereas random ones cluster and leave gaps. But it
# pays sixteen times as much for that.
#
# (c) Do not trust it: the optimum probably lies outside. Move or widen the range, so that the best is
# well inside, and search again; then finer around it.

# %% [markdown]
# Finally for real. Two dozen random trials of learning rate and regularisation, three epochs each; your
# network, your momentum, your search. It is the coarse stage: short runs over wide ranges, to see where
# anything is learned at all. (What diverges has the score NaN, and a cross in the picture.)
#
# **Predict before you run.** Which of the two parameters will turn out to be the important one?


# %% tags=["demo"]
@cache
def coarse_search():
    """Search learning rate and regularisation with short runs; return best, trials and accuracies."""
    ranges = {"rate": (1e-5, 1.0), "reg": (1e-5, 1.0)}
    accuracies = {}

    def objective(params):
        net = new_network(reg=params["reg"], weight_scale=0.01)
        run = train(net, params["rate"], num_epochs=3)
        failed = not np.isfinite(run["loss"]).all()
        pair = (np.nan, np.nan) if failed else (run["train_acc"][-1], run["val_acc"][-1])
        accuracies[params["rate"], params["reg"]] = pair
        return pair[1]

    best, trials = random_search(objective, ranges, 24, np.random.default_rng(10))
    return best, trials, accuracies


best, trials, accuracies = coarse_search()
_ = plot_search(accuracies, title=f"{len(trials)} random trials of three epochs")
print(f"best: rate {best['rate']:.1e}, reg {best['reg']:.1e}")

# %% [markdown]
# The next stage takes ranges of a tenth the width around the best, and longer runs; the one after that
# takes the winner, trains it to the end, and looks at its curves with everything that you have built
# here. Here is the winner of the coarse stage at full length, with your verdict on it.

# %% tags=["demo"]
best, _, _ = coarse_search()
final = train(new_network(reg=best["reg"], weight_scale=0.01), best["rate"], num_epochs=20)
_ = plot_accuracies(
    {"training": final["train_acc"], "validation": final["val_acc"]},
    x=range(len(final["val_acc"])),
    title=f"Best of the coarse search: {diagnose(final)}",
)

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **Your loss does not go down. What do you do, in which order?** Loss at the start against $\log C$;
# overfit a handful without regularisation; look at the very inputs and labels that enter the network;
# check gradients numerically; range test for the learning rate; only then think about the architecture.
#
# **The loss is NaN after two hundred steps.** Learning rate too high comes first; then a logarithm or a
# root of zero, a division by a variance of zero, an overflow in float16, broken inputs. Find the first
# step that is not finite, and look at the ratio of updates to weights just before it.
#
# **Training accuracy 99 %, validation accuracy 10 % on ten classes: overfitting?** Say first what
# overfitting would look like: still clearly better than chance. Exactly chance points to the data.
#
# **Validation accuracy is above training accuracy. Is that possible?** Yes: dropout and augmentation act
# on training images only; the training value may be a mean over an epoch during which the network got
# better; the validation set may be easier, or so small that it is noise.
#
# **How do you find a learning rate for a new network?** By a range test in one run, then a few runs in
# log space around it. Be ready to say why not the rate at which the loss is lowest.
#
# **Why random search instead of a grid?** Be ready to draw the picture of section 9 and to give the
# number of different values for $d$ parameters. What comes after: Bayesian optimisation, or stopping bad
# runs early (successive halving, Hyperband).
#
# **Why must the test set stay out of all this?** Each choice by a score fits that score a little. The
# best of hundred trials is also the luckiest of hundred. Only images that played no part in any choice
# give an honest number.
#
# **What do you log in every run?** The loss of each step, both accuracies, learning rate, norms of
# gradients and update ratios by layer, the seed, the version of code and data, and a few predictions
# to look at.
#
# ## Read more
#
# - CS231n notes, [Learning](https://cs231n.github.io/neural-networks-3/): sanity checks, babysitting, and
#   the search for hyper-parameters.
# - A. Karpathy, [A recipe for training neural networks](https://karpathy.github.io/2019/04/25/recipe/),
#   2019: why trainings fail silently, and how to go step by step.
# - L. N. Smith, [Cyclical learning rates for training neural
#   networks](https://arxiv.org/abs/1506.01186), 2017: the range test, in section 3.3.
# - J. Bergstra, Y. Bengio, [Random search for hyper-parameter
#   optimization](https://www.jmlr.org/papers/v13/bergstra12a.html), 2012: the picture, and the
#   experiments behind it.

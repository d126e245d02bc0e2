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
# # Regularisation: learning without learning by heart
#
# **Goal.** A network with more weights than images can learn every image by heart and understand
# none. You build the remedies, from a penalty on weights over dropout and augmentation to an
# ensemble, and watch the gap between training and validation close.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `l1_l2_penalty` | a price for large weights, and its gradient |
# | 3 | `dropout_forward`, `dropout_backward` | a layer that forgets at random |
# | 4 | `random_flip`, `random_crop`, `color_jitter`, `cutout` | new images from old ones |
# | 5 | `mixup` | images between images, with labels between labels |
# | 7 | `ensemble_predict` | the answer of several networks |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library, and they see their arguments, your imports
# and your other functions; they cannot see data that the notebook has loaded.
#
# Nearly everything here is random, and all of it is drawn with a generator `rng` that is passed in
# (`rng.random(size)`, `rng.integers(high, size=…)`, `rng.uniform(low, high, size)`, …). The same
# generator in the same state then gives the same result, which is the only way to find a mistake in
# a random program. In which order you draw is up to you: checks look at whether results are
# possible, and at whether they are as frequent as they should be.
#
# You need your notebook `two_layer_net`, whose layers are used here, and about three hours.

# %%
from functools import cache

import matplotlib.pyplot as plt
import numpy as np

from cs231n_lib.checking import assert_close, assert_gradient, assert_shape
from cs231n_lib.datasets import load_dataset
from cs231n_lib.notebooks import from_notebook
from cs231n_lib.plots import plot_training, show_filters, show_images
from cs231n_lib.plots.style import COLORS
from cs231n_lib.progress import progress
from cs231n_lib.solver import Solver

layers = from_notebook("two_layer_net")

# %% [markdown]
# ## 1. The gap
#
# To see the disease in a minute instead of a day, we make it worse: 500 training images only, and
# a network whose first layer alone has 76,800 weights. Images stay images here, (N, 32, 32, 3)
# with values from 0 to 255, because we are going to shift and mirror them; the network itself
# centres them and halves their size to 16×16 pixels.

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
data = load_dataset(num_training=500, num_validation=1_000, num_test=1_000)
print("X_train", data.X_train.shape, " X_val", data.X_val.shape)

# %% [markdown]
# The network is the old acquaintance affine – ReLU – affine – softmax. Between ReLU and the second
# affine layer there is room for dropout, and the loss has room for a penalty; both are off until
# you have written them.


# %% tags=["demo"]
class SmallNet:
    """affine - ReLU - dropout - affine - softmax, with a penalty on both weight matrices."""

    def __init__(self, seed=0, keep_ratio=1.0, l1=0.0, l2=0.0):
        rng = np.random.default_rng(seed)
        self.l1, self.l2 = l1, l2
        self.dropout = None if keep_ratio == 1 else {"p": keep_ratio, "rng": rng}
        sizes = {"W1": (768, 100), "W2": (100, len(data.class_names))}
        self.params = {
            name: (rng.standard_normal(size) * np.sqrt(2 / size[0])).astype(np.float32)
            for name, size in sizes.items()
        }
        self.params |= {"b1": np.zeros(100, np.float32), "b2": np.zeros(10, np.float32)}

    def loss(self, X, y=None):
        """Return the scores of images, or with labels the loss and the gradients."""
        p = self.params
        blocks = X.reshape(len(X), 16, 2, 16, 2, 3).mean(axis=(2, 4))
        rows = ((blocks - 120.0) / 60.0).reshape(len(X), -1).astype(np.float32)
        hidden, cache_1 = layers.affine_forward(rows, p["W1"], p["b1"])
        hidden, cache_relu = layers.relu_forward(hidden)
        if self.dropout:
            mode = "test" if y is None else "train"
            hidden, cache_dropout = dropout_forward(hidden, {**self.dropout, "mode": mode})
        scores, cache_2 = layers.affine_forward(hidden, p["W2"], p["b2"])
        if y is None:
            return scores

        loss, dscores = layers.softmax_loss(scores, y)
        dhidden, dW2, db2 = layers.affine_backward(dscores, cache_2)
        if self.dropout:
            dhidden = dropout_backward(dhidden, cache_dropout)
        _, dW1, db1 = layers.affine_backward(layers.relu_backward(dhidden, cache_relu), cache_1)
        grads = {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
        if self.l1 or self.l2:
            for name in ("W1", "W2"):
                penalty, dW = l1_l2_penalty(p[name], self.l1, self.l2)
                loss, grads[name] = loss + penalty, grads[name] + dW
        return loss, grads


def momentum(w, dw, config):
    """Take a step of SGD with momentum 0.9."""
    velocity = 0.9 * config.get("velocity", 0.0) - config["learning_rate"] * dw
    return (w + velocity).astype(w.dtype), {**config, "velocity": velocity}


@cache
def fit(augment=None, num_epochs=40, **settings):
    """Train a SmallNet with these settings; return the solver, which has the curves."""
    solver = Solver(
        SmallNet(**settings),
        data,
        momentum,
        {"learning_rate": 4e-3},
        batch_size=50,
        num_epochs=num_epochs,
        augment=augment,
        rng=np.random.default_rng(settings.get("seed", 0)),
        progress=False,
    )
    solver.train()
    return solver


def final_accuracies(solver):
    """Return training and validation accuracy, the mean of the last ten epochs."""
    return np.mean(solver.train_acc_history[-10:]), np.mean(solver.val_acc_history[-10:])


# %% [markdown]
# **Predict before you run.** To which accuracy will the training images be learned, with 154 weights
# of the first layer for each of them? And what will the validation images say meanwhile?

# %% tags=["demo"]
_ = plot_training(fit(), smooth=10, title="500 images, nothing against learning by heart")

# %% [markdown]
# That is *overfitting*: not that training accuracy is high, but that it says nothing any more about
# other images. There are three ways out, and we go all of them. Make it expensive to be complicated
# (penalties), make it hard to rely on a detail (dropout), or have more images (augmentation).
#
# ## 2. A price for weights
#
# The first remedy adds a penalty to the loss, one that grows with the weights:
#
# $$R(w) = \lambda_1 \sum_j |w_j| \;+\; \tfrac12\,\lambda_2 \sum_j w_j^2 \tag{1}$$
#
# The sums run over all entries of the array. Mind the factor ½ in the second term and its absence in
# the first. **Your step:** differentiate both terms with respect to one weight. The second is easy.
# For the first, draw the graph of $|w|$: what is its slope to the right of zero, and to the left?
# At zero it has none; any number between the two would do (a *subgradient*), and we take the one in
# the middle, so that a weight that is exactly zero is left there.


# %% nbgrader={"grade": false, "grade_id": "l1_l2_penalty", "locked": false, "schema_version": 3, "solution": true, "task": false}
def l1_l2_penalty(w, l1, l2):
    """Compute a penalty for the size of weights, and its gradient.

    Parameters
    ----------
    w : array of float, of any shape
        Weights; not modified.
    l1, l2 : float
        Strengths of the two terms.

    Returns
    -------
    loss : float
        ``l1 * sum(abs(w)) + 0.5 * l2 * sum(w * w)``.
    dw : array of the shape of w
        Gradient of the loss with respect to w; the L1 term adds 0 where a weight is exactly 0.
    """
    ### BEGIN SOLUTION
    loss = l1 * np.sum(np.abs(w)) + 0.5 * l2 * np.sum(w * w)
    dw = l1 * np.sign(w) + l2 * w
    return loss, dw
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_l1_l2_penalty", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
w = np.array([[3.0, -1.0], [0.0, 2.0], [-4.0, 1.0]])
before = w.copy()
loss, dw = l1_l2_penalty(w, 0.0, 0.1)
assert_close(loss, 1.55, name="the loss with l2 = 0.1 alone")
assert_gradient(lambda w: l1_l2_penalty(w, 0.0, 0.1)[0], w, dw, name="dw with l2 alone")
loss, dw = l1_l2_penalty(w, 0.1, 0.0)
assert_close(loss, 1.1, name="the loss with l1 = 0.1 alone")
assert_close(dw[1, 0], 0.0, name="dw of a weight that is 0, with l1 alone,")
away = w[[0, 2]]  # from zero, where |w| has a slope
dw = l1_l2_penalty(away, 0.3, 0.2)[1]
assert_gradient(lambda w: l1_l2_penalty(w, 0.3, 0.2)[0], away, dw, name="dw with l1 and l2")
assert np.array_equal(w, before), "w changed: work on a new array, not on the caller's"
print("✓ l1_l2_penalty")

# %% [markdown]
# Both make weights small. They do not make the same weights small. In a step of gradient descent,
# the L2 term takes the same *share* of every weight, and the L1 term the same *amount*.
#
# **Predict before you run.** Below are histograms of the first layer's weights after training, and
# some of its units as images. Under which penalty will most weights be as good as zero while a few
# stay large? What will such a unit look like?

# %% tags=["demo"]
penalised = {"no penalty": {}, "L2": {"l2": 0.1}, "L1": {"l1": 0.005}}
fig, axes = plt.subplots(1, 3, figsize=(9, 2.6), sharey=True, layout="constrained")
for axis, (name, settings), color in zip(axes, penalised.items(), COLORS, strict=False):
    W = fit(**settings).model.params["W1"]
    axis.hist(W.ravel(), bins=np.linspace(-0.2, 0.2, 81), color=color, log=True)
    axis.set(xlabel="weight of the first layer")
    near_zero = np.mean(np.abs(W) < 0.002)
    axis.set_title(f"{name}: {near_zero:.0%} within ±0.002", loc="left", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
_ = axes[0].set_ylabel("how many")

# %% tags=["demo"]
for name, settings in penalised.items():
    W = fit(**settings).model.params["W1"]
    strongest = np.argsort(-np.abs(W).sum(axis=0))[:12]
    units = W[:, strongest].T.reshape(-1, 16, 16, 3).transpose(0, 3, 1, 2)
    _ = show_filters(units, columns=12, title=f"{name}: the 12 strongest hidden units")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_pull", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# A weight starts at $w = 1$ and the data do not care about it: its gradient comes from the penalty
# alone. Steps are $w \leftarrow w - \eta\, \partial R / \partial w$ with $\eta = 0.1$. (a) What is $w$
# after $t$ steps with $\lambda_2 = 0.5$ and $\lambda_1 = 0$? Does it ever become 0? (b) And with
# $\lambda_1 = 0.5$, $\lambda_2 = 0$? (c) With $\lambda_1 = 0.3$ instead, what does $w$ do once it has
# come close to zero, and why does plain gradient descent seldom give exact zeros?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_pull", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) Every step multiplies by $1 - 0.1 \cdot 0.5 = 0.95$: $w = 0.95^t$. It gets small, 0.006 after a
# hundred steps, and never 0.
#
# (b) Every step subtracts $0.05$: after 20 steps $w$ is 0 and stays there, since the gradient is 0
# at 0. (In floating point it is a tiny number that then swings, as in c.)
#
# (c) Steps of 0.03 take it in 33 steps to 0.01, and the next one to −0.02: beyond zero the sign
# changes, the step points back, and $w$ swings between 0.01 and −0.02 for ever. A step of constant
# length hits zero only by accident. Methods that want exact zeros cut the step off at zero
# (*soft thresholding*), or count as zero whatever is below the length of a step.

# %% [markdown]
# ## 3. Dropout
#
# The second remedy disturbs the network while it learns. In every training step each hidden unit is
# *dropped*, set to zero, with some probability, each example having a draw of its own. A unit can no
# longer rely on one certain other unit being there, and so has to be of use by itself.
#
# $p$ is the probability to **keep** a unit. (Papers and libraries differ. In CS231n it has been the
# ratio to keep since 2018; in PyTorch it is the ratio to drop.) With a mask $m$ of independent draws
# that are 1 with probability $p$ and 0 otherwise,
#
# $$\text{training:}\quad y = \boldsymbol{?}\; m \odot x, \qquad\qquad
#   \text{test:}\quad y = x . \tag{2}$$
#
# At test time nothing is dropped, because an answer should not depend on dice. But then the next
# layer gets larger sums than in training, when a part of the units was missing. **Your step:** the
# expected value of $m\,x$ is? By which number, put in place of the question mark, is the expected
# value of $y$ in training equal to $y$ at test time? Corrected in training, the network needs no
# change at all for the test; that is called *inverted* dropout.
#
# `dropout_param` is a dictionary with the keys `p`, `mode` (`"train"` or `"test"`) and `rng`. Each
# entry of `x` has its own draw, whatever the shape. Put aside in `cache` what the backward function
# is going to need; look at its signature below.


# %% nbgrader={"grade": false, "grade_id": "dropout_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dropout_forward(x, dropout_param):
    """Compute the forward pass of inverted dropout.

    Parameters
    ----------
    x : array of float, of any shape
        Input; not modified.
    dropout_param : dict
        ``p``: probability to keep an entry, ``0 < p <= 1``; ``mode``: ``"train"`` or ``"test"``;
        ``rng``: the numpy.random.Generator that draws the mask (it may be missing in test mode).
        (CS231n has ``seed`` in its place, for NumPy's global random state.)

    Returns
    -------
    out : array of the shape of x
        In training, every entry is dropped (0) or kept and scaled so that the expected value is x;
        in test mode, x.
    cache
        What :func:`dropout_backward` needs.
    """
    p, mode = dropout_param["p"], dropout_param["mode"]
    ### BEGIN SOLUTION
    mask = None
    out = x
    if mode == "train":
        mask = (dropout_param["rng"].random(x.shape) < p) / p
        out = (x * mask).astype(x.dtype, copy=False)
    cache = (dropout_param, mask)
    return out, cache
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_dropout_forward", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
x = np.random.default_rng(0).uniform(1, 2, size=(300, 200))
for p in (0.3, 0.8):
    out, _ = dropout_forward(x, {"p": p, "mode": "train", "rng": np.random.default_rng(1)})
    assert_shape(out, x.shape, name="out")
    kept = out != 0
    assert_close(out[kept], x[kept] / p, name="out where it is kept (as a row)")
    assert abs(kept.mean() - p) < 0.02, (
        f"{kept.mean():.0%} of the entries are kept, expected {p:.0%}"
    )
    assert np.any(kept[0] != kept[1]), "all examples have the same mask: draw one of the shape of x"
    out, _ = dropout_forward(x, {"p": p, "mode": "test"})
    assert_close(out, x, name="out in test mode")
out, _ = dropout_forward(x, {"p": 1.0, "mode": "train", "rng": np.random.default_rng(1)})
assert_close(out, x, name="out with p = 1")
print("✓ dropout_forward")

# %% [markdown]
# For the way back the mask is a constant, already drawn. So what is $\partial y / \partial x$ of an
# entry that was kept, and of one that was dropped? Gradients pass where activations have passed, with
# the same factor. In test mode everything passes.


# %% nbgrader={"grade": false, "grade_id": "dropout_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dropout_backward(dout, cache):
    """Compute the backward pass of inverted dropout.

    Parameters
    ----------
    dout : array of float
        Gradient of the loss with respect to the output, of the shape of x; not modified.
    cache
        What :func:`dropout_forward` has put aside.

    Returns
    -------
    array of the shape of x
        Gradient of the loss with respect to x.
    """
    ### BEGIN SOLUTION
    dropout_param, mask = cache
    if dropout_param["mode"] == "test":
        return dout
    return (dout * mask).astype(dout.dtype, copy=False)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_dropout_backward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(2)
x, dout = rng.uniform(1, 2, size=(7, 5)), rng.standard_normal((7, 5))
out, cache_dropout = dropout_forward(x, {"p": 0.6, "mode": "train", "rng": rng})
dx = dropout_backward(dout, cache_dropout)
assert_shape(dx, x.shape, name="dx")
assert np.array_equal(dx != 0, out != 0), "dx is zero elsewhere than out: use the mask of forward"
assert_close(dx, dout * out / x, name="dx")
_, cache_dropout = dropout_forward(x, {"p": 0.6, "mode": "test"})
assert_close(dropout_backward(dout, cache_dropout), dout, name="dx in test mode")
print("✓ dropout_backward")

# %% [markdown]
# Here are masks at work: forty examples (rows) of sixty units, in three ratios.
#
# **Predict before you run.** How bright is a unit that survives at $p = 0.25$, if all of them are 1
# before? What should the mean say?


# %% tags=["demo"]
fig, axes = plt.subplots(1, 3, figsize=(9, 2.5), layout="constrained")
for axis, p in zip(axes, (0.9, 0.5, 0.25), strict=True):
    param = {"p": p, "mode": "train", "rng": np.random.default_rng(3)}
    out, _ = dropout_forward(np.ones((40, 60)), param)
    image = axis.imshow(out, cmap="magma", vmin=0, vmax=4, interpolation="nearest")
    axis.set(xticks=[], yticks=[], xlabel="unit")
    axis.set_title(f"p = {p:g}: mean {out.mean():.2f}", loc="left", fontsize=10)
axes[0].set_ylabel("example")
_ = fig.colorbar(image, ax=axes, label="output", shrink=0.9)

# %% [markdown]
# And what does it do to learning? The only difference between the two runs is the layer that you
# have just written.
#
# **Predict before you run.** Will the *training* loss be higher or lower with dropout? Will it be as
# smooth?

# %% tags=["demo"]
dropout_runs = {"without": fit(), "dropout, p = 0.5": fit(keep_ratio=0.5)}
_ = plot_training(dropout_runs, smooth=10, title="With dropout, training gets harder")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_dropout", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# (a) An entry $x$ goes through inverted dropout. Its expected value is $x$; compute its variance. For
# which $p$ is it as large as $x^2$? (b) A colleague's network reaches 60 % in training and 68 % on
# validation images, both measured in the course of training, the former from the minibatches as they
# pass through the network. Is that possible? (c) Someone forgets to switch to test mode when the
# network is in use. What will users notice?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_dropout", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) $y$ is $x/p$ with probability $p$ and otherwise 0, so
# $\mathrm{Var}\,y = p\,(x/p)^2 - x^2 = x^2\,(1-p)/p$. It equals $x^2$ for $p = \tfrac12$. This noise
# *is* the regulariser, and with small $p$ there is more noise than signal.
#
# (b) Yes, and it is common. Minibatches are seen by the thinned network, validation images by the
# whole one. To compare, evaluate training images in test mode, too (as our `Solver` does).
#
# (c) The same image gets another answer every time, and the answers are worse than they need be.
# (Average many of them and they are good again, with the spread as a measure of doubt: *Monte Carlo
# dropout*.)

# %% [markdown]
# ## 4. More images for free
#
# The most natural remedy against too few images is more images. Those we have can be changed in ways that
# leave the label what it is: a mirrored frog is a frog. So in every epoch the network gets another
# version of each image, and there is little to learn by heart.
#
# All functions take a batch `images` of shape (N, H, W, 3) and return a new one of the same shape.
# The batch belongs to the caller and stays as it is. And **every image has its own draw**: a batch
# that is shifted as a whole teaches the network much less, as all images of a step agree.
#
# ### Mirror
#
# With probability ½, swap left and right. (Which axis is that?)


# %% nbgrader={"grade": false, "grade_id": "random_flip", "locked": false, "schema_version": 3, "solution": true, "task": false}
def random_flip(images, rng):
    """Swap left and right of each image with probability ½.

    Parameters
    ----------
    images : (N, H, W, 3) array
        A batch of images; not modified.
    rng : numpy.random.Generator
        Draws, for each image by itself.

    Returns
    -------
    (N, H, W, 3) array
        Each image, or its mirror image.
    """
    ### BEGIN SOLUTION
    mirrored = rng.random(len(images)) < 0.5
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_random_flip", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
images = np.random.default_rng(0).integers(1, 256, size=(400, 3, 4, 3)).astype(np.float64)
before = images.copy()
out = random_flip(images, np.random.default_rng(1))
assert_shape(out, images.shape, name="the batch")
assert np.array_equal(images, before), "images changed: work on a new array, not on the caller's"
same = np.all(out == images, axis=(1, 2, 3))
mirrored = np.all(out == images[:, :, ::-1], axis=(1, 2, 3))
assert np.all(same | mirrored), "an image is neither as it was nor with left and right swapped"
assert 130 < mirrored.sum() < 270, (
    f"{mirrored.sum()} of 400 images are mirrored, expected about 200"
)
print("✓ random_flip")

# %% [markdown]
# ### Shift
#
# Surround the image with `padding` rows and columns of zeros on all four sides, and cut out a
# window of the old size. Where its upper left corner is, is drawn: rows and columns independently of
# each other, every position equally likely, both extremes included. **Your step:** how many positions
# are there along each axis?


# %% nbgrader={"grade": false, "grade_id": "random_crop", "locked": false, "schema_version": 3, "solution": true, "task": false}
def random_crop(images, padding, rng):
    """Pad each image with zeros and cut a window of its old size from a random place.

    Parameters
    ----------
    images : (N, H, W, 3) array
        A batch of images; not modified.
    padding : int
        Rows and columns of zeros on each of the four sides, 0 or more.
    rng : numpy.random.Generator
        Draws the window's place, for each image by itself.

    Returns
    -------
    (N, H, W, 3) array
        Each image, shifted by up to `padding` pixels, with zeros where there was nothing.
    """
    ### BEGIN SOLUTION
    N, H, W, _ = images.shape
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    tops = rng.integers(2 * padding + 1, size=N)
    lefts = rng.integers(2 * padding + 1, size=N)
    out = np.empty_like(images)
    for i, (top, left) in enumerate(zip(tops, lefts, strict=True)):
        out[i] = padded[i, top : top + H, left : left + W]
    return out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_random_crop", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
out = random_crop(images, 1, np.random.default_rng(1))
assert_shape(out, images.shape, name="the batch")
assert np.array_equal(images, before), "images changed: work on a new array, not on the caller's"
padded = np.zeros((400, 5, 6, 3))
padded[:, 1:-1, 1:-1] = images
found = np.zeros((3, 3), dtype=int)
for top in range(3):
    for left in range(3):
        window = padded[:, top : top + 3, left : left + 4]
        found[top, left] = np.sum(np.all(out == window, axis=(1, 2, 3)))
assert found.sum() == 400, f"{400 - found.sum()} of 400 images are no window of their padded image"
assert found.min() > 10, "how often each place was drawn, expected about 44 each:\n" + str(found)
assert np.array_equal(random_crop(images, 0, np.random.default_rng(1)), images), "padding = 0"
print("✓ random_crop")

# %% [markdown]
# ### Change the light
#
# Light is brighter or dimmer, more yellow or more blue. For each image $i$ and each of its three
# colour channels $c$ draw one factor, uniformly and independently of all others, and cut off what
# leaves the range of pixel values:
#
# $$\text{out}_{ihwc} = \min\big(255,\ \max(0,\ f_{ic} \cdot \text{images}_{ihwc})\big), \qquad
#   f_{ic} \sim U(1 - s,\ 1 + s) \tag{3}$$
#
# In code $s$ is `strength`, between 0 and 1. (Which shape must an array of factors have, to
# broadcast against a batch?)


# %% nbgrader={"grade": false, "grade_id": "color_jitter", "locked": false, "schema_version": 3, "solution": true, "task": false}
def color_jitter(images, strength, rng):
    """Multiply each colour channel of each image by a random factor.

    Parameters
    ----------
    images : (N, H, W, 3) array of float
        A batch of images with values from 0 to 255; not modified.
    strength : float
        Factors are uniform in ``[1 - strength, 1 + strength]``, one per image and channel.
    rng : numpy.random.Generator
        Draws the factors.

    Returns
    -------
    (N, H, W, 3) array of float
        The products, cut off at 0 and 255.
    """
    ### BEGIN SOLUTION
    factors = rng.uniform(1 - strength, 1 + strength, size=(len(images), 1, 1, 3))
    return np.clip(images * factors, 0, 255)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_color_jitter", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
dim = images / 2  # so that nothing is cut off
out = color_jitter(dim, 0.5, np.random.default_rng(1))
assert_shape(out, images.shape, name="the batch")
assert np.array_equal(dim, before / 2), "images changed: work on a new array, not on the caller's"
factors = out / dim
assert_close(factors, factors[:, :1, :1] * np.ones((1, 3, 4, 1)), name="the array of factors")
assert factors.min() >= 0.5 - 1e-6, f"a factor is {factors.min():.3f}, expected 0.5 or more"
assert factors.max() <= 1.5 + 1e-6, f"a factor is {factors.max():.3f}, expected 1.5 or less"
assert np.all(np.std(factors[:, 0, 0], axis=0) > 0.2), "images have the same factor, or nearly so"
assert np.std(factors[0, 0, 0]) > 0, "the channels of an image have the same factor"
assert color_jitter(images, 0.9, np.random.default_rng(1)).max() <= 255, "values are above 255"
print("✓ color_jitter")

# %% [markdown]
# ### Cover a part
#
# *Cutout* sets a square of `size` × `size` pixels to 0, in all three channels. Here the square always
# lies wholly within the image, and all such places are equally likely. It is dropout for pixels, only
# that neighbours go together. **Your step:** which rows can be the uppermost of the square?


# %% nbgrader={"grade": false, "grade_id": "cutout", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cutout(images, size, rng):
    """Set a square of each image to zero, at a random place.

    Parameters
    ----------
    images : (N, H, W, 3) array
        A batch of images; not modified.
    size : int
        Side of the square, at most H and W.
    rng : numpy.random.Generator
        Draws the place of the square, for each image by itself.

    Returns
    -------
    (N, H, W, 3) array
        The images, each with a square of zeros that lies wholly within.
    """
    ### BEGIN SOLUTION
    N, H, W, _ = images.shape
    tops = rng.integers(H - size + 1, size=N)
    lefts = rng.integers(W - size + 1, size=N)
    out = images.copy()
    for i, (top, left) in enumerate(zip(tops, lefts, strict=True)):
        out[i, top : top + size, left : left + size] = 0
    return out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_cutout", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
out = cutout(images, 2, np.random.default_rng(1))
assert_shape(out, images.shape, name="the batch")
assert np.array_equal(images, before), "images changed: work on a new array, not on the caller's"
found = np.zeros((2, 3), dtype=int)
for top in range(2):
    for left in range(3):
        covered = images.copy()
        covered[:, top : top + 2, left : left + 2] = 0
        found[top, left] = np.sum(np.all(out == covered, axis=(1, 2, 3)))
assert found.sum() == 400, f"in {400 - found.sum()} of 400 images it is not a square that is zero"
assert found.min() > 25, "how often each place was drawn, expected about 67 each:\n" + str(found)
print("✓ cutout")

# %% [markdown]
# Look at all of them. Each row is one image, over and over. (Whoever augments looks at the result:
# most mistakes in augmentation are seen at a glance, and hardly any raises an error.)
#
# **Predict before you run.** Which of the four would you switch off if the images were digits, or
# traffic lights?


# %% tags=["demo"]
def show_versions(augment, title):
    """Show two images and seven versions of each."""
    repeated = np.repeat(data.X_train[[0, 3]], 8, axis=0)
    versions = augment(repeated, np.random.default_rng(4))
    versions[[0, 8]] = repeated[[0, 8]]
    captions = ["original", *[""] * 7] * 2
    _ = show_images(versions / 255, captions, columns=8, inch=0.9, title=title)


show_versions(random_flip, "random_flip")

# %% tags=["demo"]
show_versions(lambda images, rng: random_crop(images, 4, rng), "random_crop, padding 4")

# %% tags=["demo"]
show_versions(lambda images, rng: color_jitter(images, 0.4, rng), "color_jitter, strength 0.4")

# %% tags=["demo"]
show_versions(lambda images, rng: cutout(images, 10, rng), "cutout, size 10")

# %% [markdown]
# ## 5. Images between images
#
# *Mixup* goes further and shows things that do not exist: a bit of one image laid over another. The
# label then is a bit of one and a bit of the other, so labels are *one-hot* rows, (N, C), with a 1
# at the class and 0 elsewhere. Each image $i$ of the batch gets a partner $j$, drawn at random from
# the same batch (a permutation of the batch does), and a weight of its own:
#
# $$\tilde x_i = \lambda_i\, x_i + (1 - \lambda_i)\, x_j, \qquad
#   \tilde y_i = \boldsymbol{?}, \qquad \lambda_i \sim \mathrm{Beta}(\alpha, \alpha). \tag{4}$$
#
# `rng.beta(alpha, alpha, size=…)` draws the weights. For $\alpha = 1$ they are uniform between 0 and 1,
# for small $\alpha$ most are near 0 or 1: an image with a hint of another. **Your step:** what should
# the network answer to a picture that is 70 % cat and 30 % ship?


# %% nbgrader={"grade": false, "grade_id": "mixup", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mixup(images, labels_one_hot, alpha, rng):
    """Mix each image, and its label, with another one of the batch.

    Parameters
    ----------
    images : (N, H, W, 3) array of float
        A batch of images; not modified.
    labels_one_hot : (N, C) array of float
        Their labels, one-hot; not modified.
    alpha : float
        Weights are drawn from Beta(alpha, alpha).
    rng : numpy.random.Generator
        Draws partners and weights, for each image its own.

    Returns
    -------
    mixed_images : (N, H, W, 3) array of float
        ``lam[i] * images[i] + (1 - lam[i]) * images[partner[i]]``.
    mixed_labels : (N, C) array of float
        Labels, mixed in the same way: with the same partner and the same weight.
    """
    ### BEGIN SOLUTION
    lam = rng.beta(alpha, alpha, size=len(images))
    partner = rng.permutation(len(images))
    weight = lam[:, None, None, None]
    mixed_images = weight * images + (1 - weight) * images[partner]
    weight = lam[:, None]
    mixed_labels = weight * labels_one_hot + (1 - weight) * labels_one_hot[partner]
    return mixed_images, mixed_labels
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_mixup", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
own_class = np.eye(400)  # a class for each image: labels then tell who was mixed with whom
mixed_images, mixed_labels = mixup(images, own_class, 0.7, np.random.default_rng(1))
assert_shape(mixed_images, images.shape, name="mixed_images")
assert_shape(mixed_labels, (400, 400), name="mixed_labels")
assert np.array_equal(images, before), "images changed: work on a new array, not on the caller's"
assert np.array_equal(own_class, np.eye(400)), "labels_one_hot changed: work on a new array"
assert_close(mixed_labels.sum(axis=1), np.ones(400), name="the sum of each mixed label")
told = np.tensordot(mixed_labels, images, axes=1)
assert_close(mixed_images, told, name="mixed_images, compared with what mixed_labels say,")
weights = mixed_labels.max(axis=1)
assert np.mean(weights < 0.99) > 0.5, "most images are mixed with nothing"
assert np.std(weights) > 0.05, "all images have the same weight: draw one for each"
print("✓ mixup")

# %% tags=["demo"]
chosen = np.arange(20, 36)
one_hot = np.eye(len(data.class_names))[data.y_train[chosen]]
mixed_images, mixed_labels = mixup(data.X_train[chosen], one_hot, 1.0, np.random.default_rng(6))
captions = []
for label in mixed_labels:
    parts = [k for k in np.argsort(-label, kind="stable")[:2] if label[k] >= 0.005]
    captions.append("\n".join(f"{data.class_names[k]} {label[k]:.0%}" for k in parts))
_ = show_images(mixed_images / 255, captions, columns=8, inch=1.1, title="mixup with α = 1")

# %% [markdown]
# Nobody would take these for photographs. They teach the network to change its mind *gradually* on
# the way from one class to another, instead of being sure everywhere and turning over at some point.
#
# ## 6. Does the gap close?
#
# Five networks, the same start, the same 500 images, the same number of steps.
#
# **Predict before you run.** In which order will they stand? Which will still know all training images
# by heart? For which remedy does the validation accuracy rise, and for which does the training
# accuracy merely fall?


# %% tags=["demo"]
def augment(X, y, rng):
    """Mirror and shift a minibatch, and change its light a little."""
    return color_jitter(random_crop(random_flip(X, rng), 4, rng), 0.1, rng), y


remedies = {
    "nothing": {},
    "L2": {"l2": 0.1},
    "dropout": {"keep_ratio": 0.5},
    "augmentation": {"augment": augment},
    "all three": {"augment": augment, "l2": 0.02, "keep_ratio": 0.8},
}
reached = {
    name: final_accuracies(fit(**settings))
    for name, settings in progress(list(remedies.items()), "training")
}
fig, axis = plt.subplots(figsize=(7, 3), layout="constrained")
for row, (train, val) in enumerate(reached.values()):
    axis.plot([val, train], [row, row], color="#B0B0B0", linewidth=3, zorder=1)
    for value, color, marker in ((val, COLORS[0], "o"), (train, COLORS[1], "s")):
        label = {"o": "validation", "s": "training"}[marker] if row == 0 else None
        axis.scatter(value, row, color=color, marker=marker, s=60, label=label, zorder=2)
    axis.text((train + val) / 2, row - 0.15, f"{train - val:.0%}", ha="center", va="bottom")
axis.set(yticks=range(len(reached)), yticklabels=list(reached), xlim=(0.1, 1.05))
axis.set(xlabel="accuracy (mean of the last ten epochs)", ylim=(len(reached) - 0.5, -0.7))
axis.set_title(
    "The gap between training and validation", loc="left", fontweight="bold", fontsize=11
)
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False, loc="lower right")

# %% tags=["demo"]
gap_runs = {name: fit(**remedies[name]) for name in ("nothing", "augmentation")}
_ = plot_training(gap_runs, smooth=10, title="With and without augmentation")

# %% [markdown]
# Read two numbers, not one. A small gap alone is worth nothing: a network that has learned nothing
# has none. What counts is the validation accuracy; the gap only says where more of it may be had. A
# large gap asks for regularisation or more images, a small gap at a low level for a larger network or
# longer training. (Augmented images last longer: try `fit(augment=augment, num_epochs=200)`.)

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_augmentation", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# (a) Name, for each of flip, crop, colour jitter and cutout, a task in which it would harm, and say
# why. (b) Why is augmentation not applied to validation images? Is there a use for it at test time?
# (c) A mirrored copy of each training image is put into the data *before* they are split at random into
# training and validation. What happens to the validation accuracy?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_augmentation", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) Flip: letters, or arrows on signs, where mirroring changes the class. Crop: finding *where*
# something is, unless the position in the label is shifted as well; or tiny objects at the border,
# which get lost. Colour jitter: ripe or unripe, traffic lights, anything that is told by colour.
# Cutout: whatever is told by one small detail, a lesion in an X-ray say, which the square may hide
# while the label still claims it. The rule: a change is allowed if the label is still true afterwards.
#
# (b) Validation is to measure what happens in use, and there images come as they are; with random
# changes it would be noisy, too. At test time one may average the *answers* to several versions of an
# image (test-time augmentation), a small ensemble of one network.
#
# (c) Many a validation image has its mirror image in the training set. Learning by heart pays off, the
# accuracy is too high, and nothing in the curves says so. First split, then augment.

# %% [markdown]
# ## 7. Ask several
#
# Networks that started from different weights make different mistakes. Average their probabilities,
# and what they have in common stays, while much of what each imagines by itself cancels:
#
# $$\hat y_n = \arg\max_k\ \frac1M \sum_{m=1}^{M} p^{(m)}_{nk} . \tag{5}$$
#
# Mean probabilities, not votes: a network that is sure counts for more than one that wavers.


# %% nbgrader={"grade": false, "grade_id": "ensemble_predict", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ensemble_predict(probabilities):
    """Return the class with the highest mean probability of each image.

    Parameters
    ----------
    probabilities : (M, N, C) array of float
        What M models say of N images: a probability for each of C classes.

    Returns
    -------
    (N,) array of int
        Labels from 0 to C - 1.
    """
    ### BEGIN SOLUTION
    return np.argmax(np.mean(probabilities, axis=0), axis=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_ensemble_predict", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
says = np.array(
    [
        [[0.6, 0.4, 0.0], [0.1, 0.2, 0.7]],
        [[0.6, 0.4, 0.0], [0.1, 0.7, 0.2]],
        [[0.0, 0.9, 0.1], [0.3, 0.6, 0.1]],
    ]
)
labels = ensemble_predict(says)
assert_shape(labels, (2,), name="the array of labels")
assert_close(labels, [1, 1], name="the array of labels")  # two of three prefer 0 on the first image
print("✓ ensemble_predict")

# %% [markdown]
# **Predict before you run.** Five networks, alike but for the seed. By how much will the ensemble beat
# the average one of them? And the best? (Here test images are looked at for the first time.)


# %% tags=["demo"]
def test_probabilities(seed):
    """Train with dropout from another seed; return probabilities of the test images."""
    scores = fit(seed=seed, num_epochs=25, keep_ratio=0.5).model.loss(data.X_test)
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


says = np.stack([test_probabilities(seed) for seed in progress(range(1, 6), "five networks")])
alone = [np.mean(p.argmax(axis=1) == data.y_test) for p in says]
together = [np.mean(ensemble_predict(says[:m]) == data.y_test) for m in range(1, 6)]
fig, axis = plt.subplots(figsize=(5.4, 3), layout="constrained")
axis.scatter(range(1, 6), alone, color=COLORS[1], marker="s", label="network number m alone")
axis.plot(range(1, 6), together, color=COLORS[0], marker="o", label="the first m together")
axis.axhline(np.mean(alone), color=COLORS[1], linestyle=":", label="mean of the five")
axis.set(xlabel="m", ylabel="test accuracy", xticks=range(1, 6))
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False, fontsize=9)

# %% [markdown]
# Ensembles win most competitions, and few products: five networks cost five times as much. Dropout
# is sometimes explained as an ensemble for the price of one, since every mask is another network and
# they share their weights.
#
# ## Questions you may be asked in an interview
#
# **L1 or L2?** L2 shrinks all weights in proportion and spreads a job over many of them; L1 takes a
# constant amount and leaves few. L1 if you want to know which inputs matter, L2 by default.
#
# **Why are biases not penalised?** They do not make the function any steeper; they only shift it. There
# are few of them, and to pull them to zero costs accuracy and buys nothing.
#
# **Is L2 regularisation the same as weight decay?** With plain SGD yes: the gradient $\lambda w$ shrinks
# each weight by the factor $1 - \eta\lambda$. With Adam no: there the gradient, penalty included, is
# divided by its own size. AdamW takes the decay out of it.
#
# **Why inverted dropout?** So that the network in use has no trace of it: no scaling, no constant
# to carry along, no dice. The price, one multiplication, is paid in training.
#
# **Where does dropout go in a network with batch normalisation?** Behind it or nowhere. Dropout
# changes the variance of activations between training and test, and running variances measured with
# it are wrong without it.
#
# **Training loss goes up after you add augmentation. A bug?** Not by itself: the task is harder. A
# bug if validation gets worse as well; then look at the images that the network gets.
#
# **Mixup mixes a cat with a dog. What do the labels become, and which loss takes them?** The same
# mixture of one-hot rows; cross-entropy with soft labels, $-\sum_k \tilde y_k \log p_k$, which is the
# same mixture of the two losses.
#
# **How do you tell overfitting from a validation set that is different?** Hold back some
# *training* images. If the network fails on them as well, it has overfitted; if it does well on them,
# the validation images come from elsewhere.
#
# ## Read more
#
# - CS231n notes, [Setting up the data and the
#   model](https://cs231n.github.io/neural-networks-2/): penalties and dropout, and
#   [Learning](https://cs231n.github.io/neural-networks-3/): ensembles.
# - N. Srivastava et al., [Dropout: a simple way to prevent neural networks from
#   overfitting](https://jmlr.org/papers/v15/srivastava14a.html), 2014.
# - T. DeVries, G. W. Taylor, [Improved regularization of convolutional neural networks with
#   cutout](https://arxiv.org/abs/1708.04552), 2017; there the square may reach beyond the border.
# - H. Zhang et al., [mixup: beyond empirical risk minimization](https://arxiv.org/abs/1710.09412), 2018.

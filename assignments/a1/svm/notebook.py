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
# # Support vector machine: a lead for the true class
#
# **Goal.** You build your first classifier that *learns*: one template per class, found by gradient
# descent on a loss that asks the true class to be ahead of all others by a margin. You derive the
# gradient by hand, test it numerically, replace the loops by matrix products, and write the
# training loop that all later linear classifiers use.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 3–4 | `svm_loss_naive` | the hinge loss and its gradient, with loops |
# | 5 | `svm_loss_vectorized` | the same without loops |
# | 6 | `sgd_train` | the training loop: stochastic gradient descent |
# | 7 | `predict` | the answer: one label per image |
# | 9 | `train_svm` | a search for good hyper-parameters |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library, and they see their arguments, your imports
# and your other functions; they cannot see data that the notebook has loaded.
#
# You need Python, NumPy indexing, the chain rule, and about three hours.

# %%
import timeit
from functools import cache
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from cs231n_lib.checking import assert_close, assert_finite, assert_gradient, assert_shape
from cs231n_lib.datasets import load_dataset
from cs231n_lib.plots import (
    plot_decision_regions,
    plot_losses,
    plot_times,
    show_images,
    show_templates,
)
from cs231n_lib.plots.style import COLORS, MUTED, RIGHT, WRONG
from cs231n_lib.progress import progress

# %% [markdown]
# ## 1. Images as rows, and a template for each class
#
# A nearest-neighbour classifier keeps all training images and compares with each of them. Could one
# image per class do, if it is a good one? The first that comes to mind is the *mean* of all images
# of the class.
#
# **Predict before you run.** What will the mean of a thousand images of one class look like? Of
# which class will you still recognise something?

# %% tags=["demo"]
data = load_dataset(num_training=10_000, num_validation=1_000, num_test=1_000)
means = [data.X_train[data.y_train == k].mean(axis=0) for k in range(len(data.class_names))]
_ = show_images(np.stack(means), data.class_names, columns=5, inch=1.1)

# %% [markdown]
# Colours and backgrounds survive, objects drown. Still, the idea to compare an image with one
# *template* per class is a good one. What is needed are better templates: not averages, but images
# chosen so that the comparison comes out right. To choose them is what learning means here.
#
# The comparison is the dot product. An image is a row $x$ of $32 \cdot 32 \cdot 3 = 3072$ numbers,
# the template of class $k$ is column $k$ of a matrix $W$, and the *score* of the class is large if
# the two go together. Two small preparations:
#
# - **Subtract the mean image**, so that inputs are centred at zero. It is the mean of the
#   *training* images, also when it is subtracted from the others: whatever is computed from
#   validation or test images before the end makes the measurement on them too good.
# - **Append a column of ones** (the *bias trick*). The last row of $W$ is then multiplied by 1
#   whatever the image, and does what a separate bias vector would do:
#
# $$s = x W, \qquad x \in \mathbb{R}^{D},\quad W \in \mathbb{R}^{D \times C},\quad
# s \in \mathbb{R}^{C}, \qquad D = 3073,\ C = 10 .$$


# %%
def to_rows(images, mean_image):
    """Subtract the mean image, flatten, append a one: (N, 32, 32, 3) -> (N, 3073)."""
    rows = (images - mean_image).reshape(len(images), -1)
    return np.hstack([rows, np.ones((len(rows), 1), dtype=rows.dtype)])


# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
mean_image = data.X_train.mean(axis=0)
X_train, X_val, X_test = (
    to_rows(images, mean_image) for images in (data.X_train, data.X_val, data.X_test)
)
y_train, y_val, y_test = data.y_train, data.y_val, data.y_test
num_classes = len(data.class_names)
print("X_train", X_train.shape, X_train.dtype, " X_val", X_val.shape, " X_test", X_test.shape)

# %% [markdown]
# ## 2. The hinge loss: keep your distance
#
# When is a set of scores good? When the true class has the highest. But a lead of a hair's breadth
# is no lead: the next image of the same kind, a little different, falls on the other side. So we
# ask for more: the score of the true class $y_i$ shall be ahead of *every* other score by at least
# 1, the *margin*. A class that keeps this distance costs nothing. One that does not costs as much
# as is missing:
#
# $$L_i = \sum_{k \ne y_i} \max(0,\; s_k - s_{y_i} + 1) \tag{1}$$
#
# That is the *hinge loss* of a multiclass **support vector machine** (SVM). An example, with the
# scores 2 for the true class and 2.6, 0.4 and 1.3 for three others:
#
# $$L_i = \max(0, 1.6) + \max(0, -0.6) + \max(0, 0.3) = 1.6 + 0 + 0.3 = 1.9 .$$
#
# In the picture, scores are heights. The true class is the square, and its margin reaches down to
# the lower line: no other class may be above that. The length of the red lines is the loss.

# %% tags=["demo"]
examples = {
    "a comfortable lead": (2.0, [0.4, -0.7, 0.9]),
    "right, but too close": (2.0, [0.4, 1.8, 1.3]),
    "wrong": (2.0, [2.6, 0.4, 1.3]),
}
fig, axes = plt.subplots(1, 3, figsize=(9, 2.9), sharey=True, layout="constrained")
for axis, (name, (true_score, others)) in zip(axes, examples.items(), strict=True):
    border = true_score - 1
    axis.axhspan(border, true_score, color=WRONG, alpha=0.10, linewidth=0)
    axis.axhline(true_score, color=RIGHT, linewidth=1)
    axis.axhline(border, color=WRONG, linewidth=1, linestyle="--")
    axis.plot(0, true_score, "s", color=RIGHT, markersize=9)
    for place, score in enumerate(others, start=1):
        inside = score > border
        if inside:
            axis.plot([place, place], [border, score], color=WRONG, linewidth=3)
            missing = f"{score - border:.1f}"
            axis.annotate(missing, (place, score), (7, 0), textcoords="offset points", va="center")
        axis.plot(place, score, "o", color=WRONG if inside else MUTED, markersize=8)
    loss = sum(max(0.0, score - border) for score in others)
    axis.set(title=f"{name}: loss {loss:.1f}", xticks=range(4), xlim=(-0.5, 3.6), ylim=(-1.2, 3.2))
    axis.set_xticklabels(["true", "A", "B", "C"])
    axis.spines[["top", "right"]].set_visible(False)
_ = axes[0].set_ylabel("score")

# %% [markdown]
# Over a batch of $N$ images we take the mean, and add a penalty for large weights:
#
# $$L = \underbrace{\frac{1}{N} \sum_{i=1}^{N} L_i}_{\text{data loss}}
#   + \underbrace{\lambda \sum_{d,k} W_{dk}^2}_{\text{regularisation}} \tag{2}$$
#
# In code $\lambda$ is `reg`. Mind two things: the sum runs over *all* of $W$, the bias row
# included, and there is no factor ½ in front.
#
# Why a penalty? If some $W$ keeps all margins, so does $2W$, with every lead twice as long. The
# data loss cannot choose between them. The penalty can: it prefers small weights, and with
# small weights an image must be far from the border between two classes to be ahead by 1. Section 7
# shows what that means in the plane.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_first_loss", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# At the start of training, $W$ is zero or close to it. (a) What is the data loss then, for $C$
# classes? (b) Somebody's loss for ten classes starts at exactly 10 instead. Which two words of
# formula (1) did they overlook? Does this mistake change which $W$ is the best one? (c) What are
# the smallest and the largest values that $L_i$ can have?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_first_loss", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) With all scores 0, each of the $C - 1$ wrong classes lacks the whole margin and costs 1:
# $L_i = C - 1$, whatever the image and its label. For ten classes that is 9.
#
# (b) The sum runs over the classes *other than* the true one ($k \ne y_i$). With the true class in
# it there is one more term, $\max(0, s_{y_i} - s_{y_i} + 1) = 1$, a constant. It has no gradient,
# so the best $W$ is the same; only the number is wrong, and a loss of 0 is no longer possible.
#
# (c) The smallest is 0, reached exactly as soon as all margins are kept. There is no largest: a
# wrong class may be ahead by any amount, and the loss grows with it in a straight line.

# %% [markdown]
# ## 3. How does the loss change with a score?
#
# Gradient descent needs $\partial L / \partial W$. The loss of an image depends on $W$ only through
# its scores, so we go there first and to $W$ in section 4. Write
# $m_k = s_k - s_{y_i} + 1$ for what class $k$ lacks. Then $L_i$ is a sum of ramps $\max(0, m_k)$,
# and a ramp is easy to differentiate: its slope is 0 where $m_k < 0$ and 1 where $m_k > 0$. In the
# one point between, $m_k = 0$, either value will do.
#
# - **A wrong class**, $k \ne y_i$. Its score $s_k$ occurs in one ramp only, its own, with a plus
#   sign. So $\partial L_i / \partial s_k$ is 1 if class $k$ violates the margin ($m_k > 0$), and 0
#   otherwise. By how much it violates it does not matter.
# - **The true class.** Its score occurs in *all* $C - 1$ ramps, with a minus sign. **Your step:**
#   what is $\partial L_i / \partial s_{y_i}$, if in this image $v$ of the wrong classes violate the
#   margin?
#
# A test for the result on your paper: to add the same number to all scores does not change the
# loss, so the derivatives with respect to all $C$ scores must add up to zero.
#
# ## 4. And with a weight?
#
# Since $s_k = \sum_d x_d W_{dk}$, the weight $W_{dk}$ acts on the score $s_k$ alone, and
# $\partial s_k / \partial W_{dk} = x_d$. By the chain rule
#
# $$\frac{\partial L_i}{\partial W_{dk}} = x_d \, \frac{\partial L_i}{\partial s_k} :$$
#
# column $k$ of the gradient is the image, multiplied by a number. A step against the gradient
# subtracts the image from the template of every class that came too close, and adds it to the
# template of the true class, as often as it had rivals. Read that again when you see the learned
# weights below: they are sums of training images. Those that are in the sum, because they violated
# a margin, *support* the solution like pillars; hence the name "support vectors".
#
# The data loss is a mean over the images, so its gradient is a mean as well. And what does
# $\lambda \sum W_{dk}^2$ contribute to the derivative by $W_{dk}$?
#
# Now write loss and gradient with explicit loops over images and classes. This version is not meant
# to be fast; it is meant to read like the formulas, so that you can trust it.


# %% nbgrader={"grade": false, "grade_id": "svm_loss_naive", "locked": false, "schema_version": 3, "solution": true, "task": false}
def svm_loss_naive(W, X, y, reg):
    """Compute the hinge loss and its gradient with loops over images and classes.

    Parameters
    ----------
    W : (D, C) array of float
        Weights, one column per class.
    X : (N, D) array of float
        A batch of images, one row each.
    y : (N,) array of int
        Their labels, ``0 <= y[i] < C``.
    reg : float
        Regularisation strength.

    Returns
    -------
    loss : float
        Mean hinge loss of the batch, with margin 1, plus ``reg * sum(W * W)``.
    dW : (D, C) array of float
        Gradient of the loss with respect to W.
    """
    loss = 0.0
    dW = np.zeros(W.shape)
    ### BEGIN SOLUTION
    num_images, num_classes = X.shape[0], W.shape[1]
    for i in range(num_images):
        scores = X[i] @ W
        for k in range(num_classes):
            missing = scores[k] - scores[y[i]] + 1
            if k != y[i] and missing > 0:
                loss += missing
                dW[:, k] += X[i]
                dW[:, y[i]] -= X[i]
    loss = loss / num_images + reg * np.sum(W * W)
    dW = dW / num_images + 2 * reg * W
    ### END SOLUTION
    return loss, dW


# %% [markdown]
# How do you test a gradient? By the definition of a derivative: change one weight a little, once up
# and once down, and see what the loss does.
#
# $$\frac{\partial L}{\partial W_{dk}} \approx \frac{L(W_{dk} + h) - L(W_{dk} - h)}{2h},
# \qquad h = 10^{-5}$$
#
# This *numerical gradient* needs two evaluations of the loss for every single weight, which is
# hopeless for training and perfect for testing. `assert_gradient` does it for you.

# %% nbgrader={"grade": true, "grade_id": "check_svm_loss_naive", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(0)
W, X, y = rng.standard_normal((5, 4)), rng.standard_normal((3, 5)), np.array([0, 3, 1])

loss, _ = svm_loss_naive(np.zeros((5, 4)), X, y, reg=0.0)
assert_close(loss, 3.0, name="the loss for W = 0 and four classes, three of which are wrong,")
# One image of one pixel, whose scores are those of the example in section 2.
one_pixel, one_image = np.array([[2.6, 0.4, 2.0, 1.3]]), np.array([[1.0]])
loss, dW = svm_loss_naive(one_pixel, one_image, np.array([2]), reg=0.0)
assert_close(loss, 1.9, name="the loss of the example")
assert_close(dW, [[1.0, 0.0, -2.0, 1.0]], name="dW of the example")
loss, dW = svm_loss_naive(10 * one_pixel, one_image, np.array([0]), reg=0.0)
assert_close(loss, 0.0, name="the loss of an image that keeps all margins")
assert_close(dW, np.zeros((1, 4)), name="dW of an image that keeps all margins")

data_loss, dW = svm_loss_naive(W, X, y, reg=0.0)
assert_gradient(lambda W: svm_loss_naive(W, X, y, 0.0)[0], W, dW, name="dW without regularisation")
loss, dW = svm_loss_naive(W, X, y, reg=0.7)
assert_close(loss - data_loss, 0.7 * np.sum(W**2), name="the regularisation loss")
assert_gradient(lambda W: svm_loss_naive(W, X, y, 0.7)[0], W, dW, name="dW with regularisation")
print("✓ svm_loss_naive")

# %% [markdown]
# What does this function look like? Its landscape has twenty dimensions for the $W$ of the check,
# but one can walk through it in a straight line, from $W$ in some direction $V$, and draw a
# profile. Below, thin lines are the losses of the three images, the thick line is their mean.
#
# **Predict before you run.** Of what pieces must every one of these lines consist? Can such a line
# have a valley between two hills?

# %% tags=["demo"]
rng = np.random.default_rng(0)
W, X, y = rng.standard_normal((5, 4)), rng.standard_normal((3, 5)), np.array([0, 3, 1])
V = rng.standard_normal(W.shape)
walk = np.linspace(-3, 3, 301)
fig, axis = plt.subplots(figsize=(8.2, 3.6), layout="constrained")
for i in range(len(X)):
    losses = [svm_loss_naive(W + t * V, X[i : i + 1], y[i : i + 1], 0.0)[0] for t in walk]
    axis.plot(walk, losses, color=COLORS[i + 2], linewidth=1, label=f"image {i}")
losses = [svm_loss_naive(W + t * V, X, y, 0.0)[0] for t in walk]
axis.plot(walk, losses, color=COLORS[0], linewidth=2.5, label="their mean")
for number, t in enumerate((-2.5, 0.6, 2.3)):
    # The slope in the direction V is the dot product with the gradient: yours.
    loss, dW = svm_loss_naive(W + t * V, X, y, 0.0)
    slope, span = np.sum(dW * V), np.array([-1.2, 1.2])
    label = None if number else "slope by your gradient"
    axis.plot(t + span, loss + slope * span, "--", color=WRONG, linewidth=2, label=label)
    axis.plot(t, loss, "o", color=WRONG, markersize=5)
axis.set(xlabel="t, on the way from W in direction V", ylabel="data loss at W + t V")
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))

# %% [markdown]
# Straight pieces and kinks, each bent upwards, so that no tangent ever gets above the curve: a sum
# of ramps is *convex*, and whoever walks downhill in it cannot get stuck in a bad valley. Where all
# its ramps have ended, an image costs nothing and pulls no more.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_kink", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# Once in a while, the numerical gradient of a *correct* SVM loss differs from the analytic one in
# single entries. (a) How can that be? Give an example with the function $f(x) = \max(0, x)$ and
# $h = 10^{-5}$. (b) Is it a reason to worry, in the test or in training? (c) Does it become more
# frequent or less if the batch gets larger?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_kink", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) The loss has kinks, one for each image and class, where a margin is just kept. If one lies
# between $W_{dk} - h$ and $W_{dk} + h$, the centred difference mixes the slopes of both sides. At
# $x = -4 \cdot 10^{-6}$ the slope of $f$ is 0, but
# $(f(x + h) - f(x - h)) / 2h = (6 \cdot 10^{-6} - 0) / (2 \cdot 10^{-5}) = 0.3$.
#
# (b) No, if only few entries differ: a wrong formula differs nearly everywhere. With a smaller $h$,
# or at another $W$, the difference vanishes. In training it does not matter which of the two slopes
# is used at a kink: a step lands exactly on one with probability practically zero, and any value
# between the two (a *subgradient*) is allowed there.
#
# (c) More frequent: $N (C - 1)$ kinks are spread over the range, so twice the images means twice as
# many that may lie within $h$. (But each of them also weighs only half as much in the mean.)

# %% [markdown]
# ## 5. Without loops
#
# The training loop below calls the loss thousands of times, so it had better be fast. Python is
# slow at loops; NumPy does the same work in compiled code when you hand it whole arrays. Write down
# the shapes first: most of the derivation does itself.
#
# | array | shape | meaning |
# |:--|:--|:--|
# | `X` | $(N, D)$ | one image a row |
# | `W` | $(D, C)$ | one class a column |
# | `scores = X @ W` | $(N, C)$ | all scores at once |
# | scores of the true classes | $(N, 1)$ | a column, to be subtracted from all columns of `scores` |
# | $\max(0, m_k)$ | $(N, C)$ | what is missing; the entries of the true classes must not count |
# | $\partial L_{\text{data}} / \partial\,$`scores` | $(N, C)$ | row $i$: section 3, over $N$ |
# | `dW` | $(D, C)$ | **your step:** which product of `X` and the array above has this shape? |
#
# In that product the sum over images happens by itself: it is the inner dimension.
#
# Two hints. `A[np.arange(N), y]` picks *one* entry from every row of an $(N, C)$ array, that of the
# true class, for reading and for writing. (It has the shape $(N,)$; `[:, None]` makes it a column.)
# And `A > 0` is an array of truth values, which count as 1 and 0 in sums and products. Leave the
# arguments unchanged: the caller needs them again.


# %% nbgrader={"grade": false, "grade_id": "svm_loss_vectorized", "locked": false, "schema_version": 3, "solution": true, "task": false}
def svm_loss_vectorized(W, X, y, reg):
    """Compute the hinge loss and its gradient without loops.

    Parameters and results are those of ``svm_loss_naive``; no argument is modified.
    """
    ### BEGIN SOLUTION
    num_images = X.shape[0]
    true_class = np.arange(num_images), y
    scores = X @ W
    missing = np.maximum(0, scores - scores[true_class][:, None] + 1)
    missing[true_class] = 0
    loss = np.sum(missing) / num_images + reg * np.sum(W * W)

    dscores = (missing > 0).astype(X.dtype)
    dscores[true_class] = -np.sum(dscores, axis=1)
    dscores /= num_images
    dW = X.T @ dscores + 2 * reg * W
    return loss, dW
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_svm_loss_vectorized", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(1)
W, X, y = rng.standard_normal((5, 3)), rng.standard_normal((4, 5)), np.array([0, 2, 1, 2])
before = W.copy(), X.copy(), y.copy()

loss, dW = svm_loss_vectorized(W, X, y, reg=0.7)
for name, array, copy in zip(("W", "X", "y"), (W, X, y), before, strict=True):
    assert np.array_equal(array, copy), f"{name} changed: work on a new array, not on the caller's"
assert_shape(dW, W.shape, name="dW")
assert_close(loss, svm_loss_naive(W, X, y, reg=0.7)[0], name="the loss, compared to naive,")
assert_gradient(lambda W: svm_loss_vectorized(W, X, y, 0.7)[0], W, dW, name="dW")

# Weights so large, and labels so right, that every margin is kept.
loss, dW = svm_loss_vectorized(1e3 * W, X, np.argmax(X @ W, axis=1), reg=0.0)
assert_close(loss, 0.0, name="the loss of images that keep all margins")
assert_close(dW, np.zeros(W.shape), name="dW of images that keep all margins")
print("✓ svm_loss_vectorized")

# %% [markdown]
# **Predict before you run.** How many times faster will the vectorised version be: two times, ten
# times, a hundred times?

# %% tags=["demo"]
W = np.zeros((X_train.shape[1], num_classes), dtype=X_train.dtype)
X, y = X_train[:200], y_train[:200]
svm_loss_vectorized(W, X, y, 1.0)  # warm up
times = {
    "naive": timeit.timeit(lambda: svm_loss_naive(W, X, y, 1.0), number=1),
    "vectorised": timeit.timeit(lambda: svm_loss_vectorized(W, X, y, 1.0), number=20) / 20,
}
_ = plot_times(times, title="Loss and gradient of a batch of 200 images")

# %% [markdown]
# ## 6. Stochastic gradient descent
#
# The gradient points uphill, so we walk against it:
#
# $$W \leftarrow W - \eta \, \frac{\partial L}{\partial W} . \tag{3}$$
#
# $\eta$ is the *learning rate*. Computed from all training images, the gradient is exact and
# expensive. Computed from a *minibatch* of $B$ images drawn at random, it is right on average and
# costs $B/N$ as much. It is far better to take fifty slightly wrong steps than a single exact one:
# that is *stochastic* gradient descent (SGD).
#
# One iteration:
#
# 1. draw `batch_size` positions at random with `rng` (with or without replacement, as you like) and
#    take those rows of `X` *and* the labels that belong to them;
# 2. call `loss_fn(W, X_batch, y_batch, reg)`, which returns loss and gradient like the two
#    functions you wrote;
# 3. append the loss to `loss_history`;
# 4. update $W$ by (3). Regularisation is in the gradient already.
#
# The loss function is an argument: nothing in this loop is particular to the hinge loss. The next
# notebook will train another classifier with it.


# %% nbgrader={"grade": false, "grade_id": "sgd_train", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sgd_train(loss_fn, X, y, learning_rate, reg, num_iters, batch_size, rng):
    """Minimise a loss by stochastic gradient descent.

    Parameters
    ----------
    loss_fn : callable
        ``loss_fn(W, X_batch, y_batch, reg)`` returns the loss of a batch and its gradient.
    X : (N, D) array of float
        Training images, one row each.
    y : (N,) array of int
        Their labels, from 0 to C - 1, where C is ``max(y) + 1``.
    learning_rate : float
        Step length.
    reg : float
        Regularisation strength, passed on to `loss_fn`.
    num_iters : int
        Number of steps.
    batch_size : int
        Number of images drawn for each step.
    rng : numpy.random.Generator
        Draws the batches.

    Returns
    -------
    W : (D, C) array of float
        Weights after the last step.
    loss_history : list of float
        The loss of every batch, in order, each before its step.
    """
    num_classes = int(np.max(y)) + 1
    W = np.zeros((X.shape[1], num_classes), dtype=X.dtype)
    loss_history = []
    ### BEGIN SOLUTION
    for _ in range(num_iters):
        batch = rng.integers(len(X), size=batch_size)
        loss, dW = loss_fn(W, X[batch], y[batch], reg)
        loss_history.append(loss)
        W = W - learning_rate * dW
    ### END SOLUTION
    return W, loss_history


# %% [markdown]
# The check hands your loop a `loss_fn` that writes down what it is given. Its loss is
# $\frac12 \sum (W - 1)^2$, whatever the images, so that we know exactly where descent has to go.

# %% nbgrader={"grade": true, "grade_id": "check_sgd_train", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
seen = []


def recording_loss(W, X_batch, y_batch, reg):
    """Note the arguments; return the loss ½ Σ (W - 1)² and its gradient."""
    seen.append((W.copy(), X_batch, y_batch, reg))
    return 0.5 * np.sum((W - 1) ** 2), W - 1


# The label of every row can be read off its first column.
y = np.arange(50) % 5
X = np.column_stack([y, np.arange(50), np.ones(50)]).astype(float)
W, loss_history = sgd_train(recording_loss, X, y, 0.1, 0.3, 20, 8, np.random.default_rng(2))

assert len(seen) == 20, f"loss_fn was called {len(seen)} times in 20 iterations"
assert_shape(W, (3, 5), name="W")
for _, X_batch, y_batch, reg in seen:
    assert_shape(X_batch, (8, 3), name="X_batch")
    assert_close(y_batch, X_batch[:, 0], name="y_batch, compared to the labels of these rows,")
    assert reg == 0.3, f"loss_fn got reg = {reg}, expected the 0.3 that sgd_train was given"
rows_used = {row for _, X_batch, _, _ in seen for row in X_batch[:, 1]}
assert len(rows_used) > 25, "20 batches of 8 used few different rows: draw a new batch every time"
weights = [*(W_seen for W_seen, *_ in seen), W]
for before, after in pairwise(weights):
    assert_close(after, before - 0.1 * (before - 1), name="W after a step")
expected = [0.5 * np.sum((W_seen - 1) ** 2) for W_seen, *_ in seen]
assert_close(loss_history, expected, name="loss_history")
print("✓ sgd_train")

# %% [markdown]
# Now for real, on the images, with a learning rate of $10^{-7}$ and a regularisation strength of
# $3 \cdot 10^3$. If these numbers look odd to you, good: inline question 4 is about them.
#
# **Predict before you run.** What is the very first value of the loss curve? Will the curve fall
# smoothly? Will it reach 0?


# %% tags=["demo"]
@cache
def first_run():
    """Return what your sgd_train returns, run when it is first asked for."""
    rng = np.random.default_rng(3)
    return sgd_train(svm_loss_vectorized, X_train, y_train, 1e-7, 3e3, 800, 200, rng)


W, loss_history = first_run()
_ = plot_losses(loss_history, expected_start=num_classes - 1, title="Loss of each batch")

# %% [markdown]
# The first value is $C - 1 = 9$ exactly: $W$ starts at zero, where every wrong class lacks the
# whole margin and nothing is regularised. The ups and downs are the price of small batches: every
# step sees other images.
#
# ## 7. From scores to an answer
#
# To predict is to name the class with the highest score. Margin and loss have no part in it.


# %% nbgrader={"grade": false, "grade_id": "predict", "locked": false, "schema_version": 3, "solution": true, "task": false}
def predict(W, X):
    """Return the class with the highest score of each image.

    Parameters
    ----------
    W : (D, C) array of float
        Weights.
    X : (N, D) array of float
        Images, one row each.

    Returns
    -------
    (N,) array of int
        Labels from 0 to C - 1.
    """
    ### BEGIN SOLUTION
    return np.argmax(X @ W, axis=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_predict", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
labels = predict(np.array([[1.0, 0.0, -1.0], [0.0, 2.0, 1.0]]), np.array([[3.0, 1.0], [-1.0, 1.0]]))
assert_shape(labels, (2,), name="the array of labels")
assert_close(labels, [0, 1], name="the array of labels")
print("✓ predict")

# %% tags=["demo"]
W, _ = first_run()
for name, X, y in (("training", X_train, y_train), ("validation", X_val, y_val)):
    print(f"{name} accuracy {np.mean(predict(W, X) == y):.1%}  (guessing: {1 / num_classes:.0%})")

# %% [markdown]
# All that you wrote works for points in the plane as well, and there one can see what a margin is.
# Below, your functions have trained an SVM on three groups of points, once with weak and once with
# strong regularisation. Colours are the regions of the classes; along the dashed lines the best
# score is ahead of the second best by exactly 1. Rings mark the points with a loss above 0: all
# others could be taken away, and the gradient would stay the same.
#
# **Predict before you run.** Strong regularisation makes weights small. Does this move the dashed
# lines towards the borders between the regions or away from them? Which of the two has more rings?

# %% tags=["demo"]
rng = np.random.default_rng(6)
labels = np.arange(75) % 3
points = np.array([[-2.0, -0.8], [2.0, -0.8], [0.0, 2.2]])[labels] + rng.normal(
    scale=0.75, size=(75, 2)
)


def with_ones(points):
    """Append a one to each point, for the bias."""
    return np.column_stack([points, np.ones(len(points))])


fig, axes = plt.subplots(1, 2, figsize=(9.6, 4.2), layout="constrained", sharey=True)
for axis, reg in zip(axes, (0.001, 0.1), strict=True):
    rng = np.random.default_rng(7)
    W, _ = sgd_train(svm_loss_vectorized, with_ones(points), labels, 0.02, reg, 3000, 25, rng)
    plot_decision_regions(
        lambda queries, W=W: predict(W, with_ones(queries)), points, labels, ax=axis
    )
    x, height = np.meshgrid(np.linspace(*axis.get_xlim(), 200), np.linspace(*axis.get_ylim(), 200))
    ranked = np.sort(with_ones(np.column_stack([x.ravel(), height.ravel()])) @ W, axis=1)
    lead = (ranked[:, -1] - ranked[:, -2]).reshape(x.shape)
    axis.contour(x, height, lead, levels=[1.0], colors="black", linestyles="--", linewidths=1.2)
    losses = [
        svm_loss_vectorized(W, with_ones(points[i : i + 1]), labels[i : i + 1], 0.0)[0]
        for i in range(len(points))
    ]
    costly = np.flatnonzero(np.array(losses) > 0)
    axis.scatter(*points[costly].T, s=120, facecolors="none", edgecolors="black", linewidths=1.2)
    axis.set_title(f"λ = {reg:g}: {len(costly)} of {len(points)} points have a loss")
    axis.get_legend().set_visible(reg > 0.01)

# %% [markdown]
# The smaller the weights, the farther must a point be from the border for a lead of 1. So the
# penalty *widens* the margin, and more points have a say in where the border runs. Hardly
# regularised, the border is up to the few points closest to it.
#
# ## 8. What a penalty does to the weights: L2 and L1
#
# The penalty $\lambda \sum W_{dk}^2$ is called *L2 regularisation*. Its sister *L1* takes absolute
# values, $\lambda \sum \lvert W_{dk} \rvert$. What matters for learning is not how high a penalty
# is, but how hard it pulls, its derivative: $2 \lambda w$ for L2, and $\lambda\,\mathrm{sign}(w)$
# for L1. In the plot both are drawn for one weight.

# %% tags=["demo"]
w = np.linspace(-1, 1, 401)
fig, axes = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
axes[0].plot(w, w**2, color=COLORS[0], label="L2: w²")
axes[0].plot(w, np.abs(w), "--", color=COLORS[1], label="L1: |w|")
axes[1].plot(w, 2 * w, color=COLORS[0])
axes[1].plot(w[w < 0], np.sign(w[w < 0]), "--", color=COLORS[1])
axes[1].plot(w[w > 0], np.sign(w[w > 0]), "--", color=COLORS[1])
for axis, name in zip(axes, ("the penalty", "its pull (derivative)"), strict=True):
    axis.set(xlabel="weight w", title=name)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(True, color="#E4E4E4")
_ = axes[0].legend(frameon=False)

# %% [markdown]
# The pull of L2 fades as a weight gets small: it shrinks all weights in proportion, large ones
# most, and has no interest in making any of them zero. L1 pulls at a weight of 0.01 as hard as at a
# weight of 1. A weight that does not lower the data loss by more than $\lambda$ for each unit is
# pulled down to zero, and stays there.
#
# So here is an SVM with L1, made of your loss without penalty, beside one with L2. The strengths
# are chosen so that the two get about equally many images right.
#
# **Predict before you run.** How will the histograms of the weights differ? And the templates?


# %% tags=["demo"]
def svm_loss_l1(W, X, y, reg):
    """Return the hinge loss plus ``reg * sum(|W|)``, and its gradient."""
    loss, dW = svm_loss_vectorized(W, X, y, 0.0)
    return loss + reg * np.sum(np.abs(W)), dW + reg * np.sign(W)


@cache
def penalised():
    """Return the weights learned with L2 and with L1, trained when they are first asked for."""
    weights = {}
    for name, loss_fn, reg in (("L2", svm_loss_vectorized, 3e3), ("L1", svm_loss_l1, 1.0)):
        rng = np.random.default_rng(8)
        weights[name], _ = sgd_train(loss_fn, X_train, y_train, 1e-7, reg, 800, 200, rng)
    return weights


largest = max(np.abs(W[:-1]).max() for W in penalised().values())
edges = np.linspace(-largest, largest, 72)
fig, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained", sharey=True)
for axis, (name, W), color in zip(axes, penalised().items(), COLORS, strict=False):
    axis.hist(W[:-1].ravel(), bins=edges, color=color)
    small = np.mean(np.abs(W[:-1]) < 1e-5)
    right = np.mean(predict(W, X_val) == y_val)
    axis.set_title(f"{name}: {small:.0%} below 0.00001, accuracy {right:.1%}", fontsize=10)
    axis.set(yscale="log", xlabel="weight")
    axis.spines[["top", "right"]].set_visible(False)
_ = axes[0].set_ylabel("how many (logarithmic)")
for name, W in penalised().items():
    _ = show_templates(W[:-1, ::2], data.class_names[::2], title=f"Templates learned with {name}")

# %% [markdown]
# L1 keeps the pixels that matter most and gives up the others: a *sparse* template, the grey of
# which is zero. L2 lets every pixel contribute a little. Pixels beside each other say nearly the
# same; L2 shares the weight among them, L1 is content with one. (Gradient steps cannot stop exactly
# at zero. They step over it and come back, so "zero" is here everything below a hundred steps of
# length $\eta \lambda$.) L1 is the choice where few features must do, or where one wants to know
# which matter; L2 is the one where every feature may have its small say, as pixels do.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_penalties", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# Suppose that an input occurs twice: two columns of $X$ are equal. (a) The classifier needs the
# weight $a > 0$ on that input, to be shared out as $u + v = a$ between the two copies. Which $u$
# and $v$ does L2 prefer, and which does L1? (b) Now each copy comes with a small measurement error
# of its own, independent of the other. Which way of sharing is better for the scores? (c) The
# penalty in (2) includes the bias row. For inputs with values in the hundreds, does this matter?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_penalties", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) L2: $u^2 + v^2$ with $u + v = a$ is smallest for $u = v = a / 2$, where it is half of what it
# is for $u = a$, $v = 0$. L1: $\lvert u \rvert + \lvert v \rvert = a$ for every split into parts
# that are not negative, so L1 does not care, and where training ends depends on chance.
#
# (b) Equal parts. The errors then add up to $a (\epsilon_1 + \epsilon_2) / 2$, whose standard
# deviation is smaller by a factor of $\sqrt 2$ than that of $a\, \epsilon_1$: averaging removes
# noise. That speaks for L2 wherever inputs are nearly copies of each other, as neighbouring pixels
# are.
#
# (c) Somewhat, and in the wrong direction. The bias acts on an input of 1, pixels on inputs about a
# hundred times as large. To move a score by the same amount the bias must be about a hundred times
# as large as a pixel's weight, and then its square costs $10^4$ times as much. With such inputs the
# bias is in effect held near zero. Centred inputs need little of it, so no harm is done; many
# libraries exempt the bias from the penalty.

# %% [markdown]
# ## 9. The search for hyper-parameters
#
# Learning rate and regularisation strength decide how good the classifier gets, and nobody knows
# their best values beforehand. So we try. Two rules of the trade:
#
# - **Search on a logarithmic scale.** Both act by multiplication: from 0.001 to 0.002 is a big
#   step, from 1.001 to 1.002 is none. Try $10^{-9}, 10^{-8}, 10^{-7}, \dots$, not $1, 2, 3$.
# - **From coarse to fine.** First many short runs over a wide range, then a few longer ones near
#   the best. If the best lies at the edge of your range, widen it.
#
# What decides is the accuracy on the *validation* images. On training images the weakest
# regularisation would always look best.
#
# Here is the coarse search: a hundred steps each. The colour is the data loss on the validation
# images, on a logarithmic scale; each field also says how many of them are right.
#
# **Predict before you run.** Where on the map are the runs that have hardly learned anything, and
# where those whose steps are too long? Can the loss be above 9, that of knowing nothing, while more
# images are right than by guessing?

# %% tags=["demo"]
rates, regs = (1e-9, 1e-8, 1e-7, 1e-6, 1e-5), (1e1, 1e2, 1e3, 1e4, 1e5)
losses, accuracies = np.zeros((5, 5)), np.zeros((5, 5))
for row, column in progress(list(np.ndindex(5, 5)), "coarse search"):
    rng = np.random.default_rng(4)
    rate, reg = rates[column], regs[row]
    W, _ = sgd_train(svm_loss_vectorized, X_train, y_train, rate, reg, 100, 200, rng)
    losses[row, column], _ = svm_loss_vectorized(W, X_val, y_val, 0.0)
    accuracies[row, column] = np.mean(predict(W, X_val) == y_val)

fig, axis = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
scale = LogNorm(losses.min(), 100)  # what is beyond 100 would take all the contrast
picture = axis.imshow(
    losses, norm=scale, cmap="viridis_r", origin="lower", aspect="auto", interpolation="none"
)
for row, column in np.ndindex(5, 5):
    best = accuracies[row, column] == accuracies.max()
    axis.text(
        column,
        row,
        f"loss {losses[row, column]:.3g}\n{accuracies[row, column]:.1%} right",
        color="black" if scale(losses[row, column]) < 0.5 else "white",
        fontweight="bold" if best else "normal",
        fontsize=9,
        ha="center",
        va="center",
    )
axis.set_xticks(range(5), [f"{rate:.0e}" for rate in rates])
axis.set_yticks(range(5), [f"{reg:.0e}" for reg in regs])
axis.set(xlabel="learning rate", ylabel="regularisation strength λ")
axis.set_title("After 100 steps (bold: most images right)", loc="left", fontweight="bold")
_ = fig.colorbar(picture, ax=axis, extend="max", label="data loss of the validation images")

# %% [markdown]
# The learning rate makes the difference: in the first column next to nothing has been learned yet,
# in the last one steps are too long, and the loss is far above that of knowing nothing. And yet,
# but for the corner at the top, many more images are right there than by guessing: for an answer
# only the *order* of the scores counts, for the hinge loss their size as well. The strength matters
# little in so short a run unless it is very large. The penalty alone turns a step into
# $W \leftarrow (1 - 2 \eta \lambda) W$; if $\eta \lambda$ is 0.001, that takes hundreds of steps to
# be felt, if it is 1, each step throws $W$ to the other side of zero.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_units", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 4
#
# A learning rate of $10^{-7}$ and a regularisation strength of $3 \cdot 10^3$ are peculiar to
# inputs with values in the hundreds. Suppose that we divide all inputs by $a$, say $a = 255$ (the
# column of ones as well). (a) Which $W'$ gives the same scores as $W$ did before? (b) With which
# $\lambda'$ is the regularisation the same, too? (c) With which learning rate $\eta'$ does every
# step of SGD have the same effect on the scores as before? (d) What do you get for
# $\eta = 10^{-7}$ and $\lambda = 3 \cdot 10^3$?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_units", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) $x' = x / a$, so $x' W' = x W$ needs $W' = a W$.
#
# (b) $\lambda' \sum W'^2 = \lambda' a^2 \sum W^2$, so $\lambda' = \lambda / a^2$.
#
# (c) Since the loss is the same function of the scores,
# $\partial L / \partial W' = \frac{1}{a}\, \partial L / \partial W$ (each $W'$ is $a$ times as
# large, so moving it by the same amount matters $a$ times less). We want the step in $W'$ to be $a$
# times the step in $W$: $\;\eta' \frac{1}{a} \frac{\partial L}{\partial W} = a\, \eta
# \frac{\partial L}{\partial W}$, so $\eta' = a^2 \eta$.
#
# (d) $a^2 = 65{,}025$: $\eta' \approx 0.0065$ and $\lambda' \approx 0.046$, numbers of the size one
# is used to. The product $\eta \lambda$ has not changed: $1 - 2 \eta \lambda$ is the factor by
# which every step shrinks the weights. Hyper-parameters have units; those found on one scale of
# inputs mean nothing on another.

# %% [markdown]
# Now you: write a function that trains the best SVM you can. Let it try a few combinations near the
# best of the coarse search, train each longer, and return the weights with the highest *validation*
# accuracy. It must learn from `X_train` alone.
#
# When graded, it gets images of the same kind in the same preparation, and one minute on one core;
# a few thousand steps of SGD in all are enough. The grade depends on the accuracy of the returned
# weights on test images that your code never sees. (`progress(list, "searching")`, imported above,
# loops over a list with a progress bar.)


# %% nbgrader={"grade": false, "grade_id": "train_svm", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_svm(X_train, y_train, X_val, y_val):
    """Train a linear SVM, with the hyper-parameters that do best on validation images.

    Parameters
    ----------
    X_train, X_val : (N, D) and (M, D) arrays of float
        Images as rows, the mean subtracted and a one appended.
    y_train, y_val : (N,) and (M,) arrays of int
        Their labels.

    Returns
    -------
    (D, C) array of float
        The weights with the highest accuracy on the validation images.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(231)
    grid = [(rate, reg) for rate in (7e-8, 1.4e-7) for reg in (1e3, 5e3)]
    best_accuracy, best_W = -1.0, None
    for rate, reg in progress(grid, "fine search"):
        W, _ = sgd_train(svm_loss_vectorized, X_train, y_train, rate, reg, 800, 200, rng)
        accuracy = np.mean(predict(W, X_val) == y_val)
        if accuracy > best_accuracy:
            best_accuracy, best_W = accuracy, W
    return best_W
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_train_svm", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@cache
def trained():
    """Return the weights of your train_svm, trained when they are first asked for."""
    return train_svm(X_train, y_train, X_val, y_val)


accuracy_to_reach = {"scenes": 0.36, "cifar10": 0.35}[data.name]

W = trained()
assert_shape(W, (X_train.shape[1], num_classes), name="W")
assert_finite(W, name="W")
accuracy = np.mean(predict(W, X_val) == y_val)
assert accuracy >= accuracy_to_reach, (
    f"validation accuracy {accuracy:.1%}, expected {accuracy_to_reach:.0%} or more: "
    "look at the coarse search again, train longer, or search finer"
)
print(f"✓ train_svm: validation accuracy {accuracy:.1%}")

# %% [markdown]
# ## 10. What has it learned?
#
# The columns of $W$, without their biases, can be shown as images, like the means of section 1.
#
# **Predict before you run.** In what will the learned templates differ from the means, now that
# they need not look like their class, but tell it from the others? Which will be the clearest?

# %% tags=["demo"]
_ = show_templates(trained()[:-1], data.class_names)

# %% [markdown]
# A template still has to stand for everything that a class can look like, in all places and poses:
# colours and backgrounds survive, shapes blur. Here lies the limit of a linear classifier; a hidden
# layer gives a network more than one template per class.
#
# Now the margin. How far is the true class ahead of the best of the others, image by image? To the
# right of 0 the answer is right; to the right of 1 the loss is zero as well.
#
# **Predict before you run.** Of ten training images, how many keep their margin and have no say in
# the gradient any more? Will test images look different?

# %% tags=["demo"]
fig, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
edges = np.linspace(-4, 4, 61)
for name, X, y, style in (
    ("training", X_train, y_train, {"color": COLORS[0], "alpha": 0.35, "histtype": "stepfilled"}),
    ("test", X_test, y_test, {"color": COLORS[1], "histtype": "step", "linewidth": 1.6}),
):
    scores = X @ trained()
    true_scores = scores[np.arange(len(y)), y]
    scores[np.arange(len(y)), y] = -np.inf
    lead = true_scores - scores.max(axis=1)
    kept = f"{name}: {np.mean(lead > 0):.0%} right,\n{np.mean(lead >= 1):.0%} with the margin"
    axis.hist(np.clip(lead, -4, 4), bins=edges, density=True, label=kept, **style)
for place, text in ((0, "right →"), (1, "no loss →")):
    axis.axvline(place, color=MUTED, linestyle="--", linewidth=1)
    axis.annotate(
        text,
        (place, 1),
        (4, -2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        va="top",
        fontsize=8.5,
    )
axis.set(xlabel="lead of the true class", ylabel="density", xlim=(-4, 4))
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False, loc="upper left", fontsize=9)

# %% [markdown]
# Most images have a loss, and so take part in every step: this is not a problem with a few support
# vectors at a clean border, but one in which the classes overlap, as far as a linear classifier can
# see. Now the one look at the test images. Which cost the most?

# %% tags=["demo"]
scores = X_test @ trained()
guesses = predict(trained(), X_test)
print(f"test accuracy {np.mean(guesses == y_test):.1%}")

behind = scores[np.arange(len(y_test)), guesses] - scores[np.arange(len(y_test)), y_test]
worst = np.argsort(-behind)[:12]
_ = show_images(
    data.X_test[worst],
    [
        f"{data.class_names[guesses[i]]} +{behind[i]:.1f}\n(is {data.class_names[y_test[i]]})"
        for i in worst
    ],
    columns=6,
    inch=1.3,
    title="Farthest behind: which class is ahead of the true one, and by how much",
)

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **Why is the margin 1, and not a hyper-parameter?** Scores are linear in $W$: a margin of 10 with
# $10\,W$ is the same classifier as a margin of 1 with $W$. What matters is the margin in relation
# to the size of the weights, and that is what $\lambda$ controls. One number is enough.
#
# **What are support vectors?** The training examples that lie inside the margin or on its edge, or
# on the wrong side. They alone act on the gradient; the solution is a sum of them. All others could
# be deleted, and the solution would not change.
#
# **The hinge has a kink. How can one descend it?** With a subgradient: at the kink, any slope
# between those of both sides. Steps land there practically never, and ReLU networks live with the
# same kink.
#
# **Is the problem convex?** Yes: each ramp is a maximum of linear functions of $W$, sums of convex
# functions are convex, and the penalty makes the sum strictly convex. There is one minimum, so
# $W = 0$ is as good a start as any.
#
# **Are there other multiclass hinge losses?** Formula (1), due to Weston and Watkins, adds up all
# violations. That of Crammer and Singer takes the largest only; *one against all* trains a binary
# SVM per class. In practice they get similar accuracies.
#
# **L1 or L2?** L1 pulls all weights alike and makes those zero that are not worth it: sparse, good
# for choosing features. L2 pulls in proportion and spreads weight over what is correlated: smooth,
# and steadier against noise. The two together are called elastic net.
#
# **The loss explodes. The loss hardly moves. Which knob?** The learning rate both times: lower it
# by factors of ten in the first case, raise it in the second, before anything else is touched. And
# look at the scale of the inputs, which shifts its best value (question 4).
#
# **Why minibatches and not one image at a time?** A matrix product with 200 rows takes far less
# than 200 times as long as one with a single row, and the mean of 200 gradients scatters
# $\sqrt{200}$ times less. Beyond some size the scatter no longer matters, and only the cost grows.
#
# ## Read more
#
# - CS231n notes, [Linear classification](https://cs231n.github.io/linear-classify/) and
#   [Optimization](https://cs231n.github.io/optimization-1/): the hinge loss, profiles of its
#   landscape, the numerical gradient, SGD.
# - K. Crammer, Y. Singer, [On the algorithmic implementation of multiclass kernel-based vector
#   machines](https://www.jmlr.org/papers/v2/crammer01a.html), 2001: another multiclass hinge loss,
#   which counts the worst rival only, and how the kernel trick gets in.
# - S. Shalev-Shwartz, Y. Singer, N. Srebro, A. Cotter, [Pegasos: primal estimated sub-gradient
#   solver for SVM](https://doi.org/10.1007/s10107-010-0420-4), 2011: SGD on the hinge loss, with a
#   proof of how fast it gets there.
# - T. Hastie, R. Tibshirani, J. Friedman, [*The Elements of Statistical Learning*, section
#   3.4](https://hastie.su.domains/ElemStatLearn/): L1 and L2 side by side, and the picture of the
#   diamond and the circle.

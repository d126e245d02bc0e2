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
# # A two-layer network: features that are learned
#
# **Goal.** You put a hidden layer between pixels and scores, and find out what it buys. You build
# the network from *layers*: pairs of a forward and a backward function that know nothing of each
# other, fit together in any order, and will carry you from here to deep networks and ConvNets.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `affine_forward`, `affine_backward` | the layer with the weights, and its three gradients |
# | 3 | `relu_forward`, `relu_backward` | the nonlinearity |
# | 4 | `softmax_loss`, `svm_loss` | what stands on top: a number and where to go |
# | 5 | `TwoLayerNet` | the layers, put together |
# | 8 | `train_two_layer_net` | a network that beats every linear classifier |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy, the standard library and what is imported below, and they see their
# arguments, your imports and your other functions; they cannot see data that the notebook has
# loaded.
#
# You need Python, NumPy, the chain rule, and about four hours.

# %%
from functools import cache

import matplotlib.pyplot as plt
import numpy as np

from cs231n_lib.checking import (
    assert_close,
    assert_finite,
    assert_gradient,
    assert_layer_gradient,
    assert_shape,
)
from cs231n_lib.datasets import load_dataset
from cs231n_lib.plots import (
    plot_accuracies,
    plot_decision_regions,
    plot_training,
    show_class_examples,
    show_filters,
    show_images,
)
from cs231n_lib.plots.style import COLORS
from cs231n_lib.progress import progress
from cs231n_lib.solver import Solver

# %% [markdown]
# ## 1. What a line cannot do
#
# A linear classifier, $s = xW + b$, has one template for each class. In the plane that means: the
# border between any two classes is a straight line. Here are three classes that straight lines will
# not part.
#
# **Predict before you run.** What is about the best share of these points that a linear classifier
# can get right: a third, a half, three quarters?


# %% tags=["demo"]
def spirals(num_points, rng):
    """Return points on three arms of a spiral, and the number of the arm of each."""
    arm = np.arange(num_points) % 3
    radius = rng.uniform(0.1, 1.0, size=num_points)
    angle = 5 * radius + 2 * np.pi / 3 * arm + rng.normal(scale=0.2, size=num_points)
    return radius[:, None] * np.column_stack([np.sin(angle), np.cos(angle)]), arm


points, arms = spirals(300, np.random.default_rng(0))
fig, axis = plt.subplots(figsize=(3.6, 3.6), layout="constrained")
for arm in range(3):
    axis.scatter(*points[arms == arm].T, s=18, color=COLORS[arm], marker="os^"[arm])
_ = axis.set(aspect="equal", xticks=[], yticks=[], title="Three classes in the plane")

# %% [markdown]
# The way out is to compute something else from $x$ first, in which the classes *can* be parted by
# straight lines. Nobody has to say what: we let the network learn it.
#
# $$h = \max(0,\; x W_1 + b_1), \qquad s = h W_2 + b_2 \tag{1}$$
#
# $h$ is the *hidden layer*, a row of $H$ numbers, each computed from all of $x$. The second line is
# a linear classifier again; but it looks at $h$, not at $x$. As a chain of layers, with the shapes
# of what travels along it:
#
# ```
#             forward ──▶
#
#   X ────▶ affine ────▶ ReLU ────▶ affine ────▶ loss ────▶ L
# (N, D)    W1, b1  (N, H)   (N, H)  W2, b2  (N, C)   y     one number
#
#   dX ◀─── affine ◀──── ReLU ◀──── affine ◀──── loss ◀──── 1
#          dW1, db1                dW2, db2
#
#                                             ◀── backward
# ```
#
# Every box has a *forward* function, which computes its output from its input and puts aside in a
# `cache` whatever it will need later. And it has a *backward* function, which is handed `dout`, the
# gradient of the loss with respect to the box's *output*, and returns the gradients with respect to
# its *inputs*. That is the chain rule, cut into pieces: no box needs to know what stands before or
# after it. (For every array `a`, `da` is $\partial L / \partial a$, and has the shape of `a`.)

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_no_nonlinearity", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# Somebody leaves out the $\max$ in (1), so that $h = xW_1 + b_1$. (a) Show that the network is then
# a linear classifier, and say what its $W$ and $b$ are. (b) With $D = 3072$ and $C = 10$, can *every*
# linear classifier be had in this way if $H = 100$? If $H = 5$? (c) Would ten such layers help?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_no_nonlinearity", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) $s = (xW_1 + b_1) W_2 + b_2 = x\,(W_1 W_2) + (b_1 W_2 + b_2)$, so $W = W_1 W_2$ and
# $b = b_1 W_2 + b_2$.
#
# (b) $W_1 W_2$ has at most rank $H$. With $H = 100$ that is no restriction, since $W$, with its 10
# columns, has at most rank 10. With $H = 5$ it is one: all ten templates must be combinations of
# the same five. So such a network can do less than a linear classifier, never more.
#
# (c) No: the product of ten matrices is a matrix. Depth is worth something only if something
# nonlinear stands in between.

# %% [markdown]
# ## 2. The affine layer
#
# Forward is one line: $y = xW + b$ for every example, with the rows of $x$ stacked to a matrix.
# What makes it a little more interesting is that later the input will not always be a row: a
# convolution hands over examples of shape (channels, height, width). So the layer accepts inputs of
# shape $(N, d_1, \dots, d_k)$ and lays each example out as a row of $D = d_1 \cdots d_k$ numbers
# itself. (`x.reshape(n, -1)` works out the second length.)
#
# Put into the cache what the gradients below will need. The arguments themselves will do.


# %% nbgrader={"grade": false, "grade_id": "affine_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def affine_forward(x, w, b):
    """Compute the output of an affine (fully connected) layer.

    Parameters
    ----------
    x : (N, d_1, ..., d_k) array of float
        N examples, each of any shape with D = d_1 · … · d_k numbers.
    w : (D, M) array of float
        Weights.
    b : (M,) array of float
        Biases.

    Returns
    -------
    out : (N, M) array of float
        ``x @ w + b``, with each example laid out as a row.
    cache
        What ``affine_backward`` needs.
    """
    ### BEGIN SOLUTION
    out = x.reshape(len(x), -1) @ w + b
    cache = (x, w, b)
    ### END SOLUTION
    return out, cache


# %% nbgrader={"grade": true, "grade_id": "check_affine_forward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
x = np.array([[[1.0, 2.0], [3.0, 4.0]], [[0.0, -1.0], [0.0, 1.0]]])  # two examples, 2 × 2 each
w = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, -1.0]])
b = np.array([0.5, -0.5, 10.0])
out, _ = affine_forward(x, w, b)
assert_shape(out, (2, 3), name="out")
assert_close(out, [[4.5, 5.5, 8.0], [0.5, -0.5, 9.0]], name="out")
print("✓ affine_forward")

# %% [markdown]
# **Backward.** The layer is given `dout`, of shape $(N, M)$: entry $(n, m)$ says by how much the
# loss changes when $y_{nm}$ does. Written out,
#
# $$y_{nm} = \sum_{d} x_{nd}\, w_{dm} + b_m . \tag{2}$$
#
# Take the weight $w_{dm}$. It acts on the loss by way of the output $m$ of *every* example, so the
# chain rule adds up over the examples:
#
# $$\frac{\partial L}{\partial w_{dm}}
#   = \sum_{n} \frac{\partial L}{\partial y_{nm}}\, \frac{\partial y_{nm}}{\partial w_{dm}}
#   = \sum_{n} \texttt{dout}_{nm}\; x_{nd} .$$
#
# A sum over $n$ of products: that is a product of matrices. **Your step:** which? Then do the same
# for $x_{nd}$ (on which outputs does *it* act?) and for $b_m$. The shapes tell you whether you are
# right, since every gradient has the shape of what it belongs to:
#
# | gradient | shape | made from |
# |:--|:--|:--|
# | `dw` | $(D, M)$ | `x`, as rows, $(N, D)$ and `dout` $(N, M)$ |
# | `dx` | $(N, D)$, then as `x` came | `dout` $(N, M)$ and `w` $(D, M)$ |
# | `db` | $(M,)$ | `dout` $(N, M)$ |
#
# One thing that is *not* in (2) is a factor $1/N$. If the loss is a mean over the batch, that
# factor is in `dout` already.


# %% nbgrader={"grade": false, "grade_id": "affine_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def affine_backward(dout, cache):
    """Compute the gradients of an affine layer.

    Parameters
    ----------
    dout : (N, M) array of float
        Gradient of the loss with respect to the layer's output.
    cache
        What ``affine_forward`` returned with that output.

    Returns
    -------
    dx : (N, d_1, ..., d_k) array of float
        Gradient with respect to x, in the shape of x.
    dw : (D, M) array of float
        Gradient with respect to w.
    db : (M,) array of float
        Gradient with respect to b.
    """
    ### BEGIN SOLUTION
    x, w, _ = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(len(x), -1).T @ dout
    db = dout.sum(axis=0)
    ### END SOLUTION
    return dx, dw, db


# %% [markdown]
# How do you test a backward function? Change one number of the input a little, once up and once
# down, and see what $\sum_{nm} \texttt{dout}_{nm}\, y_{nm}$ does: its derivative is what the
# function should return. `assert_layer_gradient` does that for every number in turn, with a random
# `dout`.

# %% nbgrader={"grade": true, "grade_id": "check_affine_backward", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(1)
x, w, b = rng.normal(size=(4, 2, 3)), rng.normal(size=(6, 5)), rng.normal(size=5)
dout = rng.normal(size=(4, 5))
_, saved = affine_forward(x, w, b)
dx, dw, db = affine_backward(dout, saved)
assert_layer_gradient(lambda x: affine_forward(x, w, b)[0], x, dout, dx, name="dx")
assert_layer_gradient(lambda w: affine_forward(x, w, b)[0], w, dout, dw, name="dw")
assert_layer_gradient(lambda b: affine_forward(x, w, b)[0], b, dout, db, name="db")
print("✓ affine_backward")

# %% [markdown]
# ## 3. The nonlinearity
#
# ReLU, the *rectified linear unit*, lets positive numbers through and turns the others into 0:
#
# $$\mathrm{ReLU}(x) = \max(0, x) \tag{3}$$
#
# entry by entry, for an array of any shape. Make a new array: `x` is the output of another layer,
# and not yours to change.


# %% nbgrader={"grade": false, "grade_id": "relu_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def relu_forward(x):
    """Compute rectified linear units.

    Parameters
    ----------
    x : array of float, of any shape
        Input; not modified.

    Returns
    -------
    out : array of the same shape
        ``max(0, x)``, entry by entry.
    cache
        What ``relu_backward`` needs.
    """
    ### BEGIN SOLUTION
    out = np.maximum(x, 0)
    cache = x
    ### END SOLUTION
    return out, cache


# %% nbgrader={"grade": true, "grade_id": "check_relu_forward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
x = np.array([[-2.0, 0.5], [3.0, -0.25]])
before = x.copy()
out, _ = relu_forward(x)
assert_close(out, [[0.0, 0.5], [3.0, 0.0]], name="out")
assert np.array_equal(x, before), "x changed: work on a new array, not on the caller's"
print("✓ relu_forward")

# %% [markdown]
# **Backward.** Where $x$ is positive, the output moves as $x$ does: the derivative is 1. Where it
# is negative, the output stays 0 whatever $x$ does: the derivative is 0. (At exactly 0 there is a
# kink; take either.) So the layer is a gate. **Your step:** which array says whether the gate is
# open, and what passes through it?


# %% nbgrader={"grade": false, "grade_id": "relu_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def relu_backward(dout, cache):
    """Compute the gradient of rectified linear units.

    Parameters
    ----------
    dout : array of float, of any shape
        Gradient of the loss with respect to the output.
    cache
        What ``relu_forward`` returned with that output.

    Returns
    -------
    dx : array of the same shape
        Gradient with respect to the input.
    """
    ### BEGIN SOLUTION
    x = cache
    dx = dout * (x > 0)
    ### END SOLUTION
    return dx


# %% nbgrader={"grade": true, "grade_id": "check_relu_backward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(2)
x, dout = rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 4, 2))
_, saved = relu_forward(x)
dx = relu_backward(dout, saved)
assert_layer_gradient(lambda x: relu_forward(x)[0], x, dout, dx, name="dx")
print("✓ relu_backward")

# %% [markdown]
# ## 4. The loss on top
#
# The last box turns the scores of a batch into one number. It starts the way back, too: there is no
# `dout` to wait for, so it returns the gradient with respect to its scores at once. (Here the scores
# are called `x`, as the input of any layer is.) In both losses below, $y_i$ is the true class of
# example $i$, and the loss is the *mean* over the $N$ examples. Regularisation is not in it; that is
# the network's affair.
#
# **Softmax.** Scores become probabilities, and the loss is the surprise at the true class:
#
# $$L = \frac1N \sum_i -\log p_{i,y_i}, \qquad
#   p_{ik} = \frac{e^{x_{ik}}}{\sum_j e^{x_{ij}}} \tag{4}$$
#
# The logarithm undoes one exponential, $-\log p_{iy} = \log \sum_j e^{x_{ij}} - x_{iy}$. Two things
# remain to be done. Subtract from every row of scores its maximum before you take exponentials
# (which changes no probability, and keeps scores of thousands from overflowing); do so in a new
# array, as the caller needs its scores. And differentiate: $\log \sum_j e^{x_j}$ by $x_k$ gives a
# probability, the other term gives $-1$ for the true class. Do not forget what the mean does to the
# gradient.


# %% nbgrader={"grade": false, "grade_id": "softmax_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def softmax_loss(x, y):
    """Compute the softmax (cross-entropy) loss and its gradient.

    Parameters
    ----------
    x : (N, C) array of float
        Scores of N examples for C classes, of any size; not modified.
    y : (N,) array of int
        True classes, ``0 <= y[i] < C``.

    Returns
    -------
    loss : float
        Mean over the examples of ``-log(p[i, y[i]])``.
    dx : (N, C) array of float
        Gradient of the loss with respect to x.
    """
    ### BEGIN SOLUTION
    true_class = np.arange(len(x)), y
    shifted = x - x.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(sums[:, 0]) - shifted[true_class])
    dx = exponentials / sums
    dx[true_class] -= 1
    dx /= len(x)
    ### END SOLUTION
    return loss, dx


# %% nbgrader={"grade": true, "grade_id": "check_softmax_loss", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
scores = np.log([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0]])  # probabilities in eighths
before = scores.copy()
labels = np.array([1, 2])
loss, dx = softmax_loss(scores, labels)
assert np.array_equal(scores, before), "x changed: work on a new array, not on the caller's"
assert_close(loss, np.log(4), name="the loss of two examples with p = 1/4 each")
assert_gradient(lambda x: softmax_loss(x, labels)[0], scores, dx, name="dx")

loss, dx = softmax_loss(np.array([[1e4, -1e4, 0.0]]), np.array([1]))
assert_close(loss, 2e4, name="the loss of an example with scores of thousands")
assert_close(dx, [[1.0, -1.0, 0.0]], name="dx for scores of thousands")
print("✓ softmax_loss")

# %% [markdown]
# **SVM.** The other famous loss, that of the *support vector machine*, wants the score of the true
# class to be ahead of each other class by a margin of at least 1, and is content when it is:
#
# $$L = \frac1N \sum_i \sum_{k \ne y_i} \max(0,\; x_{ik} - x_{i,y_i} + 1) \tag{5}$$
#
# Each term with a positive margin pulls the score $x_{ik}$ down and $x_{i,y_i}$ up, with the same
# strength; the others are silent. **Your step:** what, then, is the derivative of $L_i$ with respect
# to $x_{ik}$, and what that with respect to $x_{i,y_i}$, on which *several* terms may pull? Mind
# that the true class has no margin with itself.


# %% nbgrader={"grade": false, "grade_id": "svm_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def svm_loss(x, y):
    """Compute the multi-class SVM (hinge) loss and its gradient.

    Parameters
    ----------
    x : (N, C) array of float
        Scores of N examples for C classes.
    y : (N,) array of int
        True classes, ``0 <= y[i] < C``.

    Returns
    -------
    loss : float
        Mean over the examples of ``sum(max(0, x[i, k] - x[i, y[i]] + 1) for k != y[i])``.
    dx : (N, C) array of float
        Gradient of the loss with respect to x.
    """
    ### BEGIN SOLUTION
    true_class = np.arange(len(x)), y
    margins = np.maximum(0, x - x[true_class][:, None] + 1)
    margins[true_class] = 0
    loss = margins.sum() / len(x)
    dx = (margins > 0).astype(x.dtype)
    dx[true_class] -= dx.sum(axis=1)
    dx /= len(x)
    ### END SOLUTION
    return loss, dx


# %% nbgrader={"grade": true, "grade_id": "check_svm_loss", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
scores = np.array([[3.0, 2.5, 5.0, -1.0], [4.0, 0.0, 1.0, 2.0]])
labels = np.array([1, 0])
# First example: margins 1.5 and 3.5; the last class is far enough behind. Second: content.
loss, dx = svm_loss(scores, labels)
assert_close(loss, 2.5, name="the loss")
assert_gradient(lambda x: svm_loss(x, labels)[0], scores, dx, name="dx")

rng = np.random.default_rng(3)
scores, labels = rng.normal(size=(7, 5)), rng.integers(5, size=7)
loss, dx = svm_loss(scores, labels)
assert_gradient(lambda x: svm_loss(x, labels)[0], scores, dx, name="dx")
print("✓ svm_loss")

# %% [markdown]
# Do the two losses want the same? Take two classes and look at one example. The only thing that
# matters is by how much the score of the true class is ahead of the other.
#
# **Predict before you run.** Which of the two losses never becomes exactly zero? How steep are they
# for an example that is wrong by far?

# %% tags=["demo"]
lead = np.linspace(-3, 4, 141)
pairs = np.column_stack([lead, np.zeros_like(lead)])
fig, axes = plt.subplots(1, 2, figsize=(8.4, 2.9), layout="constrained")
for name, loss_function, style, color in (
    ("softmax", softmax_loss, "-", COLORS[0]),
    ("SVM", svm_loss, "--", COLORS[1]),
):
    results = [loss_function(pair[None], np.array([0])) for pair in pairs]
    axes[0].plot(lead, [loss for loss, _ in results], style, color=color, label=name)
    axes[1].plot(lead, [dx[0, 0] for _, dx in results], style, color=color, label=name)
axes[0].set(title="loss", xlabel="lead of the true class")
axes[1].set(title="gradient by the true class's score", xlabel="lead of the true class")
for axis in axes:
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color="#E4E4E4")
_ = axes[0].legend(frameon=False)

# %% [markdown]
# ## 5. The network
#
# Now the pieces go together. To see how, here is a network with a single layer, the linear
# classifier of section 1. Read it line by line. It is what `cs231n_lib`'s `Solver`, which trains
# networks for us from now on, calls a *model*: it has `params`, a dictionary of arrays, and a method
# `loss`, which returns scores for images alone, and for images with labels the loss and a dictionary
# of gradients under the same names.


# %%
class LinearClassifier:
    """Scores ``X @ W + b`` with the softmax loss, without regularisation."""

    def __init__(self, input_dim, num_classes):
        self.params = {"W": np.zeros((input_dim, num_classes)), "b": np.zeros(num_classes)}

    def loss(self, X, y=None):
        """Return the scores, or with labels the loss and the gradients."""
        scores, cache = affine_forward(X, self.params["W"], self.params["b"])
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        _, dW, db = affine_backward(dscores, cache)
        return loss, {"W": dW, "b": db}


# %% [markdown]
# Your network has two affine layers, with ReLU in between, and the softmax loss on top. Three
# things are new.
#
# - **The start.** Weights that are all zero would stay so (inline question 2). Draw those of $W_1$
#   and $W_2$ from a normal distribution with mean 0 and standard deviation `weight_scale`, with the
#   generator `rng`; the biases may start at 0.
# - **The way back** takes the layers in reverse order. What one `backward` returns as `dx` is the
#   `dout` of the next, and each gets the cache of its own `forward`.
# - **Regularisation.** Add a penalty for both weight matrices, this time with a factor ½, which
#   makes its derivative tidy:
#
# $$L = L_{\text{data}} + \tfrac12\, \lambda \Big( \sum W_1^2 + \sum W_2^2 \Big) \tag{6}$$
#
#   In code $\lambda$ is `reg`. Biases are not regularised: they do not make the network react more
#   strongly to its input, they only say from where on it reacts.


# %% nbgrader={"grade": false, "grade_id": "TwoLayerNet", "locked": false, "schema_version": 3, "solution": true, "task": false}
class TwoLayerNet:
    """A network affine - ReLU - affine - softmax.

    Parameters
    ----------
    input_dim, hidden_dim, num_classes : int
        Numbers D of inputs, H of hidden units, C of classes.
    weight_scale : float
        Standard deviation of the initial weights.
    reg : float
        Strength of the L2 regularisation.
    rng : numpy.random.Generator
        Draws the initial weights.

    Attributes
    ----------
    params : dict
        ``W1`` (D, H), ``b1`` (H,), ``W2`` (H, C) and ``b2`` (C,).
    """

    def __init__(self, input_dim, hidden_dim, num_classes, weight_scale, reg, rng):
        self.reg = reg
        self.params = {}
        ### BEGIN SOLUTION
        self.params["W1"] = weight_scale * rng.standard_normal((input_dim, hidden_dim))
        self.params["b1"] = np.zeros(hidden_dim)
        self.params["W2"] = weight_scale * rng.standard_normal((hidden_dim, num_classes))
        self.params["b2"] = np.zeros(num_classes)
        ### END SOLUTION

    def loss(self, X, y=None):
        """Compute scores, or loss and gradients.

        Parameters
        ----------
        X : (N, d_1, ..., d_k) array of float
            Examples, with D = d_1 · … · d_k numbers each.
        y : (N,) array of int, optional
            Their labels.

        Returns
        -------
        scores : (N, C) array of float
            If `y` is None. Otherwise, instead:
        loss : float
            Softmax loss plus ``0.5 * reg * (sum(W1 * W1) + sum(W2 * W2))``.
        grads : dict
            Gradients of the loss with respect to ``self.params``, under the same names.
        """
        ### BEGIN SOLUTION
        W1, b1, W2, b2 = (self.params[name] for name in ("W1", "b1", "W2", "b2"))
        before_relu, first_cache = affine_forward(X, W1, b1)
        hidden, relu_cache = relu_forward(before_relu)
        scores, second_cache = affine_forward(hidden, W2, b2)
        if y is None:
            return scores
        data_loss, dscores = softmax_loss(scores, y)
        loss = data_loss + 0.5 * self.reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        dhidden, dW2, db2 = affine_backward(dscores, second_cache)
        _, dW1, db1 = affine_backward(relu_backward(dhidden, relu_cache), first_cache)
        return loss, {"W1": dW1 + self.reg * W1, "b1": db1, "W2": dW2 + self.reg * W2, "b2": db2}
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_TwoLayerNet", "locked": true, "points": 13, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(4)
net = TwoLayerNet(400, 30, 7, weight_scale=0.01, reg=0.0, rng=rng)
for name, shape in (("W1", (400, 30)), ("b1", (30,)), ("W2", (30, 7)), ("b2", (7,))):
    assert_shape(net.params[name], shape, name=name)
assert_close(np.std(net.params["W1"]), 0.01, rtol=0.05, name="the standard deviation of W1")
X, y = rng.normal(size=(5, 4, 100)), rng.integers(7, size=5)
loss, _ = net.loss(X, y)
assert_close(loss, np.log(7), rtol=0.01, name="the loss at the start, with small weights,")

# One input, two hidden units; for x = 3 the first is 6 + 1 = 7, and the second is asleep.
net = TwoLayerNet(1, 2, 2, weight_scale=1.0, reg=0.5, rng=rng)
net.params["W1"], net.params["b1"] = np.array([[2.0, -2.0]]), np.array([1.0, 5.0])
net.params["W2"], net.params["b2"] = np.array([[1.0, 0.0], [3.0, 4.0]]), np.array([-7.0, 0.0])
assert_close(net.loss(np.array([[3.0]])), [[0.0, 0.0]], name="the array of scores")
loss, grads = net.loss(np.array([[3.0]]), np.array([1]))
assert_close(loss, np.log(2) + 0.25 * (8 + 26), name="the loss with regularisation")

net = TwoLayerNet(6, 9, 4, weight_scale=0.7, reg=0.3, rng=rng)
net.params["b1"], net.params["b2"] = rng.normal(size=9), rng.normal(size=4)
X, y = rng.normal(size=(5, 2, 3)), rng.integers(4, size=5)
for net.reg, when in ((0.0, "without regularisation"), (0.3, "with regularisation")):
    loss, grads = net.loss(X, y)
    assert sorted(grads) == ["W1", "W2", "b1", "b2"], f"grads has the names {sorted(grads)}"
    for name in ("W2", "b2", "W1", "b1"):  # from the loss backwards
        assert_gradient(
            lambda _: net.loss(X, y)[0], net.params[name], grads[name], name=f"d{name} {when}"
        )
print("✓ TwoLayerNet")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_zero_start", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# (a) All weights and biases of the network start at zero. Which of the four gradients are then
# zero, and what will the network be able to learn? (b) Now all entries of $W_1$ start at 0.01 and
# all of $W_2$ at 0.01. What is true of the hidden units after a thousand steps? (c) The linear
# classifier above starts at $W = 0$. Why is that all right?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_zero_start", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) With $W_1 = 0$ and $b_1 = 0$, all hidden units are $\max(0, 0) = 0$, so $dW_2 = h^T
# \text{dscores} = 0$. With $W_2 = 0$, $dh = \text{dscores}\, W_2^T = 0$, so $dW_1 = 0$ and
# $db_1 = 0$. Only $db_2$ is not zero. And so it stays after every step: the network learns how
# frequent each class is, and nothing else.
#
# (b) All hidden units compute the same number, and all get the same gradient: their columns of
# $W_1$, and their rows of $W_2$ up to what they share, remain equal for ever. The network is one
# with a single hidden unit. The random start is there to make the units different from each other:
# it breaks the symmetry.
#
# (c) $dW = X^T \text{dscores}$ does not contain $W$ as a factor, and the columns of $W$ belong to
# different classes, which the labels tell apart. There is no symmetry to break. (Besides, the loss
# of a linear classifier has one minimum, from wherever one starts.)

# %% [markdown]
# ## 6. What a hidden layer buys
#
# Back to the spirals. Training needs an update rule besides a model: a function of a parameter `w`,
# its gradient `dw` and a dictionary of settings, which returns the next `w`. The simplest is
# stochastic gradient descent; `Solver` draws the minibatches and calls it for every parameter.


# %%
def sgd(w, dw, config):
    """Take a step of gradient descent, ``w - learning_rate * dw``."""
    return w - config["learning_rate"] * dw, config


# %% [markdown]
# Below are a linear classifier and three networks with 3, 8 and 50 hidden units, all trained until
# hardly anything changes. Black rings mark the points on the wrong side. A hidden unit is "asleep"
# (its output is 0) on one side of a straight line, and "awake" on the other; for the two smaller
# networks these lines are drawn in grey.
#
# **Predict before you run.** Between two grey lines, what shape can the border between two classes
# have? How many units will it take to get all points right?


# %% tags=["demo"]
def fit_spirals(model, num_epochs):
    """Train a model on the spirals and return it."""
    toy = {"X_train": points, "y_train": arms, "X_val": points, "y_val": arms}
    solver = Solver(
        model,
        toy,
        sgd,
        {"learning_rate": 1.0},
        rng=np.random.default_rng(6),
        batch_size=100,
        num_epochs=num_epochs,
        progress=False,
    )
    solver.train()
    return model


fig, axes = plt.subplots(1, 4, figsize=(12.4, 3.3), layout="constrained")
for axis, width in zip(axes, progress([0, 3, 8, 50], "spirals"), strict=True):
    if width == 0:
        model = fit_spirals(LinearClassifier(2, 3), 100)
    else:
        model = fit_spirals(TwoLayerNet(2, width, 3, 1.0, 1e-4, np.random.default_rng(7)), 1500)
    share = np.mean(model.loss(points).argmax(axis=1) == arms)
    title = f"{width} hidden units: {share:.0%}" if width else f"linear: {share:.0%}"
    plot_decision_regions(model.loss, points, arms, resolution=160, title=title, ax=axis)
    axis.get_legend().remove()
    axis.set(xticks=[], yticks=[])
    if 0 < width < 10:
        for (slope_x, slope_y), offset in zip(
            model.params["W1"].T, model.params["b1"], strict=True
        ):
            axis.axline((0, -offset / slope_y), slope=-slope_x / slope_y, color="#505050", lw=0.9)

# %% [markdown]
# Between the lines the network *is* a linear classifier, and the borders are straight; where a
# border crosses a line it gets a bend, because a unit wakes up or falls asleep there. With few units
# there are few bends. With many, the straight pieces are so short that they look like a curve.
#
# ## 7. Images: two tests before any training
#
# Now images again. Subtract the mean image of the training set, and divide by 64, which is about the
# standard deviation of pixel values: the inputs are then numbers of the size of 1. (How large inputs
# are decides what is a good learning rate and a good `weight_scale`.) The numbers are kept in
# single precision, float32: they take half the memory, and matrix products half the time.

# %% tags=["demo"]
data = load_dataset(num_test=1_000, dtype="uint8")
X_images, y_train = data.X_train[:20_000], data.y_train[:20_000]
y_val, y_test = data.y_val, data.y_test
num_classes = len(data.class_names)
mean_image = X_images.mean(axis=0, dtype=np.float64).astype(np.float32)


def to_rows(images):
    """Subtract the mean image, divide by 64, flatten: (N, 32, 32, 3) -> (N, 3072), float32."""
    rows = images.astype(np.float32)
    rows -= mean_image
    rows /= 64
    return rows.reshape(len(rows), -1)


X_train, X_val, X_test = to_rows(X_images), to_rows(data.X_val), to_rows(data.X_test)
print("X_train", X_train.shape, X_train.dtype, " X_val", X_val.shape, " X_test", X_test.shape)
_ = show_class_examples(X_images, y_train, data.class_names)

# %% [markdown]
# Before an hour of training, spend a minute on two tests.
#
# **One: the loss at the start.** With small weights all scores are near 0, and the data loss must be
# near $\log C$. Regularisation can only add to that.

# %% tags=["demo"]
for reg in (0.0, 1.0):
    net = TwoLayerNet(X_train.shape[1], 100, num_classes, 1e-3, reg, np.random.default_rng(8))
    loss, _ = net.loss(X_train[:100], y_train[:100])
    print(f"reg = {reg:g}: loss {loss:.3f}  (log C = {np.log(num_classes):.3f})")

# %% [markdown]
# **Two: overfit a handful.** A network with 300,000 weights must be able to learn fifty images by
# heart. If it does not get them all right within seconds, something is broken, and a larger data set
# will not mend it.
#
# **Predict before you run.** After training on these fifty images alone, what will be the accuracy
# on the validation images, roughly: 10 %, 20 %, 40 %?

# %% tags=["demo"]
handful = {"X_train": X_train[:50], "y_train": y_train[:50], "X_val": X_val, "y_val": y_val}
net = TwoLayerNet(X_train.shape[1], 100, num_classes, 0.02, 0.0, np.random.default_rng(9))
solver = Solver(
    net,
    handful,
    sgd,
    {"learning_rate": 0.05},
    rng=np.random.default_rng(10),
    batch_size=25,
    num_epochs=30,
)
solver.train()
_ = plot_training(solver, title="Fifty images, learned by heart")

# %% [markdown]
# ## 8. Training for real
#
# A first attempt, with a guess at every hyper-parameter: a `weight_scale` of 0.01, a learning rate
# of 0.005, 50 hidden units, no regularisation.
#
# **Predict.** Look at the curves. Is the loss still falling at the end? How far apart are training
# and validation accuracy? What would you change first: the learning rate, the number of hidden
# units, or the regularisation?


# %% tags=["demo"]
def to_single(model):
    """Convert the parameters of a model to float32, like the images, and return it."""
    model.params = {name: param.astype(np.float32) for name, param in model.params.items()}
    return model


images = {"X_train": X_train, "y_train": y_train, "X_val": X_val, "y_val": y_val}
net = TwoLayerNet(X_train.shape[1], 50, num_classes, 0.01, 0.0, np.random.default_rng(11))
first = Solver(
    to_single(net),
    images,
    sgd,
    {"learning_rate": 0.005},
    rng=np.random.default_rng(12),
    batch_size=100,
    num_epochs=5,
)
first.train()
_ = plot_training(first, title="A first attempt")

# %% [markdown]
# The loss is still falling when the run ends, and on training images the network is no better than
# on images it has never seen: nothing says that it is too weak, or that it has learned too much by
# heart. It has not got far yet. The learning rate is too low, by far, and more units would not help.
# So let us look at the number of units with a learning rate twenty times as high.
#
# **Predict before you run.** How does training accuracy depend on the number of hidden units, and
# how validation accuracy? Is there a number from which on more units do not help?

# %% tags=["demo"]
widths = (2, 5, 15, 50, 150)
scores = {"training": [], "validation": []}
for width in progress(widths, "hidden units"):
    net = TwoLayerNet(X_train.shape[1], width, num_classes, 0.02, 1e-3, np.random.default_rng(13))
    solver = Solver(
        to_single(net),
        images,
        sgd,
        {"learning_rate": 0.1},
        rng=np.random.default_rng(14),
        schedule=lambda step, num_steps: 1 - step / num_steps,
        batch_size=100,
        num_epochs=4,
        progress=False,
    )
    solver.train()
    scores["training"].append(solver.train_acc_history[solver.best_epoch])
    scores["validation"].append(solver.best_val_acc)
fig, axis = plot_accuracies(
    scores, x=widths, xlabel="hidden units", title="Four epochs with each number of hidden units"
)
axis.set_xscale("log")
axis.set_xticks(widths, [str(width) for width in widths])
axis.minorticks_off()

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_gap", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# A network is right on 65 % of the training images and on 50 % of the test images. Which of these
# can make the *gap* smaller, and which of them may still be a bad idea? (a) more training images,
# (b) more hidden units, (c) stronger regularisation, (d) stopping earlier, (e) a higher accuracy on
# the training images.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_gap", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) More training images: yes, and without a drawback. They are harder to learn by heart, so
# training accuracy falls a little, and test accuracy rises.
#
# (b) More hidden units: no, they rather widen it, since there is more room for learning by heart.
# (Test accuracy may rise all the same.)
#
# (c) Stronger regularisation: yes, but too much of it presses *both* accuracies down. A network that
# guesses has no gap at all.
#
# (d) Stopping earlier: yes, and with the same reservation. One stops where the *validation* accuracy
# is highest, not where the gap is smallest.
#
# (e) By itself that widens the gap. The gap is a diagnosis, not the goal: the goal is accuracy on
# images that the network has never seen.

# %% [markdown]
# Now you: write a function that trains the best two-layer network you can, and returns it. It gets
# training images to learn from and validation images to choose with. `Solver` does most of the work:
# after training, the model holds the parameters of the epoch with the best validation accuracy.
# (`help(Solver)` shows what else it can do.) What to try, roughly in order of importance:
#
# - the **learning rate**: as high as it gets without the loss exploding, and then falling to zero
#   towards the end, by `lr_decay`, or by a `schedule` as above;
# - the number of **epochs**: enough for the loss to level off;
# - the **batch size**: small batches mean many steps, and some noise, which is not bad;
# - **`weight_scale`**: with $1/\sqrt{D}$, about 0.02, hidden units start at about the size of the
#   inputs;
# - the number of **hidden units**, and with it the **regularisation**, which has to close the gap;
# - **more images**, for nothing: a car mirrored from left to right is still a car. `Solver` has an
#   argument `augment` for a function that changes each batch in such a way.
#
# When graded, it gets images of the same kind in the same preparation (float32), and one minute on
# one core; ten seconds suffice. Compute in float32, as above: with the float64 weights that
# `TwoLayerNet` draws, everything takes twice as long. The grade depends on what
# `model.loss(X).argmax(axis=1)` says of test images that your code has never seen. On `scenes`, at least
# 47 % of them should be right (46 % on CIFAR-10).


# %% nbgrader={"grade": false, "grade_id": "train_two_layer_net", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_two_layer_net(X_train, y_train, X_val, y_val):
    """Train a two-layer network.

    Parameters
    ----------
    X_train, X_val : (N, D) and (M, D) arrays of float
        Images as rows: the mean subtracted, divided by 64.
    y_train, y_val : (N,) and (M,) arrays of int
        Their labels, from 0 to C - 1, where C is ``max(y_train) + 1``.

    Returns
    -------
    TwoLayerNet
        The trained network.
    """
    ### BEGIN SOLUTION
    side = round((X_train.shape[1] / 3) ** 0.5)

    def mirror_half(X, y, rng):
        pictures = X.reshape(-1, side, side, 3)
        chosen = rng.random(len(X)) < 0.5
        pictures[chosen] = pictures[chosen, :, ::-1]
        return pictures.reshape(X.shape), y

    rng = np.random.default_rng(231)
    num_classes = int(np.max(y_train)) + 1
    model = TwoLayerNet(X_train.shape[1], 150, num_classes, weight_scale=0.02, reg=0.015, rng=rng)
    model.params = {name: param.astype(X_train.dtype) for name, param in model.params.items()}
    images = {"X_train": X_train, "y_train": y_train, "X_val": X_val, "y_val": y_val}
    solver = Solver(
        model,
        images,
        sgd,
        {"learning_rate": 0.1},
        rng=rng,
        schedule=lambda step, num_steps: 1 - step / num_steps,
        augment=mirror_half,
        batch_size=50,
        num_epochs=12,
    )
    solver.train()
    return model
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_train_two_layer_net", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@cache
def trained():
    """Return the network of your train_two_layer_net, trained when it is first asked for."""
    return train_two_layer_net(X_train, y_train, X_val, y_val)


def share_right(model, X, y):
    """Return the share of images whose highest score is that of their class."""
    return np.mean(model.loss(X).argmax(axis=1) == y)


accuracy_to_reach = {"scenes": 0.47, "cifar10": 0.46}[data.name]

scores = trained().loss(X_val)
assert_shape(scores, (len(X_val), num_classes), name="the array of scores")
assert_finite(scores, name="the array of scores")
accuracy = share_right(trained(), X_val, y_val)
assert accuracy >= accuracy_to_reach, (
    f"validation accuracy {accuracy:.1%}, expected {accuracy_to_reach:.0%} or more: plot the run "
    "with plot_training(solver), and ask of it what was asked of the first attempt"
)
print(f"✓ train_two_layer_net: validation accuracy {accuracy:.1%}")

# %% [markdown]
# ## 9. What has it learned?
#
# Each hidden unit has a column of $W_1$, as large as an image. It is awake for images that resemble
# that, so it can be shown as a template, as the columns of a linear classifier can. Below are those of
# the 60 units with the largest weights. (Grey is zero.)
#
# **Predict before you run.** The linear classifier had one template for each class. What do you
# expect of the templates of units that belong to no class in particular: whole objects, parts of
# objects, something else?

# %% tags=["demo"]
W1, W2 = trained().params["W1"], trained().params["W2"]
strongest = np.argsort(-np.linalg.norm(W1, axis=0) * np.linalg.norm(W2, axis=1))[:60]
filters = W1[:, strongest].T.reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2)
_ = show_filters(filters, columns=15, inch=0.62, title="What hidden units look for")

# %% [markdown]
# What is a unit good for? Look at the images that excite it most, among a thousand that the network
# did not learn from. At the left is the unit's own template.
#
# **Predict before you run.** Will the images in a row be of one class?

# %% tags=["demo"]
W1, b1, W2 = (trained().params[name] for name in ("W1", "b1", "W2"))
hidden, _ = relu_forward(affine_forward(X_val, W1, b1)[0])
chosen = strongest[:5]
excited = np.argsort(-hidden[:, chosen], axis=0)[:8].T
templates = W1[:, chosen].T.reshape(-1, 32, 32, 3)
templates = 127.5 * (1 + templates / np.abs(templates).max(axis=(1, 2, 3), keepdims=True))
rows, captions = [], []
for template, row, label in zip(templates, excited, W2[chosen].argmax(axis=1), strict=True):
    rows += [template[None], data.X_val[row]]
    captions.append(f"votes for\n{data.class_names[label]}")
    captions += [data.class_names[true] for true in y_val[row]]
_ = show_images(np.concatenate(rows), captions, columns=9, inch=1.05)

# %% [markdown]
# A unit answers to a coarse arrangement of light and colour, whatever the object is that causes it;
# what the object is, only many units together can tell. That is the difference to one template per
# class, and also how far this network goes. It still looks at the whole image at once: an object
# that is moved by a few pixels is another image to it. What to do about that is what ConvNets are
# for.
#
# Now the one look at the test images, side by side with a linear classifier that the same solver has
# trained on the same images.
#
# **Predict before you run.** Which classes gain most from the hidden layer: those that have a
# typical colour and background, or those that have many looks?


# %% tags=["demo"]
@cache
def linear():
    """Return a linear classifier, trained when it is first asked for."""
    model = to_single(LinearClassifier(X_train.shape[1], num_classes))
    solver = Solver(
        model,
        images,
        sgd,
        {"learning_rate": 2e-3},
        rng=np.random.default_rng(15),
        schedule=lambda step, num_steps: 1 - step / num_steps,
        batch_size=100,
        num_epochs=8,
        progress=False,
    )
    solver.train()
    return model


fig, axis = plt.subplots(figsize=(9.6, 3.4), layout="constrained")
for model, name, shift, color, hatch in (
    (linear(), "linear", -0.2, COLORS[1], "//"),
    (trained(), "two layers", 0.2, COLORS[0], None),
):
    right = model.loss(X_test).argmax(axis=1) == y_test
    by_class = [right[y_test == label].mean() for label in range(num_classes)]
    place = np.arange(num_classes) + shift
    label = f"{name}: {right.mean():.1%}"
    axis.bar(place, by_class, 0.38, label=label, color=color, hatch=hatch, edgecolor="white")
axis.set_xticks(range(num_classes), data.class_names)
axis.set(ylabel="share that is right", ylim=(0, 0.95), title="Test images, class by class")
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False, ncols=2, loc="upper right")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_cost", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 4
#
# Take $D = 3072$ inputs, $H = 100$ hidden units and $C = 10$ classes. (a) How many parameters has
# the network, and which share of them is in $W_1$? (b) A product of an $(N, D)$ and a $(D, H)$ matrix
# takes $NDH$ multiplications. How many does the forward pass take for each image, and how many the
# backward pass, as you wrote it? (c) One of the backward products is computed for nothing. Which, and
# what share of all the multiplications is it?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_cost", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) $3072 \cdot 100 + 100 + 100 \cdot 10 + 10 = 308{,}310$, of which $W_1$ has 307,200, or 99.6 %.
#
# (b) Forward $DH + HC = 307{,}200 + 1{,}000 = 308{,}200$. Backward has two products for each layer,
# for `dw` and for `dx`, of the same size: $616{,}400$. As a rule, backward costs twice as much as
# forward.
#
# (c) `dx` of the first layer, the gradient with respect to the images, which training does not use:
# $307{,}200$ of $924{,}600$, a third. (It is not useless in itself: what visualises networks, and
# what fools them, is made from it.)

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **Why does a network need nonlinearities?** Without them, layers multiply out to a single linear
# map (inline question 1). With one hidden layer of enough units it can approximate any continuous
# function on a bounded region; the theorem says neither how many units that takes nor how to find
# their weights.
#
# **Why ReLU and not a sigmoid?** It is cheap, and its derivative is 1 wherever it is awake. That of
# a sigmoid is at most ¼ and close to 0 at both ends, so gradients fade from layer to layer.
#
# **What is a dead ReLU?** A unit whose input is negative for every example. Its gradient is then 0,
# so that nothing ever brings it back. Usual causes: a learning rate that is too high, or biases that
# were pushed far down. Leaky variants keep a small slope.
#
# **What does a layer have to keep for the way back?** What its derivative depends on: an affine layer
# its input and its weights, ReLU only the signs of its input. That is why training needs so much more
# memory than prediction: the activations of all layers wait for their gradients.
#
# **Why is `dw = x.T @ dout`?** Each weight connects one input with one output and is used by every
# example: the chain rule multiplies "input" by "gradient at the output", and sums over the batch.
#
# **Why are biases usually not regularised?** They do not multiply the input, so they do not make the
# function steeper; there are few of them; and pulling them to 0 only shifts where units wake up.
#
# **Is the training problem convex?** No. Exchange two hidden units, with their weights, and the loss
# is the same, so minima come in many copies with hills between them. In practice the minima that SGD
# finds are about equally good.
#
# **The loss does not fall. What do you look at, and in which order?** Loss at the start ($\log C$);
# gradient check; overfitting a handful; then the learning rate, up and down by factors of ten; then
# the scale of inputs and initial weights.
#
# ## Read more
#
# - CS231n notes, [Neural networks, part 1](https://cs231n.github.io/neural-networks-1/) and
#   [Backpropagation](https://cs231n.github.io/optimization-2/): layers, their number and size, and
#   the chain rule as gates.
# - E. Learned-Miller, [Vector, matrix, and tensor
#   derivatives](https://cs231n.stanford.edu/vecDerivs.pdf): how to derive $X^T \text{dout}$ without
#   guessing from shapes.
# - X. Glorot, A. Bordes, Y. Bengio, [Deep sparse rectifier neural
#   networks](https://proceedings.mlr.press/v15/glorot11a.html), 2011: why ReLU.
# - M. Nielsen, [A visual proof that neural nets can compute any
#   function](http://neuralnetworksanddeeplearning.com/chap4.html): the universal approximation theorem
#   in pictures.

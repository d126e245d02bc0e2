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
# # Fully connected networks: as deep as you like
#
# **Goal.** You put the layers of your earlier notebooks together to one class that is a network of
# any depth, with or without normalisation and dropout. Then you find out what depth costs, what
# normalisation gives back, and how far a network gets that does not know what an image is.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `affine_relu_forward`, `affine_relu_backward` | two layers that act as one |
# | 3 | `affine_norm_relu_dropout_forward`, `…_backward` | one hidden layer with everything |
# | 4 | `init_params` | where training starts from |
# | 5–6 | `FullyConnectedNet` | any number of hidden layers |
# | 9 | `train_fully_connected_net` | all of it, put to use on images |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy, the standard library and what is imported below, and they see their
# arguments, your imports and your other functions; they cannot see data that the notebook has
# loaded.
#
# There is hardly a new formula here. What is new is the bookkeeping: which cache belongs to which
# gradient, which average to which layer, which mode to which call. Real code for networks is made of
# that, and so are its bugs. You need your notebooks `two_layer_net`, `optimizers`, `batch_norm` and
# `regularization`, and about three hours.

# %%
from functools import cache
from itertools import product

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
from cs231n_lib.notebooks import from_notebook
from cs231n_lib.plots import plot_training
from cs231n_lib.plots.style import COLORS, MUTED
from cs231n_lib.progress import progress
from cs231n_lib.solver import Solver

layers = from_notebook("two_layer_net")  # affine_…, relu_…, softmax_loss
norms = from_notebook("batch_norm")  # batchnorm_…, layernorm_…
regularizers = from_notebook("regularization")  # dropout_…, random_flip, random_crop, …
rules = from_notebook("optimizers")  # sgd_momentum, adam, …

# %% [markdown]
# ## 1. A chain of blocks
#
# The network of `two_layer_net` was a chain: affine, ReLU, affine, loss. A deeper one is a longer
# chain. Its hidden layers are all built alike, each from up to four of the layers that you have
# written, and only the last is different. Here it is with three hidden layers.


# %% tags=["demo"]
def draw_network(hidden_layers):
    """Draw the layers of a network as a chain, one row for each affine layer."""
    parts = {"affine": COLORS[0], "norm": COLORS[2], "ReLU": COLORS[1], "dropout": MUTED}
    _, axis = plt.subplots(figsize=(8.4, 0.62 * (hidden_layers + 1)), layout="constrained")
    for row in range(1, hidden_layers + 2):
        last = row > hidden_layers
        for column, part in enumerate(("affine", "softmax loss") if last else parts):
            color = parts.get(part, "black")
            box = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": color, "lw": 2}
            x = 1.7 * column + 0.38 * (part == "softmax loss")
            axis.text(x, -row, part, ha="center", va="center", color=color, bbox=box)
            if column:
                axis.annotate(
                    "",
                    (1.7 * column - 0.55, -row),
                    (1.7 * column - 1.15, -row),
                    arrowprops={"arrowstyle": "->", "color": "#505050"},
                )
        owned = f"W{row}, b{row}" if last else f"W{row}, b{row}, gamma{row}, beta{row}"
        axis.text(6.3, -row, owned, va="center", family="monospace", fontsize=9.5)
        name = "last layer" if last else f"hidden layer {row}"
        axis.text(-0.85, -row, name, ha="right", va="center", fontsize=9.5)
    axis.set(xlim=(-2.7, 8.7), ylim=(-hidden_layers - 1.6, -0.4))
    axis.axis("off")


draw_network(3)

# %% [markdown]
# In formulas, with $a_0 = x$ and for $l = 1, \dots, L - 1$,
#
# $$a_l = \mathrm{dropout}\bigl(\mathrm{ReLU}\bigl(\mathrm{norm}_{\gamma_l, \beta_l}
#   (a_{l-1} W_l + b_l)\bigr)\bigr), \qquad s = a_{L-1} W_L + b_L . \tag{1}$$
#
# Normalisation and dropout may be missing, in all hidden layers at once. Their *order* is fixed by
# (1): normalisation comes between affine and ReLU, and dropout last. And the last layer has
# neither of them, nor a ReLU. It gives scores, which must be free to be negative, to have
# any size, and to be all there.
#
# A convention that will save you trouble: layers are counted from **1**, as in `W1`, since they are
# names and not places in a list. A network with $L - 1$ hidden layers has $L$ affine ones.

# %% [markdown]
# ## 2. Two layers that act as one
#
# Affine and ReLU nearly always come together. So make them one: a forward function that calls both
# and keeps both caches, and a backward function that takes these apart again and calls the two
# backward functions. Such a *sandwich* can be used wherever a layer can be.
#
# Use `layers.affine_forward` and so on: you wrote them, they are tested, and they treat inputs of
# any shape.
#
# **Your step:** in (1), ReLU comes after the affine layer. Which of the two is first on the way back?


# %% nbgrader={"grade": false, "grade_id": "affine_relu_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def affine_relu_forward(x, w, b):
    """Compute an affine layer followed by ReLU.

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
        ``max(0, x @ w + b)``, with each example laid out as a row.
    cache
        What ``affine_relu_backward`` needs.
    """
    ### BEGIN SOLUTION
    before_relu, affine_cache = layers.affine_forward(x, w, b)
    out, relu_cache = layers.relu_forward(before_relu)
    cache = (affine_cache, relu_cache)
    ### END SOLUTION
    return out, cache


# %% nbgrader={"grade": true, "grade_id": "check_affine_relu_forward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
x = np.array([[[1.0, 2.0], [3.0, 4.0]], [[0.0, -1.0], [0.0, 1.0]]])  # two examples, 2 × 2 each
w = np.array([[1.0, 0.0, -2.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, -1.0]])
b = np.array([0.5, -0.5, 2.0])
out, _ = affine_relu_forward(x, w, b)
assert_shape(out, (2, 3), name="out")
assert_close(out, [[4.5, 5.5, 0.0], [0.5, 0.0, 1.0]], name="out")
print("✓ affine_relu_forward")


# %% nbgrader={"grade": false, "grade_id": "affine_relu_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def affine_relu_backward(dout, cache):
    """Compute the gradients of an affine layer followed by ReLU.

    Parameters
    ----------
    dout : (N, M) array of float
        Gradient of the loss with respect to the output.
    cache
        What ``affine_relu_forward`` returned with that output.

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
    affine_cache, relu_cache = cache
    dx, dw, db = layers.affine_backward(layers.relu_backward(dout, relu_cache), affine_cache)
    ### END SOLUTION
    return dx, dw, db


# %% nbgrader={"grade": true, "grade_id": "check_affine_relu_backward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(1)
x, w, b = rng.normal(size=(4, 2, 3)), rng.normal(size=(6, 5)), rng.normal(size=5)
dout = rng.normal(size=(4, 5))
_, saved = affine_relu_forward(x, w, b)
dx, dw, db = affine_relu_backward(dout, saved)
assert_layer_gradient(lambda b: affine_relu_forward(x, w, b)[0], b, dout, db, name="db")
assert_layer_gradient(lambda w: affine_relu_forward(x, w, b)[0], w, dout, dw, name="dw")
assert_layer_gradient(lambda x: affine_relu_forward(x, w, b)[0], x, dout, dx, name="dx")
print("✓ affine_relu_backward")

# %% [markdown]
# ## 3. A hidden layer with everything
#
# Now the whole row of the picture as one block. Two of its four layers may be missing:
#
# - `normalization` is `None`, `"batchnorm"` or `"layernorm"`. If it is `None`, then `gamma`, `beta` and
#   `norm_param` are not used (and are usually `None` as well).
# - `dropout_param` is `None` (no dropout), or what `dropout_forward` takes.
#
# What you get from `norms` and `regularizers`: `batchnorm_forward(x, gamma, beta, bn_param)`,
# `layernorm_forward(x, gamma, beta, ln_param)` and `dropout_forward(x, dropout_param)`, and their
# backward functions. `norm_param` is the third argument of either normalisation. Hand it on as it is,
# not a copy: batch normalisation writes its running averages into it.
#
# The backward function must know which layers were there. The forward function knows; so it is a
# matter of what goes into the cache. (`None` for a layer that was not there is one way.)


# %% nbgrader={"grade": false, "grade_id": "affine_norm_relu_dropout_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def affine_norm_relu_dropout_forward(
    x, w, b, gamma, beta, normalization, norm_param, dropout_param
):
    """Compute a hidden layer: affine, normalisation, ReLU, dropout.

    Parameters
    ----------
    x : (N, d_1, ..., d_k) array of float
        N examples, each of any shape with D = d_1 · … · d_k numbers; not modified.
    w : (D, M) array of float
        Weights.
    b : (M,) array of float
        Biases.
    gamma, beta : (M,) arrays of float, or None
        Scale and shift of the normalisation; not used if there is none.
    normalization : None, "batchnorm" or "layernorm"
        Which normalisation stands between affine and ReLU.
    norm_param : dict or None
        The settings of the normalisation, such as ``mode``; batch normalisation in training mode
        stores its running averages here.
    dropout_param : dict or None
        The settings of dropout: ``p`` (the share that is kept), ``mode`` and ``rng``. None for no
        dropout.

    Returns
    -------
    out : (N, M) array of float
        The output of the block.
    cache
        What ``affine_norm_relu_dropout_backward`` needs.
    """
    ### BEGIN SOLUTION
    norm_cache = dropout_cache = None
    out, affine_cache = layers.affine_forward(x, w, b)
    if normalization == "batchnorm":
        out, norm_cache = norms.batchnorm_forward(out, gamma, beta, norm_param)
    elif normalization == "layernorm":
        out, norm_cache = norms.layernorm_forward(out, gamma, beta, norm_param)
    out, relu_cache = layers.relu_forward(out)
    if dropout_param is not None:
        out, dropout_cache = regularizers.dropout_forward(out, dropout_param)
    cache = (normalization, affine_cache, norm_cache, relu_cache, dropout_cache)
    ### END SOLUTION
    return out, cache


# %% nbgrader={"grade": true, "grade_id": "check_affine_norm_relu_dropout_forward", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
# One input with weight 1: the affine layer hands on 1, 2, 3, whose variance is 2/3.
x, w, b = np.array([[1.0], [2.0], [3.0]]), np.array([[1.0]]), np.array([0.0])
gamma, beta = np.array([2.0]), np.array([-1.0])
out, _ = affine_norm_relu_dropout_forward(x, w, b - 2, None, None, None, None, None)
assert_close(out, [[0.0], [0.0], [1.0]], name="out without normalisation and dropout")
bn_param = {"mode": "train"}
out, _ = affine_norm_relu_dropout_forward(x, w, b, gamma, beta, "batchnorm", bn_param, None)
assert_close(out, [[0], [0], [6**0.5 - 1]], rtol=1e-4, name="out with batch normalisation")
assert "running_mean" in bn_param, "bn_param has no running_mean: hand it on itself, not a copy"
assert_close(bn_param["running_mean"], [0.2], name="running_mean")
bn_param = {"mode": "test", "running_mean": np.array([1.0]), "running_var": np.array([4.0])}
out, _ = affine_norm_relu_dropout_forward(x, w, b, gamma, beta, "batchnorm", bn_param, None)
assert_close(out, [[0], [0], [1]], rtol=1e-4, name="out with batch normalisation, test mode,")
row, wide = np.array([[1.0]]), np.array([[1.0, 2.0, 3.0]])
out, _ = affine_norm_relu_dropout_forward(
    row, wide, np.zeros(3), np.full(3, 2.0), np.full(3, -1.0), "layernorm", {}, None
)
assert_close(out, [[0, 0, 6**0.5 - 1]], rtol=1e-4, name="out with layer normalisation")

# Dropout comes last: what it leaves is 1 / p times what would have been there.
wide = np.full((1, 1000), 2.0)
dropout_param = {"p": 0.8, "mode": "train", "rng": np.random.default_rng(2)}
out, _ = affine_norm_relu_dropout_forward(
    row, wide, np.ones(1000), None, None, None, None, dropout_param
)
assert abs(np.mean(out > 0) - 0.8) < 0.06, f"with p = 0.8, {np.mean(out > 0):.0%} are kept"
assert_close(out[out > 0], np.full(np.sum(out > 0), 3.75), name="out where dropout keeps it")
print("✓ affine_norm_relu_dropout_forward")

# %% [markdown]
# The way back goes through the same layers in the reverse order, skipping those that were not there.
# For normalisation you may use any of the backward functions that fits. Without normalisation
# there is nothing that `dgamma` and `dbeta` could be: return `None`.


# %% nbgrader={"grade": false, "grade_id": "affine_norm_relu_dropout_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def affine_norm_relu_dropout_backward(dout, cache):
    """Compute the gradients of a hidden layer.

    Parameters
    ----------
    dout : (N, M) array of float
        Gradient of the loss with respect to the output; not modified.
    cache
        What ``affine_norm_relu_dropout_forward`` returned with that output.

    Returns
    -------
    dx : (N, d_1, ..., d_k) array of float
        Gradient with respect to x, in the shape of x.
    dw : (D, M) array of float
        Gradient with respect to w.
    db : (M,) array of float
        Gradient with respect to b.
    dgamma, dbeta : (M,) arrays of float, or None
        Gradients with respect to gamma and beta; None without normalisation.
    """
    ### BEGIN SOLUTION
    normalization, affine_cache, norm_cache, relu_cache, dropout_cache = cache
    dgamma = dbeta = None
    if dropout_cache is not None:
        dout = regularizers.dropout_backward(dout, dropout_cache)
    dout = layers.relu_backward(dout, relu_cache)
    if normalization == "batchnorm":
        dout, dgamma, dbeta = norms.batchnorm_backward_alt(dout, norm_cache)
    elif normalization == "layernorm":
        dout, dgamma, dbeta = norms.layernorm_backward(dout, norm_cache)
    dx, dw, db = layers.affine_backward(dout, affine_cache)
    ### END SOLUTION
    return dx, dw, db, dgamma, dbeta


# %% [markdown]
# The check goes through all six combinations. How can a layer be checked that draws at random? By
# giving it a generator in the same state every time, so that it draws the same.

# %% nbgrader={"grade": true, "grade_id": "check_affine_norm_relu_dropout_backward", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(3)
inputs = {"x": rng.normal(size=(5, 2, 3)), "w": rng.normal(size=(6, 4)), "b": rng.normal(size=4)}
inputs |= {"gamma": rng.normal(1, 0.3, size=4), "beta": rng.normal(0.5, 0.3, size=4)}
dout = rng.normal(size=(5, 4))


def block(normalization, keep, **changed):
    """Run the forward function on the inputs above, one of them changed."""
    dropout_param = {"p": keep, "mode": "train", "rng": np.random.default_rng(4)}
    return affine_norm_relu_dropout_forward(
        **{**inputs, **changed},
        normalization=normalization,
        norm_param={"mode": "train"},
        dropout_param=dropout_param if keep < 1 else None,
    )


for normalization, keep in product((None, "batchnorm", "layernorm"), (1.0, 0.7)):
    _, saved = block(normalization, keep)
    gradients = affine_norm_relu_dropout_backward(dout, saved)
    for name, gradient in zip(inputs, gradients, strict=True):
        where = f"d{name} with normalization={normalization!r} and p = {keep}"
        if normalization is None and name in ("gamma", "beta"):
            assert gradient is None, f"{where} should be None"
            continue
        assert_layer_gradient(
            lambda a, name=name, n=normalization, k=keep: block(n, k, **{name: a})[0],
            inputs[name],
            dout,
            gradient,
            name=where,
        )
print("✓ affine_norm_relu_dropout_backward")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_order", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# Which of these changes of (1) changes what the network computes, with the same weights and the same
# masks? Give the reason in a line each. (a) Dropout before the ReLU rather than after it. (b) Dropout
# before batch normalisation. (c) ReLU before batch normalisation. (d) The bias $b_l$ left out, with
# batch normalisation. (e) The same, with layer normalisation.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_order", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) No change. The mask consists of 0 and $1/p$, neither of them negative, and $\max(0, mz) = m
# \max(0, z)$ for $m \ge 0$. (A dropout that filled in something else than 0 would be different.)
#
# (b) A change: the zeros would take part in mean and variance, and come out of the normalisation
# as something else than 0. Besides, the variance would be larger in training than in testing.
#
# (c) A change: the output would have both signs, with mean $\beta$. What ReLU makes of the
# normalised values has no negative ones. (Both are in use; here the order of the paper is fixed.)
#
# (d) No change in training: the mean over the batch of a feature contains $b$, and is subtracted. The
# gradient of $b$ is 0. (In test mode the running mean contains what $b$ was in training.)
#
# (e) A change: the mean is taken over the features of an image, and each has a bias of its own.
# Only what all biases have in common would drop out.

# %% [markdown]
# ## 4. Where training starts
#
# A network owns a dictionary `params`, with the names of the picture: `W1`, `b1`, … for every
# affine layer, and `gamma1`, `beta1`, … for every *hidden* layer if there is normalisation. The
# sizes form a chain, each layer's output being the next one's input:
#
# $$D \;\to\; H_1 \;\to\; H_2 \;\to\; \dots \;\to\; H_{L-1} \;\to\; C .$$
#
# **Your step:** write that chain down as one list first; what is then the shape of `W3`?
# Weights are drawn from a normal distribution with standard deviation `weight_scale`, by `rng`. What
# `b`, `gamma` and `beta` start from is what leaves the numbers alone: think of what each of them does.


# %% nbgrader={"grade": false, "grade_id": "init_params", "locked": false, "schema_version": 3, "solution": true, "task": false}
def init_params(hidden_dims, input_dim, num_classes, normalization, weight_scale, rng):
    """Return the parameters that a network starts with.

    Parameters
    ----------
    hidden_dims : sequence of int
        Number of units of each hidden layer; empty for a linear classifier.
    input_dim : int
        D, how many numbers an example has.
    num_classes : int
        C, how many classes there are.
    normalization : None, "batchnorm" or "layernorm"
        Which normalisation the hidden layers have.
    weight_scale : float
        Standard deviation of the weights.
    rng : numpy.random.Generator
        Draws the weights.

    Returns
    -------
    dict from str to array of float
        ``W1, b1, W2, b2, …`` for all affine layers; with normalisation also ``gamma1, beta1, …``
        for all but the last.
    """
    params = {}
    ### BEGIN SOLUTION
    sizes = [input_dim, *hidden_dims, num_classes]
    for i in range(1, len(sizes)):
        params[f"W{i}"] = weight_scale * rng.standard_normal((sizes[i - 1], sizes[i]))
        params[f"b{i}"] = np.zeros(sizes[i])
        if normalization is not None and i < len(sizes) - 1:
            params[f"gamma{i}"] = np.ones(sizes[i])
            params[f"beta{i}"] = np.zeros(sizes[i])
    ### END SOLUTION
    return params


# %% nbgrader={"grade": true, "grade_id": "check_init_params", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
params = init_params([30, 40], 300, 7, None, 0.05, np.random.default_rng(5))
names = ["W1", "W2", "W3", "b1", "b2", "b3"]
assert sorted(params) == names, f"the names are {sorted(params)}, expected {names}"
for name, shape in zip(names, ((300, 30), (30, 40), (40, 7), (30,), (40,), (7,)), strict=True):
    assert_shape(params[name], shape, name=name)
assert_close(np.std(params["W1"]), 0.05, rtol=0.05, name="the standard deviation of W1")
assert_close(params["b2"], np.zeros(40), name="b2")
params = init_params([30, 40], 300, 7, "batchnorm", 0.05, np.random.default_rng(5))
names = [*names, "gamma1", "gamma2", "beta1", "beta2"]
assert sorted(params) == sorted(names), f"with batchnorm, the names are {sorted(params)}"
assert_close(params["gamma2"], np.ones(40), name="gamma2")
assert_close(params["beta1"], np.zeros(30), name="beta1")
print("✓ init_params")

# %% [markdown]
# ## 5. Forward through any number of layers
#
# Now the class. Its cell has four regions for you, and they come one after the other: fill in
# `__init__` and `forward`, run the first check below, and come back for `backward` and `loss`.
#
# **`__init__`** makes the parameters, by `init_params`, and `self.norm_params`: a list with a dictionary
# of settings for each hidden layer, `{"mode": "train"}` to begin with. Each layer sees other
# values, so each needs running averages, and a dictionary, of its own.
#
# **Predict before you write.** What is the difference between these two?
#
# ```python
# [{"mode": "train"} for _ in range(3)]
# [{"mode": "train"}] * 3
# ```
#
# **`forward(X, mode)`** sends images through the blocks and the last affine layer. Before it calls a
# block it writes `mode` into that layer's `norm_params`, and into `self.dropout_param`. It returns the
# scores and a list of caches. (Mind the counting: layer `i`, from 1, has the parameters `W{i}` and
# the settings `norm_params[i - 1]`. `self.params.get(f"gamma{i}")` is `None` where there is no gamma.)

# %% [markdown]
# ## 6. And back
#
# **`backward(dscores, caches)`** walks back through the caches. It starts with the last affine layer and
# goes down to the first hidden one, and what one block returns as `dx` is the next one's `dout`.
# The gradients are collected in a dictionary under the names of the parameters. These are gradients
# of the data loss alone.
#
# **`loss(X, y=None)`** puts it all together. Without labels it returns the scores, in test mode; with
# labels, in training mode,
#
# $$L = \frac1N \sum_i L_i + \frac{\lambda}{2} \sum_{l=1}^{L} \sum_{jk} (W_l)_{jk}^2 \tag{2}$$
#
# and the gradients. $\lambda$ is `reg`. The sum is over the weight matrices of *all* affine layers,
# and over nothing else: biases, `gamma` and `beta` are not regularised.
#
# **Your step:** what does the second term of (2) add to the gradient of $W_l$?


# %% nbgrader={"grade": false, "grade_id": "FullyConnectedNet", "locked": false, "schema_version": 3, "solution": true, "task": false}
class FullyConnectedNet:
    """A network of affine layers with ReLU, optional normalisation and dropout, and softmax loss.

    Parameters
    ----------
    hidden_dims : sequence of int
        Number of units of each hidden layer.
    input_dim : int
        D, how many numbers an example has.
    num_classes : int
        C, how many classes there are.
    normalization : None, "batchnorm" or "layernorm"
        What stands between affine and ReLU in every hidden layer.
    dropout_keep_ratio : float, default 1.0
        The share of units that dropout keeps, ``0 < p <= 1``; with 1 there is no dropout.
    reg : float, default 0.0
        Strength of the L2 regularisation.
    weight_scale : float, default 0.01
        Standard deviation of the initial weights.
    rng : numpy.random.Generator
        Draws the initial weights, and later the masks of dropout.

    Attributes
    ----------
    params : dict
        ``W1, b1, …``, and with normalisation ``gamma1, beta1, …`` of the hidden layers.
    norm_params : list of dict
        One for each hidden layer: the mode and the running averages of its normalisation.
    dropout_param : dict
        Settings of dropout, which all hidden layers share.
    """

    def __init__(
        self,
        hidden_dims,
        input_dim,
        num_classes,
        normalization=None,
        dropout_keep_ratio=1.0,
        reg=0.0,
        weight_scale=0.01,
        *,
        rng,
    ):
        if normalization not in (None, "batchnorm", "layernorm"):
            raise ValueError(f"unknown normalization {normalization!r}")
        self.num_layers = len(hidden_dims) + 1
        self.normalization = normalization
        self.use_dropout = dropout_keep_ratio < 1
        self.dropout_param = {"mode": "train", "p": dropout_keep_ratio, "rng": rng}
        self.reg = reg
        ### BEGIN SOLUTION
        self.params = init_params(
            hidden_dims, input_dim, num_classes, normalization, weight_scale, rng
        )
        self.norm_params = [{"mode": "train"} for _ in hidden_dims]
        ### END SOLUTION

    def forward(self, X, mode):
        """Compute scores.

        Parameters
        ----------
        X : (N, d_1, ..., d_k) array of float
            Examples, with D = d_1 · … · d_k numbers each; not modified.
        mode : "train" or "test"
            For normalisation and dropout.

        Returns
        -------
        scores : (N, C) array of float
            What the last affine layer returns.
        caches : list
            One for every affine layer, the first layer's first.
        """
        ### BEGIN SOLUTION
        self.dropout_param["mode"] = mode
        out, caches = X, []
        for i in range(1, self.num_layers):
            self.norm_params[i - 1]["mode"] = mode
            out, block_cache = affine_norm_relu_dropout_forward(
                out,
                self.params[f"W{i}"],
                self.params[f"b{i}"],
                self.params.get(f"gamma{i}"),
                self.params.get(f"beta{i}"),
                self.normalization,
                self.norm_params[i - 1],
                self.dropout_param if self.use_dropout else None,
            )
            caches.append(block_cache)
        last = self.num_layers
        scores, last_cache = layers.affine_forward(
            out, self.params[f"W{last}"], self.params[f"b{last}"]
        )
        return scores, [*caches, last_cache]
        ### END SOLUTION

    def backward(self, dscores, caches):
        """Compute the gradients of the data loss.

        Parameters
        ----------
        dscores : (N, C) array of float
            Gradient of the data loss with respect to the scores.
        caches : list
            What ``forward`` returned with them.

        Returns
        -------
        grads : dict
            Gradients with respect to ``self.params``, under the same names.
        """
        ### BEGIN SOLUTION
        last, grads = self.num_layers, {}
        dout, grads[f"W{last}"], grads[f"b{last}"] = layers.affine_backward(dscores, caches[-1])
        for i in range(last - 1, 0, -1):
            dout, dw, db, dgamma, dbeta = affine_norm_relu_dropout_backward(dout, caches[i - 1])
            grads[f"W{i}"], grads[f"b{i}"] = dw, db
            if self.normalization is not None:
                grads[f"gamma{i}"], grads[f"beta{i}"] = dgamma, dbeta
        return grads
        ### END SOLUTION

    def loss(self, X, y=None):
        """Compute scores in test mode, or loss and gradients in training mode.

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
            Softmax loss plus ``0.5 * reg * sum(W * W)`` for the weights of all affine layers.
        grads : dict
            Gradients of the loss with respect to ``self.params``, under the same names.
        """
        ### BEGIN SOLUTION
        if y is None:
            return self.forward(X, "test")[0]
        scores, caches = self.forward(X, "train")
        loss, dscores = layers.softmax_loss(scores, y)
        grads = self.backward(dscores, caches)
        for i in range(1, self.num_layers + 1):
            W = self.params[f"W{i}"]
            loss += 0.5 * self.reg * np.sum(W * W)
            grads[f"W{i}"] = grads[f"W{i}"] + self.reg * W
        return loss, grads
        ### END SOLUTION


# %% [markdown]
# **The check of `__init__` and `forward`.** A network with two hidden layers of one unit each can be
# computed by hand. For $x = 3$ the first unit is $2 \cdot 3 + 1 = 7$, the second $7 - 5 = 2$, and the
# scores are $\pm 2$. Note the negative one.

# %% tags=["demo"]
net = FullyConnectedNet([1, 1], 1, 2, rng=np.random.default_rng(6))
net.params |= {"W1": np.array([[2.0]]), "b1": np.array([1.0])}
net.params |= {"W2": np.array([[1.0]]), "b2": np.array([-5.0]), "W3": np.array([[1.0, -1.0]])}
scores, caches = net.forward(np.array([[3.0]]), "train")
assert_close(scores, [[2.0, -2.0]], name="the array of scores")
assert len(caches) == 3, f"there are {len(caches)} caches, expected one for each affine layer, 3"

net = FullyConnectedNet([4, 3], 5, 2, "batchnorm", 0.5, rng=np.random.default_rng(7))
X = np.random.default_rng(8).normal(2.0, 1.0, size=(6, 5))
assert len(net.norm_params) == 2, "norm_params needs one dictionary for each hidden layer"
assert net.norm_params[0] is not net.norm_params[1], (
    "both layers share one dictionary of settings: make a new one for each"
)
net.forward(X, "train")
for place, width in enumerate((4, 3)):
    mean = net.norm_params[place].get("running_mean")
    assert mean is not None, f"norm_params[{place}] has no running_mean after a training step"
    assert_shape(mean, (width,), name=f"running_mean of norm_params[{place}]")
first, _ = net.forward(X, "test")
again, _ = net.forward(X, "test")
assert_close(again, first, name="the array of scores in test mode, computed a second time,")
one, _ = net.forward(X[:1], "test")
assert_close(one, first[:1], name="the scores of an image alone, in test mode,")
print("✓ __init__ and forward")

# %% [markdown]
# **The check of `backward` and `loss`.** It goes through twelve networks: without and with either
# normalisation, without and with dropout, without and with regularisation. In each the gradient of
# *every* parameter is compared with centred differences, from the loss backwards. (The
# generator of dropout is set back before each call.)
#
# If a gradient is wrong, then the first name that is reported is the one nearest to the loss, and
# the mistake is close to it.

# %% nbgrader={"grade": true, "grade_id": "check_FullyConnectedNet", "locked": true, "points": 18, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(9)
X, y = rng.normal(size=(6, 2, 4)), rng.integers(4, size=6)
start = FullyConnectedNet([20, 10], 8, 4, rng=rng)
assert_close(start.loss(X, y)[0], np.log(4), rtol=0.01, name="the loss at the start")

for normalization, keep, reg in product((None, "batchnorm", "layernorm"), (1.0, 0.8), (0.0, 0.6)):
    net = FullyConnectedNet([7, 5, 6], 8, 4, normalization, keep, reg, 0.7, rng=rng)
    for name in net.params:  # away from 0 and 1, where mistakes would not show
        net.params[name] = net.params[name] + rng.normal(0.2, 0.3, size=net.params[name].shape)

    def loss_and_grads(net=net):
        """Compute the loss with the same masks every time."""
        net.dropout_param["rng"] = np.random.default_rng(10)
        return net.loss(X, y)

    where = f"normalization={normalization!r}, p = {keep}, reg = {reg}"
    _, grads = loss_and_grads()
    assert sorted(grads) == sorted(net.params), f"grads has the names {sorted(grads)} ({where})"
    for name in sorted(net.params, key=lambda name: -int(name[-1])):
        assert_gradient(
            lambda _: loss_and_grads()[0],
            net.params[name],
            grads[name],
            name=f"d{name} ({where})",
        )
    before = net.loss(X)
    assert_shape(before, (6, 4), name="the array of scores")
    assert_close(net.loss(X), before, name=f"the array of scores, computed again ({where}),")
    alone = net.loss(X[:1])
    assert_close(alone, before[:1], name=f"the array of scores of an image alone ({where})")
print("✓ FullyConnectedNet")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_modes", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# Each of these bugs gets through a check of gradients: they are right, in training mode. How would
# you notice it while training, and on which curve? (a) `loss(X)`
# runs in training mode, in a network with dropout. (b) The same in a network with batch normalisation,
# evaluated on batches of 500 images. (c) `norm_params` has one dictionary for all layers, which
# happen to be equally wide.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_modes", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) The accuracies, of training and validation images alike, are lower than they should be, and
# noisy: two evaluations of one network differ. The curve of the loss looks as it should.
#
# (b) Hardly at all, which makes it nasty: statistics of 500 images are nearly those of the data. It
# shows when somebody classifies *one* image, or images sorted by class. A test that finds it: the
# scores of an image must not depend on the rest of the batch.
#
# (c) The loss falls as it should, because training uses the statistics of the batch. But both
# accuracies, on training images too, are far worse than the loss suggests: in test mode every layer
# normalises with a mixture of all layers' averages, in which the last layer's weigh most.

# %% [markdown]
# ## 7. Two tests before any training
#
# Images: the mean image of the training set subtracted, divided by 64 (about the standard
# deviation of pixels), as rows, in single precision.

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

# %% [markdown]
# **One: the loss at the start** must be near $\log C$ if the weights are small.
#
# **Predict before you run.** A network with five hidden layers, three weight scales, without and
# with batch normalisation. Which of the six losses is *not* near $\log C$? By what does the scale of the
# scores depend on the weights when there is a normalisation in front of the last layer?

# %% tags=["demo"]
print(f"log C = {np.log(num_classes):.3f}")
for normalization in (None, "batchnorm"):
    for weight_scale in (0.01, 0.1, 0.5):
        net = FullyConnectedNet(
            [50] * 5,
            X_train.shape[1],
            num_classes,
            normalization,
            weight_scale=weight_scale,
            rng=np.random.default_rng(11),
        )
        loss, _ = net.loss(X_train[:100], y_train[:100])
        print(f"{normalization or 'none':>9}, weights ± {weight_scale:<4}: loss {loss:.3g}")

# %% [markdown]
# **Two: overfit a handful.** Fifty images must be learned by heart, to 100 %, within seconds. A
# network that cannot do that has a bug or a hopeless learning rate, and more data will hide it, not
# mend it. Run that test on everything you will ever train.


# %% tags=["demo"]
def to_single(model):
    """Convert the parameters of a model to float32, like the images, and return it."""
    model.params = {name: param.astype(np.float32) for name, param in model.params.items()}
    return model


handful = {"X_train": X_train[:50], "y_train": y_train[:50], "X_val": X_val, "y_val": y_val}
runs = {}
for label, normalization in (("no normalisation", None), ("batch norm", "batchnorm")):
    net = FullyConnectedNet(
        [100, 100, 100],
        X_train.shape[1],
        num_classes,
        normalization,
        weight_scale=0.08,
        rng=np.random.default_rng(12),
    )
    runs[label] = Solver(
        to_single(net),
        handful,
        rules.sgd_momentum,
        {"learning_rate": 0.02},
        rng=np.random.default_rng(13),
        batch_size=25,
        num_epochs=30,
        num_val_samples=300,
        progress=False,
    )
    runs[label].train()
    reached = max(runs[label].train_acc_history)
    print(f"{label:>16}: {reached:.0%} of the fifty images")
_ = plot_training(runs, title="Fifty images, learned by heart")

# %% [markdown]
# ## 8. What depth costs, and what normalisation gives back
#
# Take a network with ten hidden layers and look at its gradients before the first step. Three ways
# to begin: every weight matrix with the same small scale, the scale $\sqrt{2/\text{inputs}}$ of K. He
# and others, and the small scale with batch normalisation.
#
# **Predict before you run.** Which layer has the smallest gradient in the first network, the one next
# to the images or the one next to the loss? By which factor will they differ? And in the third, whose
# weights are as small?


# %% tags=["demo"]
def start_net(way, num_hidden, seed=14):
    """Return a network of hidden layers with 50 units, begun in one of three ways."""
    net = FullyConnectedNet(
        [50] * num_hidden,
        X_small.shape[1],
        num_classes,
        "batchnorm" if way == "batch norm" else None,
        weight_scale=SCALE,
        rng=np.random.default_rng(seed),
    )
    if way == "He":
        for name, param in net.params.items():
            if name.startswith("W"):
                net.params[name] = param / SCALE * np.sqrt(2 / len(param))
    return to_single(net)


def halved(rows):
    """Average blocks of 2×2 pixels: (N, 3072) -> (N, 768)."""
    blocks = rows.reshape(len(rows), 16, 2, 16, 2, 3)
    return blocks.mean(axis=(2, 4)).reshape(len(rows), -1)


SCALE = 0.05
WAYS = {"small": MUTED, "He": COLORS[1], "batch norm": COLORS[0]}
LABELS = {"small": f"weights ± {SCALE}", "He": "He", "batch norm": f"batch norm, ± {SCALE}"}
X_small, y_small, X_small_val = halved(X_train[:4000]), y_train[:4000], halved(X_val)

fig, axis = plt.subplots(figsize=(6.6, 3.4), layout="constrained")
for way, marker in zip(WAYS, "^so", strict=True):
    net = start_net(way, 10)
    _, grads = net.loss(X_small[:500], y_small[:500])
    sizes = [np.sqrt(np.mean(grads[f"W{i}"] ** 2)) for i in range(1, 12)]
    axis.semilogy(range(1, 12), sizes, color=WAYS[way], marker=marker, label=LABELS[way])
axis.set(xlabel="affine layer (the images at the left)", ylabel="size of its gradient")
axis.set(xticks=range(1, 12))
axis.set_title("Ten hidden layers, before the first step", loc="left", fontweight="bold")
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False, fontsize=9)

# %% [markdown]
# Now train them, with one to sixteen hidden layers, all in the same way, on images of half
# the size: 4,000 of them, eight times each.
#
# **Predict before you run.** Which of the three will notice first that the network gets deeper? Will
# the best of all be a deep one?


# %% tags=["demo"]
@cache
def depth_sweep():
    """Return the depths, and the accuracies on training and validation images for each way."""
    small = {"X_train": X_small, "y_train": y_small, "X_val": X_small_val, "y_val": y_val}
    depths, reached = (1, 2, 4, 8, 16), {way: [] for way in WAYS}
    for way, depth in progress(list(product(WAYS, depths)), "15 networks"):
        solver = Solver(
            start_net(way, depth),
            small,
            rules.sgd_momentum,
            {"learning_rate": 0.02},
            rng=np.random.default_rng(15),
            schedule=rules.cosine_decay,
            num_epochs=8,
            num_train_samples=500,
            progress=False,
        )
        solver.train()
        reached[way].append((solver.train_acc_history[-1], solver.val_acc_history[-1]))
    return depths, {way: np.array(pairs).T for way, pairs in reached.items()}


depths, reached = depth_sweep()
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", sharey=True)
for axis, title, which in zip(axes, ("training images", "validation images"), (0, 1), strict=True):
    for way, marker in zip(WAYS, "^so", strict=True):
        axis.semilogx(
            depths, reached[way][which], color=WAYS[way], marker=marker, label=LABELS[way]
        )
    axis.axhline(1 / num_classes, color="#BBBBBB", linestyle=":", label="guessing")
    axis.set(xlabel="hidden layers (logarithmic)", ylim=(0, None))
    axis.set_xticks(depths, depths)
    axis.minorticks_off()
    axis.set_title(f"Accuracy on {title}", loc="left", fontweight="bold", fontsize=11)
    axis.spines[["top", "right"]].set_visible(False)
_ = axes[1].legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))

# %% [markdown]
# With small weights and nothing else, depth is deadly: the signal fades, its gradient with it, and
# the network ends at guessing. A good scale or a normalisation makes depth *trainable*, much further
# though not without end: with sixteen layers both learn less in the same time, even of the images that
# they are trained on. And trainable is not yet *useful*: on validation images sixteen layers are worse
# than two. In a fully connected network a unit of the first layer already sees the whole image, and there
# is little that layers could build up step by step. In ConvNets, where the view widens from layer to
# layer, it will be different; and what makes even more layers trainable is a way around them, the residual
# connection.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_depth", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# (a) In a network without normalisation and biases, all weights are halved. What happens to the
# scores if there are $L$ affine layers, and to the gradient of $W_1$ for a given `dscores`? Explain the
# line "small" of the first figure by that. (b) Why does it not happen with batch normalisation, although
# the weights are as small? (c) A deeper network has a *worse* accuracy on the training images. Somebody
# says: it overfits. What do you answer?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_depth", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) ReLU passes factors on, $\max(0, cz) = c \max(0, z)$ for $c > 0$, so the scores are multiplied by
# $2^{-L}$, and the gradient of $W_1$, which goes back through the $L - 1$ other matrices, by
# $2^{-(L-1)}$. Each layer contributes a factor, and if it is smaller than 1 then ten of them leave
# almost nothing. The gradient of $W_l$ is the product of the activations before the layer and the
# gradient behind it, so it has the factors of all *other* layers, wherever it stands: that is why the
# line is small everywhere and not only at the images.
#
# (b) Every normalisation divides by the standard deviation, so the factor of a layer is taken out
# again, on the way forward. On the way back the gradient with respect to a layer's input has the factor
# of the weights but is also divided by that standard deviation, which is as small.
#
# (c) No: overfitting is a gap, good on training images and bad on others. Who is bad on training
# images has not been *optimised*: the steps do not get anywhere. More data or dropout will not help;
# initialisation, normalisation, another update rule or skip connections may.

# %% [markdown]
# ## 9. Training for real
#
# Now you: write a function that trains the best fully connected network you can, and returns it.
# Everything that you have written so far may be used, the update rules and schedules in `rules`
# included, and `Solver` does the rest. What to try, roughly in order of importance:
#
# - **batch normalisation**, after which the rest is easier to choose;
# - the **learning rate**, with a **schedule** that lets it fall to nothing (`rules.cosine_decay`);
# - **more images** for nothing: `Solver` has an argument `augment`, a function
#   `augment(X, y, rng) -> X, y` that changes each batch. `regularizers` has some, from `random_flip` to
#   `cutout`; they take pictures, so reshape the rows and back;
# - **dropout** and **`reg`**, which have to close the gap between training and validation accuracy;
# - one, two or three hidden layers, of a hundred or a few hundred units; and the **update rule**.
#
# The check below trains on all of `X_train`: of the validation images of `scenes`, at least 49 % should
# then be right (47 % on CIFAR-10). When graded, your function gets 4,500 images in the same preparation
# (float32), and a minute and a half on one core; ten seconds suffice. The grade depends on what
# `model.loss(X).argmax(axis=1)` says of test images that your code has never seen. Fewer images teach
# less, so of these at least 42 % should be right (40 % on CIFAR-10). Compute in float32: with the float64
# weights that the class draws, everything takes twice as long.


# %% nbgrader={"grade": false, "grade_id": "train_fully_connected_net", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_fully_connected_net(X_train, y_train, X_val, y_val):
    """Train a fully connected network.

    Parameters
    ----------
    X_train, X_val : (N, D) and (M, D) arrays of float
        Images as rows: the mean subtracted, divided by 64.
    y_train, y_val : (N,) and (M,) arrays of int
        Their labels, from 0 to C - 1, where C is ``max(y_train) + 1``.

    Returns
    -------
    FullyConnectedNet
        The trained network.
    """
    ### BEGIN SOLUTION
    side = round((X_train.shape[1] / 3) ** 0.5)

    def augment(X, y, rng):
        pictures = regularizers.random_flip(X.reshape(-1, side, side, 3), rng)
        return regularizers.random_crop(pictures, 2, rng).reshape(X.shape), y

    rng = np.random.default_rng(231)
    model = FullyConnectedNet(
        [200, 100],
        X_train.shape[1],
        int(np.max(y_train)) + 1,
        normalization="batchnorm",
        reg=0.01,
        weight_scale=0.03,
        rng=rng,
    )
    model.params = {name: param.astype(X_train.dtype) for name, param in model.params.items()}
    solver = Solver(
        model,
        {"X_train": X_train, "y_train": y_train, "X_val": X_val, "y_val": y_val},
        rules.sgd_momentum,
        {"learning_rate": 0.02},
        rng=rng,
        schedule=rules.cosine_decay,
        augment=augment,
        batch_size=100,
        num_epochs=10,
    )
    solver.train()
    return model
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_train_fully_connected_net", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@cache
def trained():
    """Return the network of your train_fully_connected_net, trained when first asked for."""
    return train_fully_connected_net(X_train, y_train, X_val, y_val)


accuracy_to_reach = {"scenes": 0.49, "cifar10": 0.47}[data.name]

scores = trained().loss(X_val)
assert_shape(scores, (len(X_val), num_classes), name="the array of scores")
assert_finite(scores, name="the array of scores")
accuracy = np.mean(scores.argmax(axis=1) == y_val)
assert accuracy >= accuracy_to_reach, (
    f"validation accuracy {accuracy:.1%}, expected {accuracy_to_reach:.0%} or more: plot the run "
    "with plot_training(solver), and look whether it is the training or the gap that is bad"
)
print(f"✓ train_fully_connected_net: validation accuracy {accuracy:.1%}")

# %% [markdown]
# ## 10. What do the layers do?
#
# Each hidden layer turns an image into a row of numbers. A simple way to ask how much of the *class* is
# visible there: take the mean of each class over some training images, and give every validation image
# the class of the nearest mean. That classifier learns nothing but ten means. So what it gets right
# shows how well the layer has sorted the images already.
#
# **Predict before you run.** How good is it on the pixels? In which layers does it get better?


# %% tags=["demo"]
def representations(net, X):
    """Return what each hidden layer makes of images, in test mode, the images themselves first."""
    outputs = [X]
    for i in range(1, net.num_layers):
        norm_param = {**net.norm_params[i - 1], "mode": "test"}
        names = (f"W{i}", f"b{i}", f"gamma{i}", f"beta{i}")
        parts = [net.params.get(name) for name in names]
        out, _ = affine_norm_relu_dropout_forward(
            outputs[-1], *parts, net.normalization, norm_param, None
        )
        outputs.append(out)
    return outputs


def nearest_mean_accuracy(train, val):
    """Return the share of validation images that are nearest to the mean of their class."""
    means = np.stack([train[y_train[: len(train)] == c].mean(axis=0) for c in range(num_classes)])
    distances = (means**2).sum(axis=1) - 2 * val @ means.T
    return np.mean(distances.argmin(axis=1) == y_val)


def two_directions(points):
    """Return images projected onto the two directions in which they differ most."""
    centred = points - points.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return centred @ directions[:2].T


pairs = list(
    zip(representations(trained(), X_train[:5000]), representations(trained(), X_val), strict=True)
)
fig, axes = plt.subplots(1, len(pairs), figsize=(3.1 * len(pairs), 3.3), layout="constrained")
shown = (0, 1, 3, 8)
for number, (axis, (train, val)) in enumerate(zip(axes, pairs, strict=True)):
    place = two_directions(val)
    for label, color, marker in zip(shown, COLORS, "os^D", strict=False):
        axis.scatter(
            *place[y_val == label].T,
            s=11,
            alpha=0.65,
            linewidths=0,
            color=color,
            marker=marker,
            label=data.class_names[label],
        )
    name = f"hidden layer {number}" if number else "pixels"
    axis.set_title(f"{name}\nnearest mean: {nearest_mean_accuracy(train, val):.0%}", fontsize=10.5)
    axis.set(xticks=[], yticks=[])
handles, names = axes[0].get_legend_handles_labels()
_ = fig.legend(handles, names, loc="outside lower center", ncols=4, frameon=False)

# %% [markdown]
# (The dots are validation images of four of the classes, in the two directions in which the images
# of all classes differ most.) What the network does, it does step by step: it moves images of a class
# together and those of different classes apart, until a linear classifier, the last layer, can cut.
#
# Now the one look at the test images: which classes are taken for which?
#
# **Predict before you run.** Name a pair of classes that a network will mix up which knows colours and
# coarse arrangements, but not what a part is.

# %% tags=["demo"]
predictions = trained().loss(X_test).argmax(axis=1)
confusion = np.zeros((num_classes, num_classes))
np.add.at(confusion, (y_test, predictions), 1)
confusion /= confusion.sum(axis=1, keepdims=True)
fig, axis = plt.subplots(figsize=(6.2, 5.4), layout="constrained")
axis.imshow(confusion, cmap="Blues", vmin=0, vmax=1)
for true, taken in product(range(num_classes), repeat=2):
    share = confusion[true, taken]
    if share >= 0.05:
        color = "white" if share > 0.5 else "black"
        axis.text(taken, true, f"{share:.0%}", ha="center", va="center", color=color, fontsize=8)
axis.set_xticks(range(num_classes), data.class_names, rotation=45, ha="right")
axis.set_yticks(range(num_classes), data.class_names)
axis.set(xlabel="is taken for", ylabel="true class")
axis.spines[:].set_visible(False)
right = np.mean(predictions == y_test)
_ = axis.set_title(f"Test images: {right:.1%} right", loc="left", fontweight="bold")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_budget", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 4
#
# You have a budget of 400,000 parameters for images of $32 \times 32 \times 3$ and ten classes. (a) About how
# wide may a network with one hidden layer be, and how wide one with five equally wide hidden layers?
# (b) Where do most of the parameters sit in both cases? (c) All images are permuted by one fixed, random
# permutation of their pixels, in training and testing. What happens to the accuracy of a fully connected
# network, and what does that tell about it?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_budget", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) One hidden layer: $3072 H + 10 H + \dots \approx 3083 H$, so $H \approx 130$. Five: $3072 H + 4 H^2 + 10
# H \approx 400{,}000$ gives $H \approx 113$. Four more layers cost just a few units of width.
#
# (b) In $W_1$, about 99 % and about 87 %: the images have so many numbers.
#
# (c) Nothing happens (up to chance): permute the rows of $W_1$ in the same way, and the network computes
# the same as before, and such weights are as likely at the start. So the network does not know which
# pixels are neighbours; it would have to learn from data that images have two dimensions. ConvNets are
# told. (Mirroring as augmentation is the one thing that uses the arrangement here.)

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **How do you implement a network of arbitrary depth?** Blocks with a forward function that returns
# a cache and a backward function that takes it; a loop that collects caches, and one that consumes them
# in reverse. Parameters and gradients in dictionaries under the same names, so that the update
# rule needs to know nothing of the network.
#
# **What differs between training and test mode?** Dropout draws masks or does nothing; batch norm
# uses and updates, or only uses. Everything else is the same. Forgetting the switch raises no error,
# which makes it one of the most frequent bugs.
#
# **How do you test a backward pass that is random?** Fix the generator, so that masks are the same
# for every evaluation; in float64, with few units; all combinations of options; and every parameter.
#
# **Why is there neither ReLU nor normalisation after the last layer?** Scores must have any sign and any
# size: a ReLU there stops the gradient of all classes with negative scores, and normalised scores
# could never become confident.
#
# **Dropout and batch normalisation together?** Dropout changes the variance of what the next layer
# sees, in training only, so the running variances are off in testing. If both, then dropout behind
# the normalisation, mildly, or only before the last layer.
#
# **Which parameters should not have weight decay?** Biases, gamma and beta: decay of gamma
# shrinks the output of a layer, and none of them makes a function complicated.
#
# **Is deeper better?** It can express more with the same number of weights, if the target is
# composed of parts. It is harder to optimise; normalisation, initialisation and skip connections answer
# that. And it needs a structure in which depth means something.
#
# **The loss does not fall. What next?** Loss at the start, gradient check, fifty images by heart; then the
# learning rate; then gradients and activations per layer, as in section 8.
#
# ## Read more
#
# - CS231n notes, [Neural networks, part 1](https://cs231n.github.io/neural-networks-1/), on the number and
#   size of layers, and [part 3](https://cs231n.github.io/neural-networks-3/), on checks before training.
# - X. Glorot, Y. Bengio, [Understanding the difficulty of training deep feedforward neural
#   networks](https://proceedings.mlr.press/v9/glorot10a.html), 2010: activations and gradients layer by
#   layer.
# - A. Karpathy, [A recipe for training neural networks](https://karpathy.github.io/2019/04/25/recipe/):
#   the tests of section 7, and many more, as a habit.
# - X. Li, S. Chen, X. Hu, J. Yang, [Understanding the disharmony between dropout and batch
#   normalization](https://arxiv.org/abs/1801.05134), 2018: why the order of the two matters.

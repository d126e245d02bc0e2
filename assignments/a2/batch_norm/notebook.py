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
# # Batch and layer normalisation: keep the signal in shape
#
# **Goal.** You build the layer that made deep networks easy to train, and derive its gradient in
# two ways: node by node through a computational graph, and on paper, down to one line. Then you
# turn the same idea by a right angle, which gives layer normalisation, and measure what each of the
# two is good for.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2–3 | `batchnorm_forward` | every feature normalised over the batch; running averages for testing |
# | 4 | `batchnorm_backward` | its gradient, one node of the graph after the other |
# | 5 | `batchnorm_backward_alt` | the same gradient, simplified on paper |
# | 6 | `layernorm_forward`, `layernorm_backward` | every image normalised over its features |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library, and they see their arguments, your imports
# and your other functions; they cannot see data that the notebook has loaded.
#
# The networks in this notebook are built from the layers that you wrote in `two_layer_net`; they
# are taken from that notebook as it was last saved. Beyond it you need the chain rule on a
# computational graph, and about three hours.

# %%
import functools
import timeit
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from cs231n_lib.checking import assert_close, assert_layer_gradient, assert_shape
from cs231n_lib.datasets import load_dataset
from cs231n_lib.notebooks import from_notebook
from cs231n_lib.plots import plot_losses, plot_times
from cs231n_lib.plots.style import COLORS, MUTED
from cs231n_lib.progress import progress

layers = from_notebook("two_layer_net")

# %% [markdown]
# ## 1. What goes wrong in depth
#
# Inputs are easy to prepare: subtract the mean of every pixel and divide by a standard deviation.
# The images below are prepared like that. (They are also halved in size, 16×16 pixels, which
# leaves the experiments of this notebook small.) But only the first layer sees inputs. The tenth
# sees what nine layers have made of them, and nobody has prepared that.

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
data = load_dataset(num_training=4_000, num_validation=1_000, num_test=0)


def halved(images):
    """Average blocks of 2×2 pixels, flatten: (N, 32, 32, 3) -> (N, 768)."""
    return images.reshape(len(images), 16, 2, 16, 2, 3).mean(axis=(2, 4)).reshape(len(images), -1)


X_train, X_val = halved(data.X_train), halved(data.X_val)
mean_image, spread = X_train.mean(axis=0), X_train.std()
X_train, X_val = (X_train - mean_image) / spread, (X_val - mean_image) / spread
y_train, y_val = data.y_train, data.y_val
num_classes = len(data.class_names)
print("X_train", X_train.shape, X_train.dtype, " X_val", X_val.shape)

# %% [markdown]
# Here is an experiment without any training. A batch of images goes through ten layers of 100
# units, affine and ReLU by turns, with weights from a normal distribution. Its standard deviation
# is the *weight scale*.
#
# **Predict before you run.** Every layer multiplies the spread of its inputs by some factor, the
# same in each layer. What will the spread look like after ten layers if the factor is a half? If it
# is seven? How exactly must the factor be hit for ten layers; how exactly for a hundred?


# %% tags=["demo"]
def spreads(weight_scale, normalise=None):
    """Send 200 images through ten layers; return the standard deviation before each ReLU."""
    rng = np.random.default_rng(0)
    x, found = X_train[:200], []
    for _ in range(10):
        w = weight_scale * rng.standard_normal((x.shape[1], 100))
        x, _ = layers.affine_forward(x, w, np.zeros(100))
        if normalise is not None:
            x, _ = normalise(x, np.ones(100), np.zeros(100), {"mode": "train"})
        found.append(x.std())
        x, _ = layers.relu_forward(x)
    return found


def plot_spreads(normalise, title):
    """Plot how wide the values in each layer are spread, for four weight scales."""
    _, axis = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    for scale, color, marker in zip((1.0, 0.15, 0.05, 0.01), COLORS, "os^D", strict=False):
        found = spreads(scale, normalise)
        axis.semilogy(range(1, 11), found, color=color, marker=marker, label=f"weights ± {scale:g}")
    axis.set(xlabel="layer", ylabel="standard deviation\nbefore the ReLU", xticks=range(1, 11))
    axis.set(ylim=(1e-12, 1e12))
    axis.set_title(title, loc="left", fontweight="bold", fontsize=11)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, ncols=2, fontsize=9, loc="upper left")


plot_spreads(None, "How far the signal spreads, layer by layer")

# %% [markdown]
# Gradients take the same way back and meet the same factors. Where the signal vanishes nothing can
# be learned, where it explodes every step is a catastrophe, and in between there is a narrow ridge
# of weight scales that work. It has to be hit anew for every architecture, and training leaves it
# at the first step.
#
# The idea of S. Ioffe and C. Szegedy (2015) is disarmingly direct. *If you want the values to have
# mean 0 and variance 1, then make them so*: put a layer there that subtracts their mean and divides
# by their standard deviation. What makes it more than preprocessing is that it happens inside the
# network, at every step, and that the gradient flows through it.
#
# Mean and standard deviation of *what*? The values form an array with a row per image and a column
# per feature (unit), and there are two obvious answers.


# %% tags=["demo"]
def draw_directions():
    """Draw an array of 5 images by 8 features, and which entries are normalised together."""
    _, axes = plt.subplots(1, 2, figsize=(7.6, 2.7), layout="constrained")
    titles = "Batch normalisation: one feature", "Layer normalisation: one image"
    for axis, title, direction in zip(axes, titles, (0, 1), strict=True):
        for row in range(5):
            for column in range(8):
                together = column == 5 if direction == 0 else row == 3
                color = COLORS[direction] if together else "#E8E8E8"
                axis.add_patch(plt.Rectangle((column, row), 0.9, 0.9, facecolor=color))
        axis.set(xlim=(-0.1, 8.1), ylim=(5.1, -0.1), aspect="equal", xticks=[], yticks=[])
        axis.set(xlabel="D features", ylabel="N images")
        axis.set_title(title, loc="left", fontsize=10.5, fontweight="bold", color=COLORS[direction])
        axis.spines[:].set_visible(False)


draw_directions()

# %% [markdown]
# ## 2. Forward, in training
#
# Batch normalisation takes the columns. For feature $j$ of a batch $x$ of shape $(N, D)$:
#
# $$\mu_j = \frac1N \sum_{i=1}^N x_{ij}, \qquad
#   v_j = \frac1N \sum_{i=1}^N (x_{ij} - \mu_j)^2, \qquad
#   \hat x_{ij} = \frac{x_{ij} - \mu_j}{\sqrt{v_j + \varepsilon}} \tag{1}$$
#
# $$\text{out}_{ij} = \gamma_j\, \hat x_{ij} + \beta_j \tag{2}$$
#
# Three things to notice.
#
# - **The variance divides by $N$**, not by $N - 1$. We do not estimate anything here; we want the
#   numbers at hand to have variance 1.
# - **The small $\varepsilon$ stands under the root.** A feature that is the same for all images of
#   the batch has variance 0, and $0/0$ is no number. $\varepsilon$ makes it $0/\sqrt\varepsilon = 0$.
# - **$\gamma$ and $\beta$ are learned**, one pair per feature. Mean 0 and variance 1 is a good
#   place to start from and need not be the best to end at. With $\gamma_j = \sqrt{v_j + \varepsilon}$
#   and $\beta_j = \mu_j$ the layer could even undo itself.
#
# A word on the variance. School teaches a shortcut, $v = \overline{x^2} - \bar x^2$, which needs
# one pass over the data instead of two. The three numbers below are 1000, 1000.25 and 1000.5, in
# single precision, which keeps about seven digits.
#
# **Predict before you run.** How many digits does $x^2$ have here, and where is the variance among
# them?

# %% tags=["demo"]
x = np.array([1000.0, 1000.25, 1000.5], dtype=np.float32)
print("mean of squares minus square of mean:", (x**2).mean() - x.mean() ** 2)
print("mean of squared deviations:          ", ((x - x.mean()) ** 2).mean())

# %% [markdown]
# So: subtract first, square afterwards.
#
# Now write the training mode. `bn_param` is a dictionary with the settings of the layer, and the
# lines that read it are there already. Two regions wait for you; fill in the first and leave the
# second for the next section. In the first you also decide what goes into `cache`, a tuple (or
# anything else) that your backward functions will be handed. If you do not know yet what they
# need, put in whatever you have computed, and come back later. The caller goes on using its
# arrays, so do not change `x`, `gamma` or `beta`.
#
# And there is something to write whose use will appear only in section 3. Besides normalising,
# training mode keeps a *running average* of the means, and one of the variances, that it sees:
#
# $$\text{running} \leftarrow m \cdot \text{running} + (1 - m) \cdot \text{value of this batch}
# \tag{3}$$
#
# with the *momentum* $m$, and stores both averages in `bn_param`, under `"running_mean"` and
# `"running_var"`, as arrays of shape $(D,)$. The variance goes in as it is in (1), without
# $\varepsilon$. Before the first batch both are zero.


# %% nbgrader={"grade": false, "grade_id": "batchnorm_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batchnorm_forward(x, gamma, beta, bn_param):
    """Normalise every feature over the batch, then scale and shift it.

    Parameters
    ----------
    x : (N, D) array of float
        A batch, one row per image; not modified.
    gamma, beta : (D,) arrays of float
        Scale and shift of each feature; not modified.
    bn_param : dict
        ``"mode"``: ``"train"`` (statistics of the batch) or ``"test"`` (running averages).
        ``"eps"``: added to the variance, 1e-5 by default.
        ``"momentum"``: weight of the old running average, 0.9 by default.
        ``"running_mean"``, ``"running_var"``: (D,) arrays, zeros by default. Training mode puts the
        new averages here; test mode changes nothing.

    Returns
    -------
    out : (N, D) array of float
        ``gamma * x_hat + beta``.
    cache : anything
        What the backward functions need, of training mode; not used in test mode.
    """
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(x.shape[1], dtype=x.dtype))
    cache = None

    if mode == "train":
        ### BEGIN SOLUTION
        mean = x.mean(axis=0)
        var = ((x - mean) ** 2).mean(axis=0)
        std = np.sqrt(var + eps)
        x_hat = (x - mean) / std
        out = gamma * x_hat + beta
        cache = (x, mean, std, x_hat, gamma)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        ### END SOLUTION
    elif mode == "test":
        ### BEGIN SOLUTION
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        out = gamma * x_hat + beta
        ### END SOLUTION
    else:
        raise ValueError(f'bn_param["mode"] is "train" or "test", got {mode!r}')
    return out, cache


# %% [markdown]
# The check of the first region. Its batch has three images and two features: 1, 2, 3, whose
# variance is $\frac23$, and 10, 10, 40.

# %% tags=["demo"]
x = np.array([[1.0, 10.0], [2.0, 10.0], [3.0, 40.0]])
before = x.copy()
ones, zeros = np.ones(2), np.zeros(2)

out, _ = batchnorm_forward(x, ones, zeros, {"mode": "train"})
assert np.array_equal(x, before), "x changed: work on a new array, not on the caller's"
assert_shape(out, (3, 2), name="out")
assert_close(out.mean(axis=0), zeros, name="the mean of each feature of out")
assert_close(out.var(axis=0), ones, name="the variance of each feature of out", rtol=1e-4)
out, _ = batchnorm_forward(x, np.array([2.0, 3.0]), np.array([-1.0, 5.0]), {"mode": "train"})
expected = [[-1 - 6**0.5, 5 - 4.5**0.5], [-1.0, 5 - 4.5**0.5], [-1 + 6**0.5, 5 + 18**0.5]]
assert_close(out, expected, name="out, with gamma and beta,", rtol=1e-4)
# A variance of 2/3 with eps = 1/3 is a divisor of exactly 1.
out, _ = batchnorm_forward(x[:, :1], ones[:1], zeros[:1], {"mode": "train", "eps": 1 / 3})
assert_close(out, [[-1.0], [0.0], [1.0]], name="out, with eps = 1/3,")
out, _ = batchnorm_forward(x[:1], ones, np.array([4.0, -3.0]), {"mode": "train"})
assert_close(out, [[4.0, -3.0]], name="out of a batch of one image, which is beta,")
far = np.array([[1000.0], [1000.25], [1000.5]], dtype=np.float32)
out, _ = batchnorm_forward(far, ones[:1], zeros[:1], {"mode": "train"})
assert_close(out, [[-(1.5**0.5)], [0], [1.5**0.5]], name="out far from zero", rtol=1e-3, atol=1e-3)

bn_param = {"mode": "train", "momentum": 0.75}
batchnorm_forward(x, ones, zeros, bn_param)
for key in ("running_mean", "running_var"):
    assert key in bn_param, f'there is no "{key}" in bn_param: store the new average there'
assert_close(bn_param["running_mean"], [0.5, 5.0], name="running_mean after one batch")
assert_close(bn_param["running_var"], [1 / 6, 50.0], name="running_var after one batch")
batchnorm_forward(x, ones, zeros, bn_param)
assert_close(bn_param["running_mean"], [0.875, 8.75], name="running_mean after two batches")
print("✓ batchnorm_forward, training mode")

# %% [markdown]
# Now the ten layers once more, with your layer before every ReLU. The axes are those of the first
# picture.
#
# **Predict before you run.** What will the four curves look like?

# %% tags=["demo"]
plot_spreads(batchnorm_forward, "The same, with batch normalisation")

# %% [markdown]
# ## 3. Forward, in testing
#
# There is something odd about (1): the output for an image depends on which *other* images happen
# to be in its batch. The next cell looks at one feature of one image, a random combination of its
# pixels. The image stays the same; its company is drawn at random, sixty times for each of several
# batch sizes.
#
# **Predict before you run.** How does the scatter change with the size of the batch? What are the
# only two values that can occur when there are two images?


# %% tags=["demo"]
def plot_company(normalise):
    """Plot what becomes of one image's feature in batches with others."""
    rng = np.random.default_rng(5)
    feature = X_train @ rng.standard_normal((X_train.shape[1], 1))
    image = int(np.argsort(feature[:, 0])[len(feature) * 4 // 5])
    sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256]
    _, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
    for place, size in enumerate(sizes):
        values = []
        for _ in range(60):
            company = rng.choice(len(feature), size, replace=False)
            company[0] = image
            out, _ = normalise(feature[company], np.ones(1), np.zeros(1), {"mode": "train"})
            values.append(out[0, 0])
        jitter = rng.uniform(-0.22, 0.22, size=60)
        axis.scatter(place + jitter, values, s=10, color=COLORS[0], alpha=0.55, linewidths=0)
    all_images, _ = normalise(feature, np.ones(1), np.zeros(1), {"mode": "train"})
    label = "normalised with all training images"
    axis.axhline(all_images[image, 0], color=COLORS[1], linewidth=1.2, label=label)
    axis.legend(frameon=False, loc="lower right", fontsize=9)
    axis.set(xticks=range(len(sizes)), xticklabels=sizes, xlabel="images in the batch")
    axis.set(ylabel=r"$\hat x$ of always the same image")
    axis.set_title("One image in changing company", loc="left", fontweight="bold", fontsize=11)
    axis.spines[["top", "right"]].set_visible(False)


plot_company(batchnorm_forward)

# %% [markdown]
# In training this scatter is no harm, and even some good: noise of this kind regularises, like
# dropout. When the network is *used*, it is unacceptable. The answer to an image must not depend on
# who else asked at the same time, and a single image must get an answer at all.
#
# So in test mode the layer normalises with fixed numbers, an estimate of the mean and the variance
# of all training images. That is what the running averages (3) are for. They cost nothing, since
# training computes every batch's statistics anyway. And test mode only reads: what the layer
# remembers is learned from training images alone.
#
# Everything else stays as it was: $\varepsilon$ under the root, $\gamma$ and $\beta$. **Your step:**
# the second region of `batchnorm_forward`. (The running averages are in the variables
# `running_mean` and `running_var` already.)

# %% nbgrader={"grade": true, "grade_id": "check_batchnorm_forward", "locked": true, "points": 16, "schema_version": 3, "solution": false, "task": false}
x = np.array([[3.0, 1.0], [5.0, -2.0]])
gamma, beta = np.array([2.0, -1.0]), np.array([0.5, 1.0])
averages = {"running_mean": np.array([1.0, 2.0]), "running_var": np.array([3.0, 8.0])}

bn_param = {"mode": "test", "eps": 1.0, **averages}
out, _ = batchnorm_forward(x, gamma, beta, bn_param)
assert_close(out, [[2.5, 4 / 3], [4.5, 7 / 3]], name="out in test mode")
for key, average in averages.items():
    assert_close(bn_param[key], average, name=f"{key} after a call in test mode")
alone, _ = batchnorm_forward(x[:1], gamma, beta, bn_param)
assert_close(alone, out[:1], name="out of one image alone in test mode")

# After many steps of training on one and the same batch, test mode agrees with training mode.
bn_param = {"mode": "train", "momentum": 0.5}
for _ in range(60):
    in_training, _ = batchnorm_forward(x, gamma, beta, bn_param)
in_testing, _ = batchnorm_forward(x, gamma, beta, bn_param | {"mode": "test"})
assert_close(in_testing, in_training, name="out in test mode, after training on the same batch,")
print("✓ batchnorm_forward")

# %% [markdown]
# Which momentum? The cell below feeds the layer batches of 16 images and follows the running mean
# of one feature. Dots are the means of the batches.
#
# **Predict before you run.** The averages start from zero. After $t$ batches with the same mean
# $\mu$, the running mean is $(1 - m^t)\,\mu$; check this for $t = 1$ and $t = 2$. With $m = 0.99$,
# about how many batches until the curve arrives? What is the advantage of so slow a momentum, and
# when is a network evaluated too early?


# %% tags=["demo"]
def plot_momentum(normalise):
    """Plot the running mean of one feature for several momenta."""
    rng = np.random.default_rng(8)
    feature = X_train @ rng.standard_normal((X_train.shape[1], 1)) + 30
    params = {m: {"mode": "train", "momentum": m} for m in (0.5, 0.9, 0.99)}
    means, curves = [], {m: [] for m in params}
    for _ in range(300):
        batch = feature[rng.choice(len(feature), 16, replace=False)]
        means.append(batch.mean())
        for m, bn_param in params.items():
            normalise(batch, np.ones(1), np.zeros(1), bn_param)
            curves[m].append(float(bn_param["running_mean"][0]))
    _, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
    axis.plot(means, ".", color="#BBBBBB", markersize=4, label="mean of the batch")
    for (m, curve), color in zip(curves.items(), COLORS, strict=False):
        axis.plot(curve, color=color, linewidth=1.6, label=f"momentum {m:g}")
    axis.axhline(feature.mean(), color=MUTED, linestyle=":", label="mean of all images")
    axis.set(xlabel="batches seen", ylabel="running mean")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=9, ncols=2, loc="lower right")


plot_momentum(batchnorm_forward)

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_small_batches", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# (a) What does batch normalisation return in training mode for a batch of *one* image, and what can
# the layers before it learn from such batches? (b) For a batch of *two* images, with
# $\varepsilon = 0$: what are the only two values that $\hat x_{ij}$ can have (unless both images
# agree in the feature)? What has become of the information how far apart the two were? (c) A
# network was trained with large batches, and somebody forgets to switch to test mode when it is
# used, one image at a time. What do they see?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_small_batches", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) A single value is its own mean, so $x - \mu = 0$ and the output is $\beta$ whatever the image.
# The output does not depend on the input, so no gradient flows back: the layers before it learn
# nothing.
#
# (b) The two deviations are $\pm\delta$ and the standard deviation is $|\delta|$, so $\hat x = \pm
# 1$. Only which of the two is larger survives; how far apart they were, and where, is gone.
#
# (c) The first normalisation layer turns every image into its $\beta$, so the network gives the
# same answer to everything, and its accuracy is that of guessing, although nothing in the training
# curves was wrong.

# %% [markdown]
# ## 4. Backward, node by node
#
# From `dout` $= \partial L/\partial\,\text{out}$ we need $\partial L/\partial x$,
# $\partial L/\partial\gamma$ and $\partial L/\partial\beta$. Writing all of (1) and (2) into one
# formula and differentiating that is a good way to get lost. Taken apart into steps that each do
# *one* thing, it is nine easy derivatives. Blue arrows are values on their way forward, red ones
# gradients on their way back; $c$ stands for the centred $x - \mu$, $q$ for its square, $\sigma$
# for $\sqrt{v + \varepsilon}$ and $r$ for $1/\sigma$.


# %% tags=["demo"]
def draw_graph():
    """Draw the computational graph of batch normalisation, values forward and gradients back."""
    places = {
        "x": (0, 0), "mean": (1.1, 1.35), "−": (2.2, 0), "square": (3.3, -1.35),
        "mean ": (4.7, -1.35), "√(· + ε)": (6.1, -1.35), "1/·": (7.5, -1.35), "×": (7.5, 0),
        "× ": (8.7, 0), "+": (9.9, 0), "γ": (8.7, 1.35), "β": (9.9, 1.35), "out": (11, 0),
    }  # fmt: skip
    edges = [
        ("x", "mean", "x"), ("mean", "−", "μ"), ("x", "−", "x"), ("−", "square", "c"),
        ("−", "×", "c"), ("square", "mean ", "q"), ("mean ", "√(· + ε)", "v"),
        ("√(· + ε)", "1/·", "σ"), ("1/·", "×", "r"), ("×", "× ", r"\hat x"), ("γ", "× ", "γ"),
        ("× ", "+", "s"), ("β", "+", "β"), ("+", "out", ""),
    ]  # fmt: skip
    numbers = {"mean": 1, "−": 2, "square": 3, "mean ": 4, "√(· + ε)": 5, "1/·": 6, "×": 7}
    numbers |= {"× ": 8, "+": 9}
    _, axis = plt.subplots(figsize=(10.6, 4.1), layout="constrained")
    for start, end, name in edges:
        a, b = np.array(places[start], float), np.array(places[end], float)
        along = (b - a) / np.linalg.norm(b - a)
        # Values on one side of the line, gradients on the other, labels outside of both.
        aside = np.array([-along[1], along[0]]) * (1 if along[0] >= 0 else -1)
        aside = np.array([-1.0, 0.0]) if abs(along[0]) < 1e-9 else aside
        gaps = [0.5 if abs(along[1]) < 0.1 and len(n) > 4 else 0.33 for n in (start, end)]
        a, b = a + gaps[0] * along, b - gaps[1] * along
        for sign, color, (tail, head) in ((1, COLORS[0], (a, b)), (-1, COLORS[1], (b, a))):
            arrow = {"arrowstyle": "-|>", "color": color, "lw": 1.1, "shrinkA": 0, "shrinkB": 0}
            shift = sign * 0.05 * aside
            axis.annotate("", head + shift, tail + shift, arrowprops=arrow)
            if name:
                text = f"${name}$" if sign > 0 else f"$d{name}$"
                spot = (a + b) / 2 + sign * 0.23 * aside
                axis.text(*spot, text, color=color, ha="center", va="center", size=9.5)
    for name, (across, up) in places.items():
        box = {"boxstyle": "round,pad=0.28", "facecolor": "white", "edgecolor": MUTED}
        if name in ("x", "γ", "β", "out"):
            box |= {"facecolor": "#E8F1F8", "edgecolor": COLORS[0]}
        axis.text(across, up, name.strip(), ha="center", va="center", size=10, bbox=box, zorder=3)
        if name in numbers:
            down = -0.4 if name != "×" else 0.4
            axis.text(across, up + down, f"({numbers[name]})", ha="center", va="center", size=8)
    axis.set(xlim=(-0.4, 11.5), ylim=(-1.95, 1.7), aspect="equal")
    axis.axis("off")


draw_graph()

# %% [markdown]
# Go through it from the right to the left. Three rules are all you need.
#
# - **A node multiplies** the gradient that arrives by its own derivative.
# - **Where a value goes to several places, gradients add up.** $c$ goes to two, and so does $x$.
# - **Where one value serves the whole batch, its gradient is a sum over the batch.** $\mu$, $v$,
#   $\sigma$, $r$, $\gamma$ and $\beta$ have the shape $(D,)$, one number per column, and act on all
#   $N$ rows.
#
# The last rule has a counterpart: the mean, which makes one number out of $N$, hands every one of
# them the same gradient, with the factor $1/N$.
#
# | node | forward | backward |
# |:--|:--|:--|
# | (9) | $\text{out} = s + \beta$ | $ds = \text{dout}, \quad d\beta = \sum_i \text{dout}_i$ |
# | (8) | $s = \gamma\, \hat x$ | $d\hat x = \gamma\, ds, \quad d\gamma =\;$ **?** |
# | (7) | $\hat x = c\, r$ | $dc = r\, d\hat x$ (a first part), $\quad dr =\;$ **?** |
# | (6) | $r = 1/\sigma$ | $d\sigma = -\,dr/\sigma^2$ |
# | (5) | $\sigma = \sqrt{v + \varepsilon}$ | $dv = d\sigma / (2\sigma)$ |
# | (4) | $v = \frac1N \sum_i q_i$ | $dq_i = dv / N$, the same for every row |
# | (3) | $q = c^2$ | $dc \mathrel{+}=\;$ **?** (the second part) |
# | (2) | $c = x - \mu$ | $dx = dc$ (a first part), $\quad d\mu =\;$ **?** |
# | (1) | $\mu = \frac1N \sum_i x_i$ | $dx \mathrel{+}=\;$ **?** (the second part) |
#
# **Your step:** the five question marks, by the three rules. Say the shape of each before you write
# it down.
#
# Two tests for your result, which need no computer. *One:* if the same number is added to a whole
# column of $x$, the output does not change. So the derivative in this direction is zero:
# $\sum_i dx_i = 0$. *Two:* if a column is stretched about its mean, the output does not change
# either, but for $\varepsilon$. So $\sum_i dx_i\, c_i \approx 0$. The two paths that are most often
# forgotten, that through $\mu$ and that through $v$, are just what brings these about.


# %% nbgrader={"grade": false, "grade_id": "batchnorm_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batchnorm_backward(dout, cache):
    """Go back through the graph of batch normalisation (in training mode), node by node.

    Parameters
    ----------
    dout : (N, D) array of float
        Gradient of the loss with respect to ``out``; not modified.
    cache
        What ``batchnorm_forward`` returned.

    Returns
    -------
    dx : (N, D) array of float
        Gradient with respect to x.
    dgamma, dbeta : (D,) arrays of float
        Gradients with respect to gamma and beta.
    """
    ### BEGIN SOLUTION
    x, mean, std, x_hat, gamma = cache
    N = len(x)
    centred = x - mean

    dbeta = dout.sum(axis=0)  # (9)
    dgamma = (dout * x_hat).sum(axis=0)  # (8)
    dx_hat = dout * gamma
    dcentred = dx_hat / std  # (7)
    dreciprocal = (dx_hat * centred).sum(axis=0)
    dstd = -dreciprocal / std**2  # (6)
    dvar = dstd / (2 * std)  # (5)
    dsquares = dvar / N  # (4), one row for all
    dcentred = dcentred + 2 * centred * dsquares  # (3)
    dmean = -dcentred.sum(axis=0)  # (2)
    dx = dcentred + dmean / N  # (1)
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_batchnorm_backward", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(1)
x, dout = 3 * rng.standard_normal((5, 4)) + 7, rng.standard_normal((5, 4))
gamma, beta = rng.standard_normal(4), rng.standard_normal(4)

_, kept = batchnorm_forward(x, gamma, beta, {"mode": "train"})
dx, dgamma, dbeta = batchnorm_backward(dout, kept)
assert_shape(dx, (5, 4), name="dx")
assert_shape(dgamma, (4,), name="dgamma")
assert_shape(dbeta, (4,), name="dbeta")


def out_of(x, gamma, beta, eps=1e-5):
    """Return the output alone, without the cache."""
    return batchnorm_forward(x, gamma, beta, {"mode": "train", "eps": eps})[0]


assert_layer_gradient(lambda beta: out_of(x, gamma, beta), beta, dout, dbeta, name="dbeta")
assert_layer_gradient(lambda gamma: out_of(x, gamma, beta), gamma, dout, dgamma, name="dgamma")
shift, stretch = dx.sum(axis=0), (dx * (x - x.mean(axis=0))).sum(axis=0)
assert np.allclose(shift, 0, atol=1e-6), (
    "the rows of dx should add up to 0 in every feature, since shifting a column changes nothing: "
    "look at nodes (1) and (2), the path through the mean"
)
assert np.allclose(stretch, 0, atol=1e-3), (
    "dx times x - mean should add up to 0 in every feature, since stretching a column changes "
    "nothing: look at nodes (3) to (7), the path through the variance"
)
assert_layer_gradient(lambda x: out_of(x, gamma, beta), x, dout, dx, name="dx")

_, kept = batchnorm_forward(x, gamma, beta, {"mode": "train", "eps": 5.0})
dx, _, _ = batchnorm_backward(dout, kept)
assert_layer_gradient(
    lambda x: out_of(x, gamma, beta, 5.0), x, dout, dx, name="dx, with a large eps,"
)
_, kept = batchnorm_forward(x[:1], gamma, beta, {"mode": "train"})
dx, _, _ = batchnorm_backward(dout[:1], kept)
assert_close(dx, np.zeros((1, 4)), name="dx for a batch of one image", atol=1e-6)
print("✓ batchnorm_backward")

# %% [markdown]
# ## 5. Backward, on paper
#
# The graph gives the right gradient, through eight arrays that are needed only in between. With
# pencil and paper most of them cancel. Put the table together, from the end:
#
# $$dx_i = dc_i - \frac1N \sum_j dc_j, \qquad
#   dc_i = r\, d\hat x_i + \frac2N\, c_i\, dv, \qquad
#   dv = -\frac{r^3}{2} \sum_j d\hat x_j\, c_j .$$
#
# (All of this for one feature; $i$ and $j$ count images.) **Your step,** in two parts.
#
# - Insert $dv$ into $dc_i$ and write $c = \hat x / r$ everywhere. All powers of $r$ but one
#   disappear, and the sum with its $\frac1N$ becomes a mean:
#   $dc_i = r\,\bigl(d\hat x_i - \hat x_i \cdot \boldsymbol{?}\,\bigr)$.
# - Insert that into $dx_i$, which needs the mean of $dc$ over the batch. One of the two terms of
#   this mean is zero. Which, and why?
#
# What remains is one line, with two means over the batch:
#
# $$dx_i = \frac1\sigma \bigl(d\hat x_i \;-\; \boldsymbol{?} \;-\; \hat x_i \cdot \boldsymbol{?}\,\bigr)
# \tag{4}$$
#
# Look at what it says. The second term takes from $d\hat x$ its mean, the third its component along
# $\hat x$: what is left of the gradient neither shifts a feature nor stretches it. Those are the
# two things to which the layer has made the network blind, so to push in these directions would be
# wasted. (The two tests of section 4 said the same.)


# %% nbgrader={"grade": false, "grade_id": "batchnorm_backward_alt", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batchnorm_backward_alt(dout, cache):
    """Compute the gradients of batch normalisation by the simplified formula.

    Parameters and results are those of ``batchnorm_backward``.
    """
    ### BEGIN SOLUTION
    _, _, std, x_hat, gamma = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout * gamma
    dx = (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0)) / std
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_batchnorm_backward_alt", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(2)
x, dout = 3 * rng.standard_normal((6, 4)) - 5, rng.standard_normal((6, 4))
gamma = rng.standard_normal(4)

for images in (6, 1):
    for eps in (1e-5, 5.0):
        bn_param = {"mode": "train", "eps": eps}
        _, kept = batchnorm_forward(x[:images], gamma, np.zeros(4), bn_param)
        by_graph = batchnorm_backward(dout[:images], kept)
        _, kept = batchnorm_forward(x[:images], gamma, np.zeros(4), bn_param)
        by_formula = batchnorm_backward_alt(dout[:images], kept)
        for name, one, other in zip(("dx", "dgamma", "dbeta"), by_formula, by_graph, strict=True):
            assert_close(one, other, name=f"{name}, compared to the graph's,", atol=1e-6)
print("✓ batchnorm_backward_alt")

# %% [markdown]
# **Predict before you run.** How much faster is the simplified formula? Count the arrays of size
# $N \times D$ that each version computes: both have the same complexity, so nothing more than their
# ratio can be gained.

# %% tags=["demo"]
rng = np.random.default_rng(3)
x, dout = rng.standard_normal((500, 500)), rng.standard_normal((500, 500))
_, kept = batchnorm_forward(x, np.ones(500), np.zeros(500), {"mode": "train"})
contenders = {"node by node": batchnorm_backward, "simplified": batchnorm_backward_alt}
times = {
    name: min(timeit.repeat(lambda f=f: f(dout, kept), number=4, repeat=8)) / 4
    for name, f in contenders.items()
}
_ = plot_times(times, title="Gradients of a batch of 500 images, 500 features")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_invariance", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# Batch normalisation stands behind an affine layer, $x = XW + b$, and $\varepsilon$ is negligible.
# (a) What does the bias $b$ do to the output of the normalisation, and what is its gradient? (b)
# All weights $W$ are multiplied by 10. What happens to the output, and what to
# $\partial L / \partial W$? (Start with $\sigma$ in (4).) (c) A large step of SGD has made the
# weights too large. Compare what the next steps do with and without normalisation.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_invariance", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) $b$ shifts a column, and the mean is subtracted: the output does not depend on $b$, and its
# gradient $\sum_i dx_i$ is zero. The bias can be left out; $\beta$ does its work.
#
# (b) The output is the same, since $x$, its mean and its standard deviation are all multiplied by
# 10. The gradient $dx$ has the factor $1/\sigma$, so it becomes a tenth, and
# $\partial L/\partial W = X^T dx$ with it.
#
# (c) Without normalisation, larger weights mean larger values and larger gradients in all other
# layers, so the next step is larger still: it diverges. With normalisation the output has not
# changed at all in scale, and the gradient has become *smaller*: larger weights brake themselves.
# That is why normalised networks forgive both a poor weight scale and a high learning rate.

# %% [markdown]
# ## 6. The same by a right angle: layer normalisation
#
# Batch normalisation makes images depend on each other. Everything that is inconvenient about it
# follows from that: two modes, running averages, trouble with small batches. Layer normalisation
# (J. L. Ba, J. R. Kiros, G. E. Hinton, 2016) takes the other direction of the picture in section 1.
# Every *row* is normalised by its own mean and variance over the $D$ features:
#
# $$\mu_i = \frac1D \sum_{j=1}^D x_{ij}, \qquad v_i = \frac1D \sum_{j=1}^D (x_{ij} - \mu_i)^2, \qquad
#   \hat x_{ij} = \frac{x_{ij} - \mu_i}{\sqrt{v_i + \varepsilon}}, \qquad
#   \text{out}_{ij} = \gamma_j\, \hat x_{ij} + \beta_j . \tag{5}$$
#
# Compare this with (1) and (2), index by index, and find the *one* place where nothing has changed.
# It is the place where the backward pass goes wrong if one just swaps axes. There is a single mode
# and nothing to remember between batches, so `ln_param` holds no more than `eps`.


# %% nbgrader={"grade": false, "grade_id": "layernorm_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def layernorm_forward(x, gamma, beta, ln_param):
    """Normalise every row over its features, then scale and shift the features.

    Parameters
    ----------
    x : (N, D) array of float
        A batch, one row per image; not modified.
    gamma, beta : (D,) arrays of float
        Scale and shift of each feature; not modified.
    ln_param : dict
        ``"eps"``: added to the variance, 1e-5 by default. Other keys are ignored.

    Returns
    -------
    out : (N, D) array of float
        ``gamma * x_hat + beta``.
    cache : anything
        What ``layernorm_backward`` needs.
    """
    eps = ln_param.get("eps", 1e-5)
    ### BEGIN SOLUTION
    mean = x.mean(axis=1, keepdims=True)
    var = ((x - mean) ** 2).mean(axis=1, keepdims=True)
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    out = gamma * x_hat + beta
    cache = (x, mean, std, x_hat, gamma)
    ### END SOLUTION
    return out, cache


# %% nbgrader={"grade": true, "grade_id": "check_layernorm_forward", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
x = np.array([[1.0, 2.0, 3.0], [10.0, 10.0, 40.0]])
before = x.copy()
out, _ = layernorm_forward(x, np.ones(3), np.zeros(3), {})
assert np.array_equal(x, before), "x changed: work on a new array, not on the caller's"
assert_shape(out, (2, 3), name="out")
assert_close(out.mean(axis=1), [0.0, 0.0], name="the mean of each row of out")
assert_close(out.var(axis=1), [1.0, 1.0], name="the variance of each row of out", rtol=1e-4)

gamma, beta = np.array([2.0, 3.0, -4.0]), np.array([-1.0, 5.0, 0.5])
out, _ = layernorm_forward(x, gamma, beta, {})
expected = [[-1 - 6**0.5, 5, 0.5 - 24**0.5], [-1 - 2**0.5, 5 - 4.5**0.5, 0.5 - 32**0.5]]
assert_close(out, expected, name="out, with gamma and beta,", rtol=1e-4)
alone, _ = layernorm_forward(x[:1], gamma, beta, {})
assert_close(alone, out[:1], name="out of one image alone")
out, _ = layernorm_forward(x[:1], np.ones(3), np.zeros(3), {"eps": 1 / 3})
assert_close(out, [[-1.0, 0.0, 1.0]], name="out, with eps = 1/3,")
print("✓ layernorm_forward")

# %% [markdown]
# For the gradient, formula (4) holds for every row as it did for every column: nothing in its
# derivation asked what the numbers meant that were normalised together. The means in it now run
# over the features. But a look at $\gamma$ is due. In batch normalisation all numbers that share a
# mean share their $\gamma_j$, so it may stand before or after the mean. **Your step:** and now? And
# along which axis do `dgamma` and `dbeta` add up?


# %% nbgrader={"grade": false, "grade_id": "layernorm_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def layernorm_backward(dout, cache):
    """Compute the gradients of layer normalisation.

    Parameters
    ----------
    dout : (N, D) array of float
        Gradient of the loss with respect to ``out``.
    cache
        What ``layernorm_forward`` returned.

    Returns
    -------
    dx : (N, D) array of float
        Gradient with respect to x.
    dgamma, dbeta : (D,) arrays of float
        Gradients with respect to gamma and beta.
    """
    ### BEGIN SOLUTION
    _, _, std, x_hat, gamma = cache
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx_hat = dout * gamma
    mean = dx_hat.mean(axis=1, keepdims=True)
    along = (dx_hat * x_hat).mean(axis=1, keepdims=True)
    dx = (dx_hat - mean - x_hat * along) / std
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_layernorm_backward", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(4)
x, dout = 3 * rng.standard_normal((4, 6)) + 2, rng.standard_normal((4, 6))
gamma, beta = rng.standard_normal(6), rng.standard_normal(6)


def layer_out(x, gamma, beta):
    """Return the output alone, without the cache."""
    return layernorm_forward(x, gamma, beta, {})[0]


_, kept = layernorm_forward(x, gamma, beta, {})
dx, dgamma, dbeta = layernorm_backward(dout, kept)
assert_layer_gradient(lambda beta: layer_out(x, gamma, beta), beta, dout, dbeta, name="dbeta")
assert_layer_gradient(lambda gamma: layer_out(x, gamma, beta), gamma, dout, dgamma, name="dgamma")
assert_layer_gradient(lambda x: layer_out(x, gamma, beta), x, dout, dx, name="dx")
print("✓ layernorm_backward")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_directions", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# Each of the following prepares a set of photographs. Which of them does to the inputs what batch
# normalisation does to a layer, which what layer normalisation does, and which neither? (a) Every
# photograph has its own mean brightness subtracted and is divided by its own contrast (standard
# deviation of its pixels). (b) The mean image of the training set is subtracted from every
# photograph. (c) All pixels are divided by 255. (d) What does layer normalisation do to a photograph
# that is developed twice as bright, and what does batch normalisation, in test mode, do to it?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_directions", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) Layer normalisation: the statistics are of one image, over all its values.
#
# (b) Batch normalisation (its first half): one mean per feature, over the images. That it is the
# mean of the training set also for test images corresponds to the running average.
#
# (c) Neither: a constant, which depends on no statistics at all.
#
# (d) Layer normalisation returns the same as before, since mean and standard deviation of the row
# double as well: brightness and contrast are gone, which is a blessing if they say nothing about the
# class and a loss if they do. Batch normalisation in test mode is a fixed affine function of each
# feature: the twice as bright photograph stays different from the other.

# %% [markdown]
# ## 7. What is it good for?
#
# Time to train. The network has five hidden layers of 50 units, each an affine layer, then a
# normalisation or none, then a ReLU. The functions below run it and train it with plain SGD, whose
# learning rate falls to zero in a straight line. Every layer notes on a *tape* how to go back
# through it: which parameters it has, which backward function, and its cache. The backward pass
# plays the tape in reverse.


# %%
def new_net(weight_scale, rng):
    """Return the parameters of five hidden layers and the last: weights drawn at random."""
    sizes = [X_train.shape[1], 50, 50, 50, 50, 50, num_classes]
    net = []
    for shape in pairwise(sizes):
        w = np.float32(weight_scale) * rng.standard_normal(shape, dtype=np.float32)
        b, gamma, beta = (np.full(shape[1], start, dtype=np.float32) for start in (0, 1, 0))
        net.append({"affine": [w, b], "norm": [gamma, beta], "param": {}})
    return net


def run(net, X, normalisation, mode):
    """Return the scores for images X, and the tape that backward plays in reverse."""
    normalise = {
        "none": None,
        "batch norm": (batchnorm_forward, batchnorm_backward_alt),
        "layer norm": (layernorm_forward, layernorm_backward),
    }[normalisation]
    tape = []
    for layer in net[:-1]:
        X, kept = layers.affine_forward(X, *layer["affine"])
        tape.append((layer["affine"], layers.affine_backward, kept))
        if normalise is not None:
            layer["param"]["mode"] = mode
            X, kept = normalise[0](X, *layer["norm"], layer["param"])
            tape.append((layer["norm"], normalise[1], kept))
        X, kept = layers.relu_forward(X)
        tape.append(([], lambda dout, kept: (layers.relu_backward(dout, kept),), kept))
    scores, kept = layers.affine_forward(X, *net[-1]["affine"])
    return scores, [*tape, (net[-1]["affine"], layers.affine_backward, kept)]


def train_net(normalisation, weight_scale, batch_size=100, num_steps=300, learning_rate=0.5):
    """Train a new net; return the losses and the accuracies on training and validation images."""
    rng = np.random.default_rng(6)
    net, losses = new_net(weight_scale, rng), []
    with np.errstate(all="ignore"):  # some of these runs are meant to diverge
        for step in range(num_steps):
            batch = rng.choice(len(X_train), batch_size, replace=False)
            scores, tape = run(net, X_train[batch], normalisation, "train")
            loss, dout = layers.softmax_loss(scores, y_train[batch])
            losses.append(loss)
            for parameters, backward, kept in reversed(tape):
                dout, *gradients = backward(dout, kept)
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter -= learning_rate * (1 - step / num_steps) * gradient
        accuracies = [
            np.mean(np.argmax(run(net, X, normalisation, "test")[0], axis=1) == y)
            for X, y in ((X_train[:2000], y_train[:2000]), (X_val, y_val))
        ]
    return losses, accuracies


# %% [markdown]
# **Weight scale.** First three runs with the same learning rate: a well-chosen weight scale without
# normalisation, one that is too small by a factor of five, and the same small one with batch
# normalisation.
#
# **Predict before you run.** Where do the three curves start? (You know the loss of a classifier
# that knows nothing.) Where will the second be at the end?

# %% tags=["demo"]
histories = {
    "none, weights ± 0.15": train_net("none", 0.15)[0],
    "none, weights ± 0.03": train_net("none", 0.03)[0],
    "batch norm, weights ± 0.03": train_net("batch norm", 0.03)[0],
}
_ = plot_losses(histories, expected_start=np.log(num_classes), title="Loss of each batch")

# %% [markdown]
# Now the weight scale from a ten-thousandth to one, in equal factors, with and without.
#
# **Predict before you run.** How wide is the range of weight scales that work without
# normalisation? By question 2, the output of a normalised network does not depend on the weight
# scale at all. Why may its accuracy depend on it nevertheless? (What does a step of given length
# mean to small weights, and what to large ones? Which layer is not followed by a normalisation?)


# %% tags=["demo"]
@functools.cache
def scale_sweep():
    """Return the weight scales and the accuracies reached with each."""
    scales = np.logspace(-4, 0, 13)
    runs = [(name, s) for name in ("none", "batch norm") for s in scales]
    reached = [train_net(name, s)[1] for name, s in progress(runs, "26 networks")]
    return scales, np.array(reached).reshape(2, len(scales), 2)


def plot_sweep(values, reached, names, xlabel, title):
    """Plot accuracies against a logarithmic quantity: solid on training images."""
    _, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for name, accuracies in zip(names, reached, strict=True):
        index = ["none", "batch norm", "layer norm"].index(name)
        color, marker = (MUTED, COLORS[0], COLORS[1])[index], "^os"[index]
        axis.semilogx(
            values, accuracies[:, 0], color=color, marker=marker, label=f"{name}, training"
        )
        axis.semilogx(
            values, accuracies[:, 1], "--", color=color, linewidth=1, label=f"{name}, validation"
        )
    axis.axhline(1 / num_classes, color="#BBBBBB", linestyle=":", label="guessing")
    axis.set(xlabel=xlabel, ylabel="accuracy", ylim=(0, None))
    axis.set_title(title, loc="left", fontweight="bold", fontsize=11)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return axis


scales, reached = scale_sweep()
_ = plot_sweep(
    scales,
    reached,
    ("none", "batch norm"),
    "weight scale (logarithmic)",
    "Five hidden layers, 300 steps",
)

# %% [markdown]
# Without normalisation there is the narrow ridge of section 1, and around it nothing: the net says
# the same to every image, or has long since overflowed. With it, training works over several orders
# of magnitude. The width of the curve counts more than its height: good networks have become easy
# to find.
#
# **Batch size.** Now batch against layer normalisation, on equal terms: every run sees the same
# number of images, in smaller or larger batches, and the learning rate is proportional to the batch
# size, since a mean over more images can be trusted for a longer step.
#
# **Predict before you run.** Which of the two methods has no reason to care about the batch size?
# Think of the picture of one image in changing company: below which batch size would you expect
# trouble for the other? What remains at two images?


# %% tags=["demo"]
@functools.cache
def batch_sweep():
    """Return the batch sizes and the accuracies reached with each."""
    sizes = np.array([2, 4, 8, 16, 32, 64])
    runs = [(name, int(size)) for name in ("batch norm", "layer norm") for size in sizes]
    reached = [
        train_net(name, 0.15, size, num_steps=8_192 // size, learning_rate=0.4 * size / 64)[1]
        for name, size in progress(runs, "12 networks")
    ]
    return sizes, np.array(reached).reshape(2, len(sizes), 2)


sizes, reached = batch_sweep()
axis = plot_sweep(
    sizes,
    reached,
    ("batch norm", "layer norm"),
    "images in a batch (logarithmic)",
    "The same number of images, in other portions",
)
axis.minorticks_off()
_ = axis.set_xticks(sizes, sizes)

# %% [markdown]
# Layer normalisation does not know what a batch is, and its curve says so. Batch normalisation pays
# for small batches, nearly to the level of guessing, and is rewarded for large ones: with the largest
# of these batches it is the one that learns more of its training images.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_batch_size", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 4
#
# Look at the last figure. (a) With batches of two, the batch-normalised network does badly even on
# images that it was *trained* on. Give two reasons. (Which values can its layers see in training,
# and which in test mode?) (b) Detectors and generative models are trained on such large inputs that
# only one or two fit into memory at a time. What would you use there? (c) A colleague trains with
# batch normalisation on eight machines, with four images on each, and averages the gradients. Is
# that the same as one machine with 32 images?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_batch_size", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) In training every feature is $\pm 1$ before $\gamma$ and $\beta$, so the network hardly sees
# the images: only which of the two is larger. And in test mode the features are no longer $\pm 1$
# but normalised by averages over many batches, so the layers get inputs of a kind they have never
# been trained on. (The variance within pairs is also, on average, half of that of all images: with
# $N = 2$ the division by $N$ instead of $N - 1$ makes a factor of two.)
#
# (b) Something that does not look across the batch: layer normalisation, or group normalisation,
# which does the same over groups of channels. Frozen statistics of a pretrained network are another
# way.
#
# (c) No. Everything else in a network treats images separately, so averaged gradients are the same
# wherever the images are. Batch normalisation does not: each machine normalises with the statistics
# of its own four images. It behaves like a batch size of four, unless the machines also exchange
# their means and variances (*synchronised* batch normalisation).

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **What does batch normalisation compute, in training and in testing?** Per feature, over the batch
# (and, in a convolution, over all positions, one pair of statistics per channel): subtract the
# mean, divide by $\sqrt{v + \varepsilon}$, scale by $\gamma$, shift by $\beta$. In testing, mean and
# variance are running averages from training, so the layer is a fixed affine function and can be
# folded into the weights of the layer before it.
#
# **Derive its gradient.** Three paths lead from $x$ to the output: directly, through the mean,
# through the variance. Be ready to write (4) down and to explain its terms as projections.
#
# **Why does it help?** The original explanation was a more stable distribution of the inputs of
# each layer, *internal covariate shift*. Experiments contradict it (S. Santurkar and others, below):
# the loss becomes smoother, its gradient more predictable, so that longer steps are safe. And
# the scale invariance of question 2 adjusts the effective learning rate of each layer by itself.
#
# **Where does it go, before or after the ReLU?** The paper puts it before; both are in use. The
# bias of the affine layer before it is superfluous.
#
# **What goes wrong in practice?** Test mode forgotten, or training mode forgotten after an
# evaluation; batches too small; running averages not yet warmed up, or polluted by test data; batches
# that are not drawn at random (sorted by class, or real and generated images apart); statistics of
# one machine only. Its noise also makes it an awkward partner of dropout.
#
# **Does weight decay make sense on weights before a normalisation?** Their scale does not change
# the function, so decay cannot simplify the model there. It still acts, through the effective learning
# rate: smaller weights have larger gradients. Gamma and beta are usually left without decay.
#
# **Batch, layer, instance, group: what is the difference?** The axes over which mean and variance
# are taken. For $(N, C, H, W)$: batch norm over $N, H, W$; layer norm over $C, H, W$; instance norm
# over $H, W$; group norm over $H, W$ and a group of channels. Transformers use layer norm: sequences
# have varying lengths, batches are small, and generation proceeds one token at a time.
#
# ## Read more
#
# - S. Ioffe, C. Szegedy, [Batch normalization](https://arxiv.org/abs/1502.03167), 2015: the paper;
#   its section 3 has the gradient in one place.
# - J. L. Ba, J. R. Kiros, G. E. Hinton, [Layer normalization](https://arxiv.org/abs/1607.06450),
#   2016: with a table of what each method is invariant to.
# - S. Santurkar, D. Tsipras, A. Ilyas, A. Madry, [How does batch normalization help
#   optimization?](https://arxiv.org/abs/1805.11604), 2018: covariate shift tested, and found
#   wanting.
# - CS231n notes, [Neural networks, part 2](https://cs231n.github.io/neural-networks-2/): data
#   preprocessing, initialisation and batch normalisation in context.

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
# # Convolutional networks: look everywhere with the same eyes
#
# **Goal.** You build the layers of a convolutional network by hand, forward and backward:
# convolution, pooling, and the normalisations that belong to them. Then you put them on top of the
# layers you already own, train the network, and look at the filters that it has found.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 1–2 | `conv_output_size`, `conv_forward_naive` | a small filter, moved over the picture |
# | 3 | `conv_backward_naive` | its gradients with respect to picture, filters and biases |
# | 4 | `conv_forward_vectorized`, `conv_backward_vectorized` | the same as a matrix product |
# | 5 | `max_pool_*`, `avg_pool_*`, `global_avg_pool_*` | smaller maps |
# | 6 | `spatial_batchnorm_*`, `spatial_groupnorm_*` | normalisation where pixels are examples |
# | 7–8 | `ThreeLayerConvNet`, `train_convnet` | a network of layers that are all yours |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library; `cs231n_lib.fast_layers`, which has
# convolution ready-made, is refused there. You will be handed it for training when you have earned
# it.
#
# Affine layer, ReLU, softmax loss, batch normalisation and the update rule are taken from your own
# earlier notebooks, as they were last saved. About three hours.

# %%
import timeit
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
from cs231n_lib.notebooks import from_notebook
from cs231n_lib.plots import plot_times, plot_training, show_filters, show_images
from cs231n_lib.plots.style import COLORS
from cs231n_lib.solver import Solver

dense = from_notebook("two_layer_net")
norms = from_notebook("batch_norm")
rules = from_notebook("optimizers")

# %% [markdown]
# ## 1. Why not one more affine layer?
#
# An affine layer has a weight for every pixel. It does not know that two pixels are neighbours:
# shuffle the pixels of all pictures in the same way, and it learns exactly as well. And what it
# learns about a wheel on the left says nothing about a wheel on the right.
#
# A convolution layer makes two assumptions, and both are true of pictures. *What matters is local*:
# a unit looks at a small window. *What is worth looking for here is worth looking for there*: all
# windows share one set of weights, a **filter**. A filter of size $H_F \times W_F$ over $C$ channels
# has $C\,H_F W_F$ weights and a bias, however large the picture is.
#
# The filter moves in steps of `stride` pixels over the picture, around which a frame of `pad` zeros
# has been put. Along one axis with $n$ pixels:

# %% tags=["demo"]
fig, axes = plt.subplots(3, 1, figsize=(7.6, 3.6), layout="constrained")
for axis, (pad, stride) in zip(axes, ((0, 1), (1, 1), (1, 2)), strict=True):
    pixels, window = 7, 3
    for place in range(-pad, pixels + pad):
        color = "#D8D8D8" if 0 <= place < pixels else "white"
        axis.add_patch(plt.Rectangle((place, 0), 0.9, 0.9, facecolor=color, edgecolor="#909090"))
    starts = range(-pad, pixels + pad - window + 1, stride)
    for number, start in enumerate(starts):
        height = -0.35 - 0.3 * (number % 3)
        axis.plot(
            [start, start + window - 0.1], [height] * 2, color=COLORS[number % 3], linewidth=3
        )
    axis.set(xlim=(-1.2, 8.2), ylim=(-1.2, 1.1), xticks=[], yticks=[])
    axis.set_title(f"pad {pad}, stride {stride}: {len(starts)} windows", loc="left", fontsize=10)
    axis.spines[:].set_visible(False)

# %% [markdown]
# **Your step:** count the windows. The first begins at the edge of the frame; how far can the last
# one begin from it, and how many steps of length `stride` fit into that? A step that does not fit
# any more is not taken: pixels at the far edge may remain unseen.


# %% nbgrader={"grade": false, "grade_id": "conv_output_size", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_output_size(size, filter_size, stride, pad):
    """Count the windows along one axis.

    Parameters
    ----------
    size, filter_size : int
        Pixels of the picture and of the filter along the axis.
    stride, pad : int
        Distance of neighbouring windows; zeros added on *each* side.

    Returns
    -------
    int
        How many windows fit, partial steps not counted.
    """
    ### BEGIN SOLUTION
    return 1 + (size + 2 * pad - filter_size) // stride
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_conv_output_size", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
for arguments, expected in (((7, 3, 1, 0), 5), ((7, 3, 1, 1), 7), ((7, 3, 2, 1), 4)):
    found = conv_output_size(*arguments)
    assert found == expected, f"conv_output_size{arguments} is {found}, expected {expected}"
assert conv_output_size(8, 3, 2, 0) == 3, "a step that does not fit is not taken: round down"
assert isinstance(conv_output_size(8, 3, 2, 0), int), "a size is an int: divide with //"
print("✓ conv_output_size")

# %% [markdown]
# ## 2. Convolution, forward
#
# With $\tilde x$ for the padded pictures, $s$ for the stride and $F$ filters $w$:
#
# $$\text{out}_{n f i j} = b_f + \sum_{c=1}^{C} \sum_{k} \sum_{l}
#   w_{f c k l}\; \tilde x_{n,\, c,\, i s + k,\, j s + l} \tag{1}$$
#
# A window and a filter, multiplied entry by entry and summed up. (Mathematicians call it a
# cross-correlation, because the filter is not flipped. For learned filters it makes no difference.)
# Read it out aloud: every filter runs over *all* channels and gives *one* map.
#
# Write it with loops over $n$, $f$, $i$ and $j$, and take the window by slicing. Rows and columns
# have sizes of their own: do not take a picture or a filter for square. `np.pad` makes the frame;
# only the last two axes get one.


# %% nbgrader={"grade": false, "grade_id": "conv_forward_naive", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_forward_naive(x, w, b, conv_param):
    """Convolve pictures with filters.

    Parameters
    ----------
    x : (N, C, H, W) array of float
        Pictures; not modified.
    w : (F, C, HH, WW) array of float
        Filters.
    b : (F,) array of float
        Biases.
    conv_param : dict
        ``"stride"`` and ``"pad"``, the same for both axes.

    Returns
    -------
    out : (N, F, H', W') array of float
        Formula (1).
    cache : anything
        What `conv_backward_naive` needs.
    """
    ### BEGIN SOLUTION
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = conv_output_size(H, HH, stride, pad), conv_output_size(W, WW, stride, pad)
    out = np.zeros((N, F, rows, columns), dtype=x.dtype)
    for n in range(N):
        for f in range(F):
            for i in range(rows):
                for j in range(columns):
                    top, left = i * stride, j * stride
                    window = padded[n, :, top : top + HH, left : left + WW]
                    out[n, f, i, j] = np.sum(window * w[f]) + b[f]
    cache = (x, w, b, conv_param)
    ### END SOLUTION
    return out, cache


# %% nbgrader={"grade": true, "grade_id": "check_conv_forward_naive", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
# One channel, 2×3 pixels; a filter that looks at a pixel and at its right neighbour.
x = np.array([[[[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]]]])
before = x.copy()
right = np.array([[[[1.0, 10.0]]]])
out, _ = conv_forward_naive(x, right, np.array([0.5]), {"stride": 1, "pad": 0})
assert_close(out, [[[[21.5, 42.5], [168.5, 336.5]]]], name="out")
assert np.array_equal(x, before), "x changed: work on a new array, not on the caller's"
out, _ = conv_forward_naive(x, right, np.array([0.0]), {"stride": 2, "pad": 1})
assert_close(out, [[[[0.0, 0.0], [80.0, 336.0]]]], name="out with stride 2 and pad 1")

rng = np.random.default_rng(0)
x, w, b = rng.normal(size=(2, 3, 5, 7)), rng.normal(size=(4, 3, 3, 2)), rng.normal(size=4)
out, _ = conv_forward_naive(x, w, b, {"stride": 2, "pad": 1})
assert_shape(out, (2, 4, 3, 4), name="out")
padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
assert_close(out[1, 2, 2, 1], (padded[1, :, 4:7, 2:4] * w[2]).sum() + b[2], name="out[1, 2, 2, 1]")
print("✓ conv_forward_naive")

# %% [markdown]
# What can a filter see? Three filters drawn by hand go over some pictures below: the mean of a
# window, the difference of right and left, the difference of below and above.
#
# **Predict before you run.** Which parts of the pictures will be bright in which map? What will be
# left of a large area of one colour?


# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
data = load_dataset(num_training=4_000, num_validation=1_000, num_test=1_000)


def to_maps(images):
    """Average blocks of 2×2 pixels, centre and scale: (N, 32, 32, 3) -> (N, 3, 16, 16) float32."""
    halved = images.reshape(len(images), 16, 2, 16, 2, 3).mean(axis=(2, 4))
    return np.ascontiguousarray((halved.transpose(0, 3, 1, 2) - mean_colour) / 64, np.float32)


mean_colour = data.X_train.mean(axis=(0, 1, 2)).reshape(3, 1, 1)
X_train, X_val, X_test = map(to_maps, (data.X_train, data.X_val, data.X_test))
y_train, y_val, y_test = data.y_train, data.y_val, data.y_test
num_classes = len(data.class_names)
print("X_train", X_train.shape, X_train.dtype, " X_val", X_val.shape)

# %% tags=["demo"]
mean = np.full((3, 3), 1 / 9)
right = np.array([[-1.0, 0.0, 1.0]] * 3) / 3
hand_made = np.stack([np.stack([f] * 3) for f in (mean, right, right.T)]) / 3
shown = data.X_train[[np.flatnonzero(y_train == k)[1] for k in (1, 3, 5)]]
maps, _ = conv_forward_naive(
    shown.transpose(0, 3, 1, 2).astype(np.float64), hand_made, np.zeros(3), {"stride": 1, "pad": 0}
)
titles = "picture", "mean", "right − left", "below − above"
fig, axes = plt.subplots(3, 4, figsize=(7.2, 5.6), layout="constrained")
for row, (image, channels) in enumerate(zip(shown, maps, strict=True)):
    axes[row, 0].imshow(np.clip(image / 255, 0, 1))
    for column, channel in enumerate(channels, 1):
        span = {} if column == 1 else {"vmin": -60, "vmax": 60}
        axes[row, column].imshow(channel, cmap="gray", **span)
for axis, title in zip(axes[0], titles, strict=True):
    axis.set_title(title, fontsize=10)
for axis in axes.flat:
    axis.set_axis_off()

# %% [markdown]
# An edge is a place where neighbours differ; a surface of one colour leaves nothing (grey is 0 in
# the two columns on the right). Nobody will draw filters from here on: gradients find them.
#
# ## 3. Convolution, backward
#
# The gradient `dout` has the shape of `out`. Look at (1) as a list of products: each
# `out[n, f, i, j]` is a sum of products of a weight and a pixel. A product passes the gradient on to
# either factor, multiplied by the other one. So, for every window, with $g = \text{dout}_{nfij}$:
#
# - the bias $b_f$ gets $g$;
# - the filter $w_f$ gets $g$ times **?**
# - the window of $\tilde x$ gets $g$ times **?**
#
# **Your step:** fill in the two question marks. Every weight is used by many windows, and a pixel
# lies under several of them: contributions are *added up*, never overwritten. What arrives at
# $\tilde x$ includes the frame; the caller wants the gradient of $x$, so cut the frame off. (Beware
# of `[pad:-pad]` with `pad = 0`: what is `[0:-0]`?)


# %% nbgrader={"grade": false, "grade_id": "conv_backward_naive", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_backward_naive(dout, cache):
    """Compute the gradients of a convolution.

    Parameters
    ----------
    dout : (N, F, H', W') array of float
        Upstream gradient; not modified.
    cache : anything
        From `conv_forward_naive`.

    Returns
    -------
    dx : (N, C, H, W) array of float
    dw : (F, C, HH, WW) array of float
    db : (F,) array of float
    """
    ### BEGIN SOLUTION
    x, w, _, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    H, W = x.shape[2:]
    HH, WW = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    db = dout.sum(axis=(0, 2, 3))
    for n, f, i, j in np.ndindex(*dout.shape):
        place = np.s_[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
        dw[f] += dout[n, f, i, j] * padded[place]
        dpadded[place] += dout[n, f, i, j] * w[f]
    dx = dpadded[:, :, pad : pad + H, pad : pad + W]
    ### END SOLUTION
    return dx, dw, db


# %% nbgrader={"grade": true, "grade_id": "check_conv_backward_naive", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(1)
x, w, b = rng.normal(size=(2, 3, 5, 7)), rng.normal(size=(4, 3, 3, 2)), rng.normal(size=4)
for stride, pad in ((1, 0), (1, 1), (2, 1), (3, 2)):
    param = {"stride": stride, "pad": pad}
    out, cache_ = conv_forward_naive(x, w, b, param)
    dout = rng.normal(size=out.shape)
    dx, dw, db = conv_backward_naive(dout, cache_)
    when = f" with stride {stride} and pad {pad}"
    assert_layer_gradient(
        lambda b, param=param: conv_forward_naive(x, w, b, param)[0], b, dout, db, name="db" + when
    )
    assert_layer_gradient(
        lambda w, param=param: conv_forward_naive(x, w, b, param)[0], w, dout, dw, name="dw" + when
    )
    assert_layer_gradient(
        lambda x, param=param: conv_forward_naive(x, w, b, param)[0], x, dout, dx, name="dx" + when
    )
print("✓ conv_backward_naive")

# %% [markdown]
# A look at what "added up" means. If `dout` and all weights are 1, then `dx` counts how many windows
# a pixel lies under.
#
# **Predict before you run.** A picture of 7×9 pixels and a filter of 3×3: where is the count highest
# with stride 1, and what is it there? What pattern does stride 2 give? With stride 3 and no frame, how
# many pixels are seen more than once, and which are never seen?

# %% tags=["demo"]
fig, axes = plt.subplots(1, 4, figsize=(9, 2.3), layout="constrained")
for axis, (stride, pad) in zip(axes, ((1, 0), (1, 1), (2, 1), (3, 0)), strict=True):
    x, w = np.zeros((1, 1, 7, 9)), np.ones((1, 1, 3, 3))
    out, kept = conv_forward_naive(x, w, np.zeros(1), {"stride": stride, "pad": pad})
    counts = conv_backward_naive(np.ones_like(out), kept)[0][0, 0]
    axis.imshow(counts, cmap="Blues", vmin=0, vmax=12)
    for (row, column), count in np.ndenumerate(counts):
        axis.text(column, row, f"{count:g}", ha="center", va="center", fontsize=8)
    axis.set_title(f"stride {stride}, pad {pad}", fontsize=10)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_parameters", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# A picture of 32×32 pixels and three channels goes through 32 filters of 5×5, with stride 1 and a
# frame that keeps its size. (a) Which `pad` is that? (b) How many parameters has the layer, and how
# many would an affine layer have with as many outputs? (c) Why does that not make convolution cheap
# in multiplications?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_parameters", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) $\text{pad} = (5 - 1) / 2 = 2$.
#
# (b) $32 \cdot (3 \cdot 5 \cdot 5 + 1) = 2432$. An affine layer from 3072 inputs to
# $32 \cdot 32 \cdot 32 = 32{,}768$ outputs has $3072 \cdot 32{,}768 + 32{,}768$, about a hundred
# million.
#
# (c) Each weight is used at all $32 \cdot 32$ places: $32{,}768 \cdot 75$, about 2.5 million
# multiplications for a picture. Sharing saves parameters, and with them examples; what saves
# multiplications is that windows are small.

# %% [markdown]
# ## 4. Convolution as a matrix product
#
# Four loops in Python are slow. But (1) is a dot product of a filter with a window, for all filters
# and all windows: a matrix product. Lay every window out as a row of $C\,H_F W_F$ numbers
# (*im2col*), every filter as a column, and multiply.
#
# $$\underbrace{\text{rows}}_{(N H' W') \times (C H_F W_F)}\;
#   \underbrace{w^{T}}_{(C H_F W_F) \times F} $$
#
# `np.lib.stride_tricks.sliding_window_view(padded, (HH, WW), axis=(2, 3))` shows all windows with
# stride 1 without copying anything: an array `(N, C, rows, columns, HH, WW)`. Every `stride`-th of
# the rows and columns are the ones you want; `transpose` and `reshape` make the matrix.
#
# On the way back, the gradient of the filters is again a matrix product. For the picture, each tap
# $(k, l)$ of the filter is one step: the pixels under this tap, over all windows at once, form a
# slice `dpadded[:, :, k : … : stride, l : … : stride]`. Two loops over the taps are left, a few
# dozen turns instead of millions.


# %% nbgrader={"grade": false, "grade_id": "conv_forward_vectorized", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_forward_vectorized(x, w, b, conv_param):
    """Convolve pictures with filters, without a loop over pictures, filters or windows.

    Parameters
    ----------
    x, w, b, conv_param
        As for `conv_forward_naive`.

    Returns
    -------
    out : (N, F, H', W') array of float
    cache : anything
        What `conv_backward_vectorized` needs.
    """
    ### BEGIN SOLUTION
    stride, pad = conv_param["stride"], conv_param["pad"]
    F, C, HH, WW = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (HH, WW), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    N, _, rows, columns = windows.shape[:4]
    matrix = windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * rows * columns, C * HH * WW)
    out = (matrix @ w.reshape(F, -1).T + b).reshape(N, rows, columns, F).transpose(0, 3, 1, 2)
    cache = (x.shape, w, conv_param, matrix)
    ### END SOLUTION
    return out, cache


# %% nbgrader={"grade": true, "grade_id": "check_conv_forward_vectorized", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(2)
x, w, b = rng.normal(size=(2, 3, 6, 8)), rng.normal(size=(4, 3, 3, 2)), rng.normal(size=4)
for stride, pad in ((1, 0), (1, 1), (2, 1), (3, 2)):
    param = {"stride": stride, "pad": pad}
    expected, _ = conv_forward_naive(x, w, b, param)
    out, _ = conv_forward_vectorized(x, w, b, param)
    assert_close(out, expected, name=f"out with stride {stride} and pad {pad}, compared to naive,")
print("✓ conv_forward_vectorized")


# %% nbgrader={"grade": false, "grade_id": "conv_backward_vectorized", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_backward_vectorized(dout, cache):
    """Compute the gradients of a convolution with loops over the taps of the filter at most.

    Parameters
    ----------
    dout : (N, F, H', W') array of float
        Upstream gradient.
    cache : anything
        From `conv_forward_vectorized`.

    Returns
    -------
    dx, dw, db
        As from `conv_backward_naive`.
    """
    ### BEGIN SOLUTION
    (N, C, H, W), w, conv_param, matrix = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    F, _, HH, WW = w.shape
    rows, columns = dout.shape[2:]
    flat = dout.transpose(0, 2, 3, 1).reshape(-1, F)
    db = flat.sum(axis=0)
    dw = (flat.T @ matrix).reshape(w.shape)
    dwindows = (flat @ w.reshape(F, -1)).reshape(N, rows, columns, C, HH, WW)
    dwindows = dwindows.transpose(0, 3, 1, 2, 4, 5)
    dpadded = np.zeros((N, C, H + 2 * pad, W + 2 * pad), dtype=dwindows.dtype)
    height, width = stride * (rows - 1) + 1, stride * (columns - 1) + 1
    for k in range(HH):
        for m in range(WW):
            dpadded[:, :, k : k + height : stride, m : m + width : stride] += dwindows[..., k, m]
    dx = dpadded[:, :, pad : pad + H, pad : pad + W]
    ### END SOLUTION
    return dx, dw, db


# %% nbgrader={"grade": true, "grade_id": "check_conv_backward_vectorized", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
for stride, pad in ((1, 0), (1, 1), (2, 1), (3, 2)):
    param = {"stride": stride, "pad": pad}
    out, slow_cache = conv_forward_naive(x, w, b, param)
    _, fast_cache = conv_forward_vectorized(x, w, b, param)
    dout = rng.normal(size=out.shape)
    pairs = zip(
        ("dx", "dw", "db"),
        conv_backward_vectorized(dout, fast_cache),
        conv_backward_naive(dout, slow_cache),
        strict=True,
    )
    for name, yours, expected in pairs:
        assert_close(yours, expected, name=f"{name} with stride {stride} and pad {pad}")
print("✓ conv_backward_vectorized")

# %% [markdown]
# And here is what the course's library makes of the same formula: `cs231n_lib.fast_layers`. It
# splits the work into pieces that fit into the processor's cache and spreads them over its cores.
#
# **Predict before you run.** 32 filters of 5×5 on pictures of 32×32 pixels. How many times faster than
# your loops is the matrix product? How much is left for the library to gain?

# %% tags=["demo"]
from cs231n_lib import fast_layers


def forward_and_backward(forward, backward, x, w, b, param):
    """Go through a convolution and back."""
    out, kept = forward(x, w, b, param)
    return backward(out, kept)


rng = np.random.default_rng(3)
w, b = rng.normal(size=(32, 3, 5, 5)).astype(np.float32), np.zeros(32, np.float32)
many = np.ascontiguousarray(data.X_train[:100].transpose(0, 3, 1, 2), np.float32)
ways = {
    "naive": (conv_forward_naive, conv_backward_naive, 1),
    "vectorised": (conv_forward_vectorized, conv_backward_vectorized, 100),
    "cs231n_lib.fast_layers": (fast_layers.conv_forward_fast, fast_layers.conv_backward_fast, 100),
}
times = {}
for name, (forward, backward, pictures) in ways.items():
    arguments = forward, backward, many[:pictures], w, b, {"stride": 1, "pad": 2}
    runs = 1 if pictures == 1 else 3
    if runs > 1:
        forward_and_backward(*arguments)  # warm up
    seconds = timeit.timeit(lambda args=arguments: forward_and_backward(*args), number=runs)
    times[name] = seconds / (runs * pictures)
_ = plot_times(times, xlabel="time per picture", title="A convolution, there and back")

# %% [markdown]
# ## 5. Pooling
#
# The maps of a convolution are as large as the picture. *Pooling* makes them smaller: it takes the
# **maximum** of each window (is there an edge anywhere here?) or the **average**. It works on every
# channel by itself and has nothing to learn. Without a frame, with window $H_P \times W_P$ and stride
# $s$,
#
# $$\text{out}_{n c i j} = \max_{k, l}\; x_{n,\, c,\, i s + k,\, j s + l} . \tag{2}$$
#
# Loop over $i$ and $j$ and take all pictures and channels at once; that is fast enough to train
# with. Windows need not be square, and where the stride is smaller than the window, they *overlap*.


# %% nbgrader={"grade": false, "grade_id": "max_pool_forward_naive", "locked": false, "schema_version": 3, "solution": true, "task": false}
def max_pool_forward_naive(x, pool_param):
    """Take the maximum of each window.

    Parameters
    ----------
    x : (N, C, H, W) array of float
        Maps; not modified.
    pool_param : dict
        ``"pool_height"``, ``"pool_width"``, ``"stride"``.

    Returns
    -------
    out : (N, C, H', W') array of float
    cache : anything
        What `max_pool_backward_naive` needs.
    """
    ### BEGIN SOLUTION
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    stride = pool_param["stride"]
    N, C, H, W = x.shape
    rows, columns = conv_output_size(H, height, stride, 0), conv_output_size(W, width, stride, 0)
    out = np.zeros((N, C, rows, columns), dtype=x.dtype)
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            out[:, :, i, j] = x[:, :, top : top + height, left : left + width].max(axis=(2, 3))
    cache = (x, pool_param)
    ### END SOLUTION
    return out, cache


# %% nbgrader={"grade": true, "grade_id": "check_max_pool_forward_naive", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
x = -np.arange(1.0, 25.0).reshape(1, 2, 3, 4)
out, _ = max_pool_forward_naive(x, {"pool_height": 2, "pool_width": 3, "stride": 1})
assert_close(out, [[[[-1, -2], [-5, -6]], [[-13, -14], [-17, -18]]]], name="out")
out, _ = max_pool_forward_naive(-x, {"pool_height": 1, "pool_width": 2, "stride": 2})
assert_close(out, [[[[2, 4], [10, 12]], [[14, 16], [22, 24]]]], name="out with stride 2")
print("✓ max_pool_forward_naive")

# %% [markdown]
# On the way back only the winner of a window gets its gradient: to move any other entry a little
# does not move the maximum. Where windows overlap, one entry can win several of them. (Among equal
# winners you may choose.)


# %% nbgrader={"grade": false, "grade_id": "max_pool_backward_naive", "locked": false, "schema_version": 3, "solution": true, "task": false}
def max_pool_backward_naive(dout, cache):
    """Pass the gradient to the maximum of each window.

    Parameters
    ----------
    dout : (N, C, H', W') array of float
        Upstream gradient.
    cache : anything
        From `max_pool_forward_naive`.

    Returns
    -------
    (N, C, H, W) array of float
        Gradient with respect to x.
    """
    ### BEGIN SOLUTION
    x, pool_param = cache
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    stride = pool_param["stride"]
    dx = np.zeros(x.shape, dtype=dout.dtype)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            top, left = i * stride, j * stride
            window = x[:, :, top : top + height, left : left + width]
            winners = window == window.max(axis=(2, 3), keepdims=True)
            share = winners / winners.sum(axis=(2, 3), keepdims=True)
            share = share.astype(dout.dtype)
            place = np.s_[:, :, top : top + height, left : left + width]
            dx[place] += share * dout[:, :, i, j, None, None]
    ### END SOLUTION
    return dx


# %% nbgrader={"grade": true, "grade_id": "check_max_pool_backward_naive", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(4)
x = rng.permutation(2 * 3 * 6 * 5).reshape(2, 3, 6, 5) / 10.0
for height, width, stride in ((2, 2, 2), (3, 2, 1), (2, 3, 2)):
    param = {"pool_height": height, "pool_width": width, "stride": stride}
    out, kept = max_pool_forward_naive(x, param)
    dout = rng.normal(size=out.shape)
    dx = max_pool_backward_naive(dout, kept)
    name = f"dx with windows of {height}×{width} and stride {stride}"
    assert_layer_gradient(
        lambda x, param=param: max_pool_forward_naive(x, param)[0], x, dout, dx, name=name
    )
print("✓ max_pool_backward_naive")

# %% [markdown]
# Average pooling is the same with a mean. **Your step:** which share of its gradient does a window
# pass on to each entry?


# %% nbgrader={"grade": false, "grade_id": "avg_pool_forward_naive", "locked": false, "schema_version": 3, "solution": true, "task": false}
def avg_pool_forward_naive(x, pool_param):
    """Take the mean of each window; arguments and results as in `max_pool_forward_naive`.

    Parameters
    ----------
    x : (N, C, H, W) array of float
    pool_param : dict

    Returns
    -------
    out : (N, C, H', W') array of float
    cache : anything
    """
    ### BEGIN SOLUTION
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    stride = pool_param["stride"]
    N, C, H, W = x.shape
    rows, columns = conv_output_size(H, height, stride, 0), conv_output_size(W, width, stride, 0)
    out = np.zeros((N, C, rows, columns), dtype=x.dtype)
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            out[:, :, i, j] = x[:, :, top : top + height, left : left + width].mean(axis=(2, 3))
    cache = (x, pool_param)
    ### END SOLUTION
    return out, cache


# %% nbgrader={"grade": true, "grade_id": "check_avg_pool_forward_naive", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
x = np.arange(12.0).reshape(1, 1, 3, 4)
out, _ = avg_pool_forward_naive(x, {"pool_height": 3, "pool_width": 2, "stride": 2})
assert_close(out, [[[[4.5, 6.5]]]], name="out")
print("✓ avg_pool_forward_naive")


# %% nbgrader={"grade": false, "grade_id": "avg_pool_backward_naive", "locked": false, "schema_version": 3, "solution": true, "task": false}
def avg_pool_backward_naive(dout, cache):
    """Spread the gradient of each window over its entries.

    Parameters
    ----------
    dout : (N, C, H', W') array of float
    cache : anything
        From `avg_pool_forward_naive`.

    Returns
    -------
    (N, C, H, W) array of float
        Gradient with respect to x.
    """
    ### BEGIN SOLUTION
    x, pool_param = cache
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    stride = pool_param["stride"]
    dx = np.zeros(x.shape, dtype=dout.dtype)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            place = np.s_[:, :, i * stride : i * stride + height, j * stride : j * stride + width]
            dx[place] += dout[:, :, i, j, None, None] / (height * width)
    ### END SOLUTION
    return dx


# %% nbgrader={"grade": true, "grade_id": "check_avg_pool_backward_naive", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(5)
x = rng.normal(size=(2, 3, 6, 5))
for height, width, stride in ((2, 2, 2), (3, 2, 1)):
    param = {"pool_height": height, "pool_width": width, "stride": stride}
    out, kept = avg_pool_forward_naive(x, param)
    dout = rng.normal(size=out.shape)
    dx = avg_pool_backward_naive(dout, kept)
    name = f"dx with windows of {height}×{width} and stride {stride}"
    assert_layer_gradient(
        lambda x, param=param: avg_pool_forward_naive(x, param)[0], x, dout, dx, name=name
    )
print("✓ avg_pool_backward_naive")

# %% [markdown]
# The largest possible window is the whole map. *Global average pooling* leaves one number per
# channel, whatever the size of the picture; modern networks end with it.


# %% nbgrader={"grade": false, "grade_id": "global_avg_pool_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def global_avg_pool_forward(x):
    """Take the mean of each map.

    Parameters
    ----------
    x : (N, C, H, W) array of float

    Returns
    -------
    out : (N, C) array of float
    cache : anything
    """
    ### BEGIN SOLUTION
    out, cache = x.mean(axis=(2, 3)), x.shape
    ### END SOLUTION
    return out, cache


# %% nbgrader={"grade": true, "grade_id": "check_global_avg_pool_forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
out, _ = global_avg_pool_forward(np.arange(24.0).reshape(2, 2, 2, 3))
assert_close(out, [[2.5, 8.5], [14.5, 20.5]], name="out")
print("✓ global_avg_pool_forward")


# %% nbgrader={"grade": false, "grade_id": "global_avg_pool_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def global_avg_pool_backward(dout, cache):
    """Spread the gradient of each mean over its map.

    Parameters
    ----------
    dout : (N, C) array of float
    cache : anything
        From `global_avg_pool_forward`.

    Returns
    -------
    (N, C, H, W) array of float
        Gradient with respect to x.
    """
    ### BEGIN SOLUTION
    H, W = cache[2:]
    dx = np.ones(cache, dtype=dout.dtype) * dout[:, :, None, None] / (H * W)
    ### END SOLUTION
    return dx


# %% nbgrader={"grade": true, "grade_id": "check_global_avg_pool_backward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
x, dout = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3))
_, kept = global_avg_pool_forward(x)
dx = global_avg_pool_backward(dout, kept)
assert_layer_gradient(lambda x: global_avg_pool_forward(x)[0], x, dout, dx)
print("✓ global_avg_pool_backward")

# %% [markdown]
# ## 6. Normalisation of maps
#
# What is a feature here? A filter: one map. Its values at all places come from the same weights, so
# *spatial batch normalisation* takes one mean and one variance per **channel**, over $N$, $H$ and $W$
# together. Every pixel counts as an example: lay the maps out as a matrix with $N H W$ rows and $C$
# columns, and your `norms.batchnorm_forward(x, gamma, beta, bn_param)` does the rest, running
# averages and test mode included. (`reshape` alone does not do it: it keeps the order of the
# numbers. First bring the channels to the last place with `transpose`.) The way back goes through
# `norms.batchnorm_backward` or `norms.batchnorm_backward_alt`, whichever you like better.


# %% nbgrader={"grade": false, "grade_id": "spatial_batchnorm_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    """Normalise every channel over pictures and places.

    Parameters
    ----------
    x : (N, C, H, W) array of float
        Maps; not modified.
    gamma, beta : (C,) arrays of float
        Scale and shift of each channel.
    bn_param : dict
        As for `batchnorm_forward`: ``"mode"``, ``"eps"``, ``"momentum"``, and the running averages,
        (C,) arrays that training mode keeps up to date.

    Returns
    -------
    out : (N, C, H, W) array of float
    cache : anything
    """
    ### BEGIN SOLUTION
    N, C, H, W = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(-1, C)
    out, cache = norms.batchnorm_forward(rows, gamma, beta, bn_param)
    out = out.reshape(N, H, W, C).transpose(0, 3, 1, 2)
    ### END SOLUTION
    return out, cache


# %% nbgrader={"grade": true, "grade_id": "check_spatial_batchnorm_forward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(6)
x = rng.normal([[[[3.0]], [[-20.0]], [[100.0]]]], 2.0, size=(4, 3, 5, 6))
bn_param = {"mode": "train", "momentum": 0.75}
out, _ = spatial_batchnorm_forward(x, np.ones(3), np.zeros(3), bn_param)
assert_shape(out, x.shape, name="out")
assert_close(out.mean(axis=(0, 2, 3)), np.zeros(3), name="the mean of each channel", atol=1e-7)
assert_close(out.std(axis=(0, 2, 3)), np.ones(3), name="the spread of each channel", rtol=1e-4)
assert_shape(bn_param["running_mean"], (3,), name="running_mean")
assert_close(bn_param["running_mean"], 0.25 * x.mean(axis=(0, 2, 3)), name="running_mean")
averages = {"running_mean": np.array([1.0, 2.0, 3.0]), "running_var": np.array([3.0, 8.0, 15.0])}
bn_param = {"mode": "test", "eps": 1.0, **averages}
out, _ = spatial_batchnorm_forward(x[:1], np.ones(3), np.zeros(3), bn_param)
assert_close(out[0, 1], (x[0, 1] - 2) / 3, name="channel 1 of out in test mode")
print("✓ spatial_batchnorm_forward")


# %% nbgrader={"grade": false, "grade_id": "spatial_batchnorm_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def spatial_batchnorm_backward(dout, cache):
    """Compute the gradients of spatial batch normalisation.

    Parameters
    ----------
    dout : (N, C, H, W) array of float
    cache : anything
        From `spatial_batchnorm_forward`.

    Returns
    -------
    dx : (N, C, H, W) array of float
    dgamma, dbeta : (C,) arrays of float
    """
    ### BEGIN SOLUTION
    N, C, H, W = dout.shape
    rows = dout.transpose(0, 2, 3, 1).reshape(-1, C)
    dx, dgamma, dbeta = norms.batchnorm_backward_alt(rows, cache)
    dx = dx.reshape(N, H, W, C).transpose(0, 3, 1, 2)
    ### END SOLUTION
    return dx, dgamma, dbeta


# %% nbgrader={"grade": true, "grade_id": "check_spatial_batchnorm_backward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
x, dout = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 4, 5))
gamma, beta = rng.normal(size=3), rng.normal(size=3)


def normalised(x, gamma, beta):
    return spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"})


dx, dgamma, dbeta = spatial_batchnorm_backward(dout, normalised(x, gamma, beta)[1])
assert_layer_gradient(lambda b: normalised(x, gamma, b)[0], beta, dout, dbeta, name="dbeta")
assert_layer_gradient(lambda g: normalised(x, g, beta)[0], gamma, dout, dgamma, name="dgamma")
assert_layer_gradient(lambda x: normalised(x, gamma, beta)[0], x, dout, dx, name="dx")
print("✓ spatial_batchnorm_backward")

# %% [markdown]
# With small batches, batch statistics are noise, as you saw. *Group normalisation* (Y. Wu and K. He,
# 2018) asks nothing of the batch: it takes the $C$ channels of **one** picture in $G$ groups of
# $C/G$ neighbours, and normalises every group over its channels and places. With $G = 1$ it is layer
# normalisation. Scale and shift remain one number per channel.
#
# In the picture, a row is a picture of the batch and a column a channel; every cell stands for all
# places of a map. Cells of one colour share a mean and a variance.

# %% tags=["demo"]
fig, axes = plt.subplots(1, 3, figsize=(8.4, 2.4), layout="constrained")
titles = "batch: N, H, W", "layer (G = 1): C, H, W", "group (G = 3): C/3, H, W"
for kind, (axis, title) in enumerate(zip(axes, titles, strict=True)):
    for row in range(3):
        for column in range(6):
            label = (column, row, 3 * row + column // 2)[kind]
            color = plt.cm.tab20(2 * label % 20 + (2 * label >= 20))
            axis.add_patch(plt.Rectangle((column, row), 0.92, 0.92, facecolor=color))
    axis.set(xlim=(-0.1, 6.1), ylim=(3.1, -0.1), aspect="equal", xticks=[], yticks=[])
    axis.set(xlabel="C channels", ylabel="N pictures")
    axis.set_title(title, loc="left", fontsize=10)
    axis.spines[:].set_visible(False)

# %% [markdown]
# **Your step:** which `reshape` makes the groups an axis of their own, and over which axes are mean
# and variance? The gradient is that of any normalisation over $m$ values; for one group, with
# $g = \gamma \cdot \text{dout}$ and bars for means over the group,
#
# $$dx = \frac{1}{\sqrt{v + \varepsilon}}\big(g - \overline{g} - \hat x\,
#   \overline{g \hat x}\big). \tag{3}$$


# %% nbgrader={"grade": false, "grade_id": "spatial_groupnorm_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    """Normalise groups of channels of every picture.

    Parameters
    ----------
    x : (N, C, H, W) array of float
        Maps; not modified.
    gamma, beta : (1, C, 1, 1) arrays of float
        Scale and shift of each channel.
    G : int
        Number of groups, a divisor of C.
    gn_param : dict
        ``"eps"``: added to the variance, 1e-5 by default.

    Returns
    -------
    out : (N, C, H, W) array of float
    cache : anything
    """
    eps = gn_param.get("eps", 1e-5)
    ### BEGIN SOLUTION
    grouped = x.reshape(len(x), G, -1)
    centred = grouped - grouped.mean(axis=2, keepdims=True)
    std = np.sqrt((centred**2).mean(axis=2, keepdims=True) + eps)
    x_hat = (centred / std).reshape(x.shape)
    out = gamma * x_hat + beta
    cache = (x_hat, std, gamma, G)
    ### END SOLUTION
    return out, cache


# %% nbgrader={"grade": true, "grade_id": "check_spatial_groupnorm_forward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(7)
x = rng.normal(4.0, 3.0, size=(2, 6, 4, 5))
ones, zeros = np.ones((1, 6, 1, 1)), np.zeros((1, 6, 1, 1))
out, _ = spatial_groupnorm_forward(x, ones, zeros, 2, {})
assert_shape(out, x.shape, name="out")
groups = out.reshape(4, 3 * 4 * 5)
assert_close(groups.mean(axis=1), np.zeros(4), name="the mean of each group", atol=1e-7)
assert_close(groups.std(axis=1), np.ones(4), name="the spread of each group", rtol=1e-4)
print("✓ spatial_groupnorm_forward")


# %% nbgrader={"grade": false, "grade_id": "spatial_groupnorm_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def spatial_groupnorm_backward(dout, cache):
    """Compute the gradients of group normalisation.

    Parameters
    ----------
    dout : (N, C, H, W) array of float
    cache : anything
        From `spatial_groupnorm_forward`.

    Returns
    -------
    dx : (N, C, H, W) array of float
    dgamma, dbeta : (1, C, 1, 1) arrays of float
    """
    ### BEGIN SOLUTION
    x_hat, std, gamma, G = cache
    dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3), keepdims=True)
    g = (gamma * dout).reshape(len(dout), G, -1)
    x_hat = x_hat.reshape(g.shape)
    mean = g.mean(axis=2, keepdims=True)
    dx = (g - mean - x_hat * (g * x_hat).mean(axis=2, keepdims=True)) / std
    dx = dx.reshape(dout.shape)
    ### END SOLUTION
    return dx, dgamma, dbeta


# %% nbgrader={"grade": true, "grade_id": "check_spatial_groupnorm_backward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
dout, gamma, beta = rng.normal(size=x.shape), ones + rng.random(ones.shape), zeros + 0.3
for G in (1, 2, 3):
    _, kept = spatial_groupnorm_forward(x, gamma, beta, G, {})
    dx, dgamma, dbeta = spatial_groupnorm_backward(dout, kept)
    for place, (name, gradient) in enumerate((("dx", dx), ("dgamma", dgamma), ("dbeta", dbeta))):

        def out_of(array, place=place, G=G):
            arguments = [x, gamma, beta]
            arguments[place] = array
            return spatial_groupnorm_forward(*arguments, G, {})[0]

        start = (x, gamma, beta)[place]
        assert_layer_gradient(out_of, start, dout, gradient, name=f"{name} with {G} groups")
print("✓ spatial_groupnorm_backward")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_normalisation", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# Maps of shape $(N, C, H, W)$. (a) Over how many numbers is each mean taken, and how many means are
# there, in spatial batch, layer and group normalisation? (b) Why does spatial batch normalisation
# not keep statistics per pixel, as an ordinary one on the flattened maps would?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_normalisation", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) Batch: $C$ means over $N H W$ numbers each. Layer: $N$ means over $C H W$. Group: $N G$ means
# over $C H W / G$.
#
# (b) A filter is the same everywhere, and what it finds may be anywhere. Were every pixel normalised
# by itself, the same pattern would give other values in other places, and the layer would no longer
# be indifferent to where things are. Besides, there would be $H W$ times as many parameters, each
# estimated from $H W$ times fewer numbers.

# %% [markdown]
# ## 7. The network
#
# conv – ReLU – 2×2 max pooling – affine – ReLU – affine – softmax: three layers with weights. The
# convolution has stride 1 and `pad = (filter_size - 1) // 2`, which keeps the size. Everything is
# yours. The network takes its convolution and its pooling from a dictionary `layers`, so that others
# can be put in their place; without one it uses your own.


# %%
def own_layers():
    """Return the functions of this notebook that a network is to use unless it is given others."""
    return {
        "conv_forward": conv_forward_vectorized,
        "conv_backward": conv_backward_vectorized,
        "max_pool_forward": max_pool_forward_naive,
        "max_pool_backward": max_pool_backward_naive,
    }


# %% [markdown]
# As in the two-layer net: weights are normal with standard deviation `weight_scale`, biases zero, and
# the penalty is $\frac12 \lambda$ times the sum of squares of all three weight arrays.
# **Your step:** what is the shape of $W_2$, behind a pooling that halves both sides?


# %% nbgrader={"grade": false, "grade_id": "ThreeLayerConvNet", "locked": false, "schema_version": 3, "solution": true, "task": false}
class ThreeLayerConvNet:
    """A network conv - ReLU - 2×2 max pool - affine - ReLU - affine - softmax.

    Parameters
    ----------
    input_dim : tuple of int
        Channels, height and width (C, H, W) of the pictures; H and W are even.
    num_filters, filter_size : int
        Number F of filters and their height and width, which is odd.
    hidden_dim, num_classes : int
        Units of the hidden affine layer, and classes.
    weight_scale : float
        Standard deviation of the initial weights.
    reg : float
        Strength of the L2 regularisation.
    rng : numpy.random.Generator
        Draws the initial weights.
    layers : dict, optional
        ``conv_forward``, ``conv_backward``, ``max_pool_forward`` and ``max_pool_backward``; by
        default, `own_layers`.

    Attributes
    ----------
    params : dict
        ``W1`` (F, C, filter_size, filter_size), ``b1``, ``W2`` (F·H/2·W/2, hidden), ``b2``, ``W3``
        (hidden, classes), ``b3``.
    """

    def __init__(
        self,
        input_dim,
        num_filters,
        filter_size,
        hidden_dim,
        num_classes,
        weight_scale,
        reg,
        rng,
        layers=None,
    ):
        self.reg = reg
        self.layers = own_layers() if layers is None else layers
        self.conv_param = {"stride": 1, "pad": (filter_size - 1) // 2}
        self.pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
        self.params = {}
        ### BEGIN SOLUTION
        C, H, W = input_dim
        shapes = {
            "1": (num_filters, C, filter_size, filter_size),
            "2": (num_filters * (H // 2) * (W // 2), hidden_dim),
            "3": (hidden_dim, num_classes),
        }
        for number, shape in shapes.items():
            self.params["W" + number] = weight_scale * rng.standard_normal(shape)
        self.params["b1"] = np.zeros(num_filters)
        self.params["b2"] = np.zeros(hidden_dim)
        self.params["b3"] = np.zeros(num_classes)
        ### END SOLUTION

    def loss(self, X, y=None):
        """Compute scores, or loss and gradients.

        Parameters
        ----------
        X : (N, C, H, W) array of float
            Pictures.
        y : (N,) array of int, optional
            Their labels.

        Returns
        -------
        scores : (N, classes) array of float
            If `y` is None. Otherwise, instead:
        loss : float
            Softmax loss plus ``0.5 * reg`` times the sum of squares of W1, W2 and W3.
        grads : dict
            Gradients of the loss with respect to ``self.params``, under the same names.
        """
        ### BEGIN SOLUTION
        p, layers = self.params, self.layers
        maps, conv_cache = layers["conv_forward"](X, p["W1"], p["b1"], self.conv_param)
        # ReLU keeps the order of numbers, so it may as well come behind the pooling: the same
        # result from a quarter of the entries.
        pooled, pool_cache = layers["max_pool_forward"](maps, self.pool_param)
        active, relu1_cache = dense.relu_forward(pooled)
        before, affine1_cache = dense.affine_forward(active, p["W2"], p["b2"])
        hidden, relu2_cache = dense.relu_forward(before)
        scores, affine2_cache = dense.affine_forward(hidden, p["W3"], p["b3"])
        if y is None:
            return scores
        loss, dscores = dense.softmax_loss(scores, y)
        grads = {}
        dhidden, grads["W3"], grads["b3"] = dense.affine_backward(dscores, affine2_cache)
        dbefore = dense.relu_backward(dhidden, relu2_cache)
        dactive, grads["W2"], grads["b2"] = dense.affine_backward(dbefore, affine1_cache)
        dpooled = dense.relu_backward(dactive, relu1_cache)
        dmaps = layers["max_pool_backward"](dpooled, pool_cache)
        _, grads["W1"], grads["b1"] = layers["conv_backward"](dmaps, conv_cache)
        for name in ("W1", "W2", "W3"):
            loss += 0.5 * self.reg * np.sum(p[name] ** 2)
            grads[name] = grads[name] + self.reg * p[name]
        return loss, grads
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_ThreeLayerConvNet", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(8)
net = ThreeLayerConvNet((2, 4, 6), 3, 3, 7, 5, weight_scale=0.01, reg=0.0, rng=rng)
shapes = {"W1": (3, 2, 3, 3), "b1": (3,), "W2": (18, 7), "b2": (7,), "W3": (7, 5), "b3": (5,)}
for name, shape in shapes.items():
    assert_shape(net.params[name], shape, name=name)
X, y = rng.normal(size=(4, 2, 4, 6)), rng.integers(5, size=4)
loss, _ = net.loss(X, y)
assert_close(loss, np.log(5), rtol=0.01, name="the loss at the start, with small weights,")
net = ThreeLayerConvNet((2, 4, 6), 3, 3, 7, 5, weight_scale=0.5, reg=0.3, rng=rng)
for name in ("b1", "b2", "b3"):
    net.params[name] = rng.normal(size=shapes[name])
for net.reg, when in ((0.0, "without regularisation"), (0.3, "with regularisation")):
    _, grads = net.loss(X, y)
    for name in ("W3", "b3", "W2", "b2", "W1", "b1"):  # from the loss backwards
        assert_gradient(
            lambda _: net.loss(X, y)[0], net.params[name], grads[name], name=f"d{name} {when}"
        )
print("✓ ThreeLayerConvNet")

# %% [markdown]
# The test of every new network: can it learn fifty pictures by heart?
#
# **Predict before you run.** What is the accuracy on the fifty at the end, and on validation images?

# %% tags=["demo"]
rng = np.random.default_rng(9)
net = ThreeLayerConvNet((3, 16, 16), 8, 5, 40, num_classes, 0.05, 0.0, rng)
few = {"X_train": X_train[:50], "y_train": y_train[:50], "X_val": X_val, "y_val": y_val}
solver = Solver(
    net, few, rules.adam, {"learning_rate": 2e-3}, batch_size=10, num_epochs=20, rng=rng
)
solver.train()
_ = plot_training(solver)

# %% [markdown]
# ## 8. Training
#
# Now for the course's fast layers, since you know what they do. They go in through `layers`.

# %% tags=["demo"]
FAST = {
    "conv_forward": fast_layers.conv_forward_fast,
    "conv_backward": fast_layers.conv_backward_fast,
    "max_pool_forward": fast_layers.max_pool_forward_fast,
    "max_pool_backward": fast_layers.max_pool_backward_fast,
}

# %% [markdown]
# Write a function that trains the best `ThreeLayerConvNet` you can. What matters, as before: the
# learning rate and its fall to zero; a start in proportion to the number of inputs, $\sqrt{2/n}$ for
# ReLU, layer by layer (you may overwrite `model.params`); pictures mirrored at random; everything in
# float32, which halves the time. Hand `layers` on to the network, so that the caller chooses.
#
# When graded, it is called without `layers`, on 4,000 images of 16×16 pixels like these, so that it runs
# on your own functions, on one core, with a minute and a half. On test images of `scenes`, at least 46 %
# should be right (42 % on CIFAR-10).


# %% nbgrader={"grade": false, "grade_id": "train_convnet", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_convnet(
    X_train, y_train, X_val, y_val, layers=None, num_filters=16, num_epochs=5, batch_size=50
):
    """Train a three-layer convolutional network.

    Parameters
    ----------
    X_train, X_val : (N, C, H, W) and (M, C, H, W) arrays of float
        Pictures, the mean subtracted, divided by 64.
    y_train, y_val : (N,) and (M,) arrays of int
        Their labels, from 0 to ``max(y_train)``.
    layers : dict, optional
        What the network computes with, see `ThreeLayerConvNet`.
    num_filters, num_epochs, batch_size : int
        How large the network is, how long to train it, and in batches of how many pictures.

    Returns
    -------
    ThreeLayerConvNet
        The trained network.
    """

    ### BEGIN SOLUTION
    def mirror_half(X, y, rng):
        chosen = rng.random(len(X)) < 0.5
        X = X.copy()
        X[chosen] = X[chosen, :, :, ::-1]
        return X, y

    rng = np.random.default_rng(231)
    classes = int(np.max(y_train)) + 1
    model = ThreeLayerConvNet(
        X_train.shape[1:], num_filters, 5, 100, classes, 1.0, 1e-3, rng, layers
    )
    for name, param in model.params.items():
        inputs = param[0].size if name == "W1" else len(param)
        scale = np.sqrt(2 / inputs) if name.startswith("W") else 1.0
        model.params[name] = (scale * param).astype(np.float32)
    images = {"X_train": X_train, "y_train": y_train, "X_val": X_val, "y_val": y_val}
    solver = Solver(
        model,
        images,
        rules.sgd_momentum,
        {"learning_rate": 0.03, "momentum": 0.9},
        rng=rng,
        schedule=lambda step, steps: min(1.0, (step + 1) / 50) * (1 - step / steps),
        augment=mirror_half,
        batch_size=batch_size,
        num_epochs=num_epochs,
    )
    solver.train()
    return model
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_train_convnet", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@cache
def trained():
    """Return the network of your train_convnet, trained when it is first asked for."""
    return train_convnet(X_train, y_train, X_val, y_val, FAST)


accuracy_to_reach = {"scenes": 0.46, "cifar10": 0.42}[data.name]

scores = trained().loss(X_val)
assert_shape(scores, (len(X_val), num_classes), name="the array of scores")
assert_finite(scores, name="the array of scores")
accuracy = np.mean(scores.argmax(axis=1) == y_val)
assert accuracy >= accuracy_to_reach, (
    f"validation accuracy {accuracy:.1%}, expected {accuracy_to_reach:.0%} or more: plot the run "
    "with plot_training(solver), and ask whether it learns too slowly, explodes, or overfits"
)
print(f"✓ train_convnet: validation accuracy {accuracy:.1%}")

# %% [markdown]
# **Predict before you run.** What do the filters of the first layer look for? You have drawn three
# yourself.

# %% tags=["demo"]
_ = show_filters(trained().params["W1"], columns=8, title="Filters of the first layer")

# %% [markdown]
# After so short a training much of the noise of the start is still in them. Look for what has grown
# out of it: two sides of opposite colour, light against dark. Longer training on more and larger
# pictures (section 9) gives cleaner filters; `show_filters(big.params["W1"])` shows them.
#
# Now one look at test images: the surest mistakes.

# %% tags=["demo"]
scores = trained().loss(X_test)
guesses = scores.argmax(axis=1)
print(f"test accuracy {np.mean(guesses == y_test):.1%}")
lead = scores.max(axis=1) - scores[np.arange(len(y_test)), y_test]
surest = np.argsort(-lead)[:12]
names = data.class_names
_ = show_images(
    data.X_test[surest],
    [f"{names[guesses[i]]}\n(is {names[y_test[i]]})" for i in surest],
    columns=6,
    inch=1.3,
    title="The surest mistakes",
)

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_translation", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# *True or false, and why:* a network conv – ReLU – max pool – affine gives the same scores to a
# picture that is moved by one pixel. What would you change so that it nearly does?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_translation", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# False. Convolution is *equivariant*: where the picture moves, its maps move along (but for the
# edges). Max pooling forgives a little: a maximum may move within its window. The affine layer on
# top has another weight for every place and sees all that is left of the motion.
#
# Global average pooling before the last affine layer does it: it only asks how much of a feature is
# there, and not where. (With strides the maps follow only motions by multiples of the stride.)
# Training on shifted pictures helps any network.

# %% [markdown]
# ## 9. For the ambitious: whole pictures, all of them
#
# Until now pictures were small and few. Here they have their full size, and there are as many of them as
# the dataset has. Nothing below is graded, and it takes minutes, so the runs are switched off. Start
# JupyterLab with `CS231N_DATASET=cifar10`: the marks are for photographs.
#
# ### Three layers, three minutes
#
# `train_convnet` once more, with the library's layers and twice as many filters: set `EPOCHS = 4`. On
# two cores and within three minutes, **65 %** of the test images of CIFAR-10 is the mark to reach.
# Ours has 66.5 % after those four epochs, in 140 seconds on two cores of an AMD EPYC (Zen 4), which
# is what `python tests/benchmarks/convnets_cifar10.py three` prints in the course's repository.


# %%
@cache
def whole_pictures():
    """Return all of the dataset at full size: X_train, X_val, X_test, and the labels of each."""
    whole = load_dataset(dtype="uint8")
    colour = whole.X_train.mean(axis=(0, 1, 2), dtype=np.float64).reshape(3, 1, 1)

    def prepared(images):
        maps = np.array(images.transpose(0, 3, 1, 2), np.float32, order="C")
        maps -= colour
        maps /= 64
        return maps

    pictures = map(prepared, (whole.X_train, whole.X_val, whole.X_test))
    return *pictures, whole.y_train, whole.y_val, whole.y_test


def race(train, *arguments, mirrored=False, **settings):
    """Train on whole pictures; print how long that takes and how much of the test set is right.

    With `mirrored`, scores are those of a picture and of its mirror image together.
    """
    X_train, X_val, X_test, y_train, y_val, y_test = whole_pictures()
    start = timeit.default_timer()
    model = train(X_train, y_train, X_val, y_val, *arguments, **settings)
    seconds = timeit.default_timer() - start
    right = 0
    for first in range(0, len(X_test), 250):
        X, y = X_test[first : first + 250], y_test[first : first + 250]
        scores = model.loss(X) + model.loss(X[:, :, :, ::-1]) if mirrored else model.loss(X)
        right += np.sum(scores.argmax(axis=1) == y)
    print(f"{seconds:.0f} s of training, test accuracy {right / len(X_test):.1%}")
    return model


# %% tags=["demo"]
EPOCHS = 0
if EPOCHS:
    big = race(train_convnet, FAST, num_filters=32, num_epochs=EPOCHS, batch_size=100)

# %% [markdown]
# ### Your own network, five minutes
#
# From here on it is your own: more layers, spatial batch normalisation between them, crops. Write
# `DeepConvNet` and `train_deep_convnet` from layers that are yours or in `fast_layers`. Validation images
# choose; test images are looked at once. **75 %** of CIFAR-10's test images in five minutes on two cores
# is a good mark.
#
# Where does the time go? Most of what a network computes on maps of 32×32 it does in its first layer,
# which knows least: a stride of 2 or a pooling early on buys many filters later. Normalise behind the
# pooling, not before. Larger batches keep both cores busy. And a picture's scores may be added to those
# of its mirror image before the highest is taken.
#
# **78.3 %** is what you have to beat: ours, after four epochs (`DEEP_EPOCHS = 4`), which took 256
# seconds on the same two cores; after six epochs and 347 seconds it has 80.8 %. It has four
# convolutions with 32, 64, 128 and 128 filters, the first of 4×4 with stride 2, two of them pooled,
# each with batch normalisation and ReLU, then global average pooling and an affine layer. Nesterov
# momentum 0.9 in batches of 250; pictures mirrored half the time and shifted by up to two pixels; a
# learning rate that rises to 0.4 and falls to 0. (`python tests/benchmarks/convnets_cifar10.py deep`
# in the course's repository.)


# %% nbgrader={"grade": false, "grade_id": "DeepConvNet", "locked": false, "schema_version": 3, "solution": true, "task": false}
class DeepConvNet:
    """Blocks of convolution, max pooling, batch normalisation and ReLU; global average; affine.

    A proposal: change it as you like, as long as it has `params` and `loss`.

    Parameters
    ----------
    blocks : sequence of tuples (num_filters, filter_size, stride, pools)
        The last says whether 2×2 max pooling follows the convolution.
    channels, num_classes : int
        Channels of the pictures, and classes.
    reg : float
        Strength of the L2 regularisation of all weights.
    rng : numpy.random.Generator
        Draws the initial weights.
    layers : dict
        What it computes with: ``conv_``, ``max_pool_`` and ``batchnorm_``, each with ``forward``
        and ``backward``.

    Attributes
    ----------
    params : dict
        Its parameters by name.
    """

    def __init__(self, blocks, channels, num_classes, reg, rng, layers):
        self.blocks, self.reg, self.layers = blocks, reg, layers
        self.params = {}
        ### BEGIN SOLUTION
        self.averages = []
        for k, (filters, size, _, _) in enumerate(blocks):
            drawn = rng.standard_normal((filters, channels, size, size))
            self.params[f"W{k}"] = np.sqrt(2 / drawn[0].size) * drawn
            self.params[f"gamma{k}"], self.params[f"beta{k}"] = np.ones(filters), np.zeros(filters)
            self.averages.append({})
            channels = filters
        self.params["W"] = rng.standard_normal((channels, num_classes)) / np.sqrt(channels)
        self.params["b"] = np.zeros(num_classes)
        self.params = {name: value.astype(np.float32) for name, value in self.params.items()}
        ### END SOLUTION

    def loss(self, X, y=None):
        """Compute scores, or loss and gradients, as `ThreeLayerConvNet.loss` does."""
        ### BEGIN SOLUTION
        p, maps, caches = self.params, X, []
        for k in range(len(self.blocks)):
            self.averages[k]["mode"] = "test" if y is None else "train"
            maps, kept = self.forward(k, maps)
            caches.append(kept)
        means, mean_cache = global_avg_pool_forward(maps)
        scores, affine_cache = dense.affine_forward(means, p["W"], p["b"])
        if y is None:
            return scores
        loss, dscores = dense.softmax_loss(scores, y)
        grads = {}
        dmeans, grads["W"], grads["b"] = dense.affine_backward(dscores, affine_cache)
        dmaps = global_avg_pool_backward(dmeans, mean_cache)
        for k in reversed(range(len(self.blocks))):
            dmaps = self.backward(k, dmaps, caches[k], grads)
        for name in p:
            if name.startswith("W"):
                loss += 0.5 * self.reg * np.sum(p[name] ** 2)
                grads[name] = grads[name] + self.reg * p[name]
        return loss, grads

    def forward(self, k, maps):
        _, size, stride, pools = self.blocks[k]
        W, gamma, beta = (self.params[f"{name}{k}"] for name in ("W", "gamma", "beta"))
        # No biases: batch normalisation would take them away again.
        maps, conv_cache = self.layers["conv_forward"](
            maps, W, np.zeros_like(gamma), {"stride": stride, "pad": (size - 1) // 2}
        )
        pool_cache = None
        if pools:  # first, so that a quarter is left to normalise
            pool_param = {"pool_height": 2, "pool_width": 2, "stride": 2}
            maps, pool_cache = self.layers["max_pool_forward"](maps, pool_param)
        maps, norm_cache = self.layers["batchnorm_forward"](maps, gamma, beta, self.averages[k])
        maps, relu_cache = dense.relu_forward(maps)
        return maps, (conv_cache, pool_cache, norm_cache, relu_cache)

    def backward(self, k, dmaps, cache, grads):
        conv_cache, pool_cache, norm_cache, relu_cache = cache
        dmaps = dense.relu_backward(dmaps, relu_cache)
        dmaps, grads[f"gamma{k}"], grads[f"beta{k}"] = self.layers["batchnorm_backward"](
            dmaps, norm_cache
        )
        if pool_cache is not None:
            dmaps = self.layers["max_pool_backward"](dmaps, pool_cache)
        dmaps, grads[f"W{k}"], _ = self.layers["conv_backward"](dmaps, conv_cache)
        return dmaps
        ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "train_deep_convnet", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_deep_convnet(X_train, y_train, X_val, y_val, layers, num_epochs):
    """Train a deep network.

    Parameters
    ----------
    X_train, y_train, X_val, y_val
        As for `train_convnet`.
    layers : dict
        What the network computes with, see `DeepConvNet`.
    num_epochs : int
        How long to train it.

    Returns
    -------
    DeepConvNet
        The trained network.
    """

    ### BEGIN SOLUTION
    def shift_and_mirror(X, y, rng):
        N, _, H, W = X.shape
        framed, out = np.pad(X, ((0, 0), (0, 0), (2, 2), (2, 2))), np.empty_like(X)
        places = zip(rng.integers(5, size=N), rng.integers(5, size=N), rng.random(N), strict=True)
        for n, (top, left, coin) in enumerate(places):
            window = framed[n, :, top : top + H, left : left + W]
            out[n] = window[:, :, ::-1] if coin < 0.5 else window
        return out, y

    def up_and_down(step, steps):
        done = (step + 1) / steps
        return min(done / 0.2, (1 - done) / 0.8)

    # Filters, their size, their stride, and whether there is a pooling.
    blocks = (32, 4, 2, False), (64, 3, 1, True), (128, 3, 1, True), (128, 3, 1, False)
    rng = np.random.default_rng(231)
    classes = int(np.max(y_train)) + 1
    model = DeepConvNet(blocks, X_train.shape[1], classes, 2e-4, rng, layers)
    solver = Solver(
        model,
        {"X_train": X_train, "y_train": y_train, "X_val": X_val, "y_val": y_val},
        rules.nesterov_momentum,
        {"learning_rate": 0.4, "momentum": 0.9},
        rng=rng,
        schedule=up_and_down,
        augment=shift_and_mirror,
        batch_size=250,
        num_epochs=num_epochs,
    )
    solver.train()
    return model
    ### END SOLUTION


# %% tags=["demo"]
DEEP_EPOCHS = 0
DEEP = FAST | {
    "batchnorm_forward": fast_layers.spatial_batchnorm_forward_fast,
    "batchnorm_backward": fast_layers.spatial_batchnorm_backward_fast,
}
if DEEP_EPOCHS:
    deep = race(train_deep_convnet, DEEP, DEEP_EPOCHS, mirrored=True)

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **How large is the output of a convolution?** You wrote it in section 1; be ready to say it for
# 227 pixels, 11×11 filters, stride 4, no frame.
#
# **Why convolution and not an affine layer?** Locality and shared weights: fewer parameters, and what
# is learned in one place holds in all.
#
# **What is a 1×1 convolution good for?** An affine layer across channels at every pixel: it mixes
# channels, and makes many of them few before an expensive layer.
#
# **Two layers of 3×3 or one of 5×5?** They see the same window. Two have $18 C^2$ weights instead of
# $25 C^2$, and a nonlinearity in between.
#
# **What is the gradient of max pooling?** It goes to the maximum of each window; where windows
# overlap, the sum of what its windows send.
#
# **Over which axes does batch normalisation average behind a convolution?** Batch, height and width:
# one mean per channel. Over which does group normalisation, and when would you prefer it?
#
# **Why are convolutions computed as matrix products, and what does it cost?** Matrix products use a
# processor best. The laid-out windows take $H_F W_F$ times the memory of the picture.
#
# ## Read more
#
# - CS231n notes, [Convolutional neural networks](https://cs231n.github.io/convolutional-networks/):
#   with an animation of formula (1).
# - V. Dumoulin, F. Visin, [A guide to convolution arithmetic for deep
#   learning](https://arxiv.org/abs/1603.07285), 2016: all combinations of pad and stride, drawn.
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, [Gradient-based learning applied to document
#   recognition](https://doi.org/10.1109/5.726791), 1998: where it all began to work.
# - Y. Wu, K. He, [Group normalization](https://arxiv.org/abs/1803.08494), 2018.

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
# # Semantic segmentation: a class for every pixel
#
# **Goal.** You turn a classifier into a fully convolutional network that names the class of every
# pixel, and train it until it cuts objects out of scenes it has never seen. On the way you write the
# transposed convolution with its gradient, skip connections, a loss that can look away, and the
# measure by which segmenters are compared.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `confusion_matrix`, `pixel_accuracy`, `mean_iou` | how good is a class map? |
# | 3 | `segmentation_loss` | softmax at every pixel, except where there is no truth |
# | 4 | `fc_to_conv` | a fully connected layer, read as a convolution |
# | 5–6 | `conv_transpose_forward`, `conv_transpose_backward` | from coarse maps to fine ones |
# | 7 | `bilinear_kernel` | a transposed convolution that interpolates |
# | 8 | `skip_forward`, `skip_backward` | what from deep layers, where from early ones |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library, and they see their arguments, your imports
# and your other functions; they cannot see data that the notebook has loaded.
#
# You need convolutions, softmax and the chain rule, and about three hours. Training takes a minute or
# two, in one cell near the end.

# %%
import itertools
from functools import cache

import matplotlib.pyplot as plt
import numpy as np

from cs231n_lib.checking import assert_close, assert_gradient, assert_shape
from cs231n_lib.plots import plot_losses, show_class_maps
from cs231n_lib.plots.style import COLORS, MUTED
from cs231n_lib.progress import progress
from cs231n_lib.scenes import CLASS_NAMES, make_classification, make_scenes

# %% [markdown]
# ## 1. The task
#
# A classifier says *there is a boat*. A detector draws a box around it. Segmentation goes all the
# way: one class for each pixel, where class 0 is the background and class $1 + k$ is the kind of
# object $k$. The scenes of this notebook are drawn by the course, and whoever draws a picture knows
# which pixel belongs to what. (They are drawn whatever dataset the course uses: CIFAR-10 has no
# masks.)

# %% tags=["demo"]
train_scenes = make_scenes(1800, np.random.default_rng(1))
test_scenes = make_scenes(150, np.random.default_rng(2))
pixel_classes = ("background", *CLASS_NAMES)
num_classes = len(pixel_classes)
print("images", train_scenes.images.shape, " class maps", train_scenes.class_maps.shape)
_ = show_class_maps(
    test_scenes.images[:6],
    test_scenes.class_maps[:6],
    pixel_classes,
    title="Scenes, and the class of every pixel",
)

# %% [markdown]
# Labels of this kind are expensive. In Cityscapes, a set of street scenes, one image took more than
# an hour and a half of a person's work. So every trick that gets along with fewer of them counts, and
# you will see three: a pretrained backbone, training on patches, and pixels that are left out.
#
# ## 2. How good is a class map?
#
# Count. The **confusion matrix** $M$ has one row for each true class and one column for each predicted
# class:
#
# $$M_{tp} = \text{number of pixels whose true class is } t \text{ and whose predicted class is } p . \tag{1}$$
#
# Everything else follows from it. The diagonal holds what is right; a row sum is how many pixels a
# class has in truth; a column sum is how many were given to it.
#
# Some pixels have no truth: an outline where nobody can say whether it is still boat or already
# water, or a margin that was added around the picture. Their label is a number that is no class, 255
# by custom, called *void* or *ignore index*. They are not counted, whatever was predicted there.
#
# **Your step:** write it for arrays of any shape. A loop over pixels is all right for the first try,
# but 150 scenes have 1.4 million of them. Number the pairs: `truth * num_classes + prediction` is a
# different number for each pair, and `np.bincount(numbers, minlength=...)` counts numbers.


# %% nbgrader={"grade": false, "grade_id": "confusion_matrix", "locked": false, "schema_version": 3, "solution": true, "task": false}
def confusion_matrix(predictions, truth, num_classes, ignore_index=255):
    """Count how often each true class was given each predicted class.

    Parameters
    ----------
    predictions : array of int, of any shape
        Predicted classes, ``0 <= predictions < num_classes``.
    truth : array of int, of the same shape
        True classes, or `ignore_index` where a pixel is not to be counted. May be uint8.
    num_classes : int
        The number K of classes.
    ignore_index : int
        The label of pixels without truth.

    Returns
    -------
    (K, K) array of int
        Entry ``[t, p]`` counts the pixels of true class t that were predicted as p.
    """
    ### BEGIN SOLUTION
    counted = truth != ignore_index
    pairs = truth[counted].astype(np.int64) * num_classes + predictions[counted]
    counts = np.bincount(pairs, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_confusion_matrix", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
truth = np.array([[0, 0, 2], [255, 1, 1]], dtype=np.uint8)
guess = np.array([[0, 2, 2], [1, 1, 0]])
M = confusion_matrix(guess, truth, 4)
assert_shape(M, (4, 4), name="the confusion matrix")
expected = [[1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
assert_close(M, expected, name="the confusion matrix (rows: truth, columns: prediction)")

# 20 · 20 does not fit into 8 bits.
many = np.full(3, 20, dtype=np.uint8)
M = confusion_matrix(many, many, 21)
assert_close(M[20, 20], 3, name="M[20, 20] of uint8 labels")
assert_close(np.sum(M), 3, name="the sum of the matrix")
print("✓ confusion_matrix")

# %% [markdown]
# The obvious score is the share of pixels that are right, **pixel accuracy**:
# $\sum_k M_{kk} \,/\, \sum_{tp} M_{tp}$.


# %% nbgrader={"grade": false, "grade_id": "pixel_accuracy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pixel_accuracy(confusion):
    """Compute the share of the counted pixels whose class is right.

    Parameters
    ----------
    confusion : (K, K) array of int
        Rows are true classes, columns predicted ones.

    Returns
    -------
    float
        Between 0 and 1.
    """
    ### BEGIN SOLUTION
    return np.trace(confusion) / np.sum(confusion)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_pixel_accuracy", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
M = np.array([[5, 1, 0], [2, 3, 0], [1, 0, 8]])
assert_close(pixel_accuracy(M), 16 / 20, name="pixel accuracy")
print("✓ pixel_accuracy")

# %% [markdown]
# **Predict before you run.** A lazy segmenter answers "background" at every pixel. What is its pixel
# accuracy on the test scenes?

# %% tags=["demo"]
truth = test_scenes.class_maps
lazy = confusion_matrix(np.zeros_like(truth), truth, num_classes)
print(f"pixel accuracy of 'background everywhere': {pixel_accuracy(lazy):.1%}")

# %% [markdown]
# A score that rewards doing nothing is no good. **Intersection over union** compares two sets of
# pixels, those that are of class $k$ and those that were called so:
#
# $$\mathrm{IoU}_k = \frac{|\,T_k \cap P_k\,|}{|\,T_k \cup P_k\,|} . \tag{2}$$
#
# It is 1 only if the two are the same; it suffers from missed pixels as from pixels too many. The
# intersection stands in the matrix, at $M_{kk}$. **Your step:** express the union by a row sum, a
# column sum, and whatever was counted twice then.
#
# The **mean IoU** is the mean over classes, so a small class counts as much as the background. Of a
# class that occurs neither in truth nor in prediction the fraction is 0/0: it says nothing and is
# left out of the mean. (A class that was predicted somewhere, but never occurs in truth, is a mistake
# and has IoU 0.)


# %% nbgrader={"grade": false, "grade_id": "mean_iou", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mean_iou(confusion):
    """Compute the intersection over union of each class, and the mean over classes.

    Parameters
    ----------
    confusion : (K, K) array of int
        Rows are true classes, columns predicted ones; not modified.

    Returns
    -------
    mean : float
        Mean over the classes that occur in truth or prediction.
    iou : (K,) array of float
        The value of each class; NaN for a class that occurs in neither.
    """
    ### BEGIN SOLUTION
    intersection = np.diag(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - intersection
    iou = np.full(len(confusion), np.nan)
    occurs = union > 0
    iou[occurs] = intersection[occurs] / union[occurs]
    return iou[occurs].mean(), iou
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_mean_iou", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
mean, iou = mean_iou(np.array([[5, 1, 0], [2, 3, 0], [1, 0, 8]]))
assert_shape(iou, (3,), name="iou")
assert_close(iou, [5 / 9, 3 / 6, 8 / 9], name="iou")
assert_close(mean, (5 / 9 + 3 / 6 + 8 / 9) / 3, name="the mean")

# Class 1 occurs nowhere; class 2 is predicted once, and never true.
mean, iou = mean_iou(np.array([[3, 0, 1], [0, 0, 0], [0, 0, 0]]))
assert np.isnan(iou[1]), f"a class that occurs nowhere has no IoU: expected NaN, got {iou[1]}"
assert_close(mean, (3 / 4 + 0) / 2, name="the mean, where a class occurs nowhere,")
print("✓ mean_iou")

# %% [markdown]
# ## 3. The loss: softmax at every pixel
#
# The network will give each pixel $K$ scores, an array of shape $(N, K, H, W)$. To the loss, a batch
# of maps is a big batch of pixels. Each is classified by softmax and cross-entropy as you know them,
# and the loss is the mean over the pixels that count:
#
# $$L = \frac{1}{|V|} \sum_{v \in V} -\log p_{v, y_v}, \qquad
#   V = \{\text{pixels with } y_v \ne 255\}, \qquad
#   \frac{\partial L}{\partial s_{v,k}} = \;\boldsymbol{?} \tag{3}$$
#
# **Your step:** you derived the gradient for a batch of images once; what is $N$ now, and what is the
# gradient at a pixel that is ignored? Two traps: 255 is no valid index (replace it before you look
# anything up), and if all pixels of a batch are ignored, loss and gradient are 0, not NaN. Scores can
# be large: shift by the maximum *over classes*, which are axis 1 here. No loops over pixels: training
# calls this with 70,000 of them at a time.


# %% nbgrader={"grade": false, "grade_id": "segmentation_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def segmentation_loss(scores, y, ignore_index=255):
    """Compute the mean cross-entropy over pixels, and its gradient.

    Parameters
    ----------
    scores : (N, K, H, W) array of float
        Scores of K classes at each pixel; not modified.
    y : (N, H, W) array of int
        True classes, or `ignore_index`; not modified. May be uint8.
    ignore_index : int
        The label of pixels that do not count.

    Returns
    -------
    loss : float
        Mean of ``-log p`` of the true class over the pixels that count, 0 if there are none.
    dscores : (N, K, H, W) array of float
        Gradient of the loss with respect to scores; 0 where a pixel does not count.
    """
    ### BEGIN SOLUTION
    counts = y != ignore_index
    num_pixels = max(counts.sum(), 1)
    labels = np.where(counts, y, 0).astype(np.int64)[:, None]
    shifted = scores - scores.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    totals = exponentials.sum(axis=1, keepdims=True)
    losses = np.log(totals) - np.take_along_axis(shifted, labels, axis=1)
    loss = losses[:, 0][counts].sum() / num_pixels
    dscores = exponentials / totals
    true = np.take_along_axis(dscores, labels, axis=1)
    np.put_along_axis(dscores, labels, true - 1, axis=1)
    dscores *= (counts[:, None] / num_pixels).astype(dscores.dtype)
    return loss, dscores
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_segmentation_loss", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(3)
scores = rng.standard_normal((2, 4, 3, 5))
y = rng.integers(4, size=(2, 3, 5)).astype(np.uint8)
y[0, 1, :3] = y[1, 2, 4] = 255
before = scores.copy(), y.copy()
loss, dscores = segmentation_loss(scores, y)
assert np.array_equal(scores, before[0]), "scores changed: work on a new array"
assert np.array_equal(y, before[1]), "y changed: work on a new array"
assert_shape(dscores, scores.shape, name="dscores")

by_hand = [
    np.log(np.exp(scores[n, :, i, j]).sum()) - scores[n, y[n, i, j], i, j]
    for n, i, j in np.argwhere(y != 255)
]
assert_close(loss, np.mean(by_hand), name="the loss")
assert_close(dscores[0, :, 1, :3], np.zeros((4, 3)), name="dscores of pixels that are ignored")
assert_gradient(lambda s: segmentation_loss(s, y)[0], scores, dscores, name="dscores")

loss, dscores = segmentation_loss(1e4 * scores, np.full_like(y, 255))
assert_close(loss, 0.0, name="the loss where all pixels are ignored")
assert_close(dscores, np.zeros(scores.shape), name="dscores where all pixels are ignored")
print("✓ segmentation_loss")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_ignored", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# A colleague implements ignored pixels by giving them the label "background" in training. Another
# keeps them out of the sum, but divides by *all* pixels. What goes wrong in each case?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_ignored", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# *Labelled as background:* the network is taught that whatever has no truth is background. On
# outlines that is false about every second time, so it learns to draw objects too thin; on an added
# margin it learns something about the margin that it will never need.
#
# *Divided by all pixels:* the direction of the gradient of a single batch is right, but its size
# shrinks with the share of ignored pixels. Batches with much void count less than others and the
# effective learning rate changes from batch to batch; loss values cannot be compared with each other
# any more (and a loss at the start below $\log K$ suggests that the network already knows something).

# %% [markdown]
# ## 4. A classifier turned into a fully convolutional network
#
# Train a classifier on small pictures of single objects, and you have a network that knows what
# objects look like. Can it be asked about every place of a larger picture?
#
# Convolutions and pooling do not mind the size of an image: give them more pixels and the maps come
# out larger. What ties a classifier to 32×32 pixels is the fully connected layer at its end, whose
# weight matrix has $C \cdot H \cdot W$ rows, one for each entry of the features of *one* image. But look at
# one of its columns: it multiplies each of $C \times H \times W$ features with a weight and sums up, and
# that is what **a filter of size $H \times W$ does at one position**.
#
# So take the same numbers, shaped as $M$ filters of $C \times H \times W$, and slide them. On the features of a
# 32×32 image they fit in exactly one position and give exactly the scores of the classifier. On the
# features of a larger picture they fit in many, and the result is a *map* of scores, at the price of
# one pass instead of one for every window.
#
# **Your step:** a fully connected layer computes `x.reshape(N, -1) @ w + b`, where x is $(N, C, H, W)$,
# w is $(C \cdot H \cdot W,\ M)$, and `reshape` counts the last index fastest. Convolution weights are
# $(M, C, H, W)$. Which transposition, which reshape, and in which order?


# %% nbgrader={"grade": false, "grade_id": "fc_to_conv", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fc_to_conv(w, b, feature_shape):
    """Turn a fully connected layer into a convolution that computes the same.

    Parameters
    ----------
    w : (C * H * W, M) array of float
        Weights of ``x.reshape(N, -1) @ w + b``.
    b : (M,) array of float
        Biases.
    feature_shape : tuple of int
        The shape ``(C, H, W)`` of the features of one image.

    Returns
    -------
    w_conv : (M, C, H, W) array of float
        Filters.
    b_conv : (M,) array of float
        Their biases.
    """
    ### BEGIN SOLUTION
    return w.T.reshape(-1, *feature_shape), b
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_fc_to_conv", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(4)
w, b, features = (rng.standard_normal(shape) for shape in ((24, 5), 5, (3, 2, 3, 4)))
w_conv, b_conv = fc_to_conv(w, b, (2, 3, 4))
assert_shape(w_conv, (5, 2, 3, 4), name="w_conv")
assert_shape(b_conv, (5,), name="b_conv")
# A filter as large as the features has one position: multiply and sum.
one_position = np.einsum("nchw,mchw->nm", features, w_conv) + b_conv
expected = features.reshape(3, -1) @ w + b
assert_close(one_position, expected, name="what the convolution computes")
print("✓ fc_to_conv")

# %% [markdown]
# Here is the backbone: four stages, each of which halves the maps, so that 32×32 pixels end as 2×2 and
# 96×96 as 6×6. Its maps are small and many, so it computes a 3×3 convolution in one matrix product for
# the whole batch: channels come last, and the nine neighbours of a pixel lie side by side as one row of
# a matrix. Read it; what it returns is the feature maps after three of the stages, at a quarter, an
# eighth and a sixteenth of the resolution, in the usual order (N, C, H, W).

# %% tags=["demo"]
from cs231n_lib.fast_layers import (
    batchnorm_backward_fast,
    batchnorm_forward_fast,
    conv_backward_fast,
    conv_forward_fast,
)

# name, channels in and out, stride; the last convolution of each resolution is tapped
BLOCKS = (
    ("a", 3, 24, 2),
    ("b1", 24, 48, 2),
    ("b2", 48, 48, 1),
    ("c1", 48, 64, 2),
    ("c2", 64, 64, 1),
    ("d1", 64, 96, 2),
    ("d2", 96, 96, 1),
)
TAPS = {"b2": 4, "c2": 8, "d2": 16}


def shifted(padded, stride, height, width):
    """Yield nine views of padded maps (N, H, W, C): what lies under each entry of a 3×3 filter."""
    for i, j in itertools.product(range(3), range(3)):
        rows = slice(i, i + stride * (height - 1) + 1, stride)
        columns = slice(j, j + stride * (width - 1) + 1, stride)
        yield padded[:, rows, columns]


def conv3x3_forward(x, w, stride):
    """Convolve maps (N, H, W, C), padded by one pixel, with filters (9 * C, F)."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = ((size - 1) // stride + 1 for size in x.shape[1:3])
    windows = np.concatenate(list(shifted(padded, stride, height, width)), axis=3)
    windows = windows.reshape(-1, len(w))
    out = (windows @ w).reshape(len(x), height, width, -1)
    return out, (windows, w, stride, padded.shape)


def conv3x3_backward(dout, cache):
    """Return the gradients with respect to the maps and the filters."""
    windows, w, stride, padded_shape = cache
    dflat = dout.reshape(-1, w.shape[1])
    dwindows = np.split((dflat @ w.T).reshape(*dout.shape[:3], -1), 9, axis=3)
    dpadded = np.zeros(padded_shape, dtype=dout.dtype)
    for target, part in zip(shifted(dpadded, stride, *dout.shape[1:3]), dwindows, strict=True):
        target += part
    return dpadded[:, 1:-1, 1:-1], windows.T @ dflat


def new_backbone(rng):
    """Return parameters with He initialisation, and the running averages of the normalisation."""
    params, averages = {}, {}
    for name, fan_in, fan_out, _ in BLOCKS:
        w = rng.standard_normal((9 * fan_in, fan_out)) * np.sqrt(2 / (9 * fan_in))
        params[f"{name}.w"] = w.astype(np.float32)
        params[f"{name}.gamma"] = np.ones(fan_out, np.float32)
        params[f"{name}.beta"] = np.zeros(fan_out, np.float32)
        averages[name] = {
            "running_mean": np.zeros(fan_out, np.float32),
            "running_var": np.ones(fan_out, np.float32),
        }
    return params, averages


def backbone_forward(params, averages, x, mode):
    """Return the maps {4: ..., 8: ..., 16: ...} of images (N, 3, H, W), and a tape."""
    maps, tape = {}, []
    x = x.transpose(0, 2, 3, 1)
    for name, _, fan_out, stride in BLOCKS:
        averages[name]["mode"] = mode
        x, conv = conv3x3_forward(x, params[f"{name}.w"], stride)
        # Normalise each channel over all pixels of the batch.
        gamma, beta = params[f"{name}.gamma"], params[f"{name}.beta"]
        flat, norm = batchnorm_forward_fast(x.reshape(-1, fan_out), gamma, beta, averages[name])
        x = np.maximum(flat, 0).reshape(x.shape)
        tape.append((name, conv, norm, x))
        if name in TAPS:
            maps[TAPS[name]] = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    return maps, tape


def backbone_backward(dmaps, tape):
    """Return the gradients of the parameters, given those of the maps."""
    grads, dx = {}, 0
    for name, conv, norm, x in reversed(tape):
        if TAPS.get(name) in dmaps:
            dx = dx + dmaps[TAPS[name]].transpose(0, 2, 3, 1)
        dflat = np.where(x > 0, dx, 0).astype(np.float32).reshape(-1, x.shape[3])
        dflat, grads[f"{name}.gamma"], grads[f"{name}.beta"] = batchnorm_backward_fast(dflat, norm)
        dx, grads[f"{name}.w"] = conv3x3_backward(dflat.reshape(x.shape), conv)
    return grads


class Adam:
    """Adam with a warm-up of 20 steps, and a cosine from there to zero."""

    def __init__(self, params, learning_rate, num_steps):
        self.params, self.learning_rate, self.num_steps, self.t = (
            params,
            learning_rate,
            num_steps,
            0,
        )
        self.m = {k: np.zeros_like(v) for k, v in params.items()}
        self.v = {k: np.zeros_like(v) for k, v in params.items()}

    def step(self, grads):
        self.t += 1
        rate = self.learning_rate * min(1, self.t / 20)
        rate *= 0.5 * (1 + np.cos(np.pi * self.t / self.num_steps))
        for k, g in grads.items():
            self.m[k] += 0.1 * (g - self.m[k])
            self.v[k] += 0.01 * (g * g - self.v[k])
            root = np.sqrt(self.v[k] / (1 - 0.99**self.t)) + 1e-8
            update = rate / (1 - 0.9**self.t) * self.m[k] / root
            self.params[k] -= update.astype(self.params[k].dtype)


def as_input(images):
    """Turn uint8 images (N, H, W, 3) into float32 (N, 3, H, W) between -1 and 1."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2) / np.float32(127.5) - 1)


# %% [markdown]
# First the classifier, on 32×32 pictures of single objects. Its last layer is fully connected, from
# $96 \times 2 \times 2$ features to ten scores. Its loss is your `segmentation_loss`: a classified image is a map of
# one pixel. (A short training is enough for a good starting point.)


# %% tags=["demo"]
@cache
def classifier():
    """Return parameters and averages of a classifier with a fully connected layer, trained."""
    rng = np.random.default_rng(5)
    images, labels = make_classification(3000, rng)
    params, averages = new_backbone(rng)
    params["fc.w"] = (0.03 * rng.standard_normal((96 * 2 * 2, 10))).astype(np.float32)
    params["fc.b"] = np.zeros(10, np.float32)
    epochs, batch_size = 3, 50
    steps = [rng.permutation(3000).reshape(-1, batch_size) for _ in range(epochs)]
    steps = np.concatenate(steps)
    adam = Adam(params, 3e-3, len(steps))
    for batch in progress(steps, "classifier"):
        maps, tape = backbone_forward(params, averages, as_input(images[batch]), "train")
        flat = maps[16].reshape(batch_size, -1)
        scores = flat @ params["fc.w"] + params["fc.b"]
        _, dscores = segmentation_loss(scores[:, :, None, None], labels[batch][:, None, None])
        dscores = dscores[:, :, 0, 0]
        dmaps = {16: (dscores @ params["fc.w"].T).reshape(maps[16].shape)}
        grads = backbone_backward(dmaps, tape)
        adam.step(grads | {"fc.w": flat.T @ dscores, "fc.b": dscores.sum(axis=0)})
    return params, averages


params, averages = classifier()
images, labels = make_classification(500, np.random.default_rng(6))
features = backbone_forward(params, averages, as_input(images), "test")[0][16]
fc_scores = features.reshape(500, -1) @ params["fc.w"] + params["fc.b"]
right = np.mean(fc_scores.argmax(axis=1) == labels)
print(f"accuracy on 500 new pictures: {right:.0%}  (guessing: 10%)")

w_conv, b_conv = fc_to_conv(params["fc.w"], params["fc.b"], (96, 2, 2))
conv_scores, _ = conv_forward_fast(features, w_conv, b_conv, {"stride": 1, "pad": 0})
assert_close(
    conv_scores[:, :, 0, 0],
    fc_scores,
    name="the scores, now from a convolution,",
    rtol=1e-3,
    atol=1e-4,
)
print(
    "✓ fully connected and 2×2 convolution: the same scores, with maps of shape", conv_scores.shape
)

# %% [markdown]
# The same filters on the features of a 96×96 scene give a map of 5×5 scores, one for every position of the
# 2×2 window. And at every position they are, number for number, what the fully connected layer says
# about that window of the features.
#
# **Predict before you run.** The classifier was never shown background without an object, and knows no
# such class. What will it say about windows of empty sky and bare ground?

# %% tags=["demo"]
params, averages = classifier()
w_conv, b_conv = fc_to_conv(params["fc.w"], params["fc.b"], (96, 2, 2))
features = backbone_forward(params, averages, as_input(test_scenes.images), "test")[0][16]
scores, _ = conv_forward_fast(features, w_conv, b_conv, {"stride": 1, "pad": 0})
for row, column in itertools.product(range(5), range(5)):
    window = features[:, :, row : row + 2, column : column + 2]
    by_fc = window.reshape(len(window), -1) @ params["fc.w"] + params["fc.b"]
    assert_close(scores[:, :, row, column], by_fc, name="the map of scores", rtol=1e-3, atol=1e-4)
print("✓ all 25 positions agree with the fully connected layer")

# Windows of 32×32 pixels, 16 apart: which of them hold no object at all?
windows = np.lib.stride_tricks.sliding_window_view(test_scenes.class_maps, (32, 32), axis=(1, 2))
empty = np.all(windows[:, ::16, ::16] == 0, axis=(3, 4))
named = np.bincount(scores.argmax(axis=1)[empty], minlength=10) / empty.sum()
fig, axis = plt.subplots(figsize=(6, 3), layout="constrained")
axis.barh(CLASS_NAMES, named, color=COLORS[0])
axis.invert_yaxis()
axis.set(
    xlabel="share of the windows",
    title=f"What it names in {empty.sum()} windows without an object",
)
axis.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# It has to name something, and has no word for nothing. A segmenter needs one class more.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_windows", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# The map agrees exactly with the fully connected layer applied to windows of the *features*. Would it
# agree exactly, too, with the classifier applied to 32×32 windows cut out of the *picture*? Where does
# a difference come from, and what does the convolutional way save?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_windows", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# Not exactly. The backbone pads its maps with zeros. In a window cut out of the picture, the zeros lie
# at the edge of the window; in the whole picture, at the same place, there are the neighbouring pixels.
# Only without padding (and with windows placed at multiples of the total stride, 16) would the two be
# equal.
#
# It saves almost all of the work: neighbouring windows overlap, and what they share is computed once
# instead of once per window. (With 5×5 windows of 32×32, the cut-out pixels are 25 · 1024, almost three
# times those of the picture; with denser windows the ratio grows.)

# %% [markdown]
# A map of 5×5 for 96×96 pixels: it knows roughly *what* and hardly *where*. Two things are missing: a way
# back to full resolution, and finer knowledge.
#
# ## 5. Transposed convolution: the way up
#
# A convolution with stride 2 *gathers*: each output pixel looks at a window of the input, and windows
# are two pixels apart. Turn it around, and each input pixel **stamps**: it takes the filter as a
# stamp, multiplies it with its own value, and adds it to the output; from one input pixel to the next,
# the stamp moves by `stride` pixels. Where stamps overlap, they add up.
#
# $$\mathrm{out}_{n,f,\; s\,i + a - p,\; s\,j + b - p} \mathrel{+}= \sum_c x_{n,c,i,j}\; w_{c,f,a,b},
# \qquad \text{for all } i, j, a, b . \tag{4}$$
#
# `pad` = $p$ does here what it undoes in a convolution: it cuts $p$ pixels off each side of the
# result. So along each axis
#
# $$H' = (H - 1)\,s + HH - 2p . \tag{5}$$
#
# Note the order of the weights, $(C, F, HH, WW)$: channels in come first. Then the same array is the
# weights of the convolution of which this is the transpose.

# %% tags=["demo"]
fig, axes = plt.subplots(1, 4, figsize=(8.6, 2.5), layout="constrained")
stamp = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4
values = np.array([[1.0, 0.5], [0.25, 1.0]])
canvas = np.zeros((5, 5))
for step, (axis, (i, j)) in enumerate(
    zip(axes, itertools.product(range(2), range(2)), strict=True)
):
    canvas[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += values[i, j] * stamp
    axis.imshow(canvas, cmap="Blues", vmin=0, vmax=1.2)
    for row, column in itertools.product(range(5), range(5)):
        if canvas[row, column]:
            color = "white" if canvas[row, column] > 0.7 else "black"
            text = f"{canvas[row, column]:.2f}"
            axis.text(column, row, text, ha="center", va="center", fontsize=7, color=color)
    edge = plt.Rectangle(
        (2 * j - 0.5, 2 * i - 0.5), 3, 3, fill=False, edgecolor=COLORS[1], linewidth=2
    )
    axis.add_patch(edge)
    axis.set(title=f"stamp {step + 1}: value {values[i, j]:g}", xticks=[], yticks=[])
_ = fig.suptitle("2×2 values, a stamp of 3×3, stride 2: 5×5 pixels", fontsize=10)

# %% [markdown]
# **Your step:** write (4). Work on a canvas without the cut, of $(H-1)s + HH$ rows, and cut at the
# end. You may loop over the pixels of the input; shorter and much faster is a loop over the
# $HH \times WW$ *entries of the stamp*: all input pixels put their entry $(a, b)$ into the canvas at once,
# `canvas[:, :, a : a + (H - 1) * s + 1 : s, ...]`, and no two of them at the same place.


# %% nbgrader={"grade": false, "grade_id": "conv_transpose_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_transpose_forward(x, w, b, conv_param):
    """Compute a transposed convolution: every input pixel adds a stamp to the output.

    Parameters
    ----------
    x : (N, C, H, W) array of float
        Input maps; not modified.
    w : (C, F, HH, WW) array of float
        Stamps, from each of C input channels to each of F output channels.
    b : (F,) array of float
        Biases, added once to every output pixel.
    conv_param : dict
        ``'stride'``: how far stamps are apart. ``'pad'``: how many pixels are cut off each side.

    Returns
    -------
    out : (N, F, H', W') array of float
        ``H' = (H - 1) * stride + HH - 2 * pad``, and W' likewise.
    cache : object
        What conv_transpose_backward needs.
    """
    ### BEGIN SOLUTION
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, _, H, W = x.shape
    _, F, HH, WW = w.shape
    rows, columns = (H - 1) * stride + HH, (W - 1) * stride + WW
    canvas = np.zeros((N, F, rows, columns), dtype=np.result_type(x, w))
    for i, j in itertools.product(range(HH), range(WW)):
        target = canvas[
            :, :, i : i + (H - 1) * stride + 1 : stride, j : j + (W - 1) * stride + 1 : stride
        ]
        target += np.einsum("nchw,cf->nfhw", x, w[:, :, i, j], optimize=True)
    out = canvas[:, :, pad : rows - pad, pad : columns - pad] + b[:, None, None]
    return out, (x, w, conv_param)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_conv_transpose_forward", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
w = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
bias = np.array([0.5])

out, _ = conv_transpose_forward(x, w, np.zeros(1), {"stride": 2, "pad": 0})
assert_shape(out, (1, 1, 4, 4), name="out for stride 2")
expected = [[1, 10, 2, 20], [100, 1000, 200, 2000], [3, 30, 4, 40], [300, 3000, 400, 4000]]
assert_close(out[0, 0], expected, name="out where stamps lie side by side")

out, _ = conv_transpose_forward(x, w, bias, {"stride": 1, "pad": 0})
expected = np.array([[1, 12, 20], [103, 1234, 2040], [300, 3400, 4000]]) + 0.5
assert_close(out[0, 0], expected, name="out where stamps overlap, with a bias of 0.5,")

out, _ = conv_transpose_forward(x, w, bias, {"stride": 1, "pad": 1})
assert_close(out[0, 0], [[1234.5]], name="out after one pixel is cut off each side")

rng = np.random.default_rng(7)
x, w, b = (rng.standard_normal(shape) for shape in ((2, 3, 2, 4), (3, 5, 4, 3), 5))
out, _ = conv_transpose_forward(x, w, b, {"stride": 3, "pad": 1})
assert_shape(out, (2, 5, 5, 10), name="out")
assert_close(
    out[1, :, 3, 6], np.einsum("c,cf->f", x[1, :, 1, 2], w[:, :, 1, 1]) + b, name="out[1, :, 3, 6]"
)
print("✓ conv_transpose_forward")

# %% [markdown]
# Why *transposed*? A convolution is linear in its input: unroll the image, and it is a matrix $A$.
# Its backward pass multiplies with $A^T$; you wrote that when you computed `dx`. The layer above
# **is** this `dx`, used as a forward pass. (The old name "deconvolution" is misleading: it inverts
# nothing.)
#
# **Predict before you run.** Here are both matrices for four input pixels in a row, a stamp of three
# and stride 2: one column for each pixel of a small map, one row for each pixel of the large one.
# Which rows have two entries?

# %% tags=["demo"]
stamp = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3)
units = np.eye(4).reshape(4, 1, 1, 4)
up = conv_transpose_forward(units, stamp, np.zeros(1), {"stride": 2, "pad": 0})[0].reshape(4, -1).T
fig, axes = plt.subplots(1, 2, figsize=(7, 3), layout="constrained", width_ratios=(4, 9))
for axis, matrix, name in ((axes[0], up, "transposed convolution"), (axes[1], up.T, "convolution")):
    axis.imshow(matrix, cmap="Blues", vmin=0, vmax=4)
    for (row, column), value in np.ndenumerate(matrix):
        if value:
            axis.text(column, row, f"{value:g}", ha="center", va="center", fontsize=9)
    axis.set(title=name, xticks=[], yticks=[])

# %% [markdown]
# ## 6. Back through the stamps
#
# The gradient needs no new idea. Read (4) as a sum of products: an input value $x_{n,c,i,j}$ went into
# all pixels under its stamp. So what comes back to it is the upstream gradient *under its stamp*,
# weighted by the stamp:
#
# $$\frac{\partial L}{\partial x_{n,c,i,j}} = \sum_{f,a,b} w_{c,f,a,b}\;
#   \mathrm{dout}_{n,f,\; s\,i + a - p,\; s\,j + b - p}, \qquad
# \frac{\partial L}{\partial w_{c,f,a,b}} = \;\boldsymbol{?} \tag{6}$$
#
# The first is an ordinary convolution of `dout` with stride $s$. **Your step:** the second. Which
# indices of (4) does $w_{c,f,a,b}$ *not* carry? Over those you sum. Pixels that were cut off have
# gradient 0; the easiest way is to put `dout` back into a canvas of zeros of the uncut size.


# %% nbgrader={"grade": false, "grade_id": "conv_transpose_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_transpose_backward(dout, cache):
    """Compute the gradients of a transposed convolution.

    Parameters
    ----------
    dout : (N, F, H', W') array of float
        Upstream gradient; not modified.
    cache : object
        From conv_transpose_forward.

    Returns
    -------
    dx : (N, C, H, W) array of float
        Gradient with respect to the input.
    dw : (C, F, HH, WW) array of float
        Gradient with respect to the stamps.
    db : (F,) array of float
        Gradient with respect to the biases.
    """
    ### BEGIN SOLUTION
    x, w, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    H, W = x.shape[2:]
    dcanvas = np.pad(dout, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dx = np.zeros(x.shape, dtype=np.result_type(dout, w))
    dw = np.zeros(w.shape, dtype=np.result_type(dout, x))
    for i, j in itertools.product(range(w.shape[2]), range(w.shape[3])):
        under = dcanvas[
            :, :, i : i + (H - 1) * stride + 1 : stride, j : j + (W - 1) * stride + 1 : stride
        ]
        dx += np.einsum("nfhw,cf->nchw", under, w[:, :, i, j], optimize=True)
        dw[:, :, i, j] = np.einsum("nchw,nfhw->cf", x, under, optimize=True)
    return dx, dw, dout.sum(axis=(0, 2, 3))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_conv_transpose_backward", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(8)
x, w, b = (rng.standard_normal(shape) for shape in ((2, 3, 2, 4), (3, 2, 4, 3), 2))
for conv_param in ({"stride": 1, "pad": 0}, {"stride": 3, "pad": 1}):
    out, kept = conv_transpose_forward(x, w, b, conv_param)
    dout = rng.standard_normal(out.shape)
    grads = conv_transpose_backward(dout, kept)
    for index, name in enumerate(("x", "w", "b")):
        arrays = [x, w, b]

        def loss(array, arrays=arrays, index=index, conv_param=conv_param, dout=dout):
            moved = [array if k == index else a for k, a in enumerate(arrays)]
            return np.sum(conv_transpose_forward(*moved, conv_param)[0] * dout)

        label = f"d{name} for stride {conv_param['stride']}, pad {conv_param['pad']}"
        assert_shape(grads[index], arrays[index].shape, name=label)
        assert_gradient(loss, arrays[index], grads[index], name=label)
print("✓ conv_transpose_backward")

# %% [markdown]
# ## 7. A stamp that interpolates
#
# Which stamp? It can be learned. A good start, and often good enough for good, is one that
# interpolates: **bilinear upsampling**. To enlarge by the factor $f$, let stamps be tents, 1 at the
# centre and falling linearly to 0 at the distance of the next centre, which is $f$ pixels away:
#
# $$k_a = 1 - \frac{|a - c|}{f}, \quad a = 0, \dots, m - 1, \qquad
#   m = 2f - (f \bmod 2), \qquad c = \frac{m - 1}{2}, \qquad w_{c,c,a,b} = k_a\, k_b . \tag{7}$$
#
# The size $m$ is the largest for which all entries are positive; for even factors it is even, and the
# centre $c$ lies between two pixels. With stride $f$ and `pad` $= \lfloor f/2 \rfloor$ the output has exactly $f$ times as many rows
# and columns. Every channel is upsampled by itself: **your step** is to see where a stamp of shape
# $(C, C, m, m)$ has to be zero for that.


# %% nbgrader={"grade": false, "grade_id": "bilinear_kernel", "locked": false, "schema_version": 3, "solution": true, "task": false}
def bilinear_kernel(channels, factor):
    """Return the stamps with which a transposed convolution interpolates bilinearly.

    Use them with ``stride = factor`` and ``pad = factor // 2``.

    Parameters
    ----------
    channels : int
        The number C of channels, each of which is upsampled by itself.
    factor : int
        By how much maps are enlarged, at least 1.

    Returns
    -------
    (C, C, m, m) array of float
        ``m = 2 * factor - factor % 2``; tents from each channel to itself, 0 elsewhere.
    """
    ### BEGIN SOLUTION
    size = 2 * factor - factor % 2
    tent = 1 - np.abs(np.arange(size) - (size - 1) / 2) / factor
    kernel = np.zeros((channels, channels, size, size))
    kernel[range(channels), range(channels)] = np.outer(tent, tent)
    return kernel
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_bilinear_kernel", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
assert_shape(bilinear_kernel(3, 2), (3, 3, 4, 4), name="the kernel of factor 2")
assert_shape(bilinear_kernel(1, 3), (1, 1, 5, 5), name="the kernel of factor 3")
tent = np.array([1, 3, 3, 1]) / 4
assert_close(bilinear_kernel(3, 2)[1, 1], np.outer(tent, tent), name="the stamp of factor 2")
assert_close(bilinear_kernel(3, 2)[0, 2], np.zeros((4, 4)), name="the stamp between two channels")
tent = np.array([1, 2, 3, 2, 1]) / 3
assert_close(bilinear_kernel(1, 3)[0, 0], np.outer(tent, tent), name="the stamp of factor 3")
print("✓ bilinear_kernel")

# %% [markdown]
# **Predict before you run.** Three stamps enlarge the same small picture four times: ones of size 4 (side
# by side), a tent of size 8, and ones of size 6, which is no multiple of the stride. Two of the
# results you can surely imagine. What about the third, where some pixels get one stamp and others get
# four?

# %% tags=["demo"]
small = as_input(train_scenes.images[3:4])[:, :, 2::4, 2::4].astype(np.float64)
fig, axes = plt.subplots(1, 4, figsize=(9, 2.6), layout="constrained")


def ones_kernel(size):
    """Return stamps of ones, from each channel to itself."""
    return np.eye(3)[:, :, None, None] * np.ones((size, size))


for axis, (title, w, pad) in zip(
    axes,
    (
        ("24×24", None, 0),
        ("ones, size 4", ones_kernel(4), 0),
        ("tent, size 8", bilinear_kernel(3, 4), 2),
        ("ones, size 6", ones_kernel(6), 1),
    ),
    strict=True,
):
    up = small
    if w is not None:
        up, _ = conv_transpose_forward(small + 1, w, np.zeros(3), {"stride": 4, "pad": pad})
        up = up / 2 if pad != 1 else up / 4.5
    else:
        up = (up + 1) / 2
    axis.imshow(up[0].transpose(1, 2, 0).clip(0, 1))
    axis.set(title=title, xticks=[], yticks=[])

# %% [markdown]
# The third is the *checkerboard* that careless transposed convolutions print onto segmentations and
# generated images. Remedies: a size that is a multiple of the stride, or interpolation followed by an
# ordinary convolution.
#
# In the tent's picture the rim is dark: beyond it there are no stamps that would overlap. (Nobody minds
# in scores, where the largest counts and all fade together.)
#
# The network below uses `upsample`. It interpolates with one matrix product along each axis, which is
# the same operation in less time, and you need not trust that: the next cell compares it with your
# layer.


# %%
@cache
def interpolation_matrix(size, factor):
    """Return the (size * factor, size) matrix that interpolates linearly along one axis."""
    positions = (np.arange(size * factor) + 0.5) / factor - 0.5
    distances = np.abs(positions[:, None] - np.arange(size))
    return np.maximum(0, 1 - distances).astype(np.float32)


def upsample(x, factor):
    """Enlarge maps (N, K, H, W) to (N, K, factor * H, factor * W), bilinearly."""
    rows, columns = (interpolation_matrix(size, factor) for size in x.shape[2:])
    return rows @ x @ columns.T


def upsample_backward(dout, factor):
    """Return the gradient with respect to the maps that upsample was given."""
    rows, columns = (interpolation_matrix(size // factor, factor) for size in dout.shape[2:])
    return rows.T @ dout @ columns


# %% tags=["demo"]
x = np.random.default_rng(9).standard_normal((8, 11, 12, 12))
for factor in (2, 3, 4):
    param = {"stride": factor, "pad": factor // 2}
    ours, kept = conv_transpose_forward(x, bilinear_kernel(11, factor), np.zeros(11), param)
    assert_close(upsample(x, factor), ours, name=f"upsample by {factor}", rtol=1e-4, atol=1e-5)
    dx, _, _ = conv_transpose_backward(ours, kept)
    assert_close(
        upsample_backward(ours, factor), dx, name="upsample_backward", rtol=1e-4, atol=1e-5
    )
print("✓ upsample is your conv_transpose_forward with your bilinear_kernel; so are the gradients")

# %% [markdown]
# ## 8. Skip connections: what and where
#
# The deepest maps know *what*: each of their pixels has seen a large part of the picture, but there are
# only 6×6 of them. The early ones know *where*, at 24×24, and little of what. Long, Shelhamer and Darrell
# (2015) add them up, as scores:
#
# ```
# image 96×96
#   └─ stages a, b ── maps 24×24 ── 1×1 ──────────────────────► + ── ↑4 ──► FCN-4s
#        └─ stage c ── maps 12×12 ── 1×1 ─────────► + ── ↑2 ────┘
#             │                                     │   (or ↑8 at once:  FCN-8s)
#             └─ stage d ── maps 6×6 ── 1×1 ── ↑2 ──┘
#                                           (or ↑16 at once: FCN-16s)
# ```
#
# A 1×1 convolution scores each level for every class. The coarse scores are enlarged twofold and the
# finer ones are added; and again. Stop after zero, one or two additions and you have three networks of
# increasing detail: in the paper **FCN-32s, 16s and 8s**, after the stride at which the scores end. Our
# backbone halves four times, not five, and the picture is small: ours are 16s, 8s and 4s.
#
# One such step is a layer:
#
# $$\mathrm{out} = \mathrm{upsample}_2(\mathrm{coarse}) + \mathrm{conv}_{1\times1}(\mathrm{fine};\, w, b) . \tag{8}$$
#
# A 1×1 convolution is a matrix product over channels, at every pixel: $s_{nkij} = \sum_c w_{kc11}\, x_{ncij} + b_k$.
# (Since it is a fully connected layer for every pixel, `fc_to_conv` with $H = W = 1$ describes it.) Use
# `upsample(coarse, 2)` for the other term.


# %% nbgrader={"grade": false, "grade_id": "skip_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def skip_forward(coarse, fine, w, b):
    """Add scores of fine maps to coarse scores that are enlarged twofold.

    Parameters
    ----------
    coarse : (N, K, H, W) array of float
        Scores of K classes; not modified.
    fine : (N, C, 2 * H, 2 * W) array of float
        Maps of an earlier stage; not modified.
    w : (K, C, 1, 1) array of float
        Weights of the 1×1 convolution that scores them.
    b : (K,) array of float
        Its biases.

    Returns
    -------
    out : (N, K, 2 * H, 2 * W) array of float
        Scores.
    cache : object
        What skip_backward needs.
    """
    ### BEGIN SOLUTION
    scores = np.einsum("kc,nchw->nkhw", w[:, :, 0, 0], fine, optimize=True) + b[:, None, None]
    return upsample(coarse, 2) + scores, (fine, w)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_skip_forward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(10)
shapes = (2, 3, 2, 4), (2, 5, 4, 8), (3, 5, 1, 1), 3
coarse, fine, w, b = (rng.standard_normal(shape) for shape in shapes)
out, _ = skip_forward(coarse, fine, w, b)
assert_shape(out, (2, 3, 4, 8), name="out")
at_pixel = fine[1, :, 2, 5] @ w[:, :, 0, 0].T + b
assert_close(out[1, :, 2, 5], upsample(coarse, 2)[1, :, 2, 5] + at_pixel, name="out[1, :, 2, 5]")
print("✓ skip_forward")

# %% [markdown]
# **Your step:** the gradients. At the sum, `dout` goes both ways unchanged. On one way it meets an
# enlargement, whose backward pass is `upsample_backward(dout, 2)`; on the other a matrix product at
# every pixel. Which indices does $w_{kc}$ not carry?


# %% nbgrader={"grade": false, "grade_id": "skip_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def skip_backward(dout, cache):
    """Compute the gradients of skip_forward.

    Parameters
    ----------
    dout : (N, K, 2 * H, 2 * W) array of float
        Upstream gradient; not modified.
    cache : object
        From skip_forward.

    Returns
    -------
    dcoarse : (N, K, H, W) array of float
        Gradient with respect to the coarse scores.
    dfine : (N, C, 2 * H, 2 * W) array of float
        Gradient with respect to the fine maps.
    dw : (K, C, 1, 1) array of float
        Gradient with respect to the weights.
    db : (K,) array of float
        Gradient with respect to the biases.
    """
    ### BEGIN SOLUTION
    fine, w = cache
    dfine = np.einsum("kc,nkhw->nchw", w[:, :, 0, 0], dout, optimize=True)
    dw = np.einsum("nkhw,nchw->kc", dout, fine, optimize=True)[:, :, None, None]
    return upsample_backward(dout, 2), dfine, dw, dout.sum(axis=(0, 2, 3))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_skip_backward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(11)
arrays = [rng.standard_normal(shape) for shape in ((2, 3, 2, 4), (2, 5, 4, 8), (3, 5, 1, 1), 3)]
out, kept = skip_forward(*arrays)
dout = rng.standard_normal(out.shape)
grads = skip_backward(dout, kept)
for index, name in enumerate(("dcoarse", "dfine", "dw", "db")):

    def loss(array, index=index):
        moved = [array if k == index else a for k, a in enumerate(arrays)]
        return np.sum(skip_forward(*moved)[0] * dout)

    assert_shape(grads[index], arrays[index].shape, name=name)
    assert_gradient(loss, arrays[index], grads[index], name=name, rtol=1e-4)
print("✓ skip_backward")

# %% [markdown]
# ## 9. Training
#
# All is there. The network below takes the backbone of the classifier, throws its last layer away,
# and scores the three levels with your layers. Three decisions deserve a word.
#
# *Patches.* Most of a scene is background. Patches of 48×48 pixels around objects have a quarter of the
# pixels and most of what there is to learn, so a step costs a quarter. One patch in five is taken anywhere,
# for the background to be known, too. The network is fully convolutional: trained on 48×48, it is used on 96×96.
#
# *A margin.* A patch may reach beyond the scene. There the picture is grey, and the label is 255:
# your loss looks away.
#
# *Three networks in one.* 16s, 8s and 4s share the backbone and learn at the same time; the loss is the
# sum of their three losses, with equal weights. So they see equal images for equally many steps. (It is
# a compromise all the same: one backbone serves three masters. In the paper each network is trained
# by itself, starting from the coarser one.)
#
# **Predict before you run.** By how much will each skip connection raise the mean IoU? Which class will
# profit most: one of compact or one of thin, ragged objects?


# %% tags=["demo"]
def new_head(rng):
    """Return parameters of the three 1×1 convolutions that score the levels."""
    head = {}
    for level, channels, scale in ((16, 96, 1.0), (8, 64, 0.3), (4, 48, 0.3)):
        w = scale * rng.standard_normal((num_classes, channels, 1, 1)) / np.sqrt(channels)
        head[f"score{level}.w"] = w.astype(np.float32)
        head[f"score{level}.b"] = np.zeros(num_classes, np.float32)
    return head


def fcn_forward(params, averages, x, mode):
    """Return the scores {16: ..., 8: ..., 4: ...}, each at its own resolution, and a tape."""
    maps, tape = backbone_forward(params, averages, x, mode)
    w, b = (params[f"score16.{k}"] for k in "wb")
    scores16, cache16 = conv_forward_fast(maps[16], w, b, {"stride": 1, "pad": 0})
    scores8, cache8 = skip_forward(scores16, maps[8], params["score8.w"], params["score8.b"])
    scores4, cache4 = skip_forward(scores8, maps[4], params["score4.w"], params["score4.b"])
    return {16: scores16, 8: scores8, 4: scores4}, (tape, cache16, cache8, cache4)


def fcn_backward(dscores, tapes):
    """Return the gradients of all parameters."""
    tape, cache16, cache8, cache4 = tapes
    grads, dmaps = {}, {}
    dcoarse, dmaps[4], grads["score4.w"], grads["score4.b"] = skip_backward(dscores[4], cache4)
    dcoarse, dmaps[8], grads["score8.w"], grads["score8.b"] = skip_backward(
        dscores[8] + dcoarse, cache8
    )
    dmaps[16], grads["score16.w"], grads["score16.b"] = conv_backward_fast(
        (dscores[16] + dcoarse).astype(np.float32), cache16
    )
    return grads | backbone_backward(dmaps, tape)


def patches(scenes, number, rng, size=48, margin=8):
    """Yield batches of patches and their class maps without end, most of them around objects."""
    around = ((0, 0), (margin, margin), (margin, margin))
    pictures = np.pad(scenes.images, (*around, (0, 0)), constant_values=128)
    truths = np.pad(scenes.class_maps, around, constant_values=255)
    furthest = truths.shape[1] - size
    objects = np.argwhere(scenes.labels >= 0)
    while True:
        X, y = np.empty((number, size, size, 3), np.uint8), np.empty((number, size, size), np.uint8)
        for n, (scene, k) in enumerate(objects[rng.integers(len(objects), size=number)]):
            x1, y1, x2, y2 = scenes.boxes[scene, k] + margin
            centre = np.array([(y1 + y2) / 2, (x1 + x2) / 2]) + rng.integers(-12, 13, size=2)
            corner = np.clip(centre - size / 2, 0, furthest).astype(int)
            if rng.random() < 0.2:
                corner = rng.integers(furthest + 1, size=2)
            rows, columns = (slice(c, c + size) for c in corner)
            flip = slice(None, None, rng.choice([-1, 1]))
            X[n] = pictures[scene, rows, columns][:, flip]
            y[n] = truths[scene, rows, columns][:, flip]
        yield as_input(X), y


def train_fcn(steps):
    """Return parameters, averages and the history of the loss of the finest network."""
    rng = np.random.default_rng(12)
    start, start_averages = classifier()
    params = {k: v.copy() for k, v in start.items() if not k.startswith("fc")} | new_head(rng)
    averages = {k: dict(v) for k, v in start_averages.items()}
    adam, history = Adam(params, 5e-3, steps), []
    batches = patches(train_scenes, 32, rng)
    for _ in progress(range(steps), "segmenter"):
        X, y = next(batches)
        scores, tapes = fcn_forward(params, averages, X, "train")
        dscores = {}
        for level in (16, 8, 4):
            loss, dfull = segmentation_loss(upsample(scores[level], level), y)
            dscores[level] = upsample_backward(dfull, level)
        history.append(loss)
        adam.step(fcn_backward(dscores, tapes))
    return params, averages, history


@cache
def segmenter():
    """Return the trained network, trained when it is first asked for."""
    return train_fcn(600)


_ = plot_losses(
    segmenter()[2],
    expected_start=np.log(num_classes),
    title="Loss per pixel of each batch (FCN-4s)",
)

# %% [markdown]
# On to the scenes that it has never seen, at their full size.


# %% tags=["demo"]
@cache
def predictions():
    """Return the class maps that the three networks predict for the test scenes."""
    params, averages, _ = segmenter()
    found = {16: [], 8: [], 4: []}
    for start in range(0, len(test_scenes), 25):
        X = as_input(test_scenes.images[start : start + 25])
        scores, _ = fcn_forward(params, averages, X, "test")
        for level, maps in scores.items():
            found[level].append(upsample(maps, level).argmax(axis=1))
    return {level: np.concatenate(maps) for level, maps in found.items()}


@cache
def confusions():
    """Return the confusion matrices of the three networks on the test scenes."""
    return {
        level: confusion_matrix(maps, test_scenes.class_maps, num_classes)
        for level, maps in predictions().items()
    }


found = confusions()
print("            mean IoU   pixel accuracy")
print(f"background   {mean_iou(lazy)[0]:6.1%}       {pixel_accuracy(lazy):6.1%}")
for level, confusion in found.items():
    score = mean_iou(confusion)[0]
    print(f"FCN-{level}s".ljust(12), f"{score:6.1%}       {pixel_accuracy(confusion):6.1%}")
assert mean_iou(found[4])[0] >= 0.55, "mean IoU of FCN-4s below 55%: is a layer not right yet?"
print("✓ FCN-4s: mean IoU of at least 55% on scenes it has never seen")

# %% [markdown]
# Compare the two columns, and you see why nobody ranks segmenters by pixel accuracy. And here are six
# scenes, as they come and not chosen.

# %% tags=["demo"]
shown = list(range(6, 12))
_ = show_class_maps(
    test_scenes.images[shown],
    test_scenes.class_maps[shown],
    pixel_classes,
    predictions=predictions()[4][shown],
    title="FCN-4s on scenes that it has never seen",
)

# %% [markdown]
# The picture of the paper, with the three of these scenes in which objects fill most pixels: the same
# scores, stopped after zero, one and two skip connections.

# %% tags=["demo"]
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

# The colours of the figure above.
colors = np.array([to_rgb(color) for color in ("white", *COLORS)])
filled = (test_scenes.class_maps[shown] > 0).sum(axis=(1, 2))
largest = [shown[i] for i in np.argsort(-filled)[:3]]
fig, axes = plt.subplots(3, 5, figsize=(9, 6), layout="constrained")
occurring = set()
for line, scene in zip(axes, largest, strict=True):
    line[0].imshow(test_scenes.images[scene])
    grey = test_scenes.images[scene].mean(axis=2, keepdims=True) / 255
    pictures = [predictions()[level][scene] for level in (16, 8, 4)]
    for axis, classes in zip(line[1:], [*pictures, test_scenes.class_maps[scene]], strict=True):
        axis.imshow(0.75 * colors[classes] + 0.25 * grey, interpolation="nearest")
        occurring |= set(np.unique(classes).tolist()) - {0}
for axis, title in zip(axes[0], ("image", "FCN-16s", "FCN-8s", "FCN-4s", "truth"), strict=True):
    axis.set_title(title)
for axis in axes.flat:
    axis.set(xticks=[], yticks=[])
patches_of_color = [Patch(color=colors[k], label=pixel_classes[k]) for k in sorted(occurring)]
_ = fig.legend(handles=patches_of_color, loc="outside lower center", ncols=5, frameon=False)

# %% [markdown]
# **Predict before you run.** Which classes are hard, and what are they taken for?

# %% tags=["demo"]
fig, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
order = np.argsort(mean_iou(confusions()[4])[1])
for offset, (level, color) in enumerate(
    zip((16, 8, 4), (MUTED, COLORS[5], COLORS[0]), strict=True)
):
    iou = mean_iou(confusions()[level])[1][order]
    axes[0].barh(
        np.arange(num_classes) + 0.26 * (offset - 1), iou, 0.25, color=color, label=f"FCN-{level}s"
    )
axes[0].set(
    yticks=range(num_classes),
    yticklabels=[pixel_classes[k] for k in order],
    xlabel="IoU",
    xlim=(0, 1),
)
axes[0].spines[["top", "right"]].set_visible(False)
axes[0].legend(frameon=False, loc="lower right")
shares = confusions()[4] / confusions()[4].sum(axis=1, keepdims=True)
axes[1].imshow(shares, cmap="Blues", vmin=0, vmax=1)
for (row, column), share in np.ndenumerate(shares):
    if share >= 0.03:
        color = "white" if share > 0.6 else "black"
        axes[1].text(
            column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=7, color=color
        )
axes[1].set(
    xticks=range(num_classes), yticks=range(num_classes), xlabel="predicted", ylabel="truth"
)
axes[1].set_xticklabels(pixel_classes, rotation=60, ha="right")
axes[1].set_yticklabels(pixel_classes)
_ = axes[1].set_title("FCN-4s: where the pixels of a class go, in percent", fontsize=10)

# %% [markdown]
# And where in the picture are the mistakes? For each pixel take the distance to the nearest pixel of
# another true class, that is, to an outline.
#
# **Predict before you run.** At which distance are most of the mistakes, and what do skip connections
# do about that?


# %% tags=["demo"]
def distance_to_outline(truth, furthest=8):
    """Return for each pixel how many steps away an outline is, at most `furthest`."""
    distance = np.full(truth.shape, furthest)
    for steps in range(furthest - 1, 0, -1):
        for axis, shift in itertools.product((1, 2), (-steps, steps)):
            rolled = np.roll(truth, shift, axis)
            inside = np.ones(truth.shape[axis], bool)
            if shift > 0:
                inside[:shift] = False
            else:
                inside[shift:] = False
            shape = [1, 1, 1]
            shape[axis] = -1
            distance[(rolled != truth) & inside.reshape(shape)] = steps
    return distance


distance = distance_to_outline(test_scenes.class_maps)
fig, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
for level, color, marker in ((16, MUTED, "s"), (8, COLORS[5], "^"), (4, COLORS[0], "o")):
    wrong = predictions()[level] != test_scenes.class_maps
    rates = [wrong[distance == d].mean() for d in range(1, 9)]
    axis.plot(range(1, 9), rates, color=color, marker=marker, label=f"FCN-{level}s")
axis.set(
    xlabel="distance to the nearest outline (pixels; 8: 8 and more)",
    ylabel="share that is wrong",
    ylim=(0, None),
)
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False)

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_skips", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# Someone proposes to leave out the deep stages altogether: "the 24×24 maps have the finest resolution,
# so score only those". Why is that no good idea? And why does the network not simply keep all its maps at
# full resolution?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_skips", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# The maps at stride 4 come from a few layers: each of their pixels has seen a small window (15 pixels
# across here), enough for colours, edges and textures but not for telling what object a blue patch belongs
# to. The deep maps supply that; the sum takes *what* from the one and *where* from the other.
#
# Full resolution everywhere costs memory and time in proportion to the number of pixels: at stride 16 a
# convolution costs 256 times less than at stride 1. And the receptive field would grow by two pixels per
# 3×3 layer only. (Dilated convolutions, as in DeepLab, are the compromise: the field grows without a
# stride, and the cost is paid.)

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **What is a transposed convolution, and is it the inverse of a convolution?** The multiplication with
# the transposed matrix of a convolution, which is what backpropagation applies to `dout`: it restores
# the *shape* of the input, not its values.
#
# **How do you get from a classifier to a dense prediction?** Read each fully connected layer as a
# convolution whose filter is as large as its input, exchange the last for one 1×1 filter per class, enlarge
# the scores, and fine-tune with a loss per pixel.
#
# **Why mean IoU?** Pixel accuracy is ruled by the largest class. IoU divides by the union, so that
# neither "background everywhere" nor "boat everywhere" pays, and the mean gives each class the same
# weight. Sum up the confusion matrix over the whole test set *first*; the mean of the IoUs of single
# images is another, noisier number.
#
# **FCN or U-Net?** Both add early maps on the way up. FCN adds *scores*, with as many channels as classes;
# U-Net concatenates *features* and convolves them, with a decoder as large as the encoder. That
# gives finer outlines, for more memory.
#
# **Where do checkerboard patterns come from?** From stamps whose size is no multiple of the stride:
# neighbouring pixels get different numbers of contributions. Choose sizes accordingly, or interpolate
# and convolve.
#
# **Classes are very unequal. What can you do?** Weight the loss by class, sample patches around rare objects
# (as we did), use focal loss or a loss that is made from overlap (Dice). All of them change what the scores mean as
# probabilities: measure on the true distribution.
#
# **Semantic, instance, panoptic?** Semantic: a class for each pixel; two boats that touch are one region.
# Instance: a mask for each object. Panoptic: both, a class for every pixel and a number for every object.
#
# ## Read more
#
# - J. Long, E. Shelhamer, T. Darrell, [Fully convolutional networks for semantic
#   segmentation](https://arxiv.org/abs/1411.4038), 2015: this notebook, on PASCAL VOC.
# - O. Ronneberger, P. Fischer, T. Brox, [U-Net](https://arxiv.org/abs/1505.04597), 2015: skip
#   connections that concatenate.
# - A. Odena, V. Dumoulin, C. Olah, [Deconvolution and checkerboard
#   artifacts](https://distill.pub/2016/deconv-checkerboard/), 2016: with stamps to play with.
# - V. Dumoulin, F. Visin, [A guide to convolution arithmetic for deep
#   learning](https://arxiv.org/abs/1603.07285), 2016: every size formula, with pictures.

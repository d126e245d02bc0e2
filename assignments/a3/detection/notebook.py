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
# # Object detection: what is where
#
# **Goal.** You build the parts of which every object detector is made, from the overlap of two
# boxes to the loss of a whole network, each with its gradient. With them you follow the road from
# R-CNN over Fast and Faster R-CNN to YOLO, on one small backbone that you train here, and measure
# what each turn of the road made faster.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `iou` | how well two boxes agree |
# | 3 | `nms` | one box for each object, out of many |
# | 4 | `average_precision` | how good a detector is |
# | 5 | `roi_pool_forward`, `roi_pool_backward` | features of a region, Fast R-CNN's way |
# | 6 | `interpolation_weights`, `roi_align_forward`, `roi_align_backward` | the same without rounding |
# | 7 | `generate_anchors`, `encode_boxes`, `decode_boxes` | boxes to start from, and the way from them |
# | 8 | `assign_anchors`, `rpn_loss` | a network that proposes regions: Faster R-CNN |
# | 9 | `yolo_targets`, `yolo_loss` | no regions at all |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library, and they see their arguments, your imports
# and your other functions; they cannot see data that the notebook has loaded. None of them may
# change the arrays it is given.
#
# The layers of the networks come from `cs231n_lib.fast_layers`, since you have written your own;
# what you wrote in [`two_layer_net`](two_layer_net.ipynb) and your `adam` from
# [`optimizers`](optimizers.ipynb) train them. (When graded, faultless versions of earlier notebooks
# stand in for yours, so that no mistake costs you points twice.)
#
# You need those two notebooks and an idea of what a convolution does; and about four hours.

# %%
import time
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from cs231n_lib.checking import assert_close, assert_finite, assert_gradient, assert_shape
from cs231n_lib.fast_layers import (
    conv_backward_fast,
    conv_forward_fast,
    spatial_batchnorm_backward_fast,
    spatial_batchnorm_forward_fast,
)
from cs231n_lib.notebooks import from_notebook
from cs231n_lib.plots import plot_losses, plot_times, show_boxes
from cs231n_lib.plots.style import COLORS
from cs231n_lib.progress import progress
from cs231n_lib.scenes import CLASS_NAMES, make_scenes

layers = from_notebook("two_layer_net")
optimizers = from_notebook("optimizers")

# %% [markdown]
# ## 1. The task, and what a box is
#
# A classifier says what is on an image. A detector says it of every object, and where the object
# is, by a box around it. The scenes below hold one to five objects of ten kinds; some hide part of
# others.

# %% tags=["demo"]
train_scenes = make_scenes(1500, np.random.default_rng(0))
test_scenes = make_scenes(300, np.random.default_rng(1))


def boxes_and_labels(scenes, i):
    """Return the boxes (K, 4) and labels (K,) of scene i, without the padding."""
    count = scenes.num_objects[i]
    return scenes.boxes[i, :count], scenes.labels[i, :count]


fig, axes = plt.subplots(1, 4, figsize=(12, 3.1), layout="constrained")
for axis, i in zip(axes, (1, 4, 7, 13), strict=True):
    boxes, labels = boxes_and_labels(test_scenes, i)
    show_boxes(test_scenes.images[i], boxes, labels, class_names=CLASS_NAMES, ax=axis)

# %% [markdown]
# **The convention.** A box is four numbers $(x_1, y_1, x_2, y_2)$: its left, top, right and bottom
# edge, as *lengths* from the upper left corner of the image, $x$ to the right, $y$ downwards.
# They are positions of edges, not numbers of pixels: the pixel in row $i$ and column $j$ is the
# square from $(j, i)$ to $(j + 1, i + 1)$, and its centre is at $(j + ½, i + ½)$. So
#
# - a box is $x_2 - x_1$ wide and $y_2 - y_1$ high, *without* a "+ 1", and need not be whole
#   numbers;
# - a box around columns 3, 4 and 5 has $x_1 = 3$ and $x_2 = 6$: the last pixel is included, and
#   $x_2$ is one past its number;
# - a box with $x_2 \le x_1$ or $y_2 \le y_1$ is *degenerate*: it holds nothing, and its area is 0.
#
# (Old code, that of VOC and of the first R-CNNs among it, counts pixels, and is full of "+ 1". A
# detector in which half of the code follows one convention and half the other is off by a pixel,
# trains nevertheless, and loses a few points forever.)
#
# ## 2. Intersection over union
#
# When is a predicted box right? Hardly ever to the pixel. So one asks how much the boxes $A$ and $B$
# agree:
#
# $$\mathrm{IoU}(A, B) = \frac{|A \cap B|}{|A \cup B|}
#   = \frac{|A \cap B|}{|A| + |B| - |A \cap B|} \in [0, 1] , \tag{1}$$
#
# with areas between bars. The intersection of two boxes is a box again: its left edge is the
# farther right of the two left edges, its right edge the farther left of the two right ones, and so
# on. **Your step:** that gives four numbers for *any* two boxes, also for two that lie far apart.
# What does the "width" look like then, and what does the product of two such numbers? Decide what to
# do about it before you multiply.
#
# Boxes that touch have IoU 0. A degenerate box has IoU 0 with every box, also with itself and with
# another degenerate one, where (1) would be $0/0$.
#
# A detector compares thousands of boxes with each other, so compute all pairs at once. With
# `boxes1[:, None, :]` of shape $(N, 1, 4)$ and `boxes2[None, :, :]` of shape $(1, M, 4)$,
# broadcasting does the rest.


# %% nbgrader={"grade": false, "grade_id": "iou", "locked": false, "schema_version": 3, "solution": true, "task": false}
def iou(boxes1, boxes2):
    """Compute intersection over union of all pairs of boxes.

    Parameters
    ----------
    boxes1 : (N, 4) array of float
        Boxes x1, y1, x2, y2; N may be 0.
    boxes2 : (M, 4) array of float
        Others; M may be 0.

    Returns
    -------
    (N, M) array of float
        IoU of box i of the first and box j of the second, 0 where one of them is degenerate.
    """
    ### BEGIN SOLUTION
    upper_left = np.maximum(boxes1[:, None, :2], boxes2[None, :, :2])
    lower_right = np.minimum(boxes1[:, None, 2:], boxes2[None, :, 2:])
    intersection = np.prod(np.maximum(lower_right - upper_left, 0), axis=2)
    area1 = np.prod(np.maximum(boxes1[:, 2:] - boxes1[:, :2], 0), axis=1)
    area2 = np.prod(np.maximum(boxes2[:, 2:] - boxes2[:, :2], 0), axis=1)
    union = area1[:, None] + area2[None, :] - intersection
    return intersection / np.where(union > 0, union, 1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_iou", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
A = np.array([[0.0, 0.0, 4.0, 2.0]])
others = {
    "itself": ([0, 0, 4, 2], 1.0),
    "a box that covers its right half": ([2, 0, 4, 2], 1 / 2),
    "a box shifted by half its width": ([2, 0, 6, 2], 4 / 12),
    "a box that contains it": ([-1, -1, 7, 4], 8 / 40),
    "a box that touches it": ([4, 0, 6, 2], 0.0),
    "a box to its right and below": ([6, 5, 8, 9], 0.0),
    "a box above it, in the same columns": ([0, -5, 4, -3], 0.0),
    "a degenerate box": ([1, 1, 1, 1], 0.0),
    "a box turned inside out": ([3, 2, 1, 0], 0.0),
}
B = np.array([box for box, _ in others.values()], dtype=float)
result = iou(A, B)
assert_shape(result, (1, len(B)), name="the IoU of 1 and 9 boxes")
for value, (what, (_, expected)) in zip(result[0], others.items(), strict=True):
    assert_close(value, expected, name=f"the IoU with {what}")
assert_close(iou(B, A), result.T, name="the IoU with its arguments swapped")
point = np.array([[1.0, 1.0, 1.0, 1.0]])
assert_close(iou(point, point), [[0.0]], name="the IoU of a degenerate box with itself")
assert_shape(iou(A, np.zeros((0, 4))), (1, 0), name="the IoU with no boxes")
print("✓ iou")

# %% [markdown]
# How strict is "IoU at least 0.5", which has become the usual demand? **Predict before you run.**
# A square box of 25 pixels, as large as a typical object of ours, is shifted to the right. By how
# many pixels may it be off? And if it is shifted diagonally?

# %% tags=["demo"]
side, shifts = 25.0, np.linspace(0, 25, 101)
square = np.array([[0.0, 0.0, side, side]])
fig, axis = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
for name, direction, color, style in (
    ("shifted to the right", (1, 0), COLORS[0], "-"),
    ("shifted diagonally, in x and in y", (1, 1), COLORS[1], "--"),
):
    moved = square + shifts[:, None] * np.array([*direction, *direction])
    axis.plot(shifts, iou(square, moved)[0], style, color=color, linewidth=2, label=name)
axis.axhline(0.5, color="#707070", linestyle=":", linewidth=1)
axis.set(xlabel="shift in pixels", ylabel="IoU", xlim=(0, side), ylim=(0, 1.02))
axis.set_title("IoU of a 25×25 box with itself, shifted")
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False)

# %% [markdown]
# Half of the area shared is not enough: what is not shared counts twice, once for each box.
#
# ## 3. Non-maximum suppression
#
# Detectors find an object not once but many times: boxes a little to the left, a little larger, and
# all of them with a good score. **Non-maximum suppression** (NMS) keeps the best of each crowd, in
# four lines:
#
# 1. Take the box with the highest score among those that are left, and keep it.
# 2. Remove it, and all others that are left whose IoU *with it* is **above** the threshold.
# 3. If any are left, go to 1.
#
# Note what is compared: candidates with boxes that were *kept*. A box that overlaps only a removed
# one stays, so the order matters, and a chain of boxes, each overlapping the next, does not vanish
# altogether.


# %% nbgrader={"grade": false, "grade_id": "nms", "locked": false, "schema_version": 3, "solution": true, "task": false}
def nms(boxes, scores, iou_threshold=0.5):
    """Choose the boxes that non-maximum suppression keeps.

    Parameters
    ----------
    boxes : (N, 4) array of float
        Boxes x1, y1, x2, y2; N may be 0.
    scores : (N,) array of float
        How sure the detector is of each.
    iou_threshold : float
        Boxes go whose IoU with a kept one is above it.

    Returns
    -------
    (K,) array of int
        Indices of the boxes that are kept, that with the highest score first. (Of boxes with equal
        scores, any may come first.)
    """
    ### BEGIN SOLUTION
    left = np.argsort(-scores, kind="stable")
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        left = left[iou(boxes[best][None], boxes[left])[0] <= iou_threshold]
    return np.array(kept, dtype=np.int64)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_nms", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Five boxes of 8×4 in a row: neighbours have an IoU of 5/11, the others less than 0.15.
row = np.array([[3.0 * i, 0.0, 3.0 * i + 8.0, 4.0] for i in range(5)])
scores = np.array([0.5, 0.9, 0.8, 0.7, 0.6])
kept = nms(row, scores, 0.4)
assert_shape(kept, (2,), name="the kept of five boxes in a row, each overlapping its neighbours,")
assert_close(kept, [1, 3], name="the kept boxes: box 2 goes, so it cannot remove box 3. They")
assert_close(nms(row, scores, 0.5), [1, 2, 3, 4, 0], name="what is kept when nothing overlaps")
halves = np.array([[0.0, 0.0, 3.0, 1.0], [1.0, 0.0, 4.0, 1.0]])
kept = nms(halves, np.array([0.1, 0.2]), 0.5)
assert_shape(kept, (2,), name="the kept of two boxes whose IoU is exactly the threshold: both,")
assert_shape(nms(np.zeros((0, 4)), np.zeros(0)), (0,), name="the kept of no boxes")
print("✓ nms")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_nms", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# (a) Detectors run NMS for each class by itself. What would go wrong with one NMS over all classes?
# (b) Two cats sit in front of each other, and the IoU of their true boxes is 0.6. What does NMS with
# a threshold of 0.5 do, and what does it cost to raise the threshold? (c) How does the time of NMS
# grow with the number of boxes, and why does one throw away boxes with low scores first?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_nms", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) A cat on a car would be removed by the car, if their boxes overlap enough: different objects of
# different classes may well share a place. (The price of NMS for each class is that one object may
# be reported twice, as a mug and as a house.)
#
# (b) It keeps one of the cats, however good the network is: recall is lost for good. With a
# threshold of 0.7 both stay, but so do more duplicates of all other objects, which are false
# positives. (Ways out: *soft* NMS, which lowers scores instead of removing boxes, or a loss that
# matches each object with exactly one prediction, as in DETR, and needs no NMS.)
#
# (c) With N boxes and K kept ones, K·N overlaps are computed, up to N². Almost all candidates of a
# detector are background with tiny scores; without them N falls from thousands to tens.

# %% [markdown]
# ## 4. Average precision
#
# Accuracy does not describe a detector: there is no fixed number of answers. Take one class and all
# its detections on *all* test images, those with the highest scores first, and call each right or
# wrong:
#
# - Of the objects (of this class) *on the same image* take the one whose IoU with the detection is
#   largest. The detection is right, a *true positive*, if this IoU is **at least** the threshold,
#   usually 0.5, and if no detection with a higher score has claimed the object before.
# - All others are *false positives*: too far off, on nothing, or the second on the same object. (A
#   detection whose best object is taken does not get the second best.)
#
# After the first $k$ detections, with $t_k$ of them right, and $M$ objects in all,
#
# $$\text{precision}_k = \frac{t_k}{k}, \qquad \text{recall}_k = \frac{t_k}{M} . \tag{2}$$
#
# A lower score threshold means more recall and, as a rule, less precision. **Average precision** is
# the area under the curve of precision over recall, for all thresholds at once. The curve is a
# saw, so its teeth are filled first: at each recall, take the best precision that is reached *at
# this recall or any higher one*,
#
# $$\mathrm{AP} = \sum_{k} (\text{recall}_k - \text{recall}_{k-1})\,
#   \max_{j \ge k} \text{precision}_j , \qquad \text{recall}_0 = 0 . \tag{3}$$
#
# Objects that are never found need no special care (why?). Without any detections AP is 0. Without
# any *objects* it is not defined: return `np.nan`. The mean of AP over all classes is **mAP**.


# %% nbgrader={"grade": false, "grade_id": "average_precision", "locked": false, "schema_version": 3, "solution": true, "task": false}
def average_precision(boxes, scores, images, true_boxes, true_images, iou_threshold=0.5):
    """Compute the average precision of the detections of one class.

    Parameters
    ----------
    boxes : (N, 4) array of float
        All detections of this class, on all images, in any order.
    scores : (N,) array of float
        Their scores; no two are equal.
    images : (N,) array of int
        On which image each detection is.
    true_boxes : (M, 4) array of float
        All objects of this class, on all images.
    true_images : (M,) array of int
        On which image each object is.
    iou_threshold : float
        The IoU that a right detection has at least.

    Returns
    -------
    float
        Area under the filled curve of precision over recall, between 0 and 1; NaN if M is 0.
    """
    ### BEGIN SOLUTION
    if len(true_boxes) == 0:
        return np.nan
    overlap = np.where(images[:, None] == true_images, iou(boxes, true_boxes), 0.0)
    found = np.zeros(len(true_boxes), dtype=bool)
    right = np.zeros(len(boxes))
    for k, i in enumerate(np.argsort(-scores, kind="stable")):
        best = np.argmax(overlap[i])
        if overlap[i, best] >= iou_threshold and not found[best]:
            found[best] = True
            right[k] = 1.0
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return np.sum(right * envelope) / len(true_boxes)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_average_precision", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
square = np.array([[0.0, 0.0, 10.0, 10.0]])


def small_ap(shifts, scores, images, num_images=2):
    """AP of shifted squares, where every image holds one square."""
    boxes = square + np.array(shifts, dtype=float)[:, None]
    return average_precision(
        boxes,
        np.array(scores),
        np.array(images),
        np.repeat(square, num_images, axis=0),
        np.arange(num_images),
    )


assert_close(small_ap([0, 0], [0.8, 0.9], [0, 1]), 1.0, name="AP if all objects are found")
assert_close(small_ap([0], [0.1], [1]), 0.5, name="AP if one of two objects is found, no errors")
assert_close(small_ap([0, 0], [0.8, 0.9], [1, 1]), 0.5, name="AP if one object is found twice")
assert_close(small_ap([0, 5], [0.8, 0.9], [0, 1]), 0.25, name="AP with the best detection far off")
# Right, wrong, wrong, right: precision 1, 1/2, 1/3, 1/2.
value = small_ap([0, 9, 9, 0], [0.9, 0.8, 0.7, 0.6], [0, 0, 1, 1])
assert_close(value, 0.5 * 1 + 0.5 * 0.5, name="AP of right, wrong, wrong, right")
# Wrong, right, right: precision 0, 1/2, 2/3; filled, the first right one counts 2/3.
value = small_ap([9, 0, 0], [0.9, 0.8, 0.7], [0, 0, 1])
assert_close(value, 2 / 3, name="AP of wrong, right, right (is the curve filled from the right?)")
nothing = average_precision(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), square, np.array([0]))
assert_close(nothing, 0.0, name="AP without detections")
nothing = average_precision(square, np.ones(1), np.array([0]), np.zeros((0, 4)), np.zeros(0, int))
assert np.isnan(nothing), "AP is not defined without objects: return np.nan"
print("✓ average_precision")

# %% [markdown]
# Two small tools for later, which you get for free: NMS for each class, and mAP.


# %%
def nms_per_class(boxes, scores, labels, iou_threshold=0.45):
    """Run NMS on each class by itself; return the boxes, scores and labels that are kept."""
    kept = [np.zeros(0, dtype=np.int64)]
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        kept.append(own[nms(boxes[own], scores[own], iou_threshold)])
    kept = np.concatenate(kept)
    return boxes[kept], scores[kept], labels[kept]


def average_precisions(detections, scenes, iou_threshold=0.5):
    """Return AP of each class; detections are one (boxes, scores, labels) for each scene."""
    boxes, scores, labels = (np.concatenate(part) for part in zip(*detections, strict=True))
    images = np.repeat(np.arange(len(detections)), [len(d[1]) for d in detections])
    num = len(detections)
    true_images, places = np.nonzero(scenes.labels[:num] >= 0)
    true_boxes, true_labels = (a[:num][true_images, places] for a in (scenes.boxes, scenes.labels))
    values = []
    for label in range(len(CLASS_NAMES)):
        own, true = labels == label, true_labels == label
        values.append(
            average_precision(
                boxes[own],
                scores[own],
                images[own],
                true_boxes[true],
                true_images[true],
                iou_threshold,
            )
        )
    return np.array(values)


# %% [markdown]
# ## 5. From R-CNN to Fast R-CNN: compute features once
#
# How to make a detector from a classifier? **R-CNN** (2014) did what first comes to mind: take some
# hundreds of *proposals*, boxes that may hold an object; cut each out, resize it to a fixed size,
# run the classifier on it, with one class more for "nothing"; then NMS. It works, and it takes the
# network as many times as there are proposals. But proposals overlap, and the same pixels are
# convolved again and again.
#
# **Fast R-CNN** (2015) turns the order around: convolve the whole image once, and cut the proposals
# out of the *feature map*. What is left for each proposal is a small head of fully connected
# layers. These want an input of fixed size, say 4×4 features in each channel, from regions of any
# size: that is **RoI pooling** (RoI: region of interest). For one RoI and one channel:
#
# 1. *Scale.* A map with stride 8 is 8 times smaller than the image: multiply the box by
#    `spatial_scale` = 1/8.
# 2. *Round outwards* to whole cells, and stay on the map of $H \times W$ cells: columns from
#    $l = \lfloor x_1 \rfloor$, clipped to $[0, W - 1]$, up to but without
#    $r = \max(l + 1, \min(\lceil x_2 \rceil, W))$; rows likewise. So at least one cell is left.
# 3. *Divide* the $w = r - l$ columns into $P_w$ bins. Bin $j$ goes from
#    $l + \lfloor j\, w / P_w \rfloor$ up to but without $l + \lceil (j + 1)\, w / P_w \rceil$. The
#    outward rounding makes neighbouring bins share a cell where $w$ is no multiple of $P_w$, and
#    lets $w < P_w$, with no bin empty. Rows likewise.
# 4. *Pool.* The output is the maximum over the cells of the bin.
#
# The batch index of each RoI says from which image's map it is cut. The backward pass you know from
# max pooling: the gradient goes to the cell that was the maximum. **Your step:** windows of an
# ordinary pooling layer are disjoint. Here bins share cells and RoIs overlap, so one cell may be
# the maximum of many. What must be done with its gradients, then?


# %% nbgrader={"grade": false, "grade_id": "roi_pool_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def roi_pool_forward(x, rois, roi_param):
    """Pool the features of regions to a fixed size, by maxima over bins of whole cells.

    Parameters
    ----------
    x : (N, C, H, W) array of float
        Feature maps.
    rois : (R, 5) array of float
        Regions: the index of the image in the batch, and x1, y1, x2, y2 in pixels of the image.
    roi_param : dict
        ``output_size``, the pair (PH, PW), and ``spatial_scale``, cells per pixel.

    Returns
    -------
    out : (R, C, PH, PW) array of float
        Maxima of the bins.
    cache : anything
        What the backward pass needs.
    """
    height_out, width_out = roi_param["output_size"]
    scale = roi_param["spatial_scale"]
    ### BEGIN SOLUTION
    _, channels, height, width = x.shape
    out = np.empty((len(rois), channels, height_out, width_out), dtype=x.dtype)
    where = np.empty(out.shape, dtype=np.int64)
    images = rois[:, 0].astype(np.int64)
    for r, (x1, y1, x2, y2) in enumerate(rois[:, 1:] * scale):
        left = int(np.clip(np.floor(x1), 0, width - 1))
        top = int(np.clip(np.floor(y1), 0, height - 1))
        w = max(1, int(min(np.ceil(x2), width)) - left)
        h = max(1, int(min(np.ceil(y2), height)) - top)
        for i in range(height_out):
            first, last = top + i * h // height_out, top - (-(i + 1) * h // height_out)
            for j in range(width_out):
                start, stop = left + j * w // width_out, left - (-(j + 1) * w // width_out)
                window = x[images[r], :, first:last, start:stop].reshape(channels, -1)
                best = window.argmax(axis=1)
                out[r, :, i, j] = window[np.arange(channels), best]
                row, column = np.divmod(best, stop - start)
                where[r, :, i, j] = (first + row) * width + start + column
    cache = x.shape, images, where
    ### END SOLUTION
    return out, cache


# %% nbgrader={"grade": true, "grade_id": "check_roi_pool_forward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
param = {"output_size": (2, 3), "spatial_scale": 0.5}
x = np.arange(35.0).reshape(1, 1, 5, 7)  # the cell in row i and column j holds 7 i + j
# Columns 1 to 6 and rows 0 to 3 after rounding outwards: bins of 2 by 2 cells.
out, _ = roi_pool_forward(x, np.array([[0, 2.5, 1.0, 13.0, 7.5]]), param)
assert_shape(out, (1, 1, 2, 3), name="out")
assert_close(out[0, 0], [[9, 11, 13], [23, 25, 27]], name="out of a region of 4 by 6 cells")
# Three rows in two bins: the bins share the middle row.
out, _ = roi_pool_forward(x, np.array([[0, 2.0, 0.0, 8.0, 6.0]]), param)
assert_close(out[0, 0], [[8, 9, 10], [15, 16, 17]], name="out where bins of rows overlap")
# A region of a single cell, and one that leaves the map.
out, _ = roi_pool_forward(x, np.array([[0, 6.0, 4.0, 6.0, 4.0], [0, 10.0, 7, 99.0, 99.0]]), param)
assert_close(out[0, 0], np.full((2, 3), 17.0), name="out of an empty region: its cell, everywhere;")
assert_close(out[1, 0], [[26, 27, 27], [33, 34, 34]], name="out of a region beyond the map")
# Two images, two channels; negative features.
x = -np.arange(2 * 2 * 3 * 3.0).reshape(2, 2, 3, 3)
out, _ = roi_pool_forward(
    x, np.array([[1, 0, 0, 3, 3.0]]), {"output_size": (1, 1), "spatial_scale": 1.0}
)
assert_close(out[0, :, 0, 0], [-18, -27], name="out of the second image")
print("✓ roi_pool_forward")


# %% nbgrader={"grade": false, "grade_id": "roi_pool_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def roi_pool_backward(dout, cache):
    """Compute the gradient of RoI pooling with respect to the feature maps.

    Parameters
    ----------
    dout : (R, C, PH, PW) array of float
        Gradient with respect to the output.
    cache : anything
        What ``roi_pool_forward`` returned.

    Returns
    -------
    (N, C, H, W) array of float
        Gradient with respect to x.
    """
    ### BEGIN SOLUTION
    shape, images, where = cache
    dx = np.zeros((shape[0], shape[1], shape[2] * shape[3]), dtype=dout.dtype)
    channels = np.arange(shape[1])[None, :, None, None]
    np.add.at(dx, (images[:, None, None, None], channels, where), dout)
    return dx.reshape(shape)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_roi_pool_backward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(0)
x, param = rng.standard_normal((2, 3, 5, 6)), {"output_size": (2, 3), "spatial_scale": 0.25}
rois = np.array([[0, 1, 2, 20, 17], [1, 3, 0, 9, 11], [0, 2, 2, 21, 18], [1, -4, 6, 40, 30.0]])
out, kept_for_later = roi_pool_forward(x, rois, param)
dout = rng.standard_normal(out.shape)
dx = roi_pool_backward(dout, kept_for_later)
assert_shape(dx, x.shape, name="dx")
assert_close(
    dx.sum(), dout.sum(), name="the sum of dx, which is that of dout: nothing gets lost. It"
)
assert_gradient(lambda x: np.sum(roi_pool_forward(x, rois, param)[0] * dout), x, dx, name="dx")
print("✓ roi_pool_backward")

# %% [markdown]
# ## 6. RoI Align: do not round
#
# On a map of stride 8, rounding outwards moves an edge by up to 8 pixels, a third of a typical
# object. For the class that does not matter much. For an exact box (or a mask: Mask R-CNN, 2017) it
# does. **RoI Align** rounds nothing:
#
# 1. Scale the box as before. Divide it into $P_h \times P_w$ bins of *equal* size, which may begin
#    and end anywhere inside cells.
# 2. In each bin place $s \times s$ sampling points evenly: in a bin from $a$ to $b$ they lie at
#    $a + (k + ½)\,\frac{b - a}{s}$, with $k = 0, \dots, s - 1$.
# 3. Interpolate the map at each point, and take the mean over the points of each bin.
#
# Interpolation is linear in $x$ and in $y$ (*bilinear*), between the *centres* of the cells. In our
# convention the centre of cell $j$ is at $j + ½$. So a point at $p$ lies at $q = p - ½$ on a scale
# where centres are whole numbers, between cells $\lfloor q \rfloor$ and $\lfloor q \rfloor + 1$,
# and takes the share $q - \lfloor q \rfloor$ of the latter and the rest of the former. Beyond the
# outermost centres the map goes on as it ends: clip $q$ to $[0, \text{size} - 1]$. (To forget the ½
# was a widespread mistake. It shifts all features by half a cell, 4 pixels here.)
#
# Everything here is a weighted sum of cells, and the weights of a point are a product of one for
# its row and one for its column. So are the means over a grid of points. For each RoI there is a
# matrix $A \in \mathbb{R}^{P_h \times H}$, that says how much each *row of the map* counts in each
# row of bins, and $B \in \mathbb{R}^{P_w \times W}$ for columns, and for each channel
#
# $$\text{out} = A\, X B^\top, \qquad X \in \mathbb{R}^{H \times W}. \tag{4}$$
#
# First these matrices, for one axis and all regions at once: row $i$ of matrix $r$ holds the mean
# over the $s$ points of bin $i$ of their weights on the cells.


# %% nbgrader={"grade": false, "grade_id": "interpolation_weights", "locked": false, "schema_version": 3, "solution": true, "task": false}
def interpolation_weights(starts, ends, num_bins, num_samples, size):
    """Compute how much each cell along an axis counts in each bin of RoI Align.

    Parameters
    ----------
    starts, ends : (R,) arrays of float
        Where each region begins and ends, in cells; ``starts <= ends``.
    num_bins : int
        Number of bins P along the axis.
    num_samples : int
        Number of sampling points s of each bin along the axis.
    size : int
        Number of cells along the axis.

    Returns
    -------
    (R, P, size) array of float
        Weights; each row has the sum 1.
    """
    ### BEGIN SOLUTION
    steps = (np.arange(num_bins * num_samples) + 0.5) / (num_bins * num_samples)
    points = starts[:, None] + (ends - starts)[:, None] * steps
    places = np.clip(points - 0.5, 0, size - 1)
    # A cell at distance d from a point has the weight 1 - d, if that is positive.
    weights = np.maximum(0, 1 - np.abs(places[:, :, None] - np.arange(size)))
    return weights.reshape(len(starts), num_bins, num_samples, size).mean(axis=2)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_interpolation_weights", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
weights = interpolation_weights(np.array([1.0]), np.array([3.0]), 2, 1, 4)
assert_shape(weights, (1, 2, 4), name="the weights")
# Bins from 1 to 2 and from 2 to 3, with a point in the middle of each: at the centres of cells.
assert_close(weights[0], [[0, 1, 0, 0], [0, 0, 1, 0]], name="the weights of points at centres")
weights = interpolation_weights(np.array([1.25]), np.array([2.25]), 1, 1, 4)
assert_close(weights[0], [[0, 0.75, 0.25, 0]], name="the weights of a point at 1.75")
weights = interpolation_weights(np.array([0.0]), np.array([4.0]), 1, 2, 4)
assert_close(weights[0], [[0.25, 0.25, 0.25, 0.25]], name="the weights of points at 1 and 3")
weights = interpolation_weights(np.array([-2.0, 3.5]), np.array([0.5, 9.5]), 1, 1, 4)
assert_close(weights[:, 0], [[1, 0, 0, 0], [0, 0, 0, 1]], name="the weights of points outside")
print("✓ interpolation_weights")

# %% [markdown]
# With (4) the forward pass is a product of three matrices for each RoI and channel, and the
# backward pass too. **Your step:** with $\text{out} = A X B^\top$ and $dO$ the gradient with respect
# to out, what is $dX$? (Go by the shapes: $A$ is $P_h \times H$, $dO$ is $P_h \times P_w$, $B$ is
# $P_w \times W$, and $dX$ must be $H \times W$. Or write out the sum for one cell.) Several RoIs of
# one image add up, as before.
#
# `np.einsum` says such products as the formula does, with one letter for each axis:
# `np.einsum("rih,rchw,rjw->rcij", A, X, B, optimize=True)`. A loop over RoIs with `@` will do as
# well.


# %% nbgrader={"grade": false, "grade_id": "roi_align_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def roi_align_forward(x, rois, roi_param):
    """Sample the features of regions at a fixed number of points, by bilinear interpolation.

    Parameters
    ----------
    x : (N, C, H, W) array of float
        Feature maps.
    rois : (R, 5) array of float
        Regions: the index of the image in the batch, and x1, y1, x2, y2 in pixels of the image.
    roi_param : dict
        ``output_size``, the pair (PH, PW); ``spatial_scale``, cells per pixel; and
        ``sampling_ratio``, the number s of points of each bin along each axis.

    Returns
    -------
    out : (R, C, PH, PW) array of float
        Means over the points of the bins.
    cache : anything
        What the backward pass needs.
    """
    height_out, width_out = roi_param["output_size"]
    scale, samples = roi_param["spatial_scale"], roi_param["sampling_ratio"]
    ### BEGIN SOLUTION
    x1, y1, x2, y2 = rois[:, 1:].T * scale
    rows = interpolation_weights(y1, y2, height_out, samples, x.shape[2]).astype(x.dtype)
    columns = interpolation_weights(x1, x2, width_out, samples, x.shape[3]).astype(x.dtype)
    images = rois[:, 0].astype(np.int64)
    maps = x[images] @ columns.transpose(0, 2, 1)[:, None]
    out = rows[:, None] @ maps
    cache = x.shape, images, rows, columns
    ### END SOLUTION
    return out, cache


# %% nbgrader={"grade": true, "grade_id": "check_roi_align_forward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
param = {"output_size": (2, 3), "spatial_scale": 0.5, "sampling_ratio": 2}
i, j = np.mgrid[:5, :7] + 0.5
x = np.stack([i, j])[None]  # two channels: the y and the x of the centre of each cell
out, _ = roi_align_forward(x, np.array([[0, 2.0, 2.0, 11.0, 8.0]]), param)
assert_shape(out, (1, 2, 2, 3), name="out")
# A map that is linear in x and y is interpolated exactly: bins have the value at their centres.
assert_close(out[0, 0], [[1.75] * 3, [3.25] * 3], name="out of a map that holds y")
assert_close(out[0, 1], [[1.75, 3.25, 4.75]] * 2, name="out of a map that holds x")
rng = np.random.default_rng(1)
x = rng.standard_normal((3, 2, 4, 4))
out, _ = roi_align_forward(
    x,
    np.array([[2, 0, 0, 4, 4.0], [0, 0, 0, 4, 4.0]]),
    {"output_size": (4, 4), "spatial_scale": 1.0, "sampling_ratio": 1},
)
assert_close(out, x[[2, 0]], name="out where each bin is a cell: the map itself. It")
print("✓ roi_align_forward")


# %% nbgrader={"grade": false, "grade_id": "roi_align_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def roi_align_backward(dout, cache):
    """Compute the gradient of RoI Align with respect to the feature maps.

    Parameters
    ----------
    dout : (R, C, PH, PW) array of float
        Gradient with respect to the output.
    cache : anything
        What ``roi_align_forward`` returned.

    Returns
    -------
    (N, C, H, W) array of float
        Gradient with respect to x.
    """
    ### BEGIN SOLUTION
    shape, images, rows, columns = cache
    dmaps = rows.transpose(0, 2, 1)[:, None] @ dout @ columns[:, None]
    dx = np.zeros(shape, dtype=dout.dtype)
    np.add.at(dx, images, dmaps)
    return dx
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_roi_align_backward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(2)
x = rng.standard_normal((2, 3, 5, 6))
param = {"output_size": (2, 3), "spatial_scale": 0.25, "sampling_ratio": 2}
rois = np.array([[0, 1, 2, 20, 17], [1, 3, 0, 9, 11], [0, 2, 2, 21, 18], [1, -4, 6, 40, 30.0]])
out, kept_for_later = roi_align_forward(x, rois, param)
dout = rng.standard_normal(out.shape)
dx = roi_align_backward(dout, kept_for_later)
assert_shape(dx, x.shape, name="dx")
assert_close(
    dx.sum(), dout.sum(), name="the sum of dx, which is that of dout: weights add up to 1. It"
)
assert_gradient(lambda x: np.sum(roi_align_forward(x, rois, param)[0] * dout), x, dx, name="dx")
print("✓ roi_align_backward")

# %% [markdown]
# What does rounding do? Below, a region slides slowly to the right over a feature map in which a
# bright blob stands, and we watch the pooled value of its middle bin. **Predict before you run.**
# One of the curves is a staircase. Which, and how wide are its steps in pixels of the image?

# %% tags=["demo"]
blob = np.exp(-0.5 * np.sum((np.mgrid[:12, :12] - 5.5) ** 2, axis=0) / 2.5**2)[None, None]
slide = np.linspace(0, 48, 241)
regions = np.stack([0 * slide, slide, 0 * slide + 30, slide + 36, 0 * slide + 66], axis=1)
param = {"output_size": (3, 3), "spatial_scale": 1 / 8, "sampling_ratio": 2}
fig, axes = plt.subplots(
    1, 2, figsize=(9, 3.2), layout="constrained", gridspec_kw={"width_ratios": [1, 2]}
)
axes[0].imshow(blob[0, 0], cmap="gray", extent=(0, 96, 96, 0))
for start, style in ((4, "-"), (44, ":")):
    axes[0].add_patch(
        Rectangle((start, 30), 36, 36, fill=False, color=COLORS[4], linewidth=2, linestyle=style)
    )
axes[0].set(title="map, and a region that slides", xlabel="x in pixels", ylabel="y in pixels")
for name, forward, color in (
    ("RoI pooling", roi_pool_forward, COLORS[1]),
    ("RoI Align", roi_align_forward, COLORS[0]),
):
    axes[1].plot(slide, forward(blob, regions, param)[0][:, 0, 1, 1], color=color, label=name)
axes[1].set(xlabel="left edge of the region in pixels", ylabel="feature in the middle bin")
axes[1].spines[["top", "right"]].set_visible(False)
_ = axes[1].legend(frameon=False)

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_align", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# (a) On a map of stride 16, a head behind RoI pooling is to predict exact boxes. Why can it not, and
# why does more training not help? (b) RoI Align has gradients with respect to the *box* as well, if
# one wants them; what is the gradient of RoI pooling with respect to $x_1$? (c) Which of the two is
# more robust against a proposal that is a few pixels off, if all one wants is the class?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_align", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) Two proposals that round to the same cells give the head the *same* input, although the
# corrections they need differ by up to 16 pixels at each edge. The information is gone before the
# head begins; no weights can bring it back.
#
# (b) Zero almost everywhere, and not defined where the rounding jumps: out is a staircase as a
# function of $x_1$. (So gradients with respect to the box are useless there, while bilinear
# interpolation is piecewise smooth in the coordinates.)
#
# (c) RoI pooling: the maximum over a generous bin hardly changes when the box moves a little. Class
# labels are forgiving, so Fast R-CNN with RoI pooling classified well; what suffered were boxes at
# strict IoU thresholds, small objects and masks.

# %% [markdown]
# ## 7. Anchors
#
# After Fast R-CNN the slow part was the proposals, which an algorithm outside the network made from
# colours and edges. **Faster R-CNN** (2015) asks the feature map itself. At each of its cells stand
# a few **anchors**, boxes of fixed sizes and shapes; a small network, the *region proposal network*
# (RPN), tells of each whether there is an object, and how the anchor must be moved and stretched to
# fit it.
#
# Large objects are best found on coarse maps and small ones on fine maps, so modern detectors have
# a *pyramid* of maps (FPN, 2017). For each level with a map of $H \times W$ cells and stride $s$,
# the anchors of the cell in row $i$ and column $j$ are centred in that cell, at
# $\big((j + ½)\, s,\ (i + ½)\, s\big)$ in pixels of the image. There is one for each pair of a
# *side* $a$, one of the level's sizes, and a *ratio* $\rho$ of height to width:
#
# $$w = a / \sqrt{\rho}, \qquad h = a \sqrt{\rho}
#   \qquad\text{(so that } h / w = \rho \text{ and } w h = a^2\text{)}. \tag{5}$$
#
# The order is that of five nested loops: levels outside, then rows, columns, sizes, and ratios
# inside. It must agree with the order in which the network's outputs are read, or each anchor gets
# another one's score. Anchors may reach beyond the image.


# %% nbgrader={"grade": false, "grade_id": "generate_anchors", "locked": false, "schema_version": 3, "solution": true, "task": false}
def generate_anchors(map_shapes, strides, sizes, ratios):
    """Lay out the anchors of all levels of a pyramid of feature maps.

    Parameters
    ----------
    map_shapes : list of L pairs (H, W)
        Rows and columns of the map of each level.
    strides : list of L numbers
        Pixels of the image per cell.
    sizes : list of L lists of numbers
        Sides of the square anchors of each level; other shapes have the same area.
    ratios : list of numbers
        Heights divided by widths, the same for all levels.

    Returns
    -------
    (A, 4) array of float
        Anchors x1, y1, x2, y2, in the order of levels, rows, columns, sizes, ratios.
    """
    ### BEGIN SOLUTION
    levels = []
    roots = np.sqrt(np.asarray(ratios, dtype=float))
    for (rows, columns), stride, sides in zip(map_shapes, strides, sizes, strict=True):
        sides = np.asarray(sides, dtype=float)[:, None]
        half = np.stack([sides / roots, sides * roots], axis=-1).reshape(-1, 2) / 2
        y, x = (np.mgrid[:rows, :columns] + 0.5) * stride
        centres = np.stack([x, y], axis=-1)[:, :, None]
        levels.append(np.concatenate([centres - half, centres + half], axis=-1).reshape(-1, 4))
    return np.concatenate(levels)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_generate_anchors", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
anchors = generate_anchors([(2, 3)], [8], [[6.0, 12.0]], [1.0, 4.0])
assert_shape(anchors, (2 * 3 * 2 * 2, 4), name="the anchors of 2 by 3 cells, 2 sizes, 2 ratios")
first = [[1, 1, 7, 7], [2.5, -2, 5.5, 10], [-2, -2, 10, 10], [1, -8, 7, 16]]
assert_close(anchors[:4], first, name="the four anchors of the first cell, centred at (4, 4),")
assert_close(
    anchors[4:8], np.array(first) + np.array([8, 0, 8, 0]), name="those of the next, to its right,"
)
assert_close(
    anchors[12:16], np.array(first) + np.array([0, 8, 0, 8]), name="the first ones of the next row"
)
anchors = generate_anchors([(2, 1), (1, 1)], [4, 8], [[4.0], [10.0]], [1.0])
assert_close(
    anchors, [[0, 0, 4, 4], [0, 4, 4, 8], [-1, -1, 9, 9]], name="the anchors of two levels"
)
print("✓ generate_anchors")

# %% [markdown]
# In our scenes the backbone's map has 12×12 cells of 8 pixels. The sizes below are chosen by looking
# at the objects of the *training* scenes. **Predict before you run.** How many of them have an
# anchor with an IoU of at least 0.5? What would finer spacing change, and what more ratios?

# %% tags=["demo"]
STRIDE, GRID = 8, (12, 12)
anchors = generate_anchors([GRID], [STRIDE], [[16, 24, 36]], [1.0])
objects = np.concatenate([boxes_and_labels(train_scenes, i)[0] for i in range(500)])
best = iou(objects, anchors).max(axis=1)
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
show_boxes(test_scenes.images[1], anchors[3 * 78 : 3 * 78 + 3], ["16", "24", "36"], ax=axes[0])
axes[0].plot(*np.meshgrid(np.arange(4, 96, 8), np.arange(4, 96, 8)), "w.", markersize=2)
axes[0].set_title("centres of cells, and three anchors of one cell")
axes[1].hist(best, np.linspace(0, 1, 31), color=COLORS[0])
axes[1].axvline(0.5, color="#707070", linestyle=":")
axes[1].set(xlabel="IoU with the best anchor", ylabel="objects")
axes[1].set_title(f"{np.mean(best >= 0.5):.0%} of objects: 0.5 or more")
axes[1].spines[["top", "right"]].set_visible(False)

# %% [markdown]
# From an anchor with centre $(x_a, y_a)$, width $w_a$ and height $h_a$ to a box, the network gives
# four numbers, the **deltas**:
#
# $$t_x = \frac{x - x_a}{w_a}, \quad t_y = \frac{y - y_a}{h_a}, \quad
#   t_w = \log\frac{w}{w_a}, \quad t_h = \log\frac{h}{h_a}, \tag{6}$$
#
# where $x, y, w, h$ are centre, width and height of the box. Why not pixels? A shift by three pixels
# is a lot for a small box and little for a large one; divided by the size, all deltas are of a
# similar magnitude, and a network that sees the same features at double size predicts the same. The
# logarithm keeps sizes positive whatever is predicted.
#
# Write both directions. `decode_boxes` must be the *exact* inverse of `encode_boxes`: solve (6) for
# $x, y, w, h$, and go from centre and size to corners. (Boxes given here are not degenerate.)


# %% nbgrader={"grade": false, "grade_id": "encode_boxes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def encode_boxes(boxes, anchors):
    """Describe boxes relative to anchors, one anchor for each box.

    Parameters
    ----------
    boxes, anchors : (N, 4) arrays of float
        Boxes x1, y1, x2, y2, none of them degenerate.

    Returns
    -------
    (N, 4) array of float
        Deltas tx, ty, tw, th.
    """
    ### BEGIN SOLUTION
    size, anchor_size = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    centre, anchor_centre = boxes[:, :2] + size / 2, anchors[:, :2] + anchor_size / 2
    shift = (centre - anchor_centre) / anchor_size
    return np.concatenate([shift, np.log(size / anchor_size)], axis=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_encode_boxes", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
anchors = np.array([[0.0, 0.0, 10.0, 20.0]] * 3)
boxes = np.array([[0.0, 0.0, 10.0, 20.0], [5.0, 5.0, 15.0, 25.0], [0.0, 5.0, 20.0, 15.0]])
expected = [[0, 0, 0, 0], [0.5, 0.25, 0, 0], [0.5, 0, np.log(2), -np.log(2)]]
for what, given, wanted in zip(
    ("the anchor itself", "a shifted box", "a box twice as wide and half as high"),
    encode_boxes(boxes, anchors),
    expected,
    strict=True,
):
    assert_close(given, wanted, name=f"the deltas of {what}")
print("✓ encode_boxes")


# %% nbgrader={"grade": false, "grade_id": "decode_boxes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def decode_boxes(deltas, anchors):
    """Compute the boxes that deltas describe, the inverse of ``encode_boxes``.

    Parameters
    ----------
    deltas : (N, 4) array of float
        tx, ty, tw, th.
    anchors : (N, 4) array of float
        Anchors x1, y1, x2, y2.

    Returns
    -------
    (N, 4) array of float
        Boxes x1, y1, x2, y2.
    """
    ### BEGIN SOLUTION
    anchor_size = anchors[:, 2:] - anchors[:, :2]
    centre = anchors[:, :2] + anchor_size / 2 + deltas[:, :2] * anchor_size
    half = anchor_size * np.exp(deltas[:, 2:]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_decode_boxes", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
assert_close(decode_boxes(np.array(expected), anchors), boxes, name="the boxes of known deltas")
rng = np.random.default_rng(3)
corners = rng.uniform(0, 50, size=(2, 20, 2))
boxes, anchors = (
    np.concatenate([c, c + rng.uniform(3, 40, size=(20, 2))], axis=1) for c in corners
)
assert_close(decode_boxes(encode_boxes(boxes, anchors), anchors), boxes, name="encoded and decoded")
deltas = rng.standard_normal((20, 4))
assert_close(encode_boxes(decode_boxes(deltas, anchors), anchors), deltas, name="decoded, encoded")
print("✓ decode_boxes")

# %% [markdown]
# ## 8. A network that proposes regions
#
# To train the RPN each anchor must know what it ought to answer. The rules of Faster R-CNN, with
# some corners that papers are silent about:
#
# 1. An anchor whose largest IoU with an object is *at least* `positive` is positive, label 1, and is
#    matched with that object (the first, if several tie).
# 2. Below `negative` it is negative, label 0: background.
# 3. In between it is *ignored*, label -1: neither answer would be wrong, so it is left out of the
#    loss.
# 4. By these rules alone, an object with no good anchor would never be learned. So the anchor with
#    the largest IoU with an object (the first, if several tie) is positive for this object, however
#    small that IoU is, unless it is 0. This overrides 1 to 3, *the match included*: an anchor that is
#    the best one of object 3 is matched with object 3, even if it overlaps object 5 more. Should it
#    be the best one of several objects, it gets the one of those with which its IoU is largest (any
#    of them, if several tie).
#
# An anchor that is not positive is matched with nothing, -1. And a scene may be empty: with no
# object ($M = 0$), all anchors are negative.


# %% nbgrader={"grade": false, "grade_id": "assign_anchors", "locked": false, "schema_version": 3, "solution": true, "task": false}
def assign_anchors(anchors, true_boxes, positive=0.7, negative=0.3):
    """Decide what each anchor is to predict.

    Parameters
    ----------
    anchors : (A, 4) array of float
        Boxes x1, y1, x2, y2.
    true_boxes : (M, 4) array of float
        The objects of the scene; M may be 0.
    positive, negative : float
        An IoU of at least the first makes an anchor positive, one below the second negative.

    Returns
    -------
    labels : (A,) array of int
        1 for positive, 0 for negative, -1 for ignored anchors.
    matches : (A,) array of int
        The index of the object that a positive anchor is matched with, and -1 for all others.
    """
    ### BEGIN SOLUTION
    labels = np.zeros(len(anchors), dtype=np.int64)
    matches = np.full(len(anchors), -1)
    if len(true_boxes) == 0:
        return labels, matches
    overlap = iou(anchors, true_boxes)
    largest = overlap.max(axis=1)
    labels[largest >= negative] = -1
    good = largest >= positive
    labels[good] = 1
    matches[good] = overlap[good].argmax(axis=1)
    best = overlap.argmax(axis=0)
    # Objects in the order of their IoU: where two claim one anchor, the larger IoU is written last.
    for m in np.argsort(overlap.max(axis=0), kind="stable"):
        if overlap[best[m], m] > 0:
            labels[best[m]], matches[best[m]] = 1, m
    return labels, matches
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_assign_anchors", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
# Anchors of 10×10, and objects of the same size, so that a shift by d gives (10 - d) / (10 + d).
anchors = np.array([[x, 0.0, x + 10, 10.0] for x in (0.0, 3.0, 6.0, 40.0, 80.0)])
objects = np.array([[1.0, 0, 11, 10]])
labels, matches = assign_anchors(anchors, objects)
assert_shape(labels, (5,), name="the labels of five anchors")
assert_close(labels, [1, -1, -1, 0, 0], name="labels of anchors with IoU 0.82, 0.67, 0.33, 0, 0")
assert_close(matches, [0, -1, -1, -1, -1], name="their matches")
# The second object has no anchor with more than an IoU of 1/19.
labels, matches = assign_anchors(anchors, np.array([[1.0, 0, 11, 10], [49.0, 0, 59, 10]]))
assert_close(labels, [1, -1, -1, 1, 0], name="labels with an object that no anchor fits well")
assert_close(matches, [0, -1, -1, 1, -1], name="the matches with that object")
# Anchor 0 fits object 0 best, and is the only one that touches object 1.
labels, matches = assign_anchors(anchors[[0, 3]], np.array([[0.0, 0, 10, 9], [-5.0, 0, 1, 10]]))
assert_close(labels, [1, 0], name="labels where one anchor is the best of two objects")
assert_close(matches, [0, -1], name="the matches there: the object with the larger IoU. They")
labels, matches = assign_anchors(anchors, np.zeros((0, 4)))
assert_close(labels, np.zeros(5), name="the labels of an empty scene")
assert_close(matches, np.full(5, -1), name="the matches of an empty scene")
print("✓ assign_anchors")

# %% [markdown]
# **The loss.** For each anchor $a$ the network gives a logit $z_a$, where $\sigma(z_a)$ is the
# probability of an object, and four deltas $t_a$. With labels $c_a$, and with targets $t_a^*$, the
# encoded boxes of the matched objects,
#
# $$L = \frac{1}{n} \bigg[ \sum_{a:\, c_a \ge 0} \mathrm{BCE}(z_a, c_a)
#   \;+\; \lambda \sum_{a:\, c_a = 1} \sum_{k=1}^{4} \mathrm{smooth}_\beta\big(t_{ak} - t^*_{ak}\big)
#   \bigg] , \tag{7}$$
#
# where $n$ is the number of anchors with $c_a \ge 0$: ignored ones count nowhere, and only positive
# ones have a box to learn. If $n = 0$, loss and gradients are 0. The two ingredients:
#
# $$\mathrm{BCE}(z, c) = -c \log \sigma(z) - (1 - c) \log\big(1 - \sigma(z)\big), \qquad
# \mathrm{smooth}_\beta(d) = \begin{cases} d^2 / (2\beta) & |d| < \beta \\
#   |d| - \beta/2 & \text{otherwise.} \end{cases}$$
#
# *Smooth L1* is a parabola near 0 and a straight line farther out, so that a box that is way off
# does not outweigh all others; at $|d| = \beta$ value and slope of the two agree.
#
# **Your step:** (a) Logits may be ±1000. Show that $\mathrm{BCE}(z, c) = \log(1 + e^{z}) - c z$ and
# find a form of $\log(1 + e^z)$ that never overflows (`np.logaddexp` knows one). (b) Differentiate
# it: the result has three letters and a $\sigma$. It must not overflow, either.
#
# Targets of anchors that are not positive may hold anything, NaN included. Multiplying by zero does
# not remove a NaN; selecting does.


# %% nbgrader={"grade": false, "grade_id": "rpn_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rpn_loss(logits, deltas, labels, targets, beta=1 / 9, box_weight=1.0):
    """Compute the loss of a region proposal network and its gradients.

    Parameters
    ----------
    logits : (A,) array of float
        Scores of the anchors before the sigmoid, of any size.
    deltas : (A, 4) array of float
        Predicted deltas.
    labels : (A,) array of int
        1 for positive, 0 for negative, -1 for ignored anchors.
    targets : (A, 4) array of float
        The right deltas of positive anchors; anything for others.
    beta, box_weight : float
        Where smooth L1 goes from a parabola to a line, and the weight of the boxes' part.

    Returns
    -------
    loss : float
        Formula (7).
    dlogits : (A,) array of float
        Gradient with respect to the logits.
    ddeltas : (A, 4) array of float
        Gradient with respect to the deltas.
    """
    dlogits, ddeltas = np.zeros_like(logits), np.zeros_like(deltas)
    ### BEGIN SOLUTION
    counted, positive = labels >= 0, labels == 1
    n = max(1, np.sum(counted))
    z, c = logits[counted], labels[counted]
    # σ(z) as a hyperbolic tangent cannot overflow.
    dlogits[counted] = (0.5 * (1 + np.tanh(0.5 * z)) - c) / n
    d = deltas[positive] - targets[positive]
    near = np.abs(d) < beta
    box_loss = np.where(near, d * d / (2 * beta), np.abs(d) - beta / 2)
    ddeltas[positive] = box_weight * np.where(near, d / beta, np.sign(d)) / n
    loss = (np.sum(np.logaddexp(0, z) - c * z) + box_weight * np.sum(box_loss)) / n
    ### END SOLUTION
    return loss, dlogits, ddeltas


# %% nbgrader={"grade": true, "grade_id": "check_rpn_loss", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
labels = np.array([1, 0, -1, 1, 0])
logits = np.array([0.0, 0.0, 7.0, np.log(3), -np.log(3)])
targets = np.full((5, 4), np.nan)
targets[[0, 3]] = [[0.1, 0.2, -0.3, 0.5], [1.0, -1.0, 0.0, 2.0]]
exact = np.where(np.isnan(targets), 5.0, targets)
loss, _, _ = rpn_loss(logits, exact, labels, targets)
classes = (2 * np.log(2) + 2 * np.log(4 / 3)) / 4
assert_close(loss, classes, name="the loss with exact boxes (4 anchors count)")
off = exact.copy()
off[0, 0] += 0.5  # on the line of smooth L1
off[3, 2] -= 0.1  # on the parabola
loss, _, _ = rpn_loss(logits, off, labels, targets, beta=0.2, box_weight=3.0)
boxes = 3.0 * (0.4 + 0.025) / 4
assert_close(loss, classes + boxes, name="the loss with deltas off by 0.5 and -0.1, beta = 0.2")

rng = np.random.default_rng(4)
logits, deltas = rng.standard_normal(5), off + 0.3 * rng.standard_normal((5, 4))
_, dlogits, ddeltas = rpn_loss(logits, deltas, labels, targets, 0.2, 3.0)
assert_gradient(
    lambda z: rpn_loss(z, deltas, labels, targets, 0.2, 3.0)[0], logits, dlogits, name="dlogits"
)
assert_gradient(
    lambda t: rpn_loss(logits, t, labels, targets, 0.2, 3.0)[0], deltas, ddeltas, name="ddeltas"
)
loss, dlogits, _ = rpn_loss(np.array([1e3, -1e3]), exact[:2], labels[:2], targets[:2])
assert_close(loss, 0.0, name="the loss of two anchors that are right and very sure")
assert_close(dlogits, [0.0, 0.0], name="their dlogits")
loss, dlogits, _ = rpn_loss(np.array([-1e3, 1e3]), exact[:2], labels[:2], targets[:2])
assert_close(loss, 1000.0, name="the loss of two anchors that are wrong and very sure")
loss, dlogits, ddeltas = rpn_loss(logits, deltas, np.full(5, -1), targets)
assert_close(loss, 0.0, name="the loss if all anchors are ignored")
assert_close(ddeltas, np.zeros((5, 4)), name="ddeltas if all anchors are ignored")
print("✓ rpn_loss")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_anchors", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# A scene has two objects, and there are 432 anchors. (a) Why would an RPN trained with (7) on all of
# them, from small random weights, at first answer "nothing" everywhere, and how do Faster R-CNN
# (which draws a sample of the anchors) and focal loss deal with that? (b) Why is there a zone of
# ignored anchors between the two thresholds? (c) With rule 4, an anchor with an IoU of 0.2 can be
# positive. What speaks for it, and what against?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_anchors", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) About 5 positive anchors stand against more than 400 negative ones: nearly all of the gradient
# says "lower". A constant low logit is the quickest way to a low loss. Faster R-CNN draws for each
# image a fixed number of anchors, up to half of them positive, so that both sides pull alike. Focal
# loss keeps all anchors and multiplies each one's loss by $(1 - p)^\gamma$, with $p$ the probability
# of the right answer: the many easy negatives fade out. (A negative bias at the start, so that
# $\sigma$ is near the true share of positives, helps as well.)
#
# (b) Anchors with an IoU of 0.49 and 0.51 look almost the same. With a single threshold the network
# would have to answer them oppositely, and learn noise; without those in doubt, the two classes are
# further apart.
#
# (c) For it: every object is learned by at least one anchor, so unusual sizes and shapes get a chance.
# Against it: such an anchor sees little of the object, its deltas are large, and its features are
# mostly background, which the network must now call an object: noise in the labels.

# %% [markdown]
# ## 9. YOLO: no regions at all
#
# If a cell of the map can propose boxes, why not let it also name the class, and be done? That is
# **YOLO** ("you only look once", 2016): one network, one pass, no second stage. We build a version
# with one box for each cell, in the form that later versions gave it.
#
# The image is divided into rows and columns of cells of `stride` pixels. *The cell that holds the
# centre of an object is responsible for it*; all others are to say "nothing". An object with centre
# $(x, y)$ and size $w \times h$, in pixels, so belongs to row $i = \lfloor y / \text{stride} \rfloor$
# and column $j = \lfloor x / \text{stride} \rfloor$, where the target vector of $5 + C$ channels is
#
# $$\Big(\ \tfrac{x}{\text{stride}} - j,\ \ \tfrac{y}{\text{stride}} - i,\ \
#   \log\tfrac{w}{p_w},\ \ \log\tfrac{h}{p_h},\ \ 1,\ \ \text{one-hot label}\ \Big): \tag{8}$$
#
# the position within the cell, between 0 and 1; the size relative to a *prior* box
# $(p_w, p_h)$, as with anchors; the *objectness*; and the class. All other cells are zero
# throughout.
#
# Three corners. A centre exactly on the right or lower edge of the image belongs to the last
# column or row. If two objects have their centres in one cell, the later one in the list stays
# (objects are in order of depth, so it is the one in front), whole: nothing of the earlier one
# may be left. And lists of objects are padded: an object with label -1 is none.


# %% nbgrader={"grade": false, "grade_id": "yolo_targets", "locked": false, "schema_version": 3, "solution": true, "task": false}
def yolo_targets(boxes, labels, grid, stride, prior, num_classes):
    """Write the objects of a scene into the cells that are responsible for them.

    Parameters
    ----------
    boxes : (K, 4) array of float
        Objects x1, y1, x2, y2; K may be 0.
    labels : (K,) array of int
        Their classes; -1 where there is no object.
    grid : pair of int
        Rows and columns.
    stride : number
        Pixels per cell.
    prior : pair of float
        Width and height of the prior box.
    num_classes : int
        Number of classes C.

    Returns
    -------
    (5 + C, rows, columns) array of float
        Position within the cell (x, y), logarithm of the relative size (width, height), objectness
        and one-hot class of each cell; zeros where no object has its centre.
    """
    rows, columns = grid
    targets = np.zeros((5 + num_classes, rows, columns))
    ### BEGIN SOLUTION
    for (x1, y1, x2, y2), label in zip(boxes, labels, strict=True):
        if label < 0:
            continue
        x, y = (x1 + x2) / 2 / stride, (y1 + y2) / 2 / stride
        i, j = min(int(y), rows - 1), min(int(x), columns - 1)
        targets[:, i, j] = 0
        targets[:4, i, j] = x - j, y - i, np.log((x2 - x1) / prior[0]), np.log((y2 - y1) / prior[1])
        targets[[4, 5 + label], i, j] = 1
    ### END SOLUTION
    return targets


# %% nbgrader={"grade": true, "grade_id": "check_yolo_targets", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
boxes = np.array([[10.0, 4, 20, 24], [0, 0, 0, 0], [28.0, 28, 36, 36]])
targets = yolo_targets(boxes, np.array([2, -1, 0]), (4, 6), 8, (5.0, 10.0), 3)
assert_shape(targets, (8, 4, 6), name="the targets of a grid of 4 rows and 6 columns, 3 classes")
# The centre (15, 14) lies in row 1, column 1.
expected = [7 / 8, 6 / 8, np.log(2), np.log(2), 1, 0, 0, 1]
assert_close(targets[:, 1, 1], expected, name="the targets in the cell of the centre (15, 14)")
# The centre (32, 32) lies on the lower edge of the grid.
expected = [0, 1, np.log(8 / 5), np.log(8 / 10), 1, 1, 0, 0]
assert_close(targets[:, 3, 4], expected, name="the targets of a centre on the lower edge")
assert_close(targets[4].sum(), 2, name="the number of cells with an object")
assert_close(np.abs(targets).sum(axis=0)[targets[4] == 0], np.zeros(22), name="all other targets")
shared = np.array([[8.0, 8, 12, 12], [9.0, 9, 15, 15]])
targets = yolo_targets(shared, np.array([0, 1]), (2, 3), 8, (5.0, 10.0), 2)
assert_close(targets[4:, 1, 1], [1, 0, 1], name="objectness and class where two share a cell")
print("✓ yolo_targets")

# %% [markdown]
# **The loss.** The network's last convolution gives an array of the same shape, with a raw output
# for each target. Position and objectness go through a sigmoid, the class scores through a softmax,
# and the sizes are taken as they are. For an image, with $\mathbb{1}_{c} = 1$ if the cell $c$ has an
# object and targets marked by a star,
#
# $$\begin{aligned} L = \sum_{c} \mathbb{1}_{c} \Big[
#     & \lambda_{\text{coord}} \big( (\sigma(o_x) - x^*)^2 + (\sigma(o_y) - y^*)^2
#       + (o_w - w^*)^2 + (o_h - h^*)^2 \big) \\
#     & + \mathrm{BCE}(o_{\text{obj}}, 1) + \mathrm{CE}(o_{\text{class}}, \text{class}^*) \Big]
#     \;+\; \lambda_{\text{noobj}} \sum_{c} (1 - \mathbb{1}_{c})\, \mathrm{BCE}(o_{\text{obj}}, 0)
# \end{aligned} \tag{9}$$
#
# and the loss is the *mean over images* (not over cells). BCE is that of the RPN, and CE is the
# cross-entropy $-\log$ softmax. In a cell without an object only the objectness has a gradient: what
# box and which class it would be, nobody asks. $\lambda_{\text{noobj}} < 1$ is YOLO's answer to 140
# empty cells against a few others.
#
# **Your step:** the derivatives. You know all of them but one: $(\sigma(o) - x^*)^2$ needs the chain
# rule through $\sigma$.


# %% nbgrader={"grade": false, "grade_id": "yolo_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def yolo_loss(out, targets, lambda_coord=5.0, lambda_noobj=0.5):
    """Compute the loss of a one-stage detector and its gradient.

    Parameters
    ----------
    out : (N, 5 + C, rows, columns) array of float
        Raw outputs, of any size: position, size, objectness and class scores of each cell.
    targets : (N, 5 + C, rows, columns) array of float
        What ``yolo_targets`` returns, for each image.
    lambda_coord, lambda_noobj : float
        Weights of the boxes and of cells without an object.

    Returns
    -------
    loss : float
        Formula (9), the mean over images.
    dout : (N, 5 + C, rows, columns) array of float
        Gradient with respect to out.
    """
    dout = np.zeros_like(out)
    ### BEGIN SOLUTION
    has_object = targets[:, 4]

    sigmoid = 0.5 * (1 + np.tanh(0.5 * out[:, :2]))
    off = (sigmoid - targets[:, :2]) * has_object[:, None]
    dout[:, :2] = 2 * lambda_coord * off * sigmoid * (1 - sigmoid)
    loss = lambda_coord * np.sum(off**2)

    off = (out[:, 2:4] - targets[:, 2:4]) * has_object[:, None]
    dout[:, 2:4] = 2 * lambda_coord * off
    loss += lambda_coord * np.sum(off**2)

    z = out[:, 4]
    weight = np.where(has_object, 1.0, lambda_noobj).astype(out.dtype)
    dout[:, 4] = weight * (0.5 * (1 + np.tanh(0.5 * z)) - has_object)
    loss += np.sum(weight * (np.logaddexp(0, z) - has_object * z))

    shifted = out[:, 5:] - out[:, 5:].max(axis=1, keepdims=True)
    log_sum = np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    dout[:, 5:] = (np.exp(shifted - log_sum) - targets[:, 5:]) * has_object[:, None]
    loss += np.sum((log_sum - shifted) * targets[:, 5:])

    loss, dout = loss / len(out), dout / len(out)
    ### END SOLUTION
    return loss, dout


# %% nbgrader={"grade": true, "grade_id": "check_yolo_loss", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
target = yolo_targets(np.array([[10.0, 4, 20, 24]]), np.array([2]), (2, 3), 8, (10.0, 20.0), 3)
out = np.zeros((1, 8, 2, 3))
# The object has its centre at (7/8, 6/8) of its cell, and exactly the prior's size.
position = (1 / 2 - 7 / 8) ** 2 + (1 / 2 - 6 / 8) ** 2
expected = 5 * position + np.log(2) + np.log(3) + 0.5 * 5 * np.log(2)
assert_close(yolo_loss(out, target[None])[0], expected, name="the loss of zeros")
out[0, 2, 1, 1] = 0.5
loss, dout = yolo_loss(out, target[None])
assert_close(loss, expected + 5 * 0.25, name="the loss with one size off by 0.5")
empty = dout[0, [0, 1, 2, 3, 5, 6, 7]][:, target[4] == 0]
assert_close(empty, np.zeros((7, 5)), name="dout in cells without an object, objectness apart,")

rng = np.random.default_rng(5)
out = rng.standard_normal((2, 8, 2, 3))
pair = np.stack([target, np.roll(target, 1, axis=1)])
loss, dout = yolo_loss(out, pair, 3.0, 0.7)
parts = [yolo_loss(out[i : i + 1], pair[i : i + 1], 3.0, 0.7)[0] for i in range(2)]
assert_close(loss, np.mean(parts), name="the loss of two images, the mean of both losses,")
for name, channels in (
    ("position", slice(0, 2)),
    ("size", slice(2, 4)),
    ("objectness", slice(4, 5)),
    ("class scores", slice(5, 8)),
):

    def loss_of(part, channels=channels):
        changed = out.copy()
        changed[:, channels] = part
        return yolo_loss(changed, pair, 3.0, 0.7)[0]

    assert_gradient(loss_of, out[:, channels].copy(), dout[:, channels], name=f"dout of the {name}")
loss, dout = yolo_loss(1e3 * out, pair)
assert_finite(loss, name="the loss for outputs of a thousand")
assert_finite(dout, name="dout for outputs of a thousand")
print("✓ yolo_loss")

# %% [markdown]
# ## 10. The backbone, and YOLO trained
#
# Now a network around it. Five convolutions, each with batch normalisation and ReLU, bring 96×96
# pixels to 12×12 cells with 64 channels, one convolution of 1×1 makes the $5 + C$ numbers of each
# cell out of them. All four detectors of this notebook share this backbone. The cell below holds
# it; it uses the fast layers and has nothing new in it, except the bias of the objectness:
# **predict before you run**, what does $\sigma(-3.5)$ have to do with two or three objects in 144
# cells?


# %%
CHANNELS = (16, 32, 64, 64, 64)
KERNELS = (5, 3, 3, 3, 3)
CONV_STRIDES = (2, 2, 2, 1, 1)


def normal(rng, *shape):
    """Draw weights for ReLU layers: variance 2 / inputs."""
    return (rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))).astype(np.float32)


def new_backbone(rng):
    """Return parameters (learned) and state (running averages) of the backbone."""
    params, before = {}, 3
    for i, (channels, kernel) in enumerate(zip(CHANNELS, KERNELS, strict=True)):
        params[f"w{i}"] = normal(rng, channels, before, kernel, kernel)
        params[f"gamma{i}"] = np.ones(channels, np.float32)
        params[f"beta{i}"] = np.zeros(channels, np.float32)
        before = channels
    return params, [{} for _ in CHANNELS]


def backbone_forward(params, state, x, mode="test"):
    """Compute feature maps (N, 64, H/8, W/8) of images (N, 3, H, W); a cache in training mode."""
    caches = []
    for i, (kernel, stride) in enumerate(zip(KERNELS, CONV_STRIDES, strict=True)):
        conv_param = {"stride": stride, "pad": kernel // 2}
        x, conv = conv_forward_fast(x, params[f"w{i}"], None, conv_param)
        state[i]["mode"] = mode
        gamma, beta = params[f"gamma{i}"], params[f"beta{i}"]
        x, norm = spatial_batchnorm_forward_fast(x, gamma, beta, state[i])
        x = np.maximum(x, 0)
        caches.append((conv, norm, x))
    return x, caches if mode == "train" else None


def backbone_backward(dx, caches):
    """Compute the gradients of all parameters of the backbone."""
    grads = {}
    for i in reversed(range(len(caches))):
        conv, norm, out = caches[i]
        dx, grads[f"gamma{i}"], grads[f"beta{i}"] = spatial_batchnorm_backward_fast(
            dx * (out > 0), norm
        )
        dx, grads[f"w{i}"], _ = conv_backward_fast(dx, conv)
    return grads


class Adam:
    """Your adam for a dictionary of parameters, with warm-up and cosine decay of its rate."""

    def __init__(self, learning_rate, num_steps):
        self.configs, self.step, self.num_steps = {}, 0, num_steps
        self.learning_rate = learning_rate

    def update(self, params, grads):
        """Replace all parameters by those after the step."""
        self.step += 1
        share = self.step / self.num_steps
        rate = self.learning_rate * min(1, 20 * share) * (1 + np.cos(np.pi * share)) / 2
        for name, grad in grads.items():
            config = {"beta2": 0.99, **self.configs.get(name, {}), "learning_rate": rate}
            params[name], self.configs[name] = optimizers.adam(params[name], grad, config)


def to_input(images):
    """Turn pixels (N, H, W, 3) into the network's input (N, 3, H, W)."""
    scaled = (images.astype(np.float32) - 120) / 60
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


# %% [markdown]
# Each scene is shown a few times, every other time mirrored, with its boxes.


# %% tags=["demo"]
PRIOR = (25.0, 25.0)
NUM_CLASSES = len(CLASS_NAMES)


def all_targets(scenes, mirrored):
    """Return yolo_targets of all scenes, optionally of their mirror images."""
    boxes = scenes.boxes.copy()
    if mirrored:
        boxes[..., [0, 2]] = 96 - scenes.boxes[..., [2, 0]]
    targets = [
        yolo_targets(b, label, GRID, STRIDE, PRIOR, NUM_CLASSES)
        for b, label in zip(boxes, scenes.labels, strict=True)
    ]
    return np.array(targets, dtype=np.float32)


@cache
def trained_yolo():
    """Return backbone, state, 1×1 convolution and losses, trained when first asked for."""
    rng = np.random.default_rng(2)
    images = to_input(train_scenes.images)
    targets = [all_targets(train_scenes, mirrored) for mirrored in (False, True)]
    params, state = new_backbone(rng)
    params["w"] = 0.1 * normal(rng, 5 + NUM_CLASSES, CHANNELS[-1], 1, 1)
    params["b"] = np.zeros(5 + NUM_CLASSES, np.float32)
    params["b"][4] = -3.5
    batch, num_epochs = 16, 3
    steps = num_epochs * (len(images) // batch)
    optimizer, losses = Adam(6e-3, steps), []
    for step in progress(range(steps), "YOLO"):
        if step % (len(images) // batch) == 0:
            order = rng.permutation(len(images))
        own = order[step * batch % (len(images) - batch + 1) :][:batch]
        mirrored = bool(rng.integers(2))
        x = images[own, :, :, ::-1] if mirrored else images[own]
        features, caches = backbone_forward(params, state, np.ascontiguousarray(x), "train")
        out, last = conv_forward_fast(features, params["w"], params["b"], {})
        loss, dout = yolo_loss(out, targets[mirrored][own])
        dfeatures, dw, db = conv_backward_fast(dout, last)
        optimizer.update(params, {**backbone_backward(dfeatures, caches), "w": dw, "b": db})
        losses.append(loss)
    return params, state, losses


_ = plot_losses(trained_yolo()[2], smooth=20, title="YOLO: loss of each batch")

# %% [markdown]
# To read the output, (8) is solved for the box, and each class becomes a detection with the score
# $\sigma(o_{\text{obj}}) \cdot \mathrm{softmax}(o_{\text{class}})$; hopeless ones are dropped, and
# your NMS does the rest.


# %% tags=["demo"]
def softmax(scores):
    """Softmax of each row."""
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def yolo_candidates(out, least=0.03):
    """Return boxes, scores and labels of the output (5 + C, rows, columns) of one image."""
    cells = out.reshape(len(out), -1).T
    row, column = np.divmod(np.arange(len(cells)), out.shape[2])
    offset = 1 / (1 + np.exp(-cells[:, :2]))
    centre = (offset + np.stack([column, row], axis=1)) * STRIDE
    half = np.exp(cells[:, 2:4]) * PRIOR / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    scores = softmax(cells[:, 5:]) / (1 + np.exp(-cells[:, 4:5]))
    cell, label = np.nonzero(scores > least)
    return boxes[cell], scores[cell, label], label


@cache
def yolo_detections():
    """Return the detections of all test scenes."""
    params, state, _ = trained_yolo()
    found = []
    for images in np.array_split(test_scenes.images, 6):
        features, _ = backbone_forward(params, state, to_input(images))
        out, _ = conv_forward_fast(features, params["w"], params["b"], {})
        found += [nms_per_class(*yolo_candidates(o)) for o in out]
    return found


def show_detections(detections, chosen, least=0.3):
    """Show detections with a score of at least `least`; white dashes are the truth."""
    _, axes = plt.subplots(2, 4, figsize=(13, 6.6), layout="constrained")
    for axis, i in zip(axes.flat, chosen, strict=True):
        boxes, scores, labels = (part[detections[i][1] >= least] for part in detections[i])
        show_boxes(
            test_scenes.images[i],
            boxes,
            labels,
            scores=scores,
            class_names=CLASS_NAMES,
            truth=boxes_and_labels(test_scenes, i)[0],
            ax=axis,
        )


show_detections(yolo_detections(), range(8, 16))

# %% [markdown]
# These are scenes that the network has never seen, none of them picked. How good is it, in numbers?
# The bar for this notebook is an mAP of 0.6 at an IoU of 0.5. **Predict before you run.** Which
# classes are hard, and why? What happens to mAP when the IoU must be 0.75?

# %% tags=["demo"]
values = average_precisions(yolo_detections(), test_scenes)
strict = average_precisions(yolo_detections(), test_scenes, 0.75)
order = np.argsort(-values)
fig, axis = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
places = np.arange(NUM_CLASSES)
bars = axis.barh(places, values[order], 0.74, color=COLORS[5], label="AP at IoU 0.5")
axis.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
axis.barh(places, strict[order], 0.36, color=COLORS[0], label="AP at IoU 0.75")
axis.axvline(0.6, color="#707070", linestyle=":", label="the bar")
axis.set_yticks(places, [CLASS_NAMES[k] for k in order])
axis.invert_yaxis()
axis.set(xlim=(0, 1.08), xlabel="average precision on 300 test scenes")
axis.set_title(f"YOLO: mAP {values.mean():.2f} at IoU 0.5, {strict.mean():.2f} at IoU 0.75")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False, loc="lower left", bbox_to_anchor=(1.0, 0.0))
assert values.mean() >= 0.6, f"mAP is {values.mean():.2f}, expected 0.6: look at the losses above"

# %% [markdown]
# ## 11. Two stages on the same features
#
# The backbone that YOLO has trained serves the others as it is (its weights stay fixed). On its
# maps an RPN takes a few seconds: a 3×3 convolution, and for each of the three anchors of a cell a
# logit and four deltas, trained with your `assign_anchors`, `encode_boxes` and `rpn_loss` on a
# sample of the anchors of each image.


# %% tags=["demo"]
@cache
def all_anchors():
    """Return the anchors of the map."""
    return generate_anchors([GRID], [STRIDE], [[16, 24, 36]], [1.0])


def all_features(images):
    """Return the feature maps of images (N, 96, 96, 3)."""
    params, state, _ = trained_yolo()
    parts = [
        backbone_forward(params, state, to_input(images[i : i + 50]))[0]
        for i in range(0, len(images), 50)
    ]
    return np.concatenate(parts)


def rpn_forward(params, features):
    """Return logits (N, A), deltas (N, A, 4) and a cache; the order is that of the anchors."""
    hidden, first = conv_forward_fast(features, params["w1"], params["b1"], {"pad": 1})
    hidden = np.maximum(hidden, 0)
    out, second = conv_forward_fast(hidden, params["w2"], params["b2"], {})
    # (N, 3 · 5, rows, columns) -> (N, rows, columns, 3, 5), as the five loops over anchors go.
    out = out.transpose(0, 2, 3, 1).reshape(len(out), len(all_anchors()), 5)
    return out[..., 0], out[..., 1:], (first, hidden, second)


def rpn_backward(dlogits, ddeltas, kept):
    """Compute the gradients of the RPN's parameters."""
    first, hidden, second = kept
    dout = np.concatenate([dlogits[..., None], ddeltas], axis=2)
    dout = dout.reshape(len(dout), *GRID, 15).transpose(0, 3, 1, 2)
    dhidden, dw2, db2 = conv_backward_fast(np.ascontiguousarray(dout), second)
    _, dw1, db1 = conv_backward_fast(dhidden * (hidden > 0), first)
    return {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2}


def sampled_targets(true_boxes, rng, size=64):
    """Return labels, all but `size` of them -1, and deltas of the anchors for one scene."""
    labels, matches = assign_anchors(all_anchors(), true_boxes, 0.5, 0.35)
    targets = np.zeros(all_anchors().shape)
    positive = labels == 1
    targets[positive] = encode_boxes(true_boxes[matches[positive]], all_anchors()[positive])
    negative = rng.permutation(np.flatnonzero(labels == 0))
    labels[negative[size - np.sum(positive) :]] = -1
    return labels, targets


@cache
def trained_rpn():
    """Return the RPN's parameters, trained when first asked for."""
    rng = np.random.default_rng(3)
    features, batch, num_epochs = all_features(train_scenes.images), 15, 2
    params = {"w1": normal(rng, 64, 64, 3, 3), "b1": np.zeros(64, np.float32)}
    params |= {"w2": 0.1 * normal(rng, 15, 64, 1, 1), "b2": np.zeros(15, np.float32)}
    optimizer = Adam(3e-3, num_epochs * len(features) // batch)
    order = np.concatenate([rng.permutation(len(features)) for _ in range(num_epochs)])
    for own in progress(order.reshape(-1, batch), "RPN"):
        logits, deltas, kept = rpn_forward(params, features[own])
        goals = [sampled_targets(boxes_and_labels(train_scenes, i)[0], rng) for i in own]
        labels, targets = (np.concatenate(part) for part in zip(*goals, strict=True))
        _, dlogits, ddeltas = rpn_loss(logits.reshape(-1), deltas.reshape(-1, 4), labels, targets)
        shape = logits.shape
        optimizer.update(
            params, rpn_backward(dlogits.reshape(shape), ddeltas.reshape(*shape, 4), kept)
        )
    return params


def propose(logits, deltas, num=30):
    """Return the best boxes that the RPN proposes for one image."""
    best = np.argsort(-logits)[:120]
    boxes = np.clip(decode_boxes(deltas[best], all_anchors()[best]), 0, 96)
    wide = np.all(boxes[:, 2:] - boxes[:, :2] >= 4, axis=1)
    boxes, scores = boxes[wide], logits[best][wide]
    return boxes[nms(boxes, scores, 0.6)[:num]]


@cache
def proposals(which):
    """Return proposals for all scenes of the set, "train" or "test"."""
    features = all_features({"train": train_scenes, "test": test_scenes}[which].images)
    logits, deltas, _ = rpn_forward(trained_rpn(), features)
    return [propose(*one) for one in zip(logits, deltas, strict=True)]


# %% [markdown]
# Does it propose what is there? Count how many of the objects have a proposal with an IoU of at
# least 0.5 (their *recall*) if only the best $k$ proposals of each scene are taken. **Predict before
# you run.** How many proposals does a scene with up to five objects need?

# %% tags=["demo"]
best = [
    np.stack([iou(boxes_and_labels(test_scenes, i)[0], p[:k]).max(axis=1) for k in range(1, 21)])
    for i, p in enumerate(proposals("test"))
]
recall = np.mean(np.concatenate(best, axis=1) >= 0.5, axis=1)
fig, axes = plt.subplots(
    1, 2, figsize=(9.5, 3.6), layout="constrained", gridspec_kw={"width_ratios": [1, 1.6]}
)
show_boxes(
    test_scenes.images[7],
    proposals("test")[7][:10],
    truth=boxes_and_labels(test_scenes, 7)[0],
    title="the ten best proposals",
    ax=axes[0],
)
axes[1].plot(range(1, 21), recall, "o-", color=COLORS[0])
axes[1].set(xlabel="proposals per scene", ylabel="share of objects found", ylim=(0, 1))
axes[1].set(xticks=range(0, 21, 5), title="Recall of the proposals at IoU 0.5")
axes[1].spines[["top", "right"]].set_visible(False)

# %% [markdown]
# Behind it stands the second stage, the head of Fast R-CNN: RoI Align to 4×4, a hidden layer, and
# for each region scores of eleven classes (the last is "nothing") and four deltas that correct its
# box. It learns from the proposals of the training scenes; a proposal takes the class of the object
# with which its IoU is at least 0.5. For the boxes your `rpn_loss` serves once more: with labels 1
# for objects and its `dlogits` left alone.


# %% tags=["demo"]
ALIGN = {"output_size": (4, 4), "spatial_scale": 1 / STRIDE, "sampling_ratio": 2}


def with_index(boxes, i=0):
    """Put the index of the image before each box, as RoI layers want it."""
    return np.concatenate([np.full((len(boxes), 1), i), boxes], axis=1)


def head_forward(params, pooled):
    """Return scores (R, 11), deltas (R, 4) and a cache for pooled features (R, 64, 4, 4)."""
    hidden, first = layers.affine_forward(pooled, params["w1"], params["b1"])
    hidden, active = layers.relu_forward(hidden)
    out, second = layers.affine_forward(hidden, params["w2"], params["b2"])
    return out[:, :-4], out[:, -4:], (first, active, second)


def head_backward(dscores, ddeltas, kept):
    """Compute the gradients of the head's parameters."""
    first, active, second = kept
    dhidden, dw2, db2 = layers.affine_backward(np.hstack([dscores, ddeltas]), second)
    _, dw1, db1 = layers.affine_backward(layers.relu_backward(dhidden, active), first)
    return {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2}


def training_regions(num_scenes):
    """Return pooled features, labels and deltas of proposals, and of the objects themselves."""
    rng = np.random.default_rng(4)
    features = all_features(train_scenes.images[:num_scenes])
    pooled, classes, goals = [], [], []
    for i in range(num_scenes):
        true_boxes, true_labels = boxes_and_labels(train_scenes, i)
        anchors = all_anchors()
        anywhere = np.clip(anchors[rng.integers(len(anchors), size=6)], 0, 96)
        boxes = np.concatenate([true_boxes, proposals("train")[i][:16], anywhere])
        overlap = iou(boxes, true_boxes)
        match = overlap.argmax(axis=1)
        good = overlap.max(axis=1) >= 0.5
        pooled.append(roi_align_forward(features[i : i + 1], with_index(boxes), ALIGN)[0])
        classes.append(np.where(good, true_labels[match], NUM_CLASSES))
        goals.append(encode_boxes(true_boxes[match], boxes))
    return (
        np.concatenate(part).astype(t)
        for part, t in zip(
            (pooled, classes, goals), (np.float32, np.int64, np.float32), strict=True
        )
    )


@cache
def trained_head():
    """Return the parameters of the head, trained when first asked for."""
    rng = np.random.default_rng(5)
    pooled, classes, goals = training_regions(800)
    params = {"w1": normal(rng, 128, 1024).T.copy(), "b1": np.zeros(128, np.float32)}
    params |= {"w2": 0.1 * normal(rng, 15, 128).T.copy(), "b2": np.zeros(15, np.float32)}
    batch, num_epochs = 128, 4
    optimizer = Adam(2e-3, num_epochs * (len(classes) // batch))
    for _ in progress(range(num_epochs), "head"):
        order = rng.permutation(len(classes))
        for own in order[: len(order) // batch * batch].reshape(-1, batch):
            scores, deltas, kept = head_forward(params, pooled[own])
            _, dscores = layers.softmax_loss(scores, classes[own])
            is_object = (classes[own] < NUM_CLASSES).astype(np.int64)
            nothing = np.zeros(batch, np.float32)
            _, _, ddeltas = rpn_loss(nothing, deltas, is_object, goals[own], box_weight=2.0)
            optimizer.update(params, head_backward(dscores, ddeltas, kept))
    return params


def head_candidates(pooled, boxes, least=0.03):
    """Return boxes, scores and labels that the head makes of regions."""
    scores, deltas, _ = head_forward(trained_head(), pooled)
    boxes = np.clip(decode_boxes(deltas, boxes), 0, 96)
    probabilities = softmax(scores)[:, :NUM_CLASSES]
    region, label = np.nonzero(probabilities > least)
    return boxes[region], probabilities[region, label], label


# %% [markdown]
# ## 12. Where does the time go?
#
# Now all four stand on the same backbone, and can be compared:
#
# | detector | regions | features of a region | head |
# |:--|:--|:--|:--|
# | R-CNN | 432 windows, the anchors | cut out, resized to 32×32 pixels, *through the backbone* | 432 times |
# | Fast R-CNN | the same windows | backbone once; RoI Align | 432 times |
# | Faster R-CNN | 30 proposals of the RPN | backbone once; RoI Align | 30 times |
# | YOLO | none | backbone once | 1×1 convolution |
#
# (R-CNN and Fast R-CNN took their regions from an algorithm called *selective search*, 2 seconds an
# image; ours are free. And R-CNN resizes with your `roi_align_forward`, on the image.) Each is timed
# stage by stage, scene by scene, on the first test scenes.
#
# **Predict before you run.** Where does each of them spend its time? By which factor is each step
# from one detector to the next faster?

# %% tags=["demo"]
STAGES = ("regions", "backbone", "RoI Align or resizing", "head", "NMS")
CROP = {"output_size": (32, 32), "spatial_scale": 1.0, "sampling_ratio": 1}


def windows():
    """Return what R-CNN and Fast R-CNN look at."""
    return np.clip(all_anchors(), 0, 96)


class Stopwatch:
    """Adds up the seconds of each stage."""

    def __init__(self):
        self.seconds, self.last = dict.fromkeys(STAGES, 0.0), time.perf_counter()

    def lap(self, stage):
        """Book the time since the last call to a stage."""
        now = time.perf_counter()
        self.seconds[stage] += now - self.last
        self.last = now


def r_cnn(x, lap):
    """Convolve every window by itself."""
    params, state, _ = trained_yolo()
    crops, _ = roi_align_forward(x, with_index(windows()), CROP)
    lap("RoI Align or resizing")
    pooled, _ = backbone_forward(params, state, crops)
    lap("backbone")
    return head_candidates(pooled, windows())


def fast_r_cnn(x, lap):
    """Convolve the image, look at every window."""
    params, state, _ = trained_yolo()
    features, _ = backbone_forward(params, state, x)
    lap("backbone")
    pooled, _ = roi_align_forward(features, with_index(windows()), ALIGN)
    lap("RoI Align or resizing")
    return head_candidates(pooled, windows())


def faster_r_cnn(x, lap):
    """Convolve the image, look at what the RPN proposes."""
    params, state, _ = trained_yolo()
    features, _ = backbone_forward(params, state, x)
    lap("backbone")
    logits, deltas, _ = rpn_forward(trained_rpn(), features)
    boxes = propose(logits[0], deltas[0])
    lap("regions")
    pooled, _ = roi_align_forward(features, with_index(boxes), ALIGN)
    lap("RoI Align or resizing")
    return head_candidates(pooled, boxes)


def yolo(x, lap):
    """Convolve the image."""
    params, state, _ = trained_yolo()
    features, _ = backbone_forward(params, state, x)
    lap("backbone")
    out, _ = conv_forward_fast(features, params["w"], params["b"], {})
    return yolo_candidates(out[0])


DETECTORS = {"R-CNN": r_cnn, "Fast R-CNN": fast_r_cnn, "Faster R-CNN": faster_r_cnn, "YOLO": yolo}
COMPARED = 20


@cache
def comparison():
    """Return seconds per image of each stage, and the detections, of each detector."""
    trained_head()
    seconds, detections = {}, {}
    for name, detector in DETECTORS.items():
        detector(to_input(test_scenes.images[:1]), lambda stage: None)  # warm up
        found, laps = [], []
        for image in progress(test_scenes.images[:COMPARED], name):
            x = to_input(image[None])
            watch = Stopwatch()
            candidates = detector(x, watch.lap)
            watch.lap("head")
            found.append(nms_per_class(*candidates))
            watch.lap("NMS")
            laps.append(list(watch.seconds.values()))
        seconds[name], detections[name] = np.median(laps, axis=0), found
    return seconds, detections


seconds, detections = comparison()
fig, axes = plt.subplots(
    1, 2, figsize=(12.5, 3.0), layout="constrained", gridspec_kw={"width_ratios": [1, 1.1]}
)
plot_times(
    {name: parts.sum() for name, parts in seconds.items()},
    xlabel="time per image",
    title="How long",
    ax=axes[0],
)
left = np.zeros(len(seconds))
shares = np.array([parts / parts.sum() for parts in seconds.values()])
for stage, share, color in zip(STAGES, shares.T, COLORS, strict=False):
    bars = axes[1].barh(list(seconds), share, left=left, color=color, label=stage, height=0.62)
    texts = [f"{s:.0%}" if s > 0.08 else "" for s in share]
    axes[1].bar_label(bars, texts, label_type="center", color="white", fontsize=9)
    left += share
axes[1].invert_yaxis()
axes[1].set(xlim=(0, 1), xlabel="share of the time", title="Where it goes")
axes[1].xaxis.set_major_formatter("{x:.0%}")
axes[1].spines[["top", "right"]].set_visible(False)
_ = axes[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))

# %% [markdown]
# R-CNN is slow because the same pixels go through the backbone again and again. With that gone, the
# heads on hundreds of windows remain; with few and good proposals, those go as well; and YOLO shows
# what a second stage costs. What does it buy on these scenes?

# %% tags=["demo"]
_, detections = comparison()
print(f"mAP at IoU 0.5 on the first {COMPARED} test scenes")
for name, found in detections.items():
    print(f"  {name:14s}{np.nanmean(average_precisions(found, test_scenes)):.2f}")

# %% [markdown]
# That a second stage looks closer at each region made it the more exact way for years, at strict
# IoU thresholds and for small objects above all; with 40 objects in 12×12 cells the odds would be
# others than here. And R-CNN is treated unfairly: its crops go through a backbone that has
# never seen one, stretched to a square, without anything around it. The original was *trained* on
# crops, for days.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_yolo", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 4
#
# (a) A flock of birds, each 5 pixels large, is photographed. Why does a YOLO with stride 32 find so
# few of them, and why is no longer training going to help? Name two remedies. (b) In (9), why is the
# size learned as a logarithm and not in pixels? (YOLO's first version took square roots.) (c) Your
# colleague wants mAP at 0.5 to grow and sees that detections with a score below 0.3 are nearly all
# wrong. May she drop them?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_yolo", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) A cell of 32×32 pixels is responsible for one object only: of several birds whose centres lie
# in it, all but one are not even in the targets. And at stride 32 little is left of 5 pixels in the
# features. Remedies: a finer map or a pyramid of maps; several boxes (priors) for each cell; a
# larger input image.
#
# (b) An error of 3 pixels ruins a box of 5 pixels and is nothing for one of 300. IoU depends on
# *relative* errors, and a difference of logarithms is one. With pixels, large objects would
# dominate the loss. A square root is a step in the same direction, half way. The exponential in
# decoding keeps sizes positive, too.
#
# (c) It cannot help: AP sorts by score, and detections at the end of the list lower precision only
# at recalls that are not reached without them. With (3) each right one among them adds area; without
# them the curve just ends earlier. For *showing* boxes a threshold is right, for AP it is not.

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **What is the difference between one-stage and two-stage detectors?** A two-stage detector first
# proposes regions, whatever their class, and then looks at the features of each one again; a
# one-stage detector reads class and box off the map directly. The second look costs time that grows
# with the number of regions. It also solves the imbalance: the second stage sees a handful of
# candidates, not every place of the image.
#
# **Why does every detector with anchors need NMS?** By the rules of assignment several anchors are
# positive for the same object, so the network is *taught* to answer more than once.
#
# **IoU as a loss?** Smooth L1 on deltas is not what is measured. $1 - \mathrm{IoU}$ is, but it has no
# gradient for boxes that do not overlap; *generalised* IoU adds a term that pulls them together.
#
# **What does mAP@[.5:.95] mean?** The mean of mAP over ten IoU thresholds from 0.5 to 0.95, which
# rewards exact boxes; it is COCO's measure. VOC used 0.5 alone.
#
# **Does AP change when all scores are halved?** No: it depends on their order alone. Scores need not be
# probabilities, let alone calibrated ones.
#
# **What are RoI pooling and RoI Align for, and what do they differ in?** Both turn regions of any
# size into features of one size. Pooling rounds to cells and takes maxima; Align interpolates at
# exact positions and averages.
#
# **Why does YOLO weigh empty cells less?** There are far more of them, and all their gradient says
# the same, "nothing here". Unweighted, they win at first.
#
# ## Read more
#
# - R. Girshick, [Fast R-CNN](https://arxiv.org/abs/1504.08083), 2015: RoI pooling, smooth L1, and
#   how to train both tasks at once.
# - S. Ren, K. He, R. Girshick, J. Sun, [Faster R-CNN](https://arxiv.org/abs/1506.01497), 2015:
#   anchors and the region proposal network.
# - J. Redmon, S. Divvala, R. Girshick, A. Farhadi, [You only look
#   once](https://arxiv.org/abs/1506.02640), 2016; and what its first author changed in
#   [YOLOv3](https://arxiv.org/abs/1804.02767), 2018, a refreshing read.
# - K. He, G. Gkioxari, P. Dollár, R. Girshick, [Mask R-CNN](https://arxiv.org/abs/1703.06870), 2017:
#   RoI Align, and what a quarter of a cell is worth.

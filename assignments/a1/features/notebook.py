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
# # Features: looking at edges and colours instead of pixels
#
# **Goal.** You turn every image into 154 numbers that say which edges it has where, and which
# colours, and give them to the classifiers that you already have. Nothing about the classifiers
# changes, and both get clearly better: how an image is *represented* matters as much as what is
# learned on top.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `rgb2gray`, `image_gradients` | brightness, and its change to the right and downwards |
# | 3 | `gradient_orientation` | strength and direction of the edge at every pixel |
# | 4 | `hog_feature` | a histogram of oriented gradients (HOG) of one image |
# | 5 | `hog_features` | the same for a whole batch, fast |
# | 6 | `rgb_to_hsv`, `color_histogram_hsv` | the hue of every pixel, and a histogram of hues |
# | 7 | `extract_features`, `standardize` | a row of features per image, on one scale |
# | 8 | `train_linear` | your softmax classifier on features |
# | 9 | `train_features` | your two-layer net on features |
#
# **How it works.** As in the notebooks before: fill in a cell, run the check below it, go on at the
# ✓. Your functions may use NumPy and the standard library; `matplotlib.colors` and image libraries
# have a few of these functions, and are not allowed. You need your finished notebooks `softmax`,
# `svm` and `two_layer_net`, and about three hours.

# %%
import timeit
from functools import cache

import matplotlib.pyplot as plt
import numpy as np

from cs231n_lib.checking import assert_close, assert_finite, assert_shape
from cs231n_lib.datasets import load_dataset
from cs231n_lib.notebooks import from_notebook
from cs231n_lib.plots import plot_times, show_images, show_neighbours
from cs231n_lib.plots.style import COLORS, MUTED
from cs231n_lib.progress import progress

# %% [markdown]
# Your notebooks are your library: what you wrote in earlier exercises is used here as it stands
# there. From `softmax` come the loss, from `svm` the training loop, from `two_layer_net` the
# network.

# %%
softmax = from_notebook("softmax")
svm = from_notebook("svm")
layers = from_notebook("two_layer_net")

# %% [markdown]
# ## 1. What is wrong with pixels?
#
# All your classifiers so far saw an image as 3072 numbers, one weight for each. Now take an image
# and move it by two pixels. To us nothing has happened. But every number now stands in another
# place, under another weight.
#
# **Predict before you run.** Below, an image is compared with four others: itself moved by two
# pixels, itself a little brighter, itself mirrored, and the training image that is *nearest* to it
# in pixel space among a few thousand, of whatever class. Which of the four distances will be the
# smallest, and which the largest?

# %% tags=["demo"]
data = load_dataset(num_training=10_000, num_validation=1_000, num_test=1_000)
y_train, y_val, y_test = data.y_train, data.y_val, data.y_test
num_classes = len(data.class_names)


def pixel_distance(one, other):
    """Return the L2 distance between two images, or between arrays of images and an image."""
    return np.sqrt(np.sum((one - other) ** 2, axis=(-3, -2, -1)))


image = data.X_test[3]
distances = pixel_distance(data.X_train[:5000], image)
nearest = distances.argmin()
variants = {
    "moved by two": np.roll(image, 2, axis=(0, 1)),
    "brighter": np.clip(image + 40, 0, 255),
    "mirrored": image[:, ::-1],
    f"another: {data.class_names[y_train[nearest]]}": data.X_train[nearest],
}
_ = show_images(
    [image, *variants.values()],
    [
        data.class_names[y_test[3]],
        *(f"{name}\n{pixel_distance(image, other):.0f}" for name, other in variants.items()),
    ],
    inch=1.4,
    title="Distance in pixel space",
)

# %% [markdown]
# A **feature** is a number computed from the image that changes little where we see no change, and
# much where we do. This notebook uses two of the most successful kinds of all those that people
# thought out before networks learned theirs:
#
# - *Histograms of oriented gradients* (HOG) say which edges run through each part of the image.
#   They ignore colour and overall brightness, and it does not matter where in its part an edge is.
# - A *histogram of hues* says which colours the image has. It ignores shape and place altogether.
#
# Each throws away most of the image. The art is to throw away what does not matter.
#
# ## 2. From colours to edges
#
# **Grey.** Edges are changes of brightness, so we first reduce red, green and blue to one number.
# The eye is most sensitive to green and least to blue; television has used these weights since the
# fifties:
#
# $$Y = 0.299\, R + 0.587\, G + 0.114\, B \tag{1}$$
#
# Write it so that it works for an array of any number of dimensions whose last axis holds the
# colours: one image `(H, W, 3)` as well as a batch `(N, H, W, 3)`. This will pay in section 5.


# %% nbgrader={"grade": false, "grade_id": "rgb2gray", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rgb2gray(rgb):
    """Convert colours to brightness.

    Parameters
    ----------
    rgb : (..., 3) array
        Red, green and blue along the last axis, of any scale and dtype.

    Returns
    -------
    (...) array of float
        ``0.299 R + 0.587 G + 0.114 B``, on the same scale.
    """
    ### BEGIN SOLUTION
    return rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_rgb2gray", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
colours = np.array([[[100, 0, 0], [0, 100, 0]], [[0, 0, 100], [200, 200, 200]]], dtype=np.uint8)
expected = np.array([[29.9, 58.7], [11.4, 200.0]])
assert_close(rgb2gray(colours), expected, name="the grey image", rtol=1e-4)
batch = np.stack([colours, colours[::-1], colours])
assert_close(
    rgb2gray(batch),
    np.stack([expected, expected[::-1], expected]),
    name="the grey batch",
    rtol=1e-4,
)
print("✓ rgb2gray")

# %% [markdown]
# **Gradients.** The gradient of the brightness $I$ points to where it grows, and is the longer the
# faster it grows. On a grid of pixels the derivative becomes a difference. We take the difference
# to the *next* pixel, to the right and downwards:
#
# $$g_x[r, c] = I[r, c + 1] - I[r, c], \qquad g_y[r, c] = I[r + 1, c] - I[r, c] \tag{2}$$
#
# Pixels of the last column have no right neighbour: there $g_x = 0$. Pixels of the last row have
# none below: there $g_y = 0$. So both arrays have the shape of the image.
#
# Mind the axes: an image is indexed by row first, and $x$ runs along a row, which is the *last*
# axis. And mind `uint8`: it has no negative numbers, so that 3 − 5 is 254 there. Convert to float
# first. Again allow for leading axes: `(..., H, W)`.


# %% nbgrader={"grade": false, "grade_id": "image_gradients", "locked": false, "schema_version": 3, "solution": true, "task": false}
def image_gradients(grey):
    """Differences of brightness to the next pixel.

    Parameters
    ----------
    grey : (..., H, W) array of int or float
        Brightness; uint8 is possible. Not modified.

    Returns
    -------
    gx, gy : (..., H, W) arrays of float
        ``grey[..., r, c + 1] - grey[..., r, c]``, 0 in the last column, and
        ``grey[..., r + 1, c] - grey[..., r, c]``, 0 in the last row.
    """
    ### BEGIN SOLUTION
    grey = np.asarray(grey)
    grey = grey.astype(np.result_type(grey.dtype, np.float32))
    gx, gy = np.zeros_like(grey), np.zeros_like(grey)
    gx[..., :, :-1] = grey[..., :, 1:] - grey[..., :, :-1]
    gy[..., :-1, :] = grey[..., 1:, :] - grey[..., :-1, :]
    return gx, gy
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_image_gradients", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
grey = np.array([[5, 3, 9, 9], [4, 6, 9, 0], [7, 6, 1, 2]], dtype=np.uint8)
expected_gx = np.array([[-2.0, 6.0, 0.0, 0.0], [2.0, 3.0, -9.0, 0.0], [-1.0, -5.0, 1.0, 0.0]])
expected_gy = np.array([[-1.0, 3.0, 0.0, -9.0], [3.0, 0.0, -8.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
gx, gy = image_gradients(grey.astype(float))
assert_close(gx, expected_gx, name="gx")
assert_close(gy, expected_gy, name="gy")
gx, gy = image_gradients(grey)
assert_close(gx, expected_gx, name="gx of an image in uint8")
gx, gy = image_gradients(np.stack([grey, grey + 1]).astype(float))
assert_close(gx, np.stack([expected_gx, expected_gx]), name="gx of a batch of two")
assert_close(gy, np.stack([expected_gy, expected_gy]), name="gy of a batch of two")
print("✓ image_gradients")

# %% [markdown]
# ## 3. Which way does the edge run?
#
# Two numbers per pixel become two that mean something: how strong the edge is, and its direction.
#
# $$m = \sqrt{g_x^2 + g_y^2}, \qquad \theta = \operatorname{atan2}(g_y, g_x) \bmod 180°
# \tag{3}$$
#
# $m$ is the *magnitude* and $\theta$ the *orientation*, in degrees. `np.arctan2(gy, gx)` gives the
# angle of the vector $(g_x, g_y)$ in radians, between $-\pi$ and $\pi$, and needs no care where
# $g_x = 0$. **Your step:** why modulo 180° and not 360°? Think of a dark post in front of a bright
# sky, and of a bright post in front of dark woods. The gradients at their left edges are $(-a, 0)$
# and $(a, 0)$. What are the two angles, and what has the modulo made of them?
#
# The result lies in $[0°, 180°)$: 180° itself is 0° again. Take care of it, because $g_y$ is
# exactly 0 in all of the last row.


# %% nbgrader={"grade": false, "grade_id": "gradient_orientation", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gradient_orientation(gx, gy):
    """Return the length of gradients, and their orientation in degrees.

    Parameters
    ----------
    gx, gy : arrays of float, of the same shape
        Components of the gradient at each pixel, to the right and downwards.

    Returns
    -------
    magnitude, orientation : arrays of float of that shape
        ``sqrt(gx**2 + gy**2)``, and the angle of (gx, gy) modulo 180 degrees, in [0, 180).
    """
    ### BEGIN SOLUTION
    magnitude = np.sqrt(gx * gx + gy * gy)
    orientation = np.rad2deg(np.arctan2(gy, gx)) % 180
    # The remainder of a tiny negative angle is rounded to 180 itself.
    return magnitude, np.where(orientation < 180, orientation, 0)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_gradient_orientation", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
gx = np.array([[3.0, 0.0, -2.0, -1.0], [1.0, 1.0, 0.0, -3.0]])
gy = np.array([[4.0, 2.0, 0.0, 1.0], [-1.0, np.sqrt(3), -5.0, -4.0]])
magnitude, orientation = gradient_orientation(gx, gy)
expected = [[5.0, 2.0, 2.0, np.sqrt(2)], [np.sqrt(2), 2.0, 5.0, 5.0]]
assert_close(magnitude, expected, name="the magnitude")
angle = np.rad2deg(np.arctan(4 / 3))
expected = [[angle, 90.0, 0.0, 135.0], [135.0, 60.0, 90.0, angle]]
assert_close(orientation, expected, name="the orientation in degrees", rtol=1e-5, atol=1e-4)
print("✓ gradient_orientation")

# %% [markdown]
# **Predict before you run.** The next figure shows magnitude and orientation of a few images: the
# orientation as a colour, the brighter the stronger the edge. A straight edge has one colour. Which
# colours, and in which order, will you see along the outline of something round?

# %% tags=["demo"]
chosen = [np.flatnonzero(y_val == label)[2] for label in (0, 1, 3, 5, 7, 9)]
pictures = data.X_val[chosen]
magnitude, orientation = gradient_orientation(*image_gradients(rgb2gray(pictures)))
strength = magnitude / np.quantile(magnitude, 0.98, axis=(1, 2), keepdims=True)
hues = plt.get_cmap("hsv")(orientation / 180)[..., :3]
fig, axes = plt.subplots(4, len(chosen), figsize=(8, 5.4), layout="constrained")
rows = {
    "image": pictures / 255,
    "brightness": rgb2gray(pictures) / 255,
    "magnitude": np.clip(strength, 0, 1),
    "orientation": hues * np.clip(strength, 0, 1)[..., None],
}
for row, (name, images) in zip(axes, rows.items(), strict=True):
    for axis, picture in zip(row, images, strict=True):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
    row[0].set_ylabel(name)
for axis, i in zip(axes[0], chosen, strict=True):
    axis.set_title(data.class_names[y_val[i]], fontsize=9)
scale = plt.cm.ScalarMappable(plt.Normalize(0, 180), "hsv")
_ = fig.colorbar(scale, ax=axes[3], ticks=[0, 45, 90, 135, 180], format="%d°", pad=0.01)

# %% [markdown]
# Half way around, the outline starts again with the first colour: that is the modulo.
#
# ## 4. Histograms of oriented gradients
#
# Every pixel now votes. Cut the image into **cells** of 8×8 pixels. In each cell, sort its 64
# pixels by orientation into nine **bins** of 20°: bin $b$ holds the orientations from $20 b$ to
# less than $20 (b + 1)$ degrees. A pixel does not simply count as one: it votes with its magnitude,
# so that strong edges matter more than noise. The histogram of a cell is, for $b = 0, \dots, 8$,
#
# $$h_b = \frac{1}{64} \sum_{\text{pixels of the cell}} m \cdot
#   \mathbb{1}\!\left[\, 20 b \le \theta < 20 (b + 1) \,\right] . \tag{4}$$
#
# Where in its cell an edge lies makes no difference. *That* is why features change little when
# things move a little.
#
# The feature vector holds the histograms one after the other: cells in reading order (the top row
# from left to right, then the next row), nine numbers for each. An image of $H \times W$ pixels
# gives
#
# $$\frac{H}{8} \cdot \frac{W}{8} \cdot 9 \quad\text{numbers: 144 for } 32 \times 32. $$
#
# The gradients are taken in the whole image, once, and not cell by cell: a pixel at the right edge
# of a cell has a neighbour in the next.
#
# In this step any way is fine, loops included: a loop over the rows and columns of cells with a
# masked sum for each bin is quite readable. An image with colours is made grey first; one of shape
# `(H, W)` is grey already. Leave the image as it is.


# %% nbgrader={"grade": false, "grade_id": "hog_feature", "locked": false, "schema_version": 3, "solution": true, "task": false}
def hog_feature(im):
    """Compute the histogram of oriented gradients of an image: 9 orientations, cells of 8x8.

    Parameters
    ----------
    im : (H, W, 3) or (H, W) array of int or float
        An image, in colours or grey; H and W are multiples of 8. Not modified.

    Returns
    -------
    (H/8 * W/8 * 9,) array of float
        For each cell, row by row, and each bin of 20 degrees: the sum of the magnitudes of the
        cell's pixels with an orientation in that bin, divided by 64.
    """
    cell, bins = 8, 9
    ### BEGIN SOLUTION
    grey = rgb2gray(im) if np.ndim(im) == 3 else im
    magnitude, orientation = gradient_orientation(*image_gradients(grey))
    bin_of_pixel = (orientation // (180 / bins)).astype(int)
    rows, columns = magnitude.shape[0] // cell, magnitude.shape[1] // cell
    histograms = np.zeros((rows, columns, bins))
    for r in range(rows):
        for c in range(columns):
            pixels = np.s_[r * cell : (r + 1) * cell, c * cell : (c + 1) * cell]
            for b in range(bins):
                votes = magnitude[pixels] * (bin_of_pixel[pixels] == b)
                histograms[r, c, b] = votes.sum() / cell**2
    return histograms.ravel()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_hog_feature", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
# A slanted plane: everywhere one gradient, (2, 3), but for the last row and the last column.
rows, columns = np.mgrid[:16, :24].astype(float)
plane = 2 * columns + 3 * rows
before = plane.copy()
histograms = hog_feature(plane)
assert np.array_equal(plane, before), "im changed: work on a new array, not on the caller's"
assert_shape(histograms, (2 * 3 * 9,), name="the feature vector of an image of 16x24 pixels")
histograms = np.reshape(histograms, (2, 3, 9))
inside = np.zeros(9)
inside[2] = np.sqrt(13)  # atan2(3, 2) is 56 degrees
assert_close(histograms[0, 0], inside, name="the histogram of the first cell of a plane")
assert_close(histograms[0, 1], inside, name="the histogram of the second cell of the top row")
at_right = np.zeros(9)
at_right[[2, 4]] = 56 / 64 * np.sqrt(13), 8 / 64 * 3  # in the last column gx = 0: 90 degrees
assert_close(histograms[0, 2], at_right, name="the histogram of the cell at the top right")
at_bottom = np.zeros(9)
at_bottom[[0, 2]] = 8 / 64 * 2, 56 / 64 * np.sqrt(13)  # in the last row gy = 0: 0 degrees
assert_close(histograms[1, 0], at_bottom, name="the histogram of the cell at the bottom left")

coloured = np.stack([plane, 2 * plane, 0.5 * plane], axis=-1)
weight = 0.299 + 2 * 0.587 + 0.5 * 0.114
assert_close(
    hog_feature(coloured),
    weight * histograms.ravel(),
    name="the feature vector of an image in colours",
    rtol=1e-4,
    atol=1e-4,
)
flat = hog_feature(np.full((8, 8, 3), 77.0))
assert_finite(flat, name="the feature vector of an image without edges")
assert_close(flat, np.zeros(9), name="the feature vector of an image without edges", atol=1e-3)
print("✓ hog_feature")

# %% [markdown]
# What does a classifier see that is given these numbers and nothing else? Below, every cell is
# drawn as nine strokes, *along* the edges (an edge is at right angles to its gradient), and the
# brighter the more votes.
#
# **Predict before you run.** Cover the upper row with your hand. Can you tell the classes from the
# lower row alone?


# %% tags=["demo"]
def draw_strokes(axis, histograms, cell=8):
    """Draw the histograms (rows, columns, 9) of an image's cells as strokes along the edges."""
    strongest = histograms.max()
    angles = np.deg2rad(20 * np.arange(9) + 10 + 90)  # the middle of each bin, turned by 90 degrees
    for r, c in np.ndindex(histograms.shape[:2]):
        middle = cell * (np.array([c, r]) + 0.5) - 0.5
        for angle, votes in zip(angles, histograms[r, c], strict=True):
            reach = 0.46 * cell * np.array([np.cos(angle), np.sin(angle)])
            ends = np.stack([middle - reach, middle + reach])
            alpha = float(votes / strongest)
            axis.plot(*ends.T, color="white", linewidth=2, alpha=alpha, solid_capstyle="round")
    size = cell * np.array(histograms.shape[:2]) - 0.5
    axis.set(xlim=(-0.5, size[1]), ylim=(size[0], -0.5), xticks=[], yticks=[], aspect="equal")
    axis.set_facecolor("black")


fig, axes = plt.subplots(2, 6, figsize=(8.4, 3.1), layout="constrained")
for (above, below), i in zip(axes.T, chosen, strict=True):
    above.imshow(data.X_val[i] / 255)
    above.set_title(data.class_names[y_val[i]], fontsize=9)
    above.set(xticks=[], yticks=[])
    draw_strokes(below, hog_feature(data.X_val[i]).reshape(4, 4, 9))
axes[0, 0].set_ylabel("image")
_ = axes[1, 0].set_ylabel("what HOG sees")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_invariance", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# What happens to the 144 numbers of `hog_feature`, apart from rounding and clipping, if the image
# is (a) made brighter: 40 is added to every value; (b) given more contrast: every value is doubled;
# (c) turned into its negative, $255 - I$; (d) mirrored left to right? For (d), look at the inside
# of the image, away from its last row and column. (e) Someone wants (b) to have no effect. What
# would you do to the histograms?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_invariance", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) Nothing: differences of neighbours do not contain what is added to both.
#
# (b) All numbers double: gradients, and so magnitudes, double, while orientations stay.
#
# (c) Nothing: every gradient changes its sign, so the magnitude stays, and an angle changes by
# 180°, which the modulo removes.
#
# (d) The columns of cells change places, left for right, and within a cell $g_x$ changes its sign:
# an orientation $\theta$ becomes $180° - \theta$, so bin $b$ trades places with bin $8 - b$.
#
# (e) Divide them by their length, for example every cell, or better a block of neighbouring cells,
# by the root of its sum of squares plus a small number. That is the *block normalisation* of the
# original HOG; over blocks, because a dark corner of an image then stays as sensitive to its own
# faint edges as a bright one, without blowing up the noise of an empty cell.

# %% [markdown]
# ## 5. All images at once
#
# Ten thousand images take a while with loops over cells and bins, and one more loop over images.
# **Your step:** write the same for a batch, without a loop over images or pixels. Your functions
# for grey, gradients and orientation take leading axes already. What remains is (4):
#
# - To sum over the pixels of each cell, **reshape**: `(N, H, W)` becomes `(N, H/8, 8, W/8, 8)`
#   without moving a number in memory. Which two axes are then to be summed?
# - The bins are only nine: a loop over *them* is cheap. (Or give every pixel the number of its
#   image, cell and bin, and let one call of `np.bincount` with `weights` do all of it.)


# %% nbgrader={"grade": false, "grade_id": "hog_features", "locked": false, "schema_version": 3, "solution": true, "task": false}
def hog_features(images):
    """Compute the histograms of oriented gradients of a batch of images, without a loop over them.

    Parameters
    ----------
    images : (N, H, W, 3) array of int or float
        Images in colours; H and W are multiples of 8. Not modified.

    Returns
    -------
    (N, H/8 * W/8 * 9) array of float
        Row i is ``hog_feature(images[i])``.
    """
    cell, bins = 8, 9
    ### BEGIN SOLUTION
    magnitude, orientation = gradient_orientation(*image_gradients(rgb2gray(images)))
    bin_of_pixel = (orientation // (180 / bins)).astype(np.int8)
    num, height, width = magnitude.shape
    rows, columns = height // cell, width // cell
    histograms = np.empty((num, rows, columns, bins))
    for b in range(bins):
        votes = (magnitude * (bin_of_pixel == b)).reshape(num, rows, cell, columns, cell)
        histograms[..., b] = votes.sum(axis=(2, 4)) / cell**2
    return histograms.reshape(num, -1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_hog_features", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(0)
images = rng.uniform(0, 255, size=(5, 16, 24, 3))
batch = hog_features(images)
assert_shape(batch, (5, 54), name="the features of 5 images of 16x24 pixels")
for i, im in enumerate(images):
    assert_close(batch[i], hog_feature(im), name=f"row {i}, compared to hog_feature,", rtol=1e-4)
assert_shape(hog_features(images[:1]), (1, 54), name="the features of a batch of one image")
print("✓ hog_features")

# %% [markdown]
# **Predict before you run.** By which factor does the batch gain over the loop?

# %% tags=["demo"]
few = data.X_val[:200]
hog_features(few)  # warm up
times = {
    "image by image": timeit.timeit(lambda: [hog_feature(im) for im in few], number=1),
    "the whole batch": timeit.timeit(lambda: hog_features(few), number=3) / 3,
}
_ = plot_times(times, title="HOG of 200 images")

# %% [markdown]
# ## 6. Colours: hue, saturation, value
#
# HOG is blind to colour. But red, green and blue are poor features: in the shade all three shrink.
# The *HSV* representation separates what we want from what we do not. For $R, G, B$ between 0 and 1
# let $M$ be the largest and $m$ the smallest of the three, and $c = M - m$.
#
# - **Value** $v = M$: how bright. In the shade it falls.
# - **Saturation** $s = c / M$, and 0 for black ($M = 0$): how colourful. White and all greys have 0.
# - **Hue** $h$: which colour, as a place on a circle, with red at 0, green at ⅓, blue at ⅔, and red
#   again at 1. For greys ($c = 0$) it is set to 0. Otherwise
#
# $$h = \frac16 \cdot \begin{cases}
#   (G - B)/c \;\bmod 6 & \text{if } R \text{ is the largest} \\
#   (B - R)/c + 2 & \text{if } G \text{ is the largest} \\
#   (R - G)/c + 4 & \text{if } B \text{ is the largest}
#   \end{cases} \tag{5}$$
#
# Where two are the largest, both lines give the same. **Your step:** multiply $R, G, B$ by the same
# number between 0 and 1, a shadow. What becomes of $h$, $s$ and $v$?
#
# Write it for `(..., 3)` again. `np.where(condition, a, b)` computes *both* `a` and `b` everywhere:
# see to it that a division by zero happens in neither.


# %% nbgrader={"grade": false, "grade_id": "rgb_to_hsv", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rgb_to_hsv(rgb):
    """Convert red, green, blue to hue, saturation, value.

    Parameters
    ----------
    rgb : (..., 3) array of float
        Colours with entries between 0 and 1. Not modified.

    Returns
    -------
    (..., 3) array of float
        Hue in [0, 1), and 0 for greys; saturation and value between 0 and 1.
    """
    ### BEGIN SOLUTION
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    value = rgb.max(axis=-1)
    chroma = value - rgb.min(axis=-1)
    divisor = np.where(chroma > 0, chroma, 1)
    sector = np.where(
        value == red,
        (green - blue) / divisor % 6,
        np.where(value == green, (blue - red) / divisor + 2, (red - green) / divisor + 4),
    )
    hue = np.where(chroma > 0, sector / 6 % 1, 0)
    saturation = chroma / np.where(value > 0, value, 1)
    return np.stack([hue, saturation, value], axis=-1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_rgb_to_hsv", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
colours = np.array(
    [[1, 0, 0], [0, 0.5, 0], [0, 0, 1], [1, 1, 0], [0.8, 0.2, 0.5], [0.4, 0.4, 0.4], [0, 0, 0]]
)
hsv = rgb_to_hsv(colours)
assert_shape(hsv, (7, 3), name="the array of hue, saturation, value")
assert_finite(hsv, name="the array of hue, saturation, value (grey and black are in it)")
assert_close(hsv[:, 0], [0, 1 / 3, 2 / 3, 1 / 6, 11 / 12, 0, 0], name="the hue")
assert_close(hsv[:, 1], [1, 1, 1, 1, 0.75, 0, 0], name="the saturation")
assert_close(hsv[:, 2], [1, 0.5, 1, 1, 0.8, 0.4, 0], name="the value")
pairs = np.stack([colours, colours[::-1]])
assert_close(rgb_to_hsv(pairs), np.stack([hsv, hsv[::-1]]), name="hue, saturation, value (2, 7, 3)")
print("✓ rgb_to_hsv")

# %% [markdown]
# The second feature is the histogram of the hues of all pixels of an image, shadows or not. The
# hue, multiplied by `xmax`, is sorted into `nbin` bins of the same width that cover `xmin` to
# `xmax`. For the usual values (0 and 255, ten bins) that is one bin for each tenth of the circle of
# hues. `normalized` divides the counts by the number of pixels, so that the size of an image does
# not matter: they add up to 1.


# %% nbgrader={"grade": false, "grade_id": "color_histogram_hsv", "locked": false, "schema_version": 3, "solution": true, "task": false}
def color_histogram_hsv(im, nbin=10, xmin=0, xmax=255, normalized=True):
    """Compute the histogram of an image's hues.

    Parameters
    ----------
    im : (H, W, 3) array of int or float
        An image with values from 0 to `xmax`. Not modified.
    nbin : int
        Number of bins.
    xmin, xmax : float
        The bins divide the range from `xmin` to `xmax`, on which hue runs from 0 to `xmax`.
    normalized : bool
        Whether to return shares of the pixels or their number.

    Returns
    -------
    (nbin,) array of float
        The share (or number) of the pixels in each bin.
    """
    ### BEGIN SOLUTION
    hue = rgb_to_hsv(im / xmax)[..., 0] * xmax
    counts, _ = np.histogram(hue, bins=nbin, range=(xmin, xmax))
    return counts / hue.size if normalized else counts.astype(float)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_color_histogram_hsv", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# Hues of 0.05 and 0.55 (the latter with a third of the light) and a grey, each on some pixels.
orange, blue, grey = [255, 76.5, 0], [0, 59.5, 85], [90, 90, 90]
im = np.array([[orange, blue, blue], [blue, grey, blue]])
share = np.zeros(10)
share[[0, 5]] = 2 / 6, 4 / 6
assert_close(color_histogram_hsv(im), share, name="the histogram of 6 pixels")
assert_close(color_histogram_hsv(im, normalized=False), 6 * share, name="the count of 6 pixels")
assert_close(color_histogram_hsv(im, nbin=3), [2 / 6, 4 / 6, 0], name="the histogram in 3 bins")
print("✓ color_histogram_hsv")

# %% [markdown]
# **Predict before you run.** For which classes will hues say most? Think of what stands *behind*
# the objects, too.

# %% tags=["demo"]
shares = np.array(
    [
        np.mean([color_histogram_hsv(im) for im in data.X_train[y_train == label][:150]], axis=0)
        for label in range(num_classes)
    ]
)
fig, axis = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
places = np.arange(num_classes)
for b in range(10):
    left = shares[:, :b].sum(axis=1)
    color = plt.get_cmap("hsv")(0.1 * b + 0.05)
    axis.barh(places, shares[:, b], left=left, color=color, edgecolor="white", linewidth=0.5)
axis.set(yticks=places, yticklabels=data.class_names, xlim=(0, 1), xlabel="share of the pixels")
axis.set_title("Hues of 150 images of each class, bins from red to red")
axis.invert_yaxis()
axis.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## 7. One row per image, on one scale
#
# A feature function takes one image and returns a vector. `extract_features` applies several of
# them to every image and puts their results side by side: a matrix with a row for each image, as
# the classifiers expect. Any function will do; you may think out features of your own.


# %% nbgrader={"grade": false, "grade_id": "extract_features", "locked": false, "schema_version": 3, "solution": true, "task": false}
def extract_features(imgs, feature_fns, verbose=False):
    """Apply feature functions to all images and concatenate the results.

    Parameters
    ----------
    imgs : (N, H, W, C) array
        Images.
    feature_fns : list of callable
        Each takes an image (H, W, C) and returns a one-dimensional array.
    verbose : bool
        Whether to print how far the work is; how, is up to you.

    Returns
    -------
    (N, F) array of float
        Row i: the results of all functions for ``imgs[i]``, in the order of `feature_fns`.
    """
    ### BEGIN SOLUTION
    rows = []
    for i, im in enumerate(imgs):
        rows.append(np.concatenate([feature_fn(im) for feature_fn in feature_fns]))
        if verbose and (i + 1) % 1000 == 0:
            print(f"{i + 1} of {len(imgs)} images")
    return np.array(rows)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_extract_features", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
imgs = np.arange(3 * 2 * 4 * 3, dtype=float).reshape(3, 2, 4, 3)
features = extract_features(imgs, [lambda im: im[0, 0], lambda im: np.array([im.max()])])
expected = [[0, 1, 2, 23], [24, 25, 26, 47], [48, 49, 50, 71]]
assert_close(features, expected, name="the features of 3 images by two functions")
assert_shape(extract_features(imgs[:1], [np.ravel]), (1, 24), name="the features of one image")
print("✓ extract_features")

# %% [markdown]
# Now all our images: HOG by the batch, hues image by image. That is all the rest of this notebook
# sees of them.


# %% tags=["demo"]
def features_of(images):
    """Return 144 numbers of HOG and a histogram of 10 hues: (N, 32, 32, 3) -> (N, 154)."""
    hues = extract_features(images, [color_histogram_hsv])
    return np.hstack([hog_features(images), hues]).astype(np.float32)


@cache
def raw_features():
    """Return the features of training, validation and test images, computed once."""
    return [features_of(images) for images in (data.X_train, data.X_val, data.X_test)]


raw_train, raw_val, raw_test = raw_features()
print("features:", raw_train.shape, raw_val.shape, raw_test.shape)
for name, block in (("HOG", raw_train[:, :144]), ("hues", raw_train[:, 144:])):
    spread = block.std(axis=0)
    print(f"standard deviation of {name}: from {spread.min():.3f} to {spread.max():.3f}")

# %% [markdown]
# Votes of edges vary far more than shares of hues: with one learning rate and one regularisation
# strength for all weights, the colours would hardly count. So every column is **standardised**,
# with its mean and standard deviation:
#
# $$\tilde F_{ij} = \frac{F_{ij} - \mu_j}{\sigma_j}, \qquad
#   \mu_j = \frac1N \sum_i F_{ij}, \qquad
#   \sigma_j = \sqrt{\frac1N \sum_i (F_{ij} - \mu_j)^2} . \tag{6}$$
#
# $\mu$ and $\sigma$ always come from the *training* set, also for the other two sets. And a column
# that never changes in the training set has $\sigma_j = 0$; for such a column divide by 1. (Why is
# a tiny number in place of 1 a bad idea? Imagine the one test image that has a pixel of this hue.)


# %% nbgrader={"grade": false, "grade_id": "standardize", "locked": false, "schema_version": 3, "solution": true, "task": false}
def standardize(F_train, F):
    """Bring features to mean 0 and standard deviation 1, as measured on the training set.

    Parameters
    ----------
    F_train : (N, F) array of float
        Features of the training images, from which mean and standard deviation are taken.
    F : (M, F) array of float
        The features to be standardised: `F_train` itself, or those of other images. Not modified.

    Returns
    -------
    (M, F) array of float
        Each column of F less the mean of that column of F_train, divided by its standard deviation,
        or by 1 where that is 0.
    """
    ### BEGIN SOLUTION
    mean, std = F_train.mean(axis=0), F_train.std(axis=0)
    return (F - mean) / np.where(std > 0, std, 1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_standardize", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
F_train = np.array([[1.0, 10.0, 7.0], [3.0, 10.0, 7.0], [1.0, 40.0, 7.0], [3.0, 40.0, 7.0]])
F = np.array([[2.0, 55.0, 9.0], [5.0, 25.0, 7.0]])
before = F_train.copy(), F.copy()
expected = [[-1, -1, 0], [1, -1, 0], [-1, 1, 0], [1, 1, 0]]
assert_close(standardize(F_train, F_train), expected, name="the standardised training features")
assert_close(standardize(F_train, F), [[0, 2, 2], [3, 0, 0]], name="other features, standardised,")
assert np.array_equal(F_train, before[0]), "F_train changed: work on a new array"
assert np.array_equal(F, before[1]), "F changed: work on a new array"
print("✓ standardize")


# %% tags=["demo"]
@cache
def standardized():
    """Return the standardised features of training, validation and test images."""
    raw_train = raw_features()[0]
    return [standardize(raw_train, raw) for raw in raw_features()]


F_train, F_val, F_test = standardized()

# %% [markdown]
# Are features a better space to measure distances in? The test images below are shown with their
# five nearest training images, in pixel space and in feature space. A frame says whether the class
# is the same, and the title, how often it is for all test images.
#
# **Predict before you run.** What do neighbours in pixel space have in common with the test image,
# and what those in feature space?


# %% tags=["demo"]
def nearest_to(queries, points, k=5):
    """Return positions of the k points nearest to each query, in L2 distance: (Q, k)."""
    distances = np.sum(points**2, axis=1) - 2 * queries @ points.T  # up to a constant per query
    return np.argsort(distances, axis=1, kind="stable")[:, :k]


F_train, F_val, F_test = standardized()
asked = [np.flatnonzero(y_test == label)[0] for label in (0, 2, 4, 6, 8)]
flat_train = data.X_train.reshape(len(data.X_train), -1)
flat_train, flat_test = (images.reshape(len(images), -1) for images in (data.X_train, data.X_test))
spaces = {"pixel": (flat_test, flat_train), "feature": (F_test, F_train)}
for space, (everybody, train) in spaces.items():
    shared = y_train[nearest_to(everybody, train)] == y_test[:, None]
    positions = nearest_to(everybody[asked], train)
    _ = show_neighbours(
        data.X_test[asked],
        data.X_train[positions],
        y_test[asked],
        y_train[positions],
        class_names=data.class_names,
        title=f"Nearest in {space} space: {shared.mean():.0%} are of the same class",
    )

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_standardize", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# (a) Does standardising the features change which training images are *nearest* to a test image,
# and why? (b) In exact arithmetic and without regularisation, does it change how small the loss of
# a linear classifier with a bias can get? (c) Then why does it help so much in training one? (d) A
# fellow student standardises training, validation and test features each with their own mean and
# deviation. Name a case in which this goes badly wrong.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_standardize", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) Yes. A distance adds up squared differences over all columns, so columns with a large spread
# decide it. Dividing by the spread gives all columns the same say: here, the ten hues are heard at
# all.
#
# (b) No. Scores $\tilde F W + b$ with $\tilde F = (F - \mu) / \sigma$ are scores of $F$ with the
# weights $W_j / \sigma_j$ and another bias. Both sets of classifiers are the same.
#
# (c) Gradient descent and the penalty do care. The gradient by a weight is proportional to its
# column, so columns with a small spread learn slowly at a rate that is just small enough for the
# large ones; and they need large weights, which the penalty forbids. Standardised, one learning
# rate and one regularisation strength suit all.
#
# (d) A test set with a single image: its own mean is itself, so all features become 0. Or test
# images that are all of one class: what makes them this class is subtracted. A classifier must get
# its input in the form in which it learned it.

# %% [markdown]
# ## 8. The linear classifier, again
#
# It is the classifier of your notebook `softmax`, with `softmax.softmax_loss_vectorized` as the
# loss and `svm.sgd_train` as the training loop. Only its input is new: rows of features, with a one
# appended for the bias. Write the search for learning rate and regularisation, on validation
# images, as before.
#
# The inputs are now numbers of about 1, not in the hundreds, so that the good hyper-parameters are
# to be found somewhere else: remember the question about units in `softmax`, and try learning rates
# from 0.01 to 1 and regularisation strengths from 0.0001 to 0.1. When graded, the function gets
# features of this kind and one minute on one core; a few runs of a thousand steps are enough.


# %% nbgrader={"grade": false, "grade_id": "train_linear", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_linear(X_train, y_train, X_val, y_val):
    """Train a softmax classifier on features, with the hyper-parameters best on validation images.

    Parameters
    ----------
    X_train, X_val : (N, D) and (M, D) arrays of float
        Standardised features as rows, a one appended.
    y_train, y_val : (N,) and (M,) arrays of int
        Their labels.

    Returns
    -------
    (D, C) array of float
        The weights with the highest accuracy on the validation images.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(231)
    best_accuracy, best_W = -1.0, None
    for reg in progress([1e-3, 3e-3, 1e-2], "searching"):
        W, _ = svm.sgd_train(
            softmax.softmax_loss_vectorized, X_train, y_train, 0.1, reg, 1000, 200, rng
        )
        accuracy = np.mean(np.argmax(X_val @ W, axis=1) == y_val)
        if accuracy > best_accuracy:
            best_accuracy, best_W = accuracy, W
    return best_W
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_train_linear", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def with_one(features):
    """Append a column of ones: (N, F) -> (N, F + 1)."""
    return np.hstack([features, np.ones((len(features), 1), dtype=features.dtype)])


@cache
def trained_linear():
    """Return the weights of your train_linear, trained when they are first asked for."""
    return train_linear(with_one(F_train), y_train, with_one(F_val), y_val)


accuracy_to_reach = {"scenes": 0.51, "cifar10": 0.45}[data.name]

F_train, F_val, F_test = standardized()
W = trained_linear()
assert_shape(W, (F_train.shape[1] + 1, num_classes), name="W")
assert_finite(W, name="W")
accuracy = np.mean(np.argmax(with_one(F_val) @ W, axis=1) == y_val)
assert accuracy >= accuracy_to_reach, (
    f"validation accuracy {accuracy:.1%}, expected {accuracy_to_reach:.0%} or more: "
    "try other learning rates and regularisation strengths, or train longer"
)
print(f"✓ train_linear: validation accuracy {accuracy:.1%}")

# %% [markdown]
# The weights of a linear classifier can be read. Those for HOG belong to the strokes of section 4:
# below, for each class, the strokes whose weights are positive, the brighter the larger.
#
# **Predict before you run.** The templates that `softmax` learned on pixels were blurred patches of
# colour. For which classes will the strokes form a shape?

# %% tags=["demo"]
F_train, F_val, F_test = standardized()
W = trained_linear()
fig, axes = plt.subplots(2, 5, figsize=(8, 3.5), layout="constrained")
for label, axis in enumerate(axes.flat):
    draw_strokes(axis, np.maximum(W[:144, label], 0).reshape(4, 4, 9))
    axis.set_title(data.class_names[label], fontsize=9)
_ = fig.suptitle("Edges that speak for a class")

# %% [markdown]
# ## 9. The two-layer net, again
#
# Is a linear classifier all that these features are good for? "A horizontal edge at the top
# *and* much blue" is no sum of scores; it takes a hidden unit. `layers.TwoLayerNet(input_dim,
# hidden_dim, num_classes, weight_scale, reg, rng)` is yours: `net.params` is a dictionary of its
# parameters, `net.loss(X, y)` returns the loss and a dictionary of gradients, `net.loss(X)` the
# scores.
#
# Write the training: minibatches, a step of SGD for every parameter, and a choice by validation
# accuracy. Some experience with nets of this kind:
#
# - Learning rates that look absurd for pixels work here: 0.1 to 1, with weights that start at a
#   scale of 0.05 to 0.1. Those with which `two_layer_net` learns pixels would take hours.
# - Let the learning rate fall to near 0 towards the end, for example in proportion to the steps
#   that are left: at first one wants to get far, at last to settle.
# - 154 inputs are cheap, so that a few hundred hidden units and ten or twenty passes over the data
#   take seconds. But the net then soon knows its training images by heart. What keeps it from that?
#
# When graded, it gets features of this kind, without the column of ones, and one minute on one
# core.


# %% nbgrader={"grade": false, "grade_id": "train_features", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_features(X_train, y_train, X_val, y_val):
    """Train a two-layer net on features, with what does best on validation images.

    Parameters
    ----------
    X_train, X_val : (N, D) and (M, D) arrays of float
        Standardised features as rows.
    y_train, y_val : (N,) and (M,) arrays of int
        Their labels, from 0 to C - 1, where C is ``max(y_train) + 1``.

    Returns
    -------
    TwoLayerNet
        The net with the highest accuracy on the validation images; ``net.loss(X)`` are its scores.
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(231)
    num_classes, batch_size, num_epochs = int(np.max(y_train)) + 1, 200, 15
    num_steps = num_epochs * (len(X_train) // batch_size)
    best_accuracy, best_net = -1.0, None
    for reg in (4e-3, 8e-3):
        net = layers.TwoLayerNet(X_train.shape[1], 300, num_classes, 0.08, reg, rng)
        for step in progress(range(num_steps), f"training with reg = {reg}"):
            learning_rate = 1.0 * (1 - step / num_steps)
            batch = rng.integers(len(X_train), size=batch_size)
            _, grads = net.loss(X_train[batch], y_train[batch])
            for name in net.params:
                net.params[name] -= learning_rate * grads[name]
        accuracy = np.mean(np.argmax(net.loss(X_val), axis=1) == y_val)
        if accuracy > best_accuracy:
            best_accuracy, best_net = accuracy, net
    return best_net
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_train_features", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@cache
def trained_net():
    """Return the net of your train_features, trained when it is first asked for."""
    return train_features(F_train, y_train, F_val, y_val)


accuracy_to_reach = {"scenes": 0.60, "cifar10": 0.52}[data.name]

F_train, F_val, F_test = standardized()
net = trained_net()
assert hasattr(net, "loss"), f"train_features returned {type(net).__name__}, expected the net"
scores = net.loss(F_val)
assert_shape(scores, (len(F_val), num_classes), name="the scores of the net")
assert_finite(scores, name="the scores of the net")
accuracy = np.mean(np.argmax(scores, axis=1) == y_val)
assert accuracy >= accuracy_to_reach, (
    f"validation accuracy {accuracy:.1%}, expected {accuracy_to_reach:.0%} or more: "
    "look at learning rate, regularisation, hidden units and the number of steps"
)
print(f"✓ train_features: validation accuracy {accuracy:.1%}")

# %% [markdown]
# ## 10. What did it bring?
#
# First an **ablation**: leave a part out, and see what is lost. The same two trainings as above, on
# HOG alone, on hues alone, and on both.
#
# **Predict before you run.** Which of the two features matters more? With both together, will the
# accuracy be about the sum?


# %% tags=["demo"]
def accuracies_on(columns):
    """Train both classifiers on some of the columns; return their test accuracies."""
    train, val, test = F_train[:, columns], F_val[:, columns], F_test[:, columns]
    W = train_linear(with_one(train), y_train, with_one(val), y_val)
    scores = with_one(test) @ W, train_features(train, y_train, val, y_val).loss(test)
    return [np.mean(np.argmax(s, axis=1) == y_test) for s in scores]


def plot_pairs(groups, names, title):
    """Draw groups of accuracies as bars side by side: {group: [one for each name]}."""
    _, axis = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        places = np.arange(len(groups)) + width * (i - (len(names) - 1) / 2)
        heights = [100 * values[i] for values in groups.values()]
        bars = axis.bar(places, heights, 0.94 * width, color=COLORS[i], label=name)
        axis.bar_label(bars, fmt="%.0f", fontsize=9, padding=2)
    axis.axhline(100 / num_classes, color=MUTED, linestyle=":", linewidth=1)
    axis.text(len(groups) - 0.08, 100 / num_classes + 1, "guessing", color=MUTED, ha="right")
    axis.set(xticks=range(len(groups)), xticklabels=groups, ylabel="test accuracy (%)")
    axis.set_xlim(-0.5, len(groups) - 0.05)
    axis.margins(y=0.12)
    axis.set_title(title)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, loc="upper left")


F_train, F_val, F_test = standardized()
both = [
    np.mean(np.argmax(with_one(F_test) @ trained_linear(), axis=1) == y_test),
    np.mean(np.argmax(trained_net().loss(F_test), axis=1) == y_test),
]
ablation = {
    "hues alone": accuracies_on(np.s_[144:]),
    "HOG alone": accuracies_on(np.s_[:144]),
    "both": both,
}
plot_pairs(ablation, ["linear", "two-layer net"], "What each feature is good for")

# %% [markdown]
# And now the ladder that you have climbed so far: three classifiers, each on pixels and on
# features. All are trained on the same images, with your functions; the pixel versions with
# settings that do well on pixels.
#
# **Predict before you run.** Write down six numbers. For which of the three do the features change
# most?

# %% tags=["demo"]
knn = from_notebook("knn")


def accuracy_of_neighbours(train, test):
    """Return the test accuracy of ten nearest neighbours."""
    distances = knn.compute_distances_no_loops(train, test)
    return np.mean(np.asarray(knn.predict_labels(distances, y_train, k=10)) == y_test)


def pixels_of(images):
    """Subtract the mean image, flatten, divide by 60: (N, 32, 32, 3) -> (N, 3072)."""
    return (images - data.X_train.mean(axis=0)).reshape(len(images), -1) / np.float32(60)


F_train, F_val, F_test = standardized()
P_train, P_test = pixels_of(data.X_train), pixels_of(data.X_test)
rng = np.random.default_rng(5)
W, _ = svm.sgd_train(
    softmax.softmax_loss_vectorized, with_one(P_train), y_train, 3e-3, 0.1, 1000, 200, rng
)
net = layers.TwoLayerNet(P_train.shape[1], 100, num_classes, 0.01, 0.02, rng)
num_steps = 1000
for step in progress(range(num_steps), "net on pixels"):
    batch = rng.integers(len(P_train), size=100)
    _, grads = net.loss(P_train[batch], y_train[batch])
    for name in net.params:
        net.params[name] -= 0.1 * (1 - step / num_steps) * grads[name]

ladder = {
    "k-NN": [accuracy_of_neighbours(P_train, P_test), accuracy_of_neighbours(F_train, F_test)],
    "linear": [np.mean(np.argmax(with_one(P_test) @ W, axis=1) == y_test), both[0]],
    "two-layer net": [np.mean(np.argmax(net.loss(P_test), axis=1) == y_test), both[1]],
}
plot_pairs(ladder, ["on pixels", "on features"], "The ladder so far")

# %% [markdown]
# Read the figure twice: from left to right a better classifier, from blue to red a better
# representation. A person chose these features, and chose them well. The next question writes
# itself: could a network find even better ones? That is what convolutional networks do, and their
# first layer finds, all by itself, edges and colours.
#
# Last, look at the mistakes. Each column below holds test images that the net gave this label,
# wrongly, those that it was surest of at the top.
#
# **Predict before you run.** What will wrongly named images have in common with the class that they
# are taken for?

# %% tags=["demo"]
F_train, F_val, F_test = standardized()
scores = trained_net().loss(F_test)
probabilities = softmax.softmax_probabilities(scores)
guesses, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
fig, axes = plt.subplots(5, num_classes, figsize=(9, 5.3), layout="constrained")
for label, column in enumerate(axes.T):
    wrong = np.flatnonzero((guesses == label) & (y_test != label))
    surest = wrong[np.argsort(-confidence[wrong])][: len(column)]
    for axis in column:
        axis.axis("off")
    for axis, i in zip(column, surest, strict=False):
        axis.imshow(data.X_test[i] / 255)
        axis.set_title(data.class_names[y_test[i]], fontsize=7, color=MUTED, pad=2)
    place = {"transform": column[0].transAxes, "ha": "center"}
    column[0].text(0.5, 1.4, data.class_names[label], fontsize=9, fontweight="bold", **place)
_ = fig.suptitle("Taken for (bold), but really (above each image)", fontsize=10)

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_mistakes", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# Choose two of the mistakes above. Do they make sense, if you look at the image with the eyes of
# these features: as the strokes of 16 cells, and as ten numbers on colours? Name for each a piece
# of information that you use to recognise it and that the features have thrown away.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_mistakes", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# Many do. Typical ones: two classes whose outlines have the same orientations in the same cells
# (round things for one another, things with four legs, things with a long horizontal line), or an
# image whose background has the hues that usually go with another class.
#
# What was thrown away and would tell them apart: *where* within a cell an edge lies, and whether two
# edges meet in a corner or belong to one line; any detail finer than eight pixels, such as a face
# or wheels; *which* part has which colour, since the hues come from the whole image; how bright a
# colour is, since black and dark red have hues, too; and the sign of an edge, dark on bright or
# bright on dark.

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **What is HOG, in three sentences?** The gradient of the brightness at every pixel; in every cell
# of a grid a histogram of its orientations, weighted with its magnitude; the histograms, normalised
# over blocks of neighbouring cells, form the feature vector. It keeps coarse layout and local
# shape, and drops colour, exact position and illumination.
#
# **Which parameters does it have, and what do they trade?** Cell size: small cells keep detail,
# large ones tolerate movement. Number of orientations, and whether opposite directions are the same
# (for people in any clothes, before any background, they should be). Normalisation: contrast
# against noise.
#
# **What is wrong with hard bins, and how is it mended?** An orientation of 19.9° and one of 20.1°
# vote for different bins, so that a tiny rotation moves all votes of an edge at once. The original
# lets a pixel share its vote between the two nearest bins, in proportion to the distance, and
# between the nearest cells, too.
#
# **How does HOG resemble the first layers of a convolutional network?** Differences of neighbours
# are convolutions with fixed filters; magnitude and binning are a non-linearity that gives one map
# for each orientation; the sum over a cell is average pooling with a stride. What is missing:
# filters that are learned, and more than one such layer.
#
# **Why HSV and not RGB?** A shadow scales all of red, green and blue, and leaves the hue as it is.
# The price: hue is a circle (0.99 and 0.01 are neighbours), it is undefined for greys, and noisy
# for dark and pale pixels.
#
# **Which statistics may be computed on the test set?** None. Mean and deviation belong to the model
# like its weights: measured on training images, stored, and applied to whatever comes.
#
# **Are hand-made features of any use today?** Where data, energy or time are short, or where a
# result has to be explained; and as ideas: pooling, normalisation and orientation maps all live on
# inside networks.
#
# ## Read more
#
# - N. Dalal, B. Triggs, [Histograms of oriented gradients for human
#   detection](https://lear.inrialpes.fr/people/triggs/pubs/Dalal-cvpr05.pdf), 2005: every choice of
#   this notebook, tried out by measurement, and block normalisation.
# - C. Vondrick and others, [HOGgles: visualizing object detection
#   features](https://arxiv.org/abs/1502.05461), 2015: images reconstructed from HOG alone, which
#   show why a detector sees a car in a pond.
# - A. Coates, A. Ng, H. Lee, [An analysis of single-layer networks in unsupervised feature
#   learning](https://proceedings.mlr.press/v15/coates11a.html), 2011: features learned by k-means,
#   which beat those thought out by hand on CIFAR-10.
# - CS231n notes, [Image classification](https://cs231n.github.io/classification/): why distances
#   between pixels mislead.

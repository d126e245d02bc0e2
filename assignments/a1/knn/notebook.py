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
# # k-nearest neighbours: images as points
#
# **Goal.** You build the simplest classifier of images that there is: to label an image, look for
# the most similar ones among those whose labels you know, and let them vote. You compute the same
# distances in three ways, one of which is many times as fast as the others; you choose $k$
# honestly, by cross-validation; and you find out what this classifier sees in an image, and what it
# cannot see.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `compute_distances_two_loops` | Euclidean distances, one pair at a time |
# | 3 | `compute_distances_one_loop` | the same, one test image at a time |
# | 4 | `compute_distances_no_loops` | the same, all at once, by a matrix product |
# | 5 | `compute_distances_l1` | another distance, for which that trick fails |
# | 6 | `predict_labels` | the vote of the $k$ nearest |
# | 7 | `cross_validate_k` | how good is which $k$? |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library, and they see their arguments, your imports
# and your other functions; they cannot see data that the notebook has loaded.
#
# You need Python, NumPy indexing, and about two hours.

# %%
import timeit
from functools import cache

import matplotlib.pyplot as plt
import numpy as np

from cs231n_lib.checking import assert_close, assert_finite, assert_shape
from cs231n_lib.datasets import load_dataset
from cs231n_lib.plots import (
    plot_cross_validation,
    plot_decision_regions,
    plot_distance_matrix,
    plot_times,
    show_class_examples,
    show_images,
    show_neighbours,
)

# %% [markdown]
# ## 1. An image is a point
#
# A colour image of 32×32 pixels is $32 \cdot 32 \cdot 3 = 3072$ numbers from 0 to 255. Put them
# into one row, and the image is a point in a space of 3072 dimensions. Images that look alike
# should be points close to each other: on this hope the whole method rests.

# %% tags=["demo"]
data = load_dataset(num_training=5_000, num_validation=0, num_test=500)
_ = show_class_examples(data.X_train, data.y_train, data.class_names)

# %% [markdown]
# In files, pixels are 8-bit integers. Never subtract those: $200 - 220$ is 236 in `uint8`, which
# wraps around. So the rows are converted to floating point first, once and for all.

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
X_train = data.X_train.reshape(len(data.X_train), -1).astype(np.float64)
X_test = data.X_test.reshape(len(data.X_test), -1).astype(np.float64)
y_train, y_test = data.y_train, data.y_test
num_classes = len(data.class_names)
print("X_train", X_train.shape, " y_train", y_train.shape, " X_test", X_test.shape)

# %% [markdown]
# ## 2. Distances, one pair at a time
#
# The *Euclidean distance* (also called L2) of two images $a$ and $b$ with $D$ pixel values each is
# the length of the straight line between the two points:
#
# $$d_2(a, b) = \sqrt{\sum_{p=1}^{D} (a_p - b_p)^2} \tag{1}$$
#
# We want all of them, in a matrix with one row per test image and one column per training image:
# entry $(i, j)$ is the distance between test image $i$ and training image $j$. The first version is
# for reading: a loop over the test images, in it a loop over the training images, in it formula (1)
# for one pair. (Inside you may use NumPy on the two rows; no third loop over pixels is needed.)


# %% nbgrader={"grade": false, "grade_id": "compute_distances_two_loops", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compute_distances_two_loops(X_train, X):
    """Compute all Euclidean distances with a loop over test and a loop over training images.

    Parameters
    ----------
    X_train : (num_train, D) array of float
        Training images, one row each.
    X : (num_test, D) array of float
        Test images, one row each.

    Returns
    -------
    (num_test, num_train) array of float
        Entry (i, j) is the distance between X[i] and X_train[j].
    """
    num_test, num_train = X.shape[0], X_train.shape[0]
    dists = np.zeros((num_test, num_train))
    for i in range(num_test):
        for j in range(num_train):
            ### BEGIN SOLUTION
            dists[i, j] = np.sqrt(np.sum((X[i] - X_train[j]) ** 2))
            ### END SOLUTION
    return dists


# %% nbgrader={"grade": true, "grade_id": "check_compute_distances_two_loops", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
# Points in the plane whose distances you know from school.
points = np.array([[0.0, 0.0], [3.0, 4.0], [-5.0, 12.0]])
queries = np.array([[0.0, 0.0], [3.0, 0.0]])
dists = compute_distances_two_loops(points, queries)
assert_shape(dists, (2, 3), name="dists")
assert_close(dists, [[0, 5, 13], [3, 4, np.sqrt(64 + 144)]], name="dists")
print("✓ compute_distances_two_loops")

# %% [markdown]
# Here are the distances between a hundred test images (rows) and five hundred training images
# (columns); dark is near, bright is far.
#
# **Predict before you run.** If pixel distance knew about classes, and nothing else, what would a
# row look like? What would you expect to see instead?

# %% tags=["demo"]
dists = compute_distances_two_loops(X_train[:500], X_test[:100])
_ = plot_distance_matrix(dists, title="100 test images, 500 training images")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_stripes", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# The matrix has stripes: some rows and some columns are bright from end to end. (a) What does a
# bright row say about its test image, and what a bright column about its training image? What might
# such images look like? (b) Some columns are *dark* from end to end. Why are those dangerous for a
# nearest-neighbour classifier?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_stripes", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) A bright row: this test image is far from all training images. A bright column: this training
# image is far from all test images. Such images have extreme pixel values that few others share:
# very dark or very bright, strong contrast, a large area of a glaring colour. A distance grows with
# every pixel that differs much, whatever the images show.
#
# (b) A dark column is a training image that is near to everything. Typically it is grey and of low
# contrast, close to the mean of all images, from where nothing is far. It becomes the nearest
# neighbour of many test images of all classes, and gives all of them its own label. Such images are
# called hubs.

# %% [markdown]
# ## 3. One test image at a time
#
# NumPy is fast when it gets much work in one call. *Broadcasting* hands it a whole row of the
# matrix: `X_train - X[i]` subtracts the one image `X[i]`, of shape $(D,)$, from each row of
# `X_train`, of shape $(N, D)$. The result has shape $(N, D)$. **Your step:** over which axis must
# the squares be summed, to get one distance per training image?
#
# Leave `X_train` as it is: it belongs to the caller, who will need it again.


# %% nbgrader={"grade": false, "grade_id": "compute_distances_one_loop", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compute_distances_one_loop(X_train, X):
    """Compute all Euclidean distances with a single loop, over the test images.

    Parameters and result are those of ``compute_distances_two_loops``; no argument is modified.
    """
    num_test, num_train = X.shape[0], X_train.shape[0]
    dists = np.zeros((num_test, num_train))
    for i in range(num_test):
        ### BEGIN SOLUTION
        dists[i] = np.sqrt(np.sum((X_train - X[i]) ** 2, axis=1))
        ### END SOLUTION
    return dists


# %% nbgrader={"grade": true, "grade_id": "check_compute_distances_one_loop", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(0)
points, queries = rng.normal(size=(6, 5)), rng.normal(size=(4, 5))
before = points.copy(), queries.copy()
dists = compute_distances_one_loop(points, queries)
for name, array, copy in (("X_train", points, before[0]), ("X", queries, before[1])):
    assert np.array_equal(array, copy), f"{name} changed: work on a new array, not on the caller's"
expected = compute_distances_two_loops(points, queries)
assert_close(dists, expected, name="dists, compared to two loops,")
print("✓ compute_distances_one_loop")

# %% [markdown]
# ## 4. All at once
#
# Could broadcasting remove the second loop as well? `X[:, None, :] - X_train[None, :, :]` is the
# array of all differences of all pairs. It works for points in the plane. For images it does not:
# the array has shape (number of test images, number of training images, 3072).

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_memory", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# (a) How many gigabytes would this array take for 500 test images and 5,000 training images of 3072
# values in float64 (8 bytes each)? (b) How many megabytes does the result, `dists`, take? (c) How
# many does the one-loop version need for its largest temporary array?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_memory", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) $500 \cdot 5000 \cdot 3072 \cdot 8$ bytes $= 61.4$ GB, more than most computers have.
#
# (b) $500 \cdot 5000 \cdot 8$ bytes $= 20$ MB: what we want is 3072 times smaller than the array on
# the way.
#
# (c) The differences to one test image: $5000 \cdot 3072 \cdot 8$ bytes $= 123$ MB.

# %% [markdown]
# The way out is algebra. Multiply out the square in (1):
#
# $$\lVert a - b \rVert^2 = \sum_p (a_p - b_p)^2 = \underbrace{\sum_p a_p^2}_{\text{of } a \text{ alone}}
#   + \underbrace{\sum_p b_p^2}_{\text{of } b \text{ alone}} + \;\boldsymbol{?}\tag{2}$$
#
# The first sum needs to be computed once for every test image, the second once for every training
# image. **Your step:** write down the third term, the only one in which both images occur. For all
# pairs at once it is a product of two matrices, and nothing is as fast on a computer as a product
# of matrices. What are the shapes of `X`, of `X_train`, and of the result that you want?
#
# The three terms then have the shapes $(\text{num\_test},)$, $(\text{num\_train},)$ and
# $(\text{num\_test}, \text{num\_train})$. Adding them is a matter of broadcasting: `v[:, None]`
# turns a vector into a column.
#
# **Predict.** What is the distance of an image to itself by formula (2)? The three terms are huge
# and must cancel to zero *exactly*. In floating point each of them is rounded, and what remains is
# some tiny number, of either sign. What does `np.sqrt` return for $-10^{-9}$? See to it that this
# cannot happen.


# %% nbgrader={"grade": false, "grade_id": "compute_distances_no_loops", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compute_distances_no_loops(X_train, X):
    """Compute all Euclidean distances without loops, and without an array of three dimensions.

    Parameters and result are those of ``compute_distances_two_loops``. No distance is NaN, even
    between equal images.
    """
    ### BEGIN SOLUTION
    squares_test = np.sum(X**2, axis=1)
    squares_train = np.sum(X_train**2, axis=1)
    squared = squares_test[:, None] + squares_train - 2 * X @ X_train.T
    return np.sqrt(np.maximum(squared, 0))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_compute_distances_no_loops", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(1)
points, queries = rng.normal(size=(6, 5)), rng.normal(size=(4, 5))
dists = compute_distances_no_loops(points, queries)
expected = compute_distances_two_loops(points, queries)
assert_close(dists, expected, name="dists, compared to two loops,")

# Every point occurs in both sets: the diagonal holds distances of points to themselves.
points = rng.normal(1000.0, 1.0, size=(40, 30))
dists = compute_distances_no_loops(points, points)
assert_finite(dists, name="dists, for the same points in both sets,")
assert_close(np.diag(dists), np.zeros(40), atol=1e-3, name="the diagonal, for the same points,")
print("✓ compute_distances_no_loops")

# %% [markdown]
# **Predict before you run.** Three versions, the same numbers. How many times faster is one loop
# than two, and no loop than two?

# %% tags=["demo"]
times = {}
for name, function in (
    ("two loops", compute_distances_two_loops),
    ("one loop", compute_distances_one_loop),
    ("no loops", compute_distances_no_loops),
):
    function(X_train[:1000], X_test[:2])  # warm up
    times[name] = timeit.timeit(lambda f=function: f(X_train[:1000], X_test[:50]), number=1)
_ = plot_times(times, title="Distances between 50 test and 1,000 training images")

# %% [markdown]
# No loops: as expected, and more. But one loop may well be no faster than two, on some machines
# slower! Two loops work on rows of 24 kB, which stay in the processor's fast cache memory. One loop
# creates temporary arrays of 24 MB, which travel to main memory and back, and the way there takes
# longer than the computation. Vectorising is not about having fewer loops; it is about giving the
# machine work that it can do well. A matrix product uses each number that it fetches many times
# over.
#
# ## 5. Another distance
#
# The *L1 distance* (or Manhattan distance: along streets, never across blocks) adds up absolute
# differences:
#
# $$d_1(a, b) = \sum_{p=1}^{D} \lvert a_p - b_p \rvert \tag{3}$$
#
# Compared with L2, a few pixels that differ enormously count for less, and many pixels that differ
# a little count for more. The trick of section 4 does not work here (why not?), so use one loop,
# over the test images. An array of all differences of all pairs is no better an idea than before.


# %% nbgrader={"grade": false, "grade_id": "compute_distances_l1", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compute_distances_l1(X_train, X):
    """Compute all L1 distances.

    Parameters
    ----------
    X_train : (num_train, D) array of float
        Training images, one row each.
    X : (num_test, D) array of float
        Test images, one row each.

    Returns
    -------
    (num_test, num_train) array of float
        Entry (i, j) is the L1 distance between X[i] and X_train[j].
    """
    ### BEGIN SOLUTION
    return np.stack([np.sum(np.abs(X_train - image), axis=1) for image in X])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_compute_distances_l1", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
points = np.array([[0.0, 0.0], [3.0, 4.0], [-5.0, 12.0]])
queries = np.array([[0.0, 0.0], [3.0, 0.0]])
dists = compute_distances_l1(points, queries)
assert_shape(dists, (2, 3), name="dists")
assert_close(dists, [[0, 7, 17], [3, 4, 20]], name="dists")
print("✓ compute_distances_l1")

# %% [markdown]
# **Predict before you run.** Below, each test image is compared with all training images twice. Of
# its six nearest by L2, how many will be among the six nearest by L1?

# %% tags=["demo"]
queries = X_test[:3]
near_l2 = np.argsort(compute_distances_no_loops(X_train, queries), axis=1)[:, :6]
near_l1 = np.argsort(compute_distances_l1(X_train, queries), axis=1)[:, :6]
_ = show_neighbours(
    np.repeat(data.X_test[:3], 2, axis=0),
    data.X_train[np.stack([near_l2, near_l1], axis=1).reshape(6, 6)],
    ["by L2", "by L1"] * 3,
)
for i in range(3):
    print(f"image {i}: {len(np.intersect1d(near_l2[i], near_l1[i]))} of 6 in common")

# %% [markdown]
# The two agree about much, but not about all, and neither is right more often by nature. Which
# distance to use is a choice, to be made like that of $k$ in section 7.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_invariance", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# Each of the following is done to all images, of both sets, before distances are computed. Which of
# them can change the answers of a nearest-neighbour classifier ($k = 1$) with L1 distance? Give a
# reason each time.
#
# 1. From every pixel, subtract the mean of that pixel over all training images.
# 2. Divide all pixels by one and the same number, the standard deviation of all pixel values.
# 3. Divide every pixel by the standard deviation of that pixel over all training images.
# 4. Put the pixels into another order, the same for all images.
# 5. Rotate the coordinate axes of the space of 3072 dimensions. (And with L2?)

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_invariance", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# 1. No change: the same number is subtracted from $a_p$ and from $b_p$, so the difference is as
#    before.
# 2. No change: all distances are divided by the same number, and their order stays.
# 3. Can change: pixels that vary little get more weight, pixels that vary much get less. The order
#    of distances may become another.
# 4. No change: a sum does not depend on the order of its terms. (Which means that the classifier
#    does not know which pixels are next to each other!)
# 5. Can change: L1 depends on the axes; the same difference may be $(1, 0)$, of length 1, or,
#    rotated by 45°, $(0.71, 0.71)$, of length 1.41. L2 does not change, since the Euclidean
#    distance does not depend on the axes.

# %% [markdown]
# ## 6. The vote
#
# A distance matrix in, labels out: for every test image, take the $k$ training images with the
# smallest distances, and return the label that occurs most often among them. If several labels
# occur equally often, return the **smallest** of them: with a rule for ties, the answer is always
# the same.
#
# Useful: `np.argsort` returns the *positions* of the elements in ascending order, `np.bincount`
# counts how often 0, 1, 2, … occur in an array, and `np.argmax` returns the *first* position of the
# largest element.


# %% nbgrader={"grade": false, "grade_id": "predict_labels", "locked": false, "schema_version": 3, "solution": true, "task": false}
def predict_labels(dists, y_train, k=1):
    """Let the k nearest training images vote on the label of each test image.

    Parameters
    ----------
    dists : (num_test, num_train) array of float
        Distances; not modified.
    y_train : (num_train,) array of int
        Labels of the training images, 0 or more.
    k : int, default 1
        How many neighbours vote.

    Returns
    -------
    (num_test,) array of int
        The most frequent label among the k nearest; of equally frequent ones, the smallest.
    """
    y_pred = np.zeros(dists.shape[0], dtype=np.int64)
    ### BEGIN SOLUTION
    nearest = np.argpartition(dists, k - 1, axis=1)[:, :k]
    for i, votes in enumerate(y_train[nearest]):
        y_pred[i] = np.argmax(np.bincount(votes))
    ### END SOLUTION
    return y_pred


# %% nbgrader={"grade": true, "grade_id": "check_predict_labels", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
labels = np.array([4, 2, 2, 0, 4])
dists = np.array([[0.1, 0.2, 0.3, 0.9, 0.8], [5.0, 4.0, 3.0, 2.0, 1.0]])
# From near to far, the labels are 4, 2, 2, 4, 0 for the first test image, 4, 0, 2, 2, 4 for the second.
before = dists.copy()
for k, expected in ((1, [4, 4]), (3, [2, 0]), (4, [2, 2])):
    y_pred = predict_labels(dists, labels, k)
    assert np.array_equal(dists, before), "dists changed: work on a new array, not on the caller's"
    assert_close(y_pred, expected, name=f"y_pred for k = {k}")
assert_close(predict_labels(dists, labels), [4, 4], name="y_pred without k, which means k = 1,")
print("✓ predict_labels")

# %% [markdown]
# What does $k$ do? In the plane one can see it. Below are points of three classes and, in pale
# colours, what the classifier says of every point of the plane.
#
# **Predict before you run.** How do the borders change from $k = 1$ to $k = 9$ and to $k = 45$? For
# which $k$ are all training points on the right side of the border? Is that a good sign?

# %% tags=["demo"]
rng = np.random.default_rng(2)
centres = np.array([[-1.0, 0.0], [1.0, 0.2], [0.0, 1.6]])
y_points = np.arange(90) % 3
points = centres[y_points] + rng.normal(scale=0.75, size=(90, 2))
fig, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
for axis, k in zip(axes, (1, 9, 45), strict=True):

    def classify(queries, k=k):
        return predict_labels(compute_distances_no_loops(points, queries), y_points, k)

    plot_decision_regions(classify, points, y_points, resolution=100, title=f"k = {k}", ax=axis)
    axis.get_legend().set_visible(k == 45)

# %% [markdown]
# Back to images. Which are the nearest neighbours of a few test images?
#
# **Predict before you run.** About how many of them will be of the right class? When they are not,
# what will they have in common with the query?


# %% tags=["demo"]
@cache
def distances():
    """Return the distances between all test and training images, computed when first asked for."""
    return compute_distances_no_loops(X_train, X_test)


queries = np.array([np.flatnonzero(y_test == label)[1] for label in range(0, num_classes, 2)])
nearest = np.argsort(distances()[queries], axis=1)[:, :7]
_ = show_neighbours(
    data.X_test[queries],
    data.X_train[nearest],
    y_test[queries],
    y_train[nearest],
    class_names=data.class_names,
)

# %% tags=["demo"]
for k in (1, 5):
    accuracy = np.mean(predict_labels(distances(), y_train, k) == y_test)
    print(f"k = {k}: {accuracy:.1%} of the test images right  (guessing: {1 / num_classes:.0%})")

# %% [markdown]
# ## 7. Which k?
#
# $k$ is a *hyper-parameter*: nothing in the training data sets it by itself. (For $k = 1$ every
# training image is its own nearest neighbour, so on the training data $k = 1$ is always perfect,
# and always the wrong thing to look at.) Nor may it be chosen on the test images. They are there to
# tell how good the finished classifier is on images that had no part in making it.
#
# With few data, **cross-validation** makes the most of them. Cut the training data into equal
# parts, called *folds*. Each fold is the validation set once, while all the others together are the
# training set:
#
# | run | fold 0 | fold 1 | fold 2 | fold 3 | fold 4 |
# |:--|:-:|:-:|:-:|:-:|:-:|
# | 0 | **validate** | train | train | train | train |
# | 1 | train | **validate** | train | train | train |
# | 2 | train | train | **validate** | train | train |
# | 3 | train | train | train | **validate** | train |
# | 4 | train | train | train | train | **validate** |
#
# That gives as many accuracies for every $k$ as there are folds. Their mean says how good this $k$
# is, and their spread how far the mean can be trusted.
#
# The folds are to be consecutive pieces of the data, as `np.array_split` cuts them: in order,
# without shuffling, the first ones larger by one where the number does not divide evenly. Use
# Euclidean distances. And mind what depends on what: need the distances be computed anew for each
# $k$?
#
# When graded, all is put together: your functions choose $k$ by cross-validation, and then label
# test images that your notebook does not contain. At least 20 % of them should be right on `scenes`
# (21 % on CIFAR-10).


# %% nbgrader={"grade": false, "grade_id": "cross_validate_k", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cross_validate_k(X, y, k_choices, num_folds=5):
    """Measure the accuracy of k-nearest neighbours by cross-validation.

    Parameters
    ----------
    X : (N, D) array of float
        Training images, one row each.
    y : (N,) array of int
        Their labels.
    k_choices : sequence of int
        The values of k to try.
    num_folds : int, default 5
        Number of folds, cut as ``np.array_split`` does.

    Returns
    -------
    dict from int to list of float
        For each k, the accuracy (0 to 1) on each fold, in the order of the folds, of a classifier
        that knows all other folds.
    """
    folds = np.array_split(np.arange(len(X)), num_folds)
    k_to_accuracies = {k: [] for k in k_choices}
    ### BEGIN SOLUTION
    for held_out in folds:
        others = np.setdiff1d(np.arange(len(X)), held_out)
        dists = compute_distances_no_loops(X[others], X[held_out])
        for k in k_choices:
            y_pred = predict_labels(dists, y[others], k)
            k_to_accuracies[k].append(np.mean(y_pred == y[held_out]))
    ### END SOLUTION
    return k_to_accuracies


# %% nbgrader={"grade": true, "grade_id": "check_cross_validate_k", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
# Seven points on a line, in folds of three, two and two.
line = np.array([[0.0], [1.0], [5.0], [6.1], [0.4], [20.0], [0.7]])
labels = np.array([0, 0, 1, 1, 0, 0, 0])
accuracies = cross_validate_k(line, labels, [1, 3], num_folds=3)
assert isinstance(accuracies, dict), f"expected a dictionary, got {type(accuracies).__name__}"
assert set(accuracies) == {1, 3}, f"the keys are {set(accuracies)}, expected the choices 1 and 3"
assert_close(accuracies[1], [1.0, 1.0, 0.5], name="the list for k = 1")
assert_close(accuracies[3], [2 / 3, 0.5, 0.5], name="the list for k = 3")
print("✓ cross_validate_k")

# %% [markdown]
# Which $k$ to try? What counts is the ratio: between 1 and 2 neighbours lies a world, between 501
# and 502 nothing. So the choices roughly double from one to the next.
#
# **Predict before you run.** Half of the training images, five folds. What is the accuracy for $k$
# as large as the training set, and so what must the curve look like for large $k$? By how much will
# the accuracy of one and the same $k$ differ from fold to fold?


# %% tags=["demo"]
@cache
def accuracies_of_k():
    """Return the accuracies of cross-validation on half of the training images."""
    k_choices = [1, 2, 5, 10, 20, 50, 100, 200, 500]
    return cross_validate_k(X_train[:2500], y_train[:2500], k_choices)


_ = plot_cross_validation(accuracies_of_k(), title="Five-fold cross-validation")

# %% [markdown]
# If everybody votes, every image gets the most frequent label, which is no better than guessing:
# the curve must come down in the end. (Why is $k = 2$ worse than $k = 1$? Two votes that differ are
# a tie, and then our rule takes the smaller label, whichever of the two is nearer.) Around its top,
# the differences between neighbouring values of $k$ are smaller than those between folds: several
# $k$ are equally good as far as these data can tell.
#
# With $k$ chosen, and only now, the test images: once, with all the training images.

# %% tags=["demo"]
means = {k: np.mean(accuracies) for k, accuracies in accuracies_of_k().items()}
best_k = max(means, key=means.get)
accuracy = np.mean(predict_labels(distances(), y_train, best_k) == y_test)
spread = np.sqrt(accuracy * (1 - accuracy) / len(y_test))
print(f"k = {best_k}: test accuracy {accuracy:.1%}, give or take {spread:.1%}")

# %% [markdown]
# (The "give or take" is the standard deviation of the share of successes in so many trials,
# $\sqrt{p (1 - p) / n}$: with other test images of the same kind the result would have differed by
# about that much.)
#
# ## 8. What does a distance see?
#
# Now to the hope of section 1, that images which look alike are close to each other. Below is a
# test image with five versions of it that no person would call something else, and on the right the
# nearest training image of *another* class.
#
# **Predict before you run.** Order them by their distance from the original.

# %% tags=["demo"]
place = int(np.argsort(X_test.std(axis=1))[len(X_test) // 2])  # an image of medium contrast
image = data.X_test[place]
noise = np.random.default_rng(3).normal(scale=20, size=image.shape)
others = np.flatnonzero(y_train != y_test[place])
stranger = others[np.argmin(distances()[place, others])]
versions = {
    "original": image,
    "with noise": np.clip(image + noise, 0, 255),
    "shifted by 1": np.roll(image, 1, axis=1),
    "shifted by 4": np.roll(image, 4, axis=1),
    "mirrored": image[:, ::-1],
    "darker": 0.6 * image,
    f"other: {data.class_names[y_train[stranger]]}": data.X_train[stranger],
}
shown = np.stack(list(versions.values())).astype(np.float64)
to_original = compute_distances_no_loops(shown[:1].reshape(1, -1), shown.reshape(7, -1))[:, 0]
captions = [f"{name}\n{d:,.0f}" for name, d in zip(versions, to_original, strict=True)]
_ = show_images(shown, captions, columns=7, inch=1.25, title="Distance from the original")

# %% [markdown]
# Compare with the number at the far right: whatever has moved farther than that is taken for the
# stranger. Other light, a shift by a few pixels, a little noise everywhere: each may cost as much
# as being something else altogether, in the right colours. Pixel distance compares each pixel with
# the one in the same place, and nothing else.
#
# How little it knows of pictures can be shown in a drastic way: the next cell shuffles the pixels
# of all images, in the same way for each.
#
# **Predict before you run.** You would recognise nothing in these images. What accuracy will the
# classifier have on them?

# %% tags=["demo"]
shuffled = np.random.default_rng(4).permutation(X_train.shape[1])
_ = show_images(X_test[:8, shuffled], y_test[:8], class_names=data.class_names, columns=8)
dists = compute_distances_no_loops(X_train[:, shuffled], X_test[:, shuffled])
for name, matrix in (("as they are", distances()), ("shuffled", dists)):
    print(f"{name:12} {np.mean(predict_labels(matrix, y_train, best_k) == y_test):.1%}")

# %% [markdown]
# The same (question 3 said so). To this classifier the two sets of images are equally good, or
# equally bad. All that is special about images, that pixels have neighbours, that things move, is
# lost on it; later exercises win by putting it back in.
#
# One more peculiarity. Count how often each training image is among the ten nearest of a test
# image. With 500 test and 5,000 training images that is once on average. If neighbours were drawn
# by lot, 37 % of the training images would never be among them, and hardly any more than six times.
#
# **Predict before you run.** What do the images look like that come up far more often, the *hubs*?
# (Question 1 had a clue.)

# %% tags=["demo"]
nearest = np.argpartition(distances(), 10, axis=1)[:, :10]
chosen = np.bincount(nearest.ravel(), minlength=len(X_train))
hubs = np.argsort(-chosen)[:8]
captions = [f"{data.class_names[y_train[hub]]}\n{chosen[hub]} times" for hub in hubs]
_ = show_images(
    data.X_train[hubs], captions, columns=8, inch=1.1, title="Most often among ten nearest"
)
print(f"{np.mean(chosen == 0):.0%} of the training images never come up")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_true_or_false", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 4
#
# True or false, for every training set and any distance, and why?
#
# 1. The border between two classes is a straight line.
# 2. On its own training set, the classifier with $k = 1$ makes no more mistakes than that with
#    $k = 5$ (no two training images are equal).
# 3. On new images, too, the classifier with $k = 1$ makes no more mistakes than that with $k = 5$.
# 4. The time to classify one image grows with the number of training images.
# 5. More training images lower the accuracy on new images never, or only by accident.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_true_or_false", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# 1. False. The border is as crooked as the training data make it, see the plots in section 6. (For
#    $k = 1$ with L2 distance it consists of straight pieces.)
# 2. True. With $k = 1$ each training image is its own nearest neighbour, at distance 0, and gets
#    its own label: no mistakes at all.
# 3. False. The training error says nothing about this; $k = 5$ is less at the mercy of single odd
#    images, and often better.
# 4. True for the method as written here: it compares with all of them. Training costs nothing and
#    prediction much, the wrong way round for most uses. (Index structures and approximate search
#    soften this.)
# 5. True in the sense of the law of large numbers: with more data the neighbours get nearer and the
#    vote more reliable. A single new image, mislabelled or a hub, can of course spoil some answers.

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **What does k-nearest neighbours learn, and what does it cost?** Nothing: it stores the training
# set. Training takes no time; prediction takes $O(N D)$ per image, and all training data must be
# kept.
#
# **How does k act on bias and variance?** Small $k$: flexible borders, low bias, high variance.
# Large $k$: smooth borders, high bias, low variance. With $k = N$ everyone gets the most frequent
# label.
#
# **Why does it work badly in many dimensions?** Volume grows exponentially with the dimension, so
# data are always sparse. Distances concentrate: the nearest and the farthest point are at nearly
# the same distance. It works where data fill a space of few dimensions within the many.
#
# **Must features be scaled?** Usually yes: a feature measured in millimetres weighs a thousand
# times more than in metres. For pixels, which share one unit, it matters less.
#
# **How are all pairwise distances computed fast?** As in section 4: the cross term is one matrix
# product. Beware of cancellation between nearly equal points: compute in float64, or clip below
# zero, or compute those few directly.
#
# **Why a validation set, if there is a test set?** Whatever is chosen by its score on a set, fits
# that set better than it deserves. The test set stays an honest judge only if nothing was chosen on
# it.
#
# **Is anybody using it?** Everybody, on learned features: image search, face verification,
# retrieval for language models. There, "nearest" is found by approximate indices (graphs such as
# HNSW, quantisation) in sub-linear time.
#
# ## Read more
#
# - CS231n notes, [Image classification](https://cs231n.github.io/classification/): nearest
#   neighbours, validation, and pictures of the same failures.
# - NumPy manual, [Broadcasting](https://numpy.org/doc/stable/user/basics.broadcasting.html): the
#   rules, with pictures.
# - T. Cover, P. Hart, [Nearest neighbor pattern
#   classification](https://doi.org/10.1109/TIT.1967.1053964), 1967: with endless data, the error of
#   one nearest neighbour is at most twice the lowest possible.
# - M. Radovanović, A. Nanopoulos, M. Ivanović, [Hubs in
#   space](https://www.jmlr.org/papers/v11/radovanovic10a.html), 2010: why many dimensions make
#   hubs.

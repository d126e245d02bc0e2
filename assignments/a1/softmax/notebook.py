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
# # Softmax: from scores to probabilities
#
# **Goal.** You teach the linear classifier to answer with a probability for every class: with a
# second loss, the cross-entropy, whose gradient you derive by hand. Training loop and prediction
# are those that you wrote in [`svm.ipynb`](svm.ipynb); what is new is the art of keeping
# exponentials finite.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `softmax_probabilities` | scores turned into probabilities, without overflow |
# | 3–4 | `softmax_loss_naive` | the cross-entropy loss and its gradient, with loops |
# | 5 | `softmax_loss_vectorized` | the same without loops |
# | 7 | `train_softmax` | a search for good hyper-parameters |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library, and they see their arguments, your imports
# and your other functions; they cannot see data that the notebook has loaded.
#
# `from_notebook("svm")` in the cell below reads what you wrote there, as `import` does with a
# module: `svm.sgd_train` is your own training loop. If you change that notebook, save it and run
# the cell again. (When graded, a faultless version of the earlier notebook stands in for yours, so
# that no mistake costs you points twice.)
#
# You need the notebook on SVM, and about two hours.

# %%
import timeit
from functools import cache

import matplotlib.pyplot as plt
import numpy as np

from cs231n_lib.checking import assert_close, assert_finite, assert_gradient, assert_shape
from cs231n_lib.datasets import load_dataset
from cs231n_lib.notebooks import from_notebook
from cs231n_lib.plots import plot_losses, plot_search, plot_times, show_images, show_templates
from cs231n_lib.plots.style import COLORS
from cs231n_lib.progress import progress

svm = from_notebook("svm")

# %% [markdown]
# ## 1. The same classifier, so far
#
# Images become rows as before: the mean of the training images is subtracted, and a one is appended
# for the bias. `svm.to_rows` does it.

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
data = load_dataset(num_training=10_000, num_validation=1_000, num_test=1_000)
mean_image = data.X_train.mean(axis=0)
X_train, X_val, X_test = (
    svm.to_rows(images, mean_image) for images in (data.X_train, data.X_val, data.X_test)
)
y_train, y_val, y_test = data.y_train, data.y_val, data.y_test
num_classes = len(data.class_names)
print("X_train", X_train.shape, X_train.dtype, " X_val", X_val.shape, " X_test", X_test.shape)

# %% [markdown]
# And as before a class has a *score*, the dot product of the image with a column of $W$:
#
# $$s = x W, \qquad x \in \mathbb{R}^{D},\quad W \in \mathbb{R}^{D \times C},\quad
# s \in \mathbb{R}^{C}, \qquad D = 3073,\ C = 10 .$$
#
# What does a score of 3.7 mean? To an SVM, nothing by itself: it only asks whether the true class
# leads by enough. From here on we read scores as something more, as (unnormalised) *logarithms of
# probabilities*, and call them *logits*. Then the answer is not only which class, but how surely.

# %% [markdown]
# ## 2. From scores to probabilities
#
# Scores can be any real numbers. Probabilities must not be negative and must add up to one. The
# exponential makes everything positive, and a division makes the sum right:
#
# $$p_k = \frac{e^{s_k}}{\sum_j e^{s_j}} \qquad\text{(the softmax function)} \tag{1}$$
#
# On paper that is all. In a computer, $e^{s}$ overflows to infinity for $s$ above 709 in float64,
# and above 88 in float32. Scores of that size are nothing unusual: pixel values go up to 255 and
# there are three thousand of them.
#
# **Predict before you run.** The scores are 1000 and 0. What are the probabilities, and what will
# formula (1) as it stands make of them?

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
scores = np.array([1000.0, 0.0])
with np.errstate(all="ignore"):
    print(np.exp(scores) / np.exp(scores).sum())

# %% [markdown]
# The way out is that softmax only looks at *differences* of scores. Add the same number $c$ to all
# scores of an image, and
#
# $$\frac{e^{s_k + c}}{\sum_j e^{s_j + c}}
#   = \frac{e^{c}\, e^{s_k}}{e^{c} \sum_j e^{s_j}}
#   = \frac{e^{s_k}}{\sum_j e^{s_j}} .$$
#
# The probabilities are the same for every $c$, so we may choose it, and we may choose another one
# for every image. **Your step:** which $c$ makes sure that no exponent is ever above 0, and that in
# every row at least one is exactly 0? The first keeps each $e^{s_k + c}$ from overflowing, the
# second keeps the denominator at 1 or more, so that nothing is ever divided by zero.
#
# Now write it for a whole batch: row $i$ of `scores` holds the scores of image $i$, and every row
# is a softmax of its own. (`keepdims=True` in a reduction keeps the axis, with length 1, which
# makes it broadcast against the rows.) The caller needs its scores later, so leave the array that
# you are given as it is.


# %% nbgrader={"grade": false, "grade_id": "softmax_probabilities", "locked": false, "schema_version": 3, "solution": true, "task": false}
def softmax_probabilities(scores):
    """Turn scores into probabilities, row by row.

    Parameters
    ----------
    scores : (N, C) array of float
        Scores of N images for C classes, of any size; not modified.

    Returns
    -------
    (N, C) array of float
        ``exp(scores)``, every row divided by its sum. All entries are finite.
    """
    ### BEGIN SOLUTION
    shifted = scores - scores.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    return exponentials / exponentials.sum(axis=1, keepdims=True)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_softmax_probabilities", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
scores = np.log([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0]])
before = scores.copy()
expected = np.array([[1 / 8, 2 / 8, 5 / 8], [3 / 8, 3 / 8, 2 / 8]])

P = softmax_probabilities(scores)
assert np.array_equal(scores, before), "scores changed: work on a new array, not on the caller's"
assert_close(P, expected, name="the array of probabilities")

# Differences alone count, however large or small the scores are.
P = softmax_probabilities(scores + np.array([[1e4], [-1e4]]))
assert_close(P, expected, name="the array of probabilities, for scores around ±10,000,")
P = softmax_probabilities(np.array([[1e4, -1e4, 0.0]]))
assert_close(P, [[1.0, 0.0, 0.0]], name="the array of probabilities, for scores far apart,")
print("✓ softmax_probabilities")

# %% [markdown]
# What do the probabilities look like? The cell below takes the same five scores three times:
# divided by 5, as they are, and multiplied by 5.
#
# **Predict before you run.** In which of the three is the classifier "surest"? What would you get
# with a factor of 0, and with a factor of infinity?

# %% tags=["demo"]
scores = np.array([[2.0, 1.0, 0.5, -0.5, -1.0]])
factors = [0.2, 1.0, 5.0]
fig, axes = plt.subplots(1, 3, figsize=(8, 2.4), sharey=True, layout="constrained")
for axis, factor in zip(axes, factors, strict=True):
    bars = axis.bar(range(5), softmax_probabilities(factor * scores)[0], color=COLORS[0])
    axis.bar_label(bars, fmt="%.2f", fontsize=8)
    axis.set(title=f"scores × {factor:g}", xticks=range(5), xlabel="class", ylim=(0, 1.1))
    axis.spines[["top", "right"]].set_visible(False)
_ = axes[0].set_ylabel("probability")

# %% [markdown]
# ## 3. The loss: how surprised were you?
#
# Image $i$ has the true class $y_i$. A good classifier gives that class a high probability, so we
# punish the lack of it with the **cross-entropy loss**
#
# $$L_i = -\log p_{y_i} . \tag{2}$$
#
# | probability of the true class | 1 | 0.5 | 0.1 | 0.01 | 0.0001 |
# |:--|--:|--:|--:|--:|--:|
# | loss $-\log p$ | 0 | 0.69 | 2.30 | 4.61 | 9.21 |
#
# To be right and sure costs nothing; to be wrong and sure is expensive. Where does it come from? If
# images are independent of each other, the probability that the model gives to all the labels
# together is the product $\prod_i p_{y_i}$. Its negative logarithm is $\sum_i L_i$: to make the
# loss small is to make the observed labels likely (*maximum likelihood*).
#
# Over a batch of $N$ images we take the mean, and add a penalty for large weights:
#
# $$L = \underbrace{\frac{1}{N} \sum_{i=1}^{N} L_i}_{\text{data loss}}
#   + \underbrace{\lambda \sum_{d,k} W_{dk}^2}_{\text{regularisation}} \tag{3}$$
#
# The second term is the one that you know: $\lambda$ is `reg`, the bias row takes part, and there
# is no factor ½.
#
# **Never take the logarithm of a probability.** If the true class has a score 20,000 below the
# best, its probability is too small for any float and becomes exactly 0, and $-\log 0$ is infinite.
# Adding a small number inside the logarithm hides that and does not mend it: the loss would be 18
# or so where it ought to be 20,000. But the loss itself is quite an ordinary number. **Your step:**
# insert (1), with the scores shifted by their maximum $m$, into (2), and simplify. The logarithm
# takes the fraction apart and undoes one of the exponentials. What remains,
#
# $$L_i = \log \sum_j e^{\,\boldsymbol{?}} \;-\; (\;\boldsymbol{?}\;),$$
#
# can be computed for scores of any size: one of the exponents is 0, so the sum is between 1 and
# $C$.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_initial_loss", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# At the start of training, $W$ is zero or close to it. (a) What is the data loss then, for $C$
# classes, and why does it depend neither on the images nor on the labels? (b) You start a training
# run on ten classes and the first data loss that you see is 9.2. Name two possible reasons.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_initial_loss", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) With $W = 0$ all scores are 0, so every class gets the probability $1/C$, whatever the image,
# and every $L_i$ is $-\log(1/C) = \log C$, whatever the label. For ten classes that is 2.30.
#
# (b) 9.2 is far more surprise than guessing causes; the probability of the true class is about
# $e^{-9.2} = 0.0001$. So the classifier starts out *sure and wrong*. Usual reasons: the initial
# weights are too large; inputs are not scaled or centred, so that small weights still give large
# scores; the loss is summed over something that it should be averaged over (four times $\log 10$ is
# 9.2: a batch of four, not divided by $N$); the regularisation is counted in; or labels and scores
# are shifted against each other in combination with one of these (shifted labels alone do not raise
# the loss at the start).

# %% [markdown]
# ## 4. The gradient, by hand
#
# The road is that of the SVM: first to the scores, then to $W$. Only the first half of it is new.
#
# **From the loss to the scores.** Written with scores, $L_i = -s_{y_i} + \log \sum_j e^{s_j}$. Take
# its derivative with respect to one score $s_k$, term by term:
#
# - The first term contains $s_k$ only if $k$ is the true class. Its derivative is $-1$ if $k = y_i$
#   and $0$ otherwise, in short $-\mathbb{1}[k = y_i]$.
# - The second is a logarithm of a sum in which $s_k$ occurs once. **Your step:** differentiate it
#   by the chain rule. You will meet an old acquaintance.
#
# Two tests for the result on your paper. *One:* shifting all scores does not change the loss, so
# the derivatives with respect to all $C$ scores must add up to zero. *Two:* if the classifier gives
# the true class the probability 1, there is nothing left to improve, and all derivatives must
# vanish.
#
# **From the scores to the weights.** As before, column $k$ of the gradient is the image, multiplied
# by a number, $\partial L_i / \partial W_{dk} = x_d\, \partial L_i / \partial s_k$. For an SVM
# these numbers are whole: a class violates the margin or does not. Here every image acts on every
# class, on some more and on some less. Mean and regularisation are as before.
#
# Now write loss and gradient with explicit loops over images and classes. This version is not meant
# to be fast; it is meant to read like the formulas, so that you can trust it. It must survive large
# scores, too.


# %% nbgrader={"grade": false, "grade_id": "softmax_loss_naive", "locked": false, "schema_version": 3, "solution": true, "task": false}
def softmax_loss_naive(W, X, y, reg):
    """Compute the softmax loss and its gradient with loops over images and classes.

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
        Mean cross-entropy of the batch plus ``reg * sum(W * W)``.
    dW : (D, C) array of float
        Gradient of the loss with respect to W.
    """
    loss = 0.0
    dW = np.zeros(W.shape)
    ### BEGIN SOLUTION
    num_images, num_classes = X.shape[0], W.shape[1]
    for i in range(num_images):
        scores = X[i] @ W
        scores = scores - np.max(scores)
        sum_of_exponentials = np.sum(np.exp(scores))
        loss += np.log(sum_of_exponentials) - scores[y[i]]
        for k in range(num_classes):
            probability = np.exp(scores[k]) / sum_of_exponentials
            dW[:, k] += (probability - (k == y[i])) * X[i]
    loss = loss / num_images + reg * np.sum(W * W)
    dW = dW / num_images + 2 * reg * W
    ### END SOLUTION
    return loss, dW


# %% [markdown]
# The check compares your gradient with the numerical one, in which every weight is moved by
# $h = 10^{-5}$ up and down. This loss is smooth: no kink can disturb the comparison.

# %% nbgrader={"grade": true, "grade_id": "check_softmax_loss_naive", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(0)
W, X, y = rng.standard_normal((5, 3)), rng.standard_normal((4, 5)), np.array([0, 2, 1, 2])

loss, _ = softmax_loss_naive(np.zeros((5, 3)), X, y, reg=0.0)
assert_close(loss, np.log(3), name="the loss for W = 0 and three classes")
# One image of one pixel: the scores are log 1, log 2, log 5, so the probabilities 1/8, 2/8, 5/8.
one_pixel = np.log([[1.0, 2.0, 5.0]])
loss, _ = softmax_loss_naive(one_pixel, np.array([[1.0]]), np.array([1]), reg=0.0)
assert_close(loss, -np.log(2 / 8), name="the loss of an image whose true class has p = 1/4")

data_loss, dW = softmax_loss_naive(W, X, y, reg=0.0)
assert_gradient(
    lambda W: softmax_loss_naive(W, X, y, 0.0)[0], W, dW, name="dW without regularisation"
)
loss, dW = softmax_loss_naive(W, X, y, reg=0.7)
assert_close(loss - data_loss, 0.7 * np.sum(W**2), name="the regularisation loss")
assert_gradient(lambda W: softmax_loss_naive(W, X, y, 0.7)[0], W, dW, name="dW with regularisation")

loss, dW = softmax_loss_naive(1e4 * one_pixel, np.array([[1.0]]), np.array([0]), reg=0.0)
assert_close(loss, 1e4 * np.log(5), name="the loss of an image with scores of thousands")
assert_close(dW, [[-1.0, 0.0, 1.0]], name="dW for scores of thousands")
print("✓ softmax_loss_naive")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_scale_of_weights", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# A trained classifier is right on 45 % of the images. Somebody multiplies its $W$ by 10. What
# happens to (a) the predicted labels and the accuracy, (b) the probabilities, (c) the data loss: of
# images that it classifies correctly, of images that it does not, and most likely of the whole? (d)
# What has this to do with regularisation?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_scale_of_weights", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) All scores are multiplied by 10. Their order stays, so labels and accuracy stay exactly the
# same.
#
# (b) Differences of scores become ten times as large: almost all probability goes to the class with
# the highest score. The classifier looks much surer than before.
#
# (c) Where the highest score is that of the true class, the loss falls towards 0. Where it is not,
# the loss becomes roughly ten times the gap between the two scores. With 55 % of the images wrong,
# the mean rises a lot: to be wrong and sure is expensive.
#
# (d) The penalty $\lambda \sum W^2$ becomes 100 times as large. Regularisation is what keeps the
# scale of $W$, and with it the confidence, in check: on data that can be separated perfectly, the
# data loss alone would push the scale to infinity, since every further factor lowers it.

# %% [markdown]
# ## 5. Without loops
#
# As with the hinge loss, whole arrays take the place of the loops, and the shapes tell what to do.
#
# | array | shape | meaning |
# |:--|:--|:--|
# | `X` | $(N, D)$ | one image a row |
# | `W` | $(D, C)$ | one class a column |
# | `scores = X @ W` | $(N, C)$ | all scores at once |
# | probabilities $P$ | $(N, C)$ | you have a function for them |
# | $\partial L_{\text{data}} / \partial\,$`scores` | $(N, C)$ | row $i$: section 4, over $N$ |
# | `dW` | $(D, C)$ | **your step:** which product of `X` and the array above has this shape? |
#
# Mind that the loss still wants the form that you found in section 3, not the logarithm of a
# probability. Leave the arguments unchanged.


# %% nbgrader={"grade": false, "grade_id": "softmax_loss_vectorized", "locked": false, "schema_version": 3, "solution": true, "task": false}
def softmax_loss_vectorized(W, X, y, reg):
    """Compute the softmax loss and its gradient without loops.

    Parameters and results are those of ``softmax_loss_naive``; no argument is modified.
    """
    ### BEGIN SOLUTION
    num_images = X.shape[0]
    true_class = np.arange(num_images), y
    scores = X @ W
    scores -= scores.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(scores).sum(axis=1))
    loss = np.mean(log_sums - scores[true_class]) + reg * np.sum(W * W)

    dscores = softmax_probabilities(scores)
    dscores[true_class] -= 1
    dscores /= num_images
    dW = X.T @ dscores + 2 * reg * W
    return loss, dW
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_softmax_loss_vectorized", "locked": true, "points": 11, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(1)
W, X, y = rng.standard_normal((5, 3)), rng.standard_normal((4, 5)), np.array([0, 2, 1, 2])
before = W.copy(), X.copy(), y.copy()

loss, dW = softmax_loss_vectorized(W, X, y, reg=0.7)
for name, array, copy in zip(("W", "X", "y"), (W, X, y), before, strict=True):
    assert np.array_equal(array, copy), f"{name} changed: work on a new array, not on the caller's"
assert_shape(dW, W.shape, name="dW")
assert_close(loss, softmax_loss_naive(W, X, y, reg=0.7)[0], name="the loss, compared to naive,")
assert_gradient(lambda W: softmax_loss_vectorized(W, X, y, 0.7)[0], W, dW, name="dW")

# Two images, a thousand times too bright; the second is the negative of the first.
bright, labels = 1e4 * np.array([X[0], -X[0]]), np.array([0, 0])
loss, dW = softmax_loss_vectorized(W, bright, labels, reg=0.0)
loss_naive, dW_naive = softmax_loss_naive(W, bright, labels, reg=0.0)
assert_close(loss, loss_naive, name="the loss of large scores")
assert_close(dW, dW_naive, name="dW of large scores")
print("✓ softmax_loss_vectorized")

# %% [markdown]
# **Predict before you run.** How many times faster will the vectorised version be: two times, ten
# times, a hundred times?

# %% tags=["demo"]
W = np.zeros((X_train.shape[1], num_classes), dtype=X_train.dtype)
X, y = X_train[:200], y_train[:200]
softmax_loss_vectorized(W, X, y, 1.0)  # warm up
times = {
    "naive": timeit.timeit(lambda: softmax_loss_naive(W, X, y, 1.0), number=1),
    "vectorised": timeit.timeit(lambda: softmax_loss_vectorized(W, X, y, 1.0), number=20) / 20,
}
_ = plot_times(times, title="Loss and gradient of a batch of 200 images")

# %% [markdown]
# ## 6. Training: nothing new to write
#
# Your `svm.sgd_train` takes the loss function as an argument, so it trains this classifier as it
# is; and `svm.predict` names the class with the highest score, which is also the most probable one.
# (Why need one not compute the probabilities for that?)
#
# **Predict before you run.** What is the very first value of the loss curve? It is another one than
# with the hinge loss. Will the curve reach 0?


# %% tags=["demo"]
@cache
def first_run():
    """Return what your sgd_train returns, run when it is first asked for."""
    rng = np.random.default_rng(3)
    return svm.sgd_train(softmax_loss_vectorized, X_train, y_train, 1e-6, 1e3, 800, 200, rng)


W, loss_history = first_run()
_ = plot_losses(loss_history, expected_start=np.log(num_classes), title="Loss of each batch")

# %% [markdown]
# The first value is $\log 10$, to the last digit: with $W = 0$ no class is preferred, and nothing
# is regularised.

# %% tags=["demo"]
W, _ = first_run()
for name, X, y in (("training", X_train, y_train), ("validation", X_val, y_val)):
    print(
        f"{name} accuracy {np.mean(svm.predict(W, X) == y):.1%}  (guessing: {1 / num_classes:.0%})"
    )

# %% [markdown]
# ## 7. The search for hyper-parameters
#
# Another loss, another search: the learning rate that suited the hinge loss need not suit this one,
# whose gradients are smaller (their numbers are probabilities, not counts). The rules are the same:
# on a logarithmic scale, from coarse to fine, and validation images decide.
#
# **Predict before you run.** Where in the plot will be the runs that have hardly learned anything
# after a hundred steps, and where those whose steps are too long? Which of the two hyper-parameters
# will make the bigger difference?

# %% tags=["demo"]
results = {}
grid = [(rate, reg) for rate in (1e-8, 1e-7, 1e-6, 1e-5) for reg in (1e1, 1e2, 1e3, 1e4, 1e5)]
for rate, reg in progress(grid, "coarse search"):
    rng = np.random.default_rng(4)
    W, _ = svm.sgd_train(softmax_loss_vectorized, X_train, y_train, rate, reg, 100, 200, rng)
    results[rate, reg] = (
        np.mean(svm.predict(W, X_train[:2000]) == y_train[:2000]),
        np.mean(svm.predict(W, X_val) == y_val),
    )
_ = plot_search(results, title="Coarse search: 20 runs of 100 steps")

# %% [markdown]
# A hundred steps say much about the learning rate and little about weak regularisation, and there
# is a reason. The penalty alone turns a step into $W \leftarrow (1 - 2 \eta \lambda) W$, so it
# makes itself felt only after about $1 / (2 \eta \lambda)$ steps. How many are that for
# $\eta = 10^{-6}$ and $\lambda = 10$, and how many for $\lambda = 1000$? A short run cannot tell
# $\lambda = 10$ from no regularisation at all. That is what the fine search, with longer runs, is
# for.

# %% [markdown]
# Now you: write a function that trains the best softmax classifier you can. Let it try a few
# combinations near the best of the coarse search, train each longer, and return the weights with
# the highest *validation* accuracy. It must learn from `X_train` alone.
#
# When graded, it gets images of the same kind in the same preparation, and one minute on one core;
# a few thousand steps of SGD in all are enough. The grade depends on the accuracy of the returned
# weights on test images that your code never sees. (`progress(list, "searching")`, imported above,
# loops over a list with a progress bar.)


# %% nbgrader={"grade": false, "grade_id": "train_softmax", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_softmax(X_train, y_train, X_val, y_val):
    """Train a softmax classifier, with the hyper-parameters that do best on validation images.

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
    grid = [(rate, reg) for rate in (5e-7, 1e-6) for reg in (300.0, 800.0)]
    best_accuracy, best_W = -1.0, None
    for rate, reg in progress(grid, "fine search"):
        W, _ = svm.sgd_train(softmax_loss_vectorized, X_train, y_train, rate, reg, 800, 200, rng)
        accuracy = np.mean(svm.predict(W, X_val) == y_val)
        if accuracy > best_accuracy:
            best_accuracy, best_W = accuracy, W
    return best_W
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_train_softmax", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@cache
def trained():
    """Return the weights of your train_softmax, trained when they are first asked for."""
    return train_softmax(X_train, y_train, X_val, y_val)


accuracy_to_reach = {"scenes": 0.38, "cifar10": 0.35}[data.name]

W = trained()
assert_shape(W, (X_train.shape[1], num_classes), name="W")
assert_finite(W, name="W")
accuracy = np.mean(svm.predict(W, X_val) == y_val)
assert accuracy >= accuracy_to_reach, (
    f"validation accuracy {accuracy:.1%}, expected {accuracy_to_reach:.0%} or more: "
    "look at the coarse search again, train longer, or search finer"
)
print(f"✓ train_softmax: validation accuracy {accuracy:.1%}")

# %% [markdown]
# ## 8. What has it learned?
#
# **Predict before you run.** Another loss, the same images: will the templates look like those of
# your SVM?

# %% tags=["demo"]
_ = show_templates(trained()[:-1], data.class_names)

# %% [markdown]
# They are close relatives: both losses sum up training images, only with other numbers. The limit
# is the same, too, one template per class.
#
# Now the one look at the test images. Of which mistakes is the classifier surest?

# %% tags=["demo"]
probabilities = softmax_probabilities(X_test @ trained())
guesses, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
print(f"test accuracy {np.mean(guesses == y_test):.1%}")

wrong = np.flatnonzero(guesses != y_test)
surest = wrong[np.argsort(-confidence[wrong])][:12]
_ = show_images(
    data.X_test[surest],
    [
        f"{data.class_names[guesses[i]]} {confidence[i]:.0%}\n(is {data.class_names[y_test[i]]})"
        for i in surest
    ],
    columns=6,
    inch=1.3,
    title="The surest mistakes",
)

# %% [markdown]
# A softmax classifier claims more than a label: it gives a probability. Is it to be believed? Of
# all the images about which it says "60 %", six in ten should be right. Then it is *calibrated*.
#
# **Predict before you run.** Above the diagonal means more often right than claimed, below it means
# too sure of itself. Strong regularisation keeps the scores close together. On which side will the
# points lie?

# %% tags=["demo"]
probabilities = softmax_probabilities(X_test @ trained())
guesses, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
edges = np.linspace(0, 1, 11)
group = np.digitize(confidence, edges[1:-1])
used = [g for g in range(10) if np.sum(group == g) >= 20]
claimed = [confidence[group == g].mean() for g in used]
correct = [np.mean(guesses[group == g] == y_test[group == g]) for g in used]
size = [np.sum(group == g) for g in used]
fig, axis = plt.subplots(figsize=(4.2, 4.2), layout="constrained")
axis.plot([0, 1], [0, 1], ":", color="#707070", label="calibrated")
axis.plot(claimed, correct, color=COLORS[0], linewidth=1)
axis.scatter(
    claimed, correct, s=size, color=COLORS[0], alpha=0.7, label="test images (area: how many)"
)
axis.set(xlabel="claimed: probability of the predicted class", ylabel="share that is right")
axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False, loc="upper left")

# %% [markdown]
# Finally both losses in one plot, for two classes and as a function of how far the true class is
# ahead of the other. You know that the hinge is content from 1 on.
#
# **Predict before you run.** What does the cross-entropy do there? And far on the left, where the
# classifier is badly wrong: which of the two is steeper?

# %% tags=["demo"]
leads = np.linspace(-4, 5, 181)
fig, axis = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for name, loss_fn, style in (
    ("hinge (SVM)", svm.svm_loss_vectorized, "--"),
    ("cross-entropy (softmax)", softmax_loss_vectorized, "-"),
):
    # An image of one pixel, with scores as weights.
    losses = [
        loss_fn(np.array([[lead, 0.0]]), np.ones((1, 1)), np.array([0]), 0.0)[0] for lead in leads
    ]
    color = COLORS[1] if style == "--" else COLORS[0]
    axis.plot(leads, losses, style, color=color, linewidth=2, label=name)
axis.axvline(0, color="#707070", linestyle=":", linewidth=1)
axis.set(xlabel="lead of the true class", ylabel="loss of the image")
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False)

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_svm_or_softmax", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# *True or false, and why:* one can add an image to the training set in such a way that the data
# loss of a given SVM, summed over the images, does not change. The same is possible with the
# softmax loss. What follows for the images that a classifier learns from late in training?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_svm_or_softmax", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# True for the SVM: an image whose true class is ahead of all others by at least 1 has a loss of
# exactly 0, and adds nothing to the sum (nor to the gradient).
#
# False for softmax: scores are finite, so $p_{y_i} < 1$ and $-\log p_{y_i} > 0$ always. Every image
# adds something, be it little. (In floating point, "little" may be rounded to 0.)
#
# So an SVM is content once a margin is kept: only images near the boundary, its *support vectors*,
# still act on it. Softmax is never content; every image keeps pulling, with a strength of
# $1 - p_{y_i}$, and images that are already right by far hardly pull any more. In practice the two
# end up with similar accuracy.

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **Why subtract the maximum before the exponential?** Softmax does not change when all scores are
# shifted alike. With the maximum at 0 no exponential can overflow, and since one of them is
# $e^0 = 1$, the denominator cannot underflow to 0. The maximum must be taken for each example by
# itself: with that of the batch, all exponentials of another example may underflow.
#
# **What is the gradient of cross-entropy with respect to the logits, and why is it so simple?** You
# derived it in section 4; be ready to say it in five words. It is simple because the logarithm in
# the loss undoes the exponential in softmax. With squared error on the probabilities an extra
# factor of the kind $p(1 - p)$ stays, and a classifier that is sure and wrong gets almost no
# gradient.
#
# **Why do libraries offer "cross-entropy from logits" as one function?** For the numbers' sake:
# $\log\sum\exp$ with a shift is finite where the logarithm of a computed probability is $-\infty$,
# and the fused gradient needs no division by a tiny $p$.
#
# **How does the loss of an untrained classifier tell you of mistakes?** With small weights it must
# be $\log C$. Another value means wrong scaling of inputs or weights, a sum where a mean was meant,
# or regularisation counted in.
#
# **Softmax or sigmoids?** Softmax if exactly one class is true: the probabilities compete, and they
# add up to one. A sigmoid per class if several labels may hold at once. For two classes they are
# the same model: $\mathrm{softmax}(s)_1 = \sigma(s_1 - s_0)$.
#
# **What does a temperature do?** $\mathrm{softmax}(s / T)$ has the same order of classes; $T > 1$
# flattens, $T < 1$ sharpens. One temperature, fitted on validation data, is the standard way to
# calibrate a trained network.
#
# **Is the training problem convex?** Yes: $\log\sum\exp$ is convex, scores are linear in $W$, and
# the penalty is strictly convex. There is one minimum, so $W = 0$ is as good a start as any. None
# of this holds with a hidden layer.
#
# ## Read more
#
# - CS231n notes, [Linear classification](https://cs231n.github.io/linear-classify/): both losses
#   side by side, on the same example.
# - I. Goodfellow, Y. Bengio, A. Courville, [*Deep Learning*, section
#   6.2.2.3](https://www.deeplearningbook.org/contents/mlp.html): why a log-likelihood loss belongs
#   to a softmax output.
# - P. Blanchard, D. J. Higham, N. J. Higham, [Accurately computing the log-sum-exp and softmax
#   functions](https://doi.org/10.1093/imanum/draa038), 2021: the shift, with error bounds.
# - C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, [On calibration of modern neural
#   networks](https://arxiv.org/abs/1706.04599), 2017: what became of calibration when networks grew
#   deep.

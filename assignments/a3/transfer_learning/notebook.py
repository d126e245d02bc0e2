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
# # Transfer learning: a network you did not train
#
# **Goal.** You take a network that somebody trained on one kind of pictures and make it recognise
# another kind, of which you have only a handful of labelled examples. You learn what may be kept,
# what has to be trained again and how fast, and you find out by experiment, not by hearsay, which
# recipe fits which situation.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `few_per_class`, `extract_features` | a small balanced training set, and its features |
# | 3 | `head_loss` | the loss of a new classifier, with its gradient *into the features* |
# | 4 | `fit_standardizer`, `fold_standardizer` | features of one scale, at no cost afterwards |
# | 5 | `linear_probe` | a classifier on frozen features |
# | 6 | `parameter_groups`, `learning_rates` | which layers learn, and how fast |
# | 7 | `transfer_loss`, `fine_tune` | training the head and any part of the trunk together |
# | 9 | `cheapest_good_enough` | an honest winner of a comparison with few runs |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library, and your other functions; they cannot see
# data that the notebook has loaded.
#
# You need softmax and backpropagation. The pretrained networks come with the course library,
# weights included; nothing is downloaded. Plan about three hours.

# %%
from functools import cache

import matplotlib.pyplot as plt
import numpy as np

from cs231n_lib.checking import assert_close, assert_gradient, assert_shape
from cs231n_lib.datasets import load_dataset
from cs231n_lib.photographs import load_photograph, resize
from cs231n_lib.plots import plot_losses, show_class_examples
from cs231n_lib.plots.style import COLORS, MUTED
from cs231n_lib.progress import progress
from cs231n_lib.zoo import cifar_resnet, efficientnet_lite0

# %% [markdown]
# ## 1. One network, two new tasks
#
# The network is a small residual one, trained on the 50,000 small photographs of CIFAR-10:
# airplanes, cats, trucks. Without its last layer it is a function from an image to 224 numbers, the
# *features*. We call that part the **trunk**, and the linear classifier on top of it the **head**:
#
# $$\text{image } x \;\xrightarrow{\ \text{trunk } \phi_\theta\ }\; f \in \mathbb{R}^{D}
# \;\xrightarrow{\ \text{head}\ }\; s = f W + b \in \mathbb{R}^{C} .$$
#
# The old head knows ten classes that nobody asks for any more, so it is thrown away. Is the rest of
# any use? That must depend on how much the new pictures resemble the old ones. We take two tasks:
#
# - **photographs**: from which of ten photographs was this patch cut? The training patches are from
#   the left half of each photograph, the test patches from the right half, so that no pixel is in
#   both. These are pictures of the *same domain* as the network's own.
# - **drawings**: the ten classes of `scenes`, pictures drawn by a program. The network has never
#   seen a drawn line: a *different domain*.
#
# The drawings are used here even if your course works with CIFAR-10, and for a good reason: on
# CIFAR-10 this network has been trained with all the labels there are. To give it ten of its own
# training images back and praise what it makes of them would be a conjuring trick.

# %% tags=["demo"]
PHOTOGRAPHS = (
    *("astronaut", "brick", "camera", "chelsea", "coffee"),
    *("grass", "gravel", "hubble_deep_field", "retina", "rocket"),
)


def patches(rng, per_photograph, half, side=48):
    """Cut square patches out of one half of every photograph, and scale them to 32×32."""
    images, labels = [], []
    for label, name in enumerate(PHOTOGRAPHS):
        photograph = load_photograph(name)
        middle = photograph.shape[1] // 2
        part = photograph[:, :middle] if half == "left" else photograph[:, middle:]
        for _ in range(per_photograph):
            i = rng.integers(part.shape[0] - side + 1)
            j = rng.integers(part.shape[1] - side + 1)
            images.append(resize(part[i : i + side, j : j + side], 32))
            labels.append(label)
    return np.array(images), np.array(labels)


network = cifar_resnet()
rng = np.random.default_rng(0)
drawings = load_dataset("scenes", num_training=650, num_validation=200, num_test=10)
left, right = patches(rng, 60, "left"), patches(rng, 20, "right")
tasks = {
    "photographs": (network.preprocess(left[0]), left[1], network.preprocess(right[0]), right[1]),
    "drawings": (
        network.preprocess(drawings.X_train),
        drawings.y_train,
        network.preprocess(drawings.X_val),
        drawings.y_val,
    ),
}
_ = show_class_examples(
    right[0],
    right[1],
    [name.split("_")[0] for name in PHOTOGRAPHS],
    per_class=3,
    title="Photographs: similar to what the network knows",
)
_ = show_class_examples(
    drawings.X_val,
    drawings.y_val,
    drawings.class_names,
    per_class=3,
    title="Drawings: different",
)

# %% [markdown]
# ## 2. Few images, and their features
#
# **Few, but balanced.** With five images per class, a random draw from the whole set would give one
# class nine of them and another none, and the noise of the draw would drown what we want to
# measure. So draw the same number from every class, *without replacement* (an image that is drawn
# twice teaches nothing new), at random.


# %% nbgrader={"grade": false, "grade_id": "few_per_class", "locked": false, "schema_version": 3, "solution": true, "task": false}
def few_per_class(y, per_class, rng):
    """Draw the same number of images from every class.

    Parameters
    ----------
    y : (N,) array of int
        Labels. The classes are the values that occur; each occurs `per_class` times or more.
    per_class : int
        How many images of each class.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    (C * per_class,) array of int
        Different positions in y, in any order.
    """
    ### BEGIN SOLUTION
    chosen = [
        rng.choice(np.flatnonzero(y == label), per_class, replace=False) for label in np.unique(y)
    ]
    return np.concatenate(chosen)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_few_per_class", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
y = np.array([7, 2, 2, 5, 7, 5, 2, 5, 7, 7, 5, 2, 2])
drawn = few_per_class(y, 3, np.random.default_rng(0))
assert_shape(drawn, (9,), name="the array of positions")
assert len(set(np.asarray(drawn).tolist())) == 9, (
    "an image was drawn twice: draw without replacement"
)
counts = {label: int(np.sum(y[drawn] == label)) for label in (2, 5, 7)}
assert set(counts.values()) == {3}, f"expected 3 images of each class, got {counts}"
draws = {tuple(sorted(few_per_class(y, 3, np.random.default_rng(seed)))) for seed in range(8)}
assert len(draws) > 1, "eight generators gave the same images: draw at random, with rng"
print("✓ few_per_class")

# %% [markdown]
# **Features.** A frozen trunk gives the same features for the same image for ever, so they are
# computed *once* and kept. All images at once would need gigabytes for the activations in between;
# so they go through the network in batches. The last batch may be smaller, and its images count as
# much as all others.
#
# `forward` is any function from a batch of images to their features, ours will be `trunk(network,
# "pool4")`, given below. Features of more than one number per channel (`(N, C, H, W)`) become one
# row per image.


# %% nbgrader={"grade": false, "grade_id": "extract_features", "locked": false, "schema_version": 3, "solution": true, "task": false}
def extract_features(forward, images, batch_size=64):
    """Compute the features of all images, batch by batch.

    Parameters
    ----------
    forward : function
        From a batch of images ``(M, ...)`` to an array ``(M, ...)``; is called with batches of
        `batch_size` images, and a smaller last one if there is a rest.
    images : (N, ...) array
        N >= 1 images.
    batch_size : int
        At most so many images at once.

    Returns
    -------
    (N, D) array
        The features, one row per image, in the order of the images.
    """
    ### BEGIN SOLUTION
    batches = [
        forward(images[start : start + batch_size]) for start in range(0, len(images), batch_size)
    ]
    return np.concatenate([np.reshape(batch, (len(batch), -1)) for batch in batches])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_extract_features", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
images = np.arange(7 * 2 * 3, dtype=float).reshape(7, 2, 3)
sizes = []


def doubled(batch):
    """Double every pixel, and note how many images came."""
    sizes.append(len(batch))
    return 2 * batch


F = extract_features(doubled, images, batch_size=3)
assert sizes == [3, 3, 1], f"expected batches of 3, 3 and 1 images, got {sizes}"
assert_shape(F, (7, 6), name="the array of features")
assert_close(F, 2 * images.reshape(7, 6), name="the array of features")
print("✓ extract_features")


# %%
def trunk(network, layer):
    """Return the function from images to what one of the network's layers makes of them."""

    def forward(images):
        return network.activations(images, [layer])[layer]

    return forward


# %% [markdown]
# What do such features look like? The plot shows 24 of the 224 for thirty test images of three
# classes of drawings, every feature standardised. A network that never saw a drawing describes them
# with what it has: edges, colours, textures, parts.
#
# **Predict before you run.** Will you see the three classes? In single features or in patterns?


# %% tags=["demo"]
@cache
def features():
    """Return the features of training and test images of both tasks."""
    forward = trunk(network, "pool4")
    return {
        name: (extract_features(forward, X), extract_features(forward, X_test))
        for name, (X, _, X_test, _) in progress(tasks.items(), "features")
    }


F, labels = features()["drawings"][1], tasks["drawings"][3]
shown = [0, 4, 9]
rows = np.concatenate([np.flatnonzero(labels == label)[:10] for label in shown])
spread = (F - F.mean(axis=0)) / (F.std(axis=0) + 1e-5)
between = np.var([spread[labels == label].mean(axis=0) for label in shown], axis=0)
columns = np.argsort(-between)[:24]
fig, axis = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
image = axis.imshow(
    spread[np.ix_(rows, columns)], cmap="RdBu_r", vmin=-2.5, vmax=2.5, aspect="auto"
)
for edge in (9.5, 19.5):
    axis.axhline(edge, color="black", linewidth=1)
axis.set(xlabel="the 24 features that differ most between these classes", xticks=[])
axis.set(yticks=[4.5, 14.5, 24.5], yticklabels=[drawings.class_names[label] for label in shown])
_ = fig.colorbar(image, label="standard deviations from the mean")

# %% [markdown]
# ## 3. The new head, and its gradient
#
# The head is softmax regression on features, with a bias that is not regularised:
#
# $$L = \frac{1}{N}\sum_i -\log p_{i, y_i} + \frac{\lambda}{2} \sum_{d,k} W_{dk}^2, \qquad
# p_i = \mathrm{softmax}(f_i W + b). \tag{1}$$
#
# You know $\partial L / \partial s_i$ from softmax. New is that the features are no longer a given
# thing: as soon as the trunk is trained too, it wants to know how *its output* should change.
# **Your step:** from $s = f W + b$, write down
#
# $$\frac{\partial L}{\partial f_i} = \frac{\partial L}{\partial s_i} \;\boldsymbol{?}$$
#
# and test the shapes: $(1 \times C)$ times what gives $(1 \times D)$? The penalty has no share in
# it.
#
# Note what it says: if $W = 0$, the trunk gets no gradient at all; and if $W$ is random, the trunk
# is pushed in a random direction. We come back to that.


# %% nbgrader={"grade": false, "grade_id": "head_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def head_loss(W, b, F, y, reg):
    """Compute the loss of a linear classifier on features, with all gradients.

    Parameters
    ----------
    W : (D, C) array of float
        Weights, one column per class.
    b : (C,) array of float
        Biases.
    F : (N, D) array of float
        Features of N images.
    y : (N,) array of int
        Their labels, ``0 <= y[i] < C``.
    reg : float
        Regularisation strength.

    Returns
    -------
    loss : float
        Mean cross-entropy plus ``0.5 * reg * sum(W * W)``; finite for scores of any size.
    dW, db, dF : arrays of the shapes of W, b and F
        Gradients of the loss.
    """
    ### BEGIN SOLUTION
    N = len(y)
    scores = F @ W + b
    scores = scores - scores.max(axis=1, keepdims=True)
    exponentials = np.exp(scores)
    sums = exponentials.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(sums[:, 0]) - scores[np.arange(N), y]) + 0.5 * reg * np.sum(W * W)
    dscores = exponentials / sums
    dscores[np.arange(N), y] -= 1
    dscores /= N
    return loss, F.T @ dscores + reg * W, dscores.sum(axis=0), dscores @ W.T
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_head_loss", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(1)
W, b, F = rng.standard_normal((4, 3)), rng.standard_normal(3), rng.standard_normal((5, 4))
y = np.array([0, 2, 1, 2, 2])
loss, dW, db, dF = head_loss(np.zeros((4, 3)), np.zeros(3), F, y, 0.7)
assert_close(loss, np.log(3), name="the loss of a head of zeros, three classes,")
assert_close(dF, np.zeros((5, 4)), name="dF of a head of zeros")
loss, dW, db, dF = head_loss(W, b, F, y, 0.7)
data_loss = head_loss(W, b, F, y, 0.0)[0]
assert_close(loss - data_loss, 0.35 * np.sum(W * W), name="the regularisation loss")
assert_gradient(lambda W: head_loss(W, b, F, y, 0.7)[0], W, dW, name="dW")
assert_gradient(lambda b: head_loss(W, b, F, y, 0.7)[0], b, db, name="db")
assert_gradient(lambda F: head_loss(W, b, F, y, 0.7)[0], F, dF, name="dF")
loss = head_loss(np.array([[1e4, 0.0]]), np.zeros(2), np.ones((1, 1)), np.array([1]), 0.0)[0]
assert_close(loss, 1e4, name="the loss of an image that is wrong by 10,000")
print("✓ head_loss")

# %% [markdown]
# ## 4. One scale for all features, and none afterwards
#
# Features have very different scales: some channels hardly ever fire, others reach 5. To gradient
# descent that is a long narrow valley, and regularisation hits weights of small features hardest
# (they have to be large). So each feature is shifted and scaled by what the *training* images say:
#
# $$z = \frac{f - \mu}{\sigma + \varepsilon}, \qquad
# \mu, \sigma \text{ over the training images},\quad
# \varepsilon = 10^{-5}. \tag{2}$$
#
# ($\varepsilon$ keeps a feature that is the same in all images from a division by zero.)
#
# At test time one need not standardise: the head is linear, and so is (2). **Your step:** insert
# (2) into $s = z W + b$ and sort the terms. You get a head $s = f W' + b'$ for *raw* features.
# Which row of $W$ is scaled by what, and what must be subtracted from $b$? Batch normalisation
# disappears into the convolution before it by the same computation, and the zoo's networks have had
# it done to them.


# %% nbgrader={"grade": false, "grade_id": "fit_standardizer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fit_standardizer(F, eps=1e-5):
    """Return mean and scale of each feature over the images.

    Parameters
    ----------
    F : (N, D) array of float
        Features of the training images.
    eps : float
        Is added to the standard deviation.

    Returns
    -------
    mean, scale : (D,) arrays of float
        Mean, and standard deviation (the mean of squares, ``np.std``) plus eps.
    """
    ### BEGIN SOLUTION
    return F.mean(axis=0), F.std(axis=0) + eps
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_fit_standardizer", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
F = np.array([[1.0, 5.0, 2.0], [3.0, 5.0, 2.0], [8.0, 5.0, 8.0]])
mean, scale = fit_standardizer(F, eps=0.5)
assert_close(mean, [4.0, 5.0, 4.0], name="mean")
assert_close(scale, np.sqrt([26 / 3, 0.0, 8.0]) + 0.5, name="scale")
print("✓ fit_standardizer")


# %% nbgrader={"grade": false, "grade_id": "fold_standardizer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fold_standardizer(W, b, mean, scale):
    """Turn a head for standardised features into one for raw features with the same scores.

    Parameters
    ----------
    W, b : (D, C) and (C,) arrays of float
        A head for ``(f - mean) / scale``; not modified.
    mean, scale : (D,) arrays of float
        As `fit_standardizer` returns them.

    Returns
    -------
    W, b : (D, C) and (C,) arrays of float
        A head for f.
    """
    ### BEGIN SOLUTION
    folded = W / scale[:, None]
    return folded, b - mean @ folded
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_fold_standardizer", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(2)
W, b, F = rng.standard_normal((4, 3)), rng.standard_normal(3), rng.normal(3.0, 2.0, size=(5, 4))
before = W.copy(), b.copy()
mean, scale = fit_standardizer(F)
raw_W, raw_b = fold_standardizer(W, b, mean, scale)
assert np.array_equal(W, before[0]), "W changed: work on a new array"
assert np.array_equal(b, before[1]), "b changed: work on a new array"
assert_shape(raw_W, (4, 3), name="the new W")
assert_close(F @ raw_W + raw_b, (F - mean) / scale @ W + b, name="the array of scores")
print("✓ fold_standardizer")

# %% [markdown]
# ## 5. The linear probe
#
# Now all is there for the cheapest recipe, the **linear probe**: freeze the trunk, train a head on
# its features. It trains in well under a second, it cannot destroy anything, and it tells what the
# features are worth, which is where it has its name from.
#
# The problem is convex, the features are few: full-batch gradient descent with momentum, on
# standardised features, from a head of zeros, does it. In each step
#
# $$v \leftarrow m v - \eta\, \nabla L, \qquad w \leftarrow w + v, \qquad
# v = 0 \text{ at the start,}$$
#
# for $W$ and for $b$, with the loss (1). Return the head folded, so that it is for raw features.


# %% nbgrader={"grade": false, "grade_id": "linear_probe", "locked": false, "schema_version": 3, "solution": true, "task": false}
def linear_probe(F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9):
    """Train a linear classifier on frozen features.

    Parameters
    ----------
    F : (N, D) array of float
        Features of the training images, not standardised; not modified.
    y : (N,) array of int
        Labels, ``0 <= y[i] < num_classes``.
    num_classes : int
        The number C of classes.
    reg : float
        Regularisation strength, as in `head_loss`, for the weights on standardised features.
    learning_rate, num_steps, momentum
        Of gradient descent with all images in every step.

    Returns
    -------
    W, b : (D, C) and (C,) arrays of float
        A head for raw features: scores are ``F @ W + b``.
    """
    ### BEGIN SOLUTION
    mean, scale = fit_standardizer(F)
    Z = (F - mean) / scale
    W, b = np.zeros((F.shape[1], num_classes)), np.zeros(num_classes)
    velocity_W, velocity_b = np.zeros_like(W), np.zeros_like(b)
    for _ in range(num_steps):
        _, dW, db, _ = head_loss(W, b, Z, y, reg)
        velocity_W = momentum * velocity_W - learning_rate * dW
        velocity_b = momentum * velocity_b - learning_rate * db
        W, b = W + velocity_W, b + velocity_b
    return fold_standardizer(W, b, mean, scale)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_linear_probe", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(3)
y = np.arange(60) % 3
centres = np.array([[0.0, 0.0], [0.0, 100.0], [0.03, 0.0]])  # two scales, far apart
F = centres[y] + rng.standard_normal((60, 2)) * [0.003, 10.0] + [5.0, -40.0]
before = F.copy()
W, b = linear_probe(F, y, 3)
assert np.array_equal(F, before), "F changed: work on a new array"
assert_shape(W, (2, 3), name="W")
accuracy = np.mean(np.argmax(F @ W + b, axis=1) == y)
assert accuracy > 0.95, (
    f"three clear clusters, and only {accuracy:.0%} of the points are right: "
    "are the features standardised, and the head folded for raw ones?"
)
# One step from zeros can be followed by hand: the velocity is minus the rate times the gradient.
Z = (F - F.mean(axis=0)) / (F.std(axis=0) + 1e-5)
step = 0.5 * Z.T @ (np.eye(3)[y] - 1 / 3) / 60
W, _ = linear_probe(F, y, 3, learning_rate=0.5, num_steps=1)
assert_close(W, step / (F.std(axis=0) + 1e-5)[:, None], name="W after a single step")
print("✓ linear_probe")

# %% [markdown]
# **How much are the features worth?** We compare three linear classifiers, trained in the same way
# on the same few images: on pixels; on features of the same network with *random* weights; on
# features of the trained one. Each dot is a draw of training images, the line is their mean.
#
# **Predict before you run.** Which of the two domains will profit more? How many images per class
# do pixels need to catch up with *one* image per class and pretrained features?


# %% tags=["demo"]
def untrained(network, rng, narrower=1):
    """Return the network with random weights (He initialisation), and fewer filters if wanted."""
    other = network.copy()
    for name, value in network.params.items():
        filters = value.shape[0] // narrower
        if name.startswith("classifier"):
            new = value if name.endswith("bias") else value[:, : value.shape[1] // narrower]
        elif name.endswith("bias"):
            new = np.zeros(filters)
        else:
            depth = value.shape[1] if value.shape[1] == 3 else value.shape[1] // narrower
            # A block's second convolution starts small, so that the sum does not grow.
            gain = 0.5 if name in ("block1.weight", "block2.weight") else 1.0
            new = gain * np.sqrt(2 / (9 * depth)) * rng.standard_normal((filters, depth, 3, 3))
        other.params[name] = np.asarray(new, dtype=np.float32)
    return other


PER_CLASS = (1, 2, 5, 10, 20, 50)


@cache
def probe_accuracies():
    """Return {task: {kind of features: (sizes, draws) array of test accuracies}}."""
    result = {}
    random_trunk = trunk(untrained(network, np.random.default_rng(4)), "pool4")
    for task, (X, y, X_test, y_test) in progress(tasks.items(), "probing"):
        kinds = {
            "pretrained": features()[task],
            "random weights": tuple(extract_features(random_trunk, x) for x in (X, X_test)),
            # Every fourth pixel in each direction: about as many numbers as there are features.
            "pixels": tuple(x[:, :, 2::4, 2::4].reshape(len(x), -1) for x in (X, X_test)),
        }
        result[task] = {}
        for kind, (F, F_test) in kinds.items():
            accuracies = np.zeros((len(PER_CLASS), 4))
            for i, per_class in enumerate(PER_CLASS):
                for seed in range(4):
                    chosen = few_per_class(y, per_class, np.random.default_rng(seed))
                    W, b = linear_probe(F[chosen], y[chosen], 10)
                    accuracies[i, seed] = np.mean(np.argmax(F_test @ W + b, axis=1) == y_test)
            result[task][kind] = accuracies
    return result


def plot_few(axis, x, accuracies, label, color, marker="o", linestyle="-"):
    """Plot accuracies of several draws: each as a dot, their mean as a line, their range shaded."""
    axis.plot(x, accuracies.mean(axis=1), linestyle, color=color, linewidth=2, label=label)
    axis.fill_between(x, accuracies.min(axis=1), accuracies.max(axis=1), color=color, alpha=0.12)
    for column in accuracies.T:
        axis.plot(x, column, marker, color=color, alpha=0.45, markersize=3.5)


def finish_few(axis, title):
    """Label the axes of such a plot."""
    axis.axhline(0.1, color=MUTED, linestyle=":", linewidth=1)
    within = axis.get_yaxis_transform()  # x in shares of the axis' width
    axis.text(0.99, 0.105, "guessing", transform=within, color=MUTED, fontsize=8, ha="right")
    axis.set_xscale("log")
    axis.set_xticks(PER_CLASS, [str(n) for n in PER_CLASS])
    axis.minorticks_off()
    axis.set(xlabel="training images per class", ylabel="test accuracy", title=title, ylim=(0, 1))
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, loc="upper left", fontsize=8)


fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for axis, (task, kinds) in zip(axes, probe_accuracies().items(), strict=True):
    for color, (kind, accuracies) in zip(COLORS, kinds.items(), strict=False):
        plot_few(axis, PER_CLASS, accuracies, kind, color)
    finish_few(axis, task)

# %% [markdown]
# The random network is the control experiment. Whatever it can do is due to the *shape* of the
# network, to convolution and pooling; only what lies above it was transferred.
#
# **From which layer?** A network's features change from layer to layer. The plot probes each of
# them, averaged over its pixels, with ten images per class.
#
# **Predict before you run.** The deeper, the better? Think of what the last layers were trained
# for.


# %% tags=["demo"]
@cache
def layer_accuracies():
    """Return {task: (layers, draws) array} of probes on the layers' mean activations."""
    layers = ["conv1", "conv2", "block1", "conv3", "conv4", "block2", "pool4"]
    result = {}
    for task, (X, y, X_test, y_test) in progress(tasks.items(), "layers"):
        chosen = [few_per_class(y, 10, np.random.default_rng(seed)) for seed in range(3)]
        X, y = X[np.concatenate(chosen)], y[np.concatenate(chosen)]
        train, test = (network.activations(x, layers) for x in (X, X_test))
        accuracies = np.zeros((len(layers), 3))
        for i, layer in enumerate(layers):
            F, F_test = (
                a[layer].reshape(*a[layer].shape[:2], -1).mean(axis=2) for a in (train, test)
            )
            for seed, (rows, labels) in enumerate(zip(np.split(F, 3), np.split(y, 3), strict=True)):
                W, b = linear_probe(rows, labels, 10)
                accuracies[i, seed] = np.mean(np.argmax(F_test @ W + b, axis=1) == y_test)
        result[task] = accuracies
    return layers, result


layers, result = layer_accuracies()
fig, axis = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for color, (task, accuracies) in zip(COLORS, result.items(), strict=False):
    axis.plot(layers, accuracies.mean(axis=1), color=color, linewidth=2, label=task)
    axis.plot(layers, accuracies, "o", color=color, alpha=0.5, markersize=4)
axis.set(xlabel="layer (input on the left)", ylabel="test accuracy of a probe", ylim=(0, 1))
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False)

# %% [markdown]
# Wherever such a curve falls, the layers above have thrown away what this task could have used: they
# were trained to keep what tells a cat from a truck, and nothing else. That is the reason to probe
# earlier layers, too, before one trains anything.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_probe", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# (a) Why does a linear probe on pretrained features need so many fewer images than a network that
# is trained from scratch, although both end in the same kind of classifier? (b) Somebody
# standardises with mean and standard deviation over training *and* test images, "since no labels
# are involved". What is wrong with it? (c) Your probe reaches 100 % on the training images and 47 %
# on test images. Name two things to try before you touch the trunk.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_probe", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) From scratch, a million parameters have to be found from those images; the probe has to find
# $D \cdot C + C$, and the hard part, a representation in which classes are nearly linearly
# separable, was learned from 50,000 other images. In terms of error: variance is far smaller, and
# the bias (features that were made for something else) costs less than it saves.
#
# (b) It is a leak: decisions of the classifier then depend on the other test images, which will not
# be there when one image comes along. The measured accuracy is one of a procedure that cannot be
# carried out in use; with a small or unbalanced test set the difference is not small.
#
# (c) Stronger regularisation (chosen on validation images); more or augmented training images;
# features of another, earlier layer, or of several; fewer features. Training the trunk *adds*
# capacity, and this probe has more than enough of it.

# %% [markdown]
# ## 6. Which layers learn, and how fast
#
# Between "nothing but the head" and "everything" there are many recipes. What they have in common:
# low layers hold edges and colours, of use to nearly every task, and should change little; high
# layers hold what was specific to the old task. So parameters are put into **groups** by depth, and
# the group at depth $j$ below the head gets the rate
#
# $$\eta_j = \eta \cdot q^{\,j}, \qquad 0 < q \le 1, \tag{3}$$
#
# or 0 if it is frozen. These are *discriminative learning rates*. Linear probe, retraining the top
# and full fine-tuning are all special cases.
#
# First the groups. Parameters are called `"block1_conv1.weight"`: the name of a layer, a dot, and
# what it is. The name of a layer may itself have dots (`"stage2.conv1.weight"` is the weight of
# `stage2.conv1`). Beware: the layer `block1` and the layer `block1_conv1` are two layers.


# %% nbgrader={"grade": false, "grade_id": "parameter_groups", "locked": false, "schema_version": 3, "solution": true, "task": false}
def parameter_groups(names, stages):
    """Sort parameters into groups by the stage that their layer belongs to.

    Parameters
    ----------
    names : list of str
        Names of parameters, ``"<layer>.<kind>"``; the layer is what is before the last dot.
    stages : list of lists of str
        Names of layers, stage by stage, from the input to the head.

    Returns
    -------
    list of lists of str
        For each stage the parameters of its layers. A parameter whose layer is in no stage (an old
        classifier) is in no group.
    """
    ### BEGIN SOLUTION
    return [[name for name in names if name.rpartition(".")[0] in stage] for stage in stages]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_parameter_groups", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
names = ["a.weight", "a.bias", "a_2.weight", "b.c.weight", "b.c.bias", "old.weight", "head.bias"]
groups = parameter_groups(names, [["a"], ["b.c", "a_2"], ["head"]])
expected = [{"a.weight", "a.bias"}, {"a_2.weight", "b.c.weight", "b.c.bias"}, {"head.bias"}]
assert len(groups) == 3, f"expected 3 groups, one for each stage, got {len(groups)}"
for i, (group, right_ones) in enumerate(zip(groups, expected, strict=True)):
    assert set(group) == right_ones, f"group {i} is {sorted(group)}, expected {sorted(right_ones)}"
print("✓ parameter_groups")


# %% nbgrader={"grade": false, "grade_id": "learning_rates", "locked": false, "schema_version": 3, "solution": true, "task": false}
def learning_rates(groups, base_rate, decay, num_frozen=0):
    """Give every parameter a learning rate by its depth.

    Parameters
    ----------
    groups : list of lists of str
        Names of parameters, from the input to the head.
    base_rate : float
        The rate of the last group.
    decay : float
        Each group's rate is that of the next one above it, times this.
    num_frozen : int
        So many groups, counted from the input, have the rate 0.

    Returns
    -------
    dict from str to float
        The rate of every parameter, frozen ones included.
    """
    ### BEGIN SOLUTION
    rates = {}
    for i, group in enumerate(groups):
        rate = 0.0 if i < num_frozen else base_rate * decay ** (len(groups) - 1 - i)
        rates.update(dict.fromkeys(group, rate))
    return rates
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_learning_rates", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
rates = learning_rates([["a", "b"], ["c"], ["d"], ["e"]], 0.8, 0.5, num_frozen=1)
assert set(rates) == set("abcde"), f"expected a rate for each of a to e, got {sorted(rates)}"
assert_close(
    [rates[name] for name in "edcba"], [0.8, 0.4, 0.2, 0.0, 0.0], name="rates from the head"
)
print("✓ learning_rates")

# %% tags=["demo"]
STAGES = [
    ["conv1", "conv2"],
    ["block1_conv1", "block1"],
    ["conv3"],
    ["conv4"],
    ["block2_conv1", "block2"],
    ["head"],
]


@cache
def network_groups():
    """Return the groups of the network's parameters, and of a new head's."""
    names = [name for name in network.params if not name.startswith("classifier")]
    return parameter_groups([*names, "head.weight", "head.bias"], STAGES)


recipes = {
    "linear probe": (1.0, 5),
    "top block": (1.0, 4),
    "everything, one rate": (1.0, 0),
    "everything, discriminative": (0.7, 0),
}
fig, axis = plt.subplots(figsize=(7, 3), layout="constrained")
table = np.array(
    [
        [learning_rates(network_groups(), 1.0, q, frozen)[group[0]] for group in network_groups()]
        for q, frozen in recipes.values()
    ]
)
axis.imshow(table, cmap="Blues", vmin=0, vmax=1.3, aspect="auto")
for i, j in np.ndindex(table.shape):
    text = f"{table[i, j]:.2f}" if table[i, j] else "frozen"
    axis.text(
        j, i, text, ha="center", va="center", fontsize=8, color="w" if table[i, j] > 0.6 else "k"
    )
axis.set_yticks(range(4), list(recipes))
axis.set_xticks(range(6), [stage[-1] for stage in STAGES])
_ = axis.set_title("Learning rates relative to that of the head", loc="left")

# %% [markdown]
# ## 7. Fine-tuning
#
# **Loss of the whole.** Parameters are in one dictionary: the trunk's under their own names, the
# head's as `"head.weight"` and `"head.bias"`. The trunk comes as two functions, so that any network
# will do:
#
# - `forward(params, X)` returns the features, and remembers what the way back needs;
# - `backward(dF, names)` goes back from there, and returns the gradients of the parameters that it
#   is asked for, as a dictionary. It costs about twice as much as `forward`, less if it may stop
#   early.
#
# **Your step:** connect them with `head_loss`. `wanted` holds the names of the parameters that are
# trained; the result has gradients for exactly these. If none of the trunk's is among them, do not
# call `backward` at all: that is what makes a frozen trunk cheap.


# %% nbgrader={"grade": false, "grade_id": "transfer_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def transfer_loss(forward, backward, params, X, y, reg, wanted):
    """Compute the loss of trunk and head, and the gradients of the parameters that are trained.

    Parameters
    ----------
    forward, backward : functions
        ``forward(params, X)`` returns features (N, D); ``backward(dF, names)``, after it, returns a
        dictionary with the gradients of the trunk's parameters of these names (a list).
    params : dict from str to array
        ``"head.weight"`` (D, C), ``"head.bias"`` (C,), and the trunk's parameters.
    X, y : (N, ...) and (N,) arrays
        Images and labels.
    reg : float
        Regularisation of the head, as in `head_loss`; the trunk is not regularised.
    wanted : list of str
        Names of the parameters whose gradients are wanted.

    Returns
    -------
    loss : float
    grads : dict from str to array
        Gradients by name, for exactly the names in `wanted`.
    """
    ### BEGIN SOLUTION
    F = forward(params, X)
    loss, dW, db, dF = head_loss(params["head.weight"], params["head.bias"], F, y, reg)
    head = {"head.weight": dW, "head.bias": db}
    trunk = [name for name in wanted if name not in head]
    grads = dict(backward(dF, trunk)) if trunk else {}
    grads.update({name: head[name] for name in wanted if name in head})
    return loss, grads
    ### END SOLUTION


# %% [markdown]
# The check uses a trunk of two layers and seven pixels, small enough to check every gradient
# numerically.


# %%
def tiny_trunk():
    """Return forward and backward of two layers, ``relu(relu(X @ low) @ high + bias)``."""
    kept = {}

    def forward(params, X):
        hidden = np.maximum(X @ params["low.weight"], 0)
        F = np.maximum(hidden @ params["high.weight"] + params["high.bias"], 0)
        kept.update(X=X, hidden=hidden, F=F, weight=params["high.weight"])
        return F

    def backward(dF, names):
        dsum = dF * (kept["F"] > 0)
        dhidden = dsum @ kept["weight"].T * (kept["hidden"] > 0)
        grads = {
            "low.weight": kept["X"].T @ dhidden,
            "high.weight": kept["hidden"].T @ dsum,
            "high.bias": dsum.sum(axis=0),
        }
        return {name: grads[name] for name in names}

    return forward, backward


# %% nbgrader={"grade": true, "grade_id": "check_transfer_loss", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(5)
params = {
    "low.weight": rng.standard_normal((7, 5)),
    "high.weight": rng.standard_normal((5, 4)),
    "high.bias": rng.standard_normal(4),
    "head.weight": rng.standard_normal((4, 3)),
    "head.bias": rng.standard_normal(3),
}
X, y = rng.standard_normal((6, 7)), np.array([0, 2, 1, 2, 2, 0])
forward, backward = tiny_trunk()
loss, grads = transfer_loss(forward, backward, params, X, y, 0.3, list(params))
assert set(grads) == set(params), f"gradients of {sorted(grads)}, expected all of {sorted(params)}"
for name, value in params.items():

    def loss_of(array, name=name):
        """Return the loss with another array in the place of one parameter."""
        changed = {**params, name: array}
        return transfer_loss(forward, backward, changed, X, y, 0.3, ["head.bias"])[0]

    assert_gradient(loss_of, value, grads[name], name=f'grads["{name}"]')


def forbidden(dF, names):
    """Stand in for a way back that nobody should go."""
    raise AssertionError("the trunk is frozen: do not call backward for nothing")


_, grads = transfer_loss(forward, forbidden, params, X, y, 0.3, ["head.weight"])
assert set(grads) == {"head.weight"}, f"only head.weight was wanted, got {sorted(grads)}"
print("✓ transfer_loss")

# %% [markdown]
# **The training loop.** Minibatch descent with momentum, as you know it, with three things that are
# special here:
#
# - every parameter has a rate of its own: $v_p \leftarrow m v_p - \eta_p \nabla_p L$ and
#   $p \leftarrow p + v_p$;
# - parameters with the rate 0 are *frozen*: their gradients are not even asked for, and they come
#   out as they went in;
# - the pretrained weights are still needed, for the next experiment. The caller's dictionary and
#   its arrays stay as they are.
#
# With so few images, let no chance decide how often each is seen: every epoch goes once through all
# images, in a new random order, in batches of `batch_size` (the last may be smaller).


# %% nbgrader={"grade": false, "grade_id": "fine_tune", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fine_tune(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    """Train parameters with a learning rate each, by minibatch descent with momentum.

    Parameters
    ----------
    loss_fn : function
        ``loss_fn(params, X_batch, y_batch, wanted)`` returns the loss and a dictionary with the
        gradients of the parameters named in the list `wanted`.
    params : dict from str to array
        Where training starts; neither the dictionary nor its arrays are modified.
    X, y : (N, ...) and (N,) arrays
        Training images and labels.
    rates : dict from str to float
        The learning rate of every parameter; those with 0 are frozen.
    num_epochs, batch_size : int
        Every epoch visits every image once, in an order of its own.
    rng : numpy.random.Generator
        For the order.
    momentum : float
        The factor m. Velocities start at zero.

    Returns
    -------
    params : dict from str to array
        All parameters after training.
    losses : list of float
        The loss of each batch, in order.
    """
    ### BEGIN SOLUTION
    params = dict(params)
    wanted = [name for name in params if rates[name] > 0]
    velocity = {name: np.zeros_like(params[name]) for name in wanted}
    losses = []
    for _ in range(num_epochs):
        order = rng.permutation(len(y))
        for start in range(0, len(y), batch_size):
            batch = order[start : start + batch_size]
            loss, grads = loss_fn(params, X[batch], y[batch], wanted)
            losses.append(loss)
            for name in wanted:
                velocity[name] = momentum * velocity[name] - rates[name] * grads[name]
                params[name] = params[name] + velocity[name]
    return params, losses
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_fine_tune", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
targets = {"a": np.array([1.0, 2.0]), "b": np.array([3.0]), "c": np.array([5.0])}
start = {name: np.zeros(len(value)) for name, value in targets.items()}
X, y = np.arange(14.0).reshape(7, 2), np.arange(7)
calls = []


def pulls(params, X_batch, y_batch, wanted):
    """Pull every parameter towards its target, and note what came."""
    calls.append((X_batch.copy(), y_batch.copy(), sorted(wanted)))
    return 1.5 * len(calls), {name: params[name] - targets[name] for name in wanted}


tuned, losses = fine_tune(
    pulls, start, X, y, {"a": 0.1, "b": 0.2, "c": 0.0}, 2, 3, np.random.default_rng(0), momentum=0.5
)
assert [len(labels) for _, labels, _ in calls] == [3, 3, 1] * 2, (
    "expected batches of 3, 3, 1, twice"
)
epochs = [np.concatenate([labels for _, labels, _ in calls[i : i + 3]]) for i in (0, 3)]
for labels in epochs:
    assert sorted(labels) == list(range(7)), "an epoch must visit every image exactly once"
assert list(epochs[0]) != list(epochs[1]), "both epochs have the same order: shuffle in each"
for images, labels, wanted in calls:
    assert np.array_equal(images, X[labels]), "images and labels of a batch do not belong together"
    assert wanted == ["a", "b"], f"c is frozen, but gradients of {wanted} were asked for"
assert all(np.all(value == 0) for value in start.values()), "params of the caller changed"
assert_close(losses, [1.5, 3.0, 4.5, 6.0, 7.5, 9.0], name="the list of losses")
assert np.array_equal(tuned["c"], [0.0]), "c is frozen and has changed"
for name, rate in (("a", 0.1), ("b", 0.2)):
    gap, velocity = 1.0, 0.0
    for _ in range(6):
        velocity = 0.5 * velocity - rate * gap
        gap += velocity
    assert_close(tuned[name], (1 - gap) * targets[name], name=f"the parameter {name} after 6 steps")
print("✓ fine_tune")

# %% [markdown]
# Here is the real trunk in that form. The head that training starts from is that of a linear probe:
# *first probe, then fine-tune*.


# %% tags=["demo"]
def trunk_functions(network, layer="pool4"):
    """Return forward and backward of a network up to a layer, for `transfer_loss`."""
    network = network.copy()
    kept = {}

    def forward(params, X):
        network.params.update({n: params[n] for n in network.params if n in params})
        kept["record"] = network.record(X, upto=layer)
        return kept["record"][layer]

    def backward(dF, names):
        dF = np.asarray(dF, dtype=np.float32)
        return kept["record"].backward({layer: dF}, parameters=names, to_input=False).parameters

    return forward, backward


def start_from(network, W, b):
    """Return the parameters of a network's trunk and of a new head, in one dictionary."""
    trunk = {n: value for n, value in network.params.items() if not n.startswith("classifier")}
    return {**trunk, "head.weight": np.float32(W), "head.bias": np.float32(b)}


def tune(network, params, X, y, rates, num_epochs, seed):
    """Fine-tune with batches of 25 images and a weakly regularised head."""
    forward, backward = trunk_functions(network)

    def loss_fn(params, X, y, wanted):
        return transfer_loss(forward, backward, params, X, y, 1e-3, wanted)

    return fine_tune(loss_fn, params, X, y, rates, num_epochs, 25, np.random.default_rng(seed))


def test_accuracy(network, params, X, y):
    """Return the share of images that the parameters get right."""
    network = network.copy()
    network.params.update({n: params[n] for n in network.params if n in params})
    F = network.activations(X, ["pool4"])["pool4"]
    return np.mean(np.argmax(F @ params["head.weight"] + params["head.bias"], axis=1) == y)


# %% [markdown]
# **Why probe first?** We fine-tune everything on ten drawings per class, in three ways: from a
# random head with one rate for all layers, from the head of a linear probe with the same rate, and
# from that head with discriminative rates.
#
# **Predict before you run.** In which of the three do the *trunk's* weights move furthest from the
# pretrained ones, and in which layers?


# %% tags=["demo"]
@cache
def two_starts():
    """Fine-tune from a probe's head, with one rate and with several, and from a random head."""
    X, y, X_test, y_test = tasks["drawings"]
    chosen = few_per_class(y, 10, np.random.default_rng(6))
    probe = linear_probe(features()["drawings"][0][chosen], y[chosen], 10)
    rng = np.random.default_rng(7)
    # Of a size at which its first loss is no larger than that of guessing by much.
    random = 0.03 * rng.standard_normal(probe[0].shape), np.zeros(10)
    flat, several = (
        learning_rates(network_groups(), 0.005, 1.0),
        learning_rates(network_groups(), 0.005, 0.5),
    )
    runs = {
        "random head, one rate": (random, flat),
        "probe's head, one rate": (probe, flat),
        "probe's head, discriminative": (probe, several),
    }
    result = {}
    for name, (head, rates) in progress(runs.items(), "fine-tuning"):
        start = start_from(network, *head)
        tuned, losses = tune(network, start, X[chosen], y[chosen], rates, 3, seed=8)
        moved = [
            np.sqrt(
                sum(np.sum((tuned[n] - start[n]) ** 2) for n in group)
                / sum(np.sum(start[n] ** 2) for n in group)
            )
            for group in network_groups()[:-1]
        ]
        result[name] = losses, moved, test_accuracy(network, tuned, X_test, y_test)
    return result


fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), layout="constrained")
plot_losses({n: losses for n, (losses, _, _) in two_starts().items()}, smooth=1, ax=axes[0])
axes[0].set_title("Training loss")
for i, (name, (_, moved, accuracy)) in enumerate(two_starts().items()):
    axes[1].bar(np.arange(5) + 0.27 * (i - 1), moved, 0.25, color=COLORS[i], label=name)
    print(f"{name:30} test accuracy {accuracy:.1%}")
axes[1].set_xticks(range(5), [stage[-1] for stage in STAGES[:-1]])
axes[1].set(ylabel="relative distance", title="How far the weights moved")
axes[1].set_yscale("log")
axes[1].spines[["top", "right"]].set_visible(False)

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_rates", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# (a) A head of zeros gives the trunk no gradient in the very first step (you checked `dF`). Why is
# that no protection for the trunk? (b) Explain with `head_loss` why a *random* head damages good
# features, and why a trained head hardly does. (c) A network with batch normalisation is to be
# fine-tuned with a frozen trunk. Freezing the weights is not enough; what else changes during
# training, and what should be done about it?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_rates", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) After one step the head is no longer zero, but it is still nearly as bad as before: it has
# gone one step along the difference of class means. The loss is still about $\log C$, `dscores` are
# large, and they now flow into the trunk. The protection lasts for one step out of hundreds.
#
# (b) $\partial L / \partial F = \text{dscores}\, W^\top$: the features are pushed along the columns
# of $W$, whatever these are. With random columns and large `dscores` (nothing is right yet), the
# trunk changes its features so as to suit a random classifier; that works on the training images,
# and what the features meant for other images is lost. A probe's head has small `dscores` on
# training images, and its columns are directions that already separate classes.
#
# (c) The running means and variances. In training mode they drift towards the new data, and
# activations are normalised by the statistics of a small batch, so the "frozen" features change
# from step to step. Put the frozen part into evaluation mode (or fold the normalisation away, as
# the zoo does).

# %% [markdown]
# ## 8. Pretrained against from scratch
#
# Now the comparison that the course has been heading for, on drawings, the *unfavourable* domain: a
# linear probe on the pretrained network, against a network of the same kind that starts from random
# weights and sees nothing but these images, again and again, until it knows them by heart: until its
# mean training loss is below 0.2, however many epochs that takes (up to 150). It gets a good start,
# too: without batch normalisation much depends on the scale of the first weights, so they are
# divided, layer by layer, by the size of the activations that they give (after Mishkin and Matas,
# 2015). (It is a quarter as wide, so that you need not wait.)
#
# **Predict before you run.** How many images per class does training from scratch need to reach
# what the probe reaches with two?

# %% tags=["demo"]
SIZES = (2, 5)


def with_even_scale(network, X):
    """Divide the weights of each layer by the root mean square of its activations on X."""
    for layer in network.layer_names:
        if f"{layer}.weight" in network.params and layer != "classifier":
            activations = network.activations(X, [layer])[layer]
            network.params[f"{layer}.weight"] /= np.sqrt(np.mean(activations**2))
    return network


def train_from_scratch(X, y, seed, most_rounds=30):
    """Train a narrow network from random weights, in rounds of five epochs, until X is learned."""
    rng = np.random.default_rng(100 + seed)
    narrow = with_even_scale(untrained(network, rng, narrower=4), X)
    params = start_from(narrow, 0.03 * rng.standard_normal((56, 10)), np.zeros(10))
    rates = learning_rates(network_groups(), 0.007, 1.0)
    for number in range(most_rounds):
        params, losses = tune(narrow, params, X, y, rates, 5, 100 * seed + number)
        if np.mean(losses) < 0.2:
            break
    return narrow, params, np.mean(losses)


@cache
def scratch_accuracies():
    """Return accuracies from random weights, and last losses: two (sizes, draws) arrays."""
    X, y, X_test, y_test = tasks["drawings"]
    accuracies, final_losses = np.zeros((2, len(SIZES), 2))
    for i, seed in progress(list(np.ndindex(accuracies.shape)), "training from scratch"):
        chosen = few_per_class(y, SIZES[i], np.random.default_rng(seed))
        narrow, params, final_losses[i, seed] = train_from_scratch(X[chosen], y[chosen], seed)
        accuracies[i, seed] = test_accuracy(narrow, params, X_test, y_test)
    return accuracies, final_losses


scratch, final_losses = scratch_accuracies()
print(
    f"From scratch, {np.sum(final_losses < 0.2)} of {final_losses.size} runs end with a training "
    "loss below 0.2."
)
fig, axis = plt.subplots(figsize=(6.6, 4.4), layout="constrained")
probes = probe_accuracies()["drawings"]
plot_few(axis, PER_CLASS, probes["pretrained"], "pretrained, linear probe", COLORS[0])
plot_few(axis, SIZES, scratch, "convolutional, from scratch", COLORS[1], "^")
plot_few(axis, PER_CLASS, probes["pixels"], "linear, on pixels", COLORS[9])
finish_few(axis, "Drawings, by a network that knows photographs only")

# %% [markdown]
# Read it across, too: how far to the right must a lower curve be followed until it is as high as the
# upper one was at the left? That distance is what labels of *other* pictures are worth.
#
# ## 9. The decision table, by experiment
#
# Every course shows a table like this one:
#
# | | similar domain | different domain |
# |:--|:--|:--|
# | **little data** | linear probe | probe, perhaps from an earlier layer |
# | **more data** | retrain the top | fine-tune everything, gently |
#
# It is advice, and advice should be tested. Each of the four situations gets three recipes: a probe;
# from its head, the top block; and from its head everything, with rates that fall by a fifth from
# group to group. But who has won? Three accuracies of 67.1, 66.8 and 67.4 % name no winner: the
# differences are smaller than those between two draws of training images. A sober rule is that of
# **one standard error**: let $m$ be the best mean, and $e = \operatorname{std} / \sqrt{n}$ the standard error of *that*
# recipe (with $n - 1$ in the standard deviation; 0 for a single run). All recipes with a mean of at
# least $m - e$ count as good enough, and of these one takes the *cheapest*.


# %% nbgrader={"grade": false, "grade_id": "cheapest_good_enough", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cheapest_good_enough(accuracies):
    """Name the cheapest recipe whose mean is within one standard error of the best mean.

    Parameters
    ----------
    accuracies : dict from str to list of float
        By recipe the accuracies of n >= 1 runs, the cheapest recipe first.

    Returns
    -------
    str
        The first recipe with a mean of at least m - e, where m is the largest mean and e the
        standard error (sample standard deviation over the root of n) of the recipe that has it.
    """
    ### BEGIN SOLUTION
    means = {name: np.mean(runs) for name, runs in accuracies.items()}
    best = max(means, key=means.get)
    n = len(accuracies[best])
    error = np.std(accuracies[best], ddof=1) / np.sqrt(n) if n > 1 else 0.0
    return next(name for name in accuracies if means[name] >= means[best] - error)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_cheapest_good_enough", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
runs = {"probe": [0.66, 0.70], "top": [0.71, 0.73], "full": [0.70, 0.78]}
# Means 0.68, 0.72 and 0.74; the standard error of the best is 0.04.
assert cheapest_good_enough(runs) == "top", "0.72 is within 0.04 of 0.74, and 0.68 is not"
assert cheapest_good_enough({"probe": [0.5], "top": [0.6], "full": [0.6]}) == "top", (
    "with a single run the standard error is 0: of two equal ones the cheaper wins"
)
print("✓ cheapest_good_enough")

# %% [markdown]
# **Predict before you run.** Fill in the table on paper: which recipe wins in each of the four
# situations, and by how much?


# %% tags=["demo"]
@cache
def decision_runs():
    """Return {(amount, task): {recipe: accuracies}}, of several draws each."""
    plans = {
        "top block": learning_rates(network_groups(), 0.005, 1.0, num_frozen=4),
        "everything": learning_rates(network_groups(), 0.005, 0.8),
    }
    result = {}
    amounts, draws, epochs = {"5 per class": 5, "15 per class": 15}, 2, 2
    cells = [(amount, task) for amount in amounts for task in tasks]
    for amount, task in progress(cells, "decision table"):
        X, y, X_test, y_test = tasks[task]
        F, F_test = features()[task]
        runs = {"linear probe": [], **{name: [] for name in plans}}
        for seed in range(draws):
            chosen = few_per_class(y, amounts[amount], np.random.default_rng(50 + seed))
            W, b = linear_probe(F[chosen], y[chosen], 10)
            runs["linear probe"].append(np.mean(np.argmax(F_test @ W + b, axis=1) == y_test))
            for name, rates in plans.items():
                start = start_from(network, W, b)
                params, _ = tune(network, start, X[chosen], y[chosen], rates, epochs, seed)
                runs[name].append(test_accuracy(network, params, X_test, y_test))
        result[amount, task] = runs
    return result


fig, axes = plt.subplots(2, 2, figsize=(8.4, 4.8), sharex=True, layout="constrained")
for axis, ((amount, task), runs) in zip(axes.flat, decision_runs().items(), strict=True):
    winner = cheapest_good_enough(runs)
    for i, (name, accuracies) in enumerate(runs.items()):
        color = COLORS[0] if name == winner else COLORS[9]
        axis.barh(i, np.mean(accuracies), color=color, alpha=0.75, height=0.6)
        axis.plot(accuracies, [i] * len(accuracies), "|", color="black", markersize=10)
        axis.text(0.02, i, f"{name}  {np.mean(accuracies):.1%}", va="center", fontsize=9)
    axis.set(title=f"{task}, {amount}", xlim=(0, 1), yticks=[])
    axis.invert_yaxis()
    axis.spines[["top", "right", "left"]].set_visible(False)
for axis in axes[1]:
    axis.set_xlabel("test accuracy")
fig.suptitle(
    "Blue: the cheapest that is good enough. Black: single draws", fontsize=10, color=MUTED
)
plt.show()

# %% [markdown]
# Compare with the table on top, and with yours. Two draws are few; where the black marks
# of two recipes overlap, more draws could still turn the verdict. What can be read off safely is an
# order: the step from guessing to a probe is the largest by far, and it needs one pass forward
# through the network; the rest needs many, forward and back.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_table", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# (a) Somebody shows that a probe on `cifar_resnet`'s features, trained with five CIFAR-10 images
# per class, gets nearly all CIFAR-10 test images right that the network itself gets right. Why is
# that no evidence of how well its features transfer? (b) You chose recipe and learning rates by
# looking at test accuracies, as we did in this section. What do the figures of the winner suffer
# from, and what would you do in earnest? (c) Your task: 400 labelled X-ray images in two classes.
# Which recipes do you try, in which order, and what do you keep from "ImageNet weights"?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_table", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) The trunk was trained with the labels of these classes: its features were *made* to separate
# them, and the probe only reads off what 50,000 labels put there. The five images per class are not
# what it was learned from. Transfer has to be measured on classes (better: a domain) that the
# pretraining has not seen.
#
# (b) They are optimistic: the best of several noisy figures is partly the luckiest. In earnest one
# chooses on validation images, or by cross-validation where there are few, and looks at the test
# images once, for the recipe that was chosen.
#
# (c) Little data, different domain. First a linear probe as the baseline (minutes), on the last and
# on earlier layers, with cross-validation; then, from the probe's head, the top block; then
# everything with small discriminative rates, early stopping and augmentation that respects what
# X-rays are. Compare by the one-standard-error rule. Low layers are worth keeping almost surely
# (edges and textures are of use in grey images, too), high layers perhaps not; even where accuracy
# does not gain, training converges faster than from random weights. Patients must not be split
# between training and test.

# %% [markdown]
# ## 10. A bigger network
#
# EfficientNet-Lite0 was trained on the million photographs of ImageNet, in a thousand classes. Here
# it gets the images of *your course's* dataset, enlarged to 64×64: drawings if that is `scenes`,
# photographs if it is CIFAR-10. It has seen neither, although ImageNet's thousand classes include
# kinds of cats, dogs and trucks: similar domain, overlapping concepts, other images.
#
# **Predict before you run.** More pretraining, more features (1,280): is that better than the small
# network for *this* dataset? If it is `scenes`, the plot has both; on CIFAR-10 the small network
# may not compete.


# %% tags=["demo"]
@cache
def big_accuracies():
    """Return (sizes, draws) arrays of probes on the course's dataset."""
    data = load_dataset(num_training=650, num_validation=200, num_test=10)
    X_train, y_train = data.X_train[:400], data.y_train[:400]
    big = efficientnet_lite0()
    kinds = {
        "EfficientNet-Lite0": [
            extract_features(trunk(big, "pool"), big.preprocess(X, size=64))
            for X in progress((X_train, data.X_val), "EfficientNet")
        ],
        "pixels": [X[:, 2::4, 2::4].reshape(len(X), -1) / 255 for X in (X_train, data.X_val)],
    }
    if data.name == "scenes":
        kinds["cifar_resnet"] = [features()["drawings"][0][:400], features()["drawings"][1]]
    sizes = (1, 2, 5, 10, 20)
    result = {name: np.zeros((len(sizes), 3)) for name in kinds}
    for name, (F, F_test) in kinds.items():
        for i, seed in np.ndindex(len(sizes), 3):
            chosen = few_per_class(y_train, sizes[i], np.random.default_rng(seed))
            W, b = linear_probe(F[chosen], y_train[chosen], 10)
            result[name][i, seed] = np.mean(np.argmax(F_test @ W + b, axis=1) == data.y_val)
    return data.name, sizes, result


name, sizes, result = big_accuracies()
fig, axis = plt.subplots(figsize=(6.2, 3.8), layout="constrained")
for color, (kind, accuracies) in zip(
    (COLORS[3], COLORS[9], COLORS[0]), result.items(), strict=False
):
    plot_few(axis, sizes, accuracies, kind, color)
finish_few(axis, f"Linear probes on {name}")
axis.set_xlim(0.9, 22)
_ = axis.set_xticks(sizes, [str(n) for n in sizes])

# %% [markdown]
# Bigger is not the same as more suitable: a network is best at images of the size and the kind that
# it was trained with, and 32 pixels, enlarged, are no ImageNet photograph.
#
# ## Questions you may be asked in an interview
#
# **When does transfer learning hurt?** If the features throw away what the new task needs (colour,
# position, fine texture) and data suffice to train from scratch; then a pretrained start can end in
# a worse place. It is called negative transfer. With enough data and patience, training from
# scratch often reaches the same accuracy; pretraining then buys time, not accuracy.
#
# **Feature extraction or fine-tuning?** Ask for the amount of data and the distance of the domains;
# and for costs: a frozen trunk serves many tasks at once, its features are computed once, and
# nothing can be forgotten. Start with the probe in any case: it is the baseline, and the head to
# start from.
#
# **Why smaller learning rates for lower layers?** Their features are more general, so there is less
# to change; and a change there goes through all layers above it. Rates decaying by a factor per
# group are a soft form of freezing.
#
# **What is catastrophic forgetting?** Fine-tuning makes the network bad at its old task, since no
# gradient defends it. Remedies: small rates, fewer trainable parameters, replay of old examples, a
# penalty on the distance to the pretrained weights instead of to zero.
#
# **Why not weight decay in fine-tuning?** It pulls towards zero, away from the pretrained point. A
# penalty $\frac{\alpha}{2}\lVert \theta - \theta_0 \rVert^2$ (L2-SP) pulls to where it is good to
# be.
#
# **Which preprocessing?** Exactly that of the pretraining: size, order of colours, mean and
# standard deviation. A wrong one costs accuracy silently, nothing crashes.
#
# **What are adapters and LoRA?** Ways to train few parameters: small layers between frozen ones, or
# an update $\Delta W = A B$ of low rank. The trunk stays shared and every task has a small file of
# its own.
#
# **What does a linear probe measure?** How linearly accessible the class is in the features; not
# how much information there is. A poor probe with a good two-layer head says that it is there,
# folded up.
#
# ## Read more
#
# - CS231n notes, [Transfer learning](https://cs231n.github.io/transfer-learning/): the decision
#   table in its classical form.
# - J. Yosinski, J. Clune, Y. Bengio, H. Lipson, [How transferable are features in deep neural
#   networks?](https://arxiv.org/abs/1411.1792), 2014: layer by layer, with the right controls.
# - D. Mishkin, J. Matas, [All you need is a good init](https://arxiv.org/abs/1511.06422), 2015: the
#   scaling of section 8.
# - A. Kumar, A. Raghunathan, R. Jones, T. Ma, P. Liang, [Fine-tuning can distort pretrained
#   features and underperform out-of-distribution](https://arxiv.org/abs/2202.10054), 2022: why to
#   probe first.
# - S. Kornblith, J. Shlens, Q. V. Le, [Do better ImageNet models transfer
#   better?](https://arxiv.org/abs/1805.08974), 2019: sixteen networks, twelve tasks, and the
#   limits.

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
# # Visualisation: what does a network see?
#
# **Goal.** You take a network that was trained on ImageNet and leave it as it is; what you change is
# the *image*. With its gradient you find out where the network looks, fool it, let it paint and let
# it dream; and with t-SNE you draw a map of its features.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `saliency_map` | how much each pixel matters, by one gradient |
# | 3 | `occlusion_map` | the same question, asked with a grey square |
# | 4 | `fooling_image` | a changed picture that looks the same, and is "something else" |
# | 5 | `jitter`, `blur_image`, `class_visualization_step` | the network's idea of a class, painted from noise |
# | 6 | `deepdream_step`, `octave_shapes`, `deepdream` | more of whatever the network believes to see |
# | 7–9 | `pairwise_squared_distances` … `tsne` | many features, drawn as a map in two dimensions |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs and
# other models. Your functions may use NumPy and the standard library, and they see their arguments,
# your imports and your other functions; they cannot see data that the notebook has loaded.
#
# You need to know what a score is and what a gradient is, and about three hours.

# %%
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from matplotlib_inline.backend_inline import set_matplotlib_formats

from cs231n_lib.checking import assert_close, assert_finite, assert_gradient, assert_shape
from cs231n_lib.datasets import load_dataset
from cs231n_lib.photographs import load_photograph, resize
from cs231n_lib.plots import plot_embedding, plot_losses, show_images, show_saliency
from cs231n_lib.progress import progress
from cs231n_lib.zoo import efficientnet_lite0

# %% [markdown]
# ## 1. A model is a function that can be asked twice
#
# Everything below needs two things of a network: its output for images, and the way back from the
# output to the images. A **model** in this notebook is a plain function with both:
#
# | call | returns |
# |:--|:--|
# | `model(X)` | the output for images `X` of shape (N, 3, H, W): for a classifier the scores, of shape (N, C) |
# | `model(X, dout)` | `dX`, the gradient with respect to `X`, of shape (N, 3, H, W), of a scalar whose gradient with respect to the output is `dout` |
#
# The second is what you know as the backward pass: `dout` has the shape of the output, and
# $\mathrm{d}X = \left(\partial\,\mathrm{out}/\partial X\right)^{\!\top} \mathrm{dout}$. Images are
# normalised (the mean colour is 0). A model never changes its arguments, and its weights are fixed.
#
# `as_model` makes such a function of EfficientNet-Lite0, whose gradients you get by
# `net.record(X).backward(...)`. It remembers the last forward pass, so that asking for the gradient
# after the output costs the way back alone. `tiny_model` is small enough to be checked by numbers.


# %%
def as_model(net, layer="classifier"):
    """Return the function of images, up to a layer of a network of the zoo, as a model."""
    last = {}

    def model(X, dout=None):
        X = np.asarray(X, dtype=np.float32)
        if "X" not in last or not np.array_equal(last["X"], X):
            last.update(X=X.copy(), record=net.record(X, upto=layer))
        if dout is None:
            return last["record"][layer]
        return last["record"].backward({layer: np.asarray(dout, dtype=np.float32)}).input

    return model


def tiny_model(X, dout=None):
    """Compute three scores, tanh(X A) B, and the way back."""
    rng = np.random.default_rng(7)
    A = rng.normal(size=(X[0].size, 5)) / np.sqrt(X[0].size)
    B = rng.normal(size=(5, 3))
    hidden = np.tanh(X.reshape(len(X), -1) @ A)
    if dout is None:
        return hidden @ B
    return ((dout @ B.T * (1 - hidden**2)) @ A.T).reshape(X.shape)


# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
# Photographs are stored as JPEG, which takes a quarter of the room.
set_matplotlib_formats("jpeg", pil_kwargs={"quality": 90})

net = efficientnet_lite0()
classifier = as_model(net)
photos = np.concatenate([net.preprocess(load_photograph(name)) for name in ("chelsea", "coffee")])
scores = classifier(photos)
for row in scores:
    print(", ".join(net.class_names[c] for c in np.argsort(-row)[:2]))

# %% [markdown]
# ## 2. Saliency: which pixels matter?
#
# Near an image the score of a class is almost linear in the pixels, $s_y(X + \Delta) \approx s_y(X)
# + \langle \partial s_y / \partial X,\, \Delta \rangle$. A pixel whose derivative is large matters;
# one whose derivative is 0 may change without the score noticing. So the map is
#
# $$M_{hw} = \max_{c} \left| \frac{\partial s_y}{\partial X_{chw}} \right| . \tag{1}$$
#
# The sign says only whether the pixel ought to be brighter or darker, hence the absolute value;
# and a pixel matters if one of its three colours does, hence the maximum. Take the *score* and not
# the probability: a probability also rises when other classes lose.
#
# **Your step.** You want the gradient of one number, $s_{y_i}$, for each image $i$. Which `dout` of
# shape (N, C) asks for it? All N images can be asked at once, since no image acts on the score of
# another.


# %% nbgrader={"grade": false, "grade_id": "saliency_map", "locked": false, "schema_version": 3, "solution": true, "task": false}
def saliency_map(X, y, model):
    """Return how much each pixel matters for the score of the image's class.

    Parameters
    ----------
    X : (N, 3, H, W) array of float
        Images; not modified.
    y : (N,) array of int
        The class of each image.
    model : function
        ``model(X)`` are scores (N, C); ``model(X, dscores)`` is the gradient ``dX``.

    Returns
    -------
    (N, H, W) array of float
        The largest absolute derivative among the three colours of each pixel.
    """
    ### BEGIN SOLUTION
    dscores = np.zeros_like(model(X))
    dscores[np.arange(len(y)), y] = 1
    return np.abs(model(X, dscores)).max(axis=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_saliency_map", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(0)
X, y = rng.normal(size=(2, 3, 4, 5)), np.array([2, 0])
saliency = saliency_map(X, y, tiny_model)
assert_shape(saliency, (2, 4, 5), name="the saliency")
# Each pixel's three derivatives, by differences.
h = 1e-5
for place in ((0, 1, 3), (1, 2, 0)):
    i, row, column = place
    slopes = []
    for c in range(3):
        step = np.zeros_like(X)
        step[i, c, row, column] = h
        slopes.append((tiny_model(X + step) - tiny_model(X - step))[i, y[i]] / (2 * h))
    assert_close(saliency[place], max(map(abs, slopes)), name=f"the saliency at {place}", rtol=1e-5)
print("✓ saliency_map")

# %% [markdown]
# **Predict before you run.** The cat is a close-up. Where will the map be bright: at the edges of
# the picture, on the eyes, on the fur? (The class is the one with the highest score.)

# %% tags=["demo"]
guesses = scores.argmax(axis=1)
saliency = saliency_map(photos, guesses, classifier)
# For the eye, each block of 4×4 pixels shows its mean: single derivatives are noisy.
blocks = saliency.reshape(len(saliency), 56, 4, 56, 4).mean(axis=(2, 4))
_ = show_saliency(
    net.deprocess(photos),
    np.kron(blocks, np.ones((1, 4, 4))),
    [net.class_names[c] for c in guesses],
    inch=2.6,
)

# %% [markdown]
# Noise is part of the truth here: a ReLU network is linear in pieces, and its gradient jumps from
# piece to piece. Still it is no gradient of just anything. The rim and the
# inside of the cup are bright, and the table is dark; on the cat there is little to be seen.
#
# **Noise against noise.** If the gradient jumps from piece to piece, look at many pieces: add noise to
# the picture, take the map, and average over several such copies. This is *SmoothGrad* (Smilkov et
# al., 2017), and your function does it as it is.
#
# **Predict before you run.** Which parts of the cat will come out?

# %% tags=["demo"]
noise, smooth = np.random.default_rng(0), 0
for _ in progress(range(16), "noisy copies"):
    # 0.4 is about a tenth of the way from black to white.
    copies = photos + noise.normal(scale=0.4, size=photos.shape).astype(np.float32)
    smooth = smooth + saliency_map(copies, guesses, classifier) / 16
blocks = smooth.reshape(len(smooth), 56, 4, 56, 4).mean(axis=(2, 4))
_ = show_saliency(
    net.deprocess(photos),
    np.kron(blocks, np.ones((1, 4, 4))),
    [net.class_names[c] for c in guesses],
    inch=2.6,
)

# %% [markdown]
# The eyes come out, and of the coffee the inside of the cup, its handle and the spoon. A picture that
# convinces, and a reason to be careful: with noise of 0.2 or 0.7 it is another one. A map answers the
# question that was asked, how the score changes *for pictures like these*, and the noise is part of
# the question.

# %% [markdown]
# ## 3. Occlusion: cover it, and see
#
# A gradient speaks of infinitely small changes. A blunter question: cover a square with the mean
# colour (0, after normalisation). How far does the score fall?
#
# $$O_{ij} = s_y(X) - s_y(X \text{ with the square at } (i \cdot \text{stride},\ j \cdot
# \text{stride}) \text{ set to } 0) \tag{2}$$
#
# The square always lies inside the image, so there are $\lfloor (H - \text{size}) /
# \text{stride} \rfloor + 1$ rows of positions, and columns accordingly, as with a convolution. No
# gradient is needed, and it works with any black box, but it takes one forward pass a position.


# %% nbgrader={"grade": false, "grade_id": "occlusion_map", "locked": false, "schema_version": 3, "solution": true, "task": false}
def occlusion_map(X, y, model, size, stride):
    """Return how far the score falls when a square of the image is covered.

    Parameters
    ----------
    X : (1, 3, H, W) array of float
        One image; not modified.
    y : int
        The class whose score is watched.
    model : function
        ``model(X)`` are scores (N, C), for any number N of images.
    size, stride : int
        Side of the square, and the distance from one position to the next.

    Returns
    -------
    (rows, columns) array of float
        Score of the whole image minus score of the covered one; positive where the class is
        supported.
    """
    ### BEGIN SOLUTION
    height, width = X.shape[2:]
    tops = range(0, height - size + 1, stride)
    lefts = range(0, width - size + 1, stride)
    before = model(X)[0, y]
    drops = np.zeros((len(tops), len(lefts)))
    for i, top in enumerate(tops):
        covered = np.repeat(X, len(lefts), axis=0)
        for j, left in enumerate(lefts):
            covered[j, :, top : top + size, left : left + size] = 0
        drops[i] = before - model(covered)[:, y]
    return drops
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_occlusion_map", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def brightness_model(X, dout=None):
    """Give class 0 the sum of all pixels, and class 1 the negative of it."""
    if dout is None:
        return X.sum(axis=(1, 2, 3))[:, None] * np.array([1.0, -1.0])
    return np.broadcast_to((dout @ [1.0, -1.0])[:, None, None, None], X.shape)


X = np.arange(1.0, 1 + 3 * 5 * 8).reshape(1, 3, 5, 8)
before = X.copy()
drops = occlusion_map(X, 0, brightness_model, size=2, stride=3)
assert np.array_equal(X, before), "X changed: cover a copy of the image, not the image"
# Every score falls by the sum of the pixels covered.
expected = [[X[0, :, i : i + 2, j : j + 2].sum() for j in (0, 3, 6)] for i in (0, 3)]
assert_close(drops, expected, name="the occlusion map")
assert_close(occlusion_map(X, 1, brightness_model, 2, 3), -drops, name="the map of class 1")
print("✓ occlusion_map")

# %% [markdown]
# **Predict before you run.** Which part of the coffee is the class made of: rim, handle, saucer,
# spoon? And can there be places where covering *helps*?

# %% tags=["demo"]
size, stride = 48, 16
fig, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for axis, i in zip(axes, (1, 0), strict=True):
    drops = occlusion_map(photos[i : i + 1], guesses[i], classifier, size, stride)
    limit = np.abs(drops).max()
    half = size // 2 - stride // 2
    extent = (half, half + stride * drops.shape[1], half + stride * drops.shape[0], half)
    axis.imshow(net.deprocess(photos[i : i + 1])[0].mean(axis=2), cmap="gray")
    heat = axis.imshow(
        drops,
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        alpha=0.6,
        extent=extent,
        interpolation="bilinear",
    )
    axis.set(xlim=(0, 224), ylim=(224, 0))
    axis.set_title(f"{net.class_names[guesses[i]]}: centre of the square", fontsize=10)
    axis.axis("off")
    fig.colorbar(heat, ax=axis, label="fall of the score", shrink=0.85)

# %% [markdown]
# Red is what the score rests on; blue is what speaks against the class, or for it less than a grey
# square does. A map that is nearly all blue says something, too: for a close-up that fills the
# frame there is no single part on which the class depends.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_saliency", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# A score saturates: for an image that the network recognises perfectly, the derivative of the
# *probability* of its class is almost 0 everywhere. (a) Why, and why does the derivative of the
# score help? (b) A picture shows the same object twice. What does occlusion by a small square show,
# and what does it fail to show?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_saliency", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) The derivative of the softmax probability carries the factor $p(1 - p)$ and its like, which
# vanishes as $p$ goes to 1. The score is taken before the softmax and has no such factor.
#
# (b) Covering one of the two leaves the other, so the score may hardly fall anywhere, and the map
# can be pale over both, although together they are all that the class rests on. One-at-a-time
# tests do not show evidence that is there twice.

# %% [markdown]
# ## 4. Fooling a network
#
# The gradient of a score with respect to the image says how to raise that score. So take a picture
# of a cat, choose another class $t$, and climb:
#
# $$X \leftarrow X + \eta\, \frac{g}{\lVert g \rVert_2}, \qquad
# g = \frac{\partial s_t}{\partial X} . \tag{3}$$
#
# Dividing by the norm makes each step exactly $\eta$ long, however flat the score is. Before every
# step, look: if the highest score is already that of $t$, stop. A picture that is $t$ from the
# start comes back as it was.


# %% nbgrader={"grade": false, "grade_id": "fooling_image", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fooling_image(X, target_y, model, learning_rate=1.0, max_iter=100):
    """Change an image by gradient ascent until the model takes it for the target class.

    Parameters
    ----------
    X : (1, 3, H, W) array of float
        One image; not modified.
    target_y : int
        The class that the result shall be taken for.
    model : function
        ``model(X)`` are scores (1, C); ``model(X, dscores)`` is the gradient ``dX``.
    learning_rate : float
        Length (L2 norm) of a step.
    max_iter : int
        The most steps that are taken.

    Returns
    -------
    (1, 3, H, W) array of float
        The image at which the model was fooled, or after `max_iter` steps.
    """
    ### BEGIN SOLUTION
    X_fooling = X.copy()
    for _ in range(max_iter):
        scores = model(X_fooling)
        if scores[0].argmax() == target_y:
            break
        dscores = np.zeros_like(scores)
        dscores[0, target_y] = 1
        gradient = model(X_fooling, dscores)
        X_fooling = X_fooling + learning_rate * gradient / np.linalg.norm(gradient)
    return X_fooling
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_fooling_image", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(1)
X = rng.normal(size=(1, 3, 4, 5))
before, target = X.copy(), int(tiny_model(X).argmin())
X_fooling = fooling_image(X, target, tiny_model, learning_rate=0.25)
assert np.array_equal(X, before), "X changed: work on a copy, the caller compares the two"
assert_shape(X_fooling, X.shape, name="the fooling image")
assert tiny_model(X_fooling).argmax() == target, "the model is not fooled after 100 steps"
one = fooling_image(X, target, tiny_model, learning_rate=0.25, max_iter=1)
assert_close(np.linalg.norm(one - X), 0.25, name="the length of one step")
assert np.array_equal(fooling_image(X_fooling, target, tiny_model), X_fooling), (
    "the image was of the target class already: look at the scores before you take a step"
)
print("✓ fooling_image")

# %% [markdown]
# **Predict before you run.** How large must the change be that turns the cat into a goldfish:
# visible at a glance, visible on close inspection, or invisible?

# %% tags=["demo"]
cat = photos[:1]
target = net.class_names.index("goldfish")
fooled = fooling_image(cat, target, classifier, learning_rate=0.5)
original, changed = net.deprocess(cat)[0], net.deprocess(fooled)[0]
difference = changed.astype(float) - original
captions = []
for picture in (cat, fooled):
    s = classifier(picture)[0].astype(float)
    p = np.exp(s - s.max())
    captions.append(f"{net.class_names[s.argmax()]}, {p.max() / p.sum():.0%}")
captions.append("the difference, 20 times")
amplified = np.clip(128 + 20 * difference, 0, 255).astype(np.uint8)
_ = show_images(np.stack([original, changed, amplified]), captions, columns=3, inch=2.8)
print(f"mean change of a pixel: {np.abs(difference).mean():.2f} of 255")

# %% [markdown]
# A tiny change of every pixel, each with the sign that the gradient wants, adds up over 150,000
# numbers. In a space of so many dimensions, almost linear functions have steep directions that no
# eye ever looks along.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_adversarial", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# A linear score $w^\top x$ has $D$ inputs, and every input may change by at most $\varepsilon$. By
# how much can the score be raised, and how does that grow with $D$ if the entries of $w$ keep their
# size? What does it say about pictures of higher resolution?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_adversarial", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# The best change is $\varepsilon\,\mathrm{sign}(w)$, which raises the score by
# $\varepsilon \sum_d |w_d| = \varepsilon \lVert w \rVert_1$: it grows in proportion to $D$, while
# no single input changes by more than $\varepsilon$. With more pixels an ever smaller change of
# each is enough. So the weakness is not a sign of overfitting or of strong non-linearity; it is
# what (locally) linear functions of many inputs do.

# %% [markdown]
# ## 5. Painting a class from noise
#
# Now begin with noise and climb the score of a class for long. You know from section 4 what comes
# of it: noise that fools. To see something, the climb has to be kept among pictures that look like
# pictures. Three *regularisers* help:
#
# - an **L2 penalty**: climb $s_t(X) - \lambda \sum X^2$, which holds back extreme pixels;
# - **jitter**: shift the image at random before each step and back afterwards, so that nothing
#   relies on exact positions;
# - **blur**: every few steps smooth the image a little, which takes away high frequencies.
#
# First the helpers. `jitter` shifts by `ox` columns to the right and `oy` rows down; what leaves on
# one side comes in on the other. So `jitter(jitter(X, ox, oy), -ox, -oy)` is `X`.


# %% nbgrader={"grade": false, "grade_id": "jitter", "locked": false, "schema_version": 3, "solution": true, "task": false}
def jitter(X, ox, oy):
    """Shift images cyclically.

    Parameters
    ----------
    X : (N, 3, H, W) array of float
        Images; not modified.
    ox, oy : int
        How far to the right and down; negative for left and up.

    Returns
    -------
    (N, 3, H, W) array of float
        The shifted images.
    """
    ### BEGIN SOLUTION
    return np.roll(X, (oy, ox), axis=(2, 3))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_jitter", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
X = np.arange(24.0).reshape(1, 2, 3, 4)
assert_close(jitter(X, 1, 0)[0, 0, 0], [3, 0, 1, 2], name="the first row, one to the right,")
assert_close(jitter(X, 0, 1)[0, 0, :, 0], [8, 0, 4], name="the first column, one down,")
assert_close(jitter(jitter(X, 3, -2), -3, 2), X, name="X, shifted there and back,")
print("✓ jitter")

# %% [markdown]
# Blurring is a convolution with a bell curve, $k_t \propto e^{-t^2 / 2\sigma^2}$ for $t = -r, …, r$
# with $r = \lceil 3\sigma \rceil$, divided by its sum so that brightness stays. The two-dimensional
# bell is a product, $k_t k_u$, so blur along rows and then along columns: $2(2r + 1)$
# multiplications a pixel instead of $(2r + 1)^2$. Beyond the border the nearest border pixel
# counts (`np.pad(..., mode="edge")`).


# %% nbgrader={"grade": false, "grade_id": "blur_image", "locked": false, "schema_version": 3, "solution": true, "task": false}
def blur_image(X, sigma):
    """Blur images with a Gaussian kernel, along both axes of the plane.

    Parameters
    ----------
    X : (N, 3, H, W) array of float
        Images; not modified.
    sigma : float
        Standard deviation of the kernel in pixels; it has the radius ``ceil(3 * sigma)``.

    Returns
    -------
    (N, 3, H, W) array of float
        The blurred images.
    """
    ### BEGIN SOLUTION
    radius = int(np.ceil(3 * sigma))
    kernel = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).astype(X.dtype)
    height, width = X.shape[2:]
    padded = np.pad(X, ((0, 0), (0, 0), (radius, radius), (radius, radius)), mode="edge")
    rows = sum(k * padded[:, :, t : t + height] for t, k in enumerate(kernel))
    return sum(k * rows[:, :, :, t : t + width] for t, k in enumerate(kernel))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_blur_image", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
dot = np.zeros((1, 1, 9, 11))
dot[0, 0, 4, 5] = 1
blurred = blur_image(dot, 1.0)
assert_close(blurred.sum(), 1, name="the sum of a blurred dot")
ratio = blurred[0, 0, 4, 5] / blurred[0, 0, 5, 5], blurred[0, 0, 4, 5] / blurred[0, 0, 5, 7]
assert_close(ratio, np.exp([0.5, 2.5]), name="the fall of the bell, to (1, 0) and (1, 2),")
even = np.full((1, 3, 4, 5), 7.0)
assert_close(blur_image(even, 0.8), even, name="a blurred picture of one brightness")
print("✓ blur_image")

# %% [markdown]
# Now the step. **Your step on paper:** what is the gradient of $s_t(X) - \lambda \sum X^2$ with
# respect to $X$? Mind the factor and the sign. As before the whole gradient is divided by its norm,
# and you climb.


# %% nbgrader={"grade": false, "grade_id": "class_visualization_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def class_visualization_step(img, model, target_y, l2_reg, learning_rate):
    """Take one step up the score of a class, minus ``l2_reg * sum(img ** 2)``.

    Parameters
    ----------
    img : (1, 3, H, W) array of float
        The picture so far; not modified.
    model : function
        ``model(X)`` are scores (1, C); ``model(X, dscores)`` is the gradient ``dX``.
    target_y : int
        The class to be painted.
    l2_reg : float
        Strength of the penalty.
    learning_rate : float
        Length (L2 norm) of the step.

    Returns
    -------
    (1, 3, H, W) array of float
        The next picture.
    """
    ### BEGIN SOLUTION
    dscores = np.zeros_like(model(img))
    dscores[0, target_y] = 1
    gradient = model(img, dscores) - 2 * l2_reg * img
    return img + learning_rate * gradient / np.linalg.norm(gradient)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_class_visualization_step", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(2)
img = rng.normal(size=(1, 3, 4, 5))
step = class_visualization_step(img, tiny_model, 1, l2_reg=0.02, learning_rate=0.5) - img
assert_shape(step, img.shape, name="the step")
assert_close(np.linalg.norm(step), 0.5, name="the length of the step")


def objective(X):
    """Return what is climbed."""
    return tiny_model(X)[0, 1] - 0.02 * np.sum(X**2)


# The steepest way up: along the step, the slope is the length of the gradient.
slope = (objective(img + 1e-4 * step) - objective(img - 1e-4 * step)) / 2e-4
direction = step / np.linalg.norm(step)
assert slope > 0, "the step leads down: climb the score, and subtract the penalty's gradient"
assert_gradient(objective, img, slope / 0.5 * direction, name="the direction of the step")
print("✓ class_visualization_step")

# %% [markdown]
# The loop around it: noise, and three resolutions from coarse to fine, so that large shapes come
# first.


# %%
def rescale(X, shape):
    """Scale images (N, 3, H, W) to another height and width."""
    return resize(X.transpose(0, 2, 3, 1), tuple(shape)).transpose(0, 3, 1, 2)


def paint_class(model, target_y, *, sides, num_steps, rng, l2_reg, sigma, blur_every, shift=8):
    """Return a picture (1, 3, S, S) of a class, painted with the helpers of this section."""
    img = rng.normal(scale=0.1, size=(1, 3, sides[0], sides[0])).astype(np.float32)
    for side in sides:
        img = rescale(img, (side, side))
        rate = 0.1 * side  # in proportion to the side: the same change for every pixel
        for t in range(num_steps):
            ox, oy = (int(o) for o in rng.integers(-shift, shift + 1, size=2))
            img = jitter(img, ox, oy)
            img = class_visualization_step(img, model, target_y, l2_reg, rate)
            img = np.clip(jitter(img, -ox, -oy), -2.1, 2.4)  # black and white
            if t % blur_every == 0:
                img = blur_image(img, sigma)
    return blur_image(img, 0.6)


# %% [markdown]
# **Predict before you run.** A photograph shows one object, from one side, once. Does the class
# score demand that?

# %% tags=["demo"]
wanted = ["tarantula", "strawberry", "jellyfish", "monarch"]
pictures = []
for name in progress(wanted, "painting"):
    picture = paint_class(
        classifier,
        next(c for c, n in enumerate(net.class_names) if name in n),
        sides=(96, 128, 160),
        num_steps=40,
        rng=np.random.default_rng(2),
        l2_reg=1e-3,
        sigma=0.5,
        blur_every=1,
    )
    pictures.append(net.deprocess(1.6 * picture)[0])  # more contrast, for the eye alone
_ = show_images(np.stack(pictures), wanted, columns=4, inch=2.6)

# %% [markdown]
# ## 6. DeepDream: more of what you see
#
# Instead of one class, take all the features of a layer, $a = f(X)$, and make them stronger,
# whatever they are: climb $\tfrac{1}{2} \sum a^2$. A feature that is strong already has the largest
# say, so the network exaggerates what it believes to see. **Your step:** what is the gradient of
# $\tfrac12 \sum a^2$ with respect to $a$? That is the `dout`.
#
# The gradient $g$ is divided by the *mean of its absolute values*, which keeps the change of a
# typical pixel at $\eta$ for pictures of any size:
#
# $$X \leftarrow X + \eta\, \frac{g}{\operatorname{mean} |g|} . \tag{4}$$


# %% nbgrader={"grade": false, "grade_id": "deepdream_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def deepdream_step(X, model, learning_rate):
    """Make the features of an image stronger by one step.

    Parameters
    ----------
    X : (1, 3, H, W) array of float
        The image; not modified.
    model : function
        ``model(X)`` are features of any shape; ``model(X, dfeatures)`` is the gradient ``dX``.
    learning_rate : float
        By how much a pixel changes in the mean.

    Returns
    -------
    (1, 3, H, W) array of float
        The image after one step up half the sum of the squared features.
    """
    ### BEGIN SOLUTION
    gradient = model(X, model(X))
    return X + learning_rate * gradient / np.abs(gradient).mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_deepdream_step", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(3)
X = rng.normal(size=(1, 3, 4, 5))
step = deepdream_step(X, tiny_model, 0.125) - X
assert_close(np.abs(step).mean(), 0.125, name="the mean change of a pixel")
unit = step / np.linalg.norm(step)


def strength(X):
    """Return what is climbed."""
    return 0.5 * np.sum(tiny_model(X) ** 2)


# The steepest way up: along the step, the slope is the length of the gradient.
slope = (strength(X + 1e-4 * unit) - strength(X - 1e-4 * unit)) / 2e-4
assert slope > 0, "the step weakens the features: add the gradient"
assert_gradient(strength, X, slope * unit, name="the direction of the step")
print("✓ deepdream_step")

# %% [markdown]
# **Octaves.** A layer has receptive fields of one size, so it dreams in patterns of one size. To
# get large and small ones, dream first on a small copy of the picture, then take what was *added*
# along to a larger copy, and so on. The shapes: the last is the picture's own, and each earlier one
# is smaller by `scale`; octave $k$ before the last has $H / \text{scale}^k$ rows, rounded to the
# nearest whole number.


# %% nbgrader={"grade": false, "grade_id": "octave_shapes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def octave_shapes(height, width, num_octaves, scale):
    """Return the heights and widths at which to dream, from the smallest to the picture's own.

    Parameters
    ----------
    height, width : int
        The picture's own shape.
    num_octaves : int
        How many shapes, at least 1.
    scale : float
        From one octave to the next, above 1.

    Returns
    -------
    list of (int, int)
        ``num_octaves`` pairs (height, width).
    """
    ### BEGIN SOLUTION
    factors = [scale**k for k in range(num_octaves - 1, -1, -1)]
    return [(round(height / factor), round(width / factor)) for factor in factors]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_octave_shapes", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
assert list(map(tuple, octave_shapes(90, 120, 3, 1.5))) == [(40, 53), (60, 80), (90, 120)], (
    f"for a picture of 90×120: {octave_shapes(90, 120, 3, 1.5)}, "
    "expected [(40, 53), (60, 80), (90, 120)]"
)
print("✓ octave_shapes")

# %% [markdown]
# For each shape $o$ in turn, with the *original* picture scaled to it, $B_o$, and the detail $D$
# dreamed so far (0 at first):
#
# 1. $B_o = \text{resize}(X, o)$, and $D \leftarrow \text{resize}(D, o)$;
# 2. begin with $B_o + D$ and take `num_steps` dream steps, which gives $Z$;
# 3. $D \leftarrow Z - B_o$.
#
# Why not simply enlarge $Z$? Its picture went through a small copy, and what was sharp in $X$ would
# be lost for good. This way only the dream is enlarged.


# %% nbgrader={"grade": false, "grade_id": "deepdream", "locked": false, "schema_version": 3, "solution": true, "task": false}
def deepdream(X, model, resize, shapes, num_steps, learning_rate):
    """Dream on several octaves, from small to large.

    Parameters
    ----------
    X : (1, 3, H, W) array of float
        The picture; not modified.
    model : function
        As in ``deepdream_step``.
    resize : function
        ``resize(X, (height, width))`` scales images (1, 3, ., .).
    shapes : list of (int, int)
        Of the octaves; the last is (H, W).
    num_steps : int
        Dream steps on each octave.
    learning_rate : float
        Of each step.

    Returns
    -------
    (1, 3, H, W) array of float
        The dream.
    """
    ### BEGIN SOLUTION
    detail = np.zeros_like(X)
    for shape in shapes:
        base = resize(X, shape)
        dream = base + resize(detail, shape)
        for _ in range(num_steps):
            dream = deepdream_step(dream, model, learning_rate)
        detail = dream - base
    return dream
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_deepdream", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(4)
X = rng.normal(size=(1, 3, 4, 6))


def nearest(X, shape):
    """Scale by taking the nearest pixel."""
    rows, columns = (np.arange(n) * old // n for n, old in zip(shape, X.shape[2:], strict=True))
    return X[:, :, rows][:, :, :, columns]


shapes = [(2, 3), (4, 6)]
assert_close(deepdream(X, tiny_model, nearest, shapes, 0, 0.1), X, name="a dream of 0 steps")
dream = deepdream(X, tiny_model, nearest, shapes, 1, 0.1)
small = nearest(X, (2, 3))
start = X + nearest(deepdream_step(small, tiny_model, 0.1) - small, (4, 6))
assert_close(dream, deepdream_step(start, tiny_model, 0.1), name="a dream on two octaves")
print("✓ deepdream")

# %% [markdown]
# The model for dreaming shifts the picture at random before every step (and the gradient back),
# for the reason that you know.
#
# **Predict before you run.** Lower layers know edges and textures, higher ones parts of objects.
# Which kind of dream belongs to which layer?


# %%
def dreaming(net, layer, rng):
    """Return the model of a layer's features, under random shifts."""
    model, shift = as_model(net, layer), [0, 0]

    def shifted(X, dout=None):
        if dout is None:
            shift[:] = (int(o) for o in rng.integers(-16, 17, size=2))
            return model(jitter(X, *shift))
        return jitter(model(jitter(X, *shift), dout), -shift[0], -shift[1])

    return shifted


# %% tags=["demo"]
size = (240, 320)
shapes = octave_shapes(*size, 3, 1.4)
fig, axes = plt.subplots(2, 2, figsize=(10.5, 8), layout="constrained")
dreams = [
    ("rocket", "block5"),
    ("chelsea", "block6_expand"),
    ("hubble_deep_field", "block9_expand"),
    ("astronaut", "block12_expand"),
]
for axis, (name, layer) in zip(axes.flat, dreams, strict=True):
    X = net.preprocess(load_photograph(name), size=size)
    model = dreaming(net, layer, np.random.default_rng(0))
    axis.imshow(net.deprocess(deepdream(X, model, rescale, shapes, 12, 0.03))[0])
    axis.set_title(f"{name.replace('_', ' ')}, dreamed by {layer}", fontsize=10)
    axis.axis("off")

# %% [markdown]
# ## 7. A map of many images: t-SNE
#
# A network turns an image into a vector of features. Which images are close to each other?
# t-SNE draws them as points of a plane, so that neighbours stay neighbours. Step by step.
#
# First all squared distances, with $\lVert x_i - x_j \rVert^2 = \lVert x_i \rVert^2 +
# \lVert x_j \rVert^2 - 2\, x_i \cdot x_j$, so that one matrix product does the work. Rounding may
# leave tiny negative numbers, and a diagonal that is not quite 0: mend both.


# %% nbgrader={"grade": false, "grade_id": "pairwise_squared_distances", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pairwise_squared_distances(X):
    """Return the squared Euclidean distances of all pairs of rows.

    Parameters
    ----------
    X : (N, D) array of float
        Points; not modified.

    Returns
    -------
    (N, N) array of float
        Not negative, and exactly 0 on the diagonal.
    """
    ### BEGIN SOLUTION
    squares = np.sum(X * X, axis=1)
    D = np.maximum(squares[:, None] + squares - 2 * X @ X.T, 0)
    np.fill_diagonal(D, 0)
    return D
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_pairwise_squared_distances", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
D = pairwise_squared_distances(np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]]))
assert_close(D, [[0, 25, 9], [25, 0, 16], [9, 16, 0]], name="the squared distances")
far = pairwise_squared_distances(1e3 + np.random.default_rng(5).normal(size=(20, 7)) / 1e4)
assert (far >= 0).all(), "some squared distances are negative: rounding, cut it off at 0"
assert (np.diag(far) == 0).all(), "a point is at distance 0 of itself: set the diagonal"
print("✓ pairwise_squared_distances")

# %% [markdown]
# **Who is my neighbour?** Point $i$ chooses a neighbour at random, a near one more probably:
#
# $$p_{j|i} = \frac{e^{-\beta_i d_{ij}}}{\sum_{k \neq i} e^{-\beta_i d_{ik}}}, \qquad p_{i|i} = 0,
# \tag{5}$$
#
# a softmax over $-\beta_i d_{ij}$ (with everything that you know of its stability). The precision
# $\beta_i$ is each point's own: points in a crowd look around closely, lonely ones widely. It is
# fixed by asking for the same *perplexity* $e^{H_i}$ everywhere, the number of neighbours that
# count in effect, where $H_i = -\sum_j p_{j|i} \log p_{j|i}$ in nats.
#
# $H_i$ falls as $\beta_i$ grows. So find $\beta_i$ by **bisection**: begin with 1; if the entropy is
# too high, raise $\beta$ (double it, until an upper bound is known; then go halfway there); if too
# low, lower it in the same way (halve it, while the lower bound is 0). Stop when
# $|H_i - \log \text{perplexity}| < 10^{-5}$, or after 100 trials.


# %% nbgrader={"grade": false, "grade_id": "conditional_probabilities", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conditional_probabilities(D, perplexity):
    """Return each point's neighbour probabilities, with the same perplexity for all.

    Parameters
    ----------
    D : (N, N) array of float
        Squared distances; not modified.
    perplexity : float
        Effective number of neighbours, above 1 and below N - 1.

    Returns
    -------
    (N, N) array of float
        Row i holds p(j|i): the diagonal is 0 and every row adds up to 1.
    """
    ### BEGIN SOLUTION
    num = len(D)
    P = np.zeros((num, num))
    wanted = np.log(perplexity)
    for i in range(num):
        others = np.arange(num) != i
        distances = D[i, others] - D[i, others].min()
        low, high, beta = 0.0, np.inf, 1.0
        for _ in range(100):
            p = np.exp(-beta * distances)
            total = p.sum()
            p = p / total
            # -sum p log p, with log p = -beta d - log total.
            entropy = np.log(total) + beta * np.sum(p * distances)
            if abs(entropy - wanted) < 1e-5:
                break
            if entropy > wanted:
                low = beta
                beta = 2 * beta if high == np.inf else (beta + high) / 2
            else:
                high = beta
                beta = (beta + low) / 2
        P[i, others] = p
    return P
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_conditional_probabilities", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(6)
D = pairwise_squared_distances(rng.normal(size=(12, 4)) * np.linspace(0.1, 30, 12)[:, None])
P = conditional_probabilities(D, 4.0)
assert_shape(P, D.shape, name="P")
assert_finite(P, name="P")
assert (np.diag(P) == 0).all(), "nobody is their own neighbour: the diagonal of P is 0"
assert_close(P.sum(axis=1), np.ones(12), name="the sum of each row")
entropies = -np.sum(P * np.log(np.where(P > 0, P, 1)), axis=1)
assert_close(np.exp(entropies), np.full(12, 4.0), name="the perplexity of each row", rtol=1e-3)
nearest_first = np.argsort(D + np.diag(np.full(12, np.inf)), axis=1)[:, 0]
assert (P.argmax(axis=1) == nearest_first).all(), "the nearest point must be the most probable"
print("✓ conditional_probabilities")

# %% [markdown]
# **One number a pair.** $p_{j|i}$ and $p_{i|j}$ differ. The joint probability is their mean, divided
# by N so that all pairs together add up to 1:
#
# $$p_{ij} = \frac{p_{j|i} + p_{i|j}}{2N} . \tag{6}$$
#
# A lonely point $i$ may be nobody's neighbour, all $p_{i|j} \approx 0$; the mean gives it a say.


# %% nbgrader={"grade": false, "grade_id": "joint_probabilities", "locked": false, "schema_version": 3, "solution": true, "task": false}
def joint_probabilities(P):
    """Make conditional probabilities symmetric.

    Parameters
    ----------
    P : (N, N) array of float
        Row i holds p(j|i); not modified.

    Returns
    -------
    (N, N) array of float
        Symmetric, with the sum 1.
    """
    ### BEGIN SOLUTION
    return (P + P.T) / (2 * len(P))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_joint_probabilities", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
P = joint_probabilities(np.array([[0.0, 0.25, 0.75], [0.5, 0.0, 0.5], [1.0, 0.0, 0.0]]))
assert_close(P * 24, [[0, 3, 7], [3, 0, 2], [7, 2, 0]], name="24 times the joint probabilities")
print("✓ joint_probabilities")

# %% [markdown]
# ## 8. In the plane
#
# Points $y_i$ of the plane have joint probabilities, too, but with a heavy-tailed kernel, Student's
# t with one degree of freedom:
#
# $$w_{ij} = \frac{1}{1 + \lVert y_i - y_j \rVert^2}, \quad w_{ii} = 0, \qquad
# q_{ij} = \frac{w_{ij}}{\sum_{k \neq l} w_{kl}} . \tag{7}$$
#
# A plane has less room than a space of many dimensions: not everything that is moderately far can
# be moderately far in it. The heavy tail lets it be much farther, at little cost (*the crowding
# problem*). The sum runs over **all** pairs: one normalisation, not one a row.


# %% nbgrader={"grade": false, "grade_id": "student_t_similarities", "locked": false, "schema_version": 3, "solution": true, "task": false}
def student_t_similarities(Y):
    """Return joint probabilities of points of the plane, and the kernel they come from.

    Parameters
    ----------
    Y : (N, 2) array of float
        Points; not modified.

    Returns
    -------
    Q : (N, N) array of float
        Joint probabilities, 0 on the diagonal, with the sum 1.
    weights : (N, N) array of float
        ``1 / (1 + squared distance)``, and 0 on the diagonal.
    """
    ### BEGIN SOLUTION
    weights = 1 / (1 + pairwise_squared_distances(Y))
    np.fill_diagonal(weights, 0)
    return weights / weights.sum(), weights
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_student_t_similarities", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
Q, weights = student_t_similarities(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]]))
expected = np.array([[0, 1 / 2, 1 / 6], [1 / 2, 0, 1 / 5], [1 / 6, 1 / 5, 0]])
assert_close(weights, expected, name="the weights")
assert_close(Q, expected / expected.sum(), name="Q")
print("✓ student_t_similarities")

# %% [markdown]
# How far is the map from the truth? The Kullback–Leibler divergence says it:
#
# $$L = \sum_{i \neq j} p_{ij} \log \frac{p_{ij}}{q_{ij}}, \qquad
# \frac{\partial L}{\partial y_i} = \boldsymbol{?} \sum_j (p_{ij} - q_{ij})\, w_{ij}\, (y_i - y_j) .
# \tag{8}$$
#
# **Your step:** the factor. Write $L = \text{const} - \sum p_{ij} \log w_{ij} + \log \sum w_{kl}$
# (which uses $\sum p = 1$), differentiate by the squared distance $d_{ij}$ of one ordered pair, with
# $\partial \log w / \partial d = -w$, then by $y_i$, with $\partial d_{ij} / \partial y_i =
# 2 (y_i - y_j)$; and count how often the pair $i, j$ occurs in the sums. Terms with $p_{ij} = 0$
# are 0. (Sums, not loops over pairs: $\sum_j a_{ij} (y_i - y_j) = y_i \sum_j a_{ij} - \sum_j a_{ij}
# y_j$.)


# %% nbgrader={"grade": false, "grade_id": "tsne_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def tsne_loss(P, Y):
    """Return the Kullback-Leibler divergence of a map, and its gradient.

    Parameters
    ----------
    P : (N, N) array of float
        Joint probabilities in the space of features, 0 on the diagonal.
    Y : (N, 2) array of float
        Points of the plane; not modified.

    Returns
    -------
    loss : float
        ``sum(P * log(P / Q))``, where terms with P = 0 are 0.
    dY : (N, 2) array of float
        Its gradient with respect to Y.
    """
    ### BEGIN SOLUTION
    Q, weights = student_t_similarities(Y)
    used = P > 0
    loss = np.sum(P[used] * np.log(P[used] / Q[used]))
    A = (P - Q) * weights
    dY = 4 * (A.sum(axis=1)[:, None] * Y - A @ Y)
    return loss, dY
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_tsne_loss", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(8)
Y = rng.normal(size=(6, 2))
D = pairwise_squared_distances(rng.normal(size=(6, 3)))
P = joint_probabilities(conditional_probabilities(D, 2.5))
loss, dY = tsne_loss(P, Y)
assert_gradient(lambda Y: tsne_loss(P, Y)[0], Y, dY, name="dY")
loss, dY = tsne_loss(student_t_similarities(Y)[0], Y)
assert_close([loss, np.abs(dY).max()], [0, 0], name="loss and largest gradient where P = Q")
print("✓ tsne_loss")

# %% [markdown]
# ## 9. Training the map
#
# Gradient descent with momentum $\mu$:  $V \leftarrow \mu V - \eta\, \mathrm{d}Y$,
# $Y \leftarrow Y + V$, from $Y = 10^{-4} \times$ a normal sample, $V = 0$. Two tricks of the trade:
#
# - **early exaggeration**: in the first quarter of the steps (`t < num_iters // 4`), $P$ is
#   multiplied by 12 in the gradient. Clusters are drawn together tightly and can still pass through
#   each other.
# - momentum 0.5 in that quarter, and 0.8 afterwards.
#
# The learning rate goes by the number of points: all $p_{ij}$ together are 1, so that a point's share,
# and with it its gradient, is about $1/N$. With the exaggeration, $\eta \approx N / 12$ is a good start
# (Belkina et al., 2019). Several times as much, and the points are thrown about until the map never
# unfolds.
#
# Report the loss of the true $P$, without exaggeration, of the points *before* each step.


# %% nbgrader={"grade": false, "grade_id": "tsne", "locked": false, "schema_version": 3, "solution": true, "task": false}
def tsne(X, perplexity, num_iters, learning_rate, rng):
    """Draw points of many dimensions as a map in the plane.

    Parameters
    ----------
    X : (N, D) array of float
        The points; not modified.
    perplexity : float
        Effective number of neighbours.
    num_iters : int
        Steps of gradient descent; the first quarter with early exaggeration.
    learning_rate : float
        Of each step.
    rng : numpy.random.Generator
        Draws the first map.

    Returns
    -------
    Y : (N, 2) array of float
        The map.
    losses : list of num_iters floats
        Loss before each step, with the true joint probabilities.
    """
    ### BEGIN SOLUTION
    P = joint_probabilities(conditional_probabilities(pairwise_squared_distances(X), perplexity))
    Y = 1e-4 * rng.normal(size=(len(X), 2))
    V = np.zeros_like(Y)
    losses = []
    for t in range(num_iters):
        early = t < num_iters // 4
        loss, dY = tsne_loss(P, Y)
        if early:
            _, dY = tsne_loss(12 * P, Y)
        losses.append(float(loss))
        V = (0.5 if early else 0.8) * V - learning_rate * dY
        Y = Y + V
    return Y, losses
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_tsne", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(9)
centres = 6 * np.eye(3, 8)
X = np.repeat(centres, 15, axis=0) + rng.normal(size=(45, 8))
Y, losses = tsne(X, 8.0, 200, 4.0, np.random.default_rng(0))
assert_shape(Y, (45, 2), name="Y")
assert_finite(Y, name="Y")
assert len(losses) == 200, f"losses has {len(losses)} entries, expected one a step"
assert losses[-1] < 0.2 * losses[0], (
    f"the loss fell from {losses[0]:.2f} to {losses[-1]:.2f} only, expected a fifth or less"
)
D = pairwise_squared_distances(Y) + np.diag(np.full(45, np.inf))
same = np.mean(np.arange(45) // 15 == D.argmin(axis=1) // 15)
assert same > 0.9, f"of well separated clusters, {same:.0%} of points have a neighbour of their own"
print("✓ tsne")

# %% [markdown]
# Now the images: small pictures of ten classes that the network was not trained on, enlarged to 128
# pixels. `block16` is its last block; the mean over its positions, of length 1, is our vector.

# %% tags=["demo"]
data = load_dataset(num_training=400, num_validation=0, num_test=0)
images, labels = data.X_train[:400], data.y_train[:400]
maps = net.activations(net.preprocess(images, size=128), ["block16"])["block16"]
features = maps.mean(axis=(2, 3)).astype(float)
features -= features.mean(axis=0)
features /= np.linalg.norm(features, axis=1, keepdims=True)


@cache
def feature_map():
    """Return the map of the features, and the losses on the way to it."""
    return tsne(features, 15.0, 400, 33.0, np.random.default_rng(0))


points, losses = feature_map()
_ = plot_losses(losses, title="Kullback–Leibler divergence of the map", ylabel="loss")

# %% [markdown]
# **Predict before you run.** The network has seen ImageNet's photographs only. Will these classes
# be islands, a mainland with provinces, or sand?

# %% tags=["demo"]
points, _ = feature_map()
_ = plot_embedding(
    points, labels, images=images, class_names=data.class_names, size=10, thumbnail=0.03
)

# %% [markdown]
# To see what the network adds, the same map of raw pixels beside it.

# %% tags=["demo"]
pixels = images.reshape(len(images), -1).astype(float) / 255
placed = {
    "raw pixels": tsne(pixels, 15.0, 400, 33.0, np.random.default_rng(0))[0],
    "features": feature_map()[0],
}
fig, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
for axis, (name, Y) in zip(axes, placed.items(), strict=True):
    D = pairwise_squared_distances(Y) + np.diag(np.full(len(Y), np.inf))
    same = np.mean(labels[D.argmin(axis=1)] == labels)
    for c, class_name in enumerate(data.class_names):
        axis.scatter(*Y[labels == c].T, s=22, color=f"C{c}", alpha=0.85, label=class_name)
    axis.set_title(f"{name}: next point of the same class {same:.0%}", fontsize=11)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
_ = fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_tsne", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# A colleague shows you a t-SNE map and says: "Class A is twice as spread as class B, and much
# closer to C than to D." What may one read off such a map, and what not? Name two things to try
# before believing a cluster.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_tsne", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# The map keeps neighbourhoods: which points are close to each other. Sizes of clusters are not
# kept, since each point has its own $\beta_i$, which makes crowds and lonely groups equally wide;
# nor are distances between clusters, since far pairs have $p_{ij} \approx 0$ and cost hardly
# anything wherever they are. Before believing a cluster: other perplexities, other seeds, more
# steps; and a look at the distances in the original space. (t-SNE can find clusters in pure noise
# when the perplexity is small.)

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **What is a saliency map, and what is it not?** The absolute gradient of a class score with
# respect to the pixels. It is local and noisy, and says what would change the score, not what made
# it as it is. Averages over noisy copies, integrated gradients and Grad-CAM are answers to that.
#
# **Why are adversarial examples so small?** See question 2: many inputs, each moved by a little in
# the direction of its gradient. They transfer between networks; training on them helps, at the cost
# of some accuracy.
#
# **Why does plain gradient ascent paint noise?** The score is defined on all of pixel space, and
# natural images are a thin part of it. Regularisers are a prior on images, by hand.
#
# **Why a Student t in the plane and a Gaussian in the space?** Because of the crowding problem: the
# heavy tail lets moderately distant points be far apart.
#
# **What does t-SNE cost?** Each step looks at all pairs, $O(N^2)$; trees (Barnes–Hut) or
# interpolation make it $O(N \log N)$ or $O(N)$. And it gives no function: a new point has no place
# on the map, as it would have with PCA.
#
# **What does perplexity do?** It is the effective number of neighbours. Too small: crumbs. Too
# large: one cloud.
#
# ## Read more
#
# - CS231n notes, [Visualizing what ConvNets learn](https://cs231n.github.io/understanding-cnn/).
# - K. Simonyan, A. Vedaldi, A. Zisserman, [Deep inside convolutional
#   networks](https://arxiv.org/abs/1312.6034), 2013: saliency maps and class visualisation.
# - D. Smilkov, N. Thorat, B. Kim, F. Viégas, M. Wattenberg, [SmoothGrad: removing noise by adding
#   noise](https://arxiv.org/abs/1706.03825), 2017.
# - C. Olah, A. Mordvintsev, L. Schubert, [Feature
#   visualization](https://distill.pub/2017/feature-visualization/), 2017: the art of regularisers.
# - L. van der Maaten, G. Hinton, [Visualizing data using
#   t-SNE](https://www.jmlr.org/papers/v9/vandermaaten08a.html), 2008; and M. Wattenberg, F. Viégas,
#   I. Johnson, [How to use t-SNE effectively](https://distill.pub/2016/misread-tsne/), 2016.

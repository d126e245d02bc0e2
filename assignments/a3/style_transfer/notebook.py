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
# # Style transfer: paint a photograph anew
#
# **Goal.** You take a photograph and the style of another picture and let a network that was
# trained to *recognise* things paint one in the manner of the other. Nothing is trained: the weights
# stay, and gradient descent changes the pixels. All that is needed is a loss that says what a
# picture shows, one that says how it is painted, and their gradients, which you derive by hand.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `content_loss` | how far features are from those of the photograph |
# | 3 | `gram_matrix` | which features occur together, wherever in the picture |
# | 4 | `gram_matrix_backward` | its gradient |
# | 5 | `style_loss`, `balanced_weights` | Gram matrices of several layers compared, on equal terms |
# | 6 | `tv_loss` | a price for differences between neighbouring pixels |
# | 7 | `transfer_loss` | all three together, and the way back to the pixels |
# | 8 | `style_transfer` | the descent |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library, and they see their arguments, your imports
# and your other functions; they cannot see data that the notebook has loaded.
#
# The steps downhill are those of your own `adam`, from [`optimizers.ipynb`](../a2/optimizers.ipynb).
# (When graded, a faultless version of that notebook stands in for yours.) You need the chain rule,
# the notebook on optimisers, and about three hours.

# %%
from base64 import b64encode
from functools import cache

import imageio.v3 as iio
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from matplotlib_inline.backend_inline import set_matplotlib_formats

from cs231n_lib.checking import assert_close, assert_gradient, assert_shape
from cs231n_lib.notebooks import from_notebook
from cs231n_lib.photographs import load_photograph
from cs231n_lib.plots import show_images
from cs231n_lib.plots.style import COLORS
from cs231n_lib.progress import progress
from cs231n_lib.zoo import efficientnet_lite0

optimizers = from_notebook("optimizers")

# %% [markdown]
# ## 1. Two pictures and a network
#
# Here is what we have to work with. The network is EfficientNet-Lite0, trained on the thousand classes
# of ImageNet.

# %% tags=["demo"]
# Photographs are stored as JPEG, which takes a quarter of the room.
set_matplotlib_formats("jpeg", pil_kwargs={"quality": 90})

names = ["chelsea", "swirls", "stained_glass", "woodcut"]
_ = show_images(
    np.stack([load_photograph(name, 160) for name in names]),
    ["content", "style 1", "style 2", "style 3"],
    columns=4,
    inch=1.9,
)

# %% [markdown]
# A layer of a network gives *features*: an array $F$ of shape $(C, H, W)$, in which channel $c$ says at every
# place how strongly the pattern $c$ is present there. Low layers know edges and colours, higher ones
# eyes and wheels. L. Gatys, A. Ecker and M. Bethge noticed in 2015 that features
# answer two questions about a picture:
#
# - **What is where?** The features themselves, of a layer that is not too low: two pictures with the
#   same features show the same things at the same places, be they painted or photographed.
# - **How is it painted?** Which features occur *together*, averaged over all places: blue with long
#   strokes, black with sharp edges. Averaging forgets where things are; what is left is texture.
#
# So a picture with the *features* of a photograph and the *feature statistics* of a painting is what we
# want, and a loss can ask for it:
#
# $$L(x) = \underbrace{L_\text{content}(x)}_{\text{what is where}}
#   + \underbrace{L_\text{style}(x)}_{\text{how it is painted}}
#   + \underbrace{L_\text{tv}(x)}_{\text{no pixel noise}} . \tag{1}$$
#
# To us a network is two functions. `extract(img)` gives features of several layers, as a dictionary
# from layer names to arrays; `backprop(img, dfeats)` takes gradients with respect to these features
# and returns the gradient with respect to the image: the chain rule from layers back to pixels. You
# wrote such functions for every kind of layer; here they are ready-made.


# %%
class Features:
    """Features of some layers of a pretrained network, and the way back from them to the image."""

    def __init__(self, net, layers):
        self.net, self.layers = net, list(layers)
        self.last = max(self.layers, key=net.layer_names.index)
        self.img = self.record = None

    def extract(self, img):
        """Return ``{layer: (N, C, H, W) array}`` of images ``(N, 3, H, W)``."""
        # The way back follows at once, for the same image: what it needs is kept.
        self.img, self.record = img.copy(), self.net.record(img, self.last)
        return {layer: self.record[layer] for layer in self.layers}

    def backprop(self, img, dfeats):
        """Return the gradient for the image, given gradients for the features of some layers."""
        if self.img is None or not np.array_equal(img, self.img):
            self.extract(img)
        return self.record.backward(dfeats).input


class TinyNetwork:
    """Two layers of five and four channels, for checks: what can be followed with a pencil."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.W1, self.W2 = rng.standard_normal((5, 3)), rng.standard_normal((4, 5))

    def extract(self, img):
        """Return the features of "low", of the image's size, and of "high", of half of it."""
        low = np.tanh(np.einsum("fc,nchw->nfhw", self.W1, img))
        pooled = low[:, :, ::2, ::2] + low[:, :, 1::2, ::2]
        return {"low": low, "high": np.tanh(np.einsum("fc,nchw->nfhw", self.W2, pooled))}

    def backprop(self, img, dfeats):
        """Return the gradient for the image."""
        feats = self.extract(img)
        dlow = np.zeros(feats["low"].shape) + dfeats.get("low", 0)
        dhigh = dfeats.get("high", 0) * (1 - feats["high"] ** 2)
        dpooled = np.einsum("fc,nfhw->nchw", self.W2, dhigh)
        dlow[:, :, ::2, ::2] += dpooled
        dlow[:, :, 1::2, ::2] += dpooled
        return np.einsum("fc,nfhw->nchw", self.W1, dlow * (1 - feats["low"] ** 2))


# %%
STYLE_LAYERS = [
    "stem",
    "block2_expand",
    "block3_expand",
    "block4_expand",
    "block5_expand",
    "block6_expand",
]
CONTENT_LAYER = "block4_expand"


@cache
def network():
    """Return the pretrained network, loaded when it is first asked for."""
    return efficientnet_lite0()


def load(name, size):
    """Return a picture as the network takes it, (1, 3, size, size) float32, normalised."""
    return network().preprocess(load_photograph(name), size=size)


# %% [markdown]
# Which layers do we listen to? `stem` is the first convolution; the others are the wide layers in the next
# five blocks, where channels are many and fields of view grow.

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
for layer, array in Features(network(), STYLE_LAYERS).extract(load("chelsea", 160)).items():
    print(f"{layer:14}", array.shape)

# %% [markdown]
# ## 2. Content: what is where
#
# The content loss is the squared distance of the current features $F$ from those of the photograph, $P$,
# in one layer, times a weight $w_c$:
#
# $$L_\text{content} = w_c \sum_{n,c,h,w} \left( F_{nchw} - P_{nchw} \right)^2 . \tag{2}$$
#
# It is a sum, not a mean, and there is no factor ½. **Your step:** its derivative with respect to one
# $F_{nchw}$, which occurs in a single term.


# %% nbgrader={"grade": false, "grade_id": "content_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def content_loss(content_weight, content_current, content_original):
    """Compare features with those of the content image.

    Parameters
    ----------
    content_weight : float
        Weight of the loss.
    content_current, content_original : (N, C, H, W) arrays of float
        Features of the current image and of the content image; not modified.

    Returns
    -------
    loss : float
        The weighted sum of squared differences.
    dcurrent : (N, C, H, W) array of float
        Gradient of the loss with respect to `content_current`.
    """
    ### BEGIN SOLUTION
    difference = content_current - content_original
    loss = content_weight * np.sum(difference**2)
    return loss, 2 * content_weight * difference
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_content_loss", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(0)
F, P = rng.standard_normal((2, 2, 3, 4, 5))
before = F.copy(), P.copy()
loss, dF = content_loss(0.7, F, P)
for name, array, copy in zip(("content_current", "content_original"), (F, P), before, strict=True):
    assert np.array_equal(array, copy), f"{name} changed: work on a new array"
assert_shape(dF, F.shape, name="the gradient")
assert_close(content_loss(1.0, F, F)[0], 0.0, name="the loss of equal features")
assert_close(content_loss(2.0, F + 0.5, F)[0], 60.0, name="the loss, 120 features off by 0.5")
assert_close(loss, 0.7 * content_loss(1.0, F, P)[0], name="the loss with weight 0.7")
assert_gradient(lambda F: content_loss(0.7, F, P)[0], F, dF, name="the gradient")
print("✓ content_loss")

# %% [markdown]
# ## 3. Style: what occurs together
#
# Write the features of a layer as a matrix: one row per channel, one column per place, $C \times HW$. The
# **Gram matrix** holds the dot products of its rows:
#
# $$G_{ij} = \frac{1}{C H W} \sum_{h,w} F_{ihw}\, F_{jhw}, \qquad
#   G \in \mathbb{R}^{C \times C} . \tag{3}$$
#
# $G_{ij}$ is large where channels $i$ and $j$ are strong *at the same places*; which places, it does not
# say. (The factor in front, which `normalize=False` leaves out, makes layers and pictures of
# different sizes comparable: a style picture may be larger than the photograph.)
#
# Each image of a batch has a Gram matrix of its own. **Your step:** which reshape and which
# product of matrices make the sums over $h$ and $w$ disappear?


# %% nbgrader={"grade": false, "grade_id": "gram_matrix", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gram_matrix(features, normalize=True):
    """Compute the Gram matrix of the features of each image.

    Parameters
    ----------
    features : (N, C, H, W) array of float
        Features of a batch of N images; not modified.
    normalize : bool
        Whether to divide by ``C * H * W``, the number of features of an image.

    Returns
    -------
    (N, C, C) array of float
        Dot products of all pairs of channels, image by image.
    """
    ### BEGIN SOLUTION
    N, C, H, W = features.shape
    rows = features.reshape(N, C, H * W)
    gram = rows @ rows.transpose(0, 2, 1)
    return gram / (C * H * W) if normalize else gram
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_gram_matrix", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
F = np.array([[[[1.0, 2.0, 0.0]], [[3.0, 0.0, -1.0]]]])  # one image, two channels, three places
assert_close(
    gram_matrix(F, normalize=False), [[[5, 3], [3, 10]]], name="the Gram matrix, as it is,"
)
assert_close(gram_matrix(F), np.array([[[5, 3], [3, 10]]]) / 6, name="the Gram matrix, normalised,")

F = np.random.default_rng(1).standard_normal((2, 3, 4, 5))
before = F.copy()
G = gram_matrix(F)
assert np.array_equal(F, before), "features changed: work on a new array"
assert_shape(G, (2, 3, 3), name="the Gram matrix")
assert_close(G[1:], gram_matrix(F[1:]), name="the Gram matrix of the second image")
# Mirrored and turned by a quarter, a picture has its features elsewhere.
assert_close(gram_matrix(F[..., ::-1].swapaxes(2, 3)), G, name="the Gram matrix of turned features")
print("✓ gram_matrix")

# %% [markdown]
# Does that measure style? The cell below cuts the night sky into tiles and shuffles them, and takes two
# other pictures. Under each is how far its Gram matrices are from those of the night sky, in percent
# (mean over layers), and how far its features are.
#
# **Predict before you run.** Which picture is closest by Gram matrices, and which by features?


# %%
def shuffle_tiles(picture, size, rng):
    """Return a picture (H, W, 3) whose tiles of size × size pixels have changed places."""
    down, across = picture.shape[0] // size, picture.shape[1] // size
    tiles = picture.reshape(down, size, across, size, 3).swapaxes(1, 2).reshape(-1, size, size, 3)
    tiles = tiles[rng.permutation(len(tiles))].reshape(down, across, size, size, 3)
    return tiles.swapaxes(1, 2).reshape(picture.shape)


# %% tags=["demo"]
night = load_photograph("swirls", 160)
shuffled = shuffle_tiles(night, 40, np.random.default_rng(2))
pictures = [night, shuffled, *(load_photograph(name, 160) for name in ("mosaic", "chelsea"))]
features = Features(network(), STYLE_LAYERS)
found = [features.extract(network().preprocess(picture, size=160)) for picture in pictures]
captions = ["the night sky"]
for feats in found[1:]:
    far_gram = [
        np.linalg.norm(gram_matrix(feats[name]) - gram_matrix(found[0][name]))
        / np.linalg.norm(gram_matrix(found[0][name]))
        for name in STYLE_LAYERS
    ]
    there, here = feats[CONTENT_LAYER], found[0][CONTENT_LAYER]
    far = np.linalg.norm(there - here) / np.linalg.norm(here)
    captions.append(f"Gram {np.mean(far_gram):.0%}\nfeatures {far:.0%}")
_ = show_images(np.stack(pictures), captions, columns=4, inch=1.9)

# %% [markdown]
# To Gram matrices the shuffled picture is nearly the same one, although hardly a feature is in its place.
# That is what we mean by style, and where "style" ends: composition, symbols, a
# painter's choice of subject are not in it.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_forgets", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# (a) Give two ways to change a picture's features of one layer that leave its Gram matrix exactly the
# same. (b) Instead of Gram matrices somebody compares the *mean* of every channel over all places. What does
# that statistic know about style, and what does it miss?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_forgets", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) Any permutation of the places, the same one for all channels: the sum over places does not care
# about their order (mirroring is one). And flipping the sign of all features of a place: every product of two
# keeps its value. More generally $F \to F Q$ with any orthogonal $HW \times HW$ matrix $Q$, since
# $F Q Q^T F^T = F F^T$.
#
# (b) It knows how much there is of every pattern: how much blue, how many vertical edges. It does not
# know which go together: blue strokes and yellow dots have the same means as yellow strokes
# and blue dots. Means and variances of each channel (as in adaptive instance normalisation) work
# surprisingly well all the same.

# %% [markdown]
# ## 4. The gradient of a Gram matrix
#
# Some loss depends on $G$, and we know $\partial L / \partial G_{ij}$, an array `dgram` of the shape of $G$. What is
# $\partial L / \partial F$? For one image, with the features as a matrix of rows $i$ and places $p$, and
# $Z = CHW$:
#
# $$G_{ij} = \frac1Z \sum_q F_{iq} F_{jq} , \qquad
#   \frac{\partial L}{\partial F_{kp}}
#   = \sum_{i,j} \frac{\partial L}{\partial G_{ij}} \frac{\partial G_{ij}}{\partial F_{kp}} . \tag{4}$$
#
# $F_{kp}$ occurs in $G_{ij}$ if $i = k$, as the first factor, and if $j = k$, as the second. (If both, it is
# squared; the product rule counts it twice, as it should.) So
#
# $$\frac{\partial G_{ij}}{\partial F_{kp}}
#   = \frac1Z \left( \mathbb{1}[i = k]\, F_{jp} + \mathbb{1}[j = k]\, \boldsymbol{?} \right) .$$
#
# **Your step:** fill in the second term, insert into (4), and read the two sums as products of
# matrices. One has $\partial L/\partial G$ in it, the other its transpose. (If `dgram` is
# symmetric the two are the same; your function should not rely on it.)


# %% nbgrader={"grade": false, "grade_id": "gram_matrix_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gram_matrix_backward(dgram, features, normalize=True):
    """Go back from Gram matrices to features.

    Parameters
    ----------
    dgram : (N, C, C) array of float
        Gradient of a loss with respect to ``gram_matrix(features, normalize)``; any matrices, not
        necessarily symmetric; not modified.
    features : (N, C, H, W) array of float
        The features; not modified.
    normalize : bool
        As given to ``gram_matrix``.

    Returns
    -------
    (N, C, H, W) array of float
        Gradient with respect to `features`.
    """
    ### BEGIN SOLUTION
    N, C, H, W = features.shape
    rows = features.reshape(N, C, H * W)
    drows = (dgram + dgram.transpose(0, 2, 1)) @ rows
    if normalize:
        drows = drows / (C * H * W)
    return drows.reshape(features.shape)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_gram_matrix_backward", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(2)
F, dG = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((2, 3, 3))
for normalize in (False, True):
    dF = gram_matrix_backward(dG, F, normalize)
    assert_shape(dF, F.shape, name="the gradient")
    assert_gradient(
        lambda F, n=normalize: np.sum(dG * gram_matrix(F, n)),
        F,
        dF,
        name=f"the gradient, normalize={normalize},",
    )
print("✓ gram_matrix_backward")

# %% [markdown]
# ## 5. The style loss
#
# Let $A^\ell$ be the Gram matrix of the style picture at layer $\ell$ and $G^\ell$ that of the current image. As with
# content we take squared distances, in several layers, each with a weight:
#
# $$L_\text{style} = \sum_\ell w_\ell \sum_{n,i,j} \left( G^\ell_{nij} - A^\ell_{nij} \right)^2 . \tag{5}$$
#
# **Your step:** $\partial L_\text{style} / \partial G^\ell$; from there `gram_matrix_backward` goes on. Return the gradients as
# a dictionary from layer to array, which is what `backprop` takes. `feats[layer]` gives the features of a
# layer; `style_targets` and `style_weights` are in the order of `style_layers`.


# %% nbgrader={"grade": false, "grade_id": "style_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def style_loss(feats, style_layers, style_targets, style_weights):
    """Compare Gram matrices of several layers with those of the style picture.

    Parameters
    ----------
    feats : dict of (N, C, H, W) arrays
        Features of the current image by layer, also of layers that are not asked for (or a list,
        whose layers are numbers); not modified.
    style_layers : list of L different layers
        Those to compare; ``feats[layer]`` are their features.
    style_targets : list of L arrays of shape (N, C, C)
        Normalised Gram matrices of the style picture, in the order of `style_layers`.
    style_weights : list of L floats
        Their weights.

    Returns
    -------
    loss : float
        The weighted sum of squared differences; 0 if there are no layers.
    dfeats : dict of arrays
        For each of `style_layers`, and only those, the gradient with respect to its features.
    """
    loss, dfeats = 0.0, {}
    ### BEGIN SOLUTION
    for layer, target, weight in zip(style_layers, style_targets, style_weights, strict=True):
        difference = gram_matrix(feats[layer]) - target
        loss += weight * np.sum(difference**2)
        dfeats[layer] = gram_matrix_backward(2 * weight * difference, feats[layer])
    ### END SOLUTION
    return loss, dfeats


# %% nbgrader={"grade": true, "grade_id": "check_style_loss", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(3)
tiny = TinyNetwork()
feats = tiny.extract(rng.standard_normal((1, 3, 4, 6)))
layers = ["high", "low"]
targets = [gram_matrix(tiny.extract(rng.standard_normal((1, 3, 6, 4)))[name]) for name in layers]

same = [gram_matrix(feats[name]) for name in layers]
assert_close(
    style_loss(feats, layers, same, [3.0, 5.0])[0], 0.0, name="the loss of one's own style"
)
shifted = [G + 0.5 for G in same]
loss, dfeats = style_loss(feats, layers, shifted, [3.0, 5.0])
assert_close(loss, 0.25 * (3 * 16 + 5 * 25), name="the loss with all entries of G off by 0.5")
assert set(dfeats) == {"low", "high"}, f"dfeats has the layers {sorted(dfeats)}, expected both"
loss, dfeats = style_loss(feats, layers, targets, [3.0, 5.0])
for name in layers:
    assert_gradient(
        lambda F, n=name: style_loss({**feats, n: F}, layers, targets, [3.0, 5.0])[0],
        feats[name],
        dfeats[name],
        name=f"the gradient of layer {name!r}",
    )
assert set(style_loss(feats, ["high"], targets[:1], [3.0])[1]) == {"high"}, "too many layers"
print("✓ style_loss")

# %% [markdown]
# How should the layers be weighted? Look at the size of what is compared.
#
# **Predict before you run.** Which layer has the largest squared norm
# $\lVert A^\ell \rVert^2 = \sum (A^\ell_{ij})^2$, and by which factor is it larger than the least? If every
# weight were 1, which layers would have a say?

# %% tags=["demo"]
feats = Features(network(), STYLE_LAYERS).extract(load("swirls", 160))
norms = [np.sum(gram_matrix(feats[name]) ** 2) for name in STYLE_LAYERS]
fig, axis = plt.subplots(figsize=(6.4, 2.6), layout="constrained")
axis.barh(STYLE_LAYERS, norms, color=COLORS[0])
axis.set(xlabel="squared norm of the style's Gram matrix")
axis.invert_yaxis()
_ = axis.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# With equal weights the lowest layers would drown the highest. The remedy: measure each distance *relative to the
# target*, so that 1 means "as far off as an image without any features". Of $L$ targets $T^\ell$ with a total weight $w$,
# each gets
#
# $$w_\ell = \frac{w}{L\, \sum (T^\ell)^2} . \tag{6}$$
#
# The same is good for content, with one target. Weights then mean the same for any layer and picture size.


# %% nbgrader={"grade": false, "grade_id": "balanced_weights", "locked": false, "schema_version": 3, "solution": true, "task": false}
def balanced_weights(weight, targets):
    """Share a weight among targets so that each counts alike, relative to its own size.

    Parameters
    ----------
    weight : float
        The total weight.
    targets : list of L arrays of float
        What is compared with: Gram matrices or features, of any shapes, none all zero.

    Returns
    -------
    list of L floats
        Formula (6) for each target; an empty list for no targets.
    """
    ### BEGIN SOLUTION
    return [weight / (len(targets) * np.sum(target**2)) for target in targets]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_balanced_weights", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
assert_close(
    balanced_weights(6.0, [np.array([[1.0, 2.0]]), np.array([[3.0, -1.0]])]),
    [0.6, 0.3],
    name="the weights",
)
assert len(balanced_weights(6.0, [])) == 0, "for no targets there are no weights"
print("✓ balanced_weights")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_weights", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# The paper divides its style loss by $4 C^2 (HW)^2$ where we put $CHW$ into the Gram matrix. (a) If a layer's
# features are all multiplied by $10$, in the photograph and in the painting, by which factors do content
# loss and style loss change without (6)? (b) And with (6)? (c) Why do pretrained networks make this
# necessary?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_weights", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) The content loss is quadratic in the features: 100. Gram matrices are quadratic, and their squared
# distance is of fourth order: 10,000.
#
# (b) Not at all: the targets' squared norms grow by the same factors.
#
# (c) The scale of a layer's features is an accident: the next convolution or batch normalisation can
# undo any factor, so training has no reason to make layers comparable. In the style loss such
# accidents enter with the fourth power.

# %% [markdown]
# ## 6. No pixel noise
#
# A network looks at pixels through convolutions with strides and forgives much that eyes do not: a fine
# checkerboard of noise may please its features best. *Total variation* puts a price on differences
# between neighbours, below and to the right, in every channel:
#
# $$L_\text{tv} = w_t \sum_{n,c} \left( \sum_{h < H-1,\, w} (x_{h+1,w} - x_{h,w})^2
#   + \sum_{h,\, w < W-1} (x_{h,w+1} - x_{h,w})^2 \right) . \tag{7}$$
#
# (No neighbour, no term: nothing is padded, nothing wraps around.) For the gradient look at the one term
# $(b - a)^2$ of two neighbours: it pushes $b$ by $2(b - a)$ and $a$ by how much? **Your
# step:** add up both pushes over all terms; slices like `x[:, :, 1:] - x[:, :, :-1]` do it without loops. A
# pixel in the middle has four neighbours and gets four pushes.


# %% nbgrader={"grade": false, "grade_id": "tv_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def tv_loss(img, tv_weight):
    """Sum up squared differences of neighbouring pixels.

    Parameters
    ----------
    img : (N, 3, H, W) array of float
        Images; not modified.
    tv_weight : float
        Weight of the loss.

    Returns
    -------
    loss : float
        Formula (7).
    dimg : (N, 3, H, W) array of float
        Gradient with respect to `img`.
    """
    ### BEGIN SOLUTION
    down = img[:, :, 1:] - img[:, :, :-1]
    across = img[:, :, :, 1:] - img[:, :, :, :-1]
    loss = tv_weight * (np.sum(down**2) + np.sum(across**2))
    dimg = np.zeros_like(img)
    dimg[:, :, 1:] += 2 * tv_weight * down
    dimg[:, :, :-1] -= 2 * tv_weight * down
    dimg[:, :, :, 1:] += 2 * tv_weight * across
    dimg[:, :, :, :-1] -= 2 * tv_weight * across
    return loss, dimg
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_tv_loss", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
point = np.zeros((1, 3, 4, 5))
point[0, 1, 2, 3] = 2.0  # a bright pixel with four neighbours
loss, dimg = tv_loss(point, 0.5)
assert_close(loss, 0.5 * 4 * 2.0**2, name="the loss of one bright pixel")
assert_close(dimg[0, 1, 2, 3], 0.5 * 4 * 2 * 2.0, name="the gradient at the bright pixel")
img = np.random.default_rng(4).standard_normal((2, 3, 4, 5))
before = img.copy()
loss, dimg = tv_loss(img, 0.7)
assert np.array_equal(img, before), "img changed: work on a new array"
assert_close(tv_loss(img + 3.0, 0.7)[0], loss, name="the loss of a brighter image")
assert_gradient(lambda img: tv_loss(img, 0.7)[0], img, dimg, name="dimg")
print("✓ tv_loss")

# %% [markdown]
# ## 7. All together, and back to the pixels
#
# `transfer_loss` does what one step needs: features, three losses, and the gradient of their sum for
# the image. Three things to mind:
#
# - `backprop` takes gradients of *all* layers in one dictionary and adds up what comes from each. But the
#   content layer may be a style layer as well. **Your step:** what belongs in the dictionary then?
# - Total variation looks at the image itself; its gradient does not go through the network.
# - The weights here are those of (2), (5) and (7), as they are.


# %% nbgrader={"grade": false, "grade_id": "transfer_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def transfer_loss(
    img,
    extract,
    backprop,
    content_layer,
    content_weight,
    content_original,
    style_layers,
    style_targets,
    style_weights,
    tv_weight,
):
    """Compute the losses of an image and the gradient of their sum.

    Parameters
    ----------
    img : (N, 3, H, W) array of float
        The image; not modified.
    extract : function
        ``extract(img)`` returns the features by layer, a dict.
    backprop : function
        ``backprop(img, dfeats)`` returns the gradient for the image, ``(N, 3, H, W)``; `dfeats` is a
        dict from some of the layers to gradients in the shape of their features.
    content_layer, content_weight, content_original
        Where, how strongly and with what content is compared, see ``content_loss``.
    style_layers, style_targets, style_weights
        Lists, see ``style_loss``.
    tv_weight : float
        See ``tv_loss``.

    Returns
    -------
    terms : dict of float
        The three weighted losses under "content", "style" and "tv".
    dimg : (N, 3, H, W) array of float
        Gradient of their sum with respect to `img`.
    """
    ### BEGIN SOLUTION
    feats = extract(img)
    content, dcontent = content_loss(content_weight, feats[content_layer], content_original)
    style, dfeats = style_loss(feats, style_layers, style_targets, style_weights)
    tv, dtv = tv_loss(img, tv_weight)
    dfeats[content_layer] = dfeats.get(content_layer, 0) + dcontent
    dimg = backprop(img, dfeats) + dtv
    return {"content": content, "style": style, "tv": tv}, dimg
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_transfer_loss", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(5)
tiny = TinyNetwork()
img, content, style = rng.standard_normal((3, 1, 3, 4, 6))
P = tiny.extract(content)["high"]
A = [gram_matrix(tiny.extract(style)[name]) for name in ("low", "high")]
for layers in ([], ["low"], ["low", "high"]):

    def total(img, layers=layers):
        settings = "high", 0.3, P, layers, A[: len(layers)], [20.0, 30.0][: len(layers)], 0.1
        terms, dimg = transfer_loss(img, tiny.extract, tiny.backprop, *settings)
        return terms["content"] + terms["style"] + terms["tv"], dimg

    name = f"dimg with content layer 'high' and style layers {layers}"
    assert_gradient(lambda img, total=total: total(img)[0], img, total(img)[1], name=name)
print("✓ transfer_loss")

# %% [markdown]
# ## 8. The descent
#
# Now put the pieces into a loop:
#
# 1. Targets, once: the features of `content` at the content layer; normalised Gram matrices of `style`
#    at the style layers.
# 2. Weights, once: `balanced_weights` for content (one target) and for style; `tv_weight` over
#    the number of values of the image, so that it is a price per value.
# 3. Then step after step: losses and gradient; a step of `optimizers.adam` with the given learning
#    rate (whatever else its `config` holds must be handed on from step to step); and a clip
#    to `bounds`, because no picture is blacker than black. Note the losses *before* each step in `history`.
#
# The image starts as a copy of `start`, or of the content image if there is none.


# %% nbgrader={"grade": false, "grade_id": "style_transfer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def style_transfer(
    content,
    style,
    extract,
    backprop,
    content_layer,
    content_weight,
    style_layers,
    style_weight,
    tv_weight,
    bounds,
    start=None,
    learning_rate=0.03,
    num_steps=100,
    on_step=None,
):
    """Give an image the content of one picture and the style of another, with Adam.

    Parameters
    ----------
    content : (1, 3, H, W) array of float
        The picture that says what is where; not modified.
    style : (1, 3, K, M) array of float
        The picture that says how to paint it, perhaps of another size.
    extract, backprop : functions
        The network, as for ``transfer_loss``.
    content_layer, style_layers
        Name of the layer, and list of names (perhaps none), that are compared.
    content_weight, style_weight : float
        Weights relative to the targets' sizes, see ``balanced_weights``.
    tv_weight : float
        Weight of the total variation, per value of the image.
    bounds : (low, high), arrays that broadcast with the image
        The least and largest values allowed.
    start : (1, 3, H, W) array of float, optional
        The image to begin with, by default `content`; not modified.
    learning_rate : float
        Step length of Adam.
    num_steps : int
        How many steps to take.
    on_step : function, optional
        Called after each step as ``on_step(step, img)``, step = 1, 2, …

    Returns
    -------
    img : (1, 3, H, W) array of float
        The image after the last step.
    history : list of dict
        The terms of ``transfer_loss`` before each step.
    """
    ### BEGIN SOLUTION
    original = extract(content)[content_layer]
    style_feats = extract(style) if style_layers else {}
    targets = [gram_matrix(style_feats[layer]) for layer in style_layers]
    goals = (
        content_layer,
        balanced_weights(content_weight, [original])[0],
        original,
        style_layers,
        targets,
        balanced_weights(style_weight, targets),
        tv_weight / content.size,
    )
    img = np.array(content if start is None else start)
    config, history = {"learning_rate": learning_rate}, []
    for step in range(1, num_steps + 1):
        terms, dimg = transfer_loss(img, extract, backprop, *goals)
        history.append(terms)
        img, config = optimizers.adam(img, dimg, config)
        img = np.clip(img, *bounds)
        if on_step is not None:
            on_step(step, img)
    return img, history
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_style_transfer", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(6)
tiny = TinyNetwork()
content, style = rng.uniform(-1, 1, (1, 3, 6, 8)), rng.uniform(-1, 1, (1, 3, 4, 6))
before, seen = content.copy(), []
img, history = style_transfer(
    content,
    style,
    tiny.extract,
    tiny.backprop,
    "high",
    1.0,
    ["low", "high"],
    30.0,
    0.1,
    (-0.8, 0.8),
    num_steps=40,
    on_step=lambda step, img: seen.append(step),
)
assert np.array_equal(content, before), "content changed: start from a copy"
assert_shape(img, content.shape, name="the image")
assert np.abs(img).max() <= 0.8, "the image leaves its bounds: clip it after every step"
assert len(history) == 40, f"history has {len(history)} entries, expected one per step, 40"
assert seen == list(range(1, 41)), "on_step is to be called after each step, with 1, 2, …"
assert_close(history[0]["content"], 0.0, name="the content loss at the start")
first, last = history[0]["style"], history[-1]["style"]
assert last < 0.06 * first, f"the style loss went from {first:.3g} to {last:.3g} only"
print(f"✓ style_transfer: the style loss fell from {first:.3g} to {last:.3g}")

# %% [markdown]
# ## 9. The picture
#
# The moment for which we came. A cat, a night sky, 120 steps.
#
# **Predict before you run.** The start is the photograph itself. Which of the three losses is exactly 0 then,
# and which ones have to rise so that the sum can fall?

# %%
WEIGHTS = {"content_weight": 1.0, "style_weight": 30.0, "tv_weight": 2.0}


def paint(content, style, label, *, style_layers=STYLE_LAYERS, **settings):
    """Return what your style_transfer returns, with a progress bar."""
    layers = list(dict.fromkeys([*style_layers, settings.get("content_layer", CONTENT_LAYER)]))
    features = Features(network(), layers)
    settings = {"content_layer": CONTENT_LAYER, **WEIGHTS, "num_steps": 80, **settings}
    bar, seen = iter(progress(range(settings["num_steps"]), label)), settings.pop("on_step", None)

    def on_step(step, img):
        next(bar, None)
        if step == settings["num_steps"]:
            next(bar, None)
        if seen is not None:
            seen(step, img)

    return style_transfer(
        content,
        style,
        features.extract,
        features.backprop,
        style_layers=list(style_layers),
        bounds=network().preprocessing.bounds(),
        on_step=on_step,
        **settings,
    )


@cache
def first_picture():
    """Return picture, history and frames of the first transfer, made when first asked for."""
    frames = [network().deprocess(load("chelsea", 192))[0]]

    def keep(step, img):
        if (step <= 20 and step % 2 == 0) or step % 6 == 0:
            frames.append(network().deprocess(img)[0])

    result = paint(
        *(load("chelsea", 192), load("swirls", 240), "painting"), num_steps=120, on_step=keep
    )
    return *result, frames


# %% tags=["demo"]
img, history, frames = first_picture()
pictures = [load_photograph("chelsea", 192), load_photograph("swirls", 192), frames[-1]]
_ = show_images(np.stack(pictures), ["content", "style", "result"], columns=3, inch=3)

# %% [markdown]
# And how it came about, step by step (an animation):

# %% tags=["demo"]
_, _, frames = first_picture()
gif = iio.imwrite(
    "<bytes>", np.stack(frames + frames[-1:] * 12), extension=".gif", duration=120, loop=0
)
HTML(f'<img width="320" alt="the descent" src="data:image/gif;base64,{b64encode(gif).decode()}">')

# %% [markdown]
# The three terms during the descent:

# %% tags=["demo"]
_, history, _ = first_picture()
fig, axis = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for (term, label), color, line in zip(
    {"content": "content", "style": "style", "tv": "total variation"}.items(),
    COLORS,
    ("-", "--", ":"),
    strict=False,
):
    values = [max(float(terms[term]), 1e-3) for terms in history]
    axis.plot(values, line, color=color, linewidth=2, label=label)
axis.set(xlabel="step", ylabel="weighted loss", yscale="log")
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False)

# %% [markdown]
# Style falls steeply in the first steps and pays with content and some total variation; then the three
# bargain about details.
#
# Other styles need no other code. **Predict before you run.** What will become of the cat's fur in
# black and cream, and what of its colours in stained glass?

# %% tags=["demo"]
results = [
    paint(load("chelsea", 160), load(style, size), style, num_steps=100)[0]
    for style, size in (("stained_glass", 220), ("woodcut", 180))
]
pictures = [network().deprocess(img)[0] for img in results]
_ = show_images(np.stack(pictures), ["stained glass", "woodcut"], columns=2, inch=2.8)

# %% [markdown]
# ## 10. How much style?
#
# **Predict before you run.** The same cat with style weights 0.3, 3, 30 and 300. At which of them does the
# night sky begin?

# %% tags=["demo"]
shown = []
for weight in (0.3, 3.0, 30.0, 300.0):
    img, _ = paint(
        *(load("chelsea", 128), load("swirls", 160), f"style weight {weight:g}"),
        style_weight=weight,
        num_steps=60,
        learning_rate=0.04,
    )
    shown.append(network().deprocess(img)[0])
_ = show_images(np.stack(shown), ["0.3", "3", "30", "300"], columns=4, inch=1.9)

# %% [markdown]
# Which layers carry what? **Predict before you run.** With the Gram matrices of the two lowest layers alone,
# which property of stained glass is taken over, and which one needs higher layers?

# %% tags=["demo"]
shown, groups = [], (STYLE_LAYERS[:2], STYLE_LAYERS[2:4], STYLE_LAYERS[4:])
for group in groups:
    img, _ = paint(
        *(load("chelsea", 128), load("stained_glass", 160), group[0]),
        style_layers=group,
        num_steps=60,
        learning_rate=0.04,
    )
    shown.append(network().deprocess(img)[0])
_ = show_images(np.stack(shown), ["lowest two", "middle two", "highest two"], columns=3, inch=2.4)

# %% [markdown]
# Colours and contrast come from the lowest layers; panes with black leads around them are patterns of a larger size
# and need a layer whose field of view holds them.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_scale", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# The cat is 160 pixels wide. What changes in the result if the style picture is loaded (a) with 80, (b)
# with 320 pixels, and why? (c) Why may its size differ from that of the photograph at all?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_scale", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) Strokes in the style picture become half as wide, and the result gets fine strokes: features see
# patterns of a fixed size in pixels, and the Gram matrices record those that are there. (b) Broad strokes,
# up to the size that the fields of view of the highest style layer can hold; what is larger
# is not seen as a pattern and lost.
#
# (c) A Gram matrix is $C \times C$ whatever $H$ and $W$ are, and division by $CHW$ makes it an average over places.

# %% [markdown]
# ## 11. One end: content alone
#
# Without style and with noise as a start, the same function answers another question: *what does a layer know
# about a picture?* It looks for an image with the same features. This is called **feature inversion**.
#
# **Predict before you run.** From block 2 to block 12: what goes first, colours, fine detail or the
# places of things?

# %% tags=["demo"]
noise = np.random.default_rng(7).normal(0, 0.3, (1, 3, 128, 128)).astype(np.float32)
shown, layers = [], ["block2_expand", "block6_expand", "block9_expand", "block12_expand"]
for layer in layers:
    img, history = paint(
        *(load("chelsea", 128), load("swirls", 128), f"inverting {layer}"),
        style_layers=[],
        content_layer=layer,
        tv_weight=0.3,
        start=noise,
        num_steps=100,
        learning_rate=0.06,
    )
    shown.append(network().deprocess(img)[0])
_ = show_images(np.stack(shown), layers, columns=4, inch=1.9, title="An image with these features")

# %% [markdown]
# The higher the layer, the harder it is to get back to pixels from what it knows, and the less it cares
# about them: first colours blur, then fine detail, and outlines last. A content layer in the lower middle keeps things in place and leaves their surface free.
#
# ## 12. The other end: style alone
#
# With content weight 0 and noise as a start we get pictures of nothing, in a style: **texture
# synthesis**.

# %% tags=["demo"]
shown = []
for style in ("swirls", "stained_glass", "woodcut"):
    img, _ = paint(
        *(load("chelsea", 128), load(style, 128), f"texture: {style}"),
        content_weight=0.0,
        tv_weight=0.3,
        start=noise,
        num_steps=120,
        learning_rate=0.06,
    )
    shown += [load_photograph(style, 128), network().deprocess(img)[0]]
_ = show_images(np.stack(shown), ["style", "texture"] * 3, columns=6, inch=1.5)

# %% [markdown]
# Style transfer lies between these two ends: weights say where.
#
# **Try it.** Put a photograph of your own and a painting beside this notebook, read both with
# `iio.imread`, pass them through `network().preprocess(picture, size=160)`, and paint. If the style is too weak, raise
# `style_weight` threefold; if strokes are too fine, load the style larger; if pixels are noisy, raise `tv_weight`.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_pixels", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 4
#
# (a) What are the "parameters" of this optimisation, how many are there for a picture of 160×160, and what do the
# network's weights do? (b) A product is to restyle video at 30 pictures a second, and a picture takes you
# some seconds. What would you train, with which loss, and what would you give up?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_pixels", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) The pixels: $3 \cdot 160 \cdot 160 = 76{,}800$ numbers. The weights are constants; gradients go through them
# and never to them.
#
# (b) A feed-forward network that takes a photograph and returns the painted picture in one pass, trained on many
# photographs with the very same loss (1) (Johnson et al., 2016): the loss that was minimised over pixels
# is minimised over the weights of a painter. One gives up some quality and, without more effort, the
# freedom of style: one network per style. For video a term for the difference to the previous picture is
# needed, else the strokes flicker.

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **Why do Gram matrices describe style?** They average products of features over all places: which patterns occur
# together stays, where they occur goes. Up to centring and scale they are the covariances of channels.
#
# **What is being optimised in neural style transfer?** The pixels of one image; the network is a fixed measuring instrument.
#
# **What is the cost of a Gram matrix?** $O(C^2 H W)$ time and $O(C^2)$ memory: wide layers, not large
# pictures, make it expensive to compare.
#
# **Why were networks of the VGG family long preferred for it?** Their features are not squeezed by strides and
# residual connections early on; networks of later families need more care with the choice and the weights of layers, which is
# what section 5 was about.
#
# **Why start from the photograph and not from noise?** The loss has many valleys. A start in the right one keeps
# content sharp with fewer steps.
#
# **What does total variation do, and what does too much of it do?** It removes noise between neighbours
# that features hardly notice; too much of it blurs edges, because an edge is a difference, too.
#
# **How would you test such code?** Each gradient against numerical ones, on a tiny smooth network; properties
# (a permutation of places keeps the Gram matrix, a constant keeps the total variation); and that
# the loss falls. What a picture looks like is left to eyes.
#
# ## Read more
#
# - L. Gatys, A. Ecker, M. Bethge, [A neural algorithm of artistic style](https://arxiv.org/abs/1508.06576), 2015: the
#   paper that began it.
# - L. Gatys, A. Ecker, M. Bethge, [Texture synthesis using convolutional neural
#   networks](https://arxiv.org/abs/1505.07376), 2015: section 12, and where Gram matrices come from.
# - A. Mahendran, A. Vedaldi, [Understanding deep image representations by inverting
#   them](https://arxiv.org/abs/1412.0035), 2014: section 11.
# - J. Johnson, A. Alahi, L. Fei-Fei, [Perceptual losses for real-time style
#   transfer](https://arxiv.org/abs/1603.08155), 2016: one pass instead of many steps.

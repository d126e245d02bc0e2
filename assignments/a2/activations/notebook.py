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
# # Activations and initialisation: how a signal survives thirty layers
#
# **Goal.** You write the activation functions of deep learning, forward and backward, so that no
# input makes them overflow; you build a stack of as many layers as you like, and watch what becomes
# of a signal on its way up and of a gradient on its way down. Then you derive how large the first
# weights must be for both to arrive, and see what it decides: whether a deep network learns at all.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 1 | `relu_forward`, `relu_backward` | the one that you know, as a warm-up |
# | 2 | `sigmoid_forward`, `sigmoid_backward` | the oldest, without overflow |
# | 3 | `tanh_forward`, `tanh_backward` | its centred sister |
# | 4 | `leaky_relu_forward`, `leaky_relu_backward` | a ReLU that never quite closes |
# | 5 | `silu_forward`, `silu_backward` | a smooth relative from today's networks |
# | 6 | `stack_forward`, `stack_backward` | many layers, one after the other |
# | 8 | `xavier_init` | weights for tanh |
# | 9 | `he_init` | weights for ReLU |
# | 12 | `dead_fraction` | how many units have fallen silent |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library, and they see their arguments, your imports
# and your other functions; they cannot see data that the notebook has loaded. None of them changes
# an array that it is given.
#
# You need the chain rule, the rules for variances, and about three hours.

# %%
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from cs231n_lib.checking import assert_close, assert_layer_gradient, assert_shape
from cs231n_lib.datasets import load_dataset
from cs231n_lib.plots import plot_layer_histograms, plot_losses
from cs231n_lib.plots.style import COLORS, MUTED
from cs231n_lib.progress import progress

# %% [markdown]
# ## 1. What a network would be without them
#
# Two linear layers in a row, $(x W_1) W_2 = x (W_1 W_2)$, are one linear layer with another matrix.
# So are thirty. Depth begins with the *activation function* $\varphi$ between the layers: a function
# of one number, applied to each entry of an array by itself, and not linear.
#
# Every layer of this course is a pair of functions. The forward one returns its output and a *cache*
# with whatever the backward one will need. The backward one gets `dout`, the gradient of the loss
# with respect to the output, and returns that with respect to the input. For an activation function
# every output depends on one input alone, so the chain rule is a product, entry by entry:
#
# $$\text{out} = \varphi(x), \qquad
# \frac{\partial L}{\partial x} = \text{dout} \odot \varphi'(x). \tag{1}$$
#
# What the cache holds is up to you: the input, the output, or a mask.
#
# The *rectified linear unit* you have written before, in `two_layer_net`. Here it is once more, in two
# lines, because everything below is measured against it:
#
# $$\mathrm{relu}(x) = \max(0, x).$$
#
# At $x = 0$ it has a kink and no derivative; 0 and 1 are both fine there.


# %% nbgrader={"grade": false, "grade_id": "relu_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def relu_forward(x):
    """Compute max(0, x), entry by entry.

    Parameters
    ----------
    x : array of float, of any shape

    Returns
    -------
    out : array of the shape of x
    cache : anything
        What ``relu_backward`` needs.
    """
    ### BEGIN SOLUTION
    return np.maximum(0, x), x
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_relu_forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
out, _ = relu_forward(np.array([[-2.0, 0.5, 3.0], [0.25, -1.0, -0.5]]))
assert_close(out, [[0.0, 0.5, 3.0], [0.25, 0.0, 0.0]], name="the output of relu_forward")
print("✓ relu_forward")


# %% nbgrader={"grade": false, "grade_id": "relu_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def relu_backward(dout, cache):
    """Return the gradient with respect to the input of ``relu_forward``.

    Parameters
    ----------
    dout : array of float
        Gradient with respect to the output, of the same shape.
    cache : anything
        As returned by ``relu_forward``.

    Returns
    -------
    dx : array of the shape of dout
    """
    ### BEGIN SOLUTION
    return dout * (cache > 0)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_relu_backward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_, cache = relu_forward(np.array([[-2.0, 0.5, 3.0], [0.25, -1.0, -0.5]]))
dx = relu_backward(np.array([[5.0, -6.0, 7.0], [8.0, -9.0, 4.0]]), cache)
assert_close(dx, [[0.0, -6.0, 7.0], [8.0, 0.0, 0.0]], name="dx of relu_backward")
print("✓ relu_backward")

# %% [markdown]
# ## 2. The sigmoid, without overflow
#
# $$\sigma(x) = \frac{1}{1 + e^{-x}} \tag{2}$$
#
# squeezes the real line into $(0, 1)$. It was *the* activation function for decades, because it looks
# like a neuron that fires or does not; today it lives where a probability or a gate is wanted.
#
# **Predict before you run.** What does formula (2), as it stands, make of $x = -1000$? And the same
# function in another form, $e^x / (1 + e^x)$, of $x = 1000$?

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
with np.errstate(all="ignore"):
    print("exp(1000)                  ", np.exp(1000.0))
    print("1 / (1 + exp(1000))        ", 1 / (1 + np.exp(1000.0)))
    print("exp(1000) / (1 + exp(1000))", np.exp(1000.0) / (1 + np.exp(1000.0)))

# %% [markdown]
# The first is right by luck (and comes with a warning, which this cell has silenced); the second is
# not a number. Each of the two forms fails on one side, where its exponential is huge, and is at its
# best on the other. **Your step:** which form is safe for $x \ge 0$, which for $x < 0$? Both have the
# denominator $1 + e^{\boldsymbol{?}}$ with an exponent that is never above 0; how does it depend on
# $x$?
#
# A trap: `np.where(condition, a, b)` computes `a` *and* `b` for all entries, and chooses afterwards.
# With two forms that overflow on opposite sides, one of them always does. So compute one exponential
# that is safe for every entry, and choose among fractions made of it.


# %% nbgrader={"grade": false, "grade_id": "sigmoid_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sigmoid_forward(x):
    """Compute 1 / (1 + exp(-x)), entry by entry, for x of any size and without overflow.

    Parameters
    ----------
    x : array of float, of any shape; not modified

    Returns
    -------
    out : array of the shape of x
    cache : anything
        What ``sigmoid_backward`` needs.
    """
    ### BEGIN SOLUTION
    small = np.exp(-np.abs(x))
    out = np.where(x >= 0, 1, small) / (1 + small)
    return out, out
    ### END SOLUTION


# %% [markdown]
# The check also counts an overflow as a failure where the result happens to be right: warnings that
# one has learned to ignore hide the ones that matter. This is how it looks for them.


# %%
def without_overflow(forward, *args):
    """Call forward(*args); fail if anything in it overflows, is invalid or is divided by zero."""
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            return forward(*args)
    except FloatingPointError as error:
        raise AssertionError(
            f"{forward.__name__}, for inputs of ±1000: {error}. "
            "No exponential may get a large positive number, not even in that branch of np.where "
            "which is not chosen"
        ) from None


# %% nbgrader={"grade": true, "grade_id": "check_sigmoid_forward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
x = np.log(np.array([[1.0, 3.0, 1 / 3], [4.0, 1 / 9, 99.0]]))
before = x.copy()
out, _ = sigmoid_forward(x)
assert np.array_equal(x, before), "x changed: work on a new array, not on the caller's"
expected = [[0.5, 0.75, 0.25], [0.8, 0.1, 0.99]]
assert_close(out, expected, name="the output of sigmoid_forward")

for dtype in (np.float64, np.float32):
    large = np.array([-1000.0, 0.0, 1000.0], dtype=dtype)
    out, _ = without_overflow(sigmoid_forward, large)
    assert_close(out, [0.0, 0.5, 1.0], name=f"the output for -1000, 0, 1000 in {dtype.__name__}")
print("✓ sigmoid_forward")

# %% [markdown]
# **The derivative.** Write $\sigma(x) = (1 + e^{-x})^{-1}$. **Your step:** differentiate by the chain
# rule, and then split the result into two factors so that each is a function of $\sigma$ alone: one is
# $\sigma$ itself, and the other? What you get needs no exponential any more, only the *output*.
#
# A test for your paper: the slope at $x = 0$, where $\sigma = \frac12$, is $\frac14$, and nowhere
# else is it as steep.


# %% nbgrader={"grade": false, "grade_id": "sigmoid_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sigmoid_backward(dout, cache):
    """Return the gradient with respect to the input of ``sigmoid_forward``.

    Parameters and result are those of ``relu_backward``.
    """
    ### BEGIN SOLUTION
    return dout * cache * (1 - cache)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_sigmoid_backward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(0)
x, dout = rng.normal(0.5, 2.0, (3, 4)), rng.normal(1.0, 2.0, (3, 4))
_, cache = sigmoid_forward(x)
dx = sigmoid_backward(dout, cache)
assert_layer_gradient(lambda x: sigmoid_forward(x)[0], x, dout, dx)

_, cache = sigmoid_forward(np.array([-1000.0, 0.0, 1000.0]))
dx = sigmoid_backward(np.array([5.0, 8.0, 7.0]), cache)
assert_close(dx, [0.0, 2.0, 0.0], name="dx for x = -1000, 0, 1000")
print("✓ sigmoid_backward")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_slopes", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# (a) Ten sigmoid layers follow each other. What is the largest number by which the ten derivatives
# $\varphi'$ together can multiply a gradient on its way down? (b) All outputs of a sigmoid layer are
# positive. A unit of the next layer computes $\sum_i h_i w_i$ from them. What do the derivatives of
# the loss with respect to all its weights $w_i$, for one image, have in common, and why does that make
# gradient descent slow? (c) Which of the two faults does tanh not have?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_slopes", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) Each is at most $\frac14$, so all ten together are at most $4^{-10} \approx 10^{-6}$, and much
# smaller where units are saturated. Unless the weights make up for it, the first layers hardly learn.
#
# (b) $\partial L / \partial w_i = h_i \cdot \partial L / \partial a$ with $h_i > 0$: for one image all
# have the same sign, that of the upstream gradient. A step that has to increase one weight and
# decrease another is impossible at once; the path zigzags. (Over a batch the signs mix, which makes it
# milder.)
#
# (c) tanh is centred at zero, so its outputs have both signs, which cures (b). Of (a) it has less, since
# its slope at zero is 1, but it saturates all the same.

# %% [markdown]
# ## 3. tanh
#
# $$\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}} = 2\,\sigma(2x) - 1$$
#
# is a sigmoid stretched to $(-1, 1)$ and centred at zero. NumPy has it as `np.tanh`, which is safe for
# all inputs; the fraction above, typed in as it stands, is not (try it). Use which you like, as long
# as nothing overflows.
#
# **The derivative** is, again, a simple function of the output. With the quotient rule it is one line;
# or use $\tanh(x) = 2 \sigma(2x) - 1$ and what you know. **Your step:** do it one way, and check that
# the slope at 0 is 1.


# %% nbgrader={"grade": false, "grade_id": "tanh_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def tanh_forward(x):
    """Compute tanh(x), entry by entry, for x of any size and without overflow.

    Parameters and results are those of ``sigmoid_forward``.
    """
    ### BEGIN SOLUTION
    out = np.tanh(x)
    return out, out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_tanh_forward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# tanh(log r) = (r² - 1) / (r² + 1)
out, _ = tanh_forward(np.log(np.array([[1.0, 2.0, 0.5], [3.0, 7.0, 1 / 3]])))
assert_close(out, [[0.0, 0.6, -0.6], [0.8, 0.96, -0.8]], name="the output of tanh_forward")
out, _ = without_overflow(tanh_forward, np.array([-1000.0, 0.0, 1000.0]))
assert_close(out, [-1.0, 0.0, 1.0], name="the output for -1000, 0, 1000")
print("✓ tanh_forward")


# %% nbgrader={"grade": false, "grade_id": "tanh_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def tanh_backward(dout, cache):
    """Return the gradient with respect to the input of ``tanh_forward``.

    Parameters and result are those of ``relu_backward``.
    """
    ### BEGIN SOLUTION
    return dout * (1 - cache**2)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_tanh_backward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(1)
x, dout = rng.normal(0.5, 1.0, (3, 4)), rng.normal(1.0, 2.0, (3, 4))
_, cache = tanh_forward(x)
assert_layer_gradient(lambda x: tanh_forward(x)[0], x, dout, tanh_backward(dout, cache))
print("✓ tanh_backward")

# %% [markdown]
# ## 4. Leaky ReLU
#
# A ReLU passes the gradient on where its input is positive, and nothing at all elsewhere. A *leaky*
# one keeps a small slope $\alpha$ on the other side:
#
# $$\mathrm{leaky}_\alpha(x) = \begin{cases} x & x > 0 \\ \alpha x & x \le 0 \end{cases}
# \qquad 0 \le \alpha < 1.$$
#
# For $\alpha = 0$ it is the ReLU. What that little slope is good for, you see in section 12. **Your
# step:** the derivative has two values as well; which decides between them, the sign of the input or
# that of `dout`? The backward pass must know $\alpha$, and every call may use another: see to it that
# it travels in the cache.


# %% nbgrader={"grade": false, "grade_id": "leaky_relu_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def leaky_relu_forward(x, alpha=0.01):
    """Compute x where x is positive, and alpha * x elsewhere.

    Parameters
    ----------
    x : array of float, of any shape; not modified
    alpha : float
        Slope for negative inputs, ``0 <= alpha < 1``.

    Returns
    -------
    out : array of the shape of x
    cache : anything
        What ``leaky_relu_backward`` needs.
    """
    ### BEGIN SOLUTION
    return np.where(x > 0, x, alpha * x), (x, alpha)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_leaky_relu_forward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
x = np.array([[-2.0, 0.5, 3.0], [0.25, -1.0, -0.5]])
before = x.copy()
out, _ = leaky_relu_forward(x, alpha=0.1)
assert np.array_equal(x, before), "x changed: work on a new array, not on the caller's"
expected = [[-0.2, 0.5, 3.0], [0.25, -0.1, -0.05]]
assert_close(out, expected, name="the output of leaky_relu_forward for alpha = 0.1")
out, _ = leaky_relu_forward(x)
expected = [[-0.02, 0.5, 3.0], [0.25, -0.01, -0.005]]
assert_close(out, expected, name="the output of leaky_relu_forward without alpha")
print("✓ leaky_relu_forward")


# %% nbgrader={"grade": false, "grade_id": "leaky_relu_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def leaky_relu_backward(dout, cache):
    """Return the gradient with respect to the input of ``leaky_relu_forward``.

    Parameters and result are those of ``relu_backward``.
    """
    ### BEGIN SOLUTION
    x, alpha = cache
    return np.where(x > 0, dout, alpha * dout)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_leaky_relu_backward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
x = np.array([[-2.0, 0.5, 3.0], [0.25, -1.0, -0.5]])
_, strong = leaky_relu_forward(x, alpha=0.25)
_, weak = leaky_relu_forward(x, alpha=0.1)
dout = np.array([[5.0, -6.0, 7.0], [8.0, -9.0, 4.0]])
expected = [[1.25, -6.0, 7.0], [8.0, -2.25, 1.0]]
assert_close(leaky_relu_backward(dout, strong), expected, name="dx for alpha = 0.25")
expected = [[0.5, -6.0, 7.0], [8.0, -0.9, 0.4]]
assert_close(leaky_relu_backward(dout, weak), expected, name="dx for alpha = 0.1")
print("✓ leaky_relu_backward")

# %% [markdown]
# ## 5. A smooth relative: SiLU
#
# Recent networks often use $x$ times a gate that opens where $x$ is large:
#
# $$\mathrm{silu}(x) = x \, \sigma(x), \qquad \mathrm{gelu}(x) = x \, \Phi(x).$$
#
# In SiLU, also called *swish*, the gate is your sigmoid; in GELU it is the distribution function of
# the normal distribution, which has nearly the same shape. Both look like a ReLU from afar and have no
# kink.
#
# **Your step:** differentiate $x\,\sigma(x)$ by the product rule. Unlike before, the output does not
# determine the slope: there are two inputs with the output $-0.2$, one on either side of the
# minimum, and the curve falls in one and rises in the other. What must the cache hold? (Your own
# `sigmoid_forward` may be called here.)


# %% nbgrader={"grade": false, "grade_id": "silu_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def silu_forward(x):
    """Compute x * sigmoid(x), entry by entry, for x of any size and without overflow.

    Parameters and results are those of ``sigmoid_forward``.
    """
    ### BEGIN SOLUTION
    gate, _ = sigmoid_forward(x)
    return x * gate, (x, gate)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_silu_forward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
out, _ = silu_forward(np.array([[0.0, np.log(3.0), -np.log(3.0)]]))
expected = [[0.0, 0.75 * np.log(3.0), -0.25 * np.log(3.0)]]
assert_close(out, expected, name="the output of silu_forward")
out, _ = without_overflow(silu_forward, np.array([-1000.0, 0.0, 1000.0]))
assert_close(out, [0.0, 0.0, 1000.0], name="the output for -1000, 0, 1000")
print("✓ silu_forward")


# %% nbgrader={"grade": false, "grade_id": "silu_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def silu_backward(dout, cache):
    """Return the gradient with respect to the input of ``silu_forward``.

    Parameters and result are those of ``relu_backward``.
    """
    ### BEGIN SOLUTION
    x, gate = cache
    return dout * gate * (1 + x * (1 - gate))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_silu_backward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(2)
x, dout = rng.normal(-0.5, 2.0, (3, 4)), rng.normal(1.0, 2.0, (3, 4))
_, cache = silu_forward(x)
assert_layer_gradient(lambda x: silu_forward(x)[0], x, dout, silu_backward(dout, cache))
print("✓ silu_backward")

# %% [markdown]
# All five side by side, with their derivatives, drawn by your functions.
#
# **Predict before you run.** Which of the derivatives are ever above 1? Which never reach 0? Which go
# to 0 on both sides?

# %% tags=["demo"]
layers = {
    "sigmoid": (sigmoid_forward, sigmoid_backward),
    "tanh": (tanh_forward, tanh_backward),
    "ReLU": (relu_forward, relu_backward),
    "leaky ReLU, α = 0.1": (lambda x: leaky_relu_forward(x, 0.1), leaky_relu_backward),
    "SiLU": (silu_forward, silu_backward),
}
x = np.linspace(-5, 5, 400)
fig, axes = plt.subplots(1, 5, figsize=(11, 2.6), sharey=True, layout="constrained")
for axis, (name, (forward, backward)) in zip(axes, layers.items(), strict=True):
    out, activation_cache = forward(x)
    axis.axhline(0, color=MUTED, linewidth=0.6)
    axis.axvline(0, color=MUTED, linewidth=0.6)
    axis.plot(x, out, color=COLORS[0], label="φ(x)")
    axis.plot(x, backward(np.ones_like(x), activation_cache), "--", color=COLORS[1], label="φ′(x)")
    axis.set(title=name, xlabel="x", ylim=(-1.3, 3))
    axis.spines[["top", "right"]].set_visible(False)
_ = axes[0].legend(frameon=False, loc="upper left")

# %% [markdown]
# The sigmoid's derivative is a low hill, tanh's a higher one, and both are flat at a distance: a unit
# that has got there is *saturated*, and passes no gradient on. ReLU is saturated on one side only.
#
# ## 6. Many layers
#
# Now stack them. With $h_0 = x$, a batch of $N$ examples in rows, layer $l = 1, \dots, L$ computes
#
# $$a_l = h_{l-1} W_l, \qquad h_l = \varphi(a_l), \tag{3}$$
#
# with an activation in every layer, the last one included. (Biases start at zero; they play no part
# here and are left out.) Widths may differ from layer to layer.
#
# `activation_forward` is an argument, called as you wrote such functions above:
# `h, activation_cache = activation_forward(a)`. Return all the $h_l$, since we want to look at them,
# and a list with one cache per layer. What the backward pass will need in it, you know in a moment.


# %% nbgrader={"grade": false, "grade_id": "stack_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def stack_forward(x, weights, activation_forward):
    """Run a batch through a stack of layers, each a matrix product and an activation.

    Parameters
    ----------
    x : (N, D_0) array of float
        A batch of examples, one row each.
    weights : list of L arrays
        ``weights[l]`` has shape (D_l, D_(l+1)), the input's width first.
    activation_forward : callable
        ``activation_forward(a)`` returns the activation of an array, and a cache.

    Returns
    -------
    activations : list of L arrays
        The output of every layer, from first to last: ``activations[l]`` has shape (N, D_(l+1)).
    caches : list of L anything
        What ``stack_backward`` needs.
    """
    ### BEGIN SOLUTION
    activations, caches = [], []
    h = x
    for W in weights:
        out, activation_cache = activation_forward(h @ W)
        caches.append((h, W, activation_cache))
        activations.append(out)
        h = out
    return activations, caches
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_stack_forward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def tanh_of_numpy(a):
    """Return tanh and the cache of an activation that does not rest on yours."""
    return np.tanh(a), a


rng = np.random.default_rng(3)
x = rng.normal(size=(2, 5))
weights = [rng.normal(size=shape) for shape in ((5, 4), (4, 6), (6, 3))]
activations, caches = stack_forward(x, weights, tanh_of_numpy)
assert len(activations) == 3, f"{len(activations)} activations for three layers"
assert len(caches) == 3, f"{len(caches)} caches for three layers"
expected = x
for number, (W, h) in enumerate(zip(weights, activations, strict=True), start=1):
    expected = np.tanh(expected @ W)
    assert_close(h, expected, name=f"the activation of layer {number} of 3")
print("✓ stack_forward")

# %% [markdown]
# **Backward.** `dout` is the gradient with respect to the last output, $\partial L / \partial h_L$.
# From the top layer down, each one gets $\partial L / \partial h_l$ and passes it on in two steps:
#
# 1. through the activation: $\partial L / \partial a_l$, which is what `activation_backward` returns for
#    the gradient $\partial L / \partial h_l$ and its cache;
# 2. through the product $a_l = h_{l-1} W_l$. **Your step:** which two matrix products give
#    $\partial L / \partial W_l$ and $\partial L / \partial h_{l-1}$? Shapes tell: the first looks like
#    $W_l$, the second like $h_{l-1}$.
#
# Return the gradients with respect to all activations $h_1, \dots, h_L$ (the last of them is `dout`
# itself) and with respect to all weights, both in the order of the layers from first to last.


# %% nbgrader={"grade": false, "grade_id": "stack_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def stack_backward(dout, caches, activation_backward):
    """Run a gradient backwards through the layers of ``stack_forward``.

    Parameters
    ----------
    dout : (N, D_L) array of float
        Gradient of the loss with respect to the last activation.
    caches : list
        As returned by ``stack_forward``.
    activation_backward : callable
        ``activation_backward(dout, cache)`` returns the gradient with respect to the input of the
        activation.

    Returns
    -------
    dactivations : list of L arrays
        Gradient with respect to the output of every layer, from first to last.
    dweights : list of L arrays
        Gradient with respect to the weights of every layer, from first to last.
    """
    ### BEGIN SOLUTION
    dactivations, dweights = [], []
    for h, W, activation_cache in reversed(caches):
        dactivations.append(dout)
        da = activation_backward(dout, activation_cache)
        dweights.append(h.T @ da)
        dout = da @ W.T
    return dactivations[::-1], dweights[::-1]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_stack_backward", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def tanh_of_numpy_backward(dout, a):
    """Return dout times the derivative of tanh."""
    return dout / np.cosh(a) ** 2


rng = np.random.default_rng(3)
x, dout = rng.normal(size=(2, 5)), rng.normal(1.0, 1.0, (2, 3))
weights = [rng.normal(size=shape) for shape in ((5, 4), (4, 6), (6, 3))]
activations, caches = stack_forward(x, weights, tanh_of_numpy)
dactivations, dweights = stack_backward(dout, caches, tanh_of_numpy_backward)
assert len(dactivations) == 3, f"{len(dactivations)} gradients of activations for three layers"
assert len(dweights) == 3, f"{len(dweights)} gradients of weights for three layers"
assert_close(dactivations[-1], dout, name="the gradient by the last activation, which is dout,")
for layer in range(2):
    assert_layer_gradient(
        lambda h, after=weights[layer + 1 :]: stack_forward(h, after, tanh_of_numpy)[0][-1],
        activations[layer],
        dout,
        dactivations[layer],
        name=f"the gradient by the activation of layer {layer + 1}",
    )
for layer in range(3):
    assert_layer_gradient(
        lambda _: stack_forward(x, weights, tanh_of_numpy)[0][-1],
        weights[layer],
        dout,
        dweights[layer],
        name=f"the gradient by the weights of layer {layer + 1}",
    )
print("✓ stack_backward")

# %% [markdown]
# ## 7. Too small, too large
#
# Thirty layers of 400 units with tanh, on images. The weights are drawn from a normal distribution
# with mean 0, and of its standard deviation we only know that it should be "small, but not zero". So
# let us try 0.01.
#
# Images are centred and scaled so that a pixel has mean 0 and standard deviation 1. Pixels and
# activations are so many that we describe every layer by one number, the standard deviation over all
# units and images.

# %% tags=["demo"]
data = load_dataset(num_training=1_000, num_validation=0, num_test=0)
centred = (data.X_train - data.X_train.mean(axis=0)).reshape(len(data.X_train), -1)
X = (centred / centred.std()).astype(np.float64)
y = data.y_train
num_layers, width = 30, 400


def deep_weights(init, num_layers=num_layers, width=width):
    """Draw the weights of a deep stack on images with init(fan_in, fan_out, rng)."""
    rng = np.random.default_rng(4)
    sizes = [X.shape[1]] + [width] * num_layers
    return [init(fan_in, fan_out, rng) for fan_in, fan_out in pairwise(sizes)]


def fixed_init(std):
    """Return a function that draws normal weights with the same deviation, whatever the widths."""
    return lambda fan_in, fan_out, rng: std * rng.standard_normal((fan_in, fan_out))


def some_layers(arrays, positive=False):
    """Name the arrays of a few layers on the way up, for the histograms."""
    chosen = {f"layer {number}": arrays[number - 1] for number in (1, 2, 4, 8, 16, 30)}
    return {name: a[a > 0] if positive else a for name, a in chosen.items()}


# %% [markdown]
# **Predict before you run.** A sum of 400 terms, each a number of size 1 times a weight of size 0.01:
# how large is it typically? What is left after 30 layers?

# %% tags=["demo"]
activations, _ = stack_forward(X[:300], deep_weights(fixed_init(0.01)), tanh_forward)
_ = plot_layer_histograms(
    some_layers(activations), limits=(-1, 1), title="tanh, weights of size 0.01: activations"
)

# %% [markdown]
# The signal shrinks in every layer, and soon every image looks like every other: zero. Larger weights,
# then: 0.2, twenty times as large.

# %% tags=["demo"]
activations, _ = stack_forward(X[:300], deep_weights(fixed_init(0.2)), tanh_forward)
_ = plot_layer_histograms(
    some_layers(activations), limits=(-1, 1), title="tanh, weights of size 0.2: activations"
)

# %% [markdown]
# Now nearly all units are at $-1$ or $+1$, where tanh is flat. Between the two there must be a size
# that is right. We need not search for it; it can be computed.
#
# ## 8. The variance argument
#
# Take one unit of a layer with $n_\text{in}$ inputs, $a = \sum_{i=1}^{n_\text{in}} h_i w_i$. The
# weights are random, independent of each other and of the inputs, with mean 0 and variance
# $\mathrm{Var}(w)$. How large is $a$ on average, in the sense of its mean square?
#
# $$\mathbb{E}[a^2] = \sum_{i,j} \mathbb{E}[h_i h_j]\; \mathbb{E}[w_i w_j]
#   = \sum_i \mathbb{E}[h_i^2]\, \mathrm{Var}(w)
#   = n_\text{in}\, \mathrm{Var}(w)\; \mathbb{E}[h^2]. \tag{4}$$
#
# All terms with $i \ne j$ are gone, since $\mathbb{E}[w_i w_j] = \mathbb{E}[w_i]\,\mathbb{E}[w_j] = 0$.
# Nothing was assumed of the *distribution* of the weights beyond mean and variance, and nothing of the
# inputs at all.
#
# Every layer multiplies the mean square by $g = n_\text{in} \mathrm{Var}(w)$, times what the activation
# does. Thirty layers do it thirty times:
#
# | $g$ | 0.5 | 0.9 | 1 | 1.1 | 2 |
# |:--|--:|--:|--:|--:|--:|
# | $g^{30}$ | $9 \cdot 10^{-10}$ | 0.04 | 1 | 17 | $10^9$ |
#
# There is no gentle deviation from 1 at depth. Near zero, tanh is almost the identity, so forward we
# want $g = 1$, that is $\mathrm{Var}(w) = 1 / n_\text{in}$.
#
# **And backward?** Look at `stack_backward`: the gradient of an input, $\partial L/\partial h_i =
# \sum_j w_{ij}\, \partial L / \partial a_j$, is a sum just like $a$. **Your step:** how many terms has
# it? Repeat (4) for it; which variance does the *gradient* ask for?
#
# The two agree only if a layer has as many outputs as inputs. X. Glorot and Y. Bengio took the middle:
# replace $n$ by the mean of the two,
#
# $$\mathrm{Var}(w) = \frac{2}{n_\text{in} + n_\text{out}}, \qquad \mathbb{E}[w] = 0, \tag{5}$$
#
# called *Xavier* initialisation after the first author's first name.
#
# Draw them from a normal or from a uniform distribution, as you like; (4) does not care. Mind two
# things. What `rng.normal` takes as its scale is a *standard deviation*. And a uniform distribution on
# $(-b, b)$ has the variance $b^2 / 3$. Everything random comes from `rng`.


# %% nbgrader={"grade": false, "grade_id": "xavier_init", "locked": false, "schema_version": 3, "solution": true, "task": false}
def xavier_init(fan_in, fan_out, rng):
    """Draw weights with mean 0 and variance 2 / (fan_in + fan_out).

    Parameters
    ----------
    fan_in, fan_out : int
        Numbers of inputs and outputs of the layer.
    rng : numpy.random.Generator
        Draws the weights.

    Returns
    -------
    (fan_in, fan_out) array of float
        Independent weights, normally or uniformly distributed.
    """
    ### BEGIN SOLUTION
    return np.sqrt(2 / (fan_in + fan_out)) * rng.standard_normal((fan_in, fan_out))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_xavier_init", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
W = xavier_init(600, 200, np.random.default_rng(5))
assert_shape(W, (600, 200), name="W")
assert abs(np.mean(W)) < 0.001, f"the mean of the weights is {np.mean(W):.3f}, expected 0"
# A random variance is never exact: 3 % are more than seven of its standard deviations here.
assert_close(np.var(W), 2 / 800, rtol=0.03, name="the variance of 600×200 weights")
again, other = (xavier_init(600, 200, np.random.default_rng(seed)) for seed in (5, 6))
assert np.array_equal(W, again), "the same rng gave other weights: draw with rng alone"
assert not np.array_equal(W, other), "another rng gave the same weights: draw with rng"
print("✓ xavier_init")

# %% [markdown]
# **Predict before you run.** Will the histograms of the thirty layers now all be the same? Recall at
# which place we said "almost".

# %% tags=["demo"]
activations, _ = stack_forward(X[:300], deep_weights(xavier_init), tanh_forward)
_ = plot_layer_histograms(
    some_layers(activations), limits=(-1, 1), title="tanh, Xavier: activations"
)

# %% [markdown]
# A signal arrives at layer 30. It shrinks a little in every layer, because tanh bends below the
# identity; but the smaller it is, the less it bends.
#
# ## 9. The same for ReLU
#
# ReLU is nowhere near the identity: it throws half of the line away. So where (4) gives
# $\mathbb{E}[a^2]$, the next layer's input is $h = \max(0, a)$, and we need $\mathbb{E}[h^2]$.
#
# **Your step.** The distribution of $a$ is symmetric about zero, because that of the weights is.
# Which share of $\mathbb{E}[a^2]$ comes from positive $a$? So what is $\mathbb{E}[h^2]$, and which
# number stands in
#
# $$\mathrm{Var}(w) = \frac{\boldsymbol{?}}{n_\text{in}} \tag{6}$$
#
# if the mean square is to be the same after every layer? (It is $h^2$ that counts and not the variance
# of $h$: what enters (4) is $\mathbb{E}[h^2]$, and the mean of $h$ is not zero.)
#
# K. He and co-authors derived this in 2015, backward as well, where $n_\text{out}$ takes the place of
# $n_\text{in}$. Either of the two will do, they found: in the product over all layers the ratios
# $n_\text{out} / n_\text{in}$ cancel, but for the first and the last width. We take $n_\text{in}$.


# %% nbgrader={"grade": false, "grade_id": "he_init", "locked": false, "schema_version": 3, "solution": true, "task": false}
def he_init(fan_in, fan_out, rng):
    """Draw weights that keep the mean square of ReLU activations from layer to layer.

    Parameters
    ----------
    fan_in, fan_out : int
        Numbers of inputs and outputs of the layer.
    rng : numpy.random.Generator
        Draws the weights.

    Returns
    -------
    (fan_in, fan_out) array of float
        Independent weights with mean 0 and the variance of equation (6), normally or uniformly
        distributed.
    """
    ### BEGIN SOLUTION
    return np.sqrt(2 / fan_in) * rng.standard_normal((fan_in, fan_out))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_he_init", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
# No formula here, but what it is for: one ReLU layer must keep the mean square.
rng = np.random.default_rng(7)
x = rng.standard_normal((200, 1000))
W = he_init(1000, 500, rng)
assert_shape(W, (1000, 500), name="W")
assert abs(np.mean(W)) < 0.001, f"the mean of the weights is {np.mean(W):.3f}, expected 0"
factor = np.mean(np.maximum(0, x @ W) ** 2) / np.mean(x**2)
assert_close(factor, 1.0, rtol=0.05, name="the factor by which a ReLU layer changes E[h²]")
once, again, other = (he_init(7, 5, np.random.default_rng(seed)) for seed in (8, 8, 9))
assert np.array_equal(once, again), "the same rng gave other weights: draw with rng alone"
assert not np.array_equal(once, other), "another rng gave the same weights: draw with rng"
print("✓ he_init")

# %% [markdown]
# Half the variance more or less: is that worth a name of its own? Compare both in thirty layers of
# ReLU. Shown are the positive activations; about half of all are zero.
#
# **Predict before you run.** With Xavier, what is $g$ for a layer of ReLU with as many outputs as
# inputs? By how much will the standard deviation have shrunk in layer 30?

# %% tags=["demo"]
for name, init in (("Xavier", xavier_init), ("He", he_init)):
    activations, _ = stack_forward(X[:300], deep_weights(init), relu_forward)
    _ = plot_layer_histograms(
        some_layers(activations, positive=True),
        limits=(0, 6),
        title=f"ReLU, {name}: positive activations",
    )

# %% [markdown]
# ## 10. The whole picture
#
# Four initialisations, two activation functions, the signal forward and the gradient backward: the
# standard deviation in every layer, on a logarithmic axis. Backward, `dout` is random with deviation 1
# at layer 30, so those curves are to be read from right to left.
#
# **Predict before you run.** On a logarithmic axis, a constant factor per layer is a straight line.
# Which of the sixteen curves will be level?

# %% tags=["demo"]
inits = {
    "too small: 0.01": fixed_init(0.01),
    "too large: 0.2": fixed_init(0.2),
    "Xavier": xavier_init,
    "He": he_init,
}
activation_pairs = {"tanh": (tanh_forward, tanh_backward), "ReLU": (relu_forward, relu_backward)}
fig, axes = plt.subplots(2, 2, figsize=(10, 6.4), sharex=True, sharey="row", layout="constrained")
numbers = np.arange(1, num_layers + 1)
for row, (activation, (forward, backward)) in zip(axes, activation_pairs.items(), strict=True):
    styles = (":", "-.", "--", "-")
    for (name, init), style, color in zip(inits.items(), styles, COLORS, strict=False):
        activations, caches = stack_forward(X[:300], deep_weights(init), forward)
        dout = np.random.default_rng(10).standard_normal(activations[-1].shape)
        dactivations, _ = stack_backward(dout, caches, backward)
        for axis, arrays in zip(row, (activations, dactivations), strict=True):
            stds = [np.std(a) for a in arrays]
            axis.semilogy(numbers, stds, style, color=color, linewidth=2, label=name)
    row[0].set_title(f"{activation}: activations, forward →")
    row[1].set_title(f"{activation}: gradients, ← backward")
    row[0].set_ylabel("standard deviation")
for axis in axes.ravel():
    axis.axhline(1, color=MUTED, linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)
for axis in axes[1]:
    axis.set_xlabel("layer")
_ = axes[0, 0].legend(frameon=False, loc="lower left")

# %% [markdown]
# Three things to see. The curves that are made for their activation, Xavier for tanh and He for ReLU,
# stay within a factor of ten of 1 in both directions, over thirty layers. (tanh forgives weights that
# are somewhat too large, here those of He: what grows is squeezed.) With ReLU all lines are straight: it does not matter to ReLU how
# large its input is, so every layer does the same. And one curve deceives: tanh with weights that are
# too large looks perfectly healthy going forward. Only the way back shows that it is not.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_healthy", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# (a) Why can the activations of tanh not explode, however large the weights are, while those of ReLU
# can? (b) With weights of size 0.2, nearly all tanh units are saturated, so one would expect the
# gradient to vanish, and yet it *grows* on its way down. Every layer multiplies it by $W^\top$ and by
# $\varphi'$. Explain how the product can be larger than 1, although $\varphi'$ is close to 0 for most
# units. (c) What would be the consequence for training if the gradient in the first layer is many
# thousand times as large as in the last?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_healthy", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) The output of tanh is between $-1$ and $1$ whatever comes in; ReLU is proportional to its input,
# so a factor above 1 per layer compounds.
#
# (b) The mean square of the gradient is multiplied by
# $n_\text{out} \mathrm{Var}(w)\, \mathbb{E}[\varphi'(a)^2]$ in every layer. Here
# $n_\text{out} \mathrm{Var}(w) = 400 \cdot 0.04 = 16$. Most units are saturated and pass nothing on,
# but the few with $a$ near 0 have a slope near 1. If more than about one unit in sixteen is of that
# kind, the product is above 1. With larger weights fewer units are unsaturated (their share falls like
# $1/\mathrm{std}(w)$), but $\mathrm{Var}(w)$ grows like the square of it: the weights win.
#
# (c) No learning rate suits both: small enough for the first layer, it leaves the last one standing
# still; right for the last, it makes the first jump. Tiny changes of the input also change the output
# completely, so what is learned does not carry over to other images.

# %% [markdown]
# ## 11. Does it decide about learning?
#
# So far nothing was trained. Take ten layers of 100 units with ReLU, put a linear classifier with
# softmax on top, and run 300 steps of stochastic gradient descent from each of the four beginnings,
# with everything else the same.
#
# **Predict before you run.** Guessing among ten classes costs $\log 10 \approx 2.30$. Which runs will
# leave that level? What will the run that starts with too large weights look like?


# %% tags=["demo"]
def softmax_gradient(scores, labels):
    """Return the mean cross-entropy loss, and its gradient with respect to the scores."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    true_class = np.arange(len(labels)), labels
    loss = np.mean(np.log(sums[:, 0]) - shifted[true_class])
    dscores = exponentials / sums
    dscores[true_class] -= 1
    return loss, dscores / len(labels)


def train(weights, top, inputs, forward, backward, rate, num_steps, after_step=lambda step: None):
    """Train a stack and a linear classifier on top, in place; return the loss of every step."""
    rng = np.random.default_rng(11)
    losses = []
    with np.errstate(all="ignore"):  # a run that diverges is part of the experiment
        for step in range(num_steps):
            batch = rng.integers(len(inputs), size=100)
            activations, caches = stack_forward(inputs[batch], weights, forward)
            loss, dscores = softmax_gradient(activations[-1] @ top, y[batch])
            losses.append(loss)
            _, dweights = stack_backward(dscores @ top.T, caches, backward)
            top -= rate * activations[-1].T @ dscores
            for W, dW in zip(weights, dweights, strict=True):
                W -= rate * dW
            after_step(step)
    return losses


histories = {}
for name, init in progress(inits.items(), "training from four beginnings"):
    weights = deep_weights(init, num_layers=10, width=100)
    top = 0.01 * np.random.default_rng(12).standard_normal((100, 10))
    histories[name] = train(weights, top, X, relu_forward, relu_backward, 0.05, 300)
for name, losses in histories.items():
    print(f"{name:16} loss of step 1: {losses[0]:.2f}   2: {losses[1]:.2f}   300: {losses[-1]:.2f}")
on_scale = {name: losses for name, losses in histories.items() if np.max(losses) < 5}
_ = plot_losses(on_scale, expected_start=np.log(10), title="Ten layers of ReLU, the same training")

# %% [markdown]
# The run from too large weights left every scale with its second step; its losses are printed, and not
# drawn. The run from too small weights has not moved at all, since no gradient arrives anywhere. Xavier's weights are wrong for ReLU by a factor of two in
# the variance, and in ten layers that is enough to cost it almost all of its 300 steps.
#
# The same network, the same images, the same training; only the size of the random numbers at the
# start differs. Few other choices decide so plainly whether a network learns. (Normalisation layers, which come later in this assignment, and
# residual connections take much of the burden off initialisation. They have not made it unnecessary.)

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_symmetry", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# Why random numbers at all? (a) What happens in a network with a hidden layer of ReLU units if all
# weights start at 0? (b) And if all weights start at the same number, say 0.1? How many different
# units will the hidden layer have after a thousand steps? (c) Why is it no problem to start all
# *biases* at 0?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_symmetry", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) All hidden units output 0, so the gradient of the top weights is 0 (it is a product with the
# hidden outputs), and so is the gradient of the first weights (it is a product with the top weights).
# Nothing moves but the biases of the top layer.
#
# (b) All hidden units compute the same, get the same gradient, and so stay the same forever: one unit,
# many times over. The outputs can differ from each other only by what the biases and the labels give
# them. Random weights are there to *break the symmetry*.
#
# (c) Once the weights differ, the units differ, whatever their biases, and so do their gradients. The
# symmetry has to be broken only once.

# %% [markdown]
# ## 12. Dying ReLUs, and a cure
#
# A ReLU unit whose input is negative for *every* image of the training set outputs 0 always, and gets
# no gradient from any of them. Without a gradient its weights never change: it is *dead*, and as long as
# its inputs stay what they are it remains so. It happens when one step that was too long pushes a bias
# far down.
#
# Write the measure: the share of units that are never on. `activations` has one column per unit and
# one row per image; a unit is dead if no entry of its column is positive. (So it can be told for leaky
# ReLU as well, whose outputs are negative where it is off.)


# %% nbgrader={"grade": false, "grade_id": "dead_fraction", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dead_fraction(activations):
    """Return the share of units that are positive for no example at all.

    Parameters
    ----------
    activations : (N, H) array of float
        Outputs of H units, one column each, for N examples.

    Returns
    -------
    float
        From 0, all units are on for some example, to 1, all are dead.
    """
    ### BEGIN SOLUTION
    return np.mean(np.all(activations <= 0, axis=0))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_dead_fraction", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
outputs = np.array([[0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.5, 0.0], [0.0, 3.0, 0.0, 0.0]])
assert_close(dead_fraction(outputs), 0.5, name="the dead fraction of four units, two of them dead,")
leaky = np.array([[-0.1, 2.0, -0.3], [-0.2, -0.1, 0.5]])
assert_close(dead_fraction(leaky), 1 / 3, name="the dead fraction of leaky units, one always off,")
print("✓ dead_fraction")

# %% [markdown]
# Now the accident, made on purpose: one hidden layer of 100 units with good weights, but all biases at
# $-6$. (A column of ones is appended to the images, so that the last row of the weights is the
# bias.) Then 400 steps of training, with ReLU and with leaky ReLU.
#
# **Predict before you run.** What will the two curves of the dead fraction do? And the two of the loss?

# %% tags=["demo"]
with_one = np.hstack([X, np.ones((len(X), 1))])


def leaky_forward(x):
    """Leaky ReLU with a slope of 0.1."""
    return leaky_relu_forward(x, 0.1)


def after_an_accident(forward, backward):
    """Train a hidden layer whose biases start far below zero; return dead fractions and losses."""
    rng = np.random.default_rng(13)
    weights = [he_init(with_one.shape[1], 100, rng)]
    weights[0][-1] = -6.0
    top = xavier_init(100, 10, rng)
    dead = []

    def measure(step):
        """Note the dead fraction over all images, at every tenth step."""
        if step % 10 == 0:
            dead.append(dead_fraction(stack_forward(with_one, weights, forward)[0][0]))

    losses = train(weights, top, with_one, forward, backward, 0.03, 400, measure)
    return dead, losses


results = {
    "ReLU": after_an_accident(relu_forward, relu_backward),
    "leaky ReLU, α = 0.1": after_an_accident(leaky_forward, leaky_relu_backward),
}
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
for (name, (dead, _)), style, color in zip(results.items(), ("-", "--"), COLORS, strict=False):
    left.plot(np.arange(0, 400, 10), dead, style, color=color, linewidth=2, label=name)
left.set_title("Dead units", loc="left", weight="bold")
left.set(xlabel="iteration", ylabel="dead fraction", ylim=(0, 1.03))
left.spines[["top", "right"]].set_visible(False)
left.legend(frameon=False, loc="lower left")
_ = plot_losses(
    {name: losses for name, (_, losses) in results.items()},
    expected_start=np.log(10),
    title="Loss",
    ax=right,
)
right.grid(visible=False)

# %% [markdown]
# A dead ReLU stays dead: its gradient is exactly zero, not merely small. A leaky unit gets a tenth of
# the gradient while it is off, which is enough to learn something at once, and to come back.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_vanish", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 4
#
# (a) Which of the five activation functions of section 5 can have a gradient that is zero, or so small
# that it comes to the same, and for which inputs? (b) You find that 40 % of the ReLU units of a
# trained network are dead. Name two likely causes and a remedy for each. (c) A unit outputs 0 for 95 %
# of the images. Is that a reason to worry?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_vanish", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) Sigmoid and tanh for large inputs of either sign; ReLU for all negative inputs, exactly; SiLU for
# very negative inputs (and at one point near $-1.28$, its minimum). Leaky ReLU for none.
#
# (b) A learning rate that was too high, so that single steps pushed biases far down: lower it, or warm
# it up. Biases or weights that start badly (a negative bias, weights much too large): He initialisation
# with zero biases. In any case a leaky ReLU, or one of its smooth relatives, lets units come back, and
# normalisation keeps pre-activations near zero.
#
# (c) No. It is specialised: it gets its gradient from the images for which it is on, and the others are
# none of its business. Sparse activations are no illness; a unit is dead only if it is off for *all*.

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **Why do sigmoids make gradients vanish?** Their slope is at most a quarter, and nearly zero where
# they saturate; over many layers the factors multiply. Their outputs are not centred either.
#
# **How do you compute a sigmoid that cannot overflow?** With an exponential whose argument is never
# positive, $e^{-|x|}$, and one of two fractions by the sign of $x$. For the loss one goes further and
# never computes the probability at all: binary cross-entropy from logits.
#
# **What is the difference between Xavier and He initialisation, and where does it come from?** You
# derived it in sections 8 and 9. Be ready to say which equation starts it, what was assumed of the
# activation, and why it is the mean square and not the variance of the activations that matters.
#
# **Normal or uniform?** Only mean and variance enter; a uniform distribution needs the limit
# $\sqrt{3}$ times the standard deviation.
#
# **fan_in or fan_out?** The first keeps the signal, the second the gradient. In a convolution, fan_in
# is the number of inputs to one output: channels times the area of the window.
#
# **Your loss does not move from $\log C$. What do you look at?** Standard deviation of activations and
# gradients per layer, on a logarithmic axis, and the fraction of dead units, before the first step.
#
# **What is a dying ReLU?** One that is off for all the data and so gets no gradient. Causes: long steps,
# bad biases. Cures: a lower rate, good initialisation, leaky or smooth variants.
#
# **Are dead units the same as sparse activations?** No: off for all examples, against off for most.
#
# **Why GELU or SiLU rather than ReLU?** Smooth, with a gradient on the negative side, and a little
# better in large models; more expensive, and not needed where a ReLU works.
#
# ## Read more
#
# - CS231n notes, [Neural networks, part 1](https://cs231n.github.io/neural-networks-1/) and
#   [part 2](https://cs231n.github.io/neural-networks-2/): activation functions and initialisation.
# - X. Glorot, Y. Bengio, [Understanding the difficulty of training deep feedforward neural
#   networks](https://proceedings.mlr.press/v9/glorot10a.html), 2010: the experiment of section 10, with
#   the same plots.
# - K. He, X. Zhang, S. Ren, J. Sun, [Delving deep into rectifiers](https://arxiv.org/abs/1502.01852),
#   2015: equation (6), and a thirty-layer network that only trains with it.
# - S. S. Schoenholz, J. Gilmer, S. Ganguli, J. Sohl-Dickstein, [Deep information
#   propagation](https://arxiv.org/abs/1611.01232), 2017: how deep a signal gets, and what becomes of two
#   that start alike.

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
# # Optimisers: how to walk downhill
#
# **Goal.** A gradient says which way is down; how to walk is another question. You write the update
# rules that nearly every network is trained with, from plain SGD to AdamW, and the schedules that
# slow them down at the right time; you see what each of them does in a narrow ravine, and you
# measure on images which of them forgive a badly chosen learning rate.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `sgd` | a step against the gradient |
# | 3 | `sgd_momentum` | a ball that gathers speed |
# | 4 | `nesterov_momentum` | a ball that looks ahead |
# | 5 | `rmsprop` | a step length of its own for every weight |
# | 6 | `adam` | momentum and step lengths together, with an honest start |
# | 9 | `adamw` | Adam with weight decay that works |
# | 10 | `step_decay`, `cosine_decay`, `linear_warmup` | the learning rate over time |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library, and they see their arguments, your imports
# and your other functions; they cannot see data that the notebook has loaded.
#
# You need Python, NumPy, what a gradient is, and about three hours.

# %%
from functools import cache, partial

import matplotlib.pyplot as plt
import numpy as np

from cs231n_lib.checking import assert_close
from cs231n_lib.datasets import load_dataset
from cs231n_lib.plots import plot_losses, plot_trajectories
from cs231n_lib.plots.style import COLORS, MUTED
from cs231n_lib.progress import progress
from cs231n_lib.solver import Solver

# %% [markdown]
# ## 1. A ravine
#
# The losses of networks have thousands of dimensions and valleys of all kinds. What makes them hard
# to walk down can be seen in two dimensions already:
#
# $$f(x, y) = \tfrac12 \left( x^2 + 100\, y^2 \right), \qquad
#   \nabla f = \begin{pmatrix} x \\ 100\, y \end{pmatrix} . \tag{1}$$
#
# Across (along $y$) this valley is a hundred times as curved as along its floor (along $x$). Steep walls,
# a floor that hardly slopes: a *ravine*. The ratio of largest to smallest curvature is called the
# *condition number*.
#
# **Predict before you run.** The arrows show the direction of steepest descent at a few places, all
# drawn equally long. At how many of them does it point to the minimum?


# %%
def ravine(x, y):
    """Return the height at (x, y), which may be arrays."""
    return 0.5 * (x**2 + 100 * y**2)


def ravine_gradient(w):
    """Return the gradient at the point w = (x, y), of shape (2,)."""
    return np.array([1.0, 100.0]) * w


# %% tags=["demo"]
x, y = np.meshgrid(np.linspace(-9, 9, 13), np.linspace(-1.5, 1.5, 7))
down_x, down_y = -x, -100 * y
length = np.maximum(np.hypot(down_x, down_y), 1e-9)
fig, axis = plt.subplots(figsize=(7.2, 3.2), layout="constrained")
fine_x, fine_y = np.meshgrid(np.linspace(-10, 10, 201), np.linspace(-1.8, 1.8, 201))
axis.contour(fine_x, fine_y, ravine(fine_x, fine_y), levels=[2, 10, 25, 50, 90, 140], colors=MUTED)
axis.quiver(
    x, y, down_x / length, down_y / length, angles="xy", scale=26, width=0.004, color=COLORS[0]
)
axis.plot(0, 0, "*", color="black", markersize=14)
axis.set(title="Steepest descent points across, not along", xlabel="x", ylabel="y")
axis.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# Only on the two axes. Everywhere else the gradient is nearly all *across*, where there is little to
# gain, because that is where it is steep.
#
# ## 2. A step against the gradient
#
# All update rules of this course are called in the same way, once for every array of weights:
#
# ```python
# next_w, config = sgd(w, dw, config)
# ```
#
# - `w` is an array of weights and `dw` the gradient of the loss, of the same shape. Both belong to
#   the caller: your rules leave them as they are and return a new array.
# - `config` is a dictionary. It holds the *settings*, such as `learning_rate`, and the *state*:
#   whatever a rule has to remember until the next step. What you return as `config` is what you are
#   given next time. Every array of weights has its own.
# - What is missing in `config` has a default. The first line of each cell sees to that, and makes a
#   new dictionary, so that you are free to assign to its entries.
#
# The simplest rule remembers nothing. With the learning rate $\eta$,
#
# $$w \leftarrow w - \eta \, \frac{\partial L}{\partial w} . \tag{2}$$


# %% nbgrader={"grade": false, "grade_id": "sgd", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sgd(w, dw, config=None):
    """Take a step of (stochastic) gradient descent.

    Parameters
    ----------
    w : array of float, any shape
        Weights; not modified.
    dw : array of float, of the same shape
        Gradient of the loss with respect to w; not modified.
    config : dict, optional
        Its ``learning_rate`` is the length of a step per unit of gradient.

    Returns
    -------
    next_w : array of float, of the same shape
        Weights after the step.
    config : dict
        To be passed to the next call.
    """
    config = {"learning_rate": 1e-2, **(config or {})}
    ### BEGIN SOLUTION
    next_w = w - config["learning_rate"] * dw
    ### END SOLUTION
    return next_w, config


# %% nbgrader={"grade": true, "grade_id": "check_sgd", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
w, dw = np.array([[1.0, -2.0, 3.0]]), np.array([[10.0, 20.0, -5.0]])
before = w.copy(), dw.copy()
next_w, config = sgd(w, dw, {"learning_rate": 0.1})
assert np.array_equal(w, before[0]), "w changed: return a new array, `w - …`, not `w -= …`"
assert np.array_equal(dw, before[1]), "dw changed: it belongs to the caller"
assert_close(next_w, [[0.0, -4.0, 3.5]], name="next_w")
assert_close(sgd(w, dw)[0], [[0.9, -2.2, 3.05]], name="next_w with the default learning rate 0.01")
assert config["learning_rate"] == 0.1, "config came back with another learning rate"
print("✓ sgd")

# %% [markdown]
# How long may a step be? In the ravine the two coordinates do not know of each other. In a direction
# of curvature $a$ (here 1 or 100) the gradient is $a\,w$, and (2) becomes
#
# $$w \leftarrow (1 - \eta\, a)\, w :$$
#
# every step multiplies the coordinate by the same factor. **Your step:** for which $\eta$ does that
# coordinate shrink, for which does it change its sign every time, for which does it grow without
# bound? The steepest direction decides which $\eta$ is allowed, the flattest how long it takes.
#
# **Predict before you run.** The cell below walks 40 steps with $\eta$ = 0.0025, 0.018 and
# 0.0202. Say for each what the path will look like. (Compute $1 - 100\,\eta$.)


# %%
def minimise(rule, config, gradient, start, num_steps):
    """Walk with an update rule; return all points visited, of shape (num_steps + 1, 2)."""
    w, path = np.array(start, dtype=float), [np.array(start, dtype=float)]
    for _ in range(num_steps):
        w, config = rule(w, gradient(w), config)
        path.append(w)
    return np.array(path)


start, view = (-9.0, 1.0), ((-10.0, 2.5), (-1.6, 1.6))

# %% tags=["demo"]
fig, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
for axis, rate in zip(axes, (0.0025, 0.018, 0.0202), strict=True):
    path = minimise(sgd, {"learning_rate": rate}, ravine_gradient, start, 40)
    plot_trajectories(ravine, {f"η = {rate}": path}, minimum=(0, 0), limits=view, ax=axis)

# %% [markdown]
# With the longest steps that the walls allow, the floor is still walked at a crawl. A smaller
# learning rate is calmer and slower, a larger one leaves the valley. Below, two ideas for doing
# better: *remember where you have been going* (momentum), and *use a different step length in every
# coordinate* (RMSProp). Adam has both.
#
# ## 3. Momentum: a ball that gathers speed
#
# Let the gradient be a force that changes a velocity, and let the velocity move the weights:
#
# $$v \leftarrow \mu\, v - \eta \, \frac{\partial L}{\partial w}, \qquad
#   w \leftarrow w + v . \tag{3}$$
#
# $\mu$ (`momentum`, usually 0.9) is what is left of the velocity after a step, a kind of friction.
# Across the ravine the gradient changes its sign from one step to the next, and so the pushes cancel;
# along the floor all pushes agree and add up. **Your step:** suppose that the gradient is the same
# number $g$ all the time. The velocity stops growing when it is not changed by (3) any more, at
#
# $$v_\infty = \mu\, v_\infty - \eta\, g \quad\Longrightarrow\quad v_\infty = \;\boldsymbol{?}$$
#
# How many times faster than SGD is that for $\mu = 0.9$?
#
# The velocity has to survive until the next call: it is state. Keep it in `config["velocity"]`.


# %% nbgrader={"grade": false, "grade_id": "sgd_momentum", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sgd_momentum(w, dw, config=None):
    """Take a step of gradient descent with momentum.

    Parameters
    ----------
    w, dw : arrays of float, of the same shape
        Weights and gradient; not modified.
    config : dict, optional
        Settings ``learning_rate`` and ``momentum``; state ``velocity``, of the shape of w.

    Returns
    -------
    next_w : array of float, of the same shape
        Weights after the step.
    config : dict
        With the new velocity, to be passed to the next call.
    """
    config = {
        "learning_rate": 1e-2,
        "momentum": 0.9,
        "velocity": np.zeros_like(w),
        **(config or {}),
    }
    ### BEGIN SOLUTION
    config["velocity"] = config["momentum"] * config["velocity"] - config["learning_rate"] * dw
    next_w = w + config["velocity"]
    ### END SOLUTION
    return next_w, config


# %% nbgrader={"grade": true, "grade_id": "check_sgd_momentum", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
w, dw = np.array([1.0, -2.0]), np.array([10.0, -20.0])
before = w.copy(), dw.copy()
# The same gradient twice: the first step is one of SGD, the second is half as much again.
first, config = sgd_momentum(w, dw, {"learning_rate": 0.1, "momentum": 0.5})
assert_close(first, [0.0, 0.0], name="w after the first step")
assert_close(config["velocity"], [-1.0, 2.0], name='config["velocity"] after the first step')
second, config = sgd_momentum(first, dw, config)
assert_close(config["velocity"], [-1.5, 3.0], name='config["velocity"] after the second step')
assert_close(second, [-1.5, 3.0], name="w after the second step")
# Without any force, the ball rolls on.
third, _ = sgd_momentum(w, 0 * dw, {"velocity": np.array([1.0, 10.0])})
assert_close(third, [1.9, 7.0], name="w after a step from a given velocity, without gradient,")
assert np.array_equal(w, before[0]), "w changed: return a new array, `w + …`, not `w += …`"
assert np.array_equal(dw, before[1]), "dw changed: it belongs to the caller"
print("✓ sgd_momentum")

# %% [markdown]
# **Predict before you run.** Both walk 50 steps, with the same learning rate. Which of them gets
# further along the floor, and what does momentum do across?

# %% tags=["demo"]
rate = 0.005
walks = {
    "SGD": minimise(sgd, {"learning_rate": rate}, ravine_gradient, start, 50),
    "momentum": minimise(sgd_momentum, {"learning_rate": rate}, ravine_gradient, start, 50),
}
wide = ((-10.0, 6.0), (-1.6, 1.6))
_ = plot_trajectories(
    ravine, walks, minimum=(0, 0), limits=wide, title="50 steps with the same learning rate"
)

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_momentum", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# A network trains well with $\mu = 0.9$ and $\eta = 0.1$. (a) You set $\mu$ to 0.99 and leave $\eta$
# as it is. What happens to the speed on a long gentle slope? Which $\eta$ would keep it? (b) A
# gradient of a single step is noise. After how many steps is no more than about a third of it left
# in the velocity, for either $\mu$? (c) Why, then, is $\mu = 0.99$ riskier when the direction of
# the valley changes?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_momentum", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) The final speed on a constant slope is $\eta g / (1 - \mu)$, so it grows from $10\,\eta g$ to
# $100\,\eta g$. To keep it, divide $\eta$ by ten, to 0.01. (In the first steps such a ball is
# slower than the old one: it takes about a hundred steps to get up to speed.)
#
# (b) After $k$ steps $\mu^k$ is left, and $\mu^k \approx 1/e$ for $k \approx 1 / (1 - \mu)$: about
# 10 steps and about 100.
#
# (c) The velocity is a weighted sum of the last hundred gradients or so. When the valley turns, most
# of them point in the old direction, and the ball climbs the opposite wall until it has forgotten
# them. Averaging over more steps means less noise and later news.

# %% [markdown]
# ## 4. Nesterov momentum: look before you leap
#
# Whatever the gradient says, momentum is going to carry us by $\mu v$. So why ask for the gradient
# *here*, where we are about to leave? Nesterov's rule asks for it *there*, at the point where
# momentum alone would take us:
#
# $$\tilde w = x + \mu\, v, \qquad v' = \mu\, v - \eta \, \nabla L(\tilde w), \qquad x' = x + v' .
#   \tag{4}$$
#
# If the ball is about to climb a wall, it learns so one step earlier, and brakes.
#
# As it stands, (4) does not fit `rule(w, dw, config)`: the gradient that we are handed belongs to
# the weights of the network. The way out is to let the network's weights *be* the look-ahead point
# $\tilde w$, and never to mention $x$. **Your step:** the next look-ahead point is
# $\tilde w' = x' + \mu v'$. Replace $x'$ by (4), and then $x$ by what it is in terms of $\tilde w$
# and $v$. You get
#
# $$\tilde w' = \tilde w + \boldsymbol{?}\; v + \boldsymbol{?}\; v' ,$$
#
# where $v$ is the velocity before the step and $v'$ the one after it. One test: with $\mu = 0$ the
# rule has to be SGD.


# %% nbgrader={"grade": false, "grade_id": "nesterov_momentum", "locked": false, "schema_version": 3, "solution": true, "task": false}
def nesterov_momentum(w, dw, config=None):
    """Take a step of gradient descent with Nesterov momentum, in terms of the look-ahead point.

    Parameters
    ----------
    w, dw : arrays of float, of the same shape
        The look-ahead point and the gradient there; not modified.
    config : dict, optional
        Settings ``learning_rate`` and ``momentum``; state ``velocity``, of the shape of w.

    Returns
    -------
    next_w : array of float, of the same shape
        The next look-ahead point.
    config : dict
        With the new velocity, to be passed to the next call.
    """
    config = {
        "learning_rate": 1e-2,
        "momentum": 0.9,
        "velocity": np.zeros_like(w),
        **(config or {}),
    }
    ### BEGIN SOLUTION
    momentum, old = config["momentum"], config["velocity"]
    new = momentum * old - config["learning_rate"] * dw
    next_w = w - momentum * old + (1 + momentum) * new
    config["velocity"] = new
    ### END SOLUTION
    return next_w, config


# %% [markdown]
# The check walks down a parabola $\frac12 w^2$, whose gradient is $w$ itself, once by formula (4) as
# it stands, and once with your rule.

# %% nbgrader={"grade": true, "grade_id": "check_nesterov_momentum", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
w = np.array([4.0, -2.0])
config = {"learning_rate": 0.1, "momentum": 0.5, "velocity": np.array([2.0, 0.0])}
x, v = w - 0.5 * config["velocity"], config["velocity"].copy()
for step in ("first", "second", "third"):
    look_ahead = x + 0.5 * v
    v = 0.5 * v - 0.1 * look_ahead
    x = x + v
    before, dw = w.copy(), w.copy()
    next_w, config = nesterov_momentum(w, dw, config)
    assert np.array_equal(w, before), "w changed: return a new array"
    assert np.array_equal(dw, before), "dw changed: it belongs to the caller"
    assert_close(config["velocity"], v, name=f'config["velocity"] after the {step} step')
    assert_close(next_w, x + 0.5 * v, name=f"the look-ahead point after the {step} step")
    w = next_w
print("✓ nesterov_momentum")

# %% [markdown]
# **Predict before you run.** Same learning rate, same momentum. Which of the two balls swings less?

# %% tags=["demo"]
walks["Nesterov"] = minimise(nesterov_momentum, {"learning_rate": rate}, ravine_gradient, start, 50)
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
plot_trajectories(ravine, walks, minimum=(0, 0), limits=wide, ax=axes[0])
for (name, path), color in zip(walks.items(), COLORS, strict=False):
    axes[1].semilogy(ravine(*path.T), label=name, color=color)
axes[1].set(xlabel="step", ylabel="height above the minimum")
axes[1].spines[["top", "right"]].set_visible(False)
_ = axes[1].legend(frameon=False)

# %% [markdown]
# ## 5. RMSProp: every weight has its own step length
#
# The other idea. A coordinate in which gradients are always large is steep, and should take short
# steps; one in which they are always small should take long ones. So keep, for every weight by
# itself, a fading average of the *squared* gradient, and divide by its root:
#
# $$c \leftarrow \rho\, c + (1 - \rho)\, g^2, \qquad
#   w \leftarrow w - \eta\, \frac{g}{\sqrt{c} + \varepsilon}, \qquad g = \frac{\partial L}{\partial w} .
#   \tag{5}$$
#
# Everything here is meant entry by entry. $\rho$ is `decay_rate`, $c$ is `cache`, and `epsilon` only
# keeps us from dividing by zero: it is added to the *root*, not under it. The rule's predecessor,
# *AdaGrad*, added all squares up instead of averaging them; its sum never stops growing, and the
# steps die away.
#
# What does such a division do to units? **Your step:** multiply the loss, and with it all gradients,
# by 1000. What becomes of $c$, and of the step?


# %% nbgrader={"grade": false, "grade_id": "rmsprop", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rmsprop(w, dw, config=None):
    """Take a step of RMSProp: gradients divided by the root of their mean square.

    Parameters
    ----------
    w, dw : arrays of float, of the same shape
        Weights and gradient; not modified.
    config : dict, optional
        Settings ``learning_rate``, ``decay_rate`` and ``epsilon``; state ``cache``, of the shape of
        w: the fading mean of squared gradients.

    Returns
    -------
    next_w : array of float, of the same shape
        Weights after the step.
    config : dict
        With the new cache, to be passed to the next call.
    """
    config = {
        "learning_rate": 1e-2,
        "decay_rate": 0.99,
        "epsilon": 1e-8,
        "cache": np.zeros_like(w),
        **(config or {}),
    }
    ### BEGIN SOLUTION
    decay_rate = config["decay_rate"]
    config["cache"] = decay_rate * config["cache"] + (1 - decay_rate) * dw**2
    step = config["learning_rate"] * dw / (np.sqrt(config["cache"]) + config["epsilon"])
    next_w = w - step
    ### END SOLUTION
    return next_w, config


# %% nbgrader={"grade": true, "grade_id": "check_rmsprop", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
w, dw = np.array([1.0, 1.0, 1.0]), np.array([3.0, -300.0, 0.0])
before = w.copy(), dw.copy()
# A quarter of g² in the cache: every step is twice as long as with all of it, whatever g is.
next_w, config = rmsprop(w, dw, {"learning_rate": 0.1, "decay_rate": 0.75})
assert_close(config["cache"], [2.25, 22500.0, 0.0], name='config["cache"] after the first step')
assert_close(next_w, [0.8, 1.2, 1.0], name="w after the first step")
next_w, config = rmsprop(next_w, dw, config)
assert_close(config["cache"], [3.9375, 39375.0, 0.0], name='config["cache"] after the second step')
second = 0.1 / np.sqrt(1 - 0.75**2)
assert_close(next_w, [0.8 - second, 1.2 + second, 1.0], name="w after the second step")
# A gradient as small as epsilon: half the step.
next_w, _ = rmsprop(w, np.full(3, 1e-8), {"learning_rate": 0.1, "decay_rate": 0.0})
assert_close(next_w, [0.95, 0.95, 0.95], name="w after a tiny gradient (where is epsilon?)")
assert np.array_equal(w, before[0]), "w changed: return a new array"
assert np.array_equal(dw, before[1]), "dw changed: it belongs to the caller"
print("✓ rmsprop")

# %% [markdown]
# **Predict before you run.** In the ravine the gradient across is many times the gradient along.
# After division by its size, in which direction will the first step go, whatever the curvatures?

# %% tags=["demo"]
walks["RMSProp"] = minimise(rmsprop, {"learning_rate": 0.1}, ravine_gradient, start, 50)
pair = {name: walks[name] for name in ("SGD", "RMSProp")}
_ = plot_trajectories(
    ravine, pair, minimum=(0, 0), limits=view, title="50 steps: the walls no longer count"
)
print("first steps of RMSProp, in units of its learning rate:")
print(np.round(np.diff(walks["RMSProp"][:4], axis=0) / 0.1, 1))

# %% [markdown]
# In the first step both coordinates move by the same length, whatever their curvatures (the two axes
# of the picture have different scales). And look how long that step
# is: ten times the learning rate! The cache started at zero, and after one step it holds only
# $(1 - \rho)\, g^2$, one per cent of what it should. We divide by a root that is ten times too small.
# Adam mends that, too.

# %% [markdown]
# ## 6. Adam: momentum and step lengths together
#
# Adam keeps two fading averages for every weight, of the gradient and of its square, its first and
# second *moment*:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2 .
#   \tag{6}$$
#
# $m$ does what momentum does, $v$ what the cache of RMSProp does. (This $v$ is no velocity; the
# letters are those of the paper, and of `config`.) Both start at zero, and zero is a lie: for many
# steps the averages are too small. By how much? Count the steps with $t$, starting with 1, and
# suppose that all gradients were the same number $g$. Then
#
# $$m_t = (1 - \beta_1) \left( 1 + \beta_1 + \beta_1^2 + \dots + \beta_1^{t-1} \right) g .$$
#
# **Your step:** sum up the geometric series. What is left is $g$ times a number that depends on $t$
# and $\beta_1$ alone; divide by that number, and the average is right from the first step on. The
# same holds for $v$ with $\beta_2$. This is the *bias correction*:
#
# $$\hat m = \frac{m}{\boldsymbol{?}}, \qquad \hat v = \frac{v}{\boldsymbol{?}}, \qquad
#   w \leftarrow w - \eta\, \frac{\hat m}{\sqrt{\hat v} + \varepsilon} . \tag{7}$$
#
# A test: after the first step, $\hat m = g$ and $\hat v = g^2$.
#
# Two things to mind. `config["t"]` is the number of steps that have been taken, so it goes up by one
# *before* it is used. And what goes back into `config` are $m$ and $v$ as they are; the corrected
# ones are for this step alone, or the next average would be corrected twice.


# %% nbgrader={"grade": false, "grade_id": "adam", "locked": false, "schema_version": 3, "solution": true, "task": false}
def adam(w, dw, config=None):
    """Take a step of Adam, with bias correction.

    Parameters
    ----------
    w, dw : arrays of float, of the same shape
        Weights and gradient; not modified.
    config : dict, optional
        Settings ``learning_rate``, ``beta1``, ``beta2`` and ``epsilon``; state ``m`` and ``v``, of
        the shape of w, the fading means of gradients and of their squares as they are (not
        corrected), and ``t``, the number of steps taken.

    Returns
    -------
    next_w : array of float, of the same shape
        Weights after the step.
    config : dict
        With the new m, v and t, to be passed to the next call.
    """
    config = {
        "learning_rate": 1e-3,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "m": np.zeros_like(w),
        "v": np.zeros_like(w),
        "t": 0,
        **(config or {}),
    }
    ### BEGIN SOLUTION
    beta1, beta2 = config["beta1"], config["beta2"]
    config["t"] += 1
    config["m"] = beta1 * config["m"] + (1 - beta1) * dw
    config["v"] = beta2 * config["v"] + (1 - beta2) * dw**2
    m_hat = config["m"] / (1 - beta1 ** config["t"])
    v_hat = config["v"] / (1 - beta2 ** config["t"])
    next_w = w - config["learning_rate"] * m_hat / (np.sqrt(v_hat) + config["epsilon"])
    ### END SOLUTION
    return next_w, config


# %% nbgrader={"grade": true, "grade_id": "check_adam", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
w, dw = np.array([1.0, 1.0]), np.array([0.5, -400.0])
before = w.copy(), dw.copy()
# The first step is as long as the learning rate, however large the gradient is.
first, config = adam(w, dw, {"learning_rate": 0.1})
assert_close(config["t"], 1, name='config["t"] after the first step')
assert_close(config["m"], [0.05, -40.0], name='config["m"] after the first step')
assert_close(config["v"], [0.00025, 160.0], name='config["v"] after the first step')
assert_close(first, [0.9, 1.1], name="w after the first step")
# The gradient turns round: m is now 0.9 · 0.1 - 0.1 of it, its correction 1 / (1 - 0.81).
second, config = adam(first, -dw, config)
assert_close(config["t"], 2, name='config["t"] after the second step')
assert_close(config["m"], [-0.005, 4.0], name='config["m"] after the second step')
assert_close(second, first + 0.1 * 0.01 / 0.19 * np.array([1, -1]), name="w after the second step")
# A gradient as small as epsilon: half the step.
tiny, _ = adam(w, np.full(2, 1e-8), {"learning_rate": 0.1})
assert_close(tiny, [0.95, 0.95], name="w after a tiny gradient (where is epsilon?)")
assert np.array_equal(w, before[0]), "w changed: return a new array"
assert np.array_equal(dw, before[1]), "dw changed: it belongs to the caller"
print("✓ adam")

# %% [markdown]
# What would happen without the correction? We need not write that rule: start yours with a `t` so
# large that both divisors are 1 from the beginning. Below, the gradient is 1 plus some noise, all
# the time. With the correction, the steps are about as long as the learning rate from the start.
#
# **Predict before you run.** Without it, both $m$ and $v$ are too small. In (7) one stands above and
# one below. Will the first steps be too short or too long, and for how many steps: ten, a hundred, a
# thousand?

# %% tags=["demo"]
uncorrected = {"t": 10**6}
fig, axis = plt.subplots(figsize=(6.8, 3.6), layout="constrained")
cases = (("with bias correction", {}, COLORS[0]), ("without", uncorrected, COLORS[1]))
for label, config, color in cases:
    rng = np.random.default_rng(0)
    config = {"learning_rate": 1.0, **config}
    w, walked = np.zeros(500), [0.0]
    for _ in range(3000):
        w, config = adam(w, 1 + 0.5 * rng.standard_normal(500), config)
        walked.append(-w.mean())
    axis.semilogx(range(1, 3001), np.diff(walked), color=color, label=label)
axis.axhline(1, color=MUTED, linestyle=":")
axis.set(xlabel="step", ylabel="length of the step / learning rate", ylim=(0, 6.5))
axis.set_title("The first steps of Adam")
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False)

# %% [markdown]
# It is $v$ that is wrong for long: its average runs over about $1 / (1 - \beta_2) = 1000$ steps. Steps
# several times too long, at the very time when the weights are random and the gradients large, can
# ruin a training run before it has begun.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_adam", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# (a) How long is the *first* step of Adam without bias correction, in units of the learning rate, for
# $\beta_1 = 0.9$ and $\beta_2 = 0.999$? Derive it. (b) A weight has had gradients around 1 for
# thousands of steps. Then, once, comes a gradient of 100. How long is that step, roughly? And that of
# SGD? (c) A network has 10 million weights in float32. How much memory does the state of SGD, of
# momentum and of Adam take?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_adam", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) After one step $m = 0.1\,g$ and $v = 0.001\,g^2$, so the step is
# $0.1\,g / (\sqrt{0.001}\,|g|) \approx \pm 3.2$ learning rates. (It gets worse before it gets better:
# $m$ recovers within about ten steps, $v$ within about a thousand.)
#
# (b) $m \approx 0.9 \cdot 1 + 0.1 \cdot 100 \approx 11$ and
# $v \approx 0.999 \cdot 1 + 0.001 \cdot 10^4 \approx 11$, so the step is about $11 / \sqrt{11}
# \approx 3.3$ learning rates, and some more follow while $m$ fades. With SGD it is 100 times as long
# as usual: a single bad batch can throw the weights far away. The root in the denominator works like
# a soft clipping of gradients.
#
# (c) SGD keeps nothing; momentum one number per weight, 40 MB; Adam two, 80 MB (and $t$). With the
# weights and their gradient, another 80 MB, that doubles the memory: for large models a reason to
# think about optimisers that keep less.

# %% [markdown]
# ## 7. The race
#
# All five in one ravine, each with a learning rate that suits it.
#
# **Predict before you run.** Now turn the ravine by 45°, start included: the same landscape, seen
# from another side. Which paths will simply be turned with it, and which will not?


# %%
turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)  # turns a point by 45°


def turned_ravine(x, y):
    """Return the height at (x, y) of the ravine turned by 45°."""
    return ravine((x + y) / np.sqrt(2), (y - x) / np.sqrt(2))


def turned_gradient(w):
    """Return the gradient there of the ravine turned by 45°."""
    return turn @ ravine_gradient(turn.T @ w)


runners = {
    "SGD": (sgd, 0.018),
    "momentum": (sgd_momentum, 0.005),
    "Nesterov": (nesterov_momentum, 0.005),
    "RMSProp": (rmsprop, 0.1),
    "Adam": (adam, 0.4),
}

# %% tags=["demo"]
straight, turned = {}, {}
for name, (rule, rate) in runners.items():
    config = {"learning_rate": rate}
    straight[name] = minimise(rule, config, ravine_gradient, start, 80)
    turned[name] = minimise(rule, config, turned_gradient, turn @ start, 80)
fig, axes = plt.subplots(1, 2, figsize=(12, 5), layout="constrained", width_ratios=(1.25, 1))
plot_trajectories(
    ravine,
    straight,
    minimum=(0, 0),
    limits=((-10, 6), (-1.6, 1.6)),
    title="Along the axes",
    ax=axes[0],
)
plot_trajectories(
    turned_ravine,
    turned,
    minimum=(0, 0),
    limits=((-8.5, 2.5), (-8.5, 2.5)),
    title="Turned by 45°",
    ax=axes[1],
)
axes[1].set_aspect("equal")

fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), sharey=True, layout="constrained")
for axis, paths, height, title in (
    (axes[0], straight, ravine, "Along the axes"),
    (axes[1], turned, turned_ravine, "Turned by 45°"),
):
    heights = {name: height(*path.T) for name, path in paths.items()}
    plot_losses(heights, smooth=1, log=True, xlabel="step", ylabel="", title=title, ax=axis)
_ = axes[0].set_ylabel("height above the minimum")

# %% [markdown]
# SGD and both kinds of momentum only add up multiples of gradients. They do not know where the axes
# are, and their curves on the right are those on the left. RMSProp and Adam divide coordinate by
# coordinate, and that only untangles a ravine whose walls are parallel to the axes: theirs are
# different curves. Real losses are somewhere in between.

# %% [markdown]
# ## 8. A ravine in thousands of dimensions
#
# Are losses on images like this at all? Take the simplest classifier with a loss that we can see
# through: scores $XW$, and as the loss half the squared distance between scores and the one-hot rows
# $Y$, averaged over the images. That is a parabola in every direction, and its curvatures are the
# eigenvalues of $X^\top X / N$. (Images are shrunk to 16×16 pixels here, and scaled to about 1.)
#
# **Predict before you run.** Neighbouring pixels are nearly the same. So there are directions in
# pixel space in which images differ a lot, and others in which they hardly do. By which factor do the
# curvatures differ: ten, a thousand, a million?

# %% tags=["demo"]
data = load_dataset(num_training=5_000, num_validation=1_000, num_test=0)


def to_small_rows(images):
    """Shrink (N, 32, 32, 3) images to 16×16, scale to 0…1, and return rows of 768 numbers."""
    small = images.reshape(len(images), 16, 2, 16, 2, 3).mean(axis=(2, 4))
    return small.reshape(len(images), -1) / 255


mean_row = to_small_rows(data.X_train).mean(axis=0)


def prepare(images):
    """Subtract the mean image and append a one: (N, 32, 32, 3) -> (N, 769)."""
    rows = to_small_rows(images) - mean_row
    return np.hstack([rows, np.ones((len(rows), 1), dtype=rows.dtype)])


X_train, X_val = prepare(data.X_train), prepare(data.X_val)
Y_train = np.eye(10, dtype=X_train.dtype)[data.y_train]
hessian = (X_train.T @ X_train / len(X_train)).astype(np.float64)
curvatures = np.linalg.eigvalsh(hessian)[::-1]
fig, axis = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
axis.loglog(range(1, len(curvatures) + 1), curvatures, color=COLORS[0])
axis.set(xlabel="direction, from the steepest to the flattest", ylabel="curvature")
axis.set_title(f"Condition number {curvatures[0] / curvatures[-1]:,.0f}")
axis.spines[["top", "right"]].set_visible(False)


# %% [markdown]
# A ravine, then, and a narrow one. Because the loss is a parabola, we know its lowest point, from
# one system of linear equations, and can plot how far *above the minimum* each rule is.
#
# First: how much does the choice of the learning rate matter? Every rule walks 200 steps with
# minibatches of 100 images, with learning rates from far too small to far too large.
#
# **Predict before you run.** For plain SGD you know at which learning rate the curve has to blow up:
# section 2 told you how it depends on the largest curvature. The dotted line marks it. Where will
# momentum blow up? Do RMSProp and Adam blow up at all?

# %% tags=["demo"]
best_W = np.linalg.solve(hessian, X_train.T.astype(np.float64) @ Y_train / len(X_train))


def loss_on_all(W):
    """Return half the mean squared distance between scores and one-hot rows, all images."""
    return 0.5 * np.mean(np.sum((X_train @ W - Y_train) ** 2, axis=1))


lowest, before_training = loss_on_all(best_W), loss_on_all(0 * best_W)


def walk(rule, config, num_steps, every=None):
    """Train on minibatches of 100; return losses above the minimum, at the end or on the way."""
    rng = np.random.default_rng(1)
    W, heights = np.zeros(best_W.shape, X_train.dtype), []
    for step in range(1, num_steps + 1):
        batch = rng.integers(len(X_train), size=100)
        X, Y = X_train[batch], Y_train[batch]
        W, config = rule(W, X.T @ (X @ W - Y) / len(X), config)
        if step == num_steps or (every and step % every == 0):
            heights.append(loss_on_all(W) - lowest)
    return heights


rates = 10 ** np.arange(-5, 0.1, 0.5)


@cache
def search(name):
    """Return the losses above the minimum after 200 steps, one for each of the rates."""
    rule, _ = runners[name]
    with np.errstate(all="ignore"):
        return np.array([walk(rule, {"learning_rate": rate}, 200)[-1] for rate in rates])


sensitivity = {name: search(name) for name in progress(runners, "learning rates")}
fig, axis = plt.subplots(figsize=(7.2, 4), layout="constrained")
for (name, heights), marker, color in zip(sensitivity.items(), "os^Dv", COLORS, strict=False):
    # What has blown up leaves the picture at the top.
    drawn = np.where(np.isfinite(heights), heights, 1e9)
    axis.loglog(rates, np.minimum(drawn, 1e9), marker=marker, color=color, markersize=5, label=name)
axis.axhline(before_training - lowest, color=MUTED, linestyle="--", linewidth=1)
axis.text(rates[0], 1.1 * (before_training - lowest), "before training", color=MUTED, size=9)
axis.axvline(2 / curvatures[0], color=MUTED, linestyle=":")
axis.text(2.2 / curvatures[0], 0.035, "2 / largest\ncurvature", color=MUTED, size=9)
axis.set(ylim=(0.03, 30), xlabel="learning rate", ylabel="loss above the minimum")
axis.set_title("200 steps on images, with every learning rate")
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.0, 0.9))

# %% [markdown]
# The curves of SGD and its relatives go down, down, and then off a cliff; the best rate is not far
# from the edge. A step of Adam is never much longer than the learning rate, whatever the gradient
# is, so that too large a rate makes it bad, but does not send it to infinity. Mind also where the
# valleys lie: a learning rate that suits one rule says nothing about another.
#
# Now each with the best learning rate of that search, for longer.
#
# **Predict before you run.** All curves will flatten out. What keeps them from reaching the minimum,
# apart from patience?

# %% tags=["demo"]
races = {}
for name, (rule, _) in progress(runners.items(), "the race"):
    heights = search(name)
    rate = rates[np.argmin(np.where(np.isfinite(heights), heights, np.inf))]
    races[f"{name}, {rate:.1g}"] = walk(rule, {"learning_rate": rate}, 1000, every=5)
fig, axis = plt.subplots(figsize=(7.2, 4), layout="constrained")
for (label, heights), color in zip(races.items(), COLORS, strict=False):
    axis.semilogy(range(5, 1001, 5), heights, color=color, linewidth=1.2, label=label)
axis.set(xlabel="step", ylabel="loss above the minimum")
axis.set_title("On images, each with its best learning rate")
axis.yaxis.set_minor_formatter("{x:.2g}")
axis.spines[["top", "right"]].set_visible(False)
_ = axis.legend(frameon=False)

# %% [markdown]
# Gradients of minibatches are noisy, and with a constant learning rate the noise keeps throwing the
# weights about. The remedy is in section 10. Before that, a matter that Adam gets wrong.
#
# ## 9. AdamW: weight decay that decays
#
# To keep weights small, one adds $\frac{\lambda}{2} \sum w^2$ to the loss, and so $\lambda w$ to the
# gradient. For plain SGD that is the same as shrinking all weights a little in every step:
#
# $$w - \eta\,(g + \lambda w) \;=\; (1 - \eta\lambda)\, w - \eta\, g .$$
#
# Hence the name *weight decay*. But pass $g + \lambda w$ to Adam, and the decay is averaged and
# divided by $\sqrt{\hat v}$ like the rest: a weight with large gradients is hardly decayed at all.
# *AdamW* decouples the two. Adam sees $g$ alone, and the decay acts on the weights directly:
#
# $$w \leftarrow w - \eta \left( \frac{\hat m}{\sqrt{\hat v} + \varepsilon}
#   \;+\; \boldsymbol{?} \right) . \tag{8}$$
#
# **Your step:** what stands there, so that without gradients each step multiplies $w$ by
# $1 - \eta\lambda$? In code $\lambda$ is `weight_decay`. It acts on $w$ as it was before the step.
# You may call your `adam`; everything in `config` stays as it is there.


# %% nbgrader={"grade": false, "grade_id": "adamw", "locked": false, "schema_version": 3, "solution": true, "task": false}
def adamw(w, dw, config=None):
    """Take a step of Adam with decoupled weight decay.

    Parameters
    ----------
    w, dw : arrays of float, of the same shape
        Weights and gradient (of the loss without penalty); not modified.
    config : dict, optional
        As for ``adam``, and the setting ``weight_decay``.

    Returns
    -------
    next_w : array of float, of the same shape
        Weights after the step.
    config : dict
        With the new m, v and t, to be passed to the next call.
    """
    config = {
        "learning_rate": 1e-3,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 1e-2,
        "m": np.zeros_like(w),
        "v": np.zeros_like(w),
        "t": 0,
        **(config or {}),
    }
    ### BEGIN SOLUTION
    stepped, config = adam(w, dw, config)
    next_w = stepped - config["learning_rate"] * config["weight_decay"] * w
    ### END SOLUTION
    return next_w, config


# %% nbgrader={"grade": true, "grade_id": "check_adamw", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
w, dw = np.array([4.0, -2.0]), np.array([0.5, -400.0])
before = w.copy(), dw.copy()
settings = {"learning_rate": 0.1, "weight_decay": 0.5}
# Without gradients, the weights shrink by η λ = 5 %, and nothing else happens.
next_w, config = adamw(w, 0 * dw, settings)
assert_close(next_w, 0.95 * w, name="w after a step without gradient")
assert_close(config["m"], [0.0, 0.0], name='config["m"] (decay does not belong into the moments)')
assert_close(config["v"], [0.0, 0.0], name='config["v"] (decay does not belong into the moments)')
# With gradients, the step of Adam comes on top, as long as it is without decay.
next_w, config = adamw(w, dw, settings)
assert_close(next_w, 0.95 * w + [-0.1, 0.1], name="w after the first step")
assert_close(config["m"], 0.1 * dw, name='config["m"] after the first step')
next_w, config = adamw(next_w, dw, config)
assert_close(next_w, 0.95 * (0.95 * w + [-0.1, 0.1]) + [-0.1, 0.1], name="w after the second step")
assert np.array_equal(w, before[0]), "w changed: return a new array"
assert np.array_equal(dw, before[1]), "dw changed: it belongs to the caller"
print("✓ adamw")

# %% [markdown]
# Four groups of weights, all 1 at first. Their gradients are nothing but noise, of four different
# strengths, so that there is nothing to learn, and decay should pull all of them to zero, alike. On
# the left $\lambda w$ is added to the gradient of `adam`; on the right `adamw` has the same
# $\lambda$.
#
# **Predict before you run.** Which of the four groups will Adam pull down fastest, and which hardly
# at all?

# %% tags=["demo"]
noise = np.repeat([0.01, 0.1, 1.0, 10.0], 400)
settings, decay = {"learning_rate": 0.003}, 0.5
fig, axes = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True, layout="constrained")
for axis, title in zip(axes, ("Adam, λw added to the gradient", "AdamW"), strict=True):
    rng = np.random.default_rng(2)
    w, config, means = np.ones(len(noise)), dict(settings), [np.ones(4)]
    for _ in range(1000):
        dw = noise * rng.standard_normal(len(noise))
        if title == "AdamW":
            w, config = adamw(w, dw, {"weight_decay": decay, **config})
        else:
            w, config = adam(w, dw + decay * w, config)
        means.append(w.reshape(4, 400).mean(axis=1))
    for curve, strength, style, color in zip(
        np.transpose(means), (0.01, 0.1, 1, 10), ("-", "--", "-.", ":"), COLORS, strict=False
    ):
        axis.plot(curve, style, color=color, label=f"noise {strength:g}")
    axis.set(xlabel="step", title=title, ylim=(-0.1, 1.1))
    axis.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("mean of the weights")
_ = axes[1].legend(frameon=False, title="gradient")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_decay", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# (a) In Adam with $\lambda w$ in the gradient, a weight has noisy gradients of strength $\sigma$, much
# larger than $\lambda w$. About how fast does the decay pull it, compared with AdamW? Check it with
# the plot. (b) The weights that get the largest gradients are often those that matter most. Why is
# it a pity that exactly these are not regularised? (c) You halve the learning rate of AdamW. What
# must you do to `weight_decay` if the weights are to decay as much per step as before?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_decay", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) The mean of $m$ is $\lambda w$ and $\sqrt{\hat v} \approx \sigma$, so on average the weight moves
# by $-\eta \lambda w / \sigma$ a step, $1/\sigma$ times as fast as with AdamW. In the plot, noise of
# strength 1 gives about the same curve on both sides, and noise of strength 10 a tenth of the slope.
# (For weak noise $\lambda w$ itself is what $v$ is made of: the weight goes down by about
# $\eta$ a step at first, whatever $\lambda$ is.)
#
# (b) Large gradients also mean that the weight can fit much, the noise of the training images
# included. There a penalty is wanted most.
#
# (c) Double it: what counts is the product $\eta\lambda$ in $1 - \eta\lambda$.

# %% [markdown]
# ## 10. Schedules: slow down in time
#
# Large steps get across the landscape quickly, small ones settle into a valley. So begin with large
# ones and end with small ones. A *schedule* says by which factor the learning rate is multiplied at
# which iteration. Ours are called as the course's `Solver` calls them,
#
# ```python
# factor = schedule(iteration, num_iterations)
# ```
#
# with iterations counted from 0 to `num_iterations - 1`. The classic is a staircase: at fixed
# fractions of the training, the *milestones*, the rate is multiplied by `factor`. From the iteration
# `milestone * num_iterations` on, the lower rate holds.


# %% nbgrader={"grade": false, "grade_id": "step_decay", "locked": false, "schema_version": 3, "solution": true, "task": false}
def step_decay(iteration, num_iterations, factor=0.1, milestones=(0.5, 0.75)):
    """Multiply the learning rate by a factor at every milestone.

    Parameters
    ----------
    iteration : int
        From 0 to ``num_iterations - 1``.
    num_iterations : int
        How many there are in all.
    factor : float
        What the rate is multiplied by at each milestone.
    milestones : sequence of float
        Fractions of `num_iterations`, in any order.

    Returns
    -------
    float
        ``factor`` to the power of the number of milestones for which
        ``iteration >= milestone * num_iterations``.
    """
    ### BEGIN SOLUTION
    reached = sum(iteration >= milestone * num_iterations for milestone in milestones)
    return factor**reached
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_step_decay", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
for iteration, expected in ((0, 1), (49, 1), (50, 0.1), (74, 0.1), (75, 0.01), (99, 0.01)):
    factor = step_decay(iteration, 100)
    assert_close(factor, expected, name=f"the factor at iteration {iteration} of 100")
factor = step_decay(13, 16, factor=0.5, milestones=(0.25, 0.5, 0.75, 0.875))
assert_close(factor, 0.125, name="the factor after three of four milestones, 0.5 each,")
print("✓ step_decay")

# %% [markdown]
# A staircase needs someone to choose the stairs. The *cosine* schedule needs nobody: it follows half a
# period of a cosine from 1 down to `final`, slow at both ends and fast in the middle.
#
# **Your step:** $\cos$ goes from $1$ to $-1$ while its argument goes from $0$ to $\pi$. Which
# argument belongs to iteration $i$ of $T$ (so that $i = T$ would be the end)? How do you stretch and
# shift the cosine so that it goes from 1 to `final` instead of from 1 to −1?


# %% nbgrader={"grade": false, "grade_id": "cosine_decay", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cosine_decay(iteration, num_iterations, final=0.0):
    """Lower the learning rate along half a period of a cosine.

    Parameters
    ----------
    iteration : int
        From 0 to ``num_iterations - 1``.
    num_iterations : int
        How many there are in all.
    final : float
        The factor that would be reached at ``iteration = num_iterations``.

    Returns
    -------
    float
        1 at iteration 0, halfway between 1 and `final` in the middle.
    """
    ### BEGIN SOLUTION
    cosine = np.cos(np.pi * iteration / num_iterations)
    return final + (1 - final) * (1 + cosine) / 2
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_cosine_decay", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert_close(cosine_decay(0, 60), 1.0, name="the factor at the start")
assert_close(cosine_decay(20, 60), 0.75, name="the factor after a third, cos(π/3) = ½,")
assert_close(cosine_decay(30, 60), 0.5, name="the factor in the middle")
assert_close(cosine_decay(30, 60, final=0.2), 0.6, name="the factor in the middle, final=0.2,")
assert_close(cosine_decay(60, 60, final=0.2), 0.2, name="the factor at the end, final=0.2,")
print("✓ cosine_decay")

# %% [markdown]
# And the start? Early gradients are large, and moments know little yet. A *warm-up* lets the rate grow
# from almost nothing to its full value over the first `num_warmup` iterations, in equal steps:
# $\frac1K, \frac2K, \dots, \frac{K}{K}$ with $K =$ `num_warmup`. (The first factor is not 0, or the
# first batch would be wasted.) What comes after it is another schedule, which knows nothing of the
# warm-up: it is told that it starts at 0, and how many iterations are left.


# %% nbgrader={"grade": false, "grade_id": "linear_warmup", "locked": false, "schema_version": 3, "solution": true, "task": false}
def linear_warmup(iteration, num_iterations, num_warmup, then=None):
    """Raise the learning rate in equal steps, and go on with another schedule.

    Parameters
    ----------
    iteration : int
        From 0 to ``num_iterations - 1``.
    num_iterations : int
        How many there are in all.
    num_warmup : int
        How many of them are for warming up; 0 for none.
    then : callable, optional
        ``then(iteration, num_iterations)`` gives the factor after the warm-up, for iterations
        counted from its end and the number of those that are left; by default it is 1.

    Returns
    -------
    float
        ``(iteration + 1) / num_warmup`` in the first `num_warmup` iterations, then what `then` says.
    """
    ### BEGIN SOLUTION
    if iteration < num_warmup:
        return (iteration + 1) / num_warmup
    if then is None:
        return 1.0
    return then(iteration - num_warmup, num_iterations - num_warmup)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_linear_warmup", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
factors = [linear_warmup(i, 10, 4) for i in range(6)]
assert_close(factors, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0], name="the array of the first six factors")
assert_close(linear_warmup(0, 10, 0), 1.0, name="the factor without warm-up")
asked = []


def remembering(iteration, num_iterations):
    """Note what a schedule is asked."""
    asked.append((iteration, num_iterations))
    return 0.5


factors = [linear_warmup(i, 10, 4, then=remembering) for i in (3, 4, 9)]
assert_close(factors, [1.0, 0.5, 0.5], name="the array of factors with a schedule after warm-up")
assert asked == [(0, 6), (5, 6)], (
    f"iterations 4 and 9 of 10 asked `then` for {asked}, expected (0, 6) and (5, 6): "
    "it starts at 0 after the warm-up, and 6 iterations are left"
)
print("✓ linear_warmup")

# %% [markdown]
# `partial`, imported above, fixes arguments of a function: `partial(linear_warmup, num_warmup=100,
# then=cosine_decay)` is a schedule like the others. Here they are, and next to them what they do:
# the same momentum, the same high learning rate, the same images in the same order, trained by the
# `Solver`, which takes your rules and schedules as they are.
#
# **Predict before you run.** In which order will the curves end? What will the staircase's curve
# look like at the stairs? And what would have happened had the rate been low from the start?


# %%
class LeastSquares:
    """The linear classifier of section 8, as `Solver` wants it."""

    def __init__(self):
        self.params = {"W": np.zeros(best_W.shape, X_train.dtype)}

    def loss(self, X, y=None):
        """Return scores, or the loss and its gradient."""
        scores = X @ self.params["W"]
        if y is None:
            return scores
        gap = scores - np.eye(scores.shape[1], dtype=scores.dtype)[y]
        return 0.5 * np.mean(np.sum(gap**2, axis=1)), {"W": X.T @ gap / len(X)}


# %% tags=["demo"]
images = {"X_train": X_train, "y_train": data.y_train, "X_val": X_val, "y_val": data.y_val}


def train(rule, optim_config, schedule=None, num_epochs=30):
    """Train with Solver; return the heights above the minimum, one per epoch."""
    heights = [before_training - lowest]
    Solver(
        LeastSquares(),
        images,
        rule,
        optim_config,
        schedule=schedule,
        num_epochs=num_epochs,
        num_train_samples=100,
        num_val_samples=100,
        progress=False,
        rng=np.random.default_rng(3),
        on_epoch=lambda s: heights.append(loss_on_all(s.model.params["W"]) - lowest),
    ).train()
    return heights


num_iterations = 30 * len(X_train) // 100
schedules = {
    "constant": lambda iteration, num_iterations: 1.0,
    "low from the start": lambda iteration, num_iterations: 0.01,
    "staircase": step_decay,
    "cosine": cosine_decay,
    "warm-up, cosine": partial(linear_warmup, num_warmup=150, then=cosine_decay),
}
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
rate = 1 / curvatures[0]
for (name, schedule), color in zip(progress(schedules.items(), "schedules"), COLORS, strict=False):
    factors = [schedule(i, num_iterations) for i in range(num_iterations)]
    axes[0].plot(factors, color=color, label=name)
    heights = train(sgd_momentum, {"learning_rate": rate}, schedule)
    axes[1].semilogy(heights, color=color, label=f"{name}: {heights[-1]:.3f}")
axes[0].set(xlabel="iteration", ylabel="factor", title="Schedules")
axes[1].set(xlabel="epoch", ylabel="loss above the minimum", title="What they do")
axes[1].yaxis.set_minor_formatter("{x:.2g}")
for axis in axes:
    axis.spines[["top", "right"]].set_visible(False)
_ = axes[1].legend(frameon=False, title="at the end", loc="lower left")

# %% [markdown]
# A high rate throughout stays in the noise; a low one is calm and slow. Those that begin high
# and end low do better than both.
#
# Warm-up has nothing to mend here, since this loss is the same parabola everywhere. Give it
# something: Adam *without* bias correction, whose first steps are too long, as you saw in section 6.
#
# **Predict before you run.** With a warm-up over its first 100 iterations, will the uncorrected Adam
# be better at once, later, or never than without? Will it be as good as the corrected one?

# %% tags=["demo"]


def follow(config, schedule, num_steps=100):
    """Train with Adam under a schedule; return the height above the minimum after every step."""
    rng, base = np.random.default_rng(4), config["learning_rate"]
    W, heights = np.zeros(best_W.shape, X_train.dtype), [before_training - lowest]
    for step in range(num_steps):
        batch = rng.integers(len(X_train), size=100)
        X, Y = X_train[batch], Y_train[batch]
        config = {**config, "learning_rate": base * schedule(step, num_steps)}
        W, config = adam(W, X.T @ (X @ W - Y) / len(X), config)
        heights.append(loss_on_all(W) - lowest)
    return heights


constant, warm = schedules["constant"], partial(linear_warmup, num_warmup=100)
starts = {
    "with bias correction": follow({"learning_rate": 0.003}, constant),
    "without": follow({"learning_rate": 0.003, **uncorrected}, constant),
    "without, with warm-up": follow({"learning_rate": 0.003, **uncorrected}, warm),
}
_ = plot_losses(
    starts, log=True, smooth=1, ylabel="loss above the minimum", title="The first 100 steps of Adam"
)

# %% [markdown]
# The peak is gone: while the steps are too long by themselves, the rate is low. But a warm-up only
# hides the bias. By the time the rate is up, $v$ is still too small, as you saw in section 6, and
# the steps are still longer than those of the corrected rule.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_schedule", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 4
#
# (a) A loss curve has been flat for many epochs. The learning rate is divided by ten, and the loss
# falls at once. Explain that with the picture of a ravine and a noisy gradient. (b) Had the rate been
# divided by ten at the beginning of training, would the loss be as low now? (c) Somebody stops a run
# with a cosine schedule after half of the planned iterations, because "the loss is good enough", and
# says that a run planned for half as long would have given the same. Is that so?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_schedule", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) The weights had long arrived above the floor of the valley, but noise kept throwing them up the
# steep walls: what is gained by a step on average is lost by its noise. The height of that balance
# grows with the learning rate; with a tenth of it, the weights settle deeper within a few steps.
#
# (b) Not in the same time: along the floor the small steps would have made a tenth of the way. Large
# steps first, to travel, and small ones later, to settle.
#
# (c) No. In the middle of its schedule the rate is still half of the maximum, and the loss is still
# full of noise; a run planned for half as long would have gone through the whole descent to zero in
# the same number of iterations. With cosine (unlike a constant rate) intermediate results are not
# those of shorter runs.

# %% [markdown]
# ## Questions you may be asked in an interview
#
# **Why is plain gradient descent slow in a ravine?** The learning rate is limited by the largest
# curvature, $\eta < 2 / a_{\max}$, and progress along the flattest direction is $1 - \eta\,a_{\min}$ a
# step: the number of steps grows like the condition number. With the best momentum it grows like
# its square root.
#
# **What does Nesterov change?** It takes the gradient where momentum is about to lead, and so
# corrects the velocity one step earlier: less overshoot, stability at the same cost.
#
# **Explain Adam in two sentences.** Momentum on the gradient, divided entry by entry by the root of a
# fading mean of its square, both corrected for their start at zero. So the step is about a learning
# rate long whatever the scale of the gradients.
#
# **Why is there a bias correction, and when does it stop to matter?** Be ready to derive the factor,
# and to say for which of the two moments it matters longer, and why.
#
# **Adam or SGD with momentum?** Adam works at once with gradients of very different size, as in
# transformers, with embeddings or in GANs, and is less sensitive to the learning rate. SGD with
# momentum and a good schedule is still hard to beat for convolutional networks on images, with half
# the memory for its state.
#
# **L2 regularisation or weight decay?** The same for SGD up to a factor. With adaptive rules the
# gradient of the penalty is divided like the rest; AdamW keeps decay out of it. Biases and the scales
# of normalisation layers are usually not decayed.
#
# **What has to be in a checkpoint?** Weights *and* the optimiser's state: velocity or moments, $t$,
# the position in the schedule. With the weights alone a restarted run begins with empty moments,
# and one sees a bump in the loss.
#
# **Second-order methods?** Newton's step divides by the curvature matrix and would cross any ravine in
# one step, however it is turned; for $n$ weights that matrix has $n^2$ entries. Adam's division
# by $\sqrt{v}$ is a crude diagonal stand-in.
#
# ## Read more
#
# - CS231n notes, [Learning](https://cs231n.github.io/neural-networks-3/): update rules, schedules,
#   and babysitting.
# - G. Goh, [Why momentum really works](https://distill.pub/2017/momentum/), 2017: ravines and
#   eigenvalues, with pictures to play with.
# - D. P. Kingma, J. Ba, [Adam: a method for stochastic optimization](https://arxiv.org/abs/1412.6980),
#   2015: the rule, and section 3 on the bias.
# - I. Loshchilov, F. Hutter, [Decoupled weight decay
#   regularization](https://arxiv.org/abs/1711.05101), 2019: AdamW.

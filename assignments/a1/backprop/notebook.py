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
# # Backpropagation: the chain rule as a program
#
# **Goal.** You compute gradients of small circuits by hand, gate by gate, and then write the
# program that does it for any circuit: a reverse-mode engine for NumPy arrays, in about fifty
# lines. At the end it differentiates a two-layer network, and you compare it with your own
# derivation.
#
# | step | you write | which is |
# |:--|:--|:--|
# | 2 | `add_gate_*`, `multiply_gate_*`, `max_gate_*` | three gates, forward and backward |
# | 3 | `branching_circuit` | a circuit in which an input is used twice |
# | 4 | `sigmoid_neuron_*` | a neuron, computed in stages |
# | 5 | `unbroadcast` | the backward pass of broadcasting |
# | 6 | `exp_gate_backward`, … | five more gates, for arrays |
# | 7 | `apply_gate` | computing with a record of what was computed |
# | 8 | `topological_order` | an order in which gradients can flow |
# | 9 | `backpropagate` | the backward pass of any graph |
# | 10 | `cross_entropy`, `two_layer_loss`, `two_layer_loss_by_hand` | a network, twice |
#
# **How it works.** A cell that you are to fill in raises `NotImplementedError` until you have. The
# cell after it is a check: run it at once. It prints a ✓ if all is well, and otherwise says what is
# wrong and where. When your notebook is graded, the same functions are called with other inputs.
# Your functions may use NumPy and the standard library.
#
# You need Python, NumPy broadcasting, partial derivatives, and about four hours.

# %%
import timeit
from functools import cache
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np

from cs231n_lib.checking import (
    assert_close,
    assert_finite,
    assert_gradient,
    assert_layer_gradient,
    assert_shape,
    numerical_gradient,
)
from cs231n_lib.plots import plot_decision_regions, plot_losses, plot_times, show_graph
from cs231n_lib.plots.style import COLORS

# %% [markdown]
# ## 1. A formula is a circuit
#
# Take $f(x, y, z) = (x + y) \cdot \max(y, z)$ at $x = -2$, $y = 3$, $z = 1$. A computer does not
# see a formula, it sees three operations, one after the other. Drawn as a circuit, values flow from
# the left to the right:


# %% tags=["demo"]
def node(data, operation="", parents=(), grad=None):
    """Make a node for the picture."""
    return SimpleNamespace(data=data, operation=operation, parents=parents, grad=grad)


x, y, z = node(-2.0), node(3.0), node(1.0)
total, largest = node(1.0, "+", (x, y)), node(3.0, "max", (y, z))
product = node(3.0, "×", (total, largest))
_ = show_graph(product, {"x": x, "y": y, "z": z}, title="f(x, y, z) = (x + y) · max(y, z)")

# %% [markdown]
# How does $f$ change if we turn a little at $x$, $y$ or $z$? Each operation (each *gate*) can
# answer that for its own inputs without knowing anything of the rest of the circuit. That is its
# **local gradient**. The chain rule puts the answers together: if gate $g$ has the input $x$ and
# the output $v$,
#
# $$\frac{\partial f}{\partial x} \;=\;
#   \underbrace{\frac{\partial f}{\partial v}}_{\text{upstream: what the circuit says}} \cdot
#   \underbrace{\frac{\partial v}{\partial x}}_{\text{local: what the gate knows}} \tag{1}$$
#
# In words: *a gate multiplies what arrives from behind with its local gradient, and hands it on to
# its inputs.* Start at the output with $\partial f / \partial f = 1$, walk through the circuit from
# right to left, and you have all derivatives at once. This is **backpropagation**, and there is
# nothing more to it; the rest of this notebook is about doing it tidily.
#
# **Predict before you go on.** Write the three derivatives at the right place in the picture, with
# pencil and paper: first for the two wires that enter ×, then for $x$, $y$ and $z$. One of the
# inputs is used twice. What do you do with its two answers?
#
# ## 2. Gates
#
# Every gate becomes two functions, and so will every layer of this course:
#
# - `…_forward(inputs) -> out, cache` computes the value, and puts whatever the backward pass will
#   need into `cache`;
# - `…_backward(dout, cache) -> gradients` gets the upstream gradient `dout`, that is
#   $\partial f / \partial\,$`out`, and returns the gradients for its inputs by (1).
#
# What is in the cache is your business: nobody but your own backward function looks at it. All
# functions work on numbers and, entry by entry, on arrays.
#
# The first gate adds. **Your step:** what is $\partial (x + y) / \partial x$, and what does the
# gate therefore do to `dout`?


# %% nbgrader={"grade": false, "grade_id": "add_gate_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def add_gate_forward(x, y):
    """Add two inputs.

    Parameters
    ----------
    x, y : float or array
        Inputs of the same shape, or of shapes that broadcast.

    Returns
    -------
    out : float or array
        ``x + y``.
    cache : object
        What ``add_gate_backward`` needs; of any kind.
    """
    ### BEGIN SOLUTION
    return x + y, None
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_add_gate_forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
out, _ = add_gate_forward(-2.0, 3.0)
assert_close(out, 1.0, name="-2 + 3")
out, _ = add_gate_forward(np.array([1.0, 2.0]), np.array([0.5, -7.0]))
assert_close(out, [1.5, -5.0], name="the sum of two arrays")
print("✓ add_gate_forward")


# %% nbgrader={"grade": false, "grade_id": "add_gate_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def add_gate_backward(dout, cache):
    """Send the upstream gradient to both inputs of an addition.

    Parameters
    ----------
    dout : float or array
        Upstream gradient, of the shape of ``out``.
    cache : object
        From ``add_gate_forward``.

    Returns
    -------
    dx, dy : floats or arrays, each of the shape of ``out``
        Gradients with respect to x and y.
    """
    ### BEGIN SOLUTION
    return dout, dout
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_add_gate_backward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_, gate_cache = add_gate_forward(-2.0, 3.0)
dx, dy = add_gate_backward(5.0, gate_cache)
assert_close(dx, 5.0, name="dx of the add gate, for dout = 5,")
assert_close(dy, 5.0, name="dy of the add gate, for dout = 5,")
print("✓ add_gate_backward")

# %% [markdown]
# The second gate multiplies. Here the cache is needed: what does the derivative of $x y$ with
# respect to $x$ depend on?


# %% nbgrader={"grade": false, "grade_id": "multiply_gate_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def multiply_gate_forward(x, y):
    """Multiply two inputs, entry by entry.

    Parameters and results are those of ``add_gate_forward``; ``out`` is ``x * y``.
    """
    ### BEGIN SOLUTION
    return x * y, (x, y)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_multiply_gate_forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
out, _ = multiply_gate_forward(1.5, -3.0)
assert_close(out, -4.5, name="1.5 times -3")
out, _ = multiply_gate_forward(np.array([1.0, 2.0]), np.array([0.5, -7.0]))
assert_close(out, [0.5, -14.0], name="the product of two arrays, entry by entry,")
print("✓ multiply_gate_forward")


# %% nbgrader={"grade": false, "grade_id": "multiply_gate_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def multiply_gate_backward(dout, cache):
    """Send the upstream gradient to both inputs of a multiplication.

    Parameters and results are those of ``add_gate_backward``.
    """
    ### BEGIN SOLUTION
    x, y = cache
    return dout * y, dout * x
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_multiply_gate_backward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
_, gate_cache = multiply_gate_forward(1.5, -3.0)
dx, dy = multiply_gate_backward(2.0, gate_cache)
assert_close(dx, -6.0, name="dx of 1.5 times -3, for dout = 2,")
assert_close(dy, 3.0, name="dy of 1.5 times -3, for dout = 2,")
x, y, dout = np.array([1.0, 2.0]), np.array([0.5, -7.0]), np.array([3.0, -1.0])
_, gate_cache = multiply_gate_forward(x, y)
dx, dy = multiply_gate_backward(dout, gate_cache)
assert_layer_gradient(lambda x: multiply_gate_forward(x, y)[0], x, dout, dx, name="dx")
assert_layer_gradient(lambda y: multiply_gate_forward(x, y)[0], y, dout, dy, name="dy")
print("✓ multiply_gate_backward")

# %% [markdown]
# The check above used the other way to a derivative: move an input a little up and a little down,
# and see what the output does. `assert_layer_gradient` does that for every entry; the whole course
# tests its backward passes in this way.
#
# The third gate takes the larger of its inputs. Turn a little at the smaller one: the output does
# not move. **Your step:** so who gets `dout`? Where the two are equal there is no derivative. You
# may give `dout` to one of them or split it, but what the two get together must be `dout`.


# %% nbgrader={"grade": false, "grade_id": "max_gate_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def max_gate_forward(x, y):
    """Take the larger of two inputs, entry by entry.

    Parameters and results are those of ``add_gate_forward``; ``out`` is ``np.maximum(x, y)``.
    """
    ### BEGIN SOLUTION
    return np.maximum(x, y), (x, y)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_max_gate_forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
out, _ = max_gate_forward(1.5, -3.0)
assert_close(out, 1.5, name="the larger of 1.5 and -3")
out, _ = max_gate_forward(np.array([-1.0, 2.0]), np.array([0.5, -7.0]))
assert_close(out, [0.5, 2.0], name="the larger entries of two arrays")
print("✓ max_gate_forward")


# %% nbgrader={"grade": false, "grade_id": "max_gate_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def max_gate_backward(dout, cache):
    """Send the upstream gradient to the larger input.

    Parameters and results are those of ``add_gate_backward``. Where the inputs are equal, the two
    gradients add up to ``dout``.
    """
    ### BEGIN SOLUTION
    x, y = cache
    return dout * np.greater_equal(x, y), dout * np.less(x, y)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_max_gate_backward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
_, gate_cache = max_gate_forward(1.5, -3.0)
dx, dy = max_gate_backward(-2.0, gate_cache)
assert_close(dx, -2.0, name="dx of max(1.5, -3), for dout = -2,")
assert_close(dy, 0.0, name="dy of max(1.5, -3), for dout = -2,")
_, gate_cache = max_gate_forward(np.array([-1.0, 2.0, 4.0]), np.array([0.5, -7.0, 4.0]))
dx, dy = max_gate_backward(np.array([3.0, -1.0, 8.0]), gate_cache)
assert_close(dx[:2], [0.0, -1.0], name="dx of the max gate")
assert_close(dy[:2], [3.0, 0.0], name="dy of the max gate")
assert_close(dx[2] + dy[2], 8.0, name="dx + dy where the inputs are equal, for dout = 8,")
print("✓ max_gate_backward")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_gates", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# (a) Say in a few words each what the add gate, the max gate and the multiply gate do to a gradient
# on its way back. (b) A network computes $h = \max(0, X W_1 + b_1)$ and scores $h W_2 + b_2$.
# Somebody starts with *all four* parameters at zero. The gradient that arrives at the scores is not
# zero. Which of the four parameters can get a gradient other than zero, and what can this network
# learn? Answer with (a) alone. (A matrix product consists of multiply and add gates.)

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_gates", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) The add gate *distributes*: all inputs get `dout`, whatever their values. The max gate
# *routes*: the input that won gets all of it, the others nothing. The multiply gate *swaps*: each
# input gets `dout` times the value of the other one.
#
# (b) Only $b_2$. It hangs on an add gate, which passes on what arrives (summed over the batch,
# which may cancel if all classes are equally frequent). $W_2$ is multiplied by $h = 0$, so it gets
# `dout` times 0. $h$ is multiplied by $W_2 = 0$, so nothing arrives at the maximum and nothing at
# what lies before it, $W_1$ and $b_1$. And after a step along $b_2$ it is the same again: the
# network never learns anything but the frequencies of the classes. Weights need random initial
# values, the biases do not.

# %% [markdown]
# ## 3. Where a wire branches
#
# In the circuit of section 1, $y$ goes into two gates. Let us move $y$ by a small $h$. The sum
# moves by $h$, which moves $f$ by $\frac{\partial f}{\partial\,\text{sum}} h$; at the same time the
# maximum moves, which moves $f$ once more. Small changes add up, and hence
#
# $$\frac{\partial f}{\partial y} = \sum_{\text{gates } v \text{ that use } y}
#   \frac{\partial f}{\partial v} \frac{\partial v}{\partial y} . \tag{2}$$
#
# **Where a value is used several times, its gradients are added.** Forgetting that, and letting the
# second one overwrite the first, is the best-known mistake in backpropagation.
#
# Now do the whole circuit with your gates: three calls forward, three calls backward, in the
# opposite order.


# %% nbgrader={"grade": false, "grade_id": "branching_circuit", "locked": false, "schema_version": 3, "solution": true, "task": false}
def branching_circuit(x, y, z):
    """Compute f = (x + y) * max(y, z) and its derivatives, gate by gate.

    Parameters
    ----------
    x, y, z : float or array
        Inputs, of the same shape; y and z differ in every entry.

    Returns
    -------
    out : float or array
        f.
    dx, dy, dz : floats or arrays
        The derivatives of f with respect to x, y and z.
    """
    ### BEGIN SOLUTION
    total, add_cache = add_gate_forward(x, y)
    largest, max_cache = max_gate_forward(y, z)
    out, multiply_cache = multiply_gate_forward(total, largest)

    dtotal, dlargest = multiply_gate_backward(1.0, multiply_cache)
    dy_from_max, dz = max_gate_backward(dlargest, max_cache)
    dx, dy_from_add = add_gate_backward(dtotal, add_cache)
    return out, dx, dy_from_add + dy_from_max, dz
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_branching_circuit", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
out, *gradients = branching_circuit(-2.0, 3.0, 1.0)
assert_close(out, 3.0, name="f(-2, 3, 1)")
for name, gradient, expected in zip(("dx", "dy", "dz"), gradients, (3.0, 4.0, 0.0), strict=True):
    assert_close(gradient, expected, name=f"{name} at (-2, 3, 1)")
point = np.array([1.5, -0.5, 2.0])
_, *gradients = branching_circuit(*point)
assert_gradient(lambda p: branching_circuit(*p)[0], point, np.array(gradients), name="(dx, dy, dz)")
print("✓ branching_circuit")

# %% [markdown]
# Here is the circuit with its gradients. Compare with what you wrote on paper.

# %% tags=["demo"]
out, dx, dy, dz = branching_circuit(-2.0, 3.0, 1.0)
x, y, z = node(-2.0, grad=dx), node(3.0, grad=dy), node(1.0, grad=dz)
total, largest = node(1.0, "+", (x, y), grad=3.0), node(3.0, "max", (y, z), grad=1.0)
product = node(out, "×", (total, largest), grad=1.0)
_ = show_graph(product, {"x": x, "y": y, "z": z}, title="The same, with gradients")

# %% [markdown]
# ## 4. A neuron, in stages
#
# Now a larger circuit, that of the course notes: a neuron with a sigmoid,
#
# $$f(w, x) = \sigma(s) = \frac{1}{1 + e^{-s}}, \qquad
#   s = w_0 x_0 + w_1 x_1 + \dots + w_{D-1} x_{D-1} + w_D . \tag{3}$$
#
# One could write it with gates alone: multiply, add, negate, exp, add one, reciprocal. Walk back
# through the last four, by hand. With $q = e^{-s}$ and $f = 1 / (1 + q)$,
#
# $$\frac{\partial f}{\partial s} =
#   \underbrace{\frac{-1}{(1 + q)^2}}_{1/\cdot} \cdot \underbrace{1}_{1 + \cdot} \cdot
#   \underbrace{e^{-s}}_{\exp} \cdot \underbrace{(-1)}_{-\cdot}
#   = \frac{q}{(1 + q)^2} .$$
#
# **Your step:** write this with $f$ alone, without $q$ and $s$. (Both $f$ and $1 - f$ are fractions
# over $1 + q$.) You get a local gradient so simple that it is worth making *one* gate of the four.
#
# It is better in numbers, too. **Predict before you run:** what are $q$ and $q / (1+q)^2$ for
# $s = -800$, on paper and in float64?

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
with np.errstate(all="ignore"):
    q = np.exp(np.float64(800.0))
    print("q =", q, "  f =", 1 / (1 + q), "  q / (1 + q)² =", q / (1 + q) ** 2)

# %% [markdown]
# The value survives, since $1 / \infty = 0$, and the staged derivative does not. The form that you
# found does. (NumPy warns of the overflow; `with np.errstate(over="ignore"):` says that you know.)
#
# **Staged computation** means: compute and keep the intermediate values on the way forward (here
# $s$ and $f$), and on the way back go through the same stages in reverse, one line for each. Do not
# derive one formula for everything.
#
# The last entry of `w` is the bias $w_D$, which is not multiplied by any input. What is
# $\partial s / \partial w_D$?


# %% nbgrader={"grade": false, "grade_id": "sigmoid_neuron_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sigmoid_neuron_forward(w, x):
    """Compute the output of a neuron with a sigmoid.

    Parameters
    ----------
    w : (D + 1,) array of float
        Weights of the D inputs, and the bias as the last entry.
    x : (D,) array of float
        Inputs.

    Returns
    -------
    out : float
        ``1 / (1 + exp(-s))`` with the score ``s = sum(w[:D] * x) + w[D]``; finite for any score.
    cache : object
        What ``sigmoid_neuron_backward`` needs; of any kind.
    """
    ### BEGIN SOLUTION
    score = np.sum(w[:-1] * x) + w[-1]
    with np.errstate(over="ignore"):  # 1 / (1 + infinity) is 0, which is right
        out = 1.0 / (1.0 + np.exp(-score))
    return out, (w, x, out)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_sigmoid_neuron_forward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# The numbers of the course notes: the score is 2 · (-1) + (-3) · (-2) - 3 = 1.
w, x = np.array([2.0, -3.0, -3.0]), np.array([-1.0, -2.0])
out, _ = sigmoid_neuron_forward(w, x)
assert_close(out, 1 / (1 + np.exp(-1)), name="the output for the score 1")
for size, expected in ((1000.0, 1.0), (-1000.0, 0.0)):
    out, _ = sigmoid_neuron_forward(size * w, x)
    assert_close(out, expected, name=f"the output for the score {size:g}")
print("✓ sigmoid_neuron_forward")


# %% nbgrader={"grade": false, "grade_id": "sigmoid_neuron_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sigmoid_neuron_backward(dout, cache):
    """Compute the gradients of a neuron with a sigmoid.

    Parameters
    ----------
    dout : float
        Upstream gradient.
    cache : object
        From ``sigmoid_neuron_forward``.

    Returns
    -------
    dw : (D + 1,) array of float
        Gradient with respect to w, that of the bias as the last entry.
    dx : (D,) array of float
        Gradient with respect to x.
    """
    ### BEGIN SOLUTION
    w, x, out = cache
    dscore = dout * out * (1.0 - out)
    dw = dscore * np.append(x, 1.0)
    dx = dscore * w[:-1]
    return dw, dx
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_sigmoid_neuron_backward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
w, x = np.array([2.0, -3.0, -3.0]), np.array([-1.0, -2.0])
out, neuron_cache = sigmoid_neuron_forward(w, x)
dw, dx = sigmoid_neuron_backward(1.5, neuron_cache)
assert_shape(dw, (3,), name="dw")
assert_shape(dx, (2,), name="dx")
assert_layer_gradient(lambda w: sigmoid_neuron_forward(w, x)[0], w, 1.5, dw, name="dw")
assert_layer_gradient(lambda x: sigmoid_neuron_forward(w, x)[0], x, 1.5, dx, name="dx")
for size in (1000.0, -1000.0):
    out, neuron_cache = sigmoid_neuron_forward(size * w, x)
    dw, dx = sigmoid_neuron_backward(1.0, neuron_cache)
    assert_close(dw, np.zeros(3), name=f"dw for the score {size:g}")
    assert_close(dx, np.zeros(2), name=f"dx for the score {size:g}")
print("✓ sigmoid_neuron_backward")

# %% [markdown]
# **Predict before you run.** At which score does a sigmoid pass on most of the gradient, and how
# much is that? What is left of a gradient that has come through five sigmoids, at best?

# %% tags=["demo"]
scores = np.linspace(-8, 8, 161)
neurons = [sigmoid_neuron_forward(np.array([1.0, 0.0]), np.array([s])) for s in scores]
outputs = [out for out, _ in neurons]
slopes = [sigmoid_neuron_backward(1.0, neuron_cache)[0][-1] for _, neuron_cache in neurons]
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3), layout="constrained")
left.plot(scores, outputs, color=COLORS[0], label="output σ(s)")
left.plot(scores, slopes, "--", color=COLORS[1], label="local gradient")
left.set(xlabel="score s", ylim=(-0.02, 1.02))
for depth, color in zip((1, 2, 3, 5), COLORS, strict=False):
    label = f"{depth} sigmoid{'s' if depth > 1 else ''}"
    right.semilogy(scores, np.power(slopes, depth), color=color, label=label)
right.set(xlabel="score s in each of them", ylabel="what is left of a gradient")
right.set(ylim=(1e-9, 100), yticks=[1e-8, 1e-6, 1e-4, 1e-2, 1])
for axis, place in ((left, "upper left"), (right, "upper center")):
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, loc=place, fontsize=9, ncols=1 if axis is left else 2)

# %% [markdown]
# In its flat ends a sigmoid is *saturated*: it lets hardly any gradient through, and the weights
# before it hardly learn. Even in the middle each sigmoid costs a factor of four. These **vanishing
# gradients** kept deep networks from being trained for a long time, and are one reason why we shall
# use $\max(0, s)$ below, whose local gradient is 1 wherever it is not 0.
#
# ## 5. Arrays: broadcasting, and back
#
# From here on we build the engine. Its values are arrays, and NumPy **broadcasts** them: in
# `X @ W + b` a bias of shape $(C,)$ is added to each of $N$ rows, in `x * 2` the number 2 meets
# every entry of `x`. Broadcasting is a branching wire: one entry of $b$ is used $N$ times. So (2)
# tells what to do on the way back: **what broadcasting copied, the backward pass adds up.**
#
# The gates return gradients of the shape of `out`. What is missing is a function that sums such a
# gradient back to the shape that the input had. NumPy's rule: shapes are compared from the right;
# an input with fewer axes gets axes of length 1 in front; an axis of length 1 is repeated.
#
# | input | output | sum over axes |
# |:--|:--|:--|
# | $(3,)$ | $(5, 3)$ | 0 |
# | $(5, 1)$ | $(5, 3)$ | **?**, and the result keeps it, with length 1 |
# | $(1, 3)$ | $(2, 5, 3)$ | **?** |
# | $()$ | $(5, 3)$ | **?** |
# | $(5, 3)$ | $(5, 3)$ | none |


# %% nbgrader={"grade": false, "grade_id": "unbroadcast", "locked": false, "schema_version": 3, "solution": true, "task": false}
def unbroadcast(gradient, shape):
    """Sum a gradient over all axes along which an input was broadcast.

    Parameters
    ----------
    gradient : array
        Gradient of the shape of the output.
    shape : tuple of int
        Shape of the input, which broadcasts to that of the gradient.

    Returns
    -------
    array of that shape
        In each entry the sum of the gradients of all its copies.
    """
    ### BEGIN SOLUTION
    gradient = np.asarray(gradient)
    new_axes = gradient.ndim - len(shape)
    gradient = gradient.sum(axis=tuple(range(new_axes)))
    stretched = tuple(i for i, length in enumerate(shape) if length == 1)
    return gradient.sum(axis=stretched, keepdims=True)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_unbroadcast", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
gradient = np.arange(30.0).reshape(2, 5, 3)
for shape in ((5, 3), (3,), (), (2, 5, 3), (2, 5, 1), (2, 1, 3), (1, 3), (5, 1), (1, 1, 1)):
    summed = unbroadcast(gradient, shape)
    assert_shape(summed, shape, name=f"the gradient of an input of shape {shape}")
    # Numerically: the input enters sum(broadcast(input) * gradient) linearly.
    assert_layer_gradient(
        lambda x: np.broadcast_to(x, (2, 5, 3)),
        np.zeros(shape),
        gradient,
        summed,
        name=f"the gradient of an input of shape {shape}",
    )
print("✓ unbroadcast")

# %% [markdown]
# ## 6. Five more gates
#
# The network below needs five more operations. Forward they are a line each, so they are given.
# Look at what they leave in the cache: it is all that you need.


# %%
def exp_gate_forward(x):
    """Return ``exp(x)``, and itself as the cache."""
    out = np.exp(x)
    return out, out


def log_gate_forward(x):
    """Return ``log(x)``, and x as the cache."""
    return np.log(x), x


def power_gate_forward(x, exponent):
    """Return ``x ** exponent`` for a constant exponent, and (x, exponent) as the cache."""
    return x**exponent, (x, exponent)


def sum_gate_forward(x, axis=None, keepdims=False):
    """Return ``x.sum(axis, keepdims=keepdims)``, and (x, axis, keepdims) as the cache."""
    return np.sum(x, axis=axis, keepdims=keepdims), (x, axis, keepdims)


def matmul_gate_forward(x, y):
    """Return ``x @ y`` for matrices of shapes (N, D) and (D, M), and (x, y) as the cache."""
    return x @ y, (x, y)


# %% [markdown]
# A gate with one input returns one gradient, not a tuple. The exponential first: why does it cache
# its output and not its input?


# %% nbgrader={"grade": false, "grade_id": "exp_gate_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def exp_gate_backward(dout, cache):
    """Return the gradient of ``exp_gate_forward`` with respect to x.

    Parameters
    ----------
    dout : array
        Upstream gradient, of the shape of ``out``.
    cache : array
        ``exp(x)``, from ``exp_gate_forward``.

    Returns
    -------
    array of the shape of x
    """
    ### BEGIN SOLUTION
    return dout * cache
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_exp_gate_backward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
x, dout = np.array([[0.5, -1.0, 2.0]]), np.array([[3.0, 1.0, -0.5]])
dx = exp_gate_backward(dout, exp_gate_forward(x)[1])
assert_layer_gradient(np.exp, x, dout, dx, name="dx of exp")
print("✓ exp_gate_backward")


# %% nbgrader={"grade": false, "grade_id": "log_gate_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def log_gate_backward(dout, cache):
    """Return the gradient of ``log_gate_forward`` with respect to x.

    Parameters
    ----------
    dout : array
        Upstream gradient, of the shape of ``out``.
    cache : array
        x, from ``log_gate_forward``; all entries are above 0.

    Returns
    -------
    array of the shape of x
    """
    ### BEGIN SOLUTION
    return dout / cache
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_log_gate_backward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
x, dout = np.array([[0.5, 1.0, 3.0]]), np.array([[3.0, 1.0, -0.5]])
dx = log_gate_backward(dout, log_gate_forward(x)[1])
assert_layer_gradient(np.log, x, dout, dx, name="dx of log")
print("✓ log_gate_backward")


# %% nbgrader={"grade": false, "grade_id": "power_gate_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def power_gate_backward(dout, cache):
    """Return the gradient of ``power_gate_forward`` with respect to x; the exponent is constant.

    Parameters
    ----------
    dout : array
        Upstream gradient, of the shape of ``out``.
    cache : tuple
        (x, exponent), from ``power_gate_forward``.

    Returns
    -------
    array of the shape of x
    """
    ### BEGIN SOLUTION
    x, exponent = cache
    return dout * exponent * x ** (exponent - 1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_power_gate_backward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
x, dout = np.array([[0.5, -1.0, 3.0]]), np.array([[3.0, 1.0, -0.5]])
for exponent in (2.0, 3.0, -1.0):
    dx = power_gate_backward(dout, power_gate_forward(x, exponent)[1])
    assert_layer_gradient(
        lambda x, exponent=exponent: x**exponent, x, dout, dx, name=f"dx of x ** {exponent:g}"
    )
print("✓ power_gate_backward")

# %% [markdown]
# A sum is the opposite of broadcasting: it adds up what broadcasting would copy. So its backward
# pass copies: **every entry that went into a sum gets the gradient of that sum.** The only
# difficulty are shapes. With `axis=1` and without `keepdims`, `dout` has lost an axis. **Your
# step:** at which place do you have to put it back before `dout` can be broadcast to the shape of
# `x`? (`np.expand_dims`)


# %% nbgrader={"grade": false, "grade_id": "sum_gate_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sum_gate_backward(dout, cache):
    """Return the gradient of ``sum_gate_forward`` with respect to x.

    Parameters
    ----------
    dout : array
        Upstream gradient, of the shape of ``out``.
    cache : tuple
        (x, axis, keepdims), from ``sum_gate_forward``; the axis is ``None`` (all) or an integer.

    Returns
    -------
    array of the shape of x
    """
    ### BEGIN SOLUTION
    x, axis, keepdims = cache
    if axis is not None and not keepdims:
        dout = np.expand_dims(dout, axis)
    return np.broadcast_to(dout, x.shape)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_sum_gate_backward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# A square matrix: a missing axis would not be noticed by its shape.
x, rng = np.arange(9.0).reshape(3, 3), np.random.default_rng(0)
for options in ({}, {"axis": 0}, {"axis": 1}, {"axis": -1, "keepdims": True}, {"keepdims": True}):
    out, gate_cache = sum_gate_forward(x, **options)
    dout = rng.standard_normal(out.shape)
    dx = sum_gate_backward(dout, gate_cache)
    assert_layer_gradient(
        lambda x, options=options: np.sum(x, **options),
        x,
        dout,
        dx,
        name=f"dx of sum with {options}",
    )
print("✓ sum_gate_backward")

# %% [markdown]
# Last the matrix product $Z = X Y$, that is $Z_{ij} = \sum_d X_{id} Y_{dj}$. The entry $X_{id}$
# acts on the whole row $i$ of $Z$, with the weights $Y_{dj}$, so by (2)
# $\partial f / \partial X_{id} = \sum_j \frac{\partial f}{\partial Z_{ij}} Y_{dj}$. **Your step:**
# read this sum over $j$ as a matrix product, and do the same for $Y$. The shapes leave no choice:
# `dx` is $(N, D)$, and you have `dout`, $(N, M)$, and `y`, $(D, M)$.


# %% nbgrader={"grade": false, "grade_id": "matmul_gate_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def matmul_gate_backward(dout, cache):
    """Return the gradients of ``matmul_gate_forward`` with respect to both matrices.

    Parameters
    ----------
    dout : (N, M) array
        Upstream gradient.
    cache : tuple
        (x, y), from ``matmul_gate_forward``, of shapes (N, D) and (D, M).

    Returns
    -------
    dx : (N, D) array
    dy : (D, M) array
    """
    ### BEGIN SOLUTION
    x, y = cache
    return dout @ y.T, x.T @ dout
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_matmul_gate_backward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(1)
x, y = rng.standard_normal((4, 3)), rng.standard_normal((3, 2))
dout = rng.standard_normal((4, 2))
dx, dy = matmul_gate_backward(dout, matmul_gate_forward(x, y)[1])
assert_layer_gradient(lambda x: x @ y, x, dout, dx, name="dx of the product")
assert_layer_gradient(lambda y: x @ y, y, dout, dy, name="dy of the product")
print("✓ matmul_gate_backward")

# %% [markdown]
# ## 7. Values that remember
#
# So far *you* knew in which order to call the backward functions. For a program to know, every
# result has to remember where it came from. That is what the class below is for. It is mere
# bookkeeping, so it is given: a `Value` holds
#
# - `data`, an array, and `grad`, an array of the same shape, zero until a backward pass fills it;
# - `parents`: the Values it was computed from, in order; empty for an input;
# - `operation`, the gate's name, for pictures;
# - `gate_backward` and `cache`: the gate's backward function and what its forward function left.
#
# The operators only translate: `a * b` calls `apply_gate("×", multiply_gate_forward,
# multiply_gate_backward, a, b)`, and so do all others with their gates. A difference is an
# addition, a quotient is a product.


# %%
class Value:
    """An array that remembers how it was computed.

    Parameters
    ----------
    data : array_like
        The value; kept as a copy, in float64.
    parents : sequence of Value
        What it was computed from, in the order of the gate's inputs.
    operation : str
        Name of the gate.
    gate_backward : callable, optional
        The gate's backward function.
    cache : object
        What the gate's forward function left for it.
    """

    # NumPy leaves `array * value` to Value.__rmul__, instead of trying it entry by entry.
    __array_ufunc__ = None

    def __init__(self, data, parents=(), operation="", gate_backward=None, cache=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = np.zeros_like(self.data)
        self.parents = tuple(parents)
        self.operation = operation
        self.gate_backward = gate_backward
        self.cache = cache

    def __repr__(self):
        """Return data and operation as text."""
        return f"Value({self.data}, operation={self.operation!r})"

    def parent_gradients(self):
        """Send ``grad`` back through the gate: a tuple with one gradient for each parent.

        They have the shape that the gate gives them, which is not yet that of the parents.
        """
        if not self.parents:
            return ()
        gradients = self.gate_backward(self.grad, self.cache)
        return (gradients,) if len(self.parents) == 1 else tuple(gradients)

    def backward(self):
        """Fill in ``grad`` of everything that this value was computed from."""
        backpropagate(self)

    def add(self, other):
        """Return ``self + other``."""
        return apply_gate("+", add_gate_forward, add_gate_backward, self, other)

    def multiply(self, other):
        """Return ``self * other``, entry by entry."""
        return apply_gate("×", multiply_gate_forward, multiply_gate_backward, self, other)

    def maximum(self, other):
        """Return the larger of the two, entry by entry."""
        return apply_gate("max", max_gate_forward, max_gate_backward, self, other)

    def matmul(self, other):
        """Return the matrix product ``self @ other``."""
        return apply_gate("@", matmul_gate_forward, matmul_gate_backward, self, other)

    def exp(self):
        """Return the exponential."""
        return apply_gate("exp", exp_gate_forward, exp_gate_backward, self)

    def log(self):
        """Return the natural logarithm."""
        return apply_gate("log", log_gate_forward, log_gate_backward, self)

    def power(self, exponent):
        """Return ``self ** exponent`` for a number as the exponent."""
        name = f"^{exponent:g}".replace("-", "\N{MINUS SIGN}")
        return apply_gate(name, power_gate_forward, power_gate_backward, self, exponent=exponent)

    def sum(self, axis=None, keepdims=False):
        """Return the sum over an axis, or over all entries."""
        return apply_gate(
            "sum", sum_gate_forward, sum_gate_backward, self, axis=axis, keepdims=keepdims
        )

    __add__ = __radd__ = add
    __mul__ = __rmul__ = multiply
    __matmul__ = matmul
    __pow__ = power

    def __rmatmul__(self, other):
        """Return ``other @ self``."""
        return apply_gate("@", matmul_gate_forward, matmul_gate_backward, other, self)

    def __neg__(self):
        """Return ``-self``."""
        return self * -1.0

    def __sub__(self, other):
        """Return ``self - other``."""
        return self + (-other)

    def __rsub__(self, other):
        """Return ``other - self``."""
        return other + (-self)

    def __truediv__(self, other):
        """Return ``self / other``."""
        return self * other**-1.0

    def __rtruediv__(self, other):
        """Return ``other / self``."""
        return other * self**-1.0


# %% [markdown]
# All of these lead to `apply_gate`, the forward pass of the engine. **Your step:** write it.
#
# 1. Inputs that are no Values (numbers, arrays) become ones: these are constants of the graph.
# 2. Call `forward` with the *data* of all inputs, and with the options.
# 3. Return a new Value with everything it is to remember.


# %% nbgrader={"grade": false, "grade_id": "apply_gate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def apply_gate(operation, forward, backward, *inputs, **options):
    """Compute with a gate, and remember how.

    Parameters
    ----------
    operation : str
        Name of the gate.
    forward : callable
        ``forward(*arrays, **options) -> out, cache``.
    backward : callable
        ``backward(dout, cache)``; not called here.
    *inputs : Value, array or float
        Inputs of the gate; those that are no Values are made into ones.
    **options
        Passed on to `forward`.

    Returns
    -------
    Value
        With `out` as its data, and its parents, operation, gate_backward and cache set.
    """
    ### BEGIN SOLUTION
    parents = [v if isinstance(v, Value) else Value(v) for v in inputs]
    out, gate_cache = forward(*(parent.data for parent in parents), **options)
    return Value(out, parents, operation, backward, gate_cache)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_apply_gate", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
a = Value([[1.0, -2.0, 4.0]])
doubled = apply_gate("×", multiply_gate_forward, multiply_gate_backward, a, 2.0)
assert isinstance(doubled, Value), f"apply_gate returned {type(doubled).__name__}, expected a Value"
assert_close(doubled.data, [[2.0, -4.0, 8.0]], name="the data of a × 2")
assert len(doubled.parents) == 2, f"a × 2 has {len(doubled.parents)} parents, expected 2"
assert doubled.parents[0] is a, "the first parent of a × 2 is not a itself: do not make a new Value"
assert isinstance(doubled.parents[1], Value), "the parent 2 of a × 2 is no Value: make it one"
assert doubled.operation == "×", f"the operation is {doubled.operation!r}, expected '×'"
gradients = doubled.gate_backward(np.ones((1, 3)), doubled.cache)
assert_close(
    gradients[1], a.data, name="what gate_backward makes of ones and the cache, for the 2,"
)
assert_close(
    a.sum(axis=1).data, [3.0], name="the data of a.sum(axis=1), which passes an option on,"
)
assert_close((1.0 - a / 2.0).data, [[0.5, 2.0, -1.0]], name="the data of 1 - a / 2")
print("✓ apply_gate")

# %% [markdown]
# Every formula that you write with Values now builds its circuit by the way. Here is the neuron of
# section 4, from gates alone and without a backward function of its own; no gradients yet.


# %% tags=["demo"]
def neuron_of_gates():
    """Return the neuron with the numbers of the course notes, and names for its inputs."""
    w = [Value(number) for number in (2.0, -3.0, -3.0)]
    x = [Value(number) for number in (-1.0, -2.0)]
    score = w[0] * x[0] + w[1] * x[1] + w[2]
    out = 1.0 / (1.0 + (-score).exp())
    return out, {"w0": w[0], "x0": x[0], "w1": w[1], "x1": x[1], "w2": w[2], "s": score, "f": out}


output, names = neuron_of_gates()
_ = show_graph(output, names, title="A neuron, as the engine sees it")

# %% [markdown]
# ## 8. In which order?
#
# A gate can send its gradient back only when that is complete: when *everything* that used its
# output has sent its share. Look at this circuit, a **diamond**: $b$ is used by $c$, and also by
# $d$ directly.

# %% tags=["demo"]
a = node(2.0)
b = node(6.0, "×", (a, node(3.0)))
c = node(36.0, "×", (b, b))
d = node(42.0, "+", (c, b))
_ = show_graph(d, {"a": a, "b": b, "c": c, "d": d}, title="d = c + b, c = b · b, b = 3a")

# %% [markdown]
# Coming from $d$, one could visit $b$ at once, since it is a parent of $d$. At that moment it has
# received 1 from $d$, and the 12 from $c$ are still missing. Hand the 1 on to $a$, and $a$ will be
# wrong.
#
# The cure is a **topological order**: a list of all nodes in which each comes *after* all its
# parents. Walked from the end, it visits a node only after everything that used it. **Predict:**
# how many such orders does this circuit have? Does it matter which one you take?
#
# The usual way to find one is a depth-first search: *to list a node, first list its parents, then
# itself, and do nothing if it is listed already.* That is a recursion of three lines, and it works
# until a graph is some thousand nodes deep, as it is after a loop of a few thousand steps; then
# Python ends it with a `RecursionError`. **Your step:** write it with a stack of your own, which
# has no such limit. Two hints:
#
# - Push pairs *(node, are its parents listed?)*. A node is pushed twice: first with `False`, which
#   means "push me again with `True`, and then my parents"; when it comes up with `True`, it is
#   listed.
# - A Value can be in a set, `node in seen`; it is found there by identity, not by its numbers.


# %% nbgrader={"grade": false, "grade_id": "topological_order", "locked": false, "schema_version": 3, "solution": true, "task": false}
def topological_order(output):
    """List everything a node was computed from, and the node, each after its parents.

    Parameters
    ----------
    output : Value
        The last node. Other nodes are found through ``parents``.

    Returns
    -------
    list of Value
        Every node once, in an order in which each comes after all its parents; `output` is the
        last. Works for graphs of any depth.
    """
    ### BEGIN SOLUTION
    order, listed = [], set()
    stack = [(output, False)]
    while stack:
        current, parents_are_listed = stack.pop()
        if current in listed:
            continue
        if parents_are_listed:
            order.append(current)
            listed.add(current)
        else:
            stack.append((current, True))
            stack.extend((parent, False) for parent in current.parents)
    return order
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_topological_order", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
a = Value(1.0)
b = Value(2.0, (a,))
c = Value(3.0, (b, b))
d = Value(4.0, (b, c))
e = Value(5.0, (d, a))
order = topological_order(e)
assert len(order) == len(set(order)) == 5, (
    f"the list has {len(order)} nodes, {len(set(order))} of them different, expected 5, each once"
)
position = {listed: i for i, listed in enumerate(order)}
for listed in order:
    for parent in listed.parents:
        assert position[parent] < position[listed], (
            f"{listed.data} is listed before its parent {parent.data}"
        )
deep = Value(0.0)
for _ in range(5_000):
    deep = Value(0.0, (deep,))
try:
    count = len(topological_order(deep))
except RecursionError:
    raise AssertionError("a chain of 5,001 nodes is too deep to recurse: use a stack") from None
assert count == 5_001, f"of a chain of 5,001 nodes, {count} were listed"
print("✓ topological_order")

# %% [markdown]
# ## 9. The backward pass
#
# Everything is there. **Your step:** put it together.
#
# 1. Every backward pass starts anew: set `grad` of every node of the graph to zeros.
# 2. The gradient of the output with respect to itself is 1. Is the output an array, put ones
#    everywhere; the gradients are then those of the sum of its entries.
# 3. Visit the nodes from the output to the inputs. `parent_gradients()` of a node says what it
#    sends to each of its parents. Sum that back to the parent's shape, and **add** it to what the
#    parent has.
#
# A trap: the add gate may return the *same array* for both inputs, perhaps even `dout` itself. If
# you keep that array as somebody's `grad` and later add to it in place with `+=`, you change all of
# them. `grad = grad + …` makes a new array.


# %% nbgrader={"grade": false, "grade_id": "backpropagate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def backpropagate(output):
    """Compute the gradient of a node with respect to everything it was computed from.

    Parameters
    ----------
    output : Value
        Its graph's nodes get, as ``grad``, the derivatives of the sum of the entries of
        ``output.data``. Former contents of ``grad`` do not count.
    """
    ### BEGIN SOLUTION
    order = topological_order(output)
    for current in order:
        current.grad = np.zeros_like(current.data)
    output.grad = np.ones_like(output.data)
    for current in reversed(order):
        for parent, gradient in zip(current.parents, current.parent_gradients(), strict=True):
            parent.grad = parent.grad + unbroadcast(gradient, parent.data.shape)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_backpropagate", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
x, y, z = Value(-2.0), Value(3.0), Value(1.0)
out = (x + y) * y.maximum(z)
backpropagate(out)
for name, value, expected in zip("xyz", (x, y, z), (3.0, 4.0, 0.0), strict=True):
    assert_close(value.grad, expected, name=f"the gradient of {name} in the circuit of section 1")
backpropagate(out)
assert_close(y.grad, 4.0, name="the gradient of y after a second backward pass")

a = Value(2.0)
b = 3.0 * a
backpropagate(b * b + b)
assert_close(b.grad, 13.0, name="the gradient of b in the diamond")
assert_close(a.grad, 39.0, name="the gradient of a in the diamond")

x, y = Value(1.0), Value(2.0)
backpropagate((x + y) + x)
assert_close(y.grad, 1.0, name="the gradient of y in (x + y) + x")
assert_close(x.grad, 2.0, name="the gradient of x in (x + y) + x")


def every_gate(X, w, b):
    """Return a number that all gates have helped to compute, with broadcasting at every corner."""
    hidden = (X @ w + b).maximum(0.1)
    return ((hidden**2.0).sum(axis=1) / (1.0 + hidden.exp()).log().sum(axis=0)).sum()


rng = np.random.default_rng(2)
arrays = [rng.standard_normal(shape) for shape in ((4, 3), (3, 4), (1, 4))]
values = [Value(array) for array in arrays]
backpropagate(every_gate(*values))
for i, name in enumerate(("X", "w", "b")):

    def f(array, i=i):
        """Compute the number with one array replaced."""
        return every_gate(*(Value(array if j == i else arrays[j]) for j in range(3))).data

    assert_gradient(f, arrays[i], values[i].grad, name=f"the gradient of {name}")
print("✓ backpropagate")

# %% [markdown]
# Now the neuron again, with its gradients. Follow them from the right to the left: at every box you
# can say in words what it does to what arrives. And compare the inputs with your own backward pass
# of section 4, which knew nothing of graphs.

# %% tags=["demo"]
output, names = neuron_of_gates()
output.backward()
_ = show_graph(output, names, title="The neuron, after backward()")

# %% tags=["demo"]
# NBVAL_CHECK_OUTPUT
_, neuron_cache = sigmoid_neuron_forward(np.array([2.0, -3.0, -3.0]), np.array([-1.0, -2.0]))
dw, dx = sigmoid_neuron_backward(1.0, neuron_cache)
output, names = neuron_of_gates()
output.backward()
for name, by_hand in zip(("w0", "w1", "w2", "x0", "x1"), (*dw, *dx), strict=True):
    print(f"d{name}:  engine {float(names[name].grad):7.4f}   by hand {by_hand:7.4f}")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_reuse", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 2
#
# (a) Our backward pass sets all gradients to zero first. PyTorch does not: it adds to what is
# there, and one has to call `zero_grad()`. Give a use for that, and the mistake it invites. (b)
# After the forward pass and before `backward()`, somebody updates a weight *in place*, `W.data -=
# 0.1`, where $W$ goes into a multiply gate. Which gradients come out wrong: that of $W$, or that of
# the gate's other input? Why?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_reuse", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) The gradient of a sum of losses is the sum of their gradients. So a batch too large for the
# memory can be sent through in pieces, each with its own forward and backward pass, and the pieces
# add up to the gradient of the whole batch (*gradient accumulation*). The mistake: forget
# `zero_grad()`, and every step uses the sum of all gradients since the beginning.
#
# (b) That of the other input $x$. Its gradient is `dout * W`, and the cache holds the very array
# that was changed, not a copy: backward uses the new $W$, with which nothing was computed. The
# gradient of $W$ is `dout * x` and stays right. (PyTorch counts the changes of every tensor and
# raises an exception in such a case.)

# %% [markdown]
# ## 10. A two-layer network
#
# The network with a hidden layer of $H$ units, for a batch of $N$ inputs with $D$ numbers each:
#
# $$h = \max(0,\; X W_1 + b_1), \qquad s = h\, W_2 + b_2, \qquad
#   L = \frac1N \sum_i \Big( \log \sum_k e^{s_{ik}} - s_{i y_i} \Big) . \tag{4}$$
#
# The maximum with 0, entry by entry, is called **ReLU**. $L$ is the softmax cross-entropy that you
# know. First this loss, on the engine. Everything must be done by Values, or the gradient gets lost
# on the way. Two hints:
#
# - Indexing is not one of our gates. The score of the true class is the sum over classes of the
#   scores times an array of zeros and ones, which is a constant: `np.eye(C)[y]`.
# - Large scores must not overflow, so shift each row by its maximum. May the maximum be a constant,
#   computed from `scores.data`? It depends on the scores, after all! **Think:** by how much does
#   $L$ change if all scores of a row are shifted by the same number, and what is therefore the
#   derivative of $L$ with respect to the shift?


# %% nbgrader={"grade": false, "grade_id": "cross_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cross_entropy(scores, y):
    """Compute the softmax cross-entropy of a batch, on the engine.

    Parameters
    ----------
    scores : Value, (N, C)
        Scores of any size.
    y : (N,) array of int
        Labels, ``0 <= y[i] < C``.

    Returns
    -------
    Value, a single number
        Mean over the batch of ``log(sum(exp(scores[i]))) - scores[i, y[i]]``; finite, as are its
        gradients.
    """
    ### BEGIN SOLUTION
    N, C = scores.data.shape
    shifted = scores - scores.data.max(axis=1, keepdims=True)
    log_sums = shifted.exp().sum(axis=1).log()
    true_scores = (shifted * np.eye(C)[y]).sum(axis=1)
    return (log_sums - true_scores).sum() / N
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_cross_entropy", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
scores, y = np.log([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0]]), np.array([2, 0])
loss = cross_entropy(Value(scores), y)
assert isinstance(loss, Value), f"the loss is a {type(loss).__name__}, expected a Value"
assert_close(loss.data, -np.log([5 / 8, 3 / 8]).mean(), name="the loss")
for name, shift in (("the scores", 0.0), ("scores of ten thousand", np.array([[1e4], [-1e4]]))):
    values = Value(scores + shift)
    loss = cross_entropy(values, y)
    assert_finite(loss.data, name=f"the loss for {name}")
    loss.backward()
    expected = np.array([[1 / 8, 2 / 8, -3 / 8], [-5 / 8, 3 / 8, 2 / 8]]) / 2
    assert_close(values.grad, expected, name=f"the gradient of {name}")
print("✓ cross_entropy")


# %% nbgrader={"grade": false, "grade_id": "two_layer_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def two_layer_loss(X, y, W1, b1, W2, b2):
    """Compute the loss (4) of a two-layer network on the engine.

    Parameters
    ----------
    X : (N, D) array of float
        Inputs.
    y : (N,) array of int
        Labels.
    W1, b1, W2, b2 : Value, of shapes (D, H), (H,), (H, C), (C,)
        Parameters.

    Returns
    -------
    Value, a single number
        The loss; after ``backward()`` the parameters hold their gradients.
    """
    ### BEGIN SOLUTION
    hidden = (X @ W1 + b1).maximum(0.0)
    return cross_entropy(hidden @ W2 + b2, y)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_two_layer_loss", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def small_network(rng, inputs=4, hidden=5, classes=3):
    """Return the parameters of a small network, as arrays."""
    shapes = {"W1": (inputs, hidden), "b1": (hidden,), "W2": (hidden, classes), "b2": (classes,)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


rng = np.random.default_rng(3)
X, y, arrays = rng.standard_normal((6, 4)), np.array([0, 2, 1, 1, 0, 2]), small_network(rng)
zeros = {name: Value(np.zeros_like(array)) for name, array in arrays.items()}
assert_close(two_layer_loss(X, y, **zeros).data, np.log(3), name="the loss of a network of zeros")
values = {name: Value(array) for name, array in arrays.items()}
loss = two_layer_loss(X, y, **values)
loss.backward()
for name in arrays:

    def f(array, name=name):
        """Compute the loss with one parameter replaced."""
        return two_layer_loss(X, y, **{**values, name: Value(array)}).data

    assert_gradient(f, arrays[name], values[name].grad, name=f"the gradient of {name}")
print("✓ two_layer_loss")

# %% [markdown]
# This is the whole graph of the loss, with the shapes of all arrays. `show_graph` draws any Value,
# also of your own: it is the best way to find out why a gradient is 0.
#
# **Predict before you run.** Where in this picture does a bias get its gradient summed over the
# batch?

# %% tags=["demo"]
rng = np.random.default_rng(3)
X, y = rng.standard_normal((6, 4)), np.array([0, 2, 1, 1, 0, 2])
values = {name: Value(array) for name, array in small_network(rng).items()}
loss = two_layer_loss(X, y, **values)
loss.backward()
_ = show_graph(loss, {**values, "L": loss}, inch=1.05, title="The loss of a two-layer network")

# %% [markdown]
# Each bias, without a batch axis, meets an array of six rows in a +: on the way back along that
# wire `unbroadcast` sums over the rows. And if your shift is a constant in the graph, look at its
# gradient: it is zero, up to rounding, which answers the question above. $L$ does not change with
# the shift, so there is nothing to differentiate.
#
# Now the same by hand, without the engine. You have done all parts: the softmax loss has
# $\partial L / \partial s_{ik} = (p_{ik} - \mathbb{1}[k = y_i]) / N$ (derived in the softmax notebook;
# above the engine has found it by itself), then a bias (what broadcasting copied …), a matrix product, a
# maximum with 0, a bias, a matrix product. **Your step:** write it as staged computation, one line
# for each array on the way back, with a shape for each: `dscores`, `db2`, `dW2`, `dhidden`,
# `dsums`, `db1`, `dW1`.


# %% nbgrader={"grade": false, "grade_id": "two_layer_loss_by_hand", "locked": false, "schema_version": 3, "solution": true, "task": false}
def two_layer_loss_by_hand(X, y, W1, b1, W2, b2):
    """Compute the loss (4) of a two-layer network and its gradients, with NumPy alone.

    Parameters
    ----------
    X : (N, D) array of float
        Inputs.
    y : (N,) array of int
        Labels.
    W1, b1, W2, b2 : arrays of float, of shapes (D, H), (H,), (H, C), (C,)
        Parameters.

    Returns
    -------
    loss : float
        The loss.
    gradients : dict
        The gradients, arrays of the shapes of the parameters, as ``"W1"``, ``"b1"``, ``"W2"`` and
        ``"b2"``.
    """
    ### BEGIN SOLUTION
    N = X.shape[0]
    true_class = np.arange(N), y
    sums = X @ W1 + b1
    hidden = np.maximum(sums, 0)
    scores = hidden @ W2 + b2
    scores = scores - scores.max(axis=1, keepdims=True)
    exponentials = np.exp(scores)
    normalisers = exponentials.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(normalisers[:, 0]) - scores[true_class])

    dscores = exponentials / normalisers
    dscores[true_class] -= 1
    dscores /= N
    dhidden = dscores @ W2.T
    dsums = dhidden * (sums > 0)
    gradients = {
        "W1": X.T @ dsums,
        "b1": dsums.sum(axis=0),
        "W2": hidden.T @ dscores,
        "b2": dscores.sum(axis=0),
    }
    return loss, gradients
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_two_layer_loss_by_hand", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(4)
X, y, arrays = rng.standard_normal((6, 4)), np.array([0, 2, 1, 1, 0, 2]), small_network(rng)
loss, gradients = two_layer_loss_by_hand(X, y, **arrays)
zeros = {name: np.zeros_like(array) for name, array in arrays.items()}
assert_close(two_layer_loss_by_hand(X, y, **zeros)[0], np.log(3), name="the loss of zeros")
for name in ("b2", "W2", "b1", "W1"):

    def f(array, name=name):
        """Compute the loss with one parameter replaced."""
        return two_layer_loss_by_hand(X, y, **{**arrays, name: array})[0]

    assert_gradient(f, arrays[name], gradients[name], name=f"d{name}")

values = {name: Value(array) for name, array in arrays.items()}
on_engine = two_layer_loss(X, y, **values)
on_engine.backward()
assert_close(loss, on_engine.data, name="the loss by hand, compared to the engine,")
for name in arrays:
    assert_close(gradients[name], values[name].grad, name=f"d{name}, compared to the engine,")
print("✓ two_layer_loss_by_hand")

# %% [markdown]
# Three ways to the same gradient. How exact are they, and what do they cost?
#
# The numerical gradient takes two evaluations of the loss for every parameter and depends on the
# step $h$. **Predict before you run:** how does its error change as $h$ becomes smaller and
# smaller? And how much slower will it be than the others for a network with a few hundred
# parameters?


# %% tags=["demo"]
@cache
def errors_of_steps():
    """Return steps h and, for each, the relative error of the numerical gradient of W1."""
    rng = np.random.default_rng(5)
    X, y, arrays = rng.standard_normal((50, 4)), rng.integers(3, size=50), small_network(rng)
    exact = two_layer_loss_by_hand(X, y, **arrays)[1]["W1"]
    steps = np.logspace(-1, -13, 25)

    def loss(W1):
        return two_layer_loss_by_hand(X, y, **{**arrays, "W1": W1})[0]

    errors = [
        np.linalg.norm(numerical_gradient(loss, arrays["W1"], h=h) - exact) / np.linalg.norm(exact)
        for h in steps
    ]
    values = {name: Value(array) for name, array in arrays.items()}
    two_layer_loss(X, y, **values).backward()
    engine = np.linalg.norm(values["W1"].grad - exact) / np.linalg.norm(exact)
    return steps, errors, max(engine, 1e-17)


steps, errors, engine_error = errors_of_steps()
fig, axis = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
axis.loglog(steps, errors, "o-", color=COLORS[0], markersize=4)
axis.annotate("numerical gradient", (3e-8, 3e-6), color=COLORS[0])
axis.axhline(engine_error, linestyle="--", color=COLORS[1])
axis.annotate(
    "engine against by hand",
    (1e-13, engine_error),
    (0, 5),
    color=COLORS[1],
    textcoords="offset points",
)
axis.set(xlabel="step h", ylabel="relative error of dW1")
axis.spines[["top", "right"]].set_visible(False)

# %% tags=["demo"]
rng = np.random.default_rng(6)
X, y = rng.standard_normal((200, 20)), rng.integers(5, size=200)
arrays = small_network(rng, inputs=20, hidden=10, classes=5)


def gradient_numerically():
    """Compute all gradients by centred differences."""
    for name in arrays:
        numerical_gradient(
            lambda a, name=name: two_layer_loss_by_hand(X, y, **{**arrays, name: a})[0],
            arrays[name],
        )


def gradient_by_engine():
    """Compute all gradients on the engine."""
    two_layer_loss(X, y, **{name: Value(array) for name, array in arrays.items()}).backward()


gradient_by_engine()  # warm up
two_layer_loss_by_hand(X, y, **arrays)
times = {
    "numerical": timeit.timeit(gradient_numerically, number=1),
    "engine": timeit.timeit(gradient_by_engine, number=20) / 20,
    "by hand": timeit.timeit(lambda: two_layer_loss_by_hand(X, y, **arrays), number=20) / 20,
}
count = sum(array.size for array in arrays.values())
_ = plot_times(times, title=f"All {count} partial derivatives")

# %% [markdown]
# Read the curve from the right. A long step is bad, and worse where it pushes some hidden unit
# across the kink of its maximum: hence the jump. After that the error falls with the *square* of
# $h$, until the rounding of the loss, which is divided by $2h$, takes over. A numerical gradient
# never has more than about ten right digits; the engine has all that float64 can hold. And it needs
# *one* backward pass, whatever the number of parameters. For its convenience it pays with Python
# calls for every node, which matter less and less as arrays grow.

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_cost", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 3
#
# A network computes one loss from a million parameters. (a) The chain rule can also be evaluated
# from left to right (*forward mode*): take one input and compute, gate by gate, how much each value
# moves with it. Why does nobody train networks in this way? (b) For which functions would forward
# mode be the better choice? (c) What does reverse mode pay for its speed that forward mode need
# not, and how does that grow with the number of layers?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_cost", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# (a) One forward-mode pass gives the derivatives of everything with respect to *one* input; a
# million parameters take a million passes. One reverse-mode pass gives the derivatives of *one*
# output with respect to everything, for about twice the cost of the forward pass.
#
# (b) For functions with few inputs and many outputs: a curve in space as a function of time, say,
# or the product of a Jacobian with one given direction.
#
# (c) Memory. The caches of all gates are needed on the way back, so they have to be kept until
# then: memory grows in proportion to the depth (and to the batch). Forward mode can forget a value
# as soon as it has been used. The remedy where memory is short is *checkpointing*: keep only some
# values, and compute the others again during the backward pass.

# %% [markdown]
# ## 11. It learns
#
# A gradient is good for descent. Three spirals, wound into each other, are as far from linearly
# separable as one can get. A linear classifier and a two-layer network are trained on them with the
# same few lines. Neither has a backward function; the engine has one for all.
#
# **Predict before you run.** What do the regions of the linear classifier look like? How many of
# the points can it get right? How many hidden units will a network need to follow the spirals?


# %%
def three_spirals(rng, points=100):
    """Return points on three spirals, (3 * points, 2), and the spiral of each, (3 * points,)."""
    radius = np.tile(np.linspace(0.05, 1.0, points), 3)
    y = np.repeat(np.arange(3), points)
    angle = 4.2 * radius + 2 * np.pi / 3 * y + 0.17 * rng.standard_normal(3 * points)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), y


def descend(loss_fn, parameters, learning_rate, num_iters):
    """Minimise ``loss_fn(**values)`` by gradient descent; return parameters and losses."""
    values = {name: Value(array) for name, array in parameters.items()}
    losses = []
    for _ in range(num_iters):
        loss = loss_fn(**values)
        loss.backward()
        losses.append(float(loss.data))
        # New Values: the caches of the old graph keep their arrays.
        values = {n: Value(v.data - learning_rate * v.grad) for n, v in values.items()}
    return {name: value.data for name, value in values.items()}, losses


# %% tags=["demo"]
@cache
def linear_on_spirals():
    """Train a linear classifier on the spirals."""
    X, y = three_spirals(np.random.default_rng(7))
    start = {"W": np.zeros((2, 3)), "b": np.zeros(3)}
    return descend(lambda W, b: cross_entropy(X @ W + b, y), start, 0.5, 2000)


@cache
def network_on_spirals(hidden):
    """Train a two-layer network on the spirals."""
    X, y = three_spirals(np.random.default_rng(7))
    rng = np.random.default_rng(8)
    start = small_network(rng, inputs=2, hidden=hidden, classes=3)
    start["W2"] *= 1 / np.sqrt(hidden)
    return descend(lambda **values: two_layer_loss(X, y, **values), start, 0.5, 2000)


def network_scores(parameters, points):
    """Compute the scores of a trained network."""
    hidden = np.maximum(points @ parameters["W1"] + parameters["b1"], 0)
    return hidden @ parameters["W2"] + parameters["b2"]


X, y = three_spirals(np.random.default_rng(7))
linear, _ = linear_on_spirals()
predictors = {"linear": lambda points: points @ linear["W"] + linear["b"]}
for units in (5, 50):
    trained, _ = network_on_spirals(units)
    predictors[f"{units} hidden units"] = lambda p, trained=trained: network_scores(trained, p)
fig, axes = plt.subplots(1, 3, figsize=(11, 3.9), layout="constrained")
for axis, (name, scores_of) in zip(axes, predictors.items(), strict=True):
    right = np.mean(scores_of(X).argmax(axis=1) == y)
    _ = plot_decision_regions(scores_of, X, y, title=f"{name}: {right:.0%} right", ax=axis)
    axis.set(xticks=[], yticks=[])

# %% tags=["demo"]
histories = {"linear": linear_on_spirals()[1]}
histories |= {f"{units} hidden units": network_on_spirals(units)[1] for units in (5, 50)}
_ = plot_losses(histories, smooth=1, log=True, title="Loss on the spirals")

# %% [markdown]
# Each hidden unit is one straight fold of the plane, $\max(0, \cdot)$ of a linear function. A few
# folds give a rough outline; fifty follow the spirals. All of it was found by descent along
# gradients that nobody derived.
#
# ## Questions you may be asked in an interview
#
# **What is backpropagation, in two sentences?** The chain rule, evaluated from the output to the
# inputs of a computational graph, with every intermediate gradient computed once and used for all
# inputs. It is reverse-mode automatic differentiation, for a scalar output.
#
# **How does it differ from symbolic and from numerical differentiation?** Symbolic differentiation
# makes a formula, which can grow exponentially, since shared parts are written out again. Numerical
# differentiation evaluates the function twice per parameter and loses a third of the digits.
# Automatic differentiation computes numbers, exact up to rounding, for a small multiple of the
# function's cost.
#
# **Why are gradients added where a value is used twice?** By the multivariate chain rule: a small
# change reaches the output on every path, and the effects add up. In an engine that is the `+` in
# "accumulate"; broadcasting is the same thing in disguise.
#
# **Why a topological order?** A node may send its gradient on only when it is complete. Visited too
# early, it sends a part; visited once per path, it costs exponentially many visits in a chain of
# diamonds.
#
# **What does a framework keep in memory between forward and backward?** Whatever the gates cached:
# usually their inputs or outputs, so that activations, not parameters, fill the memory during
# training. In evaluation nothing needs to be kept (`torch.no_grad()`).
#
# **What happens at the kink of a ReLU?** There is no derivative. Any number between the left and
# the right one (a *subgradient*) will do, and frameworks take 0. Among random floats it hardly
# matters, except where exact zeros are common.
#
# **What is a vector-Jacobian product?** What a `…_backward` function computes: `dout` times the
# Jacobian of the gate, without ever forming that. The Jacobian of a matrix product of 1000×1000
# matrices would have $10^{12}$ entries; its product with `dout` is two matrix products.
#
# **How would you add an operation to such an engine?** One forward function, one backward function,
# and a check of the second against centred differences.
#
# ## Read more
#
# - CS231n notes, [Backpropagation, intuitions](https://cs231n.github.io/optimization-2/): circuits,
#   gates, staged computation, and the neuron of section 4.
# - A. Karpathy, [micrograd](https://github.com/karpathy/micrograd): an engine for single numbers,
#   in a hundred lines, and a lecture that builds it.
# - C. Olah, [Calculus on computational graphs](https://colah.github.io/posts/2015-08-Backprop/),
#   2015: forward and reverse mode in pictures.
# - A. G. Baydin, B. A. Pearlmutter, A. A. Radul, J. M. Siskind, [Automatic differentiation in
#   machine learning: a survey](https://www.jmlr.org/papers/v18/17-468.html), 2018: the whole field.

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
# # Training in practice: the babysitting of a network
#
# **Goal.** Most failed trainings show early, and in plain numbers, what is wrong with them. You write
# the few functions that read those numbers, and a search for hyperparameters.

# %%
import matplotlib.pyplot as plt
import numpy as np

from cs231n_lib.checking import assert_close

# %% [markdown]
# ## 1. The loss before the first step
#
# A network that knows nothing gives each of $C$ classes the probability $1/C$. **Your step:** what is
# its cross-entropy loss?


# %% nbgrader={"grade": false, "grade_id": "expected_initial_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def expected_initial_loss(num_classes):
    """Return the softmax loss of a network that gives every class the same probability."""
    ### BEGIN SOLUTION
    return np.log(num_classes)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_expected_initial_loss", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
assert_close(expected_initial_loss(10), 2.302585, name="the loss for ten classes")
print("✓ expected_initial_loss")

# %% [markdown]
# ## 2. How far does a step go?
#
# Compare the length of an update with the length of the weights:
# $\lVert w' - w \rVert / \lVert w \rVert$. A ratio near $10^{-3}$ is usual.


# %% nbgrader={"grade": false, "grade_id": "update_ratio", "locked": false, "schema_version": 3, "solution": true, "task": false}
def update_ratio(w, next_w):
    """Return the norm of the update from w to next_w (same shape) over the norm of w."""
    ### BEGIN SOLUTION
    return np.linalg.norm(np.ravel(next_w - w)) / np.linalg.norm(np.ravel(w))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_update_ratio", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
w = np.array([[3.0, 0.0], [0.0, 4.0]])
assert_close(update_ratio(w, w + 0.5), 0.2, name="the ratio")
print("✓ update_ratio")

# %% [markdown]
# ## 3. A range test
#
# Try learning rates in equal factors from `low` to `high`, and stop at the first that wrecks the loss.


# %% nbgrader={"grade": false, "grade_id": "learning_rate_range_test", "locked": false, "schema_version": 3, "solution": true, "task": false}
def learning_rate_range_test(loss_at, low, high, num):
    """Call loss_at(rate) for up to num rates, evenly spaced in log space, ends included.

    Stop after a loss that is not finite or is over 4 times the smallest so far.
    Return (rates, losses) as tried, the last one included.
    """
    ### BEGIN SOLUTION
    rates, losses = [], []
    for rate in np.geomspace(low, high, num):
        rates.append(float(rate))
        losses.append(float(loss_at(rates[-1])))
        if not np.isfinite(losses[-1]) or losses[-1] > 4 * min(losses):
            break
    return rates, losses
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_learning_rate_range_test", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
rates, losses = learning_rate_range_test(lambda rate: 1.0 + 100 * rate**2, 1e-3, 10.0, 5)
assert_close(rates, [1e-3, 1e-2, 1e-1, 1.0], name="rates, up to the first that wrecks the loss,")
assert len(losses) == 4, "the loss that ends the test is returned as well"
print("✓ learning_rate_range_test")

# %% [markdown]
# ## 4. Read the curves
#
# A run's history holds `loss`, `train_acc` and `val_acc` (one value per epoch), `num_classes` $C$ and
# `dead_fraction`, the share of units that are zero for all images at the end. The first rule that
# holds, from top to bottom, is the verdict:
#
# | verdict | holds if |
# |:--|:--|
# | `"learning rate too high"` | a loss is not finite, or the last is over 1.5 times the first |
# | `"bad initialisation"` | the first loss is over $2 \log C$ |
# | `"dead units"` | `dead_fraction` is over 0.5 |
# | `"bug in the data"` | last training accuracy over 0.9, last validation accuracy below $1.5 / C$ |
# | `"overfitting"` | last training accuracy over 0.15 above last validation accuracy |
# | `"learning rate too low"` | last training accuracy below 0.6, last loss below 0.95 times `loss[len(loss) // 2]` |
# | `"underfitting"` | last training accuracy below 0.6 |
# | `"good run"` | none of these |


# %% nbgrader={"grade": false, "grade_id": "diagnose", "locked": false, "schema_version": 3, "solution": true, "task": false}
def diagnose(history):
    """Return the verdict, a string of the table, on a run's history, a dict."""
    ### BEGIN SOLUTION
    loss, classes = np.asarray(history["loss"], dtype=float), history["num_classes"]
    train, val = history["train_acc"][-1], history["val_acc"][-1]
    if not np.isfinite(loss).all() or loss[-1] > 1.5 * loss[0]:
        return "learning rate too high"
    if loss[0] > 2 * np.log(classes):
        return "bad initialisation"
    if history["dead_fraction"] > 0.5:
        return "dead units"
    if train > 0.9 and val < 1.5 / classes:
        return "bug in the data"
    if train - val > 0.15:
        return "overfitting"
    if train < 0.6:
        falling = loss[-1] < 0.95 * loss[len(loss) // 2]
        return "learning rate too low" if falling else "underfitting"
    return "good run"
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_diagnose", "locked": true, "points": 16, "schema_version": 3, "solution": false, "task": false}
run = {
    "loss": [2.3, 1.2, 0.6, 0.5],
    "train_acc": [0.1, 0.6, 0.8, 0.85],
    "val_acc": [0.1, 0.6, 0.75, 0.8],
}
run = {**run, "num_classes": 10, "dead_fraction": 0.05}
assert diagnose(run) == "good run", "none of the rules holds for this run: it is a good one"
assert diagnose({**run, "dead_fraction": 0.8}) == "dead units", "most units are dead here"
assert diagnose({**run, "loss": [2.3, 9.0, np.nan, np.nan]}) == "learning rate too high", "nan!"
print("✓ diagnose")

# %% [markdown]
# **Eight made-up runs**, ten classes each. **Predict before you run** anything on them: name the
# verdict on each from the picture (solid: training, dashed: validation).


# %%
def made_up_runs():
    """Return eight histories by their letters."""
    t = np.linspace(0, 1, 21)
    fast, slow = 1 - np.exp(-5 * t), t
    kinds = {
        "A": (2.3, 0.1, fast, 0.97, 0.62, 0.1),
        "B": (2.3, 8.0, slow, 0.12, 0.11, 0.1),
        "C": (2.3, 0.6, fast, 0.82, 0.77, 0.1),
        "D": (2.3, 0.15, slow, 0.97, 0.10, 0.1),
        "E": (2.3, 1.7, slow, 0.34, 0.33, 0.1),
        "F": (25.0, 0.7, fast, 0.75, 0.70, 0.1),
        "G": (2.3, 1.6, fast, 0.42, 0.41, 0.1),
        "H": (2.3, 2.0, fast, 0.25, 0.24, 0.9),
    }
    return {
        letter: {
            "loss": first + (last - first) * shape,
            "train_acc": 0.1 + (train - 0.1) * shape,
            "val_acc": 0.1 + (val - 0.1) * shape,
            "num_classes": 10,
            "dead_fraction": dead,
        }
        for letter, (first, last, shape, train, val, dead) in kinds.items()
    }


# %% tags=["demo"]
fig, axes = plt.subplots(2, 8, figsize=(16, 4.4), sharex=True, layout="constrained")
for (letter, run), (top, bottom) in zip(made_up_runs().items(), axes.T, strict=True):
    top.plot(run["loss"], color="C3")
    top.set(title=f"{letter} ({run['dead_fraction']:.0%} dead)", ylim=(0, None))
    bottom.plot(run["train_acc"], color="C0")
    bottom.plot(run["val_acc"], "--", color="C1")
    bottom.set(ylim=(0, 1), xlabel="epoch")
axes[0, 0].set_ylabel("loss")
_ = axes[1, 0].set_ylabel("accuracy")


# %% nbgrader={"grade": false, "grade_id": "eight_verdicts", "locked": false, "schema_version": 3, "solution": true, "task": false}
def eight_verdicts():
    """Return your verdicts on the eight runs, a dict from letter to a string of the table."""
    ### BEGIN SOLUTION
    return {
        "A": "overfitting",
        "B": "learning rate too high",
        "C": "good run",
        "D": "bug in the data",
        "E": "learning rate too low",
        "F": "bad initialisation",
        "G": "underfitting",
        "H": "dead units",
    }
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_eight_verdicts", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
for letter, run in made_up_runs().items():
    assert eight_verdicts()[letter] == diagnose(run), (
        f"you and your diagnose disagree on run {letter}"
    )
print("✓ eight_verdicts")

# %% [markdown]
# ## 5. Early stopping
#
# Stop when the validation accuracy has not beaten its best for `patience` epochs in a row, and go
# back to the best epoch. A tie is no improvement.


# %% nbgrader={"grade": false, "grade_id": "early_stopping", "locked": false, "schema_version": 3, "solution": true, "task": false}
def early_stopping(val_acc, patience):
    """Return (stop, best): the epoch after which to stop (the last if never), and the best so far."""
    ### BEGIN SOLUTION
    best = 0
    for epoch, accuracy in enumerate(val_acc):
        if accuracy > val_acc[best]:
            best = epoch
        if epoch - best >= patience:
            return epoch, best
    return len(val_acc) - 1, best
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_early_stopping", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
assert tuple(early_stopping([0.2, 0.5, 0.4, 0.45, 0.9], 2)) == (3, 1), (
    "two epochs without a new best"
)
print("✓ early_stopping")

# %% [markdown]
# ## 6. Random search
#
# Learning rates and regularisation act by factors: draw their *logarithm* uniformly, each parameter by
# itself. Unlike a grid, every trial then tries a new value of the parameter that matters.


# %% nbgrader={"grade": false, "grade_id": "random_search", "locked": false, "schema_version": 3, "solution": true, "task": false}
def random_search(objective, bounds, num_trials, rng):
    """Call objective(params) for num_trials draws, log-uniform within bounds, {name: (low, high)}.

    Return (best, score): the params (a dict) with the highest score, and that score.
    """
    ### BEGIN SOLUTION
    best, best_score = None, -np.inf
    for _ in range(num_trials):
        params = {k: float(np.exp(rng.uniform(*np.log(b)))) for k, b in bounds.items()}
        score = objective(params)
        if best is None or score > best_score:
            best, best_score = params, score
    return best, best_score
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_random_search", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
seen = []
best, score = random_search(
    lambda p: seen.append(p["rate"]) or -p["rate"],
    {"rate": (1e-4, 1.0)},
    50,
    np.random.default_rng(0),
)
assert len(seen) == 50, "one call of the objective for each trial"
assert best["rate"] == min(seen), "the best trial is the one with the highest score"
assert 0.2 < np.mean(np.array(seen) < 0.01) < 0.8, "draw uniformly in log space"
print("✓ random_search")

# %% [markdown]
# **Predict before you run.** Sixteen trials, one parameter that matters (across) and one that hardly
# does (up). How many different values of the one that matters does a grid try?

# %% tags=["demo"]
seen, bounds = [], {"rate": (1e-4, 1.0), "reg": (1e-6, 1e-2)}
random_search(lambda p: seen.append(p) or 0.0, bounds, 16, np.random.default_rng(3))
grid = [(a, b) for a in np.geomspace(2e-4, 0.5, 4) for b in np.geomspace(2e-6, 5e-3, 4)]
fig, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
points = {"grid": np.array(grid), "random": np.array([(p["rate"], p["reg"]) for p in seen])}
for axis, (name, xy) in zip(axes, points.items(), strict=True):
    axis.loglog(*xy.T, "o", color="C0")
    axis.plot(xy[:, 0], np.full(len(xy), 6e-7), "|", color="C3", markersize=12)
    axis.set(title=f"{name}: {len(np.unique(xy[:, 0].round(9)))} values of rate", xlabel="rate")
_ = axes[0].set_ylabel("reg")

# %% [markdown] nbgrader={"grade": false, "grade_id": "ask_search", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Inline question 1
#
# Why does random search find a better value of the parameter that matters, with as many trials?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_search", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# A grid of sixteen repeats each of four values four times, with changes that hardly matter. Random
# draws try sixteen values, so the best of them lies closer to the optimum as a rule.

# %% [markdown]
# ## Read more
#
# - CS231n notes, [Learning](https://cs231n.github.io/neural-networks-3/)
# - Bergstra and Bengio, [Random search](https://www.jmlr.org/papers/v13/bergstra12a.html), 2012

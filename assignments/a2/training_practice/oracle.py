"""The reference in plain Python floats: formulas and the table of verdicts, entry by entry."""

from __future__ import annotations

import math

import numpy as np


def initial_loss(num_classes, kind="softmax"):
    """Return -log(1 / C), or the sum of C - 1 margins of size 1."""
    if kind == "svm":
        return float(sum(1 for _ in range(num_classes - 1)))
    return -math.log(1 / num_classes)


def ratio(w, after):
    """Return the ratio of two norms, summed entry by entry."""
    pairs = list(zip(np.ravel(w).tolist(), np.ravel(after).tolist(), strict=True))
    step = math.fsum((b - a) ** 2 for a, b in pairs)
    return math.sqrt(step) / math.sqrt(math.fsum(a**2 for a, _ in pairs))


def descend(loss_fn, params, rule, config, num_steps):
    """Return the weights after some steps, and the losses before them."""
    weights = {name: np.array(w, dtype=np.float64) for name, w in params.items()}
    states = {name: dict(config) for name in params}
    losses = []
    for _ in range(num_steps):
        loss, grads = loss_fn({name: w.copy() for name, w in weights.items()})
        losses.append(float(loss))
        moved = {}
        for name in weights:
            moved[name], states[name] = rule(weights[name], grads[name], states[name])
        weights = moved
    return weights, losses


def equal_factors(low, high, num):
    """Return rates from low to high, each the same factor above the last."""
    return [low * (high / low) ** (i / (num - 1)) for i in range(num)]


def range_test(loss_at, low, high, num):
    """Return rates and losses up to the first loss that ends the test."""
    rates, losses, smallest = [], [], math.inf
    for rate in equal_factors(low, high, num):
        loss = loss_at(rate)
        rates.append(rate)
        losses.append(loss)
        if not math.isfinite(loss):
            break
        smallest = min(smallest, loss)
        if loss > 4 * smallest:
            break
    return rates, losses


def picked_rate(rates, losses, beta):
    """Return a tenth of the rate at which the smoothed loss is lowest, by the weighted sums."""
    best = None
    for t in range(len(losses)):
        if not math.isfinite(losses[t]):
            continue
        weights = [beta ** (t - i) for i in range(t + 1)]
        mean = math.fsum(w * x for w, x in zip(weights, losses, strict=False)) / math.fsum(weights)
        if best is None or mean < best[0]:
            best = mean, rates[t]
    return best[1] / 10


def rules(run):
    """Return (verdict, slack) of every rule of the table, from top to bottom.

    The slack is positive where a rule holds and negative where it does not, and its size says how
    clearly: relative to the bar for losses and shares, in units of 0.3 for accuracies.
    """
    loss = [float(v) for v in run["loss"]]
    C, first, m = run["num_classes"], loss[0], len(loss) // 2
    end, middle = sum(loss[-3:]) / 3, sum(loss[m - 1 : m + 2]) / 3
    train = sum(float(v) for v in run["train_acc"][-3:]) / 3
    val = sum(float(v) for v in run["val_acc"][-3:]) / 3
    finite = all(math.isfinite(v) for v in loss)
    poor = (run["target"] - train) / 0.3
    fall = first - end
    late = (middle - end - 0.25 * fall) / (0.5 * max(abs(fall), 0.02 * first)) if finite else 0.0
    return [
        ("learning rate too high", end / first / 1.5 - 1 if finite else math.inf),
        ("bad initialisation", first / (2 * math.log(C)) - 1),
        ("dead units", run["dead_fraction"] / 0.5 - 1),
        ("bug in the data", min((train - 0.9) / 0.3, 1 - val * C / 1.5)),
        ("overfitting", (train - val - 0.15) / 0.3),
        ("learning rate too low", min(poor, late)),
        ("underfitting", poor),
        ("good run", math.inf),
    ]


def verdict(run):
    """Return the verdict on a run, and the least slack of the rules that led to it."""
    least = math.inf
    for name, slack in rules(run):
        least = min(least, abs(slack))
        if slack > 0:
            return name, least
    raise AssertionError("the last rule always holds")


def stopping(val_acc, patience):
    """Return (stop, best): try each epoch as the end, and look back from it."""
    for epoch in range(len(val_acc)):
        so_far = [float(v) for v in val_acc[: epoch + 1]]
        best = so_far.index(max(so_far))
        if epoch - best >= patience:
            return epoch, best
    values = [float(v) for v in val_acc]
    return len(values) - 1, values.index(max(values))

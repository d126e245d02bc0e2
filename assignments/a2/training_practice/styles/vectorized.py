"""Whole arrays: masks, cumulative maxima, meshes, all draws at once, decades instead of e."""

import itertools

import numpy as np


def expected_initial_loss(num_classes, kind="softmax"):
    scores = np.zeros(num_classes)
    losses = {
        "softmax": lambda: np.logaddexp.reduce(scores) - scores[0],
        "svm": lambda: np.maximum(0, scores[1:] - scores[0] + 1).sum(),
    }
    return losses[kind]()


def overfit_handful(loss_fn, params, update_rule, config, num_steps):
    states = {name: (w, config.copy()) for name, w in params.items()}
    losses = np.empty(num_steps)
    for step in range(num_steps):
        losses[step], grads = loss_fn({name: w for name, (w, _) in states.items()})
        states = {n: tuple(update_rule(w, grads[n], own)) for n, (w, own) in states.items()}
    return {name: w for name, (w, _) in states.items()}, losses


def learning_rate_range_test(step, low, high, num_steps):
    rates = 10.0 ** np.linspace(np.log10(low), np.log10(high), num_steps)
    losses = np.array([])
    for rate in rates:
        losses = np.append(losses, step(rate))
        ended = ~np.isfinite(losses) | (losses > 4 * np.minimum.accumulate(losses))
        if ended.any():
            break
    return rates[: len(losses)], losses


def pick_learning_rate(rates, losses, beta=0.8):
    rates, losses = np.asarray(rates), np.asarray(losses)
    finite = np.isfinite(losses)
    rates, losses = rates[finite], losses[finite]
    age = np.subtract.outer(np.arange(len(losses)), np.arange(len(losses)))
    weights = np.where(age >= 0, float(beta) ** np.maximum(age, 0), 0.0)
    smoothed = weights @ losses / weights.sum(axis=1)
    return rates[smoothed.argmin()] / 10


def update_ratio(w, next_w):
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.linalg.norm((next_w - w).ravel()) / np.linalg.norm(w.ravel())
    return np.inf if not w.any() else ratio


def eight_verdicts():
    verdicts = ["overfitting", "learning rate too high", "good run", "bug in the data"]
    verdicts += ["learning rate too low", "bad initialisation", "underfitting", "dead units"]
    return dict(zip("ABCDEFGH", verdicts, strict=True))


def diagnose(history):
    curves = np.array([history[k] for k in ("loss", "train_acc", "val_acc")], dtype=np.float64)
    (end, train, val), first = curves[:, -3:].mean(axis=1), curves[0, 0]
    half, chance = curves.shape[1] // 2, 1 / history["num_classes"]
    middle = np.convolve(curves[0], np.ones(3) / 3, mode="same")[half]
    poor = train < history["target"]
    rules = {
        "learning rate too high": ~np.isfinite(curves[0]).all() | (end > 1.5 * first),
        "bad initialisation": first > -2 * np.log(chance),
        "dead units": history["dead_fraction"] > 0.5,
        "bug in the data": train > 0.9 and val < 1.5 * chance,
        "overfitting": train - val > 0.15,
        "learning rate too low": poor and middle - end > 0.25 * (first - end),
        "underfitting": poor,
        "good run": True,
    }
    return list(rules)[np.argmax([bool(holds) for holds in rules.values()])]


def early_stopping(val_acc, patience):
    curve = np.asarray(val_acc)
    best = np.array([curve[: end + 1].argmax() for end in range(len(curve))])
    ran_out = np.flatnonzero(np.arange(len(curve)) - best >= patience)
    stop = ran_out[0] if ran_out.size else len(curve) - 1
    return np.array([stop, best[stop]])


def grid_search(objective, bounds, num_per_axis):
    axes = [np.geomspace(low, high, num_per_axis) for low, high in bounds.values()]
    points = [dict(zip(bounds, values, strict=True)) for values in itertools.product(*axes)]
    scores = np.array([objective(point) for point in points])
    return points[np.nanargmax(scores)], list(zip(points, scores, strict=True))


def random_search(objective, bounds, num_trials, rng):
    low, high = np.log10(np.array(list(bounds.values()))).T
    draws = 10 ** rng.uniform(low, high, size=(num_trials, len(low)))
    points = [dict(zip(bounds, row, strict=True)) for row in draws]
    scores = [objective(point) for point in points]
    return points[int(np.nanargmax(scores))], list(zip(points, scores, strict=True))

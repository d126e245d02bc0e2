"""Sums by einsum, logarithms of base ten."""

import numpy as np


def expected_initial_loss(num_classes):
    return np.log(num_classes)


def update_ratio(w, next_w):
    return np.sqrt(
        np.einsum("i,i", *[(next_w - w).ravel()] * 2) / np.einsum("i,i", *[w.ravel()] * 2)
    )


def diagnose(history):
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


def early_stopping(val_acc, patience):
    best = 0
    for epoch, accuracy in enumerate(val_acc):
        if accuracy > val_acc[best]:
            best = epoch
        if epoch - best >= patience:
            return epoch, best
    return len(val_acc) - 1, best


def random_search(objective, bounds, num_trials, rng):
    best, best_score = None, -np.inf
    for _ in range(num_trials):
        params = {k: float(10 ** rng.uniform(*np.log10(b))) for k, b in bounds.items()}
        score = objective(params)
        if best is None or score > best_score:
            best, best_score = params, score
    return best, best_score


def learning_rate_range_test(loss_at, low, high, num):
    rates, losses = [], []
    for rate in np.geomspace(low, high, num):
        rates.append(float(rate))
        losses.append(float(loss_at(rates[-1])))
        if not np.isfinite(losses[-1]) or losses[-1] > 4 * min(losses):
            break
    return rates, losses


def eight_verdicts():
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

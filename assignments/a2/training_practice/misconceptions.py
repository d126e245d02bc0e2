"""Known-wrong versions of the functions of training_practice, and the hint that each earns."""

from __future__ import annotations

import math

import numpy as np

from autograder import misconception

HIGH = "learning rate too high"


def verdict(history, *, skip=(), growth=1.5, start=2.0, chance=1.5, classes=None, finite=True):
    """Walk down the table, with one rule changed or left out."""
    loss, count = np.asarray(history["loss"], dtype=float), classes or history["num_classes"]
    train, val = history["train_acc"][-1], history["val_acc"][-1]
    if (finite and not np.isfinite(loss).all()) or loss[-1] > growth * loss[0]:
        return HIGH
    if loss[0] > start * np.log(count) and "start" not in skip:
        return "bad initialisation"
    if history["dead_fraction"] > 0.5 and "dead" not in skip:
        return "dead units"
    if train > 0.9 and val < chance / count and "bug" not in skip:
        return "bug in the data"
    if train - val > 0.15 and "gap" not in skip:
        return "overfitting"
    if train < 0.6:
        slow = loss[-1] < 0.95 * loss[len(loss) // 2]
        if "slow" in skip:
            return "underfitting"
        if "flat" in skip:
            return "learning rate too low"
        return "learning rate too low" if slow else "underfitting"
    return "good run"


def stopped(val_acc, patience, *, ties=False):
    """Return the epoch of stopping and the best one."""
    best = 0
    for epoch, value in enumerate(val_acc):
        if value > val_acc[best] or (ties and value == val_acc[best]):
            best = epoch
        if epoch - best >= patience:
            return epoch, best
    return len(val_acc) - 1, best


def searched(objective, bounds, num_trials, rng, *, linear=False, together=False, sign=1):
    """Search with one thing changed."""
    trials = []
    for _ in range(num_trials):
        shared, params = rng.uniform(), {}
        for name, (low, high) in bounds.items():
            t = shared if together else rng.uniform()
            params[name] = low + t * (high - low) if linear else low * (high / low) ** t
        trials.append((objective(params), params))
    score, best = max(trials, key=lambda trial: sign * trial[0])
    return best, score


@misconception(of="expected_initial_loss", caught_by="loss_is_right")
def loss_in_decades(num_classes):
    """Your logarithm has base 10: the softmax loss uses the natural one, np.log."""
    return math.log10(num_classes)


@misconception(of="expected_initial_loss", caught_by="loss_is_right")
def loss_in_bits(num_classes):
    """Your logarithm has base 2, which gives bits: the softmax loss uses np.log."""
    return math.log2(num_classes)


@misconception(of="expected_initial_loss", caught_by="loss_is_right")
def loss_is_negative(num_classes):
    """The sign is lost: the loss is minus the logarithm of 1 / C."""
    return -math.log(num_classes)


@misconception(of="expected_initial_loss", caught_by="loss_of_one_class")
def loss_of_an_svm(num_classes):
    """You return C, not its logarithm: the loss is -log(1 / C)."""
    return float(num_classes)


@misconception(of="update_ratio", caught_by="ratio_is_right")
def ratio_upside_down(w, next_w):
    """Your ratio is upside down: the update is divided by the weights."""
    return np.linalg.norm((w).ravel()) / np.linalg.norm((next_w - w).ravel())


@misconception(of="update_ratio", caught_by="ratio_is_right")
def ratio_of_weights(w, next_w):
    """You compare the new weights with the old: the numerator is next_w - w."""
    return np.linalg.norm(next_w.ravel()) / np.linalg.norm(w.ravel())


@misconception(of="update_ratio", caught_by="ratio_is_right")
def ratio_by_next(w, next_w):
    """You divide by the norm of the new weights: take those before the step."""
    return np.linalg.norm((next_w - w).ravel()) / np.linalg.norm(next_w.ravel())


@misconception(of="update_ratio", caught_by="ratio_of_a_filter_bank")
def ratio_squared(w, next_w):
    """You forgot the square roots: norms, not sums of squares."""
    return ((next_w - w) ** 2).sum() / (w**2).sum()


@misconception(of="diagnose", caught_by="sees_divergence")
def nan_unseen(history):
    """A loss that is not a number compares as False with everything: test np.isfinite first."""
    return verdict(history, finite=False)


@misconception(of="diagnose", caught_by="sees_bad_start")
def start_unseen(history):
    """You do not look at the first loss: over 2 log C, the initialisation is bad."""
    return verdict(history, skip=("start",))


@misconception(of="diagnose", caught_by="sees_bad_start")
def always_ten_classes(history):
    """You compare the first loss with that of ten classes: use num_classes of the history."""
    return verdict(history, classes=10)


@misconception(of="diagnose", caught_by="sees_dead_units")
def dead_unseen(history):
    """You do not look at dead_fraction: it comes before the rules on accuracy."""
    return verdict(history, skip=("dead",))


@misconception(of="diagnose", caught_by="sees_shuffled_labels")
def bug_unseen(history):
    """Training by heart with validation at chance is no ordinary overfitting:
    see the rule above it."""
    return verdict(history, skip=("bug",))


@misconception(of="diagnose", caught_by="sees_overfitting")
def gap_unseen(history):
    """You do not compare training with validation accuracy at the end."""
    return verdict(history, skip=("gap",))


@misconception(of="diagnose", caught_by="sees_slow_learning")
def slow_is_underfitting(history):
    """Before you say underfitting, see whether the loss still falls in the second half."""
    return verdict(history, skip=("slow",))


@misconception(of="diagnose", caught_by="sees_underfitting")
def flat_is_slow(history):
    """A loss that no longer falls is not slow: compare the last with the middle one."""
    return verdict(history, skip=("flat",))


@misconception(of="diagnose", caught_by="sees_a_good_run")
def any_start_is_bad(history):
    """You call every first loss above half of log C bad: the bar is 2 log C."""
    return verdict(history, start=0.5)


@misconception(of="early_stopping", caught_by="stops_in_time")
def patience_one_short(val_acc, patience):
    """You stop one epoch early: patience counts the epochs after the best."""
    return stopped(val_acc, patience - 1)


@misconception(of="early_stopping", caught_by="stops_in_time")
def patience_one_long(val_acc, patience):
    """You stop one epoch late: stop as soon as patience epochs brought no new best."""
    return stopped(val_acc, patience + 1)


@misconception(of="early_stopping", caught_by="ties_are_no_improvement")
def ties_count(val_acc, patience):
    """An equal accuracy is no improvement: use >, not >=."""
    return stopped(val_acc, patience, ties=True)


@misconception(of="early_stopping", caught_by="may_never_stop")
def best_is_first(val_acc, patience):
    """You never move the best epoch: a new best starts patience anew."""
    return min(patience, len(val_acc) - 1), 0


@misconception(of="random_search", caught_by="draws_in_log_space")
def linear_draws(objective, bounds, num_trials, rng):
    """You draw uniformly in linear space, where nearly all values are of the
    largest order of magnitude: draw the logarithm."""
    return searched(objective, bounds, num_trials, rng, linear=True)


@misconception(of="random_search", caught_by="draws_each_by_itself")
def one_draw_for_all(objective, bounds, num_trials, rng):
    """You use one random number for all parameters, which walks along a diagonal: draw for each."""
    return searched(objective, bounds, num_trials, rng, together=True)


@misconception(of="random_search", caught_by="makes_all_trials")
def one_trial_short(objective, bounds, num_trials, rng):
    """You make one trial too few: num_trials calls of the objective."""
    return searched(objective, bounds, num_trials - 1, rng)


@misconception(of="random_search", caught_by="returns_the_best")
def returns_the_worst(objective, bounds, num_trials, rng):
    """You return the trial with the lowest score: the objective is to be maximised."""
    return searched(objective, bounds, num_trials, rng, sign=-1)


def answers(**changed):
    """Return the eight answers with some changed."""
    names = ("overfitting", HIGH, "good run", "bug in the data", "learning rate too low")
    names += ("bad initialisation", "underfitting", "dead units")
    return {**dict(zip("ABCDEFGH", names, strict=True)), **changed}


@misconception(of="eight_verdicts", caught_by="first_four_runs")
def bug_taken_for_overfitting():
    """Run D learns by heart, but its validation accuracy stays at chance: look at the data."""
    return answers(D="overfitting")


@misconception(of="eight_verdicts", caught_by="last_four_runs")
def slow_and_small_swapped():
    """You took E and G for each other: in E the loss still falls, in G it no longer does."""
    return answers(E="underfitting", G="learning rate too low")


@misconception(of="learning_rate_range_test", caught_by="rates_in_equal_factors")
def rates_in_equal_steps(loss_at, low, high, num):
    """Your rates go up in equal steps: they should grow by equal factors (np.geomspace)."""
    rates = [float(r) for r in np.linspace(low, high, num)]
    return rates, [loss_at(r) for r in rates]


@misconception(of="learning_rate_range_test", caught_by="stops_at_the_wreck")
def range_never_ends(loss_at, low, high, num):
    """You go on after the loss is wrecked: stop after the first such loss."""
    rates = [float(r) for r in np.geomspace(low, high, num)]
    return rates, [loss_at(r) for r in rates]

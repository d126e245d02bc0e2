"""Known-wrong versions of the functions of training_practice, and the hint that each earns."""

from __future__ import annotations

import math

import numpy as np

from autograder import misconception

# expected_initial_loss ----------------------------------------------------------------------------


@misconception(of="expected_initial_loss", caught_by="softmax_loss_is_right")
def loss_in_decades(num_classes, kind="softmax"):
    """Your logarithm has base 10: the cross-entropy uses the natural one, np.log."""
    return num_classes - 1.0 if kind == "svm" else math.log10(num_classes)


@misconception(of="expected_initial_loss", caught_by="softmax_loss_is_right")
def loss_in_bits(num_classes, kind="softmax"):
    """Your logarithm has base 2, which gives bits: the cross-entropy uses the natural one,
    np.log."""
    return num_classes - 1.0 if kind == "svm" else math.log2(num_classes)


@misconception(of="expected_initial_loss", caught_by="softmax_loss_is_right")
def loss_is_negative(num_classes, kind="softmax"):
    """Your loss is negative: it is minus the logarithm of 1 / C, which is above zero."""
    return num_classes - 1.0 if kind == "svm" else -math.log(num_classes)


@misconception(of="expected_initial_loss", caught_by="loss_of_one_class")
def loss_with_an_epsilon(num_classes, kind="softmax"):
    """You add a small number inside the logarithm, which shifts the loss: nothing is zero here, so
    the plain logarithm will do."""
    return num_classes - 1.0 if kind == "svm" else -math.log(1 / num_classes + 1e-3)


@misconception(of="expected_initial_loss", caught_by="hinge_loss_is_right")
def true_class_counted(num_classes, kind="softmax"):
    """Your hinge loss is C: the sum leaves out the true class, so one term less remains."""
    return float(num_classes) if kind == "svm" else math.log(num_classes)


@misconception(of="expected_initial_loss", caught_by="hinge_loss_is_right")
def kind_ignored(num_classes, kind="softmax"):
    """You return the softmax loss for every kind: for "svm" add up C - 1 margins."""
    return math.log(num_classes)


# overfit_handful ----------------------------------------------------------------------------------


@misconception(of="overfit_handful", caught_by="weights_are_right")
def gradients_anew_for_each_parameter(loss_fn, params, update_rule, config, num_steps):
    """You compute the gradients again after the update of each parameter: take one loss_fn(params)
    per step, and update all parameters with its gradients."""
    params, configs, losses = dict(params), {name: dict(config) for name in params}, []
    for _ in range(num_steps):
        losses.append(loss_fn(dict(params))[0])
        for name in params:
            grad = loss_fn(dict(params))[1][name]
            params[name], configs[name] = update_rule(params[name], grad, configs[name])
    return params, losses


@misconception(of="overfit_handful", caught_by="weights_are_right")
def initial_weights_returned(loss_fn, params, update_rule, config, num_steps):
    """The weights that you return are those you were given: return the ones after the last step."""
    _, losses = _descend(loss_fn, params, update_rule, config, num_steps)
    return dict(params), losses


@misconception(of="overfit_handful", caught_by="weights_are_right")
def gradient_of_the_start(loss_fn, params, update_rule, config, num_steps):
    """You compute the gradients once, before the loop: call loss_fn with the current weights in
    every step."""
    loss, grads = loss_fn(dict(params))
    params, configs = dict(params), {name: dict(config) for name in params}
    for _ in range(num_steps):
        for name in params:
            params[name], configs[name] = update_rule(params[name], grads[name], configs[name])
    return params, [loss] * num_steps


@misconception(of="overfit_handful", caught_by="weights_are_right")
def one_step_short(loss_fn, params, update_rule, config, num_steps):
    """You take one step too few: num_steps updates, each with the loss before it."""
    return _descend(loss_fn, params, update_rule, config, num_steps - 1)


@misconception(of="overfit_handful", caught_by="weights_are_right")
def biases_left_out(loss_fn, params, update_rule, config, num_steps):
    """You update matrices alone: biases and all other parameters have gradients, too."""

    def only_matrices(w, dw, config):
        return update_rule(w, dw, config) if np.ndim(w) == 2 else (w, config)

    return _descend(loss_fn, params, only_matrices, config, num_steps)


@misconception(of="overfit_handful", caught_by="losses_are_those_before_each_step")
def losses_after_the_steps(loss_fn, params, update_rule, config, num_steps):
    """You keep the loss after each step: keep the one before it, so that the first is that of the
    initial weights."""
    params, losses = _descend(loss_fn, params, update_rule, config, num_steps)
    return params, [*losses[1:], loss_fn(dict(params))[0]]


@misconception(of="overfit_handful", caught_by="losses_are_those_before_each_step")
def final_loss_as_well(loss_fn, params, update_rule, config, num_steps):
    """You return one loss too many, that after the last step: one for each step, before it."""
    params, losses = _descend(loss_fn, params, update_rule, config, num_steps)
    return params, [*losses, loss_fn(dict(params))[0]]


@misconception(of="overfit_handful", caught_by="every_parameter_has_its_config")
def one_config_for_all(loss_fn, params, update_rule, config, num_steps):
    """All parameters share one config, so that each takes over the state of the one before: keep a
    config for every name."""
    params, shared, losses = dict(params), dict(config), []
    for _ in range(num_steps):
        loss, grads = loss_fn(dict(params))
        losses.append(loss)
        for name in params:
            params[name], shared = update_rule(params[name], grads[name], shared)
    return params, losses


@misconception(of="overfit_handful", caught_by="every_parameter_has_its_config")
def config_thrown_away(loss_fn, params, update_rule, config, num_steps):
    """You start every step with a fresh config, so momentum is lost: hand in what the rule returned
    at the step before."""
    params, losses = dict(params), []
    for _ in range(num_steps):
        loss, grads = loss_fn(dict(params))
        losses.append(loss)
        for name in params:
            params[name], _ = update_rule(params[name], grads[name], dict(config))
    return params, losses


@misconception(of="overfit_handful", caught_by="callers_dictionaries_stay", symptom="mutation")
def weights_of_the_caller_changed(loss_fn, params, update_rule, config, num_steps):
    """You write new weights into the caller's dictionary: begin with `params = dict(params)`, and
    give each parameter a copy of config."""
    reached, losses = _descend(loss_fn, params, update_rule, config, num_steps)
    params.update(reached)
    return params, losses


@misconception(of="overfit_handful", caught_by="one_step_in_float32")
def first_loss_forgotten(loss_fn, params, update_rule, config, num_steps):
    """The loss of the initial weights is missing in your list: append before you update."""
    params, losses = _descend(loss_fn, params, update_rule, config, num_steps)
    return params, losses[1:]


def _descend(loss_fn, params, update_rule, config, num_steps):
    """Train as it should be: the right loop, around which mistakes are made."""
    params, configs, losses = dict(params), {name: dict(config) for name in params}, []
    for _ in range(num_steps):
        loss, grads = loss_fn(dict(params))
        losses.append(loss)
        for name in params:
            params[name], configs[name] = update_rule(params[name], grads[name], configs[name])
    return params, losses


# learning_rate_range_test -------------------------------------------------------------------------


@misconception(of="learning_rate_range_test", caught_by="rates_in_equal_factors")
def rates_in_equal_steps(step, low, high, num_steps):
    """Your rates go up in equal steps: by (1) they grow by equal factors (np.geomspace)."""
    return _sweep(step, np.linspace(low, high, num_steps))


@misconception(of="learning_rate_range_test", caught_by="rates_in_equal_factors")
def last_rate_left_out(step, low, high, num_steps):
    """Your last rate is not high: divide t by T - 1 in the exponent of (1), not by T."""
    rates = [low * (high / low) ** (t / num_steps) for t in range(num_steps)]
    return _sweep(step, rates)


@misconception(of="learning_rate_range_test", caught_by="two_rates")
def first_rate_left_out(step, low, high, num_steps):
    """Your first rate is not low: t begins at 0, multiply after the step and not before it."""
    rates = [low * (high / low) ** (t / num_steps) for t in range(1, num_steps + 1)]
    return _sweep(step, rates)


@misconception(of="learning_rate_range_test", caught_by="rates_in_equal_factors")
def rates_from_high_to_low(step, low, high, num_steps):
    """You begin with the largest rate, which wrecks the network at once: go up from low to high."""
    return _sweep(step, np.geomspace(high, low, num_steps))


@misconception(of="learning_rate_range_test", caught_by="ends_at_a_loss_that_is_not_finite")
def nan_goes_on(step, low, high, num_steps):
    """A comparison with NaN is never true, so your test goes on after it: ask np.isfinite."""
    return _sweep(step, np.geomspace(low, high, num_steps), finite=False)


@misconception(of="learning_rate_range_test", caught_by="ends_at_four_times_the_smallest")
def compares_with_the_first(step, low, high, num_steps):
    """You compare with the first loss: the bar is 4 times the smallest loss so far."""
    return _sweep(step, np.geomspace(low, high, num_steps), against=lambda losses: losses[0])


@misconception(of="learning_rate_range_test", caught_by="ends_at_four_times_the_smallest")
def compares_with_the_last(step, low, high, num_steps):
    """You compare with the loss of the step before: the bar is 4 times the smallest loss so far."""
    return _sweep(step, np.geomspace(low, high, num_steps), against=lambda losses: losses[-2:][0])


@misconception(of="learning_rate_range_test", caught_by="ends_at_four_times_the_smallest")
def ends_at_the_first_rise(step, low, high, num_steps):
    """You stop at the first loss that is higher than an earlier one, but minibatches are noisy:
    stop only above 4 times the smallest."""
    return _sweep(step, np.geomspace(low, high, num_steps), factor=1.0)


@misconception(of="learning_rate_range_test", caught_by="ends_at_four_times_the_smallest")
def wreck_not_returned(step, low, high, num_steps):
    """The loss that ends the test is missing: append it and its rate before you break."""
    rates, losses = _sweep(step, np.geomspace(low, high, num_steps))
    ended = len(rates) < num_steps
    return (rates[:-1], losses[:-1]) if ended else (rates, losses)


def _sweep(step, rates, *, finite=True, factor=4.0, against=min):
    """Go through rates, with the rule of the end or a changed one."""
    tried, losses = [], []
    for rate in rates:
        tried.append(float(rate))
        losses.append(float(step(float(rate))))
        if finite and not np.isfinite(losses[-1]):
            break
        if losses[-1] > factor * against(losses):
            break
    return tried, losses


# pick_learning_rate -------------------------------------------------------------------------------


@misconception(of="pick_learning_rate", caught_by="picks_a_tenth_of_the_lowest")
def rate_at_the_lowest(rates, losses, beta=0.8):
    """You take the rate at which the loss is lowest, where it is about to do harm: take a tenth."""
    return rates[int(np.argmin(_smooth(losses, beta)))]


@misconception(of="pick_learning_rate", caught_by="picks_a_tenth_of_the_lowest")
def raw_losses(rates, losses, beta=0.8):
    """You look for the lowest single loss, which may be a lucky batch: smooth the losses by (2)."""
    return rates[int(np.argmin(_smooth(losses, 0.0)))] / 10


@misconception(of="pick_learning_rate", caught_by="picks_a_tenth_of_the_lowest")
def beta_on_the_new(rates, losses, beta=0.8):
    """Your weights are swapped: beta belongs to the old mean and 1 - beta to the new loss."""
    return rates[int(np.argmin(_smooth(losses, 1 - beta)))] / 10


@misconception(of="pick_learning_rate", caught_by="smoothing_has_no_bias")
def bias_not_corrected(rates, losses, beta=0.8):
    """Your mean starts at zero, so that the first losses look low: divide by 1 - beta ** (t +
    1)."""
    return rates[int(np.argmin(_smooth(losses, beta, corrected=False)))] / 10


@misconception(of="pick_learning_rate", caught_by="ignores_the_wreck")
def nan_is_lowest(rates, losses, beta=0.8):
    """np.argmin takes NaN for the lowest: leave out the losses that are not finite."""
    return rates[int(np.argmin(_smooth(losses, beta, finite=False)))] / 10


def _smooth(losses, beta, *, corrected=True, finite=True):
    """Return the fading mean (2) of the finite losses."""
    mean, smoothed = 0.0, []
    for t, loss in enumerate(losses):
        if finite and not np.isfinite(loss):
            continue
        mean = beta * mean + (1 - beta) * loss
        smoothed.append(mean / (1 - beta ** (t + 1)) if corrected else mean)
    return smoothed


# update_ratio -------------------------------------------------------------------------------------


@misconception(of="update_ratio", caught_by="ratio_of_a_matrix")
def ratio_upside_down(w, next_w):
    """Your ratio is upside down: the length of the update is divided by that of the weights."""
    step = _length(next_w - w)
    return _length(w) / step if step and _length(w) else np.inf * (step > 0) if step else 0.0


@misconception(of="update_ratio", caught_by="ratio_of_a_matrix")
def ratio_by_next(w, next_w):
    """You divide by the norm of the new weights: take those before the step."""
    return _length(next_w - w) / _length(next_w)


@misconception(of="update_ratio", caught_by="ratio_of_a_matrix")
def ratio_squared(w, next_w):
    """You divide sums of squares: take the square roots, norms are lengths."""
    return (_length(next_w - w) / _length(w)) ** 2 if _length(w) else np.inf


@misconception(of="update_ratio", caught_by="ratio_of_a_matrix")
def difference_of_lengths(w, next_w):
    """You subtract the norms: a step that turns the weights changes no norm, so take the norm of
    the difference."""
    return abs(_length(next_w) - _length(w)) / _length(w) if _length(w) else np.inf


@misconception(of="update_ratio", caught_by="ratio_of_a_matrix")
def spectral_norm(w, next_w):
    """For a matrix, np.linalg.norm(w, 2) is the largest singular value: use the root of the sum of
    all squares."""
    if not np.any(w):
        return np.inf
    if np.ndim(w) != 2:
        return _length(next_w - w) / _length(w)
    return np.linalg.norm(next_w - w, 2) / np.linalg.norm(w, 2)


@misconception(of="update_ratio", caught_by="ratio_of_filters_in_float32")
def mean_of_ratios(w, next_w):
    """You average the ratios of single entries, and one weight near zero makes that huge: divide
    the norm of all by the norm of all."""
    if not np.any(w):
        return np.inf
    return float(np.mean(np.abs(next_w - w) / np.abs(w)))


@misconception(of="update_ratio", caught_by="ratio_of_zero_weights")
def zero_for_zero_weights(w, next_w):
    """For weights that are all zero you return 0, as if they stood still: compared with nothing
    every step is infinitely long, return np.inf."""
    return _length(next_w - w) / _length(w) if _length(w) else 0.0


@misconception(of="update_ratio", caught_by="ratio_of_zero_weights")
def epsilon_in_the_ratio(w, next_w):
    """You add a small number to the denominator, which turns infinity into a number without
    meaning: ask whether the norm is zero."""
    return _length(next_w - w) / (_length(w) + 1e-8)


def _length(w):
    return float(np.sqrt(np.sum(np.asarray(w, dtype=np.float64) ** 2)))


# eight_verdicts -----------------------------------------------------------------------------------


def _answers(**changed):
    names = ("overfitting", "learning rate too high", "good run", "bug in the data")
    names += ("learning rate too low", "bad initialisation", "underfitting", "dead units")
    return {**dict(zip("ABCDEFGH", names, strict=True)), **changed}


@misconception(of="eight_verdicts", caught_by="runs_a_and_d")
def bug_taken_for_overfitting():
    """You took A and D for each other: a network that overfits is still better than chance on
    validation images. Look in which of the two it is not."""
    return _answers(A="bug in the data", D="overfitting")


@misconception(of="eight_verdicts", caught_by="runs_b_and_f")
def explosion_taken_for_a_bad_start():
    """You took B and F for each other: in one the loss begins high and falls, in the other it
    begins where it should and grows. Compare each with the dotted line."""
    return _answers(B="bad initialisation", F="learning rate too high")


@misconception(of="eight_verdicts", caught_by="runs_c_and_h")
def dead_taken_for_underfitting():
    """Underfitting is what H looks like, but its title says why: look at the share of dead
    units."""
    return _answers(G="dead units", H="underfitting")


@misconception(of="eight_verdicts", caught_by="runs_c_and_h")
def good_taken_for_overfitting():
    """The gap of C is a few points, which is normal: the run that overfits has a wide one."""
    return _answers(A="good run", C="overfitting")


@misconception(of="eight_verdicts", caught_by="runs_e_and_g")
def slow_and_small_swapped():
    """You took E and G for each other: in one the loss is still on its way down at the end, in the
    other it has long stopped."""
    return _answers(E="underfitting", G="learning rate too low")


# diagnose -----------------------------------------------------------------------------------------


def _end(values):
    return float(np.mean(np.asarray(values, dtype=float)[-3:]))


def _verdict(history, *, without=(), dead_last=False, end=_end, **changed):
    """Walk down the table, with rules left out or quantities changed."""
    loss, C = (
        np.asarray(history["loss"], dtype=float),
        changed.get("classes", history["num_classes"]),
    )
    first, last, m = loss[0], end(loss), len(loss) // 2
    train = changed.get("train", end(history["train_acc"]))
    val = changed.get("val", end(history["val_acc"]))
    target = changed.get("target", history["target"])
    middle = np.mean(loss[m - 1 : m + 2])
    finite = changed.get("finite", bool(np.isfinite(loss).all()))
    late = middle - last > changed.get("share", 0.25) * (first - last)
    gap = changed.get("gap", train - val)
    rules = [
        ("explosion", not finite or last > 1.5 * first, "learning rate too high"),
        ("start", first > changed.get("start", 2 * np.log(C)), "bad initialisation"),
        ("dead", history["dead_fraction"] > 0.5, "dead units"),
        ("bug", train > 0.9 and val < changed.get("chance", 1.5 / C), "bug in the data"),
        ("gap", gap > 0.15, "overfitting"),
        ("slow", train < target and late, "learning rate too low"),
        ("flat", train < target, "underfitting"),
    ]
    if dead_last:
        rules.append(rules.pop(2))
    for name, holds, verdict in rules:
        if holds and name not in without:
            return verdict
    return "good run"


@misconception(of="diagnose", caught_by="sees_a_loss_that_is_not_finite")
def nan_unseen(history):
    """A loss that is no number compares as false with everything, so no rule sees it: ask
    np.isfinite first."""
    return _verdict(history, finite=True)


@misconception(of="diagnose", caught_by="sees_a_loss_that_is_not_finite")
def only_the_last_loss_tested(history):
    """You look only at the end for losses that are not finite: any of them, at any time, is
    enough."""
    return _verdict(history, finite=bool(np.isfinite(history["loss"][-3:]).all()))


@misconception(of="diagnose", caught_by="sees_a_loss_that_is_not_finite")
def infinity_unseen(history):
    """np.isnan misses infinity: np.isfinite finds both."""
    loss = np.asarray(history["loss"], dtype=float)
    unseen = np.isinf(loss).any()
    if unseen:
        return _verdict({**history, "loss": np.where(np.isinf(loss), loss[-4], loss)})
    return _verdict(history)


@misconception(of="diagnose", caught_by="sees_a_loss_that_grows")
def growth_unseen(history):
    """You only look for NaN: a loss at the end above 1.5 times the first is a sign, too."""
    finite = np.isfinite(np.asarray(history["loss"], dtype=float)).all()
    return _verdict(history, without=("explosion",) if finite else ())


@misconception(of="diagnose", caught_by="sees_a_bad_start")
def start_unseen(history):
    """You do not look at the first loss: above 2 log C the initialisation is bad."""
    return _verdict(history, without=("start",))


@misconception(of="diagnose", caught_by="sees_a_bad_start")
def always_ten_classes(history):
    """You compare the first loss with that of ten classes: use num_classes of the history."""
    return _verdict(history, start=2 * math.log(10))


@misconception(of="diagnose", caught_by="sees_a_bad_start")
def start_above_log_c(history):
    """You call a first loss bad as soon as it is above 1.4 log C or less: the bar is 2 log C."""
    return _verdict(history, start=1.3 * math.log(history["num_classes"]))


@misconception(of="diagnose", caught_by="sees_a_bad_start")
def start_in_decades(history):
    """Your bar for the first loss has a logarithm with base 10: use the natural one."""
    return _verdict(history, start=2 * math.log10(history["num_classes"]))


@misconception(of="diagnose", caught_by="sees_dead_units")
def dead_unseen(history):
    """You do not look at dead_fraction: if it is over 0.5, that is the verdict."""
    return _verdict(history, without=("dead",))


@misconception(of="diagnose", caught_by="sees_dead_units")
def dead_at_the_bottom(history):
    """Your rules are in another order: dead units come before the rules on accuracy, since they are
    the cause."""
    return _verdict(history, dead_last=True) if _wide(history) else _verdict(history)


def _wide(history):
    return _end(history["train_acc"]) - _end(history["val_acc"]) > 0.15


@misconception(of="diagnose", caught_by="sees_dead_units")
def some_dead_units_are_bad(history):
    """You call any dead units an illness: up to half of them is allowed by rule 3."""
    if history["dead_fraction"] > 0.33:
        return _verdict({**history, "dead_fraction": 1.0})
    return _verdict(history)


@misconception(of="diagnose", caught_by="sees_shuffled_labels")
def bug_unseen(history):
    """Learned by heart, and chance on validation images, is no ordinary overfitting: rule 4 stands
    above rule 5."""
    return _verdict(history, without=("bug",))


@misconception(of="diagnose", caught_by="sees_shuffled_labels")
def chance_of_ten_classes(history):
    """You take 15 % for chance: it depends on the number of classes, 1.5 / C."""
    return _verdict(history, chance=0.15)


@misconception(of="diagnose", caught_by="sees_shuffled_labels")
def any_overfitting_is_a_bug(history):
    """You call it a bug as soon as training accuracy is over 0.9 and the gap is wide: rule 4 asks
    for validation at chance."""
    return _verdict(history, chance=1.0 if _wide(history) else 0.0)


@misconception(of="diagnose", caught_by="sees_overfitting")
def gap_unseen(history):
    """You do not compare training with validation accuracy at the end: that gap is rule 5."""
    return _verdict(history, without=("gap",))


@misconception(of="diagnose", caught_by="sees_overfitting")
def best_validation_for_the_end(history):
    """You take the best validation accuracy of the run: the rules look at the end, where it may
    have sunk."""
    return _verdict(history, val=float(np.max(history["val_acc"])))


@misconception(of="diagnose", caught_by="sees_overfitting")
def widest_gap(history):
    """You take the widest gap of the whole run: a gap that has closed by the end is none."""
    train, val = (np.asarray(history[k], dtype=float) for k in ("train_acc", "val_acc"))
    return _verdict(history, gap=float(np.max(train - val)))


@misconception(of="diagnose", caught_by="sees_overfitting")
def gap_as_a_ratio(history):
    """You divide the accuracies: the gap is their difference, training minus validation."""
    return _verdict(history, gap=_end(history["train_acc"]) / _end(history["val_acc"]) - 1)


@misconception(of="diagnose", caught_by="sees_slow_learning")
def slow_is_underfitting(history):
    """Before you say underfitting, see whether the loss is still on its way down: rule 6."""
    return _verdict(history, without=("slow",))


@misconception(of="diagnose", caught_by="sees_underfitting")
def flat_is_slow(history):
    """A loss that has long stopped falling is not slow: rule 6 compares the fall since the middle
    with the whole fall."""
    return _verdict(history, without=("flat",), share=-math.inf)


@misconception(of="diagnose", caught_by="leaves_good_runs_alone")
def target_of_a_half(history):
    """Your target is a fixed number: every history brings its own, under "target"."""
    return _verdict(history, target=0.55)


@misconception(of="diagnose", caught_by="leaves_good_runs_alone")
def still_falling_is_slow(history):
    """You call every run slow whose loss is still falling: rule 6 also asks for a training accuracy
    below the target."""
    found = _verdict(history)
    slow = _verdict(history, target=2.0)
    return slow if found == "good run" and slow == "learning rate too low" else found


@misconception(of="diagnose", caught_by="one_epoch_does_not_decide")
def last_epoch_for_the_end(history):
    """You take the very last value for the end, and a single bad epoch decides: take the mean of
    the last three."""
    return _verdict(history, end=lambda values: float(values[-1]))


@misconception(of="diagnose", caught_by="reads_lists_and_float32", symptom="mutation")
def history_changed(history):
    """You change the history of the caller, with += or by assigning to it: compute with copies."""
    found = _verdict(history)
    history["train_acc"] = _end(history["train_acc"])
    return found


# early_stopping -----------------------------------------------------------------------------------


def _stopped(val_acc, patience, *, better=lambda new, old: new > old):
    best = 0
    for epoch, value in enumerate(val_acc):
        if epoch and better(value, val_acc[best]):
            best = epoch
        if epoch - best >= patience:
            return epoch, best
    return len(val_acc) - 1, best


@misconception(of="early_stopping", caught_by="stops_in_time")
def patience_one_short(val_acc, patience):
    """You stop one epoch early: patience counts the epochs after the best."""
    best = 0
    for epoch, value in enumerate(val_acc):
        if value > val_acc[best]:
            best = epoch
        if epoch and epoch - best >= patience - 1:
            return epoch, best
    return len(val_acc) - 1, best


@misconception(of="early_stopping", caught_by="stops_in_time")
def patience_one_long(val_acc, patience):
    """You stop one epoch late: stop as soon as patience epochs in a row brought no new best."""
    return _stopped(val_acc, patience + 1)


@misconception(of="early_stopping", caught_by="stops_in_time")
def compares_with_the_epoch_before(val_acc, patience):
    """You compare with the epoch before: count from the best epoch so far, however long ago it
    was."""
    best, waited = 0, 0
    for epoch in range(1, len(val_acc)):
        best = epoch if val_acc[epoch] > val_acc[best] else best
        waited = 0 if val_acc[epoch] > val_acc[epoch - 1] else waited + 1
        if waited >= patience:
            return epoch, best
    return len(val_acc) - 1, best


@misconception(of="early_stopping", caught_by="stops_in_time")
def patience_never_starts_anew(val_acc, patience):
    """You count all epochs without a new best together: a new best starts the patience anew."""
    best, waited = 0, 0
    for epoch in range(1, len(val_acc)):
        if val_acc[epoch] > val_acc[best]:
            best = epoch
        else:
            waited += 1
        if waited >= patience:
            return epoch, best
    return len(val_acc) - 1, best


@misconception(of="early_stopping", caught_by="ties_are_no_improvement")
def ties_count(val_acc, patience):
    """An equal accuracy is no improvement: compare with >, not with >=."""
    return _stopped(val_acc, patience, better=lambda new, old: new >= old)


@misconception(of="early_stopping", caught_by="ties_are_no_improvement")
def sees_the_future(val_acc, patience):
    """Your best epoch lies after the stop: nobody knows at the stop what would have come."""
    return _stopped(val_acc, patience)[0], int(np.argmax(val_acc))


@misconception(of="early_stopping", caught_by="patience_may_never_run_out")
def always_runs_out(val_acc, patience):
    """You stop at best + patience even if the curve ends before: then the last epoch is the end."""
    _, best = _stopped(val_acc, patience)
    return best + patience, best


@misconception(of="early_stopping", caught_by="reads_float32", symptom="mutation")
def curve_sorted(val_acc, patience):
    """You sort or change the caller's curve: work on a copy."""
    found = _stopped(list(val_acc), patience)
    val_acc[:] = sorted(val_acc)
    return found


# grid_search --------------------------------------------------------------------------------------


def _grid(objective, bounds, values, *, choose=max):
    combinations = [{}]
    for name in bounds:
        combinations = [{**c, name: float(v)} for c in combinations for v in values[name]]
    trials = [(params, float(objective(params))) for params in combinations]
    numbers = [t for t in trials if not math.isnan(t[1])]
    return choose(numbers, key=lambda trial: trial[1])[0], trials


@misconception(of="grid_search", caught_by="grid_has_all_combinations")
def grid_in_linear_space(objective, bounds, num_per_axis):
    """Your values have equal distances: take equal factors, np.geomspace."""
    values = {name: np.linspace(*ends, num_per_axis) for name, ends in bounds.items()}
    return _grid(objective, bounds, values)


@misconception(of="grid_search", caught_by="grid_has_all_combinations")
def diagonal_of_the_grid(objective, bounds, num_per_axis):
    """You pair the values, first with first and second with second, which is only the diagonal: try
    all combinations."""
    columns = [np.geomspace(*ends, num_per_axis) for ends in bounds.values()]
    trials = []
    for row in zip(*columns, strict=True):
        params = {name: float(v) for name, v in zip(bounds, row, strict=True)}
        trials.append((params, float(objective(params))))
    numbers = [t for t in trials if not math.isnan(t[1])]
    return max(numbers, key=lambda t: t[1])[0], trials


@misconception(of="grid_search", caught_by="grid_of_three_parameters")
def grid_returns_the_worst(objective, bounds, num_per_axis):
    """You return the trial with the lowest score: higher is better."""
    values = {name: np.geomspace(*ends, num_per_axis) for name, ends in bounds.items()}
    return _grid(objective, bounds, values, choose=min)


@misconception(of="grid_search", caught_by="grid_survives_nan")
def grid_falls_for_nan(objective, bounds, num_per_axis):
    """A trial with the score NaN came out best: np.argmax takes NaN for the highest, and max keeps
    a NaN that comes first. Leave such trials out."""
    values = {name: np.geomspace(*ends, num_per_axis) for name, ends in bounds.items()}
    _, trials = _grid(objective, bounds, values)
    return trials[int(np.argmax([score for _, score in trials]))][0], trials


# random_search ------------------------------------------------------------------------------------


def _log_uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _search(objective, bounds, num_trials, rng, *, draw=_log_uniform):
    trials = []
    for _ in range(num_trials):
        params = {name: draw(rng, low, high) for name, (low, high) in bounds.items()}
        trials.append((params, float(objective(params))))
    return _best(trials), trials


def _best(trials):
    numbers = [t for t in trials if not math.isnan(t[1])]
    return max(numbers, key=lambda t: t[1])[0] if numbers else {}


@misconception(of="random_search", caught_by="draws_in_log_space")
def linear_draws(objective, bounds, num_trials, rng):
    """You draw evenly between the bounds, where nearly all values are of the largest order of
    magnitude: draw the logarithm."""
    draw = lambda rng, low, high: float(rng.uniform(low, high))  # noqa: E731
    return _search(objective, bounds, num_trials, rng, draw=draw)


@misconception(of="random_search", caught_by="draws_in_log_space")
def bounds_for_exponents(objective, bounds, num_trials, rng):
    """You use the bounds themselves as exponents: take their logarithms first, then draw, then
    raise."""
    draw = lambda rng, low, high: float(10 ** rng.uniform(low, high))  # noqa: E731
    return _search(objective, bounds, num_trials, rng, draw=draw)


@misconception(of="random_search", caught_by="draws_in_log_space")
def bases_mixed(objective, bounds, num_trials, rng):
    """You take logarithms with one base and undo them with another: np.log goes with np.exp,
    np.log10 with 10 ** x."""
    draw = lambda rng, low, high: float(np.exp(rng.uniform(np.log10(low), np.log10(high))))  # noqa: E731
    return _search(objective, bounds, num_trials, rng, draw=draw)


@misconception(of="random_search", caught_by="draws_every_parameter_by_itself")
def one_draw_for_all(objective, bounds, num_trials, rng):
    """You use one random number for all parameters of a trial, which walks along a diagonal: draw
    one for each."""
    trials = []
    for _ in range(num_trials):
        u = rng.uniform()
        params = {name: float(low * (high / low) ** u) for name, (low, high) in bounds.items()}
        trials.append((params, float(objective(params))))
    return _best(trials), trials


@misconception(of="random_search", caught_by="draws_every_parameter_by_itself")
def whole_decades(objective, bounds, num_trials, rng):
    """You draw from a few fixed values, so that most occur again and again: draw from the whole
    range."""

    def draw(rng, low, high):
        return float(np.geomspace(low, high, 7)[rng.integers(7)])

    return _search(objective, bounds, num_trials, rng, draw=draw)


@misconception(of="random_search", caught_by="makes_all_trials")
def one_trial_short(objective, bounds, num_trials, rng):
    """You make one trial too few: num_trials calls of the objective."""
    return _search(objective, bounds, num_trials - 1, rng)


@misconception(of="random_search", caught_by="makes_all_trials")
def trials_sorted(objective, bounds, num_trials, rng):
    """You return the trials sorted by score: keep the order in which they were tried."""
    best, trials = _search(objective, bounds, num_trials, rng)
    return best, sorted(trials, key=lambda t: -t[1])


@misconception(of="random_search", caught_by="returns_the_best")
def returns_the_worst(objective, bounds, num_trials, rng):
    """You return the trial with the lowest score: higher is better."""
    _, trials = _search(objective, bounds, num_trials, rng)
    numbers = [t for t in trials if not math.isnan(t[1])] or trials
    return min(numbers, key=lambda t: t[1])[0], trials


@misconception(of="random_search", caught_by="returns_the_best")
def same_dictionary_everywhere(objective, bounds, num_trials, rng):
    """All your trials hold one and the same dictionary, which the next trial overwrites: make a new
    one for every trial."""
    params, trials = {}, []
    for _ in range(num_trials):
        for name, (low, high) in bounds.items():
            params[name] = _log_uniform(rng, low, high)
        trials.append((params, float(objective(dict(params)))))
    return params, trials


@misconception(of="random_search", caught_by="survives_nan")
def search_falls_for_nan(objective, bounds, num_trials, rng):
    """A trial with the score NaN came out best: np.argmax takes NaN for the highest, and max keeps
    a NaN that comes first. Leave such trials out."""
    _, trials = _search(objective, bounds, num_trials, rng)
    return trials[int(np.argmax([score for _, score in trials]))][0], trials


@misconception(of="random_search", caught_by="repeats_with_the_same_generator")
def generator_of_its_own(objective, bounds, num_trials, rng):
    """You make a generator of your own, with a fixed seed: draw from the rng that is passed."""
    return _search(objective, bounds, num_trials, np.random.default_rng(0))


@misconception(of="random_search", caught_by="takes_one_parameter")
def rounded_to_decades(objective, bounds, num_trials, rng):
    """You round the logarithm to whole numbers, which leaves narrow bounds: keep all digits."""
    draw = lambda rng, low, high: float(10 ** np.round(np.log10(_log_uniform(rng, low, high))))  # noqa: E731
    return _search(objective, bounds, num_trials, rng, draw=draw)

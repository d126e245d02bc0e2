"""Python loops, the math module, plain lists, and results without a float of NumPy's."""

import math


def expected_initial_loss(num_classes, kind="softmax"):
    if kind == "softmax":
        return -math.log(1 / num_classes)
    loss = 0
    for _ in range(1, num_classes):
        loss += max(0, 0 - 0 + 1)
    return loss


def overfit_handful(loss_fn, params, update_rule, config, num_steps):
    state = {}
    losses = []
    for step in range(num_steps):
        loss, grads = loss_fn(params)
        losses.append(loss)
        following = {}
        for name in params:
            mine = state[name] if step > 0 else {key: config[key] for key in config}
            result = update_rule(params[name], grads[name], mine)
            following[name] = result[0]
            state[name] = result[1]
        params = following
    return params, losses


def learning_rate_range_test(step, low, high, num_steps):
    factor = (high / low) ** (1 / (num_steps - 1))
    rate, rates, losses, smallest = low, [], [], math.inf
    while len(rates) < num_steps:
        loss = float(step(rate))
        rates.append(rate)
        losses.append(loss)
        if math.isnan(loss) or math.isinf(loss):
            return rates, losses
        smallest = loss if loss < smallest else smallest
        if loss > 4 * smallest:
            return rates, losses
        rate *= factor
    return rates, losses


def pick_learning_rate(rates, losses, beta=0.8):
    numerator, denominator, lowest, place = 0.0, 0.0, math.inf, 0
    for t in range(len(losses)):
        if math.isfinite(losses[t]):
            numerator = beta * numerator + losses[t]
            denominator = beta * denominator + 1
            if numerator / denominator < lowest:
                lowest, place = numerator / denominator, t
    return 0.1 * rates[place]


def update_ratio(w, next_w):
    step = size = 0.0
    for before, after in zip(w.flat, next_w.flat, strict=True):
        step += (float(after) - float(before)) ** 2
        size += float(before) ** 2
    return math.sqrt(step / size) if size > 0 else math.inf


def eight_verdicts():
    answers = {}
    answers["A"] = "overfitting"
    answers["B"] = "learning rate too high"
    answers["C"] = "good run"
    answers["D"] = "bug in the data"
    answers["E"] = "learning rate too low"
    answers["F"] = "bad initialisation"
    answers["G"] = "underfitting"
    answers["H"] = "dead units"
    return answers


def three(values, place):
    """Return the mean of three neighbours, the first of them at place."""
    values = [float(v) for v in values]
    return sum(values[place : place + 3]) / 3


def diagnose(history):
    loss = history["loss"]
    epochs = len(loss)
    for value in loss:
        if math.isnan(value) or math.isinf(value):
            return "learning rate too high"
    end = three(loss, epochs - 3)
    if end / loss[0] > 1.5:
        return "learning rate too high"
    if math.exp(loss[0] / 2) > history["num_classes"]:
        return "bad initialisation"
    if history["dead_fraction"] > 0.5:
        return "dead units"
    train = three(history["train_acc"], len(history["train_acc"]) - 3)
    val = three(history["val_acc"], len(history["val_acc"]) - 3)
    if train > 0.9 and val * history["num_classes"] < 1.5:
        return "bug in the data"
    if train > val + 0.15:
        return "overfitting"
    if train >= history["target"]:
        return "good run"
    if three(loss, epochs // 2 - 1) - end > (loss[0] - end) / 4:
        return "learning rate too low"
    return "underfitting"


def early_stopping(val_acc, patience):
    best, highest, waited = 0, val_acc[0], 0
    for epoch in range(1, len(val_acc)):
        if val_acc[epoch] > highest:
            best, highest, waited = epoch, val_acc[epoch], 0
        else:
            waited += 1
            if waited == patience:
                return epoch, best
    return len(val_acc) - 1, best


def grid_search(objective, bounds, num_per_axis):
    names, trials, best = list(bounds), [], None
    for number in range(num_per_axis ** len(names)):
        params, rest = {}, number
        for name in names:
            rest, digit = divmod(rest, num_per_axis)
            low, high = bounds[name]
            params[name] = low * (high / low) ** (digit / (num_per_axis - 1))
        score = objective(params)
        trials.append((params, score))
        if not math.isnan(score) and (best is None or score > best[1]):
            best = trials[-1]
    return best[0], trials


def random_search(objective, bounds, num_trials, rng):
    trials, best = [], None
    while len(trials) < num_trials:
        params = {}
        for name in bounds:
            low, high = bounds[name]
            params[name] = low * (high / low) ** rng.random()
        score = objective(params)
        trials.append((params, score))
        if score == score and (best is None or score > best[1]):
            best = trials[-1]
    return best[0], trials

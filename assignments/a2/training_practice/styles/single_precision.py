"""Everything in float32, with classes and recursion where others have loops."""

import numpy as np


class Descent:
    """One training run: weights, states and losses."""

    def __init__(self, params, config):
        self.params = {name: np.array(w, dtype=np.float32) for name, w in params.items()}
        self.configs = {name: {**config} for name in params}
        self.losses = []

    def step(self, loss_fn, update_rule):
        """Take one step with the gradients of all parameters."""
        loss, grads = loss_fn(self.params)
        self.losses.append(np.float32(loss))
        moved = {}
        for name, w in self.params.items():
            next_w, self.configs[name] = update_rule(w, grads[name], self.configs[name])
            moved[name] = np.asarray(next_w, dtype=np.float32)
        self.params = moved


def expected_initial_loss(num_classes, kind="softmax"):
    return np.float32(num_classes - 1 if kind == "svm" else np.log(np.float32(num_classes)))


def overfit_handful(loss_fn, params, update_rule, config, num_steps):
    run = Descent(params, config)
    for _ in range(num_steps):
        run.step(loss_fn, update_rule)
    return run.params, np.array(run.losses)


def learning_rate_range_test(step, low, high, num_steps):
    def go_on(rates, losses):
        if losses and (not np.isfinite(losses[-1]) or losses[-1] > 4 * min(losses)):
            return rates, losses
        if len(rates) == num_steps:
            return rates, losses
        share = len(rates) / (num_steps - 1)
        rate = np.float32(np.exp((1 - share) * np.log(low) + share * np.log(high)))
        return go_on([*rates, rate], [*losses, np.float32(step(float(rate)))])

    rates, losses = go_on([], [])
    return np.array(rates), np.array(losses)


def pick_learning_rate(rates, losses, beta=0.8):
    mean, smoothed = np.float32(0), []
    for t, loss in enumerate(np.float32(losses)):
        mean = np.float32(beta) * mean + np.float32(1 - beta) * loss
        smoothed.append(mean / np.float32(1 - beta ** (t + 1)))
    smoothed = np.where(np.isfinite(np.float32(losses)), smoothed, np.float32(np.inf))
    return np.float32(rates[smoothed.argmin()]) / np.float32(10)


def update_ratio(w, next_w):
    w, next_w = np.float32(w), np.float32(next_w)
    length = np.linalg.norm(w.reshape(-1))
    return (
        np.linalg.norm(next_w.reshape(-1) - w.reshape(-1)) / length if length else np.float32("inf")
    )


def eight_verdicts():
    return {
        "H": "dead units",
        "G": "underfitting",
        "F": "bad initialisation",
        "E": "learning rate too low",
        "D": "bug in the data",
        "C": "good run",
        "B": "learning rate too high",
        "A": "overfitting",
    }


def diagnose(history):
    loss, train, val = (np.array(history[k], np.float32) for k in ("loss", "train_acc", "val_acc"))
    classes = np.float32(history["num_classes"])
    m = len(loss) // 2
    end, middle = np.mean(loss[-3:]), (loss[m - 1] + loss[m] + loss[m + 1]) / 3
    gap = np.mean(train[-3:]) - np.mean(val[-3:])
    high = not np.isfinite(loss.sum()) or end > 1.5 * loss[0]
    by_heart = train[-3:].mean() > 0.9 and val[-3:].mean() < 1.5 / classes
    poor = train[-3:].mean() < history["target"]
    slow = middle > end + (loss[0] - end) / 4
    return (
        ("learning rate too high" if high else "")
        or ("bad initialisation" if loss[0] > 2 * np.log(classes) else "")
        or ("dead units" if history["dead_fraction"] > 0.5 else "")
        or ("bug in the data" if by_heart else "")
        or ("overfitting" if gap > 0.15 else "")
        or (("learning rate too low" if slow else "underfitting") if poor else "good run")
    )


def early_stopping(val_acc, patience):
    stop = 0
    best = int(np.argmax(val_acc[:1]))
    while stop + 1 < len(val_acc) and stop - best < patience:
        stop += 1
        best = int(np.argmax(np.asarray(val_acc)[: stop + 1]))
    return [np.int64(stop), np.float32(best)]


def best_of(trials):
    """Return the parameters with the highest score that is a number."""
    order = sorted(trials, key=lambda trial: -np.inf if np.isnan(trial[1]) else trial[1])
    return order[-1][0]


def grid_search(objective, bounds, num_per_axis):
    logs = [np.linspace(np.log(low), np.log(high), num_per_axis) for low, high in bounds.values()]
    points = np.exp(np.stack(np.meshgrid(*logs, indexing="ij"), axis=-1)).reshape(-1, len(bounds))
    trials = []
    for point in np.float32(points):
        params = dict(zip(bounds, point, strict=True))
        trials.append([params, np.float32(objective(params))])
    return best_of(trials), trials


def random_search(objective, bounds, num_trials, rng):
    trials = []
    for _ in range(num_trials):
        shares = rng.random(len(bounds), dtype=np.float32)
        params = {
            name: np.float32(low ** (1 - u) * high**u)
            for (name, (low, high)), u in zip(bounds.items(), shares, strict=True)
        }
        trials.append([params, np.float32(objective(params))])
    return best_of(trials), trials

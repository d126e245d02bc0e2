"""einsum, one-hot matrices, sorting; classes and generators instead of loops in functions."""

import statistics

import numpy as np


def few_per_class(y, per_class, rng):
    # Sort by class, at random within each; the rank within the class decides.
    order = np.lexsort((rng.random(len(y)), y))
    labels = y[order]
    first = np.searchsorted(labels, labels)
    return order[np.arange(len(y)) - first < per_class]


def extract_features(forward, images, batch_size=64):
    cuts = np.arange(batch_size, len(images), batch_size)
    return np.vstack([forward(part).reshape(part.shape[0], -1) for part in np.split(images, cuts)])


def head_loss(W, b, F, y, reg):
    scores = np.einsum("nd,dc->nc", F, W) + b
    log_p = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    one_hot = np.eye(len(b))[y]
    picked = np.where(one_hot > 0, log_p, 0.0)
    loss = -picked.sum() / len(y) + reg / 2 * np.einsum("dc,dc->", W, W)
    d = (np.exp(log_p) - one_hot) / len(y)
    dW = np.einsum("nd,nc->dc", F, d) + reg * W
    return [loss, dW, np.einsum("nc->c", d), np.einsum("nc,dc->nd", d, W)]


def fit_standardizer(F, eps=1e-5):
    mean = np.einsum("nd->d", F) / len(F)
    centred = F - mean
    return mean, eps + np.sqrt(np.einsum("nd,nd->d", centred, centred) / len(F))


def fold_standardizer(W, b, mean, scale):
    # Augmented: the bias is the weight of a feature that is always one.
    D, _C = W.shape
    change = np.zeros((D + 1, D + 1))
    change[:D, :D] = np.diag(1 / scale)
    change[D, :D] = -mean / scale
    change[D, D] = 1
    new = change @ np.vstack([W, b])
    return new[:D], new[D]


def linear_probe(F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9):
    # Augmented, too; the last two positions give the velocity (heavy ball).
    mean, scale = fit_standardizer(F)
    Z = np.column_stack([(F - mean) / scale, np.ones(len(F))])
    decay = np.full((Z.shape[1], 1), reg)
    decay[-1] = 0
    one_hot = np.arange(num_classes) == np.asarray(y)[:, None]
    before = now = np.zeros((Z.shape[1], num_classes))
    for _ in range(num_steps):
        scores = Z @ now
        P = np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))
        slope = np.einsum("nd,nc->dc", Z, P - one_hot) / len(Z) + decay * now
        before, now = now, now + momentum * (now - before) - learning_rate * slope
    return fold_standardizer(now[:-1], now[-1], mean, scale)


def parameter_groups(names, stages):
    where = {layer: i for i, stage in enumerate(stages) for layer in stage}
    groups = tuple([] for _ in stages)
    for name in names:
        layer = name[: name.rindex(".")]
        if layer in where:
            groups[where[layer]].append(name)
    return groups


def learning_rates(groups, base_rate, decay, num_frozen=0):
    powers = base_rate * np.power(float(decay), np.arange(len(groups)))[::-1]
    powers[:num_frozen] = 0.0
    return {n: powers[i] for i, group in enumerate(groups) for n in group}


def transfer_loss(forward, backward, params, X, y, reg, wanted):
    F = forward(params, X)
    loss, *head, dF = head_loss(params["head.weight"], params["head.bias"], F, y, reg)
    grads = dict(zip(("head.weight", "head.bias"), head, strict=True))
    trunk = sorted(set(wanted) - set(grads))
    if trunk:
        grads |= backward(dF, trunk)
    return loss, {name: grads[name] for name in wanted}


def fine_tune(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    trained = [name for name, rate in rates.items() if rate > 0]

    def batches():
        for _ in range(num_epochs):
            order = np.argsort(rng.random(len(y)))
            yield from np.split(order, np.arange(batch_size, len(y), batch_size))

    before, now, losses = dict(params), dict(params), []
    for batch in batches():
        loss, grads = loss_fn(now, X[batch], y[batch], trained)
        losses.append(loss)
        after = {n: now[n] + momentum * (now[n] - before[n]) - rates[n] * grads[n] for n in trained}
        before, now = now, {**now, **after}
    return now, np.array(losses)


def cheapest_good_enough(accuracies):
    names = list(accuracies)
    means = np.array([statistics.fmean(accuracies[name]) for name in names])
    runs = accuracies[names[means.argmax()]]
    error = statistics.stdev(runs) / len(runs) ** 0.5 if len(runs) > 1 else 0
    return names[np.flatnonzero(means >= means.max() - error)[0]]

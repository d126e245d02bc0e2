"""Python loops and the math module; lists where lists will do."""

import math

import numpy as np


def few_per_class(y, per_class, rng):
    left = {}
    chosen = []
    for i in rng.permutation(len(y)):
        label = int(y[i])
        if left.setdefault(label, per_class) > 0:
            left[label] -= 1
            chosen.append(int(i))
    return chosen


def extract_features(forward, images, batch_size=64):
    rows = []
    start = 0
    while start < len(images):
        for features in forward(images[start : start + batch_size]):
            rows.append([float(v) for v in np.ravel(features)])
        start += batch_size
    return np.array(rows)


def head_loss(W, b, F, y, reg):
    (D, C), N = W.shape, len(F)
    loss = 0.0
    dW, db, dF = np.zeros((D, C)), np.zeros(C), np.zeros((N, D))
    for i in range(N):
        scores = [float(np.dot(F[i], W[:, k])) + float(b[k]) for k in range(C)]
        highest = max(scores)
        log_sum = highest + math.log(sum(math.exp(s - highest) for s in scores))
        loss += (log_sum - scores[y[i]]) / N
        for k in range(C):
            d = (math.exp(scores[k] - log_sum) - (k == y[i])) / N
            db[k] += d
            dW[:, k] += d * F[i]
            dF[i] += d * W[:, k]
    for d in range(D):
        for k in range(C):
            loss += reg * W[d, k] ** 2 / 2
            dW[d, k] += reg * W[d, k]
    return loss, dW, db, dF


def fit_standardizer(F, eps=1e-5):
    means, scales = [], []
    for d in range(F.shape[1]):
        column = [float(v) for v in F[:, d]]
        mean = math.fsum(column) / len(column)
        variance = math.fsum((v - mean) ** 2 for v in column) / len(column)
        means.append(mean)
        scales.append(math.sqrt(variance) + eps)
    return np.array(means), np.array(scales)


def fold_standardizer(W, b, mean, scale):
    new_W, new_b = np.array(W, dtype=float), np.array(b, dtype=float)
    for d in range(len(mean)):
        new_W[d] = new_W[d] / scale[d]
        new_b -= mean[d] * new_W[d]
    return new_W, new_b


def linear_probe(F, y, num_classes, reg=0.01, learning_rate=0.1, num_steps=150, momentum=0.9):
    mean, scale = fit_standardizer(F)
    Z = np.array([(f - mean) / scale for f in F])
    head = [np.zeros((Z.shape[1], num_classes)), np.zeros(num_classes)]
    velocity = [np.zeros(part.shape) for part in head]
    for _ in range(num_steps):
        scores = Z @ head[0] + head[1]
        scores = np.exp(scores - scores.max(1)[:, None])
        d = scores / scores.sum(1)[:, None]
        for i, label in enumerate(y):
            d[i, label] -= 1
        gradients = [Z.T @ d / len(y) + reg * head[0], d.mean(0)]
        for i in (0, 1):
            velocity[i] *= momentum
            velocity[i] -= learning_rate * gradients[i]
            head[i] += velocity[i]
    return fold_standardizer(head[0], head[1], mean, scale)


def parameter_groups(names, stages):
    groups = []
    for stage in stages:
        group = []
        for layer in stage:
            for name in names:
                *parts, _ = name.split(".")
                if ".".join(parts) == layer:
                    group.append(name)
        groups.append(group)
    return groups


def learning_rates(groups, base_rate, decay, num_frozen=0):
    rates = {}
    rate = base_rate
    for i in reversed(range(len(groups))):
        for name in groups[i]:
            rates[name] = 0 if i < num_frozen else rate
        rate = rate * decay
    return rates


def transfer_loss(forward, backward, params, X, y, reg, wanted):
    F = forward(params, X)
    loss, dW, db, dF = head_loss(params["head.weight"], params["head.bias"], F, y, reg)
    grads, trunk = {}, []
    for name in wanted:
        if name == "head.weight":
            grads[name] = dW
        elif name == "head.bias":
            grads[name] = db
        else:
            trunk.append(name)
    if trunk:
        for name, gradient in backward(dF, trunk).items():
            grads[name] = gradient
    return loss, grads


def fine_tune(loss_fn, params, X, y, rates, num_epochs, batch_size, rng, momentum=0.9):
    params = {name: np.array(value) for name, value in params.items()}
    velocity = {}
    losses = []
    for _ in range(num_epochs):
        waiting = list(rng.permutation(len(y)))
        while waiting:
            batch, waiting = waiting[:batch_size], waiting[batch_size:]
            wanted = [name for name in params if rates[name] != 0]
            loss, grads = loss_fn(params, X[batch], y[batch], wanted)
            losses.append(loss)
            for name in wanted:
                velocity[name] = momentum * velocity.get(name, 0.0) - rates[name] * grads[name]
                params[name] += velocity[name]
    return params, losses


def cheapest_good_enough(accuracies):
    best, best_mean, error = None, -math.inf, 0.0
    for name, runs in accuracies.items():
        mean = sum(runs) / len(runs)
        if mean > best_mean:
            best, best_mean, error = name, mean, 0.0
            if len(runs) > 1:
                squares = sum((run - mean) ** 2 for run in runs)
                error = math.sqrt(squares / (len(runs) - 1) / len(runs))
    for name, runs in accuracies.items():
        if sum(runs) / len(runs) >= best_mean - error:
            return name
    return best
